//! TLS by [`rustls`] for the adapters of `smtp-proto`: settings, certificates, and what a handshake came to.
//!
//! [`ClientTls`] says whom a client trusts, [`ServerTls`] what a server shows. Both take a configuration of `rustls` as
//! well, whatever its cryptography. Neither asks for, nor sets, the default provider of the process.
//!
//! | | |
//! |---|---|
//! | versions | TLS 1.3 and TLS 1.2 |
//! | cryptography | ring (feature `ring`), or aws-lc-rs (feature `aws-lc-rs`, which goes before ring); with neither, this crate is empty |
//! | channel binding | `tls-exporter` (RFC 9266), over TLS 1.3 only: `rustls` does not tell whether TLS 1.2 had the extended master secret that it needs |
//! | early data, resumption by tickets | neither |
//!
//! # For adapters
//!
//! This crate moves no octets, so that it serves every runtime. The adapter runs the handshake, with whatever runs
//! `rustls` over its sockets, and asks here for the rest:
//!
//! 1. [`ClientTls::begin`] and [`ServerTls::begin`] give the configuration for one handshake, and its [`Judge`]. An
//!    [`Upgrade`] keeps what they need until TLS is due, and gives the same in either role.
//! 2. After the handshake [`Judge::judge`] says what it came to: a [`TlsSession`] for the application, and a
//!    [`TlsInfo`](smtp_proto::TlsInfo) for `handle_tls_established`.
//! 3. What fails is put in words by [`TlsError::explain`], or [`TlsError::explain_io`] where it comes as an error of I/O.
//!
//! ```
//! use std::io;
//! use std::net::TcpStream;
//!
//! use smtp_proto::TlsInfo;
//! use smtp_tls::rustls::ClientConnection;
//! use smtp_tls::{ClientTls, TlsStage, TlsError, TlsSession, server_name};
//!
//! /// The handshake of a client, as an adapter for `std::net` may run it.
//! fn handshake(tls: &ClientTls, name: &str, mut tcp: TcpStream) -> io::Result<(ClientConnection, TlsSession, TlsInfo)> {
//!     let attempt = tls.begin(server_name(name)?, false);
//!     let mut connection = attempt.connection()?;
//!     while connection.is_handshaking() {
//!         if let Err(error) = connection.complete_io(&mut tcp) {
//!             let explained = TlsError::explain_io(&error, TlsStage::Handshake { first: None });
//!             return Err(explained.map_or(error, io::Error::from));
//!         }
//!     }
//!     let (session, info) = attempt.into_judge().judge(&connection);
//!     Ok((connection, session, info))
//! }
//! ```
#![cfg(any(feature = "ring", feature = "aws-lc-rs"))]

mod client;
mod error;
mod identity;
mod judge;
mod server;
mod session;
mod upgrade;
mod verifier;

use std::sync::{Arc, LazyLock};

/// The TLS library, for those who set it up by themselves.
pub use rustls;
use rustls::crypto::CryptoProvider;
#[cfg(feature = "aws-lc-rs")]
use rustls::crypto::aws_lc_rs as cryptography;
#[cfg(not(feature = "aws-lc-rs"))]
use rustls::crypto::ring as cryptography;

pub use client::{ClientAttempt, ClientTls, server_name};
pub use error::{TlsError, TlsStage};
pub use identity::{Identity, read_certificates};
pub use judge::{Handshaken, Judge};
pub use server::{ServerAttempt, ServerTls};
pub use session::TlsSession;
pub use upgrade::{Attempt, Upgrade};

/// The cryptography of the configurations that are made here.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(cryptography::default_provider()));
    Arc::clone(&PROVIDER)
}
