//! The loop that carries out what a connection says, in either role, over whatever is polled.

mod ending;
mod transport;
mod waiting;

pub use transport::Transport;

use alloc::boxed::Box;
use core::task::{Context, Poll, ready};

use crate::{Decision, Direction, Drive, Next, Observer, Output, ReadBuffer};

/// A connection of either role and the [`Transport`] that it talks through: the driver of every runtime that polls.
///
/// It does no I/O: it polls what it is given. An adapter brings the transport, and puts to its application what
/// [`poll_next`](Self::poll_next) says.
///
/// * Everything that has happened is in the connection, so whoever polls this may be dropped at any point and nothing is
///   lost: the next poll goes on where the last one was.
/// * While a write is pending input is read, as long as the connection takes it ([`Drive::wants_input`]), so that two peers
///   that both write never wait for each other.
/// * A write that fails is not the end yet: what the peer said before it went away is heard, because it may be the reason.
/// * After 64 reads without a pause others have their turn: a peer that always has more to say does not keep a thread.
/// * While nothing comes, it holds no memory to read into.
///
/// Time passes only while it is polled: a deadline wakes the task, as octets do.
///
/// ```
/// use core::future::poll_fn;
///
/// use smtp_proto::server::{Accept, Connection, Event};
/// use smtp_proto::{Driver, Next, Transport};
///
/// /// A server that takes no mail.
/// async fn serve<T: Transport>(connection: Connection, transport: T) {
///     let mut driver = Driver::new(connection, transport);
///     loop {
///         let event = match poll_fn(|cx| driver.poll_next(cx)).await {
///             Next::Event(event) => event,
///             Next::Body => continue,
///             Next::Closed(_) => break,
///         };
///         let now = driver.transport.now();
///         match event {
///             Event::Connect(token) => driver.connection.answer(now, token, Ok(Accept::Usual)),
///             Event::Hello(token) => driver.connection.answer(now, token, Ok(Accept::Usual)),
///             _ => continue,
///         };
///     }
///     driver.linger().await;
/// }
/// ```
pub struct Driver<C: Drive, T: Transport> {
    /// Takes the answers and the requests of the application.
    pub connection: C,
    /// Has the time for them.
    pub transport: T,
    /// Why the transport failed first, if it did.
    pub error: Option<T::Error>,
    observer: Option<Box<dyn Observer>>,
    /// What came up while something else was waited for, which is rare: so it has no room of its own.
    waiting: Option<Box<Next<C::Event>>>,
    buffer: ReadBuffer,
    /// How often something was read without a pause.
    reads: u8,
}

impl<C: Drive, T: Transport> Driver<C, T> {
    /// A connection that has said nothing yet, and what it is to talk through.
    pub fn new(connection: C, transport: T) -> Self {
        let buffer = ReadBuffer::new();
        Self { connection, transport, error: None, observer: None, waiting: None, buffer, reads: 0 }
    }

    /// Carries on until there is something to see to.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next<C::Event>> {
        if let Some(next) = self.waiting.take() {
            return Poll::Ready(*next);
        }
        loop {
            match self.connection.poll() {
                Output::Event(event) => return Poll::Ready(Next::Event(event)),
                Output::Closed(reason) => return Poll::Ready(Next::Closed(reason)),
                Output::Transmit(octets) => match self.transport.poll_write(cx, octets) {
                    Poll::Ready(Ok(count @ 1..)) => {
                        observe(&mut self.observer, Direction::Sent, &octets[..count]);
                        self.connection.transmitted(self.transport.now(), count);
                    }
                    Poll::Ready(written) => self.write_failed(cx, written.err()),
                    // The peer may not read before it has written.
                    Poll::Pending => ready!(self.poll_input(cx)),
                },
                Output::UpgradeTls => match self.transport.poll_handshake(cx) {
                    Poll::Ready(Ok(info)) => self.connection.handle_tls_established(self.transport.now(), info),
                    Poll::Ready(Err(error)) => {
                        self.error.get_or_insert(error);
                        self.connection.handle_tls_failed(self.transport.now());
                    }
                    Poll::Pending => ready!(self.poll_deadline(cx)),
                },
                Output::Wait(wait) if wait.decision == Some(Decision::Body) => return Poll::Ready(Next::Body),
                Output::Wait(_) => ready!(self.poll_input(cx)),
            }
        }
    }

    /// Carries on while the caller waits for something else, up to what there is to see to. That is what
    /// [`poll_next`](Self::poll_next) says next.
    pub fn poll_meanwhile(&mut self, cx: &mut Context<'_>) {
        if self.waiting.is_none()
            && let Poll::Ready(next) = self.poll_next(cx)
        {
            self.waiting = Some(Box::new(next));
        }
    }
}

fn observe(observer: &mut Option<Box<dyn Observer>>, direction: Direction, octets: &[u8]) {
    if let Some(observer) = observer {
        observer.octets(direction, octets);
    }
}
