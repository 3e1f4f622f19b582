//! Live sessions, written down as transcripts.

mod line;
mod mail;
mod recorder;
mod reply;
mod secret;

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::thread;

pub use recorder::{Recorder, Recording};

use crate::transcript::Side;

/// Stands between a client and the server at `to`, for one connection: hands on what each says, and writes it down.
///
/// # Errors
///
/// When nobody can be listened to, or the server cannot be reached. That a connection breaks later is part of the session.
pub fn proxy(listener: &TcpListener, to: &str, recorder: Recorder) -> io::Result<Recording> {
    let (client, _) = listener.accept()?;
    let server = TcpStream::connect(to).map_err(|error| io::Error::new(error.kind(), format!("{to}: {error}")))?;
    for socket in [&client, &server] {
        socket.set_nodelay(true)?;
    }
    let recorder = Mutex::new(recorder);
    thread::scope(|scope| {
        scope.spawn(|| hand_on(Side::Server, &server, &client, &recorder));
        hand_on(Side::Client, &client, &server, &recorder);
    });
    Ok(recorder.into_inner().unwrap_or_else(PoisonError::into_inner).finish())
}

/// Hands on what this side says, until it says nothing more.
fn hand_on(side: Side, mut from: &TcpStream, mut to: &TcpStream, recorder: &Mutex<Recorder>) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let octets = match from.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // A connection that broke is one that has ended.
            Err(_) => &[],
            Ok(length) => &buffer[..length],
        };
        let mut recorder = recorder.lock().unwrap_or_else(PoisonError::into_inner);
        // Written down before it is handed on: no reply can be there before its command.
        let said = if octets.is_empty() { recorder.end(side) } else { recorder.hear(side, octets) };
        drop(recorder);
        let is_gone = to.write_all(&said).is_err();
        if octets.is_empty() || is_gone {
            // The other direction goes on until its own end. If nobody listens any more, there is nothing to go on for.
            let _ = to.shutdown(Shutdown::Write);
            if is_gone {
                let _ = from.shutdown(Shutdown::Read);
            }
            return;
        }
    }
}
