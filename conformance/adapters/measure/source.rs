//! What the sources of all adapters share: their options, the mails that they send, and their report.

use core::fmt;
use core::iter::repeat_n;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::process::{ExitCode, exit};
use std::time::Instant;

use bytes::Bytes;
use lexopt::{Arg, Error, Parser, ValueExt as _};
use smtp_proto::client::{Config, Envelope, Outcome, Summary, Verdict};

/// What a source is told on its command line.
#[derive(Clone)]
pub(crate) struct Options {
    /// The server.
    pub(crate) connect: String,
    /// How many connections send at one time.
    pub(crate) connections: usize,
    /// How many messages they send in all.
    messages: usize,
    /// Octets of each message.
    size: usize,
    /// Recipients of each message.
    rcpts: usize,
    pipelining: bool,
}

/// A mail, and its message as any runtime reads it.
pub(crate) type Mail = (Envelope, Cursor<Bytes>);

const HELP: &str = "\
Sends mails to a server, and says how many it took in a second.

    --connect ADDR     the server [default: 127.0.0.1:2525]
    --connections C    how many connections send at one time [default: 1]
    --messages N       how many messages they send in all [default: 1000]
    --size BYTES       octets of each message [default: 4096]
    --rcpts R          recipients of each message [default: 1]
    --no-pipelining    one command at a time
    --help             this text";

/// The longest line of a message, with its end (RFC 5322 §2.1.1).
const LINE: usize = 80;

impl Options {
    pub(crate) fn parse() -> Result<Self, Error> {
        let mut options = Self {
            connect: "127.0.0.1:2525".into(),
            connections: 1,
            messages: 1000,
            size: 4096,
            rcpts: 1,
            pipelining: true,
        };
        let mut parser = Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("connect") => options.connect = parser.value()?.string()?,
                Arg::Long("connections") => options.connections = parser.value()?.parse_with(at_least::<1>)?,
                Arg::Long("messages") => options.messages = parser.value()?.parse()?,
                Arg::Long("size") => options.size = parser.value()?.parse_with(at_least::<2>)?,
                Arg::Long("rcpts") => options.rcpts = parser.value()?.parse_with(at_least::<1>)?,
                Arg::Long("no-pipelining") => options.pipelining = false,
                Arg::Long("help") => {
                    println!("{HELP}");
                    exit(0);
                }
                other => return Err(other.unexpected()),
            }
        }
        Ok(options)
    }

    pub(crate) fn config(&self) -> Result<Config, Box<dyn core::error::Error>> {
        let mut config = Config::new("localhost")?;
        config.pipelining = self.pipelining;
        Ok(config)
    }

    /// The mails of each connection: as many as of every other, or one more.
    pub(crate) fn mails(
        &self,
    ) -> Result<Vec<impl ExactSizeIterator<Item = Mail> + Send + 'static>, Box<dyn core::error::Error>> {
        let mut envelope = Envelope::new("source@example.org")?.with_size(self.size as u64);
        for number in 0..self.rcpts {
            envelope.add_recipient(&format!("sink{number}@example.org"))?;
        }
        let mail = (envelope, Cursor::new(message(self.size)));
        let (each, more) = (self.messages / self.connections, self.messages % self.connections);
        let share = |number| repeat_n(mail.clone(), each + usize::from(number < more));
        Ok((0..self.connections).map(share).collect())
    }
}

/// At least `LEAST`.
fn at_least<const LEAST: usize>(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number >= LEAST => Ok(number),
        _ => Err(format!("not a number from {LEAST}")),
    }
}

/// A message of so many octets, which ends in CRLF.
fn message(size: usize) -> Bytes {
    let mut octets = Vec::with_capacity(size);
    if size > 32 {
        octets.extend_from_slice(b"Subject: measured\r\n\r\n");
    }
    while octets.len() < size {
        let left = size - octets.len();
        // What is left has room for another line end.
        let line = if left == LINE + 1 { LINE - 1 } else { left.min(LINE) };
        octets.resize(octets.len() + line - 2, b'x');
        octets.extend_from_slice(b"\r\n");
    }
    octets.into()
}

/// What became of the mails of one connection, or of all.
#[derive(Default)]
pub(crate) struct Tally {
    accepted: usize,
    /// How many mails failed, by the reason.
    failed: BTreeMap<String, usize>,
}

impl Tally {
    /// What became of a mail.
    pub(crate) fn add<E: fmt::Display>(&mut self, outcome: Result<Outcome, E>) {
        match outcome {
            Ok(outcome) if outcome.summary() == Summary::Accepted => self.accepted += 1,
            Ok(outcome) => self.fail(1, reason(&outcome)),
            Err(error) => self.fail(1, error),
        }
    }

    /// So many mails were not sent.
    pub(crate) fn fail(&mut self, mails: usize, reason: impl fmt::Display) {
        if mails > 0 {
            *self.failed.entry(reason.to_string()).or_default() += mails;
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.accepted += other.accepted;
        for (reason, mails) in other.failed {
            self.fail(mails, reason);
        }
    }

    /// Prints what became of all mails, and says how the program ends.
    pub(crate) fn report(&self, options: &Options, begun: Instant) -> ExitCode {
        let seconds = begun.elapsed().as_secs_f64();
        let per_second = self.accepted as f64 / seconds;
        let octets = per_second * options.size as f64;
        println!(
            "{} messages accepted in {seconds:.3} s: {per_second:.0} messages/s, {octets:.0} octets/s",
            self.accepted
        );
        for (reason, mails) in &self.failed {
            println!("{mails} messages failed: {reason}");
        }
        if self.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// The first verdict that is no yes.
fn reason(outcome: &Outcome) -> String {
    let verdict = outcome.recipients().map(|(_, verdict)| verdict).find(|verdict| !verdict.is_accepted());
    let kind = match verdict {
        Some(Verdict::Permanent(_)) => "refused",
        Some(Verdict::Temporary(_)) => "not now",
        _ => "unknown",
    };
    match (verdict.and_then(Verdict::reply), outcome.failure()) {
        (Some(reply), _) => format!("{kind}: {reply}"),
        (None, Some(failure)) => format!("{kind}: {failure}"),
        (None, None) => kind.to_owned(),
    }
}
