//! The application's side of a server: what it is asked, and what it may answer.

use core::net::SocketAddr;

use smtp_proto::sasl::Secret;
use smtp_proto::server::{Accept, Answer, Auth, Envelope, Hello, Lookup, Mail, Rcpt, Reject};

use super::body::BodyReader;
#[cfg(feature = "__tls")]
use crate::tls::TlsSession;

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

    /// TLS was begun: before [`connect`](Self::connect) where it begins with the first octet, else before the EHLO that
    /// has to follow STARTTLS (RFC 3207 §4.2). Whatever the client said in clear is to be forgotten.
    ///
    /// The certificate of the client is that of EXTERNAL, if
    /// [`TlsSession::is_verified`](crate::tls::TlsSession::is_verified).
    #[cfg(feature = "__tls")]
    fn tls(&mut self, _session: &TlsSession) {}

    /// EHLO or HELO (§4.1.1.1).
    ///
    /// # Errors
    ///
    /// The refusal.
    fn hello(&mut self, _hello: &Hello) -> Answer {
        Ok(Accept::Usual)
    }

    /// AUTH: may this client act as whom it claims to be? (RFC 4954 §4) Asked only with
    /// [`Config::auth`](smtp_proto::server::Config::auth). Whoever claims a user has proved that it is the one
    /// ([`Claim::Proven`](smtp_proto::sasl::Claim::Proven)), or has told what it knows of the secret, which is to be
    /// compared here. A claim may name another user to act as.
    ///
    /// Accepting it may still come too late: whether the client of a mail is logged in is said by
    /// [`Mail::protocol`].
    ///
    /// # Errors
    ///
    /// The refusal: 535 5.7.8 where the credentials are wrong. [`Auth`] has the others.
    fn auth(&mut self, _auth: &Auth) -> Answer {
        Err(Reject::wrong_credentials())
    }

    /// AUTH with a mechanism that computes with the secret: what is stored of this user? `Ok(None)`: there is no such
    /// user, which the client learns at the end only, as if the password were wrong. Asked before [`auth`](Self::auth).
    ///
    /// # Errors
    ///
    /// It cannot be said now: a reply of class 4yz, 454 4.7.0 as a rule.
    fn lookup(&mut self, _lookup: &Lookup) -> Result<Option<Secret>, Reject> {
        Ok(None)
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
        Err(Reject::not_implemented())
    }
}

impl<S: Session + ?Sized> Session for Box<S> {
    fn connect(&mut self) -> Answer {
        (**self).connect()
    }

    #[cfg(feature = "__tls")]
    fn tls(&mut self, session: &TlsSession) {
        (**self).tls(session);
    }

    fn hello(&mut self, hello: &Hello) -> Answer {
        (**self).hello(hello)
    }

    fn auth(&mut self, auth: &Auth) -> Answer {
        (**self).auth(auth)
    }

    fn lookup(&mut self, lookup: &Lookup) -> Result<Option<Secret>, Reject> {
        (**self).lookup(lookup)
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
