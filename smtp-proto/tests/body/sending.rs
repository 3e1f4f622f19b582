//! What a sender makes of content (RFC 5321 §2.3.8, §4.5.2).

use smtp_proto::body::{LineEndings, StrayKind};

use crate::drive;
use crate::reference::Encoding;

/// EOD-20, R-2.3.8-04, R-2.3.8-05: stray octets end the encoding, and nothing from there on leaves.
#[test]
fn strict_refuses_stray_octets() {
    for (content, wire, kind, offset) in [
        (&b"a\nb"[..], &b"a"[..], StrayKind::LoneLf, 1),
        (b"a\r\n\n.\r\n", b"a\r\n", StrayKind::LoneLf, 3),
        (b"a\rb", b"a", StrayKind::LoneCr, 1),
        (b"a\r", b"a", StrayKind::LoneCr, 1),
        (b"\r", b"", StrayKind::LoneCr, 0),
        (b"\r\r\n", b"", StrayKind::LoneCr, 0),
        (b"\n", b"", StrayKind::LoneLf, 0),
        (b"a\0", b"a", StrayKind::Nul, 1),
        (b".\n.\r\nRSET\r\n", b"..", StrayKind::LoneLf, 1),
    ] {
        let expected = Encoding { wire: wire.to_vec(), stray: Some((kind, offset)) };
        assert_eq!(assert_splits(content, LineEndings::Strict), expected);
    }
}

/// EOD-21, R-2.3.8-05: conversion comes before dot-stuffing.
#[test]
fn normalize_converts_before_stuffing() {
    assert_wire(LineEndings::Normalize, b"a\n.\nb\n", b"a\r\n..\r\nb\r\n.\r\n");
    assert_wire(LineEndings::Normalize, b"a\r.\rb\r", b"a\r\n..\r\nb\r\n.\r\n");
    assert_wire(LineEndings::Normalize, b"a\n\r\n\n.b", b"a\r\n\r\n\r\n..b\r\n.\r\n");
    assert_wire(LineEndings::Normalize, b"\r", b"\r\n.\r\n");
    assert_wire(LineEndings::Normalize, b"a\0b", b"a\0b\r\n.\r\n");
}

/// EOD-22, R-4.5.2-01
#[test]
fn a_dot_at_the_very_beginning_is_stuffed() {
    assert_wire(LineEndings::Strict, b".", b"..\r\n.\r\n");
    assert_wire(LineEndings::Strict, b".\r\n", b"..\r\n.\r\n");
    assert_wire(LineEndings::Strict, b"..a\r\n", b"...a\r\n.\r\n");
}

/// EOD-23, R-4.5.2-01: at every split, and only at the beginning of lines.
#[test]
fn dots_are_stuffed_at_every_split() {
    assert_wire(LineEndings::Strict, b"a\r\n\r\n.b\r\n", b"a\r\n\r\n..b\r\n.\r\n");
    assert_wire(LineEndings::Strict, b"a\r\n.\r\n.\r\n", b"a\r\n..\r\n..\r\n.\r\n");
    assert_wire(LineEndings::Strict, b"a. .\r\nb.\r\n", b"a. .\r\nb.\r\n.\r\n");
}

/// EOD-24, R-4.1.1.4-07, R-4.1.1.4-08: exactly one CRLF in front of the final dot.
#[test]
fn one_line_end_before_the_final_dot() {
    assert_wire(LineEndings::Strict, b"", b".\r\n");
    assert_wire(LineEndings::Strict, b"a", b"a\r\n.\r\n");
    assert_wire(LineEndings::Strict, b"a\r\n", b"a\r\n.\r\n");
    assert_wire(LineEndings::Strict, b"a\r\n\r\n", b"a\r\n\r\n.\r\n");
}

fn assert_wire(line_endings: LineEndings, content: &[u8], wire: &[u8]) {
    assert_eq!(assert_splits(content, line_endings), Encoding { wire: wire.to_vec(), stray: None });
}

/// Encodes in whole, by octets and cut in two everywhere.
fn assert_splits(content: &[u8], line_endings: LineEndings) -> Encoding {
    let encoding = drive::encode(content, &[], line_endings);
    assert_eq!(drive::encode(content, &drive::every_cut(content), line_endings), encoding);
    for cut in drive::cuts(content) {
        assert_eq!(drive::encode(content, &cut, line_endings), encoding, "cut at {cut:?}");
    }
    encoding
}
