//! The client role: one connection, any number of mails.

mod outcomes;

pub use outcomes::{Outcomes, SendError};

use core::future::poll_fn;
use core::time::Duration;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Instant;

use futures_core::Stream;
use futures_io::AsyncRead;
use smtp_proto::client::{Capabilities, Config, Connection, Envelope, Event, Outcome};
use smtp_proto::{Clock, CloseReason, Next, Observer, Transport as _};
use tracing::{Span, info_span};

use crate::entropy::entropy;
use crate::runtime::timeout;
#[cfg(feature = "__tls")]
use crate::tls::{ClientTls, TlsError, TlsSession};
use crate::transport::{Driver, Transport};
use crate::{Endpoint, Runtime, Socket as _};

/// A connection to an SMTP server, for any number of mails.
///
/// ```no_run
/// use smtp_async_std::proto::client::{Config, Envelope, Summary};
/// use smtp_async_std::smol::Client;
///
/// # async fn send() -> Result<(), Box<dyn std::error::Error>> {
/// let mut client = Client::connect("mx.example:25", Config::new("client.example")?).await?;
/// let envelope = Envelope::new("alice@client.example")?.to("bob@mx.example")?;
/// let outcome = client.send(envelope, &b"Subject: greeting\r\n\r\nHello Bob\r\n"[..]).await?;
/// assert_eq!(outcome.summary(), Summary::Accepted);
/// client.quit().await;
/// # Ok(())
/// # }
/// ```
///
/// Dropping it without [`quit`](Self::quit) closes the connection as it stands.
pub struct Client<R: Runtime> {
    driver: Driver<Connection, R>,
    /// What the server offers, once the session has begun.
    capabilities: Option<Capabilities>,
    span: Span,
}

/// How long [`Client::connect`] tries.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

impl<R: Runtime> Client<R> {
    /// Connects to a server, for at most [`CONNECT_TIMEOUT`]. See [`connect_timeout`](Self::connect_timeout).
    ///
    /// # Errors
    ///
    /// As [`connect_timeout`](Self::connect_timeout).
    pub async fn connect(server: impl Into<Endpoint>, config: impl Into<Arc<Config>>) -> io::Result<Self> {
        Self::connect_timeout(server, config, CONNECT_TIMEOUT).await
    }

    /// Connects to a server: tries its addresses in turn and leaves time for those that come after.
    ///
    /// Nothing is said yet: the greeting is awaited by the first mail, or by [`ready`](Self::ready).
    ///
    /// # Errors
    ///
    /// What the operating system says about the last address, `NotFound` when there is none, and `InvalidInput` when
    /// [`Config::check`] finds fault.
    pub async fn connect_timeout(
        server: impl Into<Endpoint>,
        config: impl Into<Arc<Config>>,
        timeout: Duration,
    ) -> io::Result<Self> {
        Self::from_stream(dial::<R>(server.into(), timeout).await?, config)
    }

    /// Connects to a server with TLS, for at most [`CONNECT_TIMEOUT`] before the TLS handshake. Whether and when TLS
    /// begins is said by [`Config::security`]. See [`from_stream_tls`](Self::from_stream_tls).
    ///
    /// # Errors
    ///
    /// As [`connect_timeout`](Self::connect_timeout), and `InvalidInput` when `name` is none.
    #[cfg(feature = "__tls")]
    pub async fn connect_tls(
        server: impl Into<Endpoint>,
        name: &str,
        config: impl Into<Arc<Config>>,
        tls: &ClientTls,
    ) -> io::Result<Self> {
        Self::from_stream_tls(dial::<R>(server.into(), CONNECT_TIMEOUT).await?, name, config, tls)
    }

    /// A client at the end of a stream that is connected to a server, which has said nothing yet or whose greeting has
    /// not been read.
    ///
    /// # Errors
    ///
    /// When the stream does not take the options that are needed, and `InvalidInput` when [`Config::check`] finds fault
    /// or [`Config::security`] asks for TLS: `from_stream_tls` is told how that is made.
    pub fn from_stream(stream: impl Into<R::Socket>, config: impl Into<Arc<Config>>) -> io::Result<Self> {
        let config = config.into();
        config.check_without_tls()?;
        Self::begin(stream.into(), config)
    }

    /// As [`from_stream`](Self::from_stream), with TLS as [`Config::security`] asks for it. It is made by this client:
    /// nothing of it may have begun on the stream, also where it begins with the first octet.
    ///
    /// `name` is whom the certificate of the server has to name: a domain or an IP address, as the caller knows it, and
    /// not as a lookup found it.
    ///
    /// The handshake is made with the first mail or [`ready`](Self::ready), within
    /// [`Timeouts::handshake`](smtp_proto::client::Timeouts::handshake).
    ///
    /// # Errors
    ///
    /// When the stream does not take the options that are needed, and `InvalidInput` when [`Config::check`] finds fault
    /// or `name` is none.
    #[cfg(feature = "__tls")]
    pub fn from_stream_tls(
        stream: impl Into<R::Socket>,
        name: &str,
        config: impl Into<Arc<Config>>,
        tls: &ClientTls,
    ) -> io::Result<Self> {
        let (config, name) = (config.into(), smtp_tls::server_name(name)?);
        let upgrade = smtp_tls::Upgrade::client(tls, name, &config);
        let mut client = Self::begin(stream.into(), config)?;
        client.driver.transport.upgrade = Some(upgrade);
        Ok(client)
    }

    /// Whether the server has said nothing and left nothing to be read: what a connection between two mails looks like.
    pub(crate) fn is_quiet(&self) -> bool {
        self.closed().is_none() && self.driver.transport.is_quiet()
    }

    fn begin(socket: R::Socket, config: Arc<Config>) -> io::Result<Self> {
        socket.set_nodelay()?;
        let span = info_span!("smtp_client", server = socket.peer_addr().map(display));
        let clock = Clock::start();
        let mut connection = Connection::new(clock.now(), config)?;
        connection.seed(entropy()?);
        Ok(Self { driver: Driver::new(connection, Transport::new(socket, clock)), capabilities: None, span })
    }

    /// Lets the connection be watched from now on. Nothing has been said before the first mail or
    /// [`ready`](Self::ready).
    pub fn observe(&mut self, observer: impl Observer + 'static) {
        self.driver.observe(Box::new(observer));
    }

    /// Waits until the session has begun, and tells what the server offers.
    ///
    /// Cancel safe: dropping the future and calling again goes on where it was.
    ///
    /// # Errors
    ///
    /// Why the connection ended instead.
    pub async fn ready(&mut self) -> Result<&Capabilities, CloseReason> {
        while self.capabilities.is_none() && self.closed().is_none() {
            // Without a mail nothing can happen but the beginning of the session, or its end.
            if let Next::Event(Event::Ready(capabilities)) = poll_fn(|cx| self.driver.poll_next(cx)).await {
                self.capabilities = Some(capabilities);
            }
        }
        match (self.closed(), &self.capabilities) {
            (None, Some(capabilities)) => Ok(capabilities),
            (reason, _) => Err(reason.unwrap_or(CloseReason::Abandoned)),
        }
    }

    /// Sends one mail and waits for what becomes of it. The body is read to its end; it has CRLF line ends, unless the
    /// configuration says [`LineEndings::Normalize`](smtp_proto::body::LineEndings::Normalize).
    ///
    /// Whatever the server or the network does is in the outcome. To send many mails use [`send_all`](Self::send_all),
    /// which takes half the time.
    ///
    /// Dropping the future cuts the connection, unless the mail has its outcome: the server takes no part of a mail for
    /// the whole.
    ///
    /// # Errors
    ///
    /// When the mail was not tried, or its body could not be read.
    pub async fn send(&mut self, envelope: Envelope, body: impl AsyncRead + Unpin) -> Result<Outcome, SendError> {
        let mut outcomes = Outcomes::<_, NoMails<_>, _>::new(self, None);
        outcomes.push(envelope, body);
        outcomes.next().await.expect("a mail has an outcome, or was not tried")
    }

    /// Sends mails as they come, and tells what became of each, in order. The commands of the next mail leave together
    /// with the end of the one before, so that a mail costs one round trip.
    ///
    /// The stream ends when there are no more mails or when the connection is over; lend it (`&mut mails`) to keep what
    /// was not taken from it by then.
    pub fn send_all<B, S>(&mut self, mails: S) -> Outcomes<'_, B, S, R>
    where
        B: AsyncRead + Unpin,
        S: Stream<Item = (Envelope, B)> + Unpin,
    {
        Outcomes::new(self, Some(mails))
    }

    /// Says QUIT, waits for the answer and closes the connection. Returns how the connection ended:
    /// [`CloseReason::Quit`], unless it was over before. That changes nothing about the mails.
    pub async fn quit(mut self) -> CloseReason {
        self.driver.connection.quit(self.driver.transport.now());
        loop {
            if let Next::Closed(reason) = poll_fn(|cx| self.driver.poll_next(cx)).await {
                self.driver.close().await;
                return reason;
            }
        }
    }

    /// Why the connection is over, if it is known to be. No further mail is tried then.
    #[must_use]
    pub fn closed(&self) -> Option<CloseReason> {
        self.driver.connection.close_reason()
    }

    /// What was wrong with TLS, if that is what the connection failed by.
    #[cfg(feature = "__tls")]
    #[must_use]
    pub fn tls_error(&self) -> Option<&TlsError> {
        self.transport_error()?.get_ref()?.downcast_ref()
    }

    /// What TLS was agreed on, once the handshake is done.
    #[cfg(feature = "__tls")]
    #[must_use]
    pub fn tls_session(&self) -> Option<&TlsSession> {
        self.driver.transport.tls_session()
    }

    /// What the operating system said when the transport failed, if it did.
    #[must_use]
    pub fn transport_error(&self) -> Option<&io::Error> {
        self.driver.error.as_ref()
    }
}

/// The stream of mails behind the only one.
struct NoMails<B>(core::marker::PhantomData<B>);

impl<B: Unpin> Stream for NoMails<B> {
    type Item = (Envelope, B);

    fn poll_next(
        self: core::pin::Pin<&mut Self>,
        _: &mut core::task::Context<'_>,
    ) -> core::task::Poll<Option<Self::Item>> {
        core::task::Poll::Ready(None)
    }
}

/// Connects to one of the addresses of a server: tries them in turn and leaves time for those that come after.
async fn dial<R: Runtime>(server: Endpoint, time: Duration) -> io::Result<R::Socket> {
    let begin = Instant::now();
    let addresses = timeout::<R, _>(time, server.addresses::<R>()).await.ok_or(ErrorKind::TimedOut)??;
    let mut failure = io::Error::from(ErrorKind::NotFound);
    for (address, to_try) in addresses.iter().zip((1..=addresses.len() as u32).rev()) {
        let share = time.saturating_sub(begin.elapsed()) / to_try;
        match timeout::<R, _>(share, R::connect(*address)).await {
            Some(Ok(socket)) => return Ok(socket),
            Some(Err(error)) => failure = error,
            None => failure = ErrorKind::TimedOut.into(),
        }
    }
    Err(failure)
}
