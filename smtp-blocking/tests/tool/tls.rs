//! `smtp send` and `smtp check` over TLS: whom they trust, what they find, and what they say when it fails.

use core::net::SocketAddr;
use std::fs;
use std::sync::Arc;
use std::thread::JoinHandle;

use serde_json::{Value, json};
use smtp_blocking::rustls::ServerConfig;

use crate::authority::Authority;
use crate::program::{Run, run};
use crate::providers::USUAL;
use crate::providers::server::{Account, Heard, Manner, serve};
use crate::script;
use crate::script::Turn::{self, Hear, Say};

const ALICE: Account = Account { user: "alice", secret: "secret" };

/// Begins in clear.
const STARTTLS: Manner = Manner {
    in_clear: Some(&["mx.example", "PIPELINING", "STARTTLS"]),
    in_tls: &["mx.example", "PIPELINING", "AUTH PLAIN LOGIN XOAUTH2"],
    ..USUAL
};

/// Begins with TLS.
const IMPLICIT: Manner = Manner { in_clear: None, ..STARTTLS };

type Server = (SocketAddr, JoinHandle<Heard>);

fn server(manner: Manner, tls: Arc<ServerConfig>, connections: usize) -> Server {
    serve(manner, ALICE, tls, connections)
}

fn send(server: &SocketAddr, more: &[&str]) -> Run {
    let server = server.to_string();
    let mail =
        ["send", "--json", "--from", "alice@client.example", "--to", "bob@mx.example", "--ehlo", "client.example"];
    let login = ["--user", "alice", "--password-cmd", "echo secret"];
    run(&[&mail[..], &["--server", &server], &login, more].concat(), b"x\n")
}

fn check(server: &SocketAddr, more: &[&str]) -> Run {
    let server = server.to_string();
    run(&[&["check", "--json", "--ehlo", "client.example", "--server", &server], more].concat(), b"")
}

fn heard((_, thread): Server) -> Heard {
    thread.join().expect("the server does not panic")
}

#[track_caller]
fn expect(run: &Run, code: i32, result: &str, stage: &str) -> Value {
    let json = run.json();
    assert_eq!((run.code, &json["result"], &json["stage"]), (Some(code), &result.into(), &stage.into()), "{run:?}");
    json
}

/// TLS-17: over TLS with a certificate that verifies, in both forms, for an address as well as for a name.
#[test]
fn trusted_servers() {
    let authority = Authority::new();
    let ca = authority.file().display().to_string();
    for (manner, mode) in [(STARTTLS, "required"), (IMPLICIT, "implicit"), (STARTTLS, "opportunistic")] {
        let server = server(manner, authority.server("127.0.0.1"), 1);
        let run = send(&server.0, &["--tls", mode, "--tls-ca", &ca]);
        expect(&run, 0, "accepted", "final");
        assert_eq!(run.errors, "");
        let heard = heard(server);
        assert_eq!((heard.mechanism.as_deref(), heard.wrong), (Some("PLAIN"), vec![]), "{mode}");
    }
}

/// TLS-18: a certificate of nobody who is trusted, or for another name, ends the session before MAIL and AUTH, and the
/// error says what is wrong and what to do.
#[test]
fn certificates_that_do_not_verify() {
    let (authority, other) = (Authority::new(), Authority::new());
    let ca = authority.file().display().to_string();
    for (tls, what) in [
        (other.server("127.0.0.1"), "nobody who is trusted here has issued it"),
        (authority.server("mx.example"), "it is not for 127.0.0.1"),
    ] {
        for (manner, mode) in [(STARTTLS, "required"), (IMPLICIT, "implicit")] {
            let server = server(manner, Arc::clone(&tls), 1);
            let run = send(&server.0, &["--tls", mode, "--tls-ca", &ca]);
            let json = expect(&run, 76, "error", "tls");
            let error = json["error"].as_str().expect("text");
            assert!(error.starts_with("the TLS handshake failed: the certificate was refused: "), "{run:?}");
            assert!(error.contains(what) && error.contains("(--tls-ca FILE trusts other roots, --insecure"), "{run:?}");
            assert_eq!(heard(server), Heard::default());
        }
    }
}

/// TLS-37: `--server` beside `--provider` changes where to connect to, not whose certificate is expected.
#[test]
fn another_server_is_not_the_provider() {
    let authority = Authority::new();
    let ca = authority.file().display().to_string();
    for (name, code) in [("smtp.zoho.com", 0), ("127.0.0.1", 76)] {
        let server = server(IMPLICIT, authority.server(name), 1);
        let run = send(&server.0, &["--provider", "zoho", "--tls-ca", &ca]);
        assert_eq!(run.code, Some(code), "{run:?}");
        assert_eq!(heard(server).mechanism.is_some(), code == 0, "{name}");
    }
}

/// TLS-19: whoever says `--insecure` is warned, and logs in where TLS is certain.
#[test]
fn insecure() {
    let authority = Authority::new();
    for (manner, mode) in [(STARTTLS, "required"), (IMPLICIT, "implicit")] {
        let server = server(manner, authority.server("another.example"), 1);
        let run = send(&server.0, &["--tls", mode, "--insecure"]);
        expect(&run, 0, "accepted", "final");
        assert!(run.errors.starts_with("warning: the certificate of the server is not checked"), "{run:?}");
        assert_eq!(run.errors.lines().count(), 1);
        assert_eq!(heard(server).mechanism.as_deref(), Some("PLAIN"));
    }
}

/// SASL-13: EXTERNAL logs in with the certificate of the client.
#[test]
fn external() {
    let authority = Authority::new();
    let ca = authority.file().display().to_string();
    let (certificate, key) = authority.client();
    let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
    let manner = Manner { in_tls: &["mx.example", "AUTH EXTERNAL PLAIN"], ..IMPLICIT };
    let server = server(manner, authority.server_for_known_clients("127.0.0.1"), 1);
    let address = server.0.to_string();
    let mail = ["send", "--json", "--from", "alice@client.example", "--to", "bob@mx.example", "--server", &address];
    let tls = ["--tls", "implicit", "--tls-ca", &ca, "--tls-client-cert", &certificate, "--tls-client-key", &key];
    let run = run(&[&mail[..], &tls, &["--auth", "external"]].concat(), b"x\n");
    expect(&run, 0, "accepted", "final");
    assert_eq!(heard(server).mechanism.as_deref(), Some("EXTERNAL"));
}

/// With TLS to a port that begins in clear.
#[test]
fn tls_to_a_port_in_clear() {
    static TURNS: [Turn; 2] = [Say("220 mx.example ESMTP\r\n"), Hear];
    let run = send(&script::serve(&TURNS), &["--tls", "implicit"]);
    expect(&run, 76, "error", "tls");
    let text = "(the server speaks without TLS first: try --tls required, or smtp:// in the URL)\n";
    assert!(run.errors.ends_with(text), "{run:?}");
    let run = check(&script::serve(&TURNS), &["--tls", "implicit"]);
    assert_eq!(run.code, Some(76), "{run:?}");
    assert!(run.errors.ends_with(text), "{run:?}");
}

/// Files that cannot be used are named, and nobody is connected to.
#[test]
fn files_that_cannot_be_used() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "nothing\n").expect("a new file");
    let empty = empty.display().to_string();
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    for (options, text) in [
        (&["--tls-ca", "/no/such/file"][..], "--tls-ca /no/such/file: No such file"),
        (&["--tls-ca", &empty], "empty.pem: there is no certificate that can be read"),
        (
            &["--insecure", "--tls-client-cert", &empty, "--tls-client-key", "/no/such/key"],
            "--tls-client-key /no/such/key: No such",
        ),
        (&["--insecure", "--tls-client-cert", &empty, "--tls-client-key", &empty], "empty.pem: there is no"),
    ] {
        let run = send(&nobody, &[&["--tls", "implicit"], options].concat());
        let json = expect(&run, 74, "error", "connect");
        assert!(json["error"].as_str().is_some_and(|error| error.contains(text)), "{text}: {run:?}");
    }
}

/// What is offered before TLS and inside, and that nobody logs in.
#[test]
fn check_shows_both_sides() {
    let authority = Authority::new();
    let ca = authority.file().display().to_string();
    let server = server(STARTTLS, authority.server("127.0.0.1"), 2);
    let run = check(&server.0, &["--tls", "required", "--tls-ca", &ca, "--user", "a", "--token-file", "/no/such/file"]);
    assert_eq!((run.code, run.errors.as_str()), (Some(0), ""), "{run:?}");
    let json = run.json();
    assert_eq!(json["before_tls"], json!(["PIPELINING", "STARTTLS"]));
    assert_eq!(json["inside_tls"], json!(["PIPELINING", "AUTH PLAIN LOGIN XOAUTH2"]));
    assert_eq!(json["certificate"], json!({ "name": "127.0.0.1", "verified": true, "error": null }));
    assert_eq!(json["version"], "TLS 1.3");
    assert!(json["cipher"].as_str().is_some_and(|cipher| cipher.starts_with("TLS13_")), "{json}");
    assert_eq!((&json["login"]["with"], &json["login"]["mechanism"]), (&"token".into(), &"XOAUTH2".into()));
    assert_eq!(heard(server), Heard::default());
}

/// What lies behind a certificate that does not verify is shown, and the exit code says that it does not.
#[test]
fn check_looks_behind_a_certificate() {
    let (authority, other) = (Authority::new(), Authority::new());
    let ca = authority.file().display().to_string();
    for (manner, mode, connections) in [(STARTTLS, "required", 3), (IMPLICIT, "implicit", 2)] {
        let server = server(manner, other.server("127.0.0.1"), connections);
        let run = check(&server.0, &["--tls", mode, "--tls-ca", &ca]);
        assert_eq!(run.code, Some(76), "{run:?}");
        let json = run.json();
        assert_eq!(json["certificate"]["verified"], false, "{json}");
        let error = json["certificate"]["error"].as_str().expect("text");
        assert!(error.contains("nobody who is trusted here"), "{json}");
        assert_eq!(json["inside_tls"], json!(["PIPELINING", "AUTH PLAIN LOGIN XOAUTH2"]));
        assert_eq!(heard(server), Heard::default());
    }
    // Where the certificate need not verify, it is told all the same.
    let server = server(STARTTLS, other.server("127.0.0.1"), 2);
    let run = check(&server.0, &["--tls", "opportunistic", "--tls-ca", &ca]);
    assert_eq!((run.code, run.errors.as_str()), (Some(0), ""), "{run:?}");
    assert!(run.json()["certificate"]["error"].is_string(), "{run:?}");
    heard(server);
}

/// TLS-14.
#[test]
fn check_misses_starttls() {
    let authority = Authority::new();
    let manner = Manner { in_clear: Some(&["mx.example", "AUTH PLAIN"]), ..STARTTLS };
    let server = server(manner, authority.server("127.0.0.1"), 2);
    let run = check(&server.0, &["--tls", "required", "--insecure"]);
    assert_eq!(run.code, Some(76), "{run:?}");
    let json = run.json();
    assert_eq!((&json["before_tls"], &json["inside_tls"]), (&json!(["AUTH PLAIN"]), &Value::Null));
    assert!(run.errors.contains("(--tls opportunistic or --tls none goes on without TLS)\n"), "{run:?}");
    assert_eq!(heard(server), Heard::default());
}
