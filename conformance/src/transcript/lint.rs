//! What is odd about a transcript that can be read all the same.

use core::fmt;
use std::collections::{BTreeSet, HashMap};

use super::variable::{Variable, variables};
use super::{Act, Argument, Expectation, Item, Line, Need, ReplyPattern, Role, Side, State, Tag, Text, Transcript};
use crate::catalogue;
use crate::corpus::Corpus;
use crate::requirement::Level;

/// Something that should be put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The id of the transcript, or the path of another file.
    pub file: String,
    /// The line, if it is about one.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

/// Looks at all transcripts, one by one and side by side.
#[must_use]
pub fn corpus(corpus: &Corpus) -> Vec<Remark> {
    let broken = corpus.broken().iter().map(|error| Remark {
        file: error.transcript.clone(),
        line: Some(error.line),
        what: format!("{}: {}", error.problem, error.advice),
    });
    let mut remarks: Vec<_> = broken.chain(corpus.transcripts().iter().flat_map(transcript)).collect();
    same_titles(corpus.transcripts(), &mut remarks);
    unused_files(corpus, &mut remarks);
    remarks
}

/// Looks at one transcript, which has its attachments.
#[must_use]
pub fn transcript(transcript: &Transcript) -> Vec<Remark> {
    let mut lint = Lint { transcript, remarks: Vec::new() };
    lint.place();
    lint.covers();
    lint.tags();
    lint.needs();
    lint.clauses();
    lint.lines();
    lint.remarks
}

struct Lint<'a> {
    transcript: &'a Transcript,
    remarks: Vec<Remark>,
}

impl Lint<'_> {
    fn header(&mut self, what: impl Into<String>) {
        self.remarks.push(Remark { file: self.transcript.id.clone(), line: None, what: what.into() });
    }

    fn line(&mut self, line: &Line, what: impl Into<String>) {
        let (file, line) = (self.transcript.id.clone(), Some(line.number));
        self.remarks.push(Remark { file, line, what: what.into() });
    }

    /// `rfc5321/4.2/name`, where something of RFC 5321, section 4.2 is covered.
    fn place(&mut self) {
        let id = &self.transcript.id;
        let mut folders = id.split('/');
        let (rfc, section, name) = (folders.next(), folders.next(), folders.next().unwrap_or_default());
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || folders.next().is_some() || !name.chars().all(is_name) {
            self.header("its place is not rfcNNNN/SECTION/some-name, in small letters, digits and hyphens");
            return;
        }
        let here = |id: &String| {
            catalogue::requirement(id)
                .is_some_and(|row| rfc == Some(&format!("rfc{}", row.rfc)) && section == Some(row.section))
        };
        if !self.transcript.covers.iter().any(here) {
            self.header("it covers no requirement of the section in whose folder it is");
        }
    }

    fn covers(&mut self) {
        let transcript = self.transcript;
        let clauses: BTreeSet<_> = clauses(transcript).map(|(_, id, _)| id).collect();
        if transcript.covers.is_empty() {
            self.header("it covers nothing: `covers:` and the ids of requirements");
        }
        for id in &transcript.covers {
            let Some(row) = catalogue::requirement(id) else {
                self.header(format!("there is no requirement {id}"));
                continue;
            };
            if !clauses.contains(id.as_str()) {
                self.header(format!("it covers {id}, and no `R:` line is about that"));
            }
            if !row.actor.can_be(transcript.role) {
                let (actor, role) = (row.actor.as_str(), transcript.role);
                self.header(format!("{id} binds a {actor}, and the role under test is {role}"));
            }
        }
    }

    fn tags(&mut self) {
        let transcript = self.transcript;
        let has = |tag| transcript.tags.contains(&tag);
        for tag in [Tag::Delivers, Tag::AuthFail, Tag::Flood] {
            if has(Tag::Safe) && has(tag) {
                self.header(format!("it is tagged safe and {tag}: one of them is wrong"));
            }
        }
        let is_message_end = |item: &Item| match item {
            Item::Command { text, .. } => text == ".",
            Item::Data { .. } => true,
            _ => false,
        };
        let sends_message = transcript.body.iter().any(|line| is_message_end(&line.item));
        if transcript.role != Role::Client && sends_message && !has(Tag::Delivers) {
            self.header("the script sends a message, and the tag delivers is missing");
        }
    }

    /// What the body uses has to be asked for.
    fn needs(&mut self) {
        let transcript = self.transcript;
        let mut wanted: Vec<(Option<usize>, Wanted)> = Vec::new();
        let is_server = transcript.role != Role::Client;
        match transcript.state {
            State::Tls => wanted.push((None, Wanted::Tls)),
            State::Auth => wanted.push((None, Wanted::Auth)),
            State::Rcpt | State::Data if is_server => wanted.push((None, Wanted::Recipients(1))),
            _ => {}
        }
        let mut mails = 0;
        for line in &transcript.body {
            let at = Some(line.number);
            match &line.item {
                Item::Tls { .. } => wanted.push((at, Wanted::Tls)),
                Item::Pass(_) | Item::Deadline { .. } => wanted.push((at, Wanted::Time)),
                Item::Act(Act::Reject { .. } | Act::Shutdown) => wanted.push((at, Wanted::Application)),
                Item::Act(Act::Send { .. }) => {
                    mails += 1;
                    if mails > 1 {
                        wanted.push((at, Wanted::Mails(mails)));
                    }
                }
                Item::Comment | Item::Clause { .. } => continue,
                _ => {}
            }
            for variable in variables(line.text.as_bytes()) {
                match variable {
                    Variable::Recipient(number) if is_server => wanted.push((at, Wanted::Recipients(number))),
                    Variable::BadRecipient if is_server => wanted.push((at, Wanted::BadRecipient)),
                    Variable::User | Variable::Password => wanted.push((at, Wanted::Auth)),
                    _ => {}
                }
            }
        }
        let mut told = BTreeSet::new();
        for (line, wanted) in wanted {
            if !transcript.needs.iter().any(|need| wanted.is_met(need)) && told.insert(wanted) {
                let what = format!("this wants {wanted}");
                self.remarks.push(Remark { file: transcript.id.clone(), line, what });
            }
        }
    }

    fn clauses(&mut self) {
        let transcript = self.transcript;
        for (at, id, level) in clauses(transcript) {
            let line = &transcript.body[at];
            match catalogue::requirement(id) {
                None => self.line(line, format!("there is no requirement {id}")),
                Some(row) if row.level != level => self.line(line, format!("{id} is {}, not {level}", row.level)),
                Some(_) if !transcript.covers.iter().any(|covered| covered == id) => {
                    self.line(line, format!("{id} is not in `covers:`"));
                }
                Some(_) => {}
            }
            let below = transcript.body[at + 1..].iter().map(|line| &line.item);
            let checks = below.take_while(|item| !matches!(item, Item::Clause { .. }));
            let checks: Vec<_> = checks.filter(|item| is_check(transcript.role, item)).collect();
            if checks.is_empty() {
                self.line(line, "no line checks this: what it is about stands below it");
            } else if level == Level::May && checks.iter().all(|item| is_only_way(item)) {
                self.line(
                    line,
                    "what MAY be may be otherwise, too: say the ways that are allowed, with | between them",
                );
            }
        }
    }

    fn lines(&mut self) {
        let transcript = self.transcript;
        let role = transcript.role;
        if transcript.pipelining_required && role == Role::Server {
            self.header("`pipelining: required` is about a client, and a server is under test");
        }
        for line in &transcript.body {
            match &line.item {
                Item::Command { text, .. } | Item::Reply { text, .. } if text.ends_with(' ') => {
                    self.line(line, r"nobody sees the space at the end: write the line with | and \x20\r\n");
                }
                Item::Command { text, .. } if role != Role::Client && text.contains(" | ") => {
                    self.line(line, "the script says this as it stands, with the |");
                }
                Item::Command { text, .. } if role != Role::Client && text.ends_with(" ...") => {
                    self.line(line, "the script says this as it stands, with the dots");
                }
                Item::Reply { pattern: Some(pattern), .. } if role == Role::Client && !is_definite(pattern) => {
                    self.line(line, "the script is the server: say which of these replies it gives");
                }
                Item::Deadline { side: Side::Client, .. } if role == Role::Server => {
                    self.line(line, "the client is the script, and has no deadline");
                }
                Item::Deadline { side: Side::Server, .. } if role == Role::Client => {
                    self.line(line, "the server is the script, and has no deadline");
                }
                Item::Comment | Item::Clause { .. } => continue,
                _ => {}
            }
            for variable in variables(line.text.as_bytes()) {
                if let Variable::Unknown(name) = variable {
                    self.line(line, format!("there is no variable ${name}, and $$ is a dollar sign"));
                }
            }
            if texts(&line.item).any(|text| !variables(text.as_bytes()).is_empty()) {
                self.line(line, "no variable is put into a text that is compared");
            }
        }
        let attached: BTreeSet<_> = transcript.attachments.iter().map(|(name, _)| name.as_str()).collect();
        for file in transcript.files() {
            if !attached.contains(file) {
                self.header(format!("{file} does not stand beside it"));
            }
        }
    }
}

/// What a transcript asks for in `needs:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wanted {
    Tls,
    Auth,
    Recipients(usize),
    BadRecipient,
    Time,
    Application,
    Mails(usize),
}

impl Wanted {
    fn is_met(self, need: &Need) -> bool {
        match self {
            Self::Tls => *need == Need::Tls,
            Self::Auth => matches!(need, Need::Auth(_)),
            Self::Recipients(1) => matches!(need, Need::Rcpt | Need::Rcpts(_)),
            Self::Recipients(wanted) => matches!(need, Need::Rcpts(number) if *number >= wanted),
            Self::BadRecipient => *need == Need::BadRcpt,
            Self::Time => *need == Need::Time,
            Self::Application => *need == Need::App,
            Self::Mails(wanted) => matches!(need, Need::Mails(number) if *number >= wanted),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`needs: ")?;
        match self {
            Self::Tls => f.write_str("tls`"),
            Self::Auth => f.write_str("auth`"),
            Self::Recipients(1) => f.write_str("rcpt`"),
            Self::Recipients(number) => write!(f, "rcpts={number}`"),
            Self::BadRecipient => f.write_str("badrcpt`"),
            Self::Time => f.write_str("time`"),
            Self::Application => f.write_str("app`"),
            Self::Mails(number) => write!(f, "mails={number}`"),
        }
    }
}

/// Place in the body, id and level.
fn clauses(transcript: &Transcript) -> impl Iterator<Item = (usize, &str, Level)> {
    transcript.body.iter().enumerate().filter_map(|(at, line)| match &line.item {
        Item::Clause { id, level, .. } => Some((at, id.as_str(), *level)),
        _ => None,
    })
}

/// Whether this line can find something, with this side under test.
fn is_check(role: Role, item: &Item) -> bool {
    let is_tested = |side: Side| match role {
        Role::Server => side == Side::Server,
        Role::Client => side == Side::Client,
        Role::Both => true,
    };
    match item {
        Item::Command { .. } | Item::Data { .. } => is_tested(Side::Client),
        Item::Reply { .. } | Item::Keyword { .. } => is_tested(Side::Server),
        Item::Raw { side, .. } | Item::Repeat { side, .. } | Item::End(side) | Item::Quiet(side, _) => is_tested(*side),
        Item::Deadline { .. } | Item::Expect(_) | Item::Tls { .. } => true,
        Item::Boundary(_) | Item::Act(_) | Item::Pass(_) | Item::Clause { .. } | Item::Comment => false,
    }
}

/// Whether this line takes one thing only. Lines that are not about replies or commands are let pass.
fn is_only_way(item: &Item) -> bool {
    match item {
        Item::Reply { pattern: Some(pattern), .. } => is_definite(pattern),
        Item::Command { text, optional } => !optional && !text.contains(" | ") && !text.ends_with("..."),
        _ => false,
    }
}

/// One alternative, without letters in its code.
fn is_definite(pattern: &ReplyPattern) -> bool {
    pattern.alternatives.len() == 1 && pattern.alternatives[0].code.iter().all(Option::is_some)
}

/// Texts and regular expressions that replies are compared with.
fn texts(item: &Item) -> impl Iterator<Item = &str> {
    let (pattern, argument) = match item {
        Item::Reply { pattern, .. } | Item::Expect(Expectation::Recipient { reply: pattern, .. }) => {
            (pattern.as_ref(), None)
        }
        Item::Keyword { argument: Some(Argument::Matches(regex)), .. } => (None, Some(regex.as_str())),
        _ => (None, None),
    };
    let texts = pattern.into_iter().flat_map(|pattern| &pattern.alternatives).filter_map(|way| match &way.text {
        Text::Exact(text) | Text::Matches(text) => Some(text.as_str()),
        Text::Any => None,
    });
    texts.chain(argument)
}

fn same_titles(transcripts: &[Transcript], remarks: &mut Vec<Remark>) {
    let mut titles: HashMap<String, &str> = HashMap::new();
    for transcript in transcripts {
        let title = transcript.title.to_lowercase();
        if let Some(other) = titles.get(&title) {
            let what = format!("it has the title of {other}");
            remarks.push(Remark { file: transcript.id.clone(), line: None, what });
        } else {
            titles.insert(title, &transcript.id);
        }
    }
}

/// Texts about the transcripts (`.md`) are no attachments.
fn unused_files(corpus: &Corpus, remarks: &mut Vec<Remark>) {
    let mut used = BTreeSet::new();
    for transcript in corpus.transcripts() {
        let folder = transcript.id.rsplit_once('/').map_or("", |(folder, _)| folder);
        used.extend(transcript.files().into_iter().map(|file| format!("{folder}/{file}")));
    }
    for file in corpus.attachments().filter(|file| !file.ends_with(".md") && !used.contains(*file)) {
        remarks.push(Remark { file: file.into(), line: None, what: "no transcript beside it names it".into() });
    }
}
