//! Enhanced status codes (RFC 3463, with the registry of RFC 5248).

use core::fmt;
use core::num::NonZeroU16;

use super::code::{Class, ReplyCode};

/// Subject and detail of an enhanced status code: the `y.z` of `x.y.z` (RFC 3463 §2).
///
/// The class, `x`, is not part of it: in a reply it is that of the reply code, so that the two cannot contradict each
/// other (RFC 2034 §4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Detail {
    /// The subject and one more, so that an absent detail takes no room.
    subject: NonZeroU16,
    detail: u16,
}

/// An enhanced status code `x.y.z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnhancedCode {
    class: u8,
    detail: Detail,
}

macro_rules! details {
    ($($name:ident = $subject:literal $detail:literal, $meaning:literal;)*) => {
        impl Detail {
            $(
                #[doc = concat!("X.", stringify!($subject), ".", stringify!($detail), ": ", $meaning, ".")]
                pub const $name: Self = Self::constant($subject, $detail);
            )*

            /// What RFC 3463 (or a later entry of the registry) says that this means, if it does.
            #[must_use]
            pub const fn meaning(self) -> Option<&'static str> {
                match (self.subject(), self.detail()) {
                    $(($subject, $detail) => Some($meaning),)*
                    _ => None,
                }
            }

            /// Every one that has a constant, in ascending order.
            pub const KNOWN: &[Self] = &[$(Self::$name),*];
        }
    };
}

details! {
    UNDEFINED = 0 0, "other or undefined status";
    OTHER_ADDRESS_STATUS = 1 0, "other address status";
    BAD_DESTINATION_MAILBOX = 1 1, "bad destination mailbox address";
    BAD_DESTINATION_SYSTEM = 1 2, "bad destination system address";
    BAD_DESTINATION_SYNTAX = 1 3, "bad destination mailbox address syntax";
    DESTINATION_AMBIGUOUS = 1 4, "destination mailbox address ambiguous";
    DESTINATION_ADDRESS_VALID = 1 5, "destination address valid";
    DESTINATION_MOVED = 1 6, "destination mailbox has moved, no forwarding address";
    BAD_SENDER_SYNTAX = 1 7, "bad sender's mailbox address syntax";
    BAD_SENDER_SYSTEM = 1 8, "bad sender's system address";
    RELAYED_TO_NON_COMPLIANT_MAILER = 1 9, "message relayed to non-compliant mailer (RFC 3886)";
    DESTINATION_TAKES_NO_MAIL = 1 10, "recipient address has null MX (RFC 7505)";
    OTHER_MAILBOX_STATUS = 2 0, "other or undefined mailbox status";
    MAILBOX_DISABLED = 2 1, "mailbox disabled, not accepting messages";
    MAILBOX_FULL = 2 2, "mailbox full";
    MESSAGE_TOO_LONG_FOR_MAILBOX = 2 3, "message length exceeds administrative limit";
    MAILING_LIST_EXPANSION_PROBLEM = 2 4, "mailing list expansion problem";
    OTHER_SYSTEM_STATUS = 3 0, "other or undefined mail system status";
    SYSTEM_FULL = 3 1, "mail system full";
    SYSTEM_NOT_ACCEPTING_MESSAGES = 3 2, "system not accepting network messages";
    SYSTEM_NOT_CAPABLE = 3 3, "system not capable of selected features";
    MESSAGE_TOO_BIG_FOR_SYSTEM = 3 4, "message too big for system";
    SYSTEM_MISCONFIGURED = 3 5, "system incorrectly configured";
    PRIORITY_CHANGED = 3 6, "requested priority was changed (RFC 6710)";
    OTHER_NETWORK_STATUS = 4 0, "other or undefined network or routing status";
    NO_ANSWER_FROM_HOST = 4 1, "no answer from host";
    BAD_CONNECTION = 4 2, "bad connection";
    DIRECTORY_SERVER_FAILURE = 4 3, "directory server failure";
    UNABLE_TO_ROUTE = 4 4, "unable to route";
    SYSTEM_CONGESTION = 4 5, "mail system congestion";
    ROUTING_LOOP = 4 6, "routing loop detected";
    DELIVERY_TIME_EXPIRED = 4 7, "delivery time expired";
    OTHER_PROTOCOL_STATUS = 5 0, "other or undefined protocol status";
    INVALID_COMMAND = 5 1, "invalid command";
    SYNTAX_ERROR = 5 2, "syntax error";
    TOO_MANY_RECIPIENTS = 5 3, "too many recipients";
    INVALID_ARGUMENTS = 5 4, "invalid command arguments";
    WRONG_PROTOCOL_VERSION = 5 5, "wrong protocol version";
    AUTHENTICATION_LINE_TOO_LONG = 5 6, "authentication exchange line is too long (RFC 4954)";
    OTHER_MEDIA_STATUS = 6 0, "other or undefined media error";
    MEDIA_NOT_SUPPORTED = 6 1, "media not supported";
    CONVERSION_PROHIBITED = 6 2, "conversion required and prohibited";
    CONVERSION_NOT_SUPPORTED = 6 3, "conversion required but not supported";
    CONVERSION_WITH_LOSS = 6 4, "conversion with loss performed";
    CONVERSION_FAILED = 6 5, "conversion failed";
    CONTENT_NOT_AVAILABLE = 6 6, "message content not available (RFC 4468)";
    NON_ASCII_ADDRESS_NOT_PERMITTED = 6 7, "non-ASCII addresses not permitted for that sender or recipient (RFC 6531)";
    UTF8_REPLY_NOT_PERMITTED = 6 8, "UTF-8 reply is required, but not permitted by the client (RFC 6531)";
    UTF8_HEADER_NOT_TRANSFERABLE = 6 9, "message with a UTF-8 header cannot be transferred to every recipient (RFC 6531)";
    OTHER_SECURITY_STATUS = 7 0, "other or undefined security status";
    NOT_AUTHORIZED = 7 1, "delivery not authorized, message refused";
    EXPANSION_PROHIBITED = 7 2, "mailing list expansion prohibited";
    SECURITY_CONVERSION_IMPOSSIBLE = 7 3, "security conversion required but not possible";
    SECURITY_NOT_SUPPORTED = 7 4, "security features not supported";
    CRYPTOGRAPHIC_FAILURE = 7 5, "cryptographic failure";
    CRYPTOGRAPHIC_ALGORITHM_NOT_SUPPORTED = 7 6, "cryptographic algorithm not supported";
    MESSAGE_INTEGRITY_FAILURE = 7 7, "message integrity failure";
    CREDENTIALS_INVALID = 7 8, "authentication credentials invalid (RFC 4954)";
    MECHANISM_TOO_WEAK = 7 9, "authentication mechanism is too weak (RFC 4954)";
    ENCRYPTION_NEEDED = 7 10, "encryption needed (RFC 5248)";
    ENCRYPTION_REQUIRED_FOR_MECHANISM = 7 11, "encryption required for requested authentication mechanism (RFC 4954)";
    PASSWORD_TRANSITION_NEEDED = 7 12, "a password transition is needed (RFC 4954)";
    ACCOUNT_DISABLED = 7 13, "user account disabled (RFC 5248)";
    TRUST_RELATIONSHIP_REQUIRED = 7 14, "trust relationship required (RFC 5248)";
    // RFC 4865 gave X.7.16 and X.7.17 another meaning; the registry has those of the later RFCs.
    PRIORITY_TOO_LOW = 7 15, "priority level is too low (RFC 6710)";
    MESSAGE_TOO_BIG_FOR_PRIORITY = 7 16, "message is too big for the specified priority (RFC 6710)";
    MAILBOX_OWNER_CHANGED = 7 17, "mailbox owner has changed (RFC 7293)";
    DOMAIN_OWNER_CHANGED = 7 18, "domain owner has changed (RFC 7293)";
    RRVS_CANNOT_BE_COMPLETED = 7 19, "RRVS test cannot be completed (RFC 7293)";
    NO_PASSING_DKIM_SIGNATURE = 7 20, "no passing DKIM signature found (RFC 7372)";
    NO_ACCEPTABLE_DKIM_SIGNATURE = 7 21, "no acceptable DKIM signature found (RFC 7372)";
    NO_AUTHOR_MATCHED_DKIM_SIGNATURE = 7 22, "no valid author-matched DKIM signature found (RFC 7372)";
    SPF_FAILED = 7 23, "SPF validation failed (RFC 7372)";
    SPF_ERROR = 7 24, "SPF validation error (RFC 7372)";
    REVERSE_DNS_FAILED = 7 25, "reverse DNS validation failed (RFC 7372)";
    MULTIPLE_AUTHENTICATION_CHECKS_FAILED = 7 26, "multiple authentication checks failed (RFC 7372)";
    SENDER_TAKES_NO_MAIL = 7 27, "sender address has null MX (RFC 7505)";
    REQUIRETLS_NEEDED = 7 30, "REQUIRETLS support required (RFC 8689)";
}

impl Detail {
    /// `X.subject.detail`.
    ///
    /// `None` unless both are below 1 000 (RFC 3463 §2).
    #[must_use]
    pub const fn new(subject: u16, detail: u16) -> Option<Self> {
        if subject < 1000 && detail < 1000 { Some(Self::constant(subject, detail)) } else { None }
    }

    const fn constant(subject: u16, detail: u16) -> Self {
        Self { subject: NonZeroU16::new(subject + 1).expect("one more than a number"), detail }
    }

    /// What the status is about.
    #[must_use]
    pub const fn subject(self) -> u16 {
        self.subject.get() - 1
    }

    /// What the subject means, for a status whose detail has no [`meaning`](Self::meaning) here (RFC 3463 §2).
    #[must_use]
    pub const fn subject_meaning(self) -> Option<&'static str> {
        Some(match self.subject() {
            0 => "other or undefined status",
            1 => "addressing status",
            2 => "mailbox status",
            3 => "mail system status",
            4 => "network and routing status",
            5 => "mail delivery protocol status",
            6 => "message content or media status",
            7 => "security or policy status",
            _ => return None,
        })
    }

    /// What exactly.
    #[must_use]
    pub const fn detail(self) -> u16 {
        self.detail
    }
}

impl EnhancedCode {
    /// The enhanced code of a reply: none for 3yz (RFC 2034 §4).
    #[must_use]
    pub const fn new(code: ReplyCode, detail: Detail) -> Option<Self> {
        match code.class() {
            Class::PositiveIntermediate => None,
            // One digit.
            _ => Some(Self { class: (code.value() / 100) as u8, detail }),
        }
    }

    /// Reads `x.y.z`, where x is 2, 4 or 5, and y and z are one to three digits without a needless zero.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (code, rest) = Self::parse_prefix(text)?;
        rest.is_empty().then_some(code)
    }

    /// Reads an enhanced code at the beginning of `text`; returns what follows as well.
    pub(crate) fn parse_prefix(text: &[u8]) -> Option<(Self, &[u8])> {
        let [class @ (b'2' | b'4' | b'5'), b'.', rest @ ..] = text else { return None };
        let (subject, rest) = number(rest)?;
        let (detail, rest) = number(rest.strip_prefix(b".")?)?;
        Some((Self { class: class - b'0', detail: Detail::constant(subject, detail) }, rest))
    }

    /// 2, 4 or 5.
    #[must_use]
    pub const fn class(self) -> u8 {
        self.class
    }

    /// Subject and detail.
    #[must_use]
    pub const fn detail(self) -> Detail {
        self.detail
    }
}

/// One to three digits.
fn number(text: &[u8]) -> Option<(u16, &[u8])> {
    let length = text.iter().take_while(|octet| octet.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(length);
    if !(1..=3).contains(&length) || (length > 1 && digits[0] == b'0') {
        return None;
    }
    Some((digits.iter().fold(0, |value, digit| value * 10 + u16::from(digit - b'0')), rest))
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.detail.subject(), self.detail.detail())
    }
}

impl fmt::Debug for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnhancedCode({self})")
    }
}

impl fmt::Debug for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Detail(X.{}.{})", self.subject(), self.detail)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::ToString;

    use super::{Detail, EnhancedCode};
    use crate::reply::ReplyCode;

    /// X-2034-4-01: the form of the code.
    #[test]
    fn parses_what_the_grammar_allows() {
        for good in ["2.0.0", "4.999.1", "5.7.30"] {
            let code = EnhancedCode::parse(good.as_bytes()).expect(good);
            assert_eq!(code.to_string(), good);
        }
        for bad in ["", "3.0.0", "1.0.0", "2.0", "2.0.", "2..0", "2.0.0.0", "2.01.0", "2.1000.0", "2.0.1000", "2.0.0 "]
        {
            assert_eq!(EnhancedCode::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    /// X-2034-4-02, X-2034-4-03: the class is that of the reply; 3yz has none.
    #[test]
    fn class_is_that_of_the_reply() {
        let code = EnhancedCode::new(ReplyCode::LOCAL_ERROR, Detail::OTHER_SYSTEM_STATUS).expect("4yz");
        assert_eq!(code.to_string(), "4.3.0");
        assert_eq!(EnhancedCode::new(ReplyCode::START_MAIL_INPUT, Detail::UNDEFINED), None);
    }

    /// Every entry of RFC 3463 §3, of RFC 5248 §2.4 and of the later RFCs that add to the registry.
    #[test]
    fn every_entry_of_the_registry_is_known() {
        let mut expected = 0;
        for (subject, details) in [
            (0, 0..=0),
            (1, 0..=10),
            (2, 0..=4),
            (3, 0..=6),
            (4, 0..=7),
            (5, 0..=6),
            (6, 0..=9),
            (7, 0..=27),
            (7, 30..=30),
        ] {
            for detail in details {
                let detail = Detail::new(subject, detail).expect("below 1 000");
                assert!(detail.meaning().is_some() && Detail::KNOWN.contains(&detail), "{detail:?}");
                expected += 1;
            }
        }
        assert_eq!(Detail::KNOWN.len(), expected);
        assert!(Detail::KNOWN.is_sorted());
    }

    #[test]
    fn details_have_meanings_and_no_cost() {
        assert_eq!(Detail::ROUTING_LOOP.meaning(), Some("routing loop detected"));
        assert_eq!(Detail::new(7, 999).and_then(Detail::meaning), None);
        assert_eq!(Detail::new(7, 999).and_then(Detail::subject_meaning), Some("security or policy status"));
        assert_eq!(Detail::new(8, 1).and_then(Detail::subject_meaning), None);
        assert_eq!(Detail::new(1000, 0), None);
        assert_eq!(Detail::new(0, 1000), None);
        assert_eq!(size_of::<Option<Detail>>(), 4);
    }
}
