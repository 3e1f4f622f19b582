//! Mail programs that send: each takes an envelope and a message and says how it went in its own words.

use core::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::login::{Login, Tls};
use crate::programs::{self, Finished, find, node, require, run};

/// What to send, and to whom.
#[derive(Clone, Copy)]
pub struct Mail<'a> {
    /// The reverse-path, without the angle brackets.
    pub from: &'a str,
    /// The forward-paths, without the angle brackets.
    pub to: &'a [&'a str],
    /// A file that holds the message in CRLF lines.
    pub message: &'a Path,
    /// Without one there is no TLS either.
    pub login: Option<Login<'a>>,
}

/// A program that sends mail. Its exit codes are its own: each speaks of a refusal in another way, and names the code of
/// the reply in what it writes.
pub struct Client {
    /// What it is called.
    pub name: &'static str,
    /// The exit code when one recipient of several is refused: with 5yz and with 4yz. 0: it sends to the others.
    one_of_several: (i32, i32),
    /// The exit code when every recipient is refused: with 5yz and with 4yz.
    all: (i32, i32),
    /// The exit code when the message is refused at its end.
    pub message: i32,
    /// The exit code when the server does not let it log in, and what it writes then.
    pub login: (i32, &'static str),
    command: fn(SocketAddr, &Mail<'_>) -> Command,
}

impl Client {
    /// Whether the program is there; says so if not.
    pub fn is_there(&self) -> bool {
        let program = match self.name {
            "smtplib" => find("python3"),
            "nodemailer" => node("nodemailer"),
            name => find(name),
        };
        require(self.name, program.ok_or("not installed")).is_some()
    }

    /// Its exit code when one recipient of several gets this reply.
    pub fn code_for_one_of_several(&self, reply: u16) -> i32 {
        pick(self.one_of_several, reply)
    }

    /// Its exit code when every recipient gets this reply.
    pub fn code_for_all(&self, reply: u16) -> i32 {
        pick(self.all, reply)
    }

    /// Sends.
    pub fn send(&self, server: SocketAddr, mail: &Mail<'_>) -> Finished {
        run(&mut (self.command)(server, mail), mail.message)
    }
}

/// What a script of ours is told.
fn settings(server: SocketAddr, mail: &Mail<'_>) -> String {
    let login = mail.login.map(|login| {
        json!({
            "implicit": login.tls == Tls::Implicit,
            "mechanism": login.mechanism,
            "user": login.user,
            "secret": login.secret,
            "ca": login.certificates.path("ca.pem"),
            "certificate": login.certificates.path("client.pem"),
            "key": login.certificates.path("client.key"),
        })
    });
    let (host, port) = (server.ip().to_string(), server.port());
    json!({ "host": host, "port": port, "from": mail.from, "to": mail.to, "login": login }).to_string()
}

/// A script of ours, and what it is told.
fn script(program: &str, name: &str, server: SocketAddr, mail: &Mail<'_>) -> Command {
    let mut command = Command::new(program);
    command.arg(programs::script(name)).arg(settings(server, mail));
    command
}

fn pick((permanent, temporary): (i32, i32), reply: u16) -> i32 {
    if reply >= 500 { permanent } else { temporary }
}

/// The module of Python's own library.
pub const SMTPLIB: Client = Client {
    name: "smtplib",
    one_of_several: (0, 0),
    all: (1, 1),
    message: 1,
    login: (1, "535"),
    command: |server, mail| script("python3", "smtplib_send.py", server, mail),
};

/// curl, which announces SIZE because it is told the name of the file.
pub const CURL: Client = Client {
    name: "curl",
    one_of_several: (0, 0),
    all: (55, 55),
    message: 8,
    // It closes at the challenge that tells it what is wrong with a token of XOAUTH2, and hears no reply.
    login: (67, "Login denied"),
    command: |server, mail| {
        let mut command = Command::new("curl");
        command.args(["--disable", "--silent", "--show-error", "--verbose", "--noproxy", "*", "--max-time", "60"]);
        let scheme = if mail.login.is_some_and(|login| login.tls == Tls::Implicit) { "smtps" } else { "smtp" };
        command.args(["--mail-rcpt-allowfails", "--url", &format!("{scheme}://{server}/client.example")]);
        if let Some(login) = mail.login {
            command.args(["--ssl-reqd", "--cacert", &login.certificates.path("ca.pem")]);
            command.args(["--login-options", &format!("AUTH={}", login.mechanism)]);
            let password = match login.mechanism {
                "XOAUTH2" | "OAUTHBEARER" => {
                    command.args(["--oauth2-bearer", login.secret]);
                    ""
                }
                "EXTERNAL" => {
                    command.args(["--cert", &login.certificates.path("client.pem")]);
                    command.args(["--key", &login.certificates.path("client.key")]);
                    ""
                }
                _ => login.secret,
            };
            command.args(["--user", &format!("{}:{password}", login.user)]);
        }
        command.args(["--mail-from", mail.from]).arg("--upload-file").arg(mail.message);
        for recipient in mail.to {
            command.args(["--mail-rcpt", recipient]);
        }
        command
    },
};

/// swaks. It takes a final lone dot for the end of the data, and is given one so that none of the message is.
pub const SWAKS: Client = Client {
    name: "swaks",
    one_of_several: (0, 0),
    all: (24, 24),
    message: 26,
    login: (28, "535"),
    command: |server, mail| {
        let mut command = Command::new("sh");
        command.args(["-c", r#"{ cat; printf '.\r\n'; } | swaks "$@""#, "swaks"]);
        command.args(["--config", "--timeout", "60", "--suppress-data", "--ehlo", "client.example"]);
        command.args(["--server", &server.ip().to_string(), "--port", &server.port().to_string()]);
        command.args(["--from", mail.from, "--to", &mail.to.join(","), "--data", "-"]);
        if let Some(login) = mail.login {
            command.arg(if login.tls == Tls::Implicit { "--tls-on-connect" } else { "--tls" });
            command.args(["--tls-verify", "--tls-ca-path", &login.certificates.path("ca.pem")]);
            command.args(["--auth", login.mechanism, "--auth-user", login.user, "--auth-password", login.secret]);
        }
        command
    },
};

/// msmtp, told to leave the header alone.
pub const MSMTP: Client = Client {
    name: "msmtp",
    one_of_several: (65, 69),
    all: (65, 69),
    message: 69,
    login: (77, "535"),
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
        ]);
        if let Some(login) = mail.login {
            command.args([
                "--tls=on",
                if login.tls == Tls::Implicit { "--tls-starttls=off" } else { "--tls-starttls=on" },
            ]);
            command.arg(format!("--tls-trust-file={}", login.certificates.path("ca.pem")));
            command.arg(format!("--auth={}", login.mechanism.to_lowercase()));
            command.arg(format!("--user={}", login.user)).arg(format!("--passwordeval=echo {}", login.secret));
            if login.mechanism == "EXTERNAL" {
                command.arg(format!("--tls-cert-file={}", login.certificates.path("client.pem")));
                command.arg(format!("--tls-key-file={}", login.certificates.path("client.key")));
            }
        }
        command.arg("--").args(mail.to);
        command
    },
};

/// The program of GNU SASL, which logs in through STARTTLS only and leaves the mail to a script.
pub const GSASL: Client = Client {
    name: "gsasl",
    one_of_several: (1, 1),
    all: (1, 1),
    message: 1,
    login: (1, "535"),
    command: |server, mail| script("python3", "gsasl_send.py", server, mail),
};

/// nodemailer, which is given the mechanisms with -PLUS by GNU SASL.
pub const NODEMAILER: Client = Client {
    name: "nodemailer",
    one_of_several: (0, 0),
    all: (1, 1),
    message: 1,
    login: (1, "535"),
    command: |server, mail| script("node", "nodemailer_send.js", server, mail),
};
