//! The body of a transcript, made ready for one role.

use super::pattern::CommandPattern;
use super::variables::Values;
use crate::transcript::{Act, Argument, Expectation, Item, Line, ReplyPattern, Role, Side, Span, Text, Transcript};

/// What happens, in order.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) steps: Vec<Step>,
    /// `U: set` and `U: send`, `U: reject connect`, and that there is a `U: shutdown`: what the target is told before it
    /// starts.
    pub(super) job: Vec<Act>,
    /// `U=`, each with its line.
    pub(super) expectations: Vec<(usize, Expectation)>,
    /// The siblings of the transcript, as they go over the wire.
    pub(super) attachments: Vec<(String, Vec<u8>)>,
}

/// One thing that happens.
#[derive(Debug)]
pub(super) enum Step {
    /// Lines of the client, then lines of the server.
    Exchange(Exchange),
    /// The rest is that of the items of the same names.
    End {
        line: usize,
        side: Side,
    },
    Quiet {
        line: usize,
        side: Side,
        span: Span,
    },
    Tls {
        line: usize,
        fails: bool,
    },
    Pass {
        span: Span,
    },
    Deadline {
        line: usize,
        side: Side,
        at_most: bool,
        bound: Span,
    },
    Tell {
        line: usize,
        act: Act,
    },
}

/// A run of lines of the client, and a run of lines of the server. Either may be empty.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    pub(super) client: Vec<Part>,
    pub(super) server: Vec<Part>,
}

impl Exchange {
    fn is_empty(&self) -> bool {
        self.client.is_empty() && self.server.is_empty()
    }

    /// Whether the k-th reply answers the k-th command.
    pub(super) fn is_paired(&self) -> bool {
        self.client.len() == self.server.len()
    }
}

/// A line, or what belongs to it.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

/// What a line is for the player.
#[derive(Debug)]
pub(super) enum Kind {
    /// The script says it.
    Say(Vec<u8>),
    /// The client under test has to say it, unless it is optional.
    Command { pattern: CommandPattern, optional: bool },
    /// The server under test has to say it.
    Reply { pattern: ReplyPattern, keywords: Vec<Keyword> },
    /// Whoever is under test has to say exactly this.
    Octets(Vec<u8>),
}

/// `S+`, `S-`.
#[derive(Clone, Debug)]
pub(super) struct Keyword {
    pub(super) line: usize,
    pub(super) present: bool,
    pub(super) key: String,
    pub(super) argument: Option<Argument>,
}

/// Why a body cannot be played: the line, and what to do about it.
pub(super) type Flaw = (usize, String);

/// Makes the body ready. `tested`: who is under test.
pub(super) fn prepare(transcript: &Transcript, tested: Side, values: &Values<'_>) -> Result<Script, Flaw> {
    let attachments = transcript.attachments.iter().map(|(name, octets)| (name.clone(), on_the_wire(octets))).collect();
    let script = Script { steps: Vec::new(), job: Vec::new(), expectations: Vec::new(), attachments };
    let is_both = transcript.role == Role::Both;
    let mut writer = Writer { tested, is_both, values, script, exchange: Exchange::default(), reply: None };
    for line in &transcript.body {
        writer.take(line).map_err(|problem| (line.number, problem))?;
    }
    writer.close_exchange()?;
    Ok(writer.script)
}

struct Writer<'v> {
    tested: Side,
    /// The script's own lines are what a client has to say, too.
    is_both: bool,
    values: &'v Values<'v>,
    script: Script,
    exchange: Exchange,
    /// The reply whose lines and keywords are being read.
    reply: Option<Reply>,
}

/// `S:` lines of one reply, with its keywords.
struct Reply {
    line: usize,
    said: Vec<String>,
    pattern: Option<ReplyPattern>,
    keywords: Vec<Keyword>,
    /// Its last line was read.
    is_whole: bool,
}

impl Writer<'_> {
    fn take(&mut self, line: &Line) -> Result<(), String> {
        let number = line.number;
        match &line.item {
            Item::Command { text, optional } => {
                let text = self.values.expand(text)?;
                let kind = match self.tested {
                    Side::Server => Kind::Say(format!("{text}\r\n").into_bytes()),
                    Side::Client => {
                        let pattern = CommandPattern::new(&text, self.is_both);
                        Kind::Command { pattern, optional: *optional }
                    }
                };
                self.add(Side::Client, Part { line: number, kind })?;
            }
            Item::Reply { text, pattern } => self.take_reply(number, text, pattern.as_ref())?,
            Item::Keyword { present, key, argument } => {
                let argument = match argument {
                    Some(Argument::Is(text)) => Some(Argument::Is(self.values.expand(text)?)),
                    other => other.clone(),
                };
                let keyword = Keyword { line: number, present: *present, key: key.clone(), argument };
                let reply = self.reply.as_mut().filter(|reply| reply.is_whole);
                reply.ok_or("S+ and S- stand behind the S: line of a whole reply")?.keywords.push(keyword);
            }
            Item::Raw { side, octets } => {
                let octets = self.values.expand_octets(octets)?;
                self.add_octets(*side, number, octets)?;
            }
            Item::Data { file } => {
                let found = self.script.attachments.iter().find(|(name, _)| name == file);
                let (_, octets) = found.ok_or_else(|| format!("there is no file {file} beside the transcript"))?;
                let octets = dot_stuffed(octets);
                self.add_octets(Side::Client, number, octets)?;
            }
            Item::Repeat { side, count, octets } => {
                let octets = self.values.expand_octets(octets)?.repeat(*count);
                self.add_octets(*side, number, octets)?;
            }
            Item::Boundary(_) => self.close_exchange().map_err(|(_, problem)| problem)?,
            Item::End(side) => self.step(Step::End { line: number, side: *side })?,
            Item::Quiet(side, span) => self.step(Step::Quiet { line: number, side: *side, span: *span })?,
            Item::Tls { fails } => self.step(Step::Tls { line: number, fails: *fails })?,
            Item::Pass(span) => self.step(Step::Pass { span: *span })?,
            Item::Deadline { side, at_most, bound } => {
                self.step(Step::Deadline { line: number, side: *side, at_most: *at_most, bound: *bound })?;
            }
            Item::Act(act) => self.take_act(number, act)?,
            Item::Expect(expectation) => {
                let expectation = self.expand_expectation(expectation)?;
                self.script.expectations.push((number, expectation));
            }
            Item::Clause { .. } | Item::Comment => {}
        }
        Ok(())
    }

    fn take_reply(&mut self, line: usize, text: &str, pattern: Option<&ReplyPattern>) -> Result<(), String> {
        let text = if self.tested == Side::Client { self.values.expand(text)? } else { text.to_owned() };
        let is_whole = text.as_bytes().get(3) != Some(&b'-');
        match &mut self.reply {
            Some(reply) if !reply.is_whole => {
                reply.said.push(text);
                reply.pattern = pattern.cloned();
                reply.is_whole = is_whole;
            }
            _ => {
                self.close_reply()?;
                let pattern = pattern.cloned();
                self.reply = Some(Reply { line, said: vec![text], pattern, keywords: Vec::new(), is_whole });
            }
        }
        Ok(())
    }

    fn take_act(&mut self, line: usize, act: &Act) -> Result<(), String> {
        let expand = |text: &String| self.values.expand(text);
        match act {
            Act::Set(settings) => {
                let settings = settings.iter().map(|(key, value)| Ok((key.clone(), expand(value)?)));
                self.script.job.push(Act::Set(settings.collect::<Result<_, String>>()?));
            }
            Act::Send { from, to, data, size, body } if self.tested == Side::Client => {
                let to = to.iter().map(expand).collect::<Result<_, _>>()?;
                let send = Act::Send { from: expand(from)?, to, data: data.clone(), size: *size, body: body.clone() };
                self.script.job.push(send);
            }
            Act::Reject { event, reply } if self.tested == Side::Server => {
                let reject = Act::Reject { event: event.clone(), reply: expand(reply)? };
                if event == "connect" {
                    self.script.job.push(reject);
                    self.close_exchange().map_err(|(_, problem)| problem)?;
                } else {
                    self.step(Step::Tell { line, act: reject })?;
                }
            }
            Act::Shutdown if self.tested == Side::Server => {
                self.script.job.push(Act::Shutdown);
                self.step(Step::Tell { line, act: Act::Shutdown })?;
            }
            // For the other side. It ends an exchange all the same, so that both sides play the same ones.
            Act::Reject { .. } | Act::Shutdown | Act::Quit => self.close_exchange().map_err(|(_, problem)| problem)?,
            Act::Send { .. } => {}
        }
        Ok(())
    }

    fn expand_expectation(&self, expectation: &Expectation) -> Result<Expectation, String> {
        let expand = |text: &String| self.values.expand(text);
        Ok(match expectation {
            Expectation::Recipient { outcome, recipient, reply } => {
                Expectation::Recipient { outcome: *outcome, recipient: expand(recipient)?, reply: reply.clone() }
            }
            Expectation::Envelope { from, to } => {
                Expectation::Envelope { from: expand(from)?, to: to.iter().map(expand).collect::<Result<_, _>>()? }
            }
            other => other.clone(),
        })
    }

    fn add_octets(&mut self, side: Side, line: usize, octets: Vec<u8>) -> Result<(), String> {
        let kind = if side == self.tested { Kind::Octets(octets) } else { Kind::Say(octets) };
        self.add(side, Part { line, kind })
    }

    fn add(&mut self, side: Side, part: Part) -> Result<(), String> {
        self.close_reply()?;
        match side {
            Side::Client if !self.exchange.server.is_empty() => {
                self.close_exchange().map_err(|(_, problem)| problem)?;
                self.exchange.client.push(part);
            }
            Side::Client => self.exchange.client.push(part),
            Side::Server => self.exchange.server.push(part),
        }
        Ok(())
    }

    fn step(&mut self, step: Step) -> Result<(), String> {
        self.close_exchange().map_err(|(_, problem)| problem)?;
        self.script.steps.push(step);
        Ok(())
    }

    fn close_exchange(&mut self) -> Result<(), Flaw> {
        let line = self.reply.as_ref().map_or(0, |reply| reply.line);
        self.close_reply().map_err(|problem| (line, problem))?;
        let exchange = core::mem::take(&mut self.exchange);
        if !exchange.is_empty() {
            self.script.steps.push(Step::Exchange(exchange));
        }
        Ok(())
    }

    fn close_reply(&mut self) -> Result<(), String> {
        let Some(reply) = self.reply.take() else { return Ok(()) };
        let line = reply.line;
        let kind = match self.tested {
            Side::Client => Kind::Say(self.acted_out(reply)?),
            Side::Server => match reply.pattern {
                Some(pattern) => Kind::Reply { pattern, keywords: reply.keywords },
                None => {
                    return Err(
                        "this says not what reply is expected: three digits, with x, y or z for any digit".into()
                    );
                }
            },
        };
        self.exchange.server.push(Part { line, kind });
        Ok(())
    }

    /// What the script says as a server.
    fn acted_out(&self, reply: Reply) -> Result<Vec<u8>, String> {
        let mut lines = reply.said;
        if let ([_], Some(pattern)) = (&lines[..], &reply.pattern)
            && !is_definite(pattern)
        {
            lines = vec![an_example(pattern)];
        }
        let keywords: Vec<_> = reply.keywords.iter().filter(|keyword| keyword.present).collect();
        if let (false, Some(last)) = (keywords.is_empty(), lines.last_mut()) {
            let Some((code, text)) = last.split_at_checked(3) else { return Err("this is no reply".into()) };
            let code = code.to_owned();
            let text = text.trim_start();
            let text = if text.is_empty() { self.values.expand("$domain")? } else { text.to_owned() };
            *last = format!("{code}-{text}");
            for (number, keyword) in keywords.iter().enumerate() {
                let hyphen = if number + 1 < keywords.len() { '-' } else { ' ' };
                let argument =
                    keyword.argument.as_ref().map(|(Argument::Is(text) | Argument::Matches(text))| format!(" {text}"));
                let argument = argument.unwrap_or_default();
                lines.push(format!("{code}{hyphen}{}{argument}", keyword.key));
            }
        }
        Ok(lines.iter().flat_map(|line| [line.as_bytes(), b"\r\n"]).flatten().copied().collect())
    }
}

/// Whether a pattern is a reply that can be said as it stands.
fn is_definite(pattern: &ReplyPattern) -> bool {
    let [only] = &pattern.alternatives[..] else { return false };
    let has_letters = only.code.contains(&None) || only.enhanced.is_some_and(|parts| parts.contains(&None));
    !has_letters && only.text == Text::Any
}

/// A reply that is as the first way of a pattern.
fn an_example(pattern: &ReplyPattern) -> String {
    use core::fmt::Write;

    let first = &pattern.alternatives[0];
    let [class, category, detail] = first.code;
    let class = class.unwrap_or(2);
    let mut reply = format!("{class}{}{}", category.unwrap_or(5), detail.unwrap_or(0));
    if let Some([subject_class, subject, detail]) = first.enhanced {
        let class = subject_class.unwrap_or(class.into());
        write!(reply, " {class}.{}.{}", subject.unwrap_or(0), detail.unwrap_or(0)).expect("a String takes everything");
    }
    if let Text::Exact(text) = &first.text {
        reply.push(' ');
        reply.push_str(text);
    }
    reply
}

/// A file that holds no CR ends its lines with LF alone, as files do; over the wire they end with CR LF. In a file that holds
/// one, every octet counts.
fn on_the_wire(file: &[u8]) -> Vec<u8> {
    if file.contains(&b'\r') {
        return file.to_vec();
    }
    file.split_inclusive(|&octet| octet == b'\n')
        .flat_map(|line| match line.strip_suffix(b"\n") {
            Some(line) => [line, b"\r\n"],
            None => [line, b""],
        })
        .flatten()
        .copied()
        .collect()
}

/// RFC 5321 §4.5.2, with the end of the mail data.
fn dot_stuffed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 5);
    let mut is_line_start = true;
    for (at, octet) in message.iter().enumerate() {
        if is_line_start && *octet == b'.' {
            out.push(b'.');
        }
        out.push(*octet);
        is_line_start = *octet == b'\n' && message[..at].ends_with(b"\r");
    }
    if !is_line_start {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::{dot_stuffed, on_the_wire};

    #[test]
    fn files() {
        assert_eq!(on_the_wire(b"a\n\n.b\nc"), b"a\r\n\r\n.b\r\nc");
        assert_eq!(on_the_wire(b"a\r\nb\nc\r\n"), b"a\r\nb\nc\r\n");
    }

    #[test]
    fn dots() {
        assert_eq!(dot_stuffed(b".a\r\nb.\r\n.\r\n\n.c"), b"..a\r\nb.\r\n..\r\n\n.c\r\n.\r\n");
        assert_eq!(dot_stuffed(b""), b".\r\n");
    }
}
