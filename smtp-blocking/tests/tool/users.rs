//! `smtp serve` with TLS and users, spoken to by the client of the library.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use smtp_blocking::Client;
use smtp_blocking::proto::CloseReason;
use smtp_blocking::proto::client::{Config, Envelope, Security, Summary};
use smtp_blocking::proto::sasl::Credentials;
use smtp_blocking::tls::ClientTls;

use crate::certificates::Authority;
use crate::program::{Serve, run, wait_for};

fn config(security: Security, credentials: Option<Credentials>) -> Config {
    let mut config = Config::new("client.example").expect("a domain");
    config.security = security;
    config.credentials = credentials;
    config
}

fn alice(mechanism: &str) -> Config {
    let credentials = if mechanism.contains("OAUTH") {
        Credentials::bearer("alice", "se:cret")
    } else {
        Credentials::password("alice", "se:cret")
    };
    let mut config = config(Security::Required, Some(credentials));
    config.mechanism = Some(mechanism.into());
    config
}

fn connect(server: &Serve, config: Config, tls: &ClientTls) -> Client {
    Client::connect_tls(server.address(), "localhost", config, tls).expect("it listens")
}

fn deliver(client: &mut Client) {
    let envelope = Envelope::new("a@client.example").and_then(|mail| mail.to("b@mx.example")).expect("addresses");
    let outcome = client.send(envelope, &b"x\r\n"[..]).expect("tried");
    assert_eq!(outcome.summary(), Summary::Accepted, "{outcome:?}");
}

/// A certificate that was made at the start is the one whose fingerprint was printed, and serves every name of this
/// machine. Every mechanism lets the user in, and nobody else; what was stored says how it came.
#[test]
fn self_signed_with_users() {
    let server = Serve::start(&["--tls-self-signed", "--auth", "bob:other", "--auth", "alice:se:cret"]);
    let mut client = connect(&server, config(Security::Required, None), &ClientTls::insecure());
    client.ready().expect("a session");
    let certificate = client.tls_session().expect("TLS").peer_certificates()[0].clone();
    let digits: Vec<_> = Sha256::digest(&certificate).iter().map(|octet| format!("{octet:02X}")).collect();
    let line = format!("certificate made now, SHA-256 fingerprint {}", digits.join(":"));
    assert!(server.output().lines().any(|said| said == line), "{}", server.output());

    let tls = ClientTls::with_roots([certificate]).expect("a root");
    let mechanisms: Vec<String> = client.ready().expect("a session").mechanisms().collect();
    let expected = [
        "SCRAM-SHA-256-PLUS",
        "SCRAM-SHA-1-PLUS",
        "SCRAM-SHA-256",
        "SCRAM-SHA-1",
        "OAUTHBEARER",
        "XOAUTH2",
        "CRAM-MD5",
        "PLAIN",
        "LOGIN",
    ];
    assert_eq!(mechanisms, expected);
    for name in ["mx.example", "localhost", "127.0.0.1", "::1"] {
        let config = alice("PLAIN");
        let mut client = Client::connect_tls(server.address(), name, config, &tls).expect("it listens");
        assert!(client.ready().is_ok(), "{name}: {:?}", client.transport_error());
    }
    for mechanism in expected {
        let mut client = connect(&server, alice(mechanism), &tls);
        assert_eq!(client.ready().expect("a session").mechanism(), Some(mechanism));
        deliver(&mut client);
        let mut wrong = alice(mechanism);
        wrong.credentials = Some(if mechanism.contains("OAUTH") {
            Credentials::bearer("alice", "other")
        } else {
            Credentials::password("alice", "other")
        });
        // The refusal comes late, and nobody waits for it.
        wrong.timeouts.auth = core::time::Duration::from_millis(100);
        assert!(connect(&server, wrong, &tls).ready().is_err());
    }
    let messages = server.messages();
    assert_eq!(messages.len(), expected.len());
    for message in messages {
        let text = String::from_utf8(message).expect("ASCII");
        assert!(text.contains("\tby mx.example with ESMTPSA\r\n"), "{text}");
    }
    let lines = server.output().lines().filter(|line| line.ends_with(", user alice")).count();
    assert_eq!(lines, expected.len(), "{}", server.output());

    let mut dialogue = server.connect();
    dialogue.say("MAIL FROM:<>\r\n");
    dialogue.expect("530 5.7.0");
    dialogue.say("AUTH PLAIN AGFsaWNlAHNlOmNyZXQ=\r\n");
    dialogue.expect("5");
}

/// Certificate and key out of files, TLS from the first octet, and nobody has to log in.
#[test]
fn certificate_out_of_files() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("a new file");
        path.into_os_string().into_string().expect("text")
    };
    let issued = authority.issue(&["localhost"]);
    let (certificate, key) = (file("cert.pem", &issued.pem[0]), file("key.pem", &issued.pem[1]));
    let server = Serve::start(&["--tls-cert", &certificate, "--tls-key", &key, "--implicit-tls"]);
    let mut client = connect(&server, config(Security::Implicit, None), &authority.client_tls());
    assert!(client.ready().expect("a session").is_verified());
    deliver(&mut client);
    assert!(String::from_utf8(server.messages().concat()).expect("ASCII").contains(" with ESMTPS\r\n"));
    assert!(!server.output().contains("fingerprint"));

    // For EXTERNAL.
    let clients = Authority::new();
    let ca = file("ca.pem", clients.pem());
    let server = Serve::start(&["--tls-cert", &certificate, "--tls-key", &key, "--tls-client-ca", &ca]);
    let certified = clients.issue_client("Alice", &["alice@client.example"]).identity();
    let tls = authority.client_tls();
    for (user, expected) in [("", None), ("Alice", None), ("bob", Some(CloseReason::AuthRefused))] {
        let mut config = config(Security::Required, Some(Credentials::external().acting_as(user)));
        config.timeouts.auth = core::time::Duration::from_secs(20);
        let mut client = connect(&server, config, &tls.clone().with_identity(&certified));
        assert_eq!(client.ready().err(), expected, "{user:?}");
        if expected.is_none() {
            deliver(&mut client);
        }
    }
    let users: Vec<_> = server
        .output()
        .lines()
        .filter_map(|line| line.split_once(", user ").map(|(_, user)| user.to_owned()))
        .collect();
    assert_eq!(users, ["alice@client.example", "Alice"]);

    // What cannot be served.
    let mx = Authority::new().issue(&["localhost"]);
    let other = file("other.pem", &mx.pem[1]);
    let serve = |arguments: &[&str]| {
        let maildir = folder.path().join("mail");
        let maildir = maildir.to_str().expect("text");
        let first = ["serve", "--listen", "127.0.0.1:0", "--maildir", maildir];
        let ran = run(&[&first, arguments].concat(), b"");
        (ran.code, ran.errors)
    };
    for (arguments, words) in [
        (&["--tls-cert", &certificate, "--tls-key", "/nowhere"][..], "/nowhere: "),
        (&["--tls-cert", &key, "--tls-key", &key], "there is no certificate that can be read"),
        (&["--tls-cert", &certificate, "--tls-key", &certificate], "there is no private key that can be read"),
        (&["--tls-cert", &certificate, "--tls-key", &other], "this cannot be used for TLS: "),
        (&["--tls-self-signed", "--tls-client-ca", &key], "there is no certificate that can be read"),
    ] {
        let (code, errors) = serve(arguments);
        assert_eq!(code, Some(74), "{errors}");
        assert!(errors.starts_with("smtp serve: ") && errors.contains(words), "{errors}");
    }
}

/// Options that do not fit together are refused before anything is served.
#[test]
fn options_that_do_not_fit() {
    for arguments in [
        &["--implicit-tls"][..],
        &["--tls-cert", "x"],
        &["--tls-key", "x"],
        &["--tls-self-signed", "--tls-cert", "x", "--tls-key", "x"],
        &["--tls-client-ca", "x"],
        &["--auth", "alice:secret"],
        &["--auth", "alice", "--auth-without-tls"],
        &["--auth", "alice:secret", "--auth-mechanism", "NONSENSE", "--auth-without-tls"],
        &["--tls-self-signed", "--auth", "alice:secret", "--auth-mechanism", "EXTERNAL"],
    ] {
        let ran = run(&[&["serve", "--listen", "127.0.0.1:0", "--maildir", "/dev/null/mail"], arguments].concat(), b"");
        assert_eq!(ran.code, Some(64), "{arguments:?}: {ran:?}");
        assert!(!ran.errors.contains("secret"), "{ran:?}");
    }
}

/// Mechanisms that were chosen, and no others; without TLS where that was asked for.
#[test]
fn chosen_mechanisms_without_tls() {
    let server = Serve::start(&["--auth-mechanism", "anonymous", "--auth-mechanism", "LOGIN", "--auth-without-tls"]);
    let mut config = config(Security::Plain, Some(Credentials::anonymous("guest")));
    config.unprotected_credentials = true;
    let mut client = Client::connect(server.address(), config).expect("it listens");
    let capabilities = client.ready().expect("a session");
    assert_eq!(capabilities.mechanisms().collect::<Vec<_>>(), ["ANONYMOUS", "LOGIN"]);
    deliver(&mut client);
    assert!(String::from_utf8(server.messages().concat()).expect("ASCII").contains(" with ESMTPA\r\n"));
    assert!(server.output().contains(", user anonymous\n"), "{}", server.output());
}

/// Rule 43: the trace goes on over STARTTLS, in step, and shows no secret of any mechanism.
#[test]
fn trace_over_starttls() {
    let server = Serve::start(&["--trace", "--tls-self-signed", "--auth", "alice:se:cret"]);
    for mechanism in ["PLAIN", "LOGIN", "SCRAM-SHA-256-PLUS", "XOAUTH2"] {
        let mut client = connect(
            &server,
            {
                let mut config = alice(mechanism);
                config.unprotected_credentials = true;
                config
            },
            &ClientTls::insecure(),
        );
        deliver(&mut client);
        client.quit();
    }
    let said =
        wait_for("the end of the trace", || Some(server.errors()).filter(|said| said.matches("S: 221 ").count() == 4));
    for line in [
        "C: STARTTLS",
        "C: AUTH PLAIN [redacted]",
        "C: AUTH LOGIN",
        "C: AUTH SCRAM-SHA-256-PLUS [redacted]",
        "C: AUTH XOAUTH2 [redacted]",
        "S: 334 [redacted]",
        "C: [redacted]",
        "C: MAIL FROM:<a@client.example>",
        "C: (3 octets of mail data)",
    ] {
        assert!(said.lines().any(|said| said.starts_with(line)), "no `{line}` in {said}");
    }
    let secrets = [
        "se:cret".to_owned(),
        STANDARD.encode("\0alice\0se:cret"),
        STANDARD.encode("se:cret"),
        STANDARD.encode("alice"),
    ];
    for secret in secrets {
        assert!(!said.contains(&secret), "{secret} in {said}");
    }
    // Behind AUTH everything is shown again.
    assert_eq!(said.matches("C: QUIT").count(), 4);
}
