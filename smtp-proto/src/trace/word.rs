//! Words of trace fields, made harmless.

use alloc::vec::Vec;
use core::fmt;

/// The longest word that is written, in octets (RFC 5321 §4.5.3.1.3).
const LONGEST: usize = 256;

/// Text that is written behind octets.
pub(super) struct Text<'a>(pub(super) &'a mut Vec<u8>);

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Writes a domain or an address literal.
pub(super) fn write_domain(name: &str, utf8: bool, out: &mut Vec<u8>) {
    if let Some(literal) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        out.push(b'[');
        write_mapped(literal, out, |c| if c.is_ascii_graphic() && !matches!(c, '[' | '\\' | ']') { c } else { '?' });
        out.push(b']');
    } else if name.is_empty() {
        out.push(b'?');
    } else {
        let is_fit = |c| matches!(c, '-' | '.' | '_' | ':') || is_letter(c, utf8);
        write_mapped(name, out, |c| if is_fit(c) { c } else { '?' });
    }
}

/// Writes an atom, or a message identifier in angle brackets.
pub(super) fn write_id(id: &str, out: &mut Vec<u8>) {
    if let Some(id) = id.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
        out.push(b'<');
        write_mapped(id, out, |c| if is_atext(c, false) || matches!(c, '.' | '@') { c } else { '_' });
        out.push(b'>');
    } else if id.is_empty() {
        out.push(b'_');
    } else {
        write_mapped(id, out, |c| if is_atext(c, false) { c } else { '_' });
    }
}

/// Writes a path in angle brackets, which `path` may have or not have.
pub(super) fn write_path(path: &str, utf8: bool, out: &mut Vec<u8>) {
    let path = path.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(path);
    let (mut quoted, mut escaped) = (false, false);
    out.push(b'<');
    write_mapped(path, out, |c| {
        let is_fit = if quoted {
            matches!(c, ' '..='~') || is_letter(c, utf8)
        } else {
            is_atext(c, utf8) || matches!(c, '.' | '@' | '[' | ']' | ':' | ',' | '"')
        };
        match c {
            _ if escaped => escaped = false,
            '"' => quoted = !quoted,
            '\\' => escaped = quoted,
            _ => {}
        }
        if is_fit { c } else { '?' }
    });
    if escaped {
        out.push(b'?');
    }
    if quoted {
        out.push(b'"');
    }
    out.push(b'>');
}

/// Writes a date with an optional comment.
pub(super) fn write_date(date: &str, out: &mut Vec<u8>) {
    if date.trim().is_empty() {
        return out.push(b'?');
    }
    let is_fit = |c| matches!(c, ' ' | ',' | ':' | '+' | '-' | '(' | ')') || is_letter(c, false);
    write_mapped(date, out, |c| if is_fit(c) { c } else { '?' });
}

/// Writes what `map` makes of the characters, up to [`LONGEST`] octets.
fn write_mapped(text: &str, out: &mut Vec<u8>, mut map: impl FnMut(char) -> char) {
    let end = text.len().min(LONGEST);
    for (at, c) in text.char_indices() {
        if at + c.len_utf8() > end {
            break;
        }
        out.extend_from_slice(map(c).encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// `atext` of RFC 5322 §3.2.3, with `utf8` also that of RFC 6531 §3.3.
fn is_atext(c: char, utf8: bool) -> bool {
    matches!(
        c,
        '!' | '#'
            | '$'
            | '%'
            | '&'
            | '\''
            | '*'
            | '+'
            | '-'
            | '/'
            | '='
            | '?'
            | '^'
            | '_'
            | '`'
            | '{'
            | '|'
            | '}'
            | '~'
    ) || is_letter(c, utf8)
}

fn is_letter(c: char, utf8: bool) -> bool {
    c.is_ascii_alphanumeric() || (utf8 && !c.is_ascii() && !c.is_control())
}
