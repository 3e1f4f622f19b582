//! The answers of the application.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::connection::{Barrier, Connection, Open};
use super::event::Abort;
use super::exchange::Exchange;
use super::replies;
use super::session::{Excess, MailData, Phase, Transaction};
use super::table::{State, Step};
use super::token::{Id, Token};
use crate::body::BodyDecoder;
use crate::reply::{Detail, EhloResponse, Reply, ReplyCode};
use crate::{CloseReason, Decision, Instant, Misuse, Refused};

impl Connection {
    /// Says yes with the usual reply: 220, 235, 250, 354, or 252 to VRFY and EXPN.
    ///
    /// Accepting a [`Message`](super::Message) is the promise to deliver it (RFC 5321 §4.2.5).
    ///
    /// # Errors
    ///
    /// The token is handed back when it is not the one whose answer is due: its decision timed out, the connection
    /// ended, or it belongs to another connection. A message whose token comes back was not accepted.
    pub fn accept<T: Token>(&mut self, now: Instant, token: T) -> Result<(), Refused<T>> {
        self.expire(now);
        match self.take_open(T::DECISION, token.id()) {
            Ok(open) => {
                self.allow(open, None);
                Ok(())
            }
            Err(misuse) => Err(Refused::new(misuse, token)),
        }
    }

    /// Says yes with a reply of one's own, of class 2yz: 251 to RCPT, the queue identifier to a message, the mailbox
    /// to VRFY. To EHLO, to AUTH and to a connection only the text is used, to DATA nothing of it. A reply without an
    /// enhanced status code is given x.0.0 where it needs one (RFC 2034 §4).
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept), and [`Misuse::WrongReplyClass`].
    pub fn accept_with<T: Token>(&mut self, now: Instant, token: T, reply: Reply) -> Result<(), Refused<(T, Reply)>> {
        self.expire(now);
        if !reply.is_positive() {
            return Err(Refused::new(Misuse::WrongReplyClass, (token, reply)));
        }
        match self.take_open(T::DECISION, token.id()) {
            Ok(open) => {
                self.allow(open, Some(&reply.or_detail(Detail::UNDEFINED)));
                Ok(())
            }
            Err(misuse) => Err(Refused::new(misuse, (token, reply))),
        }
    }

    /// Says no, for now (4yz) or for good (5yz). A 421 also ends the connection. A reply without an enhanced status code
    /// is given x.0.0 where it needs one (RFC 2034 §4).
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept), and [`Misuse::WrongReplyClass`].
    pub fn reject<T: Token>(&mut self, now: Instant, token: T, reply: Reply) -> Result<(), Refused<(T, Reply)>> {
        self.expire(now);
        if !(reply.is_transient() || reply.is_permanent()) {
            return Err(Refused::new(Misuse::WrongReplyClass, (token, reply)));
        }
        match self.take_open(T::DECISION, token.id()) {
            Ok(open) => {
                self.deny(open, &reply.or_detail(Detail::UNDEFINED), token.into_exchange());
                Ok(())
            }
            Err(misuse) => Err(Refused::new(misuse, (token, reply))),
        }
    }

    /// The application did not answer in time.
    pub(super) fn time_out_decision(&mut self) {
        let Some(open) = self.open else { return };
        self.abort(Abort::Timeout);
        self.open = None;
        if open.decision == Decision::Connect {
            self.leave(CloseReason::Timeout, Detail::OTHER_SYSTEM_STATUS, "no service at present");
        } else {
            let is_auth = matches!(open.decision, Decision::Auth | Decision::Lookup);
            let reply = if is_auth { &replies::NO_AUTH_DECISION } else { &replies::NO_DECISION };
            self.deny(open, reply, None);
        }
    }

    /// Ends a transaction, if there is one; the session goes on.
    pub(super) fn begin_anew(&mut self) {
        self.session.transaction = Transaction::default();
        self.session.mail_refused = false;
        if matches!(self.session.state, State::Mail | State::Rcpt) {
            self.session.state = State::Ready;
        }
    }

    /// An answer that comes behind its deadline comes too late, whether or not `handle_timeout` was called in between.
    pub(super) fn expire(&mut self, now: Instant) {
        self.tick(now);
        if self.timers.is_decision_due(now) {
            self.handle_timeout(now);
        }
    }

    pub(super) fn take_open(&mut self, decision: Decision, id: Id) -> Result<Open, Misuse> {
        let due = Id { connection: self.id, serial: self.serial };
        self.open.take_if(|open| open.decision == decision && id == due).ok_or(Misuse::StaleToken)
    }

    fn allow(&mut self, open: Open, reply: Option<&Reply>) {
        self.timers.active(self.now);
        match open.decision {
            Decision::Connect => {
                self.greet(reply);
                self.barrier = Barrier::Sync;
            }
            Decision::Hello => {
                self.begin_anew();
                self.session.state = State::Ready;
                self.session.extended = open.extended;
                self.say_hello(open.extended, reply);
                self.barrier = self.hello_barrier();
            }
            Decision::Mail => {
                self.session.transaction = Transaction::default();
                self.session.state = State::Mail;
                self.say(reply.unwrap_or(&replies::SENDER_OK));
            }
            Decision::Rcpt => {
                self.session.transaction.accepted += 1;
                self.session.state = State::Rcpt;
                self.say(reply.unwrap_or(&replies::RECIPIENT_OK));
            }
            Decision::Data => {
                let decoder = BodyDecoder::new(self.config.line_endings);
                self.session.phase = Phase::Data(MailData { decoder, excess: Excess::None });
                self.timers.await_command(self.now + self.config.timeouts.data);
                self.say(&replies::START_INPUT);
                self.barrier = Barrier::Sync;
            }
            Decision::Message => {
                self.tally.errors = 0;
                self.tally.junk = 0;
                self.tally.messages = self.tally.messages.saturating_add(1);
                self.begin_anew();
                self.say(reply.unwrap_or(&replies::MESSAGE_OK));
            }
            Decision::Verify | Decision::Expand => self.say(reply.unwrap_or(&replies::CANNOT_VERIFY)),
            Decision::Auth => {
                self.session.authenticated = true;
                match reply {
                    Some(reply) => {
                        self.say(&Reply::new(replies::AUTH_OK.code(), replies::AUTH_OK.detail(), reply.text()))
                    }
                    None => self.say(&replies::AUTH_OK),
                }
                self.barrier = Barrier::Sync;
            }
            Decision::Lookup | Decision::Body => {}
        }
        self.go_on();
    }

    pub(super) fn deny(&mut self, open: Open, reply: &Reply, exchange: Option<Box<Exchange>>) {
        self.timers.active(self.now);
        match open.decision {
            // Replies to EHLO and opening replies carry no enhanced code (RFC 2034 §3).
            Decision::Connect => {
                self.say(&reply.clone().without_detail());
                self.session.state = State::Refused;
                self.barrier = Barrier::Sync;
            }
            Decision::Hello => {
                self.say(&reply.clone().without_detail());
                self.barrier = self.hello_barrier();
            }
            Decision::Mail => {
                self.session.mail_refused = true;
                self.say(reply);
            }
            Decision::Rcpt => {
                self.session.transaction.refused = self.session.transaction.refused.saturating_add(1);
                self.say(reply);
            }
            Decision::Data => {
                self.say(reply);
                self.barrier = Barrier::Sync;
            }
            Decision::Message => {
                self.begin_anew();
                self.say(reply);
            }
            Decision::Auth | Decision::Lookup => self.refuse_claim(exchange, reply),
            Decision::Verify | Decision::Expand | Decision::Body => self.say(reply),
        }
        if reply.code() == ReplyCode::SERVICE_NOT_AVAILABLE {
            self.close(CloseReason::Refused);
        } else {
            self.go_on();
        }
    }

    /// A question was answered: input is awaited again, unless the next question is open or the service is ending.
    pub(super) fn go_on(&mut self) {
        if self.closing.is_none() && self.open.is_none() {
            self.await_input();
            self.end_service(false);
        }
    }

    /// The greeting (RFC 5321 §4.2): the name of the server, then any text.
    fn greet(&mut self, reply: Option<&Reply>) {
        let text = match reply {
            Some(reply) => alloc::format!("{} {}", self.config.hostname, reply.text()),
            None => alloc::format!("{} {}", self.config.hostname, self.config.greeting),
        };
        self.say(&Reply::new(ReplyCode::SERVICE_READY, None, text));
    }

    /// The answer to EHLO or HELO (§4.1.1.1).
    fn say_hello(&mut self, extended: bool, reply: Option<&Reply>) {
        let config = &self.config;
        let greeting = reply.map(Reply::text).unwrap_or_default();
        let mut response = EhloResponse::new(&config.hostname, greeting.lines().next().unwrap_or_default());
        if extended {
            // Not last: there are clients that look for these two on lines with a hyphen only.
            let standing = self.standing();
            if matches!(standing.tls, Step::Optional | Step::Required) && standing.auth != Step::Done {
                response = response.with("STARTTLS");
            }
            let names: Vec<&str> = self.usable_mechanisms().map(|mechanism| mechanism.name()).collect();
            if !names.is_empty() {
                response = response.with(format_args!("AUTH {}", names.join(" ")));
            }
            response = response.with("PIPELINING").with("8BITMIME").with("ENHANCEDSTATUSCODES").with("HELP");
            response = response.with(format_args!("SIZE {}", config.limits.message_size));
            if config.verify {
                response = response.with("VRFY");
            }
            if config.expand {
                response = response.with("EXPN");
            }
        }
        self.say(&response.to_reply());
    }
}
