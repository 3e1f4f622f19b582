//! The connections of a server: how many there are, and how they learn that the service ends.

use core::net::IpAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atomic_waker::AtomicWaker;
use smtp_proto::server::{Caps, Census};

/// Every connection that is being served, counted against the caps.
#[derive(Debug, Default)]
pub(super) struct Connections {
    ending: AtomicBool,
    cut: AtomicBool,
    /// Whoever accepts connections, and waits for their end.
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
        self.wake_tasks();
    }

    /// Cuts every connection: wakes every task.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        self.wake_tasks();
    }

    pub(super) fn is_service_ending(&self) -> bool {
        self.ending.load(Ordering::SeqCst)
    }

    /// The end of the service will wake this task, and so will the end of the last connection after it.
    pub(super) fn wake_acceptor(&self, task: &Waker) {
        self.acceptor.register(task);
    }

    /// Waits until no connection is left of a service that is ending.
    pub(super) fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.wake_acceptor(cx.waker());
        if self.served().tasks.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn wake_tasks(&self) {
        // Whatever runs the tasks may run one at once, which may end and give its place back.
        let tasks: Vec<_> = self.served().tasks.values().map(Arc::clone).collect();
        for task in tasks {
            task.wake();
        }
    }

    fn served(&self) -> MutexGuard<'_, Served> {
        // Nothing that can panic runs while it is locked.
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Whether the connection is cut. If not, the end of the service will wake this task, and so will the cut.
    pub(super) fn is_cut(&self, task: &Waker) -> bool {
        self.task.register(task);
        self.connections.cut.load(Ordering::SeqCst)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut served = self.connections.served();
        served.tasks.remove(&self.key);
        served.census.leave(self.address);
        let is_last = served.tasks.is_empty();
        drop(served);
        if is_last && self.connections.is_service_ending() {
            self.connections.acceptor.wake();
        }
    }
}
