//! What `lint` says about a transcript, and that it is silent about a good one.

use smtp_conformance::corpus::Corpus;
use smtp_conformance::transcript::{Transcript, lint};

const GOOD: &str = r"smtpt: 1
title: LF dot LF does not end the mail data
role: server
state: data
needs: rcpt time
covers: R-4.1.1.4-10; R-4.2-01
tags: delivers security

C| one\n.\nMAIL FROM:<$sender>\r\n
C: .
R: R-4.1.1.4-10 MUST-NOT take it as the end
S: 250 | 4yz | 5yz
R: R-4.2-01 MUST give one reply
S=quiet 300ms
@deadline server >= 5m
";

const CLIENT: &str = r"smtpt: 1
title: a group
role: client
covers: X-2920-3.1-05

S: 220 mx.example ESMTP
C: EHLO $client
S: 250 mx.example
S+ PIPELINING
U: send from=<a@c.example> to=<$rcpt> data=@a.eml
R: X-2920-3.1-05 PROSE start with the content
C=data @a.eml
S: 250 ok
";

/// The remarks on a transcript that stands in this place, with a file `a.eml`.
fn at(id: &str, text: &str) -> Vec<String> {
    let mut transcript = Transcript::parse(id, text).unwrap_or_else(|error| panic!("{error}"));
    if transcript.files().contains(&"a.eml") {
        transcript.attachments.push(("a.eml".into(), b"text\r\n".to_vec()));
    }
    lint::transcript(&transcript).iter().map(|remark| remark.to_string().replacen(id, "", 1)).collect()
}

fn server(text: &str) -> Vec<String> {
    at("rfc5321/4.1.1.4/lf-dot-lf", text)
}

fn client(text: &str) -> Vec<String> {
    at("rfc2920/3.1/group", text)
}

/// The remarks on the good one after a change.
fn changed(from: &str, to: &str) -> Vec<String> {
    let (text, lint): (_, fn(&str) -> _) = if GOOD.contains(from) { (GOOD, server) } else { (CLIENT, client) };
    assert!(text.contains(from), "{from}");
    lint(&text.replace(from, to))
}

#[test]
fn nothing_is_said_about_good_ones() {
    assert_eq!(server(GOOD), [""; 0]);
    assert_eq!(client(CLIENT), [""; 0]);
}

#[test]
fn the_place() {
    let place = ": its place is not rfcNNNN/SECTION/some-name, in small letters, digits and hyphens";
    for id in ["lf-dot-lf", "rfc5321/lf-dot-lf", "rfc5321/4.1.1.4/smuggling/lf", "rfc5321/4.1.1.4/LF"] {
        assert_eq!(at(id, GOOD), [place], "{id}");
    }
    let section = ": it covers no requirement of the section in whose folder it is";
    for id in ["rfc5321/4.1.1/x", "rfc5321/4.1/x", "rfc2920/4.2/x"] {
        assert_eq!(at(id, GOOD), [section], "{id}");
    }
    assert_eq!(at("rfc5321/4.2/x", GOOD), [""; 0]);
}

#[test]
fn the_requirements() {
    assert_eq!(
        changed("covers: R-4.1.1.4-10; R-4.2-01\n", ""),
        [
            ": it covers no requirement of the section in whose folder it is",
            ": it covers nothing: `covers:` and the ids of requirements",
            ":10: R-4.1.1.4-10 is not in `covers:`",
            ":12: R-4.2-01 is not in `covers:`",
        ]
    );
    assert_eq!(
        changed("; R-4.2-01", "; R-4.2-1"),
        [": there is no requirement R-4.2-1", ":13: R-4.2-01 is not in `covers:`"]
    );
    assert_eq!(changed("; R-4.2-01", "; R-4.2-01; R-4.2-02"), [": it covers R-4.2-02, and no `R:` line is about that"]);
    assert_eq!(
        changed("R: R-4.2-01 MUST", "R: R-4.2-1 MUST"),
        [": it covers R-4.2-01, and no `R:` line is about that", ":13: there is no requirement R-4.2-1"]
    );
    assert_eq!(changed("-10 MUST-NOT", "-10 SHOULD-NOT"), [":11: R-4.1.1.4-10 is MUST-NOT, not SHOULD-NOT"]);
    let binds = "X-2920-3.1-05 binds a client, and the role under test is server";
    let text =
        CLIENT.replace("client\n", "server\n").replace("U: send from=<a@c.example> to=<$rcpt> data=@a.eml\n", "");
    assert!(client(&text).contains(&format!(": {binds}")));
    assert!(
        changed("role: server", "role: client")
            .contains(&": R-4.1.1.4-10 binds a server, and the role under test is client".into())
    );
}

#[test]
fn the_clauses() {
    let nothing = "no line checks this: what it is about stands below it";
    assert_eq!(changed("S: 250 | 4yz | 5yz\n", ""), [format!(":11: {nothing}")]);
    assert_eq!(changed("S: 250 | 4yz | 5yz\n", "C: NOOP\n@ +1s\n# S: 250\n"), [format!(":11: {nothing}")]);
    assert_eq!(changed("S=quiet 300ms\n@deadline server >= 5m\n", ""), [format!(":13: {nothing}")]);
    for check in ["S| x", "S=eof", "S=repeat 2 \"x\"", "U= reset"] {
        assert_eq!(changed("S: 250 | 4yz | 5yz", check), [""; 0], "{check}");
    }
    assert_eq!(changed("C=data @a.eml\nS: 250 ok", "S: 250 ok\nS=eof"), [format!(":11: {nothing}")]);
    for check in ["C: x", "C? x", "C| x", "C=eof", "C=quiet 1s"] {
        assert_eq!(changed("C=data @a.eml\n", &format!("{check}\n")), [""; 0], "{check}");
    }
}

#[test]
fn what_may_be() {
    let otherwise = ":13: what MAY be may be otherwise, too: say the ways that are allowed, with | between them";
    let may = |lines: &str| {
        let text = GOOD
            .replace("; R-4.2-01", "; MAY_ID")
            .replace("R: R-4.2-01 MUST give one reply\nS=quiet 300ms", "R: MAY_ID MAY\nLINES");
        server(&text.replace("MAY_ID", MAY).replace("LINES", lines).replace("@deadline server >= 5m\n", ""))
    };
    for lines in ["S: 250", "S: 250 2.1.0 ~/a/\nC: NOOP\nS: 250"] {
        assert_eq!(may(lines), [otherwise], "{lines}");
    }
    for lines in ["S: 250 | 550", "S: 25z", "S: 250\nC: NOOP\nS: 250 | 502", "S=quiet 1s", "S: 250\nS+ SIZE"] {
        assert_eq!(may(lines), [""; 0], "{lines}");
    }
}

#[test]
fn the_tags() {
    let both = |tag| format!(": it is tagged safe and {tag}: one of them is wrong");
    assert_eq!(changed("tags: delivers", "tags: safe delivers"), [both("delivers")]);
    assert_eq!(
        changed("tags: delivers", "tags: safe flood delivers auth-fail"),
        ["delivers", "auth-fail", "flood"].map(both)
    );
    let missing = ": the script sends a message, and the tag delivers is missing";
    assert_eq!(changed("tags: delivers ", "tags: "), [missing]);
    let data = GOOD.replace("tags: delivers security\n", "").replace("C: .\n", "C=data @a.eml\n");
    assert_eq!(server(&data), [missing]);
    assert_eq!(server(&data.replace("C=data @a.eml\n", "C: ..\n")), [""; 0]);
}

#[test]
fn the_needs() {
    assert_eq!(changed("needs: rcpt time", "needs: time"), [": this wants `needs: rcpt`"]);
    assert_eq!(changed("needs: rcpt time", "needs: rcpts=2 time"), [""; 0]);
    assert_eq!(changed("needs: rcpt time", "needs: rcpt"), [":15: this wants `needs: time`"]);
    for (line, need) in [
        ("C: RCPT TO:<$rcpt2>", "rcpts=2"),
        ("C| RCPT TO:<$badrcpt>\\r\\n", "badrcpt"),
        ("C: $b64(\\0$user\\0$password)", "auth"),
        ("=tls", "tls"),
        ("U: shutdown", "app"),
        ("U: reject rcpt 550 no", "app"),
    ] {
        let twice = format!("{line}\nC: .\n{line}");
        assert_eq!(changed("C: .", &twice), [format!(":10: this wants `needs: {need}`")], "told once: {line}");
        let (text, met) = (GOOD.replace("C: .", &twice), format!("needs: {need} "));
        assert_eq!(
            server(
                &text
                    .replace("needs: rcpt ", if need == "rcpts=2" { &met } else { "needs: NEED rcpt " })
                    .replace("NEED", need)
            ),
            [""; 0]
        );
    }
    for (state, need) in [("tls", "tls"), ("auth", "auth")] {
        let text = GOOD.replace("state: data", &format!("state: {state}"));
        assert_eq!(server(&text), [format!(": this wants `needs: {need}`")]);
        assert_eq!(server(&text.replace("needs: ", &format!("needs: {need} "))), [""; 0]);
    }
    let again = CLIENT.replace("R: X", "U: send from=<> to=<$rcpt> data=@a.eml\nR: X");
    assert_eq!(client(&again), [":11: this wants `needs: mails=2`"]);
    assert_eq!(client(&again.replace("covers", "needs: mails=2\ncovers")), [""; 0]);
    assert_eq!(client(&CLIENT.replace("covers", "state: rcpt\ncovers")), [""; 0], "the script accepts whom it wants");
}

#[test]
fn the_lines() {
    let pipelining = ": `pipelining: required` is about a client, and a server is under test";
    assert_eq!(changed("tags: delivers security\n", "tags: delivers security\npipelining: required\n"), [pipelining]);
    assert_eq!(client(&CLIENT.replace("covers", "pipelining: required\ncovers")), [""; 0]);

    let space = r"nobody sees the space at the end: write the line with | and \x20\r\n";
    assert_eq!(changed("C: .", "C: NOOP \nC: ."), [format!(":10: {space}")]);
    assert_eq!(changed("S: 250 ok", "S: 250 "), [format!(":13: {space}")]);
    assert_eq!(changed("C: .", "C: EHLO a | HELO a\nC: ."), [":10: the script says this as it stands, with the |"]);
    assert_eq!(changed("C: .", "C: MAIL FROM:<> ...\nC: ."), [":10: the script says this as it stands, with the dots"]);
    assert_eq!(changed("C: .", "C: ...\nC: ."), [""; 0], "mail data");
    assert_eq!(client(&CLIENT.replace("EHLO $client", "EHLO ... | HELO ...")), [""; 0]);
    let definite = "the script is the server: say which of these replies it gives";
    assert_eq!(changed("S: 250 ok", "S: 250 | 251"), [format!(":13: {definite}")]);
    assert_eq!(changed("S: 250 ok", "S: 25z"), [format!(":13: {definite}")]);
    assert_eq!(changed("S: 250 ok", "S: what"), [""; 0]);

    assert_eq!(changed("@deadline server", "@deadline client"), [":15: the client is the script, and has no deadline"]);
    let text = CLIENT.replace("covers", "needs: time\ncovers").replace("S: 250 ok", "@deadline server <= 5m");
    assert_eq!(client(&text), [":14: the server is the script, and has no deadline"]);
    assert_eq!(client(&text.replace("@deadline server", "@deadline client")), [""; 0]);

    assert_eq!(changed("$sender", "$sendr"), [":9: there is no variable $sendr, and $$ is a dollar sign"]);
    let text = "no variable is put into a text that is compared";
    for reply in [
        "S: 250 ~/$domain/",
        "S: 250 | 251 exact \"$client\"",
        "S: 250\nS+ SIZE ~$domain",
        "U= refused <a> 550 ~/$domain/",
    ] {
        let line = 12 + reply.matches('\n').count();
        assert_eq!(changed("S: 250 | 4yz | 5yz", reply), [format!(":{line}: {text}")], "{reply}");
    }
    assert_eq!(changed("S: 250 | 4yz | 5yz", "S: 250 $domain ~/a$/"), [""; 0]);
    assert_eq!(changed("C: .", "# $sendr\nC: ."), [""; 0]);
    assert_eq!(changed("@a.eml", "@b.eml"), [": b.eml does not stand beside it"]);
}

#[test]
fn a_corpus() {
    let folder = std::env::temp_dir().join(format!("smtp-conformance-lint-{}", std::process::id()));
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder that can be made");
        std::fs::write(path, text).expect("a file that can be written");
    };
    write("README.md", "read me");
    write("rfc5321/4.2/one.smtpt", GOOD);
    write("rfc5321/4.2/two.smtpt", &GOOD.replace("LF dot", "lf dot"));
    write("rfc5321/4.2/three.smtpt", "smtpt: 2\n");
    write("rfc2920/3.1/group.smtpt", CLIENT);
    write("rfc2920/3.1/a.eml", "text\r\n");
    write("rfc5321/4.2/a.eml", "text\r\n");
    let corpus = Corpus::read(&folder).expect("a folder that can be read");
    let remarks: Vec<_> = lint::corpus(&corpus).iter().map(ToString::to_string).collect();
    std::fs::remove_dir_all(&folder).expect("a folder that can be removed");
    assert_eq!(
        remarks,
        [
            "rfc5321/4.2/three:1: this version is not known: `smtpt: 1`",
            "rfc5321/4.2/two: it has the title of rfc5321/4.2/one",
            "rfc5321/4.2/a.eml: no transcript beside it names it",
        ]
    );
}

/// A MAY that a server has on the wire.
const MAY: &str = "R-3.1-02";
