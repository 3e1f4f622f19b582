//! Reading the text of a transcript.

mod application;
mod body;
mod cursor;
mod header;
mod quoted;
mod reply;

use cursor::{Cursor, Flaw, Parsed};
use header::Header;

use super::{Item, Line, Need, ParseError, Tag, Transcript};

/// Reads a transcript.
pub(super) fn parse(id: &str, text: &str) -> Result<Transcript, ParseError> {
    let mut number = 0;
    read(id, text, &mut number).map_err(|flaw| ParseError {
        transcript: id.into(),
        line: number,
        column: flaw.column,
        problem: flaw.problem,
        advice: flaw.advice,
    })
}

/// Reads one word of `needs`, as profiles of targets have it, too.
pub(super) fn need(word: &str) -> Result<Need, String> {
    header::need(word, Cursor::new(word)).map_err(said)
}

/// Reads one word of `tags`.
pub(super) fn tag(word: &str) -> Result<Tag, String> {
    header::tag(word, Cursor::new(word)).map_err(said)
}

fn said(flaw: Flaw) -> String {
    format!("{}: {}", flaw.problem, flaw.advice)
}

/// `number` is that of the line that was read last.
fn read(id: &str, text: &str, number: &mut usize) -> Parsed<Transcript> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let mut lines = text.split('\n').enumerate().map(|(index, line)| (index + 1, line));
    let mut header = Header::default();
    for (at, line) in lines.by_ref() {
        *number = at;
        check(line)?;
        if line.trim_end_matches(' ').is_empty() {
            break;
        }
        header.line(line).map_err(|flaw| blank_line_missing(line).unwrap_or(flaw))?;
    }
    let mut transcript = header.finish(id, Cursor::new(""))?;
    // The last line that is neither a comment nor a clause.
    let mut above = None;
    for (at, line) in lines {
        *number = at;
        check(line)?;
        let line =
            if matches!(line.bytes().next(), None | Some(b' ' | b'#')) { line.trim_end_matches(' ') } else { line };
        let item = body::item(line, transcript.role, above.map(|above: usize| &transcript.body[above].item))?;
        if line.is_empty() && transcript.body.is_empty() {
            continue;
        }
        if !matches!(item, Item::Comment | Item::Clause { .. }) {
            above = Some(transcript.body.len());
        }
        transcript.body.push(Line { number: at, text: line.into(), item });
    }
    while transcript.body.pop_if(|line| line.text.is_empty()).is_some() {}
    if transcript.body.iter().all(|line| line.item == Item::Comment) {
        return Err(
            Cursor::new("").flaw("no session follows the header", "an empty line, and below it `C:` and `S:` lines")
        );
    }
    Ok(transcript)
}

/// Characters that nobody would see, or that end a line on the wire.
fn check(line: &str) -> Parsed<()> {
    let mut cursor = Cursor::new(line);
    cursor.take_while(|c| !c.is_control() && !matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}'));
    match cursor.rest().chars().next() {
        None => Ok(()),
        Some('\r') => {
            Err(cursor.flaw("a CR stands in this line", "lines end with LF alone, and `C| … \\r` sends a CR"))
        }
        Some('\t') => Err(cursor.flaw("a TAB stands in this line", "a space, and `C| … \\t` sends a TAB")),
        Some(other) => {
            Err(cursor
                .flaw(format!("{other:?} stands in this line"), "leave it out, and `C| … \\xHH` sends such an octet"))
        }
    }
}

/// A line of the body stands in the header.
fn blank_line_missing(line: &str) -> Option<Flaw> {
    let is_body = ["C: ", "C| ", "C=", "S: ", "S| ", "S=", "U: ", "U= ", "R: ", "=tls", "@"]
        .iter()
        .any(|sign| line.starts_with(sign));
    is_body.then(|| Cursor::new(line).flaw("a line of the body stands in the header", "put an empty line above it"))
}
