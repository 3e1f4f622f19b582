//! What a line has to look like.

use core::fmt::{self, Write};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use regex::Regex;

use super::variables::ANY_NAME;
use crate::transcript::{Alternative, ReplyPattern, Text};

/// A reply, as it was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Its three digits, as text.
    pub(crate) code: String,
    /// The text of each line, behind the code and the character that follows it.
    pub(crate) lines: Vec<String>,
    /// Why it is no reply.
    pub(crate) flaw: Option<String>,
}

impl Heard {
    /// Reads the lines of one reply, line ends included.
    pub(crate) fn read(lines: &[Vec<u8>]) -> Self {
        let mut heard = Self { code: String::new(), lines: Vec::new(), flaw: None };
        for (number, octets) in lines.iter().enumerate() {
            let line = octets.strip_suffix(b"\r\n").unwrap_or(octets);
            let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line)).into_owned();
            let (code, rest) = text.split_at_checked(3).unwrap_or((&text, ""));
            let flaw = if line.len() == octets.len() {
                Some("a line does not end in CR LF")
            } else if line.contains(&b'\r') || line.contains(&b'\n') {
                Some("a line holds a CR or LF that is no line end")
            } else if !is_code(code) {
                Some("a line does not begin with a reply code")
            } else if !(rest.is_empty() || rest.starts_with([' ', '-'])) {
                Some("behind the code stands neither a space nor a hyphen nor the end of the line")
            } else if number > 0 && code != heard.code {
                Some("its lines have different codes")
            } else {
                None
            };
            if let (Some(flaw), None) = (flaw, &heard.flaw) {
                heard.flaw = Some(flaw.into());
            }
            if number == 0 {
                heard.code = code.into();
            }
            heard.lines.push(rest.get(1..).unwrap_or_default().into());
        }
        heard
    }

    /// Of a reply as it is on the wire.
    pub(crate) fn of_wire(octets: &[u8]) -> Self {
        Self::read(&octets.split_inclusive(|&octet| octet == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>())
    }

    /// Whether a further line follows this one.
    pub(crate) fn goes_on(line: &[u8]) -> bool {
        line.get(3) == Some(&b'-') && line[..3].iter().all(u8::is_ascii_digit)
    }

    /// The keywords of an answer to EHLO with their arguments: all lines but the first.
    pub(crate) fn keywords(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.iter().skip(1).map(|line| line.split_once(' ').unwrap_or((line, "")))
    }

    /// Whether one of the lines behind the first begins with this keyword.
    pub(crate) fn has(&self, keyword: &str) -> bool {
        self.keywords().any(|(key, _)| key.eq_ignore_ascii_case(keyword))
    }

    fn is_such(&self, alternative: &Alternative) -> bool {
        let is_code =
            alternative.code.iter().zip(self.code.bytes()).all(|(digit, is)| digit.is_none_or(|it| it + b'0' == is));
        self.flaw.is_none() && is_code && self.has_text(alternative)
    }

    fn has_text(&self, alternative: &Alternative) -> bool {
        let mut text = self.lines.join("\n");
        if let Some(enhanced) = &alternative.enhanced {
            let lines: Option<Vec<_>> = self.lines.iter().map(|line| behind(enhanced, line)).collect();
            match lines {
                Some(lines) => text = lines.join("\n"),
                None => return false,
            }
        }
        match &alternative.text {
            Text::Any => true,
            Text::Exact(exact) => text == *exact,
            Text::Matches(source) => regex(source).is_some_and(|regex| regex.is_match(&text)),
        }
    }
}

/// On one line, which is not too long.
impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 1000;

        f.write_str(&self.code)?;
        let mut left = SHOWN;
        for (number, line) in self.lines.iter().enumerate() {
            let before = if number > 0 {
                " / "
            } else if line.is_empty() {
                ""
            } else {
                " "
            };
            let part: String = line.chars().take(left).collect();
            left -= part.chars().count();
            write!(f, "{before}{}", part.escape_debug())?;
            if left == 0 {
                f.write_str("…")?;
                break;
            }
        }
        self.flaw.as_ref().map_or(Ok(()), |flaw| write!(f, " ({flaw})"))
    }
}

fn is_code(code: &str) -> bool {
    matches!(code.as_bytes(), [b'2'..=b'5', second, third] if second.is_ascii_digit() && third.is_ascii_digit())
}

/// The text behind an enhanced status code that is such.
fn behind<'l>(enhanced: &[Option<u16>; 3], line: &'l str) -> Option<&'l str> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let mut parts = word.split('.');
    for expected in enhanced {
        let part =
            parts.next().filter(|part| (1..=3).contains(&part.len()) && part.bytes().all(|it| it.is_ascii_digit()))?;
        if expected.is_some_and(|expected| part.parse() != Ok(expected)) {
            return None;
        }
    }
    parts.next().is_none().then_some(rest)
}

/// A regular expression of a transcript, which the parser has looked at. It is compiled once, for that takes longer than all
/// else.
pub(super) fn regex(source: &str) -> Option<Regex> {
    static COMPILED: Mutex<BTreeMap<String, Regex>> = Mutex::new(BTreeMap::new());

    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = compiled.get(source) {
        return Some(regex.clone());
    }
    let regex = Regex::new(source).ok()?;
    compiled.insert(source.into(), regex.clone());
    Some(regex)
}

/// The number of the alternative that a reply is.
pub(crate) fn which(pattern: &ReplyPattern, heard: &Heard) -> Option<usize> {
    pattern.alternatives.iter().position(|alternative| heard.is_such(alternative))
}

/// As in a transcript.
pub(crate) fn show(pattern: &ReplyPattern) -> String {
    pattern.alternatives.iter().map(show_alternative).collect::<Vec<_>>().join(" | ")
}

fn show_alternative(alternative: &Alternative) -> String {
    let mut shown: String = alternative
        .code
        .iter()
        .zip("xyz".chars())
        .map(|(digit, any)| digit.map_or(any, |it| char::from(it + b'0')))
        .collect();
    if let Some(parts) = alternative.enhanced {
        let parts: Vec<_> = parts.iter().map(|part| part.map_or_else(|| "x".into(), |part| part.to_string())).collect();
        write!(shown, " {}", parts.join(".")).expect("a String takes everything");
    }
    match &alternative.text {
        Text::Any => shown,
        Text::Exact(text) => format!("{shown} exact {text:?}"),
        Text::Matches(regex) => format!("{shown} ~/{regex}/"),
    }
}

/// What a line of a client has to look like.
#[derive(Debug)]
pub(super) struct CommandPattern {
    /// As in the transcript, with the values of variables.
    pub(super) shown: String,
    /// The alternatives. Verbs, parameters and domains compare without case.
    command: Vec<LinePattern>,
    /// Every octet counts: mail data, and responses of AUTH.
    exact: LinePattern,
}

/// Pieces of a line, in order.
#[derive(Debug, Default)]
struct LinePattern {
    pieces: Vec<Piece>,
    more: More,
}

#[derive(Debug)]
enum Piece {
    Exactly(String),
    WithoutCase(String),
    /// One octet at least, and none of them a space.
    Name,
}

/// What may follow.
#[derive(Clone, Copy, Debug, Default)]
enum More {
    #[default]
    Nothing,
    Anything,
    /// Nothing, or a space and anything.
    Words,
}

impl CommandPattern {
    /// Of the text behind `C:`, with the values of variables. `is_both`: the same line is said to servers, so it cannot say that
    /// a client may have further parameters of extensions in MAIL and RCPT.
    pub(super) fn new(text: &str, is_both: bool) -> Self {
        let has_verb = |verb: &str| text.get(..verb.len()).is_some_and(|it| it.eq_ignore_ascii_case(verb));
        let mut command: Vec<_> = text.split(" | ").map(LinePattern::loose).collect();
        if is_both && (has_verb("MAIL FROM:") || has_verb("RCPT TO:")) {
            command.iter_mut().for_each(|line| line.more = More::Words);
        }
        Self { shown: text.replace(ANY_NAME, "$client"), command, exact: LinePattern::exact(text) }
    }

    /// Whether this line, without its line end, is such.
    pub(super) fn is_match(&self, line: &[u8], is_data: bool) -> bool {
        if is_data { self.exact.is_match(line) } else { self.command.iter().any(|pattern| pattern.is_match(line)) }
    }
}

impl LinePattern {
    fn exact(text: &str) -> Self {
        let (text, more) = open_end(text);
        let mut pattern = Self { more, ..Self::default() };
        pattern.push(text, Piece::Exactly);
        pattern
    }

    /// Local parts, and what follows the mechanism of AUTH, compare octet by octet; all else without case.
    fn loose(text: &str) -> Self {
        let (text, more) = open_end(text);
        let mut pattern = Self { more, ..Self::default() };
        let (before, exact, behind) = if text.get(..5).is_some_and(|verb| verb.eq_ignore_ascii_case("AUTH ")) {
            let end = text[5..].find(' ').map_or(text.len(), |end| 5 + end);
            (&text[..end], &text[end..], "")
        } else {
            let parts = text.find('<').and_then(|open| {
                let close = open + text[open..].rfind('>')?;
                let at = open + text[open..close].rfind('@')?;
                Some((&text[..=open], &text[open + 1..at], &text[at..]))
            });
            parts.unwrap_or((text, "", ""))
        };
        pattern.push(before, Piece::WithoutCase);
        pattern.push(exact, Piece::Exactly);
        pattern.push(behind, Piece::WithoutCase);
        pattern
    }

    fn push(&mut self, text: &str, piece: fn(String) -> Piece) {
        for (number, part) in text.split(ANY_NAME).enumerate() {
            if number > 0 {
                self.pieces.push(Piece::Name);
            }
            self.pieces.push(piece(part.into()));
        }
    }

    fn is_match(&self, line: &[u8]) -> bool {
        self.rest_is_match(&self.pieces, line)
    }

    fn rest_is_match(&self, pieces: &[Piece], line: &[u8]) -> bool {
        let Some((first, others)) = pieces.split_first() else {
            return match self.more {
                More::Nothing => line.is_empty(),
                More::Anything => true,
                More::Words => line.is_empty() || line.starts_with(b" "),
            };
        };
        match first {
            Piece::Exactly(text) => {
                line.strip_prefix(text.as_bytes()).is_some_and(|line| self.rest_is_match(others, line))
            }
            Piece::WithoutCase(text) => line.split_at_checked(text.len()).is_some_and(|(part, line)| {
                part.eq_ignore_ascii_case(text.as_bytes()) && self.rest_is_match(others, line)
            }),
            Piece::Name => {
                let longest = line.iter().take_while(|&&octet| octet != b' ').count();
                (1..=longest).rev().any(|length| self.rest_is_match(others, &line[length..]))
            }
        }
    }
}

/// Cuts `...` off the end.
fn open_end(text: &str) -> (&str, More) {
    match text.strip_suffix("...") {
        Some(text) if text.ends_with(' ') => (text.trim_end_matches(' '), More::Words),
        Some(text) => (text, More::Anything),
        None => (text, More::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::{CommandPattern, Heard, show, which};
    use crate::play::variables::ANY_NAME;
    use crate::transcript::{Alternative, ReplyPattern, Text};

    type Way = (&'static str, Option<[Option<u16>; 3]>, Text);

    fn pattern(alternatives: &[Way]) -> ReplyPattern {
        let alternatives = alternatives.iter().map(|(code, enhanced, text)| {
            let digits: Vec<_> = code.bytes().map(|it| it.is_ascii_digit().then(|| it - b'0')).collect();
            Alternative { code: digits.try_into().expect("three"), enhanced: *enhanced, text: text.clone() }
        });
        ReplyPattern { alternatives: alternatives.collect() }
    }

    #[test]
    fn replies() {
        let pattern = pattern(&[
            ("250", Some([Some(2), Some(1), None]), Text::Any),
            ("5yz", None, Text::Matches("^no.*user$".into())),
            ("220", None, Text::Exact("a\nb".into())),
        ]);
        assert_eq!(show(&pattern), r#"250 2.1.x | 5yz ~/^no.*user$/ | 220 exact "a\nb""#);
        for (wire, number) in [
            ("250 2.1.0 ok\r\n", Some(0)),
            ("250 2.1.0\r\n", Some(0)),
            ("250 2.2.0 ok\r\n", None),
            ("250 2.1 ok\r\n", None),
            ("250 2.1.0.1 ok\r\n", None),
            ("250-2.1.0 ok\r\n250 2.1.5 ok\r\n", Some(0)),
            ("250-2.1.0 ok\r\n250 ok\r\n", None),
            ("250 ok\r\n", None),
            ("550 no such user\r\n", Some(1)),
            ("550 no such user!\r\n", None),
            ("220-a\r\n220 b\r\n", Some(2)),
            ("220 a\r\n", None),
        ] {
            assert_eq!(which(&pattern, &Heard::of_wire(wire.as_bytes())), number, "{wire:?}");
        }
    }

    #[test]
    fn no_replies() {
        let any = pattern(&[("xyz", None, Text::Any)]);
        for (wire, flaw) in [
            ("250 ok\n", "a line does not end in CR LF"),
            ("250 o\rk\r\n", "a line holds a CR or LF that is no line end"),
            ("25 ok\r\n", "a line does not begin with a reply code"),
            ("650 ok\r\n", "a line does not begin with a reply code"),
            ("2500 ok\r\n", "behind the code stands neither a space nor a hyphen nor the end of the line"),
            ("250-ok\r\n251 ok\r\n", "its lines have different codes"),
        ] {
            let heard = Heard::of_wire(wire.as_bytes());
            assert_eq!(heard.flaw.as_deref(), Some(flaw), "{wire:?}");
            assert_eq!(which(&any, &heard), None, "{wire:?}");
        }
        assert_eq!(Heard::of_wire(b"250\r\n").flaw, None);
        assert_eq!(Heard::of_wire(b"250-a\r\n250-\r\n250 b\r\n").to_string(), "250 a /  / b");
    }

    #[test]
    fn keywords() {
        let heard = Heard::of_wire(b"250-PIPELINING\r\n250-size 10\r\n250 AUTH PLAIN LOGIN\r\n");
        assert_eq!(heard.keywords().collect::<Vec<_>>(), [("size", "10"), ("AUTH", "PLAIN LOGIN")]);
        assert!(heard.has("SIZE") && !heard.has("PIPELINING"));
    }

    #[test]
    fn commands() {
        for (text, line, is_match) in [
            ("MAIL FROM:<a@C.example> ...", "mail from:<a@c.EXAMPLE>", true),
            ("MAIL FROM:<a@c.example> ...", "MAIL FROM:<a@c.example> SIZE=10", true),
            ("MAIL FROM:<a@c.example> ...", "MAIL FROM:<a@c.example>x", false),
            ("MAIL FROM:<a@c.example>", "MAIL FROM:<A@c.example>", false),
            ("MAIL FROM:<a@c.example> SIZE=10", "MAIL FROM:<a@c.example> size=10", true),
            ("MAIL FROM:<>", "Mail From:<>", true),
            ("RCPT TO:<Postmaster>", "RCPT TO:<postmaster>", true),
            ("EHLO ... | HELO ...", "helo me", true),
            ("EHLO ... | HELO ...", "QUIT", false),
            ("AUTH PLAIN aGk=", "auth plain aGk=", true),
            ("AUTH PLAIN aGk=", "auth plain AGK=", false),
            ("QUIT", "QUIT ", false),
            ("...", "anything at all", true),
        ] {
            let pattern = CommandPattern::new(text, false);
            assert_eq!(pattern.is_match(line.as_bytes(), false), is_match, "{text}, {line}");
        }
        let hello = CommandPattern::new(&format!("EHLO {ANY_NAME}"), false);
        assert!(hello.is_match(b"EHLO [127.0.0.1]", false) && !hello.is_match(b"EHLO a b", false));
        assert_eq!(hello.shown, "EHLO $client");
        for (text, line) in
            [("MAIL FROM:<a@b>", "MAIL FROM:<a@b> SIZE=1"), ("rcpt to:<a@b>", "RCPT TO:<a@b> NOTIFY=NEVER")]
        {
            let is_match = |is_both| CommandPattern::new(text, is_both).is_match(line.as_bytes(), false);
            assert!(is_match(true) && !is_match(false), "{line}");
        }
    }

    #[test]
    fn data() {
        let pattern = CommandPattern::new("a | b", false);
        assert!(pattern.is_match(b"a | b", true) && !pattern.is_match(b"A | b", true) && !pattern.is_match(b"a", true));
    }
}
