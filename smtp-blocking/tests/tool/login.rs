//! `smtp send`: who logs in, with what, and what comes of it. On this machine TLS is not needed for that.

use core::net::SocketAddr;
use std::fs;
use std::net::TcpListener;

use serde_json::Value;

use crate::program::{Run, run, run_in};
use crate::script::Turn::{self, Hear, HearData, HearLine, Say};
use crate::script::serve;

const MAIL: [&str; 7] =
    ["--from", "alice@client.example", "--to", "bob@mx.example", "--ehlo", "client.example", "--json"];

/// A server on which `alice` is let in with `AUTH PLAIN` and `secret`.
static PLAIN: [Turn; 15] =
    mail("250-mx.example\r\n250 AUTH PLAIN\r\n", "AUTH PLAIN AGFsaWNlAHNlY3JldA==", "MAIL FROM:<alice@client.example>");
/// A server on which `alice` is let in with `AUTH XOAUTH2` and `secret`.
static TOKEN: [Turn; 15] = mail(
    "250-mx.example\r\n250 AUTH PLAIN XOAUTH2\r\n",
    "AUTH XOAUTH2 dXNlcj1hbGljZQFhdXRoPUJlYXJlciBzZWNyZXQBAQ==",
    "MAIL FROM:<alice@client.example>",
);

const fn mail(offer: &'static str, auth: &'static str, mail: &'static str) -> [Turn; 15] {
    [
        Say("220 mx.example\r\n"),
        Hear,
        Say(offer),
        HearLine(auth),
        Say("235 2.7.0 welcome\r\n"),
        HearLine(mail),
        Say("250 ok\r\n"),
        Hear,
        Say("250 ok\r\n"),
        Hear,
        Say("354 go\r\n"),
        HearData,
        Say("250 2.0.0 queued\r\n"),
        Hear,
        Say("221 bye\r\n"),
    ]
}

fn send(server: SocketAddr, more: &[&str]) -> Run {
    let server = server.to_string();
    run(&[&["send", "--server", &server], &MAIL[..], more].concat(), b"x\n")
}

/// A file that holds this.
fn file(content: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("secret");
    fs::write(&path, content).expect("a new file");
    let path = path.display().to_string();
    (folder, path)
}

#[track_caller]
fn expect(run: &Run, code: i32, result: &str, stage: &str) -> Value {
    let json = run.json();
    assert_eq!((run.code, &json["result"], &json["stage"]), (Some(code), &result.into(), &stage.into()), "{run:?}");
    json
}

/// The first line of a file or of what a command prints, or the URL's password: the same goes out.
#[test]
fn secrets_of_every_source() {
    let (_folder, path) = file("secret\r\nnot this\n");
    let alice = ["--user", "alice"];
    let command = "printf 'secret\\nnot this\\n'";
    for (turns, option, value) in [
        (&PLAIN, "--password-file", path.as_str()),
        (&PLAIN, "--password-cmd", command),
        (&TOKEN, "--token-file", &path),
        (&TOKEN, "--token-cmd", command),
    ] {
        expect(&send(serve(turns), &[&alice[..], &[option, value]].concat()), 0, "accepted", "final");
    }
    for (turns, query) in [(&PLAIN, ""), (&TOKEN, "?auth=xoauth2")] {
        let url = |server: SocketAddr| format!("smtp://alice:secret@{server}{query}");
        let in_options = run(&[&["send", "--url", &url(serve(turns))], &MAIL[..]].concat(), b"x\n");
        expect(&in_options, 0, "accepted", "final");
        let in_environment = run_in(&[("SMTP_URL", &url(serve(turns)))], &[&["send"], &MAIL[..]].concat(), b"x\n");
        expect(&in_environment, 0, "accepted", "final");
    }
    // What is said in an option goes before the URL.
    let url = format!("smtp://alice:wrong@{}", serve(&PLAIN));
    let both = run(&[&["send", "--url", &url, "--password-file", &path], &MAIL[..]].concat(), b"x\n");
    expect(&both, 0, "accepted", "final");
}

/// SASL-16: neither the dialogue nor anything else shows a password.
#[test]
fn secrets_are_not_shown() {
    let (_folder, path) = file("secret\n");
    let run = send(serve(&PLAIN), &["--user", "alice", "--password-file", &path, "--trace"]);
    expect(&run, 0, "accepted", "final");
    assert!(run.errors.contains("C: AUTH PLAIN [redacted]\n"), "{run:?}");
    for secret in ["AGFsaWNlAHNlY3JldA", "=="] {
        assert!(!run.errors.contains(secret) && !run.output.contains(secret), "{run:?}");
    }
}

/// What cannot be read is told by its name, and nobody is connected to.
#[test]
fn secrets_that_cannot_be_read() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let server = listener.local_addr().expect("bound above");
    let (_folder, empty) = file("\nhunter2\n");
    let (_other, control) = file("hun\0ter2\n");
    let cases = [
        ("--password-file", "/no/such/file", "--password-file /no/such/file: No such file or directory"),
        ("--token-file", &empty, ": the first line is empty"),
        ("--password-file", &control, ": the first line holds a control character"),
        ("--password-cmd", "echo hunter2; exit 3", "--password-cmd `echo hunter2; exit 3`: exit status: 3"),
        ("--token-cmd", "echo 'hunter2 x'", ": the first line holds a character that no token has"),
        ("--token-cmd", "true", "--token-cmd `true`: the first line is empty"),
        // The message is not for the command to read.
        ("--password-cmd", "cat", "--password-cmd `cat`: the first line is empty"),
    ];
    for (option, value, text) in cases {
        let run = send(server, &["--user", "alice", option, value]);
        let json = expect(&run, 74, "error", "connect");
        assert!(json["error"].as_str().is_some_and(|error| error.contains(text)), "{text}: {run:?}");
        assert!(value.contains("hunter2") || !format!("{run:?}").contains("ter2"), "{run:?}");
    }
    listener.set_nonblocking(true).expect("a socket");
    assert!(listener.accept().is_err(), "somebody connected");
}

const ALICE: [&str; 4] = ["--user", "alice", "--password-cmd", "echo secret"];

/// X-4954-6-01: a refusal for good is EX_NOPERM, one for now is EX_TEMPFAIL, and either is the verdict on the mail.
#[test]
fn refused_logins() {
    const fn refused(reply: &'static str) -> [Turn; 7] {
        let offer = "250-mx.example\r\n250 AUTH LOGIN PLAIN\r\n";
        [Say("220 mx.example\r\n"), Hear, Say(offer), Hear, Say(reply), HearLine("QUIT"), Say("221 bye\r\n")]
    }
    static WRONG: [Turn; 7] = refused("535-5.7.8 no\r\n535 5.7.8 really\r\n");
    static RETIRED: [Turn; 7] = refused("550 5.7.30 Basic authentication is not supported\r\n");
    static LATER: [Turn; 7] = refused("454 4.7.0 later\r\n");
    for (turns, exit, code, verdict) in
        [(&WRONG, 77, 535, "permanent"), (&RETIRED, 77, 550, "permanent"), (&LATER, 75, 454, "temporary")]
    {
        let run = send(serve(turns), &ALICE);
        let json = expect(&run, exit, "refused", "auth");
        let recipient = &json["recipients"][0];
        assert_eq!((&json["reply"]["code"], &recipient["verdict"]), (&code.into(), &verdict.into()), "{run:?}");
        assert_eq!(run.errors, "smtp send: the server refused the credentials\n");
    }
}

/// TLS-19, SASL-15: what cannot be used, and what may not go out, does not.
#[test]
fn logins_that_are_not_tried() {
    static TOKENS: [Turn; 5] = offering("250-mx.example\r\n250 AUTH XOAUTH2\r\n");
    static NOTHING: [Turn; 5] = offering("250 mx.example\r\n");
    static PASSWORDS: [Turn; 5] = offering("250-mx.example\r\n250 AUTH PLAIN LOGIN\r\n");
    const fn offering(offer: &'static str) -> [Turn; 5] {
        [Say("220 mx.example\r\n"), Hear, Say(offer), HearLine("QUIT"), Say("221 bye\r\n")]
    }
    for turns in [&TOKENS, &NOTHING] {
        let run = send(serve(turns), &ALICE);
        expect(&run, 77, "error", "auth");
        assert!(run.errors.contains("no mechanism of AUTH") && run.errors.contains("smtp check"), "{run:?}");
    }
    expect(&send(serve(&PASSWORDS), &[&ALICE[..], &["--auth", "cram-md5"]].concat()), 77, "error", "auth");
    // A provider is not this machine, even if the connection is.
    let provider = ["--provider", "zoho", "--tls", "none"];
    let run = send(serve(&PASSWORDS), &[&ALICE[..], &provider].concat());
    let json = expect(&run, 77, "error", "auth");
    let error = json["error"].as_str().expect("text");
    assert!(error.starts_with("credentials are not sent without TLS and a verified certificate (--tls req"), "{run:?}");
}

/// TLS-14: TLS that is required and is not offered ends the session before MAIL, and how to go on is told.
#[test]
fn required_tls_that_is_not_offered() {
    static TURNS: [Turn; 5] =
        [Say("220 mx.example\r\n"), Hear, Say("250 mx.example\r\n"), HearLine("QUIT"), Say("221 bye\r\n")];
    let run = send(serve(&TURNS), &["--tls", "required"]);
    expect(&run, 76, "error", "tls");
    let text = "which is required (--tls opportunistic or --tls none goes on without TLS)\n";
    assert!(run.errors.ends_with(text), "{run:?}");
}

/// A server that waits for TLS says nothing in clear until it has had enough, or an alert.
#[test]
fn in_clear_to_a_port_for_tls() {
    static SILENT: [Turn; 0] = [];
    static ALERT: [Turn; 1] = [Say("\x15\x03\x03\0\x02\x02\x46")];
    for (turns, code) in [(&SILENT[..], 75), (&ALERT[..], 76)] {
        let run = send(serve(turns), &[]);
        expect(&run, code, "error", "greeting");
        let text = "(if the server wants TLS from the first octet: --tls implicit, or smtps:// in the URL)\n";
        assert!(run.errors.ends_with(text), "{run:?}");
    }
}
