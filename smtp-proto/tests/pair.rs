//! Client and server of the core against each other, under every cut.

mod kit;

use bytes::Bytes;
use kit::pair::Pair;
use kit::script::Caller;
use kit::{Cuts, client, client_config, server, server_config};
use smtp_proto::client::Envelope;
use smtp_proto::{CloseReason, Instant};

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
