//! The adapters, in both roles.

use smtp_conformance::target::{AdapterTarget, Target, Unavailable};
use smtp_conformance::transcript::{Act, Expectation, Need, Outcome, Side};

use crate::kit::{MESSAGE, STUFFED, Talk, attachments, became, send, set};

/// Runs this for every adapter.
fn each(test: impl Fn(&AdapterTarget)) {
    let names = AdapterTarget::names();
    assert_eq!(names, ["blocking", "tokio", "smol", "async-std"]);
    for name in names {
        println!("{name}");
        test(&AdapterTarget::new(name).expect("it is one of them"));
    }
}

fn greeted<'a>(target: &'a AdapterTarget, setup: &[Act]) -> Talk<'a> {
    let mut talk = Talk::new(target.connect(setup).expect("a server of this process"));
    talk.reply("220");
    talk.say("EHLO client.example");
    talk.reply("250");
    talk
}

#[test]
fn the_application_of_a_server_keeps_its_rules() {
    each(|target| {
        let mut talk = greeted(target, &[]);
        talk.say("MAIL FROM:<early@client.example>");
        talk.reply("451");
        talk.say("MAIL FROM:<alice@client.example>");
        talk.reply("250");
        for (recipient, reply) in [
            ("nobody@mx.example", "550 5.1.1"),
            ("later@mx.example", "451 4.2.1"),
            ("bob@mx.example", "250"),
            ("postmaster", "250"),
        ] {
            talk.say(&format!("RCPT TO:<{recipient}>"));
            talk.reply(reply);
        }
        talk.say("DATA");
        talk.reply("354");
        talk.say("Subject: greeting\r\n\r\nHello\r\n..a line that begins with a dot\r\n.");
        talk.reply("250");
        // A word of that line is not the line.
        talk.say("MAIL FROM:<>\r\nRCPT TO:<bob@mx.example>\r\nDATA");
        for code in ["250", "250", "354"] {
            talk.reply(code);
        }
        talk.say("\r\nan unwanted word\r\nunwanted\r\n.");
        talk.reply("554");
        talk.say("VRFY bob");
        talk.reply("252");
        talk.say("QUIT");
        talk.reply("221");
        talk.expect_end();
        let mut saw = |expectation| talk.wire.saw(&expectation, &attachments());
        let envelope = |to: &[&str]| Expectation::Envelope {
            from: "alice@client.example".into(),
            to: to.iter().map(|to| (*to).into()).collect(),
        };
        assert_eq!(saw(Expectation::Message(Some("hello.eml".into()))), Some(Ok(())));
        assert_eq!(saw(envelope(&["bob@mx.example", "postmaster"])), Some(Ok(())));
        assert!(matches!(saw(envelope(&["bob@mx.example"])), Some(Err(_))));
        assert!(matches!(saw(Expectation::Message(None)), Some(Err(_))));
        assert!(matches!(saw(Expectation::Message(Some("other.eml".into()))), Some(Err(_))));
    });
}

/// Connections to one server do not see each other's messages, and what broke off is told of.
#[test]
fn visits_are_apart() {
    each(|target| {
        let mut first = greeted(target, &[]);
        let mut second = greeted(target, &[]);
        for talk in [&mut first, &mut second] {
            talk.say("MAIL FROM:<alice@client.example>\r\nRCPT TO:<bob@mx.example>\r\nDATA");
            for code in ["250", "250", "354"] {
                talk.reply(code);
            }
        }
        first.say("Hello\r\n.");
        first.reply("250");
        second.say("Hel");
        second.wire.end().expect("half of it is closed");
        let saw = |talk: &mut Talk<'_>, expectation| talk.wire.saw(&expectation, &[]);
        assert_eq!(saw(&mut second, Expectation::Event("aborted".into())), Some(Ok(())));
        assert_eq!(saw(&mut second, Expectation::Message(None)), Some(Ok(())));
        assert!(matches!(saw(&mut first, Expectation::Message(None)), Some(Err(_))));
    });
}

/// All who play come from one address.
#[test]
fn many_are_at_a_server_at_a_time() {
    each(|target| {
        let mut talks: Vec<_> = (0..100).map(|_| greeted(target, &[])).collect();
        for talk in &mut talks {
            talk.say("NOOP");
            talk.reply("250");
        }
    });
}

#[test]
fn the_application_is_told_what_to_say() {
    each(|target| {
        let reject = |event: &str, reply: &str| Act::Reject { event: event.into(), reply: reply.into() };
        let mut talk = Talk::new(target.connect(&[reject("connect", "554 no service")]).expect("it listens"));
        talk.reply("554 no service");
        drop(talk);
        let mut talk = greeted(target, &[]);
        talk.wire.tell(&reject("mail", "451 4.3.0 not now")).expect("it is asked about mail");
        talk.say("MAIL FROM:<alice@client.example>");
        talk.reply("451 4.3.0 not now");
        talk.say("MAIL FROM:<alice@client.example>");
        talk.reply("250");
        talk.wire.tell(&reject("message", "452 4.3.1 full")).expect("it is asked about messages");
        talk.say("RCPT TO:<bob@mx.example>\r\nDATA");
        talk.reply("250");
        talk.reply("354");
        talk.say("Hello\r\n.");
        talk.reply("452 4.3.1 full");
        assert!(matches!(talk.wire.tell(&reject("noop", "451 no")), Err(Unavailable::Unsupported(_))));
        assert!(matches!(talk.wire.tell(&reject("mail", "no")), Err(Unavailable::Unsupported(_))));
        assert_eq!(talk.wire.saw(&Expectation::Message(None), &[]), Some(Ok(())));
    });
}

#[test]
fn a_server_is_set_up_as_the_transcript_says() {
    each(|target| {
        let mut talk = Talk::new(target.connect(&[set(&[("size-limit", "70000")])]).expect("a server of its own"));
        talk.reply("220");
        talk.say("EHLO client.example");
        assert!(talk.reply("250").iter().any(|line| line.ends_with("SIZE 70000")));
        let mut usual = Talk::new(target.connect(&[]).expect("another server"));
        usual.reply("220");
        usual.say("EHLO client.example");
        assert!(!usual.reply("250").iter().any(|line| line.ends_with("SIZE 70000")));
        let unknown = target.connect(&[set(&[("colour", "blue")])]).err();
        assert!(matches!(&unknown, Some(Unavailable::Unsupported(why)) if why.contains("colour=blue")), "{unknown:?}");
    });
}

/// Nobody else is at a server that is to end.
#[test]
fn a_server_that_is_to_end_is_one_of_its_own() {
    each(|target| {
        let mut usual = greeted(target, &[]);
        let mut ending = greeted(target, &[Act::Shutdown]);
        ending.wire.tell(&Act::Shutdown).expect("it can be told");
        ending.reply("421");
        ending.expect_end();
        usual.say("NOOP");
        usual.reply("250");
        let told = usual.wire.tell(&Act::Shutdown);
        assert!(matches!(told, Err(Unavailable::Unsupported(_))), "{told:?}");
        greeted(target, &[]);
    });
}

#[test]
fn a_server_makes_tls_and_lets_alice_in() {
    each(|target| {
        let mut talk = greeted(target, &[]);
        talk.say("STARTTLS");
        talk.reply("220");
        talk.wire.start_tls(false).expect("a handshake");
        talk.say("EHLO client.example");
        assert!(talk.reply("250").iter().any(|line| line.starts_with("250-AUTH ") && line.contains(" PLAIN")));
        talk.say("AUTH PLAIN AGFsaWNlAHdyb25n");
        talk.reply("535");
        talk.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==");
        talk.reply("235");
        talk.say("QUIT");
        talk.reply("221");
        talk.expect_end();
    });
}

#[test]
fn a_client_sends_and_tells_what_became_of_it() {
    each(|target| {
        let job = [send(&["bob@mx.example", "carol@mx.example", "dave@mx.example"])];
        let mut talk = Talk::new(target.launch(&job, &attachments()).expect("a client of this process"));
        talk.say("220 mx.example ESMTP");
        talk.hello(&["PIPELINING"]);
        talk.expect("MAIL FROM:<alice@client.example>");
        for recipient in ["bob", "carol", "dave"] {
            talk.expect(&format!("RCPT TO:<{recipient}@mx.example>"));
        }
        talk.expect("DATA");
        talk.say("250 2.1.0 ok\r\n250 2.1.5 ok\r\n550 5.1.1 no\r\n450 4.2.1 later\r\n354 go");
        let lines: Vec<_> = (0..STUFFED.len()).map(|_| talk.line()).collect();
        assert_eq!(lines, STUFFED);
        talk.say("250 2.0.0 queued");
        talk.leave();
        let mut saw = |outcome, recipient| talk.wire.saw(&became(outcome, recipient), &[]);
        assert_eq!(saw(Outcome::Accepted, "bob@mx.example"), Some(Ok(())));
        assert_eq!(saw(Outcome::Refused, "carol@mx.example"), Some(Ok(())));
        assert_eq!(saw(Outcome::Deferred, "dave@mx.example"), Some(Ok(())));
        for (outcome, recipient) in [
            (Outcome::Refused, "bob@mx.example"),
            (Outcome::Accepted, "carol@mx.example"),
            (Outcome::Unknown, "dave@mx.example"),
            (Outcome::Accepted, "erin@mx.example"),
        ] {
            assert!(matches!(saw(outcome, recipient), Some(Err(_))), "{recipient}");
        }
    });
}

/// Several mails go over one connection, and a connection that breaks behind the final dot leaves the last unknown.
#[test]
fn a_client_sends_mails_in_a_row() {
    each(|target| {
        let job = [send(&["bob@mx.example"]), send(&["carol@mx.example"])];
        let mut talk = Talk::new(target.launch(&job, &attachments()).expect("a client of this process"));
        talk.receive(&["8BITMIME"]);
        talk.say("250 2.0.0 queued");
        assert!(talk.receive_mail().iter().any(|line| line == "RCPT TO:<carol@mx.example>"));
        talk.wire.end().expect("half of it is closed");
        talk.leave();
        assert_eq!(talk.wire.saw(&became(Outcome::Accepted, "bob@mx.example"), &[]), Some(Ok(())));
        assert_eq!(talk.wire.saw(&became(Outcome::Unknown, "carol@mx.example"), &[]), Some(Ok(())));
    });
}

#[test]
fn a_client_makes_tls_and_logs_in() {
    each(|target| {
        for security in ["starttls", "implicit"] {
            let login = [("security", security), ("user", "alice"), ("password", "secret"), ("mechanism", "PLAIN")];
            let job = [set(&login), send(&["bob@mx.example"])];
            let mut talk = Talk::new(target.launch(&job, &attachments()).expect("a client of this process"));
            if security == "implicit" {
                talk.wire.start_tls(false).expect("a handshake");
                talk.say("220 mx.example ESMTP");
            } else {
                talk.say("220 mx.example ESMTP");
                talk.hello(&["STARTTLS"]);
                talk.expect("STARTTLS");
                talk.say("220 2.0.0 go");
                talk.wire.start_tls(false).expect("a handshake");
            }
            talk.hello(&["AUTH PLAIN LOGIN"]);
            talk.expect("AUTH PLAIN AGFsaWNlAHNlY3JldA==");
            talk.say("235 2.7.0 welcome");
            talk.receive_mail();
            talk.say("250 2.0.0 queued");
            talk.leave();
            assert_eq!(talk.wire.saw(&became(Outcome::Accepted, "bob@mx.example"), &[]), Some(Ok(())));
        }
    });
}

/// A handshake that the script spoils: the client leaves, and nothing was sent.
#[test]
fn a_client_leaves_when_the_handshake_is_spoilt() {
    each(|target| {
        let job = [set(&[("security", "starttls")]), send(&["bob@mx.example"])];
        let mut talk = Talk::new(target.launch(&job, &attachments()).expect("a client of this process"));
        talk.say("220 mx.example ESMTP");
        talk.hello(&["STARTTLS"]);
        talk.expect("STARTTLS");
        talk.say("220 2.0.0 go");
        talk.wire.start_tls(true).expect("the alert leaves");
        talk.leave();
        assert_eq!(talk.wire.saw(&became(Outcome::Failed, "bob@mx.example"), &[]), Some(Ok(())));
        assert!(matches!(talk.wire.saw(&became(Outcome::Accepted, "bob@mx.example"), &[]), Some(Err(_))));
    });
}

#[test]
fn what_is_missing_is_said() {
    each(|target| {
        for (role, need) in [
            (Side::Server, Need::Time),
            (Side::Client, Need::Time),
            (Side::Client, Need::Extension("BURL".into())),
            (Side::Client, Need::NoExtension("SIZE".into())),
            (Side::Client, Need::Auth(Some("NTLM".into()))),
        ] {
            assert!(target.offers(role, &need).is_err(), "{need}");
        }
        for (role, need) in [
            (Side::Server, Need::App),
            (Side::Server, Need::Rcpts(100)),
            (Side::Client, Need::Mails(5)),
            (Side::Client, Need::Extension("SIZE".into())),
            (Side::Client, Need::Auth(Some("SCRAM-SHA-256".into()))),
        ] {
            assert!(target.offers(role, &need).is_ok(), "{need}");
        }
        assert!(!target.is_live());
        assert!(target.variables().recipients.len() >= 100);
        let unsupported =
            |job: &[Act]| matches!(target.launch(job, &attachments()).err(), Some(Unavailable::Unsupported(_)));
        assert!(unsupported(&[set(&[("colour", "blue")])]));
        assert!(unsupported(&[set(&[("security", "magic")])]));
    });
    assert!(AdapterTarget::new("other").is_none());
    assert_eq!(MESSAGE.iter().filter(|octet| **octet == b'\n').count(), STUFFED.len() - 1);
}
