//! The deadlines of a client connection (RFC 5321 §4.5.3.2).

use core::time::Duration;

use super::config::Timeouts;
use super::table::Question;
use crate::Instant;

/// Everything that can become due.
#[derive(Debug)]
pub(super) struct Timers {
    /// The server owes a reply.
    pub(super) reply: Option<Instant>,
    /// The network owes room for what is waiting.
    pub(super) block: Option<Instant>,
    /// The application owes the next piece of a body.
    pub(super) body: Option<Instant>,
    /// When the connection was last used, for the release of its buffers.
    used: Instant,
    buffers: Duration,
}

impl Timers {
    pub(super) fn new(now: Instant, timeouts: &Timeouts) -> Self {
        Self { reply: None, block: None, body: None, used: now, buffers: timeouts.buffers }
    }

    /// The earliest deadline. `spare`: there are buffers to release.
    pub(super) fn next(&self, spare: bool) -> Option<Instant> {
        let buffers = spare.then(|| self.used + self.buffers);
        [self.reply, self.block, self.body, buffers].into_iter().flatten().min()
    }

    pub(super) fn active(&mut self, now: Instant) {
        self.used = now;
    }

    /// Whether the buffers have been unused for long enough.
    pub(super) fn is_unused(&self, now: Instant) -> bool {
        self.used + self.buffers <= now
    }

    pub(super) fn stop(&mut self) {
        self.reply = None;
        self.block = None;
        self.body = None;
    }
}

/// How long the answer to a question may take.
pub(super) fn patience(timeouts: &Timeouts, question: Question) -> Duration {
    match question {
        Question::Connect => timeouts.greeting,
        Question::Ehlo | Question::Helo => timeouts.hello,
        Question::Rset => timeouts.reset,
        Question::Mail => timeouts.mail,
        Question::Rcpt => timeouts.rcpt,
        Question::Data => timeouts.data,
        Question::Dot => timeouts.verdict,
        Question::Quit => timeouts.quit,
    }
}

/// Whether a deadline has passed.
pub(super) fn is_due(deadline: Option<Instant>, now: Instant) -> bool {
    deadline.is_some_and(|due| due <= now)
}
