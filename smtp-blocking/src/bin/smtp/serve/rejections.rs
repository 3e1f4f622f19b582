//! Recipients that are refused, for tests of clients.

use core::str::FromStr;

use smtp_blocking::Reject;
use smtp_proto::reply::{Detail, Reply, ReplyCode};

/// A pattern of addresses and the code that they are refused with, as `PATTERN[:CODE]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rejection {
    pattern: String,
    code: ReplyCode,
}

impl Rejection {
    /// The refusal of this recipient, if the pattern is its.
    pub(super) fn of(&self, recipient: &str) -> Option<Reject> {
        matches(&self.pattern.to_ascii_lowercase(), &recipient.to_ascii_lowercase()).then(|| {
            let (detail, text) = if self.code.value() < 500 {
                (Detail::MAILBOX_DISABLED, "this recipient is not served at present")
            } else {
                (Detail::BAD_DESTINATION_MAILBOX, "no such recipient here")
            };
            Reply::new(self.code, detail, text).into()
        })
    }
}

impl FromStr for Rejection {
    type Err = &'static str;

    /// A colon with three digits behind it at the end begins the code; all others belong to the pattern, for example to
    /// an address literal.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (pattern, code) = match text.rsplit_once(':').filter(|(_, code)| is_code(code)) {
            Some((pattern, code)) => (pattern, refusal(code)?),
            None => (text, ReplyCode::MAILBOX_UNAVAILABLE),
        };
        if pattern.is_empty() { Err("the pattern is missing") } else { Ok(Self { pattern: pattern.into(), code }) }
    }
}

/// Whether this is a reply code by its form.
pub(super) fn is_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|octet| octet.is_ascii_digit())
}

/// A code that refuses.
pub(super) fn refusal(text: &str) -> Result<ReplyCode, &'static str> {
    let code = text.parse().ok().and_then(ReplyCode::new);
    code.filter(|code| (400..600).contains(&code.value())).ok_or("a code that refuses is 4yz or 5yz")
}

/// Whether a text is of a pattern in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|text| {
            let mut rests = text.char_indices().map(|(at, _)| &text[at..]).chain([""]);
            rests.any(|rest| matches(tail, rest))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Rejection, matches};

    #[test]
    fn patterns() {
        let cases = [
            ("bob@a.example", "bob@a.example", true),
            ("bob@a.example", "bob@a.example.org", false),
            ("*", "", true),
            ("*@a.example", "bob@a.example", true),
            ("bob@*", "bob@a.example", true),
            ("b*b@*.example", "bob@a.example", true),
            ("b*b@*.example", "bab@b@a.example", true),
            ("b*x@*", "bob@a.example", false),
            ("**", "ü", true),
        ];
        for (pattern, text, is_its) in cases {
            assert_eq!(matches(pattern, text), is_its, "{pattern} {text}");
        }
    }

    #[test]
    fn pattern_and_code() {
        let code = |text: &str, recipient| {
            let rejection: Rejection = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            rejection.of(recipient).map(|reject| reject.reply().code().value())
        };
        assert_eq!(code("BOB@a.example", "bob@A.example"), Some(550));
        assert_eq!(code("bob@a.example:452", "bob@a.example"), Some(452));
        assert_eq!(code("*@[IPv6:::1]", "bob@[IPv6:::1]"), Some(550));
        assert_eq!(code("*@[IPv6:::1]:553", "bob@[ipv6:::1]"), Some(553));
        assert_eq!(code("*:4500", "bob:4500"), Some(550));
        for wrong in ["", ":550", "bob:250", "bob:354", "bob:600"] {
            assert!(wrong.parse::<Rejection>().is_err(), "{wrong}");
        }
    }
}
