//! On async-std: its sockets, and tasks on its executor.
//!
//! **Its authors have discontinued async-std** (RUSTSEC-2025-0052) and name smol in its place: this is for programs that
//! still run on it.

use core::fmt;
use core::future::Future;
use core::net::SocketAddr;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker, ready};
use core::time::Duration;
use std::io;
use std::net::Shutdown;
use std::sync::Arc;

use ::async_std::net::{TcpListener, TcpStream, ToSocketAddrs as _};
#[cfg(unix)]
use ::async_std::os::unix::net::{UnixListener, UnixStream};
use ::async_std::task;
use futures_io::{AsyncRead, AsyncWrite};

use crate::Runtime;

/// [`Client`](crate::Client) on async-std.
pub type Client = crate::Client<AsyncStd>;
/// [`Outcomes`](crate::Outcomes) on async-std.
pub type Outcomes<'a, B, S> = crate::Outcomes<'a, B, S, AsyncStd>;
/// [`Pool`](crate::Pool) on async-std.
pub type Pool = crate::Pool<AsyncStd>;
/// [`Server`](crate::Server) on async-std.
pub type Server = crate::Server<AsyncStd>;

/// The runtime.
#[derive(Clone, Copy, Debug)]
pub enum AsyncStd {}

impl Runtime for AsyncStd {
    type Socket = Socket;
    type Listener = Listener;
    type Timer = Timer;

    async fn resolve(name: String) -> io::Result<Vec<SocketAddr>> {
        name.to_socket_addrs().await.map(Iterator::collect)
    }

    async fn connect(address: SocketAddr) -> io::Result<Socket> {
        TcpStream::connect(address).await.map(Into::into)
    }

    async fn listen(address: SocketAddr) -> io::Result<Listener> {
        TcpListener::bind(address).await.map(Into::into)
    }

    fn poll_accept(listener: &mut Listener, cx: &mut Context<'_>) -> Poll<io::Result<(Socket, Option<SocketAddr>)>> {
        let accepting = listener.accepting.get_or_insert_with(|| match &listener.listening {
            Listening::Tcp(listener) => {
                let listener = Arc::clone(listener);
                Box::pin(async move { listener.accept().await.map(|(stream, peer)| (stream.into(), Some(peer))) })
            }
            #[cfg(unix)]
            Listening::Unix(listener) => {
                let listener = Arc::clone(listener);
                Box::pin(async move { listener.accept().await.map(|(stream, _)| (stream.into(), None)) })
            }
        });
        let accepted = ready!(accepting.as_mut().poll(cx));
        listener.accepting = None;
        Poll::Ready(accepted)
    }

    fn local_addr(listener: &Listener) -> Option<io::Result<SocketAddr>> {
        match &listener.listening {
            Listening::Tcp(listener) => Some(listener.local_addr()),
            #[cfg(unix)]
            Listening::Unix(_) => None,
        }
    }

    fn sleep(time: Duration) -> Timer {
        Timer(Box::pin(task::sleep(time)))
    }

    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        task::spawn(task);
    }
}

/// A connected socket. A `TcpStream` or `UnixStream` of async-std turns into one.
#[derive(Debug)]
pub struct Socket(Stream);

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// The same for a stream of either kind.
macro_rules! each {
    ($socket:expr, $stream:ident => $what:expr) => {
        match $socket {
            Stream::Tcp($stream) => $what,
            #[cfg(unix)]
            Stream::Unix($stream) => $what,
        }
    };
}

impl crate::Socket for Socket {
    fn set_nodelay(&self) -> io::Result<()> {
        match &self.0 {
            Stream::Tcp(stream) => stream.set_nodelay(true),
            #[cfg(unix)]
            Stream::Unix(_) => Ok(()),
        }
    }

    fn peer_addr(&self) -> Option<SocketAddr> {
        match &self.0 {
            Stream::Tcp(stream) => stream.peer_addr().ok(),
            #[cfg(unix)]
            Stream::Unix(_) => None,
        }
    }

    fn is_quiet(&self) -> bool {
        match &self.0 {
            // It asks the operating system first, and waits only if there is nothing.
            Stream::Tcp(stream) => {
                pin!(stream.peek(&mut [0])).poll(&mut Context::from_waker(Waker::noop())).is_pending()
            }
            #[cfg(unix)]
            Stream::Unix(_) => false,
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut [u8]) -> Poll<io::Result<usize>> {
        each!(&mut self.0, stream => Pin::new(stream).poll_read(cx, out))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        each!(&mut self.0, stream => Pin::new(stream).poll_write(cx, octets))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // That of async-std shuts nothing down.
        Poll::Ready(each!(&self.0, stream => stream.shutdown(Shutdown::Write)))
    }
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        Self(Stream::Tcp(stream))
    }
}

#[cfg(unix)]
impl From<UnixStream> for Socket {
    fn from(stream: UnixStream) -> Self {
        Self(Stream::Unix(stream))
    }
}

/// A socket that takes connections. A `TcpListener` or `UnixListener` of async-std turns into one.
pub struct Listener {
    listening: Listening,
    /// The next connection that is waited for.
    accepting: Option<Accepting>,
}

#[derive(Debug)]
enum Listening {
    Tcp(Arc<TcpListener>),
    #[cfg(unix)]
    Unix(Arc<UnixListener>),
}

type Accepting = Pin<Box<dyn Future<Output = io::Result<(Socket, Option<SocketAddr>)>> + Send>>;

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self { listening: Listening::Tcp(Arc::new(listener)), accepting: None }
    }
}

#[cfg(unix)]
impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self { listening: Listening::Unix(Arc::new(listener)), accepting: None }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").field(&self.listening).finish()
    }
}

/// Waits for some time.
pub struct Timer(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").finish_non_exhaustive()
    }
}
