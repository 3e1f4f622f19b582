//! Rule 43 and SASL-16 over all at once: whatever is said, printed, traced or shown with `Debug`, no secret is in it.

use std::fs;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use smtp_blocking::Client;
use smtp_blocking::proto::client::{Config, Envelope, Security};
use smtp_blocking::proto::sasl::{Claim, Credentials, Secret};
use smtp_blocking::proto::server;
use smtp_blocking::proto::submission::{Choices, Url};
use smtp_blocking::tls::ClientTls;

use crate::program::{Serve, run};

/// No other text holds this.
const PASSWORD: &str = "correct-horse-battery";

const MECHANISMS: [&str; 9] = [
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1",
    "CRAM-MD5",
    "PLAIN",
    "LOGIN",
    "XOAUTH2",
    "OAUTHBEARER",
];

/// Every form in which the password goes over the wire, or comes out of it.
fn forms(password: &str) -> Vec<String> {
    let wire = [
        password.to_owned(),
        format!("\0alice\0{password}"),
        format!("user=alice\x01auth=Bearer {password}\x01\x01"),
        format!("n,,\x01auth=Bearer {password}\x01\x01"),
        format!("n,a=alice,\x01auth=Bearer {password}\x01\x01"),
    ];
    let encoded = wire.iter().map(|text| STANDARD.encode(text));
    // A base64 text that begins elsewhere in the octets is another: the middle of each of three.
    let shifted = (0..3).map(|shift| {
        let encoded = STANDARD.encode(format!("{}{password}", "x".repeat(shift)));
        encoded[4..encoded.len() - 4].to_owned()
    });
    [password.to_owned()].into_iter().chain(encoded).chain(shifted).collect()
}

#[track_caller]
fn hides(text: &str, whose: &str) {
    for password in [PASSWORD, "wrong-horse-battery"] {
        for form in forms(password) {
            assert!(!text.contains(&form), "{whose} shows {form}:\n{text}");
        }
    }
}

/// The dialogues and reports of both programs, for each mechanism, with the right and with a wrong password.
#[test]
fn no_program_shows_a_secret() {
    // A refusal comes seconds late.
    thread::scope(|scope| {
        for mechanism in MECHANISMS {
            scope.spawn(move || logs_in_and_is_refused(mechanism));
        }
    });
}

fn logs_in_and_is_refused(mechanism: &str) {
    let user = format!("alice:{PASSWORD}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Serve::start(&["--trace", "--tls-self-signed", "--auth", &user, "--auth-mechanism", mechanism]);
    for (password, code) in [(PASSWORD, 0), ("wrong-horse-battery", 77)] {
        let file = folder.path().join("secret");
        fs::write(&file, format!("{password}\n")).expect("written");
        let file = file.to_str().expect("text");
        let option = if mechanism.contains("OAUTH") { "--token-file" } else { "--password-file" };
        let address = format!("localhost:{}", server.address().port());
        let arguments = ["send", "--trace", "--server", &address, "--tls", "required", "--insecure"];
        let login = ["--user", "alice", option, file, "--auth", mechanism, "--ehlo", "client.example"];
        let mail = ["--from", "alice@client.example", "--to", "bob@mx.example"];
        for more in [&[][..], &["--json"], &["--dry-run"]] {
            let run = run(&[&arguments[..], &login, &mail, more].concat(), b"x\n");
            if more != ["--dry-run"] {
                assert_eq!(run.code, Some(code), "{mechanism}: {run:?}");
                assert!(run.errors.contains(&format!("C: AUTH {mechanism}")), "{run:?}");
            }
            hides(&run.output, "smtp send");
            hides(&run.errors, "smtp send");
        }
        let check = run(&[&["check", "--server", &address, "--insecure"][..], &login].concat(), b"");
        hides(&format!("{}{}", check.output, check.errors), "smtp check");
    }
    assert!(server.errors().contains(&format!("AUTH {mechanism}")), "{}", server.errors());
    hides(&server.errors(), "smtp serve");
    hides(&server.output(), "smtp serve");
}

/// A URL with a password, on the command line and in the environment, right and broken.
#[test]
fn no_url_shows_a_secret() {
    for url in [
        format!("smtp://alice:{PASSWORD}@127.0.0.1:1"),
        format!("smtps://alice:{PASSWORD}@127.0.0.1:1?nothing=known"),
        format!("smtp://alice:{PASSWORD}@127.0.0.1:x"),
        format!("smtp://alice:{PASSWORD}%0d%0a@mail.example"),
    ] {
        for more in [&["--dry-run"][..], &["--json"]] {
            let arguments = ["send", "--url", &url, "--from", "alice@client.example", "--to", "bob@mx.example"];
            let run = run(&[&arguments[..], more].concat(), b"x\n");
            hides(&format!("{}{}", run.output, run.errors), "smtp send");
        }
        match url.parse::<Url>() {
            Ok(url) => hides(&format!("{url:?} {url}"), "a URL"),
            Err(error) => hides(&format!("{error:?} {error}"), "an error about a URL"),
        }
    }
}

/// What programmers print.
#[test]
fn no_debug_shows_a_secret() {
    let credentials = [Credentials::password("alice", PASSWORD), Credentials::bearer("alice", PASSWORD)];
    let claims = [
        Claim::Password { authorization: "", user: "alice", password: PASSWORD },
        Claim::Bearer { user: "alice", token: PASSWORD },
        Claim::Other(PASSWORD.as_bytes()),
    ];
    hides(&format!("{credentials:?} {claims:?} {:?}", Secret::Password(PASSWORD.into())), "a value");
    let mut auth = server::Config::new("mx.example").expect("a domain").auth;
    auth.decoy_key = *b"correct-horse-battery-staple-abc";
    assert!(!format!("{auth:?}").contains("99, 111, 114"), "the key of decoys is shown");
    hides(&format!("{auth:?}"), "the policy of a server");
    let mut choices = Choices::default();
    choices.url = format!("smtps://alice:{PASSWORD}@mail.example").parse().ok();
    hides(&format!("{choices:?} {:?}", choices.target()), "a target");

    let user = format!("alice:{PASSWORD}");
    let server = Serve::start(&["--tls-self-signed", "--auth", &user]);
    for credentials in credentials {
        let mut config = Config::new("client.example").expect("a domain");
        config.security = Security::Required;
        config.unprotected_credentials = true;
        config.credentials = Some(credentials);
        hides(&format!("{config:?}"), "a configuration");
        let tls = ClientTls::insecure();
        let mut client = Client::connect_tls(server.address(), "localhost", config, &tls).expect("it listens");
        hides(&format!("{client:?}"), "a client");
        assert!(client.ready().is_ok());
        let envelope = Envelope::new("a@client.example").and_then(|mail| mail.to("b@mx.example")).expect("addresses");
        let outcome = client.send(envelope, &b"x\r\n"[..]).expect("tried");
        hides(&format!("{client:?} {outcome:?}"), "a client that has logged in");
    }
}
