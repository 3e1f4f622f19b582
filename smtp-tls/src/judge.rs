//! What a handshake came to.

use rustls::{CipherSuite, ClientConnection, CommonState, Connection, Error, ProtocolVersion, ServerConnection};
use smtp_proto::TlsInfo;

use super::verifier::Finding;
use super::{TlsError, TlsSession};

/// Knows, after one handshake, whether the peer is who it should be. It comes from
/// [`ClientAttempt::into_judge`](crate::ClientAttempt::into_judge) or
/// [`ServerAttempt::into_judge`](crate::ServerAttempt::into_judge).
#[derive(Debug)]
pub struct Judge(Authority);

/// A connection of either role whose handshake is over, as [`Judge::judge`] takes it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Handshaken<'a> {
    /// The end of the client.
    Client(&'a ClientConnection),
    /// The end of the server.
    Server(&'a ServerConnection),
}

/// Who knows whether the peer is who it should be.
#[derive(Debug)]
enum Authority {
    /// Client: the handshake, which fails otherwise.
    Handshake,
    /// Client: a verifier that lets everything pass: it is, if nothing was found.
    Found(Finding),
    /// Client: nobody.
    Nobody,
    /// Server: a certificate was asked for, and verified if there is one.
    Certificate,
}

/// RFC 9266 §4.
const CHANNEL_BINDING: &[u8] = b"EXPORTER-Channel-Binding";

impl Judge {
    /// What was agreed on, and with whom: for the application, and for `handle_tls_established` of `smtp-proto`.
    ///
    /// The connection is the one that was made of the same attempt, and its handshake is over. In any other, a peer
    /// does not count as verified: while the handshake goes on, and where the roles do not match.
    ///
    /// The channel binding `tls-exporter` (RFC 9266 §4) is exported over TLS 1.3 only.
    #[must_use]
    pub fn judge<'a>(&self, connection: impl Into<Handshaken<'a>>) -> (TlsSession, TlsInfo) {
        let connection = connection.into();
        let state = connection.state();
        let certificates = state.peer_certificates().unwrap_or_default().to_vec();
        let fault = match &self.0 {
            Authority::Found(finding) => finding.get().cloned().map(TlsError::of),
            _ => None,
        };
        let verified = !state.is_handshaking()
            && match (&self.0, connection) {
                (Authority::Handshake, Handshaken::Client(_)) => true,
                (Authority::Found(_), Handshaken::Client(_)) => fault.is_none(),
                (Authority::Certificate, Handshaken::Server(_)) => !certificates.is_empty(),
                _ => false,
            };
        let mut info = TlsInfo::new(verified);
        let version = state.protocol_version().unwrap_or(ProtocolVersion::Unknown(0));
        if version == ProtocolVersion::TLSv1_3
            && let Ok(exported) = connection.export(CHANNEL_BINDING)
        {
            info = info.with_channel_binding(exported);
        }
        let suite = state.negotiated_cipher_suite().map(|suite| suite.suite());
        let session = TlsSession {
            version,
            cipher_suite: suite.unwrap_or(CipherSuite::Unknown(0)),
            certificates,
            verified,
            fault,
            server_name: connection.server_name().map(str::to_owned),
        };
        (session, info)
    }

    /// The handshake fails unless the certificate of the server verifies.
    pub(crate) fn handshake() -> Self {
        Self(Authority::Handshake)
    }

    /// The handshake goes on with any certificate of the server, and this is what was found.
    pub(crate) fn found(finding: Finding) -> Self {
        Self(Authority::Found(finding))
    }

    /// Nobody looks at the certificate of the server.
    pub(crate) fn nobody() -> Self {
        Self(Authority::Nobody)
    }

    /// A client shows no certificate, or one that verifies.
    pub(crate) fn certificate() -> Self {
        Self(Authority::Certificate)
    }
}

impl<'a> Handshaken<'a> {
    fn state(self) -> &'a CommonState {
        match self {
            Self::Client(connection) => connection,
            Self::Server(connection) => connection,
        }
    }

    fn export(self, label: &[u8]) -> Result<[u8; 32], Error> {
        match self {
            Self::Client(connection) => connection.export_keying_material([0; 32], label, None),
            Self::Server(connection) => connection.export_keying_material([0; 32], label, None),
        }
    }

    fn server_name(self) -> Option<&'a str> {
        match self {
            Self::Client(_) => None,
            Self::Server(connection) => connection.server_name(),
        }
    }
}

impl<'a> From<&'a ClientConnection> for Handshaken<'a> {
    fn from(connection: &'a ClientConnection) -> Self {
        Self::Client(connection)
    }
}

impl<'a> From<&'a ServerConnection> for Handshaken<'a> {
    fn from(connection: &'a ServerConnection) -> Self {
        Self::Server(connection)
    }
}

impl<'a> From<&'a Connection> for Handshaken<'a> {
    fn from(connection: &'a Connection) -> Self {
        match connection {
            Connection::Client(connection) => Self::Client(connection),
            Connection::Server(connection) => Self::Server(connection),
        }
    }
}
