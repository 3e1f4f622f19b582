//! The timer of a connection.

use core::pin::Pin;
use core::task::{Context, Poll, ready};

use smtp_proto::{Clock, Instant};

use crate::Runtime;

/// Waits for the deadline that it was given last. Most deadlines move on with each command, which leaves the timer of the
/// runtime as it is: it is only ever set to an earlier time.
pub(crate) struct Timer<R: Runtime>(Option<(Instant, R::Timer)>);

impl<R: Runtime> Timer<R> {
    pub(crate) fn new() -> Self {
        Self(None)
    }

    /// Waits until the deadline has passed, or one that was there before it: who asks looks at the time. Without one it
    /// waits for ever, and holds nothing.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, clock: &Clock, deadline: Option<Instant>) -> Poll<()> {
        let Some(deadline) = deadline else {
            self.0 = None;
            return Poll::Pending;
        };
        let (_, timer) = match &mut self.0 {
            Some(set) if set.0 <= deadline => set,
            set => set.insert((deadline, R::sleep(clock.until(deadline)))),
        };
        ready!(Pin::new(timer).poll(cx));
        self.0 = None;
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use core::task::{Context, Waker};
    use core::time::Duration;

    use smtp_proto::Clock;

    use super::Timer;
    use crate::runtime::fake::{Fake, TIMERS};

    /// A deadline that moves on sets no timer, one that is earlier does.
    #[test]
    fn deadlines_that_move_on_cost_nothing() {
        let (clock, mut timer) = (Clock::start(), Timer::<Fake>::new());
        let mut cx = Context::from_waker(Waker::noop());
        let mut set = Vec::new();
        for seconds in [Some(300), Some(301), Some(400), Some(60), Some(60), Some(300), None, Some(300)] {
            let deadline = seconds.map(|seconds| clock.now() + Duration::from_secs(seconds));
            assert!(timer.poll(&mut cx, &clock, deadline).is_pending());
            set.push(TIMERS.get());
        }
        assert_eq!(set, [1, 1, 1, 2, 2, 2, 2, 3]);
    }
}
