//! A client is under test, and the script is the server.

use core::mem::take;
use std::collections::VecDeque;

use super::judge::Stop;
use super::pattern::CommandPattern;
use super::script::{Exchange, Kind, Part};
use super::steps::{Play, show};
use super::talk::Silence;

/// Commands behind which a client has to wait for the reply, also with PIPELINING (RFC 2920 §3.1, RFC 3207, RFC 4954).
const SYNC: [&str; 10] = ["EHLO", "HELO", "DATA", "VRFY", "EXPN", "TURN", "QUIT", "NOOP", "STARTTLS", "AUTH"];

/// Lines that are read behind the end of a transcript.
const MOST_LINES: usize = 10_000;

/// How far the session with a client is.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// The greeting was said.
    pub(super) is_greeted: bool,
    /// 354 was said, and the final dot has not come.
    pub(super) is_data: bool,
    /// And nothing of the mail data has been looked at.
    is_at_start_of_data: bool,
    /// 334 was said last.
    is_challenged: bool,
    /// Of the last command; empty for what is none.
    verb: String,
    /// The last command has no reply yet.
    is_waiting: bool,
}

impl Play<'_, '_> {
    /// Hears the lines of the client and says the replies: where the k-th reply answers the k-th command, as soon as that has
    /// come.
    pub(super) fn exchange_with_client(&mut self, exchange: &Exchange) -> Result<(), Stop> {
        if exchange.is_paired() && !self.transcript.pipelining_required {
            for (command, reply) in exchange.client.iter().zip(&exchange.server) {
                if self.hear_client(command)? {
                    self.answer(reply, true)?;
                }
            }
            return Ok(());
        }
        let mut is_heard = true;
        let mut left_out = VecDeque::new();
        for (number, command) in exchange.client.iter().enumerate() {
            is_heard = self.hear_client(command)?;
            if !is_heard && exchange.is_paired() {
                left_out.push_back(number);
            }
        }
        if !is_heard && !exchange.is_paired() {
            return Ok(());
        }
        let mut is_answer = !exchange.client.is_empty() || !self.client.is_greeted;
        for (_, reply) in exchange.server.iter().enumerate().filter(|(number, _)| !left_out.contains(number)) {
            self.answer(reply, is_answer)?;
            is_answer = false;
        }
        Ok(())
    }

    /// Behind the last line: the client may end in good form.
    pub(super) fn leave_client(&mut self) {
        if self.client.is_waiting {
            self.talk.say(last_reply(self.client.verb.as_bytes()).unwrap_or_default());
        }
        // Whoever goes on for ever is left.
        for _ in 0..MOST_LINES {
            match self.talk.line() {
                Ok(line) => {
                    let line = line.trim_ascii_end().to_ascii_uppercase();
                    if self.client.is_data {
                        self.client.is_data = line != b".";
                        if self.client.is_data {
                            continue;
                        }
                    }
                    self.talk.say(last_reply(&line).unwrap_or(b"421 4.3.2 the transcript ends here\r\n"));
                }
                Err(Silence::Closed | Silence::Broken(_) | Silence::Quiet(_)) => return,
            }
        }
    }

    /// Says something, as a server.
    pub(super) fn answer_with(&mut self, octets: &[u8]) {
        let session = &mut self.client;
        session.is_greeted = true;
        session.is_waiting = false;
        session.is_data = octets.starts_with(b"354");
        session.is_at_start_of_data = session.is_data;
        session.is_challenged = octets.starts_with(b"334");
        if matches!(session.verb.as_str(), "EHLO" | "HELO") && octets.starts_with(b"250") {
            let is_keyword =
                |line: &[u8]| line.get(4..).is_some_and(|it| it.trim_ascii_end().eq_ignore_ascii_case(b"PIPELINING"));
            self.has_pipelining = octets.split(|&octet| octet == b'\n').any(is_keyword);
        }
        self.talk.say_soon(octets);
    }

    /// Notes a command that was heard.
    pub(super) fn heard_command(&mut self, line: &[u8]) {
        let session = &mut self.client;
        session.is_waiting = true;
        let line = line.trim_ascii_end();
        if session.is_data {
            session.is_data = line != b".";
            session.verb.clear();
        } else if session.is_challenged {
            session.verb = "AUTH".into();
        } else {
            let verb = line.split(|octet| matches!(octet, b' ' | b':')).next().unwrap_or_default();
            session.verb = String::from_utf8_lossy(verb).to_ascii_uppercase();
        }
    }

    /// `is_answer`: to what was heard last, or the greeting.
    fn answer(&mut self, part: &Part, is_answer: bool) -> Result<(), Stop> {
        let Kind::Say(octets) = &part.kind else { return Ok(()) };
        let verb = self.client.verb.clone();
        if is_answer && (!self.has_pipelining || SYNC.contains(&verb.as_str()) || !self.client.is_greeted) {
            if self.talk.unread().is_empty() {
                // What a real client sends in the same write has come with it.
                let _ = self.talk.glance(self.grace);
            }
            let expected = match (self.client.is_greeted, &verb[..]) {
                (false, _) => "nothing before the greeting".to_owned(),
                (true, "") => "nothing before the reply".to_owned(),
                (true, verb) => format!("nothing before the reply to {verb}"),
            };
            if !self.talk.unread().is_empty() {
                let got = show(self.talk.unread());
                self.breach(part.line, &expected, &got, true)?;
            }
        }
        self.answer_with(octets);
        self.judge.met(part.line, 1, "", "");
        Ok(())
    }

    /// Hears what the client has to say; false: it was optional, and the client says something else.
    fn hear_client(&mut self, part: &Part) -> Result<bool, Stop> {
        self.heard_at = part.line;
        if take(&mut self.client.is_at_start_of_data) && !expects_trace(&part.kind) {
            self.pass_over_trace();
        }
        match &part.kind {
            Kind::Command { pattern, optional } => self.hear_command(part.line, pattern, *optional),
            Kind::Octets(octets) => {
                self.hear_octets(part.line, octets)?;
                let is_end = octets.ends_with(b"\r\n.\r\n") || octets == b".\r\n";
                if self.client.is_data {
                    self.client.is_data = !is_end;
                    self.client.verb.clear();
                } else if let Some(last) = octets.split_inclusive(|&octet| octet == b'\n').next_back() {
                    self.heard_command(last);
                }
                Ok(true)
            }
            Kind::Say(_) | Kind::Reply { .. } => Ok(true),
        }
    }

    /// A relay puts trace fields before the message, and has to (RFC 5321 §4.4).
    fn pass_over_trace(&mut self) {
        let mut is_inside = false;
        while let Ok(line) = self.talk.line() {
            is_inside = is_trace(&line) || is_inside && matches!(line.first(), Some(b' ' | b'\t'));
            if !is_inside {
                self.talk.put_back(&line);
                return;
            }
        }
    }

    fn hear_command(&mut self, line: usize, pattern: &CommandPattern, optional: bool) -> Result<bool, Stop> {
        let said = match self.talk.line() {
            Ok(said) => said,
            Err(_) if optional => return Ok(false),
            Err(silence) => {
                let got = self.with_unread(&silence);
                self.breach(line, &pattern.shown, &got, false)?;
                return Ok(false);
            }
        };
        let is_exact = self.client.is_data || self.client.is_challenged;
        let is_such = said.strip_suffix(b"\r\n").is_some_and(|said| pattern.is_match(said, is_exact));
        if !is_such && optional {
            self.talk.put_back(&said);
            return Ok(false);
        }
        self.heard_command(&said);
        if is_such {
            let text = String::from_utf8_lossy(&said).trim_end().to_owned();
            self.judge.met(line, 1, &pattern.shown, &text);
        } else {
            self.breach(line, &pattern.shown, &show(&said), true)?;
        }
        Ok(true)
    }
}

/// What a client hears that ends in good form. Nothing: it does not.
fn last_reply(command: &[u8]) -> Option<&'static [u8]> {
    match command {
        b"QUIT" => Some(b"221 2.0.0 bye\r\n"),
        b"RSET" | b"NOOP" => Some(b"250 2.0.0 ok\r\n"),
        _ => None,
    }
}

/// Whether a line begins a trace field of a relay.
fn is_trace(line: &[u8]) -> bool {
    const NAME: &[u8] = b"Received:";
    line.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME))
}

fn expects_trace(kind: &Kind) -> bool {
    match kind {
        Kind::Octets(octets) => is_trace(octets),
        Kind::Command { pattern, .. } => is_trace(pattern.shown.as_bytes()),
        Kind::Say(_) | Kind::Reply { .. } => false,
    }
}
