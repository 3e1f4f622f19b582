//! Why a text is not an address.

use core::fmt;

use nom::error::{ErrorKind, ParseError};

/// Why a text is not an address. It prints as a clause that names the reason.
///
/// ```
/// use smtp_proto::address::{Charset, Mailbox};
///
/// let error = Mailbox::parse("@example.org", Charset::Ascii).unwrap_err();
/// assert_eq!(error.to_string(), "the local part is empty");
/// assert!(Mailbox::parse("alice@", Charset::Ascii).unwrap_err().is_incomplete());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressError(Fault);

impl AddressError {
    /// Whether the text is the correct beginning of an address and only ended too early.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.0.at_end
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.reason.fmt(f)
    }
}

impl core::error::Error for AddressError {}

impl From<Fault> for AddressError {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

/// What a grammar gives: the rest of the text and what was found.
pub(crate) type Parsed<'a, T> = nom::IResult<&'a str, T, Fault>;

/// Where a grammar stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) reason: Reason,
    /// Only the end of the text is wrong: more of it could make it right.
    pub(crate) at_end: bool,
}

impl Fault {
    /// A fault that no further text mends.
    pub(crate) const fn of(reason: Reason) -> nom::Err<Self> {
        nom::Err::Failure(Self { reason, at_end: false })
    }

    /// A fault at the beginning of `rest`.
    pub(crate) const fn at(rest: &str, reason: Reason) -> nom::Err<Self> {
        nom::Err::Error(Self { reason, at_end: rest.is_empty() })
    }
}

impl From<nom::Err<Self>> for Fault {
    fn from(error: nom::Err<Self>) -> Self {
        match error {
            nom::Err::Error(fault) | nom::Err::Failure(fault) => fault,
            nom::Err::Incomplete(_) => Self { reason: Reason::Character, at_end: true },
        }
    }
}

impl ParseError<&str> for Fault {
    fn from_error_kind(rest: &str, _: ErrorKind) -> Self {
        Self { reason: Reason::Character, at_end: rest.is_empty() }
    }

    fn append(_: &str, _: ErrorKind, other: Self) -> Self {
        other
    }
}

macro_rules! reasons {
    ($($name:ident: $text:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Reason {
            $($name,)*
        }

        impl fmt::Display for Reason {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$name => $text,)*
                })
            }
        }
    };
}

reasons! {
    Character: "there is a character where none of its kind may stand",
    NoOpeningBracket: "a path begins with <",
    NoClosingBracket: "the path does not end with >",
    AfterPath: "something follows the path",
    EmptyPath: "a forward-path is not empty",
    PathTooLong: "the path is longer than 256 octets",
    RouteColon: "the source route has no colon at its end",
    EmptyLocalPart: "the local part is empty",
    EmptyAtom: "the local part begins or ends with a dot or has two dots in a row",
    LocalPartCharacter: "the local part has a character that may stand only between quotes",
    QuotedCharacter: "the quoted local part has a control character",
    NoClosingQuote: "the quoted local part has no closing quote",
    AfterQuote: "something other than @ follows the quoted local part",
    LocalPartTooLong: "the local part is longer than 64 octets",
    NoAt: "there is no @ behind the local part",
    EmptyDomain: "the domain is empty",
    EmptyLabel: "the domain begins or ends with a dot or has two dots in a row",
    LabelHyphen: "a label of the domain begins or ends with a hyphen",
    LabelTooLong: "a label of the domain is longer than 63 octets",
    NotULabel: "a label of the domain cannot be an internationalised one",
    DomainCharacter: "the domain has a character other than letters, digits, hyphens and dots",
    DomainTooLong: "the domain is longer than 255 octets",
    NotAscii: "there is a character outside ASCII, which needs SMTPUTF8",
    Literal: "the address literal is neither an IPv4 address nor a tag, a colon and an address",
    Ipv4: "the IPv4 address is not four numbers from 0 to 255 with dots between them",
    Ipv6: "the IPv6 address of the literal is malformed",
    UntaggedIpv6: "an IPv6 address literal begins with the tag IPv6:",
    LiteralCharacter: "the address literal has a character that may not stand in it",
    NoClosingSquareBracket: "the address literal has no closing bracket",
    AfterLiteral: "something follows the address literal",
}
