//! The server role: takes mail (RFC 5321 §3, §4).

mod answer;
mod auth;
mod census;
mod command;
mod config;
mod connection;
mod content;
mod decide;
mod envelope;
mod event;
mod exchange;
mod incoming;
mod input;
mod replies;
mod session;
mod table;
mod timers;
mod tls;
mod token;

pub use answer::{Accept, Answer, Reject};
pub use census::{Caps, Census};
pub use config::{AuthPolicy, Config, EarlyInput, Limits, Timeouts, TlsPolicy};
pub use connection::Connection;
pub use envelope::Envelope;
pub use event::{Abort, Answered, Event};
pub use exchange::{Auth, Lookup};
pub use incoming::{Fate, Incoming, Reading};
pub use token::{Connect, Data, Expand, Hello, Mail, Message, Rcpt, Token, Verify};

/// The next thing to do, for a server.
pub type Output<'a> = crate::Output<'a, Event>;
