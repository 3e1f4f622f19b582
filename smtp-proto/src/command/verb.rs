//! Verbs.

use core::fmt;

macro_rules! verbs {
    ($($name:ident $text:literal $doc:literal;)*) => {
        /// The verb of a command. What is recognised here need not be implemented by a server.
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
        let (verb, rest) = Self::at_beginning(word)?;
        rest.is_empty().then_some(verb)
    }

    /// The verb at the beginning of a line, and what follows it. What follows may still belong to a longer word.
    pub(crate) fn at_beginning(line: &[u8]) -> Option<(Self, &[u8])> {
        let (first, rest) = line.split_first_chunk::<4>()?;
        // Setting this bit makes a letter lower-case, and nothing but a letter into a lower-case letter.
        let folded = (u32::from_ne_bytes(*first) | 0x2020_2020).to_ne_bytes();
        Some(match &folded {
            b"helo" => (Self::Helo, rest),
            b"ehlo" => (Self::Ehlo, rest),
            b"lhlo" => (Self::Lhlo, rest),
            b"mail" => (Self::Mail, rest),
            b"rcpt" => (Self::Rcpt, rest),
            b"data" => (Self::Data, rest),
            b"bdat" => (Self::Bdat, rest),
            b"rset" => (Self::Rset, rest),
            b"send" => (Self::Send, rest),
            b"soml" => (Self::Soml, rest),
            b"saml" => (Self::Saml, rest),
            b"vrfy" => (Self::Vrfy, rest),
            b"expn" => (Self::Expn, rest),
            b"help" => (Self::Help, rest),
            b"noop" => (Self::Noop, rest),
            b"quit" => (Self::Quit, rest),
            b"turn" => (Self::Turn, rest),
            b"etrn" => (Self::Etrn, rest),
            b"auth" => (Self::Auth, rest),
            b"star" => {
                let (second, rest) = rest.split_first_chunk::<4>()?;
                if !second.eq_ignore_ascii_case(b"ttls") {
                    return None;
                }
                (Self::StartTls, rest)
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
