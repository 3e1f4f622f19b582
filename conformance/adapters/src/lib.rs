//! The test suite that all adapters share, written once: what one of them does, every other does, octet by octet.
//!
//! This is for the developers of the adapters. The cases are the tests of this crate; here is what they are made of:
//!
//! * [`Adapter`] is an adapter as the suite uses it: with synchronous methods, whatever runs inside. A new adapter
//!   implements it and stands in [`adapters()`].
//! * [`Dialogue`] is a session octet by octet, which [`Peer`] plays from either side, and [`Recordings`] are what
//!   adapters saw of one.
//! * [`Desk`] is the application of a server: it answers by fixed rules and remembers what it was asked.
//! * [`DelayProxy`] stands between two peers, makes the way longer and counts flights.
//!
//! Everything ends in bounded time: see [`PATIENCE`] and [`within`].

mod adapters;
#[allow(dead_code, reason = "the suite uses a part of it")]
#[path = "../../../smtp-tls/tests/kit/certificates.rs"]
mod certificates;
mod desk;
mod dialogue;
mod fault;
mod mail;
mod parties;
mod peer;
mod proxy;
mod recording;
mod socket;

use core::time::Duration;
use std::sync::mpsc;
use std::thread;

pub use adapters::{Adapter, Client, ClientSetup, Mail, ServerSetup, Service, adapters, pairs};
pub use desk::{Clerk, Desk, Message, Visit};
pub use dialogue::{Dialogue, Side, Turn};
pub use fault::{Fault, FaultKind, FaultyWay};
pub use mail::{mail, told};
pub use parties::{Parties, Tls};
pub use peer::Peer;
pub use proxy::{DelayProxy, Flights};
pub use recording::Recordings;
pub use socket::Buffers;

/// Far longer than anything here takes. What takes longer fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Runs this on a thread of its own, for at most [`PATIENCE`].
///
/// # Panics
///
/// When it panics, or is not done in time.
pub fn within<T: Send + 'static>(what: &str, task: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, is_done) = mpsc::sync_channel(1);
    let thread = thread::spawn(move || {
        let value = task();
        // Whoever waited may have gone.
        let _ = done.send(value);
    });
    match is_done.recv_timeout(PATIENCE) {
        Ok(value) => value,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{what}: not done in time"),
        Err(mpsc::RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => unreachable!("{what}: a thread that is done has said so"),
        },
    }
}

/// The examples of the README, which shows all adapters.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
