//! What both roles have in common.

use core::time::Duration;
use std::time::Instant;

use super::judge::{Judge, Stop};
use super::script::{Exchange, Script, Step};
use super::talk::{Silence, Talk};
use crate::target::Unavailable;
use crate::transcript::{Side, Transcript};

/// One case being played, under one way of cutting.
pub(super) struct Play<'p, 'w> {
    pub(super) transcript: &'p Transcript,
    pub(super) tested: Side,
    pub(super) talk: Talk<'w>,
    pub(super) judge: Judge,
    pub(super) patience: Duration,
    /// How long to wait for what must not come.
    pub(super) grace: Duration,
    pub(super) has_virtual_time: bool,
    /// The server has offered PIPELINING in its last answer to EHLO.
    pub(super) has_pipelining: bool,
    /// Where the target was heard last.
    pub(super) heard_at: usize,
    /// The script has said something that no answer was looked for yet.
    pub(super) is_owed: bool,
    /// A server: it has answered everything, and waits for a command.
    pub(super) is_at_command: bool,
    /// A client: how far the session is.
    pub(super) client: super::client::Session,
}

impl Play<'_, '_> {
    /// Plays the script to its end.
    pub(super) fn run(&mut self, script: &Script) -> Result<(), Stop> {
        for (number, step) in script.steps.iter().enumerate() {
            self.step(step, script.steps.get(number + 1))?;
        }
        match self.tested {
            Side::Server => self.leave_server()?,
            Side::Client => self.leave_client(),
        }
        for (line, expectation) in &script.expectations {
            if let Some(Err(got)) = self.talk.saw(expectation, &script.attachments) {
                let expected = self.source(*line);
                self.breach(*line, &expected, &got, true)?;
            }
        }
        Ok(())
    }

    /// A line is not as it has to be.
    pub(super) fn breach(&mut self, line: usize, expected: &str, got: &str, goes_on: bool) -> Result<(), Stop> {
        self.judge.breach(&mut self.talk.dialogue, line, expected, got, goes_on)
    }

    /// Nothing may have been heard that was not looked for.
    pub(super) fn nothing_unread(&mut self, line: usize, expected: &str) -> Result<(), Stop> {
        if self.talk.unread().is_empty() {
            return Ok(());
        }
        let got = show(self.talk.unread());
        self.talk.forget();
        self.breach(line, expected, &got, true)
    }

    /// Octets that have to come as they are.
    pub(super) fn hear_octets(&mut self, line: usize, expected: &[u8]) -> Result<(), Stop> {
        match self.talk.octets(expected) {
            Ok(octets) if octets == expected => self.judge.met(line, 1, "", ""),
            Ok(octets) => {
                let same = octets.iter().zip(expected).take_while(|(got, expected)| got == expected).count();
                let from = same.saturating_sub(30);
                let part = |octets: &[u8]| show(&octets[from.min(octets.len())..octets.len().min(same + 30)]);
                let place = if from > 0 { format!(" at octet {from}") } else { String::new() };
                self.breach(line, &format!("{}{place}", part(expected)), &part(&octets), true)?;
            }
            Err(silence) => {
                let got = self.with_unread(&silence);
                self.breach(line, &show(&expected[..expected.len().min(60)]), &got, false)?;
            }
        }
        Ok(())
    }

    /// Why nothing was heard, and what was heard of a line.
    pub(super) fn with_unread(&self, silence: &Silence) -> String {
        match self.talk.unread() {
            [] => silence.to_string(),
            part => format!("{} and then {silence}", show(part)),
        }
    }

    fn step(&mut self, step: &Step, next: Option<&Step>) -> Result<(), Stop> {
        match step {
            Step::Exchange(exchange) => match self.tested {
                Side::Server => self.exchange_with_server(exchange),
                Side::Client => self.exchange_with_client(exchange),
            },
            Step::End { line, side } if *side == self.tested => self.await_end(*line),
            Step::End { .. } => {
                self.talk.close();
                Ok(())
            }
            Step::Quiet { line, side, span } if *side == self.tested => self.be_quiet(*line, *span),
            Step::Quiet { span, .. } => {
                self.wait(*span);
                Ok(())
            }
            Step::Tls { line, fails } => self.start_tls(*line, *fails),
            Step::Pass { span } => {
                self.talk.pass(*span);
                Ok(())
            }
            Step::Deadline { line, side, at_most: false, bound } if *side == self.tested => {
                let before = bound.saturating_sub(Duration::from_millis(1));
                self.be_quiet(*line, before.saturating_sub(self.talk.idle()))
            }
            Step::Deadline { line, side, at_most: true, bound } if *side == self.tested => {
                self.await_surrender(*line, *bound, next)
            }
            Step::Deadline { .. } => Ok(()),
            Step::Tell { line, act } => self.talk.tell(act).map_err(|unavailable| match unavailable {
                Unavailable::Unsupported(reason) => Stop::Skip(reason),
                Unavailable::Unreachable(text) => Stop::Error { line: *line, text },
            }),
        }
    }

    fn await_end(&mut self, line: usize) -> Result<(), Stop> {
        let expected = "the end of the connection";
        loop {
            // TLS says farewell in its own way, if octets in clear got as far as there.
            if is_alert(self.talk.unread()) {
                self.talk.forget();
            }
            self.nothing_unread(line, expected)?;
            match self.talk.listen(self.patience) {
                Ok(()) => {}
                Err(silence @ Silence::Quiet(_)) => return self.breach(line, expected, &silence.to_string(), true),
                Err(Silence::Closed | Silence::Broken(_)) => {
                    self.judge.met(line, 1, "", "");
                    return Ok(());
                }
            }
        }
    }

    /// Whoever is under test says nothing for so long.
    fn be_quiet(&mut self, line: usize, span: Duration) -> Result<(), Stop> {
        let expected = format!("nothing for {span:?}");
        self.nothing_unread(line, &expected)?;
        match self.talk.listen(span) {
            Ok(()) => self.nothing_unread(line, &expected),
            Err(Silence::Quiet(_)) => {
                self.talk.dialogue.note(&format!("# quiet for {span:?}"));
                self.judge.met(line, 1, "", "");
                Ok(())
            }
            Err(silence) => self.breach(line, &expected, &silence.to_string(), true),
        }
    }

    /// The script says nothing for so long, and goes on listening.
    fn wait(&mut self, span: Duration) {
        if self.has_virtual_time {
            return self.talk.pass(span);
        }
        let start = Instant::now();
        while let Some(left) = span.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) {
            if let Err(Silence::Closed | Silence::Broken(_)) = self.talk.listen(left) {
                std::thread::sleep(span.saturating_sub(start.elapsed()));
            }
        }
    }

    fn start_tls(&mut self, line: usize, fails: bool) -> Result<(), Stop> {
        self.nothing_unread(line, "nothing in clear before the TLS handshake")?;
        self.has_pipelining = false;
        self.is_at_command = !fails;
        match self.talk.start_tls(fails) {
            Err(error) if !fails => self.breach(line, "a TLS handshake", &error, false),
            _ => {
                self.judge.met(line, 1, "", "");
                Ok(())
            }
        }
    }

    /// Whoever is under test gives up by then: it closes, or says so.
    fn await_surrender(&mut self, line: usize, bound: Duration, next: Option<&Step>) -> Result<(), Stop> {
        let expected = format!("that it gives up within {bound:?}");
        if self.talk.unread().is_empty() {
            match self.talk.listen(bound.saturating_sub(self.talk.idle())) {
                Ok(()) => {}
                Err(silence @ Silence::Quiet(_)) => return self.breach(line, &expected, &silence.to_string(), true),
                Err(Silence::Closed | Silence::Broken(_)) => {
                    self.judge.met(line, 1, "", "");
                    return Ok(());
                }
            }
        }
        let is_checked_next = match next {
            Some(Step::Exchange(Exchange { client, server })) => match self.tested {
                Side::Server => client.is_empty() && !server.is_empty(),
                Side::Client => !client.is_empty(),
            },
            _ => false,
        };
        if is_checked_next {
            self.judge.met(line, 1, "", "");
            return Ok(());
        }
        let said = match self.tested {
            Side::Server => {
                self.talk.reply().map(|reply| (reply.code == "421" && reply.flaw.is_none(), reply.to_string()))
            }
            Side::Client => self.talk.line().map(|said| (said.eq_ignore_ascii_case(b"QUIT\r\n"), show(&said))),
        };
        match said {
            Ok((true, _)) => {
                if self.tested == Side::Client {
                    self.talk.say(b"221 2.0.0 bye\r\n");
                }
                self.judge.met(line, 1, "", "");
                Ok(())
            }
            Ok((false, got)) => self.breach(line, &expected, &got, true),
            Err(silence) => {
                let got = self.with_unread(&silence);
                self.breach(line, &expected, &got, true)
            }
        }
    }

    fn source(&self, line: usize) -> String {
        self.transcript.body.iter().find(|it| it.number == line).map(|it| it.text.clone()).unwrap_or_default()
    }
}

/// Whether this is an alert of TLS, and nothing else (RFC 8446 §5.1, §6).
fn is_alert(octets: &[u8]) -> bool {
    matches!(octets, [21, 3, _, 0, 2, 1 | 2, _])
}

/// Octets in a message.
pub(super) fn show(octets: &[u8]) -> String {
    const SHOWN: usize = 200;
    let more = if octets.len() > SHOWN { "…" } else { "" };
    let text = octets[..octets.len().min(SHOWN)].escape_ascii().to_string();
    format!("\"{}{more}\"", text.replace("\\'", "'").replace("\\\"", "\""))
}
