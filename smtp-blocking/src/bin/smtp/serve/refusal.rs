//! The replies of refusals that the command line asks for.

use core::fmt;
use core::str::FromStr;

use smtp_proto::reply::{Class, Detail, Reply, ReplyCode};

use super::faults::Verb;

/// The code of a refusal: 4yz (not now) or 5yz (never).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RefusalCode(ReplyCode);

impl RefusalCode {
    /// A mailbox that is not there.
    pub(super) const NO_MAILBOX: Self = Self(ReplyCode::MAILBOX_UNAVAILABLE);

    pub(super) fn code(self) -> ReplyCode {
        self.0
    }

    /// The reply with this code at this point of a session.
    pub(super) fn reply(self, verb: Verb, text: impl Into<String>) -> Reply {
        Reply::new(self.0, self.detail(verb), text)
    }

    /// What fits the code (RFC 3463 §3, RFC 4954 §6); the class is that of the code.
    fn detail(self, verb: Verb) -> Detail {
        match (verb, self.0.value()) {
            (_, 421 | 521) => Detail::SYSTEM_NOT_ACCEPTING_MESSAGES,
            (_, 500 | 502 | 503) => Detail::INVALID_COMMAND,
            (_, 455 | 501 | 504 | 555) => Detail::INVALID_ARGUMENTS,
            (_, 454 | 530) => Detail::OTHER_SECURITY_STATUS,
            (Verb::Auth, 432) => Detail::PASSWORD_TRANSITION_NEEDED,
            (Verb::Auth, 534) => Detail::MECHANISM_TOO_WEAK,
            (Verb::Auth, 535) => Detail::CREDENTIALS_INVALID,
            (Verb::Auth, 538) => Detail::ENCRYPTION_REQUIRED_FOR_MECHANISM,
            (Verb::Rcpt, 452 | 552) => Detail::MAILBOX_FULL,
            (Verb::Rcpt, 551) => Detail::DESTINATION_MOVED,
            (Verb::Rcpt, 553) => Detail::BAD_DESTINATION_SYNTAX,
            (Verb::Rcpt, 556) => Detail::DESTINATION_TAKES_NO_MAIL,
            (Verb::Rcpt, 550 | 554) => Detail::BAD_DESTINATION_MAILBOX,
            (Verb::Rcpt, _) => Detail::MAILBOX_DISABLED,
            (_, 452) => Detail::SYSTEM_FULL,
            (_, 552) => Detail::MESSAGE_TOO_BIG_FOR_SYSTEM,
            (_, 550 | 554) => Detail::NOT_AUTHORIZED,
            _ => Detail::OTHER_SYSTEM_STATUS,
        }
    }
}

impl FromStr for RefusalCode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.len() == 3 && text.bytes().all(|octet| octet.is_ascii_digit());
        let code = text.parse().ok().filter(|_| digits).and_then(ReplyCode::new);
        match code {
            Some(code) if matches!(code.class(), Class::TransientNegative | Class::PermanentNegative) => Ok(Self(code)),
            _ => Err(format!("{text} refuses nothing: the code of a refusal is 4yz (not now) or 5yz (never)")),
        }
    }
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_refuse() {
        for code in [400, 421, 450, 499, 500, 550, 571, 599] {
            let parsed = code.to_string().parse::<RefusalCode>().expect("a refusal");
            assert_eq!((parsed.code().value(), parsed.to_string()), (code, code.to_string()));
        }
        for text in ["", "220", "250", "354", "399", "600", "999", "000", "45", "4500", "+45", "45x", "４５０"] {
            let error = text.parse::<RefusalCode>().expect_err(text);
            assert!(error.contains("4yz"), "{error}");
        }
    }

    #[test]
    fn details_fit() {
        for (verb, code, enhanced) in [
            (Verb::Rcpt, 550, "5.1.1"),
            (Verb::Rcpt, 450, "4.2.1"),
            (Verb::Rcpt, 452, "4.2.2"),
            (Verb::Mail, 452, "4.3.1"),
            (Verb::Mail, 550, "5.7.1"),
            (Verb::Data, 421, "4.3.2"),
            (Verb::Data, 451, "4.3.0"),
            (Verb::Dot, 552, "5.3.4"),
            (Verb::Auth, 454, "4.7.0"),
            (Verb::Auth, 535, "5.7.8"),
        ] {
            let reply = code.to_string().parse::<RefusalCode>().expect("a refusal").reply(verb, "no");
            assert_eq!(reply.enhanced().map(|enhanced| enhanced.to_string()).as_deref(), Some(enhanced), "{code}");
        }
    }
}
