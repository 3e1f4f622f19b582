//! The server connection: inputs, output, deadlines.

use alloc::sync::Arc;
use core::mem;
use core::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;

use super::config::{Config, TlsPolicy};
use super::event::{Abort, Event};
use super::replies;
use super::session::{Excess, Phase, Session};
use super::table::{Standing, State, Step};
use super::timers::{Activity, Timers};
use super::token::{Connect, Id};
use crate::config::ConfigError;
use crate::outbox::Outbox;
use crate::reply::{Detail, Reply, ReplyCode};
use crate::sasl::Nonces;
use crate::trace::Protocol;
use crate::{CloseReason, Decision, Instant, Misuse, Output, Refused, TlsInfo, Wait};

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
    pub(super) session: Session,
    pub(super) tls: Option<TlsInfo>,
    pub(super) nonces: Option<Nonces>,
    pub(super) tally: Tally,
    pub(super) open: Option<Open>,
    pub(super) outbox: Outbox,
    pub(super) barrier: Barrier,
    pub(super) timers: Timers,
    pub(super) notice: Option<Event>,
    pub(super) closing: Option<CloseReason>,
    pub(super) flags: Flags,
}

/// What is counted over a connection.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) errors: u32,
    pub(super) junk: u32,
    pub(super) messages: u32,
    pub(super) auth_failures: u32,
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
    /// Behind the 220 to STARTTLS comes the TLS handshake.
    Tls {
        /// Octets of the 220.
        go_ahead: usize,
    },
}

#[derive(Debug, Default)]
pub(super) struct Flags {
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
            session: Session::new(State::Start, Phase::Command),
            tls: None,
            nonces: None,
            tally: Tally::default(),
            open: None,
            outbox: Outbox::new(),
            barrier: Barrier::None,
            timers: Timers::new(now, &config.timeouts),
            notice: None,
            closing: None,
            flags: Flags::default(),
            config,
        };
        if connection.config.tls == TlsPolicy::Implicit {
            connection.await_handshake();
        } else {
            connection.ask_about_peer();
        }
        Ok(connection)
    }

    /// Whether the session was begun with EHLO.
    #[must_use]
    pub fn is_extended(&self) -> bool {
        self.session.extended
    }

    /// The word for the WITH clause of a trace field (RFC 5321 §4.4, RFC 4954 §7): what the session is now.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        match (self.tls.is_some(), self.session.authenticated) {
            (false, true) => Protocol::Esmtpa,
            (true, true) => Protocol::Esmtpsa,
            // There is no word for HELO over TLS.
            _ if !self.session.extended => Protocol::Smtp,
            (true, false) => Protocol::Esmtps,
            (false, false) => Protocol::Esmtp,
        }
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
    /// The octets are handed back while the connection takes no input ([`Wait::input`] is false, or a TLS handshake is
    /// due) or is over.
    pub fn handle_input(&mut self, now: Instant, octets: Bytes) -> Result<(), Refused<Bytes>> {
        self.tick(now);
        if self.closing.is_some() {
            return Err(Refused::new(Misuse::Closed, octets));
        }
        if !self.wants_input() {
            return Err(Refused::new(Misuse::Paused, octets));
        }
        self.timers.active(now);
        if matches!(self.barrier, Barrier::Tls { .. }) && !octets.is_empty() && self.withdraw_go_ahead() {
            self.refuse_early_input();
            return Ok(());
        }
        self.session.chunk = octets;
        Ok(())
    }

    /// The peer closed its side. What it sent before is still served; a TLS handshake is over.
    pub fn handle_eof(&mut self, now: Instant) {
        self.tick(now);
        self.flags.eof = true;
        if self.is_handshake_due() {
            self.cut(CloseReason::PeerClosed, Abort::ConnectionLost);
        }
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
            Some(Activity::Handshake) => self.cut(CloseReason::Timeout, Abort::Timeout),
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
            self.session.splitter.release();
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
        if self.is_handshake_due() {
            return Output::UpgradeTls;
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
            Barrier::Sync | Barrier::Tls { .. } if !self.session.chunk.is_empty() => self.refuse_early_input(),
            Barrier::Tls { .. } => self.begin_handshake(),
            _ if self.closing.is_none() && self.open.is_none() => self.await_input(),
            _ => {}
        }
    }

    /// Asks the application whether the peer is served.
    pub(super) fn ask_about_peer(&mut self) {
        let id = self.ask(Decision::Connect, false);
        self.tell(Event::Connect(Connect { id }));
    }

    /// What the session has come to.
    pub(super) fn standing(&self) -> Standing {
        let auth = &self.config.auth;
        let tls = match self.config.tls {
            _ if self.tls.is_some() => Step::Done,
            TlsPolicy::Offered => Step::Optional,
            TlsPolicy::Required => Step::Required,
            TlsPolicy::Disabled | TlsPolicy::Implicit => Step::Absent,
        };
        let auth = match auth.required {
            _ if self.session.authenticated => Step::Done,
            _ if auth.mechanisms.is_empty() => Step::Absent,
            true => Step::Required,
            false => Step::Optional,
        };
        Standing { extended: self.session.extended, tls, auth }
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
        if !self.withdraw_go_ahead() {
            return self.cut(reason, Abort::ConnectionLost);
        }
        let text = alloc::format!("{} {text}", self.config.hostname);
        self.say(&Reply::new(ReplyCode::SERVICE_NOT_AVAILABLE, detail, text));
        self.close(reason);
    }

    /// Sends away who did not wait for a reply (RFC 2920 §3.1).
    pub(super) fn refuse_early_input(&mut self) {
        self.say(&replies::EARLY_INPUT);
        self.close(CloseReason::EarlyInput);
    }

    /// Ends the connection once the output has left.
    pub(super) fn close(&mut self, reason: CloseReason) {
        self.closing = Some(reason);
        self.open = None;
        self.barrier = Barrier::None;
        self.session.chunk = Bytes::new();
        self.session.phase = Phase::Command;
        self.timers.stop_all_but_write();
    }

    /// From now on the next command, or more of the mail data, is due.
    pub(super) fn await_input(&mut self) {
        match &self.session.phase {
            Phase::Command | Phase::Exchange(_) => self.timers.await_command(self.now + self.config.timeouts.idle),
            Phase::Data(_) | Phase::Skip(_) | Phase::Handshake => {}
        }
    }

    /// The shutdown that was asked for, once nothing stands against it.
    pub(super) fn end_service(&mut self, at_once: bool) {
        if self.is_handshake_due() && self.flags.shutdown {
            // No word in clear may get into the handshake.
            return self.cut(CloseReason::Shutdown, Abort::ConnectionLost);
        }
        let deciding = matches!(self.open, Some(Open { decision: Decision::Message, .. }));
        let transferring = matches!(self.session.phase, Phase::Data(_))
            || matches!(self.session.state, State::Mail | State::Rcpt)
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
        let told = matches!(&self.session.phase, Phase::Data(data) if data.excess == Excess::Told);
        if deciding || (matches!(self.session.phase, Phase::Data(_)) && !told) {
            self.notice = Some(Event::Aborted(abort));
        }
        self.session.phase = Phase::Command;
    }

    /// Ends the connection without another octet.
    pub(super) fn cut(&mut self, reason: CloseReason, abort: Abort) {
        if self.closing.is_none() || !self.outbox.is_empty() {
            self.abort(abort);
            self.outbox.sent(usize::MAX);
            self.close(reason);
        }
    }

    pub(super) fn tick(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Whether octets of the peer are welcome: what [`Wait::input`] says, also while octets wait to be transmitted.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        self.closing.is_none()
            && !self.is_handshake_due()
            && !self.flags.eof
            && self.session.chunk.is_empty()
            && self.outbox.len() < self.config.limits.pending_output.get()
    }

    fn has_spare_buffers(&self) -> bool {
        self.outbox.is_spare() || self.session.splitter.is_spare()
    }
}
