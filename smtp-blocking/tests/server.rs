//! The server over real sockets: what sessions are asked, and what their answers become.

mod kit;

use core::time::Duration;
use std::io::{ErrorKind, Read};
use std::sync::{Arc, Mutex};
use std::thread;

use kit::{Peer, Running, Traffic, bind, server_config};
use smtp_blocking::proto::address::{ForwardPath, ReversePath};
use smtp_blocking::proto::reply::{Detail, Reply, ReplyCode};
use smtp_blocking::proto::server::{Hello, Mail, Rcpt};
use smtp_blocking::{Accept, Answer, BodyReader, Direction, Envelope, Session};

/// A session that writes down what it is asked, and acts as the addresses tell it.
struct Clerk {
    log: Log,
}

type Log = Arc<Mutex<Vec<String>>>;

impl Clerk {
    fn note(&self, line: impl Into<String>) {
        self.log.lock().expect("no panic while it is held").push(line.into());
    }
}

impl Session for Clerk {
    fn connect(&mut self) -> Answer {
        self.note("connect");
        Ok(Accept::Usual)
    }

    fn hello(&mut self, hello: &Hello) -> Answer {
        self.note(format!("hello {} {}", hello.name(), hello.is_extended()));
        Ok(Accept::Usual)
    }

    fn mail(&mut self, mail: &Mail) -> Answer {
        let sender = match mail.reverse_path() {
            ReversePath::Null => String::new(),
            ReversePath::Path(path) => path.mailbox().as_str().to_owned(),
        };
        self.note(format!("mail {sender}"));
        assert!(!sender.starts_with("panic"), "as it was told");
        if sender.starts_with("no") { Err(refusal()) } else { Ok(Accept::Usual) }
    }

    fn rcpt(&mut self, rcpt: &Rcpt) -> Answer {
        let recipient = match rcpt.forward_path() {
            ForwardPath::Postmaster(name) => name.to_owned(),
            ForwardPath::Path(path) => path.mailbox().as_str().to_owned(),
        };
        self.note(format!("rcpt {recipient}"));
        if recipient.starts_with("no") { Err(refusal()) } else { Ok(Accept::Usual) }
    }

    fn data(&mut self, envelope: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        self.note(format!("data {:?} to {:?}", envelope.reverse_path(), envelope.recipients()));
        let recipient = envelope.recipients()[0].split('@').next().unwrap_or_default();
        match recipient {
            "unread" => return Ok(Accept::Usual),
            "refused-unread" => return Err(refusal()),
            "panic" => panic!("as it was told"),
            "panic-reading" => {
                let _ = body.read(&mut [0; 3]);
                panic!("as it was told");
            }
            "first-octet" => {
                let mut octet = [0];
                body.read_exact(&mut octet)?;
                self.note(format!("first octet {octet:?}"));
                return Ok(Accept::Usual);
            }
            _ => {}
        }
        let mut text = Vec::new();
        let end = body.read_to_end(&mut text);
        self.note(format!("read {:?}, end {:?}", text.escape_ascii().to_string(), end.map_err(|error| error.kind())));
        match recipient {
            "refused" => Err(refusal()),
            "queued" => Ok(Accept::With(Reply::new(ReplyCode::OK, Detail::UNDEFINED, "queued as 42"))),
            "disk" => Err(std::io::Error::other("the disk is full").into()),
            "contradiction" => Ok(Accept::With(Reply::new(ReplyCode::TRANSACTION_FAILED, None, "yes and no"))),
            "contradiction-2" => Err(Reply::new(ReplyCode::OK, None, "no and yes").into()),
            // Says yes whether or not it was whole.
            _ => Ok(Accept::Usual),
        }
    }

    fn revoked(&mut self) {
        self.note("revoked");
    }

    fn reset(&mut self) {
        self.note("reset");
    }

    fn verify(&mut self, argument: &str) -> Answer {
        self.note(format!("verify {argument}"));
        Ok(Accept::With(Reply::new(ReplyCode::OK, Detail::DESTINATION_ADDRESS_VALID, "Bob <b@mx.example>")))
    }
}

impl Drop for Clerk {
    fn drop(&mut self) {
        self.note("dropped");
    }
}

fn refusal() -> smtp_blocking::Reject {
    Reply::new(ReplyCode::MAILBOX_UNAVAILABLE, Detail::BAD_DESTINATION_MAILBOX, "not here").into()
}

/// A server of clerks that share one log.
fn clerks(config: smtp_blocking::proto::server::Config) -> (Running, Log) {
    let log = Log::default();
    let shared = Arc::clone(&log);
    (Running::new(bind(config), move |_| Clerk { log: Arc::clone(&shared) }), log)
}

fn entries(log: &Log) -> Vec<String> {
    log.lock().expect("no panic while it is held").clone()
}

/// Runs one transaction for this recipient and returns the reply to its last command.
fn deliver(peer: &mut Peer, recipient: &str, body: &str) -> String {
    peer.asks(&[("MAIL FROM:<a@client.example>", "250"), (&format!("RCPT TO:<{recipient}@mx.example>"), "250")]);
    let granted = peer.ask("DATA");
    if !granted.starts_with("354") {
        return granted;
    }
    peer.say(format!("{body}.\r\n"));
    peer.reply()
}

/// A whole session: what is asked in what order, and that the body arrives octet by octet as it was.
#[test]
fn whole_session() {
    let (mut server, log) = clerks(server_config());
    let mut peer = Peer::greeted(server.address);
    peer.asks(&[
        ("MAIL FROM:<a@client.example> SIZE=10", "250 2.1.0"),
        ("RCPT TO:<b@mx.example>", "250 2.1.5"),
        ("RCPT TO:<nobody@mx.example>", "550 5.1.1 not here"),
        ("RCPT TO:<Postmaster>", "250 2.1.5"),
        ("DATA", "354"),
    ]);
    peer.say("one\r\n..two\r\n.\r\n");
    assert!(peer.reply().starts_with("250 2.0.0"));
    assert!(peer.ask("QUIT").starts_with("221 2.0.0"));
    assert_eq!(peer.rest(), "");
    server.handle.shutdown();
    server.join();
    let expected = [
        "connect",
        "hello client.example true",
        "mail a@client.example",
        "rcpt b@mx.example",
        "rcpt nobody@mx.example",
        "rcpt Postmaster",
        r#"data "a@client.example" to ["b@mx.example", "Postmaster"]"#,
        r#"read "one\\r\\n.two\\r\\n", end Ok(11)"#,
        "reset",
        "dropped",
    ];
    assert_eq!(entries(&log), expected);
}

/// What a session answers to a message is what the client hears.
#[test]
fn answers_to_a_message() {
    let (server, log) = clerks(server_config());
    let mut peer = Peer::greeted(server.address);
    assert!(deliver(&mut peer, "refused", "x\r\n").starts_with("550 5.1.1 not here"));
    assert!(deliver(&mut peer, "queued", "x\r\n").starts_with("250 2.0.0 queued as 42"));
    let failed = deliver(&mut peer, "disk", "x\r\n");
    assert!(failed.starts_with("451 4.3.0") && !failed.contains("disk"), "{failed}");
    let revoked = || entries(&log).iter().filter(|entry| *entry == "revoked").count();
    assert_eq!(revoked(), 0, "nothing was accepted in vain");
    // A yes that says no is no yes, and a no that says yes is a no.
    assert!(deliver(&mut peer, "contradiction", "x\r\n").starts_with("451 4.3.0"));
    assert_eq!(revoked(), 1);
    assert!(deliver(&mut peer, "contradiction-2", "x\r\n").starts_with("451 4.3.0"));
    assert_eq!(revoked(), 1);
}

/// A refusal before the first read is the answer to DATA, and the transaction goes on; what an acceptance leaves unread
/// is thrown away, and the dialogue stays in step.
#[test]
fn unread_bodies() {
    let (server, log) = clerks(server_config());
    let mut peer = Peer::greeted(server.address);
    assert!(deliver(&mut peer, "refused-unread", "x\r\n").starts_with("550 5.1.1"));
    assert_eq!(
        entries(&log).last().map(String::as_str),
        Some(r#"data "a@client.example" to ["refused-unread@mx.example"]"#)
    );
    peer.asks(&[("MAIL FROM:<c@client.example>", "503"), ("RSET", "250")]);
    assert_eq!(entries(&log).last().map(String::as_str), Some("reset"));

    assert!(deliver(&mut peer, "unread", "x\r\n").starts_with("250 2.0.0"));
    let long = "0123456789abcdef\r\n".repeat(20_000);
    assert!(deliver(&mut peer, "first-octet", &long).starts_with("250 2.0.0"));
    assert!(deliver(&mut peer, "unread", &long).starts_with("250 2.0.0"));
    peer.asks(&[("NOOP", "250"), ("QUIT", "221")]);
}

/// EOD-18: a message that breaks off ends in an error, not in an end, and is not accepted although the session says so.
#[test]
fn broken_off_data_are_no_message() {
    let (mut server, log) = clerks(server_config());
    let mut peer = Peer::in_data(server.address);
    peer.say("one\r\ntw");
    drop(peer);
    server.handle.shutdown();
    server.join();
    let expected = ["read \"one\\\\r\\\\ntw\", end Err(UnexpectedEof)", "revoked", "reset", "dropped"];
    assert_eq!(entries(&log)[5..], expected);
}

/// EOD-02, EOD-16: a message with a stray octet or beyond the size limit is refused at its end, and the dialogue stays
/// in step.
#[test]
fn unfit_data_are_no_message() {
    let mut config = server_config();
    config.limits.message_size = 10.try_into().expect("not zero");
    let (server, log) = clerks(config);
    let mut peer = Peer::in_data(server.address);
    peer.say("a\nb\r\n.\r\n");
    assert!(peer.reply().starts_with("550 5.6.0"));
    assert!(deliver(&mut peer, "b", "0123456789\r\n").starts_with("552 5.3.4"));
    peer.asks(&[("NOOP", "250"), ("QUIT", "221")]);
    let log = entries(&log);
    assert!(log.contains(&r#"read "a\\nb\\r\\n", end Err(InvalidData)"#.to_owned()), "{log:?}");
    assert!(log.contains(&r#"read "0123456789", end Err(FileTooLarge)"#.to_owned()), "{log:?}");
    assert_eq!(log.iter().filter(|entry| *entry == "revoked").count(), 2);
}

/// STATE-11: a panic answers 451 and then ends that connection only, with its session.
#[test]
fn panics_end_one_connection() {
    let (server, log) = clerks(server_config());
    let mut bystander = Peer::greeted(server.address);

    let mut peer = Peer::greeted(server.address);
    assert!(peer.ask("MAIL FROM:<panic@client.example>").starts_with("451 4.3.0"));
    assert_eq!(entries(&log).last().map(String::as_str), Some("dropped"));
    assert!(peer.ask("MAIL FROM:<a@client.example>").starts_with("421 4.3.0"));
    assert!(peer.is_over());

    let mut peer = Peer::greeted(server.address);
    assert!(deliver(&mut peer, "panic", "x\r\n").starts_with("451 4.3.0"));
    assert!(peer.ask("NOOP").starts_with("250"));
    assert!(peer.ask("QUIT").starts_with("221"));

    let mut peer = Peer::greeted(server.address);
    assert!(deliver(&mut peer, "panic-reading", &"0123456789\r\n".repeat(10_000)).starts_with("451 4.3.0"));
    assert!(peer.ask("EHLO again.example").starts_with("421"));
    assert!(peer.is_over());

    assert!(deliver(&mut bystander, "b", "x\r\n").starts_with("250"));
}

/// A session that cannot even be made answers 421.
#[test]
fn panic_of_the_backend() {
    fn backend(_: core::net::SocketAddr) -> Clerk {
        panic!("as it was told")
    }
    let server = Running::new(bind(server_config()), backend);
    for _ in 0..2 {
        let mut peer = Peer::connect(server.address);
        assert!(peer.reply().starts_with("421 "));
        assert!(peer.is_over());
    }
}

/// R-3.1-03: a session may refuse service when it is asked to connect.
#[test]
fn refused_connection() {
    struct Closed;
    impl Session for Closed {
        fn connect(&mut self) -> Answer {
            Err(Reply::new(ReplyCode::TRANSACTION_FAILED, None, "no mail here").into())
        }
        fn mail(&mut self, _: &Mail) -> Answer {
            unreachable!("service was refused")
        }
        fn rcpt(&mut self, _: &Rcpt) -> Answer {
            unreachable!("service was refused")
        }
        fn data(&mut self, _: &Envelope, _: &mut BodyReader<'_>) -> Answer {
            unreachable!("service was refused")
        }
    }
    let server = Running::new(bind(server_config()), |_| Box::new(Closed) as Box<dyn Session>);
    let mut peer = Peer::connect(server.address);
    assert_eq!(peer.reply(), "554 no mail here");
    peer.asks(&[("EHLO client.example", "503"), ("MAIL FROM:<a@client.example>", "503"), ("QUIT", "221")]);
}

/// The backend learns the address of the peer.
#[test]
fn backend_sees_the_peer() {
    let log = Log::default();
    let (shared, seen) = (Arc::clone(&log), Arc::new(Mutex::new(Vec::new())));
    let peers = Arc::clone(&seen);
    let server = Running::new(bind(server_config()), move |peer| {
        peers.lock().expect("no panic").push(peer);
        Clerk { log: Arc::clone(&shared) }
    });
    let stream = std::net::TcpStream::connect(server.address).expect("the server listens");
    let here = stream.local_addr().expect("an address");
    let mut peer = Peer::new(stream);
    peer.reply();
    assert_eq!(*seen.lock().expect("no panic"), [here]);
}

/// REL-12: a client that closes its side after its commands is still answered.
#[test]
fn half_closed_client_is_answered() {
    let (server, log) = clerks(server_config());
    let mut peer = Peer::greeted(server.address);
    peer.say("MAIL FROM:<a@client.example>\r\nRCPT TO:<b@mx.example>\r\nRSET\r\nNOOP\r\n");
    peer.half_close();
    let codes: Vec<_> = peer.rest().lines().map(|line| line[..3].to_owned()).collect();
    assert_eq!(codes, ["250", "250", "250", "250"]);
    assert!(entries(&log).contains(&"reset".to_owned()));
}

/// RSET and a second EHLO end a transaction; without one there is nothing to reset.
#[test]
fn transactions_end() {
    let (server, log) = clerks(server_config());
    let mut peer = Peer::greeted(server.address);
    peer.asks(&[
        ("RSET", "250"),
        ("MAIL FROM:<no@client.example>", "550"),
        ("RSET", "250"),
        ("MAIL FROM:<>", "250"),
        ("RSET", "250"),
        ("MAIL FROM:<>", "250"),
        ("EHLO client.example", "250"),
        ("EHLO client.example", "250"),
    ]);
    let expected = [
        "mail no@client.example",
        "mail ",
        "reset",
        "mail ",
        "hello client.example true",
        "reset",
        "hello client.example true",
    ];
    assert_eq!(entries(&log)[2..], expected);
}

/// VRFY and EXPN are asked only when the configuration says so.
#[test]
fn verify_and_expand() {
    let (server, log) = clerks(server_config());
    let mut peer = Peer::greeted(server.address);
    peer.asks(&[("VRFY bob", "252"), ("EXPN list", "502")]);
    assert!(!entries(&log).contains(&"verify bob".to_owned()));

    let mut config = server_config();
    (config.verify, config.expand) = (true, true);
    let (server, log) = clerks(config);
    let mut peer = Peer::greeted(server.address);
    peer.asks(&[("VRFY bob", "250 2.1.5 Bob <b@mx.example>"), ("EXPN list", "502 5.5.1")]);
    assert!(entries(&log).contains(&"verify bob".to_owned()));
}

/// R-4.5.3.2.7-01: a silent client is told 421 when its time is over.
#[test]
fn silent_client_is_told() {
    let mut config = server_config();
    config.timeouts.idle = Duration::from_millis(100);
    let (server, _) = clerks(config);
    let mut peer = Peer::connect(server.address);
    peer.reply();
    assert!(peer.reply().starts_with("421 4.4.2"));
    assert!(peer.is_over());
}

/// A client that does not read is cut when its time is over, and its place is free again.
#[test]
fn client_that_does_not_read_is_cut() {
    let mut config = server_config();
    config.timeouts.write = Duration::from_millis(100);
    config.limits.junk_commands = u32::MAX.try_into().expect("not zero");
    let (mut server, log) = clerks(config);
    let mut peer = Peer::greeted(server.address);
    let stream = std::net::TcpStream::connect(server.address).expect("the server listens");
    let flood = thread::spawn(move || {
        use std::io::Write;
        let mut stream = stream;
        stream.set_write_timeout(Some(kit::PATIENCE)).expect("a time limit");
        let noops = "HELP\r\n".repeat(10_000);
        // It never reads; in the end the server does not either, and then it leaves.
        while stream.write_all(noops.as_bytes()).is_ok() {}
    });
    flood.join().expect("the flood ends");
    assert!(peer.ask("QUIT").starts_with("221"));
    server.handle.shutdown();
    server.join();
    assert_eq!(entries(&log).iter().filter(|entry| *entry == "dropped").count(), 2);
}

/// The last reply arrives although the client has sent more than was read.
#[test]
fn last_reply_is_not_lost() {
    let (server, _) = clerks(server_config());
    let mut peer = Peer::connect(server.address);
    peer.reply();
    peer.say("GET / HTTP/1.1\r\n".to_owned() + &"Header: value\r\n".repeat(10_000));
    peer.half_close();
    assert!(peer.rest().starts_with("421 "));
}

/// An answer that comes after its time is none: the client hears 451, and the session hears that.
#[test]
fn late_answer_is_revoked() {
    struct Late(Log);
    impl Session for Late {
        fn mail(&mut self, _: &Mail) -> Answer {
            Ok(Accept::Usual)
        }
        fn rcpt(&mut self, _: &Rcpt) -> Answer {
            Ok(Accept::Usual)
        }
        fn data(&mut self, _: &Envelope, body: &mut BodyReader<'_>) -> Answer {
            std::io::copy(body, &mut std::io::sink())?;
            thread::sleep(Duration::from_millis(300));
            Ok(Accept::Usual)
        }
        fn revoked(&mut self) {
            self.0.lock().expect("no panic").push("revoked".into());
        }
    }
    let mut config = server_config();
    config.timeouts.decision = Duration::from_millis(100);
    let log = Log::default();
    let shared = Arc::clone(&log);
    let server = Running::new(bind(config), move |_| Late(Arc::clone(&shared)));
    let mut peer = Peer::in_data(server.address);
    peer.say("x\r\n.\r\n");
    assert!(peer.reply().starts_with("451 4.3.0"));
    assert!(peer.ask("NOOP").starts_with("250"));
    assert_eq!(entries(&log), ["revoked"]);
}

/// An observer sees all octets of a connection, in both directions and in order.
#[test]
fn observer_sees_the_dialogue() {
    let traffic = Traffic::default();
    let (seen, log) = (traffic.clone(), Log::default());
    let server = bind(server_config()).with_observer(move |_| seen.observer());
    let server = Running::new(server, move |_| Clerk { log: Arc::clone(&log) });
    let mut peer = Peer::connect(server.address);
    let greeting = peer.reply();
    let bye = peer.ask("QUIT");
    assert_eq!(peer.rest(), "");
    let expected = [
        (Direction::Sent, format!("{greeting}\r\n")),
        (Direction::Received, "QUIT\r\n".to_owned()),
        (Direction::Sent, format!("{bye}\r\n")),
    ];
    assert_eq!(traffic.all(), expected);
}

/// One write for the replies of a pipelined group (X-2920-3.2-01).
#[test]
fn one_write_for_a_group() {
    let traffic = Traffic::default();
    let (seen, log) = (traffic.clone(), Log::default());
    let server = bind(server_config()).with_observer(move |_| seen.observer());
    let server = Running::new(server, move |_| Clerk { log: Arc::clone(&log) });
    let mut peer = Peer::greeted(server.address);
    peer.say("MAIL FROM:<a@client.example>\r\nRCPT TO:<b@mx.example>\r\nRCPT TO:<c@mx.example>\r\nDATA\r\n");
    for code in ["250", "250", "250", "354"] {
        assert!(peer.reply().starts_with(code));
    }
    peer.say(".\r\nQUIT\r\n");
    peer.rest();
    let replies: Vec<_> = traffic.sent().iter().map(|write| write.lines().count()).collect();
    assert_eq!(replies, [1, 6, 4, 2], "{:?}", traffic.sent());
}

/// A configuration that cannot work is refused where it is given.
#[test]
fn unusable_configuration() {
    let mut config = server_config();
    config.timeouts.idle = Duration::ZERO;
    let refused = smtp_blocking::Server::bind("127.0.0.1:0", config).expect_err("no time is zero");
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
}
