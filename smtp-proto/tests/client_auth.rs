//! The client role: AUTH (RFC 4954), against scripted servers.

mod kit;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use kit::dialogue::Dialogue;
use kit::echo::Echo;
use kit::script::{Caller, Record};
use kit::{at, client, client_config};
use smtp_proto::client::{Config, Envelope, Event, Failure, Output, Security, Stage};
use smtp_proto::sasl::Credentials;
use smtp_proto::{CloseReason, ConfigError, Instant, TlsInfo};

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

fn b64(octets: impl AsRef<[u8]>) -> String {
    STANDARD.encode(octets)
}

/// With TLS from the first octet.
fn config(credentials: Credentials) -> Config {
    let mut config = client_config();
    config.security = Security::Implicit;
    config.credentials = Some(credentials);
    config
}

fn password() -> Credentials {
    Credentials::password("alice", "secret")
}

fn bearer() -> Credentials {
    Credentials::bearer("alice", "token")
}

/// A session over verified TLS with a server that offers these mechanisms, from behind its answer to EHLO.
fn play_with(config: Config, offered: &str, script: &str) -> Record {
    let beginning = "TLS bound\nS: 220 mx.example\nC: EHLO client.example";
    Dialogue::new(config).play(&format!("{beginning}\nS: 250-mx.example\nS: 250 AUTH {offered}\n{script}"))
}

fn play(credentials: Credentials, offered: &str, script: &str) -> Record {
    play_with(config(credentials), offered, script)
}

fn refused_at_auth(code: &str, verdict: &str) -> [String; 1] {
    [format!("Refused at auth, reply {code}: b@mx.example {verdict}")]
}

/// X-4954-4-01, X-4954-8-02: PLAIN with its initial response; then the mail, without another EHLO.
#[test]
fn plain() {
    let auth = b64("\0alice\0secret");
    let record = play(password(), "LOGIN PLAIN", &format!("C: AUTH PLAIN {auth}\nS: 235 2.7.0 welcome{MAIL}"));
    assert_eq!(record.log, ["Ready(pipelining: false, verified TLS, PLAIN)", "Body", ACCEPTED]);
    assert_eq!(record.closed, Some(CloseReason::Quit));
    let auth = b64("boss\0alice\0secret");
    let script = format!("C: AUTH PLAIN {auth}\nS: 299 any 2yz is as good{MAIL}");
    assert_eq!(play(password().acting_as("boss"), "LOGIN PLAIN", &script).closed, Some(CloseReason::Quit));
}

/// LOGIN: the user and the password answer whatever is asked.
#[test]
fn login() {
    for (user, password_) in [("Username:", "Password:"), ("User Name\0", "Password\0"), ("", "")] {
        let script = format!(
            "C: AUTH LOGIN\nS: 334 {}\nC: {}\nS: 334 {}\nC: {}\nS: 235 welcome{MAIL}",
            b64(user),
            b64("alice"),
            b64(password_),
            b64("secret")
        );
        let record = play(password(), "LOGIN", &script);
        assert_eq!(record.log[0], "Ready(pipelining: false, verified TLS, LOGIN)");
    }
}

/// X-4954-4-12, SASL-13: an initial response goes on the AUTH line as long as that has at most 512 octets; a longer one
/// follows the empty challenge.
#[test]
fn long_initial_responses() {
    let fits = "x".repeat(375);
    let line = format!("AUTH ECHO {}", b64(&fits));
    assert_eq!(line.len() + 2, 512);
    let record = play(Echo::new(&fits).credentials(), "ECHO", &format!("C: {line}\nS: 235 ok{MAIL}"));
    assert_eq!(record.closed, Some(CloseReason::Quit));
    for length in [376, 9000] {
        let longer = "x".repeat(length);
        for challenge in ["334 ", "334"] {
            let script = format!("C: AUTH ECHO\nS: {challenge}\nC: {}\nS: 235 ok{MAIL}", b64(&longer));
            let record = play(Echo::new(&longer).credentials(), "ECHO", &script);
            assert_eq!(record.closed, Some(CloseReason::Quit), "{length}");
        }
        let record = play(Echo::new(&longer).credentials(), "ECHO", "C: AUTH ECHO\nS: 235 so soon?");
        assert_eq!(record.closed, Some(CloseReason::AuthExchange), "nothing was shown yet");
    }
}

/// X-4954-4-13, X-4954-8-04: an initial response of no octets is `=`, a later one is an empty line.
#[test]
fn empty_responses() {
    let record = play(Credentials::external(), "EXTERNAL PLAIN", &format!("C: AUTH EXTERNAL =\nS: 235 ok{MAIL}"));
    assert_eq!(record.log[0], "Ready(pipelining: false, verified TLS, EXTERNAL)");
    let script = format!("C: AUTH ECHO =\nS: 334 {}\nC: {}\nS: 334 \nC: \nS: 235 ok{MAIL}", b64("a"), b64("a"));
    assert_eq!(play(Echo::new("").credentials(), "ECHO", &script).closed, Some(CloseReason::Quit));
}

/// X-4954-4-40: AUTH goes alone, although groups are offered and a mail waits.
#[test]
fn auth_goes_alone() {
    let auth = b64("\0alice\0secret");
    let script = format!(
        "
        TLS verified
        S: 220 mx.example
        C: EHLO client.example
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250 AUTH PLAIN
        C: AUTH PLAIN {auth}
        S: 235 ok
        C: MAIL FROM:<a@client.example>
        C: RCPT TO:<b@mx.example>
        C: DATA
        S: 550 no
        S: 503 no
        S: 503 no
        C: QUIT
        S: 221 bye"
    );
    let record = Dialogue::new(config(password())).play(&script);
    assert_eq!(record.log[0], "Ready(pipelining: true, verified TLS, PLAIN)");
}

/// X-4954-4-08, X-4954-4-17, X-4954-4-18, X-4954-4-19: a challenge that is not base64 in every respect is answered with
/// `*`, and the refusal that follows ends the attempt.
#[test]
fn undecodable_challenges() {
    let bad = [
        " Go ahead",
        " =AAA",
        " AAA=BBB",
        " AAA=BBBB",
        " A",
        " AA",
        " AAA",
        " AAAA=",
        " AA==AA==",
        " Zh==",
        "  AAAA",
        " AAAA ",
        " AA AA",
        " AA-A",
        " AA_A",
        " AAA\u{e9}",
        " *",
        " =",
        "-AAAA\nS: 334 AAAA",
        "-\nS: 334 ",
    ];
    for challenge in bad {
        let script = format!("C: AUTH LOGIN\nS: 334{challenge}\nC: *\nS: 501 5.5.2 cancelled\nC: QUIT\nS: 221 bye");
        let record = play(password(), "LOGIN", &script);
        assert_eq!(record.log, refused_at_auth("-", "temporary -"), "{challenge}");
        assert_eq!(record.closed, Some(CloseReason::AuthExchange), "{challenge}");
    }
    for answer in ["235 welcome all the same", "334 ", "250 ok"] {
        let record = play(password(), "LOGIN", &format!("C: AUTH LOGIN\nS: 334 *\nC: *\nS: {answer}"));
        assert_eq!(record.closed, Some(CloseReason::Protocol), "{answer}: what was cancelled goes no further");
    }
    for answer in ["454 no", "500 no", "535 no"] {
        let script = format!("C: AUTH LOGIN\nS: 334 *\nC: *\nS: {answer}\nC: QUIT\nS: 221 bye");
        assert_eq!(play(password(), "PLAIN-NOT LOGIN", &script).closed, Some(CloseReason::AuthExchange));
    }
}

/// A mechanism that gives up cancels as well: PLAIN has nothing to say to a second challenge.
#[test]
fn an_exchange_that_gives_up_is_cancelled() {
    let auth = b64("\0alice\0secret");
    let script = format!("C: AUTH PLAIN {auth}\nS: 334 {}\nC: *\nS: 501 ok\nC: QUIT\nS: 221 bye", b64("more!"));
    assert_eq!(play(password(), "PLAIN", &script).closed, Some(CloseReason::AuthExchange));
}

/// X-4954-4-20, SASL-11: challenges and responses of 12 288 octets pass, although other replies are shorter; beyond that
/// the connection is cut, or AUTH is cancelled if the line can be read to its end.
#[test]
fn long_challenges() {
    let challenge = |octets: usize| format!("334 {}", "A".repeat(octets - "334 \r\n".len()));
    // Base64 comes in groups of four: 4 + 12 280 + 2, and with two octets more it is none.
    let text = challenge(12_286);
    let script = format!("C: AUTH ECHO =\nS: {text}\nC: {}\nS: 235 ok{MAIL}", &text[4..]);
    assert_eq!(play_whole(config(Echo::new("").credentials()), &script).closed, Some(CloseReason::Quit));
    let script = format!("C: AUTH ECHO =\nS: {}\nC: *\nS: 501 ok\nC: QUIT\nS: 221 bye", challenge(12_288));
    assert_eq!(play_whole(config(Echo::new("").credentials()), &script).closed, Some(CloseReason::AuthExchange));
    let script = format!("C: AUTH ECHO =\nS: {}", challenge(12_289));
    assert_eq!(play_whole(config(Echo::new("").credentials()), &script).closed, Some(CloseReason::Protocol));
    let mut small = config(Echo::new("").credentials());
    small.limits.auth_challenge = 512.try_into().expect("not zero");
    let text = challenge(510);
    let script = format!("C: AUTH ECHO =\nS: {text}\nC: {}\nS: 235 ok{MAIL}", &text[4..]);
    assert_eq!(play_whole(small.clone(), &script).closed, Some(CloseReason::Quit));
    let script = format!("C: AUTH ECHO =\nS: {}\nC: *\nS: 501 ok\nC: QUIT\nS: 221 bye", challenge(514));
    assert_eq!(play_whole(small.clone(), &script).closed, Some(CloseReason::AuthExchange));
    small.limits.auth_challenge = 511.try_into().expect("not zero");
    assert_eq!(small.check(), Err(ConfigError::BelowFloor("auth_challenge")));
    small.limits.auth_challenge = 32_769.try_into().expect("not zero");
    assert_eq!(small.check(), Err(ConfigError::LineTooLong("auth_challenge")));
}

/// As [`play_with`], but with few cuts: what is said is long.
fn play_whole(config: Config, script: &str) -> Record {
    let beginning = "TLS\nS: 220 mx.example\nC: EHLO client.example\nS: 250-mx.example\nS: 250 AUTH ECHO";
    Dialogue::new(config).play_in_pieces(&format!("{beginning}\n{script}"))
}

/// SASL-11: the eleventh challenge is answered with `*`.
#[test]
fn endless_challenges() {
    let round = format!("S: 334 {}\nC: {}\n", b64("again"), b64("again"));
    let script = format!("C: AUTH ECHO =\n{}S: 334 \nC: *\nS: 501 ok\nC: QUIT\nS: 221 bye", round.repeat(10));
    assert_eq!(play(Echo::new("").credentials(), "ECHO", &script).closed, Some(CloseReason::AuthExchange));
    let script = format!("C: AUTH ECHO =\n{}S: 235 ok{MAIL}", round.repeat(10));
    assert_eq!(play(Echo::new("").credentials(), "ECHO", &script).closed, Some(CloseReason::Quit));
}

/// SASL-12: 235 before this side is satisfied is a breach: the connection is cut, and nothing is sent.
#[test]
fn success_that_comes_too_soon() {
    let record = play(password(), "LOGIN", "C: AUTH LOGIN\nS: 235 welcome");
    assert_eq!(record.closed, Some(CloseReason::AuthExchange));
    assert_eq!(record.log, refused_at_auth("-", "temporary -"));
    let record = play(Echo::unsatisfied().credentials(), "ECHO", "C: AUTH ECHO =\nS: 235 welcome");
    assert_eq!(record.closed, Some(CloseReason::AuthExchange));
    for answer in ["354 go", "300 what"] {
        let record = play(password(), "LOGIN", &format!("C: AUTH LOGIN\nS: {answer}"));
        assert_eq!(record.closed, Some(CloseReason::Protocol), "{answer}");
    }
}

/// X-4954-6-04, X-4954-6-06, X-4954-4-34: a refusal of the credentials is the verdict on every mail, whose code says
/// whether to try again or to ask for other credentials. They are not tried in another form, and the session does not go
/// on without them.
#[test]
fn refused_credentials() {
    let auth = b64("\0alice\0secret");
    for (code, verdict) in [
        ("535", "permanent"),
        ("454", "temporary"),
        ("432", "temporary"),
        ("500", "permanent"),
        ("501", "permanent"),
        ("503", "permanent"),
        ("530", "permanent"),
        ("538", "permanent"),
        ("550", "permanent"),
        ("451", "temporary"),
    ] {
        let script = format!("C: AUTH PLAIN {auth}\nS: {code} 5.7.8 no\nC: QUIT\nS: 221 bye");
        let record = play(password(), "PLAIN LOGIN", &script);
        assert_eq!(record.log, refused_at_auth(code, &format!("{verdict} {code}")));
        assert_eq!(record.closed, Some(CloseReason::AuthRefused), "{code}");
    }
    let script = format!("C: AUTH PLAIN {auth}\nS: 421 4.7.0 too many\n");
    let record = play(password(), "PLAIN LOGIN", &script);
    assert_eq!(record.log, refused_at_auth("421", "temporary 421"));
    assert_eq!(record.closed, Some(CloseReason::ServiceNotAvailable));
}

/// REPLY-08: 421 in answer to any step of AUTH.
#[test]
fn service_not_available() {
    for steps in ["", "S: 334 *\nC: *\n", "S: 334 \nC: YWxpY2U=\n", "S: 334 \nC: YWxpY2U=\nS: 334 \nC: c2VjcmV0\n"] {
        let record = play(password(), "LOGIN", &format!("C: AUTH LOGIN\n{steps}S: 421 4.3.2 closing"));
        assert_eq!(record.log, refused_at_auth("421", "temporary 421"));
        assert_eq!(record.closed, Some(CloseReason::ServiceNotAvailable));
    }
}

/// X-4954-4-35, X-4954-6-05: 534 and 504 are about the mechanism: the next one is tried, and the last refusal counts.
#[test]
fn refused_mechanism() {
    let auth = b64("\0alice\0secret");
    for code in ["534 5.7.9", "504 5.5.4"] {
        let script = format!(
            "C: AUTH PLAIN {auth}\nS: {code} another, please\nC: AUTH LOGIN\nS: 334 \nC: {}\nS: 334 \nC: {}\nS: 235 ok{MAIL}",
            b64("alice"),
            b64("secret")
        );
        let record = play(password(), "PLAIN LOGIN", &script);
        assert_eq!(record.log[0], "Ready(pipelining: false, verified TLS, LOGIN)");
        let script = format!("C: AUTH PLAIN {auth}\nS: {code} no\nC: AUTH LOGIN\nS: 504 no\nC: QUIT\nS: 221 bye");
        let record = play(password(), "PLAIN LOGIN", &script);
        assert_eq!(record.log, refused_at_auth("504", "permanent 504"));
        assert_eq!(record.closed, Some(CloseReason::AuthRefused));
        let mut only = config(password());
        only.mechanism = Some("plain".into());
        let script = format!("C: AUTH PLAIN {auth}\nS: {code} no\nC: QUIT\nS: 221 bye");
        assert_eq!(play_with(only, "PLAIN LOGIN", &script).closed, Some(CloseReason::AuthRefused));
    }
}

/// SASL-14: a refused token is explained in a challenge, which is answered before the refusal comes.
#[test]
fn refused_tokens() {
    let problem = b64(r#"{"status":"401","schemes":"bearer","scope":"mail"}"#);
    let xoauth2 = b64("user=alice\x01auth=Bearer token\x01\x01");
    let oauthbearer = b64("n,a=alice,\x01auth=Bearer token\x01\x01");
    for (offered, first, farewell) in [
        ("PLAIN LOGIN XOAUTH2", format!("XOAUTH2 {xoauth2}"), String::new()),
        ("XOAUTH2 OAUTHBEARER", format!("OAUTHBEARER {oauthbearer}"), b64("\x01")),
    ] {
        let script =
            format!("C: AUTH {first}\nS: 334 {problem}\nC: {farewell}\nS: 535 5.7.8 expired\nC: QUIT\nS: 221 bye");
        let record = play(bearer(), offered, &script);
        assert_eq!(record.log, refused_at_auth("535", "permanent 535"));
        assert_eq!(record.closed, Some(CloseReason::AuthRefused));
        let record = play(bearer(), offered, &format!("C: AUTH {first}\nS: 235 ok{MAIL}"));
        assert_eq!(record.closed, Some(CloseReason::Quit));
    }
}

/// SASL-15: only a mechanism of the same kind as the credentials, of those that the server offers and the caller allows.
#[test]
fn no_mechanism() {
    let leave = "C: QUIT\nS: 221 bye";
    let mut only = config(password());
    only.mechanism = Some("CRAM-MD5".into());
    for (config, offered) in [
        (config(password()), "XOAUTH2 OAUTHBEARER"),
        (config(password()), ""),
        (config(bearer()), "PLAIN LOGIN"),
        (config(Credentials::external()), "PLAIN"),
        (config(Echo::new("").credentials()), "PLAIN EXTERNAL"),
        (only, "PLAIN LOGIN"),
        // What a mechanism has no form for.
        (config(Credentials::password("alice", "")), "PLAIN"),
        (config(Credentials::password("al\r\nRSET", "secret")), "PLAIN"),
        (config(Credentials::password("alice", "sec\0ret")), "PLAIN"),
        (config(Credentials::bearer("alice", "tok en\r\n")), "XOAUTH2 OAUTHBEARER"),
        (config(password().acting_as("boss")), "LOGIN"),
    ] {
        let record = play_with(config, offered, leave);
        assert_eq!(record.log, refused_at_auth("-", "temporary -"), "{offered}");
        assert_eq!(record.closed, Some(CloseReason::NoMechanism), "{offered}");
    }
}

/// The one mechanism that the caller allows, named in any case, and a mechanism of the caller's own.
#[test]
fn only_this_mechanism() {
    let mut only = config(password());
    only.mechanism = Some("login".into());
    let script = "C: AUTH LOGIN\nS: 535 no\nC: QUIT\nS: 221 bye";
    assert_eq!(play_with(only, "PLAIN LOGIN", script).closed, Some(CloseReason::AuthRefused));
    let script = format!("C: AUTH ECHO {}\nS: 235 ok{MAIL}", b64("hello"));
    let record = play(Echo::new("hello").credentials(), "PLAIN ECHO", &script);
    assert_eq!(record.log[0], "Ready(pipelining: false, verified TLS, ECHO)");
}

/// TLS-19, X-4954-14-01, X-4954-14-03, security rule 35: without TLS, and under TLS with a certificate that was not
/// verified, no secret leaves, unless the caller allows it.
#[test]
fn secrets_stay_where_they_are() {
    let plain = b64("\0alice\0secret");
    for (security, tls) in [(Security::Plain, ""), (Security::Implicit, "TLS\n"), (Security::Opportunistic, "")] {
        let greeting = "S: 220 mx.example\nC: EHLO client.example\nS: 250-mx.example\nS: 250 AUTH";
        for (credentials, offered) in [(password(), "PLAIN LOGIN"), (bearer(), "XOAUTH2 OAUTHBEARER")] {
            let mut config = config(credentials);
            config.security = security;
            let script = format!("{tls}{greeting} {offered}\nC: QUIT\nS: 221 bye");
            let record = Dialogue::new(config).play(&script);
            assert_eq!(record.closed, Some(CloseReason::NotConfidential));
            assert_eq!(record.log, refused_at_auth("-", "temporary -"));
        }
        let mut config = config(password());
        config.security = security;
        config.unprotected_credentials = true;
        let script = format!("{tls}{greeting} PLAIN LOGIN\nC: AUTH PLAIN {plain}\nS: 235 ok{MAIL}");
        assert_eq!(Dialogue::new(config.clone()).play(&script).closed, Some(CloseReason::Quit));
        // A mechanism that shows no secret needs no protection.
        config.unprotected_credentials = false;
        config.credentials = Some(Echo::new("hello").credentials());
        let script = format!("{tls}{greeting} PLAIN ECHO\nC: AUTH ECHO {}\nS: 235 ok{MAIL}", b64("hello"));
        assert_eq!(Dialogue::new(config).play(&script).closed, Some(CloseReason::Quit));
    }
}

/// TLS-17: the mechanisms are those that are offered inside TLS.
#[test]
fn mechanisms_of_the_second_list() {
    let mut config = config(password());
    config.security = Security::Required;
    let script = format!(
        "
        S: 220 mx.example
        C: EHLO client.example
        S: 250-mx.example
        S: 250-AUTH PLAIN
        S: 250 STARTTLS
        C: STARTTLS
        S: 220 go
        TLS verified
        C: EHLO client.example
        S: 250-mx.example
        S: 250 AUTH LOGIN
        C: AUTH LOGIN
        S: 334 
        C: {}
        S: 334 
        C: {}
        S: 235 ok{MAIL}",
        b64("alice"),
        b64("secret")
    );
    let record = Dialogue::new(config).play(&script);
    assert_eq!(record.log[0], "Ready(pipelining: false, verified TLS, LOGIN)");
}

/// A server that does not know EHLO has no AUTH: who would log in leaves.
#[test]
fn no_auth_after_helo() {
    let mut config = config(password());
    config.security = Security::Plain;
    config.unprotected_credentials = true;
    let script = "S: 220 mx\nC: EHLO client.example\nS: 500 what\nC: QUIT\nS: 221 bye";
    let record = Dialogue::new(config).play(script);
    assert_eq!(record.closed, Some(CloseReason::NoMechanism));
    assert_eq!(record.log, ["Refused at ehlo, reply 500: b@mx.example temporary -"]);
}

/// X-4954-5-01, X-4954-5-02, X-4954-5-10, X-4954-8-03: who handed a mail in is told to a server that offers AUTH, as a
/// mailbox in xtext or `<>`; nothing else gets in.
#[test]
fn submitter() {
    let one = || Envelope::new("a@client.example").and_then(|envelope| envelope.to("b@mx.example")).expect("addresses");
    let with = |submitter| one().with_submitter(submitter).expect("a mailbox");
    for (mail, parameter) in [
        (with(Some("alice@client.example")), " AUTH=alice@client.example"),
        (with(Some("e=mc2+x@client.example")), " AUTH=e+3Dmc2+2Bx@client.example"),
        (with(Some("\"a b\"@client.example")), " AUTH=\"a+20b\"@client.example"),
        (with(None), " AUTH=<>"),
        (one(), ""),
    ] {
        for (offered, parameter) in [("250 AUTH PLAIN", parameter), ("250 SIZE", ""), ("250 AUTH=PLAIN", "")] {
            let mut dialogue = Dialogue::new(client_config());
            dialogue.mails = vec![mail.clone()];
            let script = format!(
                "S: 220 mx\nC: EHLO client.example\nS: 250-mx\nS: {offered}\n\
                 C: MAIL FROM:<a@client.example>{parameter}\nS: 550 no\nC: QUIT\nS: 221 bye"
            );
            dialogue.play(&script);
        }
    }
    for bad in ["", "alice", "<>", "alice@client.example>\r\nRSET", "a\0b@client.example", "gr\u{fc}n@client.example"] {
        assert!(one().with_submitter(Some(bad)).is_err(), "{bad:?}");
    }
    let envelope = with(Some("alice@client.example"));
    assert_eq!(envelope.submitter(), Some("alice@client.example"));
    assert_eq!((with(None).submitter(), one().submitter()), (Some(""), None));
}

/// PIPE-11: the submitter counts into the window.
#[test]
fn submitter_counts_into_the_window() {
    let local = format!("\"{}\"@client.example", "=".repeat(60));
    let mut config = client_config();
    config.limits.unanswered = 512.try_into().expect("not zero");
    let mut client = client(config);
    let (mut caller, mut record) = (Caller::of(&[&b"x\r\n"[..]; 9]), Record::default());
    for reply in [&b"220 mx\r\n"[..], b"250-mx\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n"] {
        client.handle_input(NOW, Bytes::from_static(reply)).expect("input");
        caller.settle(NOW, &mut client, &mut record);
    }
    for _ in 0..9 {
        let envelope = Envelope::new("a@client.example").and_then(|envelope| envelope.to("b@mx.example"));
        let envelope = envelope.and_then(|envelope| envelope.with_submitter(Some(&local))).expect("addresses");
        client.send(NOW, envelope).expect("room");
    }
    let mut most = 0;
    for _ in 0..9 {
        for reply in [&b"250 ok\r\n250 ok\r\n354 go\r\n"[..], b"250 queued\r\n"] {
            let writes = caller.settle(NOW, &mut client, &mut record);
            most = writes.iter().map(Vec::len).max().unwrap_or_default().max(most);
            client.handle_input(NOW, Bytes::from_static(reply)).expect("input");
        }
        let writes = caller.settle(NOW, &mut client, &mut record);
        most = writes.iter().map(Vec::len).max().unwrap_or_default().max(most);
    }
    assert_eq!(record.log.iter().filter(|line| *line == ACCEPTED).count(), 9);
    assert!((200..=512).contains(&most), "{most}");
}

/// Each step of AUTH has 300 s; the end of the stream, and every other end, settles the mails.
#[test]
fn ends_during_auth() {
    let steps: [&[u8]; 4] =
        [b"220 mx\r\n", b"250-mx\r\n250 AUTH LOGIN\r\n", b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n"];
    for heard in 2..=steps.len() {
        for (end, reason) in
            [("silence", CloseReason::Timeout), ("eof", CloseReason::PeerClosed), ("cut", CloseReason::TransportFailed)]
        {
            let mut client = client(config(password()));
            client
                .send(NOW, Envelope::new("").and_then(|envelope| envelope.to("b@mx.example")).expect("ok"))
                .expect("room");
            client.handle_tls_established(NOW, TlsInfo::new(true));
            let (mut caller, mut record) = (Caller::default(), Record::default());
            for step in &steps[..heard] {
                client.handle_input(at(10), Bytes::from_static(step)).expect("input");
                caller.settle(at(10), &mut client, &mut record);
            }
            client.handle_timeout(at(309));
            assert_eq!((client.close_reason(), client.deadline()), (None, Some(at(310))));
            match end {
                "silence" => client.handle_timeout(at(310)),
                "eof" => client.handle_eof(at(309)),
                _ => client.handle_disconnect(at(309)),
            }
            let Output::Event(Event::Outcome(outcome)) = client.poll() else { panic!("{end}") };
            assert_eq!((outcome.stage(), outcome.failure()), (Stage::Auth, Some(Failure::Connection(reason))));
            caller.settle(at(310), &mut client, &mut record);
            assert_eq!(record.closed, Some(reason));
        }
    }
}

/// SASL-16, security rule 43: nothing of the credentials and of what is said in AUTH is in any `Debug`.
#[test]
fn nothing_is_shown() {
    let secrets = ["secret", "c2VjcmV0", "AGFsaWNlAHNlY3JldA==", "73656372", "115, 101, 99"];
    let check = |shown: String| {
        for secret in secrets {
            assert!(!shown.contains(secret), "{shown}");
        }
    };
    for (offered, challenges) in [("PLAIN", 0), ("LOGIN", 2)] {
        let config = config(password());
        check(format!("{config:?}"));
        let mut client = client(config);
        client.seed([0x73; 32]);
        client.handle_tls_established(NOW, TlsInfo::new(true));
        let offered = format!("250-mx\r\n250 AUTH {offered}\r\n");
        let challenges = (0..challenges).map(|_| "334 c2VjcmV0\r\n");
        let replies = ["220 mx\r\n", &offered].into_iter().chain(challenges).map(str::to_owned);
        for reply in replies.collect::<Vec<_>>() {
            client.handle_input(NOW, Bytes::from(reply)).expect("input");
            check(format!("{client:?}"));
            while let Output::Transmit(octets) = client.poll() {
                let count = octets.len().min(3);
                check(format!("{client:?}"));
                client.transmitted(NOW, count);
            }
        }
        assert!(!matches!(client.poll(), Output::Closed(_)));
        client.handle_input(NOW, Bytes::from_static(b"235 ok\r\n")).expect("input");
        let ready = client.poll();
        assert!(matches!(ready, Output::Event(Event::Ready(_))), "{ready:?}");
        check(format!("{ready:?}"));
    }
}
/// SCRAM with the nonce that the seed of a [`Dialogue`] gives, the salt `salt1234`, 4 096 rounds. The messages were
/// computed with `hashlib` and `hmac` of Python.
#[cfg(feature = "crypto")]
mod scram {
    use super::*;

    const NONCE: &str = "b5nH9Rlk-8xEIWTVO1-p3JJ6dl8Mtc88";
    const OFFERED: &str = "PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS SCRAM-SHA-1";
    const SERVER_FIRST: &str = "r=b5nH9Rlk-8xEIWTVO1-p3JJ6dl8Mtc88server,s=c2FsdDEyMzQ=,i=4096";
    const BOUND_FINAL: &str = "c=cD10bHMtZXhwb3J0ZXIsLHRoZSBiaW5kaW5nIG9mIGEgdmlydHVhbCBjaGFubmVs,\
                               r=b5nH9Rlk-8xEIWTVO1-p3JJ6dl8Mtc88server,p=LDdeeHAfCltHxLme8I9XwLj3gir4UE4x6dDbGwPSQA0=";
    const BOUND_VERIFIER: &str = "v=WWBdPaKk1yDs+XkHQXk93hlDLtA7EcxkGWBlj449b+8=";
    const FINAL: &str =
        "c=biws,r=b5nH9Rlk-8xEIWTVO1-p3JJ6dl8Mtc88server,p=WQQRmIfN6HmvrOSo/bxnxd1nEZnLF7g7RumCPNUZFXk=";
    const VERIFIER: &str = "v=8JcRVmK3/abpmZeRR977v5Gny7OEynVVvpvaPoykigw=";

    /// A session from behind EHLO; few cuts, since each costs the rounds of the hash.
    fn play(tls: &str, offered: &str, script: &str) -> Record {
        let beginning = format!("{tls}\nS: 220 mx\nC: EHLO client.example\nS: 250-mx\nS: 250 AUTH {offered}\n");
        Dialogue::new(config(password())).play_in_pieces(&(beginning + script))
    }

    fn begin_bound() -> String {
        let first = b64(format!("p=tls-exporter,,n=alice,r={NONCE}"));
        format!("C: AUTH SCRAM-SHA-256-PLUS {first}\nS: 334 ")
    }

    /// With the binding of the channel, and without one: under TLS that was not verified, since it shows no secret.
    #[test]
    fn both_prove_themselves() {
        let script = format!(
            "{}{}\nC: {}\nS: 334 {}\nC: \nS: 235 ok{MAIL}",
            begin_bound(),
            b64(SERVER_FIRST),
            b64(BOUND_FINAL),
            b64(BOUND_VERIFIER)
        );
        let record = play("TLS bound", OFFERED, &script);
        assert_eq!(record.log[0], "Ready(pipelining: false, verified TLS, SCRAM-SHA-256-PLUS)");
        let first = b64(format!("n,,n=alice,r={NONCE}"));
        let script = format!(
            "C: AUTH SCRAM-SHA-256 {first}\nS: 334 {}\nC: {}\nS: 334 {}\nC: \nS: 235 ok{MAIL}",
            b64(SERVER_FIRST),
            b64(FINAL),
            b64(VERIFIER)
        );
        let record = play("TLS", OFFERED, &script);
        assert_eq!(record.log[0], "Ready(pipelining: false, TLS, SCRAM-SHA-256)");
    }

    /// A list without the -PLUS form, which somebody may have taken out: the client says that it could have bound the
    /// channel, so that the server finds out (RFC 5802 §6).
    #[test]
    fn tells_of_a_shortened_list() {
        let first = b64(format!("y,,n=alice,r={NONCE}"));
        let script = format!("C: AUTH SCRAM-SHA-256 {first}\nS: 535 no\nC: QUIT\nS: 221 bye");
        assert_eq!(play("TLS bound", "SCRAM-SHA-256 PLAIN", &script).closed, Some(CloseReason::AuthRefused));
    }

    /// SASL-12: a nonce that is not ours, rounds outside the limits, a wrong proof, and success without a proof.
    #[test]
    fn cheats_are_found() {
        let cancel = "\nC: *\nS: 501 ok\nC: QUIT\nS: 221 bye";
        for first in [
            format!("r={NONCE},s=c2FsdDEyMzQ=,i=4096"),
            "r=b5nH9Rlk-8xEIWTVO1-p3JJ6dl8Mtc89server,s=c2FsdDEyMzQ=,i=4096".into(),
            format!("r=server{NONCE},s=c2FsdDEyMzQ=,i=4096"),
            format!("r={NONCE}server,s=c2FsdDEyMzQ=,i=4095"),
            format!("r={NONCE}server,s=c2FsdDEyMzQ=,i=1000001"),
            format!("m=x,r={NONCE}server,s=c2FsdDEyMzQ=,i=4096"),
            String::new(),
        ] {
            let script = format!("{}{}{cancel}", begin_bound(), b64(&first));
            let record = play("TLS bound", OFFERED, &script);
            assert_eq!(record.closed, Some(CloseReason::AuthExchange), "{first}");
        }
        let proved = format!("{}{}\nC: {}\n", begin_bound(), b64(SERVER_FIRST), b64(BOUND_FINAL));
        for last in [VERIFIER, "v=", "", "x"] {
            let record = play("TLS bound", OFFERED, &format!("{proved}S: 334 {}{cancel}", b64(last)));
            assert_eq!(record.closed, Some(CloseReason::AuthExchange), "{last}");
        }
        for said in [begin_bound().replace("S: 334 ", ""), proved.clone()] {
            let record = play("TLS bound", OFFERED, &format!("{said}S: 235 welcome"));
            assert_eq!(record.closed, Some(CloseReason::AuthExchange));
            assert_eq!(record.log, refused_at_auth("-", "temporary -"));
        }
        let error = format!("{proved}S: 334 {}\nC: \nS: ", b64("e=invalid-proof"));
        let record = play("TLS bound", OFFERED, &format!("{error}535 5.7.8 no\nC: QUIT\nS: 221 bye"));
        assert_eq!(record.log, refused_at_auth("535", "permanent 535"));
        let record = play("TLS bound", OFFERED, &format!("{error}235 welcome"));
        assert_eq!(record.closed, Some(CloseReason::AuthExchange));
    }

    /// SASL-10, SASL-15: without randomness no mechanism is used that needs it.
    #[test]
    fn needs_randomness() {
        let mut dialogue = Dialogue::new(config(password()));
        dialogue.is_seeded = false;
        let auth = b64("\0alice\0secret");
        let script = format!(
            "TLS bound\nS: 220 mx\nC: EHLO client.example\nS: 250-mx\nS: 250 AUTH {OFFERED}\n\
             C: AUTH PLAIN {auth}\nS: 235 ok{MAIL}"
        );
        assert_eq!(dialogue.play(&script).closed, Some(CloseReason::Quit));
    }
}
