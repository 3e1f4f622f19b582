//! What a reply has to look like: `250 | 25z 2.1.0 | 5yz ~/regex/ | 220 exact "text"`.

use regex::RegexBuilder;

use super::cursor::{Cursor, Parsed};
use super::quoted::{quoted_text, text_of};
use crate::transcript::{Alternative, ReplyPattern, Text};

/// Reads the rest of the line.
pub(super) fn pattern(cursor: &mut Cursor<'_>) -> Parsed<ReplyPattern> {
    let mut alternatives = Vec::new();
    loop {
        alternatives.push(alternative(cursor)?);
        cursor.skip_spaces();
        if cursor.is_end() {
            return Ok(ReplyPattern { alternatives });
        }
        if !cursor.eat("|") {
            let problem = format!("{:?} is too much here", cursor.rest());
            return Err(
                cursor.flaw(problem, "behind the text of a reply follows the end of the line, or | and another reply")
            );
        }
    }
}

fn alternative(cursor: &mut Cursor<'_>) -> Parsed<Alternative> {
    cursor.skip_spaces();
    let code = code(cursor)?;
    cursor.skip_spaces();
    let enhanced = enhanced(cursor);
    cursor.skip_spaces();
    Ok(Alternative { code, enhanced, text: text(cursor)? })
}

fn code(cursor: &mut Cursor<'_>) -> Parsed<[Option<u8>; 3]> {
    let start = *cursor;
    let word = cursor.take_while(|c| c != ' ' && c != '|');
    if word.get(3..).is_some_and(|rest| rest.starts_with('-')) {
        return Err(start.flaw(
            format!("{word:?} is a line of a longer reply"),
            "a reply that is expected stands in one line, `S: 250`, and its other lines are named by `S+ KEY` and `S- KEY`",
        ));
    }
    digits(word).ok_or_else(|| {
        start.flaw(
            format!("{word:?} is no reply code"),
            "three digits, with x, y or z for any digit: 250, 25z, 5yz; and | between codes that are as good",
        )
    })
}

fn digits(word: &str) -> Option<[Option<u8>; 3]> {
    let octets: [u8; 3] = word.as_bytes().try_into().ok()?;
    let is_code = octets.iter().all(|octet| octet.is_ascii_digit() || matches!(octet, b'x'..=b'z'));
    is_code.then(|| octets.map(|octet| octet.is_ascii_digit().then(|| octet - b'0')))
}

/// What does not look like an enhanced status code is text.
fn enhanced(cursor: &mut Cursor<'_>) -> Option<[Option<u16>; 3]> {
    let mut ahead = *cursor;
    let word = ahead.take_while(|c| c != ' ' && c != '|');
    let mut parts = word.split('.');
    let class = part(parts.next()?).filter(|class| matches!(class, None | Some(2 | 4 | 5)))?;
    let enhanced = [class, part(parts.next()?)?, part(parts.next()?)?];
    if parts.next().is_some() {
        return None;
    }
    *cursor = ahead;
    Some(enhanced)
}

fn part(text: &str) -> Option<Option<u16>> {
    match text {
        "x" | "y" | "z" => Some(None),
        // No zeros in front: RFC 3463 §2.
        _ if (1..=3).contains(&text.len()) && (text == "0" || !text.starts_with('0')) => {
            text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok())
        }
        _ => None,
    }
}

fn text(cursor: &mut Cursor<'_>) -> Parsed<Text> {
    let mut ahead = *cursor;
    if cursor.eat("~/") {
        return regex(cursor).map(Text::Matches);
    }
    if ahead.eat("exact") {
        ahead.skip_spaces();
        if ahead.rest().starts_with('"') {
            *cursor = ahead;
            let start = *cursor;
            return text_of(quoted_text(cursor)?, start).map(Text::Exact);
        }
    }
    cursor.take_while(|c| c != '|');
    Ok(Text::Any)
}

/// Behind `~/`, up to the next slash without a backslash.
fn regex(cursor: &mut Cursor<'_>) -> Parsed<String> {
    let start = *cursor;
    let mut is_escaped = false;
    let regex = cursor.take_while(|c| {
        let goes_on = is_escaped || c != '/';
        is_escaped = c == '\\' && !is_escaped;
        goes_on
    });
    if !cursor.eat("/") {
        return Err(start.flaw("this regular expression has no end", "put / behind it, and \\/ for a slash in it"));
    }
    check_regex(regex, start)?;
    Ok(regex.into())
}

/// A regular expression that stands at this place.
pub(super) fn check_regex(regex: &str, place: Cursor<'_>) -> Parsed<()> {
    let Err(error) = RegexBuilder::new(regex).size_limit(REGEX_SIZE).build() else { return Ok(()) };
    let why = error.to_string();
    let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    Err(place.flaw(format!("{regex:?} is no regular expression"), why))
}

/// Far more than a pattern of a reply needs.
const REGEX_SIZE: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::pattern;
    use crate::transcript::parse::cursor::Cursor;
    use crate::transcript::{Alternative, Text};

    fn parse(text: &str) -> Result<Vec<Alternative>, String> {
        pattern(&mut Cursor::new(text))
            .map(|pattern| pattern.alternatives)
            .map_err(|flaw| format!("{}: {}", flaw.column, flaw.problem))
    }

    fn alternative(code: [Option<u8>; 3], enhanced: Option<[Option<u16>; 3]>, text: Text) -> Alternative {
        Alternative { code, enhanced, text }
    }

    #[test]
    fn alternatives() {
        let expected = vec![
            alternative([Some(2), Some(5), Some(0)], None, Text::Any),
            alternative([Some(2), Some(5), None], Some([Some(2), Some(1), None]), Text::Any),
            alternative([Some(5), None, None], None, Text::Matches(r"a|b\/c".into())),
            alternative([Some(2), Some(2), Some(0)], None, Text::Exact("a \"b\"|".into())),
        ];
        assert_eq!(parse(r#"250 ok | 25z 2.1.x so be it|5yz ~/a|b\/c/ | 220 exact "a \"b\"|""#), Ok(expected));
        assert_eq!(parse("250|251").map(|all| all.len()), Ok(2));
    }

    #[test]
    fn text_that_looks_like_something_else() {
        for text in [
            "250 1.2.3 x",
            "250 2.1",
            "250 2.1.0.1",
            "250 2.1.0,",
            "250 2.01.0",
            "250 exactly",
            "250 exact",
            "250 ~tilde",
        ] {
            assert_eq!(parse(text), Ok(vec![alternative([Some(2), Some(5), Some(0)], None, Text::Any)]), "{text}");
        }
    }

    #[test]
    fn no_patterns() {
        for (text, error) in [
            ("", "1: \"\" is no reply code"),
            ("25", "1: \"25\" is no reply code"),
            ("2500", "1: \"2500\" is no reply code"),
            ("25é", "1: \"25é\" is no reply code"),
            ("250-a", "1: \"250-a\" is a line of a longer reply"),
            ("250 ok |", "9: \"\" is no reply code"),
            ("250 | fine", "7: \"fine\" is no reply code"),
            ("250 ~/a", "7: this regular expression has no end"),
            ("250 ~/(/", "7: \"(\" is no regular expression"),
            ("250 ~/a/ b", "10: \"b\" is too much here"),
            ("250 exact \"a", "11: this text has no end"),
        ] {
            assert_eq!(parse(text), Err(error.into()), "{text}");
        }
    }
}
