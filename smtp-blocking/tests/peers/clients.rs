//! Mail programs that send: each takes an envelope and a message and says how it went in its own words.

use core::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::programs::{Finished, find, require, run};

/// What to send, and to whom.
#[derive(Clone, Copy)]
pub(crate) struct Mail<'a> {
    pub(crate) from: &'a str,
    pub(crate) to: &'a [&'a str],
    /// A file that holds the message in CRLF lines.
    pub(crate) message: &'a Path,
}

/// A program that sends mail.
pub(crate) struct Client {
    /// What it is called.
    pub(crate) name: &'static str,
    /// What it does when one recipient of several is refused.
    pub(crate) one_refused: OneRefused,
    /// Its exit code when no message was taken because of a 4yz at the end of the data, and a word of what it says then.
    pub(crate) temporary: (i32, &'static str),
    /// Its exit code when every recipient was refused for good, and a word of what it says then.
    pub(crate) all_refused: (i32, &'static str),
    command: fn(SocketAddr, &Mail<'_>) -> Command,
}

/// What a program does when one recipient of several is refused.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OneRefused {
    /// It sends the message to the others, exits with 0 and names the refusal.
    SendsToOthers,
    /// It sends nothing and exits with this code.
    GivesUp(i32),
}

impl Client {
    /// Whether the program is there; says so if not.
    pub(crate) fn is_there(&self) -> bool {
        let program = if self.name == "smtplib" { "python3" } else { self.name };
        require(self.name, find(program).ok_or("not installed")).is_some()
    }

    /// Sends.
    pub(crate) fn send(&self, server: SocketAddr, mail: &Mail<'_>) -> Finished {
        run(&mut (self.command)(server, mail), mail.message)
    }
}

/// The module of Python's own library.
pub(crate) const SMTPLIB: Client = Client {
    name: "smtplib",
    one_refused: OneRefused::SendsToOthers,
    temporary: (1, "SMTPDataError"),
    all_refused: (1, "SMTPRecipientsRefused"),
    command: |server, mail| {
        let mut command = Command::new("python3");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/smtplib_send.py"));
        command.args([&server.ip().to_string(), &server.port().to_string(), mail.from]).args(mail.to);
        command
    },
};

/// curl, which announces SIZE because it is told the name of the file.
pub(crate) const CURL: Client = Client {
    name: "curl",
    one_refused: OneRefused::SendsToOthers,
    temporary: (8, "451"),
    all_refused: (55, "RCPT failed: 5"),
    command: |server, mail| {
        let mut command = Command::new("curl");
        command.args(["--disable", "--silent", "--show-error", "--verbose", "--noproxy", "*", "--max-time", "60"]);
        command.args(["--mail-rcpt-allowfails", "--url", &format!("smtp://{server}/client.example")]);
        command.args(["--mail-from", mail.from]).arg("--upload-file").arg(mail.message);
        for recipient in mail.to {
            command.args(["--mail-rcpt", recipient]);
        }
        command
    },
};

/// swaks. It takes a final lone dot for the end of the data, and is given one so that none of the message is.
pub(crate) const SWAKS: Client = Client {
    name: "swaks",
    one_refused: OneRefused::SendsToOthers,
    temporary: (26, "451"),
    all_refused: (24, "<** 5"),
    command: |server, mail| {
        let mut command = Command::new("sh");
        command.args(["-c", r#"{ cat; printf '.\r\n'; } | swaks "$@""#, "swaks"]);
        command.args(["--config", "--timeout", "60", "--suppress-data", "--ehlo", "client.example"]);
        command.args(["--server", &server.ip().to_string(), "--port", &server.port().to_string()]);
        command.args(["--from", mail.from, "--to", &mail.to.join(","), "--data", "-"]);
        command
    },
};

/// msmtp, told to leave the header alone.
pub(crate) const MSMTP: Client = Client {
    name: "msmtp",
    one_refused: OneRefused::GivesUp(65),
    temporary: (69, "451"),
    all_refused: (65, "not accepted by the server"),
    command: |server, mail| {
        let mut command = Command::new("msmtp");
        command.args([
            &format!("--host={}", server.ip()),
            &format!("--port={}", server.port()),
            "--auto-from=off",
            "--domain=client.example",
            "--set-from-header=off",
            "--set-date-header=off",
            "--set-msgid-header=off",
            "--remove-bcc-headers=off",
            "--undisclosed-recipients=off",
            "--timeout=60",
            &format!("--from={}", mail.from),
            "--",
        ]);
        command.args(mail.to);
        command
    },
};
