//! What is wrong with the text of a transcript.

use thiserror::Error;

/// This text is no transcript.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{transcript}:{line}:{column}: {problem}: {advice}")]
pub struct ParseError {
    /// The id of the transcript.
    pub transcript: String,
    /// The line in the file, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub advice: String,
}
