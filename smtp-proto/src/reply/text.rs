//! A whole reply, and how it is written on the wire (RFC 5321 §4.2).

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use super::code::{Class, ReplyCode};
use super::enhanced::{Detail, EnhancedCode};

/// Longest reply line, octets with CRLF (§4.5.3.1.5).
const LINE: usize = 512;

/// A reply: code, enhanced status code, and text of one line or more.
///
/// The text holds neither code nor line ends; its lines are separated by LF. It is shared when cloned.
///
/// ```
/// use smtp_proto::reply::{Detail, Reply, ReplyCode};
///
/// let reply = Reply::new(ReplyCode::MAILBOX_UNAVAILABLE, Detail::BAD_DESTINATION_MAILBOX, "no such user\ntry another");
/// let mut wire = Vec::new();
/// reply.encode(&mut wire);
/// assert_eq!(wire, b"550-5.1.1 no such user\r\n550 5.1.1 try another\r\n");
/// ```
#[derive(Clone)]
pub struct Reply {
    code: ReplyCode,
    detail: Option<Detail>,
    /// The text is known to be one line of nothing but a textstring.
    is_plain: bool,
    text: Bytes,
}

impl Reply {
    /// A reply with a fixed text, as [`new`](Self::new) makes it.
    #[must_use]
    pub const fn from_static(code: ReplyCode, detail: Option<Detail>, text: &'static str) -> Self {
        let text = text.as_bytes();
        Self { code, detail: agreeing(code, detail), is_plain: is_textstring(text), text: Bytes::from_static(text) }
    }

    /// A reply with a text: lines separated by LF (or CR LF), of HT and printable ASCII. A 3yz reply has no enhanced
    /// status code (RFC 2034 §4), so there `detail` is left out.
    ///
    /// When it is encoded, octets that do not belong into a reply (controls, 8-bit) become question marks, so that no
    /// text can end a line or begin another reply.
    pub fn new(code: ReplyCode, detail: impl Into<Option<Detail>>, text: impl Into<String>) -> Self {
        let text = Bytes::from(text.into());
        Self { code, detail: agreeing(code, detail.into()), is_plain: is_textstring(&text), text }
    }

    pub(super) fn received(code: ReplyCode, detail: Option<Detail>, text: Bytes) -> Self {
        Self { code, detail, is_plain: false, text }
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> ReplyCode {
        self.code
    }

    /// Subject and detail of the enhanced status code.
    #[must_use]
    pub fn detail(&self) -> Option<Detail> {
        self.detail
    }

    /// The enhanced status code. Its class is that of the code; 3yz has none (RFC 2034 §4).
    #[must_use]
    pub fn enhanced(&self) -> Option<EnhancedCode> {
        self.detail.and_then(|detail| EnhancedCode::new(self.code, detail))
    }

    /// The same without an enhanced status code, as the greeting and the answers to EHLO and HELO are (RFC 2034 §3).
    #[must_use]
    pub fn without_detail(self) -> Self {
        Self { detail: None, ..self }
    }

    /// The same, with this subject and detail if it has none and may have one.
    pub(crate) fn or_detail(self, detail: Detail) -> Self {
        Self { detail: self.detail.or(agreeing(self.code, Some(detail))), ..self }
    }

    /// 2yz.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        self.code.class() == Class::PositiveCompletion
    }

    /// 3yz.
    #[must_use]
    pub fn is_intermediate(&self) -> bool {
        self.code.class() == Class::PositiveIntermediate
    }

    /// 4yz.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.code.class() == Class::TransientNegative
    }

    /// 5yz.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.code.class() == Class::PermanentNegative
    }

    /// The lines of the text, as octets: a server may send what is no UTF-8. There is at least one, which may be empty.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.text.split(|&octet| octet == b'\n')
    }

    /// The text, its lines separated by LF. What is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.text)
    }

    pub(crate) fn octets(&self) -> &Bytes {
        &self.text
    }

    /// Appends the reply as it stands on the wire. No line is longer than 512 octets (§4.5.3.1.5): the rest of a
    /// longer one follows on the next.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (head, length) = self.head();
        let head = &head[..length];
        let room = LINE - head.len() - "\r\n".len();
        if self.text.len() <= room && (self.is_plain || is_textstring(&self.text)) {
            write_line(out, head, &self.text);
            return;
        }
        let mut last = out.len();
        let mut lines = self.text.split(|&octet| octet == b'\n').peekable();
        while let Some(line) = lines.next() {
            // A text whose lines end in CR LF means the same.
            let line = if lines.peek().is_some() { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
            let mut pieces = line.chunks(room);
            let mut piece = pieces.next().unwrap_or_default();
            loop {
                last = out.len();
                write_line(out, head, piece);
                out[last + 3] = b'-';
                if !is_textstring(piece) {
                    replace(&mut out[last + head.len()..]);
                }
                let Some(next) = pieces.next() else { break };
                piece = next;
            }
        }
        // On the last line the space stands even without text (§4.2.1).
        out[last + 3] = b' ';
    }

    /// What every line begins with: code, space, and the enhanced code with a space behind it.
    fn head(&self) -> ([u8; HEAD], usize) {
        let [a, b, c] = self.code.digits();
        let mut head = [b' '; HEAD];
        head[..3].copy_from_slice(&[a, b, c]);
        let mut length = 4;
        if let Some(enhanced) = self.enhanced() {
            head[length] = b'0' + enhanced.class();
            length += 1;
            for number in [enhanced.detail().subject(), enhanced.detail().detail()] {
                head[length] = b'.';
                length += 1;
                // Each of these is one digit.
                if number >= 100 {
                    head[length] = b'0' + (number / 100) as u8;
                    length += 1;
                }
                if number >= 10 {
                    head[length] = b'0' + (number / 10 % 10) as u8;
                    length += 1;
                }
                head[length] = b'0' + (number % 10) as u8;
                length += 1;
            }
            length += 1;
        }
        (head, length)
    }
}

/// The detail that a reply of this code may have.
const fn agreeing(code: ReplyCode, detail: Option<Detail>) -> Option<Detail> {
    match code.class() {
        Class::PositiveIntermediate => None,
        _ => detail,
    }
}

/// Octets of the longest beginning of a line, `554 5.999.999 `, and some.
const HEAD: usize = 16;

fn write_line(out: &mut Vec<u8>, head: &[u8], text: &[u8]) {
    out.reserve(head.len() + text.len() + 2);
    out.extend_from_slice(head);
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

/// Replaces what a textstring may not hold in the text of a line, which stands before its CRLF.
fn replace(text_and_end: &mut [u8]) {
    let end = text_and_end.len() - 2;
    for octet in &mut text_and_end[..end] {
        if !is_text(*octet) {
            *octet = b'?';
        }
    }
}

/// `textstring = 1*(%d09 / %d32-126)` (§4.2), or nothing.
const fn is_textstring(text: &[u8]) -> bool {
    let (mut fits, mut at) = (true, 0);
    // Without a branch, many octets are looked at in one go.
    while at < text.len() {
        fits &= is_text(text[at]);
        at += 1;
    }
    fits
}

const fn is_text(octet: u8) -> bool {
    matches!(octet, b'\t' | b' '..=b'~')
}

impl PartialEq for Reply {
    fn eq(&self, other: &Self) -> bool {
        (self.code, self.detail, &self.text) == (other.code, other.detail, &other.text)
    }
}

impl Eq for Reply {}

impl fmt::Display for Reply {
    /// Code, enhanced code and text on one line, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code.fmt(f)?;
        if let Some(enhanced) = self.enhanced() {
            write!(f, " {enhanced}")?;
        }
        for (number, line) in self.lines().enumerate() {
            let separator = if number == 0 { " " } else { " / " };
            write!(f, "{separator}{}", line.escape_ascii())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({self})")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::String;
    use std::vec::Vec;

    use super::{Detail, Reply, ReplyCode};

    fn wire(reply: &Reply) -> String {
        let mut out = Vec::new();
        reply.encode(&mut out);
        String::from_utf8(out).expect("ASCII")
    }

    /// R-4.2.1-12, R-4.2.1-13, R-4.2.1-15: the forms of a reply; X-2034-4-02: 354 without an enhanced code.
    #[test]
    fn encodes_each_form() {
        let plain = |text: &'static str| wire(&Reply::from_static(ReplyCode::OK, None, text));
        assert_eq!(plain(""), "250 \r\n");
        assert_eq!(plain("ok"), "250 ok\r\n");
        assert_eq!(plain("a\n\nb"), "250-a\r\n250-\r\n250 b\r\n");
        assert_eq!(plain("a\n"), "250-a\r\n250 \r\n");
        let go = Reply::from_static(ReplyCode::START_MAIL_INPUT, Some(Detail::UNDEFINED), "go");
        assert_eq!(wire(&go), "354 go\r\n");
        let found = Reply::new(ReplyCode::OK, Detail::SENDER_TAKES_NO_MAIL, "x");
        assert_eq!(wire(&found), "250 2.7.27 x\r\n");
        assert_eq!(wire(&Reply::new(ReplyCode::OK, Detail::new(999, 100), "")), "250 2.999.100 \r\n");
        assert_eq!(wire(&Reply::new(ReplyCode::OK, Detail::new(10, 7), "a\nb")), "250-2.10.7 a\r\n250 2.10.7 b\r\n");
    }

    /// Rule 19 (ADDR-21): no text can end a line or begin another reply.
    #[test]
    fn replaces_what_does_not_belong() {
        let reply = Reply::new(ReplyCode::OK, None, "a\r\n250 b\0\u{7f}\u{e9}\tc");
        assert_eq!(wire(&reply), "250-a\r\n250 250 b????\tc\r\n");
        let reply = Reply::new(ReplyCode::OK, Detail::UNDEFINED, "\ra\r\r\n\u{e9}\r");
        assert_eq!(wire(&reply), "250-2.0.0 ?a?\r\n250 2.0.0 ???\r\n");
    }

    /// R-4.5.3.1.5-01: no line is longer than 512 octets with CRLF, and nothing is lost.
    #[test]
    fn continues_long_lines() {
        for length in [505, 506, 507, 508, 1014, 5000] {
            let text = "x".repeat(length);
            let wire = wire(&Reply::new(ReplyCode::OK, None, text));
            assert!(wire.split_inclusive('\n').all(|line| line.len() <= 512), "{length}");
            assert_eq!(wire.matches('x').count(), length);
            assert_eq!(wire.matches("250 ").count(), 1);
        }
    }
}
