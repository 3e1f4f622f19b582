//! PLAIN, LOGIN, EXTERNAL, ANONYMOUS.

use smtp_proto::sasl::{Anonymous, Claim, Credentials, ExchangeError, External, Login, Mechanism, Plain, Step};

use crate::kit::{End, client_context, judge, respond, run, server_context, take};

/// RFC 4616 §4: both examples, from both ends.
#[test]
fn plain_vectors() {
    for (credentials, message) in [
        (Credentials::password("tim", "tanstaaftanstaaf"), "\0tim\0tanstaaftanstaaf"),
        (Credentials::password("Kurt", "xipj3plmq").acting_as("Ursel"), "Ursel\0Kurt\0xipj3plmq"),
    ] {
        let expected = Claim::Password {
            authorization: credentials.authorization(),
            user: credentials.user().unwrap(),
            password: credentials.as_password().unwrap(),
        };
        let desk = |claim: Claim<'_>| claim == expected;
        let record = run(&Plain, &credentials, &client_context(), &server_context(), &judge(&desk));
        assert_eq!((record.client, record.end), (vec![message.as_bytes().to_vec()], End::Accepted));
    }
}

#[test]
fn plain_rejected_by_the_application() {
    let credentials = Credentials::password("user", "wrong");
    let record = run(&Plain, &credentials, &client_context(), &server_context(), &judge(&|_| false));
    assert_eq!(record.end, End::Rejected);
}

/// A message of GNU SASL 2.2.0 as client.
#[test]
fn plain_of_gnu_sasl() {
    let mut server = Plain.server(&server_context()).unwrap();
    assert_eq!(take(&mut *server, b"Ursel\0tim\0tanstaaf").0, Step::Decide);
    assert_eq!(server.claim(), Claim::Password { authorization: "Ursel", user: "tim", password: "tanstaaf" });
}

/// SASL-04, X-4954-4-24: all messages of up to six of seven kinds of octets, against the grammar of RFC 4616 §2.
#[test]
fn plain_shapes() {
    const OCTETS: [u8; 7] = [0, b'a', b' ', b'\n', 0x7f, 0xc3, 0xa9];
    let (mut good, mut all) = (0, 0);
    for length in 0..=6 {
        for number in 0..OCTETS.len().pow(length) {
            let message: Vec<u8> =
                (0..length).map(|place| OCTETS[number / OCTETS.len().pow(place) % OCTETS.len()]).collect();
            let parts: Vec<&[u8]> = message.split(|octet| *octet == 0).collect();
            let is_good = parts.len() == 3
                && !parts[1].is_empty()
                && !parts[2].is_empty()
                && parts
                    .iter()
                    .all(|part| String::from_utf8(part.to_vec()).is_ok_and(|part| !part.contains(['\n', '\x7f'])));
            let mut server = Plain.server(&server_context()).unwrap();
            let (step, out) = take(&mut *server, &message);
            assert_eq!(step, if is_good { Step::Decide } else { Step::Malformed }, "{message:?}");
            assert!(out.is_empty());
            let Claim::Password { authorization, user, password } = server.claim() else { panic!("another claim") };
            if is_good {
                assert_eq!([authorization.as_bytes(), user.as_bytes(), password.as_bytes()], parts[..]);
            } else {
                assert_eq!([authorization, user, password], [""; 3]);
            }
            good += usize::from(is_good);
            all += 1;
        }
    }
    assert!(good > 100 && all > 130_000, "{good} of {all}");
}

/// RFC 4616 §2: at least 255 octets of each part.
#[test]
fn plain_takes_long_parts() {
    let long = "é".repeat(2000);
    let credentials = Credentials::password(&long, &long).acting_as(&long);
    let desk = |claim: Claim<'_>| claim == Claim::Password { authorization: &long, user: &long, password: &long };
    assert_eq!(run(&Plain, &credentials, &client_context(), &server_context(), &judge(&desk)).end, End::Accepted);
}

/// What has no form on the wire is not sent, nor is half of it.
#[test]
fn clients_send_nothing_that_has_no_form() {
    for (mechanism, credentials) in [
        (&Plain as &dyn Mechanism, Credentials::password("us\0er", "password")),
        (&Plain, Credentials::password("user", "pass\0word")),
        (&Plain, Credentials::password("user", "")),
        (&Plain, Credentials::password("", "password")),
        (&Plain, Credentials::password("user", "password").acting_as("a\0b")),
        (&Login, Credentials::password("", "password")),
        (&Login, Credentials::password("user", "")),
        (&Login, Credentials::password("us\ner", "password")),
        (&Login, Credentials::password("user", "pass\rword")),
        (&External, Credentials::external().acting_as("a\0b")),
        (&Anonymous, Credentials::anonymous("some\nbody")),
        (&Anonymous, Credentials::anonymous("é".repeat(256))),
    ] {
        let mut client = mechanism.client(&credentials, &client_context()).unwrap();
        assert_eq!(
            respond(&mut *client, Some(b"")),
            Err(ExchangeError::Characters),
            "{} {credentials:?}",
            mechanism.name()
        );
    }
}

/// One message and no more: a server that asks again does not keep to the mechanism, nor does one that says something
/// before.
#[test]
fn clients_say_it_once() {
    for (mechanism, credentials) in [
        (&Plain as &dyn Mechanism, Credentials::password("user", "password")),
        (&External, Credentials::external()),
        (&Anonymous, Credentials::anonymous("")),
    ] {
        let mut client = mechanism.client(&credentials, &client_context()).unwrap();
        assert_eq!(respond(&mut *client, Some(b"hello")), Err(ExchangeError::Challenge));
        assert!(respond(&mut *client, None).is_ok());
        assert_eq!(client.finish(), Ok(()));
        assert_eq!(respond(&mut *client, Some(b"")), Err(ExchangeError::Challenge));
        assert_eq!(respond(&mut *client, None), Err(ExchangeError::Challenge));
    }
}

/// A server takes one message and no more.
#[test]
fn servers_hear_it_once() {
    for (mechanism, message) in
        [(&Plain as &dyn Mechanism, &b"\0a\0b"[..]), (&External, b""), (&External, b"a"), (&Anonymous, b"")]
    {
        let mut server = mechanism.server(&server_context()).unwrap();
        assert_eq!(take(&mut *server, message).0, Step::Decide);
        let claim = format!("{:?}", server.claim());
        assert_eq!(take(&mut *server, b"\0c\0d").0, Step::Refused);
        assert_eq!(format!("{:?}", server.claim()), claim, "the claim stays");
        assert_eq!(server.refuse(&mut Vec::new()), Step::Refused);
        assert_eq!(server.provide(None, &mut Vec::new()), Step::Refused);
    }
}

#[test]
fn login() {
    let credentials = Credentials::password("tim", "tanstaaf");
    let expected = Claim::Password { authorization: "", user: "tim", password: "tanstaaf" };
    let desk = |claim: Claim<'_>| claim == expected;
    let record = run(&Login, &credentials, &client_context(), &server_context(), &judge(&desk));
    assert_eq!(record.end, End::Accepted);
    assert_eq!(record.server, [b"Username:".to_vec(), b"Password:".to_vec()]);
    assert_eq!(record.client, [b"tim".to_vec(), b"tanstaaf".to_vec()]);
    assert_eq!(run(&Login, &credentials, &client_context(), &server_context(), &judge(&|_| false)).end, End::Rejected);
}

/// A user name on the AUTH line answers the first prompt, which is not sent then.
#[test]
fn login_with_the_user_on_the_auth_line() {
    let mut server = Login.server(&server_context()).unwrap();
    assert_eq!(take(&mut *server, b"tim"), (Step::Challenge, b"Password:".to_vec()));
    assert_eq!(take(&mut *server, b"tanstaaf"), (Step::Decide, vec![]));
    assert_eq!(server.claim(), Claim::Password { authorization: "", user: "tim", password: "tanstaaf" });
    assert_eq!(take(&mut *server, b"more").0, Step::Refused);
}

/// The prompts of GNU SASL 2.2.0, of Exchange, none at all, and swapped ones: the first is always the user's.
#[test]
fn login_does_not_read_the_prompts() {
    for [one, two] in [
        ["User Name", "Password"],
        ["User Name\0", "Password\0"],
        ["", ""],
        ["Password:", "Username:"],
        ["\u{fffd}", "\0"],
    ] {
        let mut client = Login.client(&Credentials::password("tim", "tanstaaf"), &client_context()).unwrap();
        assert_eq!(respond(&mut *client, Some(one.as_bytes())), Ok(b"tim".to_vec()));
        assert_eq!(respond(&mut *client, None), Err(ExchangeError::Challenge));
        assert_eq!(respond(&mut *client, Some(two.as_bytes())), Ok(b"tanstaaf".to_vec()));
        assert_eq!(respond(&mut *client, Some(b"Password:")), Err(ExchangeError::Challenge));
    }
}

/// SASL-04: empty, broken and controlling parts.
#[test]
fn login_malformed() {
    for part in [&b""[..], b"a\0b", b"a\r", b"\xff", b"\x7f", b"\xc2\x80"] {
        let mut server = Login.server(&server_context()).unwrap();
        assert_eq!(server.take(None, &mut Vec::new()), Step::Challenge);
        assert_eq!(take(&mut *server, part).0, Step::Malformed);
        let mut server = Login.server(&server_context()).unwrap();
        assert_eq!(take(&mut *server, b"tim").0, Step::Challenge);
        assert_eq!(take(&mut *server, part).0, Step::Malformed);
    }
}

/// RFC 4422 appendix A.1: empty, or whom to act as.
#[test]
fn external() {
    for name in ["", "fred@example.com", "frédéric"] {
        let credentials = Credentials::external().acting_as(name);
        let desk = |claim: Claim<'_>| claim == Claim::External { authorization: name };
        let record = run(&External, &credentials, &client_context(), &server_context(), &judge(&desk));
        assert_eq!((record.client, record.end), (vec![name.as_bytes().to_vec()], End::Accepted));
    }
    for response in [&b"a\0b"[..], b"\n", b"\xff"] {
        let mut server = External.server(&server_context()).unwrap();
        assert_eq!(take(&mut *server, response).0, Step::Malformed);
    }
}

/// RFC 4505 §4, and the limits of §2.
#[test]
fn anonymous() {
    for trace in ["sirhc", "", "me@example.com", &"é".repeat(255)] {
        let credentials = Credentials::anonymous(trace);
        let desk = |claim: Claim<'_>| claim == Claim::Anonymous { trace };
        let record = run(&Anonymous, &credentials, &client_context(), &server_context(), &judge(&desk));
        assert_eq!((record.client, record.end), (vec![trace.as_bytes().to_vec()], End::Accepted));
    }
    for response in ["a\0b".as_bytes(), b"\x07", b"\xff", "é".repeat(256).as_bytes()] {
        let mut server = Anonymous.server(&server_context()).unwrap();
        assert_eq!(take(&mut *server, response).0, Step::Malformed);
    }
}
