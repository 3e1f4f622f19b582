//! Reverse-paths and forward-paths (RFC 5321 §4.1.2).

use core::fmt;

use nom::Parser as _;
use nom::combinator::{cut, recognize};
use nom::multi::many0_count;
use nom::sequence::{pair, preceded};

use super::domain::domain;
use super::mailbox::{after_host, mailbox};
use super::octet::octet;
use super::{AddressError, Charset, Fault, Mailbox, Parsed, Reason};

/// `Path = "<" [ A-d-l ":" ] Mailbox ">"`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Path<'a> {
    route: Option<&'a str>,
    mailbox: Mailbox<'a>,
}

/// `Reverse-path = Path / "<>"`: where notifications of failure go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReversePath<'a> {
    /// `<>`: nobody is to be notified (§4.5.5).
    Null,
    /// The sender.
    Path(Path<'a>),
}

/// What RCPT takes: `"<Postmaster>" / Forward-path` (§4.1.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ForwardPath<'a> {
    /// The postmaster of the receiving host, without a domain. The word as it came, in whatever case.
    Postmaster(&'a str),
    /// A recipient.
    Path(Path<'a>),
}

impl<'a> Path<'a> {
    /// The longest path in octets, with its brackets and its source route (§4.5.3.1.3).
    pub const MAX: usize = 256;

    /// Parses a path with its angle brackets.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn parse(text: &'a str, charset: Charset) -> Result<Self, AddressError> {
        whole(path(text, charset))
    }

    /// The source route without its colon, such as `@a.example,@b.example`. It SHOULD be ignored (§4.1.1.3).
    #[must_use]
    pub fn source_route(&self) -> Option<&'a str> {
        self.route
    }

    /// Whom the path leads to.
    #[must_use]
    pub fn mailbox(&self) -> Mailbox<'a> {
        self.mailbox
    }

    /// A path whose parts were found valid before.
    pub(crate) const fn from_parts(route: Option<&'a str>, mailbox: Mailbox<'a>) -> Self {
        Self { route, mailbox }
    }
}

impl<'a> ReversePath<'a> {
    /// Parses a reverse-path with its angle brackets.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn parse(text: &'a str, charset: Charset) -> Result<Self, AddressError> {
        whole(reverse_path(text, charset))
    }

    /// The reverse-path as an envelope keeps it: the mailbox without angle brackets and source route, empty if null.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.mailbox().map_or("", |mailbox| mailbox.as_str())
    }

    /// Whether it is the null reverse-path.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The sender, unless it is null.
    #[must_use]
    pub fn mailbox(&self) -> Option<Mailbox<'a>> {
        match self {
            Self::Null => None,
            Self::Path(path) => Some(path.mailbox),
        }
    }
}

impl<'a> ForwardPath<'a> {
    /// Parses a forward-path with its angle brackets.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn parse(text: &'a str, charset: Charset) -> Result<Self, AddressError> {
        whole(forward_path(text, charset))
    }

    /// The recipient, unless it is the postmaster without a domain.
    #[must_use]
    pub fn mailbox(&self) -> Option<Mailbox<'a>> {
        match self {
            Self::Postmaster(_) => None,
            Self::Path(path) => Some(path.mailbox),
        }
    }

    /// The forward-path as an envelope keeps it: the mailbox without angle brackets and source route, or `Postmaster`
    /// as it was written.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        match self {
            Self::Postmaster(name) => name,
            Self::Path(path) => path.mailbox().as_str(),
        }
    }

    /// Whether it is the postmaster, with a domain or without, in whatever case (§4.1.1.3, §4.5.1).
    #[must_use]
    pub fn is_postmaster(&self) -> bool {
        self.mailbox().is_none_or(|mailbox| mailbox.local_part().eq_ignore_ascii_case(POSTMASTER))
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.route {
            None => write!(f, "<{}>", self.mailbox),
            Some(route) => write!(f, "<{route}:{}>", self.mailbox),
        }
    }
}

impl fmt::Display for ReversePath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<>"),
            Self::Path(path) => path.fmt(f),
        }
    }
}

impl fmt::Display for ForwardPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postmaster(name) => write!(f, "<{name}>"),
            Self::Path(path) => path.fmt(f),
        }
    }
}

const POSTMASTER: &str = "postmaster";

/// `Reverse-path = Path / "<>"`
#[inline]
pub(crate) fn reverse_path(input: &str, charset: Charset) -> Parsed<'_, ReversePath<'_>> {
    match input.strip_prefix("<>") {
        Some(rest) => Ok((rest, ReversePath::Null)),
        None => path(input, charset).map(|(rest, path)| (rest, ReversePath::Path(path))),
    }
}

/// `"<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path`, of which the first is a case of the third
#[inline]
pub(crate) fn forward_path(input: &str, charset: Charset) -> Parsed<'_, ForwardPath<'_>> {
    if input.as_bytes().get(POSTMASTER.len() + 1) == Some(&b'>') && input.starts_with('<') {
        let name = input.get(1..=POSTMASTER.len()).unwrap_or_default();
        if name.eq_ignore_ascii_case(POSTMASTER) {
            return Ok((&input[POSTMASTER.len() + 2..], ForwardPath::Postmaster(name)));
        }
    }
    if input.starts_with("<>") {
        return Err(Fault::of(Reason::EmptyPath));
    }
    path(input, charset).map(|(rest, path)| (rest, ForwardPath::Path(path)))
}

/// `Path = "<" [ A-d-l ":" ] Mailbox ">"`
// Inlined, because moving its result costs as much as parsing some octets.
#[inline(always)]
pub(crate) fn path(input: &str, charset: Charset) -> Parsed<'_, Path<'_>> {
    let (rest, path) = match bracketed(input, charset) {
        // A text that ended too early and is as long as a path may be cannot become one.
        Err(error) if input.len() >= Path::MAX && Fault::from(error.clone()).at_end => {
            return Err(Fault::of(Reason::PathTooLong));
        }
        found => found?,
    };
    if input.len() - rest.len() > Path::MAX {
        return Err(Fault::of(Reason::PathTooLong));
    }
    Ok((rest, path))
}

#[inline(always)]
fn bracketed(input: &str, charset: Charset) -> Parsed<'_, Path<'_>> {
    let (rest, ()) = octet(b'<', Reason::NoOpeningBracket)(input)?;
    let (rest, route) = if rest.starts_with('@') {
        let (rest, route) = source_route(rest, charset)?;
        let (rest, ()) = octet(b':', Reason::RouteColon)(rest)?;
        (rest, Some(route))
    } else {
        (rest, None)
    };
    let (rest, mailbox) = mailbox(rest, charset)?;
    match rest.as_bytes().first() {
        Some(b'>') => Ok((&rest[1..], Path::from_parts(route, mailbox))),
        None | Some(b' ') => Err(Fault::at(rest, Reason::NoClosingBracket)),
        Some(_) => Err(after_host(rest, mailbox, charset)),
    }
}

/// `A-d-l = At-domain *( "," At-domain )`, where `At-domain = "@" Domain`
#[cold]
fn source_route(input: &str, charset: Charset) -> Parsed<'_, &str> {
    let at_domain = || preceded(octet(b'@', Reason::RouteColon), |input| domain(input, charset));
    let others = many0_count(preceded(octet(b',', Reason::RouteColon), cut(at_domain())));
    recognize(pair(at_domain(), others)).parse(input)
}

/// The whole text, nothing behind.
fn whole<T>(parsed: Parsed<'_, T>) -> Result<T, AddressError> {
    match parsed {
        Ok(("", found)) => Ok(found),
        Ok(_) => Err(Fault::from(Fault::of(Reason::AfterPath)).into()),
        Err(error) => Err(Fault::from(error).into()),
    }
}
