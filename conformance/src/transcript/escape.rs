//! Octets in text: `\r \n \t \0 \\ \" \xHH`.

use core::fmt::Write;

/// Undoes the escapes. Other characters stand for the octets of their UTF-8.
///
/// # Errors
///
/// The place of a backslash, in octets, that no escape follows.
pub(super) fn unescape(text: &str) -> Result<Vec<u8>, usize> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        octets.extend_from_slice(&rest.as_bytes()[..at]);
        let escape = &rest[at + 1..];
        let (octet, length) = octet(escape.as_bytes()).ok_or(text.len() - rest.len() + at)?;
        octets.push(octet);
        rest = &escape[length..];
    }
    octets.extend_from_slice(rest.as_bytes());
    Ok(octets)
}

/// What the characters behind a backslash stand for, and how many they are.
fn octet(escape: &[u8]) -> Option<(u8, usize)> {
    Some(match escape {
        [b'r', ..] => (b'\r', 1),
        [b'n', ..] => (b'\n', 1),
        [b't', ..] => (b'\t', 1),
        [b'0', ..] => (0, 1),
        [b'\\', ..] => (b'\\', 1),
        [b'"', ..] => (b'"', 1),
        [b'x', high, low, ..] => {
            let digit = |c: u8| char::from(c).to_digit(16);
            (u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?, 3)
        }
        _ => return None,
    })
}

/// Escapes what cannot stand by itself: controls, the backslash, octets that are not ASCII, and a space that nobody would
/// see.
pub(super) fn escape(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    for (at, octet) in octets.iter().enumerate() {
        let is_last = at + 1 == octets.len();
        match octet {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            0 => text.push_str("\\0"),
            b'\\' => text.push_str("\\\\"),
            b' ' if !is_last => text.push(' '),
            b'!'..=b'~' => text.push(char::from(*octet)),
            other => write!(text, "\\x{other:02X}").expect("a String takes everything"),
        }
    }
    text
}

/// In quotes.
pub(super) fn quote(octets: &[u8]) -> String {
    let parts: Vec<_> = octets.split(|octet| *octet == b'"').map(escape_inside).collect();
    format!("\"{}\"", parts.join("\\\""))
}

/// Text in quotes: what can be read stays as it is.
pub(super) fn quote_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => quoted.push_str(&escape(c.encode_utf8(&mut [0; 4]).as_bytes())),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A space at the end is seen, as a quote follows it.
fn escape_inside(octets: &[u8]) -> String {
    let spaces = octets.iter().rev().take_while(|octet| **octet == b' ').count();
    let (text, spaces) = octets.split_at(octets.len() - spaces);
    escape(text) + &" ".repeat(spaces.len())
}

#[cfg(test)]
mod tests {
    use super::{escape, quote, quote_text, unescape};

    #[test]
    fn each_octet_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(unescape(&escape(&all)), Ok(all.clone()));
        let quoted = quote(&all);
        assert_eq!(unescape(&quoted[1..quoted.len() - 1]), Ok(all));
    }

    #[test]
    fn what_can_be_read_stays() {
        assert_eq!(escape(b"a b \"c\"\r\n"), "a b \"c\"\\r\\n");
        assert_eq!(escape(b"a "), "a\\x20");
        assert_eq!(quote(b" a \" "), "\" a \\\" \"");
        assert_eq!(quote_text("é \"\n"), "\"é \\\"\\n\"");
    }

    #[test]
    fn an_unknown_escape_has_a_place() {
        assert_eq!(unescape("é\\q"), Err(2));
        assert_eq!(unescape("\\\\\\"), Err(2));
        assert_eq!(unescape("\\x4"), Err(0));
        assert_eq!(unescape("\\x4é"), Err(0));
        assert_eq!(unescape("é"), Ok(vec![0xC3, 0xA9]));
    }
}
