//! `smtp parse`: every kind through the program.

use serde_json::{Value, json};

use crate::program::run;

/// One object for each line, and the exit code says whether all are `ok`.
#[track_caller]
fn expect(arguments: &[&str], cases: &[(&str, Value)]) {
    let input: String = cases.iter().flat_map(|(case, _)| [*case, "\n"]).collect();
    let run = run(&[&["parse"], arguments].concat(), input.as_bytes());
    let answers: Vec<Value> = run
        .output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert_eq!(answers.len(), cases.len(), "{run:?}");
    for (answer, (case, expected)) in answers.iter().zip(cases) {
        let mut answer = answer.clone();
        // The wording of an error is free, and there is one exactly when the case fails.
        let error = answer.as_object_mut().expect("an object").remove("error");
        assert_eq!(
            error.is_some_and(|error| error.as_str().is_some_and(|text| text.ends_with('.'))),
            answer["ok"] == false
        );
        assert_eq!(&answer, expected, "{case}");
    }
    let all_ok = cases.iter().all(|(_, expected)| expected["ok"] == true);
    assert_eq!((run.code, run.errors.as_str()), (Some(if all_ok { 0 } else { 1 }), ""));
}

fn bad() -> Value {
    json!({ "ok": false })
}

fn cut() -> Value {
    json!({ "ok": false, "incomplete": true })
}

#[test]
fn mailbox() {
    let alice = json!({ "ok": true, "canonical": "alice@example.org", "local": "alice", "domain": "example.org" });
    expect(&["mailbox"], &[("alice@example.org", alice.clone())]);
    expect(
        &["mailbox"],
        &[
            (r#""alice"@example.org"#, alice.clone()),
            (r#"\x61lice@example.org"#, alice),
            ("ülrich@example.org", bad()),
            ("alice@", cut()),
            ("alice@example..org", bad()),
        ],
    );
    let found = json!({ "ok": true, "canonical": "ü@bücher.example", "local": "ü", "domain": "bücher.example" });
    expect(&["mailbox", "--smtputf8"], &[("ü@bücher.example", found)]);
}

#[test]
fn reverse_path() {
    let path = json!({
        "ok": true, "canonical": "<a@b.example>", "local": "a", "domain": "b.example", "route": "@x.example",
    });
    expect(
        &["reverse-path"],
        &[
            ("<>", json!({ "ok": true, "canonical": "<>" })),
            ("<@x.example:a@b.example>", path),
            ("<a@b.example", cut()),
            ("a@b.example", bad()),
        ],
    );
}

#[test]
fn forward_path() {
    let path = json!({ "ok": true, "canonical": "<a@b.example>", "local": "a", "domain": "b.example" });
    expect(
        &["forward-path"],
        &[
            ("<a@b.example>", path),
            ("<POSTMASTER>", json!({ "ok": true, "canonical": "<Postmaster>", "local": "Postmaster" })),
            ("<", cut()),
            ("<>", bad()),
        ],
    );
}

#[test]
fn domain() {
    let found = json!({ "ok": true, "canonical": "example.org", "domain": "example.org" });
    expect(&["domain"], &[("example.org", found), ("example.", cut()), ("exa mple", bad())]);
}

#[test]
fn command() {
    let refused = |reply: u16, enhanced: &str| json!({ "ok": false, "reply": reply, "enhanced": enhanced });
    let mut cut = refused(501, "5.1.3");
    cut["incomplete"] = true.into();
    let mail = json!({ "ok": true, "verb": "MAIL", "path": "<a@b.example>", "params": [["SIZE", "1"], ["X", null]] });
    expect(
        &["command"],
        &[
            (r"MAIL FROM:<a@b.example> SIZE=1 X\r\n", mail),
            ("ehlo client.example", json!({ "ok": true, "verb": "EHLO", "argument": "client.example" })),
            ("QUIT", json!({ "ok": true, "verb": "QUIT" })),
            ("RCPT TO:<a@b.example", cut),
            (r"RCPT TO:<a@b.example\r\n", refused(501, "5.1.3")),
            ("XYZZY", refused(500, "5.5.2")),
            (r"NOOP\n", refused(500, "5.5.2")),
        ],
    );
}

#[test]
fn reply() {
    expect(
        &["reply"],
        &[
            (r"250 OK\r\n", json!({ "ok": true, "code": 250, "enhanced": null, "lines": ["OK"] })),
            (
                r"550-5.1.1 no\r\n550 5.1.1 such\r\n",
                json!({ "ok": true, "code": 550, "enhanced": "5.1.1", "lines": ["no", "such"] }),
            ),
            ("250 OK", cut()),
            (r"999 OK\r\n", bad()),
        ],
    );
}

#[test]
fn ehlo() {
    let found = json!({ "ok": true, "domain": "mx.example", "keywords": [["SIZE", ["1000"]], ["HELP", []]] });
    expect(
        &["ehlo"],
        &[
            (r"250-mx.example hello\r\n250-SIZE 1000\r\n250 HELP\r\n", found),
            (r"250-mx.example\r\n", cut()),
            (r"250-mx.example\r\n250 _\r\n", bad()),
        ],
    );
}

#[test]
fn data() {
    expect(
        &["data"],
        &[
            (r"a\r\n..\xff\r\n.\r\nQUIT\r\n", json!({ "ok": true, "body": r"a\r\n.\xff\r\n", "consumed": 11 })),
            (r"a\r\n.", cut()),
            (r"a\n.\r\n", bad()),
            (r"\q", bad()),
        ],
    );
}

#[test]
fn nothing_is_no_failure_and_a_wrong_kind_is_wrong_usage() {
    let run_of = |arguments: &[&str]| run(arguments, b"").code;
    assert_eq!(run_of(&["parse", "mailbox"]), Some(0));
    assert_eq!(run_of(&["parse", "address"]), Some(64));
    assert_eq!(run_of(&["parse"]), Some(64));
    assert_eq!(run_of(&["parse", "--help"]), Some(0));
}
