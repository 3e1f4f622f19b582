//! TLS over real sockets: our client and our server, each against the other, against rustls alone, and against peers
//! that break it.

mod kit;

use core::net::SocketAddr;
use core::num::NonZeroUsize;
use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use kit::certificates::{Authority, Issued, TLS12, TLS13};
use kit::{PATIENCE, Peer, Running, Traffic, bind, client_config, envelope, scripted, server_config};
use smtp_blocking::proto::client::{Config, Failure, Security, Stage, Summary};
use smtp_blocking::proto::sasl::Credentials;
use smtp_blocking::proto::server::{Mail, Rcpt, TlsPolicy};
use smtp_blocking::proto::trace::Protocol;
use smtp_blocking::proto::{CloseReason, server};
use smtp_blocking::rustls::crypto::CryptoProvider;
use smtp_blocking::rustls::{CertificateError, HandshakeKind, ProtocolVersion};
use smtp_blocking::tls::{ClientTls, Identity, ServerTls, TlsError, TlsSession};
use smtp_blocking::{Accept, Answer, BodyReader, Client, Direction, Envelope, Session, TestServer};

const NAME: &str = "mx.example";

/// The two ways in which TLS that is wanted begins.
const MODES: [(Security, TlsPolicy); 2] =
    [(Security::Required, TlsPolicy::Offered), (Security::Implicit, TlsPolicy::Implicit)];

fn config(security: Security) -> Config {
    let mut config = client_config();
    config.security = security;
    config
}

fn test_server(policy: TlsPolicy, certificate: &Issued) -> TestServer {
    TestServer::builder().configure(|config| config.tls = policy).tls(certificate.server_tls()).spawn()
}

fn connect(address: SocketAddr, security: Security, tls: &ClientTls) -> Client {
    Client::connect_tls(address, NAME, config(security), tls).expect("the server listens")
}

/// Mails of every size and octet over STARTTLS and over TLS from the first octet, TLS 1.3 and TLS 1.2; with our
/// configuration and with the caller's (TLS-25).
#[test]
fn mails_arrive() {
    let authority = Authority::new();
    let certificate = authority.issue(&[NAME]);
    let eight_bit: Vec<u8> = (1..=255).filter(|octet| !b"\r\n".contains(octet)).chain(*b"\r\n").collect();
    let bodies: [&[u8]; 4] = [b"", b".\r\n..\r\n", &eight_bit, &b"0123456789abcde\r\n".repeat(100_000)];
    let clients = [
        (ProtocolVersion::TLSv1_3, authority.client_tls()),
        (ProtocolVersion::TLSv1_3, authority.client_config(TLS13).into()),
        (ProtocolVersion::TLSv1_2, authority.client_config(TLS12).into()),
    ];
    for (security, policy) in MODES {
        for (version, tls) in &clients {
            let server = test_server(policy, &certificate);
            let mut client = connect(server.address(), security, tls);
            let capabilities = client.ready().expect("a session");
            assert_eq!((capabilities.is_tls(), capabilities.is_verified()), (true, true));
            assert!(!capabilities.has_starttls());
            let session = client.tls_session().expect("TLS");
            assert_eq!((session.version(), session.is_verified()), (*version, true));
            assert_eq!(session.peer_certificates(), certificate.chain);
            for body in bodies {
                let outcome = client.send(envelope(&["b@mx.example"]), body).expect("sent");
                assert_eq!(outcome.summary(), Summary::Accepted, "{outcome:?}");
            }
            assert_eq!(client.quit(), CloseReason::Quit);
            let messages = server.messages();
            assert!(messages.iter().all(|message| message.protocol == Protocol::Esmtps && message.user.is_none()));
            assert_eq!(messages.into_iter().map(|message| message.body).collect::<Vec<_>>(), bodies);
        }
    }
}

/// A server by its address, with and without brackets (rule 37).
#[test]
fn addresses_are_names() {
    let authority = Authority::new();
    let server = test_server(TlsPolicy::Implicit, &authority.issue(&["127.0.0.1", "::1"]));
    for name in ["127.0.0.1", "::1", "[::1]"] {
        let tls = authority.client_tls();
        let mut client =
            Client::connect_tls(server.address(), name, config(Security::Implicit), &tls).expect("it listens");
        assert!(client.ready().is_ok(), "{name}: {:?}", client.transport_error());
    }
    for name in ["", "a b", "mx..example", "[::1"] {
        let refused = Client::connect_tls(server.address(), name, client_config(), &authority.client_tls());
        assert_eq!(refused.expect_err("no name").kind(), ErrorKind::InvalidInput, "{name}");
    }
}

/// TLS-18, rules 33 and 35: a certificate that does not verify ends the connection before MAIL and AUTH, and the error
/// says what is wrong with it.
#[test]
fn certificates_are_verified() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let cases = [
        ("nobody who is trusted", stranger.issue(&[NAME])),
        ("it is not for mx.example, but for", authority.issue(&["other.example"])),
        ("it expired ", authority.issue_expired(&[NAME])),
        ("", authority.issue_client(NAME, &[])),
    ];
    for (security, policy) in MODES {
        for (words, certificate) in &cases {
            let mut server = TestServer::builder()
                .configure(|config| config.tls = policy)
                .tls(certificate.server_tls())
                .user("alice", "secret")
                .spawn();
            let mut config = config(security);
            config.credentials = Some(Credentials::password("alice", "secret"));
            let traffic = Traffic::default();
            let mut client =
                Client::connect_tls(server.address(), NAME, config, &authority.client_tls()).expect("it listens");
            client.observe(traffic.observer());
            let outcome = client.send(envelope(&["b@mx.example"]), &b"x\r\n"[..]).expect("tried");
            assert_eq!((outcome.summary(), outcome.stage()), (Summary::Refused, Stage::Tls), "{outcome:?}");
            assert_eq!(outcome.failure(), Some(Failure::Connection(CloseReason::TlsFailed)));
            assert!(matches!(client.tls_error(), Some(TlsError::Certificate(_))), "{:?}", client.tls_error());
            let text = client.transport_error().expect("a reason").to_string();
            assert!(text.starts_with("the certificate was refused: ") && text.contains(words), "{text}");
            let said: Vec<_> = traffic.sent();
            let expected: &[&str] =
                if security == Security::Implicit { &[] } else { &["EHLO client.example\r\n", "STARTTLS\r\n"] };
            assert_eq!(said, expected);
            server.shutdown();
            assert!(server.messages().is_empty());
        }
    }
}

/// Rule 36: where TLS is taken if there is any, a certificate that does not verify is no hindrance, and is reported.
/// Credentials stay here (TLS-19).
#[test]
fn opportunistic() {
    let authority = Authority::new();
    let stranger = Authority::new().issue(&[NAME]);
    let server = test_server(TlsPolicy::Offered, &stranger);
    let mut client = connect(server.address(), Security::Opportunistic, &authority.client_tls());
    let capabilities = client.ready().expect("a session");
    assert_eq!((capabilities.is_tls(), capabilities.is_verified()), (true, false));
    let session = client.tls_session().expect("TLS");
    assert!(!session.is_verified());
    assert_eq!(session.certificate_error(), Some(&TlsError::Certificate(CertificateError::UnknownIssuer)));
    assert_eq!(client.send(envelope(&["b@mx.example"]), &b"x\r\n"[..]).expect("sent").summary(), Summary::Accepted);
    assert_eq!(server.messages()[0].protocol, Protocol::Esmtps);

    let known = test_server(TlsPolicy::Offered, &authority.issue(&[NAME]));
    let mut client = connect(known.address(), Security::Opportunistic, &authority.client_tls());
    assert!(client.ready().expect("a session").is_verified());
    assert_eq!(client.tls_session().expect("TLS").certificate_error(), None);

    let clear = TestServer::spawn();
    let mut client = connect(clear.address(), Security::Opportunistic, &authority.client_tls());
    assert!(!client.ready().expect("a session").is_tls());
    assert!(client.tls_session().is_none());

    for tls in [authority.client_tls(), ClientTls::insecure()] {
        let server = TestServer::builder().tls(stranger.server_tls()).user("alice", "secret").spawn();
        let mut config = config(Security::Opportunistic);
        config.credentials = Some(Credentials::password("alice", "secret"));
        config.mechanism = Some("PLAIN".into());
        let traffic = Traffic::default();
        let mut client = Client::connect_tls(server.address(), NAME, config, &tls).expect("it listens");
        client.observe(traffic.observer());
        assert_eq!(client.ready().err(), Some(CloseReason::NotConfidential));
        assert!(!traffic.sent().iter().any(|said| said.contains("AUTH")), "{:?}", traffic.sent());
    }
}

/// Who asked for no verification gets none, and is told that there was none.
#[test]
fn insecure_is_never_verified() {
    let authority = Authority::new();
    for (security, policy) in MODES {
        let server = test_server(policy, &authority.issue(&[NAME]));
        let mut client = connect(server.address(), security, &ClientTls::insecure());
        assert!(!client.ready().expect("a session").is_verified());
        assert!(!client.tls_session().expect("TLS").is_verified());
    }
}

/// TLS-20, rule 37: a stream that the caller supplies is wrapped, too: its first octet is one of TLS.
#[test]
fn supplied_stream_is_wrapped() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let stream = TcpStream::connect(listener.local_addr().expect("an address")).expect("it listens");
    let tls = Authority::new().client_tls();
    let mut client = Client::from_stream_tls(stream, NAME, config(Security::Implicit), &tls).expect("usable");
    let peer = thread::spawn(move || {
        let mut stream = listener.accept().expect("a client").0;
        let mut first = [0];
        stream.read_exact(&mut first).expect("an octet");
        first
    });
    assert_eq!(client.ready().err(), Some(CloseReason::TlsFailed));
    assert_eq!(peer.join().expect("no panic"), [22]);
}

/// A port that does not begin with TLS is called by its name, at once.
#[test]
fn clear_text_where_tls_should_be() {
    let server = TestServer::spawn();
    let mut client = connect(server.address(), Security::Implicit, &Authority::new().client_tls());
    let outcome = client.send(envelope(&["b@mx.example"]), io::empty()).expect("tried");
    assert_eq!((outcome.summary(), outcome.stage()), (Summary::Refused, Stage::Tls));
    assert_eq!(client.tls_error(), Some(&TlsError::ClearText));

    let (address, script) = scripted(|mut peer| {
        peer.say("220 mx.example\r\n");
        peer.line();
        peer.say("250-mx.example\r\n250 STARTTLS\r\n");
        peer.line();
        peer.say("220 go\r\n");
        let mut hello = [0; 5];
        peer.stream().read_exact(&mut hello).expect("a record");
        peer.say("250 nothing here is secret\r\n");
        peer.rest_octets();
    });
    let mut client = connect(address, Security::Required, &Authority::new().client_tls());
    assert_eq!(client.ready().err(), Some(CloseReason::TlsFailed));
    assert_eq!(client.tls_error(), Some(&TlsError::ClearText));
    drop(client);
    script.join().expect("the script runs through");
}

/// What asks for TLS and does not say how is refused where it is given.
#[test]
fn tls_that_nobody_makes() {
    let server = TestServer::spawn();
    for security in [Security::Implicit, Security::Required, Security::Opportunistic] {
        let refused = Client::connect(server.address(), config(security)).expect_err("no TLS");
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    }
    for policy in [TlsPolicy::Offered, TlsPolicy::Required, TlsPolicy::Implicit] {
        let mut config = server_config();
        config.tls = policy;
        let refused = bind(config).serve(|_| Clerk::default()).expect_err("no TLS");
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    }
    let identity = Identity::from_pem(b"no certificate", b"no key");
    assert_eq!(identity.expect_err("neither").to_string(), "there is no private key that can be read");
    let (one, other) = (Authority::new().issue(&[NAME]), Authority::new().issue(&[NAME]));
    assert!(matches!(Identity::new(one.chain, other.identity_key()), Err(TlsError::Setup(_))));
    assert!(ClientTls::with_roots([]).is_err());
}

/// TLS-25: neither is a provider of the process needed nor is one set, and there is no panic about it.
#[test]
fn no_provider_of_the_process() {
    assert!(CryptoProvider::get_default().is_none());
    let authority = Authority::new();
    let server = test_server(TlsPolicy::Offered, &authority.issue(&[NAME]));
    assert!(connect(server.address(), Security::Required, &authority.client_tls()).ready().is_ok());
    if let Ok(tls) = ClientTls::platform() {
        // This machine does not know the authority of this test.
        let mut client = connect(server.address(), Security::Required, &tls);
        assert_eq!(client.ready().err(), Some(CloseReason::TlsFailed));
    }
    assert!(CryptoProvider::get_default().is_none());
}

/// TLS-26, rule 31: no session is resumed, neither at the same listener nor at another.
#[test]
fn no_tickets() {
    let authority = Authority::new();
    let certificate = authority.issue(&[NAME]);
    for versions in [TLS12, TLS13] {
        let config = authority.client_config(versions);
        for _ in 0..2 {
            let server = test_server(TlsPolicy::Implicit, &certificate);
            for _ in 0..2 {
                let mut peer = Peer::connect(server.address()).into_tls_client(&config);
                assert!(peer.reply().starts_with("220 "));
                assert!(peer.ask("QUIT").starts_with("221 "));
                assert_eq!(peer.stream().conn.handshake_kind(), Some(HandshakeKind::Full));
            }
        }
    }
}

/// TLS-10: a handshake in which every octet comes alone is one, in both roles.
#[test]
fn handshake_in_single_octets() {
    let authority = Authority::new();
    let certificate = authority.issue(&[NAME]);
    for (security, policy) in MODES {
        let server = test_server(policy, &certificate);
        let (address, proxy) = trickle(server.address());
        let mut client = connect(address, security, &authority.client_tls());
        let outcome = client.send(envelope(&["b@mx.example"]), &b"x\r\n"[..]).expect("sent");
        assert_eq!(outcome.summary(), Summary::Accepted, "{outcome:?} {:?}", client.transport_error());
        client.quit();
        proxy.join().expect("no panic");
    }
}

/// Passes octets on one by one, in both directions.
fn trickle(server: SocketAddr) -> (SocketAddr, JoinHandle<()>) {
    fn forward(mut from: &TcpStream, mut to: &TcpStream) {
        let mut octet = [0];
        while from.read_exact(&mut octet).is_ok() && to.write_all(&octet).is_ok() {}
        let _ = to.shutdown(Shutdown::Write);
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let thread = thread::spawn(move || {
        let client = listener.accept().expect("a client").0;
        let server = TcpStream::connect(server).expect("it listens");
        for stream in [&client, &server] {
            stream.set_nodelay(true).expect("no delay");
            stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        }
        thread::scope(|scope| {
            scope.spawn(|| forward(&server, &client));
            forward(&client, &server);
        });
    });
    (address, thread)
}

/// The first octets of a client of TLS.
fn client_hello(authority: &Authority) -> Vec<u8> {
    let config = authority.client_config(TLS13);
    let name = NAME.try_into().expect("a domain");
    let mut connection = smtp_blocking::rustls::ClientConnection::new(config, name).expect("usable");
    let mut hello = Vec::new();
    connection.write_tls(&mut hello).expect("a vector takes all");
    hello
}

/// TLS-10, TLS-11, rule 28: a handshake that breaks or stops ends the connection in time, without a reply in clear. The
/// server serves on.
#[test]
fn broken_handshakes_of_clients() {
    let authority = Authority::new();
    let certificate = authority.issue(&[NAME]);
    let hello = client_hello(&authority);
    let mut flipped = hello.clone();
    flipped[5] ^= 0xff;
    let broken: [(&[u8], bool); 9] = [
        (b"", false),
        (b"", true),
        (&hello[..1], true),
        (&hello[..hello.len() / 2], true),
        (&hello[..hello.len() - 1], false),
        (&hello, false),
        (&flipped, false),
        (b"EHLO client.example\r\n", false),
        (&[0x16; 70_000], false),
    ];
    for (_, policy) in MODES {
        let mut server = TestServer::builder()
            .configure(|config| {
                config.tls = policy;
                config.timeouts.handshake = Duration::from_millis(300);
            })
            .tls(certificate.server_tls())
            .spawn();
        for (octets, closes) in broken {
            let mut peer = if policy == TlsPolicy::Implicit {
                Peer::connect(server.address())
            } else {
                let mut peer = Peer::greeted(server.address());
                assert!(peer.ask("STARTTLS").starts_with("220 "));
                peer
            };
            let began = Instant::now();
            // It may have hung up already.
            let _ = peer.stream().write_all(octets);
            if closes {
                peer.half_close();
            }
            let answer = peer.rest_octets();
            assert!(began.elapsed() < PATIENCE);
            // Nothing, a handshake that does not go on, or an alert.
            assert!(answer.first().is_none_or(|octet| [0x15, 0x16].contains(octet)), "{:?}", answer.escape_ascii());
            assert!(!answer.windows(2).any(|octets| octets == b"\r\n" && answer.is_ascii()));
        }
        let security = if policy == TlsPolicy::Implicit { Security::Implicit } else { Security::Required };
        assert!(connect(server.address(), security, &authority.client_tls()).ready().is_ok());
        server.shutdown();
        assert!(server.messages().is_empty());
    }
}

/// TLS-10, TLS-11: the same for a client: servers that close, stop, or send nonsense in the handshake.
#[test]
fn broken_handshakes_of_servers() {
    let authority = Authority::new();
    let certificate = authority.issue(&[NAME]);
    // What a server answers to a client, up to its Finished.
    let mut connection =
        smtp_blocking::rustls::ServerConnection::new(certificate.server_config()).expect("a usable configuration");
    connection.read_tls(&mut &client_hello(&authority)[..]).expect("a slice");
    connection.process_new_packets().expect("a hello");
    let mut answer = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut answer).expect("a vector takes all");
    }
    let alert = [0x15, 3, 3, 0, 2, 2, 40];
    let broken: [(&[u8], bool, CloseReason); 7] = [
        (b"", true, CloseReason::TlsFailed),
        (b"", false, CloseReason::Timeout),
        (&answer[..3], false, CloseReason::Timeout),
        (&answer[..answer.len() / 2], true, CloseReason::TlsFailed),
        // It belongs to another hello.
        (&answer, false, CloseReason::TlsFailed),
        (&alert, false, CloseReason::TlsFailed),
        (&[0x16; 70_000], false, CloseReason::TlsFailed),
    ];
    for (octets, closes, reason) in broken {
        let octets = octets.to_vec();
        let (release, held) = channel::<()>();
        let (address, script) = scripted(move |mut peer| {
            let mut hello = [0; 5];
            peer.stream().read_exact(&mut hello).expect("a record");
            let _ = peer.stream().write_all(&octets);
            if closes {
                peer.half_close();
            }
            held.recv_timeout(PATIENCE).expect("the client leaves");
        });
        let mut config = config(Security::Implicit);
        config.timeouts.handshake = Duration::from_millis(300);
        let mut client = Client::connect_tls(address, NAME, config, &authority.client_tls()).expect("it listens");
        let began = Instant::now();
        let outcome = client.send(envelope(&["b@mx.example"]), io::empty()).expect("tried");
        assert_eq!((outcome.summary(), outcome.stage()), (Summary::Refused, Stage::Tls));
        assert_eq!(client.closed(), Some(reason), "{:?}", client.transport_error());
        assert!(began.elapsed() < PATIENCE);
        release.send(()).expect("the script runs");
        script.join().expect("the script runs through");
    }
}

/// A server over TLS by rustls alone that follows a script from the greeting on.
fn scripted_tls<F>(certificate: &Issued, script: F) -> (SocketAddr, JoinHandle<()>)
where
    F: FnOnce(Peer<TlsServer>) + Send + 'static,
{
    let config = certificate.server_config();
    let mut script = Some(script);
    scripted(move |peer| script.take().expect("one connection")(peer.into_tls_server(&config)))
}

type TlsServer = smtp_blocking::rustls::StreamOwned<smtp_blocking::rustls::ServerConnection, TcpStream>;

/// Up to the data of the first mail.
fn begin(peer: &mut Peer<TlsServer>) {
    peer.say("220 mx.example\r\n");
    peer.line();
    peer.say("250-mx.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
    for _ in 0..3 {
        peer.line();
    }
    peer.say("250 ok\r\n250 ok\r\n354 go\r\n");
}

/// TLS-22: a verdict in the middle of the data is heard inside TLS, also from a server that does not read on.
#[test]
fn early_verdict_inside_tls() {
    let authority = Authority::new();
    let (release, held) = channel::<()>();
    let (address, script) = scripted_tls(&authority.issue(&[NAME]), move |mut peer| {
        begin(&mut peer);
        peer.line();
        peer.say("552 5.3.4 too big\r\n");
        held.recv_timeout(PATIENCE).expect("the client leaves");
    });
    let body = io::repeat(b'x').take(1 << 26);
    let mut client = connect(address, Security::Implicit, &authority.client_tls());
    let outcome = client.send(envelope(&["b@mx.example"]), body).expect("tried");
    assert_eq!(outcome.reply().map(|reply| reply.code().value()), Some(552), "{outcome:?}");
    release.send(()).expect("the script runs");
    script.join().expect("the script runs through");
}

/// TLS-23, rule 30: behind the verdict the connection may end in any way: the mail is accepted, and the connection is
/// over. What comes behind the end of TLS is not read.
#[test]
fn ends_behind_the_verdict() {
    let authority = Authority::new();
    let certificate = authority.issue(&[NAME]);
    for (says_so, reason) in [(true, CloseReason::PeerClosed), (false, CloseReason::TransportFailed)] {
        let (address, script) = scripted_tls(&certificate, move |mut peer| {
            begin(&mut peer);
            peer.data();
            peer.say("250 taken\r\n");
            if says_so {
                let stream = peer.stream();
                stream.conn.send_close_notify();
                stream.flush().expect("the client reads");
                stream.sock.write_all(b"250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n").expect("the client is there");
            }
        });
        let mut client = connect(address, Security::Implicit, &authority.client_tls());
        let outcome = client.send(envelope(&["b@mx.example"]), &b"x\r\n"[..]).expect("tried");
        assert_eq!(outcome.summary(), Summary::Accepted);
        script.join().expect("the script runs through");
        let outcome = client.send(envelope(&["b@mx.example"]), &b"x\r\n"[..]).expect("tried");
        assert_eq!(outcome.summary(), Summary::Refused);
        assert_eq!(client.closed(), Some(reason));
        assert_eq!(client.tls_error(), (!says_so).then_some(&TlsError::Truncated));
    }
}

/// TLS-24: a server that ends TLS in the middle of the data has not taken the mail.
#[test]
fn server_ends_in_the_data() {
    let authority = Authority::new();
    let certificate = authority.issue(&[NAME]);
    for says_so in [true, false] {
        let (address, script) = scripted_tls(&certificate, move |mut peer| {
            begin(&mut peer);
            peer.line();
            if says_so {
                let stream = peer.stream();
                stream.conn.send_close_notify();
                stream.flush().expect("the client reads");
            }
        });
        let mut client = connect(address, Security::Implicit, &authority.client_tls());
        let body = io::repeat(b'x').take(1 << 26);
        let outcome = client.send(envelope(&["b@mx.example"]), b"line\r\n".chain(body)).expect("tried");
        assert_eq!((outcome.summary(), outcome.stage()), (Summary::Refused, Stage::Body), "{outcome:?}");
        script.join().expect("the script runs through");
    }
}

/// TLS-24, rule 30: a client that ends TLS in the middle of the data has sent no mail, and what it says in clear behind
/// that is not read.
#[test]
fn client_ends_in_the_data() {
    let authority = Authority::new();
    let certificate = authority.issue(&[NAME]);
    for says_so in [true, false] {
        let mut server = test_server(TlsPolicy::Implicit, &certificate);
        let mut peer = Peer::connect(server.address()).into_tls_client(&authority.client_config(TLS13));
        assert!(peer.reply().starts_with("220 "));
        peer.asks(&[
            ("EHLO client.example", "250"),
            ("MAIL FROM:<a@client.example>", "250"),
            ("RCPT TO:<b@mx.example>", "250"),
            ("DATA", "354"),
        ]);
        peer.say("half a message\r\n");
        if says_so {
            peer.stream().conn.send_close_notify();
            peer.stream().flush().expect("the server reads");
        }
        let mut stream = peer.into_stream().sock;
        stream.write_all(b"\r\n.\r\nQUIT\r\n").expect("the server is there");
        let _ = stream.shutdown(Shutdown::Write);
        let mut rest = Vec::new();
        // The end, or a reset: it had more to say than was read.
        let _ = stream.read_to_end(&mut rest);
        assert!(!rest.starts_with(b"250"));
        server.shutdown();
        assert!(server.messages().is_empty());
    }
}

/// An observer sees what is said, not what is on the wire; a pipelined group is one write inside TLS, too
/// (X-2920-3.1-01).
#[test]
fn observers_see_what_is_said() {
    let authority = Authority::new();
    let (at_server, at_client) = (Traffic::default(), Traffic::default());
    let seen = at_server.clone();
    let server = bind(server_config()).with_tls(authority.issue(&[NAME]).server_tls());
    let server = Running::new(server.with_observer(move |_| seen.observer()), |_| Clerk::default());
    let mut client = connect(server.address, Security::Required, &authority.client_tls());
    client.observe(at_client.observer());
    let mails = ["one\r\n", "two\r\n"].map(|body| (envelope(&["b@mx.example"]), body.as_bytes()));
    assert!(client.send_all(mails).all(|outcome| outcome.expect("sent").summary() == Summary::Accepted));
    client.quit();
    let commands = "MAIL FROM:<a@client.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n";
    let expected = [
        "EHLO client.example\r\n",
        "STARTTLS\r\n",
        "EHLO client.example\r\n",
        commands,
        &format!("one\r\n.\r\n{commands}"),
        "two\r\n.\r\n",
        "QUIT\r\n",
    ];
    assert_eq!(at_client.sent(), expected);
    let (mut received, mut replies) = (String::new(), String::new());
    for (direction, text) in at_server.all() {
        *if direction == Direction::Received { &mut received } else { &mut replies } += &text;
    }
    assert_eq!(received, expected.concat());
    assert!(replies.starts_with("220 ") && replies.ends_with("\r\n"), "{replies}");
}

/// R-3.8-02: clients between two transactions are told 421 inside TLS.
#[test]
fn shutdown_is_told() {
    let authority = Authority::new();
    let mut config = server_config();
    config.tls = TlsPolicy::Implicit;
    config.timeouts.shutdown_grace = PATIENCE;
    let server = bind(config).with_tls(authority.issue(&[NAME]).server_tls());
    let mut server = Running::new(server, |_| Clerk::default());
    let mut peer = Peer::connect(server.address).into_tls_client(&authority.client_config(TLS13));
    assert!(peer.reply().starts_with("220 "));
    thread::sleep(Duration::from_millis(100));
    server.handle.shutdown();
    assert!(peer.reply().starts_with("421 4.3.2"));
    // TLS ends as it should.
    assert_eq!(peer.rest(), "");
    server.join();
}

/// A client that stops in the handshake keeps a server from ending no longer than the grace.
#[test]
fn shutdown_in_the_handshake() {
    let mut config = server_config();
    config.tls = TlsPolicy::Implicit;
    config.timeouts.shutdown_grace = Duration::from_millis(100);
    let server = bind(config).with_tls(Authority::new().issue(&[NAME]).server_tls());
    let mut server = Running::new(server, |_| Clerk::default());
    let mut peer = Peer::connect(server.address);
    peer.say([0x16]);
    thread::sleep(Duration::from_millis(100));
    server.handle.shutdown();
    server.join();
    assert!(peer.is_over());
}

/// RES-11: beyond the cap nobody waits for a handshake: the connection ends, and the next one is accepted.
#[test]
fn full_server_makes_no_handshake() {
    let authority = Authority::new();
    let mut config = server_config();
    config.tls = TlsPolicy::Implicit;
    let one = NonZeroUsize::new(1).expect("not zero");
    let server = bind(config).with_tls(authority.issue(&[NAME]).server_tls()).with_caps(one, one);
    let server = Running::new(server, |_| Clerk::default());
    let mut first = Peer::connect(server.address).into_tls_client(&authority.client_config(TLS13));
    assert!(first.reply().starts_with("220 "));
    for _ in 0..2 {
        assert!(Peer::connect(server.address).is_over());
    }
    assert!(first.ask("NOOP").starts_with("250 "));
}

/// A session learns what TLS was agreed on and who the client is, before it is asked anything; a certificate of another
/// authority is no certificate.
#[test]
fn sessions_learn_of_the_client() {
    let authority = Authority::new();
    let clients = Authority::new();
    let identity = authority.issue(&[NAME]).identity();
    let tls = ServerTls::verifying_clients(&identity, [clients.root()]).expect("an authority");
    let alice = clients.issue_client("alice", &["alice@client.example"]);
    for (security, policy) in MODES {
        let mut config = server_config();
        config.tls = policy;
        let (log, seen) = channel();
        let log = std::sync::Mutex::new(log);
        let server = bind(config).with_tls(tls.clone());
        let server = Running::new(server, move |_| Clerk { log: Some(log.lock().expect("no panic").clone()) });
        let trusting = authority.client_tls();
        let ready = |tls: &ClientTls| connect(server.address, security, tls).ready().err();

        assert_eq!(ready(&trusting.clone().with_identity(&alice.identity())), None);
        let logged: Vec<_> = seen.try_iter().collect();
        let told = format!("tls true 1 Some(\"{NAME}\")");
        let expected: &[&str] = if policy == TlsPolicy::Implicit {
            &[&told, "connect", "hello"]
        } else {
            &["connect", "hello", &told, "hello"]
        };
        assert_eq!(logged, expected);
        assert_eq!(ready(&trusting), None);
        assert!(seen.try_iter().any(|line| line.starts_with("tls false 0")));
        let mallory = Authority::new().issue_client("alice", &[]);
        assert!(ready(&trusting.clone().with_identity(&mallory.identity())).is_some());
    }
}

/// Accepts everything, and writes down what it is told.
#[derive(Default)]
struct Clerk {
    log: Option<std::sync::mpsc::Sender<String>>,
}

impl Clerk {
    fn note(&self, line: String) {
        if let Some(log) = &self.log {
            log.send(line).expect("somebody reads");
        }
    }
}

impl Session for Clerk {
    fn connect(&mut self) -> Answer {
        self.note("connect".into());
        Ok(Accept::Usual)
    }

    fn tls(&mut self, session: &TlsSession) {
        let certificates = session.peer_certificates().len();
        self.note(format!("tls {} {certificates} {:?}", session.is_verified(), session.server_name()));
    }

    fn hello(&mut self, _: &server::Hello) -> Answer {
        self.note("hello".into());
        Ok(Accept::Usual)
    }

    fn mail(&mut self, _: &Mail) -> Answer {
        Ok(Accept::Usual)
    }

    fn rcpt(&mut self, _: &Rcpt) -> Answer {
        Ok(Accept::Usual)
    }

    fn data(&mut self, _: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        io::copy(body, &mut io::sink())?;
        Ok(Accept::Usual)
    }
}
