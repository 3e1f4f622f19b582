//! Content to mail data.

use bytes::{Buf, Bytes};

use super::scan::{self, Expectation, Found};
use super::{LineEndings, Stray, StrayKind};

/// Writes mail data: stuffs dots and ends it (RFC 5321 §4.5.2).
///
/// A lone CR or LF never leaves. In [`LineEndings::Strict`] it ends the encoding, as NUL does.
///
/// ```
/// use bytes::Bytes;
/// use smtp_proto::body::{BodyEncoder, Encoded, LineEndings};
///
/// let mut encoder = BodyEncoder::new(LineEndings::Strict);
/// let mut wire = Vec::new();
/// let mut piece = Bytes::from_static(b"one\r\n.two\r\n");
/// while let Encoded::Slice(slice) = encoder.next(&mut piece) {
///     wire.extend_from_slice(&slice);
/// }
/// wire.extend_from_slice(encoder.finish().expect("nothing is stray"));
/// assert_eq!(wire, b"one\r\n..two\r\n.\r\n");
/// ```
#[derive(Clone, Debug)]
pub struct BodyEncoder {
    taken: u64,
    stray: Option<Stray>,
    line_endings: LineEndings,
    at: At,
    expectation: Expectation,
}

/// What a [`BodyEncoder`] made of its input.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "octets of the mail are lost when dropped"]
#[non_exhaustive]
pub enum Encoded {
    /// The next octets for the wire, never empty: a slice of the piece, or a static one.
    Slice(Bytes),
    /// The piece is used up.
    NeedInput,
    /// This octet must not be sent, nor anything behind it. Only in [`LineEndings::Strict`]; the answer is repeated.
    Stray(Stray),
}

/// What the encoder stands behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// A CRLF.
    LineStart,
    /// Anything else.
    Text,
    /// A CR that was not handed out.
    Cr,
    /// A line end that has to be handed out as CRLF.
    Owed,
}

impl BodyEncoder {
    /// An encoder that stands behind the CRLF of the DATA command.
    #[must_use]
    pub const fn new(line_endings: LineEndings) -> Self {
        Self { taken: 0, stray: None, line_endings, at: At::LineStart, expectation: Expectation::Plain }
    }

    /// Takes octets off the front of `piece`. To be called again until it says [`Encoded::NeedInput`].
    pub fn next(&mut self, piece: &mut Bytes) -> Encoded {
        if let Some(stray) = self.stray {
            return Encoded::Stray(stray);
        }
        if self.at == At::Owed {
            self.at = At::LineStart;
            return Encoded::Slice(Bytes::from_static(LINE_END));
        }
        let Some(&first) = piece.first() else { return Encoded::NeedInput };
        if self.at == At::Cr {
            if first == b'\n' {
                piece.advance(1);
                self.taken += 1;
            } else if self.is_strict() {
                return self.refuse(StrayKind::LoneCr, self.taken - 1);
            }
            self.at = At::LineStart;
            return Encoded::Slice(Bytes::from_static(LINE_END));
        }
        let before = piece.len();
        let found = scan::find(piece, 0, self.at == At::LineStart, self.expectation);
        self.expectation = if found.is_some() { Expectation::Special } else { Expectation::Plain };
        let slice = match found {
            Some(Found::Dot(dot)) => {
                // The dot leaves twice: at the end of this slice and, still in the piece, at the beginning of the next.
                self.at = At::Text;
                let slice = piece.slice(..=dot);
                piece.advance(dot);
                slice
            }
            Some(Found::Stray(kind, at)) if self.is_strict() => {
                if at == 0 {
                    return self.refuse(kind, self.taken);
                }
                self.at = At::Text;
                piece.split_to(at)
            }
            Some(Found::Stray(StrayKind::Nul, at)) => {
                self.at = At::Text;
                piece.split_to(at + 1)
            }
            Some(Found::Stray(_, at)) => {
                self.at = At::Owed;
                let slice = piece.split_to(at);
                piece.advance(1);
                slice
            }
            None => {
                let mut end = piece.len();
                self.at = match piece.last() {
                    Some(b'\r') => {
                        end -= 1;
                        At::Cr
                    }
                    Some(b'\n') => At::LineStart,
                    _ => At::Text,
                };
                let slice = piece.split_to(end);
                piece.clear();
                slice
            }
        };
        self.taken += (before - piece.len()) as u64;
        if slice.is_empty() { self.next(piece) } else { Encoded::Slice(slice) }
    }

    /// What ends the mail data, once all content is encoded: the final dot, with a CRLF in front of it unless the
    /// content ends in one (RFC 5321 §4.1.1.4).
    ///
    /// # Errors
    ///
    /// The first stray octet: one that [`next`](Self::next) told of, or a CR at the very end. Only in
    /// [`LineEndings::Strict`].
    pub fn finish(&self) -> Result<&'static [u8], Stray> {
        match (self.stray, self.at) {
            (Some(stray), _) => Err(stray),
            (None, At::Cr) if self.is_strict() => Err(Stray::new(StrayKind::LoneCr, self.taken - 1)),
            (None, At::LineStart) => Ok(b".\r\n"),
            (None, _) => Ok(b"\r\n.\r\n"),
        }
    }

    fn is_strict(&self) -> bool {
        self.line_endings == LineEndings::Strict
    }

    fn refuse(&mut self, kind: StrayKind, offset: u64) -> Encoded {
        let stray = Stray::new(kind, offset);
        self.stray = Some(stray);
        Encoded::Stray(stray)
    }
}

const LINE_END: &[u8] = b"\r\n";
