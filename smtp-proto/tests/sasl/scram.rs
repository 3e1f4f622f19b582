//! SCRAM: both ends against each other, and what a server stores.

use smtp_proto::sasl::{
    Claim, Credentials, ExchangeError, Mechanism, Scram, ScramHash, ScramKeys, ScramKeysError, Secret, Step,
};

use crate::kit::{
    BINDING, CLIENT_NONCE, Desk, End, Record, SERVER_NONCE, bound, client_context, keeper, respond, run,
    server_context, take,
};

const ALL: [Scram; 4] = [Scram::SHA_1, Scram::SHA_1_PLUS, Scram::SHA_256, Scram::SHA_256_PLUS];

fn password(password: &str) -> Option<Secret> {
    Some(Secret::Password(password.into()))
}

fn keys(hash: ScramHash, password: &str) -> Option<Secret> {
    Some(Secret::Scram(ScramKeys::derive(hash, password, b"sixteen octets..", 4096).unwrap()))
}

/// `user` with `pencil` against what is stored.
fn login(mechanism: Scram, secret: Option<Secret>) -> Record {
    let credentials = Credentials::password("user", "pencil");
    let (client, server) = if mechanism.binds_channel() {
        (bound(client_context()), bound(server_context()))
    } else {
        (client_context(), server_context())
    };
    run(&mechanism, &credentials, &client, &server, &keeper(secret))
}

/// Every mechanism ends well with a password and with keys.
#[test]
fn both_ends() {
    for mechanism in ALL {
        for secret in [password("pencil"), keys(mechanism.hash(), "pencil")] {
            let record = login(mechanism, secret);
            assert_eq!(record.end, End::Accepted, "{mechanism:?}");
            assert_eq!((record.client.len(), record.server.len()), (3, 2));
            assert_eq!(record.client[2], b"");
        }
    }
}

/// The claim says who acts as whom, both prepared, and the application can still refuse it.
#[test]
fn the_claim() {
    let credentials = Credentials::password("u\u{ad}ser", "pencil").acting_as("\u{2168}");
    let expected = Claim::Proven { authorization: "IX", user: "user" };
    for (is_allowed, end) in [(true, End::Accepted), (false, End::Rejected)] {
        let decide = |claim: Claim<'_>| claim == expected && is_allowed;
        let desk = Desk { secret: password("pencil"), decide: &decide };
        let record = run(&Scram::SHA_256, &credentials, &client_context(), &server_context(), &desk);
        assert_eq!(record.end, end);
    }
}

/// SASL-09: an unknown user, a wrong password, keys of another hash, a password that has no form, and decoy keys all
/// look the same to the client: the same messages, of the same lengths, and the same end.
#[test]
fn the_same_messages_whatever_is_wrong() {
    for mechanism in ALL {
        let other = if mechanism.hash() == ScramHash::Sha1 { ScramHash::Sha256 } else { ScramHash::Sha1 };
        let good = login(mechanism, password("pencil"));
        let decoy = ScramKeys::decoy(mechanism.hash(), server_context().decoy_key, "user", 4096).unwrap();
        for secret in [
            None,
            password("wrong"),
            password(""),
            password("\u{7}"),
            // What the server itself computes with if there is nothing else.
            password("nobody"),
            keys(other, "pencil"),
            Some(Secret::Scram(decoy)),
        ] {
            let bad = login(mechanism, secret);
            assert_eq!(bad.end, End::Refused, "{mechanism:?}");
            assert_eq!(bad.server, good.server[..1], "{mechanism:?}");
            assert_eq!(bad.client, good.client[..2], "{mechanism:?}");
        }
        assert_eq!(login(mechanism, keys(mechanism.hash(), "wrong")).end, End::Refused);
    }
    // The password that stands in for none lets nobody in.
    let credentials = Credentials::password("user", "nobody");
    let record = run(&Scram::SHA_256, &credentials, &client_context(), &server_context(), &keeper(None));
    assert_eq!(record.end, End::Refused);
}

/// SASL-09: the salt of a user is the same in each exchange, whether the user exists or not, and another one for another
/// user, and under another key.
#[test]
fn made_up_salts_stay() {
    let salt = |user: &str, secret: Option<Secret>, nonce, decoy_key| {
        let mut context = server_context();
        (context.nonce, context.decoy_key) = (Some(nonce), decoy_key);
        let mut server = Scram::SHA_256.server(&context).unwrap();
        assert_eq!(take(&mut *server, format!("n,,n={user},r=abc").as_bytes()).0, Step::Lookup);
        let mut out = Vec::new();
        assert_eq!(server.provide(secret.as_ref(), &mut out), Step::Challenge);
        let out = String::from_utf8(out).unwrap();
        let (nonce_sent, rest) = out.split_once(",s=").unwrap();
        assert_eq!(nonce_sent, format!("r=abc{nonce}"));
        let (salt, iterations) = rest.split_once(',').unwrap();
        assert_eq!((salt.len(), iterations), (24, "i=4096"));
        salt.to_owned()
    };
    let first = salt("user", None, "one", &[1; 32]);
    assert_eq!(first, salt("user", None, "two", &[1; 32]));
    assert_eq!(first, salt("user", password("pencil"), "three", &[1; 32]));
    assert_ne!(first, salt("resu", None, "one", &[1; 32]));
    assert_ne!(first, salt("user", None, "one", &[2; 32]));
    // HMAC-SHA-256 of `user` under 32 octets of 1, the first 16 octets, by Python 3.11's hmac.
    assert_eq!(first, "gtvIa6il3MD8NLC+yKsuRg==");
}

/// Who has the channel's own binding logs in; another one on the way does not.
#[test]
fn wrong_binding() {
    let credentials = Credentials::password("user", "pencil");
    let mut server = bound(server_context());
    server.channel_binding = Some(&[8; 32]);
    for mechanism in [Scram::SHA_1_PLUS, Scram::SHA_256_PLUS] {
        let record = run(&mechanism, &credentials, &bound(client_context()), &server, &keeper(password("pencil")));
        assert_eq!((record.end, record.client.len()), (End::Refused, 2), "after the proof, which was right");
    }
    assert_ne!(BINDING, [8; 32]);
}

/// RFC 5802 §6: a client that can bind, and does not see that the server can, says `y`, and a server that can refuses.
#[test]
fn hidden_plus() {
    let credentials = Credentials::password("user", "pencil");
    let mut deceived = bound(client_context());
    deceived.offers_channel_binding = false;
    for mechanism in [Scram::SHA_1, Scram::SHA_256] {
        let run = |client, server| run(&mechanism, &credentials, &client, &server, &keeper(password("pencil")));
        let record = run(deceived, bound(server_context()));
        assert!(record.client[0].starts_with(b"y,,"));
        assert_eq!(record.end, End::Refused);
        // Nobody deceived it: the server cannot.
        let record = run(deceived, server_context());
        assert!(record.client[0].starts_with(b"y,,"));
        assert_eq!(record.end, End::Accepted);
        // It cannot, or it was told to use this mechanism.
        for client in [client_context(), bound(client_context())] {
            let record = run(client, bound(server_context()));
            assert!(record.client[0].starts_with(b"n,,"));
            assert_eq!(record.end, End::Accepted);
        }
    }
}

/// RFC 5802 §6: the flag has to fit the mechanism and the one kind of binding that is here.
#[test]
fn flags_that_do_not_fit() {
    for (mechanism, header) in [
        (Scram::SHA_256, "p=tls-exporter,,"),
        (Scram::SHA_256, "y,,"),
        (Scram::SHA_256_PLUS, "n,,"),
        (Scram::SHA_256_PLUS, "y,,"),
        (Scram::SHA_256_PLUS, "p=tls-unique,,"),
        (Scram::SHA_256_PLUS, "p=tls-server-end-point,,"),
        (Scram::SHA_256_PLUS, "p=TLS-EXPORTER,,"),
    ] {
        let mut server = mechanism.server(&bound(server_context())).unwrap();
        assert_eq!(take(&mut *server, format!("{header}n=user,r=abc").as_bytes()), (Step::Refused, vec![]), "{header}");
    }
}

/// X-4954-4-24: an identity that SASLprep refuses, or makes empty, does not log in.
#[test]
fn names_that_cannot_be_prepared() {
    for (message, step) in [
        ("n,,n=\u{ad},r=abc", Step::Refused),
        ("n,,n=\u{627}1,r=abc", Step::Refused),
        ("n,,n=\u{e000},r=abc", Step::Refused),
        ("n,a=\u{ad},n=user,r=abc", Step::Refused),
        ("n,a=\u{e000},n=user,r=abc", Step::Refused),
        ("n,a=user,n=us\u{ad}er,r=abc", Step::Lookup),
    ] {
        let mut server = Scram::SHA_256.server(&server_context()).unwrap();
        assert_eq!(take(&mut *server, message.as_bytes()), (step, vec![]), "{message:?}");
    }
    for (user, password, authorization) in [
        ("\u{ad}", "pencil", ""),
        ("", "pencil", ""),
        ("user", "", ""),
        ("user", "\u{ad}", ""),
        ("us\u{7}er", "pencil", ""),
        ("user", "pen\u{7}cil", ""),
        ("user", "pencil", "\u{ad}"),
    ] {
        let credentials = Credentials::password(user, password).acting_as(authorization);
        let mut client = Scram::SHA_256.client(&credentials, &client_context()).unwrap();
        assert_eq!(respond(&mut *client, None), Err(ExchangeError::Characters), "{user:?} {password:?}");
    }
}

/// What is no `client-first-message` (RFC 5802 §7).
#[test]
fn first_messages_that_are_malformed() {
    let long = format!("n,,n=user,r={}", "a".repeat(1025));
    for message in [
        "",
        "n",
        "n,,",
        "n,,n=user",
        "n,,n=user,",
        "n,,n=user,r=",
        "n,,n=user,r=a b",
        "n,,n=user,r=é",
        "n,,n=user,r=abc,",
        "n,,n=user,r=abc,x",
        "n,,n=user,r=abc,x=",
        "n,,n=user,r=abc,xy=z",
        "n,,n=user,r=abc,1=z",
        "n,,n=user,r=abc,x=\0",
        "n,,m=ext,n=user,r=abc",
        "n,,n=user,r=abc,m=ext",
        "n,,r=abc,n=user",
        "n,,n=,r=abc",
        "n,,n=us=er,r=abc",
        "n,,n=us=2cer,r=abc",
        "n,,n=us\ner,r=abc",
        "n,,N=user,r=abc",
        "n=user,r=abc",
        "F,n,,n=user,r=abc",
        "n,b=x,n=user,r=abc",
        "n,a=,n=user,r=abc",
        " n,,n=user,r=abc",
        &long,
    ] {
        let mut server = Scram::SHA_256.server(&server_context()).unwrap();
        assert_eq!(take(&mut *server, message.as_bytes()), (Step::Malformed, vec![]), "{message:?}");
        assert_eq!(server.provide(password("pencil").as_ref(), &mut Vec::new()), Step::Refused);
    }
    let mut server = Scram::SHA_256.server(&server_context()).unwrap();
    assert_eq!(take(&mut *server, b"n,,n=us\xffer,r=abc").0, Step::Malformed);
    // Unknown extensions are left out of account.
    let mut server = Scram::SHA_256.server(&server_context()).unwrap();
    assert_eq!(take(&mut *server, b"n,,n=user,r=abc,x=y,Z=1==").0, Step::Lookup);
}

/// A server at which `user` has said the first message of RFC 7677 §3, and stores that user's keys.
fn expects_final() -> Box<dyn smtp_proto::sasl::ServerExchange> {
    let mut context = server_context();
    context.nonce = Some("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
    let mut server = Scram::SHA_256.server(&context).unwrap();
    assert_eq!(take(&mut *server, b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO").0, Step::Lookup);
    let salt = [0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81];
    let keys = ScramKeys::derive(ScramHash::Sha256, "pencil", &salt, 4096).unwrap();
    assert_eq!(server.provide(Some(&Secret::Scram(keys)), &mut Vec::new()), Step::Challenge);
    server
}

const GOOD: &str =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

/// Every change of one character of a good `client-final-message`, and every cut, is refused.
#[test]
fn final_messages_that_are_changed() {
    assert_eq!(take(&mut *expects_final(), GOOD.as_bytes()).0, Step::Challenge);
    for place in 0..GOOD.len() {
        let mut cut = expects_final();
        let (step, out) = take(&mut *cut, &GOOD.as_bytes()[..place]);
        assert!(matches!(step, Step::Malformed | Step::Refused) && out.is_empty(), "{place}");
        let mut message = GOOD.as_bytes().to_vec();
        message[place] = if message[place] == b'A' { b'B' } else { b'A' };
        let mut changed = expects_final();
        let (step, out) = take(&mut *changed, &message);
        assert!(matches!(step, Step::Malformed | Step::Refused) && out.is_empty(), "{place}");
        assert_eq!(take(&mut *changed, GOOD.as_bytes()).0, Step::Refused, "there is no second attempt");
        assert_eq!(changed.claim(), Claim::Proven { authorization: "", user: "" });
    }
}

/// Another nonce, binding, extension or length.
#[test]
fn final_messages_that_do_not_fit() {
    const NONCE: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const PROOF: &str = "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    for (message, step) in [
        (format!("c=biws,{NONCE}x,{PROOF}"), Step::Refused),
        (format!("c=biws,r=rOprNGfwEbeRWgbNEkqO,{PROOF}"), Step::Refused),
        // `y,,` and `n,,` with data, and nothing.
        (format!("c=eSws,{NONCE},{PROOF}"), Step::Refused),
        (format!("c=biwsAAAA,{NONCE},{PROOF}"), Step::Refused),
        (format!("c=,{NONCE},{PROOF}"), Step::Refused),
        // Right by itself, but the proof does not hold for it.
        (format!("c=biws,{NONCE},x=y,{PROOF}"), Step::Refused),
        (format!("c=biws,{NONCE},m=y,{PROOF}"), Step::Malformed),
        (format!("c=biws,{NONCE},{PROOF},x=y"), Step::Malformed),
        (format!("{NONCE},c=biws,{PROOF}"), Step::Malformed),
        (format!("c=biws,{PROOF}"), Step::Malformed),
        (format!("c=biws,{NONCE}"), Step::Malformed),
        (format!("c=biws,{NONCE},p="), Step::Refused),
        (format!("c=biws,{NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ"), Step::Malformed),
        (format!("c=biws,{NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVR="), Step::Malformed),
        // Longer and shorter than a key, the beginning being right.
        (format!("c=biws,{NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQA"), Step::Refused),
        (format!("c=biws,{NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7An"), Step::Refused),
        (String::new(), Step::Malformed),
    ] {
        assert_eq!(take(&mut *expects_final(), message.as_bytes()), (step, vec![]), "{message}");
    }
    let mut server = expects_final();
    assert_eq!(server.take(None, &mut Vec::new()), Step::Malformed);
}

/// A nonce and a GS2 header that are not those of this exchange are refused though the proof holds for them, and a proof
/// that holds with an extension is accepted. The proofs are those that Python 3.11's hmac makes with the right password.
#[test]
fn final_messages_with_proofs_that_hold() {
    const NONCE: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    for (message, step) in [
        (format!("c=biws,{NONCE}x,p=jIAulLel2yOSdws13QeDb+EjnVISOeTduGuUvrR3ZJA="), Step::Refused),
        (format!("c=eSws,{NONCE},p=FoqiHTtQEDE8lz1CdaEe3tK4mS+iMDTl77SPyDS53DY="), Step::Refused),
        (format!("c=biws,{NONCE},x=y,p=hiydbhhSdqgYmG6zIHL1YMb5uF7MSWYNIkX/o4C0/3M="), Step::Challenge),
    ] {
        assert_eq!(take(&mut *expects_final(), message.as_bytes()).0, step, "{message}");
    }
}

/// The proof of the server is answered with nothing.
#[test]
fn the_last_response_is_empty() {
    for response in [Some(&b"x"[..]), Some(b"\xff"), None] {
        let mut server = expects_final();
        assert_eq!(take(&mut *server, GOOD.as_bytes()).0, Step::Challenge);
        assert_eq!(server.take(response, &mut Vec::new()), Step::Malformed);
        assert_eq!(server.claim(), Claim::Proven { authorization: "", user: "" });
        assert_eq!(take(&mut *server, b"").0, Step::Refused);
    }
}

/// The keys in RFC 7677 §3 as Python 3.11's hashlib makes them; kept and taken back.
#[test]
fn stored_keys() {
    let salt = [0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81];
    let hex = |octets: &[u8]| -> String { octets.iter().map(|octet| format!("{octet:02x}")).collect() };
    for (hash, stored, server) in [
        (ScramHash::Sha1, "3647170e7f043f8461ad0eb3571a6282a8d06c82", "fba761c4154b39dff8ae173ebf486c66aa033057"),
        (
            ScramHash::Sha256,
            "fc40b77b9657adedbf97aaece9956c244e63e70eda4fb275e4e9898583c35c31",
            "097aafd27230c1f2f4b799a266508b3ac7ccac84392535c1ce19159fb8ffb663",
        ),
    ] {
        let keys = ScramKeys::derive(hash, "pencil", &salt, 5000).unwrap();
        assert_eq!((hex(keys.stored_key()).as_str(), hex(keys.server_key()).as_str()), (stored, server));
        assert_eq!((keys.hash(), keys.salt(), keys.iterations()), (hash, &salt[..], 5000));
        let again = ScramKeys::new(hash, keys.salt(), 5000, keys.stored_key(), keys.server_key()).unwrap();
        assert!(again.is_password("pencil") && again.is_password("pen\u{ad}cil"));
        assert!(!again.is_password("pencils") && !again.is_password("") && !again.is_password("\u{7}"));
        let mechanism = if hash == ScramHash::Sha1 { Scram::SHA_1 } else { Scram::SHA_256 };
        assert_eq!(login(mechanism, Some(Secret::Scram(again))).end, End::Accepted);
    }
}

#[test]
fn keys_that_are_none() {
    let derive =
        |password, salt: &[u8], iterations| ScramKeys::derive(ScramHash::Sha1, password, salt, iterations).map(|_| ());
    assert_eq!(derive("", b"salt", 4096), Err(ScramKeysError::Password));
    assert_eq!(derive("a\0b", b"salt", 4096), Err(ScramKeysError::Password));
    assert_eq!(derive("a", b"", 4096), Err(ScramKeysError::Salt));
    assert_eq!(derive("a", &[0; 1025], 4096), Err(ScramKeysError::Salt));
    assert_eq!(derive("a", &[0; 1024], 4096), Ok(()));
    for iterations in [0, 1, 4095, 1_000_001, u32::MAX] {
        assert_eq!(derive("a", b"salt", iterations), Err(ScramKeysError::Iterations));
        let decoy = ScramKeys::decoy(ScramHash::Sha1, &[0; 32], "user", iterations);
        assert_eq!(decoy.map(|_| ()), Err(ScramKeysError::Iterations));
    }
    for (stored, server) in [(20, 32), (32, 20), (0, 20), (20, 0), (33, 20), (20, 1000)] {
        let keys = ScramKeys::new(ScramHash::Sha1, b"salt", 4096, &vec![0; stored], &vec![0; server]);
        assert_eq!(keys.map(|_| ()), Err(ScramKeysError::KeyLength));
    }
}

/// Decoy keys look like others, are always the same, and no two users have the same.
#[test]
fn decoys() {
    for hash in [ScramHash::Sha1, ScramHash::Sha256] {
        let decoy = |key: u8, user| ScramKeys::decoy(hash, &[key; 32], user, 10_000).unwrap();
        let one = decoy(1, "user");
        assert_eq!((one.iterations(), one.salt().len(), one.stored_key().len()), (10_000, 16, hash.key_length()));
        assert_eq!(one.server_key().len(), hash.key_length());
        assert_eq!((one.salt(), one.stored_key()), (decoy(1, "user").salt(), decoy(1, "user").stored_key()));
        for other in [decoy(2, "user"), decoy(1, "resu")] {
            assert_ne!(one.salt(), other.salt());
            assert_ne!(one.stored_key(), other.stored_key());
            assert_ne!(one.server_key(), other.server_key());
        }
        assert_ne!(one.stored_key(), one.server_key());
    }
}

/// SASL-16.
#[test]
fn debug_shows_no_key() {
    let keys = ScramKeys::derive(ScramHash::Sha256, "pencil", &[0xab; 16], 4096).unwrap();
    assert_eq!(format!("{keys:?}"), "ScramKeys { hash: Sha256, iterations: 4096, .. }");
    assert_eq!(format!("{:?}", Secret::Scram(keys)), "Secret([redacted])");
}

/// The nonces of both stand in the exchange, so that neither can be replayed.
#[test]
fn nonces_are_those_of_the_context() {
    let record = login(Scram::SHA_256, password("pencil"));
    assert_eq!(record.client[0], format!("n,,n=user,r={CLIENT_NONCE}").as_bytes());
    assert!(record.server[0].starts_with(format!("r={CLIENT_NONCE}{SERVER_NONCE},").as_bytes()));
}
