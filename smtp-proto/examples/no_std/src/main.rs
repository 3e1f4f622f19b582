//! The core without the standard library: a client and a server hold a whole session on a heap of fixed size.
//!
//! `cargo run --manifest-path smtp-proto/examples/no_std/Cargo.toml`
//!
//! Two vectors are the wires between them. On a small device a network stack such as `smoltcp` takes their place, and a
//! hardware timer that of the one instant at which everything happens here.
#![no_std]
#![no_main]

extern crate alloc;

mod bare;

use alloc::sync::Arc;
use alloc::vec::Vec;

use bare::{HEAP, SIZE};
use bytes::Bytes;
use libc_print::std_name::println;
use smtp_proto::client::{self, Envelope, Summary};
use smtp_proto::server::{self, Accept};
use smtp_proto::{CloseReason, Drive, Instant, Output};

/// One of the lines begins with a dot, which has to be stuffed.
const MESSAGE: &[u8] = b"Subject: no std\r\n\r\nNo socket, no clock, no thread.\r\n.And no standard library.\r\n";

const NOW: Instant = Instant::EPOCH;

/// The program: whether the mail came as it was sent, and all memory was given back.
fn run() -> bool {
    let (message, summary) = session();
    let is_right = message == MESSAGE && summary == Some(Summary::Accepted);
    println!("{} of {} octets came, and the client heard: {summary:?}", message.len(), MESSAGE.len());
    drop(message);
    let (client, server) = (size_of::<client::Connection>(), size_of::<server::Connection>());
    println!("at most {} of {SIZE} octets of heap were in use, {} are now", HEAP.most_in_use(), HEAP.in_use());
    println!("the connections themselves: {client} octets for the client, {server} for the server");
    is_right && HEAP.in_use() == 0
}

/// What the server got, and what the client heard of it.
fn session() -> (Vec<u8>, Option<Summary>) {
    let client_config = client::Config::new("client.example").expect("a domain");
    let server_config = server::Config::new("mx.example").expect("a domain");
    let mut client = client::Connection::new(NOW, Arc::new(client_config)).expect("the configuration is usable");
    let mut server = server::Connection::new(NOW, Arc::new(server_config)).expect("the configuration is usable");
    let envelope = Envelope::new("alice@client.example").and_then(|envelope| envelope.to("bob@mx.example"));
    client.send(NOW, envelope.expect("addresses")).expect("the queue has room");
    client.quit(NOW);
    let (mut to_client, mut to_server) = (Vec::new(), Vec::new());
    let (mut message, mut summary) = (Vec::new(), None);
    loop {
        match turn(&mut server, &mut to_server, &mut to_client) {
            Turn::Told(event) => answer(&mut server, event, &mut message),
            Turn::Waits | Turn::Over(_) => {}
        }
        match turn(&mut client, &mut to_client, &mut to_server) {
            Turn::Told(client::Event::Body(token)) => {
                client.write_body(NOW, &token, Bytes::from_static(MESSAGE)).expect("the server waits for it");
                client.end_body(NOW, token).expect("the body has begun");
            }
            Turn::Told(client::Event::Outcome(outcome)) => summary = Some(outcome.summary()),
            Turn::Told(_) | Turn::Waits => {}
            Turn::Over(reason) => {
                println!("the client left: {reason}");
                return (message, summary);
            }
        }
    }
}

/// Takes every mail.
fn answer(server: &mut server::Connection, event: server::Event, message: &mut Vec<u8>) {
    let yes = Ok(Accept::Usual);
    match event {
        server::Event::Connect(token) => _ = server.answer(NOW, token, yes),
        server::Event::Hello(token) => _ = server.answer(NOW, token, yes),
        server::Event::Mail(token) => _ = server.answer(NOW, token, yes),
        server::Event::Rcpt(token) => _ = server.answer(NOW, token, yes),
        server::Event::Data(token) => _ = server.answer(NOW, token, yes),
        server::Event::Body(piece) => message.extend_from_slice(&piece),
        server::Event::Message(token) => _ = server.answer(NOW, token, yes),
        _ => {}
    }
}

/// How a side was left.
enum Turn<E> {
    Told(E),
    Waits,
    Over(CloseReason),
}

/// Lets one side do all it can, up to the next thing that it tells or asks.
fn turn<C: Drive>(core: &mut C, from_peer: &mut Vec<u8>, to_peer: &mut Vec<u8>) -> Turn<C::Event> {
    loop {
        match core.poll() {
            Output::Transmit(octets) => {
                let count = octets.len();
                to_peer.extend_from_slice(octets);
                core.transmitted(NOW, count);
            }
            Output::Event(event) => return Turn::Told(event),
            Output::Wait(wait) if wait.input && !from_peer.is_empty() => {
                let octets = Bytes::from(core::mem::take(from_peer));
                core.handle_input(NOW, octets).expect("input is welcome");
            }
            Output::Wait(_) => return Turn::Waits,
            Output::UpgradeTls => unreachable!("neither side is configured for TLS"),
            Output::Closed(reason) => return Turn::Over(reason),
        }
    }
}
