//! The functions of RFC 5802 §2.2 under both hashes.

use core::ops::Deref;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The hash of a SCRAM mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScramHash {
    /// SHA-1, whose keys have 20 octets (RFC 5802).
    Sha1,
    /// SHA-256, whose keys have 32 octets (RFC 7677).
    Sha256,
}

/// What a hash gives, and every key. There is no `Debug`: it is a secret.
#[derive(Clone, Copy)]
pub(super) struct Digest {
    octets: [u8; 32],
    length: usize,
}

impl ScramHash {
    /// `H(str)`
    pub(super) fn hash(self, octets: &[u8]) -> Digest {
        match self {
            Self::Sha1 => Digest::of(&Sha1::digest(octets)),
            Self::Sha256 => Digest::of(&Sha256::digest(octets)),
        }
    }

    /// `HMAC(key, str)`, of a string in pieces.
    pub(super) fn hmac(self, key: &[u8], pieces: &[&[u8]]) -> Digest {
        match self {
            Self::Sha1 => {
                let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes a key of any length");
                pieces.iter().for_each(|piece| mac.update(piece));
                Digest::of(&mac.finalize().into_bytes())
            }
            Self::Sha256 => {
                let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
                pieces.iter().for_each(|piece| mac.update(piece));
                Digest::of(&mac.finalize().into_bytes())
            }
        }
    }

    /// `Hi(str, salt, i)`, which is PBKDF2.
    pub(super) fn iterated(self, password: &str, salt: &[u8], iterations: u32) -> Digest {
        let mut digest = Digest { octets: [0; 32], length: self.key_length() };
        let out = &mut digest.octets[..digest.length];
        match self {
            Self::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password.as_bytes(), salt, iterations, out),
            Self::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), salt, iterations, out),
        }
        digest
    }

    /// Length of a key, octets.
    #[must_use]
    pub fn key_length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

impl Digest {
    /// Octets that are as many as a hash has, at most 32; none if they are more.
    pub(super) fn of(octets: &[u8]) -> Self {
        let mut digest = Self { octets: [0; 32], length: 0 };
        if let Some(place) = digest.octets.get_mut(..octets.len()) {
            place.copy_from_slice(octets);
            digest.length = octets.len();
        }
        digest
    }

    /// `XOR`
    pub(super) fn xor(mut self, other: &[u8]) -> Self {
        self.octets.iter_mut().zip(other).for_each(|(octet, other)| *octet ^= other);
        self
    }

    /// Whether both are the same, in a time that does not tell where they differ.
    pub(super) fn is(&self, other: &[u8]) -> bool {
        bool::from(self.ct_eq(other))
    }
}

impl Deref for Digest {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.octets[..self.length]
    }
}
