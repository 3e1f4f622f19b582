//! The core's server.

use ::core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use smtp_proto::server::{Connection, Output};
use smtp_proto::{Instant, TlsInfo};

use super::BINDING;
use super::application::Application;
use super::settings;
use crate::target::{Heard, Unavailable, Wire};
use crate::transcript::{Act, Expectation};

/// A connection to the core's server.
pub(super) struct ServerWire {
    connection: Connection,
    application: Application,
    now: Instant,
    /// The script's client shows a certificate.
    shows_certificate: bool,
    /// What the script has said and the server has not read.
    inbox: VecDeque<Bytes>,
    /// What the server has said and the script has not heard.
    outbox: Vec<u8>,
    /// The script says nothing more, and the server knows it.
    is_ended: (bool, bool),
    is_closed: bool,
}

impl ServerWire {
    pub(super) fn new(domain: &str, setup: &[Act]) -> Result<Self, Unavailable> {
        let (config, shows_certificate) = settings::of_server(domain, setup)?;
        let mut connection = Connection::new(Instant::EPOCH, Arc::new(config)).map_err(settings::broken)?;
        connection.seed([7; 32]);
        let mut wire = Self {
            connection,
            application: Application::default(),
            now: Instant::EPOCH,
            shows_certificate,
            inbox: VecDeque::new(),
            outbox: Vec::new(),
            is_ended: (false, false),
            is_closed: false,
        };
        for act in setup {
            if let Act::Reject { event, reply } = act {
                wire.application.reject_next(event, reply).map_err(Unavailable::Unreachable)?;
            }
        }
        Ok(wire)
    }

    /// Lets the server do all it can. What has arrived is read before an answer leaves, as it is when it comes in one piece:
    /// so the way in which it was cut makes no difference.
    fn run(&mut self) {
        loop {
            match self.connection.poll() {
                Output::Event(event) => self.application.handle(self.now, &mut self.connection, event),
                Output::Transmit(octets) => {
                    let octets = octets.to_vec();
                    if !self.connection.wants_input() || !self.feed() {
                        self.connection.transmitted(self.now, octets.len());
                        self.outbox.extend_from_slice(&octets);
                    }
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
                        self.connection.handle_eof(self.now);
                        continue;
                    }
                    return;
                }
                Output::Closed(_) => {
                    if !self.is_closed {
                        self.application.closed();
                    }
                    self.is_closed = true;
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

    /// Lets time pass up to a point; `for_output`: only until the server says something or closes.
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

impl Wire for ServerWire {
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
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
            return Err(io::Error::other(format!("the server says in clear: {}", self.outbox.escape_ascii())));
        }
        if !matches!(self.connection.poll(), Output::UpgradeTls) {
            return Err(io::Error::other("the server is not at a TLS handshake"));
        }
        // What is no TLS record breaks the handshake.
        if fails || !self.inbox.is_empty() {
            self.connection.handle_tls_failed(self.now);
            return if fails { Ok(()) } else { Err(io::Error::other("the script has spoken in clear")) };
        }
        let info = TlsInfo::new(self.shows_certificate).with_channel_binding(BINDING);
        self.connection.handle_tls_established(self.now, info);
        Ok(())
    }

    fn pass(&mut self, time: Duration) {
        self.advance(self.now + time, false);
    }

    fn tell(&mut self, act: &Act) -> Result<(), Unavailable> {
        self.run();
        match act {
            Act::Reject { event, reply } => {
                self.application.reject_next(event, reply).map_err(Unavailable::Unreachable)
            }
            Act::Shutdown => {
                self.connection.shutdown(self.now);
                Ok(())
            }
            Act::Send { .. } | Act::Quit | Act::Set(_) => {
                Err(Unavailable::Unsupported(format!("the application of a server is not told {act:?}")))
            }
        }
    }

    fn saw(&mut self, expectation: &Expectation, attachments: &[(String, Vec<u8>)]) -> Option<Result<(), String>> {
        self.run();
        self.application.saw(expectation, attachments)
    }
}
