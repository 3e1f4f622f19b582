//! Reply codes (RFC 5321 §4.2).

use core::fmt;

/// The three digits of a reply.
///
/// The first says whether the answer is good, bad or incomplete ([`Class`]), the second what it is about
/// ([`Category`]). A client goes by the class, because servers may use codes that it does not know (RFC 5321 §4.2.1).
///
/// ```
/// use smtp_proto::reply::{Class, ReplyCode};
///
/// let code = ReplyCode::new(550).expect("three digits, the first from 2 to 5");
/// assert_eq!(code, ReplyCode::MAILBOX_UNAVAILABLE);
/// assert_eq!(code.class(), Class::PermanentNegative);
/// assert_eq!(ReplyCode::new(199), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyCode(u16);

/// What the first digit of a reply code says (§4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// 2yz: done.
    PositiveCompletion,
    /// 3yz: go on with what belongs to the command.
    PositiveIntermediate,
    /// 4yz: not done, may succeed later.
    TransientNegative,
    /// 5yz: not done, and will not be.
    PermanentNegative,
}

/// What the second digit of a reply code says (§4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// x0z: syntax.
    Syntax,
    /// x1z: information.
    Information,
    /// x2z: the connection.
    Connection,
    /// x3z and x4z: not specified by RFC 5321 (RFC 4954 uses x3z for authentication).
    Unspecified,
    /// x5z: the mail system.
    MailSystem,
    /// Beyond the grammar, which ends at x5z. Servers use such codes (571 is one), and the class is what counts.
    Beyond,
}

macro_rules! codes {
    ($($name:ident = $value:literal, $meaning:literal;)*) => {
        impl ReplyCode {
            $(
                #[doc = concat!(stringify!($value), ": ", $meaning, ".")]
                pub const $name: Self = Self($value);
            )*

            /// What RFC 5321 §4.2.2 (or the RFC of an extension) says that this code means, if it does.
            #[must_use]
            pub const fn meaning(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($meaning),)*
                    _ => None,
                }
            }

            /// Every code that has a constant, in ascending order.
            pub const KNOWN: &[Self] = &[$(Self::$name),*];
        }
    };
}

codes! {
    SYSTEM_STATUS = 211, "system status, or system help reply";
    HELP_MESSAGE = 214, "help message";
    SERVICE_READY = 220, "service ready";
    CLOSING = 221, "service closing transmission channel";
    AUTHENTICATION_SUCCEEDED = 235, "authentication succeeded (RFC 4954)";
    OK = 250, "requested mail action okay, completed";
    USER_NOT_LOCAL_WILL_FORWARD = 251, "user not local, will forward to the forward-path given";
    CANNOT_VERIFY = 252, "cannot verify the user, but will accept the message and attempt delivery";
    PENDING_MESSAGES = 253, "that many messages are pending for the node (RFC 1985)";
    AUTHENTICATION_CHALLENGE = 334, "server challenge (RFC 4954)";
    START_MAIL_INPUT = 354, "start mail input, end with a line that holds a single dot";
    SERVICE_NOT_AVAILABLE = 421, "service not available, closing transmission channel";
    PASSWORD_TRANSITION_NEEDED = 432, "a password transition is needed (RFC 4954)";
    MAILBOX_BUSY = 450, "requested mail action not taken, mailbox unavailable for now";
    LOCAL_ERROR = 451, "requested action aborted, local error in processing";
    INSUFFICIENT_STORAGE = 452, "requested action not taken, insufficient system storage";
    NO_MAIL_FOR_YOU = 453, "you have no mail (RFC 2645)";
    TEMPORARY_AUTHENTICATION_FAILURE = 454, "temporary authentication failure (RFC 4954), or TLS not available (RFC 3207)";
    CANNOT_ACCOMMODATE_PARAMETERS = 455, "server unable to accommodate parameters";
    UNABLE_TO_QUEUE = 458, "unable to queue messages for the node (RFC 1985)";
    NODE_NOT_ALLOWED = 459, "node not allowed (RFC 1985)";
    COMMAND_UNRECOGNIZED = 500, "syntax error, command unrecognized";
    SYNTAX_ERROR = 501, "syntax error in parameters or arguments";
    NOT_IMPLEMENTED = 502, "command not implemented";
    BAD_SEQUENCE = 503, "bad sequence of commands";
    PARAMETER_NOT_IMPLEMENTED = 504, "command parameter not implemented";
    HOST_TAKES_NO_MAIL = 521, "host does not accept mail (RFC 7504)";
    AUTHENTICATION_REQUIRED = 530, "authentication required (RFC 4954), or STARTTLS first (RFC 3207)";
    AUTHENTICATION_TOO_WEAK = 534, "authentication mechanism is too weak (RFC 4954)";
    AUTHENTICATION_FAILED = 535, "authentication credentials invalid (RFC 4954)";
    ENCRYPTION_REQUIRED = 538, "encryption required for the authentication mechanism (RFC 4954)";
    MAILBOX_UNAVAILABLE = 550, "requested action not taken, mailbox unavailable";
    USER_NOT_LOCAL = 551, "user not local, try the forward-path given";
    STORAGE_EXCEEDED = 552, "requested mail action aborted, exceeded storage allocation";
    MAILBOX_NAME_NOT_ALLOWED = 553, "requested action not taken, mailbox name not allowed";
    TRANSACTION_FAILED = 554, "transaction failed, or no SMTP service here";
    PARAMETERS_NOT_RECOGNIZED = 555, "MAIL FROM or RCPT TO parameters not recognized or not implemented";
    DOMAIN_TAKES_NO_MAIL = 556, "domain does not accept mail (RFC 7504)";
}

impl ReplyCode {
    /// A code whose first digit is 2, 3, 4 or 5; others are no replies (RFC 5321 §4.2).
    #[must_use]
    pub const fn new(value: u16) -> Option<Self> {
        if value >= 200 && value <= 599 { Some(Self(value)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> u16 {
        self.0
    }

    /// What the first digit says.
    #[must_use]
    pub const fn class(self) -> Class {
        match self.0 / 100 {
            2 => Class::PositiveCompletion,
            3 => Class::PositiveIntermediate,
            4 => Class::TransientNegative,
            _ => Class::PermanentNegative,
        }
    }

    /// What the second digit says.
    #[must_use]
    pub const fn category(self) -> Category {
        match self.0 / 10 % 10 {
            0 => Category::Syntax,
            1 => Category::Information,
            2 => Category::Connection,
            3 | 4 => Category::Unspecified,
            5 => Category::MailSystem,
            _ => Category::Beyond,
        }
    }

    /// Whether the code is one of the grammar of §4.2, whose second digit is 0 to 5.
    #[must_use]
    pub const fn is_standard(self) -> bool {
        !matches!(self.category(), Category::Beyond)
    }

    pub(super) const fn from_digits(digits: [u8; 3]) -> Option<Self> {
        let [a, b, c] = digits;
        if a.is_ascii_digit() && b.is_ascii_digit() && c.is_ascii_digit() {
            Self::new((a - b'0') as u16 * 100 + (b - b'0') as u16 * 10 + (c - b'0') as u16)
        } else {
            None
        }
    }

    pub(super) const fn digits(self) -> [u8; 3] {
        // Each is below ten.
        [(self.0 / 100) as u8 + b'0', (self.0 / 10 % 10) as u8 + b'0', (self.0 % 10) as u8 + b'0']
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplyCode({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Category, Class, ReplyCode};

    /// R-4.2.1-01, R-4.2.1-02, R-4.2.1-03, R-4.2.1-05: the first digit is the class.
    #[test]
    fn first_digit_is_the_class() {
        let expected = [
            (250, Class::PositiveCompletion),
            (354, Class::PositiveIntermediate),
            (451, Class::TransientNegative),
            (599, Class::PermanentNegative),
        ];
        for (value, class) in expected {
            assert_eq!(ReplyCode::new(value).map(ReplyCode::class), Some(class));
        }
    }

    /// R-4.2-22: a first digit outside 2 to 5 is no reply.
    #[test]
    fn other_first_digits_are_refused() {
        for value in [0, 25, 100, 199, 600, 999, u16::MAX] {
            assert_eq!(ReplyCode::new(value), None, "{value}");
        }
    }

    #[test]
    fn second_digit_is_the_category() {
        let categories = [
            (500, Category::Syntax),
            (214, Category::Information),
            (421, Category::Connection),
            (334, Category::Unspecified),
            (250, Category::MailSystem),
            (571, Category::Beyond),
        ];
        for (value, category) in categories {
            let code = ReplyCode::new(value).expect("in range");
            assert_eq!((code.category(), code.is_standard()), (category, value != 571));
        }
    }

    /// Every code of RFC 5321 §4.2.2 and §4.2.3 has a constant and a meaning.
    #[test]
    fn every_code_of_the_rfc_is_known() {
        let of_the_rfc = [
            211, 214, 220, 221, 250, 251, 252, 354, 421, 450, 451, 452, 455, 500, 501, 502, 503, 504, 550, 551, 552,
            553, 554, 555,
        ];
        for value in of_the_rfc {
            let code = ReplyCode::new(value).expect("in range");
            assert!(code.meaning().is_some() && ReplyCode::KNOWN.contains(&code), "{value}");
        }
        assert!(ReplyCode::KNOWN.is_sorted());
    }
}
