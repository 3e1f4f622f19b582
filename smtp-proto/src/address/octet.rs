//! Classes of octets, so that the grammars look at an octet once.

use super::{Fault, Parsed, Reason};

/// `atext` (RFC 5322 §3.2.3).
pub(crate) const ATEXT: u8 = 1;
/// `qtextSMTP` (RFC 5321 §4.1.2).
pub(crate) const QTEXT: u8 = 1 << 1;
/// `ALPHA / DIGIT` (RFC 5234 §B.1).
pub(crate) const LET_DIG: u8 = 1 << 2;
/// `ALPHA / DIGIT / "-"` (RFC 5321 §4.1.2).
pub(crate) const LDH: u8 = 1 << 3;
/// What `esmtp-value` is made of (RFC 5321 §4.1.2).
pub(crate) const VALUE: u8 = 1 << 4;
/// `dcontent` (RFC 5321 §4.1.3).
pub(crate) const DCONTENT: u8 = 1 << 5;
/// `mech-char` in either case (RFC 4422 §3.1, RFC 4954 §8).
pub(crate) const MECH: u8 = 1 << 6;
/// An octet of `UTF8-non-ascii` (RFC 6532 §3.1).
pub(crate) const NON_ASCII: u8 = 1 << 7;

/// Octets at the beginning of the text that are of one of the classes. In text that many octets end between
/// characters, since all octets of a character outside ASCII are of the same class.
pub(crate) fn run(text: &str, classes: u8) -> usize {
    text.bytes().position(|octet| !is(octet, classes)).unwrap_or(text.len())
}

/// Whether an octet is of one of the classes.
pub(crate) fn is(octet: u8, classes: u8) -> bool {
    CLASSES[usize::from(octet)] & classes != 0
}

/// Exactly this octet.
pub(crate) fn octet<'a>(wanted: u8, reason: Reason) -> impl Fn(&'a str) -> Parsed<'a, ()> + Copy {
    debug_assert!(wanted.is_ascii());
    move |input| match input.as_bytes().first() {
        Some(&first) if first == wanted => Ok((&input[1..], ())),
        _ => Err(Fault::at(input, reason)),
    }
}

/// `element *("." element)`, where `element` takes the reason to give if there is none.
// As `recognize(pair(element, many0_count(preceded(octet(b'.'), cut(element)))))`, but a sixth faster in a whole RCPT.
#[inline(always)]
pub(crate) fn dotted<'a>(
    input: &'a str,
    element: impl Fn(&'a str, Reason) -> Parsed<'a, &'a str>,
    if_none: Reason,
    if_empty: Reason,
) -> Parsed<'a, &'a str> {
    let (mut rest, _) = element(input, if_none)?;
    while let Some(behind) = rest.strip_prefix('.') {
        (rest, _) = element(behind, if_empty)?;
    }
    Ok((rest, &input[..input.len() - rest.len()]))
}

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let octet = at as u8;
        let alphanumeric = octet.is_ascii_alphanumeric();
        if alphanumeric {
            table[at] |= ATEXT | LET_DIG | LDH | MECH;
        }
        if matches!(octet, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'/' | b'=' | b'?' | b'^'..=b'`' | b'{'..=b'~') {
            table[at] |= ATEXT;
        }
        if matches!(octet, b'-') {
            table[at] |= LDH | MECH;
        }
        if matches!(octet, b'_') {
            table[at] |= MECH;
        }
        if matches!(octet, 32..=33 | 35..=91 | 93..=126) {
            table[at] |= QTEXT;
        }
        if matches!(octet, 33..=60 | 62..=126) {
            table[at] |= VALUE;
        }
        if matches!(octet, 33..=90 | 94..=126) {
            table[at] |= DCONTENT;
        }
        if !octet.is_ascii() {
            table[at] |= NON_ASCII;
        }
        at += 1;
    }
    table
}
