//! The runtime of the sink and the source: async-std where that feature is on, else smol.
#![allow(dead_code, unused_imports, reason = "either program uses a part of it")]

#[cfg(feature = "async-std")]
pub(crate) use async_std::task::{block_on, spawn};
#[cfg(feature = "async-std")]
pub(crate) use smtp_async_std::async_std::{Client, Listener, Server};
#[cfg(not(feature = "async-std"))]
pub(crate) use smtp_async_std::smol::{Client, Listener, Server};
#[cfg(not(feature = "async-std"))]
pub(crate) use {smol::block_on, smol::spawn};

/// A listener of the runtime.
#[cfg(not(feature = "async-std"))]
pub(crate) fn listener(listener: std::net::TcpListener) -> std::io::Result<Listener> {
    smol::Async::new(listener).map(Into::into)
}

/// A listener of the runtime.
#[cfg(feature = "async-std")]
pub(crate) fn listener(listener: std::net::TcpListener) -> std::io::Result<Listener> {
    Ok(async_std::net::TcpListener::from(listener).into())
}
