//! What the client makes of the replies of the server.

use super::capabilities::Capabilities;
use super::connection::{Connection, Session};
use super::event::{Body, Event};
use super::send::Due;
use super::table::{Question, Rule, rule};
use super::verdict::{Stage, Verdict};
use crate::CloseReason;
use crate::reply::{Detail, Reply, ReplyCode, ReplyLimits};

impl Connection {
    /// Goes on with the input until something is to be told, or until nothing more can be done.
    pub(super) fn next_event(&mut self) -> Option<Event> {
        loop {
            if let Some(outcome) = self.next_outcome() {
                self.send_commands();
                return Some(Event::Outcome(outcome));
            }
            if self.closing.is_some() {
                return None;
            }
            // A server that speaks TLS from the first octet takes the silence, or EHLO, for a bad handshake: an alert or
            // another record. It holds no line end to wait for.
            if self.session == Session::Greeting
                && !self.reader.is_inside()
                && matches!(self.chunk.first(), Some(&(TLS_ALERT | TLS_HANDSHAKE)))
            {
                self.broken(CloseReason::NotSmtp);
                continue;
            }
            let limits = self.reply_limits();
            match self.reader.next(&mut self.chunk, &limits) {
                Ok(Some(reply)) => {
                    let event = self.reply(&reply);
                    if event.is_some() {
                        return event;
                    }
                }
                Ok(None) if self.eof => self.broken(CloseReason::PeerClosed),
                Ok(None) => return None,
                Err(_) => self.broken(CloseReason::Protocol),
            }
        }
    }

    /// How long a reply may be now. A challenge of AUTH may be longer than others (RFC 4954 §4).
    fn reply_limits(&self) -> ReplyLimits {
        let limits = &self.config.limits;
        let challenge = if self.session == Session::Auth { limits.auth_challenge.get() } else { 0 };
        ReplyLimits {
            line: limits.reply_line.get().max(challenge),
            octets: limits.reply_octets.get().max(challenge),
            lines: limits.reply_lines.get() as usize,
        }
    }

    /// Takes one reply.
    fn reply(&mut self, reply: &Reply) -> Option<Event> {
        // A reply to what has not left to its last octet answers nothing: a 250 in front of the final dot accepts no mail.
        let answered = self.due.front().filter(|due| self.outbox.len() + due.octets <= self.unanswered).copied();
        let Some(due) = answered else {
            self.unasked(reply);
            return None;
        };
        self.due.pop_front();
        self.unanswered -= due.octets;
        self.timers.reply = None;
        let event = self.answer(due, reply);
        if reply.code() == ReplyCode::SERVICE_NOT_AVAILABLE {
            self.broken_with(CloseReason::ServiceNotAvailable, Some(reply));
        }
        self.send_commands();
        self.await_reply();
        event
    }

    /// Carries out what the table says.
    fn answer(&mut self, due: Due, reply: &Reply) -> Option<Event> {
        let rule = rule(due.question, reply.code().class());
        let gone = reply.code() == ReplyCode::SERVICE_NOT_AVAILABLE;
        match rule {
            Rule::SayEhlo => self.say_hello(Question::Ehlo),
            Rule::SayHelo => self.no_ehlo(reply),
            Rule::Proceed => {
                let channel = self.offers.channel;
                return self.proceed(match due.question {
                    Question::Ehlo => Capabilities::of_ehlo(reply, channel),
                    _ => Capabilities::none(channel),
                });
            }
            Rule::BeginTls => self.begin_tls(reply),
            Rule::Break if due.question == Question::StartTls => self.no_upgrade(),
            // The end of the service is said below this table.
            Rule::NoTls | Rule::AuthRefused | Rule::Cancelled if gone => {}
            Rule::NoTls => return self.no_tls(reply),
            // Only 334 is a challenge, whatever other 3yz codes may mean (RFC 4954 §4).
            Rule::Respond if reply.code() == ReplyCode::AUTHENTICATION_CHALLENGE => self.challenge(reply),
            Rule::Respond => self.break_off(due, reply),
            Rule::LoggedIn => return self.logged_in(),
            Rule::AuthRefused => self.auth_refused(reply),
            Rule::Cancelled => self.give_up(CloseReason::AuthExchange, None),
            Rule::NoService => {
                self.settle_all(CloseReason::Refused, Some(reply));
                if !gone {
                    self.leave(CloseReason::Refused);
                }
            }
            Rule::Break => self.break_off(due, reply),
            Rule::Left => self.broken(CloseReason::Protocol),
            Rule::Continue if due.question == Question::Rset => {}
            rule => return self.answer_mail(rule, due, reply),
        }
        None
    }

    /// Carries out what the table says about a mail.
    fn answer_mail(&mut self, rule: Rule, due: Due, reply: &Reply) -> Option<Event> {
        let mail = self.mail(due.mail)?;
        mail.transaction.unanswered -= 1;
        match rule {
            Rule::RefuseMail => {
                mail.judge(&Verdict::refused(reply.clone()));
                mail.transaction.refused = true;
                mail.transaction.reply = Some(reply.clone());
            }
            Rule::AcceptRecipient => mail.answer_recipient(None),
            Rule::RefuseRecipient => mail.answer_recipient(Some(refused_recipient(reply))),
            // Only 354 asks for the mail data, whatever other 3yz codes may mean (§3.3).
            Rule::SendBody if reply.code() == ReplyCode::START_MAIL_INPUT => return self.go_ahead(due),
            Rule::SendBody => self.break_off(due, reply),
            Rule::RefuseData => {
                mail.judge(&Verdict::refused(reply.clone()));
                // Where nobody is to get the mail, the refusal of DATA says nothing more.
                if mail.transaction.accepted > 0 {
                    mail.transaction.reply.get_or_insert_with(|| reply.clone());
                }
                mail.transaction.sealed = true;
                self.reset_due = !mail.transaction.refused;
            }
            Rule::Verdict => {
                mail.transaction.reply = Some(reply.clone());
                if reply.is_positive() {
                    mail.judge(&Verdict::Accepted(reply.clone()));
                } else {
                    mail.judge(&Verdict::refused(reply.clone()));
                }
            }
            _ => mail.transaction.reached(Stage::Rcpt),
        }
        None
    }

    /// The server granted DATA.
    fn go_ahead(&mut self, due: Due) -> Option<Event> {
        let state = &mut self.mail(due.mail)?.transaction;
        match (state.accepted, state.refused) {
            // Nobody is to get it: the lone dot ends what the server has begun (RFC 2920 §3.1).
            (0, _) => self.end_data(b".\r\n"),
            // A recipient without a sender: whatever is sent now could be delivered.
            (_, true) => self.broken(CloseReason::Protocol),
            (_, false) => {
                state.reached(Stage::Body);
                self.begin_body();
                return Some(Event::Body(Body { connection: self.id, serial: due.mail }));
            }
        }
        None
    }

    /// The answer is not a legal one. To the final dot that is none at all; a 421 says at least that the server goes.
    fn break_off(&mut self, due: Due, reply: &Reply) {
        if due.question == Question::Dot
            && let Some(mail) = self.mail(due.mail)
        {
            mail.judge(&Verdict::Unknown);
        }
        if reply.code() != ReplyCode::SERVICE_NOT_AVAILABLE {
            self.broken(CloseReason::Protocol);
        }
    }

    /// Takes a reply that nothing asked for. During mail data a refusal is the server's verdict come early (it gives
    /// up reading); 421 is allowed at any time (RFC 5321 §3.8); anything else makes the connection useless.
    fn unasked(&mut self, reply: &Reply) {
        let gone = reply.code() == ReplyCode::SERVICE_NOT_AVAILABLE;
        let sending_data = match self.due.front() {
            None => self.body.is_some().then_some(self.sending),
            Some(due) => (due.question == Question::Dot).then_some(due.mail),
        };
        let refusal = reply.is_transient() || reply.is_permanent();
        let reason = if gone { CloseReason::ServiceNotAvailable } else { CloseReason::Refused };
        match sending_data.filter(|_| refusal).and_then(|serial| self.mail(serial)) {
            Some(mail) => {
                mail.judge(&Verdict::refused(reply.clone()));
                mail.transaction.reply = Some(reply.clone());
                self.fail(reason, gone.then_some(reply));
            }
            None if gone => self.broken_with(reason, Some(reply)),
            None => self.broken(CloseReason::Protocol),
        }
    }
}

/// The verdict on a recipient. 552 here meant "too many recipients" in RFC 821, and still does where nothing else is
/// said: the recipient may be tried in another transaction (§4.5.3.1.10).
fn refused_recipient(reply: &Reply) -> Verdict {
    let other_reason = reply.detail().is_some_and(|detail| detail != Detail::TOO_MANY_RECIPIENTS);
    if reply.code() == ReplyCode::STORAGE_EXCEEDED && !other_reason {
        Verdict::Temporary(Some(reply.clone()))
    } else {
        Verdict::refused(reply.clone())
    }
}

/// The first octet of a TLS alert.
const TLS_ALERT: u8 = 21;

/// The first octet of a TLS handshake.
const TLS_HANDSHAKE: u8 = 22;
