//! What the server makes of the octets of the client.

use core::time::Duration;

use bytes::{Buf, Bytes};

use super::config::EarlyInput;
use super::connection::{Barrier, Connection, MailData, Phase};
use super::event::{Abort, Answered, Event};
use super::replies;
use super::table::{Rule, State, rule};
use super::token::{Data, Expand, Hello, Mail, Message, PathSpan, Rcpt, Verify};
use crate::address::Charset;
use crate::body::{Decoded, LineEndings};
use crate::command::{BodyKind, Command, CommandError, Parameters, ParseOptions, Verb};
use crate::line::{Line, LineLimit};
use crate::reply::{Detail, Reply, ReplyCode};
use crate::{CloseReason, Decision};

impl Connection {
    /// Goes on with the input until something is to be told or asked, or until nothing more can be done.
    pub(super) fn next_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.notice.take() {
                return Some(event);
            }
            if self.closing.is_some()
                || self.open.is_some()
                || self.timers.is_held()
                || (self.barrier != Barrier::None && !self.outbox.is_empty())
                || self.outbox.len() >= self.config.limits.pending_output.get()
            {
                return None;
            }
            let event = match &mut self.phase {
                Phase::Command => self.next_line()?,
                Phase::Data(_) => self.next_content()?,
                Phase::Skip(_) => self.skip_chunk()?,
            };
            if event.is_some() {
                return event;
            }
        }
    }

    /// Takes one command line. `None`: there is none yet.
    fn next_line(&mut self) -> Option<Option<Event>> {
        // A TLS handshake begins with the octet 22; it holds no line end to wait for.
        if self.state == State::Start && self.chunk.first() == Some(&22) && self.splitter.is_empty() {
            return Some(self.not_smtp("this port begins in clear text, TLS does not begin here"));
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
            return None;
        };
        self.timers.await_command(self.now + self.config.timeouts.idle);
        Some(match line {
            Line::Complete(line) => self.command(&line),
            Line::TooLong => self.error(None, &replies::LINE_TOO_LONG),
            Line::Stray => {
                let told = self.answered(None, &replies::STRAY_OCTET);
                self.close(CloseReason::StrayOctet);
                told
            }
            Line::Flood => {
                let told = self.answered(None, &replies::LINE_TOO_LONG);
                self.close(CloseReason::Flood);
                told
            }
        })
    }

    /// Carries out one command.
    fn command(&mut self, line: &Bytes) -> Option<Event> {
        let options = ParseOptions { charset: Charset::Ascii, max_parameters: self.config.limits.parameters.get() };
        let parsed = Command::parse(line, &options);
        let verb = match &parsed {
            Ok(command) => command.verb(),
            Err(error) => match error.verb() {
                Some(verb) => verb,
                None => return self.unknown(line, error),
            },
        };
        let rule = rule(self.state, verb);
        match (rule, parsed) {
            (Rule::SkipChunk, parsed) => self.refuse_chunk(parsed),
            (Rule::Unknown, _) => self.error(Some(verb), &replies::UNKNOWN),
            (Rule::Unimplemented, _) => self.error(Some(verb), &replies::NOT_IMPLEMENTED),
            (Rule::HelloFirst, _) => self.error(Some(verb), &replies::HELLO_FIRST),
            (Rule::MailFirst, _) if self.flags.mail_refused => self.refuse_recipient(verb, &replies::MAIL_FIRST),
            (Rule::MailFirst, _) => self.error(Some(verb), &replies::MAIL_FIRST),
            (Rule::RcptFirst, _) if self.transaction.refused > 0 => {
                self.barrier = Barrier::Sync;
                self.answered(Some(verb), &replies::NO_VALID_RECIPIENTS)
            }
            (Rule::RcptFirst, _) => self.error(Some(verb), &replies::RCPT_FIRST),
            (Rule::Nested, _) => self.error(Some(verb), &replies::NESTED_MAIL),
            (Rule::QuitOnly, _) => self.error(Some(verb), &replies::QUIT_ONLY),
            (_, Err(error)) => self.error(Some(verb), &refusal(&error)),
            (Rule::Hello, Ok(Command::Ehlo(host) | Command::Helo(host))) => {
                if self.is_junk(verb) {
                    return self.error(Some(verb), &replies::TOO_MUCH_JUNK);
                }
                let extended = verb == Verb::Ehlo;
                let name = line.slice_ref(host.as_str().as_bytes());
                let id = self.ask(Decision::Hello, extended);
                Some(Event::Hello(Hello { id, name, extended }))
            }
            (Rule::Mail, Ok(Command::Mail { reverse_path, parameters })) => {
                if self.tally.messages >= self.config.limits.messages.get() {
                    let event = Answered { verb: Some(verb), code: ReplyCode::SERVICE_NOT_AVAILABLE };
                    let text = "too many messages on this connection";
                    self.leave(CloseReason::TooManyMessages, Detail::OTHER_SECURITY_STATUS, text);
                    return Some(Event::Answered(event));
                }
                self.flags.mail_refused = false;
                if let Some(refusal) = self.judge_mail_parameters(&parameters) {
                    self.flags.mail_refused = true;
                    return self.error(Some(verb), refusal);
                }
                let path = PathSpan::of_reverse_path(line, &reverse_path, &parameters);
                let id = self.ask(Decision::Mail, false);
                Some(Event::Mail(Mail { id, line: line.clone(), path }))
            }
            (Rule::Rcpt, Ok(Command::Rcpt { forward_path, parameters })) => {
                if !parameters.is_empty() {
                    return self.error(Some(verb), &replies::UNKNOWN_PARAMETER);
                }
                let limits = &self.config.limits;
                let is_full = self.transaction.accepted >= limits.recipients.get();
                if is_full || self.transaction.refused > limits.recipient_overshoot.get() {
                    return self.refuse_recipient(verb, &replies::TOO_MANY_RECIPIENTS);
                }
                let path = PathSpan::of_forward_path(line, &forward_path, &parameters);
                let id = self.ask(Decision::Rcpt, false);
                Some(Event::Rcpt(Rcpt { id, line: line.clone(), path }))
            }
            (Rule::Data, Ok(_)) => {
                let id = self.ask(Decision::Data, false);
                Some(Event::Data(Data { id }))
            }
            (Rule::Reset, Ok(_)) => {
                if self.is_junk(verb) {
                    return self.error(Some(verb), &replies::TOO_MUCH_JUNK);
                }
                self.begin_anew();
                self.say(&replies::RESET);
                Some(Event::Reset)
            }
            (Rule::Verify | Rule::Expand, Ok(Command::Vrfy(argument) | Command::Expn(argument))) => {
                self.barrier = Barrier::Flush;
                if self.is_junk(verb) {
                    return self.error(Some(verb), &replies::TOO_MUCH_JUNK);
                }
                let argument = line.slice_ref(argument.as_bytes());
                match (rule, self.config.verify, self.config.expand) {
                    (Rule::Verify, true, _) => {
                        let id = self.ask(Decision::Verify, false);
                        Some(Event::Verify(Verify { id, argument }))
                    }
                    (Rule::Expand, _, true) => {
                        let id = self.ask(Decision::Expand, false);
                        Some(Event::Expand(Expand { id, argument }))
                    }
                    (Rule::Verify, ..) => self.answered(Some(verb), &replies::CANNOT_VERIFY),
                    _ => self.answered(Some(verb), &replies::NOT_IMPLEMENTED),
                }
            }
            (Rule::Help, Ok(_)) => {
                if self.is_junk(verb) {
                    return self.error(Some(verb), &replies::TOO_MUCH_JUNK);
                }
                self.answered(Some(verb), &replies::HELP)
            }
            (Rule::Noop, Ok(_)) => {
                self.barrier = Barrier::Flush;
                if self.is_junk(verb) {
                    return self.error(Some(verb), &replies::TOO_MUCH_JUNK);
                }
                self.answered(Some(verb), &replies::NOOP)
            }
            (Rule::Quit, Ok(_)) => {
                let text = alloc::format!("{} closing connection", self.config.hostname);
                let told = self.answered(Some(verb), &Reply::new(ReplyCode::CLOSING, Detail::UNDEFINED, text));
                self.close(CloseReason::Quit);
                told
            }
            // Every rule above names the commands that it stands for in the table.
            (_, Ok(_)) => self.error(Some(verb), &replies::NOT_IMPLEMENTED),
        }
    }

    /// Why a MAIL with these parameters is refused, if it is (RFC 5321 §4.1.1.11, RFC 1870 §6, RFC 6152 §2).
    fn judge_mail_parameters(&self, parameters: &Parameters<'_>) -> Option<&'static Reply> {
        if parameters.is_empty() {
            return None;
        }
        if !self.flags.extended {
            return Some(&replies::NO_PARAMETERS_AFTER_HELO);
        }
        let known = |keyword: &str| ["SIZE", "BODY"].iter().any(|name| name.eq_ignore_ascii_case(keyword));
        if parameters.iter().any(|parameter| !known(parameter.keyword)) {
            return Some(&replies::UNKNOWN_PARAMETER);
        }
        match (parameters.body(), parameters.size()) {
            (Err(_), _) | (_, Err(_)) | (Ok(Some(BodyKind::BinaryMime)), _) => Some(&replies::BAD_PARAMETER),
            (_, Ok(Some(size))) if size > self.config.limits.message_size.get() => Some(&replies::TOO_BIG),
            _ => None,
        }
    }

    /// Takes some of the mail data. `None`: there is none yet.
    fn next_content(&mut self) -> Option<Option<Event>> {
        let limit = self.config.limits.message_size.get();
        let Phase::Data(data) = &mut self.phase else { return None };
        let before = self.chunk.len();
        let decoded = data.decoder.next(&mut self.chunk);
        let taken = (before - self.chunk.len()) as u64;
        data.taken += taken;
        let (octets, all_taken, was_too_big) = (data.decoder.octets(), data.taken, data.too_big);
        data.too_big |= octets > limit;
        self.progress(taken);
        match decoded {
            Decoded::Content(_) if was_too_big => {
                if all_taken > limit.saturating_add(limit.saturating_add(limit / 2)) {
                    self.say(&replies::TOO_BIG);
                    self.close(CloseReason::Flood);
                }
                Some(None)
            }
            Decoded::Content(mut piece) if octets > limit => {
                self.notice = Some(Event::Aborted(Abort::TooBig));
                let excess = usize::try_from(octets - limit).unwrap_or(usize::MAX);
                piece.truncate(piece.len().saturating_sub(excess));
                Some((!piece.is_empty()).then_some(Event::Body(piece)))
            }
            Decoded::Content(piece) => Some(Some(Event::Body(piece))),
            Decoded::End => Some(self.end_of_data()),
            Decoded::NeedInput => {
                if self.flags.eof {
                    self.abort(Abort::ConnectionLost);
                    self.close(CloseReason::PeerClosed);
                    return Some(None);
                }
                None
            }
        }
    }

    /// The final dot has come.
    fn end_of_data(&mut self) -> Option<Event> {
        let Phase::Data(MailData { decoder, too_big, .. }) = core::mem::replace(&mut self.phase, Phase::Command) else {
            return None;
        };
        let strict = self.config.line_endings == LineEndings::Strict;
        self.timers.await_command(self.now + self.config.timeouts.idle);
        if too_big {
            self.begin_anew();
            self.say(&replies::TOO_BIG);
            let code = replies::TOO_BIG.code();
            return Some(Event::Answered(Answered { verb: None, code }));
        }
        match decoder.stray() {
            Some(_) if strict => {
                self.begin_anew();
                self.say(&replies::STRAY_IN_DATA);
                Some(Event::Aborted(Abort::StrayOctet))
            }
            converted => {
                let id = self.ask(Decision::Message, false);
                Some(Event::Message(Message { id, octets: decoder.octets(), converted }))
            }
        }
    }

    /// Answers BDAT, and makes sure that its octets are not taken for commands (RFC 3030 §2).
    fn refuse_chunk(&mut self, parsed: Result<Command<'_>, CommandError>) -> Option<Event> {
        let Ok(Command::Bdat { size, .. }) = parsed else {
            // The octets that follow cannot be told from commands.
            let told = self.answered(Some(Verb::Bdat), &replies::BAD_PARAMETER);
            self.close(CloseReason::Protocol);
            return told;
        };
        let told = self.error(Some(Verb::Bdat), &replies::NOT_IMPLEMENTED);
        let limit = self.config.limits.message_size.get();
        if self.closing.is_none() {
            if size > limit.saturating_add(limit / 2) {
                self.close(CloseReason::Flood);
            } else if size > 0 {
                self.phase = Phase::Skip(size);
                self.timers.await_command(self.now + self.config.timeouts.data);
            }
        }
        told
    }

    /// Throws octets of a refused chunk away. `None`: there are none yet.
    fn skip_chunk(&mut self) -> Option<Option<Event>> {
        let Phase::Skip(left) = &mut self.phase else { return None };
        if self.chunk.is_empty() {
            if self.flags.eof {
                self.close(CloseReason::PeerClosed);
            }
            return None;
        }
        let now = self.chunk.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        self.chunk.advance(now);
        *left -= now as u64;
        if *left == 0 {
            self.phase = Phase::Command;
            self.timers.await_command(self.now + self.config.timeouts.idle);
        } else {
            self.progress(now as u64);
        }
        Some(None)
    }

    /// Mail data came: it buys time, up to the whole budget.
    fn progress(&mut self, octets: u64) {
        let timeouts = &self.config.timeouts;
        let bought = Duration::from_nanos(octets.saturating_mul(1_000_000_000) / u64::from(timeouts.data_rate.get()));
        let most = self.now + timeouts.data;
        let due = self.timers.command_due().map_or(most, |due| (due + bought).min(most));
        self.timers.await_command(due);
    }

    /// A line whose verb is none of ours.
    fn unknown(&mut self, line: &Bytes, error: &CommandError) -> Option<Event> {
        if is_foreign_protocol(line) {
            return self.not_smtp("this is an SMTP server");
        }
        let refusal = if self.state == State::Refused { replies::QUIT_ONLY.clone() } else { refusal(error) };
        self.error(None, &refusal)
    }

    /// The peer speaks another protocol: one reply, and the end.
    fn not_smtp(&mut self, text: &str) -> Option<Event> {
        self.leave(CloseReason::NotSmtp, Detail::OTHER_SECURITY_STATUS, text);
        Some(Event::Answered(Answered { verb: None, code: ReplyCode::SERVICE_NOT_AVAILABLE }))
    }

    /// Whether a command that brings no mail is one too many.
    fn is_junk(&mut self, verb: Verb) -> bool {
        // The first EHLO is no junk.
        if self.state != State::Start || !matches!(verb, Verb::Ehlo | Verb::Helo) {
            self.tally.junk = self.tally.junk.saturating_add(1);
        }
        self.tally.junk > self.config.limits.junk_commands.get()
    }

    /// Refuses what a client that sends groups could not know to be useless. Too much of it is an error all the same.
    fn refuse_recipient(&mut self, verb: Verb, reply: &Reply) -> Option<Event> {
        self.transaction.refused = self.transaction.refused.saturating_add(1);
        if self.transaction.refused > self.config.limits.recipient_overshoot.get() {
            self.error(Some(verb), reply)
        } else {
            self.answered(Some(verb), reply)
        }
    }

    /// Answers an error of the client, or ends the connection when there were too many.
    fn error(&mut self, verb: Option<Verb>, reply: &Reply) -> Option<Event> {
        let limits = &self.config.limits;
        self.tally.errors = self.tally.errors.saturating_add(1);
        if self.tally.errors > limits.hard_errors.get() {
            self.leave(CloseReason::TooManyErrors, Detail::OTHER_SECURITY_STATUS, "too many errors");
            return Some(Event::Answered(Answered { verb, code: ReplyCode::SERVICE_NOT_AVAILABLE }));
        }
        if self.tally.errors > limits.soft_errors.get() && !self.config.timeouts.error_delay.is_zero() {
            self.timers.start_hold(self.now + self.config.timeouts.error_delay);
        }
        self.answered(verb, reply)
    }

    /// Answers without a question to the application.
    fn answered(&mut self, verb: Option<Verb>, reply: &Reply) -> Option<Event> {
        let hello = matches!(verb, Some(Verb::Ehlo | Verb::Helo));
        // Replies to EHLO and HELO carry no enhanced code (RFC 2034 §3).
        if hello {
            self.say(&reply.clone().without_detail());
        } else {
            self.say(reply);
        }
        let grouped = matches!(verb, Some(Verb::Mail | Verb::Rcpt | Verb::Rset | Verb::Send | Verb::Soml | Verb::Saml));
        if !grouped && self.barrier == Barrier::None {
            self.barrier = if hello { self.hello_barrier() } else { Barrier::Flush };
        }
        Some(Event::Answered(Answered { verb, code: reply.code() }))
    }

    /// What may follow EHLO before its answer has left.
    pub(super) fn hello_barrier(&self) -> Barrier {
        match self.config.early_input {
            EarlyInput::Refuse => Barrier::Sync,
            EarlyInput::TolerateAfterHello => Barrier::Flush,
        }
    }
}

/// The reply to a command that cannot be parsed.
fn refusal(error: &CommandError) -> Reply {
    let (subject, detail) = error.enhanced();
    let code = ReplyCode::new(error.code()).unwrap_or(ReplyCode::SYNTAX_ERROR);
    Reply::new(code, Detail::new(subject.into(), detail.into()), alloc::format!("{error}"))
}

/// Whether a line with an unknown verb is typical of another protocol: an HTTP request, an SSH greeting, or a header
/// field, which shows that mail data or an HTTP request is being taken for commands.
fn is_foreign_protocol(line: &[u8]) -> bool {
    const WORDS: [&[u8]; 8] = [b"GET", b"POST", b"CONNECT", b"HEAD", b"PUT", b"OPTIONS", b"PRI", b"DELETE"];
    let word = line.split(|&octet| octet == b' ').next().unwrap_or_default();
    let field_name = line.iter().position(|&octet| octet == b':').filter(|&colon| colon > 0);
    WORDS.contains(&word)
        || line.starts_with(b"SSH-")
        || field_name.is_some_and(|colon| line[..colon].iter().all(|octet| octet.is_ascii_graphic()))
}
