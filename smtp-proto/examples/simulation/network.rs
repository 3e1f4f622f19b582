//! The network between a client and a server, and how a side of a connection is driven on it.

use core::fmt;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use fastrand::Rng;
use smtp_proto::{CloseReason, Drive, Instant, Output};

/// How often what happened.
pub(crate) type Tally = BTreeMap<String, u32>;

/// Lets one side do all it can at this instant, up to the next thing that it tells or asks.
pub(crate) fn turn<C: Drive>(core: &mut C, now: Instant, network: &mut Network, side: Side) -> Option<C::Event> {
    loop {
        if network.is_lost {
            core.handle_disconnect(now);
        }
        let is_reading = match core.poll() {
            Output::Event(event) => return Some(event),
            Output::Transmit(octets) => match network.write(side, now, octets) {
                0 => core.wants_input(),
                count => {
                    core.transmitted(now, count);
                    continue;
                }
            },
            Output::Wait(wait) => wait.input,
            Output::UpgradeTls => unreachable!("neither side is configured for TLS"),
            Output::Closed(reason) => {
                network.close(side, now, reason);
                return None;
            }
        };
        if !is_reading {
            return None;
        }
        match network.read(side, now)? {
            Arrival::Octets(octets) => core.handle_input(now, octets).expect("input is welcome"),
            Arrival::End => core.handle_eof(now),
            Arrival::Loss => {}
        }
    }
}

/// Two queues of octets, and what is wrong with them.
pub(crate) struct Network {
    /// What is on its way to the client, and to the server.
    pipes: [Pipe; 2],
    /// The connection is lost: whatever was on its way is gone.
    is_lost: bool,
    /// The longest time that a piece takes, in milliseconds.
    delay: u64,
    /// The most octets of a piece.
    piece: usize,
    /// The most pieces that are on their way to one side.
    window: usize,
    rng: Rng,
    /// Grows with everything that happens.
    pub(crate) moves: u32,
    pub(crate) tally: Tally,
    is_aloud: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Client,
    Server,
}

/// What is on its way to one side.
struct Pipe {
    arrivals: VecDeque<(Instant, Arrival)>,
    /// What comes in the place of more octets once so many have come.
    fault: Arrival,
    left: usize,
    /// Nothing more gets through.
    is_closed: bool,
    /// The side that reads is over.
    is_over: bool,
}

#[derive(Clone)]
enum Arrival {
    Octets(Bytes),
    End,
    Loss,
}

impl Network {
    /// What is wrong with it follows from the generator alone. If it is `aloud`, it shows what passes.
    pub(crate) fn new(mut rng: Rng, is_aloud: bool) -> Self {
        let pipes = [600, 2000].map(|most| Pipe {
            arrivals: VecDeque::new(),
            fault: pick(&mut rng, &[Arrival::End, Arrival::Loss]),
            left: if rng.u8(..3) == 0 { rng.usize(..most) } else { usize::MAX },
            is_closed: false,
            is_over: false,
        });
        Self {
            pipes,
            is_lost: false,
            delay: pick(&mut rng, &[0, 10, 1_000, 400_000]),
            piece: pick(&mut rng, &[1, 10, 100, 10_000]),
            window: pick(&mut rng, &[1, 10, 100]),
            rng,
            moves: 0,
            tally: Tally::new(),
            is_aloud,
        }
    }

    /// Whether the connection of this side is over.
    pub(crate) fn is_over(&self, side: Side) -> bool {
        self.pipes[side as usize].is_over
    }

    /// When the next piece comes that has not come yet.
    pub(crate) fn next_arrival(&self, now: Instant) -> Option<Instant> {
        let arrivals = self.pipes.iter().flat_map(|pipe| &pipe.arrivals);
        arrivals.map(|(time, _)| *time).filter(|time| *time > now).min()
    }

    /// Takes some of the octets, or none while too much is on its way.
    fn write(&mut self, side: Side, now: Instant, octets: &[u8]) -> usize {
        let pipe = &mut self.pipes[1 - side as usize];
        if pipe.arrivals.len() >= self.window {
            return 0;
        }
        let time = now + Duration::from_millis(self.rng.u64(..=self.delay));
        let (piece, rest) = octets.split_at(self.rng.usize(1..=self.piece.min(octets.len())));
        let through = &piece[..piece.len().min(pipe.left)];
        pipe.left -= through.len();
        pipe.push(time, Arrival::Octets(Bytes::copy_from_slice(through)));
        if through.len() < piece.len() && !pipe.is_closed {
            let fault = pipe.fault.clone();
            let is_loss = matches!(fault, Arrival::Loss);
            pipe.push(time, fault);
            self.count(if is_loss { "network: losses at some octet" } else { "network: ends at some octet" });
        }
        if !rest.is_empty() {
            self.count("network: writes that were cut");
        }
        if time > now {
            self.count("network: pieces that came late");
        }
        self.note(now, side, piece.escape_ascii());
        piece.len()
    }

    /// The next thing that has come.
    fn read(&mut self, side: Side, now: Instant) -> Option<Arrival> {
        let (_, arrival) = self.pipes[side as usize].arrivals.pop_front_if(|(time, _)| *time <= now)?;
        self.moves += 1;
        if matches!(arrival, Arrival::Loss) {
            self.is_lost = true;
            self.note(now, side, "the connection is lost");
        }
        Some(arrival)
    }

    /// A side is over: it reads no more, and the other one hears the end of what was written.
    fn close(&mut self, side: Side, now: Instant, reason: CloseReason) {
        let pipe = &mut self.pipes[side as usize];
        if !core::mem::replace(&mut pipe.is_over, true) {
            pipe.is_closed = true;
            pipe.arrivals.clear();
            self.pipes[1 - side as usize].push(now, Arrival::End);
            self.count(&format!("{side:?} ends: {reason}"));
            self.note(now, side, format_args!("over: {reason}"));
        }
    }

    fn count(&mut self, what: &str) {
        *self.tally.entry(what.into()).or_default() += 1;
    }

    fn note(&mut self, now: Instant, side: Side, what: impl fmt::Display) {
        self.moves += 1;
        if self.is_aloud {
            println!("{:10.3} {side:?}: {what}", now.since_epoch().as_secs_f64());
        }
    }
}

impl Pipe {
    /// Nothing overtakes what was written before.
    fn push(&mut self, time: Instant, arrival: Arrival) {
        if !self.is_closed {
            let before = self.arrivals.back().map_or(time, |(before, _)| *before);
            self.is_closed = !matches!(arrival, Arrival::Octets(_));
            self.arrivals.push_back((time.max(before), arrival));
        }
    }
}

/// One of these.
pub(crate) fn pick<T: Clone>(rng: &mut Rng, choices: &[T]) -> T {
    choices[rng.usize(..choices.len())].clone()
}
