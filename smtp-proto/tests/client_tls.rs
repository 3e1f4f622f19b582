//! The client role: STARTTLS (RFC 3207) and TLS from the first octet (RFC 8314), against scripted servers.

mod kit;

use bytes::Bytes;
use kit::dialogue::Dialogue;
use kit::script::{Caller, Record};
use kit::{Cuts, at, client, client_config};
use smtp_proto::client::{Config, Connection, Envelope, Event, Failure, Outcome, Output, Security, Stage, Verdict};
use smtp_proto::sasl::Credentials;
use smtp_proto::{CloseReason, Instant, Misuse, TlsInfo};

const NOW: Instant = Instant::EPOCH;

/// The mail of a [`Dialogue`], to its end.
const MAIL: &str = "
    C: MAIL FROM:<a@client.example>
    S: 250 ok
    C: RCPT TO:<b@mx.example>
    S: 250 ok
    C: DATA
    S: 354 go
    C: x
    C: .
    S: 250 queued
    C: QUIT
    S: 221 bye";

const ACCEPTED: &str = "Accepted at final, reply 250: b@mx.example accepted 250";

fn config(security: Security) -> Config {
    let mut config = client_config();
    config.security = security;
    config
}

fn play(security: Security, script: &str) -> Record {
    Dialogue::new(config(security)).play(script)
}

/// As [`play`], by somebody who would log in.
fn play_with_credentials(security: Security, script: &str) -> Record {
    let mut config = config(security);
    config.credentials = Some(Credentials::password("alice", "secret"));
    Dialogue::new(config).play(script)
}

/// A client at its handshake, after STARTTLS.
fn at_handshake(security: Security) -> Connection {
    let mut client = client(config(security));
    let mut record = Record::default();
    for reply in [&b"220 mx\r\n"[..], b"250-mx\r\n250 STARTTLS\r\n", b"220 go\r\n"] {
        client.handle_input(NOW, Bytes::from_static(reply)).expect("input");
        Caller::default().settle(NOW, &mut client, &mut record);
    }
    assert!(matches!(client.poll(), Output::UpgradeTls));
    client
}

fn one() -> Envelope {
    Envelope::new("a@client.example").and_then(|envelope| envelope.to("b@mx.example")).expect("addresses")
}

fn outcome(client: &mut Connection) -> Outcome {
    match client.poll() {
        Output::Event(Event::Outcome(outcome)) => outcome,
        other => panic!("{other:?}"),
    }
}

/// X-3207-4-01, X-3207-4-07, X-3207-4.2-03, X-3207-4.2-04, X-3207-6-04, X-4954-9-01, TLS-17: STARTTLS has no parameter, the handshake
/// follows, then EHLO; what was offered in clear (PIPELINING, SIZE) is forgotten.
#[test]
fn starttls() {
    for security in [Security::Required, Security::Opportunistic] {
        let script = "
            S: 220 mx.example
            C: EHLO client.example
            S: 250-mx.example
            S: 250-PIPELINING
            S: 250-SIZE 1
            S: 250 STARTTLS
            C: STARTTLS
            S: 220 go ahead
            TLS verified
            C: EHLO client.example
            S: 250 mx.example";
        let mut dialogue = Dialogue::new(config(security));
        dialogue.mails = vec![one().with_size(1000)];
        let record = dialogue.play(&format!("{script}{MAIL}"));
        assert_eq!(record.log, ["Ready(pipelining: false, verified TLS)", "Body", ACCEPTED]);
        assert_eq!(record.closed, Some(CloseReason::Quit));
    }
}

/// X-3207-4-09, X-3207-4.2-07: STARTTLS goes alone, although groups are offered; inside TLS it is not sent, although
/// some servers go on offering it.
#[test]
fn starttls_once_and_alone() {
    let record = play(
        Security::Required,
        "
        S: 220 mx.example
        C: EHLO client.example
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250 STARTTLS
        C: STARTTLS
        S: 220 go ahead
        TLS
        C: EHLO client.example
        S: 250-mx.example
        S: 250-STARTTLS
        S: 250 PIPELINING
        C: MAIL FROM:<a@client.example>
        C: RCPT TO:<b@mx.example>
        C: DATA
        S: 550 no
        S: 503 no
        S: 503 no
        C: QUIT
        S: 221 bye",
    );
    assert_eq!(record.log[0], "Ready(pipelining: true, TLS)");
}

/// RFC 8314 §3.3, TLS-20: with implicit TLS the handshake is the first thing, and the greeting comes inside.
#[test]
fn implicit_tls() {
    let script = "
        TLS verified
        S: 220 mx.example
        C: EHLO client.example
        S: 250-mx.example
        S: 250 STARTTLS";
    let record = play(Security::Implicit, &format!("{script}{MAIL}"));
    assert_eq!(record.log, ["Ready(pipelining: false, verified TLS)", "Body", ACCEPTED]);
    let mut client = client(config(Security::Implicit));
    let refused = client.handle_input(NOW, Bytes::from_static(b"220 mx.example\r\n")).expect_err("TLS comes first");
    assert_eq!((refused.misuse, &refused.value[..]), (Misuse::Paused, &b"220 mx.example\r\n"[..]));
    assert!(matches!(client.poll(), Output::UpgradeTls), "whatever came before");
}

/// A session without TLS is one, and nothing asks for TLS then.
#[test]
fn plain() {
    let script = "
        S: 220 mx.example
        C: EHLO client.example
        S: 250-mx.example
        S: 250 STARTTLS";
    let record = play(Security::Plain, &format!("{script}{MAIL}"));
    assert_eq!(record.log, ["Ready(pipelining: false)", "Body", ACCEPTED]);
    let mut client = client(client_config());
    client.handle_tls_established(NOW, TlsInfo::new(true));
    client.handle_tls_failed(NOW);
    assert!(!client.is_tls() && client.close_reason().is_none(), "no handshake was due");
}

/// TLS-14, security rule 33: TLS is required and the keyword is missing: the client leaves, and the mail may be tried
/// again.
#[test]
fn required_and_not_offered() {
    for play in [play, play_with_credentials] {
        let record = play(
            Security::Required,
            "
            S: 220 mx.example
            C: EHLO client.example
            S: 250-mx.example
            S: 250-AUTH PLAIN
            S: 250 XSTARTTLS
            C: QUIT
            S: 221 bye",
        );
        assert_eq!(record.log, ["Refused at tls, reply -: b@mx.example temporary -"]);
        assert_eq!(record.closed, Some(CloseReason::NoTls));
    }
}

/// TLS-15, security rule 33: TLS is required and the answer to STARTTLS is none that begins it: no MAIL and no AUTH
/// follow, but QUIT does where the server is still in step.
#[test]
fn required_and_refused() {
    let refused = [("454 4.7.0 later", "454"), ("500 what", "-"), ("501 no", "-"), ("502 no", "-"), ("530 first", "-")];
    for play in [play, play_with_credentials] {
        let ask = |end: &str| {
            play(
                Security::Required,
                &format!(
                    "
                    S: 220 mx.example
                    C: EHLO client.example
                    S: 250-mx.example
                    S: 250-AUTH PLAIN
                    S: 250 STARTTLS
                    C: STARTTLS
                    {end}"
                ),
            )
        };
        for (reply, verdict) in refused {
            let record = ask(&format!("S: {reply}\nC: QUIT\nS: 221 bye"));
            let code = &reply[..3];
            assert_eq!(record.log, [format!("Refused at tls, reply {code}: b@mx.example temporary {verdict}")]);
            assert_eq!(record.closed, Some(CloseReason::NoTls), "{reply}");
        }
        for reply in ["250 ok", "221 bye", "354 go", "334 "] {
            let record = ask(&format!("S: {reply}"));
            assert_eq!(record.log, ["Refused at tls, reply -: b@mx.example temporary -"]);
            assert_eq!(record.closed, Some(CloseReason::NoTls), "{reply}");
        }
        let record = ask("S: 421 4.3.2 closing");
        assert_eq!(record.log, ["Refused at tls, reply 421: b@mx.example temporary 421"]);
        assert_eq!(record.closed, Some(CloseReason::ServiceNotAvailable));
        assert_eq!(ask("S: 299").closed, Some(CloseReason::NoTls));
        assert_eq!(ask("S: hello").closed, Some(CloseReason::Protocol));
    }
}

/// TLS-16: TLS is required and EHLO is refused: HELO, which cannot offer it, is not tried. Unexpected greetings end the
/// session as they do without TLS.
#[test]
fn required_and_ehlo_refused() {
    for play in [play, play_with_credentials] {
        let record = play(
            Security::Required,
            "
            S: 220 mx.example
            C: EHLO client.example
            S: 502 5.5.1 what?
            C: QUIT
            S: 221 bye",
        );
        assert_eq!(record.log, ["Refused at ehlo, reply 502: b@mx.example temporary -"]);
        assert_eq!(record.closed, Some(CloseReason::NoTls));
        let greetings = [
            ("250 ok\nC: EHLO client.example", None),
            ("354 go", Some(CloseReason::Protocol)),
            ("421 bye", Some(CloseReason::ServiceNotAvailable)),
            ("554 no\nC: QUIT\nS: 221 bye", Some(CloseReason::Refused)),
        ];
        for (greeting, closed) in greetings {
            assert_eq!(play(Security::Required, &format!("S: {greeting}")).closed, closed, "{greeting}");
        }
    }
}

/// The EHLO inside TLS may be refused: then HELO is as good, unless somebody would log in.
#[test]
fn ehlo_refused_inside_tls() {
    let script = "
        TLS verified
        S: 220 mx.example
        C: EHLO client.example
        S: 502 what?";
    let record = play(Security::Implicit, &format!("{script}\nC: HELO client.example\nS: 250 mx{MAIL}"));
    assert_eq!(record.log, ["Ready(pipelining: false, verified TLS)", "Body", ACCEPTED]);
    let record = play_with_credentials(Security::Implicit, &format!("{script}\nC: QUIT\nS: 221 bye"));
    assert_eq!(record.log, ["Refused at ehlo, reply 502: b@mx.example temporary -"]);
    assert_eq!(record.closed, Some(CloseReason::NoMechanism));
}

/// X-3207-4-03: after 454 or any other refusal an opportunistic client goes on in clear; what was offered still holds,
/// and credentials stay where they are.
#[test]
fn opportunistic_goes_on_in_clear() {
    let offered = "
        S: 220 mx.example
        C: EHLO client.example
        S: 250-mx.example
        S: 250-AUTH PLAIN
        S: 250 STARTTLS
        C: STARTTLS";
    for reply in ["454 4.7.0 later", "500 what", "502 no"] {
        let record = play(Security::Opportunistic, &format!("{offered}\nS: {reply}{MAIL}"));
        assert_eq!(record.log, ["Ready(pipelining: false)", "Body", ACCEPTED]);
        let script = format!("{offered}\nS: {reply}\nC: QUIT\nS: 221 bye");
        let record = play_with_credentials(Security::Opportunistic, &script);
        assert_eq!(record.log, ["Refused at auth, reply -: b@mx.example temporary -"]);
        assert_eq!(record.closed, Some(CloseReason::NotConfidential));
    }
    for reply in ["250 ok", "354 go"] {
        let record = play(Security::Opportunistic, &format!("{offered}\nS: {reply}"));
        assert_eq!(record.closed, Some(CloseReason::Protocol), "{reply}");
    }
    let not_offered = "S: 220 mx.example\nC: EHLO client.example\nS: 250 mx.example";
    let record = play(Security::Opportunistic, &format!("{not_offered}{MAIL}"));
    assert_eq!(record.log, ["Ready(pipelining: false)", "Body", ACCEPTED]);
    let no_ehlo = "S: 220 mx.example\nC: EHLO client.example\nS: 500 what\nC: HELO client.example\nS: 250 mx.example";
    assert_eq!(play(Security::Opportunistic, &format!("{no_ehlo}{MAIL}")).closed, Some(CloseReason::Quit));
}

/// TLS-12, TLS-13, X-3207-4.2-03, security rule 33: a whole line or the beginning of one behind the 220 is not read. What
/// comes with the 220 ends the session; what comes later is not taken, and belongs to the handshake.
#[test]
fn nothing_in_clear_behind_the_220() {
    for behind in ["250-mx.example\r\n250 AUTH PLAIN\r\n", "250 mx.example\r\n", "25", "\r", "\x16\x03\x01", "\0"] {
        let answer = format!("220 go ahead\r\n{behind}");
        for cuts in Cuts::all(answer.len()) {
            for security in [Security::Required, Security::Opportunistic] {
                let mut client = client(config(security));
                let (mut caller, mut record) = (Caller::default(), Record::default());
                client.send(NOW, one()).expect("room");
                for reply in [&b"220 mx\r\n"[..], b"250-mx\r\n250 STARTTLS\r\n"] {
                    client.handle_input(NOW, Bytes::from_static(reply)).expect("input");
                    caller.settle(NOW, &mut client, &mut record);
                }
                let (mut cuts, mut came, mut is_refused) = (cuts, 0, false);
                while came < answer.len() && record.closed.is_none() && !is_refused {
                    let length = cuts.next(came, answer.len() - came);
                    let piece = Bytes::copy_from_slice(&answer.as_bytes()[came..came + length]);
                    is_refused = client.handle_input(NOW, piece).is_err();
                    came += length;
                    caller.settle(NOW, &mut client, &mut record);
                }
                if is_refused {
                    assert!(matches!(client.poll(), Output::UpgradeTls), "{cuts:?}");
                    client.handle_tls_failed(NOW);
                    caller.settle(NOW, &mut client, &mut record);
                }
                let reason = if is_refused { CloseReason::TlsFailed } else { CloseReason::EarlyInput };
                assert_eq!(record.closed, Some(reason), "{cuts:?}");
                assert_eq!(record.log, ["Refused at tls, reply -: b@mx.example temporary -"]);
                assert_eq!(record.sent, b"EHLO client.example\r\nSTARTTLS\r\n");
                assert!(!client.is_tls());
            }
        }
    }
}

/// X-3207-4-08, TLS-18: a handshake that fails, be it because of the certificate, ends the connection without another
/// octet, and every mail has its verdict.
#[test]
fn failed_handshake() {
    let starttls = "
        S: 220 mx.example
        C: EHLO client.example
        S: 250-mx.example
        S: 250 STARTTLS
        C: STARTTLS
        S: 220 go ahead
        TLS fails";
    for (security, script) in
        [(Security::Required, starttls), (Security::Opportunistic, starttls), (Security::Implicit, "TLS fails")]
    {
        let record = play(security, script);
        assert_eq!(record.log, ["Refused at tls, reply -: b@mx.example temporary -"]);
        assert_eq!(record.closed, Some(CloseReason::TlsFailed));
    }
    let mut client = at_handshake(Security::Required);
    client.send(NOW, one()).expect("mails are queued at any time");
    client.handle_tls_failed(NOW);
    let outcome = outcome(&mut client);
    assert_eq!(outcome.failure(), Some(Failure::Connection(CloseReason::TlsFailed)));
    assert_eq!(
        (outcome.stage(), outcome.recipients().next()),
        (Stage::Tls, Some(("b@mx.example", &Verdict::Temporary(None))))
    );
    client.handle_tls_established(NOW, TlsInfo::new(true));
    assert!(matches!(client.poll(), Output::Closed(CloseReason::TlsFailed)) && !client.is_tls(), "it stays failed");
}

/// Whatever can happen while the handshake is due: silence, the end of the stream, a failure of the transport, an end
/// that the caller makes.
#[test]
fn ends_during_the_handshake() {
    type End = fn(&mut Connection);
    let ends: [(End, CloseReason); 4] = [
        (|client| client.handle_timeout(at(60)), CloseReason::Timeout),
        (|client| client.handle_eof(NOW), CloseReason::PeerClosed),
        (|client| client.handle_disconnect(NOW), CloseReason::TransportFailed),
        (|client| client.abandon(NOW), CloseReason::Abandoned),
    ];
    for (end, reason) in ends {
        for make in [|| at_handshake(Security::Required), || client(config(Security::Implicit))] {
            let mut client = make();
            client.send(NOW, one()).expect("mails are queued at any time");
            assert_eq!(client.deadline().map(|due| due.max(at(60))), Some(at(60)));
            client.handle_timeout(at(59));
            client.transmitted(NOW, 5);
            assert!(matches!(client.poll(), Output::UpgradeTls), "nothing was due");
            end(&mut client);
            let outcome = outcome(&mut client);
            assert_eq!((outcome.stage(), outcome.failure()), (Stage::Tls, Some(Failure::Connection(reason))));
            assert!(matches!(client.poll(), Output::Closed(found) if found == reason), "{reason:?}");
        }
    }
}

/// Each answer has its time: STARTTLS, the handshake, and the greeting and EHLO behind it.
#[test]
fn every_step_has_its_time() {
    let mut client = client(config(Security::Required));
    let (mut caller, mut record) = (Caller::default(), Record::default());
    for reply in [&b"220 mx\r\n"[..], b"250-mx\r\n250 STARTTLS\r\n"] {
        client.handle_input(NOW, Bytes::from_static(reply)).expect("input");
        caller.settle(NOW, &mut client, &mut record);
    }
    client.handle_timeout(at(2));
    assert_eq!(client.deadline(), Some(at(60)), "STARTTLS");
    client.handle_input(at(10), Bytes::from_static(b"220 go\r\n")).expect("input");
    caller.settle(at(10), &mut client, &mut record);
    client.handle_timeout(at(12));
    assert_eq!(client.deadline(), Some(at(70)), "the handshake");
    client.handle_tls_established(at(20), TlsInfo::new(true));
    caller.settle(at(20), &mut client, &mut record);
    client.handle_timeout(at(22));
    assert_eq!(client.deadline(), Some(at(320)), "EHLO");
    let mut client = kit::client(config(Security::Implicit));
    assert_eq!(client.deadline(), Some(at(60)));
    client.handle_tls_established(at(20), TlsInfo::new(true));
    assert_eq!(client.deadline(), Some(at(320)), "the greeting");
}

/// X-3207-4.1-02: a caller that is not satisfied with the handshake leaves with QUIT right behind it; but what was
/// queued is sent.
#[test]
fn a_caller_that_is_not_satisfied_leaves() {
    for (mails, said) in [(0, "QUIT\r\n"), (1, "EHLO client.example\r\n")] {
        let mut client = at_handshake(Security::Required);
        (0..mails).for_each(|_| client.send(NOW, one()).expect("room"));
        client.quit(NOW);
        assert!(matches!(client.poll(), Output::UpgradeTls), "not before");
        client.handle_tls_established(NOW, TlsInfo::new(false));
        let mut record = Record::default();
        Caller::default().settle(NOW, &mut client, &mut record);
        assert_eq!(record.sent.escape_ascii().to_string(), said.escape_default().to_string());
    }
}

/// Without anything that says how TLS is made only a client that asks for none can be.
#[test]
fn tls_that_nobody_makes_is_noticed() {
    let mut config = client_config();
    for security in [Security::Plain, Security::Opportunistic, Security::Required, Security::Implicit] {
        config.security = security;
        assert_eq!(config.check_without_tls().is_ok(), security == Security::Plain);
    }
}
