//! A client against a server that follows a script, under every cut of what the server says.

use bytes::Bytes;
use smtp_proto::client::{Config, Connection, Envelope, Output};
use smtp_proto::{Instant, TlsInfo};

use super::Cuts;
use super::script::{Caller, Record};

/// The channel binding of every virtual TLS connection.
pub const BINDING: [u8; 32] = *b"the binding of a virtual channel";

/// A client, what it has to do, and its configuration.
pub struct Dialogue {
    pub config: Config,
    /// Whether it has randomness.
    pub is_seeded: bool,
    /// The mails that it is given before the server says anything; QUIT follows them.
    pub mails: Vec<Envelope>,
}

impl Dialogue {
    /// With one mail.
    pub fn new(config: Config) -> Self {
        let mail = Envelope::new("a@client.example").and_then(|envelope| envelope.to("b@mx.example"));
        Self { config, is_seeded: true, mails: vec![mail.expect("addresses")] }
    }

    /// Plays the script under every cut and says what came of it, which is always the same.
    ///
    /// A line of the script is `S: ` and a line that the server says, `C: ` and a line that the client has to say
    /// then, or `TLS`, a handshake, which `fails`, or after which the client `verified` the server, or has a channel
    /// `bound` to it. Where no line of the client stands, it says nothing.
    pub fn play(&self, script: &str) -> Record {
        self.play_under(script, Cuts::all)
    }

    /// As [`play`](Self::play), for a script that is too long for every cut.
    pub fn play_in_pieces(&self, script: &str) -> Record {
        self.play_under(script, |_| [Cuts::Whole, Cuts::Every(1), Cuts::Every(1000), Cuts::Random(1)].into_iter())
    }

    fn play_under<I: Iterator<Item = Cuts>>(&self, script: &str, cuts: impl FnOnce(usize) -> I) -> Record {
        let turns = turns(script);
        let length = turns.iter().map(|turn| if let Turn::Server(said) = turn { said.len() } else { 0 }).sum();
        let whole = self.play_once(&turns, Cuts::Whole);
        for cuts in cuts(length) {
            assert_eq!(self.play_once(&turns, cuts), whole, "{cuts:?}");
        }
        whole
    }

    fn play_once(&self, turns: &[Turn], mut cuts: Cuts) -> Record {
        let mut client = super::client(self.config.clone());
        if self.is_seeded {
            client.seed([7; 32]);
        }
        let mut caller = Caller::of(&vec![&b"x\r\n"[..]; self.mails.len()]);
        for mail in &self.mails {
            client.send(Instant::EPOCH, mail.clone()).expect("the queue has room");
        }
        client.quit(Instant::EPOCH);
        let (mut record, mut came, mut seen) = (Record::default(), 0, 0);
        caller.settle(Instant::EPOCH, &mut client, &mut record);
        for turn in turns {
            match turn {
                Turn::Server(said) => {
                    assert_eq!(unseen(&record, &mut seen), "", "before {}", said.escape_ascii());
                    let mut waiting = &said[..];
                    while !waiting.is_empty() {
                        let (piece, rest) = waiting.split_at(cuts.next(came, waiting.len()));
                        hear(&mut client, piece);
                        (came, waiting) = (came + piece.len(), rest);
                        caller.settle(Instant::EPOCH, &mut client, &mut record);
                    }
                }
                Turn::Client(says) => assert_eq!(unseen(&record, &mut seen), *says),
                Turn::Tls(how) => {
                    assert!(matches!(client.poll(), Output::UpgradeTls), "a handshake is due");
                    assert!(matches!(client.poll(), Output::UpgradeTls), "until it is made");
                    match how {
                        Some(tls) => client.handle_tls_established(Instant::EPOCH, *tls),
                        None => client.handle_tls_failed(Instant::EPOCH),
                    }
                    assert_eq!(client.is_tls(), how.is_some());
                    caller.settle(Instant::EPOCH, &mut client, &mut record);
                }
            }
        }
        assert_eq!(unseen(&record, &mut seen), "", "at the end");
        record
    }
}

/// What the server says reaches the client.
fn hear(client: &mut Connection, piece: &[u8]) {
    client.handle_input(Instant::EPOCH, Bytes::copy_from_slice(piece)).expect("the client listens");
}

/// What was sent and not looked at yet.
fn unseen(record: &Record, seen: &mut usize) -> String {
    let fresh = String::from_utf8_lossy(&record.sent[*seen..]).into_owned();
    *seen = record.sent.len();
    fresh
}

enum Turn {
    Server(Vec<u8>),
    Client(String),
    /// `None`: the handshake fails.
    Tls(Option<TlsInfo>),
}

/// Neighbouring lines of one side are one turn.
fn turns(script: &str) -> Vec<Turn> {
    let mut turns = Vec::new();
    for line in script.lines().map(str::trim_start).filter(|line| !line.is_empty()) {
        match (line.split_at_checked(3), turns.last_mut()) {
            (Some(("S: ", text)), Some(Turn::Server(said))) => said.extend_from_slice(format!("{text}\r\n").as_bytes()),
            (Some(("S: ", text)), _) => turns.push(Turn::Server(format!("{text}\r\n").into_bytes())),
            (Some(("C: ", text)), Some(Turn::Client(says))) => says.push_str(&format!("{text}\r\n")),
            (Some(("C: ", text)), _) => turns.push(Turn::Client(format!("{text}\r\n"))),
            _ => turns.push(Turn::Tls(match line {
                "TLS" => Some(TlsInfo::new(false)),
                "TLS verified" => Some(TlsInfo::new(true)),
                "TLS bound" => Some(TlsInfo::new(true).with_channel_binding(BINDING)),
                "TLS fails" => None,
                _ => panic!("{line}"),
            })),
        }
    }
    turns
}
