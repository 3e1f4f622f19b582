//! Where a text comes from: `TEXT` or `@FILE`.

use core::str::FromStr;
use std::fs;
use std::io::{self, Read as _};

use crate::send::message::MessageError;

/// A text of the command line, or of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// This text.
    Text(String),
    /// What stands in this file.
    File(String),
    /// What comes from standard input: the file `-`.
    Input,
}

impl Source {
    /// The text.
    pub(crate) fn read(&self) -> Result<String, MessageError> {
        let (name, octets) = match self {
            Self::Text(text) => return Ok(text.clone()),
            Self::File(path) => (path.as_str(), fs::read(path)),
            Self::Input => ("standard input", read_input()),
        };
        let octets = octets.map_err(MessageError::read(name))?;
        String::from_utf8(octets).map_err(|_| MessageError::NotUtf8 { name: name.into() })
    }
}

impl FromStr for Source {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.strip_prefix('@') {
            None => Self::Text(text.into()),
            Some("") => return Err("behind the @ stands the name of a file"),
            Some("-") => Self::Input,
            Some(text) if text.starts_with('@') => Self::Text(text.into()),
            Some(path) => Self::File(path.into()),
        })
    }
}

fn read_input() -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    io::stdin().lock().read_to_end(&mut octets)?;
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn text_or_file() {
        let cases = [
            ("", Source::Text("".into())),
            ("a@b", Source::Text("a@b".into())),
            ("@@b", Source::Text("@b".into())),
            ("@@", Source::Text("@".into())),
            ("@a b", Source::File("a b".into())),
            ("@./@b", Source::File("./@b".into())),
            ("@-", Source::Input),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        assert!("@".parse::<Source>().is_err());
    }
}
