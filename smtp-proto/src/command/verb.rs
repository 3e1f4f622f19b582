//! Verbs.

use core::fmt;

macro_rules! verbs {
    ($($name:ident $text:literal $doc:literal;)*) => {
        /// The verb of a command. What is recognized here need not be implemented by a server.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Verb {
            $(#[doc = $doc] $name,)*
        }

        impl Verb {
            /// Every verb.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The verb as it is sent, in upper case.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

verbs! {
    Helo "HELO" "RFC 5321 §4.1.1.1.";
    Ehlo "EHLO" "RFC 5321 §4.1.1.1.";
    Lhlo "LHLO" "RFC 2033 §4.1.";
    Mail "MAIL" "RFC 5321 §4.1.1.2.";
    Rcpt "RCPT" "RFC 5321 §4.1.1.3.";
    Data "DATA" "RFC 5321 §4.1.1.4.";
    Bdat "BDAT" "RFC 3030 §2.";
    Rset "RSET" "RFC 5321 §4.1.1.5.";
    Send "SEND" "RFC 821 §3.4, obsolete (RFC 5321 §F.6).";
    Soml "SOML" "RFC 821 §3.4, obsolete (RFC 5321 §F.6).";
    Saml "SAML" "RFC 821 §3.4, obsolete (RFC 5321 §F.6).";
    Vrfy "VRFY" "RFC 5321 §4.1.1.6.";
    Expn "EXPN" "RFC 5321 §4.1.1.7.";
    Help "HELP" "RFC 5321 §4.1.1.8.";
    Noop "NOOP" "RFC 5321 §4.1.1.9.";
    Quit "QUIT" "RFC 5321 §4.1.1.10.";
    Turn "TURN" "RFC 821 §3.8, obsolete (RFC 5321 §F.1).";
    Etrn "ETRN" "RFC 1985.";
    StartTls "STARTTLS" "RFC 3207.";
    Auth "AUTH" "RFC 4954.";
}

impl Verb {
    /// The verb that these octets are, in upper, lower or mixed case (RFC 5321 §2.4).
    #[must_use]
    pub fn from_bytes(word: &[u8]) -> Option<Self> {
        Self::at_beginning(word).filter(|verb| verb.as_str().len() == word.len())
    }

    /// The verb at the beginning of a line. What follows may still belong to a longer word.
    #[inline]
    pub(crate) fn at_beginning(line: &[u8]) -> Option<Self> {
        let first = line.first_chunk::<4>()?;
        // Setting this bit makes a letter lower-case, and nothing but a letter into a lower-case letter.
        let folded = u32::from_be_bytes(*first) | 0x2020_2020;
        Some(match folded {
            word::HELO => Self::Helo,
            word::EHLO => Self::Ehlo,
            word::LHLO => Self::Lhlo,
            word::MAIL => Self::Mail,
            word::RCPT => Self::Rcpt,
            word::DATA => Self::Data,
            word::BDAT => Self::Bdat,
            word::RSET => Self::Rset,
            word::SEND => Self::Send,
            word::SOML => Self::Soml,
            word::SAML => Self::Saml,
            word::VRFY => Self::Vrfy,
            word::EXPN => Self::Expn,
            word::HELP => Self::Help,
            word::NOOP => Self::Noop,
            word::QUIT => Self::Quit,
            word::TURN => Self::Turn,
            word::ETRN => Self::Etrn,
            word::AUTH => Self::Auth,
            word::STAR if line.get(4..8)?.eq_ignore_ascii_case(b"TTLS") => Self::StartTls,
            _ => return None,
        })
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The first four letters of each verb as a number, in lower case, so that one comparison tells a verb.
mod word {
    macro_rules! words {
        ($($name:ident)*) => {
            $(
                pub(super) const $name: u32 = {
                    let [a, b, c, d] = *stringify!($name).as_bytes() else { panic!("a verb begins with four letters") };
                    u32::from_be_bytes([a, b, c, d]) | 0x2020_2020
                };
            )*
        };
    }

    words! { HELO EHLO LHLO MAIL RCPT DATA BDAT RSET SEND SOML SAML VRFY EXPN HELP NOOP QUIT TURN ETRN STAR AUTH }
}
