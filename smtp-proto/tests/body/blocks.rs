//! EOD-13 in long text, which is looked at in blocks: short strings at every place of a block, and around its end.

use smtp_proto::body::{LineEndings, check};

use crate::enumeration::each_string;
use crate::{drive, reference};

/// Strings in the midst of text, over the first step and around the ends of blocks.
#[test]
fn blocks_hide_nothing() {
    let mut cases = 0;
    for (longest, places, length) in [(4, 0..72, 112), (3, 480..560, 700), (2, 1000..1120, 1400)] {
        for place in places {
            cases += compare(longest, place, length - place);
        }
    }
    println!("short strings within long text: {cases} cases, two profiles each");
    assert_eq!(cases, 72 * (1 + 5 + 25 + 125 + 625) + 80 * (1 + 5 + 25 + 125) + 120 * (1 + 5 + 25));
}

/// Strings at the very end of text, which need not fill a block.
#[test]
fn the_end_of_a_piece_hides_nothing() {
    let cases: u64 = (0..150).map(|before| compare(4, before, 0)).sum();
    println!("short strings behind text: {cases} cases, two profiles each");
    assert_eq!(cases, 150 * (1 + 5 + 25 + 125 + 625));
}

/// Compares every string up to `longest` octets, with so much ordinary text around it, with the reference.
fn compare(longest: usize, before: usize, behind: usize) -> u64 {
    let mut cases = 0;
    each_string(longest, &mut |string| {
        let text = [&vec![b'x'; before], string, &vec![b'x'; behind]].concat();
        for profile in [LineEndings::Strict, LineEndings::Normalize] {
            let (decoding, expected) = (drive::decode(&text, &[], profile), reference::decode(&text, profile));
            assert_eq!(decoding, expected, "{string:?} behind {before}");
            let (encoding, expected) = (drive::encode(&text, &[], profile), reference::encode(&text, profile));
            assert_eq!(encoding.stray, expected.stray, "{string:?} behind {before}");
            assert!(encoding.stray.is_some() || encoding.wire == expected.wire, "{string:?} behind {before}");
        }
        let stray = check(&text).map(|stray| (stray.kind(), stray.offset()));
        assert_eq!(stray, reference::encode(&text, LineEndings::Strict).stray, "{string:?} behind {before}");
        cases += 1;
    });
    cases
}
