//! The lines of a body.

#![allow(missing_docs, reason = "fields of variants are named by the syntax that is quoted above them")]

use super::Span;
use crate::requirement::Level;

/// One line of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: usize,
    /// As it stands in the file.
    pub text: String,
    /// What it says.
    pub item: Item,
}

/// Who a line is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// `C`.
    Client,
    /// `S`.
    Server,
}

/// What a line says. Whether a line of one side is a stimulus or is expected depends on who is under test, so a line
/// holds both where both make sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// `C:` a line of the client. `optional`: `C?`, and if the client does not say it, the lines of the server up to the
    /// next line of the client are left out, too.
    Command { text: String, optional: bool },
    /// `S:` a reply. As a stimulus its text is said as it stands.
    Reply { text: String, pattern: Option<ReplyPattern> },
    /// `C|`, `S|`: octets, escapes undone. Variables are not yet put in.
    Raw { side: Side, octets: Vec<u8> },
    /// `C/`, `S/`: what was said so far leaves by itself.
    Boundary(Side),
    /// `C=data @file`: a message, dot-stuffed, with the final dot.
    Data { file: String },
    /// `C=repeat N "octets"`, `S=repeat …`.
    Repeat { side: Side, count: usize, octets: Vec<u8> },
    /// `C=eof`, `S=eof`: this side closes.
    End(Side),
    /// `C=quiet 300ms`, `S=quiet 300ms`: this side says nothing for so long.
    Quiet(Side, Span),
    /// `S+ KEY`, `S+ KEY ARG`, `S+ KEY ~REGEX`, and the same with `S-`: a line of the reply above.
    Keyword { present: bool, key: String, argument: Option<Argument> },
    /// `U: …`: what the application says.
    Act(Act),
    /// `U= …`: what the application sees.
    Expect(Expectation),
    /// `=tls`, `=tls fail`.
    Tls { fails: bool },
    /// `@ +30s`: time passes.
    Pass(Span),
    /// `@deadline server <= 5m`: a bound on how long this side waits for the other before it gives up.
    Deadline { side: Side, at_most: bool, bound: Span },
    /// `R: ID LEVEL remark`: what the lines that follow are about.
    Clause { id: String, level: Level, remark: String },
    /// `# …` or an empty line.
    Comment,
}

/// What stands behind a keyword in its line of the reply. Without one, it does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// `ARG`: this and nothing more, without case.
    Is(String),
    /// `~REGEX`: all of it matches, without case. As a stimulus it is said as it stands.
    Matches(String),
}

/// What a reply has to look like: `250 | 25z 2.1.0 | 5yz ~/regex/ | 220 exact "text"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyPattern {
    /// One of these. Never empty.
    pub alternatives: Vec<Alternative>,
}

/// One way a reply may look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// Its code: a digit, or `None` for any (`x`, `y`, `z`).
    pub code: [Option<u8>; 3],
    /// Its enhanced status code: a number, or `None` for any (`x`). No code at all: it does not matter.
    pub enhanced: Option<[Option<u16>; 3]>,
    /// Its text.
    pub text: Text,
}

/// What the text of a reply has to be, over all its lines, joined by LF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// Anything.
    Any,
    /// `exact "…"`.
    Exact(String),
    /// `~/…/`: somewhere in it.
    Matches(String),
}

/// What an application says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// `send from=<a@b> to=<c@d>,<e@f> data=@file [size=N] [body=8BITMIME]`: a client's next mail.
    Send { from: String, to: Vec<String>, data: String, size: Option<u64>, body: Option<String> },
    /// `quit`: a client has no more mails. Understood at the end of every client transcript.
    Quit,
    /// `set KEY=VALUE …`: how the target is set up, known before it starts: `security=starttls`, `user=…`, `password=…`,
    /// `mechanism=…`, `size-limit=…`, `early=refuse`.
    Set(Vec<(String, String)>),
    /// `reject EVENT REPLY`: what a server's application answers to the next event of this kind.
    Reject { event: String, reply: String },
    /// `shutdown`: the server is told to end.
    Shutdown,
}

/// What an application sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// `accepted <ok@mx.example> 250 2.0.0`, `refused <…> 550`, `unknown <…>`, `failed <…>`: what became of a recipient.
    Recipient { outcome: Outcome, recipient: String, reply: Option<ReplyPattern> },
    /// `message @file` or `message none`: the message that a server's application was given last.
    Message(Option<String>),
    /// `envelope from=<a> to=<b>,<c>`: of that message.
    Envelope { from: String, to: Vec<String> },
    /// `reset`, `aborted`: an event of a server.
    Event(String),
}

/// What became of a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The server has taken the message for it.
    Accepted,
    /// The server refused it for good.
    Refused,
    /// The server refused it for now.
    Deferred,
    /// Nobody knows.
    Unknown,
    /// It was not tried, or something else went wrong.
    Failed,
}
