//! `smtp check`: what it finds, prints and exits with.

use serde_json::json;

use crate::program::{Run, run};
use crate::script::Turn::{self, Hear, HearLine, Say};
use crate::script::serve;

fn check(server: &str, more: &[&str]) -> Run {
    run(&[&["check", "--server", server, "--ehlo", "client.example"], more].concat(), b"")
}

const fn offering(offer: &'static str) -> [Turn; 5] {
    [Say("220 mx.example\r\n"), HearLine("EHLO client.example"), Say(offer), HearLine("QUIT"), Say("221 bye\r\n")]
}

/// A server in clear: its offer, and how one would log in. No MAIL and no AUTH is sent.
#[test]
fn in_clear() {
    static TURNS: [Turn; 5] =
        offering("250-mx.example\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 AUTH LOGIN PLAIN XOAUTH2\r\n");
    let address = serve(&TURNS);
    let run = check(&address.to_string(), &["--json"]);
    assert_eq!((run.code, run.errors.as_str()), (Some(0), ""), "{run:?}");
    let expected = json!({
        "host": "127.0.0.1",
        "port": address.port(),
        "tls": "none",
        "before_tls": ["PIPELINING", "SIZE 1000", "AUTH LOGIN PLAIN XOAUTH2"],
        "inside_tls": null,
        "version": null,
        "cipher": null,
        "certificate": null,
        "login": {
            "with": "password",
            "mechanism": "PLAIN",
            "mechanisms": [
                { "name": "LOGIN", "judgement": "could be used, but there is a better one" },
                { "name": "PLAIN", "judgement": "would be used" },
                { "name": "XOAUTH2", "judgement": "takes a token" },
            ],
            "error": null,
        },
        "error": null,
    });
    assert_eq!(run.json(), expected);
    let address = serve(&TURNS);
    let run = check(&address.to_string(), &[]);
    let lines = [
        format!("server: 127.0.0.1, port {}", address.port()),
        "before TLS:".into(),
        "  PIPELINING".into(),
        "  SIZE 1000".into(),
        "  AUTH LOGIN PLAIN XOAUTH2".into(),
        "login with a password: PLAIN".into(),
        "  LOGIN could be used, but there is a better one".into(),
        "  PLAIN would be used".into(),
        "  XOAUTH2 takes a token".into(),
    ];
    assert_eq!(
        (run.code, run.output.lines().collect::<Vec<_>>()),
        (Some(0), lines.iter().map(String::as_str).collect())
    );
}

/// A login that was asked for and cannot be is EX_NOPERM. No secret is read for it.
#[test]
fn logins_that_cannot_be() {
    static NO_AUTH: [Turn; 5] = offering("250 mx.example\r\n");
    static PASSWORDS: [Turn; 5] = offering("250-mx.example\r\n250 AUTH PLAIN\r\n");
    assert_eq!(check(&serve(&NO_AUTH).to_string(), &[]).code, Some(0));
    let alice = ["--user", "alice"];
    for (turns, option, code) in
        [(&NO_AUTH, "--password-file", 77), (&PASSWORDS, "--token-file", 77), (&PASSWORDS, "--password-file", 0)]
    {
        let run = check(&serve(turns).to_string(), &[&alice[..], &[option, "/no/such/file"]].concat());
        assert_eq!(run.code, Some(code), "{run:?}");
    }
}

/// R-3.2-01: a server that only knows HELO.
#[test]
fn helo_only() {
    static TURNS: [Turn; 7] = [
        Say("220 mx.example\r\n"),
        Hear,
        Say("502 5.5.1 what?\r\n"),
        HearLine("HELO client.example"),
        Say("250 mx.example\r\n"),
        HearLine("QUIT"),
        Say("221 bye\r\n"),
    ];
    let run = check(&serve(&TURNS).to_string(), &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.output.contains("before TLS:\n  (only HELO)\n"), "{run:?}");
}

/// What ends a session ends the check, with the same exit codes as sending.
#[test]
fn sessions_that_end() {
    static SILENT: [Turn; 0] = [];
    static NO_SERVICE: [Turn; 3] = [Say("554 5.3.2 no service\r\n"), Hear, Say("221 bye\r\n")];
    static NOT_NOW: [Turn; 1] = [Say("421 4.3.2 not now\r\n")];
    static GARBAGE: [Turn; 1] = [Say("SSH-2.0-x\r\n")];
    for (turns, code) in [(&SILENT[..], 75), (&NO_SERVICE, 69), (&NOT_NOW, 75), (&GARBAGE, 76)] {
        let run = check(&serve(turns).to_string(), &["--json"]);
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(run.json()["error"].is_string() && run.errors.starts_with("smtp check: "), "{run:?}");
    }
    assert_eq!(run(&["check", "--server", "no-such-host.invalid"], b"").code, Some(68));
    assert_eq!(run(&["check"], b"").code, Some(64));
}
