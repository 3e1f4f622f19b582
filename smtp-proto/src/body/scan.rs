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
    let at = find_special(text, from)?;
    Some(match (text[at], text.get(at + 1)) {
        (0, _) => Found::Stray(StrayKind::Nul, at),
        (b'\r', Some(b'\n')) => Found::Dot(at + 2),
        (b'\r', _) => Found::Stray(StrayKind::LoneCr, at),
        _ => Found::Stray(StrayKind::LoneLf, at + 1),
    })
}

/// Octets that are looked at together. Most blocks hold nothing special, and that is told by a loop without branches,
/// which compilers turn into vector instructions.
const BLOCK: usize = 256;
/// Octets of a smaller block: its flags fit into one integer, which tells the first of them.
const LANES: usize = 16;

/// The index, not in front of `from`, of the first octet that is special together with the two behind it.
fn find_special(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(block) = text.get(at..at + BLOCK + 2) {
        if has_special(block) {
            break;
        }
        at += BLOCK;
    }
    while let Some(block) = text.get(at..at + LANES + 2) {
        if let Some(index) = first_special(block) {
            return Some(at + index);
        }
        at += LANES;
    }
    (at..text.len()).find(|&at| is_special(text[at], text.get(at + 1).copied(), text.get(at + 2).copied()))
}

/// Whether any of the octets of a block is special; the last two are only looked at for those in front of them.
fn has_special(block: &[u8]) -> bool {
    let (octets, next, third) = (&block[..BLOCK], &block[1..=BLOCK], &block[2..BLOCK + 2]);
    let mut flags = 0;
    for at in 0..BLOCK {
        flags |= flag(octets[at], next[at], third[at]);
    }
    flags != 0
}

/// The first of the octets of a smaller block that is special.
fn first_special(block: &[u8]) -> Option<usize> {
    let (octets, next, third) = (&block[..LANES], &block[1..=LANES], &block[2..LANES + 2]);
    let mut flags = [0; LANES];
    for at in 0..LANES {
        flags[at] = flag(octets[at], next[at], third[at]);
    }
    let flags = u128::from_le_bytes(flags);
    (flags != 0).then(|| flags.trailing_zeros() as usize / 8)
}

/// Not 0 if NUL, half of a CRLF, or a CRLF with a dot behind it begins here.
#[inline(always)]
fn flag(octet: u8, next: u8, third: u8) -> u8 {
    let line_end = mask(next == b'\n');
    (mask(octet == b'\r') ^ line_end) | (line_end & mask(third == b'.')) | mask(octet == 0)
}

#[inline(always)]
fn mask(set: bool) -> u8 {
    if set { 0xff } else { 0 }
}

/// The same near the end of the text, where an octet that has not come yet is not a wrong one.
fn is_special(octet: u8, next: Option<u8>, third: Option<u8>) -> bool {
    let line_end = next == Some(b'\n');
    let half = next.is_some() && (octet == b'\r') != line_end;
    octet == 0 || half || (line_end && third == Some(b'.'))
}
