//! What became of a handshake.

use rustls::pki_types::CertificateDer;
use rustls::{CipherSuite, ProtocolVersion};

use super::TlsError;

/// A TLS session: what was agreed on, and who the peer is.
#[derive(Clone, Debug)]
pub struct TlsSession {
    pub(crate) version: ProtocolVersion,
    pub(crate) cipher_suite: CipherSuite,
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    pub(crate) verified: bool,
    pub(crate) fault: Option<TlsError>,
    pub(crate) server_name: Option<String>,
}

impl TlsSession {
    /// The version of TLS.
    #[must_use]
    pub fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// The cipher suite.
    #[must_use]
    pub fn cipher_suite(&self) -> CipherSuite {
        self.cipher_suite
    }

    /// The certificates that the peer showed, its own first, then what it sent of the chain above. Empty: none, which is
    /// the rule on the side of the server.
    ///
    /// They say who the peer is only if [`is_verified`](Self::is_verified).
    #[must_use]
    pub fn peer_certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    /// Whether the peer showed a certificate that was verified, on the side of the client also for the name of the
    /// server.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.verified
    }

    /// What is wrong with the certificate of the peer, if that was no hindrance
    /// ([`Security::Opportunistic`](smtp_proto::client::Security::Opportunistic)).
    #[must_use]
    pub fn certificate_error(&self) -> Option<&TlsError> {
        self.fault.as_ref()
    }

    /// Server: whom the client wants to speak to (SNI, RFC 6066 §3), if it said so. Client: `None`.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }
}
