//! What an application says to the questions of a connection.

use super::Output;
use super::connection::Connection;
use super::event::{Abort, Event};
use super::exchange::Lookup;
use super::token::Token;
use crate::reply::{Detail, Reply, ReplyCode};
use crate::sasl::Secret;
use crate::{CloseReason, Instant, Misuse, Refused};

/// What an application says to a question.
pub type Answer = Result<Accept, Reject>;

/// A yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accept {
    /// With the usual reply.
    Usual,
    /// With a reply of class 2yz: 251 to RCPT, the queue identifier to DATA. To a connection and to EHLO only the text
    /// is used. A reply of any other class accepts nothing and is replaced by 451.
    With(Reply),
}

/// A no: a reply of class 4yz (not now) or 5yz (never). A reply of any other class is replaced by 451. 421 also ends the
/// connection.
///
/// It is made of a [`Reply`], or, with the feature `std`, of a `std::io::Error` with the operator `?`: that becomes 451 4.3.0, and its text stays
/// here. [`Reject::disconnect`] makes one without a reply.
///
/// ```
/// use smtp_proto::server::{Accept, Answer, Reject};
///
/// fn store(body: &mut impl std::io::Read) -> Answer {
///     std::io::copy(body, &mut std::io::sink())?;
///     Ok(Accept::Usual)
/// }
///
/// let refusal: Reject = std::io::Error::other("the disk at /var/mail is full").into();
/// let reply = refusal.reply().expect("only `disconnect` has none");
/// assert_eq!(reply.code().value(), 451);
/// assert!(!reply.text().contains("/var/mail"));
/// assert_eq!(store(&mut &b"text"[..]), Ok(Accept::Usual));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject(Option<Reply>);

impl Reject {
    /// No answer at all: the connection is closed at once.
    ///
    /// RFC 5321 §3.8 forbids that in normal operation; a refusal with 421 ends the connection in good form. This is for
    /// peers that are owed no answer, and for testing clients: to them it is a failure of the server or the network, and
    /// they go on as after 4yz (§4.1.1.10).
    ///
    /// Replies to earlier commands leave first, if the peer takes them. A message that is answered so
    /// is not accepted, and what has not come of it stays unread.
    ///
    /// ```
    /// use smtp_proto::server::{Accept, Answer, Reject};
    ///
    /// fn connect(is_on_the_blocklist: bool) -> Answer {
    ///     if is_on_the_blocklist { Err(Reject::disconnect()) } else { Ok(Accept::Usual) }
    /// }
    ///
    /// assert_eq!(connect(true).expect_err("refused").reply(), None);
    /// ```
    #[must_use]
    pub fn disconnect() -> Self {
        Self(None)
    }

    /// The reply that says no; `None`: [`disconnect`](Self::disconnect).
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        self.0.as_ref()
    }

    /// Whether there is no reply, and the connection is closed.
    #[must_use]
    pub fn is_disconnect(&self) -> bool {
        self.0.is_none()
    }

    /// 451: something failed here, not by the fault of the client.
    #[must_use]
    pub fn local_error() -> Self {
        local_error().into()
    }

    /// 535: whoever this is, it is not whom it claims to be.
    #[must_use]
    pub fn wrong_credentials() -> Self {
        Reply::new(ReplyCode::AUTHENTICATION_FAILED, Detail::CREDENTIALS_INVALID, "authentication credentials invalid")
            .into()
    }

    /// 421: no service on this connection any more. It ends with this reply.
    #[must_use]
    pub fn no_service(detail: Detail, text: &str) -> Self {
        Reply::new(ReplyCode::SERVICE_NOT_AVAILABLE, detail, text).into()
    }

    /// 421 4.7.0: a cap on the number of connections is reached.
    #[must_use]
    pub fn too_many_connections() -> Self {
        Self::no_service(Detail::OTHER_SECURITY_STATUS, "too many connections")
    }

    /// 421 4.3.0: whatever answers on this connection has failed, and is not asked again.
    #[must_use]
    pub fn internal_error() -> Self {
        Self::no_service(Detail::OTHER_SYSTEM_STATUS, "internal error, closing connection")
    }

    /// 502 5.5.1: this server does not do that.
    #[must_use]
    pub fn not_implemented() -> Self {
        Reply::new(ReplyCode::NOT_IMPLEMENTED, Detail::INVALID_COMMAND, "command not implemented").into()
    }
}

impl Connection {
    /// Answers a question: [`accept`](Self::accept), [`accept_with`](Self::accept_with), [`reject`](Self::reject) or
    /// [`disconnect`](Self::disconnect), as the answer says. A reply of a class that cannot carry the answer is replaced
    /// by 451.
    ///
    /// Returns whether it was a yes that was taken. What comes too late is no yes.
    pub fn answer<T: Token>(&mut self, now: Instant, token: T, answer: Answer) -> bool {
        let refused = match answer {
            Ok(Accept::Usual) => return self.accept(now, token).is_ok(),
            Ok(Accept::With(reply)) => match self.accept_with(now, token, reply) {
                Ok(()) => return true,
                Err(refused) => refused,
            },
            Err(Reject(None)) => {
                self.disconnect(now);
                return false;
            }
            Err(Reject(Some(reply))) => match self.reject(now, token, reply) {
                Ok(()) => return false,
                Err(refused) => refused,
            },
        };
        if let Refused { misuse: Misuse::WrongReplyClass, value: (token, _) } = refused {
            // A stale token is refused again, and nothing is left to say.
            let _ = self.reject(now, token, local_error());
        }
        false
    }

    /// Answers a [`Lookup`] as [`provide`](Self::provide) does. A reply of a class other than 4yz is replaced by 454.
    pub fn answer_lookup(&mut self, now: Instant, lookup: Lookup, secret: Result<Option<Secret>, Reject>) {
        let secret = match secret {
            Ok(secret) => Ok(secret),
            Err(Reject(Some(reply))) => Err(reply),
            Err(Reject(None)) => return self.disconnect(now),
        };
        if let Err(Refused { misuse: Misuse::WrongReplyClass, value: lookup }) = self.provide(now, lookup, secret) {
            // A stale token is refused again, and nothing is left to say.
            let _ = self.provide(now, lookup, Err(cannot_authenticate()));
        }
    }

    /// Refuses service to a client that has just connected, for a driver that has no room for it: carries out all there is
    /// to do that waits for nothing. `write` writes some octets if that takes no time, and says how many; `None` is the end.
    ///
    /// The reply is short enough for any socket that is new. Where TLS begins with the first octet the connection ends
    /// without one, because a handshake would wait.
    pub fn refuse(&mut self, now: Instant, reject: &Reject, mut write: impl FnMut(&[u8]) -> Option<usize>) {
        loop {
            match self.poll() {
                Output::Event(Event::Connect(token)) => {
                    self.answer(now, token, Err(reject.clone()));
                }
                Output::Event(_) => {}
                Output::Transmit(octets) => match write(octets) {
                    Some(count @ 1..) => self.transmitted(now, count),
                    _ => return,
                },
                Output::UpgradeTls | Output::Wait(_) | Output::Closed(_) => return,
            }
        }
    }

    /// Ends the connection, whatever is asked, and answers nothing more: see [`Reject::disconnect`]. Replies to earlier
    /// commands leave first.
    pub fn disconnect(&mut self, now: Instant) {
        self.tick(now);
        if self.closing.is_none() {
            self.abort(Abort::ConnectionLost);
            self.close(CloseReason::Refused);
        }
    }
}

/// 451: something failed here, not by the fault of the client.
fn local_error() -> Reply {
    Reply::from_static(ReplyCode::LOCAL_ERROR, Some(Detail::OTHER_SYSTEM_STATUS), "local error, try again later")
}

/// 454: nobody can log in now, not by the fault of the client.
fn cannot_authenticate() -> Reply {
    Reply::new(
        ReplyCode::TEMPORARY_AUTHENTICATION_FAILURE,
        Detail::OTHER_SECURITY_STATUS,
        "nobody can log in now, try again later",
    )
}

impl From<Reply> for Reject {
    fn from(reply: Reply) -> Self {
        Self(Some(reply))
    }
}

#[cfg(feature = "std")]
impl From<std::io::Error> for Reject {
    fn from(_: std::io::Error) -> Self {
        Self::local_error()
    }
}
