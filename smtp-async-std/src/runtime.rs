//! What the rest of this crate asks of a runtime.

use core::fmt;
use core::future::{Future, poll_fn};
use core::net::SocketAddr;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;

use crate::Socket;

/// A runtime: sockets, timers and tasks. There are two here, `smol::Smol` and `async_std::AsyncStd`; whoever has another
/// one implements it.
///
/// It is a type without a value: nothing of a runtime is kept. What is asked of it is asked in the task that polls a
/// client or a server, and of any thread.
pub trait Runtime: Send + Sync + 'static {
    /// A connected socket.
    type Socket: Socket;
    /// A socket that takes connections.
    type Listener: fmt::Debug + Send + 'static;
    /// Waits for some time.
    type Timer: Future<Output = ()> + Send + Unpin + 'static;

    /// The addresses of `HOST:PORT`, where the host is a name. Must not block.
    ///
    /// # Errors
    ///
    /// What the resolver says. No address is no error.
    fn resolve(name: String) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// A TCP connection to this address. Dropping the future ends the attempt.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    fn connect(address: SocketAddr) -> impl Future<Output = io::Result<Self::Socket>> + Send;

    /// A TCP socket that takes connections at this address; port 0 lets the operating system choose one.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    fn listen(address: SocketAddr) -> impl Future<Output = io::Result<Self::Listener>> + Send;

    /// The next connection, and the address of the peer if it has one. One task at a time polls a listener.
    ///
    /// # Errors
    ///
    /// What the operating system says. That ends nothing: the listener is polled again.
    fn poll_accept(
        listener: &mut Self::Listener,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Self::Socket, Option<SocketAddr>)>>;

    /// Where it takes connections; `None` if that is no address, as with a Unix socket.
    fn local_addr(listener: &Self::Listener) -> Option<io::Result<SocketAddr>>;

    /// Waits for so long, from now on.
    fn sleep(time: Duration) -> Self::Timer;

    /// Runs a task, which nobody waits for and which does not panic.
    fn spawn(task: impl Future<Output = ()> + Send + 'static);
}

/// What comes of the future, or nothing, if it takes longer than this.
pub(crate) async fn timeout<R: Runtime, T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut timer) = (pin!(future), R::sleep(time));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Pin::new(&mut timer).poll(cx).map(|()| None),
    })
    .await
}

#[cfg(test)]
pub(crate) mod fake {
    //! A runtime of which nothing ever comes but what a test puts into a socket.

    use core::cell::Cell;
    use core::future::Pending;

    use futures_io::{AsyncRead, AsyncWrite};

    use super::*;

    std::thread_local! {
        /// How many timers were set by this thread.
        pub(crate) static TIMERS: Cell<usize> = const { Cell::new(0) };
    }

    #[derive(Debug)]
    pub(crate) enum Fake {}

    impl Runtime for Fake {
        type Socket = Line;
        type Listener = ();
        type Timer = Pending<()>;

        async fn resolve(_: String) -> io::Result<Vec<SocketAddr>> {
            Ok(Vec::new())
        }

        async fn connect(_: SocketAddr) -> io::Result<Line> {
            Err(io::ErrorKind::Unsupported.into())
        }

        async fn listen(_: SocketAddr) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn poll_accept(_: &mut (), _: &mut Context<'_>) -> Poll<io::Result<(Line, Option<SocketAddr>)>> {
            Poll::Pending
        }

        fn local_addr(_: &()) -> Option<io::Result<SocketAddr>> {
            None
        }

        fn sleep(_: Duration) -> Pending<()> {
            TIMERS.set(TIMERS.get() + 1);
            core::future::pending()
        }

        fn spawn(_: impl Future<Output = ()> + Send + 'static) {}
    }

    /// A socket that takes everything, and whose peer says one thing over and over as soon as it is spoken to, if anything.
    #[derive(Debug)]
    pub(crate) struct Line {
        pub(crate) is_readable: bool,
        pub(crate) says: &'static [u8],
        pub(crate) reads: usize,
    }

    impl Socket for Line {
        fn set_nodelay(&self) -> io::Result<()> {
            Ok(())
        }

        fn peer_addr(&self) -> Option<SocketAddr> {
            None
        }

        fn poll_readable(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            if self.is_readable { Poll::Ready(Ok(())) } else { Poll::Pending }
        }

        fn is_quiet(&self) -> bool {
            !self.is_readable
        }
    }

    impl AsyncRead for Line {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, out: &mut [u8]) -> Poll<io::Result<usize>> {
            if self.says.is_empty() {
                return Poll::Pending;
            }
            self.reads += 1;
            out[..self.says.len()].copy_from_slice(self.says);
            Poll::Ready(Ok(self.says.len()))
        }
    }

    impl AsyncWrite for Line {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
            self.is_readable = true;
            Poll::Ready(Ok(octets.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
}
