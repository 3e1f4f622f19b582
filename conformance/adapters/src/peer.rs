//! A peer that says what a dialogue says, octet by octet, and hears nothing else.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use smtp_tls::rustls::pki_types::ServerName;
use smtp_tls::rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection, StreamOwned};

use crate::socket::limit;
use crate::{Dialogue, Side, Turn};

/// One end of a connection, without an adapter.
pub struct Peer {
    side: Side,
    stream: Stream,
    rustls: Rustls,
}

/// How it makes TLS, on either side.
#[derive(Clone)]
pub(crate) struct Rustls {
    pub(crate) client: Arc<ClientConfig>,
    pub(crate) server: Arc<ServerConfig>,
}

enum Stream {
    Clear(TcpStream),
    Client(Box<StreamOwned<ClientConnection, TcpStream>>),
    Server(Box<StreamOwned<ServerConnection, TcpStream>>),
    Gone,
}

impl Peer {
    /// This end of a connected stream.
    pub(crate) fn new(side: Side, stream: TcpStream, rustls: Rustls) -> Self {
        limit(&stream);
        Self { side, stream: Stream::Clear(stream), rustls }
    }

    /// Plays its side of the dialogue.
    ///
    /// # Panics
    ///
    /// When the other side says anything else.
    pub fn play(&mut self, dialogue: &Dialogue) {
        for (number, turn) in dialogue.turns().iter().enumerate() {
            match turn {
                Turn::Said(side, octets) if *side == self.side => self.say(octets),
                Turn::Said(_, octets) => {
                    let heard = self.hear(octets.len());
                    let (heard, expected) = (heard.escape_ascii().to_string(), octets.escape_ascii().to_string());
                    assert_eq!(heard, expected, "heard in turn {number} by the {}", self.side);
                }
                Turn::Tls => self.start_tls(),
                Turn::Closes(side) if *side == self.side => self.close(),
                Turn::Closes(_) => self.hear_end(),
            }
        }
    }

    /// Waits for the other side to close.
    ///
    /// # Panics
    ///
    /// When it says anything before.
    pub fn end(mut self) {
        self.hear_end();
    }

    /// Says these octets.
    ///
    /// # Panics
    ///
    /// When they do not leave.
    pub fn say(&mut self, octets: &[u8]) {
        let stream: &mut dyn Write = match &mut self.stream {
            Stream::Clear(stream) => stream,
            Stream::Client(stream) => stream,
            Stream::Server(stream) => stream,
            Stream::Gone => return,
        };
        stream.write_all(octets).and_then(|()| stream.flush()).expect("the other side reads");
    }

    /// Hears so many octets, fewer if the other side closes.
    ///
    /// # Panics
    ///
    /// When they do not come.
    pub fn hear(&mut self, octets: usize) -> Vec<u8> {
        let stream: &mut dyn Read = match &mut self.stream {
            Stream::Clear(stream) => stream,
            Stream::Client(stream) => stream,
            Stream::Server(stream) => stream,
            Stream::Gone => return Vec::new(),
        };
        let mut heard = Vec::new();
        stream.take(octets as u64).read_to_end(&mut heard).expect("the other side speaks, or closes in good form");
        heard
    }

    /// Says nothing more. The other side may have closed already.
    pub fn close(&mut self) {
        let stream = match &mut self.stream {
            Stream::Clear(stream) => stream,
            Stream::Client(stream) => {
                stream.conn.send_close_notify();
                let _ = stream.flush();
                &mut stream.sock
            }
            Stream::Server(stream) => {
                stream.conn.send_close_notify();
                let _ = stream.flush();
                &mut stream.sock
            }
            Stream::Gone => return,
        };
        let _ = stream.shutdown(Shutdown::Write);
    }

    fn hear_end(&mut self) {
        let rest = self.hear(usize::MAX);
        assert_eq!(rest.escape_ascii().to_string(), "", "heard behind the end by the {}", self.side);
    }

    fn start_tls(&mut self) {
        let Stream::Clear(stream) = core::mem::replace(&mut self.stream, Stream::Gone) else {
            panic!("TLS begins once");
        };
        self.stream = match self.side {
            Side::Client => {
                let name = ServerName::try_from("mx.example").expect("a domain");
                let connection =
                    ClientConnection::new(Arc::clone(&self.rustls.client), name).expect("a usable configuration");
                Stream::Client(Box::new(StreamOwned::new(connection, stream)))
            }
            Side::Server => {
                let connection =
                    ServerConnection::new(Arc::clone(&self.rustls.server)).expect("a usable configuration");
                Stream::Server(Box::new(StreamOwned::new(connection, stream)))
            }
        };
    }
}

impl core::fmt::Debug for Peer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Peer").field("side", &self.side).finish_non_exhaustive()
    }
}
