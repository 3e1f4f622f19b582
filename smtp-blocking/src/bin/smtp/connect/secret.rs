//! Where a password or token comes from.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use smtp_proto::submission::{Login, Target};

/// Where a password or token comes from. It prints as that, and is not read before it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Secret {
    PasswordFile(PathBuf),
    PasswordCommand(String),
    TokenFile(PathBuf),
    TokenCommand(String),
    /// The URL holds it.
    Url,
}

/// Octets of a file or of what a command prints that are looked at.
const MOST: u64 = 64 * 1024;

const NO_TOKEN: &str = "the first line holds a character that no token has";

impl Secret {
    /// What it is.
    pub(crate) fn login(&self) -> Login {
        match self {
            Self::PasswordFile(_) | Self::PasswordCommand(_) | Self::Url => Login::Password,
            Self::TokenFile(_) | Self::TokenCommand(_) => Login::Token,
        }
    }

    /// Reads it: the first line, without the end of it.
    ///
    /// # Errors
    ///
    /// Where it should have come from, and why it did not. Never what was read.
    pub(crate) fn read(&self, target: &Target) -> Result<String, String> {
        let text = match self {
            Self::Url => return Ok(target.password().unwrap_or_default().into()),
            Self::PasswordFile(path) | Self::TokenFile(path) => File::open(path).and_then(text),
            Self::PasswordCommand(command) | Self::TokenCommand(command) => printed(command),
        };
        text.map_err(|error| error.to_string())
            .and_then(|text| first_line(&text).map_err(Into::into))
            .and_then(|line| match self.login() {
                Login::Token if !line.bytes().all(|octet| octet.is_ascii_graphic()) => Err(NO_TOKEN.into()),
                _ => Ok(line),
            })
            .map_err(|error| format!("{self}: {error}"))
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PasswordFile(path) => write!(f, "--password-file {}", path.display()),
            Self::PasswordCommand(command) => write!(f, "--password-cmd `{command}`"),
            Self::TokenFile(path) => write!(f, "--token-file {}", path.display()),
            Self::TokenCommand(command) => write!(f, "--token-cmd `{command}`"),
            Self::Url => f.write_str("the URL"),
        }
    }
}

/// What a command prints, if it succeeds. Its standard input is closed: the message may be waiting in ours.
fn printed(command: &str) -> io::Result<Vec<u8>> {
    let mut child = Command::new("sh").args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let printed = child.stdout.take().map_or(Ok(Vec::new()), text);
    let status = child.wait()?;
    if status.success() { printed } else { Err(io::Error::other(status.to_string())) }
}

fn text(from: impl Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    from.take(MOST).read_to_end(&mut text)?;
    Ok(text)
}

fn first_line(text: &[u8]) -> Result<String, &'static str> {
    let line = text.split(|&octet| octet == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match str::from_utf8(line) {
        Err(_) => Err("the first line is not UTF-8"),
        Ok("") => Err("the first line is empty"),
        Ok(line) if line.contains(char::is_control) => Err("the first line holds a control character"),
        Ok(line) => Ok(line.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::first_line;

    #[test]
    fn the_first_line_is_taken() {
        for text in ["secret", "secret\n", "secret\r\n", "secret\nuser: alice\n", "secret\n\n"] {
            assert_eq!(first_line(text.as_bytes()).as_deref(), Ok("secret"), "{text:?}");
        }
        assert_eq!(first_line("  two words \n".as_bytes()).as_deref(), Ok("  two words "));
        assert_eq!(first_line(b""), Err("the first line is empty"));
        assert_eq!(first_line(b"\nsecret"), Err("the first line is empty"));
        assert_eq!(first_line(b"a\0b"), Err("the first line holds a control character"));
        assert_eq!(first_line(b"a\rb\n"), Err("the first line holds a control character"));
        assert_eq!(first_line(b"\xff\n"), Err("the first line is not UTF-8"));
    }
}
