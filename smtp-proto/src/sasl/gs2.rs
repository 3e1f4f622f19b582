//! The GS2 header in front of the client's first message of SCRAM and OAUTHBEARER (RFC 5801 §4, RFC 5802 §7).

use alloc::string::String;

/// `gs2-header = gs2-cbind-flag "," [ authzid ] ","`
pub(super) struct Header<'a> {
    /// The header itself, with both commas.
    #[cfg_attr(not(any(feature = "crypto", test)), expect(dead_code, reason = "only SCRAM sends it back"))]
    pub(super) text: &'a str,
    pub(super) flag: Flag<'a>,
    /// Empty if there is none.
    pub(super) authorization: String,
}

/// `gs2-cbind-flag = ("p=" cb-name) / "n" / "y"`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flag<'a> {
    /// The client cannot bind the channel.
    No,
    /// It could, but thinks that the server cannot.
    NotOffered,
    /// It does, by this kind of binding.
    Binds(&'a str),
}

impl<'a> Header<'a> {
    /// The header in front of `message`, and what follows it.
    pub(super) fn parse(message: &'a str) -> Option<(Self, &'a str)> {
        let (flag, rest) = message.split_once(',')?;
        let (authorization, rest) = rest.split_once(',')?;
        let flag = match flag {
            "n" => Flag::No,
            "y" => Flag::NotOffered,
            _ => Flag::Binds(flag.strip_prefix("p=").filter(|name| is_binding_name(name))?),
        };
        let authorization =
            if authorization.is_empty() { String::new() } else { decode_name(authorization.strip_prefix("a=")?)? };
        let text = &message[..message.len() - rest.len()];
        Some((Self { text, flag, authorization }, rest))
    }
}

/// Appends the header of a client; an empty authorization identity is left out.
pub(super) fn write(flag: Flag<'_>, authorization: &str, out: &mut String) {
    match flag {
        Flag::No => out.push('n'),
        Flag::NotOffered => out.push('y'),
        Flag::Binds(name) => {
            out.push_str("p=");
            out.push_str(name);
        }
    }
    out.push(',');
    if !authorization.is_empty() {
        out.push_str("a=");
        write_name(authorization, out);
    }
    out.push(',');
}

/// Appends a name as `saslname = 1*(value-safe-char / "=2C" / "=3D")`.
pub(super) fn write_name(name: &str, out: &mut String) {
    for character in name.chars() {
        match character {
            ',' => out.push_str("=2C"),
            '=' => out.push_str("=3D"),
            _ => out.push(character),
        }
    }
}

/// The name that a `saslname` stands for. Controls are refused, whatever the grammar says.
pub(super) fn decode_name(text: &str) -> Option<String> {
    if text.is_empty() || text.contains(char::is_control) {
        return None;
    }
    let mut name = String::with_capacity(text.len());
    let mut parts = text.split('=');
    name.push_str(parts.next().filter(|part| !part.contains(','))?);
    for part in parts {
        let (character, rest) =
            if let Some(rest) = part.strip_prefix("2C") { (',', rest) } else { ('=', part.strip_prefix("3D")?) };
        if rest.contains(',') {
            return None;
        }
        name.push(character);
        name.push_str(rest);
    }
    Some(name)
}

/// `cb-name = 1*(ALPHA / DIGIT / "." / "-")`
fn is_binding_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use proptest::prelude::*;

    use super::{Flag, Header, decode_name, write, write_name};

    #[test]
    fn headers() {
        for (message, flag, authorization) in [
            ("n,,rest", Flag::No, ""),
            ("y,,rest", Flag::NotOffered, ""),
            ("p=tls-exporter,,rest", Flag::Binds("tls-exporter"), ""),
            ("n,a=a=3Db=2Cc,rest", Flag::No, "a=b,c"),
        ] {
            let (header, rest) = Header::parse(message).expect(message);
            assert_eq!((header.flag, header.authorization.as_str(), rest), (flag, authorization, "rest"));
            assert_eq!(header.text, message.strip_suffix("rest").unwrap());
            let mut written = String::new();
            write(flag, authorization, &mut written);
            assert_eq!(written, header.text);
        }
        for message in [
            "",
            "n",
            "n,",
            ",,",
            "N,,",
            "F,n,,",
            "p,,",
            "p=,,",
            "p=tls_unique,,",
            "q,,",
            "n,user=a,",
            "n,a=,",
            "n,a=\u{1},",
            "n,a==2c,",
            "n,a==,",
            "n,a==4A,",
            "n,b=x,",
        ] {
            assert!(Header::parse(message).is_none(), "{message}");
        }
    }

    proptest! {
        #[test]
        fn names_come_back(name in "[a=,2CDé3]{1,20}") {
            let mut text = String::new();
            write_name(&name, &mut text);
            prop_assert!(!text.contains(','));
            prop_assert_eq!(decode_name(&text), Some(name));
        }

        #[test]
        fn one_name_has_one_text(text in "[a=,23CD\u{1}é]{0,12}") {
            if let Some(name) = decode_name(&text) {
                let mut again = String::new();
                write_name(&name, &mut again);
                prop_assert_eq!(again, text);
            }
        }
    }
}
