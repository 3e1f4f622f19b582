//! Commands and their parameters (RFC 5321 §4.1).
//!
//! [`Command::parse`] takes a line without its CRLF and gives a value that borrows from it and allocates nothing.
//! Beyond RFC 5321 it knows the commands of RFC 1985, 2033, 3030, 3207, 4954 and 821. What a server makes of a command
//! is not decided here.

mod argument;
mod encode;
mod error;
mod parameters;
mod parse;
mod submitter;
mod verb;
mod xtext;

pub use argument::InitialResponse;
pub use error::CommandError;
pub use parameters::{BodyKind, Parameter, ParameterError, Parameters};
pub use submitter::Submitter;
pub use verb::Verb;
pub use xtext::{Xtext, XtextError};

use crate::address::{Charset, ForwardPath, Host, ReversePath};

/// What [`Command::parse`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseOptions {
    /// Which characters mailboxes and the values of parameters may hold. Default: ASCII.
    pub charset: Charset,
    /// The most parameters of one command. Default 16; one more is refused with 501.
    pub max_parameters: usize,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self { charset: Charset::Ascii, max_parameters: 16 }
    }
}

/// A command. All text in it is a part of the line that it was parsed from.
///
/// ```
/// use smtp_proto::command::{Command, ParseOptions};
///
/// let line = b"MAIL FROM:<alice@client.example> SIZE=1000 BODY=8BITMIME";
/// let Command::Mail { reverse_path, parameters } = Command::parse(line, &ParseOptions::default())? else {
///     unreachable!("the verb is MAIL");
/// };
/// assert_eq!(reverse_path.mailbox().map(|mailbox| mailbox.domain()), Some("client.example"));
/// assert_eq!(parameters.size(), Ok(Some(1000)));
/// # Ok::<(), smtp_proto::command::CommandError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command<'a> {
    /// `HELO host` (RFC 5321 §4.1.1.1). The grammar has a domain only; an address literal is taken too, as in RFC 821
    /// and as the text of the section says of both commands.
    Helo(Host<'a>),
    /// `EHLO host` (RFC 5321 §4.1.1.1).
    Ehlo(Host<'a>),
    /// `LHLO host` (RFC 2033 §4.1).
    Lhlo(Host<'a>),
    /// `MAIL FROM:<reverse-path> parameters` (RFC 5321 §4.1.1.2).
    Mail {
        /// The sender.
        reverse_path: ReversePath<'a>,
        /// What extensions add.
        parameters: Parameters<'a>,
    },
    /// `SEND FROM:<reverse-path>` (RFC 821 §3.4).
    Send {
        /// The sender.
        reverse_path: ReversePath<'a>,
        /// What extensions add.
        parameters: Parameters<'a>,
    },
    /// `SOML FROM:<reverse-path>` (RFC 821 §3.4).
    Soml {
        /// The sender.
        reverse_path: ReversePath<'a>,
        /// What extensions add.
        parameters: Parameters<'a>,
    },
    /// `SAML FROM:<reverse-path>` (RFC 821 §3.4).
    Saml {
        /// The sender.
        reverse_path: ReversePath<'a>,
        /// What extensions add.
        parameters: Parameters<'a>,
    },
    /// `RCPT TO:<forward-path> parameters` (RFC 5321 §4.1.1.3).
    Rcpt {
        /// The recipient.
        forward_path: ForwardPath<'a>,
        /// What extensions add.
        parameters: Parameters<'a>,
    },
    /// `DATA` (RFC 5321 §4.1.1.4).
    Data,
    /// `BDAT size [LAST]` (RFC 3030 §2).
    Bdat {
        /// How many octets follow the line.
        size: u64,
        /// Whether they are the last of the message.
        last: bool,
    },
    /// `RSET` (RFC 5321 §4.1.1.5).
    Rset,
    /// `VRFY name` (RFC 5321 §4.1.1.6): a `String`, a local part, or a mailbox with or without angle brackets
    /// (§3.5.1).
    Vrfy(&'a str),
    /// `EXPN name` (RFC 5321 §4.1.1.7), of the same form.
    Expn(&'a str),
    /// `HELP [string]` (RFC 5321 §4.1.1.8).
    Help(Option<&'a str>),
    /// `NOOP [string]` (RFC 5321 §4.1.1.9).
    Noop(Option<&'a str>),
    /// `QUIT` (RFC 5321 §4.1.1.10).
    Quit,
    /// `TURN` (RFC 821 §3.8).
    Turn,
    /// `ETRN node` (RFC 1985 §5): a domain, `@` and a domain, or `#` and the name of a queue.
    Etrn(&'a str),
    /// `STARTTLS` (RFC 3207 §4).
    StartTls,
    /// `AUTH mechanism [initial-response]` (RFC 4954 §4).
    Auth {
        /// The name of the SASL mechanism, in whatever case it came.
        mechanism: &'a str,
        /// What the client says at once.
        initial_response: Option<InitialResponse<'a>>,
    },
}

impl Command<'_> {
    /// The verb.
    #[must_use]
    pub fn verb(&self) -> Verb {
        match self {
            Self::Helo(_) => Verb::Helo,
            Self::Ehlo(_) => Verb::Ehlo,
            Self::Lhlo(_) => Verb::Lhlo,
            Self::Mail { .. } => Verb::Mail,
            Self::Send { .. } => Verb::Send,
            Self::Soml { .. } => Verb::Soml,
            Self::Saml { .. } => Verb::Saml,
            Self::Rcpt { .. } => Verb::Rcpt,
            Self::Data => Verb::Data,
            Self::Bdat { .. } => Verb::Bdat,
            Self::Rset => Verb::Rset,
            Self::Vrfy(_) => Verb::Vrfy,
            Self::Expn(_) => Verb::Expn,
            Self::Help(_) => Verb::Help,
            Self::Noop(_) => Verb::Noop,
            Self::Quit => Verb::Quit,
            Self::Turn => Verb::Turn,
            Self::Etrn(_) => Verb::Etrn,
            Self::StartTls => Verb::StartTls,
            Self::Auth { .. } => Verb::Auth,
        }
    }
}
