//! One TLS connection over a wire.

use core::fmt;
use core::time::Duration;
use std::io::{self, ErrorKind, Read as _, Write as _};

use bytes::{Buf as _, Bytes};
use smtp_proto::{ReadBuffer, TlsInfo};
use smtp_tls::rustls::{Connection, Error};
use smtp_tls::{Judge, TlsError, TlsSession, TlsStage, Upgrade};

use crate::wire::{Received, Wire, is_momentary};

/// One TLS connection: turns octets into records and back. Reads and writes end in the time that the wire gives them.
pub(crate) struct Channel {
    connection: Connection,
    judge: Judge,
    session: Option<TlsSession>,
    /// What came and was not decrypted yet.
    incoming: Bytes,
    /// The first octet that came.
    first: Option<u8>,
    /// What is decrypted goes here.
    buffer: ReadBuffer,
    /// How many of the octets that are to be written are encrypted and have not left, or not all of them.
    held: usize,
}

/// The most that is encrypted at one time, in octets: one record (RFC 8446 §5.1).
const RECORD: usize = 16 * 1024;

impl Channel {
    /// A connection that is to make the handshake.
    pub(crate) fn begin(upgrade: &Upgrade) -> Result<Self, TlsError> {
        let attempt = upgrade.begin();
        let mut connection = attempt.connection()?;
        connection.set_buffer_limit(Some(RECORD));
        let (incoming, buffer) = (Bytes::new(), ReadBuffer::new());
        Ok(Self { connection, judge: attempt.into_judge(), session: None, incoming, first: None, buffer, held: 0 })
    }

    /// Goes on with the handshake as far as it comes in about this time; `None`: it is not done yet.
    pub(crate) fn handshake(&mut self, wire: &mut Wire, wait: Duration) -> io::Result<Option<TlsInfo>> {
        if !self.flush(wire)? {
            return Ok(None);
        }
        if !self.connection.is_handshaking() {
            return Ok(Some(self.establish()));
        }
        if self.incoming.is_empty() {
            match wire.read(wait)? {
                Received::Octets(octets) => self.incoming = octets,
                Received::End => return Err(TlsError::Unfinished.into()),
                Received::Nothing => return Ok(None),
            }
        }
        while self.connection.is_handshaking() && !self.incoming.is_empty() {
            self.decrypt(wire)?;
        }
        Ok(None)
    }

    /// What was agreed on, once the handshake is done.
    pub(crate) fn session(&self) -> Option<&TlsSession> {
        self.session.as_ref()
    }

    /// Waits for octets of the peer for about this long.
    ///
    /// # Errors
    ///
    /// [`TlsError::Truncated`] where the connection ends and TLS has not ended.
    pub(crate) fn read(&mut self, wire: &mut Wire, wait: Duration) -> io::Result<Received> {
        let mut has_read = false;
        loop {
            match self.connection.reader().read(self.buffer.space()) {
                Ok(0) => return Ok(Received::End),
                Ok(count) => return Ok(Received::Octets(self.buffer.filled(count))),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Err(TlsError::Truncated.into()),
            }
            if self.incoming.is_empty() {
                // A record that comes in pieces does not make the wait longer.
                if has_read {
                    return Ok(Received::Nothing);
                }
                match wire.read(wait)? {
                    Received::Octets(octets) => self.incoming = octets,
                    Received::End => return Err(TlsError::Truncated.into()),
                    Received::Nothing => {
                        self.buffer.release();
                        return Ok(Received::Nothing);
                    }
                }
                has_read = true;
            }
            self.decrypt(wire)?;
        }
    }

    /// Writes some of the octets; 0: none has left whole for now, and the next call has to begin with the same octets.
    pub(crate) fn write(&mut self, wire: &Wire, octets: &[u8]) -> io::Result<usize> {
        loop {
            if self.held == 0 {
                self.held = self.connection.writer().write(octets)?;
            }
            if !self.flush(wire)? {
                return Ok(0);
            }
            // Nothing was taken where records of TLS itself were in the way. Those have left now.
            if self.held > 0 || octets.is_empty() {
                return Ok(core::mem::take(&mut self.held));
            }
        }
    }

    /// Ends TLS, as far as the peer takes it at once: nothing more comes (RFC 8446 §6.1).
    pub(crate) fn close(&mut self, wire: &Wire) {
        if !self.connection.is_handshaking() {
            self.connection.send_close_notify();
        }
        // A peer that takes no more does not hear it.
        let _ = self.flush(wire);
    }

    /// Writes what is encrypted. False: not all of it for now.
    fn flush(&mut self, wire: &Wire) -> io::Result<bool> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut wire.stream()) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if is_momentary(&error) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Decrypts some of what came.
    fn decrypt(&mut self, wire: &Wire) -> io::Result<()> {
        self.first = self.first.or(self.incoming.first().copied());
        let taken = self.connection.read_tls(&mut &self.incoming[..])?;
        self.incoming.advance(taken);
        if taken == 0 || self.incoming.is_empty() {
            // TLS has ended, or the buffer can be read into again.
            self.incoming = Bytes::new();
        }
        match self.connection.process_new_packets() {
            Ok(_) => {
                // What TLS answers by itself. If it cannot leave, the next write says so; what came is worth reading.
                let _ = self.flush(wire);
                Ok(())
            }
            Err(error) => {
                // The alert that says why.
                let _ = self.flush(wire);
                Err(self.explain(error).into())
            }
        }
    }

    fn explain(&self, error: Error) -> TlsError {
        let stage = match self.connection.is_handshaking() {
            true => TlsStage::Handshake { first: self.first },
            false => TlsStage::Established,
        };
        TlsError::explain(error, stage)
    }

    fn establish(&mut self) -> TlsInfo {
        let (session, info) = self.judge.judge(&self.connection);
        self.session = Some(session);
        info
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("session", &self.session).finish_non_exhaustive()
    }
}
