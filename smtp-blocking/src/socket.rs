//! What a driver reads from and writes to: a TCP connection, in clear or under TLS.

use core::fmt;
use core::time::Duration;
use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::sync::Arc;

use smtp_proto::{Direction, Observer, TlsInfo};
#[cfg(feature = "__tls")]
use smtp_tls::Upgrade;

#[cfg(feature = "__tls")]
use crate::tls::{Channel, TlsSession};
use crate::wire::{Received, Wire};

/// One connection: reads and writes that end in bounded time and are seen by an [`Observer`].
pub(crate) struct Socket {
    wire: Wire,
    #[cfg(feature = "__tls")]
    tls: Option<Box<Channel>>,
    /// How TLS is to be made.
    #[cfg(feature = "__tls")]
    pub(crate) upgrade: Option<Upgrade>,
    observer: Option<Box<dyn Observer>>,
}

impl Socket {
    /// Takes over a connected stream.
    ///
    /// # Errors
    ///
    /// When the operating system does not take the options.
    pub(crate) fn new(stream: Arc<TcpStream>) -> io::Result<Self> {
        Ok(Self {
            wire: Wire::new(stream)?,
            #[cfg(feature = "__tls")]
            tls: None,
            #[cfg(feature = "__tls")]
            upgrade: None,
            observer: None,
        })
    }

    pub(crate) fn observe(&mut self, observer: Box<dyn Observer>) {
        self.observer = Some(observer);
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        self.wire.stream()
    }

    /// Writes some of the octets; 0: none could be written for now, and the next call has to begin with the same.
    pub(crate) fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        #[cfg(feature = "__tls")]
        let written = match &mut self.tls {
            Some(tls) => tls.write(&self.wire, octets),
            None => self.wire.write(octets),
        };
        #[cfg(not(feature = "__tls"))]
        let written = self.wire.write(octets);
        if let (Ok(count @ 1..), Some(observer)) = (&written, &mut self.observer) {
            observer.octets(Direction::Sent, &octets[..*count]);
        }
        written
    }

    /// Waits for octets of the peer for about this long, not longer.
    pub(crate) fn read(&mut self, wait: Duration) -> io::Result<Received> {
        #[cfg(feature = "__tls")]
        let received = match &mut self.tls {
            Some(tls) => tls.read(&mut self.wire, wait),
            None => self.wire.read(wait),
        };
        #[cfg(not(feature = "__tls"))]
        let received = self.wire.read(wait);
        if let (Ok(Received::Octets(octets)), Some(observer)) = (&received, &mut self.observer) {
            observer.octets(Direction::Received, octets);
        }
        received
    }

    /// Goes on with the TLS handshake as far as it comes in about this time; `None`: it is not done yet.
    ///
    /// # Errors
    ///
    /// Why there is no TLS. The socket is of no use then.
    #[cfg(feature = "__tls")]
    pub(crate) fn handshake(&mut self, wait: Duration) -> io::Result<Option<TlsInfo>> {
        if let Some(upgrade) = self.upgrade.take() {
            self.tls = Some(Box::new(Channel::begin(&upgrade)?));
        }
        let tls = self.tls.as_mut().ok_or(ErrorKind::Unsupported)?;
        tls.handshake(&mut self.wire, wait)
    }

    #[cfg(not(feature = "__tls"))]
    pub(crate) fn handshake(&mut self, _: Duration) -> io::Result<Option<TlsInfo>> {
        Err(ErrorKind::Unsupported.into())
    }

    /// What TLS was agreed on, once there is any.
    #[cfg(feature = "__tls")]
    pub(crate) fn tls_session(&self) -> Option<&TlsSession> {
        self.tls.as_ref()?.session()
    }

    /// Ends TLS, if there is any: nothing more is written.
    pub(crate) fn close(&mut self) {
        #[cfg(feature = "__tls")]
        if let Some(tls) = &mut self.tls {
            tls.close(&self.wire);
        }
    }

    /// Closes, and gives the peer some time to read what was written last: a connection that is closed with unread
    /// input in it is reset, which can take the last reply away from the peer.
    pub(crate) fn linger(&mut self) {
        self.close();
        self.wire.linger();
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Socket");
        debug.field("wire", &self.wire);
        #[cfg(feature = "__tls")]
        debug.field("tls", &self.tls);
        debug.finish_non_exhaustive()
    }
}
