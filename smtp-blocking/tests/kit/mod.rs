//! The test kit: a peer that speaks raw octets over a real socket, and servers on threads. Every socket has a time
//! limit.
#![allow(dead_code, reason = "each test program uses a part of the kit")]

#[path = "../../../smtp-tls/tests/kit/certificates.rs"]
pub(crate) mod certificates;

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use smtp_blocking::proto::{client, server};
use smtp_blocking::rustls::pki_types::ServerName;
use smtp_blocking::rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection, StreamOwned};
use smtp_blocking::{Backend, Direction, Handle, Observer, Server};

/// Far longer than anything here takes; a test that waits so long fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One end of a connection, spoken to by the test.
pub(crate) struct Peer<S: Read = TcpStream> {
    stream: BufReader<S>,
}

impl Peer {
    pub(crate) fn connect(address: impl ToSocketAddrs) -> Self {
        Self::new(TcpStream::connect(address).expect("the server listens"))
    }

    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        stream.set_write_timeout(Some(PATIENCE)).expect("a time limit");
        stream.set_nodelay(true).expect("no delay");
        Self { stream: BufReader::new(stream) }
    }

    /// Past EHLO.
    pub(crate) fn greeted(address: impl ToSocketAddrs) -> Self {
        let mut peer = Self::connect(address);
        assert_eq!(peer.reply()[..4], *"220 ");
        assert_eq!(peer.ask("EHLO client.example")[..4], *"250-");
        peer
    }

    /// In a transaction for one recipient, after DATA was granted.
    pub(crate) fn in_data(address: impl ToSocketAddrs) -> Self {
        let mut peer = Self::greeted(address);
        peer.asks(&[("MAIL FROM:<a@client.example>", "250"), ("RCPT TO:<b@mx.example>", "250"), ("DATA", "354")]);
        peer
    }

    /// Goes on as the client of a TLS connection.
    pub(crate) fn into_tls_client(self, config: &Arc<ClientConfig>) -> Peer<StreamOwned<ClientConnection, TcpStream>> {
        let name = ServerName::try_from("mx.example").expect("a domain");
        let connection = ClientConnection::new(Arc::clone(config), name).expect("a usable configuration");
        Peer { stream: BufReader::new(StreamOwned::new(connection, self.stream.into_inner())) }
    }

    /// Goes on as the server of a TLS connection.
    pub(crate) fn into_tls_server(self, config: &Arc<ServerConfig>) -> Peer<StreamOwned<ServerConnection, TcpStream>> {
        let connection = ServerConnection::new(Arc::clone(config)).expect("a usable configuration");
        Peer { stream: BufReader::new(StreamOwned::new(connection, self.stream.into_inner())) }
    }

    /// Closes one direction.
    pub(crate) fn half_close(&mut self) {
        self.stream.get_mut().shutdown(Shutdown::Write).expect("the stream is open");
    }
}

impl<S: Read + Write> Peer<S> {
    /// The stream, with what was read ahead of it lost.
    pub(crate) fn into_stream(self) -> S {
        self.stream.into_inner()
    }

    pub(crate) fn stream(&mut self) -> &mut S {
        self.stream.get_mut()
    }

    /// Says octets as they are.
    pub(crate) fn say(&mut self, octets: impl AsRef<[u8]>) {
        let stream = self.stream.get_mut();
        stream.write_all(octets.as_ref()).and_then(|()| stream.flush()).expect("the other side reads");
    }

    /// Says a command and takes the reply.
    pub(crate) fn ask(&mut self, command: &str) -> String {
        self.say(format!("{command}\r\n"));
        self.reply()
    }

    /// Says commands, each of which gets a reply that begins so.
    pub(crate) fn asks(&mut self, dialogue: &[(&str, &str)]) {
        for (command, expected) in dialogue {
            let reply = self.ask(command);
            assert!(reply.starts_with(expected), "{reply:?} in answer to {command}");
        }
    }

    /// The next reply: its lines as they came, without the last CRLF. Empty at the end of the stream.
    pub(crate) fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let line = self.line();
            let is_last = line.as_bytes().get(3) != Some(&b'-');
            reply += &line;
            if is_last {
                return reply.trim_end_matches("\r\n").to_owned();
            }
        }
    }

    /// The next line, with its end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line in time");
        line
    }

    /// Everything up to and with the lone dot.
    pub(crate) fn data(&mut self) -> String {
        let mut data = String::new();
        while !data.ends_with("\r\n.\r\n") && data != ".\r\n" {
            let line = self.line();
            assert!(!line.is_empty(), "the stream ended in {data:?}");
            data += &line;
        }
        data
    }

    /// What comes until the other side closes.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).expect("the other side closes in time");
        String::from_utf8(rest).expect("text")
    }

    /// The same, of whatever octets, and by a reset, too.
    pub(crate) fn rest_octets(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        if let Err(error) = self.stream.read_to_end(&mut rest) {
            assert!(is_reset(&error), "{error}");
        }
        rest
    }

    /// Whether the connection is at its end, closed or reset.
    pub(crate) fn is_over(&mut self) -> bool {
        matches!(self.stream.fill_buf(), Ok([])) || self.stream.fill_buf().is_err_and(|error| is_reset(&error))
    }
}

fn is_reset(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe)
}

/// A server on its own thread, which is ended when this is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn new(server: Server, backend: impl Backend) -> Self {
        let (address, handle) = (server.local_addr(), server.handle());
        let thread = thread::spawn(move || server.serve(backend).expect("a usable configuration"));
        Self { address, handle, thread: Some(thread) }
    }

    /// Waits until `serve` has returned.
    pub(crate) fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().expect("a server does not panic");
        }
    }

    /// Whether `serve` has returned.
    pub(crate) fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.shutdown();
        if !thread::panicking() {
            self.join();
        }
    }
}

pub(crate) fn server_config() -> server::Config {
    let mut config = server::Config::new("mx.example").expect("a domain");
    config.timeouts.shutdown_grace = Duration::from_secs(2);
    config
}

pub(crate) fn bind(config: server::Config) -> Server {
    Server::bind("127.0.0.1:0", config).expect("a free port")
}

pub(crate) fn client_config() -> client::Config {
    client::Config::new("client.example").expect("a domain")
}

pub(crate) fn envelope(recipients: &[&str]) -> client::Envelope {
    let mut envelope = client::Envelope::new("a@client.example").expect("an address");
    for recipient in recipients {
        envelope.add_recipient(recipient).expect("an address");
    }
    envelope
}

/// A server that follows a script: one connection after the other, each served by `script` on one thread.
pub(crate) fn scripted(script: impl FnMut(Peer) + Send + 'static) -> (SocketAddr, JoinHandle<()>) {
    scripted_times(1, script)
}

/// As [`scripted`], for so many connections.
pub(crate) fn scripted_times(
    count: usize,
    mut script: impl FnMut(Peer) + Send + 'static,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let thread = thread::spawn(move || {
        for _ in 0..count {
            script(Peer::new(listener.accept().expect("a connection").0));
        }
    });
    (address, thread)
}

/// What an observer saw: each read or write is an entry.
#[derive(Clone, Default)]
pub(crate) struct Traffic(Arc<Mutex<Vec<(Direction, String)>>>);

impl Traffic {
    pub(crate) fn observer(&self) -> impl Observer + use<> {
        let seen = Arc::clone(&self.0);
        move |direction: Direction, octets: &[u8]| {
            let text = String::from_utf8_lossy(octets).into_owned();
            seen.lock().expect("no panic").push((direction, text));
        }
    }

    pub(crate) fn all(&self) -> Vec<(Direction, String)> {
        self.0.lock().expect("no panic").clone()
    }

    /// The writes.
    pub(crate) fn sent(&self) -> Vec<String> {
        self.all().into_iter().filter(|(direction, _)| *direction == Direction::Sent).map(|(_, text)| text).collect()
    }
}
