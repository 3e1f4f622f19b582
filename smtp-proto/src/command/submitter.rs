//! Who submitted a mail, as the parameter AUTH of MAIL says it (RFC 4954 §5).

use super::Xtext;
use crate::address::{Charset, Mailbox};

/// The value of AUTH: `xtext` that stands for a mailbox or for `<>`.
///
/// ```
/// use smtp_proto::command::Submitter;
///
/// let Some(Submitter::Mailbox(mailbox)) = Submitter::parse("e+3Dmc2@example.com") else { unreachable!("a mailbox") };
/// assert!(mailbox.octets().eq(*b"e=mc2@example.com"));
/// assert_eq!(Submitter::parse("<>"), Some(Submitter::Unknown));
/// assert_eq!(Submitter::parse("nobody"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Submitter<'a> {
    /// `<>`: it is not known, or not known well enough. A relay says `AUTH=<>` in turn.
    Unknown,
    /// A valid mailbox, in `xtext` as it came.
    Mailbox(Xtext<'a>),
}

impl<'a> Submitter<'a> {
    /// Reads a value as it stands on the wire; `None` if it stands for neither a mailbox nor `<>`.
    #[must_use]
    pub fn parse(value: &'a str) -> Option<Self> {
        let xtext = Xtext::parse(value).ok()?;
        let mut octets = [0; Mailbox::MAX];
        let mut length = 0;
        for octet in xtext.octets() {
            *octets.get_mut(length)? = octet;
            length += 1;
        }
        match core::str::from_utf8(&octets[..length]).ok()? {
            "<>" => Some(Self::Unknown),
            mailbox => Mailbox::parse(mailbox, Charset::Ascii).ok().map(|_| Self::Mailbox(xtext)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Submitter;

    /// X-4954-8-03, SASL-17: only a mailbox or `<>` in good `xtext`; no encoded control gets through.
    #[test]
    fn only_a_mailbox_or_nobody() {
        for value in ["<>", "+3C+3E", "+3C>"] {
            assert_eq!(Submitter::parse(value), Some(Submitter::Unknown), "{value}");
        }
        for value in ["a@b.example", "e+3Dmc2@example.com", "+22a+20b+22@b.example", "a@[192.0.2.1]"] {
            assert!(matches!(Submitter::parse(value), Some(Submitter::Mailbox(_))), "{value}");
        }
        for value in [
            "",
            "<",
            "a",
            "a@",
            "<a@b>",
            "a=b@c",
            "a@b+0D+0A",
            "a+00@b",
            "a+7F@b",
            "a+3@b",
            "+C3+BC@b.example",
            "a@b c",
        ] {
            assert_eq!(Submitter::parse(value), None, "{value}");
        }
        let longest = alloc::format!("{}@{}", "a".repeat(64), ["b".repeat(60).as_str(); 4].join("."));
        assert!(Submitter::parse(&longest[..254]).is_some());
        assert_eq!(Submitter::parse(&alloc::format!("{longest}.bbbbbbbbbbb")), None);
    }
}
