//! What the server makes of the octets of the client.

use super::connection::{Barrier, Connection, Phase};
use super::replies;
use super::table::State;
use crate::CloseReason;
use crate::line::{Line, LineLimit};

impl Connection {
    /// Goes on with the input until `notice` holds what is to be told or asked, or until nothing more can be done.
    pub(super) fn advance(&mut self) {
        while self.notice.is_none() {
            if self.closing.is_some()
                || self.open.is_some()
                || self.timers.is_held()
                || (self.barrier != Barrier::None && !self.outbox.is_empty())
                || self.outbox.len() >= self.config.limits.pending_output.get()
            {
                return;
            }
            let came = match &self.phase {
                Phase::Command => self.next_line(),
                Phase::Data(_) => self.next_content(),
                Phase::Skip(_) => self.skip_chunk(),
            };
            if !came {
                return;
            }
        }
    }

    /// Takes one command line. False: there is none yet.
    fn next_line(&mut self) -> bool {
        // A TLS handshake begins with the octet 22; it holds no line end to wait for.
        if self.state == State::Start && self.chunk.first() == Some(&22) && self.splitter.is_empty() {
            self.not_smtp("this port begins in clear text, TLS does not begin here");
            return true;
        }
        let limits = &self.config.limits;
        let limit = LineLimit { octets: limits.command_line.get(), discard: limits.discarded_line.get() };
        let was_empty = self.splitter.is_empty();
        let Some(line) = self.splitter.next(&mut self.chunk, limit) else {
            if was_empty && !self.splitter.is_empty() {
                self.timers.await_command(self.now + self.config.timeouts.command);
            }
            if self.flags.eof {
                self.close(CloseReason::PeerClosed);
            }
            return false;
        };
        self.timers.await_command(self.now + self.config.timeouts.idle);
        match line {
            Line::Complete(line) => self.command(line),
            Line::TooLong => self.error(None, &replies::LINE_TOO_LONG),
            Line::Stray => {
                self.answered(None, &replies::STRAY_OCTET);
                self.close(CloseReason::StrayOctet);
            }
            Line::Flood => {
                self.answered(None, &replies::LINE_TOO_LONG);
                self.close(CloseReason::Flood);
            }
        }
        true
    }
}
