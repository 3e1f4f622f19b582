//! What mail data means, written as plainly as the rules are stated.

use smtp_proto::body::{LineEndings, StrayKind};

/// What a receiver makes of octets that follow 354.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decoding {
    pub(crate) content: Vec<u8>,
    /// The first stray octet, and how much content stands in front of it.
    pub(crate) stray: Option<(StrayKind, u64)>,
    /// How many octets the mail took, if it ended.
    pub(crate) end: Option<usize>,
}

/// What a sender makes of content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) wire: Vec<u8>,
    pub(crate) stray: Option<(StrayKind, u64)>,
}

/// The end is the first `CRLF . CRLF`, the CRLF of DATA included; each other dot behind a CRLF is dropped.
pub(crate) fn decode(wire: &[u8], line_endings: LineEndings) -> Decoding {
    let all = [b"\r\n", wire].concat();
    let end = all.windows(5).position(|octets| octets == b"\r\n.\r\n");
    // Without an end, a CR at the end of the input may still become anything.
    let lines = match end {
        Some(end) => &all[..end + 2],
        None => all.strip_suffix(b"\r").unwrap_or(&all),
    };
    let mut content = Vec::new();
    for at in 2..lines.len() {
        if lines[at] != b'.' || !lines[..at].ends_with(b"\r\n") {
            content.push(lines[at]);
        }
    }
    let stray = first_stray(&content);
    if line_endings == LineEndings::Strict {
        return Decoding { content, stray, end: end.map(|end| end + 3) };
    }
    let stray = stray.map(|(kind, at)| (kind, normalize(&content[..at as usize]).len() as u64));
    Decoding { content: normalize(&content), stray, end: end.map(|end| end + 3) }
}

/// Strict: everything in front of the first stray octet, or all of it with the end of data.
pub(crate) fn encode(content: &[u8], line_endings: LineEndings) -> Encoding {
    let stray = first_stray(content).filter(|_| line_endings == LineEndings::Strict);
    if let Some((_, at)) = stray {
        let wire = stuff(&content[..at as usize]);
        return Encoding { wire, stray };
    }
    let content = if line_endings == LineEndings::Strict { content.to_vec() } else { normalize(content) };
    let mut wire = stuff(&content);
    if !content.is_empty() && !content.ends_with(b"\r\n") {
        wire.extend(b"\r\n");
    }
    wire.extend(b".\r\n");
    Encoding { wire, stray: None }
}

/// Doubles each dot at the beginning of a line.
fn stuff(content: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    for (at, &octet) in content.iter().enumerate() {
        if octet == b'.' && (at == 0 || content[..at].ends_with(b"\r\n")) {
            wire.push(b'.');
        }
        wire.push(octet);
    }
    wire
}

fn first_stray(content: &[u8]) -> Option<(StrayKind, u64)> {
    (0..content.len()).find_map(|at| {
        let kind = match content[at] {
            0 => StrayKind::Nul,
            b'\r' if content.get(at + 1) != Some(&b'\n') => StrayKind::LoneCr,
            b'\n' if !content[..at].ends_with(b"\r") => StrayKind::LoneLf,
            _ => return None,
        };
        Some((kind, at as u64))
    })
}

/// Makes each lone CR and each lone LF a CRLF.
fn normalize(content: &[u8]) -> Vec<u8> {
    let mut normal = Vec::new();
    let mut octets = content.iter().copied().peekable();
    while let Some(octet) = octets.next() {
        match octet {
            b'\r' => {
                octets.next_if_eq(&b'\n');
                normal.extend(b"\r\n");
            }
            b'\n' => normal.extend(b"\r\n"),
            _ => normal.push(octet),
        }
    }
    normal
}
