//! The body codec: a line of [`Cuts`], then mail data or content.

use smtp_proto::body::{LineEndings, StrayKind, check};

use super::plan::{self, Cuts};
use super::{drive, reference};

/// Under any cut the codec does what the plain reference does, and what was sent is what is received.
pub fn run(mut input: &[u8]) {
    let cuts = Cuts::new(plan::line(&mut input)).indices(input);
    for line_endings in [LineEndings::Strict, LineEndings::Normalize] {
        let decoding = reference::decode(input, line_endings);
        assert_eq!(drive::decode(input, &[], line_endings), decoding, "decoding in whole, {line_endings:?}");
        assert_eq!(drive::decode(input, &cuts, line_endings), decoding, "decoding in pieces, {line_endings:?}");
        let encoding = reference::encode(input, line_endings);
        assert_eq!(drive::encode(input, &[], line_endings), encoding, "encoding in whole, {line_endings:?}");
        assert_eq!(drive::encode(input, &cuts, line_endings), encoding, "encoding in pieces, {line_endings:?}");
        if encoding.stray.is_none() {
            receive(&encoding.wire, line_endings);
        }
        if line_endings == LineEndings::Strict {
            let first = check(input).map(|stray| (stray.kind(), stray.offset()));
            assert_eq!(first, encoding.stray);
            if first.is_none() {
                let end = if input.is_empty() || input.ends_with(b"\r\n") { &b""[..] } else { b"\r\n" };
                let received = drive::decode(&encoding.wire, &[], line_endings).content;
                assert_eq!(received, [input, end].concat(), "what was sent is received");
            }
        }
    }
}

/// What an encoder made is one whole mail, and a relay sends it on as it came.
fn receive(wire: &[u8], line_endings: LineEndings) {
    let received = drive::decode(wire, &[], line_endings);
    assert_eq!(received.end, Some(wire.len()), "the mail ends where it was ended");
    assert!(received.stray.is_none_or(|(kind, _)| kind == StrayKind::Nul), "{:?}", received.stray);
    assert_eq!(drive::encode(&received.content, &[], line_endings).wire, wire, "a relay changes nothing");
}
