//! Variables in the text of a transcript: `$domain`, `$rcpt2`, `$b64(…)`.

/// A variable, as it is named in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Variable {
    Domain,
    Client,
    Sender,
    /// `$rcpt` and `$rcpt1` are 1, `$rcpt2` is 2.
    Recipient(usize),
    BadRecipient,
    User,
    Password,
    /// Only that it begins here: what is in it is read on.
    Base64,
    /// Small letters, and digits behind them.
    Unknown(String),
}

/// Finds the variables in a text. `$$` is a dollar sign, and so is a `$` that no small letter follows.
pub(super) fn variables(text: &[u8]) -> Vec<Variable> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.iter().position(|octet| *octet == b'$') {
        rest = &rest[at + 1..];
        if let [b'$', behind @ ..] = rest {
            rest = behind;
            continue;
        }
        let letters = rest.iter().take_while(|octet| octet.is_ascii_lowercase()).count();
        let digits = rest[letters..].iter().take_while(|octet| octet.is_ascii_digit()).count();
        let (name, behind) = rest.split_at(if letters == 0 { 0 } else { letters + digits });
        if !name.is_empty() {
            found.push(named(&String::from_utf8_lossy(name), behind.first() == Some(&b'(')));
        }
        rest = behind;
    }
    found
}

fn named(name: &str, is_call: bool) -> Variable {
    match name {
        "domain" => Variable::Domain,
        "client" => Variable::Client,
        "sender" => Variable::Sender,
        "rcpt" => Variable::Recipient(1),
        "badrcpt" => Variable::BadRecipient,
        "user" => Variable::User,
        "password" => Variable::Password,
        "b64" if is_call => Variable::Base64,
        _ => match name.strip_prefix("rcpt").and_then(|number| number.parse().ok()) {
            Some(number) if number > 0 => Variable::Recipient(number),
            _ => Variable::Unknown(name.into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{Variable, variables};

    #[test]
    fn names() {
        let text = b"$domain $client$sender <$rcpt1>,<$rcpt2> $badrcpt $b64(\\0$user\\0$password) $ $1 $X $$no $";
        let expected = [
            Variable::Domain,
            Variable::Client,
            Variable::Sender,
            Variable::Recipient(1),
            Variable::Recipient(2),
            Variable::BadRecipient,
            Variable::Base64,
            Variable::User,
            Variable::Password,
        ];
        assert_eq!(variables(text), expected);
        for name in ["rcpt0", "rcptx", "domainname", "b64", "sender2"] {
            assert_eq!(variables(format!("${name} ").as_bytes()), [Variable::Unknown(name.into())]);
        }
    }
}
