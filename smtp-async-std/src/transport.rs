//! What a driver reads from and writes to: a socket, in clear or under TLS.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, Waker, ready};
use std::io::{self, ErrorKind};

use bytes::Bytes;
use futures_io::AsyncWrite as _;
use smtp_proto::{Clock, Instant, ReadBuffer, TlsInfo, Transport as _};

use crate::timer::Timer;
#[cfg(feature = "__tls")]
use crate::tls::{Channel, TlsSession};
use crate::{Runtime, Socket};

/// What carries out what a connection says.
pub(crate) type Driver<C, R> = smtp_proto::Driver<C, Transport<R>>;

/// A connected stream, with the clock and the timer of its connection.
pub(crate) struct Transport<R: Runtime> {
    stream: Stream<R::Socket>,
    clock: Clock,
    timer: Timer<R>,
    /// How TLS is to be made.
    #[cfg(feature = "__tls")]
    pub(crate) upgrade: Option<smtp_tls::Upgrade>,
}

/// What octets go through.
#[derive(Debug)]
enum Stream<S> {
    Clear(S),
    #[cfg(feature = "__tls")]
    Tls(Box<Channel<S>>),
    /// Nothing: between the two.
    #[cfg(feature = "__tls")]
    Gone,
}

impl<R: Runtime> Transport<R> {
    pub(crate) fn new(socket: R::Socket, clock: Clock) -> Self {
        Self {
            stream: Stream::Clear(socket),
            clock,
            timer: Timer::new(),
            #[cfg(feature = "__tls")]
            upgrade: None,
        }
    }

    /// Writes some of the octets, if the socket takes them at once.
    pub(crate) fn write_now(&mut self, octets: &[u8]) -> Option<usize> {
        match self.poll_write(&mut Context::from_waker(Waker::noop()), octets) {
            Poll::Ready(written) => written.ok(),
            Poll::Pending => None,
        }
    }

    /// Whether nothing waits to be read, as the operating system knows it now: no octet, and no end.
    pub(crate) fn is_quiet(&self) -> bool {
        match &self.stream {
            Stream::Clear(socket) => socket.is_quiet(),
            #[cfg(feature = "__tls")]
            Stream::Tls(channel) => channel.socket().is_some_and(Socket::is_quiet),
            #[cfg(feature = "__tls")]
            Stream::Gone => false,
        }
    }

    /// What TLS was agreed on, once there is any.
    #[cfg(feature = "__tls")]
    pub(crate) fn tls_session(&self) -> Option<&TlsSession> {
        match &self.stream {
            Stream::Tls(channel) => channel.session(),
            Stream::Clear(_) | Stream::Gone => None,
        }
    }
}

impl<R: Runtime> smtp_proto::Transport for Transport<R> {
    type Error = io::Error;

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        self.timer.poll(cx, &self.clock, deadline)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuffer) -> Poll<io::Result<Bytes>> {
        match &mut self.stream {
            Stream::Clear(socket) => poll_clear(socket, cx, buffer),
            #[cfg(feature = "__tls")]
            Stream::Tls(channel) => channel.poll_read(cx, buffer),
            #[cfg(feature = "__tls")]
            Stream::Gone => Poll::Ready(Err(ErrorKind::NotConnected.into())),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Clear(socket) => Pin::new(socket).poll_write(cx, octets),
            #[cfg(feature = "__tls")]
            Stream::Tls(channel) => channel.poll_write(cx, octets),
            #[cfg(feature = "__tls")]
            Stream::Gone => Poll::Ready(Err(ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Clear(socket) => Pin::new(socket).poll_flush(cx),
            #[cfg(feature = "__tls")]
            Stream::Tls(channel) => channel.poll_flush(cx),
            #[cfg(feature = "__tls")]
            Stream::Gone => Poll::Ready(Err(ErrorKind::NotConnected.into())),
        }
    }

    #[cfg(feature = "__tls")]
    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<TlsInfo>> {
        if let Some(upgrade) = self.upgrade.take() {
            self.stream = match core::mem::replace(&mut self.stream, Stream::Gone) {
                Stream::Clear(socket) => Stream::Tls(Box::new(Channel::begin(&upgrade, socket))),
                stream => stream,
            };
        }
        match &mut self.stream {
            Stream::Clear(_) | Stream::Gone => Poll::Ready(Err(ErrorKind::Unsupported.into())),
            Stream::Tls(channel) => channel.poll_handshake(cx),
        }
    }

    #[cfg(not(feature = "__tls"))]
    fn poll_handshake(&mut self, _: &mut Context<'_>) -> Poll<io::Result<TlsInfo>> {
        Poll::Ready(Err(ErrorKind::Unsupported.into()))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Clear(socket) => Pin::new(socket).poll_close(cx),
            #[cfg(feature = "__tls")]
            Stream::Tls(channel) => channel.poll_close(cx),
            #[cfg(feature = "__tls")]
            Stream::Gone => Poll::Ready(Err(ErrorKind::NotConnected.into())),
        }
    }
}

impl<R: Runtime> fmt::Debug for Transport<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("stream", &self.stream).finish_non_exhaustive()
    }
}

/// Reads only when something has come, so that waiting holds no buffer.
fn poll_clear<S: Socket>(socket: &mut S, cx: &mut Context<'_>, buffer: &mut ReadBuffer) -> Poll<io::Result<Bytes>> {
    loop {
        ready!(socket.poll_readable(cx))?;
        match ready!(Pin::new(&mut *socket).poll_read(cx, buffer.space())) {
            Ok(count) => return Poll::Ready(Ok(buffer.filled(count))),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Poll::Ready(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use core::task::{Context, Poll, Waker};

    use smtp_proto::{Clock, ReadBuffer, Transport as _};

    use super::{Stream, Transport};
    use crate::runtime::fake::{Fake, Line};

    /// While nothing has come nothing is read, so that no buffer is needed.
    #[test]
    fn waiting_needs_no_buffer() {
        let mut transport =
            Transport::<Fake>::new(Line { is_readable: false, says: b"220 ", reads: 0 }, Clock::start());
        let (mut buffer, mut cx) = (ReadBuffer::new(), Context::from_waker(Waker::noop()));
        for _ in 0..3 {
            assert!(transport.poll_read(&mut cx, &mut buffer).is_pending());
        }
        assert_eq!(format!("{buffer:?}"), format!("{:?}", ReadBuffer::new()));
        let Stream::Clear(line) = &mut transport.stream else { panic!("it began in clear") };
        assert_eq!(line.reads, 0);
        line.is_readable = true;
        let Poll::Ready(Ok(octets)) = transport.poll_read(&mut cx, &mut buffer) else { panic!("it can be read") };
        assert_eq!(octets, "220 ");
    }
}
