//! TLS for both roles, by [`rustls`].
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

mod channel;
mod client;
mod error;
mod identity;
mod server;
mod session;
mod verifier;

use std::sync::{Arc, LazyLock};

use rustls::crypto::CryptoProvider;
#[cfg(feature = "aws-lc-rs")]
use rustls::crypto::aws_lc_rs as cryptography;
#[cfg(not(feature = "aws-lc-rs"))]
use rustls::crypto::ring as cryptography;

pub(crate) use channel::Channel;
pub use client::ClientTls;
pub(crate) use client::server_name;
pub use error::TlsError;
pub use identity::{Identity, read_certificates};
pub use server::ServerTls;
pub use session::TlsSession;

/// The cryptography of the configurations that are made here.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(cryptography::default_provider()));
    Arc::clone(&PROVIDER)
}
