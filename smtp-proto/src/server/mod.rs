//! The server role: takes mail (RFC 5321 §3, §4).

mod auth;
mod command;
mod config;
mod connection;
mod content;
mod decide;
mod event;
mod exchange;
mod input;
mod replies;
mod session;
mod table;
mod timers;
mod tls;
mod token;

pub use config::{AuthPolicy, Config, EarlyInput, Limits, Timeouts, TlsPolicy};
pub use connection::Connection;
pub use event::{Abort, Answered, Event};
pub use exchange::{Auth, Lookup};
pub use token::{Connect, Data, Expand, Hello, Mail, Message, Rcpt, Token, Verify};

/// The next thing to do, for a server.
pub type Output<'a> = crate::Output<'a, Event>;
