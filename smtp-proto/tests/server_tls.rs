//! TLS in the server role (RFC 3207, RFC 8314), without sockets and without a TLS library.

mod kit;

use std::sync::Arc;

use bytes::Bytes;
use kit::desk::Desk;
use kit::script::{Record, serve, settle_server};
use kit::{Cuts, at, server, server_config, show};
use smtp_proto::reply::{Reply, ReplyCode};
use smtp_proto::server::{Config, Connection, Event, Output, TlsPolicy};
use smtp_proto::trace::Protocol;
use smtp_proto::{CloseReason, ConfigError, Instant, Misuse, TlsInfo};

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
    assert!(said.contains("250-STARTTLS\r\n") && said.ends_with("\r\n220 2.0.0 ready to start TLS\r\n"), "{said}");
    assert!(connection.is_tls() && !connection.is_extended());
    let record = serve(&mut connection, &mut desk, &[b"MAIL FROM:<a@client.example>\r\n"], Cuts::Whole);
    assert_eq!(record.sent, b"503 5.5.1 send EHLO or HELO first\r\n");
    let record = serve(&mut connection, &mut desk, &[EHLO, ENVELOPE, b"x\r\n.\r\n"], Cuts::Whole);
    let said = String::from_utf8(record.sent).expect("ASCII");
    assert!(!said.contains("STARTTLS") && said.ends_with("250 2.0.0 message accepted for delivery\r\n"), "{said}");
    assert_eq!(connection.protocol(), Protocol::Esmtps);
}

/// TLS-01, TLS-02, X-3207-4.2-02, X-3207-6-04, X-2920-3.2-09, rule 25: a whole line, a part of one, a single octet behind
/// STARTTLS, in the same read or another before the 220 has left, however cut: 554, no 220, no handshake, and nothing of
/// it is taken for a command.
#[test]
fn octets_behind_starttls_are_never_parsed() {
    for injected in
        ["MAIL FROM:<evil@client.example>\r\n", "EHLO evil.example\r\n", "EHLO evil", "R", "\r\n", "\x16\x03\x01"]
    {
        for policy in [TlsPolicy::Offered, TlsPolicy::Required] {
            let group = [STARTTLS, injected.as_bytes()].concat();
            for cuts in Cuts::all(EHLO.len() + group.len()) {
                let (record, _) = dialogue_with(config(policy), &[EHLO, &group], cuts);
                let said = String::from_utf8(record.sent).expect("ASCII");
                let (before, last) = said.trim_end().rsplit_once("\r\n").expect("lines");
                assert!(last.starts_with("554 5.5.0 ") && !before.contains("220 2."), "{injected:?} {cuts:?} {said}");
                assert_eq!(record.closed, Some(CloseReason::EarlyInput), "{injected:?} {cuts:?}");
                assert!(
                    !record.log.iter().any(|line| line.contains("evil") || line.contains("TLS")),
                    "{:?}",
                    record.log
                );
            }
        }
    }
}

/// TLS-03: octets that come when a part of the 220 has left get 554 behind it; when all of it has, they are handed back,
/// to go to the TLS library.
#[test]
fn octets_around_the_220() {
    const GO_AHEAD: &[u8] = b"220 2.0.0 ready to start TLS\r\n";
    const EARLY: &[u8] = b"554 5.5.0 wait for the reply before you send more\r\n";
    for left in 0..GO_AHEAD.len() {
        let mut connection = server(config(TlsPolicy::Offered));
        let mut desk = Desk::default();
        let _ = serve(&mut connection, &mut desk, &[EHLO], Cuts::Whole);
        connection.handle_input(Instant::EPOCH, Bytes::from_static(STARTTLS)).expect("input");
        assert!(matches!(connection.poll(), Output::Transmit(octets) if octets == GO_AHEAD));
        connection.transmitted(Instant::EPOCH, left);
        connection.handle_input(Instant::EPOCH, Bytes::from_static(b"NOOP\r\n")).expect("input is taken, and refused");
        let mut record = Record::default();
        settle_server(&mut connection, &mut desk, &mut record, &mut Vec::new());
        let expected = if left == 0 { EARLY.to_vec() } else { [&GO_AHEAD[left..], EARLY].concat() };
        assert_eq!(show(&record.sent), show(&expected), "{left}");
        assert_eq!(record.closed, Some(CloseReason::EarlyInput));
    }
    let mut connection = upgrading();
    let refused =
        connection.handle_input(Instant::EPOCH, Bytes::from_static(b"\x16\x03\x01")).expect_err("handed back");
    assert_eq!((refused.misuse, &refused.value[..]), (Misuse::Paused, &b"\x16\x03\x01"[..]));
    assert!(matches!(connection.poll(), Output::UpgradeTls), "again and again");
    connection.handle_tls_established(Instant::EPOCH, TlsInfo::default());
    let Output::Wait(wait) = connection.poll() else { panic!("EHLO is awaited") };
    assert!(wait.input && wait.deadline.is_some());
}

/// X-3207-4.2-02, X-4954-9-01, TLS-06, rule 13: whatever was said in clear, inside of TLS it is as if nothing had been.
#[test]
fn nothing_survives_the_handshake() {
    let inside: [&[u8]; 4] = [b"RCPT TO:<b@mx.example>\r\n", b"AUTH PLAIN\r\n", EHLO, b"DATA\r\n"];
    let run = |outside: &[&[u8]]| {
        let mut connection = server(config(TlsPolicy::Offered));
        let mut desk = Desk::default();
        let _ = serve(&mut connection, &mut desk, outside, Cuts::Whole);
        assert!(connection.is_tls());
        let record = serve(&mut connection, &mut desk, &inside, Cuts::Whole);
        (show(&record.sent), record.log)
    };
    let nothing = run(&[EHLO, STARTTLS]);
    for before in [
        &b"MAIL FROM:<a@client.example>\r\nRCPT TO:<b@mx.example>\r\nRSET\r\n"[..],
        b"MAIL FROM:<no@client.example>\r\n",
        b"MAIL FROM:<a@client.example>\r\nRCPT TO:<no@mx.example>\r\nDATA\r\n",
        b"NOOP\r\n",
    ] {
        assert_eq!(run(&[EHLO, before, b"RSET\r\nEHLO other.example\r\n", STARTTLS]), nothing);
    }
}

/// The tallies of a connection go on: TLS is no way to make errors anew.
#[test]
fn errors_are_counted_on() {
    let mut config = config(TlsPolicy::Offered);
    config.timeouts.error_delay = core::time::Duration::ZERO;
    let seven = b"FROB\r\n".repeat(7);
    let (record, _) = dialogue_with(config, &[EHLO, &seven, STARTTLS, &seven], Cuts::Whole);
    assert_eq!(record.closed, Some(CloseReason::TooManyErrors));
    assert_eq!(String::from_utf8_lossy(&record.sent).matches("500 5.5.2").count(), 10);
}

/// X-3207-4-01, X-3207-4-02, TLS-04, TLS-05, rule 27: STARTTLS with a parameter, before EHLO, after HELO, in a transaction,
/// inside of TLS, and where it is not configured.
#[test]
fn refusals() {
    let last = |policy, groups: &[&[u8]]| said(config(policy), groups).pop().expect("a reply");
    let offered = |groups: &[&[u8]]| last(TlsPolicy::Offered, groups);
    assert!(offered(&[EHLO, b"STARTTLS now\r\n"]).starts_with("501 5.5.4 "));
    assert!(offered(&[STARTTLS]).starts_with("503 5.5.1 send EHLO first"));
    assert!(offered(&[b"HELO client.example\r\n", STARTTLS]).starts_with("503 5.5.1 send EHLO first"));
    assert!(offered(&[EHLO, b"MAIL FROM:<a@client.example>\r\n", STARTTLS]).starts_with("503 5.5.1 "));
    assert!(offered(&[EHLO, STARTTLS, EHLO, STARTTLS]).starts_with("503 5.5.1 "));
    assert!(last(TlsPolicy::Disabled, &[EHLO, STARTTLS]).starts_with("502 5.5.1 "));
    assert!(last(TlsPolicy::Implicit, &[EHLO, STARTTLS]).starts_with("503 5.5.1 "));
    assert!(offered(&[EHLO, b"starttls  \r\n"]).starts_with("220 2.0.0 "), "case and trailing blanks");
    // What is refused changes nothing.
    let groups: [&[u8]; 4] = [EHLO, b"MAIL FROM:<a@client.example>\r\n", STARTTLS, b"RCPT TO:<b@mx.example>\r\n"];
    assert!(offered(&groups).starts_with("250 2.1.5"));
}

/// X-3207-4-05, X-3207-4-06, TLS-08, rule 29: where TLS is required, everything but EHLO, HELO, NOOP, STARTTLS and QUIT
/// gets 530 5.7.0, and a group of refused commands is no error beyond its first.
#[test]
fn required() {
    for command in [
        "MAIL FROM:<a@client.example>",
        "RCPT TO:<b@mx.example>",
        "DATA",
        "RSET",
        "VRFY b",
        "EXPN l",
        "HELP",
        "AUTH PLAIN",
        "ETRN a.example",
    ] {
        let line = format!("{command}\r\n");
        let last = said(config(TlsPolicy::Required), &[EHLO, line.as_bytes()]).pop().expect("a reply");
        assert_eq!(last, "530 5.7.0 send STARTTLS first\r\n", "{command}");
        let last = said(config(TlsPolicy::Required), &[EHLO, STARTTLS, EHLO, line.as_bytes()]).pop().expect("a reply");
        assert!(!last.starts_with("530"), "{command}");
    }
    let passed: [&[u8]; 4] = [b"HELO client.example\r\n", EHLO, b"NOOP\r\n", b"QUIT\r\n"];
    assert_eq!(codes(config(TlsPolicy::Required), &passed), ["250", "250", "250", "221"]);
    // The octets of a chunk are read all the same.
    let chunk: [&[u8]; 3] = [EHLO, b"BDAT 6 LAST\r\nQUIT\r\n", b"NOOP\r\n"];
    assert_eq!(codes(config(TlsPolicy::Required), &chunk), ["250", "530", "250"]);
    let group = [b"MAIL FROM:<a@client.example>\r\n".to_vec(), b"RCPT TO:<b@mx.example>\r\n".repeat(20)].concat();
    let (record, _) =
        dialogue_with(config(TlsPolicy::Required), &[EHLO, &group, b"DATA\r\n", b"NOOP\r\n"], Cuts::Whole);
    assert_eq!(record.closed, None);
    assert!(record.sent.ends_with(b"250 2.0.0 noop\r\n"));
}

/// TLS-09: the word in mail data is mail data.
#[test]
fn the_word_in_mail_data() {
    let data = b"STARTTLS\r\n\r\nSTARTTLS\r\n.\r\n";
    for cuts in Cuts::all(EHLO.len() + ENVELOPE.len() + data.len()) {
        let (record, desk) = dialogue_with(config(TlsPolicy::Offered), &[EHLO, ENVELOPE, data], cuts);
        assert_eq!(desk.messages[0].body, b"STARTTLS\r\n\r\nSTARTTLS\r\n", "{cuts:?}");
        assert!(!record.log.contains(&"TLS".into()));
    }
}

/// TLS-10, rule 28: a handshake that fails, stalls, or loses its peer ends the connection without another octet.
#[test]
fn broken_handshakes() {
    type Break = fn(&mut Connection);
    let ways: [(Break, CloseReason); 6] = [
        (|connection| connection.handle_tls_failed(at(1)), CloseReason::TlsFailed),
        (|connection| connection.handle_timeout(at(60)), CloseReason::Timeout),
        (|connection| connection.handle_eof(at(1)), CloseReason::PeerClosed),
        (|connection| connection.handle_disconnect(at(1)), CloseReason::TransportFailed),
        (|connection| connection.shutdown(at(1)), CloseReason::Shutdown),
        // The deadline counts, not who notices it first.
        (|connection| connection.handle_tls_established(at(60), TlsInfo::default()), CloseReason::Timeout),
    ];
    for (way, reason) in ways {
        for mut connection in [upgrading(), server(config(TlsPolicy::Implicit))] {
            connection.handle_timeout(at(59));
            assert!(matches!(connection.poll(), Output::UpgradeTls));
            assert_eq!(connection.deadline(), Some(at(60)));
            way(&mut connection);
            assert!(matches!(connection.poll(), Output::Closed(found) if found == reason), "{reason}");
            connection.handle_tls_established(at(61), TlsInfo::default());
            assert!(!connection.is_tls());
        }
    }
}

/// TLS-10: the peer is gone before the 220 has left, or the service ends then.
#[test]
fn the_end_before_the_220() {
    let waiting = || {
        let mut connection = server(config(TlsPolicy::Offered));
        let _ = serve(&mut connection, &mut Desk::default(), &[EHLO], Cuts::Whole);
        connection.handle_input(Instant::EPOCH, Bytes::from_static(STARTTLS)).expect("input");
        assert!(matches!(connection.poll(), Output::Transmit(_)));
        connection
    };
    let end = |connection: &mut Connection| {
        let mut record = Record::default();
        settle_server(connection, &mut Desk::default(), &mut record, &mut Vec::new());
        (String::from_utf8(record.sent).expect("ASCII"), record.closed)
    };
    let mut connection = waiting();
    connection.handle_eof(Instant::EPOCH);
    assert_eq!(end(&mut connection), ("220 2.0.0 ready to start TLS\r\n".into(), Some(CloseReason::PeerClosed)));
    let mut connection = waiting();
    connection.shutdown(Instant::EPOCH);
    let said = "421 4.3.2 mx.example service is shutting down\r\n";
    assert_eq!(end(&mut connection), (said.into(), Some(CloseReason::Shutdown)), "the 220 is taken back");
    let mut connection = waiting();
    connection.transmitted(Instant::EPOCH, 3);
    connection.shutdown(Instant::EPOCH);
    assert_eq!(end(&mut connection), (String::new(), Some(CloseReason::Shutdown)), "nothing may follow a 220");
}

/// RFC 8314 §3.3: TLS from the first octet: the handshake comes before the greeting, and before the application is asked.
#[test]
fn implicit() {
    let mut connection = server(config(TlsPolicy::Implicit));
    assert!(matches!(connection.poll(), Output::UpgradeTls));
    assert!(connection.handle_input(Instant::EPOCH, Bytes::from_static(EHLO)).is_err());
    connection.handle_tls_established(Instant::EPOCH, TlsInfo::default());
    assert!(matches!(connection.poll(), Output::Event(Event::Connect(_))));
    let (record, _) = dialogue_with(config(TlsPolicy::Implicit), &[EHLO], Cuts::Every(1));
    let said = String::from_utf8(record.sent).expect("ASCII");
    assert!(said.starts_with("220 mx.example ESMTP\r\n250-mx.example\r\n") && !said.contains("STARTTLS"), "{said}");
}

/// X-3207-4.1-03: a server that wants a certificate and saw none answers 554 to everything but QUIT.
#[test]
fn not_satisfied() {
    for policy in [TlsPolicy::Offered, TlsPolicy::Implicit] {
        let mut config = config(policy);
        config.client_certificate = true;
        config.timeouts.error_delay = core::time::Duration::ZERO;
        let before: &[&[u8]] = if policy == TlsPolicy::Offered { &[EHLO, STARTTLS] } else { &[] };
        let mut connection = server(config.clone());
        let mut desk = Desk::default();
        let _ = serve(&mut connection, &mut desk, before, Cuts::Whole);
        for command in
            [EHLO, b"MAIL FROM:<a@client.example>\r\n", b"NOOP\r\n", b"FROB\r\n", b"STARTTLS\r\n", b"AUTH PLAIN\r\n"]
        {
            let record = serve(&mut connection, &mut desk, &[command], Cuts::Whole);
            // Replies to EHLO have no enhanced code (RFC 2034 §3).
            let enhanced: &[u8] = if command == EHLO { b"" } else { b"5.7.0 " };
            let said = [b"554 ", enhanced, b"command refused due to lack of security, send QUIT\r\n"].concat();
            assert_eq!(show(&record.sent), show(&said), "{}", show(command));
        }
        assert_eq!(serve(&mut connection, &mut desk, &[b"QUIT\r\n"], Cuts::Whole).closed, Some(CloseReason::Quit));

        let mut connection = server(config);
        desk.tls = TlsInfo::new(true);
        let _ = serve(&mut connection, &mut desk, before, Cuts::Whole);
        assert!(serve(&mut connection, &mut desk, &[EHLO], Cuts::Whole).sent.starts_with(b"250-"));
        desk.tls = TlsInfo::default();
    }
}

/// Without TLS being due, the end of a handshake means nothing.
#[test]
fn uncalled_for() {
    let mut connection = server(config(TlsPolicy::Offered));
    let mut desk = Desk::default();
    connection.handle_tls_established(Instant::EPOCH, TlsInfo::default());
    let _ = serve(&mut connection, &mut desk, &[EHLO], Cuts::Whole);
    connection.handle_tls_failed(Instant::EPOCH);
    connection.handle_tls_established(Instant::EPOCH, TlsInfo::default());
    assert!(!connection.is_tls() && connection.is_extended());
    assert!(matches!(connection.poll(), Output::Wait(_)));
}

/// X-3207-4-02, R-3.1-05: the application may refuse the session inside of TLS, too, by refusing EHLO.
#[test]
fn hello_can_be_refused_inside() {
    let mut connection = upgrading();
    connection.handle_tls_established(Instant::EPOCH, TlsInfo::default());
    connection.handle_input(Instant::EPOCH, Bytes::from_static(EHLO)).expect("input");
    let Output::Event(Event::Hello(token)) = connection.poll() else { panic!("asked") };
    let no = Reply::new(ReplyCode::TRANSACTION_FAILED, None, "not over this TLS");
    connection.reject(Instant::EPOCH, token, no).expect("due");
    assert!(matches!(connection.poll(), Output::Transmit(b"554 not over this TLS\r\n")));
}

/// A server that was told how TLS is made offers it, and one that was not cannot keep to a policy that asks for it.
#[test]
fn the_policy_is_settled() {
    for (policy, with, without) in [
        (TlsPolicy::Disabled, TlsPolicy::Offered, Ok(TlsPolicy::Disabled)),
        (TlsPolicy::Offered, TlsPolicy::Offered, Err(ConfigError::TlsNotSetUp)),
        (TlsPolicy::Required, TlsPolicy::Required, Err(ConfigError::TlsNotSetUp)),
        (TlsPolicy::Implicit, TlsPolicy::Implicit, Err(ConfigError::TlsNotSetUp)),
    ] {
        let settled = |has_tls| {
            let mut config = server_config();
            config.tls = policy;
            let mut config = Arc::new(config);
            config.settle_tls(has_tls).map(|()| config.tls)
        };
        assert_eq!((settled(true), settled(false)), (Ok(with), without));
    }
}
