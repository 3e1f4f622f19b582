//! Follows a session and distorts it.

mod replies;
mod step;

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

use step::{Command, Decides, Due, Line, Of, Own, Ready, SetOff};

use crate::mutant::Mutant;
use crate::mutant::octets::{CRLF, crlf_end, line_end, text_of};
use crate::mutant::outlet::Outlet;
use crate::mutant::reply;
use crate::mutant::rule::{Close, Rule, Trigger};
use crate::mutant::template::{Filling, Template};
use crate::transcript::Side;

/// What stands between a client and a server: octets of both go in, and come out distorted.
///
/// The session is followed as the client sees it, since what its octets are depends on what it was told. What no rule
/// is about goes through octet for octet, lines of the client and replies as wholes.
#[derive(Debug)]
pub(super) struct Relay<'a> {
    mutant: &'a Mutant,
    /// How often each rule did something, on all connections.
    applied: &'a [AtomicUsize],
    /// How often each trigger was set off, on this connection.
    counts: Vec<usize>,
    marks: BTreeSet<&'a str>,
    is_tls: bool,
    now: Duration,
    /// When the side without the defect has said something last.
    heard: Duration,
    /// Which `idle` rules were applied since.
    idled: Vec<bool>,

    /// Octets of the client that are not followed yet.
    stream: Vec<u8>,
    /// As many of them have left already.
    sent: usize,
    /// As many of them hold no line end.
    scanned: usize,
    /// What comes before them, rules applied.
    ready: VecDeque<Ready>,
    mode: Mode,
    /// Octets of the server that are no whole reply yet.
    replies: Vec<u8>,
    /// The replies that are due, in order.
    due: VecDeque<Due>,
    is_lmtp: bool,
    /// Recipients of this transaction that were accepted.
    recipients: usize,
    is_closed: bool,
    keeps_open: bool,

    /// What the server gets.
    pub(super) to_server: Outlet,
    /// What the client gets.
    pub(super) to_client: Outlet,
}

/// What the next octets of the client are. With `own` the server knows nothing of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    /// A command line.
    Command,
    /// A line of an AUTH exchange.
    Response { own: bool },
    /// Mail data.
    Content { own: bool },
    /// So many octets behind BDAT.
    Chunk { left: usize, own: bool },
    /// That is up to the reply which is due last.
    Undecided,
}

/// A line is held back until it is whole, but no more than so many octets of it.
const HELD: usize = 1 << 16;

impl<'a> Relay<'a> {
    pub(super) fn new(mutant: &'a Mutant, applied: &'a [AtomicUsize]) -> Self {
        let rules = mutant.rules.len();
        let mut relay = Self {
            mutant,
            applied,
            counts: vec![0; rules],
            marks: BTreeSet::new(),
            is_tls: false,
            now: Duration::ZERO,
            heard: Duration::ZERO,
            idled: vec![false; rules],
            stream: Vec::new(),
            sent: 0,
            scanned: 0,
            ready: VecDeque::new(),
            mode: Mode::Command,
            replies: Vec::new(),
            due: VecDeque::new(),
            is_lmtp: false,
            recipients: 0,
            is_closed: false,
            keeps_open: false,
            to_server: Outlet::default(),
            to_client: Outlet::default(),
        };
        relay.connected();
        relay
    }

    pub(super) fn now(&self) -> Duration {
        self.now
    }

    /// The client says this.
    pub(super) fn client_said(&mut self, octets: &[u8]) {
        self.heard_from(Side::Client);
        self.stream.extend_from_slice(octets);
        self.work();
    }

    /// The server says this.
    pub(super) fn server_said(&mut self, octets: &[u8]) {
        self.heard_from(Side::Server);
        self.replies.extend_from_slice(octets);
        while let Some(reply) = reply::cut(&mut self.replies) {
            self.replied(reply);
            self.work();
        }
        if self.replies.len() > HELD {
            let octets = core::mem::take(&mut self.replies);
            self.to_client.push(self.now, &octets);
        }
    }

    /// The client has closed.
    pub(super) fn client_ended(&mut self) {
        let held = self.stream.split_off(self.sent.min(self.stream.len()));
        self.to_server.push(self.now, &held);
        if self.mutant.role == Side::Server || !self.keeps_open {
            self.to_server.close(self.now);
        }
    }

    /// The server has closed.
    pub(super) fn server_ended(&mut self) {
        let held = core::mem::take(&mut self.replies);
        self.to_client.push(self.now, &held);
        if self.mutant.role == Side::Client || !self.keeps_open {
            self.to_client.close(self.now);
        }
    }

    /// TLS begins: what was said before is nothing to it.
    pub(super) fn tls_started(&mut self) {
        self.is_tls = true;
        self.stream.clear();
        self.sent = 0;
        self.scanned = 0;
        self.ready.clear();
        self.replies.clear();
        self.due.clear();
        self.mode = Mode::Command;
    }

    /// When something happens by itself.
    pub(super) fn next(&self) -> Option<Duration> {
        let idle = self.mutant.rules.iter().zip(&self.idled).filter_map(|(rule, idled)| match rule.trigger {
            Trigger::Idle(time) if !idled => Some(self.heard + time).filter(|at| *at > self.now),
            _ => None,
        });
        idle.chain(self.to_server.next(self.now)).chain(self.to_client.next(self.now)).min()
    }

    /// Time has passed.
    pub(super) fn passed(&mut self, time: Duration) {
        self.now += time;
        for index in 0..self.mutant.rules.len() {
            let rule = &self.mutant.rules[index];
            let Trigger::Idle(limit) = rule.trigger else { continue };
            if self.idled[index] || self.now - self.heard < limit || !self.may_apply(rule, 0) || !self.counts(index) {
                continue;
            }
            self.idled[index] = true;
            self.apply(index);
            let filling = Filling::default();
            let said = reply::distorted(Vec::new(), rule, &filling);
            self.to_client.push(self.now, &said);
            for line in rule.line.say.iter().flatten() {
                self.inject(&filled(line, rule, &filling));
            }
            if rule.close.is_some() {
                self.close();
            }
        }
    }

    /// The connection is there: the greeting is due.
    fn connected(&mut self) {
        let mut greeting = Due::of(Of::Greeting);
        let mut lines = Vec::new();
        for (index, rule) in self.mutant.rules.iter().enumerate() {
            if !matches!(rule.trigger, Trigger::Greeting) || !self.may_apply(rule, 0) {
                continue;
            }
            let filling = Filling::default();
            if !rule.at_reply {
                if !self.counts(index) {
                    continue;
                }
                self.apply(index);
                if rule.close == Some(Close::BeforeLine) {
                    return self.close();
                }
                lines.extend(rule.line.before.iter().map(|line| filled(line, rule, &filling)));
                if rule.reply.immediately {
                    let said = reply::distorted(Vec::new(), rule, &filling);
                    greeting.told = Some(reply::code(&said));
                    self.to_client.push(self.now + rule.reply.delay.unwrap_or_default(), &said);
                }
            }
            greeting.set_off.push(SetOff { rule: index, filling });
        }
        self.due.push_back(greeting);
        for line in lines {
            self.inject(&line);
        }
    }

    /// Goes on with the octets of the client as far as that can be done now.
    fn work(&mut self) {
        loop {
            self.answer();
            if self.is_closed {
                self.stream.clear();
                return;
            }
            if self.mode == Mode::Undecided {
                // What was said in one go gets to the server in one go: rules have no part in it.
                if self.ready.is_empty() {
                    self.release();
                }
                return;
            }
            match self.ready.pop_front() {
                Some(Ready::Line(line)) => self.hand_on(line),
                Some(Ready::Answer(due)) => self.due.push_back(due),
                None => match self.take() {
                    Some(line) if line.sent > 0 => self.hand_on(line),
                    Some(line) => self.distort(line),
                    None => return,
                },
            }
        }
    }

    /// Takes the next whole line of the client. Octets of a chunk are dealt with at once.
    fn take(&mut self) -> Option<Line> {
        if let Mode::Chunk { left, own } = self.mode {
            let count = left.min(self.stream.len());
            let octets: Vec<u8> = self.stream.drain(..count).collect();
            if !own {
                self.to_server.push(self.now, &octets[self.sent.min(count)..]);
            }
            self.sent = self.sent.saturating_sub(count);
            self.scanned = 0;
            if count < left {
                self.mode = Mode::Chunk { left: left - count, own };
                return None;
            }
            self.mode = Mode::Command;
        }
        let is_content = matches!(self.mode, Mode::Content { .. });
        let end = if is_content {
            crlf_end(&self.stream, self.scanned.saturating_sub(1))
        } else {
            line_end(&self.stream, self.scanned)
        };
        let Some(end) = end else {
            self.scanned = self.stream.len();
            if self.stream.len() > HELD {
                self.release();
            }
            return None;
        };
        let octets: Vec<u8> = self.stream.drain(..end).collect();
        let sent = self.sent.min(end);
        self.sent -= sent;
        self.scanned = 0;
        Some(Line { sent, ..Line::of(octets) })
    }

    /// Hands on what is there as it is.
    fn release(&mut self) {
        self.to_server.push(self.now, &self.stream[self.sent..]);
        self.sent = self.stream.len();
    }

    /// Applies the rules to a line of the client.
    fn distort(&mut self, mut line: Line) {
        let length = line.octets.len();
        let is_unknown = matches!(self.mode, Mode::Content { own: true } | Mode::Response { own: true });
        let mut said = vec![line.octets.clone()];
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut own: Option<Own> = None;
        let mut is_dropped = false;
        for (index, rule) in self.mutant.rules.iter().enumerate() {
            let Some(filling) = self.set_off(rule, &line.text) else { continue };
            if rule.at_reply && rule.condition.longer_than.is_none_or(|limit| length > limit) {
                line.set_off.push(SetOff { rule: index, filling });
                continue;
            }
            if rule.at_reply || !self.may_apply(rule, length) || !self.counts(index) {
                continue;
            }
            self.apply(index);
            match rule.close {
                Some(Close::BeforeLine) => return self.close(),
                Some(Close::BehindLine) => line.closes = true,
                _ => {}
            }
            before.extend(rule.line.before.iter().map(|line| filled(line, rule, &filling)));
            after.extend(rule.line.after.iter().map(|line| filled(line, rule, &filling)));
            if let Some(lines) = &rule.line.say {
                said = lines.iter().map(|line| filled(line, rule, &filling)).collect();
            }
            if let (Some(by), Some(pattern)) = (&rule.line.replace, rule.trigger.pattern()) {
                said = said.iter().map(|line| replaced(line, pattern, by, &filling)).collect();
            }
            if rule.line.bare_lf {
                said = said.iter().map(|line| [line.strip_suffix(CRLF).unwrap_or(line), b"\n"].concat()).collect();
            }
            if let [line_now] = &said[..] {
                line.text = text_of(line_now).to_vec();
            }
            line.delay = line.delay.max(rule.line.delay.unwrap_or_default());
            let delay = rule.reply.delay.unwrap_or_default();
            is_dropped |= rule.line.drop;
            if rule.reply.immediately {
                let octets = reply::distorted(Vec::new(), rule, &filling);
                line.told = Some(reply::code(&octets));
                self.to_client.push(self.now + delay, &octets);
                is_dropped |= rule.reply.is_own;
            } else if is_unknown || (rule.reply.is_own && !self.is_final_dot(&line.text)) {
                let octets = own.take().map_or_else(|| self.of_itself(&line.text), |own| own.octets);
                let octets = reply::distorted(octets, rule, &filling);
                own = Some(Own { octets, delay, closes: rule.close == Some(Close::BehindReply) });
                is_dropped |= !is_unknown;
            } else {
                line.set_off.push(SetOff { rule: index, filling });
            }
            if is_dropped {
                break;
            }
        }
        self.ready.extend(before.into_iter().map(|octets| Ready::Line(Line::hidden(octets))));
        if is_dropped || is_unknown {
            self.withhold(line, own, is_dropped);
        } else {
            self.say(line, said);
        }
        self.ready.extend(after.into_iter().map(|octets| Ready::Line(Line::hidden(octets))));
    }

    /// Puts what a line has become on its way. All of the rules that were set off go with the first line of it.
    fn say(&mut self, line: Line, said: Vec<Vec<u8>>) {
        let mut whole = Some(line);
        for octets in said.into_iter().flat_map(|octets| lines_of(&octets)) {
            let line = whole.take().unwrap_or_default();
            let closes = line.closes;
            self.ready.push_back(Ready::Line(Line { text: text_of(&octets).to_vec(), octets, closes, ..line }));
        }
    }

    /// A line does not get to the server. What the client is told, if anything, is told when it is its turn.
    fn withhold(&mut self, line: Line, own: Option<Own>, is_dropped: bool) {
        let is_silent = is_dropped && self.mutant.role == Side::Server;
        let octets = if is_silent { Vec::new() } else { self.of_itself(&line.text) };
        let own = own.unwrap_or(Own { octets, delay: Duration::ZERO, closes: false });
        let told = line.told.unwrap_or_else(|| reply::code(&own.octets));
        match self.mode {
            // A server that does not see the end goes on with the mail data.
            Mode::Content { .. } if line.text != b"." || is_silent => {}
            Mode::Response { .. } if told == Some(334) => {}
            Mode::Command => {
                let command = Command::of(&line.text);
                self.decide(command.decides, told, true);
                if command.chunk > 0 {
                    self.mode = Mode::Chunk { left: command.chunk, own: true };
                }
            }
            _ => self.mode = Mode::Command,
        }
        if line.told.is_none() && !own.octets.is_empty() {
            self.ready.push_back(Ready::Answer(Due { own: Some(own), ..Due::of(Of::Other) }));
        }
        if line.closes {
            self.close();
        }
    }

    /// What answers a line that the server does not get, when no rule says something else: a client whose line is left
    /// out goes on as if all was well, and so does one whose server was only made to look willing.
    fn of_itself(&self, text: &[u8]) -> Vec<u8> {
        let answer = match self.mode {
            Mode::Content { .. } if text != b"." => "",
            Mode::Content { .. } => "250 2.0.0 OK\r\n",
            Mode::Response { .. } => "235 2.7.0 OK\r\n",
            _ => Command::of(text).success,
        };
        answer.into()
    }

    /// A line leaves for the server.
    fn hand_on(&mut self, line: Line) {
        self.to_server.push(self.now + line.delay, &line.octets[line.sent..]);
        let (of, decides) = match self.mode {
            Mode::Content { .. } if line.text == b"." => {
                self.mode = Mode::Command;
                (Of::Message, Decides::Nothing)
            }
            Mode::Content { .. } => {
                if line.closes {
                    self.close();
                }
                return;
            }
            Mode::Response { .. } => (Of::Other, Decides::Response),
            Mode::Command | Mode::Chunk { .. } | Mode::Undecided => {
                let command = Command::of(&line.text);
                self.is_lmtp |= command.is_lmtp;
                if command.chunk > 0 {
                    self.mode = Mode::Chunk { left: command.chunk, own: false };
                }
                (command.of, command.decides)
            }
        };
        match line.told {
            Some(code) => self.decide(decides, code, false),
            None if decides != Decides::Nothing => self.mode = Mode::Undecided,
            None => {}
        }
        let Line { is_hidden, told, set_off, closes, .. } = line;
        self.due.push_back(Due { of, decides, is_hidden, told, set_off, own: None });
        if closes {
            self.close();
        }
    }

    /// Says a line of its own to the server, whatever is due. Nobody hears the reply.
    fn inject(&mut self, octets: &[u8]) {
        self.to_server.push(self.now, octets);
        self.due.push_back(Due { is_hidden: true, ..Due::of(Of::Other) });
    }

    /// Whether this line sets a rule off.
    fn set_off(&self, rule: &Rule, text: &[u8]) -> Option<Filling> {
        let is_content = matches!(self.mode, Mode::Content { .. });
        let pattern = match &rule.trigger {
            Trigger::EndOfData if self.is_final_dot(text) => return Some(Filling::of(text, None)),
            Trigger::Command(pattern) if self.mode == Mode::Command => pattern,
            Trigger::Response(pattern) if matches!(self.mode, Mode::Response { .. }) => pattern,
            Trigger::Content(pattern) if is_content && text != b"." => pattern,
            _ => return None,
        };
        pattern.captures(text).map(|groups| Filling::of(text, Some(&groups)))
    }

    /// Whether this line ends mail data that the server knows of.
    fn is_final_dot(&self, text: &[u8]) -> bool {
        matches!(self.mode, Mode::Content { .. }) && text == b"."
    }

    /// Whether a rule that waits for the reply has something to do with this one.
    fn is_answered(&mut self, rule: &Rule, octets: &[u8], index: usize) -> bool {
        let is_like_this = match &rule.condition.answered {
            Some(pattern) => pattern.is_match(&reply::joined(octets)),
            None => true,
        };
        let applies = is_like_this && self.may_apply(rule, usize::MAX) && self.counts(index);
        if applies {
            self.apply(index);
        }
        applies
    }

    /// Whether all conditions but the number are met.
    fn may_apply(&self, rule: &Rule, length: usize) -> bool {
        let condition = &rule.condition;
        let is_marked = |mark: &String| self.marks.contains(&mark[..]);
        condition.longer_than.is_none_or(|limit| length > limit)
            && condition.marked.as_ref().is_none_or(is_marked)
            && !condition.unmarked.as_ref().is_some_and(is_marked)
            && condition.tls.is_none_or(|tls| tls == self.is_tls)
    }

    /// Counts, and says whether this time counts.
    fn counts(&mut self, index: usize) -> bool {
        self.counts[index] += 1;
        let condition = &self.mutant.rules[index].condition;
        let count = self.counts[index];
        count >= condition.first && condition.last.is_none_or(|last| count <= last)
    }

    /// What is the same with every rule that does something.
    fn apply(&mut self, index: usize) {
        let rule = &self.mutant.rules[index];
        self.applied[index].fetch_add(1, Ordering::Relaxed);
        self.keeps_open |= rule.keep_open;
        if let Some(mark) = &rule.mark {
            self.marks.insert(mark);
        }
        if let Some(mark) = &rule.unmark {
            self.marks.remove(&mark[..]);
        }
    }

    fn heard_from(&mut self, side: Side) {
        if side != self.mutant.role {
            self.heard = self.now;
            self.idled.fill(false);
        }
    }

    /// The side with the defect closes.
    fn close(&mut self) {
        self.is_closed = true;
        self.to_server.close(self.now);
        self.to_client.close(self.now);
    }
}

impl Trigger {
    fn pattern(&self) -> Option<&regex::bytes::Regex> {
        match self {
            Self::Command(pattern) | Self::Response(pattern) | Self::Content(pattern) | Self::Unasked(pattern) => {
                Some(pattern)
            }
            Self::Greeting | Self::EndOfData | Self::Idle(_) => None,
        }
    }
}

/// A text of a rule as a line.
fn filled(text: &Template, rule: &Rule, filling: &Filling) -> Vec<u8> {
    let mut line = text.fill(filling);
    if !rule.raw {
        line.extend_from_slice(CRLF);
    }
    line
}

/// A line with what matches replaced in its text.
fn replaced(line: &[u8], pattern: &regex::bytes::Regex, by: &Template, filling: &Filling) -> Vec<u8> {
    let text = text_of(line);
    [&reply::replace_all(text, pattern, by, filling), &line[text.len()..]].concat()
}

/// The lines in some octets; the last may lack its end.
fn lines_of(octets: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let mut rest = octets;
    while let Some(end) = crlf_end(rest, 0) {
        lines.push(rest[..end].to_vec());
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        lines.push(rest.to_vec());
    }
    lines
}
