//! A connection of the core, in either role, in virtual time.

use ::core::time::Duration;
use std::collections::VecDeque;
use std::io;

use bytes::Bytes;
use smtp_proto::{Drive, Instant, Output, TlsInfo};

use super::BINDING;
use crate::target::{Heard, Unavailable, Wire};
use crate::transcript::{Act, Expectation};

/// What is special to a role: its connection, and the application of it.
pub(super) trait Role {
    type Connection: Drive;

    /// What it is called in errors.
    const NAME: &str;

    /// Whether what has arrived is read before an answer leaves, as it is when it comes in one piece: so the way in which it
    /// was cut makes no difference.
    const READS_FIRST: bool;

    /// Sees to an event.
    fn handle(&mut self, now: Instant, connection: &mut Self::Connection, event: <Self::Connection as Drive>::Event);

    /// The connection is over. This is said once.
    fn closed(&mut self) {}

    /// Whether the script, at the other end, shows a certificate that is verified.
    fn is_verified(&self) -> bool;

    /// Tells the application something.
    fn tell(&mut self, now: Instant, connection: &mut Self::Connection, act: &Act) -> Result<(), Unavailable>;

    /// Whether the application saw this.
    fn saw(&self, expectation: &Expectation, attachments: &[(String, Vec<u8>)]) -> Option<Result<(), String>>;
}

/// A connection of the core, and the script at the other end.
pub(super) struct CoreWire<R: Role> {
    connection: R::Connection,
    role: R,
    now: Instant,
    /// What the script has said and the connection has not read.
    inbox: VecDeque<Bytes>,
    /// What the connection has said and the script has not heard.
    outbox: Vec<u8>,
    /// The script says nothing more, and the connection knows it.
    is_ended: (bool, bool),
    is_closed: bool,
}

impl<R: Role> CoreWire<R> {
    pub(super) fn new(connection: R::Connection, role: R) -> Self {
        Self {
            connection,
            role,
            now: Instant::EPOCH,
            inbox: VecDeque::new(),
            outbox: Vec::new(),
            is_ended: (false, false),
            is_closed: false,
        }
    }

    /// Lets the connection do all it can.
    fn run(&mut self) {
        loop {
            match self.connection.poll() {
                Output::Event(event) => self.role.handle(self.now, &mut self.connection, event),
                Output::Transmit(octets) => {
                    let octets = octets.to_vec();
                    if !(R::READS_FIRST && self.connection.wants_input() && self.feed()) {
                        self.connection.transmitted(self.now, octets.len());
                        self.outbox.extend_from_slice(&octets);
                    }
                }
                Output::Wait(wait) => {
                    if wait.input && self.feed() {
                        continue;
                    }
                    if !self.inbox.is_empty() || !self.end_is_due() {
                        return;
                    }
                    self.connection.handle_eof(self.now);
                }
                Output::UpgradeTls => {
                    if !self.end_is_due() {
                        return;
                    }
                    self.connection.handle_tls_failed(self.now);
                }
                Output::Closed(_) => {
                    if !core::mem::replace(&mut self.is_closed, true) {
                        self.role.closed();
                    }
                    return;
                }
            }
        }
    }

    /// Hands in the next piece.
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

    /// Whether the connection has to be told that the script says nothing more. It is told once.
    fn end_is_due(&mut self) -> bool {
        let is_due = self.is_ended == (true, false);
        self.is_ended.1 |= is_due;
        is_due
    }

    /// Lets time pass up to a point; `for_output`: only until the connection says something or closes.
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

impl<R: Role> Wire for CoreWire<R> {
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        if !R::READS_FIRST {
            // What it says leaves before it reads what comes now.
            self.run();
        }
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
            return Err(io::Error::other(format!("the {} says in clear: {}", R::NAME, self.outbox.escape_ascii())));
        }
        if !matches!(self.connection.poll(), Output::UpgradeTls) {
            return Err(io::Error::other(format!("the {} is not at a TLS handshake", R::NAME)));
        }
        // What is no TLS record breaks the handshake.
        if fails || !self.inbox.is_empty() {
            self.connection.handle_tls_failed(self.now);
            return if fails { Ok(()) } else { Err(io::Error::other("the script has spoken in clear")) };
        }
        let info = TlsInfo::new(self.role.is_verified()).with_channel_binding(BINDING);
        self.connection.handle_tls_established(self.now, info);
        Ok(())
    }

    fn pass(&mut self, time: Duration) {
        self.advance(self.now + time, false);
    }

    fn tell(&mut self, act: &Act) -> Result<(), Unavailable> {
        self.run();
        self.role.tell(self.now, &mut self.connection, act)
    }

    fn saw(&mut self, expectation: &Expectation, attachments: &[(String, Vec<u8>)]) -> Option<Result<(), String>> {
        self.run();
        self.role.saw(expectation, attachments)
    }
}
