//! The specification and the parser say the same.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::string::string_regex;
use regex::Regex;
use smtp_conformance::transcript::{ParseError, Transcript, lint};

const SPEC: &str = include_str!("../SPEC.md");

/// Blocks of code: what they are, and what stands in them.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let mut parts = SPEC.split("\n```");
    parts.next();
    let mut blocks = Vec::new();
    while let (Some(block), Some(_)) = (parts.next(), parts.next()) {
        blocks.push(block.split_once('\n').expect("a block has lines"));
    }
    blocks
}

fn whole(role: &str, body: &str) -> String {
    format!("smtpt: 1\ntitle: an example\nrole: {role}\n\n{body}\n")
}

#[test]
fn each_example_is_what_the_parser_takes() {
    let (mut wholes, mut bodies) = (0, 0);
    for (kind, text) in blocks() {
        let text = match kind {
            "smtpt" => format!("{text}\n"),
            "smtpt server" | "smtpt client" => whole(&kind[6..], text),
            "abnf" => continue,
            other => panic!("nobody looks at blocks of {other:?}"),
        };
        let place = if text.contains("X-2920-3.1-05") { "rfc2920/3.1/example" } else { "rfc5321/4.1.1.4/example" };
        let mut transcript = Transcript::parse(place, &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(transcript.to_string(), text, "not in canonical form");
        if kind == "smtpt" {
            wholes += 1;
            transcript.attachments = transcript.files().iter().map(|file| ((*file).into(), Vec::new())).collect();
            assert_eq!(lint::transcript(&transcript), []);
        } else {
            bodies += 1;
        }
    }
    assert_eq!((wholes, bodies), (2, 10));
}

/// The rules of the grammar. None refers to itself, so that each is a regular expression.
struct Grammar {
    rules: HashMap<&'static str, &'static str>,
    /// In the place of rules of this name.
    instead: HashMap<&'static str, &'static str>,
}

impl Grammar {
    fn read() -> Self {
        let (_, text) = blocks().into_iter().find(|(kind, _)| *kind == "abnf").expect("a grammar");
        let mut rules = HashMap::new();
        let starts: Vec<_> = text
            .match_indices(" = ")
            .map(|(at, _)| text[..at].rfind('\n').map_or(0, |line| line + 1))
            .filter(|start| text[*start..].starts_with(|c: char| c.is_ascii_alphabetic()))
            .collect();
        for (number, start) in starts.iter().enumerate() {
            let end = starts.get(number + 1).copied().unwrap_or(text.len());
            let (name, rule) = text[*start..end].split_once(" = ").expect("a rule");
            assert!(rules.insert(name.trim(), rule.trim()).is_none(), "{name} stands there twice");
        }
        rules.extend([("SP", "%x20"), ("LF", "%x0A"), ("DQUOTE", "%x22"), ("DIGIT", "%x30-39")]);
        rules.extend([("ALPHA", "%x41-5A / %x61-7A"), ("HEXDIG", "%x30-39 / %x41-46 / %x61-66")]);
        Self { rules, instead: HashMap::new() }
    }

    fn regex(&self, name: &str) -> String {
        if let Some(instead) = self.instead.get(name) {
            return format!("(?:{instead})");
        }
        let rule = self.rules.get(name).unwrap_or_else(|| panic!("there is no rule {name}"));
        let (regex, rest) = self.alternatives(rule);
        assert_eq!(rest, "", "{name}");
        format!("(?:{regex})")
    }

    fn alternatives<'r>(&self, mut rule: &'r str) -> (String, &'r str) {
        let mut regex = String::new();
        loop {
            rule = rule.trim_start();
            match rule.chars().next() {
                None | Some(')' | ']') => return (regex, rule),
                Some('/') => {
                    regex.push('|');
                    rule = &rule[1..];
                }
                Some(_) => {
                    let (part, rest) = self.repetition(rule);
                    regex.push_str(&part);
                    rule = rest;
                }
            }
        }
    }

    fn repetition<'r>(&self, rule: &'r str) -> (String, &'r str) {
        let element = rule.find(|c: char| !c.is_ascii_digit() && c != '*').expect("an element");
        let (count, rule) = rule.split_at(element);
        let (regex, rest) = self.element(rule);
        let count = match count.split_once('*') {
            None if count.is_empty() => String::new(),
            None => format!("{{{count}}}"),
            Some(("", "")) => "*".into(),
            Some(("1", "")) => "+".into(),
            Some((from, to)) => format!("{{{from},{to}}}"),
        };
        (regex + &count, rest)
    }

    fn element<'r>(&self, rule: &'r str) -> (String, &'r str) {
        if let Some(rest) = rule.strip_prefix(['(', '[']) {
            let (regex, rest) = self.alternatives(rest);
            let optional = if rest.starts_with(']') { "?" } else { "" };
            return (format!("(?:{regex}){optional}"), &rest[1..]);
        }
        if let Some(rest) = rule.strip_prefix("%x") {
            let end = rest.find(|c: char| !c.is_ascii_hexdigit() && c != '-').unwrap_or(rest.len());
            let (from, to) = rest[..end].split_once('-').unwrap_or((&rest[..end], &rest[..end]));
            return (format!("[\\x{{{from}}}-\\x{{{to}}}]"), &rest[end..]);
        }
        let is_exact = rule.starts_with("%s");
        if let Some(rest) = rule.trim_start_matches("%s").strip_prefix('"') {
            let (text, rest) = rest.split_once('"').expect("the end of a text");
            assert!(is_exact || !text.contains(|c: char| c.is_ascii_alphabetic()), "{text:?} is without case");
            return (format!("(?:{})", regex::escape(text)), rest);
        }
        let end = rule.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rule.len());
        assert!(end > 0, "{rule:?}");
        (self.regex(&rule[..end]), &rule[end..])
    }

    fn matcher(&self, name: &str) -> Regex {
        Regex::new(&format!(r"\A(?s:{})\z", self.regex(name))).expect("a regular expression")
    }
}

/// With numbers that are not too large.
fn generator(name: &str) -> impl Strategy<Value = String> + use<> {
    let mut grammar = Grammar::read();
    grammar.instead.insert("number", "[1-9][0-9]{0,2}");
    string_regex(&grammar.regex(name)).expect("a strategy")
}

/// A body of this line, with a reply above it.
fn parse_line(line: &str) -> Result<Transcript, ParseError> {
    let parse = |role| Transcript::parse("x", &whole(role, &format!("S: 250\n{line}")));
    match parse("client") {
        Err(error) if error.problem.ends_with("is for a server") => parse("server"),
        parsed => parsed,
    }
}

/// What the grammar takes can still be wrong.
fn is_said_to_be_wrong(error: &ParseError) -> bool {
    let parts = [
        "is no regular expression",
        "stands here twice",
        "is missing",
        "is two words",
        "this is not UTF-8",
        // `~/` and `exact "` begin no text for the reader.
        "has no end",
        "is too much here",
        "no escape follows",
    ];
    parts.iter().any(|part| error.problem.contains(part)) && error.problem != "a space is missing"
}

#[test]
fn each_rule_is_used_and_defined() {
    let grammar = Grammar::read();
    grammar.matcher("transcript");
    for name in grammar.rules.keys() {
        let others = grammar.rules.values().flat_map(|rule| rule.split(|c: char| !c.is_ascii_alphanumeric()));
        assert!(
            *name == "transcript"
                || others.into_iter().any(|used| used.trim_start_matches(|c: char| c.is_ascii_digit()) == *name),
            "{name} is not used"
        );
    }
}

#[test]
fn the_grammar_takes_the_examples() {
    let transcript = Grammar::read().matcher("transcript");
    for (kind, text) in blocks() {
        let text = match kind {
            "smtpt" => format!("{text}\n"),
            "abnf" => continue,
            _ => whole(&kind[6..], text),
        };
        assert!(transcript.is_match(&text), "{text}");
    }
    assert!(!transcript.is_match("smtpt: 2\ntitle: t\nrole: server\n\nS: 220\n"));
}

/// Pieces that lines are made of.
const PIECES: [&str; 61] = [
    "C: ",
    "C? ",
    "C| ",
    "C/",
    "C=",
    "S: ",
    "S| ",
    "S+ ",
    "S- ",
    "S=",
    "U: ",
    "U= ",
    "R: ",
    "=tls",
    " fail",
    "@ +",
    "@deadline ",
    "server ",
    "client ",
    "<= ",
    ">= ",
    "5m",
    "300ms",
    "0",
    "7",
    "250",
    "25z",
    "2.1.0",
    "4.x.y",
    " | ",
    "~/a/",
    "exact \"a\"",
    "\"",
    "\\",
    "\\r",
    "\\xfF",
    "data ",
    "repeat ",
    "eof",
    "quiet ",
    "@a.eml",
    "none",
    "send ",
    "from=<a>",
    "to=<b>,<\"c>\"@d>",
    "data=@a",
    "set ",
    "a=b",
    "reject ",
    "rcpt ",
    "550 no",
    "accepted ",
    "<a@b>",
    "envelope ",
    "reset",
    "MUST",
    "MUST-NOT ",
    "é",
    " ",
    "#",
    "~",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn the_parser_takes_the_lines_of_the_grammar(line in generator("line")) {
        if let Err(error) = parse_line(&line) {
            prop_assert!(is_said_to_be_wrong(&error), "{}", error);
        }
    }

    #[test]
    fn the_parser_takes_the_headers_of_the_grammar(field in generator("field")) {
        let text = format!("smtpt: 1\n{field}title: t\nrole: server\n\nS: 220\n");
        if let Err(error) = Transcript::parse("x", &text) {
            prop_assert!(error.problem.contains("stands here twice"), "{}", error);
        }
    }
}

/// A line of an example, or of the grammar, with pieces in places where they may be wrong, or without some characters.
fn nearly_a_line() -> impl Strategy<Value = String> {
    let examples: Vec<_> =
        blocks().iter().filter(|(kind, _)| *kind != "abnf").flat_map(|(_, text)| text.lines()).collect();
    let line = prop_oneof![
        3 => prop::sample::select(examples).prop_map(str::to_owned),
        1 => generator("line"),
    ];
    let piece = prop_oneof![2 => prop::sample::select(PIECES.to_vec()), 1 => Just("")];
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0_usize..4, piece), 0..3);
    (line, edits).prop_map(|(mut line, edits)| {
        for (place, cut, piece) in edits {
            let places: Vec<_> = line.char_indices().map(|(at, _)| at).chain([line.len()]).collect();
            let from = place.index(places.len());
            let to = (from + cut).min(places.len() - 1);
            line.replace_range(places[from]..places[to], piece);
        }
        line
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8192))]

    #[test]
    fn the_grammar_takes_the_lines_of_the_parser(line in nearly_a_line()) {
        thread_local!(static LINE: Regex = Grammar::read().matcher("line"));
        if parse_line(&line).is_ok() {
            prop_assert!(LINE.with(|regex| regex.is_match(&line)), "{:?}", line);
        }
    }
}
