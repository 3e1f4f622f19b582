//! Text in quotes, paths, and the names of files.

use super::cursor::{Cursor, Parsed};
use crate::transcript::escape::unescape;

/// `"…"`, escapes undone.
pub(super) fn quoted_text(cursor: &mut Cursor<'_>) -> Parsed<Vec<u8>> {
    let start = *cursor;
    if !cursor.eat("\"") {
        return Err(
            start.flaw(format!("{:?} stands in no quotes", start.rest()), "put it in quotes: \"like this\\r\\n\"")
        );
    }
    let inside = *cursor;
    let mut is_escaped = false;
    let text = cursor.take_while(|c| {
        let goes_on = is_escaped || c != '"';
        is_escaped = c == '\\' && !is_escaped;
        goes_on
    });
    if !cursor.eat("\"") {
        return Err(start.flaw("this text has no end", "put \" behind it, and \\\" for a quote in it"));
    }
    octets(text, inside)
}

/// Undoes the escapes of a text that begins at this place.
pub(super) fn octets(text: &str, start: Cursor<'_>) -> Parsed<Vec<u8>> {
    unescape(text).map_err(|at| {
        let mut place = start;
        while start.rest().len() - place.rest().len() < at && place.next().is_some() {}
        place.flaw("no escape follows this backslash", r#"one of \r \n \t \0 \\ \" \xHH"#)
    })
}

/// The octets as text.
pub(super) fn text_of(octets: Vec<u8>, start: Cursor<'_>) -> Parsed<String> {
    String::from_utf8(octets)
        .map_err(|_| start.flaw("this is not UTF-8", "write the characters as they are, without \\x80 and above"))
}

/// `<path>`, without the brackets. They may stand in a quoted string within it.
pub(super) fn path(cursor: &mut Cursor<'_>) -> Parsed<String> {
    let start = *cursor;
    let (mut is_quoted, mut is_escaped) = (false, false);
    if !cursor.eat("<") {
        return Err(start.flaw(format!("{:?} is no path", start.rest()), "put it in brackets: <name@domain>"));
    }
    let path = cursor.take_while(|c| {
        let goes_on = is_quoted || is_escaped || c != '>';
        is_quoted ^= c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        goes_on
    });
    if cursor.eat(">") { Ok(path.into()) } else { Err(start.flaw("this path has no end", "put > behind it")) }
}

/// `<path>,<path>`, one at least.
pub(super) fn paths(cursor: &mut Cursor<'_>) -> Parsed<Vec<String>> {
    let mut paths = vec![path(cursor)?];
    while cursor.eat(",") {
        paths.push(path(cursor)?);
    }
    Ok(paths)
}

/// `@file`.
pub(super) fn file(cursor: &mut Cursor<'_>) -> Parsed<String> {
    let start = *cursor;
    let word = cursor.word();
    let is_name = |name: &&str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
    };
    word.strip_prefix('@').filter(is_name).map(Into::into).ok_or_else(|| {
        start.flaw(
            format!("{word:?} names no file"),
            "@ and the name of a file beside the transcript: letters, digits, dot, hyphen and underscore",
        )
    })
}
