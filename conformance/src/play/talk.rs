//! What is said to the target and heard from it.

use core::fmt;
use core::mem;
use core::time::Duration;
use std::time::Instant;

use super::chunks::Cutter;
use super::dialogue::Dialogue;
use super::pattern::Heard as Reply;
use crate::target::{Heard, Unavailable, Wire};
use crate::transcript::{Act, Chunking, Expectation, Side};

/// Octets without a line end that are taken for a line: nobody reads on for ever.
const ENDLESS: usize = 1 << 20;
/// Octets of a reply, likewise.
const LONGEST_REPLY: usize = 4 << 20;
/// Octets that are kept unread: more than the longest thing that a transcript can expect.
const MOST_UNREAD: usize = 1 << 29;

/// The wire, and what was heard and not looked at yet.
pub(super) struct Talk<'w> {
    wire: Box<dyn Wire + 'w>,
    /// The script's side.
    script: Side,
    cutter: Cutter,
    patience: Duration,
    /// Said with the next thing that has to leave.
    pending: Vec<u8>,
    heard: Vec<u8>,
    end: Option<Silence>,
    /// How long nothing was said or heard.
    idle: Duration,
    pub(super) dialogue: Dialogue,
}

/// Why nothing was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// The other side closed.
    Closed,
    /// The connection broke.
    Broken(String),
    /// Nothing came in this time.
    Quiet(Duration),
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the end of the connection"),
            Self::Broken(error) => write!(f, "the end of the connection ({error})"),
            Self::Quiet(time) => write!(f, "nothing for {time:?}"),
        }
    }
}

impl<'w> Talk<'w> {
    pub(super) fn new(
        wire: Box<dyn Wire + 'w>,
        script: Side,
        chunking: Chunking,
        patience: Duration,
        dialogue: Dialogue,
    ) -> Self {
        Self {
            wire,
            script,
            cutter: Cutter::new(chunking),
            patience,
            pending: Vec::new(),
            heard: Vec::new(),
            end: None,
            idle: Duration::ZERO,
            dialogue,
        }
    }

    /// Says this, with what is pending, at once.
    pub(super) fn say(&mut self, octets: &[u8]) {
        self.pending.extend_from_slice(octets);
        self.flush();
    }

    /// Says this as soon as something has to be heard that has not come yet.
    pub(super) fn say_soon(&mut self, octets: &[u8]) {
        self.pending.extend_from_slice(octets);
    }

    pub(super) fn flush(&mut self) {
        let octets = mem::take(&mut self.pending);
        if octets.is_empty() {
            return;
        }
        self.idle = Duration::ZERO;
        self.dialogue.say(self.script, &octets);
        for piece in self.cutter.cut(&octets) {
            // Whoever has closed is found out by listening.
            if self.wire.send(piece).is_err() {
                return;
            }
        }
    }

    /// Closes the script's side.
    pub(super) fn close(&mut self) {
        self.flush();
        self.dialogue.mark(self.script, "=eof");
        let _ = self.wire.end();
    }

    /// Whether the connection has ended, as far as is known.
    pub(super) fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// Makes the handshake.
    pub(super) fn start_tls(&mut self, fails: bool) -> Result<(), String> {
        self.flush();
        self.idle = Duration::ZERO;
        self.dialogue.note(if fails { "=tls fail" } else { "=tls" });
        self.wire.start_tls(fails).map_err(|error| error.to_string())
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, time: Duration) {
        self.flush();
        self.dialogue.note(&format!("@ +{time:?}"));
        self.wire.pass(time);
        self.idle += time;
    }

    /// Tells the application.
    pub(super) fn tell(&mut self, act: &Act) -> Result<(), Unavailable> {
        self.flush();
        self.wire.tell(act)
    }

    pub(super) fn saw(
        &mut self,
        expectation: &Expectation,
        attachments: &[(String, Vec<u8>)],
    ) -> Option<Result<(), String>> {
        self.flush();
        self.wire.saw(expectation, attachments)
    }

    /// How long nothing was said or heard.
    pub(super) fn idle(&self) -> Duration {
        self.idle
    }

    /// Listens until something comes that was not heard before.
    pub(super) fn listen(&mut self, within: Duration) -> Result<(), Silence> {
        self.flush();
        self.glance(within)
    }

    /// As [`listen`](Self::listen), without saying first what is pending.
    pub(super) fn glance(&mut self, within: Duration) -> Result<(), Silence> {
        if let Some(end) = &self.end {
            return Err(end.clone());
        }
        let silence = match self.wire.hear(within) {
            Ok(Heard::Octets(octets)) => {
                self.idle = Duration::ZERO;
                self.dialogue.hear(self.script, &octets);
                self.heard.extend_from_slice(&octets);
                if self.heard.len() <= MOST_UNREAD {
                    return Ok(());
                }
                Silence::Broken("it says more than anybody reads".into())
            }
            Ok(Heard::Quiet) => {
                self.idle += within;
                return Err(Silence::Quiet(within));
            }
            Ok(Heard::End) => Silence::Closed,
            Err(error) => Silence::Broken(error.to_string()),
        };
        self.dialogue.end(self.script);
        self.end = Some(silence.clone());
        Err(silence)
    }

    /// What was heard and not taken yet.
    pub(super) fn unread(&self) -> &[u8] {
        &self.heard
    }

    /// Throws that away.
    pub(super) fn forget(&mut self) {
        self.heard.clear();
    }

    /// The next line, with its line end. What is no whole line stays unread.
    pub(super) fn line(&mut self) -> Result<Vec<u8>, Silence> {
        self.line_since(Instant::now())
    }

    /// Takes the next line back.
    pub(super) fn put_back(&mut self, line: &[u8]) {
        self.heard.splice(..0, line.iter().copied());
    }

    /// The next reply. What has the form of none is one, too, with a flaw.
    pub(super) fn reply(&mut self) -> Result<Reply, Silence> {
        let start = Instant::now();
        let mut lines = vec![self.line_since(start)?];
        let mut length = lines[0].len();
        while length < LONGEST_REPLY && lines.last().is_some_and(|line| Reply::goes_on(line)) {
            match self.line_since(start) {
                Ok(line) => {
                    length += line.len();
                    lines.push(line);
                }
                Err(silence) => {
                    let mut reply = Reply::read(&lines);
                    reply.flaw.get_or_insert_with(|| format!("its last line did not come, but {silence}"));
                    return Ok(reply);
                }
            }
        }
        let mut reply = Reply::read(&lines);
        if lines.last().is_some_and(|line| Reply::goes_on(line)) {
            reply.flaw.get_or_insert_with(|| "it has no end".into());
        }
        Ok(reply)
    }

    /// So many octets, or as many as begin as these do.
    pub(super) fn octets(&mut self, expected: &[u8]) -> Result<Vec<u8>, Silence> {
        loop {
            let length = self.heard.len().min(expected.len());
            if length == expected.len() || self.heard[..length] != expected[..length] {
                return Ok(self.heard.drain(..length).collect());
            }
            self.listen(self.patience)?;
        }
    }

    /// The next line, for which somebody has waited since then. Whoever says it octet by octet does not make it wait longer.
    fn line_since(&mut self, start: Instant) -> Result<Vec<u8>, Silence> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.heard[searched..].iter().position(|&octet| octet == b'\n') {
                return Ok(self.heard.drain(..=searched + end).collect());
            }
            searched = self.heard.len();
            if searched >= ENDLESS {
                return Ok(mem::take(&mut self.heard));
            }
            self.listen(self.patience.saturating_sub(start.elapsed())).map_err(|silence| match silence {
                Silence::Quiet(_) => Silence::Quiet(self.patience),
                end => end,
            })?;
        }
    }
}
