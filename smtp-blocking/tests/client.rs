//! The client over real sockets: against our server, and against scripted ones that do what servers do.

mod kit;

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};

use kit::{Peer, Traffic, client_config, envelope, scripted, server_config};
use smtp_blocking::proto::client::{Envelope, Failure, Stage, Summary, Verdict};
use smtp_blocking::proto::reply::{Detail, Reply, ReplyCode};
use smtp_blocking::proto::{CloseReason, Misuse, body::LineEndings};
use smtp_blocking::{Client, SendError, TestServer};

const PIPELINING: &str = "250-mx.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n";

fn no_such_user() -> Reply {
    Reply::new(ReplyCode::MAILBOX_UNAVAILABLE, Detail::BAD_DESTINATION_MAILBOX, "no such user")
}

fn later() -> Reply {
    Reply::new(ReplyCode::MAILBOX_BUSY, Detail::OTHER_MAILBOX_STATUS, "later")
}

fn connect(address: SocketAddr) -> Client {
    Client::connect(address, client_config()).expect("the server listens")
}

/// Any number of mails on one connection, each with its outcome; an octet of every kind arrives as it was.
#[test]
fn several_mails_on_one_connection() {
    let server = TestServer::spawn();
    let mut client = connect(server.address());
    let eight_bit: Vec<u8> = (1..=255).filter(|octet| !b"\r\n".contains(octet)).chain(*b"\r\n").collect();
    let bodies: [&[u8]; 5] =
        [b"", b"one\r\n", b".\r\n..\r\n.\r\n", &eight_bit, &b"0123456789abcde\r\n".repeat(100_000)];
    for body in bodies {
        let outcome = client.send(envelope(&["b@mx.example"]), body).expect("sent");
        assert_eq!(outcome.summary(), Summary::Accepted, "{outcome:?}");
    }
    assert_eq!(client.quit(), CloseReason::Quit);
    let received: Vec<_> = server.messages().into_iter().map(|message| message.body).collect();
    assert_eq!(received, bodies);
}

/// REL-13: a verdict for each recipient, and the mail goes to those that were accepted.
#[test]
fn verdict_for_every_recipient() {
    let server = TestServer::builder()
        .refuse_recipient("bad@mx.example", no_such_user())
        .refuse_recipient("late@mx.example", later())
        .spawn();
    let mut client = connect(server.address());
    let to = ["ok@mx.example", "bad@mx.example", "late@mx.example"];
    let outcome = client.send(envelope(&to), &b"x\r\n"[..]).expect("sent");
    assert_eq!(outcome.summary(), Summary::Partial);
    let verdicts: Vec<_> = outcome.recipients().collect();
    assert!(matches!(verdicts[0], ("ok@mx.example", Verdict::Accepted(_))));
    assert!(matches!(verdicts[1], ("bad@mx.example", Verdict::Permanent(Some(reply))) if *reply == no_such_user()));
    assert!(matches!(verdicts[2], ("late@mx.example", Verdict::Temporary(Some(reply))) if *reply == later()));
    assert_eq!(server.messages()[0].recipients, ["ok@mx.example"]);

    let outcome = client.send(envelope(&["bad@mx.example"]), &b"x\r\n"[..]).expect("sent");
    assert_eq!(outcome.summary(), Summary::Refused);
    let outcome = client.send(outcome.into_envelope().to("ok@mx.example").expect("an address"), &b"y\r\n"[..]);
    assert_eq!(outcome.expect("sent").summary(), Summary::Partial);
    assert_eq!(server.messages().len(), 2);
}

/// When many mails wait, one write carries the end of one and the commands of the next (one round trip a mail).
#[test]
fn next_mail_leaves_with_the_end_of_the_one_before() {
    let server = TestServer::spawn();
    let traffic = Traffic::default();
    let mut client = connect(server.address());
    client.observe(traffic.observer());
    client.ready().expect("greeted");
    let before = traffic.sent().len();
    let bodies: [&[u8]; 4] = [b"one\r\n", b"", b".\r\n", b"four\r\n"];
    let mails = bodies.map(|body| (envelope(&["b@mx.example"]), body));
    let outcomes: Vec<_> = client.send_all(mails).map(|outcome| outcome.expect("sent").summary()).collect();
    assert_eq!(outcomes, [Summary::Accepted; 4]);
    let commands = "MAIL FROM:<a@client.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n";
    let expected = [
        commands.to_owned(),
        format!("one\r\n.\r\n{commands}"),
        format!(".\r\n{commands}"),
        format!("..\r\n.\r\n{commands}"),
        "four\r\n.\r\n".to_owned(),
    ];
    assert_eq!(traffic.sent()[before..], expected);
    assert_eq!(client.quit(), CloseReason::Quit);
    let received: Vec<_> = server.messages().into_iter().map(|message| message.body).collect();
    assert_eq!(received, bodies);
}

/// Bodies go to the mails they belong to, also when mails between them are refused at different stages.
#[test]
fn refused_mails_between_others() {
    let server = TestServer::builder()
        .refuse_recipient("bad@mx.example", no_such_user())
        .refuse_sender("no@client.example", no_such_user())
        .spawn();
    let mut client = connect(server.address());
    let from_nobody =
        || Envelope::new("no@client.example").and_then(|mail| mail.to("b@mx.example")).expect("addresses");
    let mails = [
        (envelope(&["bad@mx.example"]), "0\r\n"),
        (envelope(&["b@mx.example"]), "1\r\n"),
        (from_nobody(), "2\r\n"),
        (envelope(&["bad@mx.example", "b@mx.example"]), "3\r\n"),
        (envelope(&["bad@mx.example"]), "4\r\n"),
        (envelope(&["bad@mx.example"]), "5\r\n"),
        (envelope(&["b@mx.example"]), "6\r\n"),
    ];
    let mails = mails.map(|(envelope, body)| (envelope, body.as_bytes()));
    let outcomes: Vec<_> = client.send_all(mails).map(|outcome| outcome.expect("sent").summary()).collect();
    let (refused, accepted) = (Summary::Refused, Summary::Accepted);
    assert_eq!(outcomes, [refused, accepted, refused, Summary::Partial, refused, refused, accepted]);
    let received: Vec<_> = server.messages().into_iter().map(|message| message.body).collect();
    assert_eq!(received, [b"1\r\n", b"3\r\n", b"6\r\n"]);
}

/// What cannot be tried is said in its turn, and those behind it are sent.
#[test]
fn envelope_without_recipient() {
    let server = TestServer::spawn();
    let mut client = connect(server.address());
    let mails =
        [(envelope(&["b@mx.example"]), "1\r\n"), (envelope(&[]), "2\r\n"), (envelope(&["b@mx.example"]), "3\r\n")];
    let mails = mails.map(|(envelope, body)| (envelope, body.as_bytes()));
    let results: Vec<_> = client.send_all(mails).collect();
    assert_eq!(results.len(), 3);
    assert!(matches!(&results[0], Ok(outcome) if outcome.summary() == Summary::Accepted));
    assert!(matches!(&results[1], Err(SendError::NotTried(refused)) if refused.misuse == Misuse::NoRecipient));
    assert!(matches!(&results[2], Ok(outcome) if outcome.summary() == Summary::Accepted));
    assert_eq!(server.messages().len(), 2);
}

/// A reader that fails cuts the connection before the final dot: the server takes nothing, and the error is told.
#[test]
fn body_that_cannot_be_read() {
    let server = TestServer::spawn();
    let mut client = connect(server.address());
    let body = io::repeat(b'x').take(100_000).chain(Failing);
    let error = client.send(envelope(&["b@mx.example"]), body).expect_err("not whole");
    let SendError::Body { error, outcome } = error else { panic!("{error:?}") };
    assert_eq!(error.to_string(), "the disk is on fire");
    assert_eq!(
        (outcome.summary(), outcome.failure()),
        (Summary::Refused, Some(Failure::Connection(CloseReason::Abandoned)))
    );
    assert_eq!(client.closed(), Some(CloseReason::Abandoned));
    let error = client.send(envelope(&["b@mx.example"]), io::empty()).expect_err("over");
    assert!(matches!(error, SendError::NotTried(refused) if refused.misuse == Misuse::Closed));
    drop(client);
    assert!(server.messages().is_empty());
}

struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is on fire"))
    }
}

/// EOD-20: a body with a lone LF is not sent, or sent with CRLF when the configuration says so.
#[test]
fn line_endings() {
    let server = TestServer::spawn();
    let outcome = connect(server.address()).send(envelope(&["b@mx.example"]), &b"a\nb\n"[..]).expect("tried");
    assert_eq!(outcome.summary(), Summary::Refused);
    assert!(matches!(outcome.failure(), Some(Failure::Stray(_))));
    assert!(server.messages().is_empty());

    let mut config = client_config();
    config.line_endings = LineEndings::Normalize;
    let mut client = Client::connect(server.address(), config).expect("the server listens");
    let outcome = client.send(envelope(&["b@mx.example"]), &b"a\nb\n"[..]).expect("sent");
    assert_eq!(outcome.summary(), Summary::Accepted);
    assert_eq!(server.messages()[0].body, b"a\r\nb\r\n");
}

/// Dropping what is being iterated over in the middle of a mail does not pass a part of it for the whole.
#[test]
fn dropped_in_the_middle() {
    let server = TestServer::spawn();
    let mut client = connect(server.address());
    let mails = (0..10).map(|_| (envelope(&["b@mx.example"]), &b"x\r\n"[..]));
    let mut outcomes = client.send_all(mails);
    assert_eq!(outcomes.next().expect("an outcome").expect("sent").summary(), Summary::Accepted);
    drop(outcomes);
    assert!(client.send(envelope(&["b@mx.example"]), io::empty()).is_err());
    drop(client);
    assert_eq!(server.messages().len(), 1);
}

/// Without a mail on its way there is nothing to cut: the connection serves on.
#[test]
fn dropped_between_mails() {
    let server = TestServer::spawn();
    let mut client = connect(server.address());
    let mut outcomes = client.send_all(core::iter::once((envelope(&["b@mx.example"]), &b"x\r\n"[..])));
    assert!(outcomes.next().is_some_and(|outcome| outcome.is_ok()));
    drop(outcomes);
    assert_eq!(client.send(envelope(&["b@mx.example"]), io::empty()).expect("sent").summary(), Summary::Accepted);
}

/// The mails behind the end of the connection stay with the caller.
#[test]
fn what_was_not_taken_stays_with_the_caller() {
    let (address, script) = scripted(|mut peer| {
        peer.say("220 mx.example\r\n");
        peer.line();
        peer.say(PIPELINING);
        for _ in 0..3 {
            peer.line();
        }
        peer.say("250 ok\r\n250 ok\r\n354 go\r\n");
        peer.data();
        peer.say("250 taken\r\n421 enough for today\r\n");
    });
    let mut client = connect(address);
    let mut mails = (0..10).map(|_| (envelope(&["b@mx.example"]), &b"x\r\n"[..]));
    let summaries: Vec<_> = client.send_all(mails.by_ref()).map(|outcome| outcome.expect("tried").summary()).collect();
    assert_eq!(summaries, [Summary::Accepted, Summary::Refused, Summary::Refused]);
    assert_eq!(mails.len(), 7, "one was being sent and one was next");
    assert_eq!(client.closed(), Some(CloseReason::ServiceNotAvailable));
    script.join().expect("the script runs through");
}

/// A server that gives its verdict in the middle of the data and hangs up is heard.
#[test]
fn verdict_in_the_middle_of_the_data() {
    let (address, script) = scripted(|mut peer| {
        begin(&mut peer);
        peer.line();
        peer.say("552 5.3.4 too big\r\n");
    });
    let outcome = connect(address).send(envelope(&["b@mx.example"]), endless().take(1 << 30)).expect("tried");
    assert_eq!(outcome.summary(), Summary::Refused, "{outcome:?}");
    let code = outcome.reply().map(|reply| reply.code().value());
    assert_eq!((outcome.stage(), code), (Stage::Body, Some(552)));
    script.join().expect("the script runs through");
}

/// One that gives its verdict in the middle of the data and does not read on is heard as well.
#[test]
fn verdict_of_a_server_that_does_not_read_on() {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (address, script) = scripted(move |mut peer| {
        begin(&mut peer);
        peer.line();
        peer.say("552 5.3.4 too big\r\n");
        held.recv_timeout(kit::PATIENCE).expect("the client leaves");
    });
    let outcome = connect(address).send(envelope(&["b@mx.example"]), endless().take(1 << 30)).expect("tried");
    assert_eq!(outcome.reply().map(|reply| reply.code().value()), Some(552));
    release.send(()).expect("the script runs");
    script.join().expect("the script runs through");
}

/// Lines without end.
fn endless() -> impl Read {
    struct Lines;
    impl Read for Lines {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let lines = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n";
            let count = out.len() - out.len() % lines.len();
            out[..count].chunks_mut(lines.len()).for_each(|chunk| chunk.copy_from_slice(lines));
            if count == 0 { Ok(0) } else { Ok(count) }
        }
    }
    Lines
}

/// Up to the data of the first mail.
fn begin(peer: &mut Peer) {
    peer.say("220 mx.example\r\n");
    peer.line();
    peer.say(PIPELINING);
    for _ in 0..3 {
        peer.line();
    }
    peer.say("250 ok\r\n250 ok\r\n354 go\r\n");
}

/// REL-04: the connection ends behind the final dot: nobody knows.
#[test]
fn lost_after_the_dot_is_unknown() {
    let (address, script) = scripted(|mut peer| {
        begin(&mut peer);
        peer.data();
    });
    let outcome = connect(address).send(envelope(&["b@mx.example"]), &b"x\r\n"[..]).expect("tried");
    assert_eq!((outcome.summary(), outcome.stage()), (Summary::Unknown, Stage::Final));
    script.join().expect("the script runs through");
}

/// REL-05: the connection ends in the middle of the data: the server has not taken it.
#[test]
fn lost_before_the_dot_is_refused() {
    let (address, script) = scripted(|mut peer| {
        begin(&mut peer);
        peer.line();
    });
    let outcome = connect(address).send(envelope(&["b@mx.example"]), endless().take(1 << 30)).expect("tried");
    assert_eq!((outcome.summary(), outcome.stage()), (Summary::Refused, Stage::Body));
    assert!(outcome.recipients().all(|(_, verdict)| matches!(verdict, Verdict::Temporary(None))));
    script.join().expect("the script runs through");
}

/// REL-18: a connection that the server closed while it was idle refuses the next mail for now.
#[test]
fn closed_while_idle() {
    let (address, script) = scripted(|mut peer| {
        begin(&mut peer);
        peer.data();
        peer.say("250 ok\r\n421 you are idle\r\n");
    });
    let mut client = connect(address);
    let outcome = client.send(envelope(&["b@mx.example"]), &b"x\r\n"[..]).expect("tried");
    assert_eq!(outcome.summary(), Summary::Accepted);
    script.join().expect("the script runs through");
    let outcome = client.send(envelope(&["b@mx.example"]), &b"x\r\n"[..]).expect("tried");
    assert_eq!(outcome.summary(), Summary::Refused);
    assert!(outcome.recipients().all(|(_, verdict)| matches!(verdict, Verdict::Temporary(_))), "{outcome:?}");
}

/// R-3.1-03: a greeting that refuses service is the verdict on the mail, and is told by `ready`.
#[test]
fn refused_by_the_greeting() {
    let server =
        TestServer::builder().refuse_connections(Reply::new(ReplyCode::TRANSACTION_FAILED, None, "no")).spawn();
    let outcome = connect(server.address()).send(envelope(&["b@mx.example"]), io::empty()).expect("tried");
    assert_eq!((outcome.summary(), outcome.stage()), (Summary::Refused, Stage::Greeting));
    assert_eq!(outcome.reply().map(|reply| reply.code().value()), Some(554));
    assert_eq!(connect(server.address()).ready().err(), Some(CloseReason::Refused));
}

/// A server that never speaks is left when its time is over.
#[test]
fn silent_server() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let mut config = client_config();
    config.timeouts.greeting = Duration::from_millis(100);
    let mut client = Client::connect(listener.local_addr().expect("an address"), config).expect("it listens");
    let outcome = client.send(envelope(&["b@mx.example"]), io::empty()).expect("tried");
    assert_eq!((outcome.summary(), outcome.stage()), (Summary::Refused, Stage::Greeting));
    assert_eq!(outcome.failure(), Some(Failure::Connection(CloseReason::Timeout)));
}

/// The time for the answer to the final dot.
#[test]
fn silent_after_the_dot() {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (address, script) = scripted(move |mut peer| {
        begin(&mut peer);
        peer.data();
        held.recv_timeout(kit::PATIENCE).expect("the client leaves");
    });
    let mut config = client_config();
    config.timeouts.verdict = Duration::from_millis(100);
    let mut client = Client::connect(address, config).expect("it listens");
    let outcome = client.send(envelope(&["b@mx.example"]), &b"x\r\n"[..]).expect("tried");
    assert_eq!(
        (outcome.summary(), outcome.failure()),
        (Summary::Unknown, Some(Failure::Connection(CloseReason::Timeout)))
    );
    release.send(()).expect("the script runs");
    script.join().expect("the script runs through");
}

/// What a server offers is known before the first mail.
#[test]
fn capabilities() {
    let server =
        TestServer::builder().configure(|config| config.limits.message_size = 70_000.try_into().expect("not zero"));
    let server = server.spawn();
    let mut client = connect(server.address());
    let capabilities = client.ready().expect("greeted");
    assert_eq!((capabilities.has_pipelining(), capabilities.size_limit()), (true, Some(70_000)));
    let outcome = client.send(envelope(&["b@mx.example"]).with_size(70_001), io::empty()).expect("tried");
    assert_eq!(outcome.failure(), Some(Failure::TooBig(70_000)));
    assert!(client.ready().is_ok(), "nothing was sent, and the connection is as it was");
}

/// A server without PIPELINING is spoken to command by command.
#[test]
fn without_pipelining() {
    let (address, script) = scripted(|mut peer| {
        peer.say("220 mx.example\r\n");
        assert_eq!(peer.line(), "EHLO client.example\r\n");
        peer.say("502 what?\r\n");
        for (command, reply) in [("HELO", "250 mx.example"), ("MAIL", "250 ok"), ("RCPT", "250 ok"), ("DATA", "354 go")]
        {
            assert!(peer.line().starts_with(command));
            peer.say(format!("{reply}\r\n"));
        }
        assert_eq!(peer.data(), "x\r\n.\r\n");
        peer.say("250 ok\r\n");
        assert_eq!(peer.line(), "QUIT\r\n");
        peer.say("221 bye\r\n");
    });
    let mut client = connect(address);
    let outcome = client.send(envelope(&["b@mx.example"]), &b"x\r\n"[..]).expect("sent");
    assert_eq!(outcome.summary(), Summary::Accepted);
    assert_eq!(client.quit(), CloseReason::Quit);
    script.join().expect("the script runs through");
}

/// The addresses of a server are tried in turn.
#[test]
fn second_address() {
    let server = TestServer::spawn();
    let unused = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let mut client = Client::connect(&[unused, server.address()][..], client_config()).expect("the second listens");
    assert!(client.ready().is_ok());
    assert!(Client::connect(unused, client_config()).is_err());
    let none = Client::connect(&[] as &[SocketAddr], client_config()).expect_err("no address");
    assert_eq!(none.kind(), io::ErrorKind::NotFound);
}

/// A stream that exists already serves as well, and tells its addresses.
#[test]
fn existing_stream() {
    let server = TestServer::spawn();
    let stream = TcpStream::connect(server.address()).expect("it listens");
    let mut client = Client::from_stream(stream, client_config()).expect("usable");
    assert_eq!(client.stream().peer_addr().expect("connected").ip(), Ipv4Addr::LOCALHOST);
    let outcome = client.send(envelope(&["postmaster"]), &b"x\r\n"[..]).expect("sent");
    assert_eq!(outcome.summary(), Summary::Accepted);
    let message = &server.messages()[0];
    assert_eq!((&*message.client, &*message.reverse_path), ("client.example", "a@client.example"));
    assert_eq!(message.recipients, ["postmaster"]);
}

/// A body in many small reads, and one that is cut by signals, arrives whole.
#[test]
fn small_reads() {
    struct Trickle(usize);
    impl Read for Trickle {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                2001 => Ok(0),
                turn if turn % 3 == 0 => Err(io::ErrorKind::Interrupted.into()),
                turn => {
                    out[0] = b'a' + (turn % 26) as u8;
                    Ok(1)
                }
            }
        }
    }
    let server = TestServer::spawn();
    let outcome =
        connect(server.address()).send(envelope(&["b@mx.example"]), Trickle(0).chain(&b"\r\n"[..])).expect("sent");
    assert_eq!(outcome.summary(), Summary::Accepted);
    assert_eq!(server.messages()[0].body.len(), 2000 - 2000 / 3 + 2);
}

/// A server that goes away is noticed between mails, and the reason is kept.
#[test]
fn server_restarts() {
    let mut server = TestServer::builder().configure(|config| *config = server_config()).spawn();
    let mut client = connect(server.address());
    assert_eq!(client.send(envelope(&["b@mx.example"]), io::empty()).expect("sent").summary(), Summary::Accepted);
    server.shutdown();
    let outcome = client.send(envelope(&["b@mx.example"]), io::empty()).expect("tried");
    assert_eq!(outcome.summary(), Summary::Refused);
    assert!(client.closed().is_some());
    assert_eq!(server.messages().len(), 1);
}
