//! The server connection: inputs, output, deadlines.

use alloc::sync::Arc;
use core::mem;
use core::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;

use super::config::Config;
use super::event::{Abort, Event};
use super::replies;
use super::table::State;
use super::timers::{Activity, Timers};
use super::token::{Connect, Id};
use crate::body::BodyDecoder;
use crate::config::ConfigError;
use crate::line::LineSplitter;
use crate::outbox::Outbox;
use crate::reply::{Detail, Reply, ReplyCode};
use crate::{CloseReason, Decision, Instant, Misuse, Output, Refused, Wait};

/// The server side of one SMTP connection.
///
/// It starts when the transport is connected. Drive it with [`poll`](Self::poll); see the crate documentation for the
/// loop.
#[derive(Debug)]
pub struct Connection {
    pub(super) config: Arc<Config>,
    pub(super) id: u32,
    pub(super) serial: u32,
    pub(super) now: Instant,
    pub(super) state: State,
    pub(super) phase: Phase,
    pub(super) transaction: Transaction,
    pub(super) tally: Tally,
    pub(super) open: Option<Open>,
    pub(super) chunk: Bytes,
    pub(super) splitter: LineSplitter,
    pub(super) outbox: Outbox,
    pub(super) barrier: Barrier,
    pub(super) timers: Timers,
    pub(super) notice: Option<Event>,
    pub(super) closing: Option<CloseReason>,
    pub(super) flags: Flags,
}

/// What the octets of the peer are at present.
#[derive(Debug)]
pub(super) enum Phase {
    /// Command lines.
    Command,
    /// Mail data.
    Data(MailData),
    /// The chunk of a refused BDAT: this many octets to throw away.
    Skip(u64),
}

/// Mail data on its way in.
#[derive(Debug)]
pub(super) struct MailData {
    pub(super) decoder: BodyDecoder,
    pub(super) excess: Excess,
}

/// Whether mail data went beyond the size limit. The rest is thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    None,
    /// They did, and the application is to be told.
    Untold,
    Told,
}

/// One mail transaction. It is replaced whole (RFC 5321 §4.1.1.5), so that no field survives.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    pub(super) accepted: u32,
    pub(super) refused: u32,
}

/// What is counted over a connection.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) errors: u32,
    pub(super) junk: u32,
    pub(super) messages: u32,
}

/// The question that the application has not answered yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) decision: Decision,
    pub(super) extended: bool,
}

/// What holds further input back until the output has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Barrier {
    None,
    /// The reply must not wait for later ones (RFC 2920 §3.2).
    Flush,
    /// Besides, no octet may have arrived before the reply left.
    Sync,
}

#[derive(Debug, Default)]
pub(super) struct Flags {
    /// EHLO, not HELO, began the session.
    pub(super) extended: bool,
    /// MAIL was refused: RCPT and DATA behind it in the same group are no errors of the client.
    pub(super) mail_refused: bool,
    /// The peer closed its side.
    pub(super) eof: bool,
    /// `shutdown` was called.
    pub(super) shutdown: bool,
}

static CONNECTIONS: AtomicU32 = AtomicU32::new(0);

impl Connection {
    /// A connection that has just been opened by a client.
    ///
    /// # Errors
    ///
    /// What [`Config::check`] says.
    pub fn new(now: Instant, config: Arc<Config>) -> Result<Self, ConfigError> {
        config.check()?;
        let mut connection = Self {
            id: CONNECTIONS.fetch_add(1, Ordering::Relaxed),
            serial: 0,
            now,
            state: State::Refused,
            phase: Phase::Command,
            transaction: Transaction::default(),
            tally: Tally::default(),
            open: None,
            chunk: Bytes::new(),
            splitter: LineSplitter::new(),
            outbox: Outbox::new(),
            barrier: Barrier::None,
            timers: Timers::new(now, &config.timeouts),
            notice: None,
            closing: None,
            flags: Flags::default(),
            config,
        };
        let id = connection.ask(Decision::Connect, false);
        connection.notice = Some(Event::Connect(Connect { id }));
        Ok(connection)
    }

    /// Whether the session was begun with EHLO.
    #[must_use]
    pub fn is_extended(&self) -> bool {
        self.flags.extended
    }

    /// When `handle_timeout` is due if nothing else happens first, also while octets wait to be transmitted.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.next(self.closing.is_none() && self.has_spare_buffers())
    }

    /// Octets came from the peer.
    ///
    /// # Errors
    ///
    /// The octets are handed back while the connection takes no input ([`Wait::input`] is false) or is over.
    pub fn handle_input(&mut self, now: Instant, octets: Bytes) -> Result<(), Refused<Bytes>> {
        self.tick(now);
        if self.closing.is_some() {
            return Err(Refused::new(Misuse::Closed, octets));
        }
        if !self.wants_input() {
            return Err(Refused::new(Misuse::Paused, octets));
        }
        self.timers.active(now);
        self.chunk = octets;
        Ok(())
    }

    /// The peer closed its side. What it sent before is still served.
    pub fn handle_eof(&mut self, now: Instant) {
        self.tick(now);
        self.flags.eof = true;
    }

    /// The transport failed: nothing can be read or written any more. An open question is void.
    pub fn handle_disconnect(&mut self, now: Instant) {
        self.tick(now);
        self.cut(CloseReason::TransportFailed, Abort::ConnectionLost);
    }

    /// The deadline has passed. A call that comes too early does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.tick(now);
        if self.closing.is_some() && self.outbox.is_empty() {
            return;
        }
        if self.timers.take_write(now) {
            self.cut(CloseReason::WriteStalled, Abort::ConnectionLost);
            return;
        }
        self.timers.take_hold(now);
        if self.closing.is_some() {
            return;
        }
        match self.timers.take_activity(now) {
            None => {}
            Some(Activity::Decision) => self.time_out_decision(),
            Some(Activity::Command) => {
                self.abort(Abort::Timeout);
                self.leave(CloseReason::Timeout, Detail::BAD_CONNECTION, "timeout, closing connection");
            }
        }
        let shutting_down = self.timers.take_grace(now);
        if self.timers.take_total(now) || shutting_down {
            self.flags.shutdown = true;
            self.end_service(true);
        }
        if self.timers.take_buffers(now) {
            self.outbox.release();
            self.splitter.release();
        }
    }

    /// Ends the service: an idle connection gets 421 at once, a transaction in progress may finish within
    /// `Timeouts::shutdown_grace`. 421 never comes between the end of the mail data and the verdict (RFC 5321 §3.8).
    pub fn shutdown(&mut self, now: Instant) {
        self.tick(now);
        if !self.flags.shutdown {
            self.flags.shutdown = true;
            self.timers.start_grace(now + self.config.timeouts.shutdown_grace);
            self.end_service(false);
        }
    }

    /// The one thing to do next. Call it again after each input and after each thing done.
    pub fn poll(&mut self) -> Output<'_, Event> {
        self.advance();
        if let Some(event) = self.notice.take() {
            return Output::Event(event);
        }
        if !self.outbox.is_empty() && !self.timers.is_held() {
            self.timers.start_write(self.now + self.config.timeouts.write);
            return Output::Transmit(self.outbox.pending());
        }
        if let (Some(reason), true) = (self.closing, self.outbox.is_empty()) {
            return Output::Closed(reason);
        }
        Output::Wait(Wait {
            input: self.wants_input(),
            decision: self.open.map(|open| open.decision),
            deadline: self.deadline(),
        })
    }

    /// The first `count` octets of the last `Transmit` were written.
    pub fn transmitted(&mut self, now: Instant, count: usize) {
        self.tick(now);
        self.outbox.sent(count);
        if count > 0 {
            self.timers.active(now);
            self.timers.stop_write();
        }
        if !self.outbox.is_empty() {
            return;
        }
        match mem::replace(&mut self.barrier, Barrier::None) {
            Barrier::Sync if !self.chunk.is_empty() => {
                self.say(&replies::EARLY_INPUT);
                self.close(CloseReason::EarlyInput);
            }
            _ if self.closing.is_none() && self.open.is_none() => self.await_input(),
            _ => {}
        }
    }

    /// Asks the application; the answer comes with a token of the returned id.
    pub(super) fn ask(&mut self, decision: Decision, extended: bool) -> Id {
        self.serial = self.serial.wrapping_add(1);
        self.open = Some(Open { decision, extended });
        self.timers.await_decision(self.now + self.config.timeouts.decision);
        Id { connection: self.id, serial: self.serial }
    }

    /// Tells the application, with the next `poll`.
    pub(super) fn tell(&mut self, event: Event) {
        debug_assert!(self.notice.is_none(), "one thing is told at a time");
        self.notice = Some(event);
    }

    pub(super) fn say(&mut self, reply: &Reply) {
        reply.encode(self.outbox.buffer());
    }

    /// Says why the service ends, beginning with the name of this server (RFC 5321 §4.2.2), and closes.
    pub(super) fn leave(&mut self, reason: CloseReason, detail: Detail, text: &str) {
        let text = alloc::format!("{} {text}", self.config.hostname);
        self.say(&Reply::new(ReplyCode::SERVICE_NOT_AVAILABLE, detail, text));
        self.close(reason);
    }

    /// Ends the connection once the output has left.
    pub(super) fn close(&mut self, reason: CloseReason) {
        self.closing = Some(reason);
        self.open = None;
        self.chunk = Bytes::new();
        self.timers.stop_all_but_write();
    }

    /// From now on the next command, or more of the mail data, is due.
    pub(super) fn await_input(&mut self) {
        match &self.phase {
            Phase::Command => self.timers.await_command(self.now + self.config.timeouts.idle),
            Phase::Data(_) | Phase::Skip(_) => {}
        }
    }

    /// The shutdown that was asked for, once nothing stands against it.
    pub(super) fn end_service(&mut self, at_once: bool) {
        let deciding = matches!(self.open, Some(Open { decision: Decision::Message, .. }));
        let transferring = matches!(self.phase, Phase::Data(_))
            || matches!(self.state, State::Mail | State::Rcpt)
            || self.open.is_some();
        if self.closing.is_some() || !self.flags.shutdown || deciding || (transferring && !at_once) {
            return;
        }
        self.abort(Abort::Timeout);
        self.leave(CloseReason::Shutdown, Detail::SYSTEM_NOT_ACCEPTING_MESSAGES, "service is shutting down");
    }

    /// Tells the application that mail data in progress will not become a message.
    pub(super) fn abort(&mut self, abort: Abort) {
        let deciding = matches!(self.open, Some(Open { decision: Decision::Message, .. }));
        let told = matches!(&self.phase, Phase::Data(data) if data.excess == Excess::Told);
        if deciding || (matches!(self.phase, Phase::Data(_)) && !told) {
            self.notice = Some(Event::Aborted(abort));
        }
        self.phase = Phase::Command;
    }

    /// Ends the connection without another octet.
    fn cut(&mut self, reason: CloseReason, abort: Abort) {
        if self.closing.is_none() || !self.outbox.is_empty() {
            self.abort(abort);
            self.outbox.sent(usize::MAX);
            self.close(reason);
        }
    }

    pub(super) fn tick(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    fn wants_input(&self) -> bool {
        self.closing.is_none()
            && !self.flags.eof
            && self.chunk.is_empty()
            && self.outbox.len() < self.config.limits.pending_output.get()
    }

    fn has_spare_buffers(&self) -> bool {
        self.outbox.is_spare() || self.splitter.is_spare()
    }
}
