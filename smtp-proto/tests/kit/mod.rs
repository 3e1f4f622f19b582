//! The test kit: both roles driven without sockets, over byte pipes, in virtual time.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of the kit")]

pub mod desk;
pub mod dialogue;
pub mod echo;
pub mod pair;
pub mod script;
pub mod steady;

use core::time::Duration;
use std::sync::Arc;

use smtp_proto::{Instant, client, server};

/// How a stream of octets is cut into the pieces that arrive.
#[derive(Clone, Copy, Debug)]
pub enum Cuts {
    /// As much as there is.
    Whole,
    /// Pieces of this many octets.
    Every(usize),
    /// One cut after this many octets of the stream.
    At(usize),
    /// Pieces of random length from this seed on.
    Random(u64),
}

impl Cuts {
    /// The length of the next piece, when `before` octets have arrived and `waiting` are there.
    pub fn next(&mut self, before: usize, waiting: usize) -> usize {
        match self {
            Self::Whole => waiting,
            Self::Every(length) => waiting.min(*length),
            Self::At(cut) if before < *cut => waiting.min(*cut - before),
            Self::At(_) => waiting,
            Self::Random(seed) => {
                *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                waiting.min(1 + (*seed >> 33) as usize % 23)
            }
        }
    }

    /// Whole, octet by octet, some random cuts, and every two-way split of a stream of `length` octets.
    pub fn all(length: usize) -> impl Iterator<Item = Self> {
        [Self::Whole, Self::Every(1), Self::Every(2), Self::Every(7)]
            .into_iter()
            .chain((1..5).map(Self::Random))
            .chain((1..length).map(Self::At))
    }
}

/// A point in virtual time.
pub fn at(seconds: u64) -> Instant {
    Instant::from_epoch(Duration::from_secs(seconds))
}

pub fn server_config() -> server::Config {
    server::Config::new("mx.example").expect("a domain")
}

pub fn server(config: server::Config) -> server::Connection {
    server::Connection::new(Instant::EPOCH, Arc::new(config)).expect("the configuration is usable")
}

pub fn client_config() -> client::Config {
    client::Config::new("client.example").expect("a domain")
}

pub fn client(config: client::Config) -> client::Connection {
    client::Connection::new(Instant::EPOCH, Arc::new(config)).expect("the configuration is usable")
}

/// Text for a failure message or a snapshot: escaped, a line for each line.
pub fn show(octets: &[u8]) -> String {
    octets.split_inclusive(|&octet| octet == b'\n').map(|line| format!("{}\n", line.escape_ascii())).collect()
}
