//! `record`, between programs of others and a server of this project.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use smtp_blocking::TestServer;
use smtp_conformance::transcript::Transcript;
use tempfile::TempDir;

use crate::{conformance, program};
use smtp_peers::{find, require};

/// The program, recording what is said to this server into `session.smtpt`; and the port it listens on.
fn record(folder: &TempDir, server: &TestServer, more: &[&str]) -> (Child, String) {
    let mut command = program();
    command.args(["record", "--listen", "127.0.0.1:0", "--to", &server.address().to_string(), "--out"]);
    command.arg(folder.path().join("session.smtpt")).args(more).stderr(Stdio::piped());
    let mut recorder = command.spawn().expect("the program of this package");
    let mut said = String::new();
    let errors = recorder.stderr.take().expect("it is a pipe");
    BufReader::new(errors).read_line(&mut said).expect("it says where it listens");
    let port = said.trim_end().rsplit_once(':').expect("an address").1.to_owned();
    (recorder, port)
}

/// swaks, saying a mail to this port.
fn swaks(port: &str, more: &[&str]) -> Option<bool> {
    let swaks = require("swaks", find("swaks").ok_or("not installed"))?;
    let mut command = Command::new(swaks);
    command.args(["--server", "127.0.0.1", "--port", port, "--helo", "swaks.example", "--from", "alice@swaks.example"]);
    command.args(["--to", "bob@mx.example", "--body", "a body\n.\nof dots"]).args(more);
    Some(command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("it is there").success())
}

fn transcript(folder: &TempDir) -> (String, Transcript) {
    let text = fs::read_to_string(folder.path().join("session.smtpt")).expect("it is written");
    let transcript = Transcript::parse("session", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(transcript.to_string(), text);
    (text, transcript)
}

#[test]
fn a_session_of_swaks_tests_the_server() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = TestServer::spawn();
    let (mut recorder, port) = record(&folder, &server, &[]);
    let Some(is_sent) = swaks(&port, &[]) else {
        recorder.kill().expect("it waits");
        recorder.wait().expect("it was killed");
        return;
    };
    assert!(is_sent);
    assert!(recorder.wait().expect("it ends").success());
    let (text, transcript) = transcript(&folder);
    assert_eq!(transcript.files(), ["session-1.eml"]);
    assert!(text.contains("\nC: EHLO swaks.example\n") && text.ends_with("\nS=eof\n"), "{text}");
    let message = fs::read_to_string(folder.path().join("session-1.eml")).expect("it is written");
    assert!(message.ends_with("a body\r\n.\r\nof dots\r\n\r\n\r\n"), "{message:?}");

    let path = folder.path().to_str().expect("UTF-8");
    let target = format!("tcp://{}", server.address());
    let run = conformance(["run", "--transcripts", path, "--target", &target]);
    run.expect(0, &["1 skipped on", "delivers"]);
    let run = conformance(["run", "--transcripts", path, "--target", &target, "--allow", "delivers"]);
    let run = run.expect(0, &["all as expected"]);
    assert!(!run.output.contains("skipped"), "{run}");
    let messages = server.messages();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0].body, messages[1].body);
}

#[test]
fn a_session_of_swaks_tests_swaks() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = TestServer::spawn();
    let (mut recorder, port) = record(&folder, &server, &["--role", "client"]);
    let Some(is_sent) = swaks(&port, &[]) else {
        recorder.kill().expect("it waits");
        recorder.wait().expect("it was killed");
        return;
    };
    assert!(is_sent);
    assert!(recorder.wait().expect("it ends").success());
    let (text, _) = transcript(&folder);
    assert!(text.contains("\nU: send from=<alice@swaks.example> to=<bob@mx.example> data=@session-1.eml\n"), "{text}");

    let path = folder.path().to_str().expect("UTF-8");
    // swaks puts one more line end behind what it is given.
    let command = |message: &str| {
        format!(
            "client:{message} | swaks --server \"$SMTP_HOST\" --port \"$SMTP_PORT\" --from \"$SMTP_FROM\" \
             --to \"$SMTP_TO\" --helo swaks.example --data -"
        )
    };
    let run = |command: &str| conformance(["run", "--transcripts", path, "--target", command, "--allow", "delivers"]);
    let passed = run(&command("head -c -2 \"$SMTP_MESSAGE\"")).expect(0, &["all as expected"]);
    assert!(!passed.output.contains("skipped"), "{passed}");
    // Another message is not what was recorded.
    let run = run(&command("echo other"));
    run.expect(1, &["ERROR session on client:"]);
}

#[test]
fn nothing_is_overwritten_and_nobody_waits_for_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("session.smtpt");
    fs::write(&file, "mine").expect("written");
    let path = file.to_str().expect("UTF-8");
    let record =
        |listen: &str, out: &str| conformance(["record", "--listen", listen, "--to", "127.0.0.1:1", "--out", out]);
    record("127.0.0.1:0", path).expect(2, &["session.smtpt exists"]);
    record("nowhere", &path.replace("session", "other")).expect(2, &["--listen nowhere"]);
    record("127.0.0.1:0", "/tmp/a b.smtpt").expect(2, &["--out names a file of letters"]);
    assert_eq!(fs::read_to_string(&file).expect("text"), "mine");
}
