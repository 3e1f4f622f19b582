//! The loop that carries out what a connection says, in either role.

use core::task::{Context, Poll, ready};
use std::io;

use smtp_proto::{Clock, CloseReason, Decision, Drive, Output, ReadBuffer};

use crate::Runtime;
use crate::timer::Timer;
use crate::transport::Transport;

/// A connection and its transport. Everything that has happened is in the connection, so that dropping whoever polls
/// this loses nothing.
pub(crate) struct Driver<C: Drive, R: Runtime> {
    pub(crate) connection: C,
    pub(crate) transport: Transport<R>,
    pub(crate) clock: Clock,
    /// What the operating system or TLS said when the transport failed.
    pub(crate) error: Option<io::Error>,
    /// What came up while something else was waited for.
    waiting: Option<Next<C::Event>>,
    buffer: ReadBuffer,
    timer: Timer<R>,
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

/// After how many reads without a pause other tasks have their turn: a peer that always has more to say is not to have a
/// thread for itself.
const READS: u32 = 64;

impl<C: Drive, R: Runtime> Driver<C, R> {
    pub(crate) fn new(connection: C, transport: Transport<R>, clock: Clock) -> Self {
        let (buffer, timer) = (ReadBuffer::new(), Timer::new());
        Self { connection, transport, clock, error: None, waiting: None, buffer, timer, reads: 0 }
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
                    Poll::Ready(Err(error)) => self.write_failed(cx, error),
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

    /// Waits for input, if it is welcome, and for the deadline, while what is held by the transport leaves.
    pub(crate) fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.reads == READS {
            self.reads = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Poll::Ready(Err(error)) = self.transport.poll_flush(cx) {
            self.fail(error);
        } else if self.connection.wants_input()
            && let Poll::Ready(read) = self.transport.poll_read(cx, &mut self.buffer)
        {
            self.reads += 1;
            let now = self.clock.now();
            match read {
                Ok(octets) if octets.is_empty() => self.connection.handle_eof(now),
                // They are welcome.
                Ok(octets) => drop(self.connection.handle_input(now, octets)),
                Err(error) => self.fail(error),
            }
        } else {
            self.reads = 0;
            ready!(self.poll_deadline(cx));
        }
        Poll::Ready(())
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.timer.poll(cx, &self.clock, self.connection.deadline()));
        self.connection.handle_timeout(self.clock.now());
        Poll::Ready(())
    }

    /// What the peer said before it went away is still worth hearing: it may be the reason.
    fn write_failed(&mut self, cx: &mut Context<'_>, error: io::Error) {
        self.error.get_or_insert(error);
        self.reads = 0;
        let was_read = self.connection.wants_input() && self.poll_input(cx).is_ready();
        if !was_read {
            self.connection.handle_disconnect(self.clock.now());
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.error.get_or_insert(error);
        self.connection.handle_disconnect(self.clock.now());
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU32;
    use core::sync::atomic::{AtomicUsize, Ordering};
    use core::task::{Context, Poll, Waker};
    use std::sync::Arc;
    use std::task::Wake;

    use smtp_proto::Clock;
    use smtp_proto::server::{Config, Connection, Event};

    use super::{Driver, Next, READS};
    use crate::runtime::fake::{Fake, Line};
    use crate::transport::Transport;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// RES-01: a peer that always has more to say, and needs nobody for it, does not keep the thread: others have their
    /// turn, and the connection goes on by itself.
    #[test]
    fn floods_leave_room() {
        let line = Line { is_readable: false, says: b"NOOP\r\n", reads: 0 };
        let clock = Clock::start();
        let mut config = Config::new("mx.example").expect("a domain");
        config.limits.junk_commands = NonZeroU32::MAX;
        let connection = Connection::new(clock.now(), Arc::new(config)).expect("a usable configuration");
        let mut driver = Driver::<_, Fake>::new(connection, Transport::new(line), clock);
        let wakes = Arc::<Wakes>::default();
        let waker = Waker::from(Arc::clone(&wakes));
        let mut cx = Context::from_waker(&waker);
        let Poll::Ready(Next::Event(Event::Connect(token))) = driver.poll_next(&mut cx) else { panic!("it asks") };
        assert!(driver.connection.answer(driver.clock.now(), token, Ok(smtp_proto::server::Accept::Usual)));
        for turn in 1..=3 {
            // Each reply is told.
            for _ in 0..READS {
                assert!(matches!(driver.poll_next(&mut cx), Poll::Ready(Next::Event(Event::Answered(_)))));
            }
            assert!(driver.poll_next(&mut cx).is_pending());
            assert_eq!(wakes.0.load(Ordering::Relaxed), turn);
        }
    }
}
