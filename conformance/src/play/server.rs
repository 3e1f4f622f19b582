//! A server is under test, and the script is the client.

use super::judge::Stop;
use super::pattern::{Heard, regex, show, which};
use super::script::{Exchange, Keyword, Kind, Part};
use super::steps::Play;
use crate::transcript::{Argument, ReplyPattern};

impl Play<'_, '_> {
    /// Says the lines of the client and hears the replies: where the k-th reply answers the k-th command, one after the
    /// other, unless the server has offered PIPELINING.
    pub(super) fn exchange_with_server(&mut self, exchange: &Exchange) -> Result<(), Stop> {
        if !exchange.client.is_empty() {
            self.nothing_more()?;
            self.is_at_command = false;
        }
        let in_one_go = self.has_pipelining || self.transcript.pipelining_required;
        if exchange.is_paired() && !in_one_go {
            for (said, reply) in exchange.client.iter().zip(&exchange.server) {
                self.talk.say(octets(said));
                self.hear_server(reply, octets(said))?;
            }
        } else {
            let all: Vec<u8> = exchange.client.iter().flat_map(octets).copied().collect();
            self.talk.say(&all);
            let last = exchange.client.last().map(octets).unwrap_or_default();
            for (number, reply) in exchange.server.iter().enumerate() {
                let said = if exchange.is_paired() { octets(&exchange.client[number]) } else { last };
                self.hear_server(reply, said)?;
            }
        }
        self.is_owed = exchange.server.is_empty();
        Ok(())
    }

    /// Behind the last line.
    pub(super) fn leave_server(&mut self) -> Result<(), Stop> {
        self.talk.flush();
        if !self.is_owed {
            // What is on its way from a real server may come later, and is then no matter of this case.
            let _ = self.talk.glance(self.grace);
        }
        self.nothing_more()
    }

    /// Leaves somebody's server in good form, unless what is said would be mail data or something else that is no command.
    pub(super) fn take_leave(&mut self) {
        if self.is_at_command && self.talk.unread().is_empty() && !self.talk.is_over() {
            self.talk.dialogue.note("# the transcript ends here");
            self.talk.say(b"QUIT\r\n");
            let _ = self.talk.reply();
        }
    }

    /// The server has said nothing that it was not asked.
    fn nothing_more(&mut self) -> Result<(), Stop> {
        if self.is_owed || self.heard_at == 0 {
            return Ok(());
        }
        self.nothing_unread(self.heard_at, "nothing more")
    }

    fn hear_server(&mut self, part: &Part, said: &[u8]) -> Result<(), Stop> {
        self.heard_at = part.line;
        match &part.kind {
            Kind::Reply { pattern, keywords } => self.hear_reply(part.line, pattern, keywords, said),
            Kind::Octets(octets) => self.hear_octets(part.line, octets),
            Kind::Say(_) | Kind::Command { .. } => Ok(()),
        }
    }

    fn hear_reply(
        &mut self,
        line: usize,
        pattern: &ReplyPattern,
        keywords: &[Keyword],
        said: &[u8],
    ) -> Result<(), Stop> {
        let reply = match self.talk.reply() {
            Ok(reply) => reply,
            Err(silence) => {
                let got = self.with_unread(&silence);
                return self.breach(line, &show(pattern), &got, false);
            }
        };
        self.learn(said, &reply);
        if which(pattern, &reply).is_none() {
            return self.breach(line, &show(pattern), &reply.to_string(), true);
        }
        self.judge.met(line, pattern.alternatives.len(), &show(pattern), &reply.to_string());
        keywords.iter().try_for_each(|keyword| self.check_keyword(keyword, &reply))
    }

    /// What the answer to EHLO offers.
    pub(super) fn learn(&mut self, said: &[u8], reply: &Heard) {
        self.is_at_command = reply.flaw.is_none() && !reply.code.starts_with('3');
        let verb = said.get(..4).unwrap_or_default();
        if verb.eq_ignore_ascii_case(b"EHLO") || verb.eq_ignore_ascii_case(b"HELO") {
            self.has_pipelining = reply.code == "250" && reply.has("PIPELINING");
        }
    }

    fn check_keyword(&mut self, keyword: &Keyword, reply: &Heard) -> Result<(), Stop> {
        let Keyword { line, present, key, argument } = keyword;
        let found: Vec<_> = reply.keywords().filter(|(name, _)| name.eq_ignore_ascii_case(key)).collect();
        let is_such = |got: &str| match argument {
            None => true,
            Some(Argument::Is(text)) => got.eq_ignore_ascii_case(text),
            Some(Argument::Matches(source)) => {
                regex(&format!("(?i)^(?:{source})$")).is_some_and(|regex| regex.is_match(got))
            }
        };
        let argument = match argument {
            None => String::new(),
            Some(Argument::Is(text)) => format!(" {text}"),
            Some(Argument::Matches(regex)) => format!(" ~{regex}"),
        };
        let expected = format!("{} line {key}{argument}", if *present { "a" } else { "no" });
        if found.iter().any(|(_, got)| is_such(got)) == *present {
            self.judge.met(*line, 1, &expected, "");
            return Ok(());
        }
        let got = if found.is_empty() {
            let keywords: Vec<_> = reply.keywords().map(|(name, _)| name).collect();
            format!("only {}", keywords.join(", "))
        } else {
            found.iter().map(|(name, got)| format!("{name} {got}").trim_end().to_owned()).collect::<Vec<_>>().join(", ")
        };
        self.breach(*line, &expected, &got, true)
    }
}

/// What the script says.
fn octets(part: &Part) -> &[u8] {
    match &part.kind {
        Kind::Say(octets) => octets,
        Kind::Command { .. } | Kind::Reply { .. } | Kind::Octets(_) => &[],
    }
}
