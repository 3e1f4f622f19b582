//! The end of a server, whatever its connections are doing (REL-10).

mod kit;

use core::time::Duration;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use kit::{PATIENCE, Peer, Running, bind, server_config};
use smtp_blocking::proto::server::{Config, Mail, Rcpt};
use smtp_blocking::{Accept, Answer, BodyReader, Envelope, Server, Session};

/// Accepts everything. Before it answers a message it says so, and waits for leave.
struct Careful {
    asked: Sender<()>,
    leave: Arc<Mutex<Receiver<()>>>,
}

impl Session for Careful {
    fn mail(&mut self, _: &Mail) -> Answer {
        Ok(Accept::Usual)
    }

    fn rcpt(&mut self, _: &Rcpt) -> Answer {
        Ok(Accept::Usual)
    }

    fn data(&mut self, _: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        io::copy(body, &mut io::sink())?;
        self.asked.send(()).map_err(io::Error::other)?;
        self.leave.lock().expect("no panic").recv_timeout(PATIENCE).map_err(io::Error::other)?;
        Ok(Accept::Usual)
    }
}

struct Setup {
    server: Running,
    asked: Receiver<()>,
    leave: Sender<()>,
}

fn setup(config: Config) -> Setup {
    setup_at(bind(config))
}

fn setup_at(server: Server) -> Setup {
    let (asked, was_asked) = channel();
    let (give, leave) = channel();
    let leave = Arc::new(Mutex::new(leave));
    // A backend is shared between threads, a sender only moves.
    let asked = Mutex::new(asked);
    let server = Running::new(server, move |_| Careful {
        asked: asked.lock().expect("no panic").clone(),
        leave: Arc::clone(&leave),
    });
    Setup { server, asked: was_asked, leave: give }
}

/// A server whose grace no test waits for.
fn patient() -> Config {
    let mut config = server_config();
    config.timeouts.shutdown_grace = PATIENCE;
    config
}

/// R-3.8-02: clients between two transactions are told 421 at once, before EHLO and after.
#[test]
fn idle_clients_are_told_at_once() {
    let mut config = patient();
    config.timeouts.buffers = Duration::from_millis(10);
    let mut setup = setup(config);
    let mut greeted = Peer::greeted(setup.server.address);
    let mut fresh = Peer::connect(setup.server.address);
    assert!(fresh.reply().starts_with("220 "));
    // By now their threads have nothing to do for minutes, and have to be woken.
    thread::sleep(Duration::from_millis(200));
    setup.server.handle.shutdown();
    for peer in [&mut greeted, &mut fresh] {
        assert!(peer.reply().starts_with("421 4.3.2"));
        assert!(peer.is_over());
    }
    setup.server.join();
}

/// R-3.8-01: a transaction in progress, also in the middle of its data, finishes; then comes the 421.
#[test]
fn transactions_finish() {
    let mut setup = setup(patient());
    let mut in_data = Peer::in_data(setup.server.address);
    in_data.say("one\r\n");
    let mut in_rcpt = Peer::greeted(setup.server.address);
    in_rcpt.asks(&[("MAIL FROM:<a@client.example>", "250"), ("RCPT TO:<b@mx.example>", "250")]);
    setup.server.handle.shutdown();

    setup.leave.send(()).expect("the server runs");
    in_data.say("two\r\n.\r\n");
    assert!(in_data.reply().starts_with("250 2.0.0"));
    assert!(in_data.reply().starts_with("421 4.3.2"));
    assert!(in_data.is_over());

    in_rcpt.asks(&[("RCPT TO:<c@mx.example>", "250"), ("DATA", "354")]);
    setup.leave.send(()).expect("the server runs");
    in_rcpt.say("two\r\n.\r\n");
    assert!(in_rcpt.reply().starts_with("250 2.0.0"));
    assert!(in_rcpt.reply().starts_with("421 4.3.2"));
    assert!(in_rcpt.is_over());
    setup.server.join();
}

/// A message whose data are whole gets its verdict before the 421.
#[test]
fn no_421_between_data_and_verdict() {
    let mut setup = setup(patient());
    let mut peer = Peer::in_data(setup.server.address);
    peer.say("one\r\n.\r\n");
    setup.asked.recv_timeout(PATIENCE).expect("the session has the message");
    setup.server.handle.shutdown();
    setup.leave.send(()).expect("the server runs");
    assert!(peer.reply().starts_with("250 2.0.0"));
    assert!(peer.reply().starts_with("421 4.3.2"));
    setup.server.join();
}

/// A transaction that outlasts the grace ends with 421; its data are no message.
#[test]
fn grace_ends() {
    let mut config = server_config();
    config.timeouts.shutdown_grace = Duration::from_millis(100);
    let mut setup = setup(config);
    let mut peer = Peer::in_data(setup.server.address);
    peer.say("one\r\n");
    setup.server.handle.shutdown();
    assert!(peer.reply().starts_with("421 4.3.2"));
    assert!(peer.is_over());
    setup.server.join();
    assert!(setup.asked.try_recv().is_err(), "the session was given no message");
}

/// A session that never returns does not keep the service from ending, and its client is cut.
#[test]
fn stuck_sessions_are_left() {
    let mut config = server_config();
    config.timeouts.shutdown_grace = Duration::from_millis(100);
    let mut setup = setup(config);
    let mut peer = Peer::in_data(setup.server.address);
    peer.say("one\r\n.\r\n");
    setup.asked.recv_timeout(PATIENCE).expect("the session has the message");
    setup.server.handle.shutdown();
    setup.server.join();
    assert!(peer.is_over());
}

/// After the end nobody listens, and a second end changes nothing; so does one before the beginning.
#[test]
fn nobody_listens_afterwards() {
    let mut setup = setup(patient());
    setup.server.handle.shutdown();
    setup.server.handle.shutdown();
    setup.server.join();
    setup.server.handle.shutdown();
    std::net::TcpStream::connect(setup.server.address).expect_err("nobody listens");

    let server = bind(patient());
    server.handle().shutdown();
    setup_at(server).server.join();
}

/// A server at all addresses of the machine ends as well.
#[test]
fn unspecified_address() {
    let mut setup = setup_at(Server::bind("0.0.0.0:0", patient()).expect("a free port"));
    setup.server.handle.shutdown();
    setup.server.join();
}
