//! `smtp serve` as a server that refuses, delays and breaks off, and what `smtp send` makes of it.

use crate::program::{Run, Serve, send};

const TO: &[&str] = &["bob@mx.example"];
const MESSAGE: &[u8] = b"Subject: x\n\ntext\n";

#[track_caller]
fn expect(run: &Run, code: i32, result: &str, stage: &str) {
    let json = run.json();
    assert_eq!((run.code, &json["result"], &json["stage"]), (Some(code), &result.into(), &stage.into()), "{run:?}");
}

/// RFC 5321 §3.3: recipients are refused one by one.
#[test]
fn rejected_recipients() {
    let server = Serve::start(&["--reject-rcpt", "no*@mx.example", "--reject-rcpt", "LATER@*:452"]);
    let to = |recipients: &[&str]| send(server.address(), recipients, &[], MESSAGE);
    expect(&to(&["bob@mx.example", "no-one@MX.example", "carol@mx.example"]), 67, "partial", "final");
    expect(&to(&["nobody@mx.example", "no@mx.example"]), 69, "refused", "rcpt");
    let later = to(&["later@mx.example"]);
    expect(&later, 75, "refused", "rcpt");
    let recipient = &later.json()["recipients"][0];
    assert_eq!((&recipient["code"], &recipient["enhanced"]), (&452.into(), &"4.2.1".into()));
    assert_eq!(server.messages().len(), 1);
}

/// Each fault strikes where it was told to, and nothing is stored.
#[test]
fn faults() {
    let cases = [
        ("CONNECT:554", 69, "refused", "greeting"),
        ("CONNECT:drop", 75, "error", "greeting"),
        ("EHLO:drop", 75, "error", "ehlo"),
        ("EHLO:421", 75, "refused", "ehlo"),
        ("MAIL:550", 69, "refused", "mail"),
        ("MAIL:drop", 75, "error", "data"),
        ("RCPT:450", 75, "refused", "rcpt"),
        ("RCPT:drop", 75, "error", "data"),
        ("DATA:451", 75, "refused", "data"),
        ("DATA:drop", 75, "error", "data"),
        ("DOT:552", 69, "refused", "final"),
        // RFC 1047: whether the message was taken cannot be known.
        ("DOT:drop", 74, "unknown", "final"),
    ];
    for (fault, code, result, stage) in cases {
        let server = Serve::start(&["--fault", fault]);
        let run = send(server.address(), TO, &[], MESSAGE);
        let json = run.json();
        let found = (run.code, json["result"].as_str(), json["stage"].as_str());
        assert_eq!((found.0, found.1), (Some(code), Some(result)), "{fault}: {run:?}");
        // A dropped connection takes along what the client could not read yet of a group.
        if !fault.ends_with("drop") || stage == "final" {
            assert_eq!(found.2, Some(stage), "{fault}: {run:?}");
        }
        assert_eq!((server.messages().len(), server.unfinished()), (0, 0), "{fault}");
    }
}

/// A delay comes before the usual answer, which is none the worse for it.
#[test]
fn delays() {
    let server = Serve::start(&["--fault", "MAIL:delay=0.05", "--fault", "DOT:delay=0.05"]);
    expect(&send(server.address(), TO, &[], MESSAGE), 0, "accepted", "final");
    assert_eq!(server.messages().len(), 1);
}
