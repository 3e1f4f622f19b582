//! The test kit: both runtimes, a peer that speaks raw octets over a blocking socket, servers on threads, and sessions
//! that keep what they get. Everything has a time limit.
#![allow(dead_code, unused_macros, unused_imports, reason = "each test program uses a part of the kit")]

#[path = "../../../smtp-tls/tests/kit/certificates.rs"]
pub(crate) mod certificates;

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use futures_lite::{AsyncReadExt, future};
#[cfg(feature = "async-std")]
use smtp_async_std::async_std::AsyncStd;
use smtp_async_std::proto::client;
use smtp_async_std::proto::reply::{Detail, Reply, ReplyCode};
use smtp_async_std::proto::server::{Config, Mail, Rcpt};
use smtp_async_std::smol::Smol;
use smtp_async_std::{
    Accept, Answer, Backend, BodyReader, Envelope, Handle, Peer as Address, Runtime, Server, Session,
};

/// Far longer than anything here takes; a test that waits so long fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A runtime, with what runs a future to its end, and what takes sockets over.
pub(crate) trait Runs: Runtime {
    fn block_on<T>(future: impl Future<Output = T>) -> T;
    fn socket(stream: TcpStream) -> Self::Socket;
    fn listener(listener: TcpListener) -> Self::Listener;
}

impl Runs for Smol {
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        smol::block_on(future)
    }

    fn socket(stream: TcpStream) -> Self::Socket {
        smol::Async::new(stream).expect("a socket").into()
    }

    fn listener(listener: TcpListener) -> Self::Listener {
        smol::Async::new(listener).expect("a socket").into()
    }
}

#[cfg(feature = "async-std")]
impl Runs for AsyncStd {
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        async_std::task::block_on(future)
    }

    fn socket(stream: TcpStream) -> Self::Socket {
        async_std::net::TcpStream::from(stream).into()
    }

    fn listener(listener: TcpListener) -> Self::Listener {
        async_std::net::TcpListener::from(listener).into()
    }
}

/// Makes tests of functions that are generic over the runtime: `on_smol::…` and, with that feature, `on_async_std::…`.
macro_rules! on_each_runtime {
    ($($test:ident),* $(,)?) => {
        mod on_smol {
            $(
                #[test]
                fn $test() {
                    super::$test::<smtp_async_std::smol::Smol>();
                }
            )*
        }

        #[cfg(feature = "async-std")]
        mod on_async_std {
            $(
                #[test]
                fn $test() {
                    super::$test::<smtp_async_std::async_std::AsyncStd>();
                }
            )*
        }
    };
}
pub(crate) use on_each_runtime;

/// Runs a future to its end, but not for ever.
pub(crate) fn run<R: Runs, T>(future: impl Future<Output = T>) -> T {
    R::block_on(within::<R, T>(PATIENCE, future)).expect("in time")
}

/// What comes of the future in this time.
pub(crate) async fn within<R: Runs, T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
    future::or(async { Some(future.await) }, async {
        R::sleep(time).await;
        None
    })
    .await
}

/// Waits until it is so, but not for ever.
pub(crate) fn until(condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "in time");
        thread::sleep(Duration::from_millis(1));
    }
}

/// One end of a connection, spoken to by the test.
pub(crate) struct Peer<S: Read = TcpStream> {
    stream: BufReader<S>,
}

impl Peer {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect_timeout(&address, PATIENCE).expect("the server listens"))
    }

    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        stream.set_write_timeout(Some(PATIENCE)).expect("a time limit");
        stream.set_nodelay(true).expect("no delay");
        Self { stream: BufReader::new(stream) }
    }

    /// Past EHLO.
    pub(crate) fn greeted(address: SocketAddr) -> Self {
        let mut peer = Self::connect(address);
        assert_eq!(peer.reply()[..4], *"220 ");
        assert_eq!(peer.ask("EHLO client.example")[..4], *"250-");
        peer
    }

    /// In a transaction for one recipient, after DATA was granted.
    pub(crate) fn in_data(address: SocketAddr) -> Self {
        let mut peer = Self::greeted(address);
        for (command, code) in
            [("MAIL FROM:<a@client.example>", "250"), ("RCPT TO:<b@mx.example>", "250"), ("DATA", "354")]
        {
            let reply = peer.ask(command);
            assert!(reply.starts_with(code), "{reply} to {command}");
        }
        peer
    }
}

#[cfg(unix)]
impl Peer<std::os::unix::net::UnixStream> {
    pub(crate) fn connect_unix(path: &std::path::Path) -> Self {
        let stream = std::os::unix::net::UnixStream::connect(path).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        Self { stream: BufReader::new(stream) }
    }
}

impl<S: Read + Write> Peer<S> {
    /// The stream, with what was read ahead of it lost.
    pub(crate) fn into_stream(self) -> S {
        self.stream.into_inner()
    }

    /// As a server: greets, and answers EHLO with PIPELINING.
    pub(crate) fn greet(&mut self) {
        self.say("220 mx.example\r\n");
        assert!(self.line().starts_with("EHLO"));
        self.say("250-mx.example\r\n250 PIPELINING\r\n");
    }

    /// As a server: takes the envelope of one mail for one recipient, and says what belongs to it.
    pub(crate) fn take_envelope(&mut self) {
        for command in ["MAIL", "RCPT", "DATA"] {
            let line = self.line();
            assert!(line.starts_with(command), "{line:?} instead of {command}");
        }
        self.say("250 ok\r\n250 ok\r\n354 go ahead\r\n");
    }

    /// As a server: takes one mail and says yes.
    pub(crate) fn take(&mut self) {
        self.take_envelope();
        self.data();
        self.say("250 taken\r\n");
    }

    /// Says octets as they are.
    pub(crate) fn say(&mut self, octets: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(octets.as_ref()).expect("the other side reads");
    }

    pub(crate) fn ask(&mut self, command: &str) -> String {
        self.say(format!("{command}\r\n"));
        self.reply()
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

    /// The next line, with its end. Empty at the end of the stream.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line");
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

    /// What comes until the other side closes or resets.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        if let Err(error) = self.stream.read_to_end(&mut rest) {
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        }
        String::from_utf8(rest).expect("text")
    }
}

/// A server of the test's own on a thread: a socket, and what it does there.
pub(crate) fn script<T: Send + 'static>(
    script: impl FnOnce(&dyn Fn() -> Peer) -> T + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = thread::spawn(move || script(&|| Peer::new(listener.accept().expect("a connection").0)));
    (address, server)
}

/// Waits for a thread.
pub(crate) fn join<T>(thread: JoinHandle<T>) -> T {
    until(|| thread.is_finished());
    thread.join().expect("no panic")
}

/// A server of this crate on a thread.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) handle: Handle,
    service: JoinHandle<io::Result<()>>,
}

impl Running {
    pub(crate) fn new<R: Runs>(config: Config, backend: impl Backend) -> Self {
        Self::of(bind::<R>(config), backend)
    }

    pub(crate) fn of<R: Runs>(server: Server<R>, backend: impl Backend) -> Self {
        let (address, handle) = (server.local_addr().expect("an address"), server.handle());
        Self { address, handle, service: thread::spawn(move || R::block_on(server.serve(backend))) }
    }

    /// Ends it, and waits for all of it.
    pub(crate) fn end(self) {
        self.handle.shutdown();
        join(self.service).expect("a usable configuration");
    }
}

pub(crate) fn bind<R: Runs>(config: Config) -> Server<R> {
    run::<R, _>(Server::bind("127.0.0.1:0", config)).expect("a port")
}

/// What sessions have kept.
pub(crate) type Kept = Arc<Mutex<Vec<(Vec<String>, Vec<u8>)>>>;

/// Takes every mail, but none for anybody who is called `nobody`.
#[derive(Clone, Default)]
pub(crate) struct Keeper(pub(crate) Kept);

impl Keeper {
    pub(crate) fn backend(&self) -> impl Backend + use<> {
        let keeper = self.clone();
        move |_: &Address| keeper.clone()
    }

    pub(crate) fn bodies(&self) -> Vec<Vec<u8>> {
        self.0.lock().expect("no panic").iter().map(|(_, body)| body.clone()).collect()
    }
}

impl Session for Keeper {
    async fn mail(&mut self, _: &Mail) -> Answer {
        future::yield_now().await;
        Ok(Accept::Usual)
    }

    async fn rcpt(&mut self, rcpt: &Rcpt) -> Answer {
        if rcpt.forward_path().as_str().starts_with("nobody@") {
            return Err(no_such_user().into());
        }
        Ok(Accept::Usual)
    }

    async fn data(&mut self, envelope: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        let mut octets = Vec::new();
        body.read_to_end(&mut octets).await?;
        self.0.lock().expect("no panic").push((envelope.recipients().to_vec(), octets));
        Ok(Accept::Usual)
    }
}

/// What a recipient is refused with who is called `nobody`.
pub(crate) fn no_such_user() -> Reply {
    Reply::new(ReplyCode::MAILBOX_UNAVAILABLE, Detail::BAD_DESTINATION_MAILBOX, "no such user")
}

pub(crate) fn server_config() -> Config {
    Config::new("mx.example").expect("a domain")
}

pub(crate) fn client_config() -> client::Config {
    client::Config::new("client.example").expect("a domain")
}

pub(crate) fn envelope() -> client::Envelope {
    client::Envelope::new("a@client.example").and_then(|mail| mail.to("b@mx.example")).expect("addresses")
}
