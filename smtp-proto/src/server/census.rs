//! How many connections a server has, and from where.

use alloc::collections::BTreeMap;
use core::net::IpAddr;
use core::num::NonZeroUsize;

/// How many connections are served at one time. Beyond that a client is refused with 421 4.7.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// In all. Default 1 000.
    pub all: NonZeroUsize,
    /// From one address. Default 50.
    pub per_address: NonZeroUsize,
}

/// Counts the connections of a server against [`Caps`]. It is a value: the adapter shares it among its threads or tasks.
#[derive(Debug, Default)]
pub struct Census {
    all: usize,
    by_address: BTreeMap<IpAddr, usize>,
}

impl Default for Caps {
    fn default() -> Self {
        const { Self { all: NonZeroUsize::new(1000).expect("not 0"), per_address: NonZeroUsize::new(50).expect("not 0") } }
    }
}

impl Census {
    /// Counts one more connection; false: there is no room for it. What has no address (a Unix socket) is counted in all
    /// only. An IPv4 address is the same whether it comes as such or mapped into IPv6 (RFC 4291 §2.5.5.2).
    #[must_use = "a connection that was not counted is not to be served"]
    pub fn admit(&mut self, caps: Caps, address: Option<IpAddr>) -> bool {
        if self.all >= caps.all.get() {
            return false;
        }
        if let Some(address) = address {
            let address = address.to_canonical();
            let here = self.by_address.get(&address).copied().unwrap_or(0);
            if here >= caps.per_address.get() {
                return false;
            }
            self.by_address.insert(address, here + 1);
        }
        self.all += 1;
        true
    }

    /// A connection that was counted is over.
    pub fn leave(&mut self, address: Option<IpAddr>) {
        self.all = self.all.saturating_sub(1);
        let Some(address) = address.map(|address| address.to_canonical()) else { return };
        if let Some(here) = self.by_address.get_mut(&address) {
            *here -= 1;
            if *here == 0 {
                self.by_address.remove(&address);
            }
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.all
    }
}

#[cfg(test)]
mod tests {
    use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use super::{Caps, Census};

    /// RES-01: one address has its share and no more, whichever way it is written, and gives it back.
    #[test]
    fn counts_by_address() {
        let caps = Caps { all: 4.try_into().expect("not 0"), per_address: 2.try_into().expect("not 0") };
        let (here, there) = (IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST));
        let mapped = IpAddr::from(Ipv4Addr::LOCALHOST.to_ipv6_mapped());
        let mut census = Census::default();
        assert!(census.admit(caps, Some(here)) && census.admit(caps, Some(mapped)));
        assert!(!census.admit(caps, Some(here)) && !census.admit(caps, Some(mapped)));
        assert!(census.admit(caps, Some(there)) && census.admit(caps, None));
        assert!(!census.admit(caps, Some(there)) && !census.admit(caps, None));
        census.leave(Some(here));
        assert!(census.admit(caps, Some(mapped)));
        for address in [Some(here), Some(mapped), Some(there), None] {
            census.leave(address);
        }
        assert_eq!(census.count(), 0);
        assert!(census.by_address.is_empty());
    }

    /// The defaults that the documentation names.
    #[test]
    fn defaults() {
        assert_eq!((Caps::default().all.get(), Caps::default().per_address.get()), (1000, 50));
    }
}
