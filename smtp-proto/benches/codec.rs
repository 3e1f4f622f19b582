//! The speed of the body codec: taking mail data apart compared with `memchr::memmem`, which only looks for the end,
//! and making it compared with `memcpy`.
//!
//! `cargo bench -p smtp-proto --bench codec`

mod kit;

use bytes::Bytes;
use memchr::memmem;
use smtp_proto::body::{BodyDecoder, BodyEncoder, Decoded, Encoded, LineEndings};

fn main() {
    for (name, line) in [("text of 76 octets a line", TEXT), ("text, every line begins with a dot", DOTS)] {
        for (size, chunk) in [(4 * 1024, 4 * 1024), (4 * 1024, 1024), (1024 * 1024, 64 * 1024)] {
            let content = line.repeat(size / line.len());
            let wire = wire(&content);
            unstuffing(&format!("unstuffing, {name}, {size} octets in chunks of {chunk}"), &wire, chunk);
            stuffing(&format!("stuffing, {name}, {size} octets in pieces of {chunk}"), &content, chunk);
        }
    }
}

const TEXT: &str = "Lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam nonumy e.\r\n";
const DOTS: &str = ".orem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam nonumy e.\r\n";

fn unstuffing(title: &str, wire: &[u8], chunk: usize) {
    let chunks = chunks(wire, chunk);
    let finder = memmem::Finder::new(b"\r\n.\r\n");
    let mut table = kit::Table::new(title, wire.len());
    table.row("memmem for the end", || chunks.iter().filter_map(|chunk| finder.find(chunk)).count());
    for profile in [LineEndings::Strict, LineEndings::Normalize] {
        let chunks = &chunks;
        table.row(format!("BodyDecoder, {profile:?}"), move || {
            let mut decoder = BodyDecoder::new(profile);
            for chunk in chunks {
                let mut chunk = chunk.clone();
                while let Decoded::Content(piece) = decoder.next(&mut chunk) {
                    core::hint::black_box(&piece);
                }
            }
            decoder.octets()
        });
    }
    table.print();
}

fn stuffing(title: &str, content: &str, piece: usize) {
    let pieces = chunks(content.as_bytes(), piece);
    let mut table = kit::Table::new(title, content.len());
    let mut copy = Vec::with_capacity(2 * content.len());
    let source = &pieces;
    table.row("memcpy", move || {
        copy.clear();
        for piece in source {
            copy.extend_from_slice(core::hint::black_box(piece));
        }
        copy.len()
    });
    for profile in [LineEndings::Strict, LineEndings::Normalize] {
        let mut wire = Vec::with_capacity(2 * content.len());
        let pieces = &pieces;
        table.row(format!("BodyEncoder into a Vec, {profile:?}"), move || {
            wire.clear();
            let mut encoder = BodyEncoder::new(profile);
            for piece in pieces {
                let mut piece = piece.clone();
                while let Encoded::Slice(slice) = encoder.next(&mut piece) {
                    wire.extend_from_slice(&slice);
                }
            }
            wire.extend_from_slice(encoder.finish().expect("the content is clean"));
            wire.len()
        });
    }
    table.print();
}

fn wire(content: &str) -> Vec<u8> {
    let mut wire = content.replace("\r\n.", "\r\n..").into_bytes();
    if content.starts_with('.') {
        wire.insert(0, b'.');
    }
    wire.extend_from_slice(b".\r\n");
    wire
}

fn chunks(octets: &[u8], size: usize) -> Vec<Bytes> {
    octets.chunks(size).map(Bytes::copy_from_slice).collect()
}
