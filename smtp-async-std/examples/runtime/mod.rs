//! The runtime of the sink and the source: smol where it is built in, else async-std.
#![allow(dead_code, reason = "either program uses a part of it")]

#[cfg(not(feature = "smol"))]
pub(crate) use async_std::task::{block_on, spawn};
#[cfg(not(feature = "smol"))]
pub(crate) use smtp_async_std::async_std::{Client, Listener, Server};
#[cfg(feature = "smol")]
pub(crate) use smtp_async_std::smol::{Client, Listener, Server};
#[cfg(feature = "smol")]
pub(crate) use {smol::block_on, smol::spawn};

/// A listener of the runtime.
#[cfg(feature = "smol")]
pub(crate) fn listener(listener: std::net::TcpListener) -> std::io::Result<Listener> {
    smol::Async::new(listener).map(Into::into)
}

/// A listener of the runtime.
#[cfg(not(feature = "smol"))]
pub(crate) fn listener(listener: std::net::TcpListener) -> std::io::Result<Listener> {
    Ok(async_std::net::TcpListener::from(listener).into())
}
