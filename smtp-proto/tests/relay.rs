//! What a relay that is made of this crate passes on: the message and its envelope as they came, and a trace field.

mod kit;

use core::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use kit::desk::{Desk, Message};
use kit::pair::Pair;
use kit::script::{Caller, serve};
use kit::{Cuts, client, client_config, server, server_config, show};
use smtp_proto::address::{Charset, ForwardPath, ReversePath};
use smtp_proto::client::Envelope;
use smtp_proto::command::BodyKind;
use smtp_proto::server::{Event, Output};
use smtp_proto::trace::{Protocol, Received, return_path};
use smtp_proto::{CloseReason, Instant};

const NOW: Instant = Instant::EPOCH;
const DATE: &str = "Thu, 21 May 1998 05:33:29 -0700";

/// What a server takes whose client says this.
fn receive(mail: &str, rcpt: &str, content: &[u8], cuts: Cuts) -> Message {
    // The message is stuffed by hand: no dot begins a line of these contents.
    assert!(!content.starts_with(b".") && !content.windows(2).any(|octets| octets == b"\n."));
    let envelope = format!("{mail}\r\n{rcpt}\r\nDATA\r\n");
    let groups = [b"EHLO client.example\r\n", envelope.as_bytes(), &[content, b".\r\n"].concat()];
    let mut desk = Desk::default();
    let record = serve(&mut server(server_config()), &mut desk, &groups, cuts);
    let said = String::from_utf8_lossy(&record.sent).into_owned();
    assert!(said.lines().last().is_some_and(|line| line.starts_with("250 ")), "{said}");
    desk.messages.pop().expect("a message")
}

/// The field that a server of this name puts in front of a message that came from there.
fn received(from: &str, by: &str) -> Vec<u8> {
    let mut field = Vec::new();
    let peer = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    Received::new(from, by, Protocol::Esmtp, DATE).with_peer(peer).encode(&mut field);
    field
}

/// Passes a message on with a `Received` field on top of it; what was said, and what came.
fn pass_on(message: &Message, field: &[u8], cuts: Cuts) -> (String, Message) {
    let envelope = Envelope::new(&message.from).expect("the reverse-path of MAIL").with_body(BodyKind::EightBitMime);
    let envelope = message.to.iter().fold(envelope, |envelope, to| envelope.to(to).expect("a forward-path of RCPT"));
    let mut caller = Caller::of(&[]);
    caller.bodies.push_back(vec![Bytes::copy_from_slice(field), Bytes::copy_from_slice(&message.body)]);
    let mut pair = Pair::new(client(client_config()), server(server_config()), caller, cuts);
    pair.client.send(NOW, envelope).expect("room");
    pair.client.quit(NOW);
    pair.run();
    assert_eq!(pair.record.closed, Some(CloseReason::Quit));
    let said = String::from_utf8_lossy(&pair.record.sent).into_owned();
    let [message] = &pair.desk.messages[..] else { panic!("one message: {said}") };
    (said, message.clone())
}

/// Contents that somebody could find fault with.
fn contents() -> Vec<Vec<u8>> {
    let many = (0..2000).map(|number| format!("user{number}@mx.example,\r\n\t")).collect::<String>();
    let texts = [
        "",
        "\r\n",
        "no header section\r\n",
        "\r\nno header field, no date, no Message-ID\r\n",
        "From: alice\r\nTo: bob@localhost, @, <>\r\n\r\nneither address is complete\r\n",
        "Subject: one\r\nSubject: two\r\n: no name\r\n \r\nno colon\r\nName with spaces: x\r\n\r\nx\r\n",
        "Resent-To: <b@mx.example>\r\n\r\nno Resent-From, no Resent-Date\r\n",
        "Resent-From: a@x.example\r\nResent-From: b@x.example\r\nResent-To: c@x.example\r\n\r\nnot as many of each\r\n",
        "Received: by hand\r\nReceived:\r\nreceived : from [999.1.2.3] ((;\r\n\tat noon, 98\r\nRECEIVED: \"\r\n\r\nx\r\n",
        "Return-Path: none\r\nReturn-Path: <c@else.example>\r\nReturn-Path: <>\r\n\r\nx\r\n",
        "From: c@else.example\r\nTo: d@else.example\r\nCc: e@else.example\r\nBcc: f@else.example\r\n\r\nto others\r\n",
        "MIME-Version: 7\r\nContent-Type: multipart/mixed\r\nContent-Transfer-Encoding: 9bit\r\n\r\n--no boundary\r\n",
        "Subject: gr\u{fc}n\r\n\r\n\u{fc}\r\n",
    ];
    let mut contents: Vec<Vec<u8>> = texts.into_iter().map(|text| text.as_bytes().to_vec()).collect();
    contents.push(b"Subject: \x80\xff\x01\x1b\r\n\r\n\xc3\x28\x7f\r\n".to_vec());
    contents.push(format!("To: {many}z@mx.example\r\n\r\nmany of them\r\n").into_bytes());
    contents.push(format!("Subject: {}\r\n\r\n{}\r\n", "x".repeat(5000), "y".repeat(50_000)).into_bytes());
    contents
}

/// R-2.3.10-01, R-2.4-14, R-3.6.3-07, R-4.4-07, R-4.4-18, R-4.5.3.1.8-03, R-6.4-02: a relay looks into no message: what it
/// passes on is what came, octet by octet, behind its own field. R-3.3-29, R-3.3-30, R-3.7.2-03, R-3.7.2-04,
/// R-4.5.3.1.8-04, R-4.5.3.1.8-05: nor does the server at the end refuse one for what it holds. R-7.2-03, R-C-09: what
/// stands in the header section changes no envelope, and no envelope changes the header section.
#[test]
fn content_is_passed_on_unseen() {
    for content in contents() {
        for cuts in [Cuts::Whole, Cuts::Every(7), Cuts::Random(1)] {
            let message = receive("MAIL FROM:<a@client.example>", "RCPT TO:<b@mx.example>", &content, cuts);
            assert_eq!(message.body, content, "{}", show(&content));
            let field = received("client.example", "relay.example");
            let (_, delivered) = pass_on(&message, &field, cuts);
            assert_eq!(delivered.body, [&field[..], &content].concat(), "{}", show(&content));
            assert_eq!((&delivered.from, &delivered.to), (&message.from, &message.to));
            assert_eq!(
                (&delivered.from[..], &delivered.to[..]),
                ("a@client.example", &["b@mx.example".to_owned()][..])
            );
        }
    }
}

/// R-4.4-08, R-4.4-09, R-4.1.1.4-17: each server puts its field on top of all that is there, so that they stand in the order
/// of the way, the last one first. R-4.1.1.4-18: each names the host that sent, the host that received, and the time.
#[test]
fn trace_fields_are_put_on_top() {
    let content = b"Received: from an.older.example by origin.example; x\r\nSubject: x\r\n\r\nx\r\n";
    let mut message = receive("MAIL FROM:<a@client.example>", "RCPT TO:<b@mx.example>", content, Cuts::Whole);
    let way = ["client.example", "one.example", "two.example", "three.example"];
    let mut expected = content.to_vec();
    for hop in way.windows(2) {
        let field = received(hop[0], hop[1]);
        let text = format!("Received: from {} ([192.0.2.1])\r\n\tby {} with ESMTP;\r\n\t{DATE}\r\n", hop[0], hop[1]);
        assert_eq!(field, text.as_bytes());
        (_, message) = pass_on(&message, &field, Cuts::Whole);
        expected.splice(0..0, field);
        assert_eq!(message.body, expected, "{}", show(&message.body));
    }
}

/// R-4.1.1.3-04, R-4.1.2-07, R-3.3-14, R-3.6.1-03, R-3.6.1-04, R-F.2-03: a source route is shown and has no effect: the
/// recipient is the mailbox at its end. R-4.1.1.3-05, R-C-06, R-C-07: what is passed on has no route, neither the name of
/// this server nor any other. R-4.1.1.3-06, R-C-08: none of its names gets into the reverse-path.
#[test]
fn source_routes_end_here() {
    let routes = ["@mx.example", "@mx.example,@far.example", "@far.example,@mx.example,@farther.example"];
    for route in routes {
        let rcpt = format!("RCPT TO:<{route}:b@d.example>");
        let mut connection = server(server_config());
        let groups: [&[u8]; 2] = [b"EHLO client.example\r\n", b"MAIL FROM:<a@client.example>\r\n"];
        let _ = serve(&mut connection, &mut Desk::default(), &groups, Cuts::Whole);
        connection.handle_input(NOW, Bytes::from(format!("{rcpt}\r\n").into_bytes())).expect("input");
        let Output::Event(Event::Rcpt(token)) = connection.poll() else { panic!("RCPT is asked about") };
        let ForwardPath::Path(path) = token.forward_path() else { panic!("a path") };
        assert_eq!((path.source_route(), path.mailbox().as_str()), (Some(route), "b@d.example"));
        assert_eq!(token.forward_path().as_str(), "b@d.example");

        let message = receive("MAIL FROM:<a@client.example>", &rcpt, b"x\r\n", Cuts::Every(3));
        assert_eq!((&message.from[..], &message.to[..]), ("a@client.example", &["b@d.example".to_owned()][..]));
        let (said, _) = pass_on(&message, b"", Cuts::Whole);
        assert!(said.contains("MAIL FROM:<a@client.example> "), "{said}");
        assert!(said.contains("RCPT TO:<b@d.example>\r\n"), "{said}");
        assert!(!said.contains("mx.example") && !said.contains("far"), "{said}");
    }
    // What has a route cannot get into the envelope of a client at all.
    let envelope = Envelope::new("a@client.example").expect("an address");
    assert!(envelope.to("@mx.example,@far.example:b@d.example").is_err());
    assert!(Envelope::new("@mx.example:a@client.example").is_err());
}

/// R-3.6.1-06, R-4.1.2-24: addresses come out as they went in, letter by letter, on every hop, and so does the reverse-path
/// in Return-Path. R-4.5.5-04: the null reverse-path stays null.
#[test]
fn addresses_are_passed_on_verbatim() {
    let paths = ["Some.One+tag@Client.EXAMPLE", "\"a b\\\" c\"@client.example", "a@[192.0.2.1]", "a%b!c@d.example", ""];
    for from in paths {
        for to in ["Smith@Example.ORG", "smith@example.org", "\"S M\"@[IPv6:2001:db8::1]", "postMASTER"] {
            let (mail, rcpt) = (format!("MAIL FROM:<{from}>"), format!("RCPT TO:<{to}>"));
            let mut message = receive(&mail, &rcpt, b"x\r\n", Cuts::Every(3));
            for _ in 0..2 {
                assert_eq!((&message.from[..], &message.to[..]), (from, &[to.to_owned()][..]));
                let said;
                (said, message) = pass_on(&message, b"", Cuts::Whole);
                assert!(said.contains(&format!("{mail} ")) && said.contains(&format!("{rcpt}\r\n")), "{said}");
            }
            let mut field = Vec::new();
            return_path(&message.from, &mut field);
            assert_eq!(field, format!("Return-Path: <{from}>\r\n").as_bytes());
        }
    }
    // A reverse-path with a route is shown as it came, and this server adds no name to it.
    let path = ReversePath::parse("<@one.example,@two.example:a@client.example>", Charset::Ascii).expect("a path");
    assert_eq!(path.to_string(), "<@one.example,@two.example:a@client.example>");
}
