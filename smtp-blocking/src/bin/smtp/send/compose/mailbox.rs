//! Addresses as people write them: `Ada Lovelace <ada@example.org>`.

use core::str::FromStr;

use mail_builder::headers::address::Address;

/// An address, with the name of its owner if there is one.
///
/// The name is for the header of a message, the address for both the header and the envelope, which checks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mailbox {
    name: Option<String>,
    address: String,
}

impl Mailbox {
    /// The address without angle brackets, empty if there is none.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Behind the last `@` of the address.
    pub(crate) fn domain(&self) -> Option<&str> {
        self.address.rsplit_once('@').map(|(_, domain)| domain)
    }
}

impl FromStr for Mailbox {
    type Err = &'static str;

    /// Takes `address`, `<address>` and `name <address>`. In the name stand the quoted-strings of RFC 5322 §3.2.4 or any
    /// other text.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((name, address)) = split(text) else { return Ok(Self { name: None, address: text.into() }) };
        if name.contains(char::is_control) {
            return Err("there is a control character in the name");
        }
        let name = name.trim();
        Ok(Self { name: (!name.is_empty()).then(|| name.into()), address: address.into() })
    }
}

impl<'a> From<&'a Mailbox> for Address<'a> {
    fn from(mailbox: &'a Mailbox) -> Self {
        Self::new_address(mailbox.name.as_deref(), mailbox.address())
    }
}

/// The name, without what quotes it, and the address that stands in angle brackets at the end.
fn split(text: &str) -> Option<(String, &str)> {
    let text = text.strip_suffix('>')?;
    let mut name = String::new();
    let mut is_quoted = false;
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '<' if !is_quoted => return Some((name, &text[at + 1..])),
            '"' => is_quoted = !is_quoted,
            '\\' if is_quoted => name.extend(characters.next().map(|(_, character)| character)),
            _ => name.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::Mailbox;

    #[test]
    fn name_and_address() {
        let cases = [
            ("ada@example.org", None, "ada@example.org"),
            ("<ada@example.org>", None, "ada@example.org"),
            ("<>", None, ""),
            ("", None, ""),
            ("Ada Lovelace <ada@example.org>", Some("Ada Lovelace"), "ada@example.org"),
            ("Ada<ada@example.org>", Some("Ada"), "ada@example.org"),
            ("Müller, Änne <ada@example.org>", Some("Müller, Änne"), "ada@example.org"),
            (r#""Lovelace, Ada" <ada@example.org>"#, Some("Lovelace, Ada"), "ada@example.org"),
            (r#"Ada "the \"first\" <1>" \o/ <ada@example.org>"#, Some(r#"Ada the "first" <1> \o/"#), "ada@example.org"),
            (r#""" <ada@example.org>"#, None, "ada@example.org"),
            (r#"<"a<b>"@example.org>"#, None, r#""a<b>"@example.org"#),
            (r#""a<b>"@example.org"#, None, r#""a<b>"@example.org"#),
            // What the envelope refuses.
            ("Ada ada@example.org>", None, "Ada ada@example.org>"),
            (r#""Ada <ada@example.org>"#, None, r#""Ada <ada@example.org>"#),
            ("A <a@b.example>, B <b@b.example>", Some("A"), "a@b.example>, B <b@b.example"),
        ];
        for (text, name, address) in cases {
            let expected = Mailbox { name: name.map(str::to_owned), address: address.into() };
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for text in ["Ada\r\nBcc: b@b.example <a@b.example>", "\"A\0\" <a@b.example>", "A\u{85} <a@b.example>"] {
            assert!(text.parse::<Mailbox>().is_err(), "{}", text.escape_debug());
        }
    }
}
