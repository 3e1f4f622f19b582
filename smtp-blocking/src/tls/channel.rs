//! One TLS connection over a wire.

use core::fmt;
use core::time::Duration;
use std::io::{self, ErrorKind, Read as _, Write as _};

use bytes::{Buf as _, Bytes};
use rustls::{Connection, Error, ProtocolVersion};
use smtp_proto::{ReadBuffer, TlsInfo};

use super::verifier::Finding;
use super::{TlsError, TlsSession};
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

/// Who knows whether the peer is who it should be.
#[derive(Debug)]
pub(super) enum Judge {
    /// The handshake, which fails otherwise.
    Handshake,
    /// A verifier that lets everything pass: it is, if nothing was found.
    Found(Finding),
    /// A certificate was asked for, and verified if there is one.
    Certificate,
    /// Nobody.
    Nobody,
}

/// The most that is encrypted at one time, in octets: one record (RFC 8446 §5.1).
const RECORD: usize = 16 * 1024;

/// RFC 9266 §4.
const CHANNEL_BINDING: &[u8] = b"EXPORTER-Channel-Binding";

impl Channel {
    pub(super) fn new(mut connection: Connection, judge: Judge) -> Self {
        connection.set_buffer_limit(Some(RECORD));
        let (incoming, buffer) = (Bytes::new(), ReadBuffer::new());
        Self { connection, judge, session: None, incoming, first: None, buffer, held: 0 }
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
        let is_record = self.first.is_none_or(|octet| (20..=24).contains(&octet));
        match error {
            Error::InvalidMessage(_) if self.connection.is_handshaking() && !is_record => TlsError::ClearText,
            error => TlsError::of(error),
        }
    }

    fn establish(&mut self) -> TlsInfo {
        let connection = &self.connection;
        let certificates = connection.peer_certificates().unwrap_or_default().to_vec();
        let fault = match &self.judge {
            Judge::Found(finding) => finding.get().cloned().map(TlsError::of),
            _ => None,
        };
        let verified = match self.judge {
            Judge::Handshake => true,
            Judge::Found(_) => fault.is_none(),
            Judge::Certificate => !certificates.is_empty(),
            Judge::Nobody => false,
        };
        let mut info = TlsInfo::new(verified);
        let version = connection.protocol_version().unwrap_or(ProtocolVersion::Unknown(0));
        if version == ProtocolVersion::TLSv1_3
            && let Ok(exported) = connection.export_keying_material([0; 32], CHANNEL_BINDING, None)
        {
            info = info.with_channel_binding(exported);
        }
        let suite = connection.negotiated_cipher_suite().map(|suite| suite.suite());
        self.session = Some(TlsSession {
            version,
            cipher_suite: suite.unwrap_or(rustls::CipherSuite::Unknown(0)),
            certificates,
            verified,
            fault,
            server_name: match connection {
                Connection::Server(server) => server.server_name().map(str::to_owned),
                Connection::Client(_) => None,
            },
        });
        info
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("session", &self.session).finish_non_exhaustive()
    }
}
