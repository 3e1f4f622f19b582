//! The client role: one connection, any number of mails.

mod outcomes;

pub use outcomes::{Outcomes, SendError};

use core::time::Duration;
use std::io::{self, ErrorKind, Read};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Instant;

use smtp_proto::client::{Capabilities, Config, Connection, Envelope, Event, Outcome};
use smtp_proto::{Clock, CloseReason, Next, Observer};
#[cfg(feature = "__tls")]
use smtp_tls::{Upgrade, server_name};

use crate::driver::Driver;
use crate::entropy::entropy;
use crate::socket::Socket;
#[cfg(feature = "__tls")]
use crate::tls::{ClientTls, TlsError, TlsSession};

/// A connection to an SMTP server, for any number of mails.
///
/// ```no_run
/// use smtp_blocking::Client;
/// use smtp_blocking::proto::client::{Config, Envelope, Summary};
///
/// let mut client = Client::connect("mx.example:25", Config::new("client.example")?)?;
/// let envelope = Envelope::new("alice@client.example")?.to("bob@mx.example")?;
/// let outcome = client.send(envelope, &b"Subject: greeting\r\n\r\nHello Bob\r\n"[..])?;
/// assert_eq!(outcome.summary(), Summary::Accepted);
/// client.quit();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Dropping it without [`quit`](Self::quit) closes the connection as it stands.
#[derive(Debug)]
pub struct Client {
    driver: Driver<Connection>,
    /// What the server offers, once the session has begun.
    capabilities: Option<Capabilities>,
}

/// How long [`Client::connect`] tries.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

impl Client {
    /// Connects to a server, for at most [`CONNECT_TIMEOUT`]. See [`connect_timeout`](Self::connect_timeout).
    ///
    /// # Errors
    ///
    /// As [`connect_timeout`](Self::connect_timeout).
    pub fn connect(server: impl ToSocketAddrs, config: impl Into<Arc<Config>>) -> io::Result<Self> {
        Self::connect_timeout(server, config, CONNECT_TIMEOUT)
    }

    /// Connects to a server: tries its addresses in turn and leaves time for those that come after. Looking up the
    /// addresses of a name is not bounded by `timeout`.
    ///
    /// Nothing is said yet: the greeting is awaited by the first mail, or by [`ready`](Self::ready).
    ///
    /// # Errors
    ///
    /// What the operating system says about the last address, `NotFound` when there is none, and `InvalidInput` when
    /// [`Config::check`] finds fault.
    pub fn connect_timeout(
        server: impl ToSocketAddrs,
        config: impl Into<Arc<Config>>,
        timeout: Duration,
    ) -> io::Result<Self> {
        Self::from_stream(dial(server, timeout)?, config)
    }

    /// Connects to a server with TLS, for at most [`CONNECT_TIMEOUT`] before the TLS handshake. Whether and when TLS
    /// begins is said by [`Config::security`]. See [`from_stream_tls`](Self::from_stream_tls).
    ///
    /// # Errors
    ///
    /// As [`connect_timeout`](Self::connect_timeout), and `InvalidInput` when `name` is none.
    #[cfg(feature = "__tls")]
    pub fn connect_tls(
        server: impl ToSocketAddrs,
        name: &str,
        config: impl Into<Arc<Config>>,
        tls: &ClientTls,
    ) -> io::Result<Self> {
        let config = config.into();
        let upgrade = Upgrade::client(tls, server_name(name)?, &config);
        Ok(Self::begin(dial(server, CONNECT_TIMEOUT)?, config)?.with_upgrade(upgrade))
    }

    /// A client at the end of a stream that is connected to a server, which has said nothing yet or whose greeting has
    /// not been read.
    ///
    /// # Errors
    ///
    /// When the stream does not take the options that are needed, and `InvalidInput` when [`Config::check`] finds fault
    /// or [`Config::security`] asks for TLS: `from_stream_tls` is told how that is made.
    pub fn from_stream(stream: TcpStream, config: impl Into<Arc<Config>>) -> io::Result<Self> {
        let config = config.into();
        config.check_without_tls()?;
        Self::begin(stream, config)
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
        stream: TcpStream,
        name: &str,
        config: impl Into<Arc<Config>>,
        tls: &ClientTls,
    ) -> io::Result<Self> {
        let config = config.into();
        let upgrade = Upgrade::client(tls, server_name(name)?, &config);
        Ok(Self::begin(stream, config)?.with_upgrade(upgrade))
    }

    fn begin(stream: TcpStream, config: Arc<Config>) -> io::Result<Self> {
        let clock = Clock::start();
        let mut connection = Connection::new(clock.now(), config)?;
        connection.seed(entropy()?);
        let driver = Driver::new(connection, Socket::new(Arc::new(stream))?, clock);
        Ok(Self { driver, capabilities: None })
    }

    #[cfg(feature = "__tls")]
    fn with_upgrade(mut self, upgrade: Upgrade) -> Self {
        self.driver.socket.upgrade = Some(upgrade);
        self
    }

    /// Lets the connection be watched from now on. Nothing has been said before the first mail or
    /// [`ready`](Self::ready).
    pub fn observe(&mut self, observer: impl Observer + 'static) {
        self.driver.socket.observe(Box::new(observer));
    }

    /// Waits until the session has begun, and tells what the server offers.
    ///
    /// # Errors
    ///
    /// Why the connection ended instead.
    pub fn ready(&mut self) -> Result<&Capabilities, CloseReason> {
        while self.capabilities.is_none() && self.closed().is_none() {
            // Without a mail nothing can happen but the beginning of the session, or its end.
            if let Next::Event(Event::Ready(capabilities)) = self.next() {
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
    /// # Errors
    ///
    /// When the mail was not tried, or its body could not be read.
    pub fn send(&mut self, envelope: Envelope, body: impl Read) -> Result<Outcome, SendError> {
        self.send_mail(envelope, body)
    }

    /// Sends mails as they are asked for, and tells what became of each, in order. The commands of the next mail leave
    /// together with the end of the one before, so that a mail costs one round trip.
    ///
    /// The iteration ends when there are no more mails or when the connection is over; lend the iterator
    /// (`by_ref()`) to keep what was not taken from it by then.
    pub fn send_all<R, I>(&mut self, mails: I) -> Outcomes<'_, R, I::IntoIter>
    where
        R: Read,
        I: IntoIterator<Item = (Envelope, R)>,
    {
        Outcomes::new(self, mails.into_iter())
    }

    /// Says QUIT, waits for the answer and closes the connection. Returns how the connection ended:
    /// [`CloseReason::Quit`], unless it was over before. That changes nothing about the mails.
    pub fn quit(mut self) -> CloseReason {
        self.driver.connection.quit(self.driver.clock.now());
        loop {
            if let Next::Closed(reason) = self.next() {
                self.driver.socket.close();
                return reason;
            }
        }
    }

    /// Carries on until there is something to see to.
    fn next(&mut self) -> Next<Event> {
        loop {
            if let Some(next) = self.driver.turn(Duration::MAX, Socket::read) {
                return next;
            }
        }
    }

    /// Why the connection is over, if it is known to be. No further mail is tried then.
    #[must_use]
    pub fn closed(&self) -> Option<CloseReason> {
        self.driver.connection.close_reason()
    }

    /// What the operating system or TLS said when the transport or the handshake failed, if it did.
    #[must_use]
    pub fn transport_error(&self) -> Option<&io::Error> {
        self.driver.error.as_ref()
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
        self.driver.socket.tls_session()
    }

    /// The stream, for its addresses.
    #[must_use]
    pub fn stream(&self) -> &TcpStream {
        self.driver.socket.stream()
    }
}

/// Connects to one of the addresses of a server: tries them in turn and leaves time for those that come after.
fn dial(server: impl ToSocketAddrs, timeout: Duration) -> io::Result<TcpStream> {
    let addresses: Vec<_> = server.to_socket_addrs()?.collect();
    let end = Instant::now() + timeout;
    let mut failure = io::Error::new(ErrorKind::NotFound, "the server has no address");
    for (address, to_try) in addresses.iter().zip((1..=addresses.len() as u32).rev()) {
        let share = end.saturating_duration_since(Instant::now()) / to_try;
        match TcpStream::connect_timeout(address, share.max(Duration::from_millis(1))) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
