//! A network between two peers that fails once.

use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use socket2::SockRef;

use crate::{PATIENCE, Side};

/// What fails, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Whose octets it happens to.
    pub from: Side,
    /// How many of them still come through.
    pub behind: usize,
    /// What happens.
    pub kind: FaultKind,
}

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// The other side reads its end. What it says still comes through.
    End,
    /// Both sides are reset.
    Reset,
    /// Nothing more comes through this way, and the connection stays.
    Silence,
    /// Every further octet comes by itself.
    SingleOctets,
}

/// Forwards one connection to a server.
#[derive(Debug)]
pub struct FaultyWay {
    address: SocketAddr,
    thread: JoinHandle<[usize; 2]>,
}

/// How long a direction waits before it looks whether the other one has ended the connection.
const GLANCE: Duration = Duration::from_millis(1);

impl FaultyWay {
    /// To this server, for the next connection, which fails like this.
    ///
    /// # Panics
    ///
    /// When there is no port.
    #[must_use]
    pub fn new(server: SocketAddr, fault: Option<Fault>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let thread = thread::spawn(move || {
            let client = listener.accept().expect("a client").0;
            let server = TcpStream::connect(server).expect("the server listens");
            forward(&client, &server, fault)
        });
        Self { address, thread }
    }

    /// Where it listens, once.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until both sides have closed. How many octets came from the client and from the server.
    ///
    /// # Panics
    ///
    /// When they do not come to an end.
    #[must_use]
    pub fn end(self) -> [usize; 2] {
        self.thread.join().expect("both sides come to an end")
    }
}

/// Forwards until both directions are over. Closing is left to the caller, who holds the only handles.
fn forward(client: &TcpStream, server: &TcpStream, fault: Option<Fault>) -> [usize; 2] {
    for stream in [client, server] {
        stream.set_nodelay(true).expect("no delay");
        stream.set_read_timeout(Some(GLANCE)).expect("a time limit");
        stream.set_write_timeout(Some(PATIENCE)).expect("a time limit");
    }
    let is_over = AtomicBool::new(false);
    let [of_client, of_server] = [Side::Client, Side::Server].map(|side| fault.filter(|fault| fault.from == side));
    let counts = thread::scope(|scope| {
        let up = scope.spawn(|| one_way(client, server, of_client, &is_over));
        let down = one_way(server, client, of_server, &is_over);
        [up.join().expect("no panic"), down]
    });
    if matches!(fault, Some(Fault { kind: FaultKind::Reset, .. })) {
        for stream in [client, server] {
            // Closing resets the connection.
            SockRef::from(stream).set_linger(Some(Duration::ZERO)).expect("an option");
        }
    }
    counts
}

/// Forwards one direction up to its end, or that of the connection. How many octets came.
fn one_way(mut from: &TcpStream, mut to: &TcpStream, fault: Option<Fault>, is_over: &AtomicBool) -> usize {
    let mut came = 0;
    let mut buffer = [0; 4096];
    while !is_over.load(Ordering::SeqCst) {
        let count = match from.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            // A reset on this side is one on the other.
            Err(_) => 0,
        };
        let octets = &buffer[..count];
        let before = fault.map_or(count, |fault| fault.behind.saturating_sub(came).min(count));
        came += count;
        let is_written = to.write_all(&octets[..before]).is_ok();
        if count == 0 || !is_written {
            // Who has closed hears nothing more either: neither role goes on with half a connection.
            let _ = to.shutdown(Shutdown::Write);
            is_over.store(true, Ordering::SeqCst);
            break;
        }
        match fault {
            Some(fault) if came > fault.behind || (came == fault.behind && fault.kind != FaultKind::SingleOctets) => {
                match fault.kind {
                    FaultKind::SingleOctets => {
                        for octet in &octets[before..] {
                            let _ = to.write_all(&[*octet]);
                        }
                    }
                    FaultKind::Reset => is_over.store(true, Ordering::SeqCst),
                    FaultKind::End => {
                        let _ = to.shutdown(Shutdown::Write);
                        swallow(from, is_over);
                    }
                    FaultKind::Silence => swallow(from, is_over),
                }
            }
            _ => {}
        }
    }
    came
}

/// Takes what comes and lets nothing through, until the connection is over.
fn swallow(mut from: &TcpStream, is_over: &AtomicBool) {
    let mut buffer = [0; 4096];
    while !is_over.load(Ordering::SeqCst) {
        match from.read(&mut buffer) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Ok(1..) => {}
            Ok(0) | Err(_) => is_over.store(true, Ordering::SeqCst),
        }
    }
}
