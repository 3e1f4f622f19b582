//! A target that follows a list of turns, and what the player made of it.
#![allow(unreachable_pub, reason = "a part of this test program")]

use core::time::Duration;
use std::io;

use smtp_conformance::play::{Options, play};
use smtp_conformance::target::{Heard, Target, Unavailable, Variables, Wire};
use smtp_conformance::transcript::{Act, Expectation, Need, Side, Transcript};
use smtp_conformance::verdict::{Report, Verdict};

/// What a scripted target does.
#[derive(Clone, Copy, Debug)]
pub enum Turn {
    /// Says this in one write.
    Says(&'static str),
    /// Says nothing until so many line ends have come since the last such turn.
    Hears(usize),
    /// Closes.
    Closes,
    /// Is at a TLS handshake.
    Tls,
}

/// A target of both roles.
pub struct Scripted {
    turns: Vec<Turn>,
    variables: Variables,
}

impl Scripted {
    pub fn new(turns: &[Turn]) -> Self {
        let mut variables = Variables::new("mx.example", "alice@client.example");
        variables.recipients.push("bob@mx.example".into());
        Self { turns: turns.to_vec(), variables }
    }

    fn wire(&self) -> Box<dyn Wire + '_> {
        Box::new(ScriptedWire { turns: self.turns.clone().into(), line_ends: 0, is_ended: false })
    }
}

impl Target for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn variables(&self) -> &Variables {
        &self.variables
    }

    fn offers(&self, _: Side, _: &Need) -> Result<(), String> {
        Ok(())
    }

    fn connect(&self, _: &[Act]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        Ok(self.wire())
    }

    fn launch(&self, _: &[Act], _: &[(String, Vec<u8>)]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        Ok(self.wire())
    }
}

struct ScriptedWire {
    turns: std::collections::VecDeque<Turn>,
    line_ends: usize,
    is_ended: bool,
}

impl Wire for ScriptedWire {
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.line_ends += octets.iter().filter(|&&octet| octet == b'\n').count();
        Ok(())
    }

    fn hear(&mut self, _: Duration) -> io::Result<Heard> {
        loop {
            match self.turns.front().copied() {
                Some(Turn::Says(text)) => {
                    self.turns.pop_front();
                    return Ok(Heard::Octets(text.as_bytes().to_vec()));
                }
                Some(Turn::Hears(count)) if self.line_ends >= count => {
                    self.line_ends -= count;
                    self.turns.pop_front();
                }
                Some(Turn::Hears(_)) if self.is_ended => return Ok(Heard::End),
                Some(Turn::Closes) => return Ok(Heard::End),
                Some(Turn::Hears(_) | Turn::Tls) | None => return Ok(Heard::Quiet),
            }
        }
    }

    fn end(&mut self) -> io::Result<()> {
        self.is_ended = true;
        Ok(())
    }

    fn start_tls(&mut self, _: bool) -> io::Result<()> {
        match self.turns.pop_front() {
            Some(Turn::Tls) => Ok(()),
            other => Err(io::Error::other(format!("no TLS, but {other:?}"))),
        }
    }

    fn pass(&mut self, _: Duration) {}

    fn saw(&mut self, expectation: &Expectation, _: &[(String, Vec<u8>)]) -> Option<Result<(), String>> {
        match expectation {
            Expectation::Event(event) if event == "reset" => Some(Err("no reset".into())),
            Expectation::Event(_) => Some(Ok(())),
            _ => None,
        }
    }
}

/// Plays a transcript without its first line on a target that takes these turns.
pub fn report(text: &str, side: Side, turns: &[Turn]) -> Report {
    let text = format!("smtpt: 1\n{text}");
    let transcript = Transcript::parse("test", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    play(&transcript, side, &Scripted::new(turns), &Options::default())
}

/// What was found apart from what passed: the verdict, the clause, the line counted in the body, expected and got.
pub fn found(report: &Report, header: usize) -> Vec<String> {
    let is_news = |verdict: Verdict| !matches!(verdict, Verdict::Pass | Verdict::Skip);
    let news = report.findings.iter().filter(|finding| is_news(finding.verdict));
    news.map(|finding| {
        let clause = finding.clause.as_ref().map_or("-", |(id, ..)| id.as_str());
        let line = finding.line.saturating_sub(header);
        format!("{} {clause} {line}: {} but {}", finding.verdict, finding.expected, finding.got)
    })
    .collect()
}

/// The verdicts on the clauses, in order.
pub fn verdicts(report: &Report) -> Vec<(&str, Verdict)> {
    let clauses =
        report.findings.iter().filter_map(|finding| Some((finding.clause.as_ref()?.0.as_str(), finding.verdict)));
    clauses.collect()
}
