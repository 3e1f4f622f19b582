//! `smtp send` delivers into foreign servers.

use core::net::SocketAddr;
use std::fs;

use tempfile::NamedTempFile;

use crate::tool::{self, Sent};
use smtp_peers::messages;
use smtp_peers::servers::{Aiosmtpd, Exim, Postfix, Server, SmtpServer, SmtpSink};

macro_rules! servers {
    ($($name:ident: $server:ty;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn an_empty_body() {
                delivers::<$server>(&messages::empty_body());
            }

            #[test]
            fn dots() {
                delivers::<$server>(&messages::dots());
            }

            #[test]
            fn eight_bit_text() {
                delivers::<$server>(&messages::eight_bit());
            }

            #[test]
            fn a_large_message() {
                delivers::<$server>(&messages::large());
            }
        }
    )*};
}

macro_rules! refusing_servers {
    ($($name:ident: $server:ty;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn one_refused_recipient_among_three() {
                tells_one_refusal::<$server>();
            }

            #[test]
            fn a_temporary_refusal() {
                tells_temporary_refusal::<$server>();
            }

            #[test]
            fn every_recipient_refused() {
                tells_refusal::<$server>();
            }
        }
    )*};
}

servers! {
    aiosmtpd: Aiosmtpd;
    smtp_server: SmtpServer;
    smtp_sink: SmtpSink;
    postfix: Postfix;
    exim: Exim;
}

/// The servers that can tell recipients apart.
mod refusals {
    use super::*;

    refusing_servers! {
        aiosmtpd: Aiosmtpd;
        smtp_server: SmtpServer;
        postfix: Postfix;
        exim: Exim;
    }

    /// smtp-sink refuses commands, not recipients.
    mod smtp_sink {
        use super::*;

        #[test]
        fn every_recipient_refused() {
            let Some(server) = SmtpSink::start_with(&["-f", "RCPT"]) else { return };
            let sent = send(server.address(), &["bob@example.org", "carol@example.org"], &messages::dots());
            sent.expect(69, "refused").expect_verdicts(&[
                ("bob@example.org", "permanent", 500, "5.3.0"),
                ("carol@example.org", "permanent", 500, "5.3.0"),
            ]);
            assert!(server.stored().is_empty());
        }

        #[test]
        fn a_temporary_refusal_of_every_recipient() {
            let Some(server) = SmtpSink::start_with(&["-r", "RCPT"]) else { return };
            let sent = send(server.address(), &["bob@example.org"], &messages::dots());
            sent.expect(75, "refused").expect_verdicts(&[("bob@example.org", "temporary", 450, "4.3.0")]);
        }

        #[test]
        fn a_temporary_refusal_of_the_message() {
            let Some(server) = SmtpSink::start_with(&["-r", "."]) else { return };
            let sent = send(server.address(), &["bob@example.org"], &messages::dots());
            sent.expect(75, "refused").expect_reply(450);
        }
    }
}

/// R-4.5.2-01, R-4.1.1.4-07: what arrives is what was sent, octet by octet.
fn delivers<S: Server>(message: &[u8]) {
    let Some(server) = S::start() else { return };
    let sent = send(server.address(), &["bob@example.org", "carol@example.org"], message);
    sent.expect(0, "accepted").expect_reply(250);
    server.expect_stored(FROM, &["bob@example.org", "carol@example.org"], message);
}

/// The text files of Unix have LF line ends, and the wire has CRLF.
#[test]
fn lines_that_end_in_lf() {
    let Some(server) = Aiosmtpd::start() else { return };
    let message = messages::dots();
    let text: Vec<u8> = message.iter().copied().filter(|&octet| octet != b'\r').collect();
    send(server.address(), &["bob@example.org"], &text).expect(0, "accepted");
    server.expect_stored(FROM, &["bob@example.org"], &message);
}

/// R-4.1.1.4-06: a message of no octets is the final dot alone.
#[test]
fn no_octet_at_all() {
    let Some(server) = Aiosmtpd::start() else { return };
    send(server.address(), &["bob@example.org"], b"").expect(0, "accepted");
    server.expect_stored(FROM, &["bob@example.org"], b"");
}

/// One refusal does not abort the others, and `smtp send` tells which it was.
fn tells_one_refusal<S: Server>() {
    let Some(server) = S::start() else { return };
    let message = messages::dots();
    let sent = send(server.address(), &["bob@example.org", "refused@example.org", "carol@example.org"], &message);
    sent.expect(67, "partial").expect_reply(250);
    sent.expect_verdicts(&[
        ("bob@example.org", "accepted", 250, ""),
        ("refused@example.org", "permanent", 550, "5.1.1"),
        ("carol@example.org", "accepted", 250, ""),
    ]);
    server.expect_stored(FROM, &["bob@example.org", "carol@example.org"], &message);
}

/// One recipient to try again, whose message has gone to the others.
fn tells_temporary_refusal<S: Server>() {
    let Some(server) = S::start() else { return };
    let message = messages::dots();
    let sent = send(server.address(), &["bob@example.org", "later@example.org", "carol@example.org"], &message);
    sent.expect(75, "partial").expect_reply(250);
    sent.expect_verdicts(&[
        ("bob@example.org", "accepted", 250, ""),
        ("later@example.org", "temporary", 451, "4.2.1"),
        ("carol@example.org", "accepted", 250, ""),
    ]);
    server.expect_stored(FROM, &["bob@example.org", "carol@example.org"], &message);
}

/// No recipient is left: with 4yz all of them, with 5yz one of them.
fn tells_refusal<S: Server>() {
    let Some(server) = S::start() else { return };
    let message = messages::dots();
    let sent = send(server.address(), &["refused@example.org"], &message);
    sent.expect(69, "refused").expect_verdicts(&[("refused@example.org", "permanent", 550, "5.1.1")]);
    let sent = send(server.address(), &["later@example.org"], &message);
    sent.expect(75, "refused").expect_verdicts(&[("later@example.org", "temporary", 451, "4.2.1")]);
    assert!(server.stored().is_empty());
}

fn send(server: SocketAddr, to: &[&str], message: &[u8]) -> Sent {
    let file = NamedTempFile::new().expect("a temporary file");
    fs::write(&file, message).expect("a temporary file");
    tool::send(server, FROM, to, file.path())
}

pub(crate) const FROM: &str = "ada@sender.example";
