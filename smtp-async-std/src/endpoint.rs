//! Where to connect to, or to listen.

use core::net::{IpAddr, SocketAddr};
use std::io::{self, ErrorKind};

use crate::Runtime;

/// Where to connect to, or to listen: an address, some addresses, or the `HOST:PORT` of a name that is looked up.
///
/// Whatever takes one takes what turns into one: `"mx.example:25"`, `("mx.example", 25)`, a [`SocketAddr`].
#[derive(Clone, Debug)]
pub struct Endpoint(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Addresses(Vec<SocketAddr>),
    Name(String),
}

impl Endpoint {
    /// Its addresses, in the order in which to try them.
    ///
    /// # Errors
    ///
    /// What the resolver says, and `NotFound` when there is none.
    pub(crate) async fn addresses<R: Runtime>(self) -> io::Result<Vec<SocketAddr>> {
        let addresses = match self.0 {
            Kind::Addresses(addresses) => addresses,
            Kind::Name(name) => R::resolve(name).await?,
        };
        if addresses.is_empty() {
            return Err(io::Error::new(ErrorKind::NotFound, "there is no address of that name"));
        }
        Ok(addresses)
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        vec![address].into()
    }
}

impl From<Vec<SocketAddr>> for Endpoint {
    fn from(addresses: Vec<SocketAddr>) -> Self {
        Self(Kind::Addresses(addresses))
    }
}

impl From<&[SocketAddr]> for Endpoint {
    fn from(addresses: &[SocketAddr]) -> Self {
        addresses.to_vec().into()
    }
}

impl From<(IpAddr, u16)> for Endpoint {
    fn from(address: (IpAddr, u16)) -> Self {
        SocketAddr::from(address).into()
    }
}

/// A host and a port. The host may be an IP address.
impl From<(&str, u16)> for Endpoint {
    fn from((host, port): (&str, u16)) -> Self {
        match host.parse::<IpAddr>() {
            Ok(address) => (address, port).into(),
            Err(_) => format!("{host}:{port}").into(),
        }
    }
}

/// `HOST:PORT`. The host may be an IP address.
impl From<String> for Endpoint {
    fn from(text: String) -> Self {
        match text.parse::<SocketAddr>() {
            Ok(address) => address.into(),
            Err(_) => Self(Kind::Name(text)),
        }
    }
}

impl From<&str> for Endpoint {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<&String> for Endpoint {
    fn from(text: &String) -> Self {
        text.clone().into()
    }
}

#[cfg(test)]
mod tests {
    use core::net::{IpAddr, Ipv6Addr};

    use super::{Endpoint, Kind};

    /// Addresses need no lookup, however they are written; names do.
    #[test]
    fn addresses_are_not_looked_up() {
        let address = "[::1]:25".parse().expect("an address");
        let same: [Endpoint; 5] = [
            "[::1]:25".into(),
            ("::1", 25).into(),
            (IpAddr::from(Ipv6Addr::LOCALHOST), 25).into(),
            [address][..].into(),
            (&String::from("[::1]:25")).into(),
        ];
        for endpoint in same {
            assert!(matches!(endpoint.0, Kind::Addresses(addresses) if addresses == [address]));
        }
        for endpoint in ["mx.example:25".into(), Endpoint::from(("mx.example", 25))] {
            assert!(matches!(endpoint.0, Kind::Name(name) if name == "mx.example:25"));
        }
    }
}
