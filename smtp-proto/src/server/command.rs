//! What the server does with a command.

use bytes::Bytes;

use super::config::EarlyInput;
use super::connection::{Barrier, Connection};
use super::event::{Answered, Event};
use super::replies;
use super::table::{Rule, State, rule};
use super::token::{Data, Expand, Hello, Mail, PathSpan, Rcpt, Verify};
use crate::address::Charset;
use crate::command::{BodyKind, Command, CommandError, ParameterError, Parameters, ParseOptions, Verb};
use crate::reply::{Detail, Reply, ReplyCode};
use crate::{CloseReason, Decision};

impl Connection {
    /// Carries out one command.
    pub(super) fn command(&mut self, line: Bytes) {
        let options = ParseOptions { charset: Charset::Ascii, max_parameters: self.config.limits.parameters.get() };
        let parsed = Command::parse(&line, &options);
        let verb = match &parsed {
            Ok(command) => command.verb(),
            Err(error) => match error.verb() {
                Some(verb) => verb,
                None => return self.unknown(&line, error),
            },
        };
        let rule = rule(self.session.state, self.standing(), verb);
        match (rule, parsed) {
            (Rule::RcptFirst, _) if self.session.transaction.refused > 0 => {
                self.barrier = Barrier::Sync;
                self.answered(Some(verb), &replies::NO_VALID_RECIPIENTS)
            }
            (rule, parsed) if let Some(reply) = answer_to(rule, verb) => match verb {
                Verb::Bdat => self.refuse_chunk(parsed, reply),
                // Whoever sends a group cannot know that its MAIL is refused.
                Verb::Rcpt | Verb::Data if self.session.mail_refused => self.refuse_recipient(verb, reply),
                _ => {
                    self.session.mail_refused |= verb == Verb::Mail && matches!(rule, Rule::TlsFirst | Rule::AuthFirst);
                    self.error(Some(verb), reply);
                }
            },
            (_, Err(error)) => self.error(Some(verb), &refusal(&error)),
            (Rule::Hello, Ok(Command::Ehlo(host) | Command::Helo(host))) => {
                if !self.bears_junk(verb) {
                    return;
                }
                let extended = verb == Verb::Ehlo;
                let name = line.slice_ref(host.as_str().as_bytes());
                let id = self.ask(Decision::Hello, extended);
                self.tell(Event::Hello(Hello { id, name, extended }));
            }
            (Rule::StartTls, Ok(_)) => self.start_tls(),
            (Rule::Auth, Ok(Command::Auth { mechanism, initial_response })) => {
                self.begin_auth(mechanism, initial_response);
            }
            (Rule::Mail, Ok(Command::Mail { reverse_path, parameters })) => {
                if self.tally.messages >= self.config.limits.messages.get() {
                    let text = "too many messages on this connection";
                    self.leave(CloseReason::TooManyMessages, Detail::OTHER_SECURITY_STATUS, text);
                    return self.tell_answer(Some(verb), ReplyCode::SERVICE_NOT_AVAILABLE);
                }
                self.session.mail_refused = false;
                if let Some(refusal) = self.judge_mail_parameters(&parameters) {
                    self.session.mail_refused = true;
                    return self.error(Some(verb), refusal);
                }
                let path = PathSpan::of_reverse_path(&line, &reverse_path, &parameters);
                let id = self.ask(Decision::Mail, false);
                self.tell(Event::Mail(Mail { id, line, path, protocol: self.protocol() }));
            }
            (Rule::Rcpt, Ok(Command::Rcpt { forward_path, parameters })) => {
                if !parameters.is_empty() {
                    return self.error(Some(verb), &replies::UNKNOWN_PARAMETER);
                }
                let limits = &self.config.limits;
                let is_full = self.session.transaction.accepted >= limits.recipients.get();
                if is_full || self.session.transaction.refused > limits.recipient_overshoot.get() {
                    return self.refuse_recipient(verb, &replies::TOO_MANY_RECIPIENTS);
                }
                let path = PathSpan::of_forward_path(&line, &forward_path, &parameters);
                let id = self.ask(Decision::Rcpt, false);
                self.tell(Event::Rcpt(Rcpt { id, line, path }));
            }
            (Rule::Data, Ok(_)) => {
                let id = self.ask(Decision::Data, false);
                self.tell(Event::Data(Data { id }));
            }
            (Rule::Reset, Ok(_)) => {
                if !self.bears_junk(verb) {
                    return;
                }
                self.begin_anew();
                self.say(&replies::RESET);
                self.tell(Event::Reset);
            }
            (Rule::Verify | Rule::Expand, Ok(Command::Vrfy(argument) | Command::Expn(argument))) => {
                self.barrier = Barrier::Flush;
                if !self.bears_junk(verb) {
                    return;
                }
                let argument = line.slice_ref(argument.as_bytes());
                match (rule, self.config.verify, self.config.expand) {
                    (Rule::Verify, true, _) => {
                        let id = self.ask(Decision::Verify, false);
                        self.tell(Event::Verify(Verify { id, argument }));
                    }
                    (Rule::Expand, _, true) => {
                        let id = self.ask(Decision::Expand, false);
                        self.tell(Event::Expand(Expand { id, argument }));
                    }
                    (Rule::Verify, ..) => self.answered(Some(verb), &replies::CANNOT_VERIFY),
                    _ => self.answered(Some(verb), &replies::NOT_IMPLEMENTED),
                }
            }
            (Rule::Help, Ok(_)) => {
                if !self.bears_junk(verb) {
                    return;
                }
                self.answered(Some(verb), &replies::HELP)
            }
            (Rule::Noop, Ok(_)) => {
                self.barrier = Barrier::Flush;
                if !self.bears_junk(verb) {
                    return;
                }
                self.answered(Some(verb), &replies::NOOP)
            }
            (Rule::Quit, Ok(_)) => {
                let text = alloc::format!("{} closing connection", self.config.hostname);
                self.answered(Some(verb), &Reply::new(ReplyCode::CLOSING, Detail::UNDEFINED, text));
                self.close(CloseReason::Quit);
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
        if !self.session.extended {
            return Some(&replies::NO_PARAMETERS_AFTER_HELO);
        }
        // AUTH is taken from everybody (RFC 4954 §5), where the extension is there.
        let has_auth = self.session.authenticated || self.usable_mechanisms().next().is_some();
        let names: &[&str] = if has_auth { &["SIZE", "BODY", "AUTH"] } else { &["SIZE", "BODY"] };
        let known = |keyword: &str| names.iter().any(|name| name.eq_ignore_ascii_case(keyword));
        if parameters.iter().any(|parameter| !known(parameter.keyword)) {
            return Some(&replies::UNKNOWN_PARAMETER);
        }
        if parameters.submitter().is_err() {
            return Some(&replies::BAD_PARAMETER);
        }
        match (parameters.body(), parameters.size()) {
            // A number of twenty digits is good grammar, and more than anything that fits.
            (_, Err(ParameterError::SizeTooLarge)) => Some(&replies::TOO_BIG),
            (Err(_), _) | (_, Err(_)) | (Ok(Some(BodyKind::BinaryMime)), _) => Some(&replies::BAD_PARAMETER),
            (_, Ok(Some(size))) if size > self.config.limits.message_size.get() => Some(&replies::TOO_BIG),
            _ => None,
        }
    }

    /// A line whose verb is none of ours.
    #[cold]
    fn unknown(&mut self, line: &Bytes, error: &CommandError) {
        // Whoever has said EHLO speaks SMTP: a command that is not understood later ends nothing (§3.8, §4.1.1.10).
        if self.session.state == State::Start && is_foreign_protocol(line) {
            return self.not_smtp("this is an SMTP server");
        }
        let refusal = match self.session.state {
            State::Refused => replies::QUIT_ONLY.clone(),
            State::Insecure => replies::INSECURE.clone(),
            _ => refusal(error),
        };
        self.error(None, &refusal);
    }

    /// The peer speaks another protocol: one reply, and the end.
    #[cold]
    pub(super) fn not_smtp(&mut self, text: &str) {
        self.leave(CloseReason::NotSmtp, Detail::OTHER_SECURITY_STATUS, text);
        self.tell_answer(None, ReplyCode::SERVICE_NOT_AVAILABLE);
    }

    /// Counts a command that brings no mail. One too many is answered like any other, and is an error all the same.
    /// False: it was the last one.
    pub(super) fn bears_junk(&mut self, verb: Verb) -> bool {
        // The first EHLO is no junk.
        if self.session.state != State::Start || !matches!(verb, Verb::Ehlo | Verb::Helo) {
            self.tally.junk = self.tally.junk.saturating_add(1);
        }
        self.tally.junk <= self.config.limits.junk_commands.get() || self.bears_error(Some(verb))
    }

    /// Refuses what a client that sends groups could not know to be useless. Too much of it is an error all the same.
    #[cold]
    fn refuse_recipient(&mut self, verb: Verb, reply: &Reply) {
        self.session.transaction.refused = self.session.transaction.refused.saturating_add(1);
        if self.session.transaction.refused > self.config.limits.recipient_overshoot.get() {
            self.error(Some(verb), reply);
        } else {
            self.answered(Some(verb), reply);
        }
    }

    /// Answers an error of the client, or ends the connection when there were too many.
    #[cold]
    pub(super) fn error(&mut self, verb: Option<Verb>, reply: &Reply) {
        if self.bears_error(verb) {
            self.answered(verb, reply);
        }
    }

    /// Counts an error of the client. False: it was one too many, and the connection ends.
    #[cold]
    fn bears_error(&mut self, verb: Option<Verb>) -> bool {
        let limits = &self.config.limits;
        self.tally.errors = self.tally.errors.saturating_add(1);
        if self.tally.errors > limits.hard_errors.get() {
            self.leave(CloseReason::TooManyErrors, Detail::OTHER_SECURITY_STATUS, "too many errors");
            self.tell_answer(verb, ReplyCode::SERVICE_NOT_AVAILABLE);
            return false;
        }
        if self.tally.errors > limits.soft_errors.get() && !self.config.timeouts.error_delay.is_zero() {
            self.timers.start_hold(self.now + self.config.timeouts.error_delay);
        }
        true
    }

    /// Answers without a question to the application.
    pub(super) fn answered(&mut self, verb: Option<Verb>, reply: &Reply) {
        let hello = matches!(verb, Some(Verb::Ehlo | Verb::Helo));
        // Replies to EHLO and HELO carry no enhanced code (RFC 2034 §3).
        if hello {
            self.say(&reply.clone().without_detail());
        } else {
            self.say(reply);
        }
        let grouped = matches!(verb, Some(Verb::Mail | Verb::Rcpt | Verb::Rset | Verb::Send | Verb::Soml | Verb::Saml));
        // Nothing may wait behind these (RFC 3207 §4, RFC 4954 §4), whatever becomes of them.
        let synchronises = matches!(verb, Some(Verb::StartTls | Verb::Auth));
        if !grouped && self.barrier == Barrier::None && self.closing.is_none() {
            self.barrier = if hello {
                self.hello_barrier()
            } else if synchronises {
                Barrier::Sync
            } else {
                Barrier::Flush
            };
        }
        self.tell_answer(verb, reply.code());
    }

    pub(super) fn tell_answer(&mut self, verb: Option<Verb>, code: ReplyCode) {
        self.tell(Event::Answered(Answered { verb, code }));
    }

    /// What may follow EHLO before its answer has left.
    pub(super) fn hello_barrier(&self) -> Barrier {
        match self.config.early_input {
            EarlyInput::Refuse => Barrier::Sync,
            EarlyInput::TolerateAfterHello => Barrier::Flush,
        }
    }
}

/// The reply that a rule is, if it asks nothing and changes nothing.
fn answer_to(rule: Rule, verb: Verb) -> Option<&'static Reply> {
    Some(match rule {
        Rule::Unknown => &replies::UNKNOWN,
        Rule::Unimplemented => &replies::NOT_IMPLEMENTED,
        Rule::HelloFirst => &replies::HELLO_FIRST,
        Rule::EhloFirst => &replies::EHLO_FIRST,
        Rule::MailFirst => &replies::MAIL_FIRST,
        Rule::RcptFirst => &replies::RCPT_FIRST,
        Rule::Nested => &replies::NESTED_MAIL,
        Rule::Twice if verb == Verb::Auth => &replies::AUTHENTICATED,
        Rule::Twice => &replies::NO_MORE_TLS,
        Rule::TlsFirst => &replies::TLS_FIRST,
        Rule::AuthFirst => &replies::AUTH_FIRST,
        Rule::QuitOnly => &replies::QUIT_ONLY,
        Rule::Insecure => &replies::INSECURE,
        _ => return None,
    })
}

/// The reply to a command that cannot be parsed.
fn refusal(error: &CommandError) -> Reply {
    Reply::new(error.code(), error.detail(), alloc::format!("{error}"))
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
