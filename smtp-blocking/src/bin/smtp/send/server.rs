//! Where a mail is sent to.

use core::net::Ipv6Addr;
use core::str::FromStr;

/// A host and a port, as `HOST[:PORT]`; an IPv6 address that a port follows stands in square brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// The port of RFC 5321 §4.5.4.2.
const SMTP: u16 = 25;

impl FromStr for Server {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.parse::<Ipv6Addr>().is_ok() {
            return Ok(Self { host: text.into(), port: SMTP });
        }
        let (host, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, port)) => {
                (host, Some(port.strip_prefix(':').ok_or("behind the bracket stands :PORT or nothing")?))
            }
            None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map_or(Ok(SMTP), |port| port.parse().map_err(|_| "the port is not a number below 65536"))?;
        if host.is_empty() { Err("the host is missing") } else { Ok(Self { host: host.into(), port }) }
    }
}

#[cfg(test)]
mod tests {
    use super::Server;

    #[test]
    fn host_and_port() {
        let cases = [
            ("mx.example", "mx.example", 25),
            ("mx.example:2525", "mx.example", 2525),
            ("127.0.0.1:0", "127.0.0.1", 0),
            ("::1", "::1", 25),
            ("[::1]", "::1", 25),
            ("[::1]:2525", "::1", 2525),
        ];
        for (text, host, port) in cases {
            assert_eq!(text.parse(), Ok(Server { host: host.into(), port }), "{text}");
        }
        for text in ["", ":25", "[]:25", "[::1]25", "mx.example:", "mx.example:65536", "mx.example:x"] {
            assert!(text.parse::<Server>().is_err(), "{text}");
        }
    }
}
