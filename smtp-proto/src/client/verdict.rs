//! What became of a mail, and how far it came.

use core::fmt;

use crate::CloseReason;
use crate::body::Stray;
use crate::reply::Reply;

/// What became of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The server took over the responsibility for delivery (RFC 5321 §4.2.5): the reply to the final dot.
    Accepted(Reply),
    /// Not accepted, and the server did not take the mail for this recipient; trying again later is right. Holds the
    /// 4yz reply, or nothing when the connection ended first.
    Temporary(Option<Reply>),
    /// Refused for good. Holds the 5yz reply, or nothing when the mail was not sent because it could not be.
    Permanent(Option<Reply>),
    /// The final dot may have left and no answer to it came: the server may have taken the mail or not (RFC 1047).
    Unknown,
}

impl Verdict {
    /// The verdict that a reply of class 4yz or 5yz gives.
    pub(super) fn refused(reply: Reply) -> Self {
        if reply.is_permanent() { Self::Permanent(Some(reply)) } else { Self::Temporary(Some(reply)) }
    }

    /// Whether the server took over the responsibility.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }

    /// The reply that gave this verdict.
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Accepted(reply) => Some(reply),
            Self::Temporary(reply) | Self::Permanent(reply) => reply.as_ref(),
            Self::Unknown => None,
        }
    }
}

/// The verdicts on a mail taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Summary {
    /// Accepted for every recipient.
    Accepted,
    /// Accepted for some recipients.
    Partial,
    /// Accepted for no recipient.
    Refused,
    /// Unknown for at least one recipient: see [`Verdict::Unknown`].
    Unknown,
}

/// How far a mail came: the last step of the session that was begun for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Making the connection.
    Connect,
    /// Waiting for the greeting.
    Greeting,
    /// EHLO or HELO.
    Ehlo,
    /// STARTTLS and the TLS handshake.
    Tls,
    /// AUTH.
    Auth,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA.
    Data,
    /// Sending the mail data.
    Body,
    /// The final dot and its answer.
    Final,
    /// Leaving.
    Quit,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Ehlo => "ehlo",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::Body => "body",
            Self::Final => "final",
            Self::Quit => "quit",
        })
    }
}

/// Why a mail was not sent to its end, apart from the replies of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The connection ended first.
    Connection(CloseReason),
    /// The mail is larger than the server takes: its limit in octets (RFC 1870 §6.1). Nothing was sent.
    TooBig(u64),
    /// The body holds a CR, LF or NUL that is no line end (`LineEndings::Strict`). The connection was cut before the
    /// final dot, so that the server takes nothing.
    Stray(Stray),
    /// The mail holds 8-bit text and the server does not offer 8BITMIME (RFC 6152 §3). Nothing was sent, or the
    /// connection was cut before the final dot, so that the server takes nothing.
    No8BitMime,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(reason) => reason.fmt(f),
            Self::TooBig(limit) => write!(f, "the server takes no message of more than {limit} octets"),
            Self::Stray(stray) => write!(f, "the message cannot be sent as it is: {stray}"),
            Self::No8BitMime => f.write_str("the message is 8-bit text and the server does not offer 8BITMIME"),
        }
    }
}
