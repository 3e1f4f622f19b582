//! The server against a peer that speaks raw octets.

mod kit;

use core::num::{NonZeroU32, NonZeroUsize};
use core::time::Duration;
use std::sync::{Arc, Mutex};

use kit::{Keeper, PATIENCE, Peer, Running, client_config, server_config, within};
use smtp_tokio::proto::client;
use smtp_tokio::proto::server::{Config, Mail, Rcpt};
use smtp_tokio::{Accept, Answer, BodyReader, Client, Envelope, Peer as Address, Reject, Server, Session};
use tokio::io::AsyncReadExt;
use tokio::net::TcpSocket;
use tokio::sync::Semaphore;

/// What a session was told.
type Log = Arc<Mutex<Vec<&'static str>>>;

/// Panics, dawdles or refuses, as the local part says.
struct Moody {
    log: Log,
    /// A message waits for one of these before it is answered.
    leave: Arc<Semaphore>,
}

impl Moody {
    fn note(&self, what: &'static str) {
        self.log.lock().expect("no panic").push(what);
    }
}

impl Session for Moody {
    async fn mail(&mut self, mail: &Mail) -> Answer {
        match mail.reverse_path().as_str() {
            "panics@client.example" => panic!("as it was told"),
            "dawdles@client.example" => tokio::time::sleep(PATIENCE).await,
            "leaves@client.example" => return Err(Reject::disconnect()),
            _ => tokio::task::yield_now().await,
        }
        Ok(Accept::Usual)
    }

    async fn rcpt(&mut self, _: &Rcpt) -> Answer {
        Ok(Accept::Usual)
    }

    async fn data(&mut self, _: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        tokio::io::copy(body, &mut tokio::io::sink()).await?;
        self.note("asked");
        self.leave.acquire().await.map_err(std::io::Error::other)?.forget();
        self.note("accepted");
        Ok(Accept::Usual)
    }

    async fn revoked(&mut self) {
        self.note("revoked");
    }
}

async fn moody(config: Config, leave: usize) -> (Running, Log, Arc<Semaphore>) {
    let (log, leave) = (Log::default(), Arc::new(Semaphore::new(leave)));
    let backend = {
        let (log, leave) = (Arc::clone(&log), Arc::clone(&leave));
        move |_: &Address| Moody { log: Arc::clone(&log), leave: Arc::clone(&leave) }
    };
    (Running::new(config, backend).await, log, leave)
}

fn entries(log: &Log) -> Vec<&'static str> {
    log.lock().expect("no panic").clone()
}

async fn until(condition: impl Fn() -> bool) {
    within(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// A panic is answered with 451, the next command with 421, and other connections do not notice.
#[tokio::test]
async fn panics_end_one_connection() {
    let (server, ..) = moody(server_config(), 0).await;
    let mut other = Peer::greeted(server.address).await;
    let mut peer = Peer::greeted(server.address).await;
    assert!(peer.ask("MAIL FROM:<panics@client.example>").await.starts_with("451 "));
    assert!(peer.ask("MAIL FROM:<a@client.example>").await.starts_with("421 "));
    assert_eq!(peer.rest().await, "");
    assert!(other.ask("MAIL FROM:<a@client.example>").await.starts_with("250 "));
    drop(other);
    server.end().await;
}

/// R-4.5.3.2-01: a session that dawdles does not keep the client: 451 comes in time, while the method still runs.
#[tokio::test]
async fn dawdling_is_answered() {
    let mut config = server_config();
    config.timeouts.decision = Duration::from_millis(50);
    let (server, ..) = moody(config, 0).await;
    let mut peer = Peer::greeted(server.address).await;
    assert!(peer.ask("MAIL FROM:<dawdles@client.example>").await.starts_with("451 "));
}

/// A yes to a message that comes too late is revoked: the client was not told 250.
#[tokio::test]
async fn late_answer_is_revoked() {
    let mut config = server_config();
    config.timeouts.decision = Duration::from_millis(50);
    let (server, log, leave) = moody(config, 0).await;
    let mut peer = Peer::in_data(server.address).await;
    peer.say("Hello\r\n.\r\n").await;
    until(|| !entries(&log).is_empty()).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    leave.add_permits(1);
    assert!(peer.reply().await.starts_with("451 "));
    assert_eq!(entries(&log), ["asked", "accepted", "revoked"]);
    server.end().await;
}

/// A session may close the connection without an answer.
#[tokio::test]
async fn disconnects() {
    let (server, ..) = moody(server_config(), 0).await;
    let mut peer = Peer::greeted(server.address).await;
    assert_eq!(peer.ask("MAIL FROM:<leaves@client.example>").await, "");
    server.end().await;
}

/// R-3.8-02, REL-10: at the end of the service clients between two mails are told 421, and a mail in progress gets its
/// verdict, also when the session takes its time.
#[tokio::test]
async fn shutdown_cuts_no_mail() {
    let mut config = server_config();
    config.timeouts.shutdown_grace = PATIENCE;
    let (server, log, leave) = moody(config, 0).await;
    let mut fresh = Peer::connect(server.address).await;
    assert!(fresh.reply().await.starts_with("220 "));
    let mut idle = Peer::greeted(server.address).await;
    let mut sending = Peer::in_data(server.address).await;
    let mut deciding = Peer::in_data(server.address).await;
    deciding.say("Hello\r\n.\r\n").await;
    until(|| !entries(&log).is_empty()).await;
    server.handle.shutdown();
    for peer in [&mut fresh, &mut idle] {
        assert!(peer.reply().await.starts_with("421 4.3.2 mx.example "));
        assert_eq!(peer.rest().await, "");
    }
    sending.say("Hello\r\n.\r\n").await;
    leave.add_permits(2);
    for peer in [&mut sending, &mut deciding] {
        assert!(peer.reply().await.starts_with("250 "));
        assert!(peer.reply().await.starts_with("421 "));
        assert_eq!(peer.rest().await, "");
    }
    server.end().await;
}

/// REL-10: a peer that does not come to an end is cut when the grace is over.
#[tokio::test]
async fn grace_ends() {
    let mut config = server_config();
    config.timeouts.shutdown_grace = Duration::from_millis(50);
    let (server, ..) = moody(config, 0).await;
    let mut peer = Peer::in_data(server.address).await;
    peer.say("half a").await;
    server.end().await;
    assert!(peer.rest().await.starts_with("421 "));
}

/// RES-01: whoever is too many is told so, and the place of whoever leaves is free.
#[tokio::test]
async fn caps() {
    let keeper = Keeper::default();
    let two = NonZeroUsize::new(2).expect("not 0");
    let server = Server::bind("127.0.0.1:0", server_config()).await.expect("a port").with_caps(two, NonZeroUsize::MIN);
    let server = Running::of(server, keeper.backend());
    let first = Peer::greeted(server.address).await;
    assert!(Peer::connect(server.address).await.reply().await.starts_with("421 "));
    drop(first);
    within(async { while Peer::connect(server.address).await.reply().await.starts_with("421 ") {} }).await;
    server.end().await;
}

/// Two listeners of one server: each has its configuration, and the session learns through which a client came.
#[tokio::test]
#[cfg(unix)]
async fn many_listeners() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let unix = tokio::net::UnixListener::bind(&path).expect("a socket");
    let server = Server::bind("127.0.0.1:0", server_config()).await.expect("a port");
    let server = server.with_listener(unix, Config::new("unix.example").expect("a domain")).expect("a configuration");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keeper = Keeper::default();
    let backend = {
        let seen = Arc::clone(&seen);
        move |peer: &Address| {
            seen.lock().expect("no panic").push((peer.listener, peer.address.is_some()));
            keeper.clone()
        }
    };
    let server = Running::of(server, backend);
    let _tcp = Peer::greeted(server.address).await;
    let mut stream = tokio::net::UnixStream::connect(&path).await.expect("it listens");
    let mut greeting = [0; 17];
    within(stream.read_exact(&mut greeting)).await.expect("a greeting");
    assert_eq!(&greeting, b"220 unix.example ");
    assert_eq!(*seen.lock().expect("no panic"), [(0, true), (1, false)]);
    server.end().await;
}

/// REL-10: client and server both write through sockets with small buffers, 10,000 recipients and their answers,
/// and neither waits for the other.
#[tokio::test]
async fn both_write() {
    let mut config = server_config();
    config.limits.recipients = NonZeroU32::MAX;
    let listener = tiny();
    listener.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let keeper = Keeper::default();
    let server = Server::new(listener.listen(16).expect("a listener"), config).expect("a configuration");
    let server = Running::of(server, keeper.backend());
    let mut config = client_config();
    config.limits.unanswered = NonZeroUsize::MAX;
    let stream = within(tiny().connect(server.address)).await.expect("it listens");
    let mut client = Client::from_stream(stream, config).expect("a configuration");
    let mut envelope = client::Envelope::new("a@client.example").expect("an address");
    for number in 0..10_000 {
        envelope = envelope.to(&format!("{number}@mx.example")).expect("an address");
    }
    let outcome = within(client.send(envelope, &b"Hello\r\n"[..])).await.expect("it was tried");
    assert_eq!(outcome.summary(), client::Summary::Accepted, "{:?}", outcome.failure());
    assert_eq!(keeper.0.lock().expect("no panic")[0].0.len(), 10_000);
    drop(client);
    server.end().await;
}

/// A socket with small buffers.
fn tiny() -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_send_buffer_size(4096).and_then(|()| socket.set_recv_buffer_size(4096)).expect("small buffers");
    socket
}
