//! TLS for both roles, by [`rustls`](crate::rustls).
//!
//! [`ClientTls`] says whom a client trusts, [`ServerTls`] what a server shows. Both take a configuration of `rustls` as
//! well, whatever its cryptography. Neither asks for, nor sets, the default provider of the process.
//!
//! | | |
//! |---|---|
//! | versions | TLS 1.3 and TLS 1.2 |
//! | cryptography | ring (feature `tls` or `ring`), or aws-lc-rs (feature `aws-lc-rs`, which goes before ring) |
//! | channel binding | `tls-exporter` (RFC 9266), over TLS 1.3 only: `rustls` does not tell whether TLS 1.2 had the extended master secret that it needs |
//! | early data, resumption by tickets | neither |
//!
//! ```no_run
//! use smtp_blocking::Client;
//! use smtp_blocking::proto::client::{Config, Security};
//! use smtp_blocking::tls::ClientTls;
//!
//! let mut config = Config::new("client.example")?;
//! config.security = Security::Implicit;
//! let mut client = Client::connect_tls("mail.example:465", "mail.example", config, &ClientTls::platform()?)?;
//! let capabilities = client.ready()?;
//! assert!(capabilities.is_verified());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```no_run
//! use smtp_blocking::Server;
//! use smtp_blocking::proto::server::{Config, TlsPolicy};
//! use smtp_blocking::tls::{Identity, ServerTls};
//!
//! let identity = Identity::from_pem(&std::fs::read("chain.pem")?, &std::fs::read("key.pem")?)?;
//! let mut config = Config::new("mx.example")?;
//! config.tls = TlsPolicy::Implicit;
//! let server = Server::bind("0.0.0.0:465", config)?.with_tls(ServerTls::new(&identity));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What a client stumbled over is in [`Client::transport_error`](crate::Client::transport_error), and found there by
//! [`Client::tls_error`](crate::Client::tls_error).

mod channel;

#[doc(inline)]
pub use smtp_tls::{ClientTls, Identity, ServerTls, TlsError, TlsSession, read_certificates};

pub(crate) use channel::Channel;
