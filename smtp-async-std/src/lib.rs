//! SMTP client and server over the traits of `futures-io`: on smol, on async-std, or on a [`Runtime`] of one's own.
//!
//! [`Client`], [`Server`] and [`Pool`] are generic over the runtime. The module of a runtime has each of them with the
//! runtime filled in, so that `Client::connect` says all there is to say:
//!
//! | module | feature | runtime |
//! |---|---|---|
//! | `smol` | `smol`, which is a default | the reactor of smol, under any executor |
//! | `async_std` | `async-std` | async-std, which its authors have discontinued (RUSTSEC-2025-0052) |
//!
//! Features add up: with both, a program has both. Sessions, observers and all that is no socket are the same for every
//! runtime.

#[cfg(feature = "async-std")]
pub mod async_std;
mod client;
mod driver;
mod endpoint;
mod entropy;
mod pool;
mod runtime;
mod server;
#[cfg(feature = "smol")]
pub mod smol;
mod socket;
mod timer;
#[cfg(feature = "__tls")]
pub mod tls;
mod transport;

pub use client::{CONNECT_TIMEOUT, Client, Outcomes, SendError};
pub use endpoint::Endpoint;
pub use pool::{Pool, PoolError};
pub use runtime::Runtime;
pub use server::{Backend, BodyReader, Handle, Peer, Server, Session};
pub use smtp_proto as proto;
pub use smtp_proto::server::{Accept, Answer, Envelope, Reject};
pub use smtp_proto::{Direction, Observer};
/// The TLS library, for those who set it up by themselves.
#[cfg(feature = "__tls")]
pub use smtp_tls::rustls;
pub use socket::Socket;
