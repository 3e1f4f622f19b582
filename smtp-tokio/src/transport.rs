//! What a driver reads from and writes to.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io::{self, ErrorKind};

use bytes::Bytes;
use smtp_proto::{Direction, Observer, ReadBuffer};
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

/// A connected stream, watched by an [`Observer`] if there is one.
pub(crate) struct Transport {
    stream: Wire,
    observer: Option<Box<dyn Observer>>,
}

/// What octets go through. It is asked for octets only when some have come, so that waiting holds no buffer.
#[derive(Debug)]
pub(crate) enum Wire {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Transport {
    pub(crate) fn new(stream: Wire) -> Self {
        Self { stream, observer: None }
    }

    pub(crate) fn observe(&mut self, observer: Box<dyn Observer>) {
        self.observer = Some(observer);
    }

    /// Octets of the peer; none: it has closed its side. Nothing is kept of the buffer when this is pending.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuffer) -> Poll<io::Result<Bytes>> {
        let received = ready!(self.stream.poll_read(cx, buffer));
        if let (Ok(octets), Some(observer)) = (&received, &mut self.observer)
            && !octets.is_empty()
        {
            observer.octets(Direction::Received, octets);
        }
        Poll::Ready(received)
    }

    /// Writes some of the octets, at least one.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let written = match ready!(self.stream.poll_write(cx, octets)) {
            Ok(0) => Err(ErrorKind::WriteZero.into()),
            written => written,
        };
        if let (Ok(count), Some(observer)) = (&written, &mut self.observer) {
            observer.octets(Direction::Sent, &octets[..*count]);
        }
        Poll::Ready(written)
    }

    /// Nothing more is written.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Wire::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(unix)]
            Wire::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl Wire {
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut ReadBuffer) -> Poll<io::Result<Bytes>> {
        loop {
            let is_ready = match self {
                Self::Tcp(stream) => stream.poll_read_ready(cx),
                #[cfg(unix)]
                Self::Unix(stream) => stream.poll_read_ready(cx),
            };
            if is_ready.is_pending() {
                buffer.release();
            }
            ready!(is_ready)?;
            let count = match self {
                Self::Tcp(stream) => stream.try_read(buffer.space()),
                #[cfg(unix)]
                Self::Unix(stream) => stream.try_read(buffer.space()),
            };
            match count {
                Ok(count) => return Poll::Ready(Ok(buffer.filled(count))),
                Err(error) if is_momentary(&error) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, octets),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, octets),
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("stream", &self.stream).finish_non_exhaustive()
    }
}

fn is_momentary(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
