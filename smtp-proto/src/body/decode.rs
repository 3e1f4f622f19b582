//! Mail data to content.

use bytes::{Buf, Bytes};

use super::scan::{self, Expectation, Found};
use super::{LineEndings, Stray, StrayKind};

/// Reads mail data: finds its end and removes dot-stuffing (RFC 5321 §4.5.2).
///
/// In [`LineEndings::Strict`] content with a stray octet is handed out as it is, up to the real end, because only there
/// both sides are in step again; [`stray`](Self::stray) then tells that the mail must be refused.
#[derive(Clone, Debug)]
pub struct BodyDecoder {
    octets: u64,
    stray: Option<Stray>,
    line_endings: LineEndings,
    at: At,
    expectation: Expectation,
}

/// What a [`BodyDecoder`] made of its input.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "content is lost when dropped"]
#[non_exhaustive]
pub enum Decoded {
    /// The next piece of the content, never empty: a slice of the chunk, or a static one.
    Content(Bytes),
    /// The mail is complete. What is left of the chunk comes after it.
    End,
    /// The chunk is used up.
    NeedInput,
}

/// What the decoder stands behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// A CRLF.
    LineStart,
    /// Anything else.
    Text,
    /// A CR that was not handed out.
    Cr,
    /// A dot at the beginning of a line; it is no content, whatever follows.
    Dot,
    /// Such a dot and a CR, neither handed out.
    DotCr,
    /// A line end that has to be handed out as CRLF.
    Owed,
    /// The final dot.
    End,
}

impl BodyDecoder {
    /// A decoder that stands behind the CRLF of the DATA command.
    #[must_use]
    pub const fn new(line_endings: LineEndings) -> Self {
        Self { octets: 0, stray: None, line_endings, at: At::LineStart, expectation: Expectation::Plain }
    }

    /// Takes octets off the front of `chunk`. To be called again until it says [`Decoded::NeedInput`] or
    /// [`Decoded::End`]; behind the end it takes nothing.
    pub fn next(&mut self, chunk: &mut Bytes) -> Decoded {
        loop {
            if self.at == At::Owed {
                self.at = At::Text;
                return self.content(LINE_END);
            }
            if self.at == At::End {
                return Decoded::End;
            }
            let Some(&first) = chunk.first() else { return Decoded::NeedInput };
            match (self.at, first) {
                (At::Dot, b'\r') => {
                    chunk.advance(1);
                    self.at = At::DotCr;
                }
                (At::Dot, _) => self.at = At::Text,
                (At::DotCr, b'\n') => {
                    chunk.advance(1);
                    self.at = At::End;
                }
                (At::DotCr, _) => self.at = At::Cr,
                (At::Cr, b'\n') => {
                    chunk.advance(1);
                    self.at = At::LineStart;
                    return self.content(LINE_END);
                }
                (At::Cr, _) => {
                    self.note(StrayKind::LoneCr, 0);
                    self.at = At::Text;
                    return self.content(if self.is_strict() { &LINE_END[..1] } else { LINE_END });
                }
                (At::LineStart, b'.') => {
                    chunk.advance(1);
                    self.at = At::Dot;
                }
                (At::LineStart | At::Text | At::Owed | At::End, _) => {
                    let piece = self.lines(chunk);
                    if !piece.is_empty() {
                        self.octets += piece.len() as u64;
                        return Decoded::Content(piece);
                    }
                }
            }
        }
    }

    /// Octets of content handed out so far.
    #[must_use]
    pub const fn octets(&self) -> u64 {
        self.octets
    }

    /// The first octet so far that does not belong into mail data. In [`LineEndings::Strict`] the mail must be refused
    /// at its end; in [`LineEndings::Normalize`] the octet was converted, or is a NUL and was kept.
    #[must_use]
    pub const fn stray(&self) -> Option<Stray> {
        self.stray
    }

    fn is_strict(&self) -> bool {
        self.line_endings == LineEndings::Strict
    }

    /// Takes as much as can be handed out in one piece.
    fn lines(&mut self, chunk: &mut Bytes) -> Bytes {
        let mut from = 0;
        let mut line_start = self.at == At::LineStart;
        loop {
            let found = scan::find(chunk, from, line_start, self.expectation);
            self.expectation = if found.is_some() { Expectation::Special } else { Expectation::Plain };
            match found {
                Some(Found::Dot(dot)) => {
                    self.at = At::LineStart;
                    return chunk.split_to(dot);
                }
                Some(Found::Stray(kind, at)) => {
                    self.note(kind, at);
                    if kind != StrayKind::Nul && !self.is_strict() {
                        self.at = At::Owed;
                        let piece = chunk.split_to(at);
                        chunk.advance(1);
                        return piece;
                    }
                    (from, line_start) = (at + 1, false);
                }
                None => break,
            }
        }
        let mut end = chunk.len();
        self.at = match (&chunk[from..], line_start) {
            ([.., b'\r'], _) => {
                end -= 1;
                At::Cr
            }
            ([.., b'\n'], _) | ([], true) => At::LineStart,
            _ => At::Text,
        };
        let piece = chunk.split_to(end);
        chunk.clear();
        piece
    }

    fn content(&mut self, piece: &'static [u8]) -> Decoded {
        self.octets += piece.len() as u64;
        Decoded::Content(Bytes::from_static(piece))
    }

    /// Keeps the first stray octet in mind, `ahead` octets behind what was handed out.
    fn note(&mut self, kind: StrayKind, ahead: usize) {
        if self.stray.is_none() {
            self.stray = Some(Stray::new(kind, self.octets + ahead as u64));
        }
    }
}

const LINE_END: &[u8] = b"\r\n";
