//! The mechanisms of AUTH, for both roles (RFC 4422, RFC 4954).
//!
//! A [`Mechanism`] makes the two ends of an exchange: a [`ClientExchange`] answers challenges, a [`ServerExchange`] takes
//! responses and says what the application is to be asked. Both deal in decoded octets; base64, `=`, `*`, limits and
//! replies are the connection's.
//!
//! [`mechanism`] finds a built-in one by its name, [`builtin`] has them all:
//!
//! | name | RFC | who listens learns | credentials |
//! |---|---|---|---|
//! | `EXTERNAL` | 4422 | nothing | the certificate of the TLS handshake |
//! | `SCRAM-SHA-256-PLUS`, `SCRAM-SHA-1-PLUS` | 7677, 5802, 9266 | what costs much to guess from | a password |
//! | `SCRAM-SHA-256`, `SCRAM-SHA-1` | 7677, 5802 | the same | a password |
//! | `OAUTHBEARER` | 7628 | the token | a token |
//! | `XOAUTH2` | | the token | a token |
//! | `CRAM-MD5` | 2195 | what is easy to guess from | a password |
//! | `PLAIN` | 4616 | the password | a password |
//! | `LOGIN` | | the password | a password |
//! | `ANONYMOUS` | 4505 | | none |
//!
//! Those of SCRAM and CRAM-MD5 need the feature `crypto`.

mod anonymous;
pub(crate) mod base64;
mod choose;
#[cfg(feature = "crypto")]
mod cram_md5;
mod credentials;
mod external;
mod gs2;
mod login;
mod message;
mod nonce;
mod oauth;
mod plain;
#[cfg(feature = "crypto")]
mod prepare;
#[cfg(feature = "crypto")]
mod scram;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use thiserror::Error;

pub use anonymous::Anonymous;
pub use choose::{Conditions, Unusable, choose};
#[cfg(feature = "crypto")]
pub use cram_md5::CramMd5;
pub use credentials::{Claim, Credentials, Secret};
pub use external::External;
pub use login::Login;
pub(crate) use nonce::Nonces;
pub use oauth::{OauthBearer, XOauth2};
pub use plain::Plain;
#[cfg(feature = "crypto")]
pub use scram::{Scram, ScramHash, ScramKeys, ScramKeysError};

/// The built-in mechanisms, the strongest first.
///
/// The bound forms of SCRAM all stand before the others, whatever their hashes: otherwise it would do to hide one bound
/// form on the way to make a client use an unbound one.
#[must_use]
pub fn builtin() -> &'static [&'static dyn Mechanism] {
    &[
        &External,
        #[cfg(feature = "crypto")]
        &Scram::SHA_256_PLUS,
        #[cfg(feature = "crypto")]
        &Scram::SHA_1_PLUS,
        #[cfg(feature = "crypto")]
        &Scram::SHA_256,
        #[cfg(feature = "crypto")]
        &Scram::SHA_1,
        &OauthBearer,
        &XOauth2,
        #[cfg(feature = "crypto")]
        &CramMd5,
        &Plain,
        &Login,
        &Anonymous,
    ]
}

/// The built-in mechanism of this name, in any case.
#[must_use]
pub fn mechanism(name: &str) -> Option<Arc<dyn Mechanism>> {
    Some(match name.to_ascii_uppercase().as_str() {
        "EXTERNAL" => Arc::new(External),
        #[cfg(feature = "crypto")]
        "SCRAM-SHA-256-PLUS" => Arc::new(Scram::SHA_256_PLUS),
        #[cfg(feature = "crypto")]
        "SCRAM-SHA-1-PLUS" => Arc::new(Scram::SHA_1_PLUS),
        #[cfg(feature = "crypto")]
        "SCRAM-SHA-256" => Arc::new(Scram::SHA_256),
        #[cfg(feature = "crypto")]
        "SCRAM-SHA-1" => Arc::new(Scram::SHA_1),
        "OAUTHBEARER" => Arc::new(OauthBearer),
        "XOAUTH2" => Arc::new(XOauth2),
        #[cfg(feature = "crypto")]
        "CRAM-MD5" => Arc::new(CramMd5),
        "PLAIN" => Arc::new(Plain),
        "LOGIN" => Arc::new(Login),
        "ANONYMOUS" => Arc::new(Anonymous),
        _ => return None,
    })
}

/// A mechanism of AUTH.
pub trait Mechanism: fmt::Debug + Send + Sync {
    /// The registered name, in upper case: 1 to 20 of `A-Z 0-9 - _` (RFC 4422 §3.1).
    fn name(&self) -> &str;

    /// Who speaks first.
    fn first(&self) -> First;

    /// Whether who listens learns the secret itself, or can guess it at leisure. Such a mechanism is used over verified
    /// TLS only, unless the configuration allows otherwise.
    fn needs_protection(&self) -> bool;

    /// Whether the exchange is bound to the TLS channel (the -PLUS forms of SCRAM).
    fn binds_channel(&self) -> bool {
        false
    }

    /// Whether an exchange needs a [`Context::nonce`].
    fn needs_nonce(&self) -> bool {
        false
    }

    /// The client's end of an exchange; `None` if these credentials are of no use here, or if the context lacks what
    /// the mechanism needs.
    fn client(&self, credentials: &Credentials, context: &Context<'_>) -> Option<Box<dyn ClientExchange>>;

    /// The server's end of an exchange; `None` if this mechanism has none, or if the context lacks what it needs.
    fn server(&self, context: &Context<'_>) -> Option<Box<dyn ServerExchange>>;
}

/// Who speaks first in an exchange (RFC 4422 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// The client: its first response may stand on the AUTH line.
    Client,
    /// The server: a response on the AUTH line is refused with 501 (RFC 4954 §4).
    Server,
    /// The server, but clients are known to answer its first challenge on the AUTH line already (LOGIN).
    Either,
}

/// What an exchange has to work with. `Debug` shows neither nonce nor key.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Printable ASCII without comma, 32 characters, made for this exchange and unguessable. `None` if the connection
    /// was not seeded (`seed` of the connection), or without the feature `crypto`.
    pub nonce: Option<&'a str>,
    /// The channel binding `tls-exporter` of this connection, if it has one.
    pub channel_binding: Option<&'a [u8; 32]>,
    /// Whether the server offers a mechanism that binds the channel.
    pub offers_channel_binding: bool,
    /// Server: its host name. Client: empty.
    pub hostname: &'a str,
    /// Server: [`AuthPolicy::decoy_key`](crate::server::AuthPolicy::decoy_key). Client: zeros.
    pub decoy_key: &'a [u8; 32],
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("has_nonce", &self.nonce.is_some())
            .field("has_channel_binding", &self.channel_binding.is_some())
            .field("offers_channel_binding", &self.offers_channel_binding)
            .field("hostname", &self.hostname)
            .finish_non_exhaustive()
    }
}

/// The client's end of an exchange.
pub trait ClientExchange: fmt::Debug + Send + Sync {
    /// Appends the response to a challenge to `out`. No challenge: the initial response, of a mechanism in which the
    /// client speaks first.
    ///
    /// # Errors
    ///
    /// The server does not keep to the mechanism; the exchange is cancelled.
    fn respond(&mut self, challenge: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), ExchangeError>;

    /// The server said that it is satisfied.
    ///
    /// # Errors
    ///
    /// This side is not: the server has not proved that it knows the credentials (RFC 5802 §3).
    fn finish(&mut self) -> Result<(), ExchangeError> {
        Ok(())
    }
}

/// The server's end of an exchange.
pub trait ServerExchange: fmt::Debug + Send + Sync {
    /// Takes a response of the client; `None`: AUTH came without one, and the server may speak first. Where the client
    /// has to, the connection asks for its response with an empty challenge by itself (RFC 4954 §4). What is appended to
    /// `out` is the challenge of [`Step::Challenge`].
    fn take(&mut self, response: Option<&[u8]>, out: &mut Vec<u8>) -> Step;

    /// Takes what is stored of the user that was looked up, `None` if there is no such user. The exchange must not
    /// show the difference before its end.
    fn provide(&mut self, _secret: Option<&Secret>, _out: &mut Vec<u8>) -> Step {
        Step::Refused
    }

    /// The application refused the claim. A mechanism may have one more challenge for that (RFC 7628 §3.2.2).
    fn refuse(&mut self, _out: &mut Vec<u8>) -> Step {
        Step::Refused
    }

    /// The user whose secret is wanted, behind [`Step::Lookup`].
    fn user(&self) -> &str {
        ""
    }

    /// What the client claims, behind [`Step::Decide`].
    fn claim(&self) -> Claim<'_>;
}

/// What a server does next in an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "says how the exchange goes on"]
pub enum Step {
    /// Sends what was appended to `out` as a challenge.
    Challenge,
    /// Asks the application for the secret of [`ServerExchange::user`].
    Lookup,
    /// Asks the application about [`ServerExchange::claim`].
    Decide,
    /// The response is not one of this mechanism: 501 5.5.2.
    Malformed,
    /// The client did not prove its claim: 535 5.7.8.
    Refused,
}

/// Why a client cancels an exchange: the server does not keep to the mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The challenge is none of this mechanism.
    #[error("the challenge does not fit the mechanism")]
    Challenge,
    /// SCRAM: the nonce of the server does not extend that of the client.
    #[error("the server's nonce does not extend ours")]
    Nonce,
    /// SCRAM: the iteration count lies outside 4 096 to 1 000 000 (RFC 7677 §4).
    #[error("the iteration count lies outside 4096 to 1000000")]
    Iterations,
    /// SCRAM: the server did not prove that it knows the credentials.
    #[error("the server did not prove that it knows the credentials")]
    ServerSignature,
    /// What is to be sent, such as the user name or the password, is empty, or holds characters that the mechanism has
    /// no form for (RFC 4013). Nothing of it was sent.
    #[error("the user name or the password is empty or holds a character that is not allowed")]
    Characters,
}
