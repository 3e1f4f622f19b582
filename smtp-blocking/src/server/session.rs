//! The application's side of a server: what it is asked, and what it may answer.

use core::net::SocketAddr;
use std::io;

use smtp_proto::reply::{Detail, Reply, ReplyCode};
use smtp_proto::server::{Hello, Mail, Rcpt};

use super::body::BodyReader;
use super::envelope::Envelope;

/// Makes a [`Session`] for every connection.
///
/// A closure `Fn(SocketAddr) -> impl Session` is a backend.
pub trait Backend: Send + Sync + 'static {
    /// The sessions of this backend. Each lives and dies on the thread of its connection.
    type Session: Session;

    /// A session for a connection from this address. To refuse service, refuse in [`Session::connect`].
    fn session(&self, peer: SocketAddr) -> Self::Session;
}

impl<F, S> Backend for F
where
    F: Fn(SocketAddr) -> S + Send + Sync + 'static,
    S: Session,
{
    type Session = S;

    fn session(&self, peer: SocketAddr) -> S {
        self(peer)
    }
}

/// What an application does with one connection: takes or refuses its mail.
///
/// Every method runs on the thread of the connection and may take its time, up to
/// [`Timeouts::decision`](smtp_proto::server::Timeouts::decision). A panic in one is answered with 451, and with 421 at
/// the next command; other connections do not notice.
///
/// When the connection is over, the session is dropped.
pub trait Session {
    /// A client has connected: is it served? Refusing with 554 leaves it to say QUIT, with 421 ends the connection
    /// (RFC 5321 §3.1).
    ///
    /// # Errors
    ///
    /// The refusal.
    fn connect(&mut self) -> Answer {
        Ok(Accept::Usual)
    }

    /// EHLO or HELO (§4.1.1.1).
    ///
    /// # Errors
    ///
    /// The refusal.
    fn hello(&mut self, _hello: &Hello) -> Answer {
        Ok(Accept::Usual)
    }

    /// MAIL: is mail from this sender taken? (§4.1.1.2)
    ///
    /// # Errors
    ///
    /// The refusal.
    fn mail(&mut self, mail: &Mail) -> Answer;

    /// RCPT: is mail for this recipient taken? (§4.1.1.3)
    ///
    /// # Errors
    ///
    /// The refusal.
    fn rcpt(&mut self, rcpt: &Rcpt) -> Answer;

    /// DATA: the mail itself (§4.1.1.4).
    ///
    /// A refusal before the first read from `body` is the answer to DATA itself, and the client does not transfer the
    /// message. What is not read is read and thrown away.
    ///
    /// Accept once the message is in safe storage: the 250 is a promise to deliver it (§4.2.5, §6.1). A message must
    /// not be delivered when reading it ended in an error, when it is refused, and when [`revoked`](Self::revoked) is
    /// called.
    ///
    /// # Errors
    ///
    /// The refusal.
    fn data(&mut self, envelope: &Envelope, body: &mut BodyReader<'_>) -> Answer;

    /// The message that [`data`](Self::data) has just accepted is not accepted after all, and must not be delivered:
    /// it was not whole, or the answer came too late. The client was not told 250 and will send it again.
    fn revoked(&mut self) {}

    /// The transaction that [`mail`](Self::mail) began is over: its message was accepted or refused, or there was none
    /// (RSET, a new EHLO, data that broke off).
    fn reset(&mut self) {}

    /// VRFY (§4.1.1.6). Asked only with [`Config::verify`](smtp_proto::server::Config::verify). The usual reply is 252.
    ///
    /// # Errors
    ///
    /// The refusal.
    fn verify(&mut self, _argument: &str) -> Answer {
        Ok(Accept::Usual)
    }

    /// EXPN (§4.1.1.7). Asked only with [`Config::expand`](smtp_proto::server::Config::expand). Accept with a reply of
    /// one mailbox a line.
    ///
    /// # Errors
    ///
    /// The refusal.
    fn expand(&mut self, _argument: &str) -> Answer {
        Err(Reply::new(ReplyCode::NOT_IMPLEMENTED, Detail::INVALID_COMMAND, "command not implemented").into())
    }
}

impl<S: Session + ?Sized> Session for Box<S> {
    fn connect(&mut self) -> Answer {
        (**self).connect()
    }

    fn hello(&mut self, hello: &Hello) -> Answer {
        (**self).hello(hello)
    }

    fn mail(&mut self, mail: &Mail) -> Answer {
        (**self).mail(mail)
    }

    fn rcpt(&mut self, rcpt: &Rcpt) -> Answer {
        (**self).rcpt(rcpt)
    }

    fn data(&mut self, envelope: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        (**self).data(envelope, body)
    }

    fn revoked(&mut self) {
        (**self).revoked();
    }

    fn reset(&mut self) {
        (**self).reset();
    }

    fn verify(&mut self, argument: &str) -> Answer {
        (**self).verify(argument)
    }

    fn expand(&mut self, argument: &str) -> Answer {
        (**self).expand(argument)
    }
}

/// What a session says to a question.
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
/// It is made of a [`Reply`], or of an [`io::Error`] with the operator `?`: that becomes 451 4.3.0, and its text stays
/// here. [`Reject::disconnect`] makes one without a reply.
///
/// ```
/// use smtp_blocking::{Accept, Answer, Reject};
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
    /// Replies to earlier commands leave first, if the peer takes them. A message whose [`data`](Session::data) ends so
    /// is not accepted, and what is unread of it stays unread. The session is asked nothing more.
    ///
    /// ```
    /// use smtp_blocking::{Accept, Answer, Reject};
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

    /// 451: something failed here, not by the fault of the client.
    pub(super) fn local_error() -> Self {
        local_error().into()
    }

    /// 421: no service on this connection any more.
    pub(super) fn no_service(detail: Detail, text: &str) -> Self {
        Reply::new(ReplyCode::SERVICE_NOT_AVAILABLE, detail, text).into()
    }

    pub(super) fn into_reply(self) -> Option<Reply> {
        self.0
    }
}

/// 451: something failed here, not by the fault of the client.
pub(super) fn local_error() -> Reply {
    Reply::from_static(ReplyCode::LOCAL_ERROR, Some(Detail::OTHER_SYSTEM_STATUS), "local error, try again later")
}

impl From<Reply> for Reject {
    fn from(reply: Reply) -> Self {
        Self(Some(reply))
    }
}

impl From<io::Error> for Reject {
    fn from(_: io::Error) -> Self {
        Self::local_error()
    }
}
