//! How a driver is watched, and how it ends.

use alloc::boxed::Box;
use core::fmt;
use core::future::poll_fn;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use super::{Driver, Transport, observe};
use crate::server::{self, Reject};
use crate::{Direction, Drive, Instant, Observer, ReadBuffer};

/// How long, and for how many octets, a closed connection is kept for the peer to read what was written last.
const LINGER: (Duration, usize) = (Duration::from_secs(1), 1 << 20);

impl<C: Drive, T: Transport> Driver<C, T> {
    /// Lets the connection be watched from now on, until it is over.
    pub fn observe(&mut self, observer: Box<dyn Observer>) {
        self.observer = Some(observer);
    }

    /// Closes, with the end of TLS if there is any, as far as the peer takes it within a second.
    pub async fn close(&mut self) {
        let end = self.transport.now() + LINGER.0;
        poll_fn(|cx| self.poll_until_end(cx, end, |transport, cx| transport.poll_close(cx).map(drop))).await;
    }

    /// Closes, and gives the peer a second to read what was written last: a connection that is closed with unread input in
    /// it is reset, which can take the last reply away from the peer. A peer that stays is left.
    pub async fn linger(&mut self) {
        let (end, mut buffer, mut unread) = (self.transport.now() + LINGER.0, ReadBuffer::new(), LINGER.1);
        let mut drain = |transport: &mut T, cx: &mut Context<'_>| {
            if ready!(transport.poll_close(cx)).is_err() {
                return Poll::Ready(());
            }
            loop {
                match ready!(transport.poll_read(cx, &mut buffer)) {
                    Ok(octets) if !octets.is_empty() && octets.len() < unread => unread -= octets.len(),
                    _ => return Poll::Ready(()),
                }
            }
        };
        poll_fn(|cx| self.poll_until_end(cx, end, &mut drain)).await;
    }

    /// Does this until `end`.
    fn poll_until_end(
        &mut self,
        cx: &mut Context<'_>,
        end: Instant,
        mut doing: impl FnMut(&mut T, &mut Context<'_>) -> Poll<()>,
    ) -> Poll<()> {
        while doing(&mut self.transport, cx).is_pending() {
            ready!(self.transport.poll_until(cx, Some(end)));
            if self.transport.now() >= end {
                break;
            }
        }
        Poll::Ready(())
    }
}

impl<T: Transport> Driver<server::Connection, T> {
    /// Refuses service without waiting for the peer, for a server that has no room for it: as
    /// [`server::Connection::refuse`]. `write` writes some octets if that takes no time, and says how many.
    pub fn refuse(mut self, reject: &Reject, mut write: impl FnMut(&mut T, &[u8]) -> Option<usize>) {
        let now = self.transport.now();
        self.connection.refuse(now, reject, |octets| {
            let count = write(&mut self.transport, octets)?;
            observe(&mut self.observer, Direction::Sent, &octets[..count]);
            Some(count)
        });
    }
}

impl<C: Drive + fmt::Debug, T: Transport + fmt::Debug> fmt::Debug for Driver<C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Driver");
        debug.field("connection", &self.connection).field("transport", &self.transport).finish_non_exhaustive()
    }
}
