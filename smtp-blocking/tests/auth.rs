//! AUTH over real sockets: our client against our server, with every mechanism, and with those who want to cheat.

mod kit;

use core::net::SocketAddr;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kit::certificates::{Authority, TLS12, TLS13};
use kit::{PATIENCE, Peer, Running, Traffic, bind, client_config, envelope, server_config};
use smtp_blocking::proto::CloseReason;
use smtp_blocking::proto::client::{Config, Failure, Security, Stage, Summary};
use smtp_blocking::proto::reply::{Detail, Reply, ReplyCode};
use smtp_blocking::proto::sasl::{self, Claim, Credentials, Secret};
use smtp_blocking::proto::server::{self, Auth, Lookup, Mail, Rcpt, TlsPolicy};
use smtp_blocking::proto::trace::Protocol;
use smtp_blocking::rustls::{ClientConnection, ServerConnection, StreamOwned};
use smtp_blocking::tls::{ClientTls, ServerTls, TlsSession};
use smtp_blocking::{Accept, Answer, BodyReader, Client, Envelope, Reject, Session, TestServer};

const NAME: &str = "mx.example";

/// Those that a password or a token is for.
const MECHANISMS: [&str; 9] = [
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1",
    "OAUTHBEARER",
    "XOAUTH2",
    "CRAM-MD5",
    "PLAIN",
    "LOGIN",
];

fn is_bound(mechanism: &str) -> bool {
    mechanism.ends_with("-PLUS")
}

/// A client who uses this mechanism.
fn config(security: Security, mechanism: &str, password: &str) -> Config {
    let mut config = client_config();
    config.security = security;
    config.credentials = Some(if mechanism.contains("OAUTH") {
        Credentials::bearer("alice", password)
    } else {
        Credentials::password("alice", password)
    });
    config.mechanism = Some(mechanism.into());
    config
}

/// Every mechanism logs in over STARTTLS and over TLS from the first octet; the bound ones over TLS 1.3 only. The mail is
/// that of the user.
#[test]
fn every_mechanism_over_tls() {
    let authority = Authority::new();
    let tls = authority.issue(&[NAME]).server_tls();
    for (security, policy) in [(Security::Required, TlsPolicy::Offered), (Security::Implicit, TlsPolicy::Implicit)] {
        let server = TestServer::builder().configure(|config| config.tls = policy).tls(tls.clone());
        let server = server.user("bob", "other").user("alice", "secret").spawn();
        let clients = [authority.client_tls(), authority.client_config(TLS12).into()];
        for (client_tls, has_binding) in clients.iter().zip([true, false]) {
            for mechanism in MECHANISMS {
                let config = config(security, mechanism, "secret");
                let mut client = Client::connect_tls(server.address(), NAME, config, client_tls).expect("it listens");
                if is_bound(mechanism) && !has_binding {
                    assert_eq!(client.ready().err(), Some(CloseReason::NoMechanism), "{mechanism}");
                    continue;
                }
                let used = client.ready().expect("a session").mechanism().map(str::to_owned);
                assert_eq!(used.as_deref(), Some(mechanism));
                let outcome = client.send(envelope(&["b@mx.example"]), mechanism.as_bytes()).expect("sent");
                assert_eq!(outcome.summary(), Summary::Accepted, "{outcome:?}");
                assert_eq!(client.quit(), CloseReason::Quit);
            }
        }
        let messages = server.messages();
        assert_eq!(messages.len(), 2 * MECHANISMS.len() - 2);
        for message in messages {
            assert_eq!((message.user.as_deref(), message.protocol), (Some("alice"), Protocol::Esmtpsa));
        }
    }
}

/// A client that is let alone takes the strongest: bound to TLS 1.3, not bound over TLS 1.2.
#[test]
fn strongest_mechanism() {
    let authority = Authority::new();
    let server = TestServer::builder().tls(authority.issue(&[NAME]).server_tls()).user("alice", "secret").spawn();
    for (versions, expected) in [(TLS13, "SCRAM-SHA-256-PLUS"), (TLS12, "SCRAM-SHA-256")] {
        let mut config = config(Security::Required, "", "secret");
        config.mechanism = None;
        let tls = authority.client_config(versions).into();
        let mut client = Client::connect_tls(server.address(), NAME, config, &tls).expect("it listens");
        assert_eq!(client.ready().expect("a session").mechanism(), Some(expected));
    }
}

/// SASL-09: a wrong password and an unknown user are refused alike by every mechanism, and the mail with them.
#[test]
fn wrong_credentials() {
    let authority = Authority::new();
    let server = TestServer::builder().tls(authority.issue(&[NAME]).server_tls()).user("bob", "other").spawn();
    let known = TestServer::builder().tls(authority.issue(&[NAME]).server_tls()).user("alice", "other").spawn();
    for mechanism in MECHANISMS {
        let refusals = [&server, &known].map(|server| {
            let config = config(Security::Required, mechanism, "secret");
            let tls = authority.client_tls();
            let mut client = Client::connect_tls(server.address(), NAME, config, &tls).expect("it listens");
            let outcome = client.send(envelope(&["b@mx.example"]), &b"x\r\n"[..]).expect("tried");
            assert_eq!((outcome.summary(), outcome.stage()), (Summary::Refused, Stage::Auth), "{mechanism}");
            assert_eq!(outcome.failure(), Some(Failure::Connection(CloseReason::AuthRefused)), "{mechanism}");
            outcome.reply().cloned().expect("the refusal")
        });
        assert_eq!(refusals[0], refusals[1], "{mechanism}");
        assert_eq!(refusals[0].code(), ReplyCode::AUTHENTICATION_FAILED, "{mechanism}");
    }
    assert!(server.messages().is_empty() && known.messages().is_empty());
}

/// Rules 29 and 35, SASL-01: without TLS no secret leaves, unless the caller says so.
#[test]
fn nothing_in_clear() {
    let server = TestServer::builder().user("alice", "secret").spawn();
    for mechanism in MECHANISMS.into_iter().filter(|mechanism| !is_bound(mechanism)) {
        let traffic = Traffic::default();
        let mut config = config(Security::Plain, mechanism, "secret");
        let mut client = Client::connect(server.address(), config.clone()).expect("it listens");
        client.observe(traffic.observer());
        // What listens learns enough of SCRAM to guess, and of the others more.
        if client.ready().is_err() {
            assert_eq!(client.closed(), Some(CloseReason::NotConfidential), "{mechanism}");
            assert_eq!(traffic.sent(), ["EHLO client.example\r\n", "QUIT\r\n"], "{mechanism}");
        } else {
            assert!(mechanism.starts_with("SCRAM"), "{mechanism}");
        }
        config.unprotected_credentials = true;
        let mut client = Client::connect(server.address(), config).expect("it listens");
        assert_eq!(client.ready().expect("a session").mechanism(), Some(mechanism));
    }
}

/// A channel binding tells whom one talks to: somebody between who speaks TLS with both sides is found out, although the
/// client does not look at his certificate.
#[test]
fn somebody_between() {
    let authority = Authority::new();
    let certificate = authority.issue(&[NAME]);
    for mechanism in ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"] {
        let server = TestServer::builder()
            .configure(|config| config.tls = TlsPolicy::Implicit)
            .tls(certificate.server_tls())
            .user("alice", "secret")
            .spawn();
        let (address, between) = between(server.address(), &authority);
        let mut config = config(Security::Implicit, mechanism, "secret");
        config.unprotected_credentials = true;
        let mut client = Client::connect_tls(address, NAME, config, &ClientTls::insecure()).expect("it listens");
        let ready = client.ready().map(|_| ());
        assert_eq!(ready, if is_bound(mechanism) { Err(CloseReason::AuthRefused) } else { Ok(()) });
        drop(client);
        drop(server);
        between.join().expect("no panic");
    }
}

/// Passes on what is said between two TLS connections.
fn between(server: SocketAddr, authority: &Authority) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (as_server, as_client) = (authority.issue(&[NAME]).server_config(), authority.client_config(TLS13));
    let thread = thread::spawn(move || {
        let client = listener.accept().expect("a client").0;
        let server = TcpStream::connect(server).expect("it listens");
        for stream in [&client, &server] {
            stream.set_nodelay(true).expect("no delay");
            stream.set_read_timeout(Some(core::time::Duration::from_millis(5))).expect("a time limit");
        }
        let to_client = ServerConnection::new(as_server).expect("usable");
        let name = NAME.try_into().expect("a domain");
        let to_server = ClientConnection::new(as_client, name).expect("usable");
        let (mut client, mut server) = (StreamOwned::new(to_client, client), StreamOwned::new(to_server, server));
        while pass(&mut client, &mut server) && pass(&mut server, &mut client) {}
        let _ = (client.sock.shutdown(Shutdown::Both), server.sock.shutdown(Shutdown::Both));
    });
    (address, thread)
}

/// Passes on what has come. False at the end.
fn pass(from: &mut impl Read, to: &mut impl Write) -> bool {
    let mut octets = [0; 4096];
    match from.read(&mut octets) {
        Ok(0) => false,
        Ok(count) => to.write_all(&octets[..count]).and_then(|()| to.flush()).is_ok(),
        Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}

/// SASL-10, rule 42: nonces are those of one connection, and the salts of users that do not exist those of one server.
#[test]
fn randomness() {
    let unknown = |server: &TestServer| {
        let mut peer = Peer::greeted(server.address());
        // `n,,n=nobody,r=abc`
        let challenge = peer.ask("AUTH SCRAM-SHA-256 biwsbj1ub2JvZHkscj1hYmM=");
        let decoded = STANDARD.decode(challenge.strip_prefix("334 ").expect("a challenge")).expect("base64");
        let decoded = String::from_utf8(decoded).expect("text");
        let mut parts = decoded.split(',');
        let (nonce, salt) = (parts.next().expect("a nonce").to_owned(), parts.next().expect("a salt").to_owned());
        assert!(nonce.starts_with("r=abc") && nonce.len() > 20 && salt.starts_with("s="), "{decoded}");
        (nonce, salt)
    };
    let servers = [(); 2].map(|()| TestServer::builder().user("alice", "secret").spawn());
    let (first, again, other) = (unknown(&servers[0]), unknown(&servers[0]), unknown(&servers[1]));
    assert_ne!(first.0, again.0);
    assert_eq!(first.1, again.1);
    assert_ne!(first.1, other.1);
}

/// EXTERNAL: a session learns who the client is by the certificate that was verified.
#[test]
fn external() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let identity = authority.issue(&[NAME]).identity();
    let tls = ServerTls::verifying_clients(&identity, [clients.root()]).expect("an authority");
    let (server, _) = porter(tls);
    let alice = clients.issue_client("alice", &[]).identity();
    let with = authority.client_tls().with_identity(&alice);
    for (client_tls, expected) in [(&with, None), (&authority.client_tls(), Some(CloseReason::AuthRefused))] {
        let mut config = client_config();
        config.security = Security::Required;
        config.credentials = Some(Credentials::external());
        let mut client = Client::connect_tls(server.address, NAME, config, client_tls).expect("it listens");
        assert_eq!(client.ready().err(), expected);
    }
}

/// What a session says about a user is what the client hears; one that panics is at its end.
#[test]
fn answers_of_sessions() {
    let authority = Authority::new();
    let tls = authority.issue(&[NAME]).server_tls();
    let (server, log) = porter(tls);
    let mut answers = Vec::new();
    for user in ["alice", "nobody", "weak", "later", "panic"] {
        let mut peer = Peer::greeted(server.address);
        assert!(peer.ask("STARTTLS").starts_with("220"));
        let mut peer = peer.into_tls_client(&authority.client_config(TLS13));
        peer.ask("EHLO client.example");
        let response = STANDARD.encode(format!("\0{user}\0secret").as_bytes());
        let first = peer.ask(&format!("AUTH PLAIN {response}"));
        let challenge = peer.ask("AUTH CRAM-MD5");
        let second = if challenge.starts_with("334") {
            peer.ask(&STANDARD.encode(format!("{user} 00000000000000000000000000000000").as_bytes()))
        } else {
            challenge
        };
        answers.push([first, second].map(|reply| reply[..9].to_owned()));
    }
    let expected = [
        ["235 2.7.0", "503 5.5.1"],
        ["535 5.7.8", "535 5.7.8"],
        ["534 5.7.9", "535 5.7.8"],
        ["454 4.7.0", "454 4.7.0"],
        ["451 4.3.0", "421 4.3.0"],
    ];
    assert_eq!(answers, expected);
    let said: Vec<_> = log.try_iter().collect();
    assert_eq!(said[..2], ["tls", "auth PLAIN alice"]);
    assert!(said.contains(&"lookup CRAM-MD5 nobody".to_owned()), "{said:?}");
}

/// A server of porters that know `alice`, with what they note.
fn porter(tls: ServerTls) -> (Running, Receiver<String>) {
    let mut config = server_config();
    let mechanisms = ["EXTERNAL", "CRAM-MD5", "PLAIN"].into_iter().filter_map(sasl::mechanism);
    config.auth.mechanisms = mechanisms.collect();
    config.timeouts.auth_delay = core::time::Duration::ZERO;
    let (log, said) = channel();
    let log = std::sync::Mutex::new(log);
    let server = bind(config).with_tls(tls);
    let session = move |_| Porter { log: log.lock().expect("no panic").clone(), certified: false };
    (Running::new(server, session), said)
}

struct Porter {
    log: std::sync::mpsc::Sender<String>,
    certified: bool,
}

impl Porter {
    fn note(&self, line: String) {
        // Nobody may be listening any more.
        let _ = self.log.send(line);
    }

    fn refuse(code: ReplyCode, detail: Detail) -> Reject {
        Reply::new(code, detail, "as it was told").into()
    }
}

impl Session for Porter {
    fn tls(&mut self, session: &TlsSession) {
        self.certified = session.is_verified();
        self.note("tls".into());
    }

    fn auth(&mut self, auth: &Auth) -> Answer {
        let user = match auth.claim() {
            Claim::Password { user, .. } | Claim::Proven { user, .. } => user,
            Claim::External { .. } if self.certified => "alice",
            _ => "",
        };
        self.note(format!("auth {} {user}", auth.mechanism()));
        assert_ne!(user, "panic", "as it was told");
        match user {
            "alice" => Ok(Accept::Usual),
            "weak" => Err(Self::refuse(ReplyCode::AUTHENTICATION_TOO_WEAK, Detail::MECHANISM_TOO_WEAK)),
            "later" => Err(Self::refuse(ReplyCode::TEMPORARY_AUTHENTICATION_FAILURE, Detail::OTHER_SECURITY_STATUS)),
            _ => Err(Self::refuse(ReplyCode::AUTHENTICATION_FAILED, Detail::CREDENTIALS_INVALID)),
        }
    }

    fn lookup(&mut self, lookup: &Lookup) -> Result<Option<Secret>, Reject> {
        self.note(format!("lookup {} {}", lookup.mechanism(), lookup.user()));
        match lookup.user() {
            // A reply that ends nothing for good is all that can be said here.
            "later" => Err(Self::refuse(ReplyCode::AUTHENTICATION_FAILED, Detail::CREDENTIALS_INVALID)),
            "alice" => Ok(Some(Secret::Password("secret".into()))),
            _ => Ok(None),
        }
    }

    fn hello(&mut self, _: &server::Hello) -> Answer {
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

/// Many who log in at once, over TLS: nothing is lost, and nobody is taken for another.
#[test]
fn crowd() {
    let authority = Authority::new();
    let tls = authority.issue(&[NAME]).server_tls();
    let names: Vec<_> = (0..8).map(|number| format!("user{number}")).collect();
    let mut server = TestServer::builder().tls(tls);
    for name in &names {
        server = server.user(name, name);
    }
    let server = server.spawn();
    let client_tls = Arc::new(authority.client_tls());
    thread::scope(|scope| {
        for name in &names {
            let (address, tls) = (server.address(), Arc::clone(&client_tls));
            scope.spawn(move || {
                let mut config = client_config();
                config.security = Security::Required;
                config.credentials = Some(Credentials::password(name, name));
                let mut client = Client::connect_tls(address, NAME, config, &tls).expect("it listens");
                let mails = (0..20).map(|_| (envelope(&["b@mx.example"]), name.as_bytes()));
                assert!(client.send_all(mails).all(|sent| sent.expect("sent").summary() == Summary::Accepted));
            });
        }
    });
    let messages = server.wait_for(160, PATIENCE);
    assert_eq!(messages.len(), 160);
    assert!(
        messages
            .iter()
            .all(|message| message.user.as_deref().map(str::as_bytes) == Some(message.body.trim_ascii_end()))
    );
}
