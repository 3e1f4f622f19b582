//! The lines above the first empty line.

use super::cursor::{Cursor, Parsed, number};
use crate::transcript::{Chunking, Need, Role, State, Tag, Transcript};

/// Takes the lines of a header, one by one.
#[derive(Debug, Default)]
pub(super) struct Header {
    keys: Vec<String>,
    title: String,
    role: Option<Role>,
    state: Option<State>,
    needs: Vec<Need>,
    covers: Vec<String>,
    chunking: Vec<Chunking>,
    tags: Vec<Tag>,
    pipelining_required: bool,
}

impl Header {
    pub(super) fn line(&mut self, line: &str) -> Parsed<()> {
        let mut cursor = Cursor::new(line);
        let start = cursor;
        let key = cursor.take_while(|c| c.is_ascii_lowercase());
        if key.is_empty() || !cursor.eat(":") {
            return Err(start.flaw(
                format!("{line:?} is no line of a header"),
                "`key: value`; an empty line ends the header, and comments stand below it",
            ));
        }
        cursor.skip_spaces();
        if self.keys.is_empty() && key != "smtpt" {
            return Err(start.flaw(format!("it begins with {key:?}"), "the first line is `smtpt: 1`"));
        }
        if self.keys.iter().any(|known| known == key) {
            return Err(start.flaw(format!("{key:?} stands here twice"), "put everything into one line"));
        }
        if cursor.rest().is_empty() {
            return Err(cursor.flaw(format!("{key:?} has no value"), "say it, or leave out the line"));
        }
        self.keys.push(key.into());
        self.value(key, start, cursor)
    }

    fn value(&mut self, key: &str, start: Cursor<'_>, mut cursor: Cursor<'_>) -> Parsed<()> {
        match key {
            "smtpt" if cursor.rest().trim_end_matches(' ') == "1" => {}
            "smtpt" => return Err(cursor.flaw("this version is not known", "`smtpt: 1`")),
            "title" => self.title = cursor.rest().trim_end_matches(' ').into(),
            "role" => self.role = Some(one_of(cursor, ROLES)?),
            "state" => self.state = Some(one_of(cursor, STATES)?),
            "pipelining" => self.pipelining_required = one_of(cursor, [("required", true)])?,
            "needs" => self.needs = words(&mut cursor, need)?,
            "covers" => self.covers = words(&mut cursor, |word, _| Ok(word.into()))?,
            "chunking" => self.chunking = words(&mut cursor, chunking)?,
            "tags" => self.tags = words(&mut cursor, tag)?,
            _ => {
                return Err(start.flaw(
                    format!("there is no key {key:?}"),
                    "smtpt, title, role, state, needs, covers, chunking, tags or pipelining",
                ));
            }
        }
        Ok(())
    }

    /// When all lines are read; the place is that of the empty line.
    pub(super) fn finish(self, id: &str, place: Cursor<'_>) -> Parsed<Transcript> {
        let missing = |key: &str, advice: &str| place.flaw(format!("the header has no {key:?}"), advice.to_owned());
        if self.keys.is_empty() {
            return Err(missing("smtpt", "the first line is `smtpt: 1`"));
        }
        if self.title.is_empty() {
            return Err(missing("title", "`title:` and what the transcript is about, in one line"));
        }
        let role = self.role.ok_or_else(|| missing("role", "`role:` and who is under test: server, client or both"))?;
        Ok(Transcript {
            id: id.into(),
            title: self.title,
            role,
            state: self.state.unwrap_or(State::Connected),
            needs: self.needs,
            covers: self.covers,
            chunking: if self.chunking.is_empty() { vec![Chunking::Whole] } else { self.chunking },
            tags: self.tags,
            pipelining_required: self.pipelining_required,
            body: Vec::new(),
            attachments: Vec::new(),
        })
    }
}

/// Words between spaces or semicolons. None may stand there twice.
fn words<T: PartialEq>(cursor: &mut Cursor<'_>, read: impl Fn(&str, Cursor<'_>) -> Parsed<T>) -> Parsed<Vec<T>> {
    let mut words = Vec::new();
    loop {
        cursor.take_while(|c| c == ' ' || c == ';');
        let place = *cursor;
        let word = cursor.take_while(|c| c != ' ' && c != ';');
        if word.is_empty() {
            return if words.is_empty() {
                Err(place.flaw("nothing stands here", "leave out the line"))
            } else {
                Ok(words)
            };
        }
        let value = read(word, place)?;
        if words.contains(&value) {
            return Err(place.flaw(format!("{word:?} stands here twice"), "leave out one of them"));
        }
        words.push(value);
    }
}

fn one_of<T: Copy, const N: usize>(cursor: Cursor<'_>, choices: [(&str, T); N]) -> Parsed<T> {
    choose(cursor.rest().trim_end_matches(' '), cursor, choices)
}

fn choose<T: Copy, const N: usize>(word: &str, place: Cursor<'_>, choices: [(&str, T); N]) -> Parsed<T> {
    choices.iter().find(|(name, _)| *name == word).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        place.flaw(format!("{word:?} is not known here"), format!("one of: {}", names.join(", ")))
    })
}

pub(super) fn need(word: &str, place: Cursor<'_>) -> Parsed<Need> {
    let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
    let is_keyword = |keyword: &&str| {
        keyword.starts_with(|c: char| c.is_ascii_alphanumeric())
            && keyword.chars().all(|c| c.is_ascii_graphic() && !matches!(c, ';' | '='))
    };
    let keyword = value.filter(is_keyword).map(str::to_ascii_uppercase);
    let number = value
        .and_then(number)
        .and_then(|number| usize::try_from(number).ok())
        .filter(|number| (1..=MOST).contains(number));
    let need = match (name, value) {
        ("tls", None) => Some(Need::Tls),
        ("auth", None) => Some(Need::Auth(None)),
        ("auth", Some(_)) => keyword.map(|mechanism| Need::Auth(Some(mechanism))),
        ("ext", Some(_)) => keyword.map(Need::Extension),
        ("no-ext", Some(_)) => keyword.map(Need::NoExtension),
        ("rcpt", None) => Some(Need::Rcpt),
        ("badrcpt", None) => Some(Need::BadRcpt),
        ("rcpts", Some(_)) => number.map(Need::Rcpts),
        ("time", None) => Some(Need::Time),
        ("app", None) => Some(Need::App),
        ("mails", Some(_)) => number.map(Need::Mails),
        _ => None,
    };
    need.ok_or_else(|| {
        place.flaw(
            format!("{word:?} is nothing that a target can have"),
            "tls, auth, auth=PLAIN, ext=KEYWORD, no-ext=KEYWORD, rcpt, badrcpt, rcpts=N, time, app or mails=N",
        )
    })
}

pub(super) fn tag(word: &str, place: Cursor<'_>) -> Parsed<Tag> {
    choose(word, place, TAGS)
}

fn chunking(word: &str, place: Cursor<'_>) -> Parsed<Chunking> {
    let seed = word.strip_prefix("random(").and_then(|rest| rest.strip_suffix(')')).and_then(number);
    match (word, seed) {
        ("whole", _) => Ok(Chunking::Whole),
        ("bytes", _) => Ok(Chunking::Bytes),
        ("lf-split", _) => Ok(Chunking::LfSplit),
        (_, Some(seed)) => Ok(Chunking::Random(seed)),
        _ => Err(place
            .flaw(format!("{word:?} is no way of cutting"), "whole, bytes, lf-split or random(7), with any number")),
    }
}

/// More recipients or mails than this is a slip of the pen.
const MOST: usize = 100_000;
const ROLES: [(&str, Role); 3] = [("server", Role::Server), ("client", Role::Client), ("both", Role::Both)];
const STATES: [(&str, State); 8] = [
    ("connected", State::Connected),
    ("greeted", State::Greeted),
    ("ehlo", State::Ehlo),
    ("tls", State::Tls),
    ("auth", State::Auth),
    ("mail", State::Mail),
    ("rcpt", State::Rcpt),
    ("data", State::Data),
];
const TAGS: [(&str, Tag); 6] = [
    ("safe", Tag::Safe),
    ("delivers", Tag::Delivers),
    ("auth-fail", Tag::AuthFail),
    ("flood", Tag::Flood),
    ("slow", Tag::Slow),
    ("security", Tag::Security),
];
