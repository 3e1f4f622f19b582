//! OAUTHBEARER and XOAUTH2.

use smtp_proto::sasl::{Claim, Credentials, ExchangeError, Mechanism, OauthBearer, Step, XOauth2};

use crate::kit::{End, client_context, judge, respond, run, server_context, take};

const TOKEN: &str = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";

/// RFC 7628 §4.1: what a client says there with a host and a port, which a server leaves out of account.
#[test]
fn oauthbearer_vector() {
    for port in ["143", "587"] {
        let message =
            format!("n,a=user@example.com,\x01host=server.example.com\x01port={port}\x01auth=Bearer {TOKEN}\x01\x01");
        let mut server = OauthBearer.server(&server_context()).unwrap();
        assert_eq!(take(&mut *server, message.as_bytes()), (Step::Decide, vec![]));
        assert_eq!(server.claim(), Claim::Bearer { user: "user@example.com", token: TOKEN });
    }
}

/// RFC 7628 §4.3: an empty `auth` is how a client asks what is wanted, and gets the error result.
#[test]
fn oauthbearer_failed_vector() {
    let message = b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=\x01\x01";
    let mut server = OauthBearer.server(&server_context()).unwrap();
    assert_eq!(take(&mut *server, message), (Step::Challenge, br#"{"status":"invalid_token"}"#.to_vec()));
    assert_eq!(take(&mut *server, b"\x01").0, Step::Refused);

    // The challenge of that section, and of §4.4, to a client; the answer is AQ== in base64.
    for challenge in [
        r#"{"status":"invalid_token","scope":"example_scope","openid-configuration":"https://example.com/.well-known/openid-config"}"#,
        r#"{"status":"invalid_token","schemes":"bearer mac","scope":"https://mail.example.com/"}"#,
    ] {
        let mut client =
            OauthBearer.client(&Credentials::bearer("user@example.com", TOKEN), &client_context()).unwrap();
        assert!(respond(&mut *client, None).is_ok());
        assert_eq!(respond(&mut *client, None), Err(ExchangeError::Challenge));
        assert_eq!(respond(&mut *client, Some(challenge.as_bytes())), Ok(b"\x01".to_vec()));
        assert_eq!(respond(&mut *client, Some(challenge.as_bytes())), Err(ExchangeError::Challenge));
    }
}

/// RFC 7628 §4.4 has a client message that is none by the grammar of §3.1: its header says `user=` for `a=`.
#[test]
fn oauthbearer_vector_that_is_none() {
    let message = format!("n,user=someuser@example.com,\x01auth=Bearer {TOKEN}\x01\x01");
    let mut server = OauthBearer.server(&server_context()).unwrap();
    assert_eq!(take(&mut *server, message.as_bytes()).0, Step::Malformed);
}

/// Google's own example of XOAUTH2, in base64 `dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRx
/// bVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==`.
#[test]
fn xoauth2_vector() {
    let credentials = Credentials::bearer("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
    let expected = b"user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01";
    let desk = |claim: Claim<'_>| {
        claim == Claim::Bearer { user: "someuser@example.com", token: "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg" }
    };
    let record = run(&XOauth2, &credentials, &client_context(), &server_context(), &judge(&desk));
    assert_eq!((record.client, record.end), (vec![expected.to_vec()], End::Accepted));
}

/// Both ends, with a name that needs escapes in OAUTHBEARER and none in XOAUTH2, and as somebody else.
#[test]
fn both_ends() {
    for (credentials, name, message) in [
        (Credentials::bearer("a,b=c", TOKEN), "a,b=c", "n,a=a=2Cb=3Dc,"),
        (Credentials::bearer("", TOKEN), "", "n,,"),
        (Credentials::bearer("me", TOKEN).acting_as("shared"), "shared", "n,a=shared,"),
    ] {
        let desk = |claim: Claim<'_>| claim == Claim::Bearer { user: name, token: TOKEN };
        let (client, server) = (client_context(), server_context());
        let record = run(&OauthBearer, &credentials, &client, &server, &judge(&desk));
        let message = format!("{message}\x01auth=Bearer {TOKEN}\x01\x01");
        assert_eq!((record.client, record.end), (vec![message.into_bytes()], End::Accepted));
        let record = run(&XOauth2, &credentials, &client, &server, &judge(&desk));
        let message = format!("user={name}\x01auth=Bearer {TOKEN}\x01\x01");
        assert_eq!((record.client, record.end), (vec![message.into_bytes()], End::Accepted));
    }
}

/// SASL-14, RFC 7628 §3.2.3: a refused token gets one more challenge, its empty-handed answer, and the reply.
#[test]
fn the_error_step() {
    for (mechanism, error, dummy) in [
        (&OauthBearer as &dyn Mechanism, r#"{"status":"invalid_token"}"#, &b"\x01"[..]),
        (&XOauth2, r#"{"status":"401","schemes":"bearer"}"#, b""),
    ] {
        let credentials = Credentials::bearer("user", "expired");
        let record = run(mechanism, &credentials, &client_context(), &server_context(), &judge(&|_| false));
        assert_eq!(record.end, End::Rejected);
        assert_eq!(record.server, [error.as_bytes()]);
        assert_eq!(record.client[1], dummy);
        assert_eq!(record.client.len(), 2);

        // Whatever the answer is, it was a refusal.
        for answer in [&b""[..], b"\x01", b"user=me\x01auth=Bearer good\x01\x01", b"n,,\x01auth=Bearer good\x01\x01"] {
            let mut server = mechanism.server(&server_context()).unwrap();
            assert_eq!(take(&mut *server, &respond(&mut *client_of(mechanism), None).unwrap()).0, Step::Decide);
            assert_eq!(server.refuse(&mut Vec::new()), Step::Challenge);
            assert_eq!(server.refuse(&mut Vec::new()), Step::Refused);
            assert_eq!(take(&mut *server, answer).0, Step::Refused);
            assert_eq!(server.claim(), Claim::Bearer { user: "", token: "" });
        }
    }
}

fn client_of(mechanism: &dyn Mechanism) -> Box<dyn smtp_proto::sasl::ClientExchange> {
    mechanism.client(&Credentials::bearer("user", TOKEN), &client_context()).unwrap()
}

/// RFC 7628 §4: the name of the scheme is in any case. Unknown keys are left out of account (§3.1).
#[test]
fn what_a_server_takes() {
    for message in [
        "n,,\x01auth=Bearer token\x01\x01",
        "y,,\x01auth=bearer token\x01\x01",
        "n,,\x01auth=BeArEr   token\x01\x01",
        "n,,\x01x=\x01authx=Bearer other\x01auth=Bearer token\x01qs=a=b\r\n\tc\x01\x01",
    ] {
        let mut server = OauthBearer.server(&server_context()).unwrap();
        assert_eq!(take(&mut *server, message.as_bytes()).0, Step::Decide, "{message:?}");
        assert_eq!(server.claim(), Claim::Bearer { user: "", token: "token" });
    }
    let mut server = XOauth2.server(&server_context()).unwrap();
    assert_eq!(take(&mut *server, b"user=\x01auth=BEARER token\x01\x01").0, Step::Decide);
    assert_eq!(server.claim(), Claim::Bearer { user: "", token: "token" });
}

/// Well formed, but no bearer token: the error step, and the application is not asked.
#[test]
fn what_a_server_refuses() {
    for (mechanism, message) in [
        (&OauthBearer as &dyn Mechanism, "n,,\x01\x01"),
        (&OauthBearer, "n,,\x01host=a\x01\x01"),
        (&OauthBearer, "n,,\x01auth=\x01\x01"),
        (&OauthBearer, "n,,\x01auth=Basic dXNlcjpwYXNz\x01\x01"),
        (&OauthBearer, "n,,\x01auth=OAuth realm=\"Example\"\x01\x01"),
        (&OauthBearer, "p=tls-exporter,,\x01auth=Bearer token\x01\x01"),
        (&XOauth2, "user=me\x01auth=\x01\x01"),
        (&XOauth2, "user=me\x01auth=Basic x\x01\x01"),
    ] {
        let mut server = mechanism.server(&server_context()).unwrap();
        assert_eq!(take(&mut *server, message.as_bytes()).0, Step::Challenge, "{message:?}");
        assert_eq!(take(&mut *server, b"\x01").0, Step::Refused);
    }
}

#[test]
fn what_is_malformed() {
    for (mechanism, message) in [
        (&OauthBearer as &dyn Mechanism, &b""[..]),
        (&OauthBearer, b"\x01"),
        (&OauthBearer, b"n,,"),
        (&OauthBearer, b"n,,\x01"),
        (&OauthBearer, b"n,,\x01auth=Bearer token\x01"),
        (&OauthBearer, b"n,,\x01auth=Bearer token"),
        (&OauthBearer, b"n,,auth=Bearer token\x01\x01"),
        (&OauthBearer, b"n,,\x01\x01auth=Bearer token\x01\x01"),
        (&OauthBearer, b"n,,\x01auth=Bearer token\x01\x01\x01"),
        (&OauthBearer, b"n,,\x01auth=Bearer one\x01auth=Bearer two\x01\x01"),
        (&OauthBearer, b"n,,\x01auth=Bearer one two\x01\x01"),
        (&OauthBearer, b"n,,\x01auth=Bearer\x01\x01"),
        (&OauthBearer, b"n,,\x01auth=Bearer \x01\x01"),
        (&OauthBearer, b"n,,\x01auth=Bearer to\nken\x01\x01"),
        (&OauthBearer, b"n,,\x01auth=Bearer t\xc3\xa9\x01\x01"),
        (&OauthBearer, b"n,,\x01auth=Bearer t\xff\x01\x01"),
        (&OauthBearer, b"n,,\x01ho-st=a\x01auth=Bearer token\x01\x01"),
        (&OauthBearer, b"n,,\x01=a\x01auth=Bearer token\x01\x01"),
        (&OauthBearer, b"n,,\x01host\x01auth=Bearer token\x01\x01"),
        (&OauthBearer, b"n,a=,\x01auth=Bearer token\x01\x01"),
        (&OauthBearer, b"n,a=x\ny,\x01auth=Bearer token\x01\x01"),
        (&OauthBearer, b"F,n,,\x01auth=Bearer token\x01\x01"),
        (&OauthBearer, b"user=me\x01auth=Bearer token\x01\x01"),
        (&XOauth2, b""),
        (&XOauth2, b"\x01"),
        (&XOauth2, b"user=me"),
        (&XOauth2, b"user=me\x01auth=Bearer token\x01"),
        (&XOauth2, b"user=me\x01auth=Bearer token\x01\x01\x01"),
        (&XOauth2, b"user=me\x01auth=Bearer to\x01ken\x01\x01"),
        (&XOauth2, b"user=m\ne\x01auth=Bearer token\x01\x01"),
        (&XOauth2, b"user=m\xff\x01auth=Bearer token\x01\x01"),
        (&XOauth2, b"user=me\x01auth=Bearer\x01\x01"),
        (&XOauth2, b"user=me\x01auth=Basic x\ny\x01\x01"),
        (&XOauth2, b"auth=Bearer token\x01user=me\x01\x01"),
        (&XOauth2, b"n,,\x01auth=Bearer token\x01\x01"),
    ] {
        let mut server = mechanism.server(&server_context()).unwrap();
        let (step, out) = take(&mut *server, message);
        assert_eq!(step, Step::Malformed, "{} {:?}", mechanism.name(), String::from_utf8_lossy(message));
        assert!(out.is_empty());
    }
}

/// A token or a name that would end its field is not sent.
#[test]
fn clients_send_nothing_that_has_no_form() {
    for mechanism in [&OauthBearer as &dyn Mechanism, &XOauth2] {
        for (user, token) in [("user", ""), ("user", "a b"), ("user", "a\x01b"), ("user", "é"), ("us\x01er", "token")]
        {
            let mut client = mechanism.client(&Credentials::bearer(user, token), &client_context()).unwrap();
            assert_eq!(respond(&mut *client, None), Err(ExchangeError::Characters), "{user:?} {token:?}");
        }
    }
}
