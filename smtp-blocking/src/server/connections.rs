//! The connections of a server: how many there are, and how they learn that the service ends.

use core::net::IpAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use smtp_proto::server::{Caps, Census};

/// Every connection that is being served, counted against the caps.
#[derive(Debug)]
pub(super) struct Connections {
    ending: AtomicBool,
    served: Mutex<Served>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Served {
    census: Census,
    links: HashMap<u64, Arc<Link>>,
    next: u64,
}

/// What the service and the thread of a connection share.
#[derive(Debug)]
pub(super) struct Link {
    stream: Arc<TcpStream>,
    connections: Arc<Connections>,
    /// The thread waits for a command, and no transaction is open.
    parked: AtomicBool,
}

/// The place of one connection among those that are served. Dropping it frees the place.
#[derive(Debug)]
pub(super) struct Place {
    key: u64,
    address: IpAddr,
    pub(super) link: Arc<Link>,
}

impl Connections {
    pub(super) fn new() -> Arc<Self> {
        let served = Mutex::new(Served::default());
        Arc::new(Self { ending: AtomicBool::new(false), served, ended: Condvar::new() })
    }

    /// A place for one more connection, unless a cap is reached.
    pub(super) fn admit(self: &Arc<Self>, caps: Caps, stream: &Arc<TcpStream>, address: IpAddr) -> Option<Place> {
        let mut served = self.served();
        if !served.census.admit(caps, Some(address)) {
            return None;
        }
        let key = served.next;
        served.next += 1;
        let parked = AtomicBool::new(false);
        let link = Arc::new(Link { stream: Arc::clone(stream), connections: Arc::clone(self), parked });
        served.links.insert(key, Arc::clone(&link));
        Some(Place { key, address, link })
    }

    /// Ends the service: wakes every thread that waits for a command.
    pub(super) fn end_service(&self) {
        self.ending.store(true, Ordering::SeqCst);
        for link in self.served().links.values().filter(|link| link.parked.load(Ordering::SeqCst)) {
            // The read returns. The thread sees why, and says 421 to its client.
            let _ = link.stream.shutdown(Shutdown::Read);
        }
    }

    pub(super) fn is_service_ending(&self) -> bool {
        self.ending.load(Ordering::SeqCst)
    }

    /// Waits until every connection has ended, and cuts those that have not after this time.
    pub(super) fn wait(&self, grace: Duration) {
        let end = Instant::now() + grace;
        let mut served = self.served();
        while !served.links.is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                for link in served.links.values() {
                    let _ = link.stream.shutdown(Shutdown::Both);
                }
                return;
            }
            served = self.ended.wait_timeout(served, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn served(&self) -> MutexGuard<'_, Served> {
        // Nothing that can panic runs while it is locked.
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    /// Whether the service is ending.
    pub(super) fn is_service_ending(&self) -> bool {
        self.connections.is_service_ending()
    }

    /// The thread is about to read. Returns whether the end of the service will wake it: only while no transaction is
    /// open, because a stream that was woken cannot be waited on again.
    ///
    /// Either this sees that the service is ending, or [`Connections::end_service`] sees that the thread is parked.
    pub(super) fn park(&self, idle: bool) -> bool {
        self.parked.store(idle, Ordering::SeqCst);
        idle && !self.is_service_ending()
    }

    /// The read is over.
    pub(super) fn unpark(&self) {
        self.parked.store(false, Ordering::SeqCst);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let connections = &self.link.connections;
        let mut served = connections.served();
        served.links.remove(&self.key);
        served.census.leave(Some(self.address));
        connections.ended.notify_all();
    }
}
