//! SCRAM (RFC 5802, RFC 7677, RFC 9266).

mod client;
mod hash;
mod keys;
mod message;
mod server;

use alloc::boxed::Box;

use super::{ClientExchange, Context, Credentials, First, Mechanism, ServerExchange};
use client::ScramClient;
use server::ScramServer;

pub use hash::ScramHash;
pub use keys::{ScramKeys, ScramKeysError};

/// SCRAM (RFC 5802, RFC 7677): client and server prove to each other that they know the password, or what was derived
/// from it. The -PLUS forms bind that to the TLS channel, so that nobody can sit between two channels (RFC 9266).
///
/// The password is not sent. Who listens can try passwords at leisure, at the price of some thousand hashes each. A
/// server stores [`ScramKeys`](super::ScramKeys), which alone are not enough to log in, or the password. Credentials:
/// [`Credentials::password`], with [`acting_as`](Credentials::acting_as) if wanted. Claim: [`Claim::Proven`] with the
/// user name as SASLprep makes it; it comes after the server's proof went out, and can still be refused.
///
/// A client goes on only if the nonce of the server extends its own, and the iteration count lies between 4 096 and
/// 1 000 000 (RFC 7677 §4); and it is logged in only if the server has proved itself. It speaks of channel binding as
/// RFC 5802 §6 wants, so that a server finds out if somebody hid its -PLUS mechanisms.
///
/// A server does not show whether a user exists: it makes up a salt for one that does not, computes as much, and
/// refuses the proof. That holds if users that exist look the same: [`Secret::Password`](super::Secret::Password) for
/// all of them, or [`ScramKeys::decoy`] for those that do not exist.
///
/// [`Claim::Proven`]: super::Claim::Proven
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scram {
    hash: ScramHash,
    binds: bool,
}

impl Scram {
    /// SCRAM-SHA-1 (RFC 5802).
    pub const SHA_1: Self = Self { hash: ScramHash::Sha1, binds: false };
    /// SCRAM-SHA-1-PLUS, with the channel binding `tls-exporter`.
    pub const SHA_1_PLUS: Self = Self { hash: ScramHash::Sha1, binds: true };
    /// SCRAM-SHA-256 (RFC 7677).
    pub const SHA_256: Self = Self { hash: ScramHash::Sha256, binds: false };
    /// SCRAM-SHA-256-PLUS, with the channel binding `tls-exporter`.
    pub const SHA_256_PLUS: Self = Self { hash: ScramHash::Sha256, binds: true };

    /// The hash, for which a server has to have keys.
    #[must_use]
    pub fn hash(self) -> ScramHash {
        self.hash
    }
}

impl Mechanism for Scram {
    fn name(&self) -> &str {
        match (self.hash, self.binds) {
            (ScramHash::Sha1, false) => "SCRAM-SHA-1",
            (ScramHash::Sha1, true) => "SCRAM-SHA-1-PLUS",
            (ScramHash::Sha256, false) => "SCRAM-SHA-256",
            (ScramHash::Sha256, true) => "SCRAM-SHA-256-PLUS",
        }
    }

    fn first(&self) -> First {
        First::Client
    }

    fn needs_protection(&self) -> bool {
        false
    }

    fn binds_channel(&self) -> bool {
        self.binds
    }

    fn needs_nonce(&self) -> bool {
        true
    }

    fn client(&self, credentials: &Credentials, context: &Context<'_>) -> Option<Box<dyn ClientExchange>> {
        Some(Box::new(ScramClient::new(*self, credentials, context)?))
    }

    fn server(&self, context: &Context<'_>) -> Option<Box<dyn ServerExchange>> {
        Some(Box::new(ScramServer::new(*self, context)?))
    }
}

/// The kind of channel binding (RFC 9266 §2). Those of RFC 5929 are not safe, or not there, in TLS 1.3.
const TLS_EXPORTER: &str = "tls-exporter";
