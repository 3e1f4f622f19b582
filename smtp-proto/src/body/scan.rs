//! The search for what is more than plain lines.

use super::StrayKind;

/// What was found, and at which index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A dot at the beginning of a line.
    Dot(usize),
    /// An octet that does not belong there.
    Stray(StrayKind, usize),
}

/// The first thing in `text[from..]` that is more than plain lines. The octet in front of `from` is no CR; a
/// `line_start` says that it ends a line. A CR at the very end is nothing yet.
pub(super) fn find(text: &[u8], from: usize, line_start: bool) -> Option<Found> {
    match text.get(from)? {
        b'\n' => return Some(Found::Stray(StrayKind::LoneLf, from)),
        b'.' if line_start => return Some(Found::Dot(from)),
        _ => {}
    }
    let at = from + find_special(&text[from..])?;
    let (octet, next) = (text[at], text.get(at + 1));
    Some(match (octet, next) {
        (0, _) => Found::Stray(StrayKind::Nul, at),
        (b'\r', Some(b'\n')) => Found::Dot(at + 2),
        (b'\r', _) => Found::Stray(StrayKind::LoneCr, at),
        _ => Found::Stray(StrayKind::LoneLf, at + 1),
    })
}

/// The index of the first octet that is special together with the two behind it.
fn find_special(text: &[u8]) -> Option<usize> {
    (0..text.len()).find(|&at| is_special(text[at], text.get(at + 1).copied(), text.get(at + 2).copied()))
}

/// Whether NUL, half of a CRLF, or a CRLF with a dot behind it begins here.
fn is_special(octet: u8, next: Option<u8>, third: Option<u8>) -> bool {
    let line_end = next == Some(b'\n');
    let half = next.is_some() && (octet == b'\r') != line_end;
    octet == 0 || half || (line_end && third == Some(b'.'))
}
