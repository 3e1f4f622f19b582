//! Connections that are kept for the next mail.

use core::fmt;
use core::num::{NonZeroU32, NonZeroUsize};
use core::time::Duration;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use smtp_proto::client::{Config, Envelope, Failure, Outcome, Stage};
use thiserror::Error;
use tokio::io::AsyncRead;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

#[cfg(feature = "__tls")]
use crate::tls::ClientTls;
use crate::{Client, SendError};

/// Sends mail to one server as one user, over connections that are kept for the next mail. A clone sends over the same
/// connections.
///
/// | limit | default | at the limit |
/// |---|---|---|
/// | connections at one time ([`with_concurrency`](Self::with_concurrency)) | 4 | a mail waits for its turn |
/// | mails over one connection ([`with_max_messages`](Self::with_max_messages)) | 100 | QUIT, and a new connection |
/// | time between two mails ([`with_idle_time`](Self::with_idle_time)) | 30 s | QUIT |
///
/// A kept connection that the server has left, or whose 421 waits to be read, is noticed before a mail is given to it. One
/// that breaks before the server has asked for the message is replaced, once; the caller does not see it. Later than that
/// the outcome says what is known, and nothing is sent twice.
/// ```no_run
/// use smtp_tokio::Pool;
/// use smtp_tokio::proto::client::{Config, Envelope};
///
/// # async fn send() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = Pool::new("mx.example:25", Config::new("client.example")?);
/// for recipient in ["bob@mx.example", "carol@mx.example"] {
///     let envelope = Envelope::new("alice@client.example")?.to(recipient)?;
///     let outcome = pool.send(envelope, &b"Subject: greeting\r\n\r\nHello\r\n"[..]).await?;
///     println!("{recipient}: {:?}", outcome.summary());
/// }
/// pool.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    turns: Semaphore,
    kept: Mutex<Kept>,
}

#[derive(Clone)]
struct Settings {
    server: String,
    config: Arc<Config>,
    #[cfg(feature = "__tls")]
    tls: Option<(String, ClientTls)>,
    max_messages: NonZeroU32,
    idle_time: Duration,
    concurrency: NonZeroUsize,
}

#[derive(Default)]
struct Kept {
    /// The one that was used last is the last.
    connections: Vec<Connection>,
    /// A task looks after those that are kept for too long.
    is_attended: bool,
}

struct Connection {
    client: Client,
    mails: u32,
    idle_since: Instant,
}

/// Why a mail was not sent by a [`Pool`], or has no outcome.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PoolError {
    /// There is no connection to the server. Holds the envelope.
    #[error("there is no connection to the server: {error}")]
    Connect {
        /// What the operating system said.
        #[source]
        error: io::Error,
        /// What was to be sent.
        envelope: Envelope,
    },
    /// The mail was not tried, or could not be read.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl Pool {
    /// A pool of connections to this server, `HOST:PORT`. Nothing is connected yet.
    pub fn new(server: impl Into<String>, config: impl Into<Arc<Config>>) -> Self {
        Self::of(Settings {
            server: server.into(),
            config: config.into(),
            #[cfg(feature = "__tls")]
            tls: None,
            max_messages: const { NonZeroU32::new(100).expect("not 0") },
            idle_time: Duration::from_secs(30),
            concurrency: const { NonZeroUsize::new(4).expect("not 0") },
        })
    }

    /// With TLS, as [`Config::security`] asks for it. `name` is whom the certificate of the server has to name.
    #[cfg(feature = "__tls")]
    #[must_use]
    pub fn with_tls(self, name: impl Into<String>, tls: ClientTls) -> Self {
        self.change(|settings| settings.tls = Some((name.into(), tls)))
    }

    /// Sends at most so many mails over one connection.
    #[must_use]
    pub fn with_max_messages(self, mails: NonZeroU32) -> Self {
        self.change(|settings| settings.max_messages = mails)
    }

    /// Keeps a connection for so long without a mail. Servers wait for a command for 5 minutes as a rule (RFC 5321
    /// §4.5.3.2.7), and many for less.
    #[must_use]
    pub fn with_idle_time(self, time: Duration) -> Self {
        self.change(|settings| settings.idle_time = time)
    }

    /// Has at most so many connections at one time.
    #[must_use]
    pub fn with_concurrency(self, connections: NonZeroUsize) -> Self {
        self.change(|settings| settings.concurrency = connections)
    }

    /// Sends one mail and waits for what becomes of it. See [`Client::send`].
    ///
    /// Dropping the future cuts the connection, unless the mail has its outcome: the server takes no part of a mail for
    /// the whole.
    ///
    /// # Errors
    ///
    /// When there is no connection, the mail was not tried, or its body could not be read.
    pub async fn send(&self, envelope: Envelope, mut body: impl AsyncRead + Unpin) -> Result<Outcome, PoolError> {
        let _turn = self.shared.turns.acquire().await.expect("nobody closes it");
        let mut envelope = envelope;
        if let Some(mut connection) = self.shared.take() {
            match connection.client.send(envelope, &mut body).await {
                Ok(outcome) if is_lost_in_vain(&outcome) => envelope = outcome.into_envelope(),
                Err(SendError::NotTried(refused)) if connection.client.closed().is_some() => envelope = refused.value,
                sent => {
                    self.keep(connection).await;
                    return Ok(sent?);
                }
            }
        }
        let client = match self.shared.settings.connect().await {
            Ok(client) => client,
            Err(error) => return Err(PoolError::Connect { error, envelope }),
        };
        let mut connection = Connection { client, mails: 0, idle_since: Instant::now() };
        let sent = connection.client.send(envelope, &mut body).await;
        self.keep(connection).await;
        Ok(sent?)
    }

    /// Ends the connections that are kept, with QUIT. Those that are sending are not waited for.
    pub async fn close(&self) {
        let connections = core::mem::take(&mut self.shared.kept().connections);
        for connection in connections {
            connection.client.quit().await;
        }
    }

    async fn keep(&self, mut connection: Connection) {
        connection.mails += 1;
        connection.idle_since = Instant::now();
        if connection.client.closed().is_some() {
            return;
        }
        if connection.mails >= self.shared.settings.max_messages.get() {
            connection.client.quit().await;
            return;
        }
        let mut kept = self.shared.kept();
        kept.connections.push(connection);
        if !core::mem::replace(&mut kept.is_attended, true) {
            tokio::spawn(attend(Arc::downgrade(&self.shared), self.shared.settings.idle_time));
        }
    }

    fn of(settings: Settings) -> Self {
        let turns = Semaphore::new(settings.concurrency.get().min(Semaphore::MAX_PERMITS));
        Self { shared: Arc::new(Shared { settings, turns, kept: Mutex::default() }) }
    }

    fn change(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.shared.settings.clone();
        change(&mut settings);
        Self::of(settings)
    }
}

impl Shared {
    /// A connection that can be used.
    fn take(&self) -> Option<Connection> {
        let mut kept = self.kept();
        loop {
            let connection = kept.connections.pop()?;
            if connection.idle_since.elapsed() < self.settings.idle_time && connection.client.is_quiet() {
                return Some(connection);
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing that can panic runs while it is locked.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Settings {
    async fn connect(&self) -> io::Result<Client> {
        #[cfg(feature = "__tls")]
        if let Some((name, tls)) = &self.tls {
            return Client::connect_tls(&self.server, name, Arc::clone(&self.config), tls).await;
        }
        Client::connect(&self.server, Arc::clone(&self.config)).await
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("server", &self.shared.settings.server).finish_non_exhaustive()
    }
}

/// Ends connections that are kept for too long, as long as any is kept.
async fn attend(pool: Weak<Shared>, idle_time: Duration) {
    loop {
        let Some(shared) = pool.upgrade() else { return };
        let (expired, next) = {
            let mut kept = shared.kept();
            let fresh = kept.connections.iter().position(|connection| connection.idle_since.elapsed() < idle_time);
            let count = fresh.unwrap_or(kept.connections.len());
            let expired: Vec<_> = kept.connections.drain(..count).collect();
            let next = kept.connections.first().map(|oldest| idle_time.saturating_sub(oldest.idle_since.elapsed()));
            kept.is_attended = next.is_some();
            (expired, next)
        };
        drop(shared);
        for connection in expired {
            connection.client.quit().await;
        }
        let Some(next) = next else { return };
        sleep(next).await;
    }
}

/// Whether the connection broke before the server asked for the message: nothing was read of it, and nothing can have been
/// accepted.
fn is_lost_in_vain(outcome: &Outcome) -> bool {
    matches!(outcome.failure(), Some(Failure::Connection(_))) && outcome.stage() < Stage::Body
}
