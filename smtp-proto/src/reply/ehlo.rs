//! The answer to EHLO (RFC 5321 §4.1.1.1).

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Display};

use bytes::Bytes;
use memchr::memchr;
use nom::Parser;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::satisfy;
use nom::combinator::all_consuming;
use nom::multi::many0_count;
use nom::sequence::preceded;
use thiserror::Error;

use super::code::ReplyCode;
use super::reader::ReplyError;
use super::text::Reply;
use crate::address::{Charset, Host};

/// What a server says of itself in answer to EHLO: its name, a greeting, and keywords with arguments.
///
/// ```
/// use smtp_proto::reply::{EhloResponse, Reply};
///
/// let (reply, _) = Reply::parse(b"250-mx.example at your service\r\n250-size 1000\r\n250 PIPELINING\r\n")?;
/// let response = EhloResponse::from_reply(&reply);
/// assert_eq!(response.domain(), "mx.example");
/// assert!(response.has("Pipelining"));
/// assert_eq!(response.size(), Some(1000));
/// # Ok::<(), smtp_proto::reply::ReplyError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct EhloResponse {
    /// Lines separated by LF.
    text: Bytes,
}

/// Why octets are no answer to EHLO by the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EhloError {
    /// They are no reply.
    #[error("{0}")]
    Reply(#[from] ReplyError),
    /// The code is not 250.
    #[error("the answer to EHLO has the code 250")]
    Code,
    /// The first line does not begin with a domain or an address literal.
    #[error("the answer to EHLO begins with the domain or the address literal of the server")]
    Domain,
    /// A line is no keyword with its arguments.
    #[error(
        "a line of the answer to EHLO is a keyword of letters, digits and hyphens, with arguments set off by one space"
    )]
    Line,
}

impl EhloResponse {
    /// The answer of a server of this name, a domain or an address literal, with a text for people that may be empty.
    #[must_use]
    pub fn new(domain: &str, greeting: &str) -> Self {
        let mut text = String::from(domain);
        if !greeting.is_empty() {
            text.push(' ');
            text.push_str(&greeting.replace('\n', " "));
        }
        Self { text: text.into() }
    }

    /// With one more keyword and its arguments, set off by spaces.
    #[must_use]
    pub fn with(self, line: impl Display) -> Self {
        let text = format!("{}\n{line}", String::from_utf8_lossy(&self.text));
        Self { text: text.into() }
    }

    /// The whole as a reply.
    #[must_use]
    pub fn to_reply(&self) -> Reply {
        Reply::received(ReplyCode::OK, None, self.text.clone())
    }

    /// Takes a 2yz reply for what it is worth: lines that are no keyword are there, but match nothing.
    #[must_use]
    pub fn from_reply(reply: &Reply) -> Self {
        Self { text: reply.octets().clone() }
    }

    /// Reads an answer that keeps to the grammar from the beginning of `octets`; returns how many octets it took.
    ///
    /// # Errors
    ///
    /// [`EhloError`]; `Reply(Incomplete)` if `octets` end before the answer does and may go on to be one.
    pub fn parse(octets: &[u8]) -> Result<(Self, usize), EhloError> {
        let (reply, taken) = Reply::parse(octets).map_err(|error| match error {
            ReplyError::Incomplete => cut_short(octets),
            error => error.into(),
        })?;
        if reply.code() != ReplyCode::OK {
            return Err(EhloError::Code);
        }
        let response = Self::from_reply(&reply);
        if !is_host(response.first_line().0) {
            return Err(EhloError::Domain);
        }
        if response.lines().skip(1).any(|line| ehlo_line(line).is_err()) {
            return Err(EhloError::Line);
        }
        Ok((response, taken))
    }

    /// The name of the server; empty if the server did not give one.
    #[must_use]
    pub fn domain(&self) -> &str {
        str::from_utf8(self.first_line().0).unwrap_or_default()
    }

    /// The text for people behind it; what is no UTF-8 is replaced.
    #[must_use]
    pub fn greeting(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.first_line().1.unwrap_or_default())
    }

    /// The keywords as they stand, each with its arguments.
    pub fn keywords(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = &str>)> {
        self.lines().skip(1).filter_map(|line| {
            let mut words = str::from_utf8(line).ok()?.split(' ').filter(|word| !word.is_empty());
            Some((words.next()?, words))
        })
    }

    /// Whether a keyword is there, in upper or lower case (§2.4).
    #[must_use]
    pub fn has(&self, keyword: &str) -> bool {
        self.arguments(keyword).is_some()
    }

    /// The arguments of a keyword, if it is there.
    #[must_use]
    pub fn arguments(&self, keyword: &str) -> Option<impl Iterator<Item = &str>> {
        self.keywords().find(|(name, _)| name.eq_ignore_ascii_case(keyword)).map(|(_, arguments)| arguments)
    }

    /// The argument of SIZE: the largest message in octets, 0 if there is no fixed limit (RFC 1870 §4). `None` without
    /// SIZE, without its argument, and with one that is no number of at most 20 digits.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        let argument = self.arguments("SIZE")?.next()?;
        if argument.bytes().all(|octet| octet.is_ascii_digit()) { argument.parse().ok() } else { None }
    }

    /// The mechanisms of AUTH that are offered (RFC 4954 §3), in upper case, each once. Several AUTH lines count
    /// together, and `AUTH=LOGIN PLAIN` counts as well, the form of drafts that servers still write beside or in place of
    /// `AUTH LOGIN PLAIN`. What is no name of a mechanism (RFC 4422 §3.1) is left out.
    pub fn mechanisms(&self) -> impl Iterator<Item = String> + use<> {
        let mut names: Vec<String> = Vec::new();
        for (keyword, arguments) in self.keywords() {
            let Some(old_form) = auth_keyword(keyword) else { continue };
            for name in old_form.into_iter().chain(arguments) {
                let name = name.to_ascii_uppercase();
                if is_mechanism_name(&name) && !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names.into_iter()
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.text.split(|&octet| octet == b'\n')
    }

    fn first_line(&self) -> (&[u8], Option<&[u8]>) {
        first_word(self.lines().next().unwrap_or_default())
    }
}

impl fmt::Debug for EhloResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EhloResponse({})", self.text.escape_ascii())
    }
}

/// The error of octets that end before the answer does, although they are lines of one reply.
fn cut_short(octets: &[u8]) -> EhloError {
    for (number, line) in octets.split(|&octet| octet == b'\n').enumerate() {
        let whole = line.strip_suffix(b"\r");
        let line = whole.unwrap_or(line);
        if !line.iter().zip(b"250").all(|(octet, digit)| octet == digit) {
            return EhloError::Code;
        }
        let Some(text) = line.get(4..).or_else(|| whole.map(|_| &b""[..])) else { continue };
        if number == 0 {
            let (name, behind) = first_word(text);
            let is_whole = whole.is_some() || behind.is_some();
            if !(is_host(name) || !is_whole && is_beginning_of_host(name)) {
                return EhloError::Domain;
            }
        } else {
            // The next parameter may be about to follow, or the keyword.
            let begun = if whole.is_some() { text } else { text.strip_suffix(b" ").unwrap_or(text) };
            if (whole.is_some() || !text.is_empty()) && ehlo_line(begun).is_err() {
                return EhloError::Line;
            }
        }
    }
    EhloError::Reply(ReplyError::Incomplete)
}

/// Whether a keyword is AUTH, and what stands behind the `=` of its old form.
fn auth_keyword(keyword: &str) -> Option<Option<&str>> {
    let (name, argument) = keyword.split_once('=').map_or((keyword, None), |(name, argument)| (name, Some(argument)));
    name.eq_ignore_ascii_case("AUTH").then_some(argument)
}

/// `sasl-mech = 1*20mech-char` with `mech-char = UPPER-ALPHA / DIGIT / HYPHEN / UNDERSCORE` (RFC 4422 §3.1).
fn is_mechanism_name(name: &str) -> bool {
    let is_character = |octet: u8| matches!(octet, b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_');
    (1..=20).contains(&name.len()) && name.bytes().all(is_character)
}

/// The octets before the first space, and those behind it.
fn first_word(line: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr(b' ', line) {
        Some(space) => (&line[..space], Some(&line[space + 1..])),
        None => (line, None),
    }
}

fn is_beginning_of_host(name: &[u8]) -> bool {
    let name = str::from_utf8(name).map(|name| Host::parse(name, Charset::Ascii));
    matches!(name, Ok(Err(error)) if error.is_incomplete())
}

fn is_host(name: &[u8]) -> bool {
    str::from_utf8(name).is_ok_and(|name| Host::parse(name, Charset::Ascii).is_ok())
}

/// `ehlo-line = ehlo-keyword *( SP ehlo-param )` with `ehlo-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")` and
/// `ehlo-param = 1*(%d33-126)`.
fn ehlo_line(line: &[u8]) -> Result<(), nom::Err<nom::error::Error<&[u8]>>> {
    let keyword = (
        satisfy(|first| first.is_ascii_alphanumeric()),
        take_while(|octet: u8| octet.is_ascii_alphanumeric() || octet == b'-'),
    );
    let parameter = preceded(tag(" "), take_while1(|octet: u8| octet.is_ascii_graphic()));
    all_consuming((keyword, many0_count(parameter))).parse(line).map(|_| ())
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::String;
    use std::vec::Vec;

    use super::{EhloError, EhloResponse};
    use crate::reply::{Reply, ReplyError};

    fn read(octets: &[u8]) -> EhloResponse {
        EhloResponse::from_reply(&Reply::parse(octets).expect("a reply").0)
    }

    /// R-4.1.1.1-19, REPLY-07: keywords in any case and order, odd lines among them.
    #[test]
    fn reads_what_servers_say() {
        let response = read(b"250-mx.example Hello, you\r\n250-\r\n250-auth=LOGIN\r\n250-8bitMIME\r\n250-Size\t5\r\n250 AUTH PLAIN  LOGIN \r\n");
        assert_eq!((response.domain(), &*response.greeting()), ("mx.example", "Hello, you"));
        assert!(response.has("8BITMIME") && !response.has("SIZE") && !response.has("HELLO,"));
        let arguments: Vec<_> = response.arguments("auth").expect("AUTH").collect();
        assert_eq!(arguments, ["PLAIN", "LOGIN"]);
        assert!(!read(b"250 PIPELINING\r\n").has("PIPELINING"), "the first line is no keyword");
        assert_eq!(read(b"250\r\n").domain(), "");
        let response = read(b"250-mx.example gr\xfc\xdfe\r\n250-\xfc\r\n250 PIPELINING\r\n");
        assert_eq!((response.domain(), &*response.greeting()), ("mx.example", "gr\u{fffd}\u{fffd}e"));
        assert!(response.has("PIPELINING"));
    }

    /// NUM-02, X-1870-3-01, X-1870-3-02: SIZE with a number, zero, none, or what is none.
    #[test]
    fn reads_size() {
        let size = |argument: &str| read(std::format!("250-mx\r\n250 SIZE{argument}\r\n").as_bytes()).size();
        assert_eq!(size(" 1000"), Some(1000));
        assert_eq!(size(" 0"), Some(0));
        assert_eq!(size(" 18446744073709551615"), Some(u64::MAX));
        for argument in ["", " ", " x", " -1", " +1", " 18446744073709551616", "=5"] {
            assert_eq!(size(argument), None, "{argument}");
        }
    }

    /// The grammar of §4.1.1.1.
    #[test]
    fn grammar_is_checked() {
        let good = b"250-mx.example hi\r\n250-SIZE 5\r\n250 X-A1 b c\r\n250 next";
        let (response, taken) = EhloResponse::parse(good).expect("an answer");
        assert_eq!((response.keywords().count(), &good[taken..]), (2, &b"250 next"[..]));
        let bad: [(&[u8], EhloError); 8] = [
            (b"251 mx.example\r\n", EhloError::Code),
            (b"250 \r\n", EhloError::Domain),
            (b"250 -mx\r\n", EhloError::Domain),
            (b"250-mx\r\n250 \r\n", EhloError::Line),
            (b"250-mx\r\n250 -A\r\n", EhloError::Line),
            (b"250-mx\r\n250 A  b\r\n", EhloError::Line),
            (b"250-mx\r\n250 A_B\r\n", EhloError::Line),
            (b"250-mx\r\n250-A", EhloError::Reply(ReplyError::Incomplete)),
        ];
        for (octets, error) in bad {
            assert_eq!(EhloResponse::parse(octets), Err(error), "{octets:?}");
        }
    }

    /// Every beginning of an answer is said to be one; what cannot become an answer is not.
    #[test]
    fn beginnings_are_incomplete() {
        let octets = b"250-[192.0.2.1] hi there\r\n250-SIZE 5\r\n250-X-A1 b c\r\n250 HELP\r\n";
        for end in 0..octets.len() {
            let expected = Err(EhloError::Reply(ReplyError::Incomplete));
            assert_eq!(EhloResponse::parse(&octets[..end]), expected, "{end}");
        }
        let bad: [(&[u8], EhloError); 11] = [
            (b"250-mx..e", EhloError::Domain),
            (b"251-mx", EhloError::Code),
            (b"22", EhloError::Code),
            (b"250\r", EhloError::Domain),
            (b"250-m_x hi", EhloError::Domain),
            (b"250-m_x\r\n250", EhloError::Domain),
            (b"250-mx\r\n250--", EhloError::Line),
            (b"250-mx\r\n250-A  ", EhloError::Line),
            (b"250-mx\r\n250-A \r", EhloError::Line),
            (b"250-mx\r\n250-A_B\r\n2", EhloError::Line),
            (b"250-mx\r\n251", EhloError::Reply(ReplyError::CodesDiffer)),
        ];
        for (octets, error) in bad {
            assert_eq!(EhloResponse::parse(octets), Err(error), "{octets:?}");
        }
    }

    /// REPLY-07: a list of hundreds of keywords.
    #[test]
    fn reads_long_lists() {
        let mut octets = b"250-mx\r\n".to_vec();
        for number in 0..500 {
            octets.extend_from_slice(std::format!("250-X{number} {number}\r\n").as_bytes());
        }
        octets.extend_from_slice(b"250 HELP\r\n");
        let response = read(&octets);
        assert_eq!(response.keywords().count(), 501);
        assert_eq!(response.arguments("x499").and_then(|mut arguments| arguments.next()), Some("499"));
    }

    #[test]
    fn encodes() {
        let mut out = Vec::new();
        EhloResponse::new("mx.example", "hello").with("PIPELINING").with("SIZE 5").to_reply().encode(&mut out);
        let text = String::from_utf8(out).expect("ASCII");
        assert_eq!(text, "250-mx.example hello\r\n250-PIPELINING\r\n250 SIZE 5\r\n");
    }
}
