//! Nonces for mechanisms that need them, out of the randomness that a connection was given.

use alloc::string::String;

/// Where the nonces of a connection come from.
#[cfg(feature = "crypto")]
pub(crate) struct Nonces {
    entropy: [u8; 32],
    made: u64,
}

#[cfg(feature = "crypto")]
impl Nonces {
    /// `None` without the feature `crypto`.
    pub(crate) fn new(entropy: [u8; 32]) -> Option<Self> {
        Some(Self { entropy, made: 0 })
    }

    /// The next one: 32 characters of base64, which hold no comma.
    ///
    /// Each is a digest of the randomness and a number, so that who learns one learns nothing about the next.
    pub(crate) fn next(&mut self) -> String {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        use sha2::{Digest as _, Sha256};

        let digest = Sha256::new().chain_update(self.entropy).chain_update(self.made.to_be_bytes()).finalize();
        self.made += 1;
        STANDARD.encode(&digest[..24])
    }
}

/// There is nothing to make nonces with.
#[cfg(not(feature = "crypto"))]
pub(crate) enum Nonces {}

#[cfg(not(feature = "crypto"))]
impl Nonces {
    pub(crate) fn new(_entropy: [u8; 32]) -> Option<Self> {
        None
    }

    pub(crate) fn next(&mut self) -> String {
        match *self {}
    }
}

#[cfg(all(test, feature = "crypto"))]
mod tests {
    use super::Nonces;

    /// SASL-10: every nonce is another one, depends on all of the randomness, and is one that SCRAM can carry.
    #[test]
    fn nonces_are_fresh() {
        let nonces = |entropy| Nonces::new(entropy).expect("there is a digest");
        let (mut nonces, other) = (nonces([7; 32]), nonces);
        let (first, second) = (nonces.next(), nonces.next());
        assert_ne!(first, second);
        for nonce in [&first, &second] {
            assert_eq!(nonce.len(), 32);
            assert!(nonce.bytes().all(|octet| octet.is_ascii_graphic() && octet != b','), "{nonce}");
        }
        for octet in 0..32 {
            let mut entropy = [7; 32];
            entropy[octet] = 8;
            assert_ne!(other(entropy).next(), first);
        }
    }
}
