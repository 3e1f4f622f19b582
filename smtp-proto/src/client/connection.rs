//! The client connection: inputs, output, deadlines.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};

use bytes::{Buf, Bytes};

use super::capabilities::Offers;
use super::config::{Config, Security};
use super::envelope::Envelope;
use super::event::{Body, Event};
use super::mail::{Mail, Outcome};
use super::send::{BodyOut, Due};
use super::setup::Setup;
use super::table::Question;
use super::timers::{Timers, is_due, patience};
use super::verdict::{Failure, Stage, Verdict};
use crate::config::ConfigError;
use crate::outbox::Outbox;
use crate::reply::{Reply, ReplyReader};
use crate::{CloseReason, Decision, Instant, Misuse, Output, Refused, Wait};

/// The client side of one SMTP connection.
///
/// It starts when the transport is connected. Hand it mails with [`send`](Self::send) at any time and drive it with
/// [`poll`](Self::poll); see the crate documentation for the loop. `Debug` shows nothing of what comes and goes.
pub struct Connection {
    pub(super) config: Arc<Config>,
    pub(super) id: u32,
    pub(super) now: Instant,
    pub(super) session: Session,
    pub(super) offers: Offers,
    /// Until the session is ready, if it needs anything.
    pub(super) setup: Option<Box<Setup>>,
    /// The mails, in the order of their outcomes. The serial number of the first is `first`.
    pub(super) mails: VecDeque<Box<Mail>>,
    pub(super) first: u32,
    /// The serial number of the mail that commands are being sent for.
    pub(super) sending: u32,
    /// The replies that are due, in order.
    pub(super) due: VecDeque<Due>,
    /// Octets of the commands that wait for replies.
    pub(super) unanswered: usize,
    /// Octets at the end of the outbox that `poll` has not offered yet.
    pub(super) unoffered: usize,
    pub(super) reset_due: bool,
    pub(super) body: Option<BodyOut>,
    pub(super) chunk: Bytes,
    pub(super) reader: ReplyReader,
    pub(super) outbox: Outbox,
    pub(super) timers: Timers,
    pub(super) closing: Option<CloseReason>,
    pub(super) quit_wanted: bool,
    pub(super) eof: bool,
}

/// How the session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Session {
    /// The greeting is awaited.
    Greeting,
    /// EHLO or HELO was sent.
    Hello,
    /// STARTTLS was sent.
    StartTls,
    /// The TLS handshake is due.
    Handshake {
        /// The greeting came in clear: what follows is EHLO.
        is_greeted: bool,
    },
    /// AUTH has begun.
    Auth,
    /// Mails can be sent.
    Ready,
    /// QUIT was sent. Why the connection ends.
    Leaving(CloseReason),
}

static CONNECTIONS: AtomicU32 = AtomicU32::new(0);

impl Connection {
    /// A connection that has just been opened to a server. What it says first, unless it begins with TLS, is nothing: it
    /// waits for the greeting.
    ///
    /// # Errors
    ///
    /// What [`Config::check`] says.
    pub fn new(now: Instant, config: Arc<Config>) -> Result<Self, ConfigError> {
        config.check()?;
        let mut connection = Self {
            id: CONNECTIONS.fetch_add(1, Ordering::Relaxed),
            now,
            session: Session::Greeting,
            offers: Offers::default(),
            setup: None,
            mails: VecDeque::new(),
            first: 0,
            sending: 0,
            due: VecDeque::new(),
            unanswered: 0,
            unoffered: 0,
            reset_due: false,
            body: None,
            chunk: Bytes::new(),
            reader: ReplyReader::new(),
            outbox: Outbox::new(),
            timers: Timers::new(now),
            closing: None,
            quit_wanted: false,
            eof: false,
            config,
        };
        if connection.config.security == Security::Implicit {
            connection.begin_handshake(false);
        } else {
            connection.expect(Question::Connect, 0);
            connection.await_reply();
        }
        Ok(connection)
    }

    /// Why the connection takes no more mails, if it is over. Outcomes of the mails that it has taken may still come
    /// before [`Output::Closed`].
    #[must_use]
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.closing
    }

    /// When `handle_timeout` is due if nothing else happens first, also while octets wait to be transmitted.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.next(self.has_spare_buffers().then_some(self.config.timeouts.buffers))
    }

    /// Queues a mail. Its commands leave when those of the mails before it have left; its outcome comes as an event.
    ///
    /// # Errors
    ///
    /// The envelope is handed back when it has no recipient, when as many mails are queued as
    /// [`Limits::queued_mails`](super::Limits::queued_mails) allows, after [`quit`](Self::quit), and when the
    /// connection is over.
    pub fn send(&mut self, now: Instant, envelope: Envelope) -> Result<(), Refused<Envelope>> {
        self.tick(now);
        let misuse = if self.closing.is_some() {
            Misuse::Closed
        } else if self.quit_wanted || matches!(self.session, Session::Leaving(_)) {
            Misuse::Ending
        } else if envelope.mail.recipients.is_empty() {
            Misuse::NoRecipient
        } else if self.mails.len() >= self.config.limits.queued_mails.get() as usize {
            Misuse::QueueFull
        } else {
            self.timers.active(now);
            self.mails.push_back(envelope.mail);
            self.send_commands();
            return Ok(());
        };
        Err(Refused::new(misuse, envelope))
    }

    /// Hands in a piece of the body that the token stands for.
    ///
    /// # Errors
    ///
    /// The piece is handed back while an earlier one has not left yet (it is welcome when [`Wait::decision`] is
    /// [`Decision::Body`]), and when the token is stale because the connection has ended.
    pub fn write_body(&mut self, now: Instant, token: &Body, piece: Bytes) -> Result<(), Refused<Bytes>> {
        self.tick(now);
        match self.body.as_mut() {
            Some(body) if self.id == token.connection && self.sending == token.serial => {
                if !body.is_welcome() || self.outbox.len() >= self.config.limits.unanswered.get() {
                    return Err(Refused::new(Misuse::Paused, piece));
                }
                let is_sendable = self.offers.eight_bit_mime || piece.is_ascii();
                body.piece = piece;
                self.timers.active(now);
                if is_sendable {
                    self.send_body();
                } else {
                    self.unsendable(Failure::No8BitMime);
                }
                self.await_body();
                Ok(())
            }
            _ => Err(Refused::new(Misuse::StaleToken, piece)),
        }
    }

    /// Says that the body is whole. This may follow the last `write_body` at once, so that both leave together.
    ///
    /// # Errors
    ///
    /// The token is handed back when it is stale because the connection has ended.
    pub fn end_body(&mut self, now: Instant, token: Body) -> Result<(), Refused<Body>> {
        self.tick(now);
        match self.body.as_mut() {
            Some(body) if self.id == token.connection && self.sending == token.serial => {
                body.ended = true;
                self.timers.active(now);
                self.send_body();
                self.await_body();
                Ok(())
            }
            _ => Err(Refused::new(Misuse::StaleToken, token)),
        }
    }

    /// Sends QUIT once every queued mail has its outcome (RFC 5321 §4.1.1.10). It is never sent behind a final dot
    /// whose answer is still due.
    pub fn quit(&mut self, now: Instant) {
        self.tick(now);
        self.quit_wanted = true;
        self.send_commands();
    }

    /// Breaks off: nothing more is sent, and a body in progress is never completed. Every queued mail has its outcome.
    pub fn abandon(&mut self, now: Instant) {
        self.tick(now);
        self.fail(CloseReason::Abandoned, None);
    }

    /// Octets came from the server. What had left before has to be said first ([`transmitted`](Self::transmitted)): a
    /// reply to a command that has not left is no reply.
    ///
    /// # Errors
    ///
    /// The octets are handed back while the connection takes no input ([`Wait::input`] is false, or
    /// [`Output::UpgradeTls`] is due) or is over.
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

    /// The server closed its side. What it sent before is still read.
    pub fn handle_eof(&mut self, now: Instant) {
        self.tick(now);
        self.eof = true;
    }

    /// The transport failed: nothing can be read or written any more.
    pub fn handle_disconnect(&mut self, now: Instant) {
        self.tick(now);
        self.broken(CloseReason::TransportFailed);
    }

    /// The deadline has passed. A call that comes too early does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.tick(now);
        if is_due(self.timers.block, now) {
            self.broken(CloseReason::WriteStalled);
        } else if is_due(self.timers.reply, now) {
            self.broken(CloseReason::Timeout);
        } else if is_due(self.timers.body, now) {
            self.fail(CloseReason::Abandoned, None);
        }
        if self.has_spare_buffers() && self.timers.is_unused(now, self.config.timeouts.buffers) {
            self.outbox.release();
            self.reader.release();
            if self.mails.is_empty() && self.due.is_empty() {
                self.mails = VecDeque::new();
                self.due = VecDeque::new();
            }
        }
    }

    /// The one thing to do next. Call it again after each input, each request and each thing done.
    pub fn poll(&mut self) -> Output<'_, Event> {
        if let Some(event) = self.next_event() {
            return Output::Event(event);
        }
        if let Some(reason) = self.closing {
            return Output::Closed(reason);
        }
        if matches!(self.session, Session::Handshake { .. }) {
            return Output::UpgradeTls;
        }
        if self.has_output() {
            let due = self.now + self.config.timeouts.block;
            self.timers.block.get_or_insert(due);
        }
        if !self.outbox.is_empty() {
            self.unoffered = 0;
            return Output::Transmit(self.outbox.pending());
        }
        match &self.body {
            Some(body) if !body.direct.is_empty() => Output::Transmit(&body.direct),
            body => Output::Wait(Wait {
                input: self.wants_input(),
                decision: body.as_ref().filter(|body| body.is_welcome()).map(|_| Decision::Body),
                deadline: self.deadline(),
            }),
        }
    }

    /// The first `count` octets of the last `Transmit` were written. To be said before input that came afterwards is
    /// handed in: a reply to octets that have not left is no legal answer.
    pub fn transmitted(&mut self, now: Instant, count: usize) {
        self.tick(now);
        if self.closing.is_some() || count == 0 {
            return;
        }
        self.timers.active(now);
        self.timers.block = None;
        if !self.outbox.is_empty() {
            self.outbox.sent(count);
        } else if let Some(body) = &mut self.body {
            body.direct.advance(count.min(body.direct.len()));
        }
        if !self.has_output() {
            self.send_body();
            self.await_body();
            self.await_reply();
        }
    }

    /// A reply to this will come. `octets`: those of the command.
    pub(super) fn expect(&mut self, question: Question, octets: usize) {
        self.due.push_back(Due { question, mail: self.sending, octets });
        self.unanswered += octets;
    }

    /// Starts the clock for the reply that is due next, once everything has left.
    pub(super) fn await_reply(&mut self) {
        if self.has_output() || self.timers.reply.is_some() {
            return;
        }
        if let Some(due) = self.due.front() {
            self.timers.reply = Some(self.now + patience(&self.config.timeouts, due.question));
        }
    }

    /// Starts the clock for the application's next piece, once everything has left.
    pub(super) fn await_body(&mut self) {
        let welcome = self.body.as_ref().is_some_and(BodyOut::is_welcome) && !self.has_output();
        self.timers.body = welcome.then(|| self.now + self.config.timeouts.body);
    }

    /// The connection can carry nothing any more.
    pub(super) fn broken(&mut self, reason: CloseReason) {
        self.broken_with(reason, None);
    }

    /// As [`broken`](Self::broken). `reply`: what the server gave as its reason.
    pub(super) fn broken_with(&mut self, reason: CloseReason, reply: Option<&Reply>) {
        match self.session {
            // QUIT asks for nothing more: what ends the connection was decided before.
            Session::Leaving(decided) => self.fail(decided, None),
            _ => self.fail(reason, reply),
        }
    }

    /// Ends the connection at once and settles every mail. `reply`: what the server gave as its reason.
    pub(super) fn fail(&mut self, reason: CloseReason, reply: Option<&Reply>) {
        if self.closing.is_some() {
            return;
        }
        self.settle_all(reason, reply);
        self.closing = Some(reason);
        self.setup = None;
        self.due.clear();
        self.body = None;
        self.chunk = Bytes::new();
        self.timers.stop();
        self.outbox.sent(usize::MAX);
    }

    /// Gives every mail its verdict: unknown where the final dot may have left without an answer.
    pub(super) fn settle_all(&mut self, reason: CloseReason, reply: Option<&Reply>) {
        // A server that does not begin TLS, or offers no AUTH, says nothing about the mails.
        let about_mails = !matches!(reason, CloseReason::NoTls | CloseReason::NoMechanism);
        let refusal = reply.filter(|reply| about_mails || reply.is_transient());
        let refused = refusal.map_or(Verdict::Temporary(None), |reply| Verdict::refused(reply.clone()));
        let undecided = self.undecided();
        let stage = match self.session {
            Session::Greeting => Stage::Greeting,
            Session::StartTls | Session::Handshake { .. } => Stage::Tls,
            Session::Auth => Stage::Auth,
            Session::Hello | Session::Ready | Session::Leaving(_) => Stage::Ehlo,
        };
        for (serial, mail) in (self.first..).zip(&mut self.mails) {
            if mail.transaction.is_settled() {
                continue;
            }
            mail.judge(if Some(serial) == undecided { &Verdict::Unknown } else { &refused });
            mail.transaction.failure.get_or_insert(Failure::Connection(reason));
            mail.transaction.reached(stage);
            mail.transaction.reply = mail.transaction.reply.take().or_else(|| reply.cloned());
            mail.transaction.sealed = true;
            mail.transaction.unanswered = 0;
        }
    }

    /// The mail whose final dot may have left and is not answered.
    fn undecided(&self) -> Option<u32> {
        let mut behind = self.unanswered;
        self.due.iter().find_map(|due| {
            behind -= due.octets;
            (due.question == Question::Dot && self.unoffered <= behind).then_some(due.mail)
        })
    }

    /// The mail that is settled and whose turn it is.
    pub(super) fn next_outcome(&mut self) -> Option<Outcome> {
        if !self.mails.front()?.transaction.is_settled() {
            return None;
        }
        let mail = self.mails.pop_front()?;
        self.first = self.first.wrapping_add(1);
        Some(Outcome::new(mail))
    }

    pub(super) fn mail(&mut self, serial: u32) -> Option<&mut Mail> {
        let index = serial.wrapping_sub(self.first);
        self.mails.get_mut(index as usize).map(|mail| &mut **mail)
    }

    pub(super) fn has_output(&self) -> bool {
        !self.outbox.is_empty() || self.body.as_ref().is_some_and(|body| !body.direct.is_empty())
    }

    pub(super) fn tick(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Whether octets of the peer are welcome: what [`Wait::input`] says, also while octets wait to be transmitted.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        let is_handshake = matches!(self.session, Session::Handshake { .. });
        self.closing.is_none() && !is_handshake && !self.eof && self.chunk.is_empty()
    }

    fn has_spare_buffers(&self) -> bool {
        let queues = self.mails.capacity() + self.due.capacity() > 0;
        self.outbox.is_spare() || self.reader.is_spare() || (queues && self.mails.is_empty() && self.due.is_empty())
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.id)
            .field("session", &self.session)
            .field("tls", &self.is_tls())
            .field("mails", &self.mails.len())
            .field("closing", &self.closing)
            .finish_non_exhaustive()
    }
}
