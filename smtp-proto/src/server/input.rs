//! What the server makes of the octets of the client.

use super::connection::{Barrier, Connection};
use super::replies;
use super::session::Phase;
use super::table::State;
use crate::CloseReason;
use crate::line::{Line, LineLimit};

impl Connection {
    /// Goes on with the input until `notice` holds what is to be told or asked, or until nothing more can be done.
    pub(super) fn advance(&mut self) {
        while self.notice.is_none() {
            // A transaction may have ended without an answer of the application.
            self.end_service(false);
            if self.closing.is_some()
                || self.open.is_some()
                || self.timers.is_held()
                || (self.barrier != Barrier::None && !self.outbox.is_empty())
                || self.outbox.len() >= self.config.limits.pending_output.get()
            {
                return;
            }
            let came = match &self.session.phase {
                Phase::Command | Phase::Exchange(_) => self.next_line(),
                Phase::Data(_) => self.next_content(),
                Phase::Skip(_) => self.skip_chunk(),
                Phase::Handshake => false,
            };
            if !came {
                return;
            }
        }
    }

    /// Takes one command line, or one response in an exchange of AUTH. False: there is none yet.
    fn next_line(&mut self) -> bool {
        let session = &mut self.session;
        let in_exchange = matches!(session.phase, Phase::Exchange(_));
        // A TLS handshake begins with the octet 22; it holds no line end to wait for.
        let can_be_tls = session.state == State::Start && self.tls.is_none() && session.splitter.is_empty();
        if can_be_tls && session.chunk.first() == Some(&22) {
            self.not_smtp("this port begins in clear text, TLS does not begin here");
            return true;
        }
        let limits = &self.config.limits;
        let octets = if in_exchange { limits.auth_line.get() } else { limits.command_line.get() };
        let limit = LineLimit { octets, discard: limits.discarded_line.get() };
        let was_empty = self.session.splitter.is_empty();
        let Some(line) = self.session.splitter.next(&mut self.session.chunk, limit) else {
            if was_empty && !self.session.splitter.is_empty() {
                self.timers.await_command(self.now + self.config.timeouts.command);
            }
            if self.flags.eof {
                self.close(CloseReason::PeerClosed);
            }
            return false;
        };
        self.timers.await_command(self.now + self.config.timeouts.idle);
        match line {
            Line::Complete(line) if in_exchange => self.response(&line),
            Line::Complete(line) => self.command(line),
            Line::TooLong if in_exchange => self.response_too_long(),
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
