//! What a driver waits for: input and the deadline.

use core::task::{Context, Poll, ready};

use super::{Driver, Transport, observe};
use crate::{Direction, Drive};

/// After how many reads without a pause others have their turn.
const READS: u8 = 64;

impl<C: Drive, T: Transport> Driver<C, T> {
    /// Waits for input, if it is welcome, and for the deadline, while what is held by the transport leaves. Ready:
    /// something has come of it. A client that has a body to hand in asks it first whether the server has something to
    /// say.
    pub fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.reads == READS {
            self.reads = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Poll::Ready(Err(error)) = self.transport.poll_flush(cx) {
            self.fail(Some(error));
            return Poll::Ready(());
        }
        if !self.connection.wants_input() {
            return self.poll_deadline(cx);
        }
        let Poll::Ready(read) = self.transport.poll_read(cx, &mut self.buffer) else {
            self.buffer.release();
            return self.poll_deadline(cx);
        };
        self.reads += 1;
        match read {
            Ok(octets) if octets.is_empty() => self.connection.handle_eof(self.transport.now()),
            Ok(octets) => {
                observe(&mut self.observer, Direction::Received, &octets);
                // They are welcome.
                drop(self.connection.handle_input(self.transport.now(), octets));
            }
            Err(error) => self.fail(Some(error)),
        }
        Poll::Ready(())
    }

    pub(super) fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.reads = 0;
        ready!(self.transport.poll_until(cx, self.connection.deadline()));
        self.connection.handle_timeout(self.transport.now());
        Poll::Ready(())
    }

    /// What the peer said before it went away is still worth hearing: it may be the reason.
    pub(super) fn write_failed(&mut self, cx: &mut Context<'_>, error: Option<T::Error>) {
        self.error = self.error.take().or(error);
        self.reads = 0;
        let was_read = self.connection.wants_input() && self.poll_input(cx).is_ready();
        if !was_read {
            self.fail(None);
        }
    }

    fn fail(&mut self, error: Option<T::Error>) {
        self.error = self.error.take().or(error);
        self.connection.handle_disconnect(self.transport.now());
    }
}
