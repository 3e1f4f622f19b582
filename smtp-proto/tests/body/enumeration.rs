//! EOD-13: every short string over the octets that matter, against the reference.

use bytes::Bytes;
use smtp_proto::body::{BodyDecoder, LineEndings, StrayKind, check};

use crate::drive;
use crate::reference::{self, Decoding};

const ALPHABET: [u8; 5] = *b"\r\n.a\0";
const PROFILES: [LineEndings; 2] = [LineEndings::Strict, LineEndings::Normalize];

/// EOD-13, EOD-14, EOD-15, R-4.1.1.4-04, R-2.3.8-01: up to 10 octets, in one piece.
#[test]
fn decoder_in_whole() {
    let mut cases = 0u64;
    each_string(10, &mut |wire| {
        for profile in PROFILES {
            let decoding = drive::decode(wire, &[], profile);
            assert_eq!(decoding, reference::decode(wire, profile), "{:?} {profile:?}", Bytes::copy_from_slice(wire));
            cases += 1;
        }
    });
    println!("decoder, strings up to 10 octets in whole: {cases} cases");
    assert_eq!(cases, 2 * strings(10));
}

/// EOD-13: up to 10 octets, one at a time; a decoder is continued by each octet in turn.
#[test]
fn decoder_by_octets() {
    let mut cases = 0;
    for profile in PROFILES {
        let start = Octets { wire: Vec::new(), decoder: BodyDecoder::new(profile), content: Vec::new(), end: None };
        start.each_longer(10, profile, &mut cases);
    }
    println!("decoder, strings up to 10 octets one octet at a time: {cases} cases");
    assert_eq!(cases, 2 * (strings(10) - 1));
}

/// EOD-13: up to 8 octets, cut in two everywhere.
#[test]
fn decoder_at_every_cut() {
    let mut cases = 0u64;
    each_string(8, &mut |wire| {
        for profile in PROFILES {
            let expected = reference::decode(wire, profile);
            for cut in drive::cuts(wire) {
                let decoding = drive::decode(wire, &cut, profile);
                assert_eq!(decoding, expected, "{:?} at {cut:?} {profile:?}", Bytes::copy_from_slice(wire));
                cases += 1;
            }
        }
    });
    println!("decoder, strings up to 8 octets at every cut: {cases} cases");
    assert!(cases > strings(8));
}

/// EOD-20 to EOD-24, R-4.5.2-01, R-2.3.8-04, R-2.3.8-05: up to 8 octets, in whole, by octets and cut in two everywhere.
#[test]
fn encoder() {
    let mut cases = 0u64;
    each_string(8, &mut |content| {
        for profile in PROFILES {
            let expected = reference::encode(content, profile);
            let mut compare = |cuts: &[usize]| {
                let encoding = drive::encode(content, cuts, profile);
                assert_eq!(encoding, expected, "{:?} at {cuts:?} {profile:?}", Bytes::copy_from_slice(content));
                cases += 1;
            };
            compare(&[]);
            compare(&drive::every_cut(content));
            drive::cuts(content).for_each(|cut| compare(&cut));
        }
    });
    println!("encoder, strings up to 8 octets in whole, by octets and at every cut: {cases} cases");
    assert!(cases > strings(8));
}

/// EOD-25, EOD-26: what a relay decoded it encodes to the octets that came, and what it encoded is decoded again.
/// R-4.5.2-06: what a server hands out to be stored is the content as it was; only dots were taken away, and they come
/// back.
#[test]
fn round_trip_and_relay() {
    let (mut cases, mut relayed) = (0u64, 0u64);
    each_string(8, &mut |content| {
        for profile in PROFILES {
            let encoding = drive::encode(content, &[], profile);
            if encoding.stray.is_some() {
                continue;
            }
            let decoding = drive::decode(&encoding.wire, &[], profile);
            assert_eq!(decoding.end, Some(encoding.wire.len()));
            if profile == LineEndings::Strict {
                let ended = content.is_empty() || content.ends_with(b"\r\n");
                assert_eq!(decoding.content, [content, if ended { b"" } else { b"\r\n" }].concat());
            }
            let nul = (StrayKind::Nul, 0);
            assert_eq!(decoding.stray.map_or(nul.0, |stray| stray.0), nul.0, "no other stray octet may leave");
            let again = drive::encode(&decoding.content, &[], profile);
            assert_eq!(again.wire, encoding.wire, "a relay changes nothing");
            cases += 1;
        }
    });
    each_string(9, &mut |wire| {
        let decoding = drive::decode(wire, &[], LineEndings::Strict);
        if let Decoding { content, stray: None, end: Some(end) } = decoding {
            let relayed_wire = drive::encode(&content, &[], LineEndings::Strict).wire;
            let decoding = drive::decode(&relayed_wire, &[], LineEndings::Strict);
            assert_eq!(decoding, Decoding { content, stray: None, end: Some(relayed_wire.len()) });
            // Only a dot in front of something else than a dot is not sent again.
            if !needless_dot(&wire[..end]) {
                assert_eq!(relayed_wire, wire[..end]);
            }
            relayed += 1;
        }
    });
    println!("round trip, strings up to 8 octets: {cases} cases; relay, strings up to 9 octets: {relayed} mails");
    assert!(cases > strings(7) && relayed > 100);
}

/// `check` finds the first stray octet of strings up to 8 octets.
#[test]
fn check_agrees() {
    let mut cases = 0;
    each_string(8, &mut |content| {
        let stray = check(content).map(|stray| (stray.kind(), stray.offset()));
        assert_eq!(stray, reference::encode(content, LineEndings::Strict).stray, "{content:?}");
        cases += 1;
    });
    println!("check, strings up to 8 octets: {cases} cases");
    assert_eq!(cases, strings(8));
}

/// A decoder that was fed so far, and what it gave.
#[derive(Clone)]
struct Octets {
    wire: Vec<u8>,
    decoder: BodyDecoder,
    content: Vec<u8>,
    end: Option<usize>,
}

impl Octets {
    /// Compares every continuation up to `longest` octets.
    fn each_longer(&self, longest: usize, profile: LineEndings, cases: &mut u64) {
        if self.wire.len() == longest {
            return;
        }
        for octet in ALPHABET {
            let mut next = self.clone();
            next.wire.push(octet);
            let mut chunk = Bytes::copy_from_slice(&[octet]);
            if drive::feed(&mut next.decoder, &mut chunk, &mut next.content) {
                assert_eq!(chunk.len(), usize::from(self.end.is_some()), "nothing is taken behind the end");
                next.end = self.end.or(Some(next.wire.len()));
            }
            let stray = next.decoder.stray().map(|stray| (stray.kind(), stray.offset()));
            let decoding = Decoding { content: next.content.clone(), stray, end: next.end };
            assert_eq!(decoding, reference::decode(&next.wire, profile), "{:?} {profile:?}", next.wire);
            *cases += 1;
            next.each_longer(longest, profile, cases);
        }
    }
}

/// Calls `visit` with every string up to `longest` octets, the empty one included.
pub(crate) fn each_string(longest: usize, visit: &mut impl FnMut(&[u8])) {
    for length in 0..=longest {
        let mut digits = vec![0; length];
        loop {
            let string: Vec<u8> = digits.iter().map(|&digit: &usize| ALPHABET[digit]).collect();
            visit(&string);
            let Some(last) = digits.iter().rposition(|&digit| digit + 1 < ALPHABET.len()) else { break };
            digits[last] += 1;
            digits[last + 1..].fill(0);
        }
    }
}

/// Whether a line other than the last begins with a single dot.
fn needless_dot(wire: &[u8]) -> bool {
    let all = [b"\r\n", wire].concat();
    all.windows(4).any(|octets| octets.starts_with(b"\r\n.") && octets[3] != b'.' && octets[3] != b'\r')
}

/// The number of strings up to `longest` octets.
fn strings(longest: u32) -> u64 {
    (0..=longest).map(|length| (ALPHABET.len() as u64).pow(length)).sum()
}
