//! SCRAM: exchanges that others wrote down, replayed at both ends.

use smtp_proto::sasl::{Claim, Credentials, Mechanism, Scram, ScramKeys, Secret, Step};

use crate::kit::{client_context, respond, server_context, take};

/// One recorded exchange.
struct Vector {
    mechanism: Scram,
    user: &'static str,
    password: &'static str,
    authorization: &'static str,
    binding: Option<&'static [u8; 32]>,
    client_nonce: &'static str,
    server_nonce: &'static str,
    salt: &'static [u8],
    client_first: &'static str,
    server_first: &'static str,
    client_final: &'static str,
    server_final: &'static str,
    /// The user as SASLprep makes it.
    prepared: &'static str,
}

const VECTOR: Vector = Vector {
    mechanism: Scram::SHA_1,
    user: "user",
    password: "pencil",
    authorization: "",
    binding: None,
    client_nonce: "",
    server_nonce: "",
    salt: b"",
    client_first: "",
    server_first: "",
    client_final: "",
    server_final: "",
    prepared: "user",
};

/// The octets that the vectors with channel binding are bound to.
const COUNTING: [u8; 32] = {
    let mut octets = [0; 32];
    let mut place = 0;
    while place < 32 {
        octets[place] = place as u8;
        place += 1;
    }
    octets
};

impl Vector {
    fn replay(&self) {
        let (mut client, mut server) = (client_context(), server_context());
        (client.nonce, server.nonce) = (Some(self.client_nonce), Some(self.server_nonce));
        (client.channel_binding, server.channel_binding) = (self.binding, self.binding);
        client.offers_channel_binding = self.binding.is_some();
        server.offers_channel_binding = self.binding.is_some();

        let credentials = Credentials::password(self.user, self.password).acting_as(self.authorization);
        let mut client = self.mechanism.client(&credentials, &client).unwrap();
        assert_eq!(text(respond(&mut *client, None).unwrap()), self.client_first);
        assert_eq!(text(respond(&mut *client, Some(self.server_first.as_bytes())).unwrap()), self.client_final);
        assert!(client.finish().is_err(), "the server has proved nothing yet");
        assert_eq!(text(respond(&mut *client, Some(self.server_final.as_bytes())).unwrap()), "");
        assert_eq!(client.finish(), Ok(()));

        let keys = ScramKeys::derive(self.mechanism.hash(), self.password, self.salt, 4096).unwrap();
        let secret = Secret::Scram(keys);
        let mut server = self.mechanism.server(&server).unwrap();
        assert_eq!(take(&mut *server, self.client_first.as_bytes()), (Step::Lookup, vec![]));
        assert_eq!(server.user(), self.prepared);
        let mut out = Vec::new();
        assert_eq!(server.provide(Some(&secret), &mut out), Step::Challenge);
        assert_eq!(text(out), self.server_first);
        let (step, out) = take(&mut *server, self.client_final.as_bytes());
        assert_eq!((step, text(out).as_str()), (Step::Challenge, self.server_final));
        assert_eq!(server.claim(), Claim::Proven { authorization: "", user: "" }, "not before the end");
        assert_eq!(take(&mut *server, b""), (Step::Decide, vec![]));
        assert_eq!(server.claim(), Claim::Proven { authorization: self.authorization, user: self.prepared });
        assert_eq!(take(&mut *server, b"").0, Step::Refused);
    }
}

fn text(octets: Vec<u8>) -> String {
    String::from_utf8(octets).unwrap()
}

/// RFC 5802 §5.
#[test]
fn rfc_5802() {
    Vector {
        client_nonce: "fyko+d2lbbFgONRv9qkxdawL",
        server_nonce: "3rfcNHYJY1ZVvWVs7j",
        salt: b"\x41\x25\xc2\x47\xe4\x3a\xb1\xe9\x3c\x6d\xff\x76",
        client_first: "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        server_first: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        client_final: "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        server_final: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ..VECTOR
    }
    .replay();
}

/// RFC 7677 §3.
#[test]
fn rfc_7677() {
    Vector {
        mechanism: Scram::SHA_256,
        client_nonce: "rOprNGfwEbeRWgbNEkqO",
        server_nonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        salt: b"\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81",
        client_first: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        server_first: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        client_final: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                       p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        server_final: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ..VECTOR
    }
    .replay();
}

/// Recorded from both ends of GNU SASL 2.2.0.
#[test]
fn gnu_sasl_sha_256() {
    Vector {
        mechanism: Scram::SHA_256,
        client_nonce: "K9kbwkIaizj9cD1s6G2wuENv",
        server_nonce: "jN0r9NWy6RqFn+zdChXDXaGQ",
        salt: &SALT_256,
        client_first: "n,,n=user,r=K9kbwkIaizj9cD1s6G2wuENv",
        server_first: "r=K9kbwkIaizj9cD1s6G2wuENvjN0r9NWy6RqFn+zdChXDXaGQ,s=NA1ihO3OR4SgkSUV,i=4096",
        client_final: "c=biws,r=K9kbwkIaizj9cD1s6G2wuENvjN0r9NWy6RqFn+zdChXDXaGQ,\
                       p=ZpcYGIaDEeNygigpHsDppNztRaVRE6zgqgbmhTZ7x+0=",
        server_final: "v=I/EKI9ly6m6Q3L8BpuvegVMytDarzK823hGmbIiBFag=",
        ..VECTOR
    }
    .replay();
}

/// Recorded from both ends of GNU SASL 2.2.0: an authorization identity, a user name that needs escapes, and characters
/// whose normalization forms C and KC differ (RFC 5802 §3). The password is `p´½ª` with a no-break space before the last
/// one. X-4954-4-23.
#[test]
fn gnu_sasl_sha_1_prepared() {
    Vector {
        user: "\u{bd},=\u{b4}",
        password: "p\u{b4}\u{bd}\u{a0}\u{aa}",
        authorization: "boss",
        client_nonce: "S/B9KFhFkUoFmoqriK30B/Uw",
        server_nonce: "cRVfQyF8F7ESN4UrgDbR/r5m",
        salt: &SALT_1,
        client_first: "n,a=boss,n=1\u{2044}2=2C=3D \u{301},r=S/B9KFhFkUoFmoqriK30B/Uw",
        server_first: "r=S/B9KFhFkUoFmoqriK30B/UwcRVfQyF8F7ESN4UrgDbR/r5m,s=XqGdev2+9q1M87tY,i=4096",
        client_final: "c=bixhPWJvc3Ms,r=S/B9KFhFkUoFmoqriK30B/UwcRVfQyF8F7ESN4UrgDbR/r5m,p=V7qaBneWIk0pH48rKakLuxtyrWs=",
        server_final: "v=PZH54AH1kGGk4x0APz8wg04Z1Tw=",
        prepared: "1\u{2044}2,= \u{301}",
        ..VECTOR
    }
    .replay();
}

/// Recorded from both ends of GNU SASL 2.2.0, bound to the octets 0 to 31 by `tls-exporter` (RFC 9266).
#[test]
fn gnu_sasl_sha_256_plus() {
    Vector {
        mechanism: Scram::SHA_256_PLUS,
        binding: Some(&COUNTING),
        client_nonce: "5BUFiZXo0SuDJNDtKzpX3r3U",
        server_nonce: "eGfPr0tiTefEkjlypV7E9C0X",
        salt: &SALT_256_PLUS,
        client_first: "p=tls-exporter,,n=user,r=5BUFiZXo0SuDJNDtKzpX3r3U",
        server_first: "r=5BUFiZXo0SuDJNDtKzpX3r3UeGfPr0tiTefEkjlypV7E9C0X,s=ILzsiIuEpKxoo9Wk,i=4096",
        client_final: "c=cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f,\
                       r=5BUFiZXo0SuDJNDtKzpX3r3UeGfPr0tiTefEkjlypV7E9C0X,\
                       p=+NsHkJVFRIwC3izwS2wZwZTpF32dJrKRYEx2KD6yago=",
        server_final: "v=2IQp5Qq8fW3ESnr7ADaWchv6Pt4ycw9T4B32FmP2U4c=",
        ..VECTOR
    }
    .replay();
}

/// Recorded from both ends of GNU SASL 2.2.0, bound to the octets 0 to 31 by `tls-exporter` (RFC 9266).
#[test]
fn gnu_sasl_sha_1_plus() {
    Vector {
        mechanism: Scram::SHA_1_PLUS,
        binding: Some(&COUNTING),
        client_nonce: "J3rOO79DTYkv25Vl482LeW7I",
        server_nonce: "pyCx+Y653Vzg2D//3g+Flsx2",
        salt: &SALT_1_PLUS,
        client_first: "p=tls-exporter,,n=user,r=J3rOO79DTYkv25Vl482LeW7I",
        server_first: "r=J3rOO79DTYkv25Vl482LeW7IpyCx+Y653Vzg2D//3g+Flsx2,s=EhrPx8AIKPlS9Iti,i=4096",
        client_final: "c=cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f,\
                       r=J3rOO79DTYkv25Vl482LeW7IpyCx+Y653Vzg2D//3g+Flsx2,p=S9SYWmmTq2BH1Y2cEyqY77j+X+8=",
        server_final: "v=4lar0LS4I7g6lWeHHNzrGxZ8NYo=",
        ..VECTOR
    }
    .replay();
}

/// `NA1ihO3OR4SgkSUV`
const SALT_256: [u8; 12] = [0x34, 0x0d, 0x62, 0x84, 0xed, 0xce, 0x47, 0x84, 0xa0, 0x91, 0x25, 0x15];
/// `XqGdev2+9q1M87tY`
const SALT_1: [u8; 12] = [0x5e, 0xa1, 0x9d, 0x7a, 0xfd, 0xbe, 0xf6, 0xad, 0x4c, 0xf3, 0xbb, 0x58];
/// `ILzsiIuEpKxoo9Wk`
const SALT_256_PLUS: [u8; 12] = [0x20, 0xbc, 0xec, 0x88, 0x8b, 0x84, 0xa4, 0xac, 0x68, 0xa3, 0xd5, 0xa4];
/// `EhrPx8AIKPlS9Iti`
const SALT_1_PLUS: [u8; 12] = [0x12, 0x1a, 0xcf, 0xc7, 0xc0, 0x08, 0x28, 0xf9, 0x52, 0xf4, 0x8b, 0x62];
