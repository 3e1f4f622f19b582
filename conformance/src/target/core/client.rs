//! The core's client.

use ::core::time::Duration;
use std::collections::VecDeque;
use std::io;

use bytes::Bytes;
use smtp_proto::client::{Connection, Envelope, Event, Output, Verdict};
use smtp_proto::command::BodyKind;
use smtp_proto::reply::Reply;
use smtp_proto::{Instant, TlsInfo};

use super::BINDING;
use super::settings;
use crate::play::pattern;
use crate::target::{Heard, Unavailable, Wire};
use crate::transcript::{Act, Expectation, Outcome};

/// A connection from the core's client.
pub(super) struct ClientWire {
    connection: Connection,
    now: Instant,
    /// The certificate of the script's server is verified.
    is_verified: bool,
    /// The messages, in the order of the mails.
    bodies: Vec<Bytes>,
    /// What became of each recipient.
    outcomes: Vec<(String, Outcome, Option<Reply>)>,
    inbox: VecDeque<Bytes>,
    outbox: Vec<u8>,
    /// The script says nothing more, and the client knows it.
    is_ended: (bool, bool),
    is_closed: bool,
}

impl ClientWire {
    pub(super) fn new(name: &str, job: &[Act], attachments: &[(String, Vec<u8>)]) -> Result<Self, Unavailable> {
        let (config, is_verified) = settings::of_client(name, job)?;
        let mut connection = Connection::new(Instant::EPOCH, config).map_err(settings::broken)?;
        connection.seed([7; 32]);
        let mut wire = Self {
            connection,
            now: Instant::EPOCH,
            is_verified,
            bodies: Vec::new(),
            outcomes: Vec::new(),
            inbox: VecDeque::new(),
            outbox: Vec::new(),
            is_ended: (false, false),
            is_closed: false,
        };
        for act in job {
            if let Act::Send { from, to, data, size, body } = act {
                let found = attachments.iter().find(|(name, _)| name == data);
                let (_, octets) =
                    found.ok_or_else(|| settings::broken(format!("there is no file {data} beside the transcript")))?;
                wire.send_mail(job, from, to, octets, *size, body.as_deref())?;
            }
        }
        wire.connection.quit(wire.now);
        Ok(wire)
    }

    /// Hands in a mail. One that cannot be made has failed.
    fn send_mail(
        &mut self,
        job: &[Act],
        from: &str,
        to: &[String],
        octets: &[u8],
        size: Option<u64>,
        body: Option<&str>,
    ) -> Result<(), Unavailable> {
        let envelope = to.iter().try_fold(Envelope::new(from), |envelope, to| match envelope {
            Ok(envelope) => Ok(envelope.to(to)),
            Err(error) => Err(error),
        });
        let Ok(Ok(mut envelope)) = envelope else {
            self.outcomes.extend(to.iter().map(|to| (to.clone(), Outcome::Failed, None)));
            return Ok(());
        };
        if let Some(size) = size {
            envelope = envelope.with_size(size);
        }
        envelope = match body.map(str::to_ascii_uppercase).as_deref() {
            None => envelope,
            Some("8BITMIME") => envelope.with_body(BodyKind::EightBitMime),
            Some("7BIT") => envelope.with_body(BodyKind::SevenBit),
            Some(other) => return Err(Unavailable::Unsupported(format!("the client has no BODY={other}"))),
        };
        envelope = settings::with_submitter(envelope, job)?;
        self.connection.send(self.now, envelope).map_err(|refused| settings::broken(refused.misuse))?;
        self.bodies.push(Bytes::copy_from_slice(octets));
        Ok(())
    }

    /// Lets the client do all it can.
    fn run(&mut self) {
        loop {
            match self.connection.poll() {
                Output::Event(event) => self.handle(event),
                Output::Transmit(octets) => {
                    let count = octets.len();
                    self.outbox.extend_from_slice(octets);
                    self.connection.transmitted(self.now, count);
                }
                Output::Wait(wait) => {
                    if wait.input && self.feed() {
                        continue;
                    }
                    if self.is_ended == (true, false) && self.inbox.is_empty() {
                        self.is_ended.1 = true;
                        self.connection.handle_eof(self.now);
                        continue;
                    }
                    return;
                }
                Output::UpgradeTls => {
                    if self.is_ended == (true, false) {
                        self.is_ended.1 = true;
                        self.connection.handle_tls_failed(self.now);
                        continue;
                    }
                    return;
                }
                Output::Closed(_) => {
                    self.is_closed = true;
                    return;
                }
            }
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Body(token) => {
                let number = usize::try_from(token.ordinal()).expect("a few mails");
                let body = self.bodies.get(number).cloned().unwrap_or_default();
                // A body that cannot be sent as it is ends the connection, and the outcome says so.
                if body.is_empty() || self.connection.write_body(self.now, &token, body).is_ok() {
                    let _ = self.connection.end_body(self.now, token);
                }
            }
            Event::Outcome(outcome) => {
                self.outcomes.extend(outcome.recipients().map(|(address, verdict)| {
                    let became = match verdict {
                        Verdict::Accepted(_) => Outcome::Accepted,
                        Verdict::Temporary(Some(_)) => Outcome::Deferred,
                        Verdict::Permanent(Some(_)) => Outcome::Refused,
                        Verdict::Unknown => Outcome::Unknown,
                        _ => Outcome::Failed,
                    };
                    (address.to_owned(), became, verdict.reply().cloned())
                }));
            }
            _ => {}
        }
    }

    fn feed(&mut self) -> bool {
        let Some(piece) = self.inbox.pop_front() else { return false };
        match self.connection.handle_input(self.now, piece) {
            Ok(()) => true,
            Err(refused) => {
                self.inbox.push_front(refused.value);
                false
            }
        }
    }

    fn advance(&mut self, until: Instant, for_output: bool) {
        loop {
            self.run();
            if for_output && (!self.outbox.is_empty() || self.is_closed) {
                return;
            }
            match self.connection.deadline() {
                Some(due) if due <= until && !self.is_closed => {
                    self.now = self.now.max(due);
                    self.connection.handle_timeout(self.now);
                }
                _ => {
                    self.now = self.now.max(until);
                    return;
                }
            }
        }
    }
}

impl Wire for ClientWire {
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        // What it says leaves before it reads what comes now.
        self.run();
        if self.is_closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.inbox.push_back(Bytes::copy_from_slice(octets));
        Ok(())
    }

    fn hear(&mut self, within: Duration) -> io::Result<Heard> {
        self.advance(self.now + within, true);
        Ok(if !self.outbox.is_empty() {
            Heard::Octets(::core::mem::take(&mut self.outbox))
        } else if self.is_closed {
            Heard::End
        } else {
            Heard::Quiet
        })
    }

    fn end(&mut self) -> io::Result<()> {
        self.is_ended.0 = true;
        Ok(())
    }

    fn start_tls(&mut self, fails: bool) -> io::Result<()> {
        self.run();
        if !self.outbox.is_empty() {
            return Err(io::Error::other(format!("the client says in clear: {}", self.outbox.escape_ascii())));
        }
        if !matches!(self.connection.poll(), Output::UpgradeTls) {
            return Err(io::Error::other("the client is not at a TLS handshake"));
        }
        // What is no TLS record breaks the handshake.
        if fails || !self.inbox.is_empty() {
            self.connection.handle_tls_failed(self.now);
            return if fails { Ok(()) } else { Err(io::Error::other("the script has spoken in clear")) };
        }
        let info = TlsInfo::new(self.is_verified).with_channel_binding(BINDING);
        self.connection.handle_tls_established(self.now, info);
        Ok(())
    }

    fn pass(&mut self, time: Duration) {
        self.advance(self.now + time, false);
    }

    fn saw(&mut self, expectation: &Expectation, _: &[(String, Vec<u8>)]) -> Option<Result<(), String>> {
        let Expectation::Recipient { outcome, recipient, reply } = expectation else { return None };
        self.run();
        let Some((_, became, heard)) = self.outcomes.iter().find(|(address, ..)| address == recipient) else {
            return Some(Err(format!("nothing is known of <{recipient}> yet")));
        };
        let heard = heard.as_ref().map(|reply| {
            let mut octets = Vec::new();
            reply.encode(&mut octets);
            pattern::Heard::of_wire(&octets)
        });
        // With a reply beside it, `refused` says nothing about whether that is for good.
        let is_such =
            outcome == became || (*outcome, *became) == (Outcome::Refused, Outcome::Deferred) && reply.is_some();
        let is_reply = match (reply, &heard) {
            (None, _) => true,
            (Some(pattern), Some(heard)) => pattern::which(pattern, heard).is_some(),
            (Some(_), None) => false,
        };
        if is_such && is_reply {
            return Some(Ok(()));
        }
        let word = match became {
            Outcome::Accepted => "accepted",
            Outcome::Refused => "refused",
            Outcome::Deferred => "deferred",
            Outcome::Unknown => "unknown",
            Outcome::Failed => "failed",
        };
        Some(Err(heard.map_or_else(|| word.to_owned(), |heard| format!("{word} {heard}"))))
    }
}
