//! Nonces, from randomness that the driver brings once.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Makes the nonces of one connection: HMAC-SHA-256 of a counter under 32 octets of the operating system's randomness.
/// Nobody who has not seen the seed tells them from random ones.
pub(crate) struct Nonces {
    seed: [u8; 32],
    counter: u64,
}

/// 144 bits, as 32 characters of the URL alphabet of base64 (RFC 4648 §5): printable, and no comma among them.
#[derive(Clone, Copy)]
pub(crate) struct Nonce([u8; LENGTH]);

impl Nonces {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0 }
    }

    pub(crate) fn next(&mut self) -> Nonce {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.seed).expect("HMAC takes a key of any length");
        mac.update(&self.counter.to_be_bytes());
        self.counter += 1;
        let mut characters = [0; LENGTH];
        URL_SAFE_NO_PAD
            .encode_slice(&mac.finalize().into_bytes()[..LENGTH / 4 * 3], &mut characters)
            .expect("24 octets are 32 characters");
        Nonce(characters)
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonces").field("counter", &self.counter).finish_non_exhaustive()
    }
}

impl Nonce {
    pub(crate) fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).expect("base64 is ASCII")
    }
}

const LENGTH: usize = 32;

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::format;
    use alloc::string::String;

    use super::Nonces;

    /// SASL-10: 32 characters that fit into SCRAM and CRAM-MD5, another one each time and for each seed.
    #[test]
    fn no_two_are_the_same() {
        let mut seen = BTreeSet::new();
        for seed in 0..8 {
            let mut nonces = Nonces::new([seed; 32]);
            for _ in 0..1000 {
                let nonce = nonces.next();
                assert_eq!(nonce.as_str().len(), 32);
                assert!(nonce.as_str().bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet)));
                assert!(seen.insert(String::from(nonce.as_str())));
            }
        }
    }

    /// The first nonce of a seed of zeros, computed by `openssl mac -digest SHA256 -macopt hexkey:00…00 HMAC` of 3.0.19
    /// over eight zero octets.
    #[test]
    fn the_first_one() {
        assert_eq!(Nonces::new([0; 32]).next().as_str(), "83UYCrqSiIQB8ZGb5KhxWmJ2O2XBwQ4d");
    }

    /// SASL-16.
    #[test]
    fn the_seed_is_not_shown() {
        assert_eq!(format!("{:?}", Nonces::new([77; 32])), "Nonces { counter: 0, .. }");
    }
}
