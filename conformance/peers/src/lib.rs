//! Mail programs that others wrote, for the tests of this project: found, set up, run and ended.
//!
//! [`servers`] are mail servers that take mail into files, and [`clients`] are mail programs that send. Each is set up in
//! a temporary folder, listens on loopback, and ends with the value that stands for it.
//!
//! A program that is not installed is left out, and a line `SKIP name: reason` says so. With `SMTP_PEERS=required` in the
//! environment that is a failure instead. `.ci/run` installs them all.

#[cfg(unix)]
pub mod clients;
#[cfg(unix)]
pub mod commands;
#[cfg(unix)]
pub mod login;
#[cfg(unix)]
pub mod messages;
#[cfg(unix)]
pub mod programs;
mod required;
#[cfg(unix)]
pub mod servers;

pub use required::{find, require};
