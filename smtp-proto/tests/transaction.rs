//! What a server keeps of a mail transaction, when it forgets it, and whose word the message waits for.

mod kit;

use core::time::Duration;

use bytes::Bytes;
use kit::desk::Desk;
use kit::pair::Pair;
use kit::script::{Caller, Record, serve, settle_server};
use kit::{Cuts, at, client, client_config, server, server_config, show};
use smtp_proto::body::LineEndings;
use smtp_proto::client::Envelope;
use smtp_proto::reply::{Detail, Reply, ReplyCode};
use smtp_proto::server::{self as server_role, Config, Connection, Event, Message, Output, Rcpt};
use smtp_proto::{CloseReason, Decision, Instant};

const NOW: Instant = Instant::EPOCH;
const EHLO: &[u8] = b"EHLO client.example\r\n";
const ENVELOPE: &[u8] = b"MAIL FROM:<a@client.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n";

/// What a server with the defaults says to these groups.
fn dialogue(groups: &[&[u8]]) -> (Record, Desk) {
    dialogue_with(server_config(), groups, Cuts::Whole)
}

fn dialogue_with(config: Config, groups: &[&[u8]], cuts: Cuts) -> (Record, Desk) {
    let mut desk = Desk::default();
    let record = serve(&mut server(config), &mut desk, groups, cuts);
    (record, desk)
}

/// The codes that were said behind the greeting and the answer to EHLO.
fn codes(record: &Record) -> Vec<String> {
    let said = String::from_utf8(record.sent.clone()).expect("ASCII");
    said.lines().filter(|line| line.as_bytes()[3] == b' ').skip(2).map(|line| line[..3].into()).collect()
}

/// A server that has taken `groups` and been told nothing of what it asks then, with the event that asks.
fn asked(config: Config, groups: &[&[u8]], last: &'static [u8]) -> (Connection, Event) {
    let mut connection = server(config);
    let _ = serve(&mut connection, &mut Desk::default(), groups, Cuts::Whole);
    connection.handle_input(NOW, Bytes::from_static(last)).expect("input is welcome");
    loop {
        match connection.poll() {
            Output::Event(Event::Body(_)) => {}
            Output::Event(event) => return (connection, event),
            other => panic!("{other:?}"),
        }
    }
}

/// A server that has heard a whole message, and the question what becomes of it.
fn at_the_end_of_data(config: Config) -> (Connection, Message) {
    match asked(config, &[EHLO, ENVELOPE], b"text\r\n.\r\n") {
        (connection, Event::Message(token)) => (connection, token),
        (_, other) => panic!("{other:?}"),
    }
}

/// What leaves next, all of it.
fn transmit(connection: &mut Connection, now: Instant) -> String {
    let Output::Transmit(octets) = connection.poll() else { panic!("a reply leaves") };
    let octets = octets.to_vec();
    connection.transmitted(now, octets.len());
    String::from_utf8(octets).expect("ASCII")
}

/// R-2.1-04, R-4.1.1.4-15: no octet answers the end of the data before the application does, however long that takes; then
/// its word decides.
#[test]
fn the_answer_to_the_message_is_the_applications() {
    for (accepts, expected) in [(true, "250 "), (false, "452 ")] {
        let (mut connection, token) = at_the_end_of_data(server_config());
        for second in [0, 1, 100, 299] {
            connection.handle_timeout(at(second));
            let Output::Wait(wait) = connection.poll() else { panic!("nothing is said") };
            assert_eq!(wait.decision, Some(Decision::Message));
        }
        if accepts {
            connection.accept(at(299), token).expect("due");
        } else {
            let full = Reply::new(ReplyCode::INSUFFICIENT_STORAGE, Detail::SYSTEM_FULL, "no room");
            connection.reject(at(299), token, full).expect("due");
        }
        assert!(transmit(&mut connection, at(299)).starts_with(expected));
    }
}

/// R-6.1-08: the application is asked as soon as the last octet has come, and its answer leaves at once, also to a client
/// whose errors are answered late. What the application may take stays below what a client waits for (RFC 5321 §4.5.3.2.6).
#[test]
fn the_end_of_data_is_answered_without_delay() {
    let mut config = server_config();
    config.limits.soft_errors = 1.try_into().expect("not zero");
    config.timeouts.error_delay = Duration::from_secs(1);
    let mut connection = server(config);
    let mut desk = Desk::default();
    let _ = serve(&mut connection, &mut desk, &[EHLO, b"FROB\r\n", b"FROB\r\n"], Cuts::Whole);
    connection.handle_timeout(at(1));
    let said = transmit(&mut connection, at(1));
    assert!(said.starts_with("500 "), "the last error is answered late: {said}");
    let _ = serve(&mut connection, &mut desk, &[ENVELOPE], Cuts::Whole);
    connection.handle_input(at(2), Bytes::from_static(b"text\r\n.\r\n")).expect("input");
    let Output::Event(Event::Body(_)) = connection.poll() else { panic!("the content") };
    let Output::Event(Event::Message(token)) = connection.poll() else { panic!("the question") };
    connection.accept(at(2), token).expect("due");
    assert!(transmit(&mut connection, at(2)).starts_with("250 "));
    let (server, client) = (server_config().timeouts, client_config().timeouts);
    assert!(server.decision < client.verdict && server.decision < Duration::from_secs(600));
}

/// R-4.1.1-05: whatever has come, nothing of it is a message before its end; then it is all one. R-4.1.1.3-07: each RCPT
/// adds its recipient and leaves the sender and those before it alone, also where it is refused.
#[test]
fn a_transaction_is_held_to_its_end() {
    let stream: [&[u8]; 5] = [
        b"MAIL FROM:<a@client.example>\r\n",
        b"RCPT TO:<b@mx.example>\r\nRCPT TO:<no@mx.example>\r\nRCPT TO:<c@mx.example>\r\n",
        b"DATA\r\n",
        b"first line\r\n",
        b"second line\r\n.\r\n",
    ];
    for length in 0..stream.len() {
        let (record, desk) = dialogue(&[&[EHLO], &stream[..length]].concat());
        assert!(desk.messages.is_empty());
        assert!(!record.log.iter().any(|line| line.starts_with("Message")), "{:?}", record.log);
    }
    for cuts in [Cuts::Whole, Cuts::Every(1), Cuts::Every(5)] {
        let (_, desk) = dialogue_with(server_config(), &[&[EHLO], &stream[..]].concat(), cuts);
        let [message] = &desk.messages[..] else { panic!("one message") };
        assert_eq!(message.from, "a@client.example");
        assert_eq!(message.to, ["b@mx.example", "c@mx.example"]);
        assert_eq!(message.body, b"first line\r\nsecond line\r\n");
    }
}

/// The same by the envelope that the core keeps for an application.
#[test]
fn an_envelope_grows_by_each_recipient() {
    let (mut connection, event) = asked(server_config(), &[EHLO], b"MAIL FROM:<a@client.example>\r\n");
    let Event::Mail(mail) = event else { panic!("MAIL is asked about") };
    let mut envelope = server_role::Envelope::new(&mail);
    connection.accept(NOW, mail).expect("due");
    for (number, line) in [&b"RCPT TO:<b@mx.example>\r\n"[..], b"RCPT TO:<c@mx.example>\r\n"].into_iter().enumerate() {
        let _ = transmit(&mut connection, NOW);
        connection.handle_input(NOW, Bytes::from_static(line)).expect("input");
        let Output::Event(Event::Rcpt(rcpt)) = connection.poll() else { panic!("RCPT is asked about") };
        envelope.add(rcpt.forward_path().as_str());
        connection.accept(NOW, rcpt).expect("due");
        assert_eq!(envelope.reverse_path(), "a@client.example");
        assert_eq!(envelope.recipients(), &["b@mx.example", "c@mx.example"][..=number]);
    }
}

/// R-3.3-02, R-4.1.1.2-03, R-4.1.1.4-11: a transaction begins with nothing, whatever became of the one before: neither its
/// recipients nor its data nor what was counted of them. What is forgotten cannot be gone on with.
#[test]
fn each_transaction_begins_with_nothing() {
    let mut config = server_config();
    config.limits.recipients = 2.try_into().expect("not zero");
    let full = b"MAIL FROM:<old@client.example>\r\nRCPT TO:<old@mx.example>\r\nRCPT TO:<old@mx.example>\r\n";
    let ends: [&[&[u8]]; 4] =
        [&[b"RSET\r\n"], &[EHLO], &[b"DATA\r\n", b"old\r\n.\r\n"], &[b"DATA\r\n", b"refuse me\r\n.\r\n"]];
    for end in ends {
        for gone_on in [&b"RCPT TO:<c@mx.example>\r\n"[..], b"DATA\r\n"] {
            let groups = [&[EHLO, &full[..]], end, &[gone_on, b"MAIL FROM:<new@client.example>\r\n", b"DATA\r\n"]];
            let (record, _) = dialogue_with(config.clone(), &groups.concat(), Cuts::Whole);
            let codes = codes(&record);
            // The new MAIL is taken, and it has no recipient yet.
            assert_eq!(codes[codes.len() - 3..], ["503", "250", "503"], "{}", show(&record.sent));
        }
        let next = b"MAIL FROM:<new@client.example>\r\nRCPT TO:<b@mx.example>\r\nRCPT TO:<c@mx.example>\r\nDATA\r\n";
        let groups = [&[EHLO, &full[..]], end, &[&next[..], b"new\r\n.\r\n"]].concat();
        let (record, desk) = dialogue_with(config.clone(), &groups, Cuts::Every(3));
        assert!(!codes(&record).contains(&"452".into()), "{}", show(&record.sent));
        let last = desk.messages.last().expect("the second mail");
        assert_eq!((&last.from[..], &last.body[..]), ("new@client.example", &b"new\r\n"[..]));
        assert_eq!(last.to, ["b@mx.example", "c@mx.example"]);
    }
}

/// R-2.3.6-01: both ends of a session agree where it stands, though mails are refused in every place: the client clears
/// what the server still holds, and no command of it is out of order.
#[test]
fn both_sides_keep_step() {
    for pipelining in [true, false] {
        let mut config = client_config();
        config.pipelining = pipelining;
        let bodies: [&[u8]; 4] = [b"refuse me\r\n", b"one\r\n", b"two\r\n", b"three\r\n"];
        // A body is asked for where a recipient is accepted.
        let mails = [
            ("no@client.example", "b@mx.example"),
            ("a@client.example", "no@mx.example"),
            ("a@client.example", "b@mx.example"),
            ("later@client.example", "b@mx.example"),
            ("a@client.example", "c@mx.example"),
            ("a@client.example", "later@mx.example"),
            ("d@client.example", "e@mx.example"),
            ("f@client.example", "g@mx.example"),
        ];
        let mut pair = Pair::new(client(config), server(server_config()), Caller::of(&bodies), Cuts::Every(7));
        for (from, to) in mails {
            let envelope = Envelope::new(from).and_then(|envelope| envelope.to(to)).expect("addresses");
            pair.client.send(NOW, envelope).expect("room");
        }
        pair.client.quit(NOW);
        pair.run();
        assert_eq!((pair.record.closed, pair.server_record.closed), (Some(CloseReason::Quit), Some(CloseReason::Quit)));
        let taken: Vec<_> =
            pair.desk.messages.iter().map(|mail| (&mail.from[..], mail.to.join(","), &mail.body[..])).collect();
        let expected = [
            ("a@client.example", "c@mx.example".to_owned(), &b"one\r\n"[..]),
            ("d@client.example", "e@mx.example".to_owned(), b"two\r\n"),
            ("f@client.example", "g@mx.example".to_owned(), b"three\r\n"),
        ];
        assert_eq!(taken, expected);
        let outcomes: Vec<_> =
            pair.record.log.iter().filter_map(|line| line.split_once(" at ")).map(|(summary, _)| summary).collect();
        let (yes, no) = ("Accepted", "Refused");
        assert_eq!(outcomes, [no, no, no, no, yes, no, yes, yes], "{:?}", pair.record.log);
        let sent = String::from_utf8(pair.record.sent).expect("ASCII");
        let said = String::from_utf8(pair.server_record.sent).expect("ASCII");
        if pipelining {
            // The followers of a refused MAIL had left already.
            assert_eq!(said.matches("503 ").count(), 4, "{said}");
        } else {
            assert_eq!((sent.matches("RSET\r\n").count(), said.contains("503 ")), (2, false), "{said}");
        }
    }
}

/// R-4.1.1.10-08: QUIT at any point of a transaction is answered 221, and nothing of the transaction is a message.
/// R-4.1.1.5-06, R-4.1.1.5-07: so it is where the transport vanishes there, at the end of the stream or in any other way,
/// and a message that was taken before stays taken.
#[test]
fn the_end_of_the_connection_ends_the_transaction() {
    type End = fn(&mut Connection, &mut Desk) -> Record;
    let ends: [(End, CloseReason); 3] = [
        (|connection, desk| serve(connection, desk, &[b"QUIT\r\n"], Cuts::Whole), CloseReason::Quit),
        (|connection, desk| vanish(connection, desk, Connection::handle_eof), CloseReason::PeerClosed),
        (|connection, desk| vanish(connection, desk, Connection::handle_disconnect), CloseReason::TransportFailed),
    ];
    let stream: [&[u8]; 3] = [b"MAIL FROM:<x@client.example>\r\n", b"RCPT TO:<y@mx.example>\r\n", b"RCPT TO:<z@m"];
    for (end, reason) in ends {
        let whole_lines = if reason == CloseReason::Quit { 2 } else { 3 };
        for length in 0..=whole_lines {
            let mut connection = server(server_config());
            let mut desk = Desk::default();
            let groups = [&[EHLO, ENVELOPE, b"before\r\n.\r\n"], &stream[..length]].concat();
            let _ = serve(&mut connection, &mut desk, &groups, Cuts::Whole);
            let record = end(&mut connection, &mut desk);
            assert_eq!(record.closed, Some(reason), "{length}");
            let said = String::from_utf8(record.sent).expect("ASCII");
            assert!(if reason == CloseReason::Quit { said.starts_with("221 ") } else { said.is_empty() }, "{said}");
            let [message] = &desk.messages[..] else { panic!("the message from before") };
            assert_eq!(message.to, ["b@mx.example"]);
        }
    }
}

/// The transport vanishes.
fn vanish(connection: &mut Connection, desk: &mut Desk, how: fn(&mut Connection, Instant)) -> Record {
    how(connection, NOW);
    let mut record = Record::default();
    settle_server(connection, desk, &mut record, &mut Vec::new());
    record
}

/// R-4.1.1.4-02, R-4.5.2-04: each of the 128 codes is content like any other. CR and LF stand together, as everywhere (RFC 5321
/// §2.3.8); NUL only where it is let in, because what delivers mail often ends there.
#[test]
fn mail_data_hold_every_ascii_code() {
    let others: Vec<u8> = (0..128).filter(|octet| !b"\r\n\0".contains(octet)).collect();
    let run = |line_endings, content: &[u8], cuts| {
        let mut config = server_config();
        config.line_endings = line_endings;
        dialogue_with(config, &[EHLO, ENVELOPE, &[content, b"\r\n.\r\n"].concat()], cuts).1.messages
    };
    for cuts in [Cuts::Whole, Cuts::Every(1), Cuts::Every(16)] {
        let content = [&others[..], b"\r\n", &others[..]].concat();
        assert_eq!(run(LineEndings::Strict, &content, cuts)[0].body, [&content[..], b"\r\n"].concat());
        let with_nul = [&b"\0"[..], &content, b"\0"].concat();
        assert_eq!(run(LineEndings::Normalize, &with_nul, cuts)[0].body, [&with_nul[..], b"\r\n"].concat());
        assert!(run(LineEndings::Strict, &with_nul, cuts).is_empty());
    }
}

/// R-4.1.4-09: the application sees the name that a client gives itself, and may look into whether it is that of the
/// address. The message is served whatever it finds.
#[test]
fn the_name_of_the_client_may_be_checked() {
    for name in ["client.example", "[192.0.2.9]", "nobody.invalid"] {
        let mut connection = server(server_config());
        let _ = serve(&mut connection, &mut Desk::default(), &[], Cuts::Whole);
        let line = format!("EHLO {name}\r\n");
        connection.handle_input(NOW, Bytes::from(line.into_bytes())).expect("input");
        let Output::Event(Event::Hello(token)) = connection.poll() else { panic!("EHLO is asked about") };
        assert_eq!((token.name(), token.is_extended()), (name, true));
        connection.accept(NOW, token).expect("due");
        let mut desk = Desk::default();
        let _ = serve(&mut connection, &mut desk, &[ENVELOPE, b"x\r\n.\r\n"], Cuts::Whole);
        assert_eq!(desk.messages.len(), 1);
    }
}

/// R-3.4-08: that a mailbox has moved is said by nobody but the application: without its word there is no 251 and no 551.
#[test]
fn only_the_application_tells_where_somebody_has_moved() {
    type Answer = fn(&mut Connection, Rcpt);
    let answers: [(Answer, &str); 3] = [
        (|connection, token| connection.accept(NOW, token).expect("due"), "250 2.1.5 "),
        (
            |connection, token| {
                let moved = Reply::new(
                    ReplyCode::USER_NOT_LOCAL_WILL_FORWARD,
                    Detail::DESTINATION_ADDRESS_VALID,
                    "<c@d.example>",
                );
                connection.accept_with(NOW, token, moved).expect("due");
            },
            "251 2.1.5 <c@d.example>\r\n",
        ),
        (
            |connection, token| {
                let moved = Reply::new(ReplyCode::USER_NOT_LOCAL, Detail::DESTINATION_MOVED, "<c@d.example>");
                connection.reject(NOW, token, moved).expect("due");
            },
            "551 5.1.6 <c@d.example>\r\n",
        ),
    ];
    for (answer, said) in answers {
        let groups: [&[u8]; 2] = [EHLO, b"MAIL FROM:<a@client.example>\r\n"];
        let (mut connection, event) = asked(server_config(), &groups, b"RCPT TO:<b@mx.example>\r\n");
        let Event::Rcpt(token) = event else { panic!("RCPT is asked about") };
        answer(&mut connection, token);
        let reply = transmit(&mut connection, NOW);
        assert!(reply.starts_with(said), "{reply}");
    }
}

/// R-3.5.1-16: what a user name is, the application says: it gets every string as it came.
#[test]
fn any_string_may_be_a_user_name() {
    let mut config = server_config();
    config.verify = true;
    for (line, argument) in [
        (&b"VRFY jones\r\n"[..], "jones"),
        (b"VRFY jones@mx.example\r\n", "jones@mx.example"),
        (b"VRFY \"J. Jones, accounts\"\r\n", "\"J. Jones, accounts\""),
        (b"VRFY 0815\r\n", "0815"),
    ] {
        let (mut connection, event) = asked(config.clone(), &[EHLO], line);
        let Event::Verify(token) = event else { panic!("VRFY is asked about") };
        assert_eq!(token.argument(), argument);
        let jones = Reply::new(ReplyCode::OK, Detail::DESTINATION_ADDRESS_VALID, "<jones@mx.example>");
        connection.accept_with(NOW, token, jones).expect("due");
        assert_eq!(transmit(&mut connection, NOW), "250 2.1.5 <jones@mx.example>\r\n");
    }
}
