//! Mailboxes and local parts (RFC 5321 §4.1.2).

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use super::domain::{host, unfit};
use super::octet::{self, ATEXT, NON_ASCII, QTEXT, dotted, octet};
use super::{AddressError, Charset, Fault, Host, Parsed, Reason};

/// `Mailbox = Local-part "@" ( Domain / address-literal )`
///
/// ```
/// use smtp_proto::address::{Charset, Mailbox};
///
/// let mailbox = Mailbox::parse(r#""Joe\,Smith"@example.org"#, Charset::Ascii)?;
/// assert_eq!(mailbox.local_part(), r#""Joe\,Smith""#);
/// assert_eq!(mailbox.domain(), "example.org");
/// assert_eq!(mailbox.canonical(), r#""Joe,Smith"@example.org"#);
/// # Ok::<(), smtp_proto::address::AddressError>(())
/// ```
///
/// Two of them are equal if their octets are. For equality in the sense of §4.1.2 see
/// [`is_equivalent`](Self::is_equivalent).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mailbox<'a> {
    text: &'a str,
    /// Where the `@` stands.
    at: usize,
}

impl<'a> Mailbox<'a> {
    /// The longest mailbox in octets: a path may be 256 octets long, with its brackets (§4.5.3.1.3).
    pub const MAX: usize = 254;

    /// The longest local part in octets, with its quotes (§4.5.3.1.1).
    pub const MAX_LOCAL_PART: usize = 64;

    /// Parses a mailbox, without angle brackets.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn parse(text: &'a str, charset: Charset) -> Result<Self, AddressError> {
        let fault = match mailbox(text, charset) {
            Ok(("", mailbox)) if text.len() <= Self::MAX => return Ok(mailbox),
            Ok(("", _)) => Fault::of(Reason::PathTooLong).into(),
            Ok((rest, mailbox)) => after_host(rest, mailbox, charset).into(),
            Err(error) => Fault::from(error),
        };
        let can_grow = text.len() < Self::MAX;
        Err(if fault.at_end && !can_grow { Fault::from(Fault::of(Reason::PathTooLong)).into() } else { fault.into() })
    }

    /// The mailbox as it came.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// The local part as it came, with its quotes if it has any.
    #[must_use]
    pub fn local_part(&self) -> &'a str {
        &self.text[..self.at]
    }

    /// The domain, or the address literal with its brackets, as it came.
    #[must_use]
    pub fn domain(&self) -> &'a str {
        &self.text[self.at + 1..]
    }

    /// The domain or address literal.
    #[must_use]
    pub fn host(&self) -> Host<'a> {
        Host::from_valid(self.domain())
    }

    /// Whether the local part is a `Quoted-string`.
    #[must_use]
    pub fn is_quoted(&self) -> bool {
        self.text.starts_with('"')
    }

    /// The spelling with the least quoting (§4.1.2): without quotes where the local part is a `Dot-string` without
    /// them, and without needless backslashes. The domain stays as it is.
    #[must_use]
    pub fn canonical(&self) -> Cow<'a, str> {
        if !self.is_quoted() {
            return Cow::Borrowed(self.text);
        }
        let mut canonical = String::with_capacity(self.text.len());
        canonical.extend(self.characters());
        if !matches!(dot_string(&canonical, Charset::Utf8), Ok(("", _))) {
            canonical.clear();
            canonical.push('"');
            for character in self.characters() {
                if matches!(character, '"' | '\\') {
                    canonical.push('\\');
                }
                canonical.push(character);
            }
            canonical.push('"');
        }
        if canonical.len() == self.at {
            return Cow::Borrowed(self.text);
        }
        canonical.push_str(&self.text[self.at..]);
        Cow::Owned(canonical)
    }

    /// Whether both name the same mailbox as far as an SMTP host can tell: local parts are equal however they are
    /// quoted, but for case (§2.4, §4.1.2), and domains without regard to the case of ASCII letters.
    #[must_use]
    pub fn is_equivalent(&self, other: &Mailbox<'_>) -> bool {
        self.domain().eq_ignore_ascii_case(other.domain()) && self.characters().eq(other.characters())
    }

    /// A mailbox that was found valid before, with its `@` at octet `at`.
    pub(crate) const fn from_parts(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    /// What the local part says, without quotes and the backslashes of quoted pairs.
    fn characters(&self) -> impl Iterator<Item = char> + use<'a> {
        let quoted = self.is_quoted();
        let inner = if quoted { &self.text[1..self.at - 1] } else { self.local_part() };
        let mut escaped = false;
        inner.chars().filter(move |&character| {
            escaped = quoted && !escaped && character == '\\';
            !escaped
        })
    }
}

impl fmt::Display for Mailbox<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl fmt::Debug for Mailbox<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mailbox").field(&self.text).finish()
    }
}

/// `Mailbox = Local-part "@" ( Domain / address-literal )`
#[inline]
pub(crate) fn mailbox(input: &str, charset: Charset) -> Parsed<'_, Mailbox<'_>> {
    let (rest, local) = local_part(input, charset)?;
    let (rest, ()) = octet(b'@', Reason::NoAt)(rest).map_err(|_| before_at(rest, local, charset))?;
    let (rest, _) = host(rest, charset)?;
    Ok((rest, Mailbox::from_parts(&input[..input.len() - rest.len()], local.len())))
}

/// `Local-part = Dot-string / Quoted-string`
#[inline]
pub(crate) fn local_part(input: &str, charset: Charset) -> Parsed<'_, &str> {
    let found = if input.starts_with('"') { quoted_string(input, charset) } else { dot_string(input, charset) };
    match found {
        // A text that ended too early and is as long as a local part may be cannot become one.
        Err(error) if input.len() >= Mailbox::MAX_LOCAL_PART && Fault::from(error.clone()).at_end => {
            Err(Fault::of(Reason::LocalPartTooLong))
        }
        Ok((_, local)) if local.len() > Mailbox::MAX_LOCAL_PART => Err(Fault::of(Reason::LocalPartTooLong)),
        found => found,
    }
}

/// `Dot-string = Atom *("." Atom)`
#[inline]
fn dot_string(input: &str, charset: Charset) -> Parsed<'_, &str> {
    dotted(input, |input, if_empty| atom(input, charset, if_empty), Reason::EmptyLocalPart, Reason::EmptyAtom)
}

/// `Atom = 1*atext`
#[inline]
pub(crate) fn atom(input: &str, charset: Charset, if_empty: Reason) -> Parsed<'_, &str> {
    let (atom, rest) = input.split_at(octet::run(input, with(charset, ATEXT)));
    if !atom.is_empty() {
        return Ok((rest, atom));
    }
    Err(match rest.as_bytes().first() {
        None => Fault::at(rest, if_empty),
        Some(b'.') => Fault::of(Reason::EmptyAtom),
        Some(b'@' | b'>') => Fault::of(if_empty),
        Some(_) => odd_character(rest),
    })
}

/// `Quoted-string = DQUOTE *QcontentSMTP DQUOTE`
pub(crate) fn quoted_string(input: &str, charset: Charset) -> Parsed<'_, &str> {
    let classes = with(charset, QTEXT);
    let (mut rest, ()) = octet(b'"', Reason::NoClosingQuote)(input)?;
    loop {
        rest = &rest[octet::run(rest, classes)..];
        match *rest.as_bytes() {
            [b'"', ..] => return Ok((&rest[1..], &input[..input.len() - rest.len() + 1])),
            // quoted-pairSMTP = %d92 %d32-126
            [b'\\', 32..=126, ..] => rest = &rest[2..],
            [] | [b'\\'] => return Err(Fault::at("", Reason::NoClosingQuote)),
            [b'\\', octet, ..] | [octet, ..] => {
                let reason = if octet.is_ascii() { Reason::QuotedCharacter } else { Reason::NotAscii };
                return Err(Fault::of(reason));
            }
        }
    }
}

fn with(charset: Charset, class: u8) -> u8 {
    match charset {
        Charset::Ascii => class,
        Charset::Utf8 => class | NON_ASCII,
    }
}

/// Why no `@` stands behind a local part.
fn before_at(rest: &str, local: &str, charset: Charset) -> nom::Err<Fault> {
    match rest.as_bytes().first() {
        None => Fault::at(rest, Reason::NoAt),
        Some(octet) if !octet.is_ascii() && charset == Charset::Ascii => Fault::of(Reason::NotAscii),
        Some(b'>') => Fault::of(Reason::NoAt),
        Some(_) if local.starts_with('"') => Fault::of(Reason::AfterQuote),
        Some(_) => odd_character(rest),
    }
}

fn odd_character(rest: &str) -> nom::Err<Fault> {
    Fault::of(if rest.as_bytes()[0].is_ascii() { Reason::LocalPartCharacter } else { Reason::NotAscii })
}

/// Why nothing more may stand behind the domain of a mailbox.
pub(crate) fn after_host(rest: &str, mailbox: Mailbox<'_>, charset: Charset) -> nom::Err<Fault> {
    if mailbox.text.ends_with(']') { Fault::of(Reason::AfterLiteral) } else { unfit(rest, charset) }
}
