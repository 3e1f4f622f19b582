//! A server by name or address.

use alloc::string::String;
use core::fmt;
use core::net::{IpAddr, Ipv6Addr};
use core::str::FromStr;

use thiserror::Error;

use crate::address::{AddressError, Charset, Domain};

/// A server by name or address: what is looked up, and what its certificate is checked for. It prints as it is looked
/// up: an IPv6 address without brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ServerName {
    /// By domain (RFC 5321 §4.1.2), as it was written.
    Domain(String),
    /// By address.
    Ip(IpAddr),
}

/// Why a text names no server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ServerNameError {
    /// There is none.
    #[error("the server is missing")]
    Empty,
    /// It is not ASCII. A domain of other letters has to be written with its A-labels (RFC 5890 §2.3.2.1).
    #[error("a server is named in ASCII: a domain of other letters is written with labels that begin with xn--")]
    NotAscii,
    /// It is no domain.
    #[error("{0}")]
    Domain(#[source] AddressError),
    /// It ends in a number, as addresses do, and is none. Some resolvers would read an address into it all the same.
    #[error("an IPv4 address is four numbers from 0 to 255 with dots between them")]
    Ipv4,
    /// What stands in square brackets is no IPv6 address.
    #[error("an IPv6 address, without a zone, stands in square brackets")]
    Ipv6,
    /// What stands behind the colon is no port.
    #[error("the port behind the server's colon is a number from 1 to 65535")]
    Port,
}

impl ServerName {
    /// Takes `HOST[:PORT]`. An IPv6 address that a port follows stands in square brackets.
    ///
    /// # Errors
    ///
    /// [`ServerNameError`].
    ///
    /// ```
    /// use smtp_proto::submission::ServerName;
    ///
    /// let (server, port) = ServerName::with_port("[::1]:2525")?;
    /// assert_eq!((server.to_string(), port), ("::1".into(), Some(2525)));
    /// assert_eq!(ServerName::with_port("mx.example")?.1, None);
    /// # Ok::<(), smtp_proto::submission::ServerNameError>(())
    /// ```
    pub fn with_port(text: &str) -> Result<(Self, Option<u16>), ServerNameError> {
        if let Ok(address) = text.parse::<Ipv6Addr>() {
            return Ok((Self::Ip(address.into()), None));
        }
        Self::in_url(text)
    }

    /// `host [ ":" port ]` (RFC 3986 §3.2): an IPv6 address always stands in square brackets.
    pub(super) fn in_url(text: &str) -> Result<(Self, Option<u16>), ServerNameError> {
        let bracket = if text.starts_with('[') { text.find(']').unwrap_or(text.len()) } else { 0 };
        let (server, port) = match text[bracket..].split_once(':') {
            Some((rest, port)) => (&text[..bracket + rest.len()], Some(port)),
            None => (text, None),
        };
        let port = port.map(|port| port_number(port).ok_or(ServerNameError::Port)).transpose()?;
        Ok((server.parse()?, port))
    }

    /// Whether it is this machine: `localhost`, an address in 127.0.0.0/8, or `::1`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Domain(domain) => domain.eq_ignore_ascii_case("localhost"),
            Self::Ip(address) => address.is_loopback(),
        }
    }
}

impl FromStr for ServerName {
    type Err = ServerNameError;

    /// Takes a domain, an IPv4 address, or an IPv6 address with or without square brackets.
    fn from_str(text: &str) -> Result<Self, ServerNameError> {
        if let Some(rest) = text.strip_prefix('[') {
            let address = rest.strip_suffix(']').and_then(|address| address.parse::<Ipv6Addr>().ok());
            return address.map(|address| Self::Ip(address.into())).ok_or(ServerNameError::Ipv6);
        }
        if text.is_empty() {
            return Err(ServerNameError::Empty);
        }
        if !text.is_ascii() {
            return Err(ServerNameError::NotAscii);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(address));
        }
        Domain::parse(text, Charset::Ascii).map_err(ServerNameError::Domain)?;
        if ends_in_a_number(text) {
            return Err(ServerNameError::Ipv4);
        }
        Ok(Self::Domain(text.into()))
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => f.write_str(domain),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

impl From<IpAddr> for ServerName {
    fn from(address: IpAddr) -> Self {
        Self::Ip(address)
    }
}

/// `port`: digits only (RFC 3986 §3.2.3), and not zero.
fn port_number(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|octet| octet.is_ascii_digit());
    if is_number { text.parse().ok().filter(|&port| port > 0) } else { None }
}

/// Whether the last label is a number to `inet_aton`: decimal, octal, or hexadecimal.
fn ends_in_a_number(domain: &str) -> bool {
    let last = domain.rsplit('.').next().unwrap_or_default();
    let digits = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    digits.map_or_else(
        || last.bytes().all(|octet| octet.is_ascii_digit()),
        |digits| digits.bytes().all(|octet| octet.is_ascii_hexdigit()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn servers() {
        let cases = [
            ("mx.example", "mx.example", false),
            ("LocalHost", "LocalHost", true),
            ("localhost.example", "localhost.example", false),
            ("163.com", "163.com", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.255.0.9", "127.255.0.9", true),
            ("192.0.2.1", "192.0.2.1", false),
            ("::1", "::1", true),
            ("[::1]", "::1", true),
            ("[2001:DB8::1]", "2001:db8::1", false),
        ];
        for (text, printed, is_loopback) in cases {
            let server: ServerName = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((server.to_string().as_str(), server.is_loopback()), (printed, is_loopback), "{text}");
        }
    }

    #[test]
    fn ports() {
        let cases = [
            ("mx.example", "mx.example", None),
            ("mx.example:2525", "mx.example", Some(2525)),
            ("127.0.0.1:25", "127.0.0.1", Some(25)),
            ("::1", "::1", None),
            ("[::1]", "::1", None),
            ("[::1]:2525", "::1", Some(2525)),
        ];
        for (text, server, port) in cases {
            let (found, found_port) = ServerName::with_port(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((found.to_string().as_str(), found_port), (server, port), "{text}");
        }
        use ServerNameError::{Empty, Ipv6, Port};
        let cases = [
            ("", Empty),
            (":25", Empty),
            ("[]:25", Ipv6),
            ("[::1]25", Ipv6),
            ("[::1:25", Ipv6),
            ("mx.example:", Port),
            ("mx.example:0", Port),
            ("mx.example:65536", Port),
            ("mx.example:+25", Port),
            ("mx.example:x", Port),
            ("a:b:c", Port),
        ];
        for (text, error) in cases {
            assert_eq!(ServerName::with_port(text), Err(error), "{text}");
        }
    }

    /// A text that some resolver reads as another address than is written is none.
    #[test]
    fn no_servers() {
        use ServerNameError::{Empty, Ipv4, Ipv6, NotAscii};
        let cases = [
            ("", Empty),
            ("ü.example", NotAscii),
            ("127.1", Ipv4),
            ("0x7f.1", Ipv4),
            ("mx.0x7F", Ipv4),
            ("2130706433", Ipv4),
            ("127.0.0.256", Ipv4),
            ("127.0.0.01", Ipv4),
            ("[", Ipv6),
            ("[]", Ipv6),
            ("[::1", Ipv6),
            ("[::1]x", Ipv6),
            ("[127.0.0.1]", Ipv6),
            ("[fe80::1%eth0]", Ipv6),
            ("[IPv6:::1]", Ipv6),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<ServerName>(), Err(error), "{text}");
        }
        for text in ["a b", "a\r\nb", "a\0", "mx.example.", "-a", "a_b", "a%20b", "a:25", "fe80::1%eth0"] {
            assert!(matches!(text.parse::<ServerName>(), Err(ServerNameError::Domain(_))), "{text}");
        }
    }
}
