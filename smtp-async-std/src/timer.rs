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
