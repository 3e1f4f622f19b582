//! SMTP client and server on tokio.
//!
//! This crate moves octets between the sockets of tokio and the protocol of [`smtp_proto`] (re-exported as [`proto`]), which
//! decides everything else: it knows no command and no reply by itself. It is meant for services; `smtp-blocking` has the
//! same names without a runtime.
//!
//! * [`Client`] sends any number of mails over one connection. [`Client::send`] and [`Client::send_all`] return an
//!   [`Outcome`](proto::client::Outcome): a verdict for every recipient.
//! * [`Pool`] keeps connections to one server for the next mail.
//! * [`Server`] listens at any number of TCP and Unix sockets, and gives every connection a [`Session`] of the application,
//!   which answers `mail`, `rcpt` and `data`, and may take seconds for each.
//!
//! # A server and a client
//!
//! ```
//! use smtp_tokio::proto::client::{self, Summary};
//! use smtp_tokio::proto::server::{Config, Mail, Rcpt};
//! use smtp_tokio::{Accept, Answer, BodyReader, Client, Envelope, Peer, Server, Session};
//! use tokio::io::AsyncReadExt;
//!
//! struct Printer;
//!
//! impl Session for Printer {
//!     async fn mail(&mut self, _mail: &Mail) -> Answer {
//!         Ok(Accept::Usual)
//!     }
//!
//!     async fn rcpt(&mut self, _rcpt: &Rcpt) -> Answer {
//!         Ok(Accept::Usual)
//!     }
//!
//!     async fn data(&mut self, envelope: &Envelope, body: &mut BodyReader<'_>) -> Answer {
//!         let mut text = String::new();
//!         body.read_to_string(&mut text).await?;
//!         println!("from {} to {:?}:\n{text}", envelope.reverse_path(), envelope.recipients());
//!         Ok(Accept::Usual)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::bind("127.0.0.1:0", Config::new("mx.example")?).await?;
//! let (address, handle) = (server.local_addr()?, server.handle());
//! let service = tokio::spawn(server.serve(|_peer: &Peer| Printer));
//!
//! let mut client = Client::connect(address, client::Config::new("client.example")?).await?;
//! let envelope = client::Envelope::new("alice@client.example")?.to("bob@mx.example")?;
//! let outcome = client.send(envelope, &b"Subject: greeting\r\n\r\nHello Bob\r\n"[..]).await?;
//! assert_eq!(outcome.summary(), Summary::Accepted);
//! client.quit().await;
//!
//! handle.shutdown();
//! service.await??;
//! # Ok(())
//! # }
//! ```
//!
//! # Futures that are dropped
//!
//! What has happened on a connection is in the connection, so dropping a future loses none of it. [`Client::ready`],
//! [`Outcomes::next`] and reading from a [`BodyReader`] go on where they were when they are called again. Dropping
//! [`Client::send`] or [`Outcomes`] with a mail on its way cuts the connection before the final dot, so that no part of a
//! mail is taken for the whole; dropping [`Server::serve`] cuts every connection. The methods of a session are never
//! dropped before they are done, unless the service is.
//!
//! # TLS and AUTH
//!
//! What there is of them is said by the configurations of both roles. `Client::connect_tls` and `Server::with_tls` make TLS
//! by `rustls`, as `ClientTls` and `ServerTls` of the module `tls` say, and a session is asked about credentials by
//! [`Session::auth`] and [`Session::lookup`].
//!
//! | feature | brings |
//! |---|---|
//! | `tls` | TLS, with the cryptography of ring; the same as `ring` |
//! | `aws-lc-rs` | TLS, with the cryptography of aws-lc-rs |
//! | `crypto` | SCRAM and CRAM-MD5 |
//!
//! # What it costs
//!
//! A connection is one task. While nothing happens on it, it owns no buffer for reading or writing in clear, and takes less
//! than 2 KiB of memory with all that the runtime needs for it. Octets are read while others wait to be written, so that
//! two sides that both write never wait for each other. A peer that always has more to say gives way to others every 64
//! reads.
//!
//! # Tracing
//!
//! Every connection has a span of [`tracing`], and on the side of the server every transaction one within it. Nothing that
//! is said in AUTH, and nothing of a message, is in them.
//!
//! | span or event | fields |
//! |---|---|
//! | `smtp_server` (info) | `peer`, `listener` |
//! | `transaction` (info) | `reverse_path` |
//! | `smtp_client` (info) | `server` |
//! | `TLS` (debug) | `version`, `is_verified` |
//! | `EHLO`, `MAIL`, `RCPT` (debug), `AUTH` (info) | `is_accepted`, and `name`, `reverse_path` or `recipient` |
//! | `DATA` (info) | `recipients`, how many; `fate` |
//! | `mail` (info), of a client | `summary`, `stage`, `failure`, `recipients` |
//! | `closed` (debug) | `reason` |

mod client;
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
