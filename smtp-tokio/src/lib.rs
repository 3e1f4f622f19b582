//! SMTP client and server on tokio.

mod client;
mod driver;
mod entropy;
mod pool;
mod server;
mod socket;
mod timer;
#[cfg(feature = "__tls")]
pub mod tls;
mod transport;

pub use client::{CONNECT_TIMEOUT, Client, Outcomes, SendError};
pub use pool::{Pool, PoolError};
pub use server::{Backend, BodyReader, Handle, Listener, Peer, Server, Session};
pub use smtp_proto as proto;
pub use smtp_proto::server::{Accept, Answer, Envelope, Reject};
pub use smtp_proto::{Direction, Observer};
/// The TLS library, for those who set it up by themselves.
#[cfg(feature = "__tls")]
pub use smtp_tls::rustls;
