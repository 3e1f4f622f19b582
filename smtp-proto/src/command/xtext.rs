//! `xtext`, the encoding of values that may hold any octet (RFC 3461 §4, RFC 4954 §8).

use alloc::vec::Vec;
use core::fmt;

/// A value in `xtext` whose octets hold no control.
///
/// ```
/// use smtp_proto::command::Xtext;
///
/// let value = Xtext::parse("e+3Dmc2@example.com")?;
/// assert!(value.octets().eq(*b"e=mc2@example.com"));
/// # Ok::<(), smtp_proto::command::XtextError>(())
/// ```
///
/// What it decodes to comes from the peer: it is no address and no line until something has checked that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Xtext<'a>(&'a str);

/// Why a text is no `xtext` that may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum XtextError {
    /// It has a character that must be encoded.
    Character,
    /// A `+` without two hexadecimal digits behind it.
    Digits,
    /// It decodes to a control (0 to 31 or 127), which could end a line or a field where the value is written.
    Control,
}

impl<'a> Xtext<'a> {
    /// Checks a value as it stands on the wire.
    ///
    /// # Errors
    ///
    /// If it is no `xtext`, or decodes to a control.
    pub fn parse(text: &'a str) -> Result<Self, XtextError> {
        let mut rest = text.as_bytes();
        while let [first, behind @ ..] = rest {
            rest = match (first, behind) {
                (b'+', [high, low, behind @ ..]) => {
                    let (Some(high), Some(low)) = (digit(*high), digit(*low)) else { return Err(XtextError::Digits) };
                    if (high << 4 | low).is_ascii_control() {
                        return Err(XtextError::Control);
                    }
                    behind
                }
                (b'+', _) => return Err(XtextError::Digits),
                (b'=', _) => return Err(XtextError::Character),
                (b'!'..=b'~', _) => behind,
                _ => return Err(XtextError::Character),
            };
        }
        Ok(Self(text))
    }

    /// The value as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.0
    }

    /// The octets that it stands for.
    pub fn octets(&self) -> impl Iterator<Item = u8> + use<'a> {
        let mut octets = self.0.bytes();
        core::iter::from_fn(move || match octets.next()? {
            b'+' => Some(digit(octets.next()?)? << 4 | digit(octets.next()?)?),
            octet => Some(octet),
        })
    }

    /// Appends octets in `xtext`.
    pub fn encode(octets: &[u8], out: &mut Vec<u8>) {
        for &octet in octets {
            if matches!(octet, b'!'..=b'~') && !matches!(octet, b'+' | b'=') {
                out.push(octet);
            } else {
                out.extend([b'+', DIGITS[usize::from(octet >> 4)], DIGITS[usize::from(octet & 15)]]);
            }
        }
    }
}

impl fmt::Display for XtextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character => "the value has a character that xtext encodes",
            Self::Digits => "a + in xtext has two hexadecimal digits behind it",
            Self::Control => "the value stands for a control",
        })
    }
}

impl core::error::Error for XtextError {}

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

fn digit(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::{Xtext, XtextError};
    use alloc::vec::Vec;

    /// ADDR-17, X-4954-8-02
    #[test]
    fn refuses_what_is_no_xtext_or_hides_a_control() {
        for (text, error) in [
            ("a b", XtextError::Character),
            ("a=b", XtextError::Character),
            ("a\tb", XtextError::Character),
            ("a\u{7f}", XtextError::Character),
            ("\u{e9}", XtextError::Character),
            ("+", XtextError::Digits),
            ("a+4", XtextError::Digits),
            ("a+4g", XtextError::Digits),
            ("a+ 4", XtextError::Digits),
            ("a++1", XtextError::Digits),
            ("a+0Ab", XtextError::Control),
            ("+0d+0a", XtextError::Control),
            ("+00", XtextError::Control),
            ("+7F", XtextError::Control),
        ] {
            assert_eq!(Xtext::parse(text), Err(error), "{text:?}");
        }
        assert!(Xtext::parse("").is_ok_and(|empty| empty.octets().next().is_none()));
    }

    /// ADDR-18
    #[test]
    fn carries_every_octet_there_and_back() {
        for octet in 0..=255_u8 {
            let mut wire = Vec::new();
            Xtext::encode(&[b'<', octet, b'>'], &mut wire);
            let wire = core::str::from_utf8(&wire).expect("xtext is ASCII");
            match Xtext::parse(wire) {
                Ok(value) => assert!(value.octets().eq([b'<', octet, b'>']), "{octet}"),
                Err(error) => assert!(error == XtextError::Control && octet.is_ascii_control(), "{octet}"),
            }
        }
    }
}
