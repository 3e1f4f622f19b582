//! The server role: listeners, a task for each connection, and the application's sessions.

mod attended;
mod body;
mod connections;
mod conversation;
mod session;

pub use body::BodyReader;
pub use session::{Backend, Session};

use core::fmt;
use core::future::{Future, poll_fn};
use core::net::SocketAddr;
use core::num::NonZeroUsize;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use core::time::Duration;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use smtp_proto::server::{Caps, Config, Connection, Reject};
use smtp_proto::{Clock, Observer};
use tracing::{Instrument as _, info_span, warn};

use crate::entropy::entropy;
use crate::runtime::timeout;
#[cfg(feature = "__tls")]
use crate::tls::ServerTls;
use crate::transport::{Driver, Transport};
use crate::{Endpoint, Runtime, Socket as _};
use attended::Attended;
use connections::{Connections, Place};
use conversation::{Conversation, caught};

/// Whom a connection is with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Peer {
    /// The address; `None` over a Unix socket.
    pub address: Option<SocketAddr>,
    /// Which of the listeners of the server took the connection, in the order in which they were added.
    pub listener: usize,
}

/// An SMTP server with a task for each connection, on any number of listeners.
///
/// [`bind`](Self::bind) it, then [`serve`](Self::serve) a [`Backend`] until somebody calls [`Handle::shutdown`].
///
/// | limit | default | at the limit |
/// |---|---|---|
/// | connections at one time, over all listeners | 1 000 | 421 4.7.0 |
/// | connections at one time from one address | 50 | 421 4.7.0 |
///
/// All other limits and all times are those of [`Config`].
pub struct Server<R: Runtime> {
    listeners: Vec<(R::Listener, Arc<Config>)>,
    caps: Caps,
    connections: Arc<Connections>,
    executor: Option<Box<Executor>>,
    observer: Option<Box<MakeObserver>>,
    #[cfg(feature = "__tls")]
    tls: Option<ServerTls>,
}

/// A connection that was accepted, or why there is none.
type Accepted<R> = io::Result<(<R as Runtime>::Socket, Peer)>;

type Executor = dyn Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync;

type MakeObserver = dyn Fn(&Peer) -> Box<dyn Observer> + Send + Sync;

/// Ends a [`Server`] from anywhere.
#[derive(Clone, Debug)]
pub struct Handle {
    connections: Arc<Connections>,
}

/// How long to wait when the operating system refuses to accept, for example because no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How much longer than the grace of the configuration a connection may take to say its last reply.
const LAST_WORDS: Duration = Duration::from_secs(2);

impl<R: Runtime> Server<R> {
    /// A server that listens at this address; port 0 lets the operating system choose one.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened at, and `InvalidInput` when [`Config::check`] finds fault.
    pub async fn bind(address: impl Into<Endpoint>, config: impl Into<Arc<Config>>) -> io::Result<Self> {
        let mut failure = io::Error::from(ErrorKind::NotFound);
        for address in address.into().addresses::<R>().await? {
            match R::listen(address).await {
                Ok(listener) => return Self::new(listener, config),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// A server at a listener that exists already, for example one that a service manager handed over.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when [`Config::check`] finds fault.
    pub fn new(listener: impl Into<R::Listener>, config: impl Into<Arc<Config>>) -> io::Result<Self> {
        let server = Self {
            listeners: Vec::new(),
            caps: Caps::default(),
            connections: Arc::default(),
            executor: None,
            observer: None,
            #[cfg(feature = "__tls")]
            tls: None,
        };
        server.with_listener(listener, config)
    }

    /// Listens here, too, with a configuration of its own.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when [`Config::check`] finds fault.
    pub fn with_listener(
        mut self,
        listener: impl Into<R::Listener>,
        config: impl Into<Arc<Config>>,
    ) -> io::Result<Self> {
        let mut config = config.into();
        config.check()?;
        if config.auth.wants_decoy_key() {
            Arc::make_mut(&mut config).auth.decoy_key = entropy()?;
        }
        self.listeners.push((listener.into(), config));
        Ok(self)
    }

    /// Serves at most so many connections at one time, and so many from one address.
    #[must_use]
    pub fn with_caps(mut self, all: NonZeroUsize, per_address: NonZeroUsize) -> Self {
        self.caps = Caps { all, per_address };
        self
    }

    /// Makes TLS, as [`Config::tls`] of each listener says: with STARTTLS or from the first octet. A configuration that
    /// says [`TlsPolicy::Disabled`](smtp_proto::server::TlsPolicy::Disabled) offers STARTTLS from now on.
    #[cfg(feature = "__tls")]
    #[must_use]
    pub fn with_tls(mut self, tls: impl Into<ServerTls>) -> Self {
        self.tls = Some(tls.into());
        self
    }

    /// Runs the tasks of its connections on this executor, which takes one at a time, instead of that of the runtime. A
    /// task that it drops is a connection that is cut.
    #[must_use]
    pub fn with_executor<F>(mut self, spawn: F) -> Self
    where
        F: Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync + 'static,
    {
        self.executor = Some(Box::new(spawn));
        self
    }

    /// Lets every connection be watched: `observer` makes an [`Observer`] for a connection with this peer.
    #[must_use]
    pub fn with_observer<O, F>(mut self, observer: F) -> Self
    where
        F: Fn(&Peer) -> O + Send + Sync + 'static,
        O: Observer + 'static,
    {
        self.observer = Some(Box::new(move |peer| Box::new(observer(peer))));
        self
    }

    /// Where the first of its TCP listeners listens.
    ///
    /// # Errors
    ///
    /// `NotFound` when it has none, or what the operating system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listeners.iter().find_map(|(listener, _)| R::local_addr(listener)).ok_or(ErrorKind::NotFound)?
    }

    /// What ends this server.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle { connections: Arc::clone(&self.connections) }
    }

    /// Serves until [`Handle::shutdown`] is called, and then until every connection has ended or
    /// [`Timeouts::shutdown_grace`](smtp_proto::server::Timeouts::shutdown_grace) is over. What has not said its last
    /// reply two seconds later is cut.
    ///
    /// A failure to accept a connection does not end the service. Dropping the future cuts all connections at once.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, at once, when [`Config::tls`] of a listener asks for TLS and nothing says how it is made:
    /// `with_tls` does, which there is with the feature `tls`.
    pub async fn serve(mut self, backend: impl Backend) -> io::Result<()> {
        self.check()?;
        let (backend, connections) = (Arc::new(backend), Arc::clone(&self.connections));
        let _cut = CutOnDrop(&connections);
        let mut last = 0;
        while let Some(accepted) = poll_fn(|cx| self.poll_accept(cx, last)).await {
            let (socket, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_the_peer(&error) => continue,
                Err(error) => {
                    warn!(%error, "no connection can be accepted");
                    R::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            last = peer.listener;
            let Ok(driver) = self.driver(socket, &peer) else { continue };
            let Some(place) = connections.admit(self.caps, peer.address.map(|address| address.ip())) else {
                warn!(peer = peer.address.map(display), "too many connections");
                driver.refuse(&Reject::too_many_connections(), |transport, octets| transport.write_now(octets));
                continue;
            };
            let attended = Attended { driver, connections: Arc::clone(&connections) };
            let span = info_span!("smtp_server", peer = peer.address.map(display), listener = peer.listener);
            let conversation = Conversation::new(attended);
            let task = Box::pin(serve_one(place, conversation, Arc::clone(&backend), peer).instrument(span));
            // A panic outside of the methods of a session, in an observer say, is no matter of the executor.
            let task = async {
                caught(task).await;
            };
            match &self.executor {
                Some(spawn) => spawn(Box::pin(task)),
                None => R::spawn(task),
            }
        }
        let grace = self.listeners.iter().map(|(_, config)| config.timeouts.shutdown_grace).max().unwrap_or_default();
        // The executor is needed to the end.
        drop(self.listeners);
        timeout::<R, _>(grace.saturating_add(LAST_WORDS), poll_fn(|cx| connections.poll_ended(cx))).await;
        Ok(())
    }

    /// Settles how each listener makes TLS.
    fn check(&mut self) -> io::Result<()> {
        #[cfg(feature = "__tls")]
        let has_tls = self.tls.is_some();
        #[cfg(not(feature = "__tls"))]
        let has_tls = false;
        for (_, config) in &mut self.listeners {
            config.settle_tls(has_tls)?;
        }
        Ok(())
    }

    /// The next connection, or why there is none; `None` when the service ends. The listener that took the last one is
    /// asked after all others.
    fn poll_accept(&mut self, cx: &mut Context<'_>, last: usize) -> Poll<Option<Accepted<R>>> {
        self.connections.wake_acceptor(cx.waker());
        if self.connections.is_service_ending() {
            return Poll::Ready(None);
        }
        let count = self.listeners.len();
        for index in (1..=count).map(|step| (last + step) % count) {
            if let Poll::Ready(accepted) = R::poll_accept(&mut self.listeners[index].0, cx) {
                let accepted = accepted.map(|(socket, address)| (socket, Peer { address, listener: index }));
                return Poll::Ready(Some(accepted));
            }
        }
        Poll::Pending
    }

    /// # Errors
    ///
    /// When there is no randomness.
    fn driver(&self, socket: R::Socket, peer: &Peer) -> io::Result<Driver<Connection, R>> {
        // Whoever has left already is noticed when it is read from.
        let _ = socket.set_nodelay();
        let clock = Clock::start();
        let config = Arc::clone(&self.listeners[peer.listener].1);
        let mut connection = Connection::new(clock.now(), config)?;
        connection.seed(entropy()?);
        let mut driver = Driver::new(connection, Transport::new(socket, clock));
        #[cfg(feature = "__tls")]
        {
            driver.transport.upgrade = self.tls.clone().map(smtp_tls::Upgrade::server);
        }
        if let Some(observer) = &self.observer {
            driver.observe(observer(peer));
        }
        Ok(driver)
    }
}

impl Handle {
    /// Ends the service: no further connection is accepted, clients that are between two transactions are told 421, a
    /// transaction in progress may finish within the grace. Returns at once; [`Server::serve`] returns when all is over.
    pub fn shutdown(&self) {
        self.connections.end_service();
    }
}

impl<R: Runtime> fmt::Debug for Server<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("listeners", &self.listeners.len()).field("caps", &self.caps).finish()
    }
}

/// Cuts every connection that there is when the service is over, also when nobody waits for its end.
struct CutOnDrop<'a>(&'a Connections);

impl Drop for CutOnDrop<'_> {
    fn drop(&mut self) {
        self.0.cut();
    }
}

/// Serves one connection to its end, or until it is cut. Its place is given back last.
#[expect(clippy::manual_async_fn, reason = "what an `async fn` is given it has twice")]
fn serve_one<B: Backend, R: Runtime>(
    place: Place,
    mut conversation: Conversation<B::Session, R>,
    backend: Arc<B>,
    peer: Peer,
) -> impl Future<Output = ()> + Send {
    async move {
        {
            let mut running = pin!(conversation.run(|| backend.session(&peer)));
            poll_fn(|cx| if place.is_cut(cx.waker()) { Poll::Ready(()) } else { running.as_mut().poll(cx) }).await;
        }
        drop((conversation, backend));
        drop(place);
    }
}

fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}
