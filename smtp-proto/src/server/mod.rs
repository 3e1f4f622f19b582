//! The server role: takes mail (RFC 5321 §3, §4).

mod command;
mod config;
mod connection;
mod content;
mod decide;
mod event;
mod input;
mod replies;
mod table;
mod timers;
mod token;

pub use config::{AuthPolicy, Config, EarlyInput, Limits, Timeouts, TlsPolicy};
pub use connection::Connection;
pub use event::{Abort, Answered, Event};
pub use token::{Connect, Data, Expand, Hello, Mail, Message, Rcpt, Token, Verify};

/// The next thing to do, for a server.
pub type Output<'a> = crate::Output<'a, Event>;
