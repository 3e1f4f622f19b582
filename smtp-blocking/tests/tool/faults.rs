//! `smtp serve` that refuses and fails as it is told to, and what `smtp send` makes of it.

use core::time::Duration;
use std::time::Instant;

use serde_json::{Value, json};

use crate::program::{Dialogue, Serve, run, send, wait_for};
use crate::sending::expect;

const TO: &[&str] = &["bob@mx.example"];

/// REL-13: each recipient has the verdict of the first pattern that fits it.
#[test]
fn recipients_are_rejected() {
    let patterns = ["no*@MX.example", "later@*:450", "*@[IPv6:::1]", "full@mx.example:552"];
    let arguments: Vec<_> = patterns.iter().flat_map(|pattern| ["--reject-rcpt", pattern]).collect();
    let server = Serve::start(&arguments);
    let send = |to: &[&str]| send(server.address(), to, &[], b"x\n");

    let json = expect(&send(&["bob@mx.example", "Nobody@mx.EXAMPLE", "carol@mx.example"]), 67, "partial", "final");
    let rejected = json!({
        "address": "Nobody@mx.EXAMPLE", "verdict": "permanent", "code": 550, "enhanced": "5.1.1",
        "text": "no such mailbox",
    });
    assert_eq!(json["recipients"][1], rejected);
    let verdicts = [0, 2].map(|at| &json["recipients"][at]["verdict"]);
    assert_eq!(verdicts, ["accepted", "accepted"]);
    let [stored] = &server.messages()[..] else { panic!("one message") };
    assert!(stored.starts_with(b"Return-Path: <alice@client.example>\r\n"), "{}", stored.escape_ascii());

    let json = expect(&send(&["no@mx.example", "bob@[IPv6:::1]"]), 69, "refused", "rcpt");
    assert_eq!([0, 1].map(|at| &json["recipients"][at]["code"]), [550, 550]);
    let json = expect(&send(&["later@mx.example"]), 75, "refused", "rcpt");
    assert_eq!((&json["recipients"][0]["code"], &json["recipients"][0]["enhanced"]), (&450.into(), &"4.2.1".into()));
    let json = expect(&send(&["full@mx.example"]), 69, "refused", "rcpt");
    assert_eq!(json["recipients"][0]["enhanced"], "5.2.2");
    expect(&send(&["bob@mx.example", "later@mx.example"]), 75, "partial", "final");
    assert_eq!(server.messages().len(), 2);
}

/// R-3.8-10, R-4.1.1.10-06, REL-05: each answer that is refused or does not come, as the client reports it. Nothing
/// is stored.
#[test]
fn each_verb_fails() {
    for (fault, code, result, stage, verdict) in [
        ("CONNECT:554", 69, "refused", "greeting", "permanent"),
        ("CONNECT:421", 75, "refused", "greeting", "temporary"),
        ("CONNECT:drop", 75, "error", "greeting", "temporary"),
        ("EHLO:421", 75, "refused", "ehlo", "temporary"),
        ("EHLO:drop", 75, "error", "ehlo", "temporary"),
        ("MAIL:550", 69, "refused", "mail", "permanent"),
        ("MAIL:451", 75, "refused", "mail", "temporary"),
        ("MAIL:drop", 75, "error", "mail", "temporary"),
        ("RCPT:550", 69, "refused", "rcpt", "permanent"),
        ("RCPT:450", 75, "refused", "rcpt", "temporary"),
        ("RCPT:421", 75, "refused", "rcpt", "temporary"),
        ("RCPT:drop", 75, "error", "rcpt", "temporary"),
        ("DATA:451", 75, "refused", "data", "temporary"),
        ("DATA:554", 69, "refused", "data", "permanent"),
        ("DATA:drop", 75, "error", "data", "temporary"),
        ("DOT:451", 75, "refused", "final", "temporary"),
        ("DOT:554", 69, "refused", "final", "permanent"),
        ("DOT:drop", 74, "unknown", "final", "unknown"),
    ] {
        let server = Serve::start(&["--fault", fault]);
        let run = send(server.address(), TO, &[], b"x\n");
        let json = run.json();
        assert_eq!(
            (run.code, &json["result"], &json["stage"], &json["recipients"][0]["verdict"]),
            (Some(code), &result.into(), &stage.into(), &verdict.into()),
            "{fault}: {run:?}"
        );
        if fault.ends_with("drop") {
            assert_eq!((&json["reply"], &json["recipients"][0]["code"]), (&Value::Null, &Value::Null), "{fault}");
        } else {
            let code: u16 = fault[fault.len() - 3..].parse().expect("a code");
            assert_eq!(json["recipients"][0]["code"], code, "{fault}");
            assert_eq!(json["recipients"][0]["text"], format!("refused by --fault {fault}"));
        }
        assert_eq!((server.messages().len(), server.unfinished()), (0, 0), "{fault}");
    }
}

/// R-3.2-03: a client that is refused EHLO may go on with HELO, at which the fault does not strike.
#[test]
fn helo_is_not_ehlo() {
    let server = Serve::start(&["--fault", "EHLO:502"]);
    expect(&send(server.address(), TO, &[], b"x\n"), 0, "accepted", "final");
    let stored = server.messages().concat();
    assert!(stored.escape_ascii().to_string().contains("with SMTP"), "{}", stored.escape_ascii());
}

/// R-4.1.1.10-05: a fault strikes in every session, and in each the transaction in progress is all that it ends.
#[test]
fn faults_come_again() {
    let server = Serve::start(&["--fault", "DOT:450", "--raw"]);
    let mut dialogue = server.connect();
    for _ in 0..2 {
        dialogue.say("MAIL FROM:<>\r\nRCPT TO:<bob@mx.example>\r\nDATA\r\n");
        for reply in ["250", "250", "354"] {
            dialogue.expect(reply);
        }
        dialogue.say("x\r\n.\r\n");
        dialogue.expect("450 4.3.0 refused by --fault DOT:450");
    }
    dialogue.say("QUIT\r\n");
    dialogue.expect("221");
    assert_eq!((server.messages().len(), server.unfinished()), (0, 0));
    let said = server.output();
    assert_eq!(said.matches("no message from client 127.0.0.1:").count(), 2, "{said}");
}

/// A delay makes an answer late, and changes nothing else; what is behind it acts afterwards.
#[test]
fn delays_are_only_late() {
    let server = Serve::start(&["--fault", "CONNECT:delay=0.2", "--fault", "RCPT:delay=0.1", "--fault", "RCPT:450"]);
    let start = Instant::now();
    expect(&send(server.address(), TO, &[], b"x\n"), 75, "refused", "rcpt");
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
    let server = Serve::start(&["--fault", "DOT:delay=0.2"]);
    let start = Instant::now();
    expect(&send(server.address(), TO, &[], b"x\n"), 0, "accepted", "final");
    assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
    assert_eq!(server.messages().len(), 1);
}

/// R-3.8-08: a service that ends waits for no delay.
#[test]
fn delays_end_with_the_service() {
    let mut server = Serve::start(&["--trace", "--fault", "EHLO:delay=3600"]);
    let mut dialogue = Dialogue::with(server.address());
    dialogue.expect("220");
    dialogue.say("EHLO client.example\r\n");
    wait_for("EHLO", || server.errors().contains("C: EHLO").then_some(()));
    server.interrupt();
    dialogue.expect("250");
    dialogue.expect("421 4.3.2");
    assert_eq!(dialogue.reply(), None);
    assert!(server.wait().success());
}

#[test]
fn what_makes_no_sense() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let maildir = folder.path().join("mail");
    let serve = |more: &[&str], why: &str| {
        let maildir = maildir.to_str().expect("text");
        let run = run(&[&["serve", "--listen", "127.0.0.1:0", "--maildir", maildir], more].concat(), b"");
        assert_eq!((run.code, run.output.as_str()), (Some(64), ""), "{run:?}");
        assert!(run.errors.contains(why), "no `{why}` in {run:?}");
    };
    serve(&["--reject-rcpt", "bob@mx.example:250"], "250 refuses nothing: the code of a refusal is 4yz");
    serve(&["--reject-rcpt", ":450"], "the pattern is missing");
    serve(&["--fault", "NOOP:450"], "`NOOP` is none of CONNECT, EHLO, AUTH, MAIL, RCPT, DATA, DOT");
    serve(&["--fault", "RCPT:354"], "354 refuses nothing");
    serve(&["--fault", "RCPT:delay=86400"], "`86400` is no number of seconds from 0 to 3600");
    serve(&["--fault", "RCPT:hang"], "`hang` is none of a reply code 4yz or 5yz, delay=SECONDS, drop");
    serve(&["--fault", "RCPT:drop", "--fault", "RCPT:450"], "--fault RCPT:450 never acts behind --fault RCPT:drop");
    assert!(!maildir.exists());
}
