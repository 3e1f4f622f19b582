//! Puts in what variables stand for.

use core::cell::RefCell;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::target::Variables;

/// Stands for any name in a line that a client has to say, where it is not known what it calls itself.
pub(super) const ANY_NAME: char = '\u{E000}';

/// The values of `$domain` and so on for one target.
#[derive(Debug)]
pub(super) struct Values<'a> {
    variables: &'a Variables,
    /// Whether `$client` may be anything.
    any_client: bool,
    secrets: RefCell<Vec<String>>,
}

impl<'a> Values<'a> {
    /// `any_client`: a client is under test, and if it is not known what it calls itself, [`ANY_NAME`] stands for that.
    pub(super) fn new(variables: &'a Variables, any_client: bool) -> Self {
        Self { variables, any_client, secrets: RefCell::default() }
    }

    /// What was put in so far that nobody else needs to know.
    pub(super) fn secrets(&self) -> Vec<String> {
        self.secrets.borrow().clone()
    }

    /// Whether the prologue logs in before MAIL.
    pub(super) fn logs_in(&self) -> bool {
        self.variables.logs_in
    }

    /// Puts the values in.
    ///
    /// # Errors
    ///
    /// What is wrong, and what to do about it.
    pub(super) fn expand(&self, text: &str) -> Result<String, String> {
        let octets = self.expand_octets(text.as_bytes())?;
        String::from_utf8(octets).map_err(|_| "the values of the variables are not UTF-8".into())
    }

    /// As [`expand`](Self::expand).
    pub(super) fn expand_octets(&self, octets: &[u8]) -> Result<Vec<u8>, String> {
        let mut out = Vec::with_capacity(octets.len());
        let mut rest = octets;
        while let Some(at) = rest.iter().position(|&octet| octet == b'$') {
            out.extend_from_slice(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(behind) = rest.strip_prefix(b"$") {
                out.push(b'$');
                rest = behind;
                continue;
            }
            let letters = rest.iter().take_while(|octet| octet.is_ascii_lowercase()).count();
            let digits = rest[letters..].iter().take_while(|octet| octet.is_ascii_digit()).count();
            if letters == 0 {
                out.push(b'$');
                continue;
            }
            if let Some(inside) = rest.strip_prefix(b"b64(") {
                let end = inside.iter().position(|&octet| octet == b')').ok_or("$b64( has no end: put ) behind it")?;
                out.extend_from_slice(self.base64(&inside[..end])?.as_bytes());
                rest = &inside[end + 1..];
                continue;
            }
            let (name, behind) = rest.split_at(letters + digits);
            out.extend_from_slice(self.value(core::str::from_utf8(name).expect("ASCII"))?.as_bytes());
            rest = behind;
        }
        out.extend_from_slice(rest);
        Ok(out)
    }

    fn base64(&self, inside: &[u8]) -> Result<String, String> {
        let text = inside.split(|&octet| octet == b'\\').enumerate().fold(Vec::new(), |mut text, (number, part)| {
            match part {
                [b'0', part @ ..] if number > 0 => {
                    text.push(0);
                    text.extend_from_slice(part);
                }
                _ if number > 0 => {
                    text.push(b'\\');
                    text.extend_from_slice(part);
                }
                _ => text.extend_from_slice(part),
            }
            text
        });
        let encoded = STANDARD.encode(self.expand_octets(&text)?);
        if inside.windows(9).any(|word| word == b"$password") {
            self.secrets.borrow_mut().push(encoded.clone());
        }
        Ok(encoded)
    }

    fn value(&self, name: &str) -> Result<String, String> {
        let of = self.variables;
        let lacks = |need: &str| format!("the target has no ${name}: the header says `needs: {need}` where it is used");
        Ok(match name {
            "domain" => of.domain.clone(),
            "client" => match &of.client {
                Some(client) => client.clone(),
                None if self.any_client => ANY_NAME.into(),
                None => "client.example".into(),
            },
            "sender" => of.sender.clone(),
            "badrcpt" => of.bad_recipient.clone().ok_or_else(|| lacks("badrcpt"))?,
            "user" => of.login.as_ref().map(|(user, _)| user.clone()).ok_or_else(|| lacks("auth"))?,
            "password" => {
                let password = of.login.as_ref().map(|(_, password)| password.clone()).ok_or_else(|| lacks("auth"))?;
                self.secrets.borrow_mut().push(password.clone());
                password
            }
            _ => match name.strip_prefix("rcpt").map(|number| if number.is_empty() { Ok(1) } else { number.parse() }) {
                Some(Ok(number @ 1usize..)) => {
                    let recipient = of.recipients.get(number - 1).cloned();
                    recipient.ok_or_else(|| lacks(&format!("rcpts={number}")))?
                }
                _ => return Err(format!("${name} is no variable: write $$ for a dollar sign")),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{ANY_NAME, Values};
    use crate::target::Variables;

    fn variables() -> Variables {
        Variables {
            domain: "mx.example".into(),
            client: None,
            sender: "alice@client.example".into(),
            recipients: vec!["bob@mx.example".into(), "carol@mx.example".into()],
            bad_recipient: None,
            login: Some(("alice".into(), "secret".into())),
            logs_in: false,
        }
    }

    #[test]
    fn values_are_put_in() {
        let variables = variables();
        let values = Values::new(&variables, false);
        for (text, expanded) in [
            ("RCPT TO:<$rcpt>", "RCPT TO:<bob@mx.example>"),
            ("$rcpt1,$rcpt2.", "bob@mx.example,carol@mx.example."),
            ("<!#$%&'*@$domain>", "<!#$%&'*@mx.example>"),
            ("$$domain $", "$domain $"),
            ("EHLO $client", "EHLO client.example"),
            (r"AUTH PLAIN $b64(\0$user\0$password)", "AUTH PLAIN AGFsaWNlAHNlY3JldA=="),
            ("$b64()", ""),
        ] {
            assert_eq!(values.expand(text).as_deref(), Ok(expanded), "{text}");
        }
        assert_eq!(values.secrets(), ["secret", "AGFsaWNlAHNlY3JldA=="]);
        assert_eq!(values.expand_octets(b"\xFF$b64(\0$user)\n"), Ok(b"\xFFAGFsaWNl\n".to_vec()));
        assert_eq!(Values::new(&variables, true).expand("$client"), Ok(ANY_NAME.into()));
    }

    #[test]
    fn what_is_not_there() {
        let variables = variables();
        let values = Values::new(&variables, false);
        for (text, error) in [
            ("$rcpt3", "the target has no $rcpt3: the header says `needs: rcpts=3` where it is used"),
            ("$badrcpt", "the target has no $badrcpt: the header says `needs: badrcpt` where it is used"),
            ("$rcpt0", "$rcpt0 is no variable: write $$ for a dollar sign"),
            ("$senders", "$senders is no variable: write $$ for a dollar sign"),
            ("$b64(x", "$b64( has no end: put ) behind it"),
        ] {
            assert_eq!(values.expand(text), Err(error.into()), "{text}");
        }
    }
}
