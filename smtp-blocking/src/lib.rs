//! SMTP client and server on blocking `std::net` sockets.
//!
//! This crate moves octets between sockets and the protocol of [`smtp_proto`] (re-exported as [`proto`]), which decides
//! everything else: it knows no command and no reply by itself. There is no async runtime in it; a server has a thread
//! for each connection. It is meant for tools, scripts, cron jobs and tests.
//!
//! * [`Client`] sends any number of mails over one connection. [`Client::send`] and [`Client::send_all`] return an
//!   [`Outcome`](proto::client::Outcome): a verdict for every recipient.
//! * [`Server`] gives every connection a [`Session`] of the application, which answers `mail`, `rcpt` and `data`.
//! * [`TestServer`] is a server for other people's tests: one expression gives an address and the received messages.
//!
//! # A server
//!
//! ```
//! use std::io::Read;
//!
//! use smtp_blocking::proto::server::{Config, Mail, Rcpt};
//! use smtp_blocking::{Accept, Answer, BodyReader, Envelope, Server, Session};
//!
//! struct Printer;
//!
//! impl Session for Printer {
//!     fn mail(&mut self, _mail: &Mail) -> Answer {
//!         Ok(Accept::Usual)
//!     }
//!
//!     fn rcpt(&mut self, _rcpt: &Rcpt) -> Answer {
//!         Ok(Accept::Usual)
//!     }
//!
//!     fn data(&mut self, envelope: &Envelope, body: &mut BodyReader<'_>) -> Answer {
//!         let mut text = String::new();
//!         body.read_to_string(&mut text)?;
//!         println!("from {} to {:?}:\n{text}", envelope.reverse_path(), envelope.recipients());
//!         Ok(Accept::Usual)
//!     }
//! }
//!
//! let server = Server::bind("127.0.0.1:0", Config::new("mx.example")?)?;
//! let handle = server.handle();
//! let thread = std::thread::spawn(move || server.serve(|_peer| Printer));
//! // ... until somebody says:
//! handle.shutdown();
//! thread.join().expect("a server does not panic")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # TLS and AUTH
//!
//! What there is of them is said by the configurations of both roles. `Client::connect_tls` and `Server::with_tls`
//! make TLS by `rustls`, as `ClientTls` and `ServerTls` of the module `tls` say, and a session is asked about
//! credentials by [`Session::auth`] and [`Session::lookup`].
//!
//! | feature | brings |
//! |---|---|
//! | `tls` | TLS, with the cryptography of ring; the same as `ring` |
//! | `aws-lc-rs` | TLS, with the cryptography of aws-lc-rs |
//! | `crypto` | SCRAM and CRAM-MD5 |
//! | `cli` | the program `smtp` |
//!
//! # Time
//!
//! Every read and write has a time limit: the deadline of the connection. So has a TLS handshake. A method of a session
//! and the reader of a body are the application's, and take the time they take.
//!
//! Octets are read while others wait to be written, so that two sides that both write never wait for each other.

mod client;
mod driver;
mod entropy;
mod server;
mod socket;
mod test_server;
#[cfg(feature = "__tls")]
pub mod tls;
mod wire;

pub use client::{CONNECT_TIMEOUT, Client, Outcomes, SendError};
pub use server::{Backend, BodyReader, Handle, Server, Session};
pub use smtp_proto as proto;
pub use smtp_proto::server::{Accept, Answer, Envelope, Reject};
pub use smtp_proto::{Direction, Observer};
/// The TLS library, for those who set it up by themselves.
#[cfg(feature = "__tls")]
pub use smtp_tls::rustls;
pub use test_server::{ReceivedMessage, TestServer, TestServerBuilder};
