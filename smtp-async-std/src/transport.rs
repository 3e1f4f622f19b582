//! What a driver reads from and writes to: a socket, in clear or under TLS.

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io::{self, ErrorKind};

use bytes::Bytes;
use futures_io::AsyncWrite as _;
use smtp_proto::{Direction, Observer, ReadBuffer, TlsInfo};

use crate::runtime::timeout;
#[cfg(feature = "__tls")]
use crate::tls::{Channel, TlsSession, Upgrade};
use crate::{Runtime, Socket};

/// A connected stream, watched by an [`Observer`] if there is one.
pub(crate) struct Transport<R: Runtime> {
    stream: Stream<R::Socket>,
    observer: Option<Box<dyn Observer>>,
    /// How TLS is to be made.
    #[cfg(feature = "__tls")]
    pub(crate) upgrade: Option<Upgrade>,
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

/// How long, and for how many octets, a closed connection is kept for the peer to read what was written last.
const LINGER: (Duration, usize) = (Duration::from_secs(1), 1 << 20);

impl<R: Runtime> Transport<R> {
    pub(crate) fn new(socket: R::Socket) -> Self {
        Self {
            stream: Stream::Clear(socket),
            observer: None,
            #[cfg(feature = "__tls")]
            upgrade: None,
        }
    }

    pub(crate) fn observe(&mut self, observer: Box<dyn Observer>) {
        self.observer = Some(observer);
    }

    /// Octets of the peer; none: it has closed its side. Nothing is kept of the buffer when this is pending.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuffer) -> Poll<io::Result<Bytes>> {
        let received = match &mut self.stream {
            Stream::Clear(socket) => poll_clear(socket, cx, buffer),
            #[cfg(feature = "__tls")]
            Stream::Tls(channel) => channel.poll_read(cx, buffer),
            #[cfg(feature = "__tls")]
            Stream::Gone => Poll::Ready(Err(ErrorKind::NotConnected.into())),
        };
        if received.is_pending() {
            buffer.release();
        }
        let received = ready!(received);
        if let (Ok(octets), Some(observer)) = (&received, &mut self.observer)
            && !octets.is_empty()
        {
            observer.octets(Direction::Received, octets);
        }
        Poll::Ready(received)
    }

    /// Writes some of the octets, at least one. They may have to be [flushed](Self::poll_flush).
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let written = match &mut self.stream {
            Stream::Clear(socket) => Pin::new(socket).poll_write(cx, octets),
            #[cfg(feature = "__tls")]
            Stream::Tls(channel) => channel.poll_write(cx, octets),
            #[cfg(feature = "__tls")]
            Stream::Gone => Poll::Ready(Err(ErrorKind::NotConnected.into())),
        };
        let written = match ready!(written) {
            Ok(0) => Err(ErrorKind::WriteZero.into()),
            written => written,
        };
        if let (Ok(count), Some(observer)) = (&written, &mut self.observer) {
            observer.octets(Direction::Sent, &octets[..*count]);
        }
        Poll::Ready(written)
    }

    /// Lets leave what was written and is held here: records of TLS.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Clear(socket) => Pin::new(socket).poll_flush(cx),
            #[cfg(feature = "__tls")]
            Stream::Tls(channel) => channel.poll_flush(cx),
            #[cfg(feature = "__tls")]
            Stream::Gone => Poll::Ready(Err(ErrorKind::NotConnected.into())),
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

    /// Nothing more is written.
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Clear(socket) => Pin::new(socket).poll_close(cx),
            #[cfg(feature = "__tls")]
            Stream::Tls(channel) => channel.poll_close(cx),
            #[cfg(feature = "__tls")]
            Stream::Gone => Poll::Ready(Err(ErrorKind::NotConnected.into())),
        }
    }

    /// Closes, with the end of TLS if there is any, as far as the peer takes it soon.
    pub(crate) async fn close(&mut self) {
        let _ = timeout::<R, _>(LINGER.0, poll_fn(|cx| self.poll_close(cx))).await;
    }

    /// Closes, and gives the peer some time to read what was written last: a connection that is closed with unread input
    /// in it is reset, which can take the last reply away from the peer.
    pub(crate) async fn linger(&mut self) {
        let (mut buffer, mut unread) = (ReadBuffer::new(), LINGER.1);
        let drained = poll_fn(|cx| {
            if ready!(self.poll_close(cx)).is_err() {
                return Poll::Ready(());
            }
            loop {
                match ready!(self.poll_read(cx, &mut buffer)) {
                    Ok(octets) if !octets.is_empty() && octets.len() < unread => unread -= octets.len(),
                    _ => return Poll::Ready(()),
                }
            }
        });
        // A peer that stays is left.
        let _ = timeout::<R, _>(LINGER.0, drained).await;
    }

    /// Makes the TLS handshake.
    ///
    /// # Errors
    ///
    /// Why there is no TLS. The stream is of no use then.
    #[cfg(feature = "__tls")]
    pub(crate) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<TlsInfo>> {
        if let Some(upgrade) = self.upgrade.take() {
            self.stream = match core::mem::replace(&mut self.stream, Stream::Gone) {
                Stream::Clear(socket) => Stream::Tls(Box::new(upgrade.begin(socket))),
                stream => stream,
            };
        }
        match &mut self.stream {
            Stream::Clear(_) | Stream::Gone => Poll::Ready(Err(ErrorKind::Unsupported.into())),
            Stream::Tls(channel) => channel.poll_handshake(cx),
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

    #[cfg(not(feature = "__tls"))]
    pub(crate) fn poll_handshake(&mut self, _: &mut Context<'_>) -> Poll<io::Result<TlsInfo>> {
        Poll::Ready(Err(ErrorKind::Unsupported.into()))
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

    use smtp_proto::ReadBuffer;

    use super::{Stream, Transport};
    use crate::runtime::fake::{Fake, Line};

    /// While nothing has come nothing is read, so that no buffer is needed.
    #[test]
    fn waiting_needs_no_buffer() {
        let mut transport = Transport::<Fake>::new(Line { is_readable: false, says: b"220 ", reads: 0 });
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

    /// Where it is not known whether something has come, the buffer that nothing was read into is given back.
    #[test]
    fn waiting_gives_the_buffer_back() {
        let mut transport = Transport::<Fake>::new(Line { is_readable: true, says: b"", reads: 0 });
        let (mut buffer, mut cx) = (ReadBuffer::new(), Context::from_waker(Waker::noop()));
        assert!(transport.poll_read(&mut cx, &mut buffer).is_pending());
        assert_eq!(format!("{buffer:?}"), format!("{:?}", ReadBuffer::new()));
    }
}
