//! `tcp://` and `tls://`.

use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use smtp_blocking::TestServer;
use smtp_blocking::proto::server::TlsPolicy;
use smtp_conformance::play::probe;
use smtp_conformance::profile::Profile;
use smtp_conformance::target::{Heard, Place, SocketTarget, Target, Unavailable};
use smtp_conformance::transcript::{Need, Side, Tag};
use smtp_tls::{Identity, ServerTls};

use crate::kit::{PATIENCE, Talk, send, set};

fn profile() -> Profile {
    Profile::new("test.example").recipient("bob@test.example").own()
}

fn target(server: &TestServer, is_implicit: bool, profile: Profile) -> SocketTarget {
    SocketTarget::new("127.0.0.1", server.address().port(), is_implicit, profile)
}

/// An authority in PEM, and what a server of this name that it knows makes TLS with.
pub(crate) fn certificate(name: &str) -> (String, ServerTls) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("signed");
    let key = KeyPair::generate().expect("a key");
    let server =
        CertificateParams::new([name.to_owned()]).expect("a name").signed_by(&key, &authority).expect("signed");
    let identity = Identity::from_pem(server.pem().as_bytes(), key.serialize_pem().as_bytes()).expect("a pair");
    (authority.pem(), ServerTls::new(&identity))
}

#[test]
fn a_server_is_spoken_to() {
    let server = TestServer::spawn();
    let target = target(&server, false, profile());
    let mut talk = Talk::new(target.connect(&[]).expect("it listens"));
    talk.reply("220");
    talk.say("EHLO client.example");
    talk.reply("250");
    talk.say("MAIL FROM:<alice@client.example>\r\nRCPT TO:<bob@test.example>\r\nDATA");
    for code in ["250", "250", "354"] {
        talk.reply(code);
    }
    talk.say("Subject: greeting\r\n\r\nHello\r\n.");
    talk.reply("250");
    talk.expect_quiet(Duration::from_millis(50));
    talk.say("QUIT");
    talk.reply("221");
    talk.expect_end();
    assert_eq!(server.messages()[0].body, b"Subject: greeting\r\n\r\nHello\r\n");
}

/// Even who does not want to wait hears what has come.
#[test]
fn what_has_come_is_heard_at_once() {
    let (target, told) = peer(|mut stream| {
        stream.write_all(b"220 here\r\n").expect("written");
        stream
    });
    let mut wire = target.connect(&[]).expect("it listens");
    let _stream = told.recv_timeout(PATIENCE).expect("it was said");
    let mut heard = Vec::new();
    // Loopback may take its time, too.
    while heard.is_empty() {
        if let Heard::Octets(octets) = wire.hear(Duration::ZERO).expect("whole") {
            heard = octets;
        }
    }
    assert_eq!(heard, b"220 here\r\n");
    assert_eq!(wire.hear(Duration::ZERO).expect("whole"), Heard::Quiet);
}

/// What the script says last is heard though it says nothing more afterwards.
#[test]
fn the_script_can_end_first() {
    let server = TestServer::spawn();
    let target = target(&server, false, profile());
    let mut talk = Talk::new(target.connect(&[]).expect("it listens"));
    talk.reply("220");
    talk.say("NOOP");
    talk.wire.end().expect("half of it is closed");
    talk.reply("250");
    talk.expect_end();
}

/// Without an authority in the profile every certificate is taken; with one only what it has issued for this name.
#[test]
fn starttls_trusts_as_the_profile_says() {
    let (authority, tls) = certificate("127.0.0.1");
    let (other, _) = certificate("127.0.0.1");
    let (wrong_name, tls_of_another) = certificate("elsewhere.example");
    let cases = [
        (profile(), &tls, true),
        (profile(), &tls_of_another, true),
        (profile().trust(authority), &tls, true),
        (profile().trust(other), &tls, false),
        (profile().trust(wrong_name), &tls_of_another, false),
    ];
    for (number, (profile, tls, is_trusted)) in cases.into_iter().enumerate() {
        let server = TestServer::builder().tls(tls.clone()).spawn();
        let target = target(&server, false, profile);
        let mut talk = Talk::new(target.connect(&[]).expect("it listens"));
        talk.reply("220");
        talk.say("EHLO client.example");
        assert!(talk.reply("250").iter().any(|line| line.ends_with("STARTTLS")));
        talk.say("STARTTLS");
        talk.reply("220");
        let shaken = talk.wire.start_tls(false);
        assert_eq!(shaken.is_ok(), is_trusted, "{number}: {shaken:?}");
        if is_trusted {
            talk.say("EHLO client.example");
            assert!(!talk.reply("250").iter().any(|line| line.ends_with("STARTTLS")));
            talk.say("QUIT");
            talk.reply("221");
            talk.expect_end();
        }
    }
}

/// A handshake that the script spoils: the server ends the connection.
#[test]
fn a_handshake_can_be_spoilt() {
    let (_, tls) = certificate("127.0.0.1");
    let server = TestServer::builder().tls(tls).spawn();
    let target = target(&server, false, profile());
    let mut talk = Talk::new(target.connect(&[]).expect("it listens"));
    talk.reply("220");
    talk.say("EHLO client.example");
    talk.reply("250");
    talk.say("STARTTLS");
    talk.reply("220");
    talk.wire.start_tls(true).expect("the alert leaves");
    loop {
        match talk.wire.hear(PATIENCE).expect("no TLS here that breaks") {
            Heard::Octets(_) => {}
            other => return assert_eq!(other, Heard::End),
        }
    }
}

#[test]
fn tls_from_the_first_octet() {
    let (authority, tls) = certificate("127.0.0.1");
    let server = TestServer::builder().tls(tls).configure(|config| config.tls = TlsPolicy::Implicit).spawn();
    let target = target(&server, true, profile().trust(authority));
    assert!(target.offers(Side::Server, &Need::Tls).is_err());
    let mut talk = Talk::new(target.connect(&[]).expect("it listens"));
    talk.reply("220");
    talk.say("QUIT");
    talk.reply("221");
    talk.expect_end();
    // In clear there is an answer that is none of TLS.
    let server = TestServer::spawn();
    let target = SocketTarget::new("127.0.0.1", server.address().port(), true, profile());
    let error = target.connect(&[]).err().expect("no TLS");
    assert!(matches!(&error, Unavailable::Unreachable(why) if why.contains("in clear")), "{error:?}");
}

/// The other side of one connection, and whatever is done there.
fn peer<T: Send + 'static>(act: impl FnOnce(TcpStream) -> T + Send + 'static) -> (SocketTarget, Receiver<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let (tell, told) = channel();
    thread::spawn(move || {
        let stream = listener.accept().expect("a connection").0;
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        stream.set_write_timeout(Some(PATIENCE)).expect("a time limit");
        let _ = tell.send(act(stream));
    });
    (SocketTarget::new("127.0.0.1", port, false, profile().patient(PATIENCE)), told)
}

/// Octets that came before TLS began are told of, and not taken for TLS.
#[test]
fn octets_before_tls_are_an_error() {
    let (say, is_said) = channel();
    let (target, _told) = peer(move |mut stream| {
        stream.write_all(b"220 go\r\n250 more\r\n").expect("written");
        say.send(()).expect("somebody waits");
        stream.read(&mut [0; 1])
    });
    let mut wire = target.connect(&[]).expect("it listens");
    is_said.recv_timeout(PATIENCE).expect("it says so");
    let error = wire.start_tls(false).expect_err("something came before").to_string();
    assert!(error.contains("220 go"), "{error}");
}

/// Both sides say more than all buffers hold before they read: neither waits for the other.
#[test]
fn nobody_waits_for_the_other() {
    const MUCH: usize = 32 << 20;
    let (target, told) = peer(|mut stream| {
        stream.write_all(&vec![b's'; MUCH]).expect("the harness reads while it writes");
        stream.shutdown(Shutdown::Write).expect("half of it is closed");
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).expect("the harness writes").min(heard.iter().filter(|&&it| it == b'c').count())
    });
    let mut wire = target.connect(&[]).expect("it listens");
    wire.send(&vec![b'c'; MUCH]).expect("the peer reads in the end");
    wire.end().expect("half of it is closed");
    let mut heard = 0;
    loop {
        match wire.hear(PATIENCE).expect("whole") {
            Heard::Octets(octets) => heard += octets.len(),
            other => break assert_eq!(other, Heard::End),
        }
    }
    assert_eq!(heard, MUCH);
    assert_eq!(told.recv_timeout(PATIENCE), Ok(MUCH));
}

/// A server that closes without reading what was said resets the connection, which is an end like any other.
#[test]
fn a_reset_is_an_end() {
    let (target, told) = peer(|stream| {
        stream.peek(&mut [0; 1]).expect("something came");
        drop(stream);
    });
    let mut talk = Talk::new(target.connect(&[]).expect("it listens"));
    talk.say("EHLO client.example");
    told.recv_timeout(PATIENCE).expect("closed");
    talk.expect_end();
}

/// Nobody listens, or nobody is known by this name: that is said with the address.
#[test]
fn what_cannot_be_reached_is_named() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("an address").port()
    };
    let target = SocketTarget::new("127.0.0.1", port, false, profile());
    let error = target.connect(&[]).err().expect("nobody listens");
    assert!(matches!(&error, Unavailable::Unreachable(why) if why.contains(&port.to_string())), "{error:?}");
    assert_eq!(target.name(), format!("tcp://127.0.0.1:{port}"));
}

/// The time between two connections is at least that of the profile.
#[test]
fn the_rate_is_kept() {
    const PAUSE: Duration = Duration::from_millis(100);
    let server = TestServer::spawn();
    let target = target(&server, false, profile().pausing(PAUSE));
    let begun = Instant::now();
    for _ in 0..3 {
        Talk::new(target.connect(&[]).expect("it listens")).reply("220");
    }
    assert!(begun.elapsed() >= 2 * PAUSE);
}

/// What a profile does not have, nobody can have, and what nobody can do to a server from outside.
#[test]
fn what_is_missing_is_said() {
    let server = TestServer::spawn();
    let live =
        target(&server, false, Profile::new("test.example").without(Need::Extension("SIZE".into())).allow(Tag::Slow));
    assert!(live.is_live());
    assert_eq!(live.allowed(), [Tag::Slow]);
    for need in [
        Need::Rcpt,
        Need::BadRcpt,
        Need::Rcpts(1),
        Need::Auth(None),
        Need::Time,
        Need::App,
        Need::Mails(1),
        Need::Extension("SIZE".into()),
    ] {
        assert!(live.offers(Side::Server, &need).is_err(), "{need}");
    }
    assert!(live.offers(Side::Server, &Need::Extension("PIPELINING".into())).is_ok());
    assert!(live.offers(Side::Client, &Need::Rcpt).is_err());
    let own = target(&server, false, profile().bad_recipient("nobody@test.example").login("alice", "secret"));
    assert!(!own.is_live());
    for need in [Need::Rcpt, Need::BadRcpt, Need::Rcpts(1), Need::Auth(Some("PLAIN".into())), Need::Tls] {
        assert!(own.offers(Side::Server, &need).is_ok(), "{need}");
    }
    let unsupported = |error: Option<Unavailable>| matches!(error, Some(Unavailable::Unsupported(_)));
    assert!(unsupported(own.connect(&[set(&[("size-limit", "70000")])]).err()));
    assert!(unsupported(own.launch(&[send(&["bob@test.example"])], &[]).err()));
}

/// A place in one line leads to the same server.
#[test]
fn a_place_is_opened() {
    let server = TestServer::spawn();
    let place: Place = server.address().to_string().parse().expect("host and port");
    let target = profile().named("mine").at(place).open().expect("a socket");
    assert_eq!(target.name(), "mine");
    Talk::new(target.connect(&[]).expect("it listens")).reply("220");
}

/// Every case would wait for it.
#[test]
fn who_does_not_greet_cannot_be_reached() {
    let (target, _told) = peer(|stream| stream);
    let error = probe(&target, &[], Duration::from_millis(50)).expect_err("it says nothing").to_string();
    assert!(error.contains("it does not greet"), "{error}");
}
