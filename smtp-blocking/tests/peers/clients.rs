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

/// A program that sends mail. Its exit codes are its own: each speaks of a refusal in another way, and names the code of
/// the reply in what it writes.
pub(crate) struct Client {
    /// What it is called.
    pub(crate) name: &'static str,
    /// The exit code when one recipient of several is refused: with 5yz and with 4yz. 0: it sends to the others.
    one_of_several: (i32, i32),
    /// The exit code when every recipient is refused: with 5yz and with 4yz.
    all: (i32, i32),
    /// The exit code when the message is refused at its end.
    pub(crate) message: i32,
    command: fn(SocketAddr, &Mail<'_>) -> Command,
}

impl Client {
    /// Whether the program is there; says so if not.
    pub(crate) fn is_there(&self) -> bool {
        let program = if self.name == "smtplib" { "python3" } else { self.name };
        require(self.name, find(program).ok_or("not installed")).is_some()
    }

    /// Its exit code when one recipient of several gets this reply.
    pub(crate) fn code_for_one_of_several(&self, reply: u16) -> i32 {
        pick(self.one_of_several, reply)
    }

    /// Its exit code when every recipient gets this reply.
    pub(crate) fn code_for_all(&self, reply: u16) -> i32 {
        pick(self.all, reply)
    }

    /// Sends.
    pub(crate) fn send(&self, server: SocketAddr, mail: &Mail<'_>) -> Finished {
        run(&mut (self.command)(server, mail), mail.message)
    }
}

fn pick((permanent, temporary): (i32, i32), reply: u16) -> i32 {
    if reply >= 500 { permanent } else { temporary }
}

/// The module of Python's own library.
pub(crate) const SMTPLIB: Client = Client {
    name: "smtplib",
    one_of_several: (0, 0),
    all: (1, 1),
    message: 1,
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
    one_of_several: (0, 0),
    all: (55, 55),
    message: 8,
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
    one_of_several: (0, 0),
    all: (24, 24),
    message: 26,
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
    one_of_several: (65, 69),
    all: (65, 69),
    message: 69,
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
