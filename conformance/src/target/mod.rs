//! What is under test, and how a player gets at it.

#[cfg(feature = "adapters")]
mod adapter;
mod certificates;
#[cfg(unix)]
mod command;
mod core;
mod function;
mod link;
mod place;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod program;
mod reception;
mod socket;

use ::core::time::Duration;
use std::io;

pub use self::core::CoreTarget;
#[cfg(feature = "adapters")]
pub use adapter::AdapterTarget;
#[cfg(unix)]
pub use command::CommandTarget;
pub use function::FunctionTarget;
pub use place::{NoPlace, Place};
#[cfg(unix)]
pub use program::ProgramTarget;
pub use socket::SocketTarget;

use crate::transcript::{Act, Expectation, Need, Side, Tag};

/// An implementation under test.
pub trait Target: Sync {
    /// What it is called in reports.
    fn name(&self) -> &str;

    /// What goes in the place of the variables.
    fn variables(&self) -> &Variables;

    /// Whether it has what a transcript needs, as far as that is known without asking it.
    ///
    /// # Errors
    ///
    /// Why the transcript cannot run on it.
    fn offers(&self, role: Side, need: &Need) -> Result<(), String>;

    /// Whether time passes only when [`Wire::pass`] says so.
    fn has_virtual_time(&self) -> bool {
        false
    }

    /// Whether it is somebody's live server: only safe transcripts run unless the user allows more.
    fn is_live(&self) -> bool {
        false
    }

    /// Whether it takes any number of connections at a time.
    fn takes_many(&self) -> bool {
        false
    }

    /// The tags of the transcripts that may run although it is somebody's live server.
    fn allowed(&self) -> &[Tag] {
        &[]
    }

    /// Connects to the server under test. `setup` are the `U: set` lines of the transcript, a `U: reject connect`, and a
    /// `U: shutdown` that is going to be told: such a server has to be one of its own. Everything is told at its place in the
    /// body, with [`Wire::tell`], but what has no meaning there: `set` and `reject connect`.
    ///
    /// # Errors
    ///
    /// Why there is no connection.
    fn connect(&self, setup: &[Act]) -> Result<Box<dyn Wire + '_>, Unavailable>;

    /// Starts the client under test with what it has to do, `U: set` and `U: send`, and waits until it is connected.
    ///
    /// # Errors
    ///
    /// Why there is no client.
    fn launch(&self, job: &[Act], attachments: &[(String, Vec<u8>)]) -> Result<Box<dyn Wire + '_>, Unavailable>;
}

/// Why a target cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// It cannot do what is asked: the transcript is skipped.
    #[error("{0}")]
    Unsupported(String),
    /// It cannot be reached.
    #[error("{0}")]
    Unreachable(String),
}

/// A connection to what is under test. Dropping it closes it.
pub trait Wire {
    /// Says these octets, as one write if possible.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    fn send(&mut self, octets: &[u8]) -> io::Result<()>;

    /// Hears something, for at most this long.
    ///
    /// # Errors
    ///
    /// When the connection broke.
    fn hear(&mut self, within: Duration) -> io::Result<Heard>;

    /// Says nothing more.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    fn end(&mut self) -> io::Result<()>;

    /// Makes the TLS handshake, as the other end of what is under test; `fails`: spoils it.
    ///
    /// # Errors
    ///
    /// Why there is no TLS.
    fn start_tls(&mut self, fails: bool) -> io::Result<()>;

    /// Lets time pass. Only with virtual time.
    fn pass(&mut self, time: Duration);

    /// Tells the application of a server something while the session lasts: `U: reject`, which is about the next event of
    /// this kind, and `U: shutdown`.
    ///
    /// # Errors
    ///
    /// It cannot be told: the transcript is skipped.
    fn tell(&mut self, act: &Act) -> Result<(), Unavailable> {
        Err(Unavailable::Unsupported(format!("its application cannot be told: {act:?}")))
    }

    /// Whether what the application saw is as expected; `None`: it cannot be seen here.
    ///
    /// The player asks when the session is over. Variables are put in. The attachments are those of the transcript, as
    /// they go over the wire.
    fn saw(&mut self, expectation: &Expectation, attachments: &[(String, Vec<u8>)]) -> Option<Result<(), String>>;
}

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Octets, at least one.
    Octets(Vec<u8>),
    /// The other side has closed.
    End,
    /// Nothing in the time given.
    Quiet,
}

/// What goes in the place of `$domain` and the like.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Variables {
    /// `$domain`: the domain that the server under test takes mail for.
    pub domain: String,
    /// `$client`: what the client says in EHLO. `None`: anything, when a client is under test.
    pub client: Option<String>,
    /// `$sender`: a reverse-path that is accepted, without brackets.
    pub sender: String,
    /// `$rcpt`, `$rcpt2`, …: recipients that are accepted, without brackets.
    pub recipients: Vec<String>,
    /// `$badrcpt`: a recipient that is refused for good, without brackets.
    pub bad_recipient: Option<String>,
    /// `$user` and `$password`.
    pub login: Option<(String, String)>,
    /// The server under test wants that log-in before MAIL: the prologue logs in.
    pub logs_in: bool,
}

impl Variables {
    /// Of a target of which nothing else is known.
    #[must_use]
    pub fn new(domain: impl Into<String>, sender: impl Into<String>) -> Self {
        Self {
            domain: domain.into(),
            client: None,
            sender: sender.into(),
            recipients: Vec::new(),
            bad_recipient: None,
            login: None,
            logs_in: false,
        }
    }
}
