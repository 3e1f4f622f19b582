//! The canonical form of a transcript.

use core::fmt::{self, Display, Formatter, Write};

use super::escape::{escape, quote, quote_text};
use super::span;
use super::{
    Act, Alternative, Argument, Chunking, Expectation, Item, Line, Need, Outcome, ReplyPattern, Role, Side, State, Tag,
    Text, Transcript,
};

/// The text of its file: the keys of the header in their order, one space where one is enough. Comments stay, and so does
/// the order of the lines. What was parsed from this text prints as this text.
impl Display for Transcript {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "smtpt: 1\ntitle: {}\nrole: {}", self.title, self.role)?;
        if self.state != State::Connected {
            writeln!(f, "state: {}", self.state)?;
        }
        list(f, "needs", " ", &self.needs)?;
        list(f, "covers", "; ", &self.covers)?;
        if self.chunking != [Chunking::Whole] {
            list(f, "chunking", " ", &self.chunking)?;
        }
        list(f, "tags", " ", &self.tags)?;
        if self.pipelining_required {
            writeln!(f, "pipelining: required")?;
        }
        f.write_char('\n')?;
        self.body.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

fn list<T: Display>(f: &mut Formatter<'_>, key: &str, between: &str, values: &[T]) -> fmt::Result {
    let Some((first, rest)) = values.split_first() else { return Ok(()) };
    write!(f, "{key}: {first}")?;
    rest.iter().try_for_each(|value| write!(f, "{between}{value}"))?;
    f.write_char('\n')
}

/// The line without its end.
impl Display for Line {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.item {
            Item::Comment => f.write_str(&self.text),
            item => item.fmt(f),
        }
    }
}

/// As it stands in a transcript. A comment is `#`: its text is in its [`Line`].
impl Display for Item {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command { text, optional } => said(f, if *optional { "C?" } else { "C:" }, text),
            Self::Reply { text, .. } => said(f, "S:", text),
            Self::Raw { side, octets } => write!(f, "{side}| {}", escape(octets)),
            Self::Boundary(side) => write!(f, "{side}/"),
            Self::Data { file } => write!(f, "C=data @{file}"),
            Self::Repeat { side, count, octets } => write!(f, "{side}=repeat {count} {}", quote(octets)),
            Self::End(side) => write!(f, "{side}=eof"),
            Self::Quiet(side, time) => write!(f, "{side}=quiet {}", span::format(*time)),
            Self::Keyword { present, key, argument } => {
                write!(f, "S{} {key}", if *present { '+' } else { '-' })?;
                match argument {
                    None => Ok(()),
                    Some(Argument::Is(text)) => write!(f, " {text}"),
                    Some(Argument::Matches(regex)) => write!(f, " ~{regex}"),
                }
            }
            Self::Act(act) => write!(f, "U: {act}"),
            Self::Expect(expectation) => write!(f, "U= {expectation}"),
            Self::Tls { fails: false } => f.write_str("=tls"),
            Self::Tls { fails: true } => f.write_str("=tls fail"),
            Self::Pass(time) => write!(f, "@ +{}", span::format(*time)),
            Self::Deadline { side, at_most, bound } => {
                let (side, bound) = (if *side == Side::Server { "server" } else { "client" }, span::format(*bound));
                write!(f, "@deadline {side} {} {bound}", if *at_most { "<=" } else { ">=" })
            }
            Self::Clause { id, level, remark } if remark.is_empty() => write!(f, "R: {id} {level}"),
            Self::Clause { id, level, remark } => write!(f, "R: {id} {level} {remark}"),
            Self::Comment => f.write_char('#'),
        }
    }
}

fn said(f: &mut Formatter<'_>, sign: &str, text: &str) -> fmt::Result {
    if text.is_empty() { f.write_str(sign) } else { write!(f, "{sign} {text}") }
}

impl Display for Act {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { from, to, data, size, body } => {
                write!(f, "send from=<{from}> to={} data=@{data}", paths(to))?;
                size.map_or(Ok(()), |size| write!(f, " size={size}"))?;
                body.as_ref().map_or(Ok(()), |body| write!(f, " body={body}"))
            }
            Self::Quit => f.write_str("quit"),
            Self::Set(settings) => {
                f.write_str("set")?;
                settings.iter().try_for_each(|(key, value)| {
                    match value.is_empty() || value.contains([' ', '"']) || value.contains(char::is_control) {
                        true => write!(f, " {key}={}", quote_text(value)),
                        false => write!(f, " {key}={value}"),
                    }
                })
            }
            Self::Reject { event, reply } => write!(f, "reject {event} {reply}"),
            Self::Shutdown => f.write_str("shutdown"),
        }
    }
}

impl Display for Expectation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recipient { outcome, recipient, reply: None } => write!(f, "{outcome} <{recipient}>"),
            Self::Recipient { outcome, recipient, reply: Some(reply) } => write!(f, "{outcome} <{recipient}> {reply}"),
            Self::Message(None) => f.write_str("message none"),
            Self::Message(Some(file)) => write!(f, "message @{file}"),
            Self::Envelope { from, to } => write!(f, "envelope from=<{from}> to={}", paths(to)),
            Self::Event(event) => f.write_str(event),
        }
    }
}

fn paths(paths: &[String]) -> String {
    paths.iter().map(|path| format!("<{path}>")).collect::<Vec<_>>().join(",")
}

impl Display for ReplyPattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, alternative) in self.alternatives.iter().enumerate() {
            write!(f, "{}{alternative}", if at == 0 { "" } else { " | " })?;
        }
        Ok(())
    }
}

impl Display for Alternative {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (digit, any) in self.code.iter().zip("xyz".chars()) {
            match digit {
                Some(digit) => write!(f, "{digit}")?,
                None => f.write_char(any)?,
            }
        }
        if let Some(enhanced) = self.enhanced {
            for (part, before) in enhanced.iter().zip([' ', '.', '.']) {
                f.write_char(before)?;
                match part {
                    Some(number) => write!(f, "{number}")?,
                    None => f.write_char('x')?,
                }
            }
        }
        match &self.text {
            Text::Any => Ok(()),
            Text::Exact(text) => write!(f, " exact {}", quote_text(text)),
            Text::Matches(regex) => write!(f, " ~/{regex}/"),
        }
    }
}

impl Display for Side {
    /// `C` or `S`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char(if *self == Self::Client { 'C' } else { 'S' })
    }
}

impl Display for Role {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Both => "both",
        })
    }
}

impl Display for State {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connected => "connected",
            Self::Greeted => "greeted",
            Self::Ehlo => "ehlo",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
        })
    }
}

impl Display for Need {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls => f.write_str("tls"),
            Self::Auth(None) => f.write_str("auth"),
            Self::Auth(Some(mechanism)) => write!(f, "auth={mechanism}"),
            Self::Extension(keyword) => write!(f, "ext={keyword}"),
            Self::NoExtension(keyword) => write!(f, "no-ext={keyword}"),
            Self::Rcpt => f.write_str("rcpt"),
            Self::BadRcpt => f.write_str("badrcpt"),
            Self::Rcpts(number) => write!(f, "rcpts={number}"),
            Self::Time => f.write_str("time"),
            Self::App => f.write_str("app"),
            Self::Mails(number) => write!(f, "mails={number}"),
        }
    }
}

impl Display for Chunking {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("whole"),
            Self::Bytes => f.write_str("bytes"),
            Self::LfSplit => f.write_str("lf-split"),
            Self::Random(seed) => write!(f, "random({seed})"),
        }
    }
}

impl Display for Tag {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Safe => "safe",
            Self::Delivers => "delivers",
            Self::AuthFail => "auth-fail",
            Self::Flood => "flood",
            Self::Slow => "slow",
            Self::Security => "security",
        })
    }
}

impl Display for Outcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Deferred => "deferred",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
        })
    }
}
