//! On smol: sockets and timers of `async-io`, under any executor.
//!
//! A client is a future and needs nothing but to be polled: by `smol::block_on`, by an executor of one's own, or by
//! whatever else polls futures. So is a server; the tasks of its connections run on the threads of
//! `async-global-executor`, one for each core unless `ASYNC_GLOBAL_EXECUTOR_THREADS` says how many, or on the executor
//! that [`Server::with_executor`](crate::Server::with_executor) names.
//!
//! ```
//! use std::sync::Arc;
//!
//! use smtp_async_std::proto::server::{Config, Mail, Rcpt};
//! use smtp_async_std::smol::Server;
//! # use smtp_async_std::{Accept, Answer, BodyReader, Envelope, Peer, Session};
//! #
//! # struct Inbox;
//! #
//! # impl Session for Inbox {
//! #     async fn mail(&mut self, _: &Mail) -> Answer {
//! #         Ok(Accept::Usual)
//! #     }
//! #
//! #     async fn rcpt(&mut self, _: &Rcpt) -> Answer {
//! #         Ok(Accept::Usual)
//! #     }
//! #
//! #     async fn data(&mut self, _: &Envelope, _: &mut BodyReader<'_>) -> Answer {
//! #         Ok(Accept::Usual)
//! #     }
//! # }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // One thread for all connections.
//! let executor = Arc::new(smol::Executor::new());
//! let spawner = Arc::clone(&executor);
//! smol::block_on(executor.run(async {
//!     let server = Server::bind("127.0.0.1:0", Config::new("mx.example")?).await?;
//!     let server = server.with_executor(move |task| spawner.spawn(task).detach());
//! #   server.handle().shutdown();
//!     server.serve(|_: &Peer| Inbox).await?;
//!     Ok(())
//! }))
//! # }
//! ```

use core::future::Future;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io::{self, ErrorKind};
use std::net::{Shutdown, TcpListener, TcpStream};
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;

use async_io::Async;
use futures_io::{AsyncRead, AsyncWrite};

use crate::Runtime;

/// [`Client`](crate::Client) on smol.
pub type Client = crate::Client<Smol>;
/// [`Outcomes`](crate::Outcomes) on smol.
pub type Outcomes<'a, B, S> = crate::Outcomes<'a, B, S, Smol>;
/// [`Pool`](crate::Pool) on smol.
pub type Pool = crate::Pool<Smol>;
/// [`Server`](crate::Server) on smol.
pub type Server = crate::Server<Smol>;

/// The runtime.
#[derive(Clone, Copy, Debug)]
pub enum Smol {}

impl Runtime for Smol {
    type Socket = Socket;
    type Listener = Listener;
    type Timer = Timer;

    async fn resolve(name: String) -> io::Result<Vec<SocketAddr>> {
        async_net::resolve(name).await
    }

    async fn connect(address: SocketAddr) -> io::Result<Socket> {
        Async::<TcpStream>::connect(address).await.map(Into::into)
    }

    async fn listen(address: SocketAddr) -> io::Result<Listener> {
        Async::<TcpListener>::bind(address).map(Into::into)
    }

    fn poll_accept(listener: &mut Listener, cx: &mut Context<'_>) -> Poll<io::Result<(Socket, Option<SocketAddr>)>> {
        match &listener.0 {
            Listening::Tcp(listener) => {
                let (stream, peer) = ready!(poll_accept(listener, cx, TcpListener::accept))?;
                Poll::Ready(Async::new(stream).map(|stream| (stream.into(), Some(peer))))
            }
            #[cfg(unix)]
            Listening::Unix(listener) => {
                let (stream, _) = ready!(poll_accept(listener, cx, UnixListener::accept))?;
                Poll::Ready(Async::new(stream).map(|stream| (stream.into(), None)))
            }
        }
    }

    fn local_addr(listener: &Listener) -> Option<io::Result<SocketAddr>> {
        match &listener.0 {
            Listening::Tcp(listener) => Some(listener.get_ref().local_addr()),
            #[cfg(unix)]
            Listening::Unix(_) => None,
        }
    }

    fn sleep(time: Duration) -> Timer {
        Timer(async_io::Timer::after(time))
    }

    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        async_global_executor::spawn(task).detach();
    }
}

/// A connected socket. `smol::net::TcpStream` (that is `async_net::TcpStream`) and `smol::Async<std::net::TcpStream>` turn
/// into one, and so do those of Unix.
#[derive(Debug)]
pub struct Socket {
    stream: Stream,
    /// The last read has found nothing. Until the reactor says otherwise there is no point in asking again.
    is_drained: bool,
}

#[derive(Debug)]
enum Stream {
    Tcp(Arc<Async<TcpStream>>),
    #[cfg(unix)]
    Unix(Arc<Async<UnixStream>>),
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
        match &self.stream {
            Stream::Tcp(stream) => stream.get_ref().set_nodelay(true),
            #[cfg(unix)]
            Stream::Unix(_) => Ok(()),
        }
    }

    fn peer_addr(&self) -> Option<SocketAddr> {
        match &self.stream {
            Stream::Tcp(stream) => stream.get_ref().peer_addr().ok(),
            #[cfg(unix)]
            Stream::Unix(_) => None,
        }
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_drained {
            ready!(each!(&self.stream, stream => stream.poll_readable(cx)))?;
            self.is_drained = false;
        }
        Poll::Ready(Ok(()))
    }

    fn is_quiet(&self) -> bool {
        match &self.stream {
            Stream::Tcp(stream) => {
                stream.get_ref().peek(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
            }
            #[cfg(unix)]
            Stream::Unix(_) => false,
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut [u8]) -> Poll<io::Result<usize>> {
        ready!(crate::Socket::poll_readable(&mut *self, cx))?;
        let read = each!(&self.stream, stream => Pin::new(&mut &**stream).poll_read(cx, out));
        self.is_drained = read.is_pending();
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        each!(&self.stream, stream => Pin::new(&mut &**stream).poll_write(cx, octets))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(each!(&self.stream, stream => stream.get_ref().shutdown(Shutdown::Write)))
    }
}

impl From<Arc<Async<TcpStream>>> for Socket {
    fn from(stream: Arc<Async<TcpStream>>) -> Self {
        Self { stream: Stream::Tcp(stream), is_drained: false }
    }
}

impl From<Async<TcpStream>> for Socket {
    fn from(stream: Async<TcpStream>) -> Self {
        Arc::new(stream).into()
    }
}

impl From<async_net::TcpStream> for Socket {
    fn from(stream: async_net::TcpStream) -> Self {
        Arc::<Async<TcpStream>>::from(stream).into()
    }
}

#[cfg(unix)]
impl From<Arc<Async<UnixStream>>> for Socket {
    fn from(stream: Arc<Async<UnixStream>>) -> Self {
        Self { stream: Stream::Unix(stream), is_drained: false }
    }
}

#[cfg(unix)]
impl From<Async<UnixStream>> for Socket {
    fn from(stream: Async<UnixStream>) -> Self {
        Arc::new(stream).into()
    }
}

#[cfg(unix)]
impl From<async_net::unix::UnixStream> for Socket {
    fn from(stream: async_net::unix::UnixStream) -> Self {
        Arc::<Async<UnixStream>>::from(stream).into()
    }
}

/// A socket that takes connections, of TCP or of Unix. `smol::net::TcpListener` (that is `async_net::TcpListener`) and
/// `smol::Async<std::net::TcpListener>` turn into one, and so do those of Unix.
#[derive(Debug)]
pub struct Listener(Listening);

#[derive(Debug)]
enum Listening {
    Tcp(Arc<Async<TcpListener>>),
    #[cfg(unix)]
    Unix(Arc<Async<UnixListener>>),
}

impl From<Async<TcpListener>> for Listener {
    fn from(listener: Async<TcpListener>) -> Self {
        Self(Listening::Tcp(listener.into()))
    }
}

impl From<async_net::TcpListener> for Listener {
    fn from(listener: async_net::TcpListener) -> Self {
        Self(Listening::Tcp(listener.into()))
    }
}

#[cfg(unix)]
impl From<Async<UnixListener>> for Listener {
    fn from(listener: Async<UnixListener>) -> Self {
        Self(Listening::Unix(listener.into()))
    }
}

#[cfg(unix)]
impl From<async_net::unix::UnixListener> for Listener {
    fn from(listener: async_net::unix::UnixListener) -> Self {
        Self(Listening::Unix(listener.into()))
    }
}

/// Waits for some time.
#[derive(Debug)]
pub struct Timer(async_io::Timer);

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

fn poll_accept<L, T>(
    listener: &Async<L>,
    cx: &mut Context<'_>,
    accept: impl Fn(&L) -> io::Result<T>,
) -> Poll<io::Result<T>> {
    loop {
        match accept(listener.get_ref()) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => ready!(listener.poll_readable(cx))?,
            accepted => return Poll::Ready(accepted),
        }
    }
}
