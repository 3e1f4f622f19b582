//! SIGKILL at any moment of a message: nothing that got its 250 is lost, and nothing that is not whole is in `new`.

use core::time::Duration;
use std::collections::BTreeSet;
use std::thread::{self, sleep};

use tempfile::TempDir;

use crate::program::{Dialogue, Serve};

/// Which messages got their 250, over all lives of the server.
#[derive(Debug, Default)]
struct Ledger {
    sent: usize,
    acknowledged: BTreeSet<usize>,
    kills: usize,
}

impl Ledger {
    fn next(&mut self) -> usize {
        self.sent += 1;
        self.sent
    }

    /// Compares the store with what is known: all that got its 250 is there, all that is there is whole, and nothing is
    /// there twice.
    fn check(&self, server: &Serve) -> BTreeSet<usize> {
        let mut stored = BTreeSet::new();
        for octets in server.messages() {
            let number = number(&octets).unwrap_or_else(|| panic!("no message: {}", octets.escape_ascii()));
            assert!(octets == message(number), "message {number} is not whole: {} octets", octets.len());
            assert!(stored.insert(number), "message {number} is there twice");
        }
        let lost: Vec<_> = self.acknowledged.difference(&stored).collect();
        assert!(lost.is_empty(), "lost, though 250 was said: {lost:?}");
        stored
    }
}

/// The message with this number: of one line, or of so many that it takes many reads and writes.
fn message(number: usize) -> Vec<u8> {
    let lines = [1, 40, 3000][number % 3];
    let line = format!("{number} {}\r\n", "x".repeat(64));
    format!("Number: {number}\r\n\r\n{}end\r\n", line.repeat(lines)).into_bytes()
}

fn number(octets: &[u8]) -> Option<usize> {
    let line = octets.strip_prefix(b"Number: ")?.split(|&octet| octet == b'\r').next()?;
    str::from_utf8(line).ok()?.parse().ok()
}

fn restart(folder: Option<TempDir>) -> Serve {
    match folder {
        Some(folder) => Serve::restart(folder, &["--raw"]),
        None => Serve::start(&["--raw"]),
    }
}

fn to_data(dialogue: &mut Dialogue) -> Option<()> {
    dialogue.try_say("MAIL FROM:<a@client.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n")?;
    for code in ["250", "250", "354"] {
        dialogue.reply()?.starts_with(code).then_some(())?;
    }
    Some(())
}

/// R-6.1-01, REL-14: killed behind every step of a dialogue; after the final dot at many distances from it.
#[test]
fn killed_at_every_step() {
    let mut ledger = Ledger::default();
    let mut folder = None;
    let mut taken_without_answer = 0;
    for step in 0..80_u64 {
        let server = restart(folder.take());
        let number = ledger.next();
        let octets = message(number);
        let mut dialogue = server.connect();
        let mut is_complete = false;
        if step >= 1 {
            to_data(&mut dialogue).expect("the server lives");
        }
        if step >= 2 {
            let end = match step {
                2..10 => octets.len() * step as usize / 10,
                _ => octets.len(),
            };
            dialogue.say(&octets[..end]);
        }
        if step >= 11 {
            dialogue.say(".\r\n");
            is_complete = true;
        }
        if step >= 12 {
            sleep(Duration::from_micros((step - 12) * 60));
        }
        if step == 79 {
            // The server has said it before it dies.
            assert!(dialogue.expect("250").starts_with("250"));
            ledger.acknowledged.insert(number);
        }
        folder = Some(server.kill());
        ledger.kills += 1;
        let answer = dialogue.reply();
        if answer.is_some_and(|answer| answer.starts_with("250")) {
            assert!(is_complete, "250 for half a message");
            ledger.acknowledged.insert(number);
        }
        let server = restart(folder.take());
        let stored = ledger.check(&server);
        assert!(is_complete || !stored.contains(&number), "half a message was stored");
        taken_without_answer = stored.difference(&ledger.acknowledged).count();
        folder = Some(server.kill());
    }
    assert!(!ledger.acknowledged.is_empty());
    println!(
        "{} kills: {} messages got their 250 and are there, {taken_without_answer} are there without",
        ledger.kills,
        ledger.acknowledged.len()
    );
}

/// R-6.1-01, REL-14: killed while four clients send one message after the other.
#[test]
fn killed_under_load() {
    let mut ledger = Ledger::default();
    let mut folder = None;
    for round in 0..25_u64 {
        let server = restart(folder.take());
        let clients: Vec<_> = (0..4)
            .map(|client| {
                let mut dialogue = server.connect();
                let first = 1 + client * 1_000_000 + round as usize * 10_000;
                thread::spawn(move || {
                    let mut acknowledged = Vec::new();
                    for number in first.. {
                        let mut transfer = || {
                            to_data(&mut dialogue)?;
                            dialogue.try_say(message(number))?;
                            dialogue.try_say(b".\r\n")?;
                            dialogue.reply()?.starts_with("250").then_some(())
                        };
                        match transfer() {
                            Some(()) => acknowledged.push(number),
                            None => break,
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        sleep(Duration::from_millis(5 + round * 7 % 40));
        folder = Some(server.kill());
        ledger.kills += 1;
        for client in clients {
            ledger.acknowledged.extend(client.join().expect("a client does not panic"));
        }
    }
    let server = restart(folder);
    let stored = ledger.check(&server);
    println!(
        "{} kills: {} messages got their 250 and are there, {} are there without",
        ledger.kills,
        ledger.acknowledged.len(),
        stored.len() - ledger.acknowledged.len()
    );
}
