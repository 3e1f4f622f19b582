//! TLS in the server role (RFC 3207, RFC 8314), without sockets and without a TLS library.

mod kit;

use bytes::Bytes;
use kit::desk::Desk;
use kit::script::{Record, serve, settle_server};
use kit::{Cuts, at, server, server_config, show};
use smtp_proto::reply::{Reply, ReplyCode};
use smtp_proto::server::{Config, Connection, Event, Output, TlsPolicy};
use smtp_proto::trace::Protocol;
use smtp_proto::{CloseReason, Instant, Misuse, TlsInfo};

const EHLO: &[u8] = b"EHLO client.example\r\n";
const STARTTLS: &[u8] = b"STARTTLS\r\n";
const ENVELOPE: &[u8] = b"MAIL FROM:<a@client.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n";

fn config(policy: TlsPolicy) -> Config {
    let mut config = server_config();
    config.tls = policy;
    config
}

fn dialogue_with(config: Config, groups: &[&[u8]], cuts: Cuts) -> (Record, Desk) {
    let mut desk = Desk::default();
    let record = serve(&mut server(config), &mut desk, groups, cuts);
    (record, desk)
}

/// The replies behind the greeting, a line each.
fn said(config: Config, groups: &[&[u8]]) -> Vec<String> {
    let (record, _) = dialogue_with(config, groups, Cuts::Whole);
    let said = String::from_utf8(record.sent).expect("ASCII");
    said.split_inclusive("\r\n").skip(1).map(Into::into).collect()
}

fn codes(config: Config, groups: &[&[u8]]) -> Vec<String> {
    said(config, groups).iter().filter(|line| &line[3..4] == " ").map(|line| line[..3].into()).collect()
}

/// A server that waits for the handshake.
fn upgrading() -> Connection {
    let mut connection = server(config(TlsPolicy::Offered));
    let mut desk = Desk::default();
    let _ = serve(&mut connection, &mut desk, &[EHLO], Cuts::Whole);
    connection.handle_input(Instant::EPOCH, Bytes::from_static(STARTTLS)).expect("input");
    settle_server(&mut connection, &mut desk, &mut Record::default(), &mut Vec::new());
    assert!(matches!(connection.poll(), Output::UpgradeTls));
    connection
}

/// X-3207-2-01, X-3207-4-02, X-3207-4.2-01, X-3207-4.2-05, X-3207-4.2-08, X-3207-4.2-06, TLS-06, TLS-07, rule 26:
/// STARTTLS is announced, answered 220, and not announced inside of TLS, where the session begins anew with EHLO and
/// without a greeting.
#[test]
fn starttls() {
    let mut connection = server(config(TlsPolicy::Offered));
    let mut desk = Desk::default();
    let record = serve(&mut connection, &mut desk, &[EHLO, STARTTLS], Cuts::Whole);
    let said = String::from_utf8(record.sent).expect("ASCII");
    assert!(said.contains("250 STARTTLS\r\n") && said.ends_with("\r\n220 2.0.0 ready to start TLS\r\n"), "{said}");
    assert!(connection.is_tls() && !connection.is_extended());
    let record = serve(&mut connection, &mut desk, &[b"MAIL FROM:<a@client.example>\r\n"], Cuts::Whole);
    assert_eq!(record.sent, b"503 5.5.1 send EHLO or HELO first\r\n");
    let record = serve(&mut connection, &mut desk, &[EHLO, ENVELOPE, b"x\r\n.\r\n"], Cuts::Whole);
    let said = String::from_utf8(record.sent).expect("ASCII");
    assert!(!said.contains("STARTTLS") && said.ends_with("250 2.0.0 message accepted for delivery\r\n"), "{said}");
    assert_eq!(connection.protocol(), Protocol::Esmtps);
}
