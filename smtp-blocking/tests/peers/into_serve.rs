//! Foreign clients deliver into `smtp serve`, which takes mail for everybody. The mixes of refusals that only an
//! application makes are in [`into_library`](crate::into_library).

use core::net::SocketAddr;
use std::fs;
use std::path::PathBuf;

use tempfile::NamedTempFile;

use crate::tool::Serve;
use smtp_peers::clients::{CURL, Client, MSMTP, Mail, NODEMAILER, SMTPLIB, SWAKS};
use smtp_peers::login::Login;
use smtp_peers::messages;
use smtp_peers::programs::Finished;
use smtp_peers::servers::difference;

macro_rules! clients {
    ($($name:ident: $client:expr;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn an_empty_body() {
                stores_exactly(&$client, &messages::empty_body());
            }

            #[test]
            fn dots() {
                stores_exactly(&$client, &messages::dots());
            }

            #[test]
            fn eight_bit_text() {
                stores_exactly(&$client, &messages::eight_bit());
            }

            #[test]
            fn a_large_message() {
                stores_exactly(&$client, &messages::large());
            }

            #[test]
            fn one_refused_recipient_among_three() {
                refuses_one(&$client);
            }

            #[test]
            fn every_recipient_refused() {
                refuses_all(&$client);
            }

            #[test]
            fn a_temporary_refusal() {
                refuses_for_now(&$client);
            }

            #[test]
            fn with_trace_fields() {
                adds_trace(&$client);
            }
        }
    )*};
}

clients! {
    smtplib: SMTPLIB;
    curl: CURL;
    swaks: SWAKS;
    msmtp: MSMTP;
    nodemailer: NODEMAILER;
}

/// R-4.5.2-02, R-4.5.2-03, R-4.1.1.4-05, R-3.3-21: what is stored is what was sent, octet by octet, before the client is told.
fn stores_exactly(client: &Client, message: &[u8]) {
    if !client.is_there() {
        return;
    }
    let server = Serve::start(&["--raw"]);
    send(client, server.address(), &["bob@example.org"], message).expect(0, "");
    // 250 means stored: no waiting here.
    expect_stored(&server, message);
    server.interrupt();
}

/// One refused recipient leaves the transaction and the other recipients as they are (RFC 5321 §3.3).
fn refuses_one(client: &Client) {
    if !client.is_there() {
        return;
    }
    let server = Serve::start(&["--raw"]);
    let message = messages::dots();
    let finished = send(client, server.address(), &["bob@example.org", REFUSED, "carol@example.org"], &message);
    let code = client.code_for_one_of_several(501);
    finished.expect(code, "501");
    if code == 0 {
        expect_stored(&server, &message);
    } else {
        assert!(server.messages().is_empty());
    }
    server.interrupt();
}

fn refuses_all(client: &Client) {
    if !client.is_there() {
        return;
    }
    let server = Serve::start(&["--raw"]);
    send(client, server.address(), &[REFUSED], &messages::dots()).expect(client.code_for_all(501), "501");
    assert!(server.messages().is_empty());
    server.interrupt();
}

/// R-4.1.1.4-13, R-4.2.5-02: a server that cannot store says 451 and delivers nothing. When it can again, the same
/// message gets through.
fn refuses_for_now(client: &Client) {
    if !client.is_there() {
        return;
    }
    let server = Serve::start(&["--raw"]);
    let message = messages::dots();
    let broken = Unwritable::make(server.maildir());
    let refused = send(client, server.address(), &["bob@example.org"], &message);
    refused.expect(client.message, "451");
    assert!(server.messages().is_empty());
    drop(broken);
    send(client, server.address(), &["bob@example.org"], &message).expect(0, "");
    expect_stored(&server, &message);
    server.interrupt();
}

/// R-4.4-01, R-4.4-04, R-4.4-13, R-4.4-15: the final server puts Return-Path and Received in front, and changes nothing
/// else.
fn adds_trace(client: &Client) {
    if !client.is_there() {
        return;
    }
    let server = Serve::start(&[]);
    let message = messages::eight_bit();
    send(client, server.address(), &["bob@example.org"], &message).expect(0, "");
    let stored = server.messages();
    assert_eq!(stored.len(), 1);
    let trace = stored[0].strip_suffix(&message[..]).unwrap_or_else(|| panic!("{}", difference(&stored[0], &message)));
    let trace = String::from_utf8(trace.into()).expect("trace fields in ASCII");
    assert!(trace.starts_with("Return-Path: <ada@sender.example>\r\nReceived: from client.example"), "{trace}");
    assert!(trace.ends_with("\r\n"), "{trace}");
    for word in ["[127.0.0.1]", "by receiver.example", "with ESMTP", "for <bob@example.org>"] {
        assert!(trace.contains(word), "no `{word}` in {trace}");
    }
    server.interrupt();
}

/// R-4.1.1.4-06: curl sends the final dot straight behind DATA for a file of no octets.
#[test]
fn no_octet_at_all() {
    stores_exactly(&CURL, b"");
}

/// Sends from [`FROM`].
pub(crate) fn send(client: &Client, server: SocketAddr, to: &[&str], message: &[u8]) -> Finished {
    send_as(client, server, None, to, message)
}

/// Logs in and sends from [`FROM`].
pub(crate) fn send_as(
    client: &Client,
    server: SocketAddr,
    login: Option<Login<'_>>,
    to: &[&str],
    message: &[u8],
) -> Finished {
    let file = NamedTempFile::new().expect("a temporary file");
    fs::write(&file, message).expect("a temporary file");
    client.send(server, &Mail { from: FROM, to, message: file.path(), login })
}

#[track_caller]
fn expect_stored(server: &Serve, message: &[u8]) {
    let stored = server.messages();
    assert_eq!(stored.len(), 1);
    assert!(stored[0] == message, "{}", difference(&stored[0], message));
}

/// A Maildir that nothing can be written to, not even by root: the folder where messages are written first is not one.
struct Unwritable {
    maildir: PathBuf,
}

impl Unwritable {
    fn make(maildir: PathBuf) -> Self {
        fs::remove_dir(maildir.join("tmp")).expect("the empty folder of a Maildir");
        fs::write(maildir.join("tmp"), "").expect("a new file");
        Self { maildir }
    }
}

impl Drop for Unwritable {
    fn drop(&mut self) {
        fs::remove_file(self.maildir.join("tmp")).expect("written above");
        fs::create_dir(self.maildir.join("tmp")).expect("removed above");
    }
}

pub(crate) const FROM: &str = "ada@sender.example";

/// An address that no grammar allows, so that the server refuses it whatever it would take otherwise.
const REFUSED: &str = "dave@-example-.org";
