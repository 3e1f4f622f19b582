//! SMTP client and server on tokio.

mod client;
mod driver;
mod entropy;
mod server;
mod socket;
#[cfg(feature = "__tls")]
mod tls;
mod transport;

pub use client::{CONNECT_TIMEOUT, Client, Outcomes, SendError};
pub use server::{Backend, BodyReader, Handle, Listener, Peer, Server, Session};
pub use smtp_proto as proto;
pub use smtp_proto::server::{Accept, Answer, Envelope, Reject};
pub use smtp_proto::{Direction, Observer};
