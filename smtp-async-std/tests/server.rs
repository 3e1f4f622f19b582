//! The server against a peer that speaks raw octets.

mod kit;

use core::net::{Ipv4Addr, SocketAddr};
use core::num::{NonZeroU32, NonZeroUsize};
use core::time::Duration;
use std::sync::{Arc, Mutex};
use std::thread;

use async_lock::Semaphore;
use futures_lite::{future, io};
use kit::{Keeper, PATIENCE, Peer, Running, Runs, bind, client_config, on_each_runtime, run, server_config, until};
use smtp_async_std::proto::client;
use smtp_async_std::proto::server::{Config, Hello, Mail, Rcpt};
use smtp_async_std::{
    Accept, Answer, BodyReader, Client, Direction, Envelope, Peer as Address, Reject, Server, Session,
};
use socket2::{Domain, Socket, Type};

on_each_runtime!(
    panics_end_one_connection,
    panics_of_others_end_one_connection,
    dawdling_is_answered,
    late_answer_is_revoked,
    disconnects,
    shutdown_tells_the_idle,
    shutdown_cuts_no_mail,
    grace_ends,
    busy_sessions_are_cut,
    caps,
    both_write,
);

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
            "dawdles@client.example" => future::pending().await,
            "leaves@client.example" => return Err(Reject::disconnect()),
            _ => future::yield_now().await,
        }
        Ok(Accept::Usual)
    }

    async fn rcpt(&mut self, _: &Rcpt) -> Answer {
        Ok(Accept::Usual)
    }

    async fn data(&mut self, _: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        io::copy(body, &mut io::sink()).await?;
        self.note("asked");
        self.leave.acquire().await.forget();
        self.note("accepted");
        Ok(Accept::Usual)
    }

    async fn revoked(&mut self) {
        self.note("revoked");
    }
}

impl Drop for Moody {
    fn drop(&mut self) {
        // Whoever waits for it waits for all of it.
        thread::sleep(Duration::from_millis(20));
        self.note("dropped");
    }
}

fn moody<R: Runs>(config: Config) -> (Running, Log, Arc<Semaphore>) {
    let (log, leave) = (Log::default(), Arc::new(Semaphore::new(0)));
    let backend = {
        let (log, leave) = (Arc::clone(&log), Arc::clone(&leave));
        move |_: &Address| Moody { log: Arc::clone(&log), leave: Arc::clone(&leave) }
    };
    (Running::new::<R>(config, backend), log, leave)
}

fn entries(log: &Log) -> Vec<&'static str> {
    log.lock().expect("no panic").clone()
}

/// A server whose grace no test waits for.
fn patient() -> Config {
    let mut config = server_config();
    config.timeouts.shutdown_grace = PATIENCE;
    config
}

/// A panic is answered with 451, the next command with 421, and other connections do not notice.
fn panics_end_one_connection<R: Runs>() {
    let (server, ..) = moody::<R>(server_config());
    let mut other = Peer::greeted(server.address);
    let mut peer = Peer::greeted(server.address);
    assert!(peer.ask("MAIL FROM:<panics@client.example>").starts_with("451 "));
    assert!(peer.ask("MAIL FROM:<a@client.example>").starts_with("421 "));
    assert_eq!(peer.rest(), "");
    assert!(other.ask("MAIL FROM:<a@client.example>").starts_with("250 "));
    drop(other);
    server.end();
}

/// Panics outside of the methods of a session: where it is made, in its destructor, in an observer. Each ends its own
/// connection, and the threads that it ran on serve others.
fn panics_of_others_end_one_connection<R: Runs>() {
    struct Fragile;

    impl Session for Fragile {
        async fn hello(&mut self, hello: &Hello) -> Answer {
            assert_ne!(hello.name(), "hello.panics.example");
            Ok(Accept::Usual)
        }

        async fn mail(&mut self, _: &Mail) -> Answer {
            Ok(Accept::Usual)
        }

        async fn rcpt(&mut self, _: &Rcpt) -> Answer {
            Ok(Accept::Usual)
        }

        async fn data(&mut self, _: &Envelope, _: &mut BodyReader<'_>) -> Answer {
            Ok(Accept::Usual)
        }
    }

    impl Drop for Fragile {
        fn drop(&mut self) {
            if !thread::panicking() {
                panic!("as it was told");
            }
        }
    }

    let server = bind::<R>(patient()).with_observer(|_| {
        |direction, octets: &[u8]| {
            assert!(direction == Direction::Sent || octets != b"NOOP observer\r\n", "as it was told");
        }
    });
    let made = Mutex::new(0);
    let server = Running::of::<R>(server, move |_: &Address| {
        let number = {
            let mut made = made.lock().expect("no panic while it is held");
            *made += 1;
            *made
        };
        assert_ne!(number, 1, "as it was told");
        Fragile
    });
    let mut unmade = Peer::connect(server.address);
    assert!(unmade.reply().starts_with("421 "));
    for _ in 0..20 {
        let mut peer = Peer::greeted(server.address);
        assert_eq!(peer.ask("NOOP observer"), "");
        let mut peer = Peer::greeted(server.address);
        assert!(peer.ask("QUIT").starts_with("221 "));
        assert_eq!(peer.rest(), "");
        let mut peer = Peer::connect(server.address);
        peer.reply();
        assert!(peer.ask("EHLO hello.panics.example").starts_with("451 "));
    }
    // Every place was given back: else this would take as long as the grace.
    server.end();
}

/// R-4.5.3.2-01: a session that dawdles does not keep the client: 451 comes in time, while the method still runs.
fn dawdling_is_answered<R: Runs>() {
    let mut config = server_config();
    config.timeouts.decision = Duration::from_millis(50);
    let (server, ..) = moody::<R>(config);
    let mut peer = Peer::greeted(server.address);
    assert!(peer.ask("MAIL FROM:<dawdles@client.example>").starts_with("451 "));
}

/// A yes to a message that comes too late is revoked: the client was not told 250.
fn late_answer_is_revoked<R: Runs>() {
    let mut config = server_config();
    config.timeouts.decision = Duration::from_millis(50);
    let (server, log, leave) = moody::<R>(config);
    let mut peer = Peer::in_data(server.address);
    peer.say("Hello\r\n.\r\n");
    until(|| !entries(&log).is_empty());
    thread::sleep(Duration::from_millis(100));
    leave.add_permits(1);
    assert!(peer.reply().starts_with("451 "));
    until(|| entries(&log).len() == 3);
    assert_eq!(entries(&log), ["asked", "accepted", "revoked"]);
    server.end();
}

/// A session may close the connection without an answer.
fn disconnects<R: Runs>() {
    let (server, ..) = moody::<R>(server_config());
    let mut peer = Peer::greeted(server.address);
    assert_eq!(peer.ask("MAIL FROM:<leaves@client.example>"), "");
    server.end();
}

/// R-3.8-02, REL-10: at the end of the service clients between two mails are told 421 at once, before EHLO and after, and
/// `serve` returns when the last session is dropped.
fn shutdown_tells_the_idle<R: Runs>() {
    let mut config = patient();
    config.timeouts.buffers = Duration::from_millis(10);
    let (server, log, _) = moody::<R>(config);
    let mut fresh = Peer::connect(server.address);
    assert!(fresh.reply().starts_with("220 "));
    let mut idle = Peer::greeted(server.address);
    // By now their tasks have nothing to do for minutes, and have to be woken.
    thread::sleep(Duration::from_millis(200));
    server.handle.shutdown();
    for peer in [&mut fresh, &mut idle] {
        assert!(peer.reply().starts_with("421 4.3.2 mx.example "));
        assert_eq!(peer.rest(), "");
    }
    drop((fresh, idle));
    server.end();
    assert_eq!(entries(&log), ["dropped", "dropped"]);
}

/// REL-10: at the end of the service a mail in progress gets its verdict, also when the session takes its time.
fn shutdown_cuts_no_mail<R: Runs>() {
    let (server, log, leave) = moody::<R>(patient());
    let mut sending = Peer::in_data(server.address);
    let mut deciding = Peer::in_data(server.address);
    deciding.say("Hello\r\n.\r\n");
    until(|| !entries(&log).is_empty());
    server.handle.shutdown();
    sending.say("Hello\r\n.\r\n");
    leave.add_permits(2);
    for peer in [&mut sending, &mut deciding] {
        assert!(peer.reply().starts_with("250 "));
        assert!(peer.reply().starts_with("421 "));
        assert_eq!(peer.rest(), "");
    }
    server.end();
}

/// REL-10: a peer that does not come to an end is cut when the grace is over.
fn grace_ends<R: Runs>() {
    let mut config = server_config();
    config.timeouts.shutdown_grace = Duration::from_millis(50);
    let (server, ..) = moody::<R>(config);
    let mut peer = Peer::in_data(server.address);
    peer.say("half a");
    server.end();
    assert!(peer.rest().starts_with("421 "));
}

/// REL-10: a session that does not come to an end is cut with its connection, soon after the grace.
fn busy_sessions_are_cut<R: Runs>() {
    let mut config = server_config();
    config.timeouts.shutdown_grace = Duration::from_millis(50);
    let (server, log, _) = moody::<R>(config);
    let mut peer = Peer::greeted(server.address);
    peer.say("MAIL FROM:<dawdles@client.example>\r\n");
    thread::sleep(Duration::from_millis(100));
    server.end();
    peer.rest();
    until(|| entries(&log) == ["dropped"]);
}

/// RES-01: whoever is too many is told so, and the place of whoever leaves is free.
fn caps<R: Runs>() {
    let keeper = Keeper::default();
    let two = NonZeroUsize::new(2).expect("not 0");
    let server = Running::of::<R>(bind::<R>(server_config()).with_caps(two, NonZeroUsize::MIN), keeper.backend());
    let first = Peer::greeted(server.address);
    assert!(Peer::connect(server.address).reply().starts_with("421 "));
    drop(first);
    until(|| !Peer::connect(server.address).reply().starts_with("421 "));
    server.end();
}

/// REL-10: client and server both write through sockets with small buffers, 10,000 recipients and their answers,
/// and neither waits for the other.
fn both_write<R: Runs>() {
    let mut config = server_config();
    config.limits.recipients = NonZeroU32::MAX;
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into();
    let listener = tiny();
    listener.bind(&any).and_then(|()| listener.listen(16)).expect("a port");
    let server = Server::<R>::new(R::listener(listener.into()), config).expect("a configuration");
    let keeper = Keeper::default();
    let server = Running::of::<R>(server, keeper.backend());
    let stream = tiny();
    stream.connect(&server.address.into()).expect("it listens");
    let mut config = client_config();
    config.limits.unanswered = NonZeroUsize::MAX;
    let mut envelope = client::Envelope::new("a@client.example").expect("an address");
    for number in 0..10_000 {
        envelope = envelope.to(&format!("{number}@mx.example")).expect("an address");
    }
    run::<R, _>(async {
        let mut client = Client::<R>::from_stream(R::socket(stream.into()), config).expect("a configuration");
        let outcome = client.send(envelope, &b"Hello\r\n"[..]).await.expect("it was tried");
        assert_eq!(outcome.summary(), client::Summary::Accepted, "{:?}", outcome.failure());
    });
    assert_eq!(keeper.0.lock().expect("no panic")[0].0.len(), 10_000);
    server.end();
}

/// A socket with small buffers.
fn tiny() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_send_buffer_size(4096).and_then(|()| socket.set_recv_buffer_size(4096)).expect("small buffers");
    socket
}

#[cfg(unix)]
mod unix {
    use super::*;

    /// Two listeners of one server: each has its configuration, and the session learns through which a client came. A
    /// client of this crate sends over a Unix socket as well.
    fn many_listeners<R: Runs<Listener: From<L>, Socket: From<S>>, L, S>(
        listen: impl FnOnce(&std::path::Path) -> L,
        connect: impl FnOnce(&std::path::Path) -> S,
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let unix = Config::new("unix.example").expect("a domain");
        let server: Server<R> = bind(server_config()).with_listener(listen(&path), unix).expect("a configuration");
        let (seen, keeper) = (Arc::new(Mutex::new(Vec::new())), Keeper::default());
        let backend = {
            let (seen, keeper) = (Arc::clone(&seen), keeper.clone());
            move |peer: &Address| {
                seen.lock().expect("no panic").push((peer.listener, peer.address.is_some()));
                keeper.clone()
            }
        };
        let server = Running::of::<R>(server, backend);
        let tcp = Peer::greeted(server.address);
        let mut raw = Peer::connect_unix(&path);
        assert!(raw.reply().starts_with("220 unix.example "));
        assert_eq!(*seen.lock().expect("no panic"), [(0, true), (1, false)]);
        run::<R, _>(async {
            let mut client = Client::<R>::from_stream(connect(&path), client_config()).expect("a configuration");
            let outcome = client.send(kit::envelope(), &b"Hello\r\n"[..]).await.expect("it was tried");
            assert_eq!(outcome.summary(), client::Summary::Accepted);
        });
        assert_eq!(keeper.bodies(), [b"Hello\r\n"]);
        drop((tcp, raw));
        server.end();
    }

    #[test]
    fn many_listeners_on_smol() {
        use smol::net::unix::{UnixListener, UnixStream};
        use smtp_async_std::smol::Smol;

        let connect = |path: &std::path::Path| run::<Smol, _>(UnixStream::connect(path)).expect("it listens");
        many_listeners::<Smol, _, _>(|path| UnixListener::bind(path).expect("a socket"), connect);
    }

    #[cfg(feature = "async-std")]
    #[test]
    fn many_listeners_on_async_std() {
        use async_std::os::unix::net::{UnixListener, UnixStream};
        use smtp_async_std::async_std::AsyncStd;

        let listen = |path: &std::path::Path| run::<AsyncStd, _>(UnixListener::bind(path)).expect("a socket");
        let connect = |path: &std::path::Path| run::<AsyncStd, _>(UnixStream::connect(path)).expect("it listens");
        many_listeners::<AsyncStd, _, _>(listen, connect);
    }
}
