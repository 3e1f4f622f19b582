//! Where `smtp send` would connect to, and as whom.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::program::{Run, run, run_in};

const MAIL: [&str; 7] =
    ["send", "--from", "alice@client.example", "--to", "bob@mx.example", "--ehlo", "client.example"];

fn dry_run(more: &[&str]) -> Run {
    run(&[&MAIL[..], &["--dry-run", "--json"], more].concat(), b"")
}

/// The plan, of which nothing is done.
#[track_caller]
fn plan(more: &[&str]) -> Value {
    let run = dry_run(more);
    assert_eq!((run.code, run.errors.as_str()), (Some(0), ""), "{run:?}");
    run.json()
}

#[track_caller]
fn expect(plan: &Value, host: &str, port: u16, tls: &str) {
    assert_eq!((&plan["host"], &plan["port"], &plan["tls"]), (&host.into(), &port.into(), &tls.into()), "{plan}");
}

/// TLS-14: what nothing is said about is safe.
#[test]
fn where_to_connect() {
    expect(&plan(&["--server", "mx.example"]), "mx.example", 25, "required");
    expect(&plan(&["--server", "mx.example:465"]), "mx.example", 465, "implicit");
    expect(&plan(&["--server", "127.0.0.1:2525"]), "127.0.0.1", 2525, "none");
    expect(&plan(&["--server", "[::1]", "--tls", "required"]), "::1", 25, "required");
    expect(&plan(&["--url", "smtp://mx.example"]), "mx.example", 25, "required");
    expect(&plan(&["--url", "smtp://mx.example?tls=opportunistic"]), "mx.example", 25, "opportunistic");
    expect(&plan(&["--url", "smtps://mx.example"]), "mx.example", 465, "implicit");
    expect(&plan(&["--url", "smtp://mx.example", "--tls", "none"]), "mx.example", 25, "none");
    let gmail = ["--user", "a", "--password-file", "/nowhere"];
    expect(&plan(&[&["--provider", "Gmail"][..], &gmail].concat()), "smtp.gmail.com", 465, "implicit");
    let starttls = ["--provider", "googlemail.com", "--tls", "required"];
    expect(&plan(&[&starttls[..], &gmail].concat()), "smtp.gmail.com", 587, "required");
}

/// The whole of a plan, and that neither a password is read nor anybody connected to.
#[test]
fn a_whole_plan() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let server = listener.local_addr().expect("bound above").to_string();
    let arguments = ["--provider", "gmail", "--server", &server, "--password-file", "/no/such/file", "mail.eml"];
    let expected = json!({
        "host": "127.0.0.1",
        "port": listener.local_addr().expect("bound above").port(),
        "tls": "implicit",
        "certificate": "smtp.gmail.com",
        "provider": "gmail",
        "user": "alice@client.example",
        "login": "password",
        "secret": "--password-file /no/such/file",
        "mechanisms": ["PLAIN", "LOGIN"],
        "hint": "gmail wants an app password, made in the account's security settings, not the password of the account, \
                 or an OAuth 2.0 access token",
        "ehlo": "client.example",
        "from": "alice@client.example",
        "to": ["bob@mx.example"],
        "message": { "source": "file", "file": "mail.eml" },
        "error": null,
    });
    assert_eq!(plan(&arguments), expected);
    let text = run(&[&MAIL[..], &["--dry-run"], &arguments].concat(), b"");
    let lines = [
        format!("server: {}", server.replace(':', ", port ") + " (provider gmail)"),
        "TLS: from the first octet, with a certificate of smtp.gmail.com".into(),
        "login: password from --password-file /no/such/file, as alice@client.example".into(),
        "mechanisms: PLAIN LOGIN".into(),
        format!("hint: {}", expected["hint"].as_str().expect("text")),
        "EHLO: client.example".into(),
        "from: <alice@client.example>".into(),
        "to: <bob@mx.example>".into(),
        "message: mail.eml".into(),
    ];
    assert_eq!((text.code, text.errors.as_str()), (Some(0), ""), "{text:?}");
    assert_eq!(text.output.lines().collect::<Vec<_>>(), lines);
    listener.set_nonblocking(true).expect("a socket");
    assert!(listener.accept().is_err(), "somebody connected");
}

#[test]
fn where_the_message_comes_from() {
    let server = ["--server", "mx.example"];
    let message = |more: &[&str]| plan(&[&server[..], more].concat())["message"].clone();
    assert_eq!(message(&[]), json!({ "source": "stdin", "file": null }));
    assert_eq!(message(&["-"]), json!({ "source": "stdin", "file": null }));
    assert_eq!(message(&["--subject", "x"]), json!({ "source": "options", "file": null }));
}

/// What the environment says counts only if nothing else is said, and its password is not shown.
#[test]
fn url_of_the_environment() {
    let variables = [("SMTP_URL", "smtps://alice:hunter2@mx.example?auth=login")];
    let plan = |more: &[&str]| run_in(&variables, &[&MAIL[..], &["--dry-run", "--json"], more].concat(), b"");
    let found = plan(&[]).json();
    expect(&found, "mx.example", 465, "implicit");
    assert_eq!((&found["user"], &found["secret"]), (&"alice".into(), &"the URL".into()));
    assert_eq!(found["mechanisms"], json!(["LOGIN"]));
    expect(&plan(&["--server", "other.example"]).json(), "other.example", 25, "required");
    expect(&plan(&["--url", "smtp://other.example"]).json(), "other.example", 25, "required");
    assert_eq!(plan(&["--provider", "gmail", "--password-file", "x"]).json()["secret"], "--password-file x");
    for run in [plan(&[]), run_in(&variables, &[&MAIL[..], &["--dry-run"]].concat(), b"")] {
        assert!(!format!("{run:?}").contains("hunter2"), "{run:?}");
    }
    let nothing = run_in(&[("SMTP_URL", "")], &MAIL, b"");
    let text = "smtp send: say where to connect to: a URL, a provider or a server\n";
    assert_eq!((nothing.code, nothing.errors.as_str()), (Some(64), text));
}

/// SASL-16: no URL that is wrong is shown, since it may hold a password.
#[test]
fn wrong_urls_are_not_shown() {
    for url in ["smtp://alice:hunter2 @h", "smtp://alice:hunter2/@h", "hunter2", "smtp://alice:hunter2@h?x=hunter2"] {
        for run in [dry_run(&["--url", url]), run_in(&[("SMTP_URL", url)], &MAIL, b"")] {
            assert_eq!((run.code, run.output.as_str()), (Some(64), ""), "{run:?}");
            let says_which =
                run.errors.starts_with("smtp send: --url: ") || run.errors.starts_with("smtp send: SMTP_URL: ");
            assert!(says_which && !run.errors.contains("hunter2"), "{run:?}");
        }
    }
    let both = dry_run(&["--url", "smtp://alice:hunter2@h", "--server", "h"]);
    assert!(both.code == Some(64) && !both.errors.contains("hunter2"), "{both:?}");
}

/// What has to be said to log in is said before anybody is connected to, and how to say it.
#[test]
fn what_is_missing() {
    let ends = [
        (&["--provider", "gmail"][..], "give it with --password-file, --password-cmd, --token-file or --token-cmd\n"),
        (&["--provider", "outlook"], "wants an OAuth 2.0 access token: give it with --token-file or --token-cmd\n"),
        (&["--provider", "163"], "not the password of the account: give it with --password-file or --password-cmd\n"),
        (&["--provider", "mailgun", "--password-file", "x"], "that only the account knows: give it with --user\n"),
        (&["--server", "mx.example", "--token-cmd", "x"], "and no user name: give it with --user\n"),
        (&["--url", "smtp://alice@mx.example"], "--password-file, --password-cmd, --token-file or --token-cmd\n"),
        (&["--url", "smtps://mx.example", "--auth", "external"], "client: give --tls-client-cert\n"),
        (&["--provider", "nobody"], "by the domain of its addresses: name the server\n"),
        (&["--provider", "auto"], "by the domain of its addresses: name the server\n"),
        (&["--provider", "ses"], "needs its region: write ses:REGION\n"),
        (&["--url", "lmtp://localhost"], "LMTP is not spoken yet: connect with smtp:// or smtps://\n"),
    ];
    for (options, end) in ends {
        for run in [dry_run(options), run(&[&MAIL[..], options].concat(), b"")] {
            assert_eq!(run.code, Some(64), "{run:?}");
            assert!(run.errors.ends_with(end) && run.errors.lines().count() == 1, "{run:?}");
        }
    }
    // What is known is shown all the same.
    assert_eq!(dry_run(&["--provider", "outlook"]).json()["host"], "smtp-mail.outlook.com");
}

/// TLS-19: a plan that cannot be carried out says so.
#[test]
fn credentials_that_would_not_go_out() {
    let in_clear = ["--url", "smtp://alice:x@mx.example?tls=none&auth=plain"];
    let run = dry_run(&in_clear);
    assert_eq!(run.code, Some(77), "{run:?}");
    assert_eq!(run.json()["mechanisms"], json!([]));
    assert_eq!(run.errors, "smtp send: credentials are not sent without TLS and a verified certificate\n");
    assert_eq!(plan(&[&in_clear[..], &["--auth-without-tls"]].concat())["error"], Value::Null);
    assert_eq!(plan(&["--url", "smtp://alice:x@localhost"])["error"], Value::Null);
    let run = dry_run(&["--provider", "outlook", "--password-file", "x"]);
    assert_eq!((run.code, &run.json()["mechanisms"]), (Some(77), &json!([])), "{run:?}");
}

#[test]
fn wrong_usage() {
    let wrong = [
        &["--server", "mx:port"][..],
        &["--server", "mx.example:0"],
        &["--server", "a b"],
        &["--url", "smtp://h", "--provider", "gmail"],
        &["--url", "smtp://h", "--server", "h"],
        &["--url", "smtps://h", "--tls", "none"],
        &["--server", "h", "--tls", "maybe"],
        &["--server", "h", "--user", "a", "--password-file", "x", "--token-file", "y"],
        &["--server", "h", "--user", "a", "--password-file", "x", "--password-cmd", "y"],
        &["--server", "h", "--user", "a", "--password-file", "x", "--auth", "XOAUTH2"],
        &["--server", "h", "--user", "a\r\nb", "--password-file", "x"],
        &["--server", "h", "--auth", "a b"],
        &["--server", "h", "--insecure", "--tls-ca", "x"],
        &["--server", "h", "--tls-client-cert", "x"],
        &["--server", "h", "--tls-client-key", "x"],
        &["--server", "h", "--ehlo", "x y"],
        &["--url", "smtp://h?ehlo=a_b"],
        &["--provider", "gmail:x"],
        &[],
    ];
    for options in wrong {
        let run = run(&[&MAIL[..5], options, &["--dry-run"]].concat(), b"");
        assert_eq!((run.code, run.output.as_str()), (Some(64), ""), "{options:?}: {run:?}");
        assert!(!run.errors.is_empty());
    }
}
