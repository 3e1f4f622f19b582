//! Deterministic simulation: a client and a server talk over a network that fails, in virtual time, and a ledger says
//! whether a mail was lost or doubled.
//!
//! `cargo run -p smtp-proto --example simulation` plays some thousands of sessions. All that happens in a session follows
//! from its seed: `cargo run -p smtp-proto --example simulation 4711` plays number 4711 again and shows its dialogue. To
//! test a program of your own, put its queue in the place of `Sender` and its storage in that of `Receiver`.

mod network;

use core::time::Duration;
use std::process::ExitCode;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use fastrand::Rng;
use network::{Network, Side, Tally, pick, turn};
use smtp_proto::client::{self, Verdict};
use smtp_proto::reply::{Detail, Reply, ReplyCode};
use smtp_proto::server::{self, Accept, Answer};
use smtp_proto::{Instant, Misuse};

fn main() -> ExitCode {
    let again = std::env::args().nth(1).map(|seed| seed.parse().expect("a seed is a number"));
    let seeds = again.map_or(0..5000, |seed: u64| seed..seed + 1);
    let mut tally = Tally::new();
    for seed in seeds.clone() {
        let ended = play(seed, again.is_some(), &mut tally);
        if let Err(failure) = ended.and_then(|(sender, receiver)| balance(&sender, &receiver, &mut tally)) {
            println!("seed {seed}: {failure}");
            return ExitCode::FAILURE;
        }
    }
    tally.iter().for_each(|(what, count)| println!("{count:>8} {what}"));
    println!("no mail was lost or doubled in {} sessions", seeds.count());
    ExitCode::SUCCESS
}

/// Plays the session of this seed to its end, and shows it if it is to be `aloud`.
fn play(seed: u64, aloud: bool, tally: &mut Tally) -> Result<(Sender, Receiver), String> {
    let mut rng = Rng::with_seed(seed);
    let mut now = Instant::EPOCH;
    let client_config = client::Config::new("client.example").expect("a domain");
    let server_config = server::Config::new("mx.example").expect("a domain");
    let mut client = client::Connection::new(now, Arc::new(client_config)).expect("the configuration is usable");
    let mut server = server::Connection::new(now, Arc::new(server_config)).expect("the configuration is usable");
    let mut network = Network::new(rng.fork(), aloud);
    let mut sender = Sender::new(rng.fork());
    let mut receiver = Receiver { rng, ..Receiver::default() };
    for (envelope, _) in &sender.mails {
        client.send(now, envelope.clone()).expect("the queue has room");
    }
    client.quit(now);
    loop {
        // Both sides do all they can at this instant.
        let mut moves = None;
        while moves.replace(network.moves) != Some(network.moves) {
            sender.feed(now, &mut client);
            while let Some(event) = turn(&mut client, now, &mut network, Side::Client) {
                sender.handle(now, &mut client, event);
            }
            receiver.decide(now, &mut server);
            while let Some(event) = turn(&mut server, now, &mut network, Side::Server) {
                receiver.handle(now, &mut server, event);
            }
        }
        if network.is_over(Side::Client) && network.is_over(Side::Server) {
            network.tally.into_iter().for_each(|(what, count)| *tally.entry(what).or_default() += count);
            return Ok((sender, receiver));
        }
        // Then time passes, to the next instant at which anything can happen.
        let client_due = client.deadline().filter(|_| !network.is_over(Side::Client));
        let server_due = server.deadline().filter(|_| !network.is_over(Side::Server));
        match [client_due, server_due, network.next_arrival(now), receiver.due()].into_iter().flatten().min() {
            Some(next) if next > now => now = next,
            next => return Err(format!("both stand still at {now:?}, and what comes next was due at {next:?}")),
        }
        client.handle_timeout(now);
        server.handle_timeout(now);
    }
}

/// The ledger: what the sender was told about each recipient of each mail, and what the receiver has taken. Accepted is
/// taken once, refused is never taken, and what became of the others nobody knows, but not even they are doubled.
fn balance(sender: &Sender, receiver: &Receiver, tally: &mut Tally) -> Result<(), String> {
    if sender.outcomes.len() != sender.mails.len() {
        return Err(format!("{} mails have {} outcomes", sender.mails.len(), sender.outcomes.len()));
    }
    for ((_, message), outcome) in sender.mails.iter().zip(&sender.outcomes) {
        for (address, verdict) in outcome.recipients() {
            let taken = receiver.taken.iter().filter(|(to, _)| to == address);
            let copies: Vec<&Bytes> = taken.map(|(_, copy)| copy).collect();
            let (told, is_right) = match verdict {
                Verdict::Accepted(_) => ("accepted", copies == [message]),
                Verdict::Temporary(_) | Verdict::Permanent(_) => ("refused", copies.is_empty()),
                _ if copies.is_empty() => ("unknown, not taken", true),
                _ => ("unknown, taken", copies == [message]),
            };
            if !is_right {
                let copies: Vec<usize> = copies.iter().map(|copy| copy.len()).collect();
                let octets = message.len();
                return Err(format!("{octets} octets to {address} were {told}, and copies of {copies:?} octets taken"));
            }
            *tally.entry(format!("recipients: {told}")).or_default() += 1;
        }
    }
    Ok(())
}

/// The caller of the client: some mails, whose bodies come in pieces.
struct Sender {
    rng: Rng,
    mails: Vec<(client::Envelope, Bytes)>,
    outcomes: Vec<client::Outcome>,
    /// The body that the server waits for, and what is left of it.
    body: Option<(client::Body, Bytes)>,
}

impl Sender {
    fn new(mut rng: Rng) -> Self {
        let mut mails = Vec::new();
        for mail in 0..rng.usize(1..=3) {
            let mut envelope = client::Envelope::new("alice@client.example").expect("an address");
            for recipient in 0..rng.usize(1..=3) {
                envelope.add_recipient(&format!("r{mail}-{recipient}@mx.example")).expect("an address");
            }
            let mut message = format!("Subject: {mail}\r\n\r\n");
            for _ in 0..rng.usize(..100) {
                message.push_str(pick(&mut rng, &["\r\n", ".\r\n", "..\r\n", "text\r\n", ".more text\r\n"]));
            }
            mails.push((envelope, Bytes::from(message)));
        }
        Self { rng, mails, outcomes: Vec::new(), body: None }
    }

    fn handle(&mut self, now: Instant, client: &mut client::Connection, event: client::Event) {
        match event {
            client::Event::Body(token) => {
                let message = self.mails[token.ordinal() as usize].1.clone();
                self.body = Some((token, message));
                self.feed(now, client);
            }
            client::Event::Outcome(outcome) => self.outcomes.push(outcome),
            _ => {}
        }
    }

    /// Hands in pieces of the body while they are welcome.
    fn feed(&mut self, now: Instant, client: &mut client::Connection) {
        while let Some((token, mut left)) = self.body.take() {
            let piece = left.slice(..self.rng.usize(..=left.len()));
            let length = piece.len();
            match client.write_body(now, &token, piece) {
                // Now and then the caller dies, and the token with it.
                Ok(()) if self.rng.u8(..) == 0 => {}
                Ok(()) if length == left.len() => _ = client.end_body(now, token),
                Ok(()) => {
                    left.advance(length);
                    self.body = Some((token, left));
                }
                Err(refused) if refused.misuse == Misuse::Paused => return self.body = Some((token, left)),
                Err(_) => {}
            }
        }
    }
}

/// The application of the server: refuses at random, and takes its time over a message.
#[derive(Default)]
struct Receiver {
    rng: Rng,
    to: Vec<String>,
    message: Vec<u8>,
    /// When it will say what about which message.
    undecided: Option<(Instant, server::Message, Answer)>,
    /// Every message that was taken, for each recipient.
    taken: Vec<(String, Bytes)>,
}

impl Receiver {
    fn handle(&mut self, now: Instant, server: &mut server::Connection, event: server::Event) {
        let mut answer = Ok(Accept::Usual);
        if self.rng.u8(..16) == 0 {
            let code = if self.rng.bool() { ReplyCode::MAILBOX_BUSY } else { ReplyCode::MAILBOX_UNAVAILABLE };
            answer = Err(Reply::new(code, Detail::OTHER_MAILBOX_STATUS, "as it happens").into());
        }
        match event {
            server::Event::Connect(token) => _ = server.answer(now, token, Ok(Accept::Usual)),
            server::Event::Hello(token) => _ = server.answer(now, token, Ok(Accept::Usual)),
            server::Event::Mail(token) => {
                (self.to, self.message) = Default::default();
                server.answer(now, token, answer);
            }
            server::Event::Rcpt(token) => {
                let to = token.forward_path().as_str().to_owned();
                if server.answer(now, token, answer) {
                    self.to.push(to);
                }
            }
            server::Event::Data(token) => _ = server.answer(now, token, answer),
            server::Event::Body(piece) => self.message.extend_from_slice(&piece),
            server::Event::Message(token) => {
                let seconds = pick(&mut self.rng, &[0, 0, 0, 1, 200, 400]);
                self.undecided = Some((now + Duration::from_secs(seconds), token, answer));
            }
            _ => {}
        }
    }

    fn due(&self) -> Option<Instant> {
        self.undecided.as_ref().map(|(due, ..)| *due)
    }

    /// Says what became of a message once it is time. A yes that comes too late is none: then nothing is taken.
    fn decide(&mut self, now: Instant, server: &mut server::Connection) {
        if let Some((_, token, answer)) = self.undecided.take_if(|(due, ..)| *due <= now)
            && server.answer(now, token, answer)
        {
            let message = Bytes::from(core::mem::take(&mut self.message));
            self.taken.extend(self.to.drain(..).map(|to| (to, message.clone())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_says_all() {
        for seed in 0..100 {
            let (mut first, mut again) = (Tally::new(), Tally::new());
            assert!(play(seed, false, &mut first).is_ok() && play(seed, false, &mut again).is_ok());
            assert_eq!(first, again);
        }
    }

    #[test]
    fn the_ledger_finds_what_is_lost_doubled_or_changed() {
        let is_one_accepted = |(sender, receiver): &(Sender, Receiver)| {
            sender.outcomes[0].summary() == client::Summary::Accepted && receiver.taken.len() == 1
        };
        let mut sessions = (0..).filter_map(|seed| play(seed, false, &mut Tally::new()).ok());
        let (sender, mut receiver) = sessions.find(is_one_accepted).expect("a session with one mail");
        let is_right = |receiver: &Receiver| balance(&sender, receiver, &mut Tally::new()).is_ok();
        assert!(is_right(&receiver));
        let (to, message) = receiver.taken.pop().expect("a mail");
        assert!(!is_right(&receiver), "lost");
        receiver.taken.push((to.clone(), message.slice(1..)));
        assert!(!is_right(&receiver), "changed");
        receiver.taken = vec![(to.clone(), message.clone()), (to, message)];
        assert!(!is_right(&receiver), "doubled");
    }
}
