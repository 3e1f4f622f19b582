//! The program under test: `smtp serve` and `smtp send`.

use core::net::SocketAddr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use smtp_peers::programs::{Finished, Running, read_folder, run, temporary_folder, wait_for};

/// A running `smtp serve` with a Maildir of its own.
pub(crate) struct Serve {
    program: Running,
    address: SocketAddr,
    folder: TempDir,
}

impl Serve {
    /// Starts it on a free port.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let folder = temporary_folder();
        let output = folder.path().join("output");
        let log = File::create(&output).expect("a new file");
        let mut program = Running::start(
            Command::new(SMTP)
                .args(["serve", "--listen", "127.0.0.1:0", "--hostname", "receiver.example"])
                .arg("--maildir")
                .arg(folder.path().join("mail"))
                .args(arguments)
                .stdout(log.try_clone().expect("a file of this process"))
                .stderr(log),
        );
        let address = wait_for("address of `smtp serve`", || {
            let said = fs::read_to_string(&output).expect("created above");
            assert!(program.is_alive(), "`smtp serve` ended: {said}");
            listening(&said)
        });
        Self { program, address, folder }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its Maildir.
    pub(crate) fn maildir(&self) -> PathBuf {
        self.folder.path().join("mail")
    }

    /// The messages it has stored so far.
    pub(crate) fn messages(&self) -> Vec<Vec<u8>> {
        read_folder(&self.maildir().join("new"))
    }

    /// Ends it the way that Ctrl-C does, and returns all it ever said.
    pub(crate) fn interrupt(mut self) -> String {
        self.program.signal("INT");
        let status = self.program.wait();
        let said = fs::read_to_string(self.folder.path().join("output")).expect("created at the start");
        assert!(status.success(), "{status}: {said}");
        said
    }
}

/// Runs `smtp send --json` with a message on its standard input.
pub(crate) fn send(server: SocketAddr, from: &str, to: &[&str], message: &Path) -> Sent {
    send_with(&["--server", &server.to_string()], from, to, message)
}

/// As [`send`], with these options for the connection.
pub(crate) fn send_with(connection: &[&str], from: &str, to: &[&str], message: &Path) -> Sent {
    let mut command = Command::new(SMTP);
    command.args(["send", "--json", "--from", from]).args(connection);
    for recipient in to {
        command.args(["--to", recipient]);
    }
    let finished = run(&mut command, message);
    let outcome = serde_json::from_str(&finished.output).unwrap_or_else(|error| panic!("{error}: {finished}"));
    Sent { finished, outcome }
}

/// How `smtp send` ended.
#[derive(Debug)]
pub(crate) struct Sent {
    finished: Finished,
    outcome: Value,
}

impl Sent {
    /// Asserts the exit code and `result`.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32, result: &str) -> &Self {
        assert_eq!(self.finished.code, Some(code), "{}", self.finished);
        assert_eq!(self.outcome["result"], result, "{}", self.finished);
        self
    }

    /// Asserts the exit code, and that this text stands in what was written.
    #[track_caller]
    pub(crate) fn expect_text(&self, code: i32, text: &str) -> &Self {
        self.finished.expect(code, text);
        self
    }

    /// Asserts what became of every recipient, in order: address, verdict, reply code, enhanced code (any if empty,
    /// as servers differ in how they accept).
    #[track_caller]
    pub(crate) fn expect_verdicts(&self, expected: &[(&str, &str, u16, &str)]) -> &Self {
        let found = self.outcome["recipients"].as_array().unwrap_or_else(|| panic!("{}", self.finished));
        assert_eq!(found.len(), expected.len(), "{}", self.finished);
        for (found, &(address, verdict, code, enhanced)) in found.iter().zip(expected) {
            assert_eq!(found["address"], address, "{}", self.finished);
            assert_eq!(found["verdict"], verdict, "{}", self.finished);
            assert_eq!(found["code"], code, "{}", self.finished);
            assert!(enhanced.is_empty() || found["enhanced"] == enhanced, "{}", self.finished);
        }
        self
    }

    /// Asserts the code of the reply to the message.
    #[track_caller]
    pub(crate) fn expect_reply(&self, code: u16) {
        assert_eq!(self.outcome["reply"]["code"], code, "{}", self.finished);
    }
}

fn listening(said: &str) -> Option<SocketAddr> {
    let complete = &said[..said.rfind('\n')?];
    complete.split_whitespace().find_map(|word| word.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok())
}

const SMTP: &str = env!("CARGO_BIN_EXE_smtp");
