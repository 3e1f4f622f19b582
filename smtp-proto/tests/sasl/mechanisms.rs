//! What holds for all of them.

use proptest::prelude::*;
use smtp_proto::sasl::{self, Context, Credentials, First, Mechanism, Secret, Step};

use crate::kit::{bound, client_context, server_context};

const PASSWORD: &str = "hunter2-geheim";
const TOKEN: &str = "ya29.geheim-token";

fn credentials() -> [Credentials; 4] {
    [
        Credentials::password("user", PASSWORD),
        Credentials::bearer("user", TOKEN),
        Credentials::external(),
        Credentials::anonymous("somebody"),
    ]
}

/// RFC 4422 §3.1, X-4954-8-01: names are found in any case, and are of at most 20 characters.
#[test]
fn names() {
    let mut names = Vec::new();
    for builtin in sasl::builtin() {
        let name = builtin.name();
        assert!((1..=20).contains(&name.len()));
        assert!(name.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || b"-_".contains(&c)), "{name}");
        assert!(!names.contains(&name), "{name}");
        names.push(name);
        for spelled in [name.to_owned(), name.to_ascii_lowercase()] {
            let found = sasl::mechanism(&spelled).expect(name);
            assert_eq!(found.name(), name);
            assert_eq!(format!("{found:?}"), format!("{builtin:?}"));
        }
    }
    let always = ["EXTERNAL", "OAUTHBEARER", "XOAUTH2", "PLAIN", "LOGIN", "ANONYMOUS"];
    let crypto = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5"];
    assert!(always.iter().all(|name| names.contains(name)));
    assert!(crypto.iter().all(|name| names.contains(name) == cfg!(feature = "crypto")));
    assert_eq!(names.len(), always.len() + if cfg!(feature = "crypto") { crypto.len() } else { 0 });
    for name in ["", "PLAIN ", "SCRAM-SHA-512", "DIGEST-MD5", "NTLM", "PLA\u{130}N"] {
        assert!(sasl::mechanism(name).is_none(), "{name}");
    }
}

/// SASL-15: what each of them says about itself decides where it is used.
#[test]
fn properties() {
    for mechanism in sasl::builtin() {
        let name = mechanism.name();
        let is_scram = name.starts_with("SCRAM-");
        let first = match name {
            "LOGIN" => First::Either,
            "CRAM-MD5" => First::Server,
            _ => First::Client,
        };
        assert_eq!(mechanism.first(), first, "{name}");
        assert_eq!(mechanism.binds_channel(), name.ends_with("-PLUS"), "{name}");
        assert_eq!(mechanism.needs_nonce(), is_scram || name == "CRAM-MD5", "{name}");
        let is_harmless = is_scram || name == "EXTERNAL" || name == "ANONYMOUS";
        assert_eq!(mechanism.needs_protection(), !is_harmless, "{name}");
    }
}

/// SASL-15: no bound mechanism stands behind an unbound one that serves the same credentials.
#[test]
fn the_strongest_comes_first() {
    let position = |name: &str| sasl::builtin().iter().position(|mechanism| mechanism.name() == name);
    let mut order = vec!["OAUTHBEARER", "XOAUTH2"];
    assert!(order.is_sorted_by_key(|name| position(name)));
    order = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"]
        .into_iter()
        .filter(|name| position(name).is_some())
        .collect();
    assert!(order.is_sorted_by_key(|name| position(name)), "{order:?}");
    assert!(order.len() >= 2);
}

/// A password goes out by a password mechanism, a token as a token, and so on, whatever else the client could do.
#[test]
fn credentials_serve_their_own_mechanisms_only() {
    let serves = |credentials: &Credentials| -> Vec<&str> {
        let context = bound(client_context());
        let all = sasl::builtin().iter().filter(|mechanism| mechanism.client(credentials, &context).is_some());
        all.map(|mechanism| mechanism.name()).collect()
    };
    let [password, bearer, external, anonymous] = credentials();
    let passwords = serves(&password);
    assert_eq!(passwords.len(), if cfg!(feature = "crypto") { 7 } else { 2 });
    assert!(passwords.iter().all(|name| ["SCRAM", "CRAM", "PLAIN", "LOGIN"].iter().any(|word| name.starts_with(word))));
    assert_eq!(serves(&bearer), ["OAUTHBEARER", "XOAUTH2"]);
    assert_eq!(serves(&external), ["EXTERNAL"]);
    assert_eq!(serves(&anonymous), ["ANONYMOUS"]);

    // Where there is no way to say whom one acts as, saying nothing would act as somebody else.
    let acting = serves(&password.acting_as("boss"));
    assert!(!acting.contains(&"LOGIN") && !acting.contains(&"CRAM-MD5") && acting.contains(&"PLAIN"));
    assert_eq!(serves(&bearer.acting_as("boss")), ["OAUTHBEARER", "XOAUTH2"]);
    assert_eq!(serves(&external.acting_as("boss")), ["EXTERNAL"]);
    assert!(serves(&anonymous.acting_as("boss")).is_empty());
}

/// Without a nonce, or without a channel, there is no exchange that needs it.
#[test]
fn contexts_that_lack_something() {
    let mut without_nonce = bound(server_context());
    without_nonce.nonce = None;
    let mut odd_nonce = bound(server_context());
    odd_nonce.nonce = Some("with,comma");
    for mechanism in sasl::builtin() {
        let name = mechanism.name();
        let client = |context: &Context<'_>| {
            credentials().iter().any(|credentials| mechanism.client(credentials, context).is_some())
        };
        assert_eq!(mechanism.server(&without_nonce).is_some(), !mechanism.needs_nonce(), "{name}");
        assert_eq!(client(&without_nonce), !mechanism.needs_nonce() || name == "CRAM-MD5", "{name}");
        assert_eq!(mechanism.server(&server_context()).is_some(), !mechanism.binds_channel(), "{name}");
        assert_eq!(client(&client_context()), !mechanism.binds_channel(), "{name}");
        if name.starts_with("SCRAM-") {
            assert!(mechanism.server(&odd_nonce).is_none() && !client(&odd_nonce), "{name}");
        }
    }
}

/// SASL-16: no `Debug` shows a password, a token, a nonce or a key, in any state of any exchange.
#[test]
fn nothing_shows_a_secret() {
    let mut shown = Vec::new();
    let mut context = bound(server_context());
    context.decoy_key = &[0xb7; 32];
    shown.push(format!("{context:?} {context:#?}"));
    let secret = Secret::Password(PASSWORD.into());
    shown.push(format!("{secret:?} {:?}", credentials()));
    for mechanism in sasl::builtin() {
        shown.push(format!("{mechanism:?}"));
        for credentials in credentials() {
            let Some(mut client) = mechanism.client(&credentials, &context) else { continue };
            let mut server = mechanism.server(&context).unwrap();
            let mut response = None;
            for _ in 0..6 {
                shown.push(format!("{client:?} {client:#?} {server:?} {server:#?}"));
                let mut challenge = Vec::new();
                let mut step = server.take(response.as_deref(), &mut challenge);
                shown.push(format!("{server:?} {:?}", server.claim()));
                if step == Step::Lookup {
                    step = server.provide(Some(&secret), &mut challenge);
                    shown.push(format!("{server:?}"));
                }
                if step != Step::Challenge {
                    assert_eq!(step, Step::Decide, "{}", mechanism.name());
                    shown.push(format!("{client:?} {server:?} {:?} {:#?}", server.claim(), server.claim()));
                    break;
                }
                let mut out = Vec::new();
                client.respond(Some(&challenge), &mut out).unwrap();
                response = Some(out);
            }
        }
    }
    assert!(shown.len() > 20);
    for text in shown {
        for secret in ["hunter2", "geheim", "ya29", "3rfc", "7, 7, 7", "183", "b7"] {
            assert!(!text.contains(secret), "{text} shows {secret}");
        }
    }
}

/// Any calls in any order: something comes back, and nothing but a claim that was made is decided upon.
fn throw_at(mechanism: &dyn Mechanism, calls: &[(u8, Vec<u8>)]) {
    let secrets = [None, Some(Secret::Password(PASSWORD.into())), Some(Secret::Password(String::new()))];
    let mut server = mechanism.server(&bound(server_context())).unwrap();
    let mut clients: Vec<_> = credentials()
        .iter()
        .filter_map(|credentials| mechanism.client(credentials, &bound(client_context())))
        .collect();
    let mut out = Vec::new();
    for (call, octets) in calls {
        let _ = match call % 5 {
            0 => server.take(None, &mut out),
            1 | 2 => server.take(Some(octets), &mut out),
            3 => server.provide(secrets[usize::from(call / 5 % 3)].as_ref(), &mut out),
            _ => server.refuse(&mut out),
        };
        let _ = (format!("{server:?} {:?}", server.claim()), server.user().len());
        for client in &mut clients {
            let challenge = (call % 5 != 0).then_some(octets.as_slice());
            let _ = client.respond(challenge, &mut out);
            let is_done = client.finish().is_ok();
            assert!(!is_done || !mechanism.name().starts_with("SCRAM-"), "nobody proved anything");
        }
    }
}

/// Octets that come close to what is expected.
fn near() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        any::<u8>().prop_map(|octet| vec![octet]),
        proptest::sample::select(vec![
            "",
            "n,,",
            "y,,",
            "p=tls-exporter,,",
            "n=user",
            ",r=",
            "r=",
            ",s=",
            ",i=",
            "4096",
            "1",
            "c=",
            "biws",
            ",p=",
            "v=",
            "e=",
            "m=x,",
            "a=b,",
            "QSXCR+Q6sek8bf92",
            "fyko+d2lbbFgONRv9qkxdawL",
            "3rfcNHYJY1ZVvWVs7j",
            "=2C",
            "=3D",
            "=",
            "\0",
            "\u{1}",
            "user=",
            "auth=Bearer ",
            "token",
            "user",
            " ",
            "0123456789abcdef0123456789abcdef",
            "<a@b>",
            "é",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    /// No octets and no order of calls make either end of any mechanism panic.
    #[test]
    fn nothing_panics(calls in proptest::collection::vec((any::<u8>(), near()), 0..8)) {
        for mechanism in sasl::builtin() {
            throw_at(*mechanism, &calls);
        }
    }
}
