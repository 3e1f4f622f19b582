//! The SMTP protocol (RFC 5321) for both roles, without I/O.
#![no_std]
#![warn(clippy::print_stdout, clippy::print_stderr, clippy::dbg_macro)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod address;
pub mod body;
pub mod client;
pub mod command;
mod config;
mod decimal;
mod drive;
mod line;
mod outbox;
mod read;
pub mod reply;
pub mod server;
mod time;
pub mod trace;

pub use config::ConfigError;
pub use drive::{CloseReason, Decision, Misuse, Output, Refused, Wait};
pub use read::ReadBuffer;
#[cfg(feature = "std")]
pub use time::Clock;
pub use time::Instant;
