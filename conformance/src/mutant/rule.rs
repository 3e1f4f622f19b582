//! A rule: what it looks for, and what it does.

use core::time::Duration;

use regex::bytes::Regex;

use super::template::Template;

/// One rule of a mutant.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What it looks for.
    pub trigger: Trigger,
    /// When it does something about it.
    pub condition: Condition,
    /// What happens to a line of the client.
    pub line: LineActions,
    /// What happens to the reply.
    pub reply: ReplyActions,
    /// The side with the defect closes.
    pub close: Option<Close>,
    /// The side with the defect does not close from now on, whatever else it would do.
    pub keep_open: bool,
    /// This is remembered until the end of the connection.
    pub mark: Option<String>,
    /// This is forgotten.
    pub unmark: Option<String>,
    /// All texts are octets: no line end is added.
    pub raw: bool,
    /// Nothing is done before the reply has come.
    pub at_reply: bool,
}

/// What a rule looks for.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// The greeting.
    Greeting,
    /// The end of the mail data.
    EndOfData,
    /// A command line like this.
    Command(Regex),
    /// A line of a client in an AUTH exchange like this.
    Response(Regex),
    /// A line of the mail data like this, as it stands on the wire.
    Content(Regex),
    /// A reply like this that answers nothing.
    Unasked(Regex),
    /// The other side has said nothing for so long.
    Idle(Duration),
}

/// When a rule does something.
#[derive(Clone, Debug, Default)]
pub struct Condition {
    /// The first time that counts, from 1.
    pub first: usize,
    /// The last time that counts.
    pub last: Option<usize>,
    /// The line has more octets than this, with its CRLF.
    pub longer_than: Option<usize>,
    /// The true reply is like this.
    pub answered: Option<Regex>,
    /// This is remembered.
    pub marked: Option<String>,
    /// This is not remembered.
    pub unmarked: Option<String>,
    /// There is TLS, or there is none.
    pub tls: Option<bool>,
}

/// What happens to a line of the client before it gets to the server.
#[derive(Clone, Debug, Default)]
pub struct LineActions {
    /// It does not get there.
    pub drop: bool,
    /// These get there instead.
    pub say: Option<Vec<Template>>,
    /// These get there before it. Nobody hears the replies.
    pub before: Vec<Template>,
    /// These get there behind it. Nobody hears the replies.
    pub after: Vec<Template>,
    /// What the trigger has matched is replaced.
    pub replace: Option<Template>,
    /// It ends in a bare LF.
    pub bare_lf: bool,
    /// It is said so much later.
    pub delay: Option<Duration>,
}

/// What happens to a reply before the client hears it.
#[derive(Clone, Debug, Default)]
pub struct ReplyActions {
    /// The client hears this instead.
    pub instead: Option<Vec<Template>>,
    /// The command does not get to the server: the client just hears `instead`.
    pub is_own: bool,
    /// The client hears `instead` at once: neither earlier replies nor the true one are waited for.
    pub immediately: bool,
    /// The client does not hear it.
    pub drop: bool,
    /// The client hears it twice.
    pub twice: bool,
    /// The client hears this before it.
    pub before: Vec<Template>,
    /// The client hears this behind it.
    pub extra: Vec<Template>,
    /// In each line, what matches is replaced.
    pub replace: Vec<(Regex, Template)>,
    /// These lines are added to a positive reply.
    pub keywords_add: Vec<String>,
    /// Lines with these keywords are taken out of a positive reply.
    pub keywords_remove: Vec<String>,
    /// Its lines end in a bare LF.
    pub bare_lf: bool,
    /// The client hears it so much later.
    pub delay: Option<Duration>,
}

/// When a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// In place of the line.
    BeforeLine,
    /// Behind the line.
    BehindLine,
    /// In place of the reply.
    BeforeReply,
    /// Behind the reply.
    BehindReply,
}
