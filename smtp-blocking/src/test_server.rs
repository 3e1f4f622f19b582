//! A server for tests.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use smtp_proto::reply::Reply;
use smtp_proto::sasl::{self, Claim, Secret};
use smtp_proto::server::{Accept, Answer, Auth, Config, Envelope, Hello, Lookup, Mail, Rcpt, Reject};
use smtp_proto::trace::Protocol;

use crate::server::{BodyReader, Handle, Server, Session};
#[cfg(feature = "__tls")]
use crate::tls::ServerTls;

/// An SMTP server on a free port of this machine that keeps what it receives: for tests of programs that send mail.
///
/// ```
/// use smtp_blocking::{Client, TestServer, proto::client};
///
/// let server = TestServer::spawn();
///
/// let mut client = Client::connect(server.address(), client::Config::new("client.example")?)?;
/// let envelope = client::Envelope::new("alice@client.example")?.to("bob@mx.example")?;
/// let outcome = client.send(envelope, &b"Subject: greeting\r\n\r\nHello Bob\r\n"[..])?;
/// assert_eq!(outcome.summary(), client::Summary::Accepted);
///
/// let messages = server.messages();
/// assert_eq!(messages[0].recipients, ["bob@mx.example"]);
/// assert_eq!(messages[0].body, b"Subject: greeting\r\n\r\nHello Bob\r\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A message is kept before its sender is told so: a client that has got the 250 finds it in
/// [`messages`](Self::messages). Dropping the server ends it, and cuts connections that are still open after a second.
#[derive(Debug)]
pub struct TestServer {
    address: SocketAddr,
    inbox: Arc<Inbox>,
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

/// A message that a [`TestServer`] received.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedMessage {
    /// What the client called itself in EHLO or HELO.
    pub client: String,
    /// The reverse-path without angle brackets, empty if null.
    pub reverse_path: String,
    /// The recipients that were accepted, in their order.
    pub recipients: Vec<String>,
    /// The octets of the message, dot-stuffing undone.
    pub body: Vec<u8>,
    /// Who had logged in.
    pub user: Option<String>,
    /// How the mail came in: whether over TLS, and whether from a client that had logged in.
    pub protocol: Protocol,
}

/// Sets up a [`TestServer`].
///
/// ```
/// use smtp_blocking::TestServer;
/// use smtp_blocking::proto::reply::{Detail, Reply, ReplyCode};
///
/// let full = Reply::new(ReplyCode::INSUFFICIENT_STORAGE, Detail::OTHER_MAILBOX_STATUS, "mailbox full");
/// let server = TestServer::builder().refuse_recipient("bob@mx.example", full).spawn();
/// assert!(server.address().ip().is_loopback());
/// ```
///
/// With [`user`](Self::user) clients have to log in:
///
/// ```
/// use smtp_blocking::proto::{client, sasl::Credentials};
/// use smtp_blocking::{Client, TestServer};
///
/// let server = TestServer::builder().user("alice", "secret").spawn();
///
/// let mut config = client::Config::new("client.example")?;
/// config.credentials = Some(Credentials::password("alice", "secret"));
/// config.unprotected_credentials = true;
/// let mut client = Client::connect(server.address(), config)?;
/// let envelope = client::Envelope::new("alice@client.example")?.to("bob@mx.example")?;
/// client.send(envelope, &b"Hello Bob\r\n"[..])?;
/// assert_eq!(server.messages()[0].user.as_deref(), Some("alice"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing listens before `spawn`"]
pub struct TestServerBuilder {
    config: Config,
    rules: Rules,
    #[cfg(feature = "__tls")]
    tls: Option<ServerTls>,
}

/// What is refused. Passwords of a test are no secret.
#[derive(Clone, Debug, Default)]
struct Rules {
    connection: Option<Reply>,
    senders: Vec<(String, Reply)>,
    recipients: Vec<(String, Reply)>,
    message: Option<Reply>,
    /// Names and passwords of those who may log in.
    users: Vec<(String, String)>,
}

#[derive(Debug, Default)]
struct Inbox {
    messages: Mutex<Vec<ReceivedMessage>>,
    more: Condvar,
}

/// How long connections may still last when the test is over.
const GRACE: Duration = Duration::from_secs(1);

impl TestServer {
    /// Starts a server that accepts everything.
    ///
    /// # Panics
    ///
    /// When this machine gives no port or no thread.
    #[must_use]
    pub fn spawn() -> Self {
        Self::builder().spawn()
    }

    /// Sets up a server that refuses something, or has another configuration.
    pub fn builder() -> TestServerBuilder {
        let mut config = Config::new("test.example").expect("this is a domain");
        config.timeouts.shutdown_grace = GRACE;
        config.timeouts.auth_delay = Duration::ZERO;
        TestServerBuilder {
            config,
            rules: Rules::default(),
            #[cfg(feature = "__tls")]
            tls: None,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has received so far, in the order in which it was accepted.
    #[must_use]
    pub fn messages(&self) -> Vec<ReceivedMessage> {
        self.inbox.messages().clone()
    }

    /// Waits until it has received so many messages, for at most this long, and returns what it has received then.
    #[must_use]
    pub fn wait_for(&self, count: usize, timeout: Duration) -> Vec<ReceivedMessage> {
        let end = Instant::now() + timeout;
        let mut messages = self.inbox.messages();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if messages.len() >= count || left.is_zero() {
                return messages.clone();
            }
            messages = self.inbox.more.wait_timeout(messages, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Ends the server while clients are still connected, as a restart would: those between two mails are told 421.
    /// Returns when all are gone.
    pub fn shutdown(&mut self) {
        self.handle.shutdown();
        if let Some(thread) = self.thread.take() {
            // A test that failed on that thread has said so.
            let _ = thread.join();
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl TestServerBuilder {
    /// Changes the configuration.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Refuses every connection with this reply (554 or 421).
    pub fn refuse_connections(mut self, reply: Reply) -> Self {
        self.rules.connection = Some(reply);
        self
    }

    /// Refuses mail from this mailbox (empty: from the null reverse-path) with this reply.
    pub fn refuse_sender(mut self, mailbox: &str, reply: Reply) -> Self {
        self.rules.senders.push((mailbox.to_owned(), reply));
        self
    }

    /// Refuses mail for this mailbox with this reply.
    pub fn refuse_recipient(mut self, mailbox: &str, reply: Reply) -> Self {
        self.rules.recipients.push((mailbox.to_owned(), reply));
        self
    }

    /// Refuses every message with this reply, after it was transferred.
    pub fn refuse_messages(mut self, reply: Reply) -> Self {
        self.rules.message = Some(reply);
        self
    }

    /// Lets this user log in, with every mechanism that knows passwords or tokens, where the password is the token. Mail
    /// is taken only from clients that have logged in, also without TLS, and a refusal comes without delay; all of that
    /// can be [configured](Self::configure) afterwards.
    pub fn user(mut self, name: &str, password: &str) -> Self {
        let auth = &mut self.config.auth;
        if self.rules.users.is_empty() {
            let names = sasl::builtin().iter().map(|mechanism| mechanism.name());
            let usable = names.filter(|name| !matches!(*name, "EXTERNAL" | "ANONYMOUS"));
            auth.mechanisms = usable.filter_map(sasl::mechanism).collect();
            (auth.required, auth.without_tls) = (true, true);
        }
        self.rules.users.push((name.to_owned(), password.to_owned()));
        self
    }

    /// Offers STARTTLS, or begins with TLS if the configuration says
    /// [`TlsPolicy::Implicit`](smtp_proto::server::TlsPolicy::Implicit).
    #[cfg(feature = "__tls")]
    pub fn tls(mut self, tls: impl Into<ServerTls>) -> Self {
        self.tls = Some(tls.into());
        self
    }

    /// Starts the server.
    ///
    /// # Panics
    ///
    /// When this machine gives no port or no thread, or the configuration cannot be used.
    #[must_use]
    pub fn spawn(self) -> TestServer {
        let server = Server::bind("127.0.0.1:0", self.config).expect("a free port and a usable configuration");
        #[cfg(feature = "__tls")]
        let server = match self.tls {
            Some(tls) => server.with_tls(tls),
            None => server,
        };
        let (address, handle) = (server.local_addr(), server.handle());
        let inbox = Arc::new(Inbox::default());
        let (rules, kept) = (self.rules, Arc::clone(&inbox));
        let thread = thread::Builder::new().name(format!("test server {address}")).spawn(move || {
            let reception = move |_| Reception {
                rules: rules.clone(),
                inbox: Arc::clone(&kept),
                client: String::new(),
                user: None,
                protocol: Protocol::Smtp,
            };
            server.serve(reception).expect("a usable configuration");
        });
        TestServer { address, inbox, handle, thread: Some(thread.expect("a thread")) }
    }
}

impl Inbox {
    fn messages(&self) -> MutexGuard<'_, Vec<ReceivedMessage>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The session of a test server.
struct Reception {
    rules: Rules,
    inbox: Arc<Inbox>,
    client: String,
    /// Who has logged in, as far as this session has seen.
    user: Option<String>,
    protocol: Protocol,
}

impl Session for Reception {
    fn connect(&mut self) -> Answer {
        answer(self.rules.connection.as_ref())
    }

    fn hello(&mut self, hello: &Hello) -> Answer {
        hello.name().clone_into(&mut self.client);
        Ok(Accept::Usual)
    }

    fn auth(&mut self, auth: &Auth) -> Answer {
        let (authorization, user) = match auth.claim() {
            Claim::Password { authorization, user, password } if self.rules.has(user, password) => {
                (authorization, user)
            }
            Claim::Bearer { user, token } => {
                let owner = self.rules.users.iter().find(|(_, secret)| secret == token);
                (user, owner.map(|(name, _)| name.as_str()).ok_or_else(Reject::wrong_credentials)?)
            }
            Claim::Proven { authorization, user } => (authorization, user),
            _ => return Err(Reject::wrong_credentials()),
        };
        if !authorization.is_empty() && authorization != user {
            return Err(Reject::wrong_credentials());
        }
        self.user = Some(user.to_owned());
        Ok(Accept::Usual)
    }

    fn lookup(&mut self, lookup: &Lookup) -> Result<Option<Secret>, Reject> {
        let user = self.rules.users.iter().find(|(name, _)| name == lookup.user());
        Ok(user.map(|(_, password)| Secret::Password(password.clone())))
    }

    fn mail(&mut self, mail: &Mail) -> Answer {
        self.protocol = mail.protocol();
        answer(find(&self.rules.senders, mail.reverse_path().as_str()))
    }

    fn rcpt(&mut self, rcpt: &Rcpt) -> Answer {
        answer(find(&self.rules.recipients, rcpt.forward_path().as_str()))
    }

    fn data(&mut self, envelope: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        let mut octets = Vec::new();
        body.read_to_end(&mut octets)?;
        answer(self.rules.message.as_ref())?;
        self.inbox.messages().push(ReceivedMessage {
            client: self.client.clone(),
            reverse_path: envelope.reverse_path().to_owned(),
            recipients: envelope.recipients().to_vec(),
            body: octets,
            user: self.user.clone().filter(|_| matches!(self.protocol, Protocol::Esmtpa | Protocol::Esmtpsa)),
            protocol: self.protocol,
        });
        self.inbox.more.notify_all();
        Ok(Accept::Usual)
    }
}

impl Rules {
    fn has(&self, user: &str, password: &str) -> bool {
        self.users.iter().any(|(name, secret)| (name.as_str(), secret.as_str()) == (user, password))
    }
}

fn find<'a>(rules: &'a [(String, Reply)], mailbox: &str) -> Option<&'a Reply> {
    rules.iter().find(|(refused, _)| refused == mailbox).map(|(_, reply)| reply)
}

/// The refusal, if there is one.
fn answer(refusal: Option<&Reply>) -> Answer {
    match refusal {
        Some(reply) => Err(reply.clone().into()),
        None => Ok(Accept::Usual),
    }
}
