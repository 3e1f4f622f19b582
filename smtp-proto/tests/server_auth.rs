//! AUTH in the server role (RFC 4954), without sockets.

mod kit;

use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use kit::desk::Desk;
use kit::script::{Record, serve, settle_server};
use kit::{Cuts, at, server, server_config, show};
use smtp_proto::command::{Submitter, Xtext};
use smtp_proto::reply::{Detail, Reply, ReplyCode};
use smtp_proto::sasl::{self, Claim, ClientExchange, Context, Credentials, First, Mechanism, ServerExchange, Step};
use smtp_proto::server::{Auth, Config, Connection, Event, Output, TlsPolicy};
use smtp_proto::trace::Protocol;
use smtp_proto::{CloseReason, ConfigError, Decision, Instant, Misuse};

const EHLO: &[u8] = b"EHLO client.example\r\n";
/// Alice, and her password.
const PLAIN: &[u8] = b"AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n";
/// Alice, and another password.
const WRONG: &[u8] = b"AUTH PLAIN AGFsaWNlAHdyb25n\r\n";

/// Within TLS, with these mechanisms, and no answer late.
fn config(mechanisms: &[&str]) -> Config {
    let mut config = server_config();
    config.tls = TlsPolicy::Implicit;
    config.auth.mechanisms = mechanisms.iter().map(|name| sasl::mechanism(name).expect("built in")).collect();
    config.timeouts.auth_delay = Duration::ZERO;
    config.timeouts.error_delay = Duration::ZERO;
    config
}

fn dialogue_with(config: Config, groups: &[&[u8]], cuts: Cuts) -> (Record, Desk) {
    let mut desk = Desk::default();
    let record = serve(&mut server(config), &mut desk, groups, cuts);
    (record, desk)
}

/// The replies behind the answer to EHLO, a line each.
fn said_with(config: Config, groups: &[&[u8]]) -> Vec<String> {
    let groups = [&[EHLO], groups].concat();
    let (record, _) = dialogue_with(config, &groups, Cuts::Whole);
    let said = String::from_utf8(record.sent).expect("ASCII");
    let mut lines = said.split_inclusive("\r\n").map(String::from);
    lines.by_ref().skip(1).find(|line| line.starts_with("250 ")).expect("the answer to EHLO");
    lines.collect()
}

fn said(groups: &[&[u8]]) -> Vec<String> {
    said_with(config(&["PLAIN", "LOGIN"]), groups)
}

fn last(groups: &[&[u8]]) -> String {
    said(groups).pop().expect("a reply")
}

/// A connection that has heard all this, and what it said last.
fn after(config: Config, groups: &[&[u8]]) -> (Connection, Desk, Vec<u8>) {
    let (mut connection, mut desk) = (server(config), Desk::default());
    let _ = serve(&mut connection, &mut desk, &[EHLO], Cuts::Whole);
    let record = serve(&mut connection, &mut desk, groups, Cuts::Whole);
    (connection, desk, record.sent)
}

/// The question about a claim that these octets lead to.
fn question(connection: &mut Connection, octets: &'static [u8]) -> Auth {
    connection.handle_input(Instant::EPOCH, Bytes::from_static(octets)).expect("input");
    match connection.poll() {
        Output::Event(Event::Auth(token)) => token,
        other => panic!("{other:?}"),
    }
}

fn transmit(connection: &mut Connection) -> String {
    let mut record = Record::default();
    settle_server(connection, &mut Desk::default(), &mut record, &mut Vec::new());
    String::from_utf8(record.sent).expect("ASCII")
}

/// X-4954-4-26, X-4954-6-02, X-4954-7-02, X-4954-8-01, X-4954-8-02: the initial response on the AUTH line or behind an
/// empty challenge, verb and mechanism in any case, under every cut.
#[test]
fn plain_and_login() {
    for groups in [
        &[EHLO, PLAIN][..],
        &[EHLO, b"AUTH PLAIN\r\n", b"AGFsaWNlAHNlY3JldA==\r\n"],
        &[EHLO, b"auth login\r\n", b"YWxpY2U=\r\n", b"c2VjcmV0\r\n"],
        &[EHLO, b"Auth Login YWxpY2U=\r\n", b"c2VjcmV0\r\n"],
    ] {
        for cuts in Cuts::all(groups.concat().len()) {
            let mut connection = server(config(&["PLAIN", "LOGIN"]));
            let record = serve(&mut connection, &mut Desk::default(), groups, cuts);
            assert!(record.sent.ends_with(b"\r\n235 2.7.0 authentication succeeded\r\n"), "{}", show(&record.sent));
            assert!(connection.is_authenticated());
            assert_eq!(connection.protocol(), Protocol::Esmtpsa);
            assert_eq!(record.log.iter().filter(|line| line.starts_with("Auth")).count(), 1);
        }
    }
}

/// X-4954-3-01, X-4954-3-02, X-4954-6-08, X-4954-9-04, SASL-01, rule 29: AUTH is listed where it can be used, and nowhere
/// else; in clear only if that is wished.
#[test]
fn what_is_offered() {
    let mut offered = config(&["PLAIN", "LOGIN"]);
    offered.tls = TlsPolicy::Offered;
    let ehlo = |config: &Config, groups: &[&[u8]]| {
        String::from_utf8(dialogue_with(config.clone(), groups, Cuts::Whole).0.sent).expect("ASCII")
    };
    assert!(!ehlo(&offered, &[EHLO]).contains("AUTH"));
    assert!(ehlo(&offered, &[EHLO, b"STARTTLS\r\n", EHLO]).contains("250-AUTH PLAIN LOGIN\r\n"));
    assert!(!ehlo(&offered, &[EHLO, b"STARTTLS\r\n", b"HELO client.example\r\n"]).contains("AUTH"));
    let in_clear = said_with(offered.clone(), &[PLAIN, b"AUTH LOGIN\r\n"]);
    assert!(in_clear.iter().all(|line| line == "504 5.5.4 mechanism not available\r\n"), "{in_clear:?}");
    offered.auth.without_tls = true;
    assert!(ehlo(&offered, &[EHLO]).contains("250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n"));
    let (connection, _, said) = after(offered.clone(), &[PLAIN]);
    assert!(said.starts_with(b"235 ") && connection.protocol() == Protocol::Esmtpa);
    // AUTH in clear is not followed by TLS.
    let lines = said_with(offered, &[PLAIN, b"STARTTLS\r\n", EHLO]);
    assert!(lines[1].starts_with("503 5.5.1 ") && !lines.concat().contains("250-STARTTLS"), "{lines:?}");
}

/// SASL-02, X-4954-4-16, X-4954-4-18, X-4954-4-19, X-4954-8-04: what is no base64 gets 501 5.5.2, on the AUTH line and on
/// its own, and the session goes on with commands.
#[test]
fn base64_is_strict() {
    for bad in [
        "=AAA",
        "AAA=BBB",
        "AAA=BBBB",
        "A",
        "AA",
        "AAA",
        "AA=",
        "A===",
        "====",
        "AAAA=",
        "AA==AA==",
        "AA-_",
        "AAA!",
        "AAAA*",
        "QR==",
        "QUJ=",
        "\u{e9}AAA",
    ] {
        let on_line = format!("AUTH PLAIN {bad}\r\n");
        let alone = format!("{bad}\r\n");
        assert!(last(&[on_line.as_bytes()]).starts_with("501 5.5.2 "), "{bad}: {}", last(&[on_line.as_bytes()]));
        let lines = said(&[b"AUTH PLAIN\r\n", alone.as_bytes(), b"NOOP\r\n"]);
        assert_eq!(lines[1], "501 5.5.2 cannot decode the response\r\n", "{bad}");
        assert_eq!(lines[2], "250 2.0.0 noop\r\n");
    }
    for bad in ["AAAA ", " AAAA", "AA AA", "AA\tAA", "=", "* ", "**"] {
        let line = format!("{bad}\r\n");
        assert_eq!(last(&[b"AUTH PLAIN\r\n", line.as_bytes()]), "501 5.5.2 cannot decode the response\r\n", "{bad:?}");
    }
}

/// SASL-03, X-4954-4-09, X-4954-4-10, X-4954-4-11, X-4954-8-05: the empty challenge, the empty response in its two forms,
/// and the cancellation.
#[test]
fn empty_and_cancelled() {
    let lines = said(&[b"AUTH PLAIN\r\n", b"*\r\n", b"AUTH PLAIN\r\n", b"\r\n", b"AUTH PLAIN =\r\n", b"NOOP\r\n"]);
    assert_eq!(lines[0], "334 \r\n");
    assert_eq!(lines[1], "501 5.0.0 authentication cancelled\r\n");
    assert_eq!(lines[2], "334 \r\n");
    // PLAIN has no empty message.
    assert_eq!(lines[3], "501 5.5.2 the response does not fit the mechanism\r\n");
    assert_eq!(lines[4], lines[3]);
    assert_eq!(lines[5], "250 2.0.0 noop\r\n");
    // EXTERNAL has one.
    for groups in [&[&b"AUTH EXTERNAL =\r\n"[..]][..], &[b"AUTH EXTERNAL\r\n", b"\r\n"]] {
        let lines = said_with(config(&["EXTERNAL"]), groups);
        assert!(lines.last().expect("a reply").starts_with("235 "), "{lines:?}");
    }
}

/// SASL-04, X-4954-4-24, rule 41: PLAIN with too few or too many NULs, nobody, no password, what is no UTF-8, and an
/// authorization identity with a control.
#[test]
fn shapes_of_plain() {
    for bad in [
        "",
        "alice",
        "alice\0secret",
        "\0alice\0secret\0",
        "\0\0secret",
        "\0alice\0",
        "a\x01\0alice\0secret",
        "\0\u{7f}\0secret",
    ] {
        assert!(last(&[&plain(bad.as_bytes())]).starts_with("501 5.5.2 "), "{bad:?}");
    }
    assert!(last(&[&plain(b"\0al\xffice\0secret")]).starts_with("501 5.5.2 "));
    assert!(last(&[&plain(b"bob\0alice\0secret")]).starts_with("235 "));
}

fn plain(message: &[u8]) -> Vec<u8> {
    let text = encode(message);
    format!("AUTH PLAIN {}\r\n", if text.is_empty() { "=" } else { &text }).into_bytes()
}

/// Base64, written out once more.
fn encode(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in octets.chunks(3) {
        let bits = group.iter().chain(&[0, 0]).take(3).fold(0, |bits, octet| bits << 8 | usize::from(*octet));
        for place in 0..4 {
            let digit = char::from(ALPHABET[bits >> (18 - 6 * place) & 63]);
            text.push(if place > group.len() { '=' } else { digit });
        }
    }
    text
}

/// SASL-05: the peer is lost, or closes its side, behind every octet of an exchange: nobody has logged in, and nothing is
/// said.
#[test]
fn the_end_at_every_octet() {
    let groups: [&[u8]; 3] = [b"AUTH LOGIN\r\n", b"YWxpY2U=\r\n", b"c2VjcmV0\r\n"];
    let stream = groups.concat();
    for end in 0..stream.len() {
        let mut begun = Vec::new();
        let mut left = end;
        for group in groups {
            begun.push(&group[..left.min(group.len())]);
            left -= left.min(group.len());
        }
        let (mut connection, mut desk, _) = after(config(&["LOGIN"]), &begun);
        connection.handle_disconnect(Instant::EPOCH);
        assert!(matches!(connection.poll(), Output::Closed(CloseReason::TransportFailed)), "{end}");
        assert!(!connection.is_authenticated());

        let (mut connection, ..) = after(config(&["LOGIN"]), &begun);
        connection.handle_eof(Instant::EPOCH);
        let mut record = Record::default();
        settle_server(&mut connection, &mut desk, &mut record, &mut Vec::new());
        assert_eq!((record.closed, record.sent.len()), (Some(CloseReason::PeerClosed), 0), "{end}");
        assert!(desk.log.is_empty() && !connection.is_authenticated());
    }
    // While the application is asked: its answer comes too late.
    let (mut connection, ..) = after(config(&["PLAIN"]), &[]);
    let token = question(&mut connection, PLAIN);
    connection.handle_disconnect(Instant::EPOCH);
    assert_eq!(connection.accept(Instant::EPOCH, token).expect_err("late").misuse, Misuse::StaleToken);
    assert!(!connection.is_authenticated());
}

/// SASL-06, X-4954-4-25, X-4954-9-03, rule 40: two attempts get 535, the third 421 and the end; each five seconds late.
/// What lies in between changes nothing: neither another command, nor TLS, nor an attempt that was not one.
#[test]
fn failures_are_counted_and_late() {
    let (mut connection, mut desk) = (server(config(&["PLAIN"])), Desk::default());
    let _ = serve(&mut connection, &mut desk, &[EHLO], Cuts::Whole);
    let groups: [&[u8]; 6] = [WRONG, b"NOOP\r\n", EHLO, WRONG, b"AUTH PLAIN\r\n", b"*\r\n"];
    let heard = String::from_utf8(serve(&mut connection, &mut desk, &groups, Cuts::Whole).sent).expect("ASCII");
    assert_eq!(heard.matches("535 5.7.8 wrong user or password\r\n").count(), 2, "{heard}");
    let record = serve(&mut connection, &mut desk, &[WRONG], Cuts::Whole);
    assert_eq!(show(&record.sent), show(b"421 4.7.0 mx.example too many attempts to authenticate failed\r\n"));
    assert_eq!(record.closed, Some(CloseReason::TooManyAuthFailures));

    let mut late = config(&["PLAIN"]);
    late.timeouts.auth_delay = Duration::from_secs(5);
    let (mut connection, _, sent) = after(late, &[WRONG]);
    assert!(sent.is_empty());
    let Output::Wait(wait) = connection.poll() else { panic!("the reply is held back") };
    assert_eq!(wait.deadline, Some(at(5)));
    connection.handle_timeout(at(4));
    assert!(matches!(connection.poll(), Output::Wait(_)));
    connection.handle_timeout(at(5));
    assert!(matches!(connection.poll(), Output::Transmit(octets) if octets.starts_with(b"535 ")));

    let mut offered = config(&["PLAIN"]);
    (offered.tls, offered.auth.without_tls) = (TlsPolicy::Offered, true);
    let (record, _) = dialogue_with(offered, &[EHLO, WRONG, WRONG, b"STARTTLS\r\n", EHLO, WRONG], Cuts::Whole);
    assert_eq!(record.closed, Some(CloseReason::TooManyAuthFailures));

    // A failure that is not the client's is none.
    let later = plain(b"\0later\0secret");
    let lines = said(&[&later, &later, &later, PLAIN]);
    assert_eq!(lines[..3], ["454 4.7.0 the directory does not answer\r\n"; 3]);
    assert!(lines[3].starts_with("235 "));
    // Success after failures is success.
    assert!(last(&[WRONG, WRONG, PLAIN]).starts_with("235 "));
}

/// SASL-07, X-4954-4-02, X-4954-4-03: once only, not in a transaction, not before EHLO, not after HELO, not where it is
/// not configured.
#[test]
fn refusals() {
    assert_eq!(last(&[PLAIN, PLAIN]), "503 5.5.1 already authenticated\r\n");
    assert_eq!(last(&[PLAIN, EHLO, PLAIN]), "503 5.5.1 already authenticated\r\n");
    let in_transaction: [&[u8]; 3] = [b"MAIL FROM:<a@client.example>\r\n", PLAIN, b"RCPT TO:<b@mx.example>\r\n"];
    let lines = said(&in_transaction);
    assert!(lines[1].starts_with("503 5.5.1 ") && lines[2].starts_with("250 2.1.5 "), "{lines:?}");
    for before in [&[][..], &[&b"HELO client.example\r\n"[..]]] {
        let (record, _) = dialogue_with(config(&["PLAIN"]), &[before, &[PLAIN]].concat(), Cuts::Whole);
        assert!(record.sent.ends_with(b"\r\n503 5.5.1 send EHLO first\r\n"), "{}", show(&record.sent));
    }
    assert_eq!(said_with(config(&[]), &[PLAIN]), ["502 5.5.1 command not implemented\r\n"]);
    // A transaction after AUTH, and RSET, leave it in force.
    let (connection, ..) = after(config(&["PLAIN"]), &[PLAIN, b"MAIL FROM:<a@client.example>\r\nRSET\r\n", EHLO]);
    assert!(connection.is_authenticated());
}

/// SASL-08, X-4954-4-04, X-4954-4-05: a mechanism that is not there gets 504 5.5.4, a name that is none 501.
#[test]
fn names_of_mechanisms() {
    for name in ["LOGIN", "XOAUTH2", "PLAIN-", "PLAINS", "P", "SCRAM-SHA-256", "ABCDEFGHIJKLMNOPQRST"] {
        let line = format!("AUTH {name}\r\n");
        let lines = said_with(config(&["PLAIN"]), &[line.as_bytes(), b"NOOP\r\n"]);
        assert_eq!(lines, ["504 5.5.4 mechanism not available\r\n", "250 2.0.0 noop\r\n"], "{name}");
    }
    for name in ["", " ", "PLAIN.", "ABCDEFGHIJKLMNOPQRSTU", "PL@IN", " PLAIN"] {
        let line = format!("AUTH {name}\r\n");
        assert!(said_with(config(&["PLAIN"]), &[line.as_bytes()])[0].starts_with("501 5.5."), "{name:?}");
    }
    assert!(last(&[b"aUtH pLaIn AGFsaWNlAHNlY3JldA==\r\n"]).starts_with("235 "));
}

/// A mechanism that begins with a challenge of so many octets, asks for `rounds` responses, and claims the last one.
#[derive(Debug)]
struct Rounds {
    challenge: usize,
    rounds: usize,
}

#[derive(Debug)]
struct RoundsServer {
    challenge: usize,
    left: usize,
    last: Vec<u8>,
}

impl Mechanism for Rounds {
    fn name(&self) -> &str {
        "X-ROUNDS"
    }

    fn first(&self) -> First {
        First::Server
    }

    fn needs_protection(&self) -> bool {
        false
    }

    fn client(&self, _: &Credentials, _: &Context<'_>) -> Option<Box<dyn ClientExchange>> {
        None
    }

    fn server(&self, _: &Context<'_>) -> Option<Box<dyn ServerExchange>> {
        Some(Box::new(RoundsServer { challenge: self.challenge, left: self.rounds, last: Vec::new() }))
    }
}

impl ServerExchange for RoundsServer {
    fn take(&mut self, response: Option<&[u8]>, out: &mut Vec<u8>) -> Step {
        self.last = response.unwrap_or_default().to_vec();
        if self.left == 0 {
            return Step::Decide;
        }
        self.left -= 1;
        out.resize(self.challenge, b'c');
        Step::Challenge
    }

    fn claim(&self) -> Claim<'_> {
        Claim::Other(&self.last)
    }
}

fn rounds(challenge: usize, rounds: usize) -> Config {
    let mut config = config(&[]);
    config.auth.mechanisms.push(Arc::new(Rounds { challenge, rounds }));
    config
}

/// X-4954-4-14, X-4954-4-15: an initial response for a mechanism in which the server speaks first.
#[test]
fn the_server_speaks_first() {
    for response in ["=", "b3Blbg=="] {
        let line = format!("AUTH X-ROUNDS {response}\r\n");
        let lines = said_with(rounds(1, 1), &[line.as_bytes(), b"NOOP\r\n"]);
        assert_eq!(lines, ["501 5.7.0 the mechanism takes no initial response\r\n", "250 2.0.0 noop\r\n"]);
    }
    let lines = said_with(rounds(1, 1), &[b"AUTH X-ROUNDS\r\n", b"b3Blbg==\r\n"]);
    assert_eq!(lines, ["334 Yw==\r\n", "235 2.7.0 authentication succeeded\r\n"]);
}

/// X-4954-4-06, X-4954-4-07, X-4954-8-05: a challenge is one line of any length, and nothing but base64.
#[test]
fn long_challenges_are_one_line() {
    let lines = said_with(rounds(9000, 1), &[b"AUTH X-ROUNDS\r\n", b"b3Blbg==\r\n"]);
    assert_eq!(lines[0], format!("334 {}\r\n", encode(&vec![b'c'; 9000])));
    assert!(lines[1].starts_with("235 "));
}

/// Ten challenges, not eleven (rule 44).
#[test]
fn rounds_are_bounded() {
    let responses: Vec<&[u8]> = vec![b"b3Blbg==\r\n"; 10];
    let lines = said_with(rounds(3, 10), &[&[&b"AUTH X-ROUNDS\r\n"[..]], &responses[..]].concat());
    assert_eq!(lines.iter().filter(|line| *line == "334 Y2Nj\r\n").count(), 10);
    assert!(lines[10].starts_with("235 "));
    let lines = said_with(rounds(3, 11), &[&[&b"AUTH X-ROUNDS\r\n"[..]], &responses[..], &[b"NOOP\r\n"]].concat());
    assert_eq!(lines[10..], ["501 5.7.0 the authentication exchange is too long\r\n", "250 2.0.0 noop\r\n"]);
}

/// LINE-09, LINE-10, X-4954-4-20, X-4954-4-21, X-4954-4-22, X-4954-6-09: a response of 12 288 octets with its CRLF, one
/// more, and one beyond all patience; behind it the limit is that of commands again.
#[test]
fn response_limit() {
    let line = |octets: usize| format!("{}\r\n", "A".repeat(octets - 2)).into_bytes();
    for cuts in [Cuts::Whole, Cuts::Every(1), Cuts::Every(4000), Cuts::At(12_300), Cuts::Random(7)] {
        let said = |length: usize| {
            let long = line(length);
            let groups: [&[u8]; 5] = [EHLO, b"AUTH X-ROUNDS\r\n", &long, &line(2049), b"NOOP\r\n"];
            let (record, _) = dialogue_with(rounds(1, 1), &groups, cuts);
            let said = String::from_utf8(record.sent).expect("ASCII");
            (said.split_inclusive("\r\n").skip(9).map(String::from).collect::<Vec<_>>(), record.closed)
        };
        let (lines, _) = said(12_286);
        assert!(lines[0].starts_with("535 5.7.8 "), "12 284 characters are base64: {lines:?}");
        let (lines, _) = said(12_288);
        assert_eq!(lines[0], "501 5.5.2 cannot decode the response\r\n", "12 286 are none, but are looked at");
        let (lines, closed) = said(12_289);
        assert_eq!(lines[0], "500 5.5.6 authentication exchange line is too long\r\n");
        assert_eq!(lines[1..], ["500 5.5.2 line too long\r\n", "250 2.0.0 noop\r\n"]);
        assert_eq!(closed, None);
        let (lines, closed) = said(12_288 + 16_384 + 1);
        assert_eq!((lines.len(), closed), (1, Some(CloseReason::Flood)), "{lines:?}");
    }
}

/// Rule 12, SASL-03: octets behind AUTH or a response, however cut, before the reply has left: 554 and the end. What
/// stands behind is taken neither for a response nor for a command.
#[test]
fn nothing_may_wait_behind() {
    for groups in [
        &[EHLO, &b"AUTH PLAIN\r\nAGFsaWNlAHNlY3JldA==\r\n"[..]][..],
        &[EHLO, b"AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\nMAIL FROM:<a@client.example>\r\n"],
        &[EHLO, b"AUTH PLAIN AGFsaWNlAHdyb25n\r\nN"],
        &[EHLO, b"AUTH NONE\r\nNOOP\r\n"],
        &[EHLO, b"AUTH LOGIN\r\n", b"YWxpY2U=\r\nc2VjcmV0\r\n"],
        &[EHLO, b"AUTH PLAIN\r\n", b"*\r\nNOOP\r\n"],
    ] {
        let (whole, _) = dialogue_with(config(&["PLAIN", "LOGIN"]), groups, Cuts::Whole);
        assert!(
            whole.sent.ends_with(b"\r\n554 5.5.0 wait for the reply before you send more\r\n"),
            "{}",
            show(&whole.sent)
        );
        assert_eq!(whole.closed, Some(CloseReason::EarlyInput));
        assert!(!whole.log.iter().any(|line| line.starts_with("Mail") || line.contains("Noop")));
        for cuts in Cuts::all(groups.concat().len()) {
            assert_eq!(dialogue_with(config(&["PLAIN", "LOGIN"]), groups, cuts).0, whole, "{cuts:?}");
        }
    }
}

/// X-4954-6-01, X-4954-6-02: what the application answers a claim with: a text of its own, or the reason why not. 421 ends the
/// connection.
#[test]
fn replies_of_the_application() {
    let (mut connection, ..) = after(config(&["PLAIN"]), &[]);
    let token = question(&mut connection, PLAIN);
    assert_eq!(token.mechanism(), "PLAIN");
    assert_eq!(token.claim(), Claim::Password { authorization: "", user: "alice", password: "secret" });
    let no = Reply::new(ReplyCode::AUTHENTICATION_FAILED, Detail::CREDENTIALS_INVALID, "no");
    let refused = connection.accept_with(Instant::EPOCH, token, no).expect_err("5yz accepts nothing");
    assert_eq!(refused.misuse, Misuse::WrongReplyClass);
    let welcome = Reply::new(ReplyCode::OK, None, "welcome\nback");
    connection.accept_with(Instant::EPOCH, refused.value.0, welcome).expect("due");
    assert_eq!(transmit(&mut connection), "235-2.7.0 welcome\r\n235 2.7.0 back\r\n");

    for (code, detail, expected) in [
        (ReplyCode::PASSWORD_TRANSITION_NEEDED, Detail::PASSWORD_TRANSITION_NEEDED, "432 4.7.12 no\r\n"),
        (ReplyCode::TEMPORARY_AUTHENTICATION_FAILURE, Detail::OTHER_SECURITY_STATUS, "454 4.7.0 no\r\n"),
        (ReplyCode::AUTHENTICATION_TOO_WEAK, Detail::MECHANISM_TOO_WEAK, "534 5.7.9 no\r\n"),
        (ReplyCode::SERVICE_NOT_AVAILABLE, Detail::OTHER_SECURITY_STATUS, "421 4.7.0 no\r\n"),
    ] {
        let (mut connection, ..) = after(config(&["PLAIN"]), &[]);
        let token = question(&mut connection, PLAIN);
        connection.reject(Instant::EPOCH, token, Reply::new(code, detail, "no")).expect("due");
        assert_eq!(transmit(&mut connection), expected);
        let is_over = matches!(connection.poll(), Output::Closed(CloseReason::Refused));
        assert_eq!(is_over, code == ReplyCode::SERVICE_NOT_AVAILABLE);
        assert!(!connection.is_authenticated());
    }
}

/// STATE-11: no answer in time, or a token that was dropped: 454 4.7.0, and a later answer is stale.
#[test]
fn no_decision_is_454() {
    let (mut connection, ..) = after(config(&["PLAIN"]), &[]);
    let token = question(&mut connection, PLAIN);
    let Output::Wait(wait) = connection.poll() else { panic!("the answer is awaited") };
    assert_eq!(wait.decision, Some(Decision::Auth));
    assert_eq!(connection.accept(at(300), token).expect_err("too late").misuse, Misuse::StaleToken);
    assert_eq!(transmit(&mut connection), "454 4.7.0 no decision in time, try again later\r\n");
    assert!(!connection.is_authenticated());
    // It is no failure of the client, and the session goes on.
    let record = serve(&mut connection, &mut Desk::default(), &[PLAIN], Cuts::Whole);
    assert!(record.sent.starts_with(b"235 "), "{}", show(&record.sent));
}

/// RFC 7628 §3.2.3: a mechanism that has more to say about a refusal says it in one more challenge, and whatever the
/// client answers, the reply of the application follows and the failure counts. A refusal for now comes at once.
#[test]
fn one_more_challenge_for_a_refusal() {
    let bad = format!("AUTH XOAUTH2 {}\r\n", encode(b"user=alice\x01auth=Bearer stolen\x01\x01"));
    let good = format!("AUTH XOAUTH2 {}\r\n", encode(b"user=alice\x01auth=Bearer token\x01\x01"));
    for (answer, expected) in [
        (&b"\r\n"[..], "535 5.7.8 wrong user or password\r\n"),
        (b"AQ==\r\n", "535 5.7.8 wrong user or password\r\n"),
        (b"!\r\n", "535 5.7.8 wrong user or password\r\n"),
        (b"*\r\n", "501 5.0.0 authentication cancelled\r\n"),
    ] {
        let twice: [&[u8]; 5] = [bad.as_bytes(), answer, bad.as_bytes(), answer, good.as_bytes()];
        let lines = said_with(config(&["XOAUTH2"]), &twice);
        assert!(lines[0].starts_with("334 e"), "{lines:?}");
        assert_eq!(lines[1], expected);
        assert!(lines[4].starts_with("235 "));
        let thrice: [&[u8]; 6] = [bad.as_bytes(), answer, bad.as_bytes(), answer, bad.as_bytes(), answer];
        let (record, _) = dialogue_with(config(&["XOAUTH2"]), &[&[EHLO], &thrice[..]].concat(), Cuts::Whole);
        assert_eq!(record.closed, Some(CloseReason::TooManyAuthFailures), "{answer:?}");
    }
    let mut long = b"x".repeat(12_300);
    long.extend_from_slice(b"\r\n");
    let lines = said_with(config(&["XOAUTH2"]), &[bad.as_bytes(), &long]);
    assert!(lines[1].starts_with("500 5.5.6 "));

    let (mut connection, ..) = after(config(&["XOAUTH2"]), &[]);
    connection.handle_input(Instant::EPOCH, Bytes::from(bad.into_bytes())).expect("input");
    let Output::Event(Event::Auth(token)) = connection.poll() else { panic!("asked") };
    let later = Reply::new(ReplyCode::TEMPORARY_AUTHENTICATION_FAILURE, Detail::OTHER_SECURITY_STATUS, "later");
    connection.reject(Instant::EPOCH, token, later).expect("due");
    assert_eq!(transmit(&mut connection), "454 4.7.0 later\r\n");
}

/// X-4954-6-07: where AUTH is required, everything but AUTH, EHLO, HELO, NOOP, RSET, QUIT (and STARTTLS) gets 530 5.7.0.
#[test]
fn required() {
    let mut config = config(&["PLAIN"]);
    config.auth.required = true;
    for command in
        ["MAIL FROM:<a@client.example>", "RCPT TO:<b@mx.example>", "DATA", "VRFY b", "EXPN l", "HELP", "ETRN a.example"]
    {
        let line = format!("{command}\r\n");
        assert_eq!(
            said_with(config.clone(), &[line.as_bytes()]),
            ["530 5.7.0 authentication required\r\n"],
            "{command}"
        );
        let lines = said_with(config.clone(), &[PLAIN, line.as_bytes()]);
        assert!(!lines[1].starts_with("530"), "{lines:?}");
    }
    let passed: [&[u8]; 5] = [b"NOOP\r\n", b"RSET\r\n", b"AUTH NONE\r\n", b"STARTTLS\r\n", b"QUIT\r\n"];
    let lines = said_with(config.clone(), &passed);
    let codes: Vec<&str> = lines.iter().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["250", "250", "504", "503", "221"]);
    // TLS comes before AUTH.
    config.tls = TlsPolicy::Required;
    assert_eq!(said_with(config, &[PLAIN]), ["530 5.7.0 send STARTTLS first\r\n"]);
}

/// The event about MAIL with these parameters, after this.
fn mail(before: &[&[u8]], parameters: &str) -> Result<(Option<String>, Protocol), String> {
    let (mut connection, ..) = after(config(&["PLAIN"]), before);
    let line = format!("MAIL FROM:<a@client.example>{parameters}\r\n");
    connection.handle_input(Instant::EPOCH, Bytes::from(line.into_bytes())).expect("input");
    match connection.poll() {
        Output::Event(Event::Mail(token)) => {
            let submitter = token.submitter().map(|submitter| match submitter {
                Submitter::Unknown => "<>".into(),
                Submitter::Mailbox(mailbox) => String::from_utf8(mailbox.octets().collect()).expect("ASCII"),
            });
            Ok((submitter, token.protocol()))
        }
        Output::Event(Event::Answered(_)) => Err(transmit(&mut connection)),
        other => panic!("{other:?}"),
    }
}

/// X-4954-3-03, X-4954-5-03, X-4954-5-04, X-4954-5-08, X-4954-7-01, X-4954-7-02, SASL-17: AUTH of MAIL is taken from
/// everybody, believed of nobody who has not logged in, and is a mailbox or `<>`. An application writes its Received field
/// with the word that the question holds.
#[test]
fn the_parameter_of_mail() {
    let unknown = Some("<>".to_owned());
    for parameters in ["", " AUTH=<>", " AUTH=bob@client.example", " auth=bob@client.example SIZE=5"] {
        assert_eq!(mail(&[], parameters), Ok((unknown.clone(), Protocol::Esmtps)), "{parameters}");
    }
    assert_eq!(mail(&[PLAIN], ""), Ok((None, Protocol::Esmtpsa)));
    assert_eq!(mail(&[PLAIN], " AUTH=<>"), Ok((unknown, Protocol::Esmtpsa)));
    let bob = Some("e=mc2@client.example".to_owned());
    assert_eq!(mail(&[PLAIN], " AUTH=e+3Dmc2@client.example"), Ok((bob, Protocol::Esmtpsa)));
    for before in [&[][..], &[PLAIN]] {
        for bad in
            ["", "=", "=bob", "=bob@", "=a@b=c", "=bob@x+0D+0AMAIL", "=bob@x+00", "=+7F@x", "=bob@x+4", "=<bob@x>"]
        {
            let said = mail(before, &format!(" AUTH{bad}")).expect_err("refused");
            assert!(said.starts_with("501 5.5.4 "), "{bad}: {said}");
        }
    }
    let long = format!(" AUTH={}@{}", "a".repeat(64), ["b".repeat(60).as_str(); 3].join("."));
    assert!(mail(&[PLAIN], &long).is_ok());
    // Where AUTH is not offered it is as any other keyword that is not known.
    let lines = said_with(config(&[]), &[b"MAIL FROM:<a@client.example> AUTH=<>\r\n"]);
    assert!(lines[0].starts_with("555 5.5.4 "), "{lines:?}");
    assert_eq!(Xtext::parse("a+0Ab").map(|_| ()), Err(smtp_proto::command::XtextError::Control));
}

/// Shutdown and silence in an exchange: 421; the idle time begins anew with each response, not with each octet.
#[test]
fn shutdown_and_silence() {
    let (mut connection, ..) = after(config(&["LOGIN"]), &[b"AUTH LOGIN\r\n"]);
    connection.shutdown(Instant::EPOCH);
    assert_eq!(transmit(&mut connection), "421 4.3.2 mx.example service is shutting down\r\n");

    let (mut connection, ..) = after(config(&["LOGIN"]), &[b"AUTH LOGIN\r\n"]);
    connection.handle_input(at(200), Bytes::from_static(b"YWxpY2U=\r\n")).expect("input");
    let Output::Event(_) = connection.poll() else { panic!("334 is told") };
    let Output::Transmit(octets) = connection.poll() else { panic!("334") };
    let count = octets.len();
    connection.transmitted(at(200), count);
    for second in 201..400 {
        connection.handle_input(at(second), Bytes::from_static(b"c")).expect("input");
        assert!(matches!(connection.poll(), Output::Wait(_)));
    }
    connection.handle_timeout(at(500));
    assert!(matches!(connection.poll(), Output::Wait(_)));
    connection.handle_timeout(at(501));
    assert_eq!(transmit(&mut connection), "421 4.4.2 mx.example timeout, closing connection\r\n");

    // While the application is asked, a shutdown waits for its answer.
    let (mut connection, ..) = after(config(&["PLAIN"]), &[]);
    let token = question(&mut connection, PLAIN);
    connection.shutdown(Instant::EPOCH);
    assert!(matches!(connection.poll(), Output::Wait(_)));
    connection.accept(Instant::EPOCH, token).expect("due");
    let said = transmit(&mut connection);
    assert!(said.starts_with("235 ") && said.contains("\r\n421 4.3.2 "), "{said}");
}

/// AUTH that never ends well is bounded: errors and commands that bring no mail are counted.
#[test]
fn attempts_are_bounded() {
    let cancel: Vec<&[u8]> = [&b"AUTH PLAIN\r\n"[..], b"*\r\n"].repeat(12);
    let (record, _) = dialogue_with(config(&["PLAIN"]), &[&[EHLO], &cancel[..]].concat(), Cuts::Whole);
    assert_eq!(record.closed, Some(CloseReason::TooManyErrors));
    let later = plain(b"\0later\0secret");
    let (record, _) = dialogue_with(config(&["PLAIN"]), &[&[EHLO][..], &vec![&later[..]; 120]].concat(), Cuts::Whole);
    assert_eq!(record.closed, Some(CloseReason::TooManyErrors));
}

/// SASL-16, rule 43: no secret in what prints.
#[test]
fn nothing_secret_prints() {
    let mut config = config(&["PLAIN", "LOGIN"]);
    config.auth.decoy_key = [0xab; 32];
    let (mut connection, ..) = after(config, &[b"AUTH LOGIN\r\n", b"YWxpY2U=\r\n", b"c2Vjcm"]);
    connection.seed([0xcd; 32]);
    let text = format!("{connection:?}");
    for secret in ["c2Vjcm", "secret", "171, 171", "205, 205"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let (mut connection, ..) = after(self::config(&["PLAIN"]), &[]);
    connection.handle_input(Instant::EPOCH, Bytes::from_static(PLAIN)).expect("input");
    assert!(!format!("{connection:?}").contains("AGFsaW"));
    let Output::Event(event) = connection.poll() else { panic!("asked") };
    let text = format!("{event:?}");
    assert!(text.contains("alice") && !text.contains("secret"), "{text}");
}

/// What cannot be meant is not taken.
#[test]
fn configurations() {
    #[derive(Debug)]
    struct Named(String);

    impl Mechanism for Named {
        fn name(&self) -> &str {
            &self.0
        }

        fn first(&self) -> First {
            First::Client
        }

        fn needs_protection(&self) -> bool {
            false
        }

        fn client(&self, _: &Credentials, _: &Context<'_>) -> Option<Box<dyn ClientExchange>> {
            None
        }

        fn server(&self, _: &Context<'_>) -> Option<Box<dyn ServerExchange>> {
            None
        }
    }

    let check = |change: &dyn Fn(&mut Config)| {
        let mut config = config(&["PLAIN"]);
        change(&mut config);
        config.check()
    };
    let named = |names: &[&str]| {
        let mechanisms: Vec<Arc<dyn Mechanism>> =
            names.iter().map(|name| Arc::new(Named((*name).into())) as Arc<dyn Mechanism>).collect();
        check(&|config| config.auth.mechanisms = mechanisms.clone())
    };
    assert_eq!(check(&|config| config.auth.required = true), Ok(()));
    assert_eq!(
        check(&|config| (config.auth.required, config.auth.mechanisms) = (true, Vec::new())),
        Err(ConfigError::NoMechanism)
    );
    assert_eq!(
        check(&|config| (config.auth.required, config.tls) = (true, TlsPolicy::Disabled)),
        Err(ConfigError::NoMechanism)
    );
    assert_eq!(
        check(&|config| config.limits.auth_line = 511.try_into().expect("not zero")),
        Err(ConfigError::BelowFloor("auth_line"))
    );
    assert_eq!(check(&|config| config.timeouts.handshake = Duration::ZERO), Err(ConfigError::ZeroTime("handshake")));
    for name in ["", "plain", "A B", "ABCDEFGHIJKLMNOPQRSTU", "A\r\nB"] {
        assert_eq!(named(&[name]), Err(ConfigError::MechanismName), "{name}");
    }
    assert_eq!(named(&["A", "B", "A"]), Err(ConfigError::DuplicateMechanism));
    let many: Vec<String> = (0..30).map(|number| format!("X-{number:018}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(named(&many), Err(ConfigError::TooManyMechanisms));
    assert_eq!(named(&many[..23]), Ok(()));
    // A mechanism without a server's end is not there.
    let mut nameless = config(&[]);
    nameless.auth.mechanisms.push(Arc::new(Named("X".into())));
    assert_eq!(said_with(nameless, &[b"AUTH X\r\n"]), ["504 5.5.4 mechanism not available\r\n"]);
}

/// Mechanisms that compute.
#[cfg(feature = "crypto")]
mod crypto {
    use smtp_proto::TlsInfo;
    use smtp_proto::sasl::Secret;
    use smtp_proto::server::Lookup;

    use super::*;

    const ALL: [&str; 5] = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5"];

    /// What a session of these credentials sends and hears, a line each, with or without a channel binding.
    fn log_in(name: &str, user: &str, password: &str, seed: u8, cuts: Cuts) -> (Connection, Vec<String>) {
        let binding = [7; 32];
        let mut connection = server(config(&ALL));
        connection.seed([seed; 32]);
        let mut desk = Desk::within(TlsInfo::new(false).with_channel_binding(binding));
        let _ = serve(&mut connection, &mut desk, &[EHLO], cuts);
        let mechanism = sasl::mechanism(name).expect("built in");
        let context = Context {
            nonce: Some("abcdefghijklmnopqrstuvwxyz012345"),
            channel_binding: mechanism.binds_channel().then_some(&binding),
            offers_channel_binding: true,
            hostname: "",
            decoy_key: &[0; 32],
        };
        let mut client = mechanism.client(&Credentials::password(user, password), &context).expect("of use");
        let mut lines = Vec::new();
        let mut line = format!("AUTH {name}");
        if mechanism.first() == First::Client {
            let mut response = Vec::new();
            client.respond(None, &mut response).expect("an initial response");
            line = format!("{line} {}", encode(&response));
        }
        loop {
            line.push_str("\r\n");
            let record = serve(&mut connection, &mut desk, &[line.as_bytes()], cuts);
            lines.push(core::mem::take(&mut line));
            let said = String::from_utf8(record.sent).expect("ASCII");
            lines.push(said.clone());
            let Some(challenge) = said.strip_prefix("334 ") else { break };
            let mut response = Vec::new();
            client.respond(Some(&decode(challenge.trim_end())), &mut response).expect("the server keeps to it");
            line = encode(&response);
        }
        if connection.is_authenticated() {
            client.finish().expect("the server proved itself");
        }
        (connection, lines)
    }

    fn decode(text: &str) -> Vec<u8> {
        const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let (mut octets, mut bits, mut count) = (Vec::new(), 0_u32, 0);
        for digit in text.chars().filter_map(|character| ALPHABET.find(character)) {
            (bits, count) = (bits << 6 | digit as u32, count + 6);
            if count >= 8 {
                count -= 8;
                octets.push((bits >> count & 255) as u8);
            }
        }
        octets
    }

    /// X-4954-3-01, SASL-10: mechanisms that need a nonce are offered by a connection that was seeded, and those that bind
    /// the channel over TLS that can be bound to.
    #[test]
    fn what_is_offered() {
        let ehlo = |seeded: bool, tls: TlsInfo| {
            let mut connection = server(config(&["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN"]));
            if seeded {
                connection.seed([1; 32]);
            }
            let record = serve(&mut connection, &mut Desk::within(tls), &[EHLO], Cuts::Whole);
            let said = String::from_utf8(record.sent).expect("ASCII");
            said.lines().find_map(|line| line.strip_prefix("250-AUTH ")).expect("AUTH").to_owned()
        };
        let bound = TlsInfo::default().with_channel_binding([9; 32]);
        assert_eq!(ehlo(false, bound), "PLAIN");
        assert_eq!(ehlo(true, TlsInfo::default()), "SCRAM-SHA-256 PLAIN");
        assert_eq!(ehlo(true, bound), "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN");
        let mut unseeded = server(config(&["SCRAM-SHA-256"]));
        let record = serve(&mut unseeded, &mut Desk::default(), &[EHLO, b"AUTH SCRAM-SHA-256\r\n"], Cuts::Whole);
        assert!(record.sent.ends_with(b"504 5.5.4 mechanism not available\r\n"));
    }

    /// X-4954-4-26, SASL-06: each mechanism there and back, in pieces, with the right password and a wrong one.
    #[test]
    fn right_and_wrong() {
        for name in ALL {
            for cuts in [Cuts::Whole, Cuts::Every(1), Cuts::Every(7), Cuts::Random(3)] {
                let (connection, lines) = log_in(name, "alice", "secret", 1, cuts);
                assert!(connection.is_authenticated(), "{name}: {lines:?}");
                let (connection, lines) = log_in(name, "alice", "wrong", 1, cuts);
                assert!(!connection.is_authenticated());
                assert_eq!(
                    lines.last().expect("a reply"),
                    "535 5.7.8 authentication credentials invalid\r\n",
                    "{name}"
                );
            }
            let (_, lines) = log_in(name, "later", "secret", 1, Cuts::Whole);
            assert_eq!(lines.last().expect("a reply"), "454 4.7.0 the directory does not answer\r\n");
        }
    }

    /// SASL-09: who does not exist sees what somebody sees who has forgotten the password.
    #[test]
    fn nobody_sees_who_exists() {
        for name in ALL {
            let shape = |user| {
                let (_, lines) = log_in(name, user, "wrong", 1, Cuts::Whole);
                lines.iter().skip(1).step_by(2).map(|line| (line[..4].to_owned(), line.len())).collect::<Vec<_>>()
            };
            assert_eq!(shape("alice"), shape("carol"), "{name}");
        }
    }

    /// SASL-10: no two exchanges have the same nonce, on one connection or on two.
    #[test]
    fn nonces_are_fresh() {
        let challenge = |connection: &mut Connection| {
            let mut desk = Desk::default();
            let record = serve(connection, &mut desk, &[b"AUTH CRAM-MD5\r\n", b"*\r\n"], Cuts::Whole);
            String::from_utf8(record.sent).expect("ASCII").lines().next().expect("a challenge").to_owned()
        };
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..4 {
            let mut connection = server(config(&["CRAM-MD5"]));
            connection.seed([seed; 32]);
            let _ = serve(&mut connection, &mut Desk::default(), &[EHLO], Cuts::Whole);
            for _ in 0..4 {
                assert!(seen.insert(challenge(&mut connection)));
            }
        }
    }

    fn lookup(connection: &mut Connection) -> Lookup {
        connection.seed([1; 32]);
        let mut desk = Desk::default();
        let _ = serve(connection, &mut desk, &[EHLO, b"AUTH CRAM-MD5\r\n"], Cuts::Whole);
        let response = format!("{}\r\n", encode(b"alice 0123456789abcdef0123456789abcdef"));
        connection.handle_input(Instant::EPOCH, Bytes::from(response.into_bytes())).expect("input");
        match connection.poll() {
            Output::Event(Event::Lookup(lookup)) => lookup,
            other => panic!("{other:?}"),
        }
    }

    /// The question about a secret: its deadline, a stale answer, an answer of the wrong class, and none of it is shown.
    #[test]
    fn lookups() {
        let mut connection = server(config(&["CRAM-MD5"]));
        let token = lookup(&mut connection);
        assert_eq!((token.mechanism(), token.user()), ("CRAM-MD5", "alice"));
        assert!(matches!(connection.poll(), Output::Wait(wait) if wait.decision == Some(Decision::Lookup)));
        let no = Reply::new(ReplyCode::AUTHENTICATION_FAILED, Detail::CREDENTIALS_INVALID, "no");
        let refused = connection.provide(Instant::EPOCH, token, Err(no)).expect_err("5yz decides nothing here");
        assert_eq!(refused.misuse, Misuse::WrongReplyClass);
        let refused = connection.provide(at(300), refused.value, Ok(None)).expect_err("too late");
        assert_eq!(refused.misuse, Misuse::StaleToken);
        assert_eq!(transmit(&mut connection), "454 4.7.0 no decision in time, try again later\r\n");

        let mut other = server(config(&["CRAM-MD5"]));
        let token = lookup(&mut other);
        assert_eq!(connection.provide(at(300), token, Ok(None)).expect_err("foreign").misuse, Misuse::StaleToken);
        let mut connection = server(config(&["CRAM-MD5"]));
        let token = lookup(&mut connection);
        connection.provide(Instant::EPOCH, token, Ok(Some(Secret::Password("secret".into())))).expect("due");
        assert_eq!(transmit(&mut connection), "535 5.7.8 authentication credentials invalid\r\n");
    }

    /// X-4954-4-24: an authorization identity that cannot be prepared fails.
    #[test]
    fn unprepared_identities() {
        for identity in ["a=a\u{7}", "a=\u{ad}"] {
            let message = format!("n,{identity},n=alice,r=abcdefghijklmnopqrstuvwxyz");
            let line = format!("AUTH SCRAM-SHA-256 {}\r\n", encode(message.as_bytes()));
            let mut connection = server(config(&["SCRAM-SHA-256"]));
            connection.seed([1; 32]);
            let record = serve(&mut connection, &mut Desk::default(), &[EHLO, line.as_bytes()], Cuts::Whole);
            let said = String::from_utf8(record.sent).expect("ASCII");
            let last = said.lines().last().expect("a reply");
            assert!(last.starts_with("535 5.7.8") || last.starts_with("501 5.5.2"), "{last}");
        }
    }
}
