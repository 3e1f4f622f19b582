//! The timer of a connection.

use core::future::Future as _;
use core::pin::Pin;
use core::task::{Context, Poll};

use smtp_proto::{Clock, Instant};
use tokio::time::{Sleep, sleep_until};

/// Sleeps until the deadline that it was given last, and is set anew only when that has changed.
#[derive(Debug, Default)]
pub(crate) struct Timer(Option<(Instant, Pin<Box<Sleep>>)>);

impl Timer {
    /// Waits until the deadline has passed. Without one it waits for ever, and holds nothing.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, clock: &Clock, deadline: Option<Instant>) -> Poll<()> {
        let Some(deadline) = deadline else {
            self.0 = None;
            return Poll::Pending;
        };
        let until = || clock.to_std(deadline).into();
        let (set, sleep) = self.0.get_or_insert_with(|| (deadline, Box::pin(sleep_until(until()))));
        if *set != deadline {
            *set = deadline;
            sleep.as_mut().reset(until());
        }
        sleep.as_mut().poll(cx)
    }
}
