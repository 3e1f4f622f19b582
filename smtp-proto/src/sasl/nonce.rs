//! Nonces, from randomness that the driver brings once.

use alloc::string::String;
use core::fmt;

/// Makes the nonces of one connection: HMAC-SHA-256 of a counter under 32 octets of the operating system's randomness.
/// Nobody who has not seen the seed tells them from random ones.
#[cfg(feature = "crypto")]
pub(crate) struct Nonces {
    seed: [u8; 32],
    counter: u64,
}

/// There is nothing to make nonces with.
#[cfg(not(feature = "crypto"))]
pub(crate) enum Nonces {}

#[cfg(feature = "crypto")]
impl Nonces {
    /// `None` without the feature `crypto`.
    pub(crate) fn new(seed: [u8; 32]) -> Option<Self> {
        Some(Self { seed, counter: 0 })
    }

    /// 144 bits, as 32 characters of the URL alphabet of base64 (RFC 4648 §5): printable, and no comma among them.
    pub(crate) fn next(&mut self) -> String {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        use hmac::{Hmac, KeyInit as _, Mac as _};
        use sha2::Sha256;

        let mut mac = Hmac::<Sha256>::new_from_slice(&self.seed).expect("HMAC takes a key of any length");
        mac.update(&self.counter.to_be_bytes());
        self.counter += 1;
        URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..24])
    }
}

#[cfg(not(feature = "crypto"))]
impl Nonces {
    pub(crate) fn new(_seed: [u8; 32]) -> Option<Self> {
        None
    }

    pub(crate) fn next(&mut self) -> String {
        match *self {}
    }
}

/// Shows nothing of the seed.
impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonces").finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "crypto"))]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::format;

    use super::Nonces;

    fn nonces(seed: [u8; 32]) -> Nonces {
        Nonces::new(seed).expect("there is a hash")
    }

    /// SASL-10: 32 characters that fit into SCRAM and CRAM-MD5, another one each time and for each seed.
    #[test]
    fn no_two_are_the_same() {
        let mut seen = BTreeSet::new();
        for octet in 0..32 {
            let mut seed = [0; 32];
            seed[octet] = 1;
            let mut nonces = nonces(seed);
            for _ in 0..1000 {
                let nonce = nonces.next();
                assert_eq!(nonce.len(), 32);
                assert!(nonce.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet)));
                assert!(seen.insert(nonce));
            }
        }
    }

    /// The first nonce of a seed of zeros, computed by `openssl mac -digest SHA256 -macopt hexkey:00…00 HMAC` of 3.0.19
    /// over eight zero octets.
    #[test]
    fn the_first_one() {
        assert_eq!(nonces([0; 32]).next(), "83UYCrqSiIQB8ZGb5KhxWmJ2O2XBwQ4d");
    }

    /// SASL-16.
    #[test]
    fn the_seed_is_not_shown() {
        assert_eq!(format!("{:?}", nonces([77; 32])), "Nonces { .. }");
    }
}
