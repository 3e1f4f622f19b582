//! Targets beyond the core, over real sockets: what a player says reaches them, and what they say reaches it.

#[cfg(feature = "adapters")]
mod adapters;
#[cfg(unix)]
mod commands;
mod functions;
mod kit;
mod log_in;
#[cfg(unix)]
mod programs;
mod sockets;
mod transcripts;
