//! The test kit: a peer that speaks raw octets, servers, and sessions that keep what they get. Everything has a time
//! limit.
#![allow(dead_code, reason = "each test program uses a part of the kit")]

#[path = "../../../smtp-tls/tests/kit/certificates.rs"]
pub(crate) mod certificates;

use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::sync::{Arc, Mutex};

use smtp_tokio::proto::client;
use smtp_tokio::proto::server::{Config, Mail, Rcpt};
use smtp_tokio::{Accept, Answer, Backend, BodyReader, Envelope, Handle, Peer as Address, Server, Session};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Far longer than anything here takes; a test that waits so long fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits, but not for ever.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("in time")
}

/// One end of a connection, spoken to by the test.
pub(crate) struct Peer {
    stream: BufReader<TcpStream>,
}

impl Peer {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::new(within(TcpStream::connect(address)).await.expect("the server listens"))
    }

    /// The next one that connects.
    pub(crate) async fn accept(listener: &TcpListener) -> Self {
        Self::new(within(listener.accept()).await.expect("a connection").0)
    }

    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("no delay");
        Self { stream: BufReader::new(stream) }
    }

    /// Past EHLO.
    pub(crate) async fn greeted(address: SocketAddr) -> Self {
        let mut peer = Self::connect(address).await;
        assert_eq!(peer.reply().await[..4], *"220 ");
        assert_eq!(peer.ask("EHLO client.example").await[..4], *"250-");
        peer
    }

    /// In a transaction for one recipient, after DATA was granted.
    pub(crate) async fn in_data(address: SocketAddr) -> Self {
        let mut peer = Self::greeted(address).await;
        for (command, code) in
            [("MAIL FROM:<a@client.example>", "250"), ("RCPT TO:<b@mx.example>", "250"), ("DATA", "354")]
        {
            let reply = peer.ask(command).await;
            assert!(reply.starts_with(code), "{reply} to {command}");
        }
        peer
    }

    /// As a server: greets, and answers EHLO with PIPELINING.
    pub(crate) async fn greet(&mut self) {
        self.say("220 mx.example\r\n").await;
        assert!(self.line().await.starts_with("EHLO"));
        self.say("250-mx.example\r\n250 PIPELINING\r\n").await;
    }

    /// As a server: takes the envelope of one mail for one recipient, and says what belongs to it.
    pub(crate) async fn take_envelope(&mut self) {
        for command in ["MAIL", "RCPT", "DATA"] {
            let line = self.line().await;
            assert!(line.starts_with(command), "{line:?} instead of {command}");
        }
        self.say("250 ok\r\n250 ok\r\n354 go ahead\r\n").await;
    }

    /// Says octets as they are.
    pub(crate) async fn say(&mut self, octets: impl AsRef<[u8]>) {
        within(self.stream.get_mut().write_all(octets.as_ref())).await.expect("the other side reads");
    }

    pub(crate) async fn ask(&mut self, command: &str) -> String {
        self.say(format!("{command}\r\n")).await;
        self.reply().await
    }

    /// The next reply: its lines as they came, without the last CRLF. Empty at the end of the stream.
    pub(crate) async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let line = self.line().await;
            let is_last = line.as_bytes().get(3) != Some(&b'-');
            reply += &line;
            if is_last {
                return reply.trim_end_matches("\r\n").to_owned();
            }
        }
    }

    /// The next line, with its end. Empty at the end of the stream.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        within(self.stream.read_line(&mut line)).await.expect("a line");
        line
    }

    /// Everything up to and with the lone dot.
    pub(crate) async fn data(&mut self) -> String {
        let mut data = String::new();
        while !data.ends_with("\r\n.\r\n") && data != ".\r\n" {
            let line = self.line().await;
            assert!(!line.is_empty(), "the stream ended in {data:?}");
            data += &line;
        }
        data
    }

    /// What comes until the other side closes or resets.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        if let Err(error) = within(self.stream.read_to_end(&mut rest)).await {
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        }
        String::from_utf8(rest).expect("text")
    }
}

/// A server of this crate on a task.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) handle: Handle,
    service: JoinHandle<io::Result<()>>,
}

impl Running {
    pub(crate) async fn new(config: Config, backend: impl Backend) -> Self {
        Self::of(Server::bind("127.0.0.1:0", config).await.expect("a port"), backend)
    }

    pub(crate) fn of(server: Server, backend: impl Backend) -> Self {
        let (address, handle) = (server.local_addr().expect("an address"), server.handle());
        Self { address, handle, service: tokio::spawn(server.serve(backend)) }
    }

    /// Ends it, and waits for all of it.
    pub(crate) async fn end(self) {
        self.handle.shutdown();
        within(self.service).await.expect("no panic").expect("a usable configuration");
    }
}

/// What sessions have kept.
pub(crate) type Kept = Arc<Mutex<Vec<(Vec<String>, Vec<u8>)>>>;

/// Takes every mail.
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
        Ok(Accept::Usual)
    }

    async fn rcpt(&mut self, _: &Rcpt) -> Answer {
        Ok(Accept::Usual)
    }

    async fn data(&mut self, envelope: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        let mut octets = Vec::new();
        body.read_to_end(&mut octets).await?;
        self.0.lock().expect("no panic").push((envelope.recipients().to_vec(), octets));
        Ok(Accept::Usual)
    }
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
