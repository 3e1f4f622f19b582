//! Recipients that are rejected on purpose, to test clients.

use core::str::FromStr;

use smtp_blocking::Reject;

use super::faults::Verb;
use super::refusal::RefusalCode;

/// Who is rejected, and how. The first that applies to a recipient counts.
#[derive(Clone, Debug)]
pub(super) struct Rejections(Vec<Rejection>);

/// `PATTERN[:CODE]`: recipients of this pattern are refused with this code, or 550.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rejection {
    pattern: Pattern,
    code: RefusalCode,
}

/// Text in which `*` stands for any run of characters, none included, and in which case does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    /// What stands before, between and behind the stars.
    parts: Vec<String>,
}

impl Rejections {
    pub(super) fn new(rejections: Vec<Rejection>) -> Self {
        Self(rejections)
    }

    /// Whether this recipient, a mailbox without angle brackets or `Postmaster`, may have mail.
    ///
    /// # Errors
    ///
    /// The rejection.
    pub(super) fn check(&self, recipient: &str) -> Result<(), Reject> {
        let Some(Rejection { code, .. }) = self.0.iter().find(|rejection| rejection.pattern.is_match(recipient)) else {
            return Ok(());
        };
        let text = match code.code().value() {
            421 => "service not available",
            452 | 552 => "mailbox full",
            400..=499 => "mailbox not available, try again later",
            _ => "no such mailbox",
        };
        Err(code.reply(Verb::Rcpt, text).into())
    }
}

impl FromStr for Rejection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // An address literal has colons, too, but no address ends in one and digits.
        let (pattern, code) = match text.rsplit_once(':') {
            Some((pattern, code)) if code.bytes().all(|octet| octet.is_ascii_digit()) => (pattern, code.parse()?),
            _ => (text, RefusalCode::NO_MAILBOX),
        };
        if pattern.is_empty() {
            return Err("the pattern is missing: * stands for everybody".into());
        }
        Ok(Self { pattern: Pattern::new(pattern), code })
    }
}

impl Pattern {
    fn new(text: &str) -> Self {
        Self { parts: text.to_ascii_lowercase().split('*').map(str::to_owned).collect() }
    }

    fn is_match(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        match &self.parts[..] {
            [] => text.is_empty(),
            [whole] => text == *whole,
            [first, between @ .., last] => {
                let rest = text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str()));
                // To take the first place that fits leaves most for the parts behind it.
                rest.and_then(|rest| {
                    between.iter().try_fold(rest, |rest, part| Some(rest.split_once(part.as_str())?.1))
                })
                .is_some()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(Pattern, u16), String> {
        text.parse().map(|Rejection { pattern, code }| (pattern, code.code().value()))
    }

    #[test]
    fn code_is_behind_the_last_colon() {
        for (text, pattern, code) in [
            ("bob@mx.example", "bob@mx.example", 550),
            ("bob@mx.example:450", "bob@mx.example", 450),
            ("*:421", "*", 421),
            ("*@[IPv6:::1]", "*@[IPv6:::1]", 550),
            ("*@[IPv6:::1]:451", "*@[IPv6:::1]", 451),
            ("*@[IPv6:2001:db8:*", "*@[IPv6:2001:db8:*", 550),
            ("*@[IPv6:2001:*:450", "*@[IPv6:2001:*", 450),
            (r#""a:b"@mx.example"#, r#""a:b"@mx.example"#, 550),
        ] {
            assert_eq!(parse(text), Ok((Pattern::new(pattern), code)), "{text}");
        }
    }

    #[test]
    fn what_is_no_rejection() {
        for text in ["", ":450"] {
            assert_eq!(parse(text), Err("the pattern is missing: * stands for everybody".into()), "{text}");
        }
        for text in ["*:250", "*:354", "*:999", "*:45", "*:4500", "*:"] {
            let error = parse(text).expect_err(text);
            assert!(error.contains("4yz (not now) or 5yz (never)"), "{error}");
        }
    }

    #[test]
    fn stars_stand_for_any_run() {
        for (pattern, yes, no) in [
            (
                "bob@mx.example",
                &["bob@mx.example", "BOB@MX.Example"][..],
                &["bob@mx.example.org", "abob@mx.example"][..],
            ),
            ("*", &["", "bob@mx.example", "Postmaster"], &[]),
            ("*@MX.example", &["@mx.example", "bob@mx.example"], &["bob@mx.example.", "bob@amx.example2"]),
            ("bob*", &["bob", "bob@mx.example"], &["bo", "xbob"]),
            ("a*a", &["aa", "aba", "abaa"], &["a", "ab"]),
            ("a*b*c*d", &["abcd", "a-b-bc-cd", "abcbcd"], &["acbd", "abd", "abcd-"]),
            ("**x**", &["x", "axb"], &["", "ab"]),
            ("*ab*ab*", &["abab", "aabxabb"], &["ab", "aba", "aab"]),
            ("*@[IPv6:::1]", &["bob@[ipv6:::1]"], &["bob@[IPv6:::2]"]),
            ("?.+@x", &["?.+@x"], &["a.+@x", "?b+@x"]),
            ("*ü*", &["xü@y"], &["xÜ@y", "xu@y"]),
        ] {
            for text in yes {
                assert!(Pattern::new(pattern).is_match(text), "{pattern} is {text}");
            }
            for text in no {
                assert!(!Pattern::new(pattern).is_match(text), "{pattern} is not {text}");
            }
        }
    }

    #[test]
    fn first_that_applies_counts() {
        let rejections = ["bob@*:450", "*@mx.example"].map(|text| text.parse().expect("a rejection")).to_vec();
        let rejections = Rejections::new(rejections);
        let reply = |recipient| {
            let rejected = rejections.check(recipient).err()?;
            rejected.reply().map(ToString::to_string)
        };
        assert_eq!(reply("bob@mx.example").as_deref(), Some("450 4.2.1 mailbox not available, try again later"));
        assert_eq!(reply("carol@mx.example").as_deref(), Some("550 5.1.1 no such mailbox"));
        assert_eq!(reply("carol@other.example"), None);
    }
}
