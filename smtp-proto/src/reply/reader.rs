//! Reads replies out of a stream that comes in pieces of any size (RFC 5321 §4.2).

use bytes::{Bytes, BytesMut};
use nom::branch::alt;
use nom::bytes::complete::{take, take_while_m_n};
use nom::combinator::{eof, map, map_opt};
use nom::sequence::preceded;
use nom::{IResult, Parser};
use thiserror::Error;

use super::code::ReplyCode;
use super::enhanced::{Detail, EnhancedCode};
use super::text::Reply;
use crate::line::{Line, LineLimit, LineSplitter};

/// How long a reply may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyLimits {
    /// Octets of a line, with its CRLF.
    pub line: usize,
    /// Octets of all lines.
    pub octets: usize,
    /// Lines.
    pub lines: usize,
}

impl Default for ReplyLimits {
    /// 4 096 octets a line, 65 536 octets and 512 lines in all.
    fn default() -> Self {
        Self { line: 4096, octets: 65_536, lines: 512 }
    }
}

/// Why octets are no reply. Nothing that follows them can be trusted to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// A line does not begin with a reply code.
    #[error("a reply begins with three digits, the first of them 2, 3, 4 or 5")]
    Code,
    /// The code is followed by something else than a space, a hyphen or the end of the line.
    #[error("behind the code of a reply stands a space, a hyphen or the end of the line")]
    Separator,
    /// The lines of one reply have different codes (§4.2.1).
    #[error("the lines of a reply have different codes")]
    CodesDiffer,
    /// A CR, LF or NUL that is no line end.
    #[error("a line ends in CR LF and holds no other CR, LF or NUL")]
    StrayOctet,
    /// Beyond [`ReplyLimits`].
    #[error("the reply is too long")]
    TooLong,
    /// The reply is not whole: what is there is the beginning of one.
    #[error("the reply is not whole")]
    Incomplete,
}

/// Takes replies off a stream.
///
/// A reply of one line that lies whole in a piece of the stream is a slice of it.
#[derive(Debug)]
pub struct ReplyReader {
    splitter: LineSplitter,
    /// The lines so far of a reply whose last line has not come.
    text: BytesMut,
    head: Option<Head>,
    octets: usize,
    lines: usize,
}

/// What every line of a reply has in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    code: ReplyCode,
    detail: Option<Detail>,
}

impl ReplyReader {
    /// A reader at the beginning of a reply.
    #[must_use]
    pub fn new() -> Self {
        Self { splitter: LineSplitter::new(), text: BytesMut::new(), head: None, octets: 0, lines: 0 }
    }

    /// Takes the next reply off `chunk`, or all of the chunk if no reply ends there.
    ///
    /// # Errors
    ///
    /// [`ReplyError`], after which the stream is of no use. Never [`ReplyError::Incomplete`].
    pub fn next(&mut self, chunk: &mut Bytes, limits: &ReplyLimits) -> Result<Option<Reply>, ReplyError> {
        // What is too long is an error at once, so nothing is thrown away.
        let limit = LineLimit { octets: limits.line.min(limits.octets), discard: 0 };
        loop {
            let line = match self.splitter.next(chunk, limit) {
                None => return Ok(None),
                Some(Line::Complete(line)) => line,
                Some(Line::Stray) => return Err(ReplyError::StrayOctet),
                Some(Line::TooLong | Line::Flood) => return Err(ReplyError::TooLong),
            };
            self.octets += line.len() + "\r\n".len();
            self.lines += 1;
            if self.octets > limits.octets || self.lines > limits.lines {
                return Err(ReplyError::TooLong);
            }
            if let Some(reply) = self.take_line(line)? {
                return Ok(Some(reply));
            }
        }
    }

    /// Whether a reply has begun and is not whole.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.head.is_some() || !self.splitter.is_empty()
    }

    /// Whether capacity is held that nothing needs.
    #[must_use]
    pub fn is_spare(&self) -> bool {
        self.splitter.is_spare() || (self.text.is_empty() && self.text.capacity() > 0)
    }

    /// Gives spare capacity back.
    pub fn release(&mut self) {
        self.splitter.release();
        if self.text.is_empty() {
            self.text = BytesMut::new();
        }
    }

    fn take_line(&mut self, line: Bytes) -> Result<Option<Reply>, ReplyError> {
        let (code, is_last, text) = split_line(&line)?;
        let (detail, text) = match EnhancedCode::parse_prefix(text) {
            Some((enhanced, rest)) if u16::from(enhanced.class()) == code.value() / 100 => match rest {
                [] => (Some(enhanced.detail()), rest),
                [b' ', rest @ ..] => (Some(enhanced.detail()), rest),
                _ => (None, text),
            },
            _ => (None, text),
        };
        let head = match self.head {
            None => Head { code, detail },
            Some(head) if head.code != code => return Err(ReplyError::CodesDiffer),
            Some(head) => head,
        };
        // Where a line differs from the first in its enhanced code, that code is text like any other.
        let text = if detail == head.detail { text } else { &line[line.len().min(4)..] };
        if is_last && self.head.is_none() {
            let text = line.slice_ref(text);
            self.end();
            return Ok(Some(Reply::received(code, detail, text)));
        }
        if self.head.is_some() {
            self.text.extend_from_slice(b"\n");
        }
        self.text.extend_from_slice(text);
        self.head = Some(head);
        if !is_last {
            return Ok(None);
        }
        let text = self.text.split().freeze();
        self.end();
        Ok(Some(Reply::received(head.code, head.detail, text)))
    }

    fn end(&mut self) {
        self.head = None;
        self.octets = 0;
        self.lines = 0;
    }
}

impl Default for ReplyReader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reply {
    /// Reads one whole reply from the beginning of `octets`; returns how many octets it took. The limits are the
    /// default ones.
    ///
    /// # Errors
    ///
    /// [`ReplyError`]; `Incomplete` if `octets` end before the reply does.
    pub fn parse(octets: &[u8]) -> Result<(Self, usize), ReplyError> {
        let mut chunk = Bytes::copy_from_slice(octets);
        match ReplyReader::new().next(&mut chunk, &ReplyLimits::default())? {
            Some(reply) => Ok((reply, octets.len() - chunk.len())),
            None if is_beginning(octets) => Err(ReplyError::Incomplete),
            None => Err(ReplyError::Code),
        }
    }
}

/// Whether the line that `octets` end in may become a line of a reply.
fn is_beginning(octets: &[u8]) -> bool {
    let line = octets.rsplit(|&octet| octet == b'\n').next().unwrap_or_default();
    match line {
        [] => true,
        [first] => (b'2'..=b'5').contains(first),
        [_, second] => is_beginning(&line[..1]) && second.is_ascii_digit(),
        _ => split_line(line.strip_suffix(b"\r").unwrap_or(line)).is_ok(),
    }
}

/// `Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF` (§4.2), without the CRLF:
/// the code, whether it is the last line, the text.
fn split_line(line: &[u8]) -> Result<(ReplyCode, bool, &[u8]), ReplyError> {
    let (rest, code) = reply_code(line).map_err(|_| ReplyError::Code)?;
    let (rest, is_last) = separator(rest).map_err(|_| ReplyError::Separator)?;
    Ok((code, is_last, rest))
}

/// `Reply-code = %x32-35 %x30-35 %x30-39`; a second digit beyond that is let pass, because the class decides (§4.2.1).
fn reply_code(line: &[u8]) -> IResult<&[u8], ReplyCode> {
    map_opt(take_while_m_n(3, 3, |octet: u8| octet.is_ascii_digit()), |digits: &[u8]| {
        ReplyCode::new(digits.iter().fold(0, |value, digit| value * 10 + u16::from(digit - b'0')))
    })
    .parse(line)
}

/// True for the last line of a reply, false for one that is continued.
fn separator(rest: &[u8]) -> IResult<&[u8], bool> {
    let one = map_opt(take(1_usize), |octet: &[u8]| match octet {
        b" " => Some(true),
        b"-" => Some(false),
        _ => None,
    });
    alt((one, map(preceded(eof, nom::combinator::success(())), |()| true))).parse(rest)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::ToString;
    use std::vec::Vec;

    use bytes::Bytes;

    use super::{ReplyError, ReplyLimits, ReplyReader};
    use crate::reply::{Detail, Reply, ReplyCode};

    fn parse(octets: &[u8]) -> Result<Reply, ReplyError> {
        Reply::parse(octets).map(|(reply, _)| reply)
    }

    /// REPLY-01, R-4.2-05, R-4.2-16, R-4.2.1-14: a code alone, with or without the space; any text, or none.
    #[test]
    fn text_is_optional() {
        for octets in [&b"250\r\n"[..], b"250 \r\n"] {
            let reply = parse(octets).expect("a reply");
            assert_eq!((reply.code(), &*reply.text()), (ReplyCode::OK, ""));
        }
        assert_eq!(parse(b"250-a\r\n250\r\n").expect("a reply").lines().count(), 2);
    }

    /// REPLY-02, R-4.2-22: malformed codes and separators are errors.
    #[test]
    fn malformed_lines_are_errors() {
        for octets in [&b"\r\n"[..], b"25\r\n", b"2a0 x\r\n", b"150 x\r\n", b"600 x\r\n", b" 250 x\r\n", b"hello\r\n"] {
            assert_eq!(parse(octets), Err(ReplyError::Code), "{octets:?}");
        }
        for octets in [&b"2500 x\r\n"[..], b"250_x\r\n", b"250\tx\r\n"] {
            assert_eq!(parse(octets), Err(ReplyError::Separator), "{octets:?}");
        }
    }

    /// REPLY-03, R-4.2.1-15: all lines of a reply have the same code.
    #[test]
    fn codes_may_not_differ() {
        assert_eq!(parse(b"250-a\r\n251 b\r\n"), Err(ReplyError::CodesDiffer));
    }

    /// REPLY-04: endless lines and endless replies end at the limits.
    #[test]
    fn limits_hold() {
        let limits = ReplyLimits { line: 10, octets: 30, lines: 3 };
        let read = |octets: &[u8]| ReplyReader::new().next(&mut Bytes::copy_from_slice(octets), &limits);
        assert!(read(b"250 4567\r\n").is_ok_and(|reply| reply.is_some()));
        assert_eq!(read(b"250 45678\r\n"), Err(ReplyError::TooLong));
        assert_eq!(read(b"250 4567890"), Err(ReplyError::TooLong));
        assert!(read(b"250-4567\r\n250-4567\r\n250 4567\r\n").is_ok_and(|reply| reply.is_some()));
        assert_eq!(read(b"250-\r\n250-\r\n250-\r\n250-\r\n"), Err(ReplyError::TooLong));
        let limits = ReplyLimits { line: 10, octets: 29, lines: 3 };
        let mut chunk = Bytes::from_static(b"250-4567\r\n250-4567\r\n250 4567\r\n");
        assert_eq!(ReplyReader::new().next(&mut chunk, &limits), Err(ReplyError::TooLong));
    }

    /// REPLY-05: wrong line ends and NUL are errors; 8-bit text is not.
    #[test]
    fn stray_octets_are_errors() {
        for octets in [&b"250 ok\n"[..], b"250 o\rk\r\n", b"250 o\0k\r\n"] {
            assert_eq!(parse(octets), Err(ReplyError::StrayOctet), "{octets:?}");
        }
        assert_eq!(&*parse(b"250 \xffk\r\n").expect("a reply").text(), "\u{fffd}k");
    }

    /// REPLY-06: an enhanced code counts when it is well formed and its class is that of the code.
    #[test]
    fn enhanced_codes_are_recognised() {
        let cases = [
            (&b"250 2.1.5 ok\r\n"[..], Some(Detail::DESTINATION_ADDRESS_VALID), "ok"),
            (b"250 2.1.5\r\n", Some(Detail::DESTINATION_ADDRESS_VALID), ""),
            (b"250 5.1.5 ok\r\n", None, "5.1.5 ok"),
            (b"250 2.1.5x ok\r\n", None, "2.1.5x ok"),
            (b"354 3.0.0 go\r\n", None, "3.0.0 go"),
            (b"250-2.0.0 a\r\n250-2.0.0 b\r\n250 2.1.0 c\r\n", Some(Detail::UNDEFINED), "a\nb\n2.1.0 c"),
            (b"250-a\r\n250 2.0.0 b\r\n", None, "a\n2.0.0 b"),
        ];
        for (octets, detail, text) in cases {
            let reply = parse(octets).expect("a reply");
            assert_eq!((reply.detail(), &*reply.text()), (detail, text));
        }
    }

    /// R-4.2-19, R-4.2-20: codes that nobody knows are read.
    #[test]
    fn unknown_codes_are_read() {
        assert!(parse(b"571 5.7.1 no\r\n").expect("a reply").is_permanent());
        assert!(parse(b"299 what\r\n").expect("a reply").is_positive());
    }

    /// REPLY-09, X-2920-3.1-13: several replies in any split.
    #[test]
    fn splits_change_nothing() {
        let octets = b"250-mx.example\r\n250-SIZE\r\n250 HELP\r\n250 2.1.0 ok\r\n550-5.1.1 a\r\n550 5.1.1 b\r\n354\r\n";
        let read = |cuts: &[usize]| {
            let (mut reader, mut replies, mut from) = (ReplyReader::new(), Vec::new(), 0);
            for &to in cuts.iter().chain(&[octets.len()]) {
                let mut chunk = Bytes::copy_from_slice(&octets[from..to]);
                from = to;
                while let Some(reply) = reader.next(&mut chunk, &ReplyLimits::default()).expect("replies") {
                    replies.push(reply.to_string());
                }
            }
            assert!(!reader.is_inside());
            replies
        };
        let whole = read(&[]);
        assert_eq!(whole.len(), 4);
        assert_eq!(read(&(1..octets.len()).collect::<Vec<_>>()), whole);
        for cut in 1..octets.len() {
            assert_eq!(read(&[cut]), whole, "{cut}");
        }
    }

    /// Every beginning of a reply is said to be one; anything else is an error.
    #[test]
    fn beginnings_are_incomplete() {
        let octets = b"250-2.0.0 a\r\n250 2.0.0 b\r\n";
        for end in 0..octets.len() {
            assert_eq!(parse(&octets[..end]), Err(ReplyError::Incomplete), "{end}");
        }
        for octets in [&b"1"[..], b"2x", b"25x", b"250x", b"250-a\r\nx"] {
            assert_eq!(parse(octets), Err(ReplyError::Code), "{octets:?}");
        }
    }
}
