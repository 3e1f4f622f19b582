//! What came of a case.

use core::fmt;
use core::str::FromStr;

use crate::requirement::Level;

/// What came of one transcript on one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The transcript.
    pub transcript: String,
    /// The target.
    pub target: String,
    /// The worst of its findings, or why it was not played.
    pub verdict: Verdict,
    /// Everything that was found, in order: one for each clause at least.
    pub findings: Vec<Finding>,
    /// What was said, as it would stand in a transcript; of the way of cutting that failed, or of the first.
    pub dialogue: Vec<String>,
    /// How long it took.
    pub took: core::time::Duration,
}

/// The verdict on a transcript or a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Not played: the target lacks something, or must not be bothered so.
    Skip,
    /// As it has to be.
    Pass,
    /// As it may be: which of the ways that are allowed was found.
    Info,
    /// Against a SHOULD.
    Warn,
    /// Against a MUST, or against the grammar.
    Fail,
    /// The harness did not get there.
    Error,
}

impl Verdict {
    /// All of them, the best first.
    pub const ALL: [Self; 6] = [Self::Skip, Self::Pass, Self::Info, Self::Warn, Self::Fail, Self::Error];

    /// `PASS` and so on.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "SKIP",
            Self::Pass => "PASS",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
            Self::Error => "ERROR",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// This is no verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of SKIP, PASS, INFO, WARN, FAIL, ERROR")]
pub struct NoVerdict;

impl FromStr for Verdict {
    type Err = NoVerdict;

    fn from_str(text: &str) -> Result<Self, NoVerdict> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == text).ok_or(NoVerdict)
    }
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it is judged.
    pub verdict: Verdict,
    /// The clause that it is about: id, level, remark.
    pub clause: Option<(String, Level, String)>,
    /// The line of the transcript where it was found.
    pub line: usize,
    /// What was expected.
    pub expected: String,
    /// What came instead; with INFO: which of the ways was found.
    pub got: String,
    /// In which way the octets were cut.
    pub chunking: String,
}
