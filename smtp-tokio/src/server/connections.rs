//! The connections of a server: how many there are, and how they learn that the service ends.

use core::net::IpAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atomic_waker::AtomicWaker;
use smtp_proto::server::{Caps, Census};

/// Every connection that is being served, counted against the caps.
#[derive(Debug, Default)]
pub(super) struct Connections {
    ending: AtomicBool,
    /// Whoever accepts connections.
    acceptor: AtomicWaker,
    served: Mutex<Served>,
}

#[derive(Debug, Default)]
struct Served {
    census: Census,
    tasks: HashMap<u64, Arc<AtomicWaker>>,
    next: u64,
}

/// The place of one connection among those that are served. Dropping it frees the place.
#[derive(Debug)]
pub(super) struct Place {
    key: u64,
    address: Option<IpAddr>,
    task: Arc<AtomicWaker>,
    connections: Arc<Connections>,
}

impl Connections {
    /// A place for one more connection, unless a cap is reached.
    pub(super) fn admit(self: &Arc<Self>, caps: Caps, address: Option<IpAddr>) -> Option<Place> {
        let mut served = self.served();
        if !served.census.admit(caps, address) {
            return None;
        }
        let key = served.next;
        served.next += 1;
        let task = Arc::<AtomicWaker>::default();
        served.tasks.insert(key, Arc::clone(&task));
        Some(Place { key, address, task, connections: Arc::clone(self) })
    }

    /// Ends the service: wakes every task.
    pub(super) fn end_service(&self) {
        self.ending.store(true, Ordering::SeqCst);
        self.acceptor.wake();
        for task in self.served().tasks.values() {
            task.wake();
        }
    }

    pub(super) fn is_service_ending(&self) -> bool {
        self.ending.load(Ordering::SeqCst)
    }

    /// The end of the service will wake this task.
    pub(super) fn wake_acceptor(&self, task: &core::task::Waker) {
        self.acceptor.register(task);
    }

    fn served(&self) -> MutexGuard<'_, Served> {
        // Nothing that can panic runs while it is locked.
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Whether the service is ending. If not, its end will wake this task.
    pub(super) fn is_service_ending(&self, task: &core::task::Waker) -> bool {
        self.task.register(task);
        self.connections.is_service_ending()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut served = self.connections.served();
        served.tasks.remove(&self.key);
        served.census.leave(self.address);
    }
}
