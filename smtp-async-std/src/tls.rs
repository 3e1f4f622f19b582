//! TLS for both roles, by `rustls` and `futures-rustls`.
//!
//! [`ClientTls`] says whom a client trusts, [`ServerTls`] what a server shows. Both take a configuration of `rustls` as
//! well, whatever its cryptography. Neither asks for, nor sets, the default provider of the process.
//!
//! | | |
//! |---|---|
//! | versions | TLS 1.3 and TLS 1.2 |
//! | cryptography | ring (feature `tls` or `ring`), or aws-lc-rs (feature `aws-lc-rs`, which goes before ring) |
//! | channel binding | `tls-exporter` (RFC 9266), over TLS 1.3 only: `rustls` does not tell whether TLS 1.2 had the extended master secret that it needs |
//! | early data, resumption by tickets | neither |
//!
//! ```no_run
//! use smtp_async_std::proto::client::{Config, Security};
//! use smtp_async_std::smol::Client;
//! use smtp_async_std::tls::ClientTls;
//!
//! # async fn capabilities() -> Result<(), Box<dyn std::error::Error>> {
//! let mut config = Config::new("client.example")?;
//! config.security = Security::Implicit;
//! let mut client = Client::connect_tls("mail.example:465", "mail.example", config, &ClientTls::platform()?).await?;
//! let capabilities = client.ready().await?;
//! assert!(capabilities.is_verified());
//! # Ok(())
//! # }
//! ```

use core::fmt;
use core::future::Future as _;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;

use bytes::Bytes;
use futures_io::{AsyncRead as _, AsyncWrite as _};
use futures_rustls::{Accept, Connect, TlsAcceptor, TlsConnector, TlsStream};
use smtp_proto::{ReadBuffer, TlsInfo};
use smtp_tls::{Attempt, Judge, TlsStage, Upgrade};
#[doc(inline)]
pub use smtp_tls::{ClientTls, Identity, ServerTls, TlsError, TlsSession, read_certificates};

use crate::Socket;

/// One TLS connection.
pub(crate) struct Channel<S> {
    state: State<S>,
    judge: Judge,
    session: Option<TlsSession>,
}

enum State<S> {
    Connecting(Connect<S>),
    Accepting(Accept<S>),
    Open(TlsStream<S>),
    /// The handshake failed.
    Failed,
}

impl<S: Socket> Channel<S> {
    pub(crate) fn begin(upgrade: &Upgrade, socket: S) -> Self {
        let (state, judge) = match upgrade.begin() {
            Attempt::Client(attempt) => {
                let connect = TlsConnector::from(attempt.config()).connect(attempt.name(), socket);
                (State::Connecting(connect), attempt.into_judge())
            }
            Attempt::Server(attempt) => {
                (State::Accepting(TlsAcceptor::from(attempt.config()).accept(socket)), attempt.into_judge())
            }
        };
        Self { state, judge, session: None }
    }

    pub(crate) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<TlsInfo>> {
        let made: io::Result<TlsStream<S>> = match &mut self.state {
            State::Connecting(connect) => ready!(Pin::new(connect).poll(cx)).map(Into::into),
            State::Accepting(accept) => ready!(Pin::new(accept).poll(cx)).map(Into::into),
            State::Open(_) | State::Failed => Err(io::ErrorKind::NotConnected.into()),
        };
        match made {
            Ok(stream) => {
                let (session, info) = match &stream {
                    TlsStream::Client(stream) => self.judge.judge(stream.get_ref().1),
                    TlsStream::Server(stream) => self.judge.judge(stream.get_ref().1),
                };
                self.session = Some(session);
                self.state = State::Open(stream);
                Poll::Ready(Ok(info))
            }
            Err(error) => {
                self.state = State::Failed;
                Poll::Ready(Err(explain(error, TlsStage::Handshake { first: None })))
            }
        }
    }

    /// What was agreed on, once the handshake is done.
    pub(crate) fn session(&self) -> Option<&TlsSession> {
        self.session.as_ref()
    }

    /// What the records go through, once the handshake is done.
    pub(crate) fn socket(&self) -> Option<&S> {
        match &self.state {
            State::Open(stream) => Some(stream.get_ref().0),
            _ => None,
        }
    }

    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuffer) -> Poll<io::Result<Bytes>> {
        let stream = self.stream()?;
        let read = ready!(Pin::new(stream).poll_read(cx, buffer.space()));
        Poll::Ready(read.map(|count| buffer.filled(count)).map_err(|error| explain(error, TlsStage::Established)))
    }

    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(self.stream()?).poll_write(cx, octets)
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.stream()?).poll_flush(cx)
    }

    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.stream()?).poll_close(cx)
    }

    fn stream(&mut self) -> io::Result<&mut TlsStream<S>> {
        match &mut self.state {
            State::Open(stream) => Ok(stream),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl<S> fmt::Debug for Channel<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("session", &self.session).finish_non_exhaustive()
    }
}

/// The error in the words of TLS, if it is one of TLS.
fn explain(error: io::Error, stage: TlsStage) -> io::Error {
    TlsError::explain_io(&error, stage).map_or(error, Into::into)
}
