//! Client and server of the core against each other, under every cut.

mod kit;

use core::time::Duration;

use bytes::Bytes;
use kit::pair::Pair;
use kit::script::Caller;
use kit::{Cuts, client, client_config, server, server_config};
use smtp_proto::client::{self as client_role, Envelope, Security};
use smtp_proto::sasl::{Credentials, builtin, mechanism};
use smtp_proto::server::{self as server_role, TlsPolicy};
use smtp_proto::{CloseReason, Instant, TlsInfo};

fn envelope(to: &[&str]) -> Envelope {
    let envelope = Envelope::new("a@client.example").expect("an address");
    to.iter().fold(envelope, |envelope, to| envelope.to(to).expect("an address"))
}

fn pair(bodies: &[&[u8]], cuts: Cuts) -> Pair {
    Pair::new(client(client_config()), server(server_config()), Caller::of(bodies), cuts)
}

/// EOD-25, EOD-26, R-4.5.2-01, R-4.5.2-02: what goes in comes out, octet for octet, under every cut.
#[test]
fn bodies_arrive_unchanged() {
    let bodies: [&[u8]; 6] = [
        b"",
        b".\r\n",
        b"..\r\n.\r\n...\r\n",
        b"\r\n\r\n.\r\n",
        b"text\r\n.text\r\n",
        "gr\u{fc}n\r\n.\u{e9}\r\n".as_bytes(),
    ];
    let mut cuts: Vec<Cuts> = (1..24).map(Cuts::Every).chain((1..40).map(Cuts::Random)).collect();
    cuts.push(Cuts::Whole);
    for cuts in cuts {
        let mut pair = pair(&bodies, cuts);
        for _ in bodies {
            pair.client.send(Instant::EPOCH, envelope(&["b@mx.example"])).expect("room");
        }
        pair.client.quit(Instant::EPOCH);
        pair.run();
        let came: Vec<&[u8]> = pair.desk.messages.iter().map(|message| &message.body[..]).collect();
        assert_eq!(came, bodies, "{cuts:?}");
        assert_eq!((pair.record.closed, pair.server_record.closed), (Some(CloseReason::Quit), Some(CloseReason::Quit)));
    }
}

/// REL-13, STATE-12: per-recipient results for every mix, and the message goes to those accepted.
#[test]
fn every_mix_of_recipients() {
    let kinds = ["yes", "no", "later"];
    for mix in 0..27_usize {
        let names: Vec<String> =
            (0..3).map(|at| format!("{}{at}@mx.example", kinds[mix / 3_usize.pow(at) % 3])).collect();
        let to: Vec<&str> = names.iter().map(String::as_str).collect();
        for pipelining in [true, false] {
            let mut config = client_config();
            config.pipelining = pipelining;
            let mut pair = Pair::new(client(config), server(server_config()), Caller::of(&[b"x\r\n"]), Cuts::Every(5));
            pair.client.send(Instant::EPOCH, envelope(&to)).expect("room");
            pair.run();
            let accepted: Vec<&String> = names.iter().filter(|name| name.starts_with("yes")).collect();
            let told = pair.record.log.last().expect("an outcome");
            assert_eq!(told.matches(" accepted 250").count(), accepted.len(), "{told}");
            assert_eq!(told.matches(" permanent 550").count(), to.iter().filter(|name| name.starts_with("no")).count());
            assert_eq!(
                told.matches(" temporary 450").count(),
                to.iter().filter(|name| name.starts_with("later")).count()
            );
            match &pair.desk.messages[..] {
                [] => assert!(accepted.is_empty()),
                [message] => assert_eq!(message.to.iter().collect::<Vec<_>>(), accepted),
                more => panic!("{more:?}"),
            }
        }
    }
}

/// X-2920-3.1-05: when several mails wait, each costs one round trip.
#[test]
fn a_waiting_mail_costs_one_round_trip() {
    let body: &[u8] = &b"0123456789\r\n".repeat(300);
    let count = 50;
    let mut pair = pair(&vec![body; count], Cuts::Whole);
    for _ in 0..count {
        pair.client.send(Instant::EPOCH, envelope(&["b@mx.example"])).expect("room");
    }
    pair.run();
    assert_eq!(pair.desk.messages.len(), count);
    println!("{count} mails: {} flights", pair.flights);
    // EHLO, the first group, then one flight a mail.
    assert_eq!(pair.flights, count + 2);
}

/// A large body leaves in slices of what was handed in, a small one in one write with its dot.
#[test]
fn large_bodies_are_not_copied() {
    let mut pair = pair(&[], Cuts::Whole);
    let piece = Bytes::from(b"0123456789012345678901234567890123456789\r\n".repeat(2000));
    pair.caller.bodies.push_back(vec![piece.clone(), piece.clone(), Bytes::from_static(b"end")]);
    pair.client.send(Instant::EPOCH, envelope(&["b@mx.example"])).expect("room");
    pair.run();
    assert_eq!(pair.desk.messages[0].body, [&piece[..], &piece[..], b"end\r\n"].concat());
}

/// A client that logs in with this mechanism, and a server that offers it.
fn configurations(
    name: &str,
    security: Security,
    credentials: Credentials,
) -> (client_role::Config, server_role::Config) {
    let (mut client, mut server) = (client_config(), server_config());
    client.security = security;
    client.credentials = Some(credentials);
    server.tls = if security == Security::Implicit { TlsPolicy::Implicit } else { TlsPolicy::Required };
    server.auth.required = true;
    server.auth.mechanisms = mechanism(name).into_iter().collect();
    (client, server)
}

/// Both joined, seeded, and with one mail on its way.
fn joined((client_config, server_config): (client_role::Config, server_role::Config), cuts: Cuts) -> Pair {
    let mut pair = Pair::new(client(client_config), server(server_config), Caller::of(&[b"x\r\n"]), cuts);
    pair.client.seed([1; 32]);
    pair.server.seed([2; 32]);
    pair.desk.tls = TlsInfo::new(true);
    pair.client.send(Instant::EPOCH, envelope(&["b@mx.example"])).expect("room");
    pair.client.quit(Instant::EPOCH);
    pair
}

fn credentials_for(name: &str, secret: &str) -> Credentials {
    match name {
        "OAUTHBEARER" | "XOAUTH2" => Credentials::bearer("alice", secret),
        "EXTERNAL" => Credentials::external(),
        "ANONYMOUS" => Credentials::anonymous("alice"),
        _ => Credentials::password("alice", secret),
    }
}

/// X-4954-4-38, X-3207-4-07, RFC 8314 §3.3: every built-in mechanism, behind STARTTLS and under TLS from the first octet,
/// under many cuts.
#[test]
fn every_mechanism_logs_in() {
    for name in builtin().iter().map(|mechanism| mechanism.name()) {
        for security in [Security::Implicit, Security::Required, Security::Opportunistic] {
            for cuts in [Cuts::Whole, Cuts::Every(1), Cuts::Every(7), Cuts::Random(3)] {
                let secret = if name.contains("OAUTH") { "token" } else { "secret" };
                let mut pair = joined(configurations(name, security, credentials_for(name, secret)), cuts);
                pair.run();
                let ready = format!("Ready(pipelining: true, verified TLS, {name})");
                let outcome = "Accepted at final, reply 250: b@mx.example accepted 250";
                assert_eq!(pair.record.log, [&*ready, "Body", outcome], "{name}, {security:?}, {cuts:?}");
                assert_eq!(pair.record.closed, Some(CloseReason::Quit));
                assert_eq!(pair.desk.messages.len(), 1);
                assert!(pair.server.is_authenticated() && pair.server.is_tls());
            }
        }
    }
}

/// A wrong secret: the server answers late, the client leaves with the refusal as verdict, and tries nothing else.
#[test]
fn a_wrong_secret_is_refused() {
    for name in builtin().iter().map(|mechanism| mechanism.name()) {
        if matches!(name, "EXTERNAL" | "ANONYMOUS") {
            continue;
        }
        let (mut client, mut server) = configurations(name, Security::Implicit, credentials_for(name, "guess"));
        client.mechanism = (name == "LOGIN").then(|| "login".into());
        // There would be another one for the same password.
        server.auth.mechanisms.extend(mechanism(if name == "LOGIN" { "PLAIN" } else { "LOGIN" }));
        let mut pair = joined((client, server), Cuts::Every(3));
        pair.run();
        assert!(pair.record.log.is_empty(), "{name}: the answer comes late: {:?}", pair.record.log);
        pair.pass(Duration::from_secs(5));
        assert_eq!(pair.record.log, ["Refused at auth, reply 535: b@mx.example permanent 535"], "{name}");
        assert_eq!(pair.record.closed, Some(CloseReason::AuthRefused));
        assert_eq!(pair.record.sent.windows(5).filter(|octets| octets == b"AUTH ").count(), 1, "{name}");
    }
}

/// SCRAM bound to another channel, as when somebody stands between: refused.
#[cfg(feature = "crypto")]
#[test]
fn another_channel_is_noticed() {
    let name = "SCRAM-SHA-256-PLUS";
    let mut pair = joined(configurations(name, Security::Implicit, credentials_for(name, "secret")), Cuts::Whole);
    pair.client.handle_tls_established(Instant::EPOCH, TlsInfo::new(true).with_channel_binding([1; 32]));
    pair.server.handle_tls_established(Instant::EPOCH, TlsInfo::new(false).with_channel_binding([2; 32]));
    pair.run();
    pair.pass(Duration::from_secs(5));
    assert_eq!(pair.record.closed, Some(CloseReason::AuthRefused));
    assert_eq!(pair.record.log, ["Refused at auth, reply 535: b@mx.example permanent 535"]);
}

/// X-3207-4-08, TLS-10: a handshake that fails ends both ends without another octet.
#[test]
fn a_failed_handshake_ends_both() {
    for security in [Security::Implicit, Security::Required, Security::Opportunistic] {
        let configurations = configurations("PLAIN", security, credentials_for("PLAIN", "secret"));
        let mut pair = joined(configurations, Cuts::Every(2));
        pair.tls = None;
        pair.run();
        assert_eq!(pair.record.log, ["Refused at tls, reply -: b@mx.example temporary -"]);
        let ends = (pair.record.closed, pair.server_record.closed);
        assert_eq!(ends, (Some(CloseReason::TlsFailed), Some(CloseReason::TlsFailed)));
        assert!(pair.desk.messages.is_empty());
    }
}

/// A client without credentials at a server that wants them: it is told so, and sends nothing else.
#[test]
fn authentication_is_required() {
    let (mut client, server) = configurations("PLAIN", Security::Required, credentials_for("PLAIN", "secret"));
    client.credentials = None;
    let mut pair = joined((client, server), Cuts::Every(5));
    pair.run();
    assert_eq!(pair.record.log[1..], ["Refused at mail, reply 530: b@mx.example permanent 530"]);
}
