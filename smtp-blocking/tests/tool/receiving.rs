//! `smtp serve`: what it stores, says and refuses.

use std::fs;

use crate::program::{Dialogue, Serve, run, wait_for};

/// A message after DATA was granted.
#[track_caller]
fn to_data(dialogue: &mut Dialogue) {
    dialogue.say("MAIL FROM:<alice@client.example>\r\nRCPT TO:<bob@mx.example>\r\nDATA\r\n");
    dialogue.expect("250");
    dialogue.expect("250");
    dialogue.expect("354");
}

/// R-4.4-01, R-4.4-13, R-4.4-14, R-4.4-15: Return-Path and Received in front, nothing else changed; a line for each message.
#[test]
fn stores_with_trace_fields() {
    let server = Serve::start(&[]);
    let mut dialogue = server.connect();
    to_data(&mut dialogue);
    dialogue.say("Subject: x\r\n\r\n..dot\r\n.\r\n");
    let reply = dialogue.expect("250 2.0.0 stored as ");
    let name = reply.rsplit(' ').next().expect("a word");
    let [stored] = &server.messages()[..] else { panic!("one message") };
    let text = str::from_utf8(stored).expect("ASCII");
    let head = "Return-Path: <alice@client.example>\r\nReceived: from client.example ([127.0.0.1])\r\n\tby mx.example with ESMTP\r\n\tfor <bob@mx.example>; ";
    assert!(text.starts_with(head), "{text}");
    assert!(text.ends_with("\r\nSubject: x\r\n\r\n.dot\r\n"), "{text}");
    assert!(server.maildir().join("new").join(name).exists(), "{name}");
    let said = format!("{name} from <alice@client.example> to <bob@mx.example>, 20 octets, client 127.0.0.1:");
    assert!(server.output().lines().any(|line| line.starts_with(&said)), "{}", server.output());
}

/// R-4.4-48, R-7.2-01, R-4.5.1-05: HELO is SMTP, and several recipients are not told of each other.
#[test]
fn trace_fields_say_what_was() {
    let server = Serve::start(&[]);
    let mut dialogue = Dialogue::with(server.address());
    dialogue.expect("220");
    dialogue.say("HELO [127.0.0.1]\r\n");
    dialogue.expect("250");
    for line in ["MAIL FROM:<>\r\n", "RCPT TO:<bob@mx.example>\r\n", "RCPT TO:<Postmaster>\r\n"] {
        dialogue.say(line);
        dialogue.expect("250");
    }
    dialogue.say("DATA\r\n");
    dialogue.expect("354");
    dialogue.say(".\r\n");
    dialogue.expect("250");
    let text = String::from_utf8(server.messages().concat()).expect("ASCII");
    let head = "Return-Path: <>\r\nReceived: from [127.0.0.1] ([127.0.0.1])\r\n\tby mx.example with SMTP;\r\n\t";
    assert!(text.starts_with(head), "{text}");
    assert!(!text.contains("bob"), "{text}");
}

/// R-2.3.8-01, R-4.2.5-05, X-1870-4-01, X-1870-6.1-02: nothing is kept of a message with a lone LF, of one that is too
/// large, and of half a message.
#[test]
fn nothing_is_kept_of_what_is_refused() {
    let server = Serve::start(&["--raw", "--max-size", "1000"]);
    let mut dialogue = server.connect();
    to_data(&mut dialogue);
    dialogue.say("a\nb\r\n.\r\n");
    dialogue.expect("550 5.6.0");
    to_data(&mut dialogue);
    dialogue.say(["x".repeat(998).as_bytes(), b"\r\nx\r\n.\r\n"].concat());
    dialogue.expect("552 5.3.4");
    dialogue.say("MAIL FROM:<> SIZE=1001\r\n");
    dialogue.expect("552 5.3.4");
    to_data(&mut dialogue);
    dialogue.say("half a mess");
    drop(dialogue);
    let mut dialogue = server.connect();
    to_data(&mut dialogue);
    dialogue.say("whole\r\n.\r\n");
    dialogue.expect("250");
    assert_eq!(server.messages(), [b"whole\r\n"]);
    wait_for("end of the broken message", || (server.unfinished() == 0).then_some(()));
}

/// R-6.3-01, R-6.3-02: mail that goes in circles is refused.
#[test]
fn loops_are_found() {
    let server = Serve::start(&[]);
    let mut dialogue = server.connect();
    for (fields, reply) in [(100, "250"), (101, "554 5.4.6")] {
        to_data(&mut dialogue);
        dialogue.say("Received: from a by b; x\r\n".repeat(fields));
        dialogue.say("\r\n.\r\n");
        dialogue.expect(reply);
    }
    assert_eq!((server.messages().len(), server.unfinished()), (1, 0));
}

/// REL-15, R-4.2.5-02: a store that cannot be written to refuses for now, and takes mail again when it can.
#[test]
fn store_that_fails_and_recovers() {
    let server = Serve::start(&["--raw"]);
    let tmp = server.maildir().join("tmp");
    let mut dialogue = server.connect();
    fs::remove_dir(&tmp).expect("an empty folder");
    fs::write(&tmp, "").expect("a new file");
    to_data(&mut dialogue);
    dialogue.say("message\r\n.\r\n");
    dialogue.expect("451 4.3.0");
    assert!(server.errors().starts_with("smtp serve: a message was not stored: "), "{}", server.errors());
    fs::remove_file(&tmp).expect("written above");
    fs::create_dir(&tmp).expect("removed above");
    assert!(server.messages().is_empty());
    to_data(&mut dialogue);
    dialogue.say("message\r\n.\r\n");
    dialogue.expect("250");
    assert_eq!(server.messages(), [b"message\r\n"]);
}

#[test]
fn errors_have_a_limit() {
    let server = Serve::start(&["--max-errors", "2"]);
    let mut dialogue = server.connect();
    for reply in ["500", "500", "421 4.7.0"] {
        dialogue.say("XYZZY\r\n");
        dialogue.expect(reply);
    }
    assert_eq!(dialogue.reply(), None);
}

/// Rule 43.
#[test]
fn trace_shows_no_secret() {
    let server = Serve::start(&["--trace"]);
    let mut dialogue = server.connect();
    dialogue.say("AUTH PLAIN AGEAc2VjcmV0\r\n");
    let reply = dialogue.expect("5");
    // The client may know the answer before it is written down.
    let last = format!("S: {reply}\n");
    let said = wait_for("the answer in the trace", || Some(server.errors()).filter(|said| said.ends_with(&last)));
    assert!(said.starts_with("==> 127.0.0.1:"), "{said}");
    for line in ["S: 220 mx.example ESMTP", "C: EHLO client.example", "C: AUTH PLAIN [redacted]"] {
        assert!(said.lines().any(|said| said == line), "no `{line}` in {said}");
    }
    assert!(!said.contains("c2VjcmV0"), "{said}");
}

/// R-3.8-08: Ctrl-C lets a transfer finish, and tells who is idle.
#[test]
fn interrupt_ends_gracefully() {
    let mut server = Serve::start(&["--raw"]);
    let mut dialogue = server.connect();
    let mut idle = server.connect();
    to_data(&mut dialogue);
    dialogue.say("half ");
    server.interrupt();
    idle.expect("421");
    // The service is ending now, and this message is still taken.
    dialogue.say("a message\r\n.\r\n");
    dialogue.expect("250");
    assert!(server.wait().success());
    assert_eq!(server.messages(), [b"half a message\r\n"]);
}

#[test]
fn cannot_start() {
    let server = Serve::start(&[]);
    let maildir = server.maildir();
    let maildir = maildir.to_str().expect("text");
    let serve =
        |listen: &str, more: &[&str]| run(&[&["serve", "--maildir", maildir, "--listen", listen], more].concat(), b"");
    let address = server.address().to_string();
    let taken = serve(&address, &[]);
    assert_eq!(taken.code, Some(74), "{taken:?}");
    assert!(taken.errors.starts_with(&format!("smtp serve: {address}: ")), "{taken:?}");
    assert_eq!(serve("127.0.0.1:0", &["--maildir", "/dev/null/mail"]).code, Some(64));
    assert_eq!(run(&["serve", "--listen", "127.0.0.1:0", "--maildir", "/dev/null/mail"], b"").code, Some(74));
    assert_eq!(serve("127.0.0.1:0", &["--hostname", "not a name"]).code, Some(64));
    assert_eq!(serve("127.0.0.1:0", &["--max-size", "0"]).code, Some(64));
    assert_eq!(serve("127.0.0.1:0", &["--max-errors", "0"]).code, Some(64));
}
