//! `smtp send`: what it sends, what it prints and how it exits.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;

use serde_json::{Value, json};
use smtp_blocking::TestServer;
use smtp_proto::reply::{Detail, Reply, ReplyCode};

use crate::program::{Run, Serve, run, send};
use crate::script::Turn::{self, Hear, HearData, Say};
use crate::script::serve;

const TO: &[&str] = &["bob@mx.example"];

#[track_caller]
pub(crate) fn expect(run: &Run, code: i32, result: &str, stage: &str) -> Value {
    let json = run.json();
    assert_eq!((run.code, &json["result"], &json["stage"]), (Some(code), &result.into(), &stage.into()), "{run:?}");
    // What went wrong is told to people, too.
    assert_eq!(json["error"].as_str().map(|error| format!("smtp send: {error}\n")).unwrap_or_default(), run.errors);
    json
}

fn permanent() -> Reply {
    Reply::from_static(ReplyCode::MAILBOX_UNAVAILABLE, Some(Detail::BAD_DESTINATION_MAILBOX), "no such\nuser")
}

fn temporary() -> Reply {
    Reply::from_static(ReplyCode::LOCAL_ERROR, Some(Detail::SYSTEM_FULL), "later")
}

/// R-2.3.8-04, R-2.3.8-05: line ends of any kind go out as CRLF, and each source of the message gives the same.
#[test]
fn every_source_is_sent_with_crlf() {
    let mut server = TestServer::spawn();
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    let message = b"Subject: x\n\n.dot\r\nline\rlast";
    file.write_all(message).expect("written");
    let path = file.path().to_str().expect("text");
    expect(&send(server.address(), TO, &[path], b""), 0, "accepted", "final");
    expect(&send(server.address(), TO, &["-"], message), 0, "accepted", "final");
    expect(&send(server.address(), TO, &[], message), 0, "accepted", "final");
    server.shutdown();
    let messages = server.messages();
    assert_eq!(messages.len(), 3);
    for message in messages {
        assert_eq!(&message.body[..], b"Subject: x\r\n\r\n.dot\r\nline\r\nlast\r\n");
        assert_eq!(message.client, "client.example");
        assert_eq!(message.reverse_path, "alice@client.example");
        assert_eq!(message.recipients, TO);
    }
}

/// X-6152-3-02, X-1870-6-03: a large message with 8-bit text, more than is kept in memory.
#[test]
fn large_message_arrives_as_it_was() {
    let server = Serve::start(&["--raw", "--trace"]);
    let mut message = b"Subject: large\r\n\r\n".to_vec();
    while message.len() < 3_000_000 {
        message.extend("..Grüße\r\n.\r\n".as_bytes());
    }
    expect(&send(server.address(), TO, &[], &message), 0, "accepted", "final");
    assert!(server.messages() == [message.clone()], "the message is another");
    let expected = format!("C: MAIL FROM:<alice@client.example> SIZE={} BODY=8BITMIME\n", message.len());
    assert!(server.errors().contains(&expected), "{}", server.errors());
}

#[test]
fn message_is_made_of_subject_and_body() {
    let mut server = TestServer::spawn();
    let run = send(
        server.address(),
        &["<bob@mx.example>", "carol@mx.example"],
        &["--subject", "Grüße", "--body", "a\n.\n"],
        b"",
    );
    expect(&run, 0, "accepted", "final");
    server.shutdown();
    let messages = server.messages();
    let text = str::from_utf8(&messages[0].body).expect("ASCII");
    for field in
        ["Date: ", "Message-ID: <", "From: <alice@client.example>", "To: <bob@mx.example>", "Subject: =?utf-8?"]
    {
        assert!(text.lines().any(|line| line.starts_with(field)), "no `{field}` in {text}");
    }
    assert!(text.ends_with("\r\n\r\na\r\n.\r\n"), "{text}");
}

#[test]
fn accepted_for_everybody() {
    let server = TestServer::spawn();
    let json = expect(&send(server.address(), &["b@mx.example", "c@mx.example"], &[], b"x\n"), 0, "accepted", "final");
    assert_eq!(json["reply"]["code"], 250);
    let recipients = json["recipients"].as_array().expect("an array");
    assert_eq!(recipients.len(), 2);
    for (recipient, address) in recipients.iter().zip(["b@mx.example", "c@mx.example"]) {
        assert_eq!((&recipient["address"], &recipient["verdict"]), (&address.into(), &"accepted".into()));
        assert_eq!((&recipient["code"], &recipient["enhanced"]), (&250.into(), &json["reply"]["enhanced"]));
    }
}

/// REL-13.
#[test]
fn some_refused() {
    let server = TestServer::builder()
        .refuse_recipient("no@mx.example", permanent())
        .refuse_recipient("later@mx.example", temporary())
        .spawn();
    let to = ["b@mx.example", "no@mx.example", "later@mx.example"];
    let json = expect(&send(server.address(), &to, &[], b"x\n"), 67, "partial", "final");
    assert_eq!(json["recipients"][0]["verdict"], "accepted");
    assert_eq!(
        json["recipients"][1],
        json!({
            "address": "no@mx.example", "verdict": "permanent", "code": 550, "enhanced": "5.1.1", "text": "no such\nuser",
        })
    );
    assert_eq!(
        json["recipients"][2],
        json!({
            "address": "later@mx.example", "verdict": "temporary", "code": 451, "enhanced": "4.3.1", "text": "later",
        })
    );
    let json = expect(&send(server.address(), &to[..2], &[], b"x\n"), 67, "partial", "final");
    assert_eq!(json["reply"]["code"], 250);
    expect(&send(server.address(), &["b@mx.example", "later@mx.example"], &[], b"x\n"), 75, "partial", "final");
    let json = expect(&send(server.address(), &["no@mx.example"], &[], b"x\n"), 69, "refused", "rcpt");
    assert_eq!(json["reply"], Value::Null);
    expect(&send(server.address(), &["later@mx.example"], &[], b"x\n"), 75, "refused", "rcpt");
    expect(&send(server.address(), &to[1..], &[], b"x\n"), 75, "refused", "rcpt");
}

#[test]
fn refused_altogether() {
    let refusing = TestServer::builder().refuse_messages(permanent()).spawn();
    let json = expect(&send(refusing.address(), TO, &[], b"x\n"), 69, "refused", "final");
    assert_eq!(json["reply"], json!({ "code": 550, "enhanced": "5.1.1", "text": "no such\nuser" }));
    let refusing = TestServer::builder().refuse_messages(temporary()).spawn();
    expect(&send(refusing.address(), TO, &[], b"x\n"), 75, "refused", "final");
    let refusing = TestServer::builder().refuse_sender("alice@client.example", permanent()).spawn();
    expect(&send(refusing.address(), TO, &[], b"x\n"), 69, "refused", "mail");
}

const TO_DATA: [Turn; 9] = [
    Say("220 mx.example\r\n"),
    Hear,
    Say("250 mx.example\r\n"),
    Hear,
    Say("250 ok\r\n"),
    Hear,
    Say("250 ok\r\n"),
    Hear,
    Say("354 go\r\n"),
];

/// What servers do that the library's own server does not.
#[test]
fn sessions_that_end_early() {
    static NO_SERVICE: [Turn; 3] = [Say("554 5.3.2 no service\r\n"), Hear, Say("221 bye\r\n")];
    static NOT_NOW: [Turn; 1] = [Say("421 4.3.2 not now\r\n")];
    static GARBAGE: [Turn; 1] = [Say("SSH-2.0-x\r\n")];
    static SILENT: [Turn; 0] = [];
    static GONE_IN_EHLO: [Turn; 2] = [TO_DATA[0], Hear];
    static GONE_IN_BODY: [Turn; 9] = TO_DATA;
    let cases: [(&'static [Turn], i32, &str, &str, &str); 6] = [
        (&NO_SERVICE, 69, "refused", "greeting", "permanent"),
        (&NOT_NOW, 75, "refused", "greeting", "temporary"),
        (&GARBAGE, 76, "error", "greeting", "temporary"),
        (&SILENT, 75, "error", "greeting", "temporary"),
        (&GONE_IN_EHLO, 75, "error", "ehlo", "temporary"),
        (&GONE_IN_BODY, 75, "error", "body", "temporary"),
    ];
    for (turns, code, result, stage, verdict) in cases {
        // Too much to be written at once, so that the end is never reached when nobody reads.
        let message = if stage == "body" { vec![b'x'; 20_000_000] } else { b"x\n".to_vec() };
        let json = expect(&send(serve(turns), TO, &[], &message), code, result, stage);
        assert_eq!(json["recipients"][0]["verdict"], verdict, "{turns:?}");
    }
}

/// REL-05: nobody knows what became of a message whose final dot was not answered.
#[test]
fn unknown_is_not_refused() {
    static GONE: [Turn; 10] = with_end(&[HearData]);
    static GARBAGE: [Turn; 11] = with_end(&[HearData, Say("what?\r\n")]);
    for (turns, code) in [(&GONE[..], 74), (&GARBAGE[..], 76)] {
        let json = expect(&send(serve(turns), TO, &[], b"x\n"), code, "unknown", "final");
        assert_eq!((&json["recipients"][0]["verdict"], &json["reply"]), (&"unknown".into(), &Value::Null));
    }
}

const fn with_end<const N: usize>(end: &[Turn]) -> [Turn; N] {
    let mut turns = [HearData; N];
    let mut at = 0;
    while at < N {
        turns[at] = if at < TO_DATA.len() { TO_DATA[at] } else { end[at - TO_DATA.len()] };
        at += 1;
    }
    turns
}

/// A QUIT that goes wrong changes nothing.
#[test]
fn accepted_stays_accepted() {
    static GONE: [Turn; 12] = with_end(&[HearData, Say("250 ok\r\n"), Hear]);
    expect(&send(serve(&GONE), TO, &[], b"x\n"), 0, "accepted", "final");
}

/// X-6152-3-08, X-1870-7-01: what the server does not take, and what never leaves.
#[test]
fn what_cannot_be_sent() {
    static NO_8BIT: [Turn; 5] = [TO_DATA[0], Hear, Say("250 mx.example\r\n"), Hear, Say("221 bye\r\n")];
    static SMALL: [Turn; 5] = [TO_DATA[0], Hear, Say("250-mx.example\r\n250 SIZE 10\r\n"), Hear, Say("221 bye\r\n")];
    let json = expect(&send(serve(&NO_8BIT), TO, &[], "ü\n".as_bytes()), 69, "refused", "ehlo");
    assert_eq!(json["recipients"][0]["verdict"], "permanent");
    expect(&send(serve(&SMALL), TO, &[], b"0123456789\n"), 69, "refused", "ehlo");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound above");
    let json = expect(&send(address, TO, &[], b"a\0b\n"), 65, "error", "connect");
    assert_eq!(json["recipients"][0]["verdict"], "permanent");
    let json = expect(&send(address, TO, &["/no/such/file"], b""), 74, "error", "connect");
    assert_eq!(json["recipients"][0]["verdict"], "temporary");
    drop(listener);
    expect(&send(address, TO, &[], b"x\n"), 75, "error", "connect");
    let arguments = ["send", "--json", "--server", "no-such-host.invalid", "--from", "", "--to", "b@mx.example"];
    expect(&run(&arguments, b"x\n"), 68, "error", "connect");
}

#[test]
fn wrong_usage() {
    let send = |more: &[&str]| {
        let run = run(&[&["send", "--server", "127.0.0.1:1"], more].concat(), b"");
        assert_eq!((run.code, run.output.as_str()), (Some(64), ""), "{run:?}");
        assert!(!run.errors.is_empty());
    };
    send(&[]);
    send(&["--from", "a@b.example"]);
    send(&["--from", "a@b.example", "--to", "bob"]);
    send(&["--from", "a b", "--to", "b@mx.example"]);
    send(&["--from", "a@b.example", "--to", "b@mx.example\r\nRSET"]);
    send(&["--from", "a@b.example", "--to", "b@mx.example", "--ehlo", "x y"]);
    send(&["--from", "a@b.example", "--to", "b@mx.example", "--subject", "x", "file"]);
    send(&["--from", "", "--to", "b@mx.example", "--subject", "x"]);
    send(&["--from", "a@b.example", "--to", "b@mx.example", "--server", "mx:port"]);
    send(&["--from", "a@b.example", "--to", "b@mx.example", "--bogus"]);
}

/// R-4.5.1-05: the null reverse-path, the postmaster, and the dialogue on standard error.
#[test]
fn trace_shows_the_dialogue() {
    let server = Serve::start(&[]);
    let address = server.address().to_string();
    let arguments =
        ["send", "--trace", "--server", &address, "--from", "<>", "--to", "postmaster", "--ehlo", "[127.0.0.1]"];
    let run = run(&arguments, b"x\n");
    assert_eq!(run.code, Some(0), "{run:?}");
    let lines: Vec<_> = run.errors.lines().collect();
    for line in [
        "S: 220 mx.example ESMTP",
        "C: EHLO [127.0.0.1]",
        "C: MAIL FROM:<> SIZE=3",
        "C: RCPT TO:<postmaster>",
        "C: (3 octets of mail data)",
        "C: .",
        "C: QUIT",
    ] {
        assert!(lines.contains(&line), "no `{line}` in {run:?}");
    }
    assert!(lines.last().is_some_and(|line| line.starts_with("S: 221")), "{run:?}");
    assert!(run.output.starts_with("postmaster: accepted: 250 2.0.0 stored as "), "{run:?}");
    let stored = fs::read_dir(server.maildir().join("new")).expect("a folder").count();
    assert_eq!(stored, 1);
}
