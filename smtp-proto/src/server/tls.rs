//! Where TLS begins (RFC 3207, RFC 8314 §3.3).

use super::config::TlsPolicy;
use super::connection::{Barrier, Connection};
use super::event::Abort;
use super::replies;
use super::session::{Phase, Session};
use super::table::State;
use crate::command::Verb;
use crate::{CloseReason, Instant, TlsInfo};

impl Connection {
    /// Whether TLS is active.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// The TLS handshake that [`Output::UpgradeTls`](crate::Output::UpgradeTls) asked for is done. Everything that the
    /// client said in clear is forgotten (RFC 3207 §4.2). Not due: no effect.
    pub fn handle_tls_established(&mut self, now: Instant, info: TlsInfo) {
        // The deadline counts, not who notices it first.
        self.handle_timeout(now);
        if !self.is_handshake_due() {
            return;
        }
        let satisfied = info.verified || !self.config.client_certificate;
        let state = if satisfied { State::Start } else { State::Insecure };
        self.session = Session::new(state, Phase::Command);
        self.tls = Some(info);
        self.timers.active(self.now);
        if self.config.tls == TlsPolicy::Implicit {
            self.ask_about_peer();
        } else {
            self.await_input();
        }
    }

    /// The TLS handshake failed. The connection ends without another octet. Not due: no effect.
    pub fn handle_tls_failed(&mut self, now: Instant) {
        self.tick(now);
        if self.is_handshake_due() {
            self.cut(CloseReason::TlsFailed, Abort::ConnectionLost);
        }
    }

    /// STARTTLS. 220 is said only if nothing came behind it, and taken back if something comes before it left: whoever
    /// sends octets that a TLS library must not see, nor this side take for commands, waits for nothing.
    pub(super) fn start_tls(&mut self) {
        if !self.session.chunk.is_empty() {
            return self.refuse_early_input();
        }
        let before = self.outbox.len();
        self.say(&replies::GO_AHEAD);
        self.barrier = Barrier::Tls { go_ahead: self.outbox.len() - before };
    }

    /// Takes the 220 to STARTTLS back, if it is the last thing to say and nothing of it has left. False: a part has.
    pub(super) fn withdraw_go_ahead(&mut self) -> bool {
        match self.barrier {
            Barrier::Tls { go_ahead } if self.outbox.retract(go_ahead) => {
                self.barrier = Barrier::None;
                true
            }
            Barrier::Tls { .. } => false,
            _ => true,
        }
    }

    /// The 220 to STARTTLS has left: what comes now is TLS.
    pub(super) fn begin_handshake(&mut self) {
        self.tell_answer(Some(Verb::StartTls), replies::GO_AHEAD.code());
        self.await_handshake();
        if self.flags.eof {
            self.cut(CloseReason::PeerClosed, Abort::ConnectionLost);
        }
    }

    pub(super) fn await_handshake(&mut self) {
        self.session = Session::new(State::Start, Phase::Handshake);
        self.outbox.release();
        self.timers.await_handshake(self.now + self.config.timeouts.handshake);
    }

    pub(super) fn is_handshake_due(&self) -> bool {
        self.closing.is_none() && matches!(self.session.phase, Phase::Handshake)
    }

    pub(super) fn channel_binding(&self) -> Option<&[u8; 32]> {
        self.tls.as_ref().and_then(|info| info.channel_binding.as_ref())
    }
}
