//! Address literals (RFC 5321 §4.1.3).

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::octet::{self, DCONTENT, LDH, octet};
use super::{AddressError, Fault, Parsed, Reason};

/// `address-literal`: an address in square brackets that stands for a host without a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressLiteral<'a>(&'a str);

/// What an address literal holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LiteralKind<'a> {
    /// `[192.0.2.1]`. Zeros in front of a number change nothing.
    Ipv4(Ipv4Addr),
    /// `[IPv6:2001:db8::1]`, the tag in any case.
    Ipv6(Ipv6Addr),
    /// `General-address-literal`: a tag that some standard defines, a colon, and what that standard says.
    General {
        /// What stands before the colon.
        tag: &'a str,
        /// What stands behind it.
        content: &'a str,
    },
}

impl<'a> AddressLiteral<'a> {
    /// The longest address literal in octets, with its brackets (§4.5.3.1.2).
    pub const MAX: usize = 255;

    /// Parses a literal with its brackets.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn parse(text: &'a str) -> Result<Self, AddressError> {
        match literal(text) {
            Ok(("", literal)) => Ok(literal),
            Ok(_) => Err(Fault::from(Fault::of(Reason::AfterLiteral)).into()),
            Err(error) => Err(Fault::from(error).into()),
        }
    }

    /// The literal as it came, with its brackets.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.0
    }

    /// What it holds.
    #[must_use]
    pub fn kind(&self) -> LiteralKind<'a> {
        match inside(&self.0[1..]) {
            Ok((_, kind)) => kind,
            Err(_) => unreachable!("the literal was found valid when it was made"),
        }
    }

    /// The IP address, if it holds one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self.kind() {
            LiteralKind::Ipv4(address) => Some(address.into()),
            LiteralKind::Ipv6(address) => Some(address.into()),
            LiteralKind::General { .. } => None,
        }
    }

    /// A literal that was found valid before.
    pub(crate) const fn from_valid(text: &'a str) -> Self {
        Self(text)
    }
}

impl fmt::Display for AddressLiteral<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// `address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal ) "]"`
pub(crate) fn literal(input: &str) -> Parsed<'_, AddressLiteral<'_>> {
    let (rest, ()) = octet(b'[', Reason::Literal)(input)?;
    let (rest, _) = inside(rest).map_err(|error| within_limit(input, error))?;
    let length = input.len() - rest.len();
    if length > AddressLiteral::MAX {
        return Err(Fault::of(Reason::DomainTooLong));
    }
    Ok((rest, AddressLiteral(&input[..length])))
}

/// A text that ended too early and is as long as a literal may be cannot become one.
fn within_limit(input: &str, error: nom::Err<Fault>) -> nom::Err<Fault> {
    if input.len() >= AddressLiteral::MAX && Fault::from(error.clone()).at_end {
        return Fault::of(Reason::DomainTooLong);
    }
    error
}

/// What follows the opening bracket, with the closing one.
fn inside(input: &str) -> Parsed<'_, LiteralKind<'_>> {
    // Standardized-tag = Ldh-str, which an IPv4 address begins with as well.
    let (tag, rest) = input.split_at(octet::run(input, LDH));
    match rest.as_bytes().first() {
        None => Err(Fault::at(rest, Reason::NoClosingSquareBracket)),
        Some(b'.') if !tag.is_empty() => ipv4_literal(input),
        Some(b':') if !tag.is_empty() && !tag.ends_with('-') => {
            if tag.eq_ignore_ascii_case("IPv6") {
                ipv6_literal(&rest[1..])
            } else {
                general_literal(input, tag)
            }
        }
        Some(_) if octet::is(rest.as_bytes()[0], octet::NON_ASCII) => Err(Fault::of(Reason::LiteralCharacter)),
        Some(b':') if ipv6(rest.split(']').next().unwrap_or_default()).is_ok() => Err(Fault::of(Reason::UntaggedIpv6)),
        Some(_) => Err(Fault::of(Reason::Literal)),
    }
}

/// `IPv4-address-literal = Snum 3("." Snum)`, up to and with the bracket.
fn ipv4_literal(input: &str) -> Parsed<'_, LiteralKind<'_>> {
    let (rest, address) = ipv4(input)?;
    let (rest, ()) = close(rest, Reason::Ipv4)?;
    Ok((rest, LiteralKind::Ipv4(address)))
}

/// `IPv6-addr` behind `"IPv6:"`, up to and with the bracket.
fn ipv6_literal(input: &str) -> Parsed<'_, LiteralKind<'_>> {
    let (content, rest) = input.split_at(octet::run(input, DCONTENT));
    match ipv6(content) {
        Ok(address) => {
            let (rest, ()) = close(rest, Reason::LiteralCharacter)?;
            Ok((rest, LiteralKind::Ipv6(address)))
        }
        // More of an address that ended too early can come only where the text ends too.
        Err(Stop::Early) if rest.is_empty() => Err(Fault::at(rest, Reason::Ipv6)),
        Err(_) => Err(Fault::of(Reason::Ipv6)),
    }
}

/// `General-address-literal = Standardized-tag ":" 1*dcontent`, up to and with the bracket.
///
/// By this grammar alone an IPv6 address without its tag would be a literal whose tag is the first group.
fn general_literal<'a>(input: &'a str, tag: &'a str) -> Parsed<'a, LiteralKind<'a>> {
    let behind = &input[tag.len() + 1..];
    let (content, rest) = behind.split_at(octet::run(behind, DCONTENT));
    if content.is_empty() {
        return Err(Fault::at(rest, Reason::Literal));
    }
    let whole = &input[..tag.len() + 1 + content.len()];
    let (rest, ()) = close(rest, Reason::LiteralCharacter)?;
    if ipv6(whole).is_ok() {
        return Err(Fault::of(Reason::UntaggedIpv6));
    }
    Ok((rest, LiteralKind::General { tag, content }))
}

fn close(rest: &str, otherwise: Reason) -> Parsed<'_, ()> {
    let reason = if rest.is_empty() { Reason::NoClosingSquareBracket } else { otherwise };
    octet(b']', reason)(rest)
}

/// Four numbers with dots between them.
fn ipv4(input: &str) -> Parsed<'_, Ipv4Addr> {
    let (mut rest, first) = snum(input)?;
    let mut octets = [first, 0, 0, 0];
    for place in &mut octets[1..] {
        (rest, ()) = octet(b'.', Reason::Ipv4)(rest)?;
        (rest, *place) = snum(rest)?;
    }
    Ok((rest, octets.into()))
}

/// `Snum = 1*3DIGIT`, at most 255.
fn snum(input: &str) -> Parsed<'_, u8> {
    let digits = input.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = input.split_at(digits);
    if digits == 0 {
        return Err(Fault::at(rest, Reason::Ipv4));
    }
    match number.parse() {
        Ok(number) if digits <= 3 => Ok((rest, number)),
        _ => Err(Fault::of(Reason::Ipv4)),
    }
}

/// Why a text is no IPv6 address.
enum Stop {
    /// It is the beginning of one.
    Early,
    /// It is not even that.
    Wrong,
}

/// `IPv6-addr = IPv6-full / IPv6-comp / IPv6v4-full / IPv6v4-comp`, the whole text.
fn ipv6(text: &str) -> Result<Ipv6Addr, Stop> {
    let mut groups = [0; 8];
    let mut count = 0;
    // The number of groups before the "::".
    let mut gap = None;
    let mut rest = text;
    match rest.strip_prefix("::") {
        Some(behind) => (gap, rest) = (Some(0), behind),
        None if rest == ":" => return Err(Stop::Early),
        None => {}
    }
    while !(rest.is_empty() && gap == Some(count)) {
        let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        if digits == 0 {
            return Err(if rest.is_empty() { Stop::Early } else { Stop::Wrong });
        }
        if rest[digits..].starts_with('.') {
            let fits = if gap.is_some() { count <= 4 } else { count == 6 };
            let (left, address) = match ipv4(rest) {
                Ok(found) if fits => found,
                Err(error) if fits && Fault::from(error.clone()).at_end => return Err(Stop::Early),
                _ => return Err(Stop::Wrong),
            };
            if !left.is_empty() {
                return Err(Stop::Wrong);
            }
            let [a, b, c, d] = address.octets();
            groups[count] = u16::from_be_bytes([a, b]);
            groups[count + 1] = u16::from_be_bytes([c, d]);
            count += 2;
            break;
        }
        let most = if gap.is_some() { 6 } else { 8 };
        let (true, Ok(group)) = (digits <= 4 && count < most, u16::from_str_radix(&rest[..digits], 16)) else {
            return Err(Stop::Wrong);
        };
        groups[count] = group;
        count += 1;
        rest = &rest[digits..];
        if rest.is_empty() {
            break;
        }
        rest = rest.strip_prefix(':').ok_or(Stop::Wrong)?;
        if let Some(behind) = rest.strip_prefix(':') {
            if gap.is_some() || count > 6 {
                return Err(Stop::Wrong);
            }
            (gap, rest) = (Some(count), behind);
        } else if count >= most {
            return Err(Stop::Wrong);
        }
    }
    match gap {
        // The gap stands for two groups at least.
        Some(before) => {
            groups[before..].rotate_right(8 - count);
            Ok(groups.into())
        }
        None if count == 8 => Ok(groups.into()),
        None => Err(Stop::Early),
    }
}
