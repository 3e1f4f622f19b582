//! The lines below the header: the first characters of a line decide.

use super::cursor::{Cursor, Parsed, number};
use super::quoted::{file, octets, quoted_text};
use super::{application, reply};
use crate::requirement::Level;
use crate::transcript::{Argument, Item, Role, Side, Span, span};

/// Reads a line. `above` is what stands above it, comments and clauses left out.
pub(super) fn item(line: &str, role: Role, above: Option<&Item>) -> Parsed<Item> {
    let mut cursor = Cursor::new(line);
    let start = cursor;
    let first = cursor.next();
    match first {
        None | Some('#') => Ok(Item::Comment),
        Some('C') => of_side(Side::Client, cursor, role, above),
        Some('S') => of_side(Side::Server, cursor, role, above),
        Some('U') => application::item(cursor, role),
        Some('R') => clause(cursor),
        Some('=') => tls(cursor),
        Some('@') => time(cursor),
        Some(' ') => Err(start.flaw("a line begins with a space", "begin it in the first column")),
        Some(_) => Err(start.flaw(
            format!("no line begins with {:?}", line.chars().take(2).collect::<String>()),
            "C: C? C| C/ C= S: S| S/ S= S+ S- U: U= R: =tls @ or #",
        )),
    }
}

fn of_side(side: Side, mut cursor: Cursor<'_>, role: Role, above: Option<&Item>) -> Parsed<Item> {
    let letter = match side {
        Side::Client => 'C',
        Side::Server => 'S',
    };
    let place = cursor;
    match (cursor.next(), side) {
        (Some(':'), Side::Client) => Ok(Item::Command { text: text(&mut cursor)?.into(), optional: false }),
        (Some('?'), Side::Client) if role == Role::Client => {
            Ok(Item::Command { text: text(&mut cursor)?.into(), optional: true })
        }
        (Some('?'), Side::Client) => Err(place
            .flaw("this line of the client may be left out, but the client is the script", "`C:`; or `role: client`")),
        (Some(':'), Side::Server) => of_reply(&mut cursor, role),
        (Some('|'), _) => {
            let start = cursor;
            let text = text(&mut cursor)?;
            if text.is_empty() {
                return Err(start.flaw("no octets stand here", "say which, or leave out the line"));
            }
            let mut inside = start;
            inside.eat(" ");
            Ok(Item::Raw { side, octets: octets(text, inside)? })
        }
        (Some('/'), _) => cursor.end("nothing follows on this line").map(|()| Item::Boundary(side)),
        (Some('='), _) => doing(side, letter, cursor),
        (Some(sign @ ('+' | '-')), Side::Server) => keyword(sign == '+', place, cursor, above),
        _ => Err(place.flaw(
            format!("no line begins with {:?}", format!("{letter}{}", place.rest().chars().next().unwrap_or_default())),
            match side {
                Side::Client => "C: C? C| C/ C=data C=repeat C=eof or C=quiet",
                Side::Server => "S: S| S/ S+ S- S=repeat S=eof or S=quiet",
            },
        )),
    }
}

/// Behind the sign: one space, and the text.
fn text<'a>(cursor: &mut Cursor<'a>) -> Parsed<&'a str> {
    if !cursor.is_end() && !cursor.eat(" ") {
        return Err(
            cursor.flaw("a space is missing", "one space behind the first two characters; it is not part of the text")
        );
    }
    Ok(cursor.take_rest())
}

fn of_reply(cursor: &mut Cursor<'_>, role: Role) -> Parsed<Item> {
    let mut ahead = *cursor;
    let text = text(&mut ahead)?.to_owned();
    cursor.eat(" ");
    // A script that is the server may say what it wants.
    let pattern = match reply::pattern(cursor) {
        Ok(pattern) => Some(pattern),
        Err(_) if role == Role::Client => None,
        Err(flaw) => return Err(flaw),
    };
    Ok(Item::Reply { text, pattern })
}

fn keyword(present: bool, place: Cursor<'_>, mut cursor: Cursor<'_>, above: Option<&Item>) -> Parsed<Item> {
    if !matches!(above, Some(Item::Reply { .. } | Item::Keyword { .. })) {
        return Err(place.flaw("this is about the reply above, and there is none", "put it behind an `S:` line"));
    }
    if !cursor.is_end() && !cursor.eat(" ") {
        return Err(cursor.flaw("a space is missing", "`S+ SIZE`"));
    }
    cursor.skip_spaces();
    let start = cursor;
    let key: String = cursor.word().into();
    if key.is_empty() {
        return Err(start.flaw("no keyword stands here", "`S+ SIZE`, `S+ SIZE 1000`, `S+ SIZE ~[0-9]+`"));
    }
    cursor.skip_spaces();
    let argument = cursor.rest().trim_end_matches(' ');
    let argument = match argument.strip_prefix('~') {
        _ if argument.is_empty() => None,
        None => Some(Argument::Is(argument.into())),
        Some("") => return Err(cursor.flaw("no regular expression stands behind ~", "`S+ SIZE ~[0-9]+`")),
        Some(regex) => {
            reply::check_regex(regex, cursor)?;
            Some(Argument::Matches(regex.into()))
        }
    };
    Ok(Item::Keyword { present, key, argument })
}

/// `C=…`, `S=…`.
fn doing(side: Side, letter: char, mut cursor: Cursor<'_>) -> Parsed<Item> {
    let start = cursor;
    let word = cursor.word();
    cursor.skip_spaces();
    let item = match (word, side) {
        ("data", Side::Client) => Item::Data { file: file(&mut cursor)? },
        ("repeat", _) => repeat(side, &mut cursor)?,
        ("eof", _) => Item::End(side),
        ("quiet", _) => Item::Quiet(side, whole_span(&mut cursor)?),
        _ => {
            return Err(start.flaw(
                format!("nobody knows {:?}", format!("{letter}={word}")),
                "C=data @file, C=repeat 3 \"octets\", C=eof, C=quiet 300ms; the same with S but for data",
            ));
        }
    };
    cursor.end("one thing on a line").map(|()| item)
}

fn repeat(side: Side, cursor: &mut Cursor<'_>) -> Parsed<Item> {
    let start = *cursor;
    let word = cursor.word();
    let count = number(word).and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0);
    let Some(count) = count else {
        return Err(start.flaw(format!("{word:?} is no number of times"), "`repeat 1000 \"octets\"`"));
    };
    cursor.skip_spaces();
    let octets = quoted_text(cursor)?;
    if octets.is_empty() || octets.len().checked_mul(count).is_none_or(|all| all > MOST_OCTETS) {
        return Err(
            start.flaw("that is nothing, or more than 256 MiB", "one octet at least, and 268435456 at most in all")
        );
    }
    Ok(Item::Repeat { side, count, octets })
}

fn whole_span(cursor: &mut Cursor<'_>) -> Parsed<Span> {
    let start = *cursor;
    let word = cursor.word();
    span::parse(word).ok_or_else(|| {
        start.flaw(format!("{word:?} is no span of time"), "a number and a unit: 300ms, 30s, 5m, 2h; more than nothing")
    })
}

/// Behind the `=`.
fn tls(mut cursor: Cursor<'_>) -> Parsed<Item> {
    let start = cursor;
    match cursor.take_rest().trim_end_matches(' ') {
        "tls" => Ok(Item::Tls { fails: false }),
        "tls fail" => Ok(Item::Tls { fails: true }),
        other => Err(start.flaw(format!("nobody knows {:?}", format!("={other}")), "`=tls` or `=tls fail`")),
    }
}

/// Behind the `@`.
fn time(mut cursor: Cursor<'_>) -> Parsed<Item> {
    let place = cursor;
    if cursor.eat(" +") {
        let item = Item::Pass(whole_span(&mut cursor)?);
        return cursor.end("one span on a line").map(|()| item);
    }
    if !cursor.eat("deadline ") {
        return Err(place.flaw("this says nothing about time", "`@ +30s` or `@deadline server <= 5m`"));
    }
    cursor.skip_spaces();
    let start = cursor;
    let side = match cursor.word() {
        "server" => Side::Server,
        "client" => Side::Client,
        other => return Err(start.flaw(format!("{other:?} is no side"), "server or client: who gives up")),
    };
    cursor.skip_spaces();
    let start = cursor;
    let at_most = match cursor.word() {
        "<=" => true,
        ">=" => false,
        other => return Err(start.flaw(format!("{other:?} is no bound"), "<= or >=")),
    };
    cursor.skip_spaces();
    let bound = whole_span(&mut cursor)?;
    cursor.end("one bound on a line").map(|()| Item::Deadline { side, at_most, bound })
}

/// Behind the `R`.
fn clause(mut cursor: Cursor<'_>) -> Parsed<Item> {
    if !cursor.eat(": ") {
        return Err(cursor.flaw("this is no clause", "`R: ID LEVEL remark`"));
    }
    cursor.skip_spaces();
    let start = cursor;
    let id: String = cursor.word().into();
    if id.is_empty() {
        return Err(start.flaw("no requirement stands here", "`R: R-4.2-01 MUST remark`"));
    }
    cursor.skip_spaces();
    let start = cursor;
    let word = cursor.word();
    // The catalogues' own words are for the catalogues.
    let level = word.parse().ok().filter(|level: &Level| level.as_str() == word);
    let Some(level) = level else {
        return Err(start.flaw(
            format!("{word:?} is no level"),
            "MUST, MUST-NOT, GRAMMAR, PROSE, SHOULD, SHOULD-NOT or MAY, as in the catalogue",
        ));
    };
    cursor.skip_spaces();
    let remark = cursor.rest().trim_end_matches(' ');
    if matches!(level, Level::Must | Level::Should) && (remark == "NOT" || remark.starts_with("NOT ")) {
        return Err(start.flaw(format!("\"{word} NOT\" is two words"), format!("{word}-NOT")));
    }
    Ok(Item::Clause { id, level, remark: remark.into() })
}

/// More than any message that a server has to take, and less than memory.
const MOST_OCTETS: usize = 1 << 28;
