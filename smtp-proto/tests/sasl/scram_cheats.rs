//! SCRAM: servers that do not keep to it, or are none that know the user (SASL-11, SASL-12).

use proptest::prelude::*;
use smtp_proto::sasl::{ClientExchange, Credentials, ExchangeError, Mechanism, Scram};

use crate::kit::{client_context, respond};

const NONCE: &str = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";
const PROOF: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

/// The client of RFC 7677 §3, whose first message is out.
fn client() -> Box<dyn ClientExchange> {
    let mut context = client_context();
    context.nonce = Some("rOprNGfwEbeRWgbNEkqO");
    let mut client = Scram::SHA_256.client(&Credentials::password("user", "pencil"), &context).unwrap();
    assert!(respond(&mut *client, None).is_ok());
    client
}

/// The same client, whose proof is out.
fn proven() -> Box<dyn ClientExchange> {
    let mut client = client();
    assert!(respond(&mut *client, Some(format!("r={NONCE},s={SALT},i=4096").as_bytes())).is_ok());
    client
}

fn answer(challenge: &str) -> Result<Vec<u8>, ExchangeError> {
    let mut client = client();
    let result = respond(&mut *client, Some(challenge.as_bytes()));
    assert_eq!(client.finish(), Err(ExchangeError::ServerSignature), "nothing is proved");
    result
}

/// Rule 42, RFC 5802 §5.1: the nonce of the client stands at the beginning, and something follows.
#[test]
fn nonces_that_do_not_extend_ours() {
    for nonce in [
        "rOprNGfwEbeRWgbNEkqO",
        "rOprNGfwEbeRWgbNEkq",
        "x",
        "ROPRNGFWEBERWGBNEKQOmore",
        "xrOprNGfwEbeRWgbNEkqOmore",
        "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0rOprNGfwEbeRWgbNEkqO",
    ] {
        assert_eq!(answer(&format!("r={nonce},s={SALT},i=4096")), Err(ExchangeError::Nonce), "{nonce}");
    }
    assert!(answer(&format!("r=rOprNGfwEbeRWgbNEkqOx,s={SALT},i=4096")).is_ok());
}

/// Rule 42, RFC 7677 §4: few iterations give the password away, many keep the client busy.
#[test]
fn iterations_out_of_bounds() {
    let digits = "9".repeat(5000);
    for iterations in
        ["1", "4095", "1000001", "1000000000", "4294967296", "4294971392", "18446744073709555712", &digits]
    {
        assert_eq!(
            answer(&format!("r={NONCE},s={SALT},i={iterations}")),
            Err(ExchangeError::Iterations),
            "{iterations}"
        );
    }
    for iterations in ["", "0", "04096", "+4096", "-4096", "4096.0", "0x1000", " 4096", "4096 ", "4_096", "٤٠٩٦"] {
        assert_eq!(
            answer(&format!("r={NONCE},s={SALT},i={iterations}")),
            Err(ExchangeError::Challenge),
            "{iterations}"
        );
    }
    assert!(answer(&format!("r={NONCE},s={SALT},i=4096")).is_ok());
    assert!(answer(&format!("r={NONCE},s={SALT},i=4097")).is_ok());
}

/// What is no `server-first-message`, with a mandatory extension (§5.1) and fields that are too large among it.
#[test]
fn first_messages_that_are_none() {
    let long = "a".repeat(1024);
    let salt = "AAAA".repeat(342);
    for challenge in [
        "",
        "hello",
        &format!("m=ext,r={NONCE},s={SALT},i=4096"),
        &format!("r={NONCE},s={SALT},i=4096,m=ext"),
        &format!("r={NONCE},s={SALT},i=4096,x=y,m=ext"),
        &format!("r={NONCE},s={SALT}"),
        &format!("r={NONCE},i=4096,s={SALT}"),
        &format!("s={SALT},r={NONCE},i=4096"),
        &format!("r={NONCE},s=,i=4096"),
        &format!("r={NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ,i=4096"),
        &format!("r={NONCE},s=W22ZaJ0SNY7soEsUEjb6gR==,i=4096"),
        &format!("r={NONCE},s=W22Z aJ0SNY7soEsUEjb6gQ==,i=4096"),
        &format!("r={NONCE} x,s={SALT},i=4096"),
        &format!("r={NONCE}é,s={SALT},i=4096"),
        &format!("r={NONCE}{long},s={SALT},i=4096"),
        &format!("r={NONCE},s={salt},i=4096"),
        &format!("r={NONCE},s={SALT},i=4096,"),
        &format!("r={NONCE},s={SALT},i=4096,x"),
        &format!("r={NONCE},s={SALT},i=4096,x="),
        &format!("r={NONCE},s={SALT},i=4096\n"),
        "e=",
    ] {
        assert_eq!(answer(challenge), Err(ExchangeError::Challenge), "{challenge:?}");
    }
    assert_eq!(respond(&mut *client(), Some(b"r=\xff")), Err(ExchangeError::Challenge));
    assert_eq!(respond(&mut *client(), None), Err(ExchangeError::Challenge));
    assert!(answer(&format!("r={NONCE},s={SALT},i=4096,x=é,Y=1==")).is_ok(), "unknown extensions do not matter");
}

/// Rule 42: every change of one character of the server's proof, and every cut, is noticed.
#[test]
fn proofs_that_are_wrong() {
    let mut client = proven();
    assert_eq!(respond(&mut *client, Some(PROOF.as_bytes())), Ok(vec![]));
    assert_eq!(client.finish(), Ok(()));
    for place in 0..PROOF.len() {
        let mut changed = PROOF.as_bytes().to_vec();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        for challenge in [&changed[..], &PROOF.as_bytes()[..place]] {
            let mut client = proven();
            let error = respond(&mut *client, Some(challenge)).unwrap_err();
            assert!(matches!(error, ExchangeError::ServerSignature | ExchangeError::Challenge), "{place}: {error}");
            assert_eq!(client.finish(), Err(ExchangeError::ServerSignature));
            assert!(respond(&mut *client, Some(PROOF.as_bytes())).is_err(), "there is no second attempt");
            assert_eq!(client.finish(), Err(ExchangeError::ServerSignature));
        }
    }
    for (challenge, error) in [
        // Of another length, the beginning being right.
        ("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4A", ExchangeError::ServerSignature),
        ("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl9", ExchangeError::ServerSignature),
        ("v=", ExchangeError::ServerSignature),
        ("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=,m=x", ExchangeError::Challenge),
        ("m=x,v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", ExchangeError::Challenge),
        ("", ExchangeError::Challenge),
    ] {
        assert_eq!(respond(&mut *proven(), Some(challenge.as_bytes())), Err(error), "{challenge}");
    }
    assert_eq!(respond(&mut *proven(), Some(format!("{PROOF},x=y").as_bytes())), Ok(vec![]));
}

/// Rule 42: 235 without a proof, at any point, is no success.
#[test]
fn success_without_a_proof() {
    assert_eq!(client().finish(), Err(ExchangeError::ServerSignature));
    assert_eq!(proven().finish(), Err(ExchangeError::ServerSignature));
    let mut fresh = Scram::SHA_256.client(&Credentials::password("user", "pencil"), &client_context()).unwrap();
    assert_eq!(fresh.finish(), Err(ExchangeError::ServerSignature));
}

/// RFC 5802 §5.1: a server that says what is wrong gets an empty response, so that it can send its reply; nothing that
/// follows is a success.
#[test]
fn server_errors() {
    for error in ["e=invalid-proof", "e=unknown-user", "e=other-error,x=y", "e=something-new"] {
        for mut client in [client(), proven()] {
            assert_eq!(respond(&mut *client, Some(error.as_bytes())), Ok(vec![]), "{error}");
            assert_eq!(client.finish(), Err(ExchangeError::ServerSignature));
            assert_eq!(respond(&mut *client, Some(PROOF.as_bytes())), Err(ExchangeError::Challenge));
            assert_eq!(client.finish(), Err(ExchangeError::ServerSignature));
        }
    }
}

/// SASL-11: a server that never comes to an end is at its end after the proof.
#[test]
fn endless_challenges() {
    let mut client = proven();
    assert!(respond(&mut *client, Some(PROOF.as_bytes())).is_ok());
    for challenge in [PROOF, "", "e=other-error"] {
        assert_eq!(respond(&mut *client, Some(challenge.as_bytes())), Err(ExchangeError::Challenge));
        assert_eq!(client.finish(), Err(ExchangeError::ServerSignature), "what followed spoilt it");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    /// Who does not know the password proves nothing, whatever it says.
    #[test]
    fn no_guess_is_a_proof(
        first in proptest::option::of("r=rOprNGfwEbeRWgbNEkqO[ -~]{1,9},s=[A-D]{4,8},i=40(96|97)(,[a-z]=[a-z,=]{0,5})?"),
        last in "(v=[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=|e=[ -~]{0,9}|[ -~]{0,20})",
        others in proptest::collection::vec(any::<u8>(), 0..50),
    ) {
        let mut client = client();
        let first = first.unwrap_or_else(|| format!("r={NONCE},s={SALT},i=4096"));
        let _ = respond(&mut *client, Some(first.as_bytes()));
        let _ = respond(&mut *client, Some(last.as_bytes()));
        prop_assert!(client.finish().is_err());
        let _ = respond(&mut *client, Some(&others));
        prop_assert!(client.finish().is_err());
    }
}
