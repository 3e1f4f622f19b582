//! The way back: replies.

use core::time::Duration;

use super::step::{Decides, Due, Line, Of, Ready, SetOff};
use super::{Mode, Relay, filled};
use crate::mutant::reply;
use crate::mutant::rule::{Close, Trigger};
use crate::mutant::template::Filling;
use crate::transcript::Side;

impl Relay<'_> {
    /// Gives the answers that are due and need no server.
    pub(super) fn answer(&mut self) {
        while let Some(Due { own: Some(_), .. }) = self.due.front() {
            let Some(own) = self.due.pop_front().and_then(|due| due.own) else { return };
            self.to_client.push(self.now + own.delay, &own.octets);
            if own.closes {
                self.close();
            }
        }
    }

    /// A reply of the server has come.
    pub(super) fn replied(&mut self, octets: Vec<u8>) {
        if self.is_closed {
            return;
        }
        self.answer();
        let Some(mut due) = self.due.pop_front() else { return self.unasked(octets) };
        let code = reply::code(&octets);
        let set_off = core::mem::take(&mut due.set_off);
        let mut shown = octets.clone();
        let (mut delay, mut closes) = (Duration::ZERO, false);
        for set_off in &set_off {
            let rule = &self.mutant.rules[set_off.rule];
            if rule.at_reply && !self.is_answered(rule, &octets, set_off.rule) {
                continue;
            }
            let filling = Filling { reply: reply::first_line(&octets), ..set_off.filling.clone() };
            if rule.close == Some(Close::BeforeReply) {
                return self.close();
            }
            closes |= rule.close == Some(Close::BehindReply);
            shown = reply::distorted(shown, rule, &filling);
            delay = delay.max(rule.reply.delay.unwrap_or_default());
            if rule.at_reply || due.of == Of::Greeting {
                let lines = rule.line.after.iter().map(|line| filled(line, rule, &filling));
                self.ready.extend(lines.map(|octets| Ready::Line(Line::hidden(octets))));
            }
        }
        if due.is_hidden {
            shown.clear();
        }
        if due.told.is_none() {
            self.to_client.push(self.now + delay, &shown);
            let told = if shown.is_empty() { code } else { reply::code(&shown) };
            // A server that gave another answer knows nothing of what the client says next.
            let own = self.mutant.role == Side::Server && told != code;
            if due.decides != Decides::Nothing {
                self.decide(due.decides, told, own);
            }
        }
        if closes {
            self.close();
        }
        self.count_recipients(due, set_off, code);
    }

    /// With LMTP each recipient gets a reply to the message.
    fn count_recipients(&mut self, due: Due, set_off: Vec<SetOff>, code: Option<u16>) {
        let is_positive = matches!(code, Some(200..300));
        match due.of {
            Of::Recipient if is_positive => self.recipients += 1,
            Of::Beginning if is_positive => self.recipients = 0,
            Of::Message => {
                self.recipients = self.recipients.saturating_sub(1);
                if self.is_lmtp && self.recipients > 0 {
                    self.due.push_front(Due { set_off, ..due });
                } else {
                    self.recipients = 0;
                }
            }
            _ => {}
        }
    }

    /// A reply has come that answers nothing.
    fn unasked(&mut self, octets: Vec<u8>) {
        let joined = reply::joined(&octets);
        let mut shown = octets.clone();
        let (mut delay, mut closes) = (Duration::ZERO, false);
        for (index, rule) in self.mutant.rules.iter().enumerate() {
            let Trigger::Unasked(pattern) = &rule.trigger else { continue };
            let Some(groups) = pattern.captures(&joined) else { continue };
            if !self.may_apply(rule, octets.len()) || !self.counts(index) {
                continue;
            }
            self.apply(index);
            if rule.close == Some(Close::BeforeReply) {
                return self.close();
            }
            closes |= rule.close.is_some();
            let filling = Filling { reply: reply::first_line(&octets), ..Filling::of(&joined, Some(&groups)) };
            shown = reply::distorted(shown, rule, &filling);
            delay = delay.max(rule.reply.delay.unwrap_or_default());
        }
        self.to_client.push(self.now + delay, &shown);
        if closes {
            self.close();
        }
    }

    /// What the next octets of the client are, now that it was told this code.
    pub(super) fn decide(&mut self, decides: Decides, code: Option<u16>, own: bool) {
        self.mode = match (decides, code) {
            (Decides::Content, Some(354)) => Mode::Content { own },
            (Decides::Response, Some(334)) => Mode::Response { own },
            (Decides::Nothing, _) => return,
            _ => Mode::Command,
        };
    }
}
