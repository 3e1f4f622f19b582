//! Reads replies out of a stream that comes in pieces of any size (RFC 5321 §4.2).

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr2;
use nom::branch::alt;
use nom::bytes::complete::{tag, take};
use nom::combinator::{eof, map_opt, value};
use nom::{IResult, Parser};
use thiserror::Error;

use super::code::ReplyCode;
use super::enhanced::{Detail, EnhancedCode};
use super::text::Reply;
use crate::line::{Line, LineLimit, LineSplitter};

/// How long a reply may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
/// A reply of one line that lies whole in a piece of the stream is a slice of it, and costs no memory of its own.
#[derive(Debug)]
pub struct ReplyReader {
    splitter: LineSplitter,
    /// The lines so far of a reply whose last line has not come.
    text: BytesMut,
    head: Option<Head>,
    octets: usize,
    lines: usize,
    /// `text` has memory, if only in common with replies that were handed out.
    allocated: bool,
    failed: Option<ReplyError>,
}

/// What the lines of a reply have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    code: ReplyCode,
    detail: Option<Detail>,
}

impl ReplyReader {
    /// A reader at the beginning of a reply.
    #[must_use]
    pub fn new() -> Self {
        Self {
            splitter: LineSplitter::new(),
            text: BytesMut::new(),
            head: None,
            octets: 0,
            lines: 0,
            allocated: false,
            failed: None,
        }
    }

    /// Takes the next reply off `chunk`, or all of the chunk if no reply ends there.
    ///
    /// # Errors
    ///
    /// [`ReplyError`], after which the stream is of no use: the same error is repeated for ever. Never
    /// [`ReplyError::Incomplete`].
    pub fn next(&mut self, chunk: &mut Bytes, limits: &ReplyLimits) -> Result<Option<Reply>, ReplyError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let next = self.advance(chunk, limits);
        if let Err(error) = next {
            self.failed = Some(error);
        }
        next
    }

    /// Whether a reply has begun and is not whole.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.head.is_some() || !self.splitter.is_empty()
    }

    /// Whether memory is held that nothing needs.
    #[must_use]
    pub fn is_spare(&self) -> bool {
        self.splitter.is_spare() || (self.allocated && self.text.is_empty())
    }

    /// Gives spare memory back.
    pub fn release(&mut self) {
        self.splitter.release();
        if self.text.is_empty() {
            self.text = BytesMut::new();
            self.allocated = false;
        }
    }

    fn advance(&mut self, chunk: &mut Bytes, limits: &ReplyLimits) -> Result<Option<Reply>, ReplyError> {
        loop {
            // What is too long is an error at once, so nothing is thrown away.
            let octets = limits.line.min(limits.octets.saturating_sub(self.octets));
            let line = match self.splitter.next(chunk, LineLimit { octets, discard: 0 }) {
                None => return Ok(None),
                Some(Line::Complete(line)) => line,
                Some(Line::Stray) => return Err(ReplyError::StrayOctet),
                Some(Line::TooLong | Line::Flood) => return Err(ReplyError::TooLong),
            };
            self.octets += line.len() + "\r\n".len();
            self.lines += 1;
            if self.lines > limits.lines {
                return Err(ReplyError::TooLong);
            }
            if let Some(reply) = self.take_line(line)? {
                return Ok(Some(reply));
            }
        }
    }

    fn take_line(&mut self, mut line: Bytes) -> Result<Option<Reply>, ReplyError> {
        let (code, is_last, text) = split_line(&line)?;
        let (detail, behind) = split_detail(code, text);
        let head = match self.head {
            None => Head { code, detail },
            Some(head) if head.code != code => return Err(ReplyError::CodesDiffer),
            Some(head) => head,
        };
        // Where a line differs from the first in its enhanced code, that code is text like any other.
        let text = if detail == head.detail { behind } else { text };
        if is_last && self.head.is_none() {
            line.advance(line.len() - text.len());
            self.end();
            return Ok(Some(Reply::received(code, detail, line)));
        }
        self.allocated = true;
        if self.head.is_some() {
            self.text.extend_from_slice(b"\n");
        }
        self.text.extend_from_slice(text);
        self.head = Some(head);
        if !is_last {
            return Ok(None);
        }
        self.end();
        Ok(Some(Reply::received(head.code, head.detail, self.text.split().freeze())))
    }

    fn end(&mut self) {
        self.head = None;
        self.octets = 0;
        self.lines = 0;
    }

    /// The error of a stream that ends with `line`, the beginning of a line without its LF.
    fn cut_short(&self, line: &[u8]) -> ReplyError {
        let content = line.strip_suffix(b"\r").unwrap_or(line);
        if memchr2(b'\r', 0, content).is_some() {
            return ReplyError::StrayOctet;
        }
        let code = match *content {
            [] if line.is_empty() => return ReplyError::Incomplete,
            // The shortest code that goes on like this.
            [a] if content == line => ReplyCode::from_digits([a, b'0', b'0']),
            [a, b] if content == line => ReplyCode::from_digits([a, b, b'0']),
            _ => match split_line(content) {
                Ok((code, ..)) => Some(code),
                Err(error) => return error,
            },
        };
        let begins = |code: ReplyCode, digits: &[u8]| code.digits().iter().zip(digits).all(|(a, b)| a == b);
        match (code, self.head) {
            (None, _) => ReplyError::Code,
            (Some(_), Some(head)) if !begins(head.code, content) => ReplyError::CodesDiffer,
            _ => ReplyError::Incomplete,
        }
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
    /// [`ReplyError`]; `Incomplete` if `octets` end before the reply does and may go on to be one.
    pub fn parse(octets: &[u8]) -> Result<(Self, usize), ReplyError> {
        let mut chunk = Bytes::copy_from_slice(octets);
        let mut reader = ReplyReader::new();
        match reader.next(&mut chunk, &ReplyLimits::default())? {
            Some(reply) => Ok((reply, octets.len() - chunk.len())),
            None => Err(reader.cut_short(octets.rsplit(|&octet| octet == b'\n').next().unwrap_or_default())),
        }
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
    map_opt(take(3_usize), |digits: &[u8]| ReplyCode::from_digits(digits.try_into().ok()?)).parse(line)
}

/// True for the last line of a reply, false for one that is continued.
fn separator(rest: &[u8]) -> IResult<&[u8], bool> {
    alt((value(true, tag(" ")), value(false, tag("-")), value(true, eof))).parse(rest)
}

/// The enhanced code that a text begins with, if it is one of the class of the reply code (RFC 2034 §4), and the text
/// behind it and one space.
fn split_detail(code: ReplyCode, text: &[u8]) -> (Option<Detail>, &[u8]) {
    match EnhancedCode::parse_prefix(text) {
        Some((enhanced, rest)) if EnhancedCode::new(code, enhanced.detail()) == Some(enhanced) => match rest {
            [] => (Some(enhanced.detail()), rest),
            [b' ', rest @ ..] => (Some(enhanced.detail()), rest),
            _ => (None, text),
        },
        _ => (None, text),
    }
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
        for octets in
            [&b"\r\n"[..], b"2\r\n", b"25\r\n", b"2a0 x\r\n", b"150 x\r\n", b"600 x\r\n", b" 250 x\r\n", b"hello\r\n"]
        {
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

    /// REPLY-04, R-4.5.3.1.5-01: endless lines and endless replies end at the octet or line that the limits name.
    #[test]
    fn limits_hold() {
        let limits = ReplyLimits { line: 10, octets: 30, lines: 4 };
        let tight = ReplyLimits { octets: 29, ..limits };
        let few = ReplyLimits { lines: 2, ..limits };
        let cases: [(&[u8], ReplyLimits, Result<usize, ReplyError>); 9] = [
            (b"250 4567\r\n", limits, Ok(1)),
            (b"250 45678\r\n", limits, Err(ReplyError::TooLong)),
            (b"250 456789+", limits, Err(ReplyError::TooLong)),
            (b"250-4567\r\n250-4567\r\n250 4567\r\n250 ok\r\n", limits, Ok(2)),
            (b"250-4567\r\n250-4567\r\n250 4567\r\n", tight, Err(ReplyError::TooLong)),
            (b"250-4567\r\n250-4567\r\n250 4567\r+", tight, Err(ReplyError::TooLong)),
            (b"250-\r\n250-\r\n250-\r\n250 \r\n250 ok\r\n", limits, Ok(2)),
            (b"250-\r\n250 \r\n250 ok\r\n", few, Ok(2)),
            (b"250-\r\n250-\r\n250 \r\n", few, Err(ReplyError::TooLong)),
        ];
        for (octets, limits, expected) in cases {
            for cut in 0..octets.len() {
                let mut reader = ReplyReader::new();
                let mut count = 0;
                let read = [&octets[..cut], &octets[cut..]].into_iter().try_for_each(|piece| {
                    let mut chunk = Bytes::copy_from_slice(piece);
                    while reader.next(&mut chunk, &limits)?.is_some() {
                        count += 1;
                    }
                    Ok(())
                });
                assert_eq!(read.map(|()| count), expected, "{octets:?} cut at {cut}");
            }
        }
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
    fn enhanced_codes_are_recognized() {
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

    /// Every beginning of a reply is said to be one; what cannot become a reply is not.
    #[test]
    fn beginnings_are_incomplete() {
        for octets in [&b"250-2.0.0 a\r\n250 2.0.0 b\r\n"[..], b"354\r\n", b"571-\r\n571\r\n"] {
            for end in 0..octets.len() {
                assert_eq!(parse(&octets[..end]), Err(ReplyError::Incomplete), "{octets:?} to {end}");
            }
        }
        let bad: [(&[u8], ReplyError); 16] = [
            (b"1", ReplyError::Code),
            (b"x", ReplyError::Code),
            (b"2x", ReplyError::Code),
            (b"25x", ReplyError::Code),
            (b"\r", ReplyError::Code),
            (b"2\r", ReplyError::Code),
            (b"25\r", ReplyError::Code),
            (b"250x", ReplyError::Separator),
            (b"250 a\rb", ReplyError::StrayOctet),
            (b"250 a\r\r", ReplyError::StrayOctet),
            (b"25\0", ReplyError::StrayOctet),
            (b"250-a\r\nx", ReplyError::Code),
            (b"250-a\r\n3", ReplyError::CodesDiffer),
            (b"250-a\r\n24", ReplyError::CodesDiffer),
            (b"250-a\r\n251", ReplyError::CodesDiffer),
            (b"250-a\r\n251 b\r", ReplyError::CodesDiffer),
        ];
        for (octets, error) in bad {
            assert_eq!(parse(octets), Err(error), "{octets:?}");
        }
    }

    /// REPLY-04, REPLY-05: nothing is read behind an error, whatever comes.
    #[test]
    fn errors_are_repeated() {
        let mut reader = ReplyReader::new();
        let limits = ReplyLimits::default();
        let mut chunk = Bytes::from_static(b"250-a\r\n551 b\r\n250 ok\r\n");
        for _ in 0..3 {
            assert_eq!(reader.next(&mut chunk, &limits), Err(ReplyError::CodesDiffer));
            chunk = Bytes::from_static(b"250 ok\r\n");
        }
    }

    /// REPLY-06: an enhanced code counts for the reply that it stands in and no other.
    #[test]
    fn enhanced_codes_are_not_kept() {
        let mut reader = ReplyReader::new();
        let mut chunk = Bytes::from_static(b"550-5.1.1 a\r\n550 b\r\n550 c\r\n");
        let mut next = || reader.next(&mut chunk, &ReplyLimits::default()).expect("replies").expect("a reply");
        assert_eq!(next().detail(), Some(Detail::BAD_DESTINATION_MAILBOX));
        assert_eq!(next().detail(), None);
    }

    /// A reply of one line that lies whole in the chunk is a slice of it.
    #[test]
    fn replies_of_one_line_are_slices() {
        let whole = Bytes::from_static(b"250 2.1.5 ok\r\n354 go\r\n");
        let (mut reader, mut chunk) = (ReplyReader::new(), whole.clone());
        for (start, text) in [(10, "ok"), (18, "go")] {
            let reply = reader.next(&mut chunk, &ReplyLimits::default()).expect("replies").expect("a reply");
            assert_eq!(reply.text(), text);
            assert_eq!(reply.octets().as_ptr(), whole[start..].as_ptr());
        }
        assert!(!reader.is_spare() && chunk.is_empty());
    }

    /// An idle reader holds nothing after `release`; a reply in progress survives it.
    #[test]
    fn release_gives_back_what_is_spare() {
        let (mut reader, limits) = (ReplyReader::new(), ReplyLimits::default());
        assert_eq!(reader.next(&mut Bytes::from_static(b"250-a\r\n250-"), &limits), Ok(None));
        assert!(reader.is_inside() && !reader.is_spare());
        reader.release();
        let reply = reader.next(&mut Bytes::from_static(b"b\r\n250 c\r\n"), &limits).expect("replies");
        assert_eq!(reply.expect("a reply").text(), "a\nb\nc");
        assert!(reader.is_spare() && !reader.is_inside());
        reader.release();
        assert!(!reader.is_spare());
    }

    /// Replies of several lines and replies that come in pieces take the same memory again.
    #[test]
    fn memory_serves_again() {
        let (mut reader, limits) = (ReplyReader::new(), ReplyLimits::default());
        let mut places = Vec::new();
        for _ in 0..1000 {
            for piece in [&b"250-first\r\n250-sec"[..], b"ond\r\n250 third\r\n"] {
                if let Some(reply) = reader.next(&mut Bytes::copy_from_slice(piece), &limits).expect("replies") {
                    places.push(reply.octets().as_ptr().addr());
                }
            }
        }
        let (first, last) = (places.iter().min().expect("replies"), places.iter().max().expect("replies"));
        assert_eq!(places.len(), 1000);
        assert!(last - first < 512);
    }
}
