//! What the server does with AUTH (RFC 4954 §4).

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use bytes::Bytes;

use super::connection::{Barrier, Connection};
use super::event::Event;
use super::exchange::{Auth, Exchange, Lookup};
use super::replies;
use super::session::Phase;
use crate::command::{InitialResponse, Verb};
use crate::reply::{Detail, Reply, ReplyCode};
use crate::sasl::{Context, First, Mechanism, Nonces, Secret, ServerExchange, Step, base64};
use crate::{CloseReason, Decision, Instant, Misuse, Refused};

impl Connection {
    /// Whether the client has logged in (RFC 4954).
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        self.session.authenticated
    }

    /// Randomness of the operating system, made for this connection, for the nonces of mechanisms. Call it before the
    /// first [`poll`](Self::poll). Without it, and without the feature `crypto`, mechanisms that need a nonce (SCRAM,
    /// CRAM-MD5) are not offered.
    pub fn seed(&mut self, entropy: [u8; 32]) {
        self.nonces = Nonces::new(entropy);
    }

    /// Answers a [`Lookup`]: what is stored of the user; `Ok(None)`: there is no such user, which the mechanism does not
    /// show before its end; `Err` with a 4yz reply, 454 4.7.0 as a rule: it cannot be said now.
    ///
    /// # Errors
    ///
    /// The token is handed back when it is not the one whose answer is due, as in [`accept`](Self::accept), and when the
    /// reply is of another class ([`Misuse::WrongReplyClass`]).
    pub fn provide(
        &mut self,
        now: Instant,
        lookup: Lookup,
        secret: Result<Option<Secret>, Reply>,
    ) -> Result<(), Refused<Lookup>> {
        self.expire(now);
        if secret.as_ref().is_err_and(|reply| !reply.is_transient()) {
            return Err(Refused::new(Misuse::WrongReplyClass, lookup));
        }
        let open = match self.take_open(Decision::Lookup, lookup.id) {
            Ok(open) => open,
            Err(misuse) => return Err(Refused::new(misuse, lookup)),
        };
        match secret {
            Ok(secret) => {
                self.timers.active(self.now);
                let mut exchange = lookup.exchange;
                let mut out = Vec::new();
                let step = exchange.server.provide(secret.as_ref(), &mut out);
                self.take_step(exchange, step, &out);
                self.go_on();
            }
            Err(reply) => self.deny(open, &reply, None),
        }
        Ok(())
    }

    /// The mechanisms that can be used now, in the order of the configuration.
    pub(super) fn usable_mechanisms(&self) -> impl Iterator<Item = &Arc<dyn Mechanism>> {
        let auth = &self.config.auth;
        let is_allowed = self.tls.is_some() || auth.without_tls;
        auth.mechanisms.iter().filter(move |mechanism| {
            is_allowed
                && (self.channel_binding().is_some() || !mechanism.binds_channel())
                && (self.nonces.is_some() || !mechanism.needs_nonce())
        })
    }

    /// Begins an exchange.
    pub(super) fn begin_auth(&mut self, name: &str, initial_response: Option<InitialResponse<'_>>) {
        if !self.bears_junk(Verb::Auth) {
            return;
        }
        let found = self.usable_mechanisms().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name));
        let Some(mechanism) = found.map(Arc::clone) else {
            return self.error(Some(Verb::Auth), &replies::NO_SUCH_MECHANISM);
        };
        let mut response = Vec::new();
        if let Some(text) = initial_response.map(|response| response.as_str()) {
            if mechanism.first() == First::Server {
                return self.error(Some(Verb::Auth), &replies::SERVER_FIRST);
            }
            if text != "=" && base64::decode(text.as_bytes(), &mut response).is_err() {
                return self.error(Some(Verb::Auth), &replies::NOT_BASE64);
            }
        }
        let Some(server) = self.exchange_of(&*mechanism) else {
            return self.error(Some(Verb::Auth), &replies::NO_SUCH_MECHANISM);
        };
        let client_first = mechanism.first() == First::Client;
        let mut exchange = Box::new(Exchange { mechanism, server, challenges: 0, refusal: None });
        if initial_response.is_none() && client_first {
            return self.challenge(exchange, &[]);
        }
        let mut out = Vec::new();
        let step = exchange.server.take(initial_response.map(|_| &response[..]), &mut out);
        self.take_step(exchange, step, &out);
    }

    /// A line in an exchange.
    pub(super) fn response(&mut self, line: &Bytes) {
        let Phase::Exchange(mut exchange) = mem::replace(&mut self.session.phase, Phase::Command) else { return };
        if &line[..] == b"*" {
            return self.break_off(&exchange, &replies::CANCELLED);
        }
        if let Some(refusal) = exchange.refusal.take() {
            let code = self.fail_auth(&refusal);
            return self.tell_answer(Some(Verb::Auth), code);
        }
        let mut response = Vec::new();
        if base64::decode(line, &mut response).is_err() {
            return self.error(Some(Verb::Auth), &replies::NOT_BASE64);
        }
        let mut out = Vec::new();
        let step = exchange.server.take(Some(&response), &mut out);
        self.take_step(exchange, step, &out);
    }

    /// A line in an exchange that is longer than the limit.
    pub(super) fn response_too_long(&mut self) {
        let Phase::Exchange(exchange) = mem::replace(&mut self.session.phase, Phase::Command) else { return };
        self.break_off(&exchange, &replies::RESPONSE_TOO_LONG);
    }

    /// Answers a claim that the application refuses.
    pub(super) fn refuse_claim(&mut self, exchange: Option<Box<Exchange>>, reply: &Reply) {
        if !reply.is_permanent() {
            self.say(reply);
            self.barrier = Barrier::Sync;
            return;
        }
        if let Some(mut exchange) = exchange
            && exchange.challenges < self.config.limits.auth_rounds.get()
        {
            let mut out = Vec::new();
            if exchange.server.refuse(&mut out) == Step::Challenge {
                exchange.refusal = Some(reply.clone());
                return self.challenge(exchange, &out);
            }
        }
        self.fail_auth(reply);
    }

    /// Does what the mechanism says.
    fn take_step(&mut self, exchange: Box<Exchange>, step: Step, out: &[u8]) {
        match step {
            Step::Challenge => self.challenge(exchange, out),
            Step::Lookup => {
                let id = self.ask(Decision::Lookup, false);
                self.tell(Event::Lookup(Lookup { id, exchange }));
            }
            Step::Decide => {
                let id = self.ask(Decision::Auth, false);
                self.tell(Event::Auth(Auth { id, exchange }));
            }
            Step::Malformed => self.error(Some(Verb::Auth), &replies::BAD_RESPONSE),
            Step::Refused => {
                let code = self.fail_auth(&replies::CREDENTIALS_INVALID);
                self.tell_answer(Some(Verb::Auth), code);
            }
        }
    }

    /// Sends a challenge: 334, a space, and base64 on one line of any length.
    fn challenge(&mut self, mut exchange: Box<Exchange>, challenge: &[u8]) {
        exchange.challenges += 1;
        if exchange.challenges > self.config.limits.auth_rounds.get() {
            return self.error(Some(Verb::Auth), &replies::TOO_MANY_ROUNDS);
        }
        let out = self.outbox.buffer();
        out.extend_from_slice(b"334 ");
        base64::encode(challenge, out);
        out.extend_from_slice(b"\r\n");
        self.barrier = Barrier::Sync;
        self.session.phase = Phase::Exchange(exchange);
        self.tell_answer(Some(Verb::Auth), ReplyCode::AUTHENTICATION_CHALLENGE);
    }

    /// Ends an exchange that the client does not go on with. That is no way around the count of failures.
    fn break_off(&mut self, exchange: &Exchange, reply: &Reply) {
        if exchange.refusal.is_none() {
            return self.error(Some(Verb::Auth), reply);
        }
        let code = self.fail_auth(reply);
        self.tell_answer(Some(Verb::Auth), code);
    }

    /// Says no to credentials, late, and counts it. One too many ends the connection with the reply (RFC 4954 §9).
    /// Returns the code that is said.
    fn fail_auth(&mut self, reply: &Reply) -> ReplyCode {
        self.tally.auth_failures = self.tally.auth_failures.saturating_add(1);
        if !self.config.timeouts.auth_delay.is_zero() {
            self.timers.start_hold(self.now + self.config.timeouts.auth_delay);
        }
        if self.tally.auth_failures >= self.config.limits.auth_failures.get() {
            let text = "too many attempts to authenticate failed";
            self.leave(CloseReason::TooManyAuthFailures, Detail::OTHER_SECURITY_STATUS, text);
            return ReplyCode::SERVICE_NOT_AVAILABLE;
        }
        self.say(reply);
        self.barrier = Barrier::Sync;
        reply.code()
    }

    /// The server's end of an exchange.
    fn exchange_of(&mut self, mechanism: &dyn Mechanism) -> Option<Box<dyn ServerExchange>> {
        let nonce = if mechanism.needs_nonce() { self.nonces.as_mut().map(Nonces::next) } else { None };
        let binding = self.channel_binding().copied();
        let context = Context {
            nonce: nonce.as_deref(),
            channel_binding: binding.as_ref(),
            offers_channel_binding: self.usable_mechanisms().any(|mechanism| mechanism.binds_channel()),
            hostname: &self.config.hostname,
            decoy_key: &self.config.auth.decoy_key,
        };
        mechanism.server(&context)
    }
}
