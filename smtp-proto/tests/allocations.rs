//! Nothing is allocated per transaction in steady state, and an idle connection owns no heap.

mod kit;

use std::sync::Arc;

use allocation_counter::{AllocationInfo, measure};
use bytes::Bytes;
use kit::{at, client, client_config, server, server_config};
use smtp_proto::client::{self as client_role, Envelope};
use smtp_proto::server::{self as server_role, Event};
use smtp_proto::{Decision, Instant};

const NOW: Instant = Instant::EPOCH;
const TRANSACTIONS: u64 = 100;

/// MAIL, three RCPT and DATA, then a body of 4 KiB.
fn groups() -> [Bytes; 2] {
    let envelope = b"MAIL FROM:<a@client.example> SIZE=4096\r\nRCPT TO:<b@mx.example>\r\nRCPT TO:<c@mx.example>\r\n\
                     RCPT TO:<d@mx.example>\r\nDATA\r\n";
    let body =
        [&b"0123456789012345678901234567890123456789012345678901234567890\r\n".repeat(65)[..], b".\r\n"].concat();
    [Bytes::from_static(envelope), Bytes::from(body)]
}

/// The same octets in pieces of this length; they share one buffer.
fn cut(octets: &Bytes, length: usize) -> Vec<Bytes> {
    (0..octets.len()).step_by(length).map(|at| octets.slice(at..octets.len().min(at + length))).collect()
}

/// Lets the server do all it can, with an application that takes everything.
fn settle_server(connection: &mut server_role::Connection) -> u32 {
    let mut accepted = 0;
    loop {
        match connection.poll() {
            server_role::Output::Transmit(octets) => {
                let count = octets.len();
                connection.transmitted(NOW, count);
            }
            server_role::Output::Event(event) => match event {
                Event::Connect(token) => connection.accept(NOW, token).expect("due"),
                Event::Hello(token) => connection.accept(NOW, token).expect("due"),
                Event::Mail(token) => connection.accept(NOW, token).expect("due"),
                Event::Rcpt(token) => connection.accept(NOW, token).expect("due"),
                Event::Data(token) => connection.accept(NOW, token).expect("due"),
                Event::Message(token) => {
                    accepted += 1;
                    connection.accept(NOW, token).expect("due");
                }
                _ => {}
            },
            server_role::Output::Wait(_) => return accepted,
            server_role::Output::Closed(reason) => panic!("{reason}"),
        }
    }
}

fn serve(connection: &mut server_role::Connection, groups: &[Vec<Bytes>]) {
    let mut accepted = 0;
    for piece in groups.iter().flatten() {
        connection.handle_input(NOW, piece.clone()).expect("input is welcome");
        accepted += settle_server(connection);
    }
    assert_eq!(accepted, 1);
}

fn ready_server() -> server_role::Connection {
    let mut config = server_config();
    config.limits.messages = 1_000_000.try_into().expect("not zero");
    let mut connection = server(config);
    settle_server(&mut connection);
    connection.handle_input(NOW, Bytes::from_static(b"EHLO client.example\r\n")).expect("input");
    settle_server(&mut connection);
    connection
}

/// What 100 transactions allocate after ten that warmed up.
fn count_server(piece: usize) -> AllocationInfo {
    let groups: Vec<Vec<Bytes>> = groups().iter().map(|group| cut(group, piece)).collect();
    let mut connection = ready_server();
    (0..10).for_each(|_| serve(&mut connection, &groups));
    measure(|| (0..TRANSACTIONS).for_each(|_| serve(&mut connection, &groups)))
}

/// The counter counts.
#[test]
fn an_allocation_is_seen() {
    assert_eq!(measure(|| drop(core::hint::black_box(Box::new(1)))).count_total, 1);
}

#[test]
fn server_allocates_nothing_per_transaction() {
    for (name, piece) in [("whole", usize::MAX), ("pieces of 1000 octets", 1000), ("octet by octet", 1)] {
        let counted = count_server(piece);
        println!("server, {name}: {} allocations in {TRANSACTIONS} transactions", counted.count_total);
        assert_eq!(counted.count_total, 0, "{name}");
    }
}

/// Lets the client do all it can; returns the outcome of its mail.
fn settle_client(connection: &mut client_role::Connection, body: &Bytes) -> Option<client_role::Outcome> {
    let mut outcome = None;
    loop {
        match connection.poll() {
            client_role::Output::Transmit(octets) => {
                let count = octets.len();
                connection.transmitted(NOW, count);
            }
            client_role::Output::Event(client_role::Event::Body(token)) => {
                connection.write_body(NOW, &token, body.clone()).expect("welcome");
                connection.end_body(NOW, token).expect("due");
            }
            client_role::Output::Event(client_role::Event::Outcome(found)) => outcome = Some(found),
            client_role::Output::Event(_) => {}
            client_role::Output::Wait(wait) => {
                assert_ne!(wait.decision, Some(Decision::Body));
                return outcome;
            }
            client_role::Output::Closed(reason) => panic!("{reason}"),
        }
    }
}

fn send(
    connection: &mut client_role::Connection,
    envelope: Envelope,
    replies: &[Vec<Bytes>],
    body: &Bytes,
) -> Envelope {
    connection.send(NOW, envelope).expect("room");
    let mut outcome = settle_client(connection, body);
    for piece in replies.iter().flatten() {
        connection.handle_input(NOW, piece.clone()).expect("input is welcome");
        outcome = outcome.or(settle_client(connection, body));
    }
    let outcome = outcome.expect("the mail has its outcome");
    assert_eq!(outcome.summary(), client_role::Summary::Accepted);
    outcome.into_envelope()
}

fn ready_client() -> client_role::Connection {
    let mut connection = client(client_config());
    for reply in [&b"220 mx.example\r\n"[..], b"250-mx.example\r\n250-SIZE\r\n250 PIPELINING\r\n"] {
        connection.handle_input(NOW, Bytes::from_static(reply)).expect("input");
        settle_client(&mut connection, &Bytes::new());
    }
    connection
}

fn three_recipients() -> Envelope {
    let envelope = Envelope::new("a@client.example").expect("an address").with_size(4096);
    ["b@mx.example", "c@mx.example", "d@mx.example"].iter().fold(envelope, |all, to| all.to(to).expect("an address"))
}

#[test]
fn client_allocates_nothing_per_transaction() {
    let [_, body] = groups();
    let replies = [
        Bytes::from_static(b"250 2.1.0 ok\r\n250 2.1.5 ok\r\n250 2.1.5 ok\r\n250 2.1.5 ok\r\n354 go\r\n"),
        Bytes::from_static(b"250 2.0.0 queued\r\n"),
    ];
    for (name, piece) in [("whole", usize::MAX), ("pieces of 7 octets", 7), ("octet by octet", 1)] {
        let replies: Vec<Vec<Bytes>> = replies.iter().map(|reply| cut(reply, piece)).collect();
        let mut connection = ready_client();
        let mut envelope = Some(three_recipients());
        let mut run = || envelope = envelope.take().map(|envelope| send(&mut connection, envelope, &replies, &body));
        (0..10).for_each(|_| run());
        let counted = measure(|| (0..TRANSACTIONS).for_each(|_| run()));
        println!("client, {name}: {} allocations in {TRANSACTIONS} transactions", counted.count_total);
        assert_eq!(counted.count_total, 0, "{name}");
    }
}

/// After `Timeouts::buffers` an idle connection of either role owns no heap of its own.
#[test]
fn idle_connections_own_no_heap() {
    let groups = groups().map(|group| cut(&group, 1));
    let config = Arc::new(server_config());
    let mut kept = None;
    let counted = measure(|| {
        let mut connection =
            server_role::Connection::new(NOW, Arc::clone(&config)).expect("the configuration is usable");
        settle_server(&mut connection);
        connection.handle_input(NOW, Bytes::from_static(b"EHLO client.example\r\n")).expect("input");
        settle_server(&mut connection);
        serve(&mut connection, &groups);
        connection.handle_timeout(at(1));
        kept = Some(connection);
    });
    println!("idle server connection: {} octets of heap", counted.bytes_current);
    assert_eq!(counted.bytes_current, 0);
    let config = Arc::new(client_config());
    let mut kept_client = None;
    let body = Bytes::from_static(b"x\r\n");
    let counted = measure(|| {
        let mut connection =
            client_role::Connection::new(NOW, Arc::clone(&config)).expect("the configuration is usable");
        for reply in [&b"220 mx.exa"[..], b"mple\r\n", b"250-mx.example\r\n250-SIZ", b"E\r\n250 PIPELINING\r\n"] {
            connection.handle_input(NOW, Bytes::from_static(reply)).expect("input");
            settle_client(&mut connection, &body);
        }
        let replies: [&[u8]; 2] =
            [b"250 2.1.0 ok\r\n250 2.1.5 ok\r\n250 2.1.5 ok\r\n250 2.1.5 ok\r\n354 go\r\n", b"250 2.0.0 queued\r\n"];
        let replies = replies.map(|reply| vec![Bytes::from_static(reply)]);
        drop(send(&mut connection, three_recipients(), &replies, &body));
        connection.handle_timeout(at(1));
        kept_client = Some(connection);
    });
    println!("idle client connection: {} octets of heap", counted.bytes_current);
    assert_eq!(counted.bytes_current, 0);
    drop((kept, kept_client));
}
