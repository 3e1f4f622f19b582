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
}

impl Timers {
    pub(super) fn new(now: Instant) -> Self {
        Self { reply: None, block: None, body: None, used: now }
    }

    /// The earliest deadline. `spare`: how long buffers that nothing needs are kept, if there are any.
    pub(super) fn next(&self, spare: Option<Duration>) -> Option<Instant> {
        let buffers = spare.map(|kept| self.used + kept);
        [self.reply, self.block, self.body, buffers].into_iter().flatten().min()
    }

    pub(super) fn active(&mut self, now: Instant) {
        self.used = now;
    }

    /// Whether the connection was last used this long ago.
    pub(super) fn is_unused(&self, now: Instant, kept: Duration) -> bool {
        self.used + kept <= now
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
        Question::StartTls => timeouts.starttls,
        Question::Auth | Question::Cancel => timeouts.auth,
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
