//! What a server stores for SCRAM.

use alloc::vec::Vec;
use core::fmt;
use core::ops::RangeInclusive;

use thiserror::Error;

use super::super::prepare::prepare;
use super::hash::{Digest, ScramHash};

/// What a server stores of a user for SCRAM (RFC 5802 §3): enough to check a proof and to prove itself, alone not
/// enough to log in (but with one overheard exchange of that user, §9). `Debug` shows the hash and the iteration count
/// only.
///
/// ```
/// use smtp_proto::sasl::{ScramHash, ScramKeys};
///
/// // Once, when the user chooses the password. The salt is random.
/// let keys = ScramKeys::derive(ScramHash::Sha256, "pencil", b"sixteen random o", 4096)?;
/// // Stored are salt, iterations, stored key and server key.
/// let stored = ScramKeys::new(
///     ScramHash::Sha256,
///     keys.salt(),
///     keys.iterations(),
///     keys.stored_key(),
///     keys.server_key(),
/// )?;
/// // They serve SCRAM as `Secret::Scram(stored)`, and tell whether the password of PLAIN is right.
/// assert!(stored.is_password("pencil"));
/// assert!(!stored.is_password("pen"));
/// # Ok::<(), smtp_proto::sasl::ScramKeysError>(())
/// ```
#[derive(Clone)]
pub struct ScramKeys {
    hash: ScramHash,
    salt: Vec<u8>,
    iterations: u32,
    stored_key: Digest,
    server_key: Digest,
}

impl ScramKeys {
    /// The keys of a password, which is prepared by SASLprep first. It costs two hashes for each iteration.
    ///
    /// The salt is random, another one for each user and hash, and 16 octets long if [`Secret::Password`] and users that
    /// do not exist shall not be told from it. 4 096 iterations are the least (RFC 7677 §4).
    ///
    /// [`Secret::Password`]: super::super::Secret::Password
    ///
    /// # Errors
    ///
    /// The password is empty or holds what is not allowed, the salt is empty or longer than 1 024 octets, or the
    /// iterations are not 4 096 to 1 000 000.
    pub fn derive(hash: ScramHash, password: &str, salt: &[u8], iterations: u32) -> Result<Self, ScramKeysError> {
        check(salt, iterations)?;
        let password = prepare(password).ok_or(ScramKeysError::Password)?;
        let salted_password = hash.iterated(&password, salt, iterations);
        let stored_key = hash.hash(&client_key(hash, &salted_password));
        let server_key = server_key(hash, &salted_password);
        Ok(Self { hash, salt: salt.to_vec(), iterations, stored_key, server_key })
    }

    /// Keys that were stored.
    ///
    /// # Errors
    ///
    /// The salt is empty or longer than 1 024 octets, the iterations are not 4 096 to 1 000 000, or a key has not the
    /// length of the hash.
    pub fn new(
        hash: ScramHash,
        salt: &[u8],
        iterations: u32,
        stored_key: &[u8],
        server_key: &[u8],
    ) -> Result<Self, ScramKeysError> {
        check(salt, iterations)?;
        if stored_key.len() != hash.key_length() || server_key.len() != hash.key_length() {
            return Err(ScramKeysError::KeyLength);
        }
        let (stored_key, server_key) = (Digest::of(stored_key), Digest::of(server_key));
        Ok(Self { hash, salt: salt.to_vec(), iterations, stored_key, server_key })
    }

    /// Keys for a user that does not exist, which no password fits: to be given instead of nothing by a server that
    /// stores keys, so that neither the iteration count nor the time tells who exists. The salt has 16 octets, and is
    /// always the same for one user.
    ///
    /// `decoy_key` is [`AuthPolicy::decoy_key`](crate::server::AuthPolicy::decoy_key).
    ///
    /// # Errors
    ///
    /// The iterations are not 4 096 to 1 000 000.
    pub fn decoy(hash: ScramHash, decoy_key: &[u8; 32], user: &str, iterations: u32) -> Result<Self, ScramKeysError> {
        let salt = made_up_salt(decoy_key, user);
        check(&salt, iterations)?;
        // What hashes to this as a client key, or makes this as a server key, nobody knows.
        let key = |name: &[u8]| {
            Digest::of(&ScramHash::Sha256.hmac(decoy_key, &[name, b"\0", user.as_bytes()])[..hash.key_length()])
        };
        Ok(Self { hash, salt: salt.to_vec(), iterations, stored_key: key(b"stored"), server_key: key(b"server") })
    }

    /// Whether this is the password, such as that of [`Claim::Password`](super::super::Claim::Password). It costs as
    /// much as [`derive`](Self::derive).
    #[must_use]
    pub fn is_password(&self, password: &str) -> bool {
        Self::derive(self.hash, password, &self.salt, self.iterations)
            .is_ok_and(|keys| keys.stored_key.is(&self.stored_key))
    }

    /// The hash that they were made with.
    #[must_use]
    pub fn hash(&self) -> ScramHash {
        self.hash
    }

    /// The salt, 1 to 1 024 octets.
    #[must_use]
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// The iteration count, 4 096 to 1 000 000.
    #[must_use]
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    /// `StoredKey`, by which a client is checked.
    #[must_use]
    pub fn stored_key(&self) -> &[u8] {
        &self.stored_key
    }

    /// `ServerKey`, by which the server proves itself.
    #[must_use]
    pub fn server_key(&self) -> &[u8] {
        &self.server_key
    }
}

impl fmt::Debug for ScramKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramKeys")
            .field("hash", &self.hash)
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

/// Why keys are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ScramKeysError {
    /// The password is empty, or holds characters that SASLprep does not allow (RFC 4013).
    #[error("the password is empty or holds a character that is not allowed")]
    Password,
    /// The salt is empty or longer than 1 024 octets.
    #[error("the salt is empty or longer than 1024 octets")]
    Salt,
    /// The iteration count lies outside 4 096 to 1 000 000.
    #[error("the iteration count lies outside 4096 to 1000000")]
    Iterations,
    /// A key has not the length of the hash.
    #[error("a key has not the length of the hash")]
    KeyLength,
}

/// `HMAC(SaltedPassword, "Client Key")`
pub(super) fn client_key(hash: ScramHash, salted_password: &[u8]) -> Digest {
    hash.hmac(salted_password, &[b"Client Key"])
}

/// `HMAC(SaltedPassword, "Server Key")`
pub(super) fn server_key(hash: ScramHash, salted_password: &[u8]) -> Digest {
    hash.hmac(salted_password, &[b"Server Key"])
}

/// A salt that is always the same for one user, and looks like any other to who has not the key.
pub(super) fn made_up_salt(decoy_key: &[u8; 32], user: &str) -> [u8; 16] {
    let digest = ScramHash::Sha256.hmac(decoy_key, &[user.as_bytes()]);
    let mut salt = [0; 16];
    salt.copy_from_slice(&digest[..16]);
    salt
}

/// Fewer give the password away (RFC 7677 §4), more keep a client busy that asked for none of it.
pub(super) const ITERATIONS: RangeInclusive<u32> = 4096..=1_000_000;

/// Longest salt and longest nonce, octets. Those in use have less than a hundred.
pub(super) const LONGEST: usize = 1024;

fn check(salt: &[u8], iterations: u32) -> Result<(), ScramKeysError> {
    if !(1..=LONGEST).contains(&salt.len()) {
        return Err(ScramKeysError::Salt);
    }
    if !ITERATIONS.contains(&iterations) {
        return Err(ScramKeysError::Iterations);
    }
    Ok(())
}
