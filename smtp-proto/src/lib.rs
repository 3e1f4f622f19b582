//! The SMTP protocol (RFC 5321) for both roles, without I/O.
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod address;
pub mod body;
pub mod command;
mod decimal;
mod line;
mod read;
pub mod reply;
mod time;
pub mod trace;

pub use read::ReadBuffer;
#[cfg(feature = "std")]
pub use time::Clock;
pub use time::Instant;
