//! CRAM-MD5.

use smtp_proto::sasl::{Claim, CramMd5, Credentials, ExchangeError, Mechanism, ScramHash, ScramKeys, Secret, Step};

use crate::kit::{End, client_context, keeper, respond, run, server_context, take};

/// RFC 2195 §2.
#[test]
fn vector() {
    let mut client = CramMd5.client(&Credentials::password("tim", "tanstaaftanstaaf"), &client_context()).unwrap();
    let response = respond(&mut *client, Some(b"<1896.697170952@postoffice.reston.mci.net>")).unwrap();
    assert_eq!(response, b"tim b913a602c7eda7a495b4e6e7334d3890");

    let mut context = server_context();
    (context.nonce, context.hostname) = (Some("1896.697170952"), "postoffice.reston.mci.net");
    let mut server = CramMd5.server(&context).unwrap();
    let mut challenge = Vec::new();
    assert_eq!(server.take(None, &mut challenge), Step::Challenge);
    assert_eq!(challenge, b"<1896.697170952@postoffice.reston.mci.net>");
    assert_eq!(take(&mut *server, &response), (Step::Lookup, vec![]));
    assert_eq!(server.user(), "tim");
    assert_eq!(server.claim(), Claim::Proven { authorization: "", user: "" }, "nothing is proved yet");
    let secret = Secret::Password("tanstaaftanstaaf".into());
    assert_eq!(server.provide(Some(&secret), &mut Vec::new()), Step::Decide);
    assert_eq!(server.claim(), Claim::Proven { authorization: "", user: "tim" });
}

/// Recorded from GNU SASL 2.2.0 as server and client; the user name holds a space.
#[test]
fn gnu_sasl() {
    let (challenge, expected) = ("<83091198358140232467.0@localhost>", "tim tom 0dd94980588a17d72dd8c8a6be9e195c");
    let mut client = CramMd5.client(&Credentials::password("tim tom", "tanstaaf"), &client_context()).unwrap();
    assert_eq!(respond(&mut *client, Some(challenge.as_bytes())).unwrap(), expected.as_bytes());

    let mut context = server_context();
    (context.nonce, context.hostname) = (Some("83091198358140232467.0"), "localhost");
    let mut server = CramMd5.server(&context).unwrap();
    assert_eq!(server.take(None, &mut Vec::new()), Step::Challenge);
    assert_eq!(take(&mut *server, expected.as_bytes()).0, Step::Lookup);
    assert_eq!(server.user(), "tim tom");
    assert_eq!(server.provide(Some(&Secret::Password("tanstaaf".into())), &mut Vec::new()), Step::Decide);
}

/// SASL-09: the same messages whatever is wrong.
#[test]
fn both_ends() {
    let credentials =
        Credentials::password("user", "pässword with a length that is above one block of the hash, 64 octets");
    let run = |secret| run(&CramMd5, &credentials, &client_context(), &server_context(), &keeper(secret));
    let good = run(Some(Secret::Password(credentials.as_password().unwrap().into())));
    assert_eq!(good.end, End::Accepted);
    let keys = ScramKeys::derive(ScramHash::Sha256, credentials.as_password().unwrap(), b"salt", 4096).unwrap();
    for secret in
        [None, Some(Secret::Password("wrong".into())), Some(Secret::Password("".into())), Some(Secret::Scram(keys))]
    {
        let bad = run(secret);
        assert_eq!(bad.end, End::Refused);
        assert_eq!((&bad.client, &bad.server), (&good.client, &good.server));
    }
}

/// Nobody logs in with the digest of an empty password, whatever is stored.
#[test]
fn no_empty_password() {
    // HMAC-MD5 of the challenge `<a@b>` under an empty key, by Python 3.11's hmac.
    let digest = "f3bb18dd93c785138e071a2ea71d2aea";
    for secret in [None, Some(Secret::Password(String::new()))] {
        let mut context = server_context();
        (context.nonce, context.hostname) = (Some("a"), "b");
        let mut server = CramMd5.server(&context).unwrap();
        assert_eq!(server.take(None, &mut Vec::new()), Step::Challenge);
        assert_eq!(take(&mut *server, format!("user {digest}").as_bytes()).0, Step::Lookup);
        assert_eq!(server.provide(secret.as_ref(), &mut Vec::new()), Step::Refused);
    }
    let mut client = CramMd5.client(&Credentials::password("user", ""), &client_context()).unwrap();
    assert_eq!(respond(&mut *client, Some(b"<a@b>")), Err(ExchangeError::Characters));
}

#[test]
fn malformed() {
    for response in [
        &b""[..],
        b"user",
        b"user ",
        b" b913a602c7eda7a495b4e6e7334d3890",
        b"b913a602c7eda7a495b4e6e7334d3890",
        b"user b913a602c7eda7a495b4e6e7334d389",
        b"user b913a602c7eda7a495b4e6e7334d38900",
        b"user B913A602C7EDA7A495B4E6E7334D3890",
        b"user b913a602c7eda7a495b4e6e7334d389g",
        b"user b913a602c7eda7a495b4e6e7334d3890 ",
        b"us\ner b913a602c7eda7a495b4e6e7334d3890",
        b"us\xffer b913a602c7eda7a495b4e6e7334d3890",
    ] {
        let mut server = CramMd5.server(&server_context()).unwrap();
        assert_eq!(server.take(None, &mut Vec::new()), Step::Challenge);
        assert_eq!(take(&mut *server, response).0, Step::Malformed, "{:?}", String::from_utf8_lossy(response));
        assert_eq!(server.provide(Some(&Secret::Password("x".into())), &mut Vec::new()), Step::Refused);
    }
    // The server speaks first (X-4954-4-14).
    let mut server = CramMd5.server(&server_context()).unwrap();
    assert_eq!(take(&mut *server, b"user b913a602c7eda7a495b4e6e7334d3890").0, Step::Malformed);
}

/// A client answers one challenge, and that is not empty.
#[test]
fn client_order() {
    let mut client = CramMd5.client(&Credentials::password("user", "password"), &client_context()).unwrap();
    assert_eq!(respond(&mut *client, None), Err(ExchangeError::Challenge));
    assert_eq!(respond(&mut *client, Some(b"")), Err(ExchangeError::Challenge));
    assert!(respond(&mut *client, Some(&[0xff; 9000])).is_ok());
    assert_eq!(respond(&mut *client, Some(b"<a@b>")), Err(ExchangeError::Challenge));
}
