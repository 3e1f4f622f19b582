//! The format: what is a transcript, what is not, and its canonical form.

use core::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use smtp_conformance::requirement::Level;
use smtp_conformance::transcript::{
    Act, Alternative, Argument, Chunking, Expectation, Item, Need, Outcome, ReplyPattern, Role, Side, State, Tag, Text,
    Transcript,
};

const SERVER: &str = r#"smtpt: 1
title: everything a script that is the client can say
role: server
state: data
needs: tls auth auth=PLAIN ext=CHUNKING no-ext=SIZE rcpt badrcpt rcpts=100 time app mails=2
covers: R-4.1.1.4-10; R-2.3.8-01
chunking: whole bytes lf-split random(7)
tags: safe delivers auth-fail flood slow security
pipelining: required

# a comment
C: EHLO $client

C:
C:  two spaces, one of them is text
C| a\r\n\t\0\\\xFF"\x20
C/
C=data @hello.eml
C=repeat 1000 "x\r\n"
C=eof
C=quiet 300ms
R: R-4.2-01 MUST give one reply per command
S: 250 | 25z 2.1.x so | 5yz ~/a|b/ | 220 exact "text"
S+ PIPELINING
S+ SIZE 1000
R: R-4.2-02 SHOULD-NOT
S- AUTH ~.* PLAIN|x
S| 250 ok\r\n
S/
S=repeat 2 "x"
S=eof
S=quiet 30s
=tls
=tls fail
@ +90s
@deadline server <= 5m
@deadline client >= 2h
U: set user=alice password="with \"spaces\" \\"
U: reject rcpt 550 5.1.1 no
U: shutdown
U= message @hello.eml
U= message none
U= envelope from=<> to=<a@b>,<"c, >"@d>
U= aborted
"#;

const CLIENT: &str = r#"smtpt: 1
title: everything a script that is the server can say
role: client

S: 220-first
S: 220 second | third
C: EHLO $client ... | HELO ...
S: what is this
S: 250 ok
S+ AUTH ~PLAIN
C? NOOP
U: send from=<a@c.example> to=<b@d>,<e@f> data=@a.eml
U: send from=<> to=<b@d> data=@b.eml size=12 body=8BITMIME
U: quit
U= accepted <b@d> 250 2.0.0 | 25z
U= refused <b@d> 5yz
U= deferred <b@d>
U= unknown <b@d>
U= failed <b@d>
"#;

fn parse(text: &str) -> Transcript {
    Transcript::parse("rfc5321/4.1.1.4/x", text).unwrap_or_else(|error| panic!("{error}"))
}

fn items(text: &str) -> Vec<Item> {
    parse(text).body.into_iter().map(|line| line.item).collect()
}

fn server(body: &str) -> String {
    format!("smtpt: 1\ntitle: t\nrole: server\n\n{body}\n")
}

fn client(body: &str) -> String {
    server(body).replace("server", "client")
}

#[test]
fn the_header() {
    let transcript = parse(SERVER);
    assert_eq!(transcript.id, "rfc5321/4.1.1.4/x");
    assert_eq!(transcript.title, "everything a script that is the client can say");
    assert_eq!((transcript.role, transcript.state), (Role::Server, State::Data));
    let needs = [
        Need::Tls,
        Need::Auth(None),
        Need::Auth(Some("PLAIN".into())),
        Need::Extension("CHUNKING".into()),
        Need::NoExtension("SIZE".into()),
        Need::Rcpt,
        Need::BadRcpt,
        Need::Rcpts(100),
        Need::Time,
        Need::App,
        Need::Mails(2),
    ];
    assert_eq!(transcript.needs, needs);
    assert_eq!(transcript.covers, ["R-4.1.1.4-10", "R-2.3.8-01"]);
    assert_eq!(transcript.chunking, [Chunking::Whole, Chunking::Bytes, Chunking::LfSplit, Chunking::Random(7)]);
    let tags = [Tag::Safe, Tag::Delivers, Tag::AuthFail, Tag::Flood, Tag::Slow, Tag::Security];
    assert_eq!(transcript.tags, tags);
    assert!(transcript.pipelining_required);
    assert_eq!(transcript.files(), ["hello.eml"]);
}

#[test]
fn the_defaults() {
    let transcript = parse(&server("S: 220"));
    assert_eq!((transcript.state, transcript.chunking), (State::Connected, vec![Chunking::Whole]));
    assert!(transcript.needs.is_empty() && transcript.covers.is_empty() && transcript.tags.is_empty());
    assert!(!transcript.pipelining_required);
}

#[test]
fn the_lines_of_a_server_transcript() {
    let transcript = parse(SERVER);
    let numbers: Vec<_> = transcript.body.iter().map(|line| line.number).collect();
    assert_eq!(numbers, (11..=SERVER.lines().count()).collect::<Vec<_>>());
    assert!(transcript.body.iter().zip(SERVER.lines().skip(10)).all(|(line, text)| line.text == text));
    let command = |text: &str| Item::Command { text: text.into(), optional: false };
    let digits = |code: &str| -> [Option<u8>; 3] {
        let digits: Vec<_> = code.chars().map(|c| c.to_digit(10).map(|digit| u8::try_from(digit).unwrap())).collect();
        digits.try_into().unwrap()
    };
    let way = |code: &str, enhanced, text| Alternative { code: digits(code), enhanced, text };
    let alternatives = vec![
        way("250", None, Text::Any),
        way("25z", Some([Some(2), Some(1), None]), Text::Any),
        way("5yz", None, Text::Matches("a|b".into())),
        way("220", None, Text::Exact("text".into())),
    ];
    let keyword = |present, key: &str, argument| Item::Keyword { present, key: key.into(), argument };
    let clause = |id: &str, level, remark: &str| Item::Clause { id: id.into(), level, remark: remark.into() };
    let raw = |side, octets: &[u8]| Item::Raw { side, octets: octets.into() };
    let repeat = |side, count, octets: &[u8]| Item::Repeat { side, count, octets: octets.into() };
    let seconds = Duration::from_secs;
    let reply = r#"250 | 25z 2.1.x so | 5yz ~/a|b/ | 220 exact "text""#;
    let expected = vec![
        Item::Comment,
        command("EHLO $client"),
        Item::Comment,
        command(""),
        command(" two spaces, one of them is text"),
        raw(Side::Client, b"a\r\n\t\0\\\xFF\" "),
        Item::Boundary(Side::Client),
        Item::Data { file: "hello.eml".into() },
        repeat(Side::Client, 1000, b"x\r\n"),
        Item::End(Side::Client),
        Item::Quiet(Side::Client, Duration::from_millis(300)),
        clause("R-4.2-01", Level::Must, "give one reply per command"),
        Item::Reply { text: reply.into(), pattern: Some(ReplyPattern { alternatives }) },
        keyword(true, "PIPELINING", None),
        keyword(true, "SIZE", Some(Argument::Is("1000".into()))),
        clause("R-4.2-02", Level::ShouldNot, ""),
        keyword(false, "AUTH", Some(Argument::Matches(".* PLAIN|x".into()))),
        raw(Side::Server, b"250 ok\r\n"),
        Item::Boundary(Side::Server),
        repeat(Side::Server, 2, b"x"),
        Item::End(Side::Server),
        Item::Quiet(Side::Server, seconds(30)),
        Item::Tls { fails: false },
        Item::Tls { fails: true },
        Item::Pass(seconds(90)),
        Item::Deadline { side: Side::Server, at_most: true, bound: seconds(300) },
        Item::Deadline { side: Side::Client, at_most: false, bound: seconds(7200) },
        Item::Act(Act::Set(vec![("user".into(), "alice".into()), ("password".into(), "with \"spaces\" \\".into())])),
        Item::Act(Act::Reject { event: "rcpt".into(), reply: "550 5.1.1 no".into() }),
        Item::Act(Act::Shutdown),
        Item::Expect(Expectation::Message(Some("hello.eml".into()))),
        Item::Expect(Expectation::Message(None)),
        Item::Expect(Expectation::Envelope { from: String::new(), to: vec!["a@b".into(), "\"c, >\"@d".into()] }),
        Item::Expect(Expectation::Event("aborted".into())),
    ];
    assert_eq!(items(SERVER), expected);
}

#[test]
fn the_lines_of_a_client_transcript() {
    let items = items(CLIENT);
    let texts: Vec<_> = items
        .iter()
        .filter_map(|item| match item {
            Item::Reply { text, pattern } => Some((text.as_str(), pattern.is_some())),
            _ => None,
        })
        .collect();
    let expected = [("220-first", false), ("220 second | third", false), ("what is this", false), ("250 ok", true)];
    assert_eq!(texts, expected);
    assert!(items.contains(&Item::Command { text: "NOOP".into(), optional: true }));
    let send = Act::Send {
        from: String::new(),
        to: vec!["b@d".into()],
        data: "b.eml".into(),
        size: Some(12),
        body: Some("8BITMIME".into()),
    };
    assert!(items.contains(&Item::Act(send)));
    let outcomes: Vec<_> = items
        .iter()
        .filter_map(|item| match item {
            Item::Expect(Expectation::Recipient { outcome, reply, .. }) => {
                Some((*outcome, reply.as_ref().map_or(0, |reply| reply.alternatives.len())))
            }
            _ => None,
        })
        .collect();
    let expected = [
        (Outcome::Accepted, 2),
        (Outcome::Refused, 1),
        (Outcome::Deferred, 0),
        (Outcome::Unknown, 0),
        (Outcome::Failed, 0),
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(parse(CLIENT).files(), ["a.eml", "b.eml"]);
}

/// Line, column and the beginning of the message.
#[test]
fn what_is_wrong_and_where() {
    let header = |header: &str| format!("{header}\n\nS: 220\n");
    for (text, line, column, problem) in [
        (String::new(), 1, 1, "the header has no \"smtpt\""),
        ("title: t\n".into(), 1, 1, "it begins with \"title\""),
        ("\u{feff}smtpt: 1\n".into(), 1, 1, "'\\u{feff}' stands in this line"),
        (header("smtpt: 2"), 1, 8, "this version is not known"),
        (header("smtpt: 1\nrole: server"), 3, 1, "the header has no \"title\""),
        (header("smtpt: 1\ntitle: t"), 3, 1, "the header has no \"role\""),
        (header("smtpt: 1\ntitle:"), 2, 7, "\"title\" has no value"),
        (header("smtpt: 1\ntitle: a\ntitle: b"), 3, 1, "\"title\" stands here twice"),
        (header("smtpt: 1\nrole: host"), 2, 7, "\"host\" is not known here"),
        (header("smtpt: 1\nrôle: server"), 2, 1, "\"rôle: server\" is no line of a header"),
        (header("smtpt: 1\nlevel: MUST"), 2, 1, "there is no key \"level\""),
        (header("smtpt: 1\nneeds: tls rcpts=none"), 2, 12, "\"rcpts=none\" is nothing that a target can have"),
        (header("smtpt: 1\nneeds: rcpts=+1"), 2, 8, "\"rcpts=+1\" is nothing that a target can have"),
        (header("smtpt: 1\nchunking: random(+1)"), 2, 11, "\"random(+1)\" is no way of cutting"),
        (header("smtpt: 1\n\u{a0}"), 2, 1, "\"\\u{a0}\" is no line of a header"),
        (header("smtpt: 1\nneeds: tls tls"), 2, 12, "\"tls\" stands here twice"),
        (header("smtpt: 1\ncovers: ;"), 2, 10, "nothing stands here"),
        (header("smtpt: 1\nchunking: random(x)"), 2, 11, "\"random(x)\" is no way of cutting"),
        (header("smtpt: 1\ntags: safe harmless"), 2, 12, "\"harmless\" is not known here"),
        (header("smtpt: 1\npipelining: yes"), 2, 13, "\"yes\" is not known here"),
        ("smtpt: 1\ntitle: t\nrole: server\nC: QUIT\n".into(), 4, 1, "a line of the body stands in the header"),
        (server("# nothing"), 5, 1, "no session follows the header"),
        (server("S: 220\nX"), 6, 1, "no line begins with \"X\""),
        (server("S: 220\n C: QUIT"), 6, 1, "a line begins with a space"),
        (server("S:220"), 5, 3, "a space is missing"),
        (server("S: 22"), 5, 4, "\"22\" is no reply code"),
        (server("S: 250 é | 2"), 5, 12, "\"2\" is no reply code"),
        (server("S: 250-ok"), 5, 4, "\"250-ok\" is a line of a longer reply"),
        (server("S: 250 ~/(/"), 5, 10, "\"(\" is no regular expression"),
        (server("C? QUIT"), 5, 2, "this line of the client may be left out"),
        (server("C| é\\q"), 5, 5, "no escape follows this backslash"),
        (server("C|"), 5, 3, "no octets stand here"),
        (server("C/ x"), 5, 4, "\"x\" is too much here"),
        (server("C+ x"), 5, 2, "no line begins with \"C+\""),
        (server("S? x"), 5, 2, "no line begins with \"S?\""),
        (server("C=data hello.eml"), 5, 8, "\"hello.eml\" names no file"),
        (server("C=data @../hello.eml"), 5, 8, "\"@../hello.eml\" names no file"),
        (server("S=data @hello.eml"), 5, 3, "nobody knows \"S=data\""),
        (server("C=repeat x \"a\""), 5, 10, "\"x\" is no number of times"),
        (server("C=repeat +2 \"a\""), 5, 10, "\"+2\" is no number of times"),
        (server("=tls\u{a0}"), 5, 2, "nobody knows \"=tls\\u{a0}\""),
        (server("C=repeat 2 a"), 5, 12, "\"a\" stands in no quotes"),
        (server("C=repeat 2 \"a"), 5, 12, "this text has no end"),
        (server("C=repeat 999999999 \"a\""), 5, 10, "that is nothing, or more than 256 MiB"),
        (server("S=quiet 5"), 5, 9, "\"5\" is no span of time"),
        (server("S=eof now"), 5, 7, "\"now\" is too much here"),
        (server("C: EHLO a\nS+ SIZE"), 6, 2, "this is about the reply above"),
        (server("S: 250\nS+SIZE"), 6, 3, "a space is missing"),
        (server("S: 250\nS+ "), 6, 4, "no keyword stands here"),
        (server("S: 250\nS+ AUTH ~"), 6, 9, "no regular expression stands behind ~"),
        (server("S: 250\nS+ AUTH ~("), 6, 9, "\"(\" is no regular expression"),
        (server("=ssl"), 5, 2, "nobody knows \"=ssl\""),
        (server("@ 30s"), 5, 2, "this says nothing about time"),
        (server("@deadline us <= 5m"), 5, 11, "\"us\" is no side"),
        (server("@deadline server < 5m"), 5, 18, "\"<\" is no bound"),
        (server("@deadline server <= 0s"), 5, 21, "\"0s\" is no span of time"),
        (server("R: R-1 MUST NOT x"), 5, 8, "\"MUST NOT\" is two words"),
        (server("R: R-1 must x"), 5, 8, "\"must\" is no level"),
        (server("R: R-1 implicit-grammar"), 5, 8, "\"implicit-grammar\" is no level"),
        (server("U send"), 5, 2, "this says nothing about the application"),
        (server("U: send from=<a>"), 5, 4, "\"send\" is for a client"),
        (server("U: dance"), 5, 4, "no application says \"dance\""),
        (server("U: set"), 5, 7, "no setting stands here"),
        (server("U: set a=1 a=2"), 5, 12, "\"a\" stands here twice"),
        (server("U: set a= b=2"), 5, 10, "\"a\" has no value"),
        (server("U: reject lunch 550"), 5, 11, "there is no event \"lunch\""),
        (server("U: reject rcpt no"), 5, 16, "\"no\" is no reply"),
        (server("U= acepted <a@b>"), 5, 4, "no application sees \"acepted\""),
        (server("U= accepted a@b"), 5, 13, "\"a@b\" is no path"),
        (server("U= accepted <a@b>250"), 5, 18, "a space is missing"),
        (server("U= accepted <a@b"), 5, 13, "this path has no end"),
        (server("U= envelope to=<a@b>"), 5, 13, "from= is missing"),
        (server("U= envelope from=<a@b>"), 5, 23, "to= is missing"),
        (client("U: reject rcpt 550 no"), 5, 4, "\"reject\" is for a server"),
        (client("U: send from=<a> to=<b>"), 5, 24, "data= is missing"),
        (client("U: send from=<a> from=<b>"), 5, 18, "\"from\" stands here twice"),
        (client("U: send size=+1"), 5, 14, "this is no number of octets"),
        (client("U: send from=<a>to=<b>"), 5, 17, "a space is missing"),
        (client("U: send when=now"), 5, 9, "a mail has no \"when\""),
        (server("C: a\r"), 5, 5, "a CR stands in this line"),
        (server("C: a\tb"), 5, 5, "a TAB stands in this line"),
        (server("C: é\u{7f}"), 5, 5, "'\\u{7f}' stands in this line"),
    ] {
        let error = Transcript::parse("x", &text).expect_err(&text);
        assert_eq!((error.line, error.column), (line, column), "{text}: {error}");
        assert!(error.problem.starts_with(problem), "{error}");
        assert!(!error.advice.is_empty());
        assert!(error.to_string().starts_with(&format!("x:{line}:{column}: {problem}")), "{error}");
    }
}

#[test]
fn the_canonical_form() {
    for canonical in [SERVER, CLIENT] {
        assert_eq!(parse(canonical).to_string(), canonical);
    }
    let text = "smtpt:  1 \ntags: safe  delivers\ncovers: A ;B  C\nchunking: whole\nstate: connected\nrole: both \n\
                needs: ext=size\ntitle:  a  title \n  \n\n# why  \n\nC=repeat  1000  \"\\x41\"\nS:  250 \nS+  SIZE  ~1\n\
                R:  A  MUST   do it \n@deadline  server  <=  300s \nU:  set  a=\"b\"\n\n\n";
    let canonical = "smtpt: 1\ntitle: a  title\nrole: both\nneeds: ext=SIZE\ncovers: A; B; C\ntags: safe delivers\n\n\
                     # why\n\nC=repeat 1000 \"A\"\nS:  250 \nS+ SIZE ~1\nR: A MUST do it\n@deadline server <= 5m\n\
                     U: set a=b\n";
    assert_eq!(parse(text).to_string(), canonical);
}

/// Lines that are right in a transcript of this role, and some that are not.
fn line() -> impl Strategy<Value = String> {
    let lines: Vec<String> = SERVER.lines().chain(CLIENT.lines()).map(Into::into).collect();
    let parts =
        ["250", " | ", "~/a/", " ", "\"", "\\", "x", "=", "@", "<", ">", "exact", "5m", "2.1.0", "é", "MUST", ",", "~"];
    prop_oneof![
        4 => prop::sample::select(lines),
        1 => (prop::sample::select(vec!["C: ", "C| ", "S: ", "S| ", "S+ ", "U: set ", "U= accepted ", "R: ", "#", "C=", "@"]),
              vec(prop::sample::select(parts.to_vec()), 0..8))
            .prop_map(|(sign, parts)| format!("{sign}{}", parts.concat())),
        1 => "[CSUR#=@][:?|/=+ -]? ?.{0,20}",
    ]
}

/// Without what only tells where things stood.
fn meaning(mut transcript: Transcript) -> Transcript {
    for line in &mut transcript.body {
        line.number = 0;
        if line.item != Item::Comment {
            line.text.clear();
        }
    }
    transcript
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = Transcript::parse("x", &text);
    }

    #[test]
    fn no_line_panics(lines in vec(line(), 0..20), role in prop::sample::select(vec!["server", "client", "both"])) {
        let text = format!("smtpt: 1\ntitle: t\nrole: {role}\n\n{}\n", lines.join("\n"));
        let _ = Transcript::parse("x", &text);
    }

    #[test]
    fn the_canonical_form_means_the_same(
        lines in vec(line(), 1..20),
        role in prop::sample::select(vec!["server", "client", "both"]),
    ) {
        let header = format!("smtpt: 1\ntitle: t\nrole: {role}\n\n");
        let mut text = format!("{header}S: 250\n");
        for line in lines {
            let longer = format!("{text}{line}\n");
            if Transcript::parse("x", &longer).is_ok() {
                text = longer;
            }
        }
        let transcript = parse(&text);
        let canonical = transcript.to_string();
        let again = parse(&canonical);
        prop_assert_eq!(again.to_string(), canonical);
        prop_assert_eq!(meaning(again), meaning(transcript));
    }
}
