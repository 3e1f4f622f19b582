//! `U: …` and `U= …`: what an application says and sees.

use super::cursor::{Cursor, Parsed, number};
use super::quoted::{file, path, paths, quoted_text, text_of};
use super::reply;
use crate::transcript::{Act, Expectation, Item, Outcome, Role};

/// Behind the `U`.
pub(super) fn item(mut cursor: Cursor<'_>, role: Role) -> Parsed<Item> {
    if cursor.eat(": ") {
        cursor.skip_spaces();
        return act(cursor, role).map(Item::Act);
    }
    if cursor.eat("= ") {
        cursor.skip_spaces();
        return expectation(cursor).map(Item::Expect);
    }
    Err(cursor.flaw("this says nothing about the application", "`U: ` and what it says, or `U= ` and what it must see"))
}

fn act(mut cursor: Cursor<'_>, role: Role) -> Parsed<Act> {
    let start = cursor;
    let word = cursor.word();
    cursor.skip_spaces();
    match word {
        "send" | "quit" if role == Role::Server => {
            Err(start.flaw(format!("{word:?} is for a client"), "`C:` lines; or `role: client`"))
        }
        "reject" | "shutdown" if role == Role::Client => {
            Err(start.flaw(format!("{word:?} is for a server"), "`S:` lines; or `role: server`"))
        }
        "send" => send(cursor),
        "quit" => cursor.end("`U: quit`").map(|()| Act::Quit),
        "set" => settings(cursor).map(Act::Set),
        "reject" => reject(cursor),
        "shutdown" => cursor.end("`U: shutdown`").map(|()| Act::Shutdown),
        _ => Err(start.flaw(format!("no application says {word:?}"), "send, quit, set, reject or shutdown")),
    }
}

/// `from=<a@b> to=<c@d>,<e@f> data=@file [size=N] [body=8BITMIME]`, in any order.
fn send(mut cursor: Cursor<'_>) -> Parsed<Act> {
    let (mut from, mut to, mut data, mut size, mut body) = (None, None, None, None, None);
    while !cursor.is_end() {
        let start = cursor;
        let key = cursor.take_while(|c| c != '=' && c != ' ');
        let is_twice = match key {
            _ if !cursor.eat("=") => return Err(start.flaw(format!("{key:?} has no value"), SEND)),
            "from" => from.replace(path(&mut cursor)?).is_some(),
            "to" => to.replace(paths(&mut cursor)?).is_some(),
            "data" => data.replace(file(&mut cursor)?).is_some(),
            "size" => {
                let place = cursor;
                let number = number(cursor.word()).ok_or_else(|| place.flaw("this is no number of octets", SEND))?;
                size.replace(number).is_some()
            }
            "body" => body.replace(body_kind(&mut cursor)?).is_some(),
            _ => return Err(start.flaw(format!("a mail has no {key:?}"), SEND)),
        };
        if is_twice {
            return Err(start.flaw(format!("{key:?} stands here twice"), "leave out one of them"));
        }
        if !cursor.is_end() && !cursor.eat(" ") {
            return Err(cursor.flaw("a space is missing", SEND));
        }
        cursor.skip_spaces();
    }
    match (from, to, data) {
        (Some(from), Some(to), Some(data)) => Ok(Act::Send { from, to, data, size, body }),
        (None, ..) => Err(cursor.flaw("from= is missing", SEND)),
        (_, None, _) => Err(cursor.flaw("to= is missing", SEND)),
        (.., None) => Err(cursor.flaw("data= is missing", SEND)),
    }
}

fn body_kind(cursor: &mut Cursor<'_>) -> Parsed<String> {
    let start = *cursor;
    let word = cursor.word();
    let is_kind = !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    if is_kind {
        Ok(word.into())
    } else {
        Err(start.flaw(format!("{word:?} is no kind of body"), "7BIT, 8BITMIME or BINARYMIME"))
    }
}

/// `KEY=VALUE …`. A value with spaces stands in quotes.
fn settings(mut cursor: Cursor<'_>) -> Parsed<Vec<(String, String)>> {
    let mut settings: Vec<(String, String)> = Vec::new();
    while !cursor.is_end() {
        let start = cursor;
        let key = cursor.take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if key.is_empty() || !cursor.eat("=") {
            return Err(start.flaw("this is no setting", SET));
        }
        if settings.iter().any(|(known, _)| known == key) {
            return Err(start.flaw(format!("{key:?} stands here twice"), "leave out one of them"));
        }
        let place = cursor;
        let value = match cursor.rest().starts_with('"') {
            true => text_of(quoted_text(&mut cursor)?, place)?,
            false => cursor.word().to_owned(),
        };
        if value.is_empty() && place.rest() == cursor.rest() {
            return Err(place.flaw(format!("{key:?} has no value"), SET));
        }
        settings.push((key.into(), value));
        if !cursor.is_end() && !cursor.eat(" ") {
            return Err(cursor.flaw("a space is missing", SET));
        }
        cursor.skip_spaces();
    }
    if settings.is_empty() { Err(cursor.flaw("no setting stands here", SET)) } else { Ok(settings) }
}

fn reject(mut cursor: Cursor<'_>) -> Parsed<Act> {
    let event = one_of(&mut cursor, &QUESTIONS)?;
    cursor.skip_spaces();
    let reply = cursor.rest().trim_end_matches(' ');
    let code = reply.split(' ').next().unwrap_or_default().as_bytes();
    match code {
        [b'2'..=b'5', b'0'..=b'5', b'0'..=b'9'] => Ok(Act::Reject { event, reply: reply.into() }),
        _ => Err(cursor.flaw(format!("{reply:?} is no reply"), "`U: reject rcpt 550 5.1.1 no such user`")),
    }
}

fn expectation(mut cursor: Cursor<'_>) -> Parsed<Expectation> {
    let start = cursor;
    let word = cursor.word();
    cursor.skip_spaces();
    if let Some((_, outcome)) = OUTCOMES.iter().find(|(name, _)| *name == word) {
        return recipient(*outcome, cursor);
    }
    match word {
        "message" => message(cursor),
        "envelope" => envelope(cursor),
        _ if EVENTS.contains(&word) => cursor.end("one event on a line").map(|()| Expectation::Event(word.into())),
        _ => Err(start.flaw(
            format!("no application sees {word:?}"),
            format!("accepted, refused, deferred, unknown, failed, message, envelope, {}", EVENTS.join(", ")),
        )),
    }
}

fn recipient(outcome: Outcome, mut cursor: Cursor<'_>) -> Parsed<Expectation> {
    let recipient = path(&mut cursor)?;
    let place = cursor;
    cursor.skip_spaces();
    if !cursor.is_end() && cursor.rest() == place.rest() {
        return Err(place.flaw("a space is missing", "`U= refused <name@domain> 550`"));
    }
    let reply = if cursor.is_end() { None } else { Some(reply::pattern(&mut cursor)?) };
    Ok(Expectation::Recipient { outcome, recipient, reply })
}

fn message(mut cursor: Cursor<'_>) -> Parsed<Expectation> {
    let file = if cursor.eat("none") { None } else { Some(file(&mut cursor)?) };
    cursor.end("`U= message @file` or `U= message none`").map(|()| Expectation::Message(file))
}

fn envelope(mut cursor: Cursor<'_>) -> Parsed<Expectation> {
    if !cursor.eat("from=") {
        return Err(cursor.flaw("from= is missing", ENVELOPE));
    }
    let from = path(&mut cursor)?;
    let place = cursor;
    cursor.skip_spaces();
    if !cursor.eat("to=") || place.rest().starts_with("to=") {
        return Err(place.flaw("to= is missing", ENVELOPE));
    }
    let to = paths(&mut cursor)?;
    cursor.end(ENVELOPE).map(|()| Expectation::Envelope { from, to })
}

fn one_of(cursor: &mut Cursor<'_>, names: &[&str]) -> Parsed<String> {
    let start = *cursor;
    let word = cursor.word();
    if names.contains(&word) {
        return Ok(word.into());
    }
    Err(start.flaw(format!("there is no event {word:?}"), format!("one of: {}", names.join(", "))))
}

const SEND: &str = "`U: send from=<a@b> to=<c@d>,<e@f> data=@file`, and size=N, body=8BITMIME if need be";
const SET: &str = "`U: set key=value other=\"with spaces\"`";
const ENVELOPE: &str = "`U= envelope from=<a@b> to=<c@d>,<e@f>`";
const OUTCOMES: [(&str, Outcome); 5] = [
    ("accepted", Outcome::Accepted),
    ("refused", Outcome::Refused),
    ("deferred", Outcome::Deferred),
    ("unknown", Outcome::Unknown),
    ("failed", Outcome::Failed),
];
/// What a server asks its application.
const QUESTIONS: [&str; 10] =
    ["connect", "hello", "auth", "mail", "rcpt", "data", "message", "verify", "expand", "etrn"];
/// What a server tells its application, or asks it. `message` and what became of it are expectations of their own.
const EVENTS: [&str; 12] =
    ["connect", "hello", "auth", "mail", "rcpt", "data", "verify", "expand", "etrn", "reset", "aborted", "closed"];
