//! Mail servers that receive. Each takes mail for example.org into files, except for the recipients
//! `refused@example.org` (550) and `later@example.org` (451).

use core::net::SocketAddr;
use std::collections::BTreeSet;

pub use self::aiosmtpd::Aiosmtpd;
pub use self::exim::Exim;
pub use self::opensmtpd::OpenSmtpd;
pub use self::postfix::Postfix;
pub use self::smtp_server::SmtpServer;
pub use self::smtp_sink::SmtpSink;
use crate::login::{Certificates, Tls};
use crate::programs::wait_for;

mod aiosmtpd;
mod dovecot;
mod exim;
mod opensmtpd;
mod postfix;
mod script;
mod smtp_server;
mod smtp_sink;

/// A running server.
pub trait Server: Sized {
    /// Starts it on a free port; `None`, said out loud, if it is not installed.
    fn start() -> Option<Self>;

    /// Where it listens.
    fn address(&self) -> SocketAddr;

    /// What it has stored so far.
    fn stored(&self) -> Vec<Stored>;

    /// Waits until each of these recipients has a message, and asserts that all have this one and nobody else has any.
    /// Servers that queue deliver after they have said 250, and some store a copy for each recipient.
    #[track_caller]
    fn expect_stored(&self, from: &str, to: &[&str], message: &[u8]) {
        let expected: BTreeSet<_> = to.iter().map(|recipient| (*recipient).to_owned()).collect();
        let stored = wait_for("message in the files of the server", || {
            let stored = self.stored();
            let reached = stored.iter().map(|stored| stored.to.len()).sum::<usize>();
            (reached >= expected.len()).then_some(stored)
        });
        let reached: BTreeSet<_> = stored.iter().flat_map(|stored| stored.to.iter().cloned()).collect();
        assert_eq!(reached, expected);
        for stored in &stored {
            assert_eq!(stored.from, from);
            // Not `assert_eq`, which would print 25 MB.
            assert!(stored.message == message, "{}", difference(&stored.message, message));
        }
    }
}

/// A server that offers AUTH over TLS only, and knows [`USER`](crate::login::USER). All but Postfix take no mail before,
/// unless TLS is [`Tls::Offered`].
pub trait LoginServer: Server {
    /// Starts it at this address; `None`, said out loud, if it is not installed.
    fn start_login(address: SocketAddr, security: Security<'_>) -> Option<Self>;

    /// The mechanism and the user of each message it has taken, in its own records: `PLAIN ada@example.org`.
    fn logins(&self) -> Vec<String>;
}

/// The TLS of a server.
#[derive(Clone, Copy)]
pub struct Security<'a> {
    /// When TLS begins, and whether a login is needed.
    pub tls: Tls,
    /// Who the server is.
    pub certificates: &'a Certificates,
}

/// A message as a server stored it.
#[derive(Debug)]
pub struct Stored {
    /// The reverse-path, without the angle brackets.
    pub from: String,
    /// The forward-paths, without the angle brackets.
    pub to: Vec<String>,
    /// The content in CRLF lines, without what the server put in front.
    pub message: Vec<u8>,
}

/// Where two messages begin to differ.
pub fn difference(found: &[u8], expected: &[u8]) -> String {
    let at = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
    let around = |message: &[u8]| {
        let to = message.len().min(at + 40);
        message[at.saturating_sub(40).min(to)..to].escape_ascii().to_string()
    };
    format!(
        "found {} octets, expected {}, they differ from {at} on:\n {}\n {}",
        found.len(),
        expected.len(),
        around(found),
        around(expected)
    )
}

/// A message in CRLF lines, from a file in LF lines.
fn with_crlf(text: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(text.len() + text.len() / 16);
    for line in text.split_inclusive(|&octet| octet == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => message.extend([line, b"\r\n"].concat()),
            None => message.extend(line),
        }
    }
    message
}

/// Cuts a stored file in what the server put in front and our own message, which begins with `Subject:`.
fn split_trace(file: &[u8]) -> (String, &[u8]) {
    let subject = b"\nSubject: ";
    let at = file.windows(subject.len()).position(|window| window == subject).map_or(0, |at| at + 1);
    (String::from_utf8_lossy(&file[..at]).into_owned(), &file[at..])
}

/// The values of the fields of this name, without the angle brackets.
fn fields<'a>(trace: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let prefix = format!("{name}: ");
    let lines = trace.lines().filter_map(move |line| line.strip_prefix(&prefix));
    lines.map(|value| value.split_whitespace().next().unwrap_or_default().trim_matches(['<', '>']))
}
