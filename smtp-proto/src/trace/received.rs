//! The `Received` field.

use alloc::vec::Vec;
use core::fmt::Write as _;
use core::net::IpAddr;

use super::protocol::Protocol;
use super::word::{self, Text};

/// A `Received` field: who gave a mail to whom, how and when (RFC 5321 §4.4).
///
/// What was parsed by this crate is written as it is. In other text each character that has no place there becomes `?`
/// (in an identifier `_`), and what is longer than 256 octets is cut off, so that nothing a peer says makes a field of
/// its own or a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received<'a> {
    hello: &'a str,
    peer: Option<IpAddr>,
    by: &'a str,
    protocol: Protocol,
    id: Option<&'a str>,
    recipient: Option<&'a str>,
    date: &'a str,
}

impl<'a> Received<'a> {
    /// A field with the clauses that must be there: the name (a domain or an address literal) that the client gave with
    /// EHLO or HELO, the name of this server, the protocol, and the time of receipt as `date-time` of RFC 5322 §3.3,
    /// with a numeric zone (`Thu, 21 May 1998 05:33:29 -0700`).
    #[must_use]
    pub const fn new(hello: &'a str, by: &'a str, protocol: Protocol, date: &'a str) -> Self {
        Self { hello, peer: None, by, protocol, id: None, recipient: None, date }
    }

    /// Adds the address that the connection came from. An IPv4 address mapped into IPv6 is written as IPv4.
    #[must_use]
    pub const fn with_peer(self, peer: IpAddr) -> Self {
        Self { peer: Some(peer), ..self }
    }

    /// Adds the name under which this server keeps the mail: an atom, or a message identifier in angle brackets.
    #[must_use]
    pub const fn with_id(self, id: &'a str) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Adds the recipient, with or without angle brackets. Only for mail with a single recipient: a field that named
    /// one of several would tell it to the others (RFC 5321 §7.2). What holds no `@` is left out.
    #[must_use]
    pub const fn with_recipient(self, forward_path: &'a str) -> Self {
        Self { recipient: Some(forward_path), ..self }
    }

    /// Writes the field, folded, with its CRLF.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let utf8 = self.protocol.is_utf8();
        out.extend_from_slice(b"Received: from ");
        word::write_domain(self.hello, utf8, out);
        if let Some(peer) = self.peer {
            let written = match peer.to_canonical() {
                IpAddr::V4(address) => write!(Text(out), " ([{address}])"),
                IpAddr::V6(address) => write!(Text(out), " ([IPv6:{address}])"),
            };
            debug_assert!(written.is_ok(), "a vector takes any text");
        }
        out.extend_from_slice(b"\r\n\tby ");
        word::write_domain(self.by, utf8, out);
        out.extend_from_slice(b" with ");
        out.extend_from_slice(self.protocol.as_str().as_bytes());
        if let Some(id) = self.id {
            out.extend_from_slice(b" id ");
            word::write_id(id, out);
        }
        if let Some(path) = self.recipient.filter(|path| path.contains('@')) {
            out.extend_from_slice(b"\r\n\tfor ");
            word::write_path(path, utf8, out);
            out.extend_from_slice(b"; ");
        } else {
            out.extend_from_slice(b";\r\n\t");
        }
        word::write_date(self.date, out);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use core::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    const DATE: &str = "Tue, 1 Apr 2025 09:05:06 +0200 (CEST)";

    fn text(field: Received<'_>) -> String {
        let mut out = Vec::new();
        field.encode(&mut out);
        String::from_utf8(out).expect("text goes in")
    }

    /// R-4.4-02, R-4.4-03, R-4.4-32, R-4.4-33, R-4.4-35, R-4.4-36. R-4.4-12: the name of a zone stands in a comment.
    #[test]
    fn least_field() {
        let field = text(Received::new("a.example", "b.example", Protocol::Smtp, DATE));
        assert_eq!(field, format!("Received: from a.example\r\n\tby b.example with SMTP;\r\n\t{DATE}\r\n"));
    }

    /// R-4.4-04, R-4.4-37, R-4.4-38
    #[test]
    fn peer_is_an_address_literal() {
        let field = Received::new("[IPv6:2001:db8::2]", "b.example", Protocol::Esmtps, DATE);
        let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
        let head = |peer| String::from(text(field.with_peer(peer)).lines().next().unwrap_or_default());
        assert_eq!(head(v6.into()), "Received: from [IPv6:2001:db8::2] ([IPv6:2001:db8::2])");
        let v4 = Ipv4Addr::new(192, 0, 2, 7);
        assert_eq!(head(v4.into()), "Received: from [IPv6:2001:db8::2] ([192.0.2.7])");
        assert_eq!(head(v4.to_ipv6_mapped().into()), head(v4.into()));
    }

    /// R-4.4-05, R-4.4-06, R-4.4-39, R-4.4-41…43
    #[test]
    fn optional_clauses_stand_in_order() {
        let field = Received::new("a.example", "b.example", Protocol::Esmtpsa, DATE).with_id("<x.1@b.example>");
        let field = text(field.with_recipient("<\"a; b\"@example.com>"));
        let clauses = "\tby b.example with ESMTPSA id <x.1@b.example>\r\n\tfor <\"a; b\"@example.com>; ";
        assert_eq!(field, format!("Received: from a.example\r\n{clauses}{DATE}\r\n"));
    }

    /// R-4.4-43
    #[test]
    fn postmaster_without_a_domain_is_no_path() {
        let field = Received::new("a.example", "b.example", Protocol::Smtp, DATE);
        assert_eq!(text(field.with_recipient("Postmaster")), text(field));
    }

    /// R-4.4-45, R-4.4-47: there is no clause but those of RFC 5321, and none that names a link.
    #[test]
    fn there_are_no_other_clauses() {
        let field =
            Received::new("a.example", "b.example", Protocol::Esmtps, DATE).with_peer(Ipv4Addr::LOCALHOST.into());
        let field = text(field.with_id("x1").with_recipient("c@b.example"));
        let (clauses, date) = field.split_once("; ").expect("the date stands behind a semicolon");
        let words: Vec<_> = clauses.split_whitespace().skip(1).filter(|word| !word.starts_with('(')).collect();
        let names: Vec<_> = words.iter().step_by(2).collect();
        assert_eq!(names, [&"from", &"by", &"with", &"id", &"for"]);
        assert_eq!(date.trim_end(), DATE);
    }

    #[test]
    fn letters_beyond_ascii_need_smtputf8() {
        let head = |protocol| {
            let field = text(Received::new("bücher.example", "b.example", protocol, DATE));
            String::from(field.lines().next().unwrap_or_default())
        };
        assert_eq!(head(Protocol::Utf8Smtps), "Received: from bücher.example");
        assert_eq!(head(Protocol::Esmtps), "Received: from b?cher.example");
    }

    #[test]
    fn nothing_makes_a_comment_or_a_field() {
        let hello = "a.example (\r\nX: y";
        let field =
            Received::new(hello, "b)\0", Protocol::Esmtp, "now\r\n").with_id("(1)\r\n.").with_recipient("a\n@b(");
        let expected = "Received: from a.example????X:?y\r\n\tby b?? with ESMTP id _1____\r\n\tfor <a?@b?>; now??\r\n";
        assert_eq!(text(field), expected);
        assert!(text(Received::new("", "", Protocol::Esmtp, DATE)).starts_with("Received: from ?\r\n\tby ? with"));
    }

    proptest! {
        /// Whatever the words are, the field is one field of lines that RFC 5322 §2.1.1 allows.
        #[test]
        fn is_always_one_field(hello in ".{0,400}", by in "\\PC{0,400}", id in ".{0,400}", path in ".{0,400}@", date in ".{0,400}") {
            let field = Received::new(&hello, &by, Protocol::Utf8Smtp, &date).with_id(&id).with_recipient(&path);
            let field = text(field);
            let body = field.strip_suffix("\r\n").expect("ends in CRLF");
            for (index, line) in body.split("\r\n").enumerate() {
                prop_assert!(line.len() <= 998);
                prop_assert!(!line.contains(['\r', '\n', '\0']));
                prop_assert_eq!(line.starts_with('\t'), index > 0);
                prop_assert!(!line.trim().is_empty());
            }
        }
    }
}
