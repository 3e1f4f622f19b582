//! The client role: sends mail (RFC 5321 §3, §4).

mod auth;
mod capabilities;
mod config;
mod connection;
mod envelope;
mod event;
mod mail;
mod outgoing;
mod receive;
mod send;
mod setup;
mod table;
mod timers;
mod verdict;

pub use capabilities::Capabilities;
pub use config::{Config, Limits, Security, Timeouts};
pub use connection::Connection;
pub use envelope::Envelope;
pub use event::{Body, Event};
pub use mail::Outcome;
pub use outgoing::{Outgoing, SendError};
pub use verdict::{Failure, Stage, Summary, Verdict};

/// The next thing to do, for a client.
pub type Output<'a> = crate::Output<'a, Event>;
