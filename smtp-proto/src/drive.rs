//! What a connection says to its driver, the same in both roles.

use bytes::Bytes;
use thiserror::Error;

use crate::{Instant, TlsInfo};

/// The one thing to do next, as `poll` of either role says it. `E` is the role's `Event`.
#[derive(Debug)]
#[must_use = "the connection stands still until its output is carried out"]
pub enum Output<'a, E> {
    /// Write some of these octets to the peer, then say how many with `transmitted`.
    Transmit(&'a [u8]),
    /// Something happened. An event that needs an answer is itself the token for that answer.
    Event(E),
    /// Make the TLS handshake: as a server in the server role, as a client in the client role. Everything that was to
    /// leave in clear has left, and nothing that came in clear is kept. Repeated until `handle_tls_established` or
    /// `handle_tls_failed` says how it ended; until then input is handed back, and the time for it ends at the
    /// `deadline()` of the connection.
    UpgradeTls,
    /// Nothing to do: park until one of the wake-ups that the [`Wait`] names.
    Wait(Wait),
    /// The connection is over. Close the socket. Repeated for ever.
    Closed(CloseReason),
}

/// What there is to see to, as a driver tells those it drives a connection for.
#[derive(Debug)]
#[must_use = "an event may want an answer, and is told once"]
pub enum Next<E> {
    /// The connection tells something, or asks.
    Event(E),
    /// Of a client: the next piece of the body that is being sent is welcome.
    Body,
    /// The connection is over.
    Closed(CloseReason),
}

/// What a driver needs of a connection, the same in both roles: one driver serves
/// [`server::Connection`](crate::server::Connection) and [`client::Connection`](crate::client::Connection). Each method is
/// the one of the same name there.
pub trait Drive {
    /// What the role tells and asks.
    type Event;

    /// The one thing to do next.
    fn poll(&mut self) -> Output<'_, Self::Event>;

    /// When `handle_timeout` is due if nothing else happens first, also while octets wait to be transmitted.
    fn deadline(&self) -> Option<Instant>;

    /// Whether octets of the peer are welcome, also while octets wait to be transmitted: a driver that reads while it
    /// cannot write never waits for a peer that does not read either.
    fn wants_input(&self) -> bool;

    /// Octets came from the peer.
    ///
    /// # Errors
    ///
    /// The octets are handed back unless [`wants_input`](Self::wants_input).
    fn handle_input(&mut self, now: Instant, octets: Bytes) -> Result<(), Refused<Bytes>>;

    /// The peer closed its side.
    fn handle_eof(&mut self, now: Instant);

    /// The transport failed.
    fn handle_disconnect(&mut self, now: Instant);

    /// The deadline has passed. A call that comes too early does nothing.
    fn handle_timeout(&mut self, now: Instant);

    /// The TLS handshake is done.
    fn handle_tls_established(&mut self, now: Instant, info: TlsInfo);

    /// The TLS handshake failed.
    fn handle_tls_failed(&mut self, now: Instant);

    /// The first `count` octets of the last `Transmit` were written.
    fn transmitted(&mut self, now: Instant, count: usize);
}

macro_rules! drive {
    ($role:ident) => {
        impl Drive for crate::$role::Connection {
            type Event = crate::$role::Event;

            fn poll(&mut self) -> Output<'_, Self::Event> {
                self.poll()
            }

            fn deadline(&self) -> Option<Instant> {
                self.deadline()
            }

            fn wants_input(&self) -> bool {
                self.wants_input()
            }

            fn handle_input(&mut self, now: Instant, octets: Bytes) -> Result<(), Refused<Bytes>> {
                self.handle_input(now, octets)
            }

            fn handle_eof(&mut self, now: Instant) {
                self.handle_eof(now);
            }

            fn handle_disconnect(&mut self, now: Instant) {
                self.handle_disconnect(now);
            }

            fn handle_timeout(&mut self, now: Instant) {
                self.handle_timeout(now);
            }

            fn handle_tls_established(&mut self, now: Instant, info: TlsInfo) {
                self.handle_tls_established(now, info);
            }

            fn handle_tls_failed(&mut self, now: Instant) {
                self.handle_tls_failed(now);
            }

            fn transmitted(&mut self, now: Instant, count: usize) {
                self.transmitted(now, count);
            }
        }
    };
}

drive!(client);
drive!(server);

/// Every legal wake-up of a parked connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "names what the driver has to wait for"]
pub struct Wait {
    /// Octets of the peer are welcome. When false, `handle_input` hands them back.
    pub input: bool,
    /// What the application owes an answer to, if anything.
    pub decision: Option<Decision>,
    /// When to call `handle_timeout` if nothing else happens first.
    pub deadline: Option<Instant>,
}

/// A question that is open: what the connection is waiting for the application to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decision {
    /// Server: whether to serve this peer at all (answers the connection, RFC 5321 §3.1).
    Connect,
    /// Server: EHLO or HELO.
    Hello,
    /// Server: AUTH, once the client has said who it is (RFC 4954).
    Auth,
    /// Server: what is stored of a user, for a mechanism that needs it.
    Lookup,
    /// Server: MAIL.
    Mail,
    /// Server: RCPT.
    Rcpt,
    /// Server: DATA, before the 354.
    Data,
    /// Server: the end of the mail data. Accepting takes over the responsibility for the message (§4.2.5).
    Message,
    /// Server: VRFY.
    Verify,
    /// Server: EXPN.
    Expand,
    /// Client: the next piece of the body of the mail that is being sent, or its end.
    Body,
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// QUIT was sent and answered.
    #[error("the session was ended with QUIT")]
    Quit,
    /// The peer closed its side without QUIT.
    #[error("the peer closed the connection")]
    PeerClosed,
    /// The transport failed: `handle_disconnect` was called.
    #[error("the transport failed")]
    TransportFailed,
    /// The peer let a deadline pass.
    #[error("the peer took too long")]
    Timeout,
    /// Octets stayed unwritten for too long because the peer does not read.
    #[error("the peer takes no more octets")]
    WriteStalled,
    /// Octets arrived where none may be waiting: before the greeting, or behind a command that ends a pipelined
    /// group (RFC 2920 §3.1).
    #[error("the peer did not wait for a reply")]
    EarlyInput,
    /// A line held a CR, LF or NUL that is no line end.
    #[error("the peer sent a CR, LF or NUL that is no line end")]
    StrayOctet,
    /// Too much input had to be thrown away: an endless line, or mail data far beyond the size limit.
    #[error("the peer sent too much that had to be thrown away")]
    Flood,
    /// The peer made more errors than allowed.
    #[error("the peer made too many errors")]
    TooManyErrors,
    /// The connection carried as many messages as allowed.
    #[error("the connection carried as many messages as allowed")]
    TooManyMessages,
    /// The TLS handshake failed: `handle_tls_failed` was called.
    #[error("the TLS handshake failed")]
    TlsFailed,
    /// Client: TLS is required, and the server does not offer it or did not begin it.
    #[error("the server does not begin TLS, which is required")]
    NoTls,
    /// Client: the server refused the credentials.
    #[error("the server refused the credentials")]
    AuthRefused,
    /// Client: the server offers no mechanism that these credentials can be used with, or none that was allowed.
    #[error("the server offers no mechanism of AUTH for these credentials")]
    NoMechanism,
    /// Client: the credentials may go out over verified TLS only, and this connection has none.
    #[error("credentials are not sent without TLS and a verified certificate")]
    NotConfidential,
    /// Client: the server did not keep to the mechanism of AUTH, or did not prove that it knows the credentials.
    #[error("the server failed in the exchange of AUTH")]
    AuthExchange,
    /// Server: too many attempts to authenticate failed.
    #[error("too many attempts to authenticate failed")]
    TooManyAuthFailures,
    /// The peer does not speak SMTP.
    #[error("the peer does not speak SMTP")]
    NotSmtp,
    /// Service was refused: by this application to a client, or by the server to us.
    #[error("service was refused")]
    Refused,
    /// `shutdown` was called.
    #[error("the service is shutting down")]
    Shutdown,
    /// Client: the server said 421 and closed the service.
    #[error("the server closed the service (421)")]
    ServiceNotAvailable,
    /// Client: the server sent something that is no legal answer.
    #[error("the peer broke the protocol")]
    Protocol,
    /// Client: the caller broke off, or the body could not be sent as it stands.
    #[error("the connection was abandoned before the mail was complete")]
    Abandoned,
}

/// A call that does not fit the state of the connection: the caller's mistake, never the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Misuse {
    /// Input came although the last `Wait` had `input: false`.
    #[error("the connection takes no input now")]
    Paused,
    /// The connection is over.
    #[error("the connection is closed")]
    Closed,
    /// The token is not the one whose answer is due: its time has passed, or another connection made it.
    #[error("the token is stale or belongs to another connection")]
    StaleToken,
    /// A reply of this class cannot carry this decision (an acceptance takes 2yz, a rejection 4yz or 5yz).
    #[error("the class of the reply contradicts the decision")]
    WrongReplyClass,
    /// The connection is ending: it takes no new work.
    #[error("the connection is ending")]
    Ending,
    /// An envelope without a recipient.
    #[error("the envelope has no recipient")]
    NoRecipient,
    /// As many mails are queued as allowed.
    #[error("the queue of mails is full")]
    QueueFull,
}

/// A refused call: why, and what was handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{misuse}")]
#[must_use = "holds what was refused"]
pub struct Refused<T> {
    /// Why the call was refused.
    pub misuse: Misuse,
    /// What was handed in, unchanged.
    pub value: T,
}

impl<T> Refused<T> {
    pub(crate) fn new(misuse: Misuse, value: T) -> Self {
        Self { misuse, value }
    }
}
