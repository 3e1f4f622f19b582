//! What servers of large providers do although no RFC says so, or some RFC says otherwise: the client gets along.

mod kit;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use kit::dialogue::Dialogue;
use kit::script::{Caller, Record};
use kit::{at, client, client_config};
use smtp_proto::client::{Config, Connection, Envelope, Event, Output, Security};
use smtp_proto::sasl::Credentials;
use smtp_proto::{CloseReason, Instant, TlsInfo};

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

fn config() -> Config {
    let mut config = client_config();
    config.security = Security::Implicit;
    config.credentials = Some(Credentials::password("alice", "secret"));
    config
}

fn b64(text: &str) -> String {
    STANDARD.encode(text)
}

/// A session over verified TLS, from behind EHLO.
fn play_with(config: Config, script: &str) -> Record {
    Dialogue::new(config).play(&format!("TLS verified\nS: 220 mx.example\nC: EHLO client.example\n{script}"))
}

/// A session that logs in with PLAIN after this answer to EHLO.
fn logs_in_with_plain(ehlo: &str) {
    let auth = b64("\0alice\0secret");
    let record = play_with(config(), &format!("{ehlo}\nC: AUTH PLAIN {auth}\nS: 235 ok{MAIL}"));
    assert_eq!(record.log[0], "Ready(pipelining: false, verified TLS, PLAIN)", "{ehlo}");
    assert_eq!(record.closed, Some(CloseReason::Quit));
}

/// As [`logs_in_with_plain`], with LOGIN.
fn logs_in_with_login(ehlo: &str) {
    let (user, password) = (b64("alice"), b64("secret"));
    let script = format!(
        "{ehlo}\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: {user}\nS: 334 UGFzc3dvcmQ6\nC: {password}\nS: 235 ok{MAIL}"
    );
    let record = play_with(config(), &script);
    assert_eq!(record.log[0], "Ready(pipelining: false, verified TLS, LOGIN)", "{ehlo}");
}

/// A client in clear that heard this.
fn heard(replies: &[&'static [u8]]) -> (Connection, Record) {
    let (mut client, mut record) = (client(client_config()), Record::default());
    for reply in replies {
        client.handle_input(NOW, Bytes::from_static(reply)).expect("input");
        Caller::default().settle(NOW, &mut client, &mut record);
    }
    (client, record)
}

/// The form of the drafts, beside the AUTH of the RFC and in place of it.
#[test]
fn auth_with_an_equals_sign() {
    logs_in_with_login("S: 250-mx.example\nS: 250 AUTH=LOGIN");
    logs_in_with_plain("S: 250-mx.example\nS: 250-AUTH=LOGIN PLAIN\nS: 250 SIZE");
    logs_in_with_plain("S: 250-mx.example\nS: 250 AUTH=PLAIN LOGIN");
    logs_in_with_plain("S: 250-mx.example\nS: 250-AUTH LOGIN PLAIN\nS: 250 AUTH=LOGIN PLAIN");
    logs_in_with_plain("S: 250-mx.example\nS: 250-AUTH=LOGIN\nS: 250 AUTH PLAIN");
    logs_in_with_plain("S: 250-mx.example\nS: 250 auth=plain");
}

/// Several AUTH lines with different lists count together.
#[test]
fn auth_more_than_once() {
    logs_in_with_plain("S: 250-mx.example\nS: 250-AUTH LOGIN\nS: 250 AUTH PLAIN");
    logs_in_with_plain("S: 250-mx.example\nS: 250-AUTH PLAIN\nS: 250-AUTH XOAUTH2\nS: 250 AUTH");
    logs_in_with_login("S: 250-mx.example\nS: 250-AUTH XOAUTH2\nS: 250 AUTH LOGIN");
}

/// X-4954-8-01: names of mechanisms in lower case; the client answers in upper case.
#[test]
fn mechanisms_in_lower_case() {
    logs_in_with_plain("S: 250-mx.example\nS: 250 AUTH login plain");
    logs_in_with_login("S: 250-mx.example\nS: 250 Auth Login");
}

/// Keywords in any case and order, unknown ones with odd arguments among them.
#[test]
fn keywords_in_any_case_and_order() {
    for ehlo in [
        "S: 250-mx.example\nS: 250-auth plain\nS: 250-size 1000\nS: 250 8bitmime",
        "S: 250-mx.example\nS: 250-8BitMime\nS: 250-coremail 1Uxr2xKj7kG0xkI17xGrU7I0s8FY2U3Uj8Cz28x1UUUUU7Ic2I0Y2Ur\nS: 250 Auth PLAIN",
        "S: 250-mx.example at your service )\nS: 250-XYZ=1 2  3\nS: 250-MAILCOMPRESS\nS: 250 AuTh PLAIN ",
    ] {
        logs_in_with_plain(ehlo);
    }
    let (_, record) = heard(&[b"220 mx\r\n", b"250-mx\r\n250-Size 7\r\n250-pipelining\r\n250 8bitmime\r\n"]);
    assert_eq!(record.log, ["Ready(pipelining: true)"]);
}

/// Lines without any text, with and without the space, in the answer to EHLO and elsewhere.
#[test]
fn lines_without_text() {
    logs_in_with_plain("S: 250-\nS: 250-AUTH PLAIN\nS: 250");
    logs_in_with_plain("S: 250-mx.example\nS: 250-\nS: 250-AUTH PLAIN\nS: 250-\nS: 250 ");
    let script = MAIL.replace("250 ok", "250").replace("354 go", "354").replace("250 queued", "250-\nS: 250");
    let record = Dialogue::new(client_config()).play(&format!("S: 220\nC: EHLO client.example\nS: 250{script}"));
    assert_eq!(record.log, ["Ready(pipelining: false)", "Body", ACCEPTED]);
}

/// The name of the server is no domain of two labels, or none at all.
#[test]
fn the_server_is_a_bare_label() {
    for name in ["mail", "smtp-out-n05", "a_b", "[1.2.3.4]", "localhost.", "-"] {
        logs_in_with_plain(&format!("S: 250-{name}\nS: 250 AUTH PLAIN"));
    }
}

/// `334 Go ahead` asks for the initial response that was too long for the AUTH line.
#[test]
fn words_in_place_of_an_empty_challenge() {
    let long = "p".repeat(400);
    let mut config = config();
    config.credentials = Some(Credentials::password("alice", &long));
    let response = b64(&format!("\0alice\0{long}"));
    for challenge in ["Go ahead", "go!!", "okay", "VXNlcm5hbWU6", ""] {
        let script =
            format!("S: 250-mx\nS: 250 AUTH PLAIN\nC: AUTH PLAIN\nS: 334 {challenge}\nC: {response}\nS: 235 ok{MAIL}");
        assert_eq!(play_with(config.clone(), &script).closed, Some(CloseReason::Quit), "{challenge}");
    }
    let script = format!(
        "S: 250-mx\nS: 250 AUTH PLAIN\nC: AUTH PLAIN\nS: 334 Go ahead\nC: {response}\nS: 334 Go ahead\nC: *\nS: 501 ok\n\
         C: QUIT\nS: 221 bye"
    );
    assert_eq!(play_with(config, &script).closed, Some(CloseReason::AuthExchange), "only once");
}

/// The prompts of LOGIN in lower case, or any other words.
#[test]
fn prompts_of_login() {
    for (user, password) in
        [("dXNlcm5hbWU6", "UGFzc3dvcmQ6"), ("dXNlcm5hbWU6", "cGFzc3dvcmQ6"), ("VXNlcg==", "UGFzcw==")]
    {
        let script = format!(
            "S: 250-mail\nS: 250 AUTH LOGIN\nC: AUTH LOGIN\nS: 334 {user}\nC: {}\nS: 334 {password}\nC: {}\nS: 235 ok{MAIL}",
            b64("alice"),
            b64("secret")
        );
        assert_eq!(play_with(config(), &script).closed, Some(CloseReason::Quit));
    }
}

/// HELO answered like EHLO, with a list: nothing in it counts.
#[test]
fn helo_with_a_list() {
    let script = "S: 220 mx\nC: EHLO client.example\nS: 500 what\nC: HELO client.example\nS: 250-mx\nS: 250-SIZE 1\nS: 250 PIPELINING";
    let mut dialogue = Dialogue::new(client_config());
    dialogue.mails = dialogue.mails.into_iter().map(|mail| mail.with_size(1000)).collect();
    let record = dialogue.play(&format!("{script}{MAIL}"));
    assert_eq!(record.log, ["Ready(pipelining: false)", "Body", ACCEPTED]);
}

/// The answer to QUIT is malformed, of another class, of many lines, or the server is gone already: the session was
/// ended with QUIT all the same.
#[test]
fn odd_answers_to_quit() {
    for answer in
        ["bye", "2", "221", "250 ok", "500 what", "354 go", "421 4.3.2 closing", "221-so\nS: 221 long", "\u{15}\u{3}"]
    {
        let script = format!("S: 220 mx\nC: EHLO client.example\nS: 250 mx{MAIL}").replace("221 bye", answer);
        let record = Dialogue::new(client_config()).play(&script);
        assert_eq!(record.log.last().map(String::as_str), Some(ACCEPTED));
        assert_eq!(record.closed, Some(CloseReason::Quit), "{answer}");
    }
    type End = fn(&mut Connection);
    let ends: [End; 3] = [
        |client| client.handle_eof(NOW),
        |client| client.handle_disconnect(NOW),
        |client| client.handle_timeout(at(5)),
    ];
    for end in ends {
        let (mut client, mut record) = heard(&[b"220 mx\r\n", b"250 mx\r\n"]);
        client.quit(NOW);
        Caller::default().settle(NOW, &mut client, &mut record);
        end(&mut client);
        Caller::default().settle(NOW, &mut client, &mut record);
        assert_eq!(record.closed, Some(CloseReason::Quit));
    }
}

/// REL-18: while a connection was idle the server has said 421 and left. The next mail is not sent, or not taken, and
/// may be tried on another connection; it is never unknown what became of it.
#[test]
fn a_421_was_waiting() {
    let mail = || Envelope::new("a@c.example").and_then(|envelope| envelope.to("b@mx.example")).expect("addresses");
    for has_left in [false, true] {
        for is_gone in [false, true] {
            let (mut client, mut record) = heard(&[b"220 mx\r\n", b"250-mx\r\n250 PIPELINING\r\n"]);
            let mut caller = Caller::default();
            client.send(at(200), mail()).expect("room");
            if has_left {
                caller.settle(at(200), &mut client, &mut record);
            }
            client.handle_input(at(200), Bytes::from_static(b"421 4.4.2 idle for too long\r\n")).expect("input");
            if is_gone {
                client.handle_eof(at(200));
            }
            caller.settle(at(200), &mut client, &mut record);
            assert_eq!(record.log[1..], ["Refused at mail, reply 421: b@mx.example temporary 421"]);
            assert_eq!(record.closed, Some(CloseReason::ServiceNotAvailable));
        }
    }
    let (mut client, mut record) = heard(&[b"220 mx\r\n", b"250 mx\r\n", b"421 4.4.2 idle for too long\r\n"]);
    assert_eq!(record.closed, Some(CloseReason::ServiceNotAvailable));
    assert!(client.send(at(200), mail()).is_err(), "and nobody is told that a mail is on its way");
    Caller::default().settle(NOW, &mut client, &mut record);
}

/// X-3207-4.2-07: STARTTLS is offered inside TLS. No second EHLO follows AUTH, even if the mail needs what was offered.
#[test]
fn starttls_inside_tls_and_one_ehlo() {
    logs_in_with_plain(
        "S: 250-mail\nS: 250-AUTH LOGIN PLAIN\nS: 250-AUTH=LOGIN PLAIN\nS: 250-STARTTLS\nS: 250 8BITMIME",
    );
    let mut config = config();
    config.security = Security::Required;
    let script = format!(
        "
        S: 220 mx
        C: EHLO client.example
        S: 250-mx
        S: 250 STARTTLS
        C: STARTTLS
        S: 220 go
        TLS verified
        C: EHLO client.example
        S: 250-mx
        S: 250-STARTTLS
        S: 250 AUTH PLAIN
        C: AUTH PLAIN {}
        S: 235 ok{MAIL}",
        b64("\0alice\0secret")
    );
    assert_eq!(Dialogue::new(config).play(&script).closed, Some(CloseReason::Quit));
}

/// A server that speaks TLS from the first octet: what comes where the greeting is due is a TLS record. There is no line
/// end in it to wait for.
#[test]
fn tls_in_place_of_a_greeting() {
    for octets in [&b"\x15\x03\x01\x00\x02\x02\x0a"[..], b"\x15", b"\x16\x03\x03\x00\x7a\x02\x00", b"\x15\x03\x03\r\n"]
    {
        for cuts in kit::Cuts::all(octets.len()) {
            let mut client = client(client_config());
            client
                .send(NOW, Envelope::new("").and_then(|envelope| envelope.to("b@mx.example")).expect("ok"))
                .expect("room");
            let (mut cuts, mut came, mut record) = (cuts, 0, Record::default());
            while came < octets.len() && record.closed.is_none() {
                let length = cuts.next(came, octets.len() - came);
                client.handle_input(NOW, Bytes::from_static(&octets[came..came + length])).expect("input");
                came += length;
                Caller::default().settle(NOW, &mut client, &mut record);
            }
            assert_eq!(record.closed, Some(CloseReason::NotSmtp), "{octets:?}, {cuts:?}");
            assert_eq!(record.log, ["Refused at greeting, reply -: b@mx.example temporary -"]);
            assert!(record.sent.is_empty());
        }
    }
    // Elsewhere it is like any other thing that is no reply.
    for before in [&[&b"220-mx\r\n"[..]][..], &[b"220 mx\r\n"]] {
        let (mut client, mut record) = heard(before);
        client.handle_input(NOW, Bytes::from_static(b"\x15\x03\x01\r\n")).expect("input");
        Caller::default().settle(NOW, &mut client, &mut record);
        assert_eq!(record.closed, Some(CloseReason::Protocol));
    }
}

/// 354 with two spaces, or with nothing behind it.
#[test]
fn odd_354() {
    for reply in ["354  Go ahead x-20020a05.1 - gsmtp", "354-\nS: 354 go", "354"] {
        let script = format!("S: 220 mx\nC: EHLO client.example\nS: 250 mx{MAIL}").replace("354 go", reply);
        assert_eq!(Dialogue::new(client_config()).play(&script).log, ["Ready(pipelining: false)", "Body", ACCEPTED]);
    }
}

/// A refusal of the credentials in several lines, each with its enhanced code: the text is whole.
#[test]
fn refusal_in_several_lines() {
    let mut client = client(config());
    client.send(NOW, Envelope::new("").and_then(|envelope| envelope.to("b@mx.example")).expect("ok")).expect("room");
    client.handle_tls_established(NOW, TlsInfo::new(true));
    for reply in [
        &b"220 mx\r\n"[..],
        b"250-mx\r\n250 AUTH PLAIN\r\n",
        b"535-5.7.8 Username and Password not accepted. For more information, go to\r\n535 5.7.8  https://mx.example/ - gsmtp\r\n",
    ] {
        client.handle_input(NOW, Bytes::from_static(reply)).expect("input");
        let output = client.poll();
        if let Output::Event(Event::Outcome(outcome)) = output {
            let reply = outcome.reply().expect("the refusal");
            assert_eq!(reply.enhanced().map(|code| code.to_string()).as_deref(), Some("5.7.8"));
            let text = "Username and Password not accepted. For more information, go to\n https://mx.example/ - gsmtp";
            assert_eq!(reply.text(), text);
            return;
        }
        Caller::default().settle(NOW, &mut client, &mut Record::default());
    }
    panic!("an outcome was due");
}
