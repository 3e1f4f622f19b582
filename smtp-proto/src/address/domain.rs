//! Domains and hosts (RFC 5321 §4.1.2).

use core::fmt;

use super::literal::literal;
use super::octet::{self, LDH, NON_ASCII, dotted};
use super::{AddressError, AddressLiteral, Charset, Fault, Parsed, Reason};

/// `Domain`: labels with dots between them. It is not looked up, and its case is kept (domains compare without regard
/// to case, §2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Domain<'a>(&'a str);

/// `Domain / address-literal`: what stands behind the `@` of a mailbox and behind EHLO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Host<'a> {
    /// A host or mail domain by name.
    Domain(Domain<'a>),
    /// A host by address.
    Literal(AddressLiteral<'a>),
}

impl<'a> Domain<'a> {
    /// The longest domain in octets (§4.5.3.1.2).
    pub const MAX: usize = 255;

    /// The longest label in octets, if it is ASCII (RFC 1035 §2.3.4).
    pub const MAX_LABEL: usize = 63;

    /// Parses a domain, without a dot at its end.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn parse(text: &'a str, charset: Charset) -> Result<Self, AddressError> {
        match domain(text, charset) {
            Ok(("", domain)) => Ok(domain),
            Ok((rest, _)) => Err(Fault::from(unfit(rest, charset)).into()),
            Err(error) => Err(Fault::from(error).into()),
        }
    }

    /// The domain as it came.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.0
    }
}

impl<'a> Host<'a> {
    /// Parses a domain or an address literal.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn parse(text: &'a str, charset: Charset) -> Result<Self, AddressError> {
        if text.starts_with('[') {
            AddressLiteral::parse(text).map(Self::Literal)
        } else {
            Domain::parse(text, charset).map(Self::Domain)
        }
    }

    /// The host as it came, an address literal with its brackets.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        match self {
            Self::Domain(domain) => domain.0,
            Self::Literal(literal) => literal.as_str(),
        }
    }

    /// A host that was found valid before.
    pub(crate) fn from_valid(text: &'a str) -> Self {
        if text.starts_with('[') { Self::Literal(AddressLiteral::from_valid(text)) } else { Self::Domain(Domain(text)) }
    }
}

impl fmt::Display for Domain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `Domain / address-literal`
#[inline]
pub(crate) fn host(input: &str, charset: Charset) -> Parsed<'_, Host<'_>> {
    if input.starts_with('[') {
        literal(input).map(|(rest, literal)| (rest, Host::Literal(literal)))
    } else {
        domain(input, charset).map(|(rest, domain)| (rest, Host::Domain(domain)))
    }
}

/// `Domain = sub-domain *("." sub-domain)`
#[inline]
pub(crate) fn domain(input: &str, charset: Charset) -> Parsed<'_, Domain<'_>> {
    let label = |input, if_empty| sub_domain(input, charset, if_empty);
    let (rest, text) = match dotted(input, label, Reason::EmptyDomain, Reason::EmptyLabel) {
        // A text that ended too early and is as long as a domain may be cannot become one.
        Err(error) if input.len() >= Domain::MAX && Fault::from(error.clone()).at_end => {
            return Err(Fault::of(Reason::DomainTooLong));
        }
        found => found?,
    };
    if text.len() > Domain::MAX {
        return Err(Fault::of(Reason::DomainTooLong));
    }
    Ok((rest, Domain(text)))
}

/// `sub-domain = Let-dig [Ldh-str]`, with `Charset::Utf8` also `U-label`
#[inline]
fn sub_domain(input: &str, charset: Charset, if_empty: Reason) -> Parsed<'_, &str> {
    let classes = match charset {
        Charset::Ascii => LDH,
        Charset::Utf8 => LDH | NON_ASCII,
    };
    let (label, rest) = input.split_at(octet::run(input, classes));
    let ([first, .., last] | [first @ last]) = label.as_bytes() else {
        return Err(match rest.as_bytes().first() {
            None => Fault::at(rest, if_empty),
            Some(b'.') => Fault::of(Reason::EmptyLabel),
            Some(b'>' | b',' | b':') => Fault::of(if_empty),
            Some(_) => unfit(rest, charset),
        });
    };
    if *first == b'-' {
        return Err(Fault::of(Reason::LabelHyphen));
    }
    let is_ascii = charset == Charset::Ascii || label.is_ascii();
    let length = if is_ascii { label.len() } else { shortest_a_label(label) };
    if length > Domain::MAX_LABEL {
        return Err(Fault::of(Reason::LabelTooLong));
    }
    if *last == b'-' {
        let full = length == Domain::MAX_LABEL;
        return Err(if full { Fault::of(Reason::LabelTooLong) } else { Fault::at(rest, Reason::LabelHyphen) });
    }
    if !is_ascii && !may_be_u_label(label) {
        return Err(Fault::of(Reason::NotULabel));
    }
    Ok((rest, label))
}

/// A lower bound for the length of the A-label of a U-label, in octets: `xn--`, the ASCII characters, a hyphen if there
/// are any, and a digit at least for each other character (RFC 5890 §2.3.2.1, RFC 3492 §6.3).
fn shortest_a_label(label: &str) -> usize {
    let has_ascii = label.bytes().any(|octet| octet.is_ascii());
    "xn--".len() + label.chars().count() + usize::from(has_ascii)
}

/// Whether a label outside ASCII may be a U-label (RFC 5890 §2.3.2.1, RFC 5891 §4.2).
fn may_be_u_label(label: &str) -> bool {
    let hyphens = label.chars().skip(2).take(2).filter(|&character| character == '-').count();
    // U+3002, U+FF0E and U+FF61 are read as dots by some software, which would make two labels of this one.
    let is_odd = |character: char| {
        character.is_control()
            || character.is_whitespace()
            || matches!(character, '\u{3002}' | '\u{ff0e}' | '\u{ff61}' | '\u{fffd}'..='\u{ffff}')
    };
    hyphens < 2 && !label.chars().any(is_odd)
}

/// What is wrong with a character behind a domain that cannot stand there.
pub(crate) fn unfit(rest: &str, charset: Charset) -> nom::Err<Fault> {
    let outside_ascii = charset == Charset::Ascii && rest.bytes().next().is_some_and(|octet| !octet.is_ascii());
    Fault::of(if outside_ascii { Reason::NotAscii } else { Reason::DomainCharacter })
}
