//! The deadlines of a server connection (RFC 5321 §4.5.3.2).

use core::time::Duration;

use super::config::Timeouts;
use crate::Instant;

/// What has run out of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activity {
    /// The peer: it owes a command, or more of one, or more of the mail data.
    Command,
    /// The application: it owes an answer.
    Decision,
    /// The peer and the TLS library of the driver: they owe the end of the handshake.
    Handshake,
}

/// Everything that can become due.
#[derive(Debug)]
pub(super) struct Timers {
    activity: Option<(Activity, Instant)>,
    write: Option<Instant>,
    hold: Option<Instant>,
    grace: Option<Instant>,
    total: Option<Instant>,
    /// When the connection was last used, for the release of its buffers.
    used: Instant,
    buffers: Duration,
}

impl Timers {
    pub(super) fn new(now: Instant, timeouts: &Timeouts) -> Self {
        Self {
            activity: None,
            write: None,
            hold: None,
            grace: None,
            total: timeouts.connection.map(|total| now + total),
            used: now,
            buffers: timeouts.buffers,
        }
    }

    /// The earliest deadline. `spare`: there are buffers to release.
    pub(super) fn next(&self, spare: bool) -> Option<Instant> {
        let activity = self.activity.map(|(_, due)| due);
        let buffers = (spare && self.write.is_none()).then(|| self.used + self.buffers);
        [activity, self.write, self.hold, self.grace, self.total, buffers].into_iter().flatten().min()
    }

    pub(super) fn active(&mut self, now: Instant) {
        self.used = now;
    }

    pub(super) fn await_command(&mut self, due: Instant) {
        self.activity = Some((Activity::Command, due));
    }

    pub(super) fn await_decision(&mut self, due: Instant) {
        self.activity = Some((Activity::Decision, due));
    }

    pub(super) fn await_handshake(&mut self, due: Instant) {
        self.activity = Some((Activity::Handshake, due));
    }

    /// When the peer has to have sent more, if that is what is awaited.
    pub(super) fn command_due(&self) -> Option<Instant> {
        self.activity.filter(|(activity, _)| *activity == Activity::Command).map(|(_, due)| due)
    }

    /// Whether the application owes an answer that should have come.
    pub(super) fn is_decision_due(&self, now: Instant) -> bool {
        self.activity.is_some_and(|(activity, due)| activity == Activity::Decision && due <= now)
    }

    pub(super) fn start_write(&mut self, due: Instant) {
        self.write.get_or_insert(due);
    }

    pub(super) fn stop_write(&mut self) {
        self.write = None;
    }

    pub(super) fn start_hold(&mut self, until: Instant) {
        self.hold = Some(until);
    }

    /// Whether output and input are held back, to slow a peer down.
    pub(super) fn is_held(&self) -> bool {
        self.hold.is_some()
    }

    pub(super) fn start_grace(&mut self, due: Instant) {
        self.grace = Some(due);
    }

    pub(super) fn stop_all_but_write(&mut self) {
        self.activity = None;
        self.grace = None;
        self.total = None;
    }

    pub(super) fn take_activity(&mut self, now: Instant) -> Option<Activity> {
        self.activity.take_if(|(_, due)| *due <= now).map(|(activity, _)| activity)
    }

    pub(super) fn take_write(&mut self, now: Instant) -> bool {
        take(&mut self.write, now)
    }

    pub(super) fn take_hold(&mut self, now: Instant) -> bool {
        take(&mut self.hold, now)
    }

    pub(super) fn take_grace(&mut self, now: Instant) -> bool {
        take(&mut self.grace, now)
    }

    pub(super) fn take_total(&mut self, now: Instant) -> bool {
        take(&mut self.total, now)
    }

    /// Whether the buffers have been unused for long enough.
    pub(super) fn take_buffers(&self, now: Instant) -> bool {
        self.used + self.buffers <= now
    }
}

fn take(timer: &mut Option<Instant>, now: Instant) -> bool {
    timer.take_if(|due| *due <= now).is_some()
}
