//! The parameters of MAIL and RCPT (RFC 5321 §4.1.2).

use core::fmt;

use super::Submitter;
use super::error::{Problem, Stop};
use crate::address::Charset;
use crate::address::octet::{self, LDH, LET_DIG, NON_ASCII, VALUE};

/// `Mail-parameters` or `Rcpt-parameters`: zero or more of `keyword` or `keyword=value`, one space between them. No
/// keyword occurs twice, in whatever case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Parameters<'a>(&'a str);

/// `esmtp-param = esmtp-keyword ["=" esmtp-value]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Parameter<'a> {
    /// The keyword as it came; keywords compare without regard to case (RFC 5321 §2.4).
    pub keyword: &'a str,
    /// The value, one octet at least, if there is one.
    pub value: Option<&'a str>,
}

/// The value of BODY: what the mail data is made of (RFC 6152 §2, RFC 3030 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BodyKind {
    /// ASCII lines.
    SevenBit,
    /// Lines of octets.
    EightBitMime,
    /// Octets without lines, sent with BDAT only.
    BinaryMime,
}

/// Why a parameter has no meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParameterError {
    /// SIZE is not 1 to 20 digits (RFC 1870 §3).
    Size,
    /// SIZE is a number, but of more than 64 bits: more than any server takes.
    SizeTooLarge,
    /// BODY is none of the values that are defined.
    Body,
    /// AUTH stands for neither a mailbox nor `<>` (RFC 4954 §5).
    Auth,
}

impl<'a> Parameters<'a> {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The parameters as they came, without the space before the first.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.0
    }

    /// Each parameter, in order.
    pub fn iter(&self) -> impl Iterator<Item = Parameter<'a>> + use<'a> {
        let text = (!self.0.is_empty()).then_some(self.0);
        text.into_iter().flat_map(|text| text.split(' ')).map(|parameter| match parameter.split_once('=') {
            Some((keyword, value)) => Parameter { keyword, value: Some(value) },
            None => Parameter { keyword: parameter, value: None },
        })
    }

    /// The parameter with this keyword.
    #[must_use]
    pub fn find(&self, keyword: &str) -> Option<Parameter<'a>> {
        self.iter().find(|parameter| parameter.keyword.eq_ignore_ascii_case(keyword))
    }

    /// The declared size of the message in octets (RFC 1870).
    ///
    /// # Errors
    ///
    /// If SIZE is there, but is no number or one that does not fit.
    pub fn size(&self) -> Result<Option<u64>, ParameterError> {
        let Some(size) = self.find("SIZE") else { return Ok(None) };
        let digits = size.value.unwrap_or_default();
        if !(1..=20).contains(&digits.len()) || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
            return Err(ParameterError::Size);
        }
        digits.parse().map(Some).map_err(|_| ParameterError::SizeTooLarge)
    }

    /// The declared kind of the body (RFC 6152).
    ///
    /// # Errors
    ///
    /// If BODY is there with a value that is not defined, or with none.
    pub fn body(&self) -> Result<Option<BodyKind>, ParameterError> {
        let Some(body) = self.find("BODY") else { return Ok(None) };
        let value = body.value.unwrap_or_default();
        let kind = BodyKind::ALL.iter().find(|kind| kind.as_str().eq_ignore_ascii_case(value));
        kind.copied().map(Some).ok_or(ParameterError::Body)
    }

    /// Who submitted the mail (RFC 4954 §5).
    ///
    /// # Errors
    ///
    /// If AUTH is there with a value that stands for neither a mailbox nor `<>`, or with none.
    pub fn submitter(&self) -> Result<Option<Submitter<'a>>, ParameterError> {
        let Some(auth) = self.find("AUTH") else { return Ok(None) };
        auth.value.and_then(Submitter::parse).map(Some).ok_or(ParameterError::Auth)
    }

    /// Parameters that were found valid before.
    pub(crate) const fn from_valid(text: &'a str) -> Self {
        Self(text)
    }

    /// `esmtp-param *(SP esmtp-param)`, the whole text.
    pub(super) fn parse(text: &'a str, charset: Charset, most: usize) -> Result<Self, Stop> {
        let mut count = 0_usize;
        // One bit for each length and first letter, so that most keywords need not be compared with any other.
        let mut seen = 0_u64;
        let mut rest = text;
        loop {
            let keyword = esmtp_keyword(rest)?;
            if count == most {
                return Err(Stop::of(Problem::TooMany));
            }
            let bit = 1 << ((keyword.as_bytes()[0] & 0x1f) ^ (keyword.len() as u8 & 0x3f));
            if seen & bit != 0 && Self(&text[..text.len() - rest.len() - 1]).find(keyword).is_some() {
                // A longer keyword may still be another.
                return Err(Stop::at(&rest[keyword.len()..], Problem::Duplicate));
            }
            seen |= bit;
            rest = &rest[keyword.len()..];
            let has_value = rest.starts_with('=');
            if has_value {
                rest = &rest[1 + esmtp_value(&rest[1..], charset)?..];
            }
            count += 1;
            match rest.as_bytes().first() {
                None => return Ok(Self::from_valid(text)),
                Some(b' ') => rest = &rest[1..],
                Some(_) if has_value => return Err(Stop::of(Problem::Value)),
                Some(_) => return Err(Stop::of(Problem::Parameter)),
            }
        }
    }
}

impl fmt::Display for Parameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl BodyKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::SevenBit, Self::EightBitMime, Self::BinaryMime];

    /// The value as it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SevenBit => "7BIT",
            Self::EightBitMime => "8BITMIME",
            Self::BinaryMime => "BINARYMIME",
        }
    }
}

impl fmt::Display for ParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Size => "SIZE is not a number of 1 to 20 digits",
            Self::SizeTooLarge => "SIZE is larger than any message",
            Self::Auth => "AUTH is neither a mailbox nor <>",
            Self::Body => "BODY is neither 7BIT nor 8BITMIME nor BINARYMIME",
        })
    }
}

impl core::error::Error for ParameterError {}

/// `esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")`
fn esmtp_keyword(input: &str) -> Result<&str, Stop> {
    match input.as_bytes().first() {
        Some(&first) if octet::is(first, LET_DIG) => Ok(&input[..octet::run(input, LDH)]),
        Some(b' ') => Err(Stop::of(Problem::Separator)),
        _ => Err(Stop::at(input, Problem::Parameter)),
    }
}

/// `esmtp-value = 1*(%d33-60 / %d62-126)`, with `Charset::Utf8` also `UTF8-non-ascii`: its length
fn esmtp_value(input: &str, charset: Charset) -> Result<usize, Stop> {
    let classes = match charset {
        Charset::Ascii => VALUE,
        Charset::Utf8 => VALUE | NON_ASCII,
    };
    match octet::run(input, classes) {
        0 => Err(Stop::at(input, Problem::Value)),
        length => Ok(length),
    }
}
