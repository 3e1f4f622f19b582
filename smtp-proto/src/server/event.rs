//! What a server connection tells its application and asks of it.

use bytes::Bytes;
use thiserror::Error;

use super::exchange::{Auth, Lookup};
use super::token::{Connect, Data, Expand, Hello, Mail, Message, Rcpt, Verify};
use crate::command::Verb;
use crate::reply::ReplyCode;

/// Something that happened on a server connection.
///
/// The events that hold a token ask: hand the token to `accept` or `reject`, now or later. All others tell.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "an event may hold the token for an answer that the peer is waiting for"]
pub enum Event {
    /// A peer has connected: is it served? The first event of every connection.
    Connect(Connect),
    /// EHLO or HELO. Accepting it also ends a transaction in progress (RFC 5321 §4.1.4).
    Hello(Hello),
    /// AUTH: is the client who it claims to be? Only with `Config::auth`.
    Auth(Auth),
    /// AUTH with a mechanism that needs to know what is stored of a user: answer it with
    /// [`provide`](super::Connection::provide).
    Lookup(Lookup),
    /// MAIL: may this transaction begin?
    Mail(Mail),
    /// RCPT: is this recipient accepted?
    Rcpt(Rcpt),
    /// DATA, with at least one recipient accepted: may the mail data come?
    Data(Data),
    /// A piece of the mail data, dot-stuffing undone.
    Body(Bytes),
    /// The end of the mail data, which is whole and within the limits. Accept it once it is in safe storage: that is
    /// a promise to deliver (§4.2.5, §6.1).
    Message(Message),
    /// VRFY. Only with `Config::verify`.
    Verify(Verify),
    /// EXPN. Only with `Config::expand`.
    Expand(Expand),
    /// RSET: a transaction in progress is over.
    Reset,
    /// The mail data that came so far is no message and must not be delivered. No `Message` event follows.
    Aborted(Abort),
    /// The connection answered by itself.
    Answered(Answered),
}

/// Why mail data that has begun became no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Abort {
    /// The data held a CR, LF or NUL that is no line end; it was read to its end and refused with 550 5.6.0.
    #[error("the message holds a CR, LF or NUL that is no line end")]
    StrayOctet,
    /// The data went beyond the size limit; it is read to its end and refused with 552 5.3.4.
    #[error("the message exceeds the size limit")]
    TooBig,
    /// The connection ended before the data did.
    #[error("the connection ended before the message did")]
    ConnectionLost,
    /// The data came too slowly, or the application took too long to decide.
    #[error("the message took too long")]
    Timeout,
}

/// An answer that needed no decision of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The command that was answered, if it was one.
    pub verb: Option<Verb>,
    /// The code of the answer.
    pub code: ReplyCode,
}
