//! What a connection is told about TLS.

use core::fmt;

/// What a TLS handshake brought, for `handle_tls_established`.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsInfo {
    /// Client: the certificate of the server was verified for the name that the caller gave (RFC 4954 §14). Server: the
    /// client showed a certificate, and it was verified (for EXTERNAL).
    pub verified: bool,
    /// The channel binding `tls-exporter` (RFC 9266 §4): 32 octets exported under the label
    /// `EXPORTER-Channel-Binding` with no context, from TLS 1.3, or from TLS 1.2 with extended master secret.
    pub channel_binding: Option<[u8; 32]>,
}

impl TlsInfo {
    /// A handshake after which the peer's certificate was verified, or was not.
    #[must_use]
    pub fn new(verified: bool) -> Self {
        Self { verified, channel_binding: None }
    }

    /// With the channel binding `tls-exporter`.
    #[must_use]
    pub fn with_channel_binding(mut self, exported: [u8; 32]) -> Self {
        self.channel_binding = Some(exported);
        self
    }
}

impl fmt::Debug for TlsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsInfo")
            .field("verified", &self.verified)
            .field("has_channel_binding", &self.channel_binding.is_some())
            .finish()
    }
}
