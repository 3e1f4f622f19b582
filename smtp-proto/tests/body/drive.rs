//! Runs the codec over input in pieces.

use bytes::Bytes;
use smtp_proto::body::{BodyDecoder, BodyEncoder, Decoded, Encoded, LineEndings, Stray};

use super::reference::{Decoding, Encoding};

/// Decodes `wire`, cut at the given indices.
pub(crate) fn decode(wire: &[u8], cuts: &[usize], line_endings: LineEndings) -> Decoding {
    let mut decoder = BodyDecoder::new(line_endings);
    let (mut content, mut taken, mut end) = (Vec::new(), 0, None);
    for chunk in pieces(wire, cuts) {
        let (mut chunk, whole) = (chunk.clone(), chunk.len());
        if feed(&mut decoder, &mut chunk, &mut content) {
            end = end.or(Some(taken + whole - chunk.len()));
        } else {
            assert!(chunk.is_empty(), "what was asked for more has taken everything");
        }
        taken += whole;
    }
    assert_eq!(decoder.octets(), content.len() as u64);
    Decoding { content, stray: decoder.stray().map(parts), end }
}

/// Decodes as much of `chunk` as belongs to the mail. True: the mail ended.
pub(crate) fn feed(decoder: &mut BodyDecoder, chunk: &mut Bytes, content: &mut Vec<u8>) -> bool {
    loop {
        match decoder.next(chunk) {
            Decoded::Content(piece) => {
                assert!(!piece.is_empty());
                content.extend_from_slice(&piece);
            }
            Decoded::End => return true,
            Decoded::NeedInput => return false,
            other => panic!("unexpected {other:?}"),
        }
    }
}

/// Encodes `content`, cut at the given indices, and ends it.
pub(crate) fn encode(content: &[u8], cuts: &[usize], line_endings: LineEndings) -> Encoding {
    let mut encoder = BodyEncoder::new(line_endings);
    let mut wire = Vec::new();
    for mut piece in pieces(content, cuts) {
        if let Some(stray) = stuff(&mut encoder, &mut piece, &mut wire) {
            assert_eq!(encoder.next(&mut piece), Encoded::Stray(stray), "the answer is repeated");
            assert_eq!(encoder.finish(), Err(stray));
            return Encoding { wire, stray: Some(parts(stray)) };
        }
        assert!(piece.is_empty(), "what asked for more has taken everything");
    }
    match encoder.finish() {
        Ok(ending) => {
            wire.extend_from_slice(ending);
            Encoding { wire, stray: None }
        }
        Err(stray) => Encoding { wire, stray: Some(parts(stray)) },
    }
}

/// Encodes a piece, up to a stray octet.
pub(crate) fn stuff(encoder: &mut BodyEncoder, piece: &mut Bytes, wire: &mut Vec<u8>) -> Option<Stray> {
    loop {
        match encoder.next(piece) {
            Encoded::Slice(slice) => {
                assert!(!slice.is_empty());
                wire.extend_from_slice(&slice);
            }
            Encoded::NeedInput => return None,
            Encoded::Stray(stray) => return Some(stray),
            other => panic!("unexpected {other:?}"),
        }
    }
}

/// Every index at which `octets` can be cut in two.
pub(crate) fn cuts(octets: &[u8]) -> impl Iterator<Item = [usize; 1]> {
    (1..octets.len().max(1)).map(|cut| [cut])
}

/// All indices, for one octet at a time.
pub(crate) fn every_cut(octets: &[u8]) -> Vec<usize> {
    (1..octets.len()).collect()
}

fn pieces(octets: &[u8], cuts: &[usize]) -> Vec<Bytes> {
    let mut rest = Bytes::copy_from_slice(octets);
    let mut pieces = Vec::new();
    let mut taken = 0;
    for cut in cuts {
        pieces.push(rest.split_to(cut - taken));
        taken = *cut;
    }
    pieces.push(rest);
    pieces
}

fn parts(stray: Stray) -> (smtp_proto::body::StrayKind, u64) {
    (stray.kind(), stray.offset())
}
