//! What leaves in one direction, and when.

use core::time::Duration;
use std::collections::VecDeque;

use crate::target::Heard;

/// Octets that wait for their time, in order.
#[derive(Debug, Default)]
pub(super) struct Outlet {
    /// What leaves at which time. `None` is the end.
    queue: VecDeque<(Duration, Option<Vec<u8>>)>,
    /// The end is in the queue, or was.
    is_closed: bool,
}

impl Outlet {
    /// Adds octets that leave at this time, and not before anything that was added earlier.
    pub(super) fn push(&mut self, at: Duration, octets: &[u8]) {
        if octets.is_empty() || self.is_closed {
            return;
        }
        let at = self.queue.back().map_or(at, |(last, _)| at.max(*last));
        match self.queue.back_mut() {
            Some((last, Some(before))) if *last == at => before.extend_from_slice(octets),
            _ => self.queue.push_back((at, Some(octets.to_vec()))),
        }
    }

    /// Ends it behind what was added. Nothing is added any more.
    pub(super) fn close(&mut self, at: Duration) {
        if !self.is_closed {
            self.is_closed = true;
            let at = self.queue.back().map_or(at, |(last, _)| at.max(*last));
            self.queue.push_back((at, None));
        }
    }

    /// What leaves now.
    pub(super) fn take(&mut self, now: Duration) -> Option<Heard> {
        match self.queue.front() {
            Some((at, _)) if *at <= now => {}
            _ => return None,
        }
        let mut octets = match self.queue.pop_front() {
            Some((_, Some(octets))) => octets,
            // The end stays: it is heard as often as it is asked for.
            Some((at, None)) => {
                self.queue.push_front((at, None));
                return Some(Heard::End);
            }
            None => return None,
        };
        while let Some((at, Some(more))) = self.queue.front()
            && *at <= now
        {
            octets.extend_from_slice(more);
            self.queue.pop_front();
        }
        Some(Heard::Octets(octets))
    }

    /// When something leaves next, if that is later than `now`.
    pub(super) fn next(&self, now: Duration) -> Option<Duration> {
        self.queue.iter().map(|(at, _)| *at).find(|at| *at > now)
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::Outlet;
    use crate::target::Heard;

    #[test]
    fn what_is_late_holds_up_what_comes_behind() {
        let minute = Duration::from_secs(60);
        let mut outlet = Outlet::default();
        outlet.push(Duration::ZERO, b"a");
        outlet.push(Duration::ZERO, b"b");
        outlet.push(minute, b"c");
        outlet.push(Duration::ZERO, b"d");
        outlet.close(Duration::ZERO);
        outlet.push(Duration::ZERO, b"too late");
        assert_eq!(outlet.take(Duration::ZERO), Some(Heard::Octets(b"ab".to_vec())));
        assert_eq!((outlet.take(Duration::ZERO), outlet.next(Duration::ZERO)), (None, Some(minute)));
        assert_eq!(outlet.take(minute), Some(Heard::Octets(b"cd".to_vec())));
        assert_eq!([outlet.take(minute), outlet.take(minute)], [Some(Heard::End), Some(Heard::End)]);
        assert_eq!(outlet.next(minute), None);
    }
}
