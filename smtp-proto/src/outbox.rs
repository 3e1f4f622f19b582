//! Octets on their way to the peer.

use alloc::vec::Vec;
use core::fmt;

/// Pending output: what was made and what of it has left.
#[derive(Default)]
pub(crate) struct Outbox {
    octets: Vec<u8>,
    sent: usize,
}

impl Outbox {
    pub(crate) const fn new() -> Self {
        Self { octets: Vec::new(), sent: 0 }
    }

    /// Where more output is appended.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.octets
    }

    pub(crate) fn pending(&self) -> &[u8] {
        &self.octets[self.sent..]
    }

    pub(crate) fn len(&self) -> usize {
        self.octets.len() - self.sent
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first `count` pending octets have left.
    pub(crate) fn sent(&mut self, count: usize) {
        self.sent = self.sent.saturating_add(count).min(self.octets.len());
        if self.is_empty() {
            self.octets.clear();
            self.sent = 0;
        }
    }

    /// Takes the last `count` octets back, unless some of them have left already.
    pub(crate) fn retract(&mut self, count: usize) -> bool {
        if self.len() < count {
            return false;
        }
        self.octets.truncate(self.octets.len() - count);
        self.sent(0);
        true
    }

    /// Whether capacity is held that nothing needs.
    pub(crate) fn is_spare(&self) -> bool {
        self.is_empty() && self.octets.capacity() > 0
    }

    /// Gives spare capacity back.
    pub(crate) fn release(&mut self) {
        if self.is_empty() {
            *self = Self::new();
        }
    }
}

/// Shows how much waits, and nothing of it: it may hold what logs somebody in.
impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("waiting", &self.len()).finish()
    }
}
