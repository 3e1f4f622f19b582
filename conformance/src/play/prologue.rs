//! The way to where a transcript begins.

use super::judge::Stop;
use super::log_in::{FirstMail, first_mail};
use super::pattern::Heard;
use super::steps::{Play, show};
use super::variables::Values;
use crate::transcript::{Act, Side, State};

/// Recipients of a mail that a client has to send.
const MOST_RECIPIENTS: usize = 10_000;

/// What a client has to be told besides, so that it comes to a state.
pub(super) fn complete_job(job: &mut Vec<Act>, state: State, values: &Values<'_>) -> Result<(), String> {
    let is_set = |key: &str| {
        job.iter().any(|act| matches!(act, Act::Set(settings) if settings.iter().any(|(name, _)| name == key)))
    };
    let mut settings = Vec::new();
    if matches!(state, State::Tls | State::Auth) && !is_set("security") {
        settings.push(("security".into(), "starttls".into()));
    }
    if state == State::Auth && !is_set("user") {
        settings.push(("user".into(), values.expand("$user")?));
        settings.push(("password".into(), values.expand("$password")?));
    }
    if !settings.is_empty() {
        job.push(Act::Set(settings));
    }
    Ok(())
}

impl Play<'_, '_> {
    /// Gets there.
    pub(super) fn prologue(&mut self, values: &Values<'_>) -> Result<(), Stop> {
        let state = self.transcript.state;
        if state == State::Connected {
            return Ok(());
        }
        let done = match self.tested {
            Side::Server => self.lead_server(state, values),
            Side::Client => self.lead_client(state),
        };
        if done.is_ok() {
            self.talk.flush();
            self.talk.dialogue.note("# the transcript begins here");
        }
        done.map_err(|problem| Stop::Error { line: 0, text: format!("prologue: {problem}") })
    }

    fn lead_server(&mut self, state: State, values: &Values<'_>) -> Result<(), String> {
        self.expect_reply("the greeting", &["220"])?;
        if state == State::Greeted {
            return Ok(());
        }
        let logs_in = values.logs_in() && first_mail(self.transcript) == Some(FirstMail::Ours);
        let mut offers = self.ask("EHLO $client", &["250"], values)?;
        if state == State::Tls || (state == State::Auth || logs_in) && offers.has("STARTTLS") {
            self.ask("STARTTLS", &["220"], values)?;
            if !self.talk.unread().is_empty() {
                return Err(format!("behind the reply to STARTTLS came {}", show(self.talk.unread())));
            }
            self.talk.start_tls(false).map_err(|error| format!("the TLS handshake failed: {error}"))?;
            offers = self.ask("EHLO $client", &["250"], values)?;
        }
        if state == State::Auth {
            let has_plain = offers.keywords().any(|(key, mechanisms)| {
                key.eq_ignore_ascii_case("AUTH") && mechanisms.split(' ').any(|it| it.eq_ignore_ascii_case("PLAIN"))
            });
            if !has_plain {
                return Err("the server does not offer AUTH PLAIN: the header says `needs: auth=PLAIN`".into());
            }
        }
        if state == State::Auth || logs_in {
            self.log_in_to_server(&offers, values)?;
        }
        for (from, command, codes) in [
            (State::Mail, "MAIL FROM:<$sender>", &["250"][..]),
            (State::Rcpt, "RCPT TO:<$rcpt>", &["250", "251"]),
            (State::Data, "DATA", &["354"]),
        ] {
            if state >= from {
                self.ask(command, codes, values)?;
            }
        }
        Ok(())
    }

    pub(super) fn ask(&mut self, command: &str, codes: &[&str], values: &Values<'_>) -> Result<Heard, String> {
        let line = format!("{}\r\n", values.expand(command)?);
        self.talk.say(line.as_bytes());
        let verb = command.split_once(' ').map_or(command, |(verb, _)| verb);
        let reply = self.expect_reply(verb, codes)?;
        self.learn(line.as_bytes(), &reply);
        Ok(reply)
    }

    fn expect_reply(&mut self, to: &str, codes: &[&str]) -> Result<Heard, String> {
        let expected = codes.join(" or ");
        match self.talk.reply() {
            Ok(reply) if codes.contains(&reply.code.as_str()) && reply.flaw.is_none() => Ok(reply),
            Ok(reply) => Err(format!("{to}: expected {expected}, got {reply}")),
            Err(silence) => Err(format!("{to}: expected {expected}, got {}", self.with_unread(&silence))),
        }
    }

    /// Acts a server that takes everything.
    fn lead_client(&mut self, state: State) -> Result<(), String> {
        self.answer_with(b"220 mx.example ESMTP\r\n");
        if state == State::Greeted {
            return Ok(());
        }
        let (wants_tls, wants_auth) = (matches!(state, State::Tls | State::Auth), state == State::Auth);
        self.hear_hello(wants_tls, false)?;
        if wants_tls {
            self.hear_verb("STARTTLS", &["STARTTLS"])?;
            self.talk.say(b"220 2.0.0 go ahead\r\n");
            if !self.talk.unread().is_empty() {
                return Err(format!("behind STARTTLS came {}", show(self.talk.unread())));
            }
            self.talk.start_tls(false).map_err(|error| format!("the TLS handshake failed: {error}"))?;
            self.hear_hello(false, wants_auth)?;
        }
        if wants_auth {
            self.log_in()?;
        }
        if state >= State::Mail {
            self.hear_verb("MAIL", &["MAIL"])?;
            self.answer_with(b"250 2.1.0 ok\r\n");
        }
        if state >= State::Rcpt {
            self.hear_verb("RCPT", &["RCPT"])?;
            self.answer_with(b"250 2.1.5 ok\r\n");
        }
        if state == State::Data {
            let mut recipients = 1;
            while self.hear_verb("RCPT or DATA", &["RCPT", "DATA"])? == "RCPT" {
                recipients += 1;
                if recipients > MOST_RECIPIENTS {
                    return Err(format!("expected DATA behind {MOST_RECIPIENTS} recipients, got one more"));
                }
                self.answer_with(b"250 2.1.5 ok\r\n");
            }
            self.answer_with(b"354 go ahead\r\n");
        }
        Ok(())
    }

    fn hear_hello(&mut self, offers_tls: bool, offers_auth: bool) -> Result<(), String> {
        if self.hear_verb("EHLO", &["EHLO", "HELO"])? == "HELO" {
            self.answer_with(b"250 mx.example\r\n");
            return Ok(());
        }
        let mut reply = String::from("250-mx.example\r\n");
        for (is_offered, line) in [(offers_tls, "STARTTLS"), (offers_auth, "AUTH PLAIN LOGIN")] {
            if is_offered {
                reply.push_str(&format!("250-{line}\r\n"));
            }
        }
        reply.push_str("250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 26214400\r\n250 ENHANCEDSTATUSCODES\r\n");
        self.answer_with(reply.as_bytes());
        Ok(())
    }

    fn log_in(&mut self) -> Result<(), String> {
        let line = self.hear_line("AUTH")?;
        let mut words = line.split(' ').skip(1);
        let mechanism = words.next().unwrap_or_default().to_ascii_uppercase();
        let has_response = words.next().is_some();
        let challenges: &[&[u8]] = match (&mechanism[..], has_response) {
            ("PLAIN", true) => &[],
            ("PLAIN", false) => &[b"334 \r\n"],
            ("LOGIN", true) => &[b"334 UGFzc3dvcmQ6\r\n"],
            ("LOGIN", false) => &[b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n"],
            _ => return Err(format!("expected AUTH PLAIN or AUTH LOGIN, got {line:?}")),
        };
        for challenge in challenges {
            self.answer_with(challenge);
            self.hear_line("a response")?;
        }
        self.answer_with(b"235 2.7.0 welcome\r\n");
        Ok(())
    }

    /// The verb of the next command, which has to be one of these.
    fn hear_verb(&mut self, expected: &str, verbs: &[&str]) -> Result<String, String> {
        let line = self.hear_line(expected)?;
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        if verbs.contains(&verb.as_str()) {
            return Ok(verb);
        }
        let advice = if verb == "QUIT" { " (has the transcript a U: send?)" } else { "" };
        Err(format!("expected {expected}, got {line:?}{advice}"))
    }

    fn hear_line(&mut self, expected: &str) -> Result<String, String> {
        match self.talk.line() {
            Ok(line) => {
                self.heard_command(&line);
                Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
            }
            Err(silence) => Err(format!("expected {expected}, got {}", self.with_unread(&silence))),
        }
    }
}
