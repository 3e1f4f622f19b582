//! What the RFCs require, row by row.

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

/// How binding a requirement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// MUST, REQUIRED, SHALL.
    Must,
    /// MUST NOT, SHALL NOT.
    MustNot,
    /// What follows from the grammar, a limit or a table of reply codes.
    Grammar,
    /// Stated as a fact, or in lower case, and binding all the same.
    Prose,
    /// SHOULD, RECOMMENDED.
    Should,
    /// SHOULD NOT.
    ShouldNot,
    /// MAY, OPTIONAL.
    May,
}

impl Level {
    /// As it stands in a transcript: `MUST`, `MUST-NOT`, `GRAMMAR`, `PROSE`, `SHOULD`, `SHOULD-NOT`, `MAY`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::MustNot => "MUST-NOT",
            Self::Grammar => "GRAMMAR",
            Self::Prose => "PROSE",
            Self::Should => "SHOULD",
            Self::ShouldNot => "SHOULD-NOT",
            Self::May => "MAY",
        }
    }

    /// Whether a breach is a failure.
    #[must_use]
    pub fn is_binding(self) -> bool {
        matches!(self, Self::Must | Self::MustNot | Self::Grammar | Self::Prose)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// This is no level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not one of MUST, MUST-NOT, GRAMMAR, PROSE, SHOULD, SHOULD-NOT, MAY")]
pub struct NoLevel;

impl FromStr for Level {
    type Err = NoLevel;

    /// Takes the words of transcripts and those of the catalogues (`MUST NOT`, `implicit-grammar`).
    fn from_str(text: &str) -> Result<Self, NoLevel> {
        Ok(match text {
            "MUST" => Self::Must,
            "MUST-NOT" | "MUST NOT" => Self::MustNot,
            "GRAMMAR" | "implicit-grammar" => Self::Grammar,
            "PROSE" | "implicit-prose" => Self::Prose,
            "SHOULD" => Self::Should,
            "SHOULD-NOT" | "SHOULD NOT" => Self::ShouldNot,
            "MAY" => Self::May,
            _ => return Err(NoLevel),
        })
    }
}
