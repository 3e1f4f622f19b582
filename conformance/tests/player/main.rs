//! The player against targets that behave in ways that are written down here.

mod client;
mod cuts;
mod kit;
mod server;
