//! The loop that carries out what a connection says, in either role.

use core::future::{Future as _, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io;

use smtp_proto::{Clock, CloseReason, Decision, Drive, Instant, Output, ReadBuffer};

use crate::Runtime;
use crate::runtime::timeout;
use crate::transport::Transport;

/// A connection and its transport. Everything that has happened is in the connection, so that dropping whoever polls
/// this loses nothing.
pub(crate) struct Driver<C: Drive, R: Runtime> {
    pub(crate) connection: C,
    pub(crate) transport: Transport<R::Socket>,
    pub(crate) clock: Clock,
    /// What the operating system said when the transport failed.
    pub(crate) error: Option<io::Error>,
    /// What came up while something else was waited for.
    waiting: Option<Next<C::Event>>,
    buffer: ReadBuffer,
    /// One that is due at the deadline or before: a deadline that moves on, as most do, leaves it as it is.
    timer: Option<(Instant, R::Timer)>,
    /// How often something was read without a pause.
    reads: u32,
}

/// What there is to see to.
pub(crate) enum Next<E> {
    /// The connection tells something, or asks.
    Event(E),
    /// The next piece of the body that is being sent is welcome.
    Body,
    /// The connection is over.
    Closed(CloseReason),
}

/// How long, and for how many octets, a closed connection is kept for the peer to read what was written last.
const LINGER: (Duration, usize) = (Duration::from_secs(1), 1 << 20);

/// After how many reads without a pause other tasks have their turn: a peer that always has more to say is not to have a
/// thread for itself.
const READS: u32 = 64;

impl<C: Drive, R: Runtime> Driver<C, R> {
    pub(crate) fn new(connection: C, transport: Transport<R::Socket>, clock: Clock) -> Self {
        let buffer = ReadBuffer::new();
        Self { connection, transport, clock, error: None, waiting: None, buffer, timer: None, reads: 0 }
    }

    /// Carries on until there is something to see to.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next<C::Event>> {
        if let Some(next) = self.waiting.take() {
            return Poll::Ready(next);
        }
        loop {
            match self.connection.poll() {
                Output::Event(event) => return Poll::Ready(Next::Event(event)),
                Output::Closed(reason) => return Poll::Ready(Next::Closed(reason)),
                Output::Transmit(octets) => match self.transport.poll_write(cx, octets) {
                    Poll::Ready(Ok(count)) => self.connection.transmitted(self.clock.now(), count),
                    Poll::Ready(Err(error)) => self.read_last(cx, error),
                    // The peer may not read before it has written.
                    Poll::Pending => ready!(self.poll_input(cx)),
                },
                Output::UpgradeTls => match self.transport.poll_handshake(cx) {
                    Poll::Ready(Ok(info)) => self.connection.handle_tls_established(self.clock.now(), info),
                    Poll::Ready(Err(error)) => {
                        self.error.get_or_insert(error);
                        self.connection.handle_tls_failed(self.clock.now());
                    }
                    Poll::Pending => ready!(self.poll_deadline(cx)),
                },
                Output::Wait(wait) if wait.decision == Some(Decision::Body) => return Poll::Ready(Next::Body),
                Output::Wait(_) => ready!(self.poll_input(cx)),
            }
        }
    }

    /// Carries on while the caller waits for something else, up to what there is to see to.
    pub(crate) fn poll_meanwhile(&mut self, cx: &mut Context<'_>) {
        if self.waiting.is_none()
            && let Poll::Ready(next) = self.poll_next(cx)
        {
            self.waiting = Some(next);
        }
    }

    /// Waits for input, if it is welcome, and for the deadline, while what is held here leaves.
    pub(crate) fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.reads == READS {
            self.reads = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.connection.wants_input()
            && let Poll::Ready(read) = self.transport.poll_read(cx, &mut self.buffer)
        {
            self.reads += 1;
            let now = self.clock.now();
            match read {
                Ok(octets) if octets.is_empty() => self.connection.handle_eof(now),
                Ok(octets) => {
                    let taken = self.connection.handle_input(now, octets);
                    debug_assert!(taken.is_ok(), "input is welcome");
                }
                Err(error) => self.fail(error),
            }
            return Poll::Ready(());
        }
        self.reads = 0;
        if let Poll::Ready(Err(error)) = self.transport.poll_flush(cx) {
            self.fail(error);
            return Poll::Ready(());
        }
        self.poll_deadline(cx)
    }

    /// Waits for the deadline of the connection.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.connection.deadline() else {
            self.timer = None;
            return Poll::Pending;
        };
        if self.timer.as_ref().is_none_or(|(due, _)| *due > deadline) {
            self.timer = Some((deadline, R::sleep(self.clock.until(deadline))));
        }
        let Some((_, timer)) = &mut self.timer else { return Poll::Pending };
        ready!(Pin::new(timer).poll(cx));
        self.timer = None;
        self.connection.handle_timeout(self.clock.now());
        Poll::Ready(())
    }

    /// Closes, with the end of TLS if there is any, as far as the peer takes it soon.
    pub(crate) async fn close(&mut self) {
        let _ = timeout::<R, _>(LINGER.0, poll_fn(|cx| self.transport.poll_close(cx))).await;
    }

    /// Closes, and gives the peer some time to read what was written last: a connection that is closed with unread input
    /// in it is reset, which can take the last reply away from the peer.
    pub(crate) async fn linger(&mut self) {
        let mut unread = LINGER.1;
        let drained = poll_fn(|cx| {
            if ready!(self.transport.poll_close(cx)).is_err() {
                return Poll::Ready(());
            }
            loop {
                match ready!(self.transport.poll_read(cx, &mut self.buffer)) {
                    Ok(octets) if !octets.is_empty() && octets.len() < unread => unread -= octets.len(),
                    _ => return Poll::Ready(()),
                }
            }
        });
        // A peer that stays is left.
        let _ = timeout::<R, _>(LINGER.0, drained).await;
    }

    /// Writing failed. What the peer said before it went away is still worth hearing: it may be the reason.
    fn read_last(&mut self, cx: &mut Context<'_>, error: io::Error) {
        if self.connection.wants_input()
            && let Poll::Ready(Ok(octets)) = self.transport.poll_read(cx, &mut self.buffer)
            && !octets.is_empty()
        {
            let taken = self.connection.handle_input(self.clock.now(), octets);
            debug_assert!(taken.is_ok(), "input is welcome");
        } else {
            self.fail(error);
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.error.get_or_insert(error);
        self.connection.handle_disconnect(self.clock.now());
    }
}
