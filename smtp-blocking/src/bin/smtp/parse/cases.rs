//! Cases of every kind with what is said of them.

use serde_json::{Value, json};
use smtp_proto::address::Charset::{self, Ascii, Utf8};

use super::check::check;
use super::kind::Kind;

/// What `expected` says of a case has to be in the answer; `incomplete` and the failure have to be there exactly if
/// they are expected.
fn expect(kind: Kind, charset: Charset, cases: &[(&[u8], Value)]) {
    for (octets, expected) in cases {
        let case = octets.escape_ascii();
        let answer = check(kind, octets, charset);
        for (key, value) in expected.as_object().expect("an object") {
            assert_eq!(&answer[key], value, "`{key}` of {kind:?} `{case}`: {answer}");
        }
        assert_eq!(answer["ok"] == false, answer["error"].is_string(), "{kind:?} `{case}`: {answer}");
        assert_eq!(answer.get("incomplete"), expected.get("incomplete"), "{kind:?} `{case}`: {answer}");
        if answer["ok"] == true || answer["incomplete"] == true {
            expect_beginnings(kind, charset, octets);
        }
    }
}

/// Whatever a correct case or a correct beginning begins with is a correct beginning.
fn expect_beginnings(kind: Kind, charset: Charset, octets: &[u8]) {
    for end in 0..octets.len() {
        let answer = check(kind, &octets[..end], charset);
        let case = octets[..end].escape_ascii();
        assert!(answer["ok"] == true || answer["incomplete"] == true, "{kind:?} `{case}`: {answer}");
    }
}

fn bad() -> Value {
    json!({ "ok": false })
}

fn cut() -> Value {
    json!({ "ok": false, "incomplete": true })
}

#[test]
fn mailbox() {
    let found =
        |local, domain, canonical| json!({ "ok": true, "local": local, "domain": domain, "canonical": canonical });
    expect(
        Kind::Mailbox,
        Ascii,
        &[
            (b"alice@example.org", found("alice", "example.org", "alice@example.org")),
            (br#""alice"@Example.org"#, found("alice", "Example.org", "alice@Example.org")),
            (br#""a\ b"@example.org"#, found(r#""a b""#, "example.org", r#""a b"@example.org"#)),
            (br#""a@b"@example.org"#, found(r#""a@b""#, "example.org", r#""a@b"@example.org"#)),
            (b"a@[IPv6:::1]", found("a", "[IPv6:::1]", "a@[IPv6:::1]")),
            (b"", cut()),
            (b"alice", cut()),
            (b"alice@", cut()),
            (b"alice@example.", cut()),
            (br#""alice"#, cut()),
            (b"@example.org", bad()),
            (b"a..b@example.org", bad()),
            (b"<alice@example.org>", bad()),
            (b"alice@example.org\r\n", bad()),
            (b"alice@example.org\0", bad()),
            ("ülrich@example.org".as_bytes(), bad()),
            (b"a\xc3", bad()),
        ],
    );
    expect(
        Kind::Mailbox,
        Utf8,
        &[
            ("ülrich@bücher.example".as_bytes(), found("ülrich", "bücher.example", "ülrich@bücher.example")),
            (b"a\xc3", cut()),
            (b"a\xc3@example.org", bad()),
        ],
    );
    let answer = check(Kind::Mailbox, b"@example.org", Ascii);
    assert_eq!(answer["error"], "The local part is empty.");
}

#[test]
fn reverse_path() {
    expect(
        Kind::ReversePath,
        Ascii,
        &[
            (b"<>", json!({ "ok": true, "canonical": "<>" })),
            (
                b"<a@b.example>",
                json!({ "ok": true, "canonical": "<a@b.example>", "local": "a", "domain": "b.example" }),
            ),
            (
                br#"<@x.example,@y.example:"a"@b.example>"#,
                json!({ "ok": true, "canonical": "<a@b.example>", "route": "@x.example,@y.example" }),
            ),
            (b"", cut()),
            (b"<", cut()),
            (b"<a@b.example", cut()),
            (b"<@x.example", cut()),
            (b"a@b.example", bad()),
            (b"<> ", bad()),
            (b"<Postmaster>", bad()),
        ],
    );
    assert!(check(Kind::ReversePath, b"<>", Ascii).get("local").is_none());
}

#[test]
fn forward_path() {
    expect(
        Kind::ForwardPath,
        Ascii,
        &[
            (b"<postMASTER>", json!({ "ok": true, "canonical": "<Postmaster>" })),
            (b"<a@b.example>", json!({ "ok": true, "canonical": "<a@b.example>" })),
            (b"<@x.example:a@b.example>", json!({ "ok": true, "canonical": "<a@b.example>", "route": "@x.example" })),
            (b"<Postm", cut()),
            (b"<Postmaster", cut()),
            (b"<>", bad()),
            (b"<alice>", bad()),
        ],
    );
}

#[test]
fn domain() {
    expect(
        Kind::Domain,
        Ascii,
        &[
            (b"example.org", json!({ "ok": true, "canonical": "example.org", "domain": "example.org" })),
            (b"localhost", json!({ "ok": true })),
            (b"", cut()),
            (b"example.", cut()),
            (b"a-", cut()),
            (b"-a", bad()),
            (b"a..b", bad()),
            (b"a_b", bad()),
            (b"[127.0.0.1]", bad()),
            ("bücher.example".as_bytes(), bad()),
        ],
    );
    expect(Kind::Domain, Utf8, &[("bücher.example".as_bytes(), json!({ "ok": true }))]);
}

#[test]
fn command() {
    let refused = |reply, enhanced| json!({ "ok": false, "reply": reply, "enhanced": enhanced });
    let cut = |reply| json!({ "ok": false, "reply": reply, "incomplete": true });
    expect(
        Kind::Command,
        Ascii,
        &[
            (b"NOOP", json!({ "ok": true, "verb": "NOOP" })),
            (b"noop\r\n", json!({ "ok": true, "verb": "NOOP" })),
            (
                b"mail from:<@x.example:a@b.example> size=10 BODY=8BITMIME X",
                json!({
                    "ok": true,
                    "verb": "MAIL",
                    "path": "<@x.example:a@b.example>",
                    "params": [["size", "10"], ["BODY", "8BITMIME"], ["X", null]],
                }),
            ),
            (b"MAIL FROM:<>", json!({ "ok": true, "path": "<>" })),
            (b"RCPT TO:<postmaster>\r\n", json!({ "ok": true, "verb": "RCPT", "path": "<postmaster>" })),
            (b"EHLO [127.0.0.1]", json!({ "ok": true, "verb": "EHLO", "argument": "[127.0.0.1]" })),
            (b"BDAT 100 last", json!({ "ok": true, "argument": "100 LAST" })),
            (b"AUTH PLAIN =", json!({ "ok": true, "argument": "PLAIN =" })),
            (b"HELP", json!({ "ok": true, "argument": null })),
            (b"VRFY smith", json!({ "ok": true, "argument": "smith" })),
            (b"", cut(500)),
            (b"DAT", cut(500)),
            (b"NOOP\r", cut(500)),
            (b"MAIL", cut(501)),
            (b"MAIL FROM:<a@b.example", cut(501)),
            (b"MAIL FROM:<> SIZE", cut(501)),
            (b"MAIL FROM:<> SIZE=", cut(501)),
            (b"MAIL FROM:<> BODY=8bit", cut(501)),
            (b"\r\n", refused(500, "5.5.2")),
            (b"DAT\r\n", refused(500, "5.5.2")),
            (b"XYZZY", refused(500, "5.5.2")),
            (b"XYZZY\r", refused(500, "5.5.2")),
            (b"NOOP\r\nNOOP\r\n", refused(500, "5.5.2")),
            (b"NOOP\n", refused(500, "5.5.2")),
            (b"NOOP \0", refused(500, "5.5.2")),
            (b"DATA now", refused(501, "5.5.4")),
            (b"MAIL FROM:<a@b.example\r\n", refused(501, "5.1.7")),
            (b"MAIL FROM: <a@b.example>", refused(501, "5.5.2")),
            (b"RCPT TO:<.a@b.example>", refused(501, "5.1.3")),
            (b"MAIL FROM:<> SIZE=x", refused(501, "5.5.4")),
            (b"MAIL FROM:<> SIZE\r\n", refused(501, "5.5.4")),
            (b"MAIL FROM:<> SIZE ", refused(501, "5.5.4")),
            (b"MAIL FROM:<> SIZE BODY=7BIT", refused(501, "5.5.4")),
            (b"MAIL FROM:<> SIZE=1 SIZE=1", refused(501, "5.5.4")),
            (&[b"NOOP ", &[b'x'; 2041][..]].concat(), json!({ "ok": true, "verb": "NOOP" })),
            (&[b"NOOP ", &[b'x'; 2042][..]].concat(), refused(500, "5.5.2")),
            ("MAIL FROM:<ü@b.example>".as_bytes(), bad()),
        ],
    );
    expect(Kind::Command, Utf8, &[("MAIL FROM:<ü@b.example>".as_bytes(), json!({ "path": "<ü@b.example>" }))]);
    assert!(check(Kind::Command, b"MAIL FROM:<>", Ascii).get("params").is_none());
}

#[test]
fn reply() {
    let found = |code, enhanced: Option<&str>, lines: &[&str]| json!({ "ok": true, "code": code, "enhanced": enhanced, "lines": lines });
    expect(
        Kind::Reply,
        Ascii,
        &[
            (b"250 OK\r\n", found(250, None, &["OK"])),
            (b"250\r\n", found(250, None, &[""])),
            (b"550-5.1.1 No such\r\n550 5.1.1 user\r\n", found(550, Some("5.1.1"), &["No such", "user"])),
            (b"", cut()),
            (b"2", cut()),
            (b"250 OK", cut()),
            (b"250 OK\r", cut()),
            (b"250-a\r\n", cut()),
            (b"250-a\r\n25", cut()),
            (b"250-a\r\n251", bad()),
            (b"250-a\r\n251 b\r\n", bad()),
            (b"250 OK\r\n250 OK\r\n", bad()),
            (b"250 OK\n", bad()),
            (b"199 x\r\n", bad()),
            (b"1", bad()),
            (b"250_x", bad()),
        ],
    );
}

#[test]
fn ehlo() {
    expect(
        Kind::Ehlo,
        Ascii,
        &[
            (
                b"250-mx.example at your service\r\n250-SIZE 1000\r\n250-8bitmime\r\n250 X a b\r\n",
                json!({
                    "ok": true,
                    "domain": "mx.example",
                    "keywords": [["SIZE", ["1000"]], ["8bitmime", []], ["X", ["a", "b"]]],
                }),
            ),
            (b"250 mx.example\r\n", json!({ "ok": true, "domain": "mx.example", "keywords": [] })),
            (b"", cut()),
            (b"25", cut()),
            (b"250", cut()),
            (b"250-", cut()),
            (b"250-mx.", cut()),
            (b"250 [127.0", cut()),
            (b"250-mx.example hello\r", cut()),
            (b"250-mx.example\r\n", cut()),
            (b"250-mx.example\r\n250", cut()),
            (b"250-mx.example\r\n250-SIZE ", cut()),
            (b"250-mx.example\r\n250-SIZE\r", cut()),
            (b"250-mx..example", bad()),
            (b"250-_", bad()),
            (b"550", bad()),
            (b"550 no\r\n", bad()),
            (b"250-mx.example\r\n250-_", bad()),
            (b"250-mx.example\r\n250-A  ", bad()),
            (b"250-mx.example\r\n251", bad()),
            (b"250-mx.example\r\n250 \r\n", bad()),
            (b"250 mx.example\r\nNOOP\r\n", bad()),
        ],
    );
}

#[test]
fn data() {
    let found = |body, consumed| json!({ "ok": true, "body": body, "consumed": consumed });
    expect(
        Kind::Data,
        Ascii,
        &[
            (b".\r\n", found("", 3)),
            (b"a\r\n..b\r\n\xff\\\t\r\n.\r\nQUIT\r\n", found(r"a\r\n.b\r\n\xff\\\t\r\n", 16)),
            (b"", cut()),
            (b"a", cut()),
            (b"a\r\n.", cut()),
            (b"a\r\n.\r", cut()),
            (b"a\r", cut()),
            (b"a\n", bad()),
            (b"a\n.\r\n\r\n.\r\n", bad()),
            (b"a\0\r\n.\r\n", bad()),
        ],
    );
}
