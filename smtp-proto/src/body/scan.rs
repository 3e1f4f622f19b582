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

/// What is expected of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Expectation {
    /// Nothing is found, as in most texts.
    #[default]
    Plain,
    /// Something is found soon, as it was before.
    Special,
}

/// The first thing in `text[from..]` that is more than plain lines. The octet in front of `from` is no CR; a
/// `line_start` says that it ends a line. A CR at the very end is nothing yet.
///
/// `expectation` changes only how fast it is.
pub(super) fn find(text: &[u8], from: usize, line_start: bool, expectation: Expectation) -> Option<Found> {
    match text.get(from)? {
        b'\n' => return Some(Found::Stray(StrayKind::LoneLf, from)),
        b'.' if line_start => return Some(Found::Dot(from)),
        _ => {}
    }
    let at = find_special(text, from, expectation)?;
    Some(match (text[at], text.get(at + 1)) {
        (0, _) => Found::Stray(StrayKind::Nul, at),
        (b'\r', Some(b'\n')) => Found::Dot(at + 2),
        (b'\r', _) => Found::Stray(StrayKind::LoneCr, at),
        _ => Found::Stray(StrayKind::LoneLf, at + 1),
    })
}

/// Octets of the first block where nothing special is expected. Most blocks hold nothing special, and that is told
/// without branches; see [`is_plain`].
const FIRST_BLOCK: usize = 1024;
/// Octets of the greatest block. Blocks grow towards it while they are plain.
const LAST_BLOCK: usize = 4096;
/// Octets between two branches within a block.
const STEP: usize = 64;
/// Octets whose flags fit into one integer, which tells the first of them.
const LANES: usize = 16;

/// The index, not in front of `from`, of the first octet that is special: a NUL, half of a CRLF, or a CRLF with a dot
/// behind it.
fn find_special(text: &[u8], from: usize, expectation: Expectation) -> Option<usize> {
    // The two octets behind a block are looked at as well.
    let end = text.len().saturating_sub(2);
    let mut at = from;
    let mut size = if expectation == Expectation::Plain { FIRST_BLOCK } else { STEP };
    loop {
        size = size.min(end.saturating_sub(at) / STEP * STEP);
        if size == 0 || !is_plain(&text[at..at + size + 2]) {
            break;
        }
        at += size;
        size = (2 * size).min(LAST_BLOCK);
    }
    while size > STEP {
        let half = size / 2 / STEP * STEP;
        if is_plain(&text[at..at + half + 2]) {
            at += half;
            size -= half;
        } else {
            size = half;
        }
    }
    while let Some(block) = text[at..].first_chunk() {
        if let Some(index) = first_special(block) {
            return Some(at + index);
        }
        at += LANES;
    }
    // The last block overlaps the one in front of it, where nothing was special.
    if let Some(block) = text[from..].last_chunk() {
        if let Some(index) = first_special(block) {
            return Some(end - LANES + index);
        }
        at = end;
    }
    (at..text.len()).find(|&at| is_special(text[at], text.get(at + 1).copied(), text.get(at + 2).copied()))
}

/// Whether none of the octets is special. The last two are only looked at for those in front of them; the number of
/// the others is a multiple of [`STEP`].
fn is_plain(block: &[u8]) -> bool {
    let size = block.len().saturating_sub(2);
    let steps = |from: usize| block[from..from + size].as_chunks::<STEP>().0;
    let (mut means, mut least) = ([0; LANES], [0xff; LANES]);
    for ((octets, next), third) in steps(0).iter().zip(steps(1)).zip(steps(2)) {
        for from in (0..STEP).step_by(LANES) {
            for at in 0..LANES {
                means[at] |= mean_of_masks(octets[from + at], next[from + at], third[from + at]);
                least[at] = octets[from + at].min(least[at]);
            }
        }
    }
    let mut flags = [0; LANES];
    for at in 0..LANES {
        flags[at] = (means[at] & !PLAIN) | mask(least[at] == 0);
    }
    u128::from_le_bytes(flags) == 0
}

/// The first octet that is special, the last two not counted.
fn first_special(block: &[u8; LANES + 2]) -> Option<usize> {
    let (octets, next, third) = (lanes(block, 0)?, lanes(block, 1)?, lanes(block, 2)?);
    let mut flags = [0; LANES];
    for at in 0..LANES {
        flags[at] = (mean_of_masks(octets[at], next[at], third[at]) & !PLAIN) | mask(octets[at] == 0);
    }
    let flags = u128::from_le_bytes(flags);
    (flags != 0).then(|| flags.trailing_zeros() as usize / 8)
}

fn lanes(block: &[u8; LANES + 2], from: usize) -> Option<&[u8; LANES]> {
    block[from..].first_chunk()
}

/// The only bit of [`mean_of_masks`] that plain text sets.
const PLAIN: u8 = 0x80;

/// The mean of the mean of two masks, CR here and LF next, and of a third, a dot behind them.
///
/// It is 0 or [`PLAIN`] for nothing, for a dot alone, and for a CRLF without a dot. It is 0xff for a CRLF with a dot,
/// and 0x40 or 0xc0 for half a CRLF. Processors have an instruction for such means, so that this costs an operation
/// less per octet than any formula of `and`, `or` and `xor`, in a loop that does nothing else.
#[inline(always)]
fn mean_of_masks(octet: u8, next: u8, third: u8) -> u8 {
    mean(mean(mask(octet == b'\r'), mask(next == b'\n')), mask(third == b'.'))
}

/// (left + right + 1) / 2
#[inline(always)]
fn mean(left: u8, right: u8) -> u8 {
    (left | right) - ((left ^ right) >> 1)
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
