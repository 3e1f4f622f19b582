//! Long random content and mail data, against the reference.

use bytes::Bytes;
use proptest::prelude::*;
use smtp_proto::body::{BodyDecoder, BodyEncoder, Decoded, Encoded, LineEndings};

use crate::{drive, reference};

/// Text as it comes: mostly plain lines, with what matters in between, so that blocks with and without it alternate.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => "[ -~]{0,200}".prop_map(String::into_bytes),
        8 => Just(b"\r\n".to_vec()),
        2 => Just(b"\r\n.".to_vec()),
        1 => prop::collection::vec(prop::sample::select(b"\r\n.\0\xe2".to_vec()), 0..6),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// Plain lines.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec("[ -~]{0,120}|\\.{0,3}a?", 0..80)
        .prop_map(|lines| lines.iter().flat_map(|line| [line.as_bytes(), b"\r\n"].concat()).collect())
}

fn profile() -> impl Strategy<Value = LineEndings> {
    prop_oneof![Just(LineEndings::Strict), Just(LineEndings::Normalize)]
}

fn cuts(most: usize) -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 0..most)
}

fn sorted(cuts: &[prop::sample::Index], octets: &[u8]) -> Vec<usize> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(octets.len() + 1)).collect();
    cuts.sort_unstable();
    cuts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// EOD-13 for long input.
    #[test]
    fn decoder_equals_the_reference(wire in octets(), cuts in cuts(8), profile in profile()) {
        let decoding = drive::decode(&wire, &sorted(&cuts, &wire), profile);
        prop_assert_eq!(decoding, reference::decode(&wire, profile));
    }

    /// EOD-20 to EOD-24 for long input.
    #[test]
    fn encoder_equals_the_reference(content in octets(), cuts in cuts(8), profile in profile()) {
        let encoding = drive::encode(&content, &sorted(&cuts, &content), profile);
        prop_assert_eq!(encoding, reference::encode(&content, profile));
    }

    /// EOD-25, EOD-26: the content of a mail that is relayed in any pieces, twice, is the content that was sent.
    #[test]
    fn a_relay_is_byte_identical(content in lines(), cuts_in in cuts(6), cuts_out in cuts(6)) {
        let wire = drive::encode(&content, &sorted(&cuts_in, &content), LineEndings::Strict).wire;
        let received = drive::decode(&wire, &sorted(&cuts_out, &wire), LineEndings::Strict);
        prop_assert_eq!(&received.content, &content);
        prop_assert_eq!(received.stray, None);
        let relayed = drive::encode(&received.content, &sorted(&cuts_out, &content), LineEndings::Strict).wire;
        prop_assert_eq!(&relayed, &wire);
    }

    /// Content without a dot at the beginning of a line is handed out in one piece, in both directions, and is no copy.
    #[test]
    fn plain_content_is_one_slice(lines in prop::collection::vec("[a-z][ -~]{0,100}", 1..40)) {
        let content = Bytes::from(lines.iter().flat_map(|line| [line.as_bytes(), b"\r\n"].concat()).collect::<Vec<u8>>());
        let mut chunk = content.clone();
        let Decoded::Content(piece) = BodyDecoder::new(LineEndings::Strict).next(&mut chunk) else {
            return Err(TestCaseError::fail("there is content"));
        };
        prop_assert_eq!((piece.as_ptr(), piece.len()), (content.as_ptr(), content.len()));
        let mut chunk = content.clone();
        let Encoded::Slice(slice) = BodyEncoder::new(LineEndings::Strict).next(&mut chunk) else {
            return Err(TestCaseError::fail("there is content"));
        };
        prop_assert_eq!((slice.as_ptr(), slice.len()), (content.as_ptr(), content.len()));
    }
}
