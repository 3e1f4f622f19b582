//! Where a target is.

use core::fmt;
use core::str::FromStr;
use std::io;

use thiserror::Error;

#[cfg(feature = "adapters")]
use super::AdapterTarget;
#[cfg(unix)]
use super::{CommandTarget, ProgramTarget};
use super::{CoreTarget, SocketTarget, Target};
use crate::profile::Profile;

/// Where a target is, in one line.
///
/// | | |
/// |---|---|
/// | `core` | the core of this project, in this process and in virtual time |
/// | `blocking`, `tokio`, `smol`, `async-std` | an adapter of this project, over loopback (feature `adapters`) |
/// | `tcp://HOST:PORT`, `HOST:PORT` | a server that listens; without a port: 25 |
/// | `tls://HOST:PORT` | a server where TLS begins with the first octet; without a port: 465 |
/// | `cmd:COMMAND` | a server that speaks on its standard input and output ([`CommandTarget`]) |
/// | `client:COMMAND` | a client ([`ProgramTarget`]) |
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// `core`.
    Core,
    /// An adapter, by its name.
    Adapter(String),
    /// A server in the network.
    Server {
        /// Its name or address, the latter without brackets.
        host: String,
        /// Its port.
        port: u16,
        /// TLS begins with the first octet.
        is_implicit: bool,
    },
    /// A server that is a command.
    Command(String),
    /// A client that is a command.
    Client(String),
}

/// This is no place of a target.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{0:?} is no target: expected core, blocking, tokio, smol, async-std, tcp://HOST:PORT, tls://HOST:PORT, cmd:COMMAND or \
     client:COMMAND"
)]
pub struct NoPlace(String);

impl Place {
    /// The target of this profile there.
    ///
    /// # Errors
    ///
    /// When there is no such target on this system, or with the features of this crate.
    pub fn open(&self, profile: Profile) -> io::Result<Box<dyn Target>> {
        match self {
            Self::Core => Ok(Box::new(CoreTarget::new())),
            Self::Server { host, port, is_implicit } => {
                Ok(Box::new(SocketTarget::new(host, *port, *is_implicit, profile)))
            }
            #[cfg(feature = "adapters")]
            Self::Adapter(name) => match AdapterTarget::new(name) {
                Some(target) => Ok(Box::new(target)),
                None => Err(unsupported(&format!("there is no adapter {name}"))),
            },
            #[cfg(unix)]
            Self::Command(command) => Ok(Box::new(CommandTarget::new(command, profile))),
            #[cfg(unix)]
            Self::Client(command) => Ok(Box::new(ProgramTarget::new(command, profile)?)),
            #[allow(unreachable_patterns, reason = "on some systems and with some features there are all")]
            place => Err(unsupported(&format!("`{place}` cannot be tested by this build"))),
        }
    }
}

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let no_place = || NoPlace(text.into());
        let server = |rest, is_implicit, port| {
            let (host, port) = host_and_port(rest, port).ok_or_else(no_place)?;
            Ok(Self::Server { host, port, is_implicit })
        };
        let command = |rest: &str| if rest.trim().is_empty() { Err(no_place()) } else { Ok(rest.trim().to_owned()) };
        if let Some(rest) = text.strip_prefix("tcp://") {
            return server(rest, false, 25);
        }
        if let Some(rest) = text.strip_prefix("tls://") {
            return server(rest, true, 465);
        }
        if let Some(rest) = text.strip_prefix("cmd:") {
            return command(rest).map(Self::Command);
        }
        if let Some(rest) = text.strip_prefix("client:") {
            return command(rest).map(Self::Client);
        }
        match text {
            "core" => Ok(Self::Core),
            "blocking" | "tokio" | "smol" | "async-std" => Ok(Self::Adapter(text.into())),
            // Without a port it might be a slip of the pen.
            _ if text.contains(':') => server(text, false, 25),
            _ => Err(no_place()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Core => f.write_str("core"),
            Self::Adapter(name) => f.write_str(name),
            Self::Server { host, port, is_implicit } => {
                let scheme = if *is_implicit { "tls" } else { "tcp" };
                if host.contains(':') {
                    write!(f, "{scheme}://[{host}]:{port}")
                } else {
                    write!(f, "{scheme}://{host}:{port}")
                }
            }
            Self::Command(command) => write!(f, "cmd:{command}"),
            Self::Client(command) => write!(f, "client:{command}"),
        }
    }
}

/// `mx.example`, `mx.example:25`, `192.0.2.1:25`, `[2001:db8::1]:25`.
fn host_and_port(text: &str, usual: u16) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<core::net::Ipv6Addr>().ok()?;
            (host, port)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().ok()?,
        None if port.is_empty() => usual,
        None => return None,
    };
    let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:".contains(c));
    is_host.then(|| (host.to_owned(), port))
}

fn unsupported(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, text)
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn places_are_read_and_shown() {
        for (text, shown) in [
            ("core", "core"),
            ("async-std", "async-std"),
            ("tcp://mx.example", "tcp://mx.example:25"),
            ("tcp://mx.example:2525", "tcp://mx.example:2525"),
            ("127.0.0.1:2525", "tcp://127.0.0.1:2525"),
            ("[::1]:2525", "tcp://[::1]:2525"),
            ("tls://[2001:db8::1]", "tls://[2001:db8::1]:465"),
            ("cmd:/usr/sbin/exim -bs", "cmd:/usr/sbin/exim -bs"),
            ("client: ./send --to \"$SMTP_TO\"", "client:./send --to \"$SMTP_TO\""),
        ] {
            let place: Place = text.parse().expect(text);
            assert_eq!(place.to_string(), shown);
            assert_eq!(shown.parse::<Place>().as_ref(), Ok(&place));
        }
    }

    #[test]
    fn other_text_is_none() {
        for text in [
            "",
            "mx.example",
            "tcp://",
            "tcp://:25",
            "tcp://mx:99999",
            "tcp://mx:25/x",
            "http://mx:25",
            "cmd:",
            "client: ",
            "::1",
        ] {
            let error = text.parse::<Place>().expect_err(text).to_string();
            assert!(error.contains("tcp://HOST:PORT"), "{error}");
        }
    }
}
