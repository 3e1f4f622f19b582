//! The server role: a listener, a thread for each connection, and the application's sessions.

mod attended;
mod body;
mod connections;
mod conversation;
mod session;

pub use body::BodyReader;
pub use session::{Backend, Session};

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::num::NonZeroUsize;
use core::time::Duration;
use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::thread;

use smtp_proto::reply::Detail;
use smtp_proto::server::{Caps, Config, Connection, Reject};
use smtp_proto::{Clock, Observer};

use crate::driver::Driver;
use crate::entropy::entropy;
use crate::socket::Socket;
#[cfg(feature = "__tls")]
use crate::tls::ServerTls;
use attended::Attended;
use connections::{Connections, Place};
use conversation::Conversation;

/// An SMTP server on a TCP socket, with a thread for each connection.
///
/// [`bind`](Self::bind) it, then [`serve`](Self::serve) a [`Backend`] until somebody calls [`Handle::shutdown`].
///
/// | limit | default | at the limit |
/// |---|---|---|
/// | connections at one time | 1 000 | 421 4.7.0 |
/// | connections at one time from one address | 50 | 421 4.7.0 |
///
/// All other limits and all times are those of [`Config`].
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    caps: Caps,
    service: Service,
}

/// What the connections of a server have in common.
#[derive(Clone)]
struct Service {
    config: Arc<Config>,
    connections: Arc<Connections>,
    #[cfg(feature = "__tls")]
    tls: Option<ServerTls>,
    observer: Option<Arc<MakeObserver>>,
}

/// Ends a [`Server`] from another thread.
#[derive(Clone, Debug)]
pub struct Handle {
    connections: Arc<Connections>,
    address: SocketAddr,
}

type MakeObserver = dyn Fn(SocketAddr) -> Box<dyn Observer> + Send + Sync;

/// How long to wait when the operating system refuses to accept, for example because no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How much longer than the grace of the configuration a connection may take to say its last reply.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long to try to reach a listener of this machine.
const WAKE_PATIENCE: Duration = Duration::from_secs(1);

impl Server {
    /// A server that listens at this address; port 0 lets the operating system choose one.
    ///
    /// As many connections as the standard library chooses, 128 where it has its way, wait to be accepted at one time; a
    /// listener of the caller's own ([`from_listener`](Self::from_listener)) may let more of them wait.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened at, and `InvalidInput` when [`Config::check`] finds fault.
    pub fn bind(address: impl ToSocketAddrs, config: impl Into<Arc<Config>>) -> io::Result<Self> {
        Self::from_listener(TcpListener::bind(address)?, config)
    }

    /// A server at a listener that exists already, for example one that a service manager handed over.
    ///
    /// # Errors
    ///
    /// When the listener does not work, and `InvalidInput` when [`Config::check`] finds fault.
    pub fn from_listener(listener: TcpListener, config: impl Into<Arc<Config>>) -> io::Result<Self> {
        let mut config = config.into();
        config.check()?;
        if config.auth.wants_decoy_key() {
            Arc::make_mut(&mut config).auth.decoy_key = entropy()?;
        }
        listener.set_nonblocking(false)?;
        let address = listener.local_addr()?;
        let service = Service {
            config,
            connections: Connections::new(),
            #[cfg(feature = "__tls")]
            tls: None,
            observer: None,
        };
        Ok(Self { listener, address, caps: Caps::default(), service })
    }

    /// Serves at most so many connections at one time, and so many from one address.
    #[must_use]
    pub fn with_caps(mut self, all: NonZeroUsize, per_address: NonZeroUsize) -> Self {
        self.caps = Caps { all, per_address };
        self
    }

    /// Makes TLS, as [`Config::tls`] says: with STARTTLS or from the first octet. A configuration that says
    /// [`TlsPolicy::Disabled`](smtp_proto::server::TlsPolicy::Disabled) offers STARTTLS from now on.
    #[cfg(feature = "__tls")]
    #[must_use]
    pub fn with_tls(mut self, tls: impl Into<ServerTls>) -> Self {
        self.service.tls = Some(tls.into());
        self
    }

    /// Lets every connection be watched: `observer` makes an [`Observer`] for a connection from this address.
    #[must_use]
    pub fn with_observer<O, F>(mut self, observer: F) -> Self
    where
        F: Fn(SocketAddr) -> O + Send + Sync + 'static,
        O: Observer + 'static,
    {
        self.service.observer = Some(Arc::new(move |peer| Box::new(observer(peer))));
        self
    }

    /// Where the server listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// What ends this server.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle { connections: Arc::clone(&self.service.connections), address: self.address }
    }

    /// Serves until [`Handle::shutdown`] is called, and then until every connection has ended or
    /// [`Timeouts::shutdown_grace`](smtp_proto::server::Timeouts::shutdown_grace) is over. What has not said its last
    /// reply two seconds later is cut; the thread of a session that does not return is left behind.
    ///
    /// A failure to accept a connection does not end the service.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, at once, when [`Config::tls`] asks for TLS and nothing says how it is made: `with_tls` of a server
    /// does, which there is with the feature `tls`.
    pub fn serve(mut self, backend: impl Backend) -> io::Result<()> {
        self.service.check()?;
        let backend = Arc::new(backend);
        let connections = &self.service.connections;
        while let Some((stream, peer)) = next_connection(|| self.listener.accept(), || connections.is_service_ending())
        {
            let stream = Arc::new(stream);
            let Some(place) = connections.admit(self.caps, &stream, peer.ip()) else {
                self.service.refuse(&stream, peer, &Reject::too_many_connections());
                continue;
            };
            let (service, backend, served) = (self.service.clone(), Arc::clone(&backend), Arc::clone(&stream));
            let thread = thread::Builder::new().name(format!("smtp {peer}"));
            let started = thread.spawn(move || service.serve(&served, peer, &place, &*backend));
            if started.is_err() {
                let reject = Reject::no_service(Detail::SYSTEM_NOT_ACCEPTING_MESSAGES, "too many connections");
                self.service.refuse(&stream, peer, &reject);
            }
        }
        drop(self.listener);
        connections.wait(self.service.config.timeouts.shutdown_grace + LAST_WORDS);
        Ok(())
    }
}

impl Service {
    /// Settles how TLS is made.
    fn check(&mut self) -> io::Result<()> {
        #[cfg(feature = "__tls")]
        let has_tls = self.tls.is_some();
        #[cfg(not(feature = "__tls"))]
        let has_tls = false;
        Ok(self.config.settle_tls(has_tls)?)
    }

    /// Serves one connection to its end.
    fn serve<B: Backend>(&self, stream: &Arc<TcpStream>, peer: SocketAddr, place: &Place, backend: &B) {
        if let Ok(driver) = self.driver(stream, peer) {
            let attended = Attended { driver, link: Arc::clone(&place.link) };
            Conversation::new(attended, || backend.session(peer)).run();
        }
    }

    /// Refuses service without a thread, and without waiting for the peer.
    fn refuse(&self, stream: &Arc<TcpStream>, peer: SocketAddr, reject: &Reject) {
        let Ok(Driver { mut connection, mut socket, clock, .. }) = self.driver(stream, peer) else { return };
        connection.refuse(clock.now(), reject, |octets| socket.write(octets).ok());
    }

    /// # Errors
    ///
    /// When the peer has left already.
    fn driver(&self, stream: &Arc<TcpStream>, peer: SocketAddr) -> io::Result<Driver<Connection>> {
        let clock = Clock::start();
        let mut connection = Connection::new(clock.now(), Arc::clone(&self.config))?;
        connection.seed(entropy()?);
        let mut socket = Socket::new(Arc::clone(stream))?;
        #[cfg(feature = "__tls")]
        {
            socket.upgrade = self.tls.clone().map(smtp_tls::Upgrade::server);
        }
        if let Some(observer) = &self.observer {
            socket.observe(observer(peer));
        }
        Ok(Driver::new(connection, socket, clock))
    }
}

impl Handle {
    /// Ends the service: no further connection is accepted, clients that are between two transactions are told 421, a
    /// transaction in progress may finish within the grace. Returns at once; [`Server::serve`] returns when all is over.
    pub fn shutdown(&self) {
        self.connections.end_service();
        let ip = match self.address {
            SocketAddr::V4(address) if address.ip().is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(address) if address.ip().is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            address => address.ip(),
        };
        // Wakes the thread that accepts. If the listener is gone already, so is that thread.
        let _ = TcpStream::connect_timeout(&SocketAddr::new(ip, self.address.port()), WAKE_PATIENCE);
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).field("caps", &self.caps).finish_non_exhaustive()
    }
}

/// The next connection; `None` when the service ends. Failures are survived: those of the connection that was to be
/// accepted at once, those of this machine after a pause.
fn next_connection<T>(accept: impl Fn() -> io::Result<T>, is_ending: impl Fn() -> bool) -> Option<T> {
    loop {
        let accepted = accept();
        if is_ending() {
            return None;
        }
        match accepted {
            Ok(connection) => return Some(connection),
            Err(error) if is_of_the_peer(&error) => {}
            Err(_) => thread::sleep(ACCEPT_PAUSE),
        }
    }
}

fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;
    use std::io::{self, ErrorKind};

    use super::next_connection;

    /// RES-10: failures to accept, of whatever kind, do not end the service.
    #[test]
    fn survives_failures_to_accept() {
        let calls = Cell::new(0);
        let accept = || {
            calls.set(calls.get() + 1);
            match calls.get() {
                1 => Err(ErrorKind::ConnectionAborted.into()),
                2 => Err(io::Error::other("no file descriptor left")),
                3 => Err(ErrorKind::OutOfMemory.into()),
                call => Ok(call),
            }
        };
        assert_eq!(next_connection(accept, || false), Some(4));
    }

    /// What was accepted last, to wake the thread, is not served.
    #[test]
    fn ends_when_the_service_ends() {
        assert_eq!(next_connection(|| Ok(()), || true), None);
    }
}
