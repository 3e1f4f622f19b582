//! A steady state: one transaction after the other, with an application that takes everything.

use bytes::Bytes;
use smtp_proto::client::{self as client_role, Envelope};
use smtp_proto::server::{self as server_role, Event};
use smtp_proto::{Decision, Instant};

use super::{client, client_config, server, server_config};

const NOW: Instant = Instant::EPOCH;

/// MAIL, three RCPT and DATA, then a body of 4 KiB.
pub fn groups() -> [Bytes; 2] {
    let envelope = b"MAIL FROM:<a@client.example> SIZE=4096\r\nRCPT TO:<b@mx.example>\r\nRCPT TO:<c@mx.example>\r\n\
                     RCPT TO:<d@mx.example>\r\nDATA\r\n";
    let body =
        [&b"0123456789012345678901234567890123456789012345678901234567890\r\n".repeat(65)[..], b".\r\n"].concat();
    [Bytes::from_static(envelope), Bytes::from(body)]
}

/// The same octets in pieces of this length; they share one buffer.
pub fn cut(octets: &Bytes, length: usize) -> Vec<Bytes> {
    (0..octets.len()).step_by(length).map(|at| octets.slice(at..octets.len().min(at + length))).collect()
}

/// Lets the server do all it can, with an application that takes everything.
pub fn settle_server(connection: &mut server_role::Connection) -> u32 {
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
                Event::Auth(token) => connection.accept(NOW, token).expect("due"),
                Event::Mail(token) => connection.accept(NOW, token).expect("due"),
                Event::Rcpt(token) => connection.accept(NOW, token).expect("due"),
                Event::Data(token) => connection.accept(NOW, token).expect("due"),
                Event::Message(token) => {
                    accepted += 1;
                    connection.accept(NOW, token).expect("due");
                }
                _ => {}
            },
            server_role::Output::Wait(_) | server_role::Output::UpgradeTls => return accepted,
            server_role::Output::Closed(reason) => panic!("{reason}"),
        }
    }
}

pub fn serve(connection: &mut server_role::Connection, groups: &[Vec<Bytes>]) {
    let mut accepted = 0;
    for piece in groups.iter().flatten() {
        connection.handle_input(NOW, piece.clone()).expect("input is welcome");
        accepted += settle_server(connection);
    }
    assert_eq!(accepted, 1);
}

pub fn ready_server() -> server_role::Connection {
    let mut config = server_config();
    config.limits.messages = u32::MAX.try_into().expect("not zero");
    let mut connection = server(config);
    settle_server(&mut connection);
    connection.handle_input(NOW, Bytes::from_static(b"EHLO client.example\r\n")).expect("input");
    settle_server(&mut connection);
    connection
}

/// Lets the client do all it can; returns the outcome of its mail.
pub fn settle_client(connection: &mut client_role::Connection, body: &Bytes) -> Option<client_role::Outcome> {
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
            client_role::Output::UpgradeTls => panic!("TLS is not configured"),
            client_role::Output::Closed(reason) => panic!("{reason}"),
        }
    }
}

pub fn send(
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

pub fn ready_client() -> client_role::Connection {
    let mut connection = client(client_config());
    for reply in [&b"220 mx.example\r\n"[..], b"250-mx.example\r\n250-SIZE\r\n250 PIPELINING\r\n"] {
        connection.handle_input(NOW, Bytes::from_static(reply)).expect("input");
        settle_client(&mut connection, &Bytes::new());
    }
    connection
}

pub fn three_recipients() -> Envelope {
    let envelope = Envelope::new("a@client.example").expect("an address").with_size(4096);
    ["b@mx.example", "c@mx.example", "d@mx.example"].iter().fold(envelope, |all, to| all.to(to).expect("an address"))
}
