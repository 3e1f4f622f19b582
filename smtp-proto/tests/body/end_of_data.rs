//! Where mail data ends, and what its content is (RFC 5321 §4.1.1.4, §4.5.2).

use smtp_proto::body::{LineEndings, StrayKind};

use crate::drive;
use crate::reference::Decoding;

/// EOD-01, R-4.1.1.4-05
#[test]
fn the_end_keeps_the_last_line_end() {
    assert_mail(b"a\r\n.\r\n", b"a\r\n");
    assert_mail(b"a\r\n\r\n.\r\n", b"a\r\n\r\n");
}

/// EOD-02 to EOD-05, R-4.1.1.4-10, R-2.3.8-01: commands behind such a "line end" are content.
#[test]
fn other_line_ends_end_nothing() {
    for (end, kind) in [
        ("\n.\n", StrayKind::LoneLf),
        ("\n.\r\n", StrayKind::LoneLf),
        ("\r\n.\n", StrayKind::LoneLf),
        ("\r.\r", StrayKind::LoneCr),
        ("\r.\r\n", StrayKind::LoneCr),
        ("\n.\r", StrayKind::LoneLf),
        ("\r.\n", StrayKind::LoneCr),
    ] {
        let wire = format!("a{end}MAIL FROM:<b@c>\r\nRCPT TO:<d@e>\r\nDATA\r\nf\r\n.\r\n");
        let decoding = assert_splits(wire.as_bytes(), LineEndings::Strict);
        let content = wire.strip_suffix(".\r\n").map(|content| content.replace("\r\n.\n", "\r\n\n"));
        assert_eq!(String::from_utf8(decoding.content).ok(), content, "{end:?}");
        assert_eq!(decoding.end, Some(wire.len()), "{end:?}");
        assert_eq!(decoding.stray.map(|stray| stray.0), Some(kind), "{end:?}");
    }
}

/// EOD-06, EOD-07
#[test]
fn dot_cr_without_lf_loses_only_the_dot() {
    assert_stray(b"a\r\n.\rb\r\n.\r\n", b"a\r\n\rb\r\n", StrayKind::LoneCr, 3);
    assert_stray(b"a\r\n.\r\r\n.\r\n", b"a\r\n\r\r\n", StrayKind::LoneCr, 3);
    assert_stray(b".\r.\r\n.\r\n", b"\r.\r\n", StrayKind::LoneCr, 0);
}

/// EOD-08
#[test]
fn cr_in_front_of_the_end() {
    assert_stray(b"a\r\r\n.\r\n", b"a\r\r\n", StrayKind::LoneCr, 1);
}

/// EOD-09
#[test]
fn nul_beside_the_dot() {
    assert_stray(b"a\r\n\0.\r\nb\r\n.\r\n", b"a\r\n\0.\r\nb\r\n", StrayKind::Nul, 3);
    assert_stray(b"a\r\n.\0\r\nb\r\n.\r\n", b"a\r\n\0\r\nb\r\n", StrayKind::Nul, 3);
    assert_stray(b"a\r\n.\r\0\nb\r\n.\r\n", b"a\r\n\r\0\nb\r\n", StrayKind::LoneCr, 3);
}

/// EOD-10, R-4.1.1.4-06
#[test]
fn empty_mail() {
    assert_mail(b".\r\n", b"");
    assert_mail(b"\r\n.\r\n", b"\r\n");
}

/// EOD-11, R-4.5.2-03
#[test]
fn one_dot_is_removed_from_the_first_line() {
    assert_mail(b"..x\r\n.\r\n", b".x\r\n");
    assert_mail(b".x\r\n.\r\n", b"x\r\n");
    assert_mail(b". \r\n.\r\n", b" \r\n");
    assert_mail(b"..\r\n.\r\n", b".\r\n");
    assert_mail(b"...\r\n..\r\n.\r\n", b"..\r\n.\r\n");
}

/// EOD-12, R-4.5.2-04
#[test]
fn other_controls_and_separators_are_content() {
    for line_end in ["\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}", "\u{1c}"] {
        let content = format!("a{line_end}.{line_end}.\r\n");
        assert_mail(format!("{content}.\r\n").as_bytes(), content.as_bytes());
    }
    let octets: Vec<u8> = (1..=255).filter(|octet| !b"\r\n".contains(octet)).chain(*b"\r\n").collect();
    assert_mail(&[&octets[..], b".\r\n"].concat(), &octets);
}

/// EOD-14: converted and told, and a dot between two lone LFs stays.
#[test]
fn normalize_converts_and_tells() {
    for (wire, content, kind, offset) in [
        (&b"a\n.\nb\r\n.\r\n"[..], &b"a\r\n.\r\nb\r\n"[..], StrayKind::LoneLf, 1),
        (b"a\r.\rb\r\n.\r\n", b"a\r\n.\r\nb\r\n", StrayKind::LoneCr, 1),
        (b"\n\n\r\r\r\n.\r\n", b"\r\n\r\n\r\n\r\n\r\n", StrayKind::LoneLf, 0),
        (b".\n.\r\n.\r\n", b"\r\n.\r\n", StrayKind::LoneLf, 0),
        (b"a\r\n.\rb\r\n.\r\n", b"a\r\n\r\nb\r\n", StrayKind::LoneCr, 3),
        (b"a\0b\n\r\n.\r\n", b"a\0b\r\n\r\n", StrayKind::Nul, 1),
    ] {
        let decoding = assert_splits(wire, LineEndings::Normalize);
        let expected = Decoding { content: content.to_vec(), stray: Some((kind, offset)), end: Some(wire.len()) };
        assert_eq!(decoding, expected);
    }
    let decoding = assert_splits(b"a\r\n..b\r\n.\r\n", LineEndings::Normalize);
    assert_eq!((decoding.content, decoding.stray), (b"a\r\n.b\r\n".to_vec(), None));
}

/// EOD-15: only the first stray octet is told, as soon as it is certain, and the end is still found.
#[test]
fn strict_tells_the_first_stray_octet() {
    assert_stray(b"a\nb\r\0\r\n..c\r\n.\r\n", b"a\nb\r\0\r\n.c\r\n", StrayKind::LoneLf, 1);
}

/// EOD-18: no beginning of mail data is a mail.
#[test]
fn no_beginning_is_a_mail() {
    let wire = b"a\r\n..b\r\n.c\r\n\r\n.\r\n";
    for end in 0..wire.len() {
        assert_eq!(drive::decode(&wire[..end], &[], LineEndings::Strict).end, None);
    }
    assert!(drive::decode(wire, &[], LineEndings::Strict).end.is_some());
}

/// EOD-19: what follows the end is left alone, though it may look like mail data.
#[test]
fn what_follows_is_left_alone() {
    let wire = b"a\r\n.\r\n.\r\n..\r\n\0\r\n.\r\n";
    let decoding = drive::decode(wire, &[], LineEndings::Strict);
    assert_eq!(decoding, Decoding { content: b"a\r\n".to_vec(), stray: None, end: Some(6) });
}

fn assert_mail(wire: &[u8], content: &[u8]) {
    let decoding = assert_splits(wire, LineEndings::Strict);
    assert_eq!(decoding, Decoding { content: content.to_vec(), stray: None, end: Some(wire.len()) });
}

fn assert_stray(wire: &[u8], content: &[u8], kind: StrayKind, offset: u64) {
    let decoding = assert_splits(wire, LineEndings::Strict);
    let expected = Decoding { content: content.to_vec(), stray: Some((kind, offset)), end: Some(wire.len()) };
    assert_eq!(decoding, expected);
}

/// Decodes in whole, by octets and cut in two everywhere, with a command behind the mail that must be left alone.
fn assert_splits(wire: &[u8], line_endings: LineEndings) -> Decoding {
    let decoding = drive::decode(wire, &[], line_endings);
    let in_step = [wire, b"NOOP\r\n"].concat();
    assert_eq!(drive::decode(&in_step, &[], line_endings), decoding);
    assert_eq!(drive::decode(&in_step, &drive::every_cut(&in_step), line_endings), decoding);
    for cut in drive::cuts(&in_step) {
        assert_eq!(drive::decode(&in_step, &cut, line_endings), decoding, "cut at {cut:?}");
    }
    decoding
}
