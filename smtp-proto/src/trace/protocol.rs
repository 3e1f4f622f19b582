//! The protocol word of trace fields.

use core::fmt;

/// How a mail came in: the registered words for the WITH clause (RFC 5321 §4.4, RFC 3848 §1, RFC 6531 §4.3).
///
/// In the names S stands for TLS and A for a client that authenticated itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// The client greeted with HELO.
    Smtp,
    /// The client greeted with EHLO.
    Esmtp,
    /// ESMTP with AUTH.
    Esmtpa,
    /// ESMTP over TLS.
    Esmtps,
    /// ESMTP over TLS with AUTH.
    Esmtpsa,
    /// LMTP (RFC 2033).
    Lmtp,
    /// LMTP with AUTH.
    Lmtpa,
    /// LMTP over TLS.
    Lmtps,
    /// LMTP over TLS with AUTH.
    Lmtpsa,
    /// ESMTP, the mail used SMTPUTF8.
    Utf8Smtp,
    /// ESMTP with AUTH, the mail used SMTPUTF8.
    Utf8Smtpa,
    /// ESMTP over TLS, the mail used SMTPUTF8.
    Utf8Smtps,
    /// ESMTP over TLS with AUTH, the mail used SMTPUTF8.
    Utf8Smtpsa,
    /// LMTP, the mail used SMTPUTF8.
    Utf8Lmtp,
    /// LMTP with AUTH, the mail used SMTPUTF8.
    Utf8Lmtpa,
    /// LMTP over TLS, the mail used SMTPUTF8.
    Utf8Lmtps,
    /// LMTP over TLS with AUTH, the mail used SMTPUTF8.
    Utf8Lmtpsa,
}

impl Protocol {
    /// The registered word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Smtp => "SMTP",
            Self::Esmtp => "ESMTP",
            Self::Esmtpa => "ESMTPA",
            Self::Esmtps => "ESMTPS",
            Self::Esmtpsa => "ESMTPSA",
            Self::Lmtp => "LMTP",
            Self::Lmtpa => "LMTPA",
            Self::Lmtps => "LMTPS",
            Self::Lmtpsa => "LMTPSA",
            Self::Utf8Smtp => "UTF8SMTP",
            Self::Utf8Smtpa => "UTF8SMTPA",
            Self::Utf8Smtps => "UTF8SMTPS",
            Self::Utf8Smtpsa => "UTF8SMTPSA",
            Self::Utf8Lmtp => "UTF8LMTP",
            Self::Utf8Lmtpa => "UTF8LMTPA",
            Self::Utf8Lmtps => "UTF8LMTPS",
            Self::Utf8Lmtpsa => "UTF8LMTPSA",
        }
    }

    /// Whether trace fields may hold characters beyond ASCII (RFC 6531 §3.7.3).
    #[must_use]
    pub const fn is_utf8(self) -> bool {
        matches!(
            self,
            Self::Utf8Smtp
                | Self::Utf8Smtpa
                | Self::Utf8Smtps
                | Self::Utf8Smtpsa
                | Self::Utf8Lmtp
                | Self::Utf8Lmtpa
                | Self::Utf8Lmtps
                | Self::Utf8Lmtpsa
        )
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::Protocol;

    /// R-4.4-49: each word is one that is registered (RFC 5321 §4.4, RFC 3848 §1, RFC 6531 §4.3), and each has its own.
    #[test]
    fn each_word_is_registered() {
        let all = [
            Protocol::Smtp,
            Protocol::Esmtp,
            Protocol::Esmtpa,
            Protocol::Esmtps,
            Protocol::Esmtpsa,
            Protocol::Lmtp,
            Protocol::Lmtpa,
            Protocol::Lmtps,
            Protocol::Lmtpsa,
            Protocol::Utf8Smtp,
            Protocol::Utf8Smtpa,
            Protocol::Utf8Smtps,
            Protocol::Utf8Smtpsa,
            Protocol::Utf8Lmtp,
            Protocol::Utf8Lmtpa,
            Protocol::Utf8Lmtps,
            Protocol::Utf8Lmtpsa,
        ];
        let extended = ["ESMTP", "LMTP", "UTF8SMTP", "UTF8LMTP"].into_iter();
        let words = extended.flat_map(|base| ["", "A", "S", "SA"].map(|security| format!("{base}{security}")));
        let registered: Vec<_> = core::iter::once("SMTP".into()).chain(words).collect();
        assert_eq!(all.map(|protocol| format!("{protocol}"))[..], registered[..]);
        assert!(all.iter().all(|protocol| protocol.is_utf8() == protocol.as_str().starts_with("UTF8")));
    }
}
