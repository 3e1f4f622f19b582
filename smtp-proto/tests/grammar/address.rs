//! Mailboxes, paths, domains and address literals against RFC 5321 §4.1.2, §4.1.3 and RFC 6531 §3.3.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use smtp_proto::address::{
    AddressLiteral, Charset, Domain, ForwardPath, Host, LiteralKind, Mailbox, Path, ReversePath,
};

use Charset::{Ascii, Utf8};

fn mailbox(text: &str) -> Mailbox<'_> {
    Mailbox::parse(text, Ascii).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What `text` is refused for as a mailbox, once and for all.
fn refusal(text: &str) -> String {
    let error = Mailbox::parse(text, Ascii).expect_err(text);
    assert!(!error.is_incomplete(), "{text} is not incomplete: {error}");
    error.to_string()
}

/// ADDR-01, R-4.1.2-28, R-4.1.2-29, R-4.1.2-30, R-4.1.2-36: no control stands in quotes, plain or behind a backslash.
#[test]
fn refuses_controls_in_quoted_strings() {
    for control in (0..32).chain([127]).map(char::from) {
        for text in [format!("\"a{control}b\"@example.org"), format!("\"a\\{control}b\"@example.org")] {
            assert_eq!(refusal(&text), "the quoted local part has a control character", "{text:?}");
        }
        for text in [format!("a{control}b@example.org"), format!("{control}@example.org"), format!("a@b{control}")] {
            assert!(!Mailbox::parse(&text, Utf8).expect_err(&text).is_incomplete());
        }
    }
}

/// ADDR-02, R-4.1.2-22: the domain begins after the last `@` that is not quoted, and there is only one such.
#[test]
fn takes_one_unquoted_at() {
    assert_eq!(mailbox("\"a@b\"@example.org").local_part(), "\"a@b\"");
    assert_eq!(mailbox("\"a@b\"@example.org").domain(), "example.org");
    assert_eq!(mailbox("\"@\"@b.c").local_part(), "\"@\"");
    assert_eq!(mailbox("\"a\\\"@x\"@b.c").domain(), "b.c");
    assert_eq!(refusal("@example.org"), "the local part is empty");
    assert_eq!(refusal("a@b@c"), "the domain has a character other than letters, digits, hyphens and dots");
    assert_eq!(refusal("a@@c"), "the domain has a character other than letters, digits, hyphens and dots");
    assert_eq!(refusal("\"a\"b@c"), "something other than @ follows the quoted local part");
    assert_eq!(refusal("a\"b\"@c"), "the local part has a character that may stand only between quotes");
    for beginning in ["a", "a@", "\"a@b\"", "\"a@b", "a@b."] {
        assert!(Mailbox::parse(beginning, Ascii).expect_err(beginning).is_incomplete());
    }
}

/// ADDR-03, R-4.1.2-23, R-4.1.2-26: what is not `atext` stands in quotes only, and is kept as it came.
#[test]
fn takes_specials_in_quotes_only() {
    for special in "()<>[]:;@, ".chars() {
        let quoted = format!("\"a{special}b\"@example.org");
        assert_eq!(mailbox(&quoted).as_str(), quoted);
        assert_eq!(mailbox(&quoted).canonical(), quoted);
        assert!(mailbox(&quoted).is_quoted());
        if !matches!(special, '@' | '>') {
            let bare = format!("a{special}b@example.org");
            assert_eq!(refusal(&bare), "the local part has a character that may stand only between quotes");
        }
    }
    for character in "!#$%&'*+-/=?^_`{|}~0aZ".chars() {
        let bare = format!("{character}@example.org");
        assert_eq!(mailbox(&bare).local_part(), character.to_string());
        assert_eq!(mailbox(&format!("\"{character}\"@example.org")).canonical(), bare);
    }
}

/// ADDR-04, R-4.1.2-27
#[test]
fn takes_the_empty_quoted_string() {
    assert_eq!(mailbox("\"\"@example.org").local_part(), "\"\"");
    assert_eq!(mailbox("\"\"@example.org").canonical(), "\"\"@example.org");
}

/// ADDR-05: a backslash takes the next character with it, the closing quote as well.
#[test]
fn is_not_fooled_by_a_trailing_backslash_or_quote() {
    for beginning in ["\"a\\", "\"a\\\"", "\"a\\\"@b.c", "\"", "\"\\\\\\\"@b"] {
        let error = Mailbox::parse(beginning, Ascii).expect_err(beginning);
        assert!(error.is_incomplete());
        assert_eq!(error.to_string(), "the quoted local part has no closing quote");
    }
    assert_eq!(mailbox("\"a\\\\\"@b.c").local_part(), "\"a\\\\\"");
    assert_eq!(refusal("\"a\"\"@b.c"), "something other than @ follows the quoted local part");
    assert_eq!(refusal("a\\@b.c"), "the local part has a character that may stand only between quotes");
    assert_eq!(refusal("a\"@b.c"), "the local part has a character that may stand only between quotes");
}

/// ADDR-06, R-4.1.2-03 to R-4.1.2-08, R-3.3-13, R-4.1.1.3-03: source routes are parsed and reported as they came.
#[test]
fn parses_source_routes() {
    let path = Path::parse("<@hosta.int,@jkl.org:userc@d.bar.org>", Ascii).expect("a path");
    assert_eq!(path.source_route(), Some("@hosta.int,@jkl.org"));
    assert_eq!(path.mailbox().as_str(), "userc@d.bar.org");
    assert_eq!(path.to_string(), "<@hosta.int,@jkl.org:userc@d.bar.org>");
    assert_eq!(Path::parse("<@a:b@c>", Ascii).expect("a path").source_route(), Some("@a"));
    for wrong in [
        "<@a,b:c@d>",
        "<@a, @b:c@d>",
        "<@a,:c@d>",
        "<@a;c@d>",
        "<@a c@d>",
        "<a:c@d>",
        "<@:c@d>",
        "<@[192.0.2.1]:c@d>",
        "<@a:@b:c@d>",
        "<@a:>",
        "<@a>",
        "<:c@d>",
    ] {
        assert!(!Path::parse(wrong, Ascii).expect_err(wrong).is_incomplete(), "{wrong}");
    }
}

/// ADDR-07, ADDR-08, R-2.3.11-01: nothing in a local part has a meaning here.
#[test]
fn keeps_local_parts_verbatim() {
    for text in [
        "user%other.example@example.org",
        "host!user@example.org",
        "=?utf-8?q?=40example.net=3e?=@example.org",
        "=?x?q?=41=42?=collab=?x?q?=40example.com=3e=00?=@example.org",
        "a+tag@example.org",
        "\"<x@y>,\"@example.org",
        "Smith@Example.ORG",
    ] {
        let found = mailbox(text);
        assert_eq!(found.as_str(), text);
        assert_eq!(found.canonical(), text);
        assert!(found.domain().eq_ignore_ascii_case("example.org"));
    }
    assert_eq!(refusal("a(comment)@example.org"), "the local part has a character that may stand only between quotes");
    assert_eq!(
        refusal("a@example.org(comment)"),
        "the domain has a character other than letters, digits, hyphens and dots"
    );
}

/// ADDR-09: a character is never taken for the one that its lowest octet is.
#[test]
fn does_not_narrow_characters() {
    for low in "\r\n@<>\"\\.\0 ".chars() {
        for high in [0x100, 0x200, 0x2000, 0x3000, 0x4e00, 0x1_0000, 0x1_f600] {
            let Some(character) = char::from_u32(high + u32::from(low)) else { continue };
            let text = format!("a{character}b@example.org");
            let kept = Mailbox::parse(&text, Utf8).expect(&text);
            assert_eq!((kept.local_part(), kept.domain()), (&*format!("a{character}b"), "example.org"));
            assert_eq!(refusal(&text), "there is a character outside ASCII, which needs SMTPUTF8");
            assert_eq!(
                refusal(&format!("a@b{character}c")),
                "there is a character outside ASCII, which needs SMTPUTF8"
            );
            let instead_of_at = format!("a{character}example.org");
            assert!(Mailbox::parse(&instead_of_at, Utf8).expect_err("no @").is_incomplete());
        }
    }
}

/// ADDR-10, R-4.1.2-18, RFC 5891 §4.2.3.1: an A-label is letters, digits and hyphens and stays that; what looks like
/// one and is not is no label, and nothing that some software reads as a dot stands in one.
#[test]
fn does_not_decode_or_believe_labels() {
    for text in
        ["a@xn--bcher-kva.example", "a@xn--0049.example", "a@XN--A", "a@xn--x--y", "a@r3---sn-apo3qvuoxuxbt-j5pe"]
    {
        assert_eq!(mailbox(text).as_str(), text);
    }
    for text in ["xn--", "xn--.example", "-xn--a", "xn--a-.example"] {
        assert_eq!(
            Domain::parse(text, Ascii).expect_err(text).to_string(),
            "a label of the domain begins or ends with a hyphen"
        );
    }
    for text in
        ["xn--b\u{fc}cher", "\u{fc}b--x", "a\u{3002}b", "a\u{ff0e}b", "a\u{ff61}b", "\u{a0}x", "\u{85}x", "\u{fffe}"]
    {
        assert_eq!(
            Domain::parse(text, Utf8).expect_err(text).to_string(),
            "a label of the domain cannot be an internationalised one"
        );
    }
    // RFC 5890 §2.3.2.1: the A-label is no longer than 63 octets: `xn--`, the ASCII characters, a hyphen, and a digit or
    // more for each other one.
    for (ascii, fits) in [(57, true), (58, false), (63, false), (64, false)] {
        let text = format!("{}\u{fc}", "a".repeat(ascii));
        let found = Domain::parse(&text, Utf8).map_err(|error| error.to_string());
        assert_eq!(found.is_ok(), fits, "{ascii}");
        assert!(fits || found == Err("a label of the domain is longer than 63 octets".into()), "{found:?}");
    }
    assert!(Domain::parse("\u{fc}-", Utf8).expect_err("ends with a hyphen").is_incomplete());
    assert!(!Domain::parse("-\u{fc}", Utf8).expect_err("begins with a hyphen").is_incomplete());
}

/// R-2.3.5-01, R-2.3.5-02, R-4.1.2-17 to R-4.1.2-20, R-4.1.2-38, R-4.1.2-39
#[test]
fn holds_domains_to_letters_digits_and_hyphens() {
    for text in ["a", "0", "com", "a.b", "a-b.c--d", "3com.example", "1.2.3.4", "A.bC"] {
        assert_eq!(Domain::parse(text, Ascii).expect(text).as_str(), text);
    }
    let dots = "the domain begins or ends with a dot or has two dots in a row";
    let hyphen = "a label of the domain begins or ends with a hyphen";
    let character = "the domain has a character other than letters, digits, hyphens and dots";
    for (text, reason) in [
        (".a", dots),
        ("a..b", dots),
        ("-a", hyphen),
        ("a-.b", hyphen),
        ("a.-b", hyphen),
        ("a_b", character),
        ("_a.b", character),
        ("a b", character),
        ("a.b/", character),
        ("a..", dots),
    ] {
        let error = Domain::parse(text, Ascii).expect_err(text);
        assert_eq!((error.to_string().as_str(), error.is_incomplete()), (reason, false), "{text}");
    }
    for (beginning, reason) in [("", "the domain is empty"), ("a.", dots), ("a-", hyphen), ("a.b-", hyphen)] {
        let error = Domain::parse(beginning, Ascii).expect_err(beginning);
        assert_eq!((error.to_string().as_str(), error.is_incomplete()), (reason, true), "{beginning}");
    }
}

/// R-4.1.2-25
#[test]
fn tells_what_is_wrong_with_dots() {
    let dots = "the local part begins or ends with a dot or has two dots in a row";
    for text in [".a@b", "a..b@c", "a.@b", ".@b"] {
        assert_eq!(refusal(text), dots, "{text}");
    }
    assert_eq!(mailbox("a.b.c@d").local_part(), "a.b.c");
    assert_eq!(mailbox("\".a..\"@d").canonical(), "\".a..\"@d");
}

/// ADDR-11, R-4.1.2-21, R-4.1.3-01 to R-4.1.3-05
#[test]
fn parses_address_literals() {
    let parsed = |text| AddressLiteral::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).kind();
    for (text, octets) in [
        ("[0.0.0.0]", [0, 0, 0, 0]),
        ("[255.255.255.255]", [255; 4]),
        ("[192.0.2.1]", [192, 0, 2, 1]),
        ("[001.02.003.000]", [1, 2, 3, 0]),
    ] {
        assert_eq!(parsed(text), LiteralKind::Ipv4(octets.into()));
    }
    for (text, address) in [
        ("[IPv6:2001:db8::1]", "2001:db8::1"),
        ("[ipv6:::]", "::"),
        ("[IPV6:::ffff:192.0.2.1]", "::ffff:192.0.2.1"),
        ("[IPv6:1:2:3:4:5:6:7:8]", "1:2:3:4:5:6:7:8"),
        ("[IPv6:1:2:3:4:5:6:192.0.2.1]", "1:2:3:4:5:6:192.0.2.1"),
        ("[IPv6:fe80::]", "fe80::"),
        ("[IPv6:0001::ABCD]", "1::abcd"),
    ] {
        let address: Ipv6Addr = address.parse().expect("an address");
        assert_eq!(parsed(text), LiteralKind::Ipv6(address));
        assert_eq!(AddressLiteral::parse(text).expect("a literal").ip(), Some(IpAddr::V6(address)));
    }
    let LiteralKind::General { tag, content } = parsed("[x25:%/:;<=>?@AZ^_`az~]") else { panic!("a general literal") };
    assert_eq!((tag, content), ("x25", "%/:;<=>?@AZ^_`az~"));
    assert!(matches!(parsed("[-x:y]"), LiteralKind::General { .. }));
    assert!(matches!(parsed("[256:y]"), LiteralKind::General { .. }));
    assert_eq!(mailbox("a@[192.0.2.1]").host(), Host::parse("[192.0.2.1]", Ascii).expect("a host"));
    assert_eq!(mailbox("a@[192.0.2.1]").domain(), "[192.0.2.1]");
}

/// ADDR-11, R-4.1.3-02 to R-4.1.3-12
#[test]
fn refuses_malformed_address_literals() {
    let ipv4 = "the IPv4 address is not four numbers from 0 to 255 with dots between them";
    let ipv6 = "the IPv6 address of the literal is malformed";
    let neither = "the address literal is neither an IPv4 address nor a tag, a colon and an address";
    let untagged = "an IPv6 address literal begins with the tag IPv6:";
    let character = "the address literal has a character that may not stand in it";
    for (text, reason) in [
        ("[256.0.0.1]", ipv4),
        ("[1.2.3.256]", ipv4),
        ("[1.2.3.1000]", ipv4),
        ("[0001.2.3.4]", ipv4),
        ("[1.2.3]", ipv4),
        ("[1.2.3.4.5]", ipv4),
        ("[1.2.3.]", ipv4),
        ("[1..2.3]", ipv4),
        ("[1.2.3.4 ]", ipv4),
        ("[1.2.3.-4]", ipv4),
        ("[1.2.3.+4]", ipv4),
        ("[IPv6:]", ipv6),
        ("[IPv6::]", ipv6),
        ("[IPv6:1]", ipv6),
        ("[IPv6:1:2:3:4:5:6:7]", ipv6),
        ("[IPv6:1:2:3:4:5:6:7::]", ipv6),
        ("[IPv6:::1:2:3:4:5:6:7]", ipv6),
        ("[IPv6:1:2:3:4:5:6:7:8:9]", ipv6),
        ("[IPv6:1::2::3]", ipv6),
        ("[IPv6:1:::2]", ipv6),
        ("[IPv6:12345::]", ipv6),
        ("[IPv6:g::]", ipv6),
        ("[IPv6:1::2:3:4:5:1.2.3.4]", ipv6),
        ("[IPv6:1:2:3:4:5:1.2.3.4]", ipv6),
        ("[IPv6:1:2:3:4:5:6:7:1.2.3.4]", ipv6),
        ("[IPv6:1.2.3.4]", ipv6),
        ("[IPv6:::1.2.3.256]", ipv6),
        ("[IPv6:::1.2.3.4:1]", ipv6),
        ("[IPv6:fe80::1%eth0]", ipv6),
        ("[IPv6: ::1]", ipv6),
        ("[IPv6:1::2:]", ipv6),
        ("[2001:db8::1]", untagged),
        ("[::1]", untagged),
        ("[1:2:3:4:5:6:7:8]", untagged),
        ("[]", neither),
        ("[abc]", neither),
        ("[:x]", neither),
        ("[tag:]", neither),
        ("[tag-:x]", neither),
        ("[ 1.2.3.4]", neither),
        ("[tag:a[b]", character),
        ("[tag:a\\b]", character),
        ("[tag:a b]", character),
        ("[tag:\u{e9}]", neither),
        ("[\u{e9}:x]", character),
        ("[1.2.3.4]]", "something follows the address literal"),
        ("[1.2.3.4]x", "something follows the address literal"),
    ] {
        for charset in [Ascii, Utf8] {
            let error = Host::parse(text, charset).expect_err(text);
            assert_eq!((error.to_string().as_str(), error.is_incomplete()), (reason, false), "{text}");
        }
    }
    assert_eq!(refusal("a@[1.2.3.4]x"), "something follows the address literal");
}

/// R-4.1.3-07 to R-4.1.3-12: every number of groups before and behind `::`, with an IPv4 tail and without.
#[test]
fn counts_the_groups_of_ipv6_addresses() {
    let mut seen = 0;
    for before in 0..=9_usize {
        for after in 0..=9_usize {
            for (gap, tail) in [(false, false), (false, true), (true, false), (true, true)] {
                if !gap && after > 0 {
                    continue;
                }
                let groups = |count| vec!["a"; count].join(":");
                let mut text = groups(before);
                if gap {
                    text = format!("{text}::{}", groups(after));
                }
                if tail {
                    let colon = if text.is_empty() || text.ends_with(':') { "" } else { ":" };
                    text = format!("{text}{colon}192.0.2.1");
                }
                let expected = match (gap, tail) {
                    (false, false) => before == 8,
                    (false, true) => before == 6,
                    (true, false) => before + after <= 6,
                    (true, true) => before + after <= 4,
                };
                let literal = format!("[IPv6:{text}]");
                let found = AddressLiteral::parse(&literal);
                assert_eq!(found.is_ok(), expected, "{literal}");
                if let Ok(found) = found {
                    assert_eq!(found.ip(), text.parse().ok().map(IpAddr::V6), "{literal}");
                    seen += 1;
                }
            }
        }
    }
    assert_eq!(seen, 1 + 1 + 28 + 15);
}

/// ADDR-12, R-4.5.3.1.1-01, R-4.5.3.1.2-01, R-4.5.3.1.3-01, R-4.5.3.1-06: each limit at the last octet that is in.
#[test]
fn keeps_the_length_limits() {
    let local = |length| "l".repeat(length);
    let domain = |length: usize| {
        let labels = ["d".repeat(63), "d".repeat(63), "d".repeat(63), "d".repeat(61)].join(".");
        format!("{labels}dd").split_at(length).0.to_owned()
    };
    assert_eq!(mailbox(&format!("{}@a", local(64))).local_part().len(), 64);
    assert_eq!(refusal(&format!("{}@a", local(65))), "the local part is longer than 64 octets");
    let quoted = |length: usize| format!("\"{}\"@a", " ".repeat(length - 2));
    assert!(Mailbox::parse(&quoted(64), Ascii).is_ok());
    assert_eq!(refusal(&quoted(65)), "the local part is longer than 64 octets");

    assert!(Domain::parse(&domain(253), Ascii).is_ok());
    assert!(Domain::parse(&domain(255), Ascii).is_ok());
    let long = Domain::parse(&[domain(255), ".d".into()].concat(), Ascii).expect_err("too long").to_string();
    assert_eq!(long, "the domain is longer than 255 octets");
    assert_eq!(refusal(&format!("a@{}", "d".repeat(64))), "a label of the domain is longer than 63 octets");
    let general = |length: usize| format!("[x:{}]", "c".repeat(length - 4));
    assert!(Host::parse(&general(255), Ascii).is_ok());
    assert!(Host::parse(&general(256), Ascii).is_err());

    let whole = format!("{}@{}", local(64), domain(189));
    assert_eq!(mailbox(&whole).as_str().len(), Mailbox::MAX);
    assert!(Path::parse(&format!("<{whole}>"), Ascii).is_ok_and(|path| path.to_string().len() == Path::MAX));
    let longer = format!("{}@{}", local(64), domain(188) + ".d");
    assert_eq!(refusal(&longer), "the path is longer than 256 octets");
    for path in [format!("<{longer}>"), format!("<@a:{whole}>")] {
        assert_eq!(Path::parse(&path, Ascii).expect_err(&path).to_string(), "the path is longer than 256 octets");
    }
    let umlauts = "\u{fc}".repeat(32);
    assert!(Mailbox::parse(&format!("{umlauts}@a"), Utf8).is_ok());
    assert!(Mailbox::parse(&format!("{umlauts}l@a"), Utf8).is_err());
}

/// ADDR-12: a beginning that is as long as the whole may be is not incomplete.
#[test]
fn does_not_wait_for_what_would_be_too_long() {
    let labels = vec!["d".repeat(63); 4].join(".");
    for (text, reason) in [
        ("l".repeat(65), "the local part is longer than 64 octets"),
        (format!("\"{}", "l".repeat(63)), "the local part is longer than 64 octets"),
        (format!("l@{}-", "d".repeat(62)), "a label of the domain is longer than 63 octets"),
        (format!("l@{}", &labels[..255]).replace("l@", "llllllll@"), "the path is longer than 256 octets"),
        (format!("l@[x:{}", "c".repeat(252)), "the domain is longer than 255 octets"),
    ] {
        let error = Mailbox::parse(&text, Ascii).expect_err(&text);
        assert_eq!((error.to_string().as_str(), error.is_incomplete()), (reason, false), "{text}");
    }
    let path = format!("<l@{}.{}", &labels[..191], "d".repeat(61));
    assert_eq!(path.len(), 256);
    assert!(!Path::parse(&path, Ascii).expect_err(&path).is_incomplete());
    assert!(Path::parse(&path[..255], Ascii).expect_err(&path).is_incomplete());
    assert!(Path::parse(&format!("{}>", &path[..255]), Ascii).is_ok());
    let domain = format!("{}.", &labels[..254].trim_end_matches('.'));
    assert_eq!(domain.len(), 255);
    assert!(!Domain::parse(&domain, Ascii).expect_err(&domain).is_incomplete());
}

/// ADDR-13: an address without a domain, and characters that mean something to a shell.
#[test]
fn refuses_an_empty_domain() {
    for text in ["<;id;@>", "<$(id)@>", "<`id`@>", "<a@>", "<a>", "<|/bin/sh@>"] {
        for error in
            [ReversePath::parse(text, Ascii).expect_err(text), ForwardPath::parse(text, Ascii).expect_err(text)]
        {
            assert!(!error.is_incomplete(), "{text}");
        }
    }
    assert_eq!(Path::parse("<a@>", Ascii).expect_err("empty").to_string(), "the domain is empty");
    assert_eq!(Path::parse("<a>", Ascii).expect_err("none").to_string(), "there is no @ behind the local part");
    assert_eq!(Mailbox::parse("a@", Ascii).expect_err("empty").to_string(), "the domain is empty");
}

/// ADDR-14, R-4.1.2-36, X-6531-3.2-01, X-6531-3.2-02, X-6531-3.3-01, X-6531-3.3-02: beyond ASCII only where it is
/// permitted, and then as it came.
#[test]
fn takes_utf8_when_told_to() {
    for text in [
        "\u{fc}ser@example.org",
        "\"\u{fc} ser\"@example.org",
        "user@b\u{fc}cher.example",
        "\u{7528}\u{6237}@\u{4f8b}\u{5b50}.\u{516c}\u{53f8}",
        "u\u{308}ser@example.org",
        "user@xn--bcher-kva.example",
    ] {
        let found = Mailbox::parse(text, Utf8).expect(text);
        assert_eq!(found.as_str(), text);
        assert_eq!(format!("{}@{}", found.local_part(), found.host()), text);
        if !text.is_ascii() {
            assert_eq!(refusal(text), "there is a character outside ASCII, which needs SMTPUTF8");
        }
    }
    // Neither normalised nor taken for the same.
    let (composed, decomposed) = ("\u{fc}@a", "u\u{308}@a");
    let parsed = |text| Mailbox::parse(text, Utf8).expect("a mailbox");
    assert!(!parsed(composed).is_equivalent(&parsed(decomposed)));
    assert!(Mailbox::parse("\"a\\\u{fc}\"@b", Utf8).is_err());
    assert!(Mailbox::parse("a b@\u{fc}", Utf8).is_err());
    assert_eq!(parsed("\"\u{fc}\"@a").canonical(), composed);
}

/// ADDR-15, R-4.1.2-01, R-4.1.2-02, R-2.3.5-07, R-2.3.5-08, R-4.1.1.3-11, R-4.1.1.3-12
#[test]
fn knows_the_null_sender_and_the_postmaster() {
    assert!(ReversePath::parse("<>", Ascii).is_ok_and(|path| path.is_null() && path.mailbox().is_none()));
    let error = ForwardPath::parse("<>", Ascii).expect_err("no null recipient");
    assert_eq!((error.to_string().as_str(), error.is_incomplete()), ("a forward-path is not empty", false));
    for name in ["Postmaster", "postmaster", "POSTMASTER", "pOsTmAsTeR"] {
        let text = format!("<{name}>");
        let path = ForwardPath::parse(&text, Ascii).expect("the postmaster");
        assert_eq!(path, ForwardPath::Postmaster(name));
        assert_eq!(path.to_string(), text);
        assert!(path.is_postmaster() && path.mailbox().is_none());
        let text = format!("<{name}@example.org>");
        let path = ForwardPath::parse(&text, Ascii).expect("a path");
        assert!(path.is_postmaster() && path.mailbox().is_some_and(|mailbox| mailbox.local_part() == name));
        assert!(ReversePath::parse(&format!("<{name}>"), Ascii).is_err());
    }
    for wrong in ["<Postmaster@>", "<Postmasters>", "<Postmaste>", "<\"Postmaster\">", "Postmaster", "<Postmaster>x"] {
        assert!(!ForwardPath::parse(wrong, Ascii).expect_err(wrong).is_incomplete(), "{wrong}");
    }
    assert!(ForwardPath::parse("<user@example.org>", Ascii).is_ok_and(|path| !path.is_postmaster()));
}

/// R-3.3-09, R-4.1.2-03: the brackets belong to a path, and nothing else stands around it.
#[test]
fn holds_paths_to_their_brackets() {
    for (text, reason) in [
        ("a@b", "a path begins with <"),
        (" <a@b>", "a path begins with <"),
        ("<a@b> ", "something follows the path"),
        ("<>x", "something follows the path"),
        ("<a@b>>", "something follows the path"),
        ("<<a@b>>", "the local part has a character that may stand only between quotes"),
        ("< a@b>", "the local part has a character that may stand only between quotes"),
        ("<a@b >", "the path does not end with >"),
        ("<a@b.>", "the domain begins or ends with a dot or has two dots in a row"),
    ] {
        let error = ReversePath::parse(text, Ascii).expect_err(text);
        assert_eq!((error.to_string().as_str(), error.is_incomplete()), (reason, false), "{text}");
    }
    let error = ReversePath::parse("<a@b", Ascii).expect_err("no bracket");
    assert_eq!((error.to_string().as_str(), error.is_incomplete()), ("the path does not end with >", true));
}

/// R-4.1.2-33, R-4.1.2-34, R-4.1.2-37, R-2.4-05, R-2.4-06, R-2.4-07
#[test]
fn compares_and_shortens_quoted_spellings() {
    for (text, canonical) in [
        ("\"a\"@b", "a@b"),
        ("\"\\a\"@b", "a@b"),
        ("\"a.b\"@c", "a.b@c"),
        ("\"Joe\\,Smith\"@c", "\"Joe,Smith\"@c"),
        ("\"a\\\"b\"@c", "\"a\\\"b\"@c"),
        ("\"a\\\\b\"@c", "\"a\\\\b\"@c"),
        ("\"\\\"\\ \\\\\\x\"@C", "\"\\\" \\\\x\"@C"),
        ("\"a..b\"@c", "\"a..b\"@c"),
        ("\"a@b\"@c", "\"a@b\"@c"),
        ("\"a \\ b\"@[192.0.2.1]", "\"a  b\"@[192.0.2.1]"),
        ("a@B", "a@B"),
    ] {
        let parsed = mailbox(text);
        assert_eq!(parsed.canonical(), canonical, "{text}");
        assert!(parsed.is_equivalent(&mailbox(canonical)), "{text}");
        assert_eq!(parsed == mailbox(canonical), text == canonical);
    }
    assert!(mailbox("a@EXAMPLE.org").is_equivalent(&mailbox("\"a\"@example.ORG")));
    assert!(!mailbox("a@example.org").is_equivalent(&mailbox("A@example.org")));
    assert!(!mailbox("a@example.org").is_equivalent(&mailbox("a@example.com")));
}

/// The values have no hidden cost: they are what their documentation says, references and a few numbers.
#[test]
fn stays_small() {
    assert!(size_of::<Mailbox<'_>>() <= 24);
    assert!(size_of::<Path<'_>>() <= 40 && size_of::<ForwardPath<'_>>() <= 48);
    assert_eq!(AddressLiteral::parse("[10.0.0.1]").expect("a literal").ip(), Some(Ipv4Addr::new(10, 0, 0, 1).into()));
}
