//! TLS, as the options ask for it.

use std::fs;
use std::path::Path;

use smtp_blocking::Client;
use smtp_blocking::rustls::ProtocolVersion;
use smtp_blocking::tls::{ClientTls, Identity, TlsError, read_certificates};
use smtp_proto::client::Security;

use super::Connect;

/// What a handshake came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsSession {
    pub(crate) version: String,
    pub(crate) cipher: String,
    /// What is wrong with the certificate, where that was no hindrance.
    pub(crate) certificate_error: Option<String>,
}

impl Connect {
    /// How TLS is made. `unverified`: whatever the certificate is.
    ///
    /// # Errors
    ///
    /// A file of the options cannot be used, or this machine trusts nobody.
    pub(super) fn client_tls(&self, unverified: bool) -> Result<ClientTls, String> {
        let files = &self.tls;
        let tls = match &files.roots {
            _ if unverified || files.insecure => ClientTls::insecure(),
            Some(path) => {
                let roots = read_certificates(&read("--tls-ca", path)?).and_then(ClientTls::with_roots);
                roots.map_err(|error| format!("--tls-ca {}: {error}", path.display()))?
            }
            None => match ClientTls::platform() {
                // Where a certificate need not verify, nobody has to be trusted.
                Err(_) if self.target.security() == Security::Opportunistic => ClientTls::insecure(),
                tls => tls.map_err(|error| error.to_string())?,
            },
        };
        let Some((certificate, key)) = &files.client else { return Ok(tls) };
        let (chain, secret) = (read("--tls-client-cert", certificate)?, read("--tls-client-key", key)?);
        let identity = Identity::from_pem(&chain, &secret)
            .map_err(|error| format!("--tls-client-cert {}: {error}", certificate.display()))?;
        Ok(tls.with_identity(&identity))
    }
}

impl TlsSession {
    /// What the handshake of a client came to, if there was one.
    pub(crate) fn of(client: &Client) -> Option<Self> {
        let session = client.tls_session()?;
        let version = match session.version() {
            ProtocolVersion::TLSv1_2 => "TLS 1.2".into(),
            ProtocolVersion::TLSv1_3 => "TLS 1.3".into(),
            other => format!("{other:?}"),
        };
        let cipher = format!("{:?}", session.cipher_suite());
        Some(Self { version, cipher, certificate_error: session.certificate_error().map(ToString::to_string) })
    }
}

/// What is wrong with the certificate, if that is what ended the handshake.
pub(super) fn certificate_error(client: &Client) -> Option<String> {
    client.tls_error().filter(|error| matches!(error, TlsError::Certificate(_))).map(ToString::to_string)
}

/// Whether what came in place of TLS was none.
pub(super) fn is_clear_text(client: &Client) -> bool {
    matches!(client.tls_error(), Some(TlsError::ClearText))
}

fn read(option: &str, path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{option} {}: {error}", path.display()))
}
