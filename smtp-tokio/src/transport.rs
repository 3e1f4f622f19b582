//! What a driver reads from and writes to.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io::{self, ErrorKind};

use bytes::Bytes;
use smtp_proto::ReadBuffer;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

/// A connected stream. It is asked for octets only when some have come, so that waiting holds no buffer.
#[derive(Debug)]
pub(crate) enum Transport {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Transport {
    /// Octets of the peer; none: it has closed its side. Nothing is kept of the buffer when this is pending.
    pub(crate) fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut ReadBuffer) -> Poll<io::Result<Bytes>> {
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

    /// Writes some of the octets, at least one.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let written = match self {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, octets),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, octets),
        };
        match written {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(ErrorKind::WriteZero.into())),
            written => written,
        }
    }

    /// Nothing more is written.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

fn is_momentary(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
