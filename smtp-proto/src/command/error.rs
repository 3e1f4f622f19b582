//! Why a line is not a command.

use core::fmt;

use super::Verb;
use crate::address::{Fault, Reason};
use crate::reply::{Detail, ReplyCode};

/// Why a line is not a command, and what a server answers. It prints as a clause that names the reason and holds
/// nothing of the line.
///
/// ```
/// use smtp_proto::command::{Command, ParseOptions, Verb};
/// use smtp_proto::reply::{Detail, ReplyCode};
///
/// let error = Command::parse(b"RCPT TO:<.a@example.org>", &ParseOptions::default()).unwrap_err();
/// assert_eq!(error.verb(), Some(Verb::Rcpt));
/// assert_eq!((error.code(), error.detail()), (ReplyCode::SYNTAX_ERROR, Detail::BAD_DESTINATION_SYNTAX));
/// assert_eq!(error.to_string(), "the local part begins or ends with a dot or has two dots in a row");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandError {
    verb: Option<Verb>,
    problem: Problem,
    incomplete: bool,
}

impl CommandError {
    pub(super) const fn new(verb: Option<Verb>, problem: Problem, incomplete: bool) -> Self {
        Self { verb, problem, incomplete }
    }

    /// The verb, if the line begins with one.
    #[must_use]
    pub fn verb(&self) -> Option<Verb> {
        self.verb
    }

    /// The reply code: 500 if the verb is not known, otherwise 501 (RFC 5321 §4.1.2, §4.2.2, §4.2.4).
    #[must_use]
    pub fn code(&self) -> ReplyCode {
        if self.verb.is_none() { ReplyCode::COMMAND_UNRECOGNIZED } else { ReplyCode::SYNTAX_ERROR }
    }

    /// Subject and detail of the enhanced status code (RFC 3463 §3.2, §3.6).
    #[must_use]
    pub fn detail(&self) -> Detail {
        match self.problem {
            Problem::Sender(_) => Detail::BAD_SENDER_SYNTAX,
            Problem::Recipient(_) => Detail::BAD_DESTINATION_SYNTAX,
            // X.5.2 is also that of a command that is not recognized.
            // RFC 4954 §4 wants it of what is no base64.
            Problem::Verb
            | Problem::Missing(_)
            | Problem::Separator
            | Problem::Octet
            | Problem::String
            | Problem::InitialResponse => Detail::SYNTAX_ERROR,
            Problem::Unwanted
            | Problem::Host(_)
            | Problem::UserName(_)
            | Problem::Parameter
            | Problem::Value
            | Problem::Duplicate
            | Problem::TooMany
            | Problem::ChunkSize
            | Problem::EndMarker
            | Problem::Node
            | Problem::Mechanism
            | Problem::NotRepresentable => Detail::INVALID_ARGUMENTS,
        }
    }

    /// Whether the line is the correct beginning of a command and only ended too early.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.incomplete
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.problem {
            Problem::Verb => "the command is not recognized",
            Problem::Missing(what) => return write!(f, "{what} is missing"),
            Problem::Separator => "one space stands between the parts of a command and none elsewhere",
            Problem::Unwanted => "the command takes no argument",
            Problem::Octet => "the command has an octet that is not text in the permitted character set",
            Problem::Sender(reason)
            | Problem::Recipient(reason)
            | Problem::Host(reason)
            | Problem::UserName(reason) => {
                return reason.fmt(f);
            }
            Problem::String => "the argument is neither a word nor a complete quoted string",
            Problem::Parameter => "the keyword of a parameter is not letters, digits and hyphens",
            Problem::Value => "the value of a parameter is empty or has a character that may not stand in it",
            Problem::Duplicate => "a parameter is given twice",
            Problem::TooMany => "there are too many parameters",
            Problem::ChunkSize => "the chunk size is not a decimal number of 64 bits",
            Problem::EndMarker => "only LAST may follow the chunk size",
            Problem::Node => "the node is neither a domain, nor @ and a domain, nor # and the name of a queue",
            Problem::Mechanism => "the name of the mechanism is not 1 to 20 letters, digits, hyphens and underscores",
            Problem::InitialResponse => "the initial response is neither base64 nor =",
            Problem::NotRepresentable => "the command holds what cannot be put on a line",
        })
    }
}

impl core::error::Error for CommandError {}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    Verb,
    Missing(&'static str),
    Separator,
    Unwanted,
    Octet,
    Sender(Reason),
    Recipient(Reason),
    Host(Reason),
    UserName(Reason),
    String,
    Parameter,
    Value,
    Duplicate,
    TooMany,
    ChunkSize,
    EndMarker,
    Node,
    Mechanism,
    InitialResponse,
    NotRepresentable,
}

/// Where the grammar of an argument stopped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    pub(super) problem: Problem,
    /// Only the end of the line is wrong: more of it could make it right.
    pub(super) at_end: bool,
}

impl Stop {
    /// A fault that no further octet mends.
    pub(super) const fn of(problem: Problem) -> Self {
        Self { problem, at_end: false }
    }

    /// A fault at the beginning of `rest`.
    pub(super) const fn at(rest: &str, problem: Problem) -> Self {
        Self { problem, at_end: rest.is_empty() }
    }

    /// The fault of an address.
    pub(super) fn in_address(error: nom::Err<Fault>, problem: fn(Reason) -> Problem) -> Self {
        let Fault { reason, at_end } = error.into();
        Self { problem: problem(reason), at_end }
    }
}
