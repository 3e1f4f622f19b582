//! Time as a value: the core never reads a clock.

use core::ops::{Add, Sub};
use core::time::Duration;

/// A point in time: the [`Duration`] since an epoch that the driver chooses, usually its own start.
///
/// The core compares instants and adds durations to them, nothing else, so a simulation may count from zero and a
/// driver may use `Clock` (feature `std`). Addition saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The driver's epoch.
    pub const EPOCH: Self = Self(Duration::ZERO);

    /// The instant this long after the driver's epoch.
    #[must_use]
    pub const fn from_epoch(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// How long after the driver's epoch this is.
    #[must_use]
    pub const fn since_epoch(self) -> Duration {
        self.0
    }

    /// How long `earlier` lies before this instant, zero if it does not.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_since(earlier)
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
        Instant(self.epoch.elapsed())
    }

    /// The operating system's instant for one of ours.
    #[must_use]
    pub fn to_std(&self, instant: Instant) -> std::time::Instant {
        self.epoch + instant.0
    }

    /// How long it is from now until `instant`, zero if it has passed.
    #[must_use]
    pub fn until(&self, instant: Instant) -> Duration {
        instant.saturating_since(self.now())
    }
}
