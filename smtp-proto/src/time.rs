//! Time as a value: the core never reads a clock.

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;

/// A point in time: the [`Duration`] since an epoch that the driver chooses, usually its own start.
///
/// The core compares instants and adds durations to them, nothing else, so a simulation may count from zero and a
/// driver may use `Clock` (feature `std`). It counts nanoseconds, and ends 584 years after the epoch: addition
/// saturates there.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    nanoseconds: u64,
}

impl Instant {
    /// The driver's epoch.
    pub const EPOCH: Self = Self { nanoseconds: 0 };

    /// The instant this long after the driver's epoch.
    #[must_use]
    pub const fn from_epoch(elapsed: Duration) -> Self {
        Self { nanoseconds: nanoseconds(elapsed) }
    }

    /// How long after the driver's epoch this is.
    #[must_use]
    pub const fn since_epoch(self) -> Duration {
        Duration::from_nanos(self.nanoseconds)
    }

    /// How long `earlier` lies before this instant, zero if it does not.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanoseconds.saturating_sub(earlier.nanoseconds))
    }
}

const fn nanoseconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(duration.subsec_nanos() as u64)
}

impl Add<Duration> for Instant {
    type Output = Self;

    #[inline]
    fn add(self, duration: Duration) -> Self {
        Self { nanoseconds: self.nanoseconds.saturating_add(nanoseconds(duration)) }
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_since(earlier)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Instant({:?})", self.since_epoch())
    }
}

/// Maps the operating system's monotonic clock to [`Instant`] and back.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    epoch: std::time::Instant,
}

#[cfg(feature = "std")]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock, for drivers")]
impl Clock {
    /// A clock whose epoch is now.
    #[must_use]
    pub fn start() -> Self {
        Self { epoch: std::time::Instant::now() }
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_epoch(self.epoch.elapsed())
    }

    /// The operating system's instant for one of ours.
    #[must_use]
    pub fn to_std(&self, instant: Instant) -> std::time::Instant {
        self.epoch + instant.since_epoch()
    }

    /// How long it is from now until `instant`, zero if it has passed.
    #[must_use]
    pub fn until(&self, instant: Instant) -> Duration {
        instant.saturating_since(self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::Instant;
    use core::time::Duration;

    #[test]
    fn counts_and_saturates() {
        let second = Duration::from_secs(1);
        let instant = Instant::from_epoch(Duration::new(5, 7));
        assert_eq!(instant.since_epoch(), Duration::new(5, 7));
        assert_eq!((instant + second) - instant, second);
        assert_eq!(Instant::EPOCH - instant, Duration::ZERO);
        let end = Instant::from_epoch(Duration::MAX);
        assert_eq!(end + second, end);
        assert!(end > instant);
    }
}
