//! Octets that mail data must not contain.

use core::fmt;

use super::scan::{self, Expectation, Found};

/// An octet that mail data must not contain: what it is and where (RFC 5321 §2.3.8, RFC 2045 §2.7 and §2.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stray {
    kind: StrayKind,
    offset: u64,
}

impl Stray {
    pub(super) const fn new(kind: StrayKind, offset: u64) -> Self {
        Self { kind, offset }
    }

    /// What it is.
    #[must_use]
    pub const fn kind(self) -> StrayKind {
        self.kind
    }

    /// The number of octets of content in front of it. The content is the mail without dot-stuffing; in
    /// [`LineEndings::Normalize`](super::LineEndings::Normalize) a decoder counts the octets that it handed out.
    #[must_use]
    pub const fn offset(self) -> u64 {
        self.offset
    }
}

impl fmt::Display for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} behind {} octets of content", self.kind, self.offset)
    }
}

impl core::error::Error for Stray {}

/// The kinds of octets that mail data must not contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StrayKind {
    /// A CR that no LF follows.
    LoneCr,
    /// An LF that follows no CR.
    LoneLf,
    /// A NUL.
    Nul,
}

impl fmt::Display for StrayKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LoneCr => "a CR without LF",
            Self::LoneLf => "an LF without CR",
            Self::Nul => "a NUL",
        })
    }
}

/// The first octet of a whole `content` that mail data must not contain, if there is one.
///
/// ```
/// use smtp_proto::body::{StrayKind, check};
///
/// assert_eq!(check(b"one\r\ntwo\r\n"), None);
/// let stray = check(b"one\r\ntwo\n").expect("the second line ends in LF");
/// assert_eq!((stray.kind(), stray.offset()), (StrayKind::LoneLf, 8));
/// ```
#[must_use]
pub fn check(content: &[u8]) -> Option<Stray> {
    let mut from = 0;
    loop {
        match scan::find(content, from, false, Expectation::Plain) {
            Some(Found::Dot(dot)) => from = dot,
            Some(Found::Stray(kind, at)) => return Some(Stray::new(kind, at as u64)),
            None if content[from..].last() == Some(&b'\r') => {
                return Some(Stray::new(StrayKind::LoneCr, content.len() as u64 - 1));
            }
            None => return None,
        }
    }
}
