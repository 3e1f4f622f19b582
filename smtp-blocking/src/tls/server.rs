//! What a server shows.

use core::fmt;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{OtherError, ServerConfig, ServerConnection};

use super::channel::{Channel, Judge};
use super::client::store;
use super::{Identity, TlsError, provider};

/// How a server makes TLS: the certificate it shows, and whether it asks clients for theirs. A clone is cheap.
#[derive(Clone)]
pub struct ServerTls(Arc<ServerConfig>);

impl ServerTls {
    /// Shows this certificate, to every client the same, and asks for none.
    #[must_use]
    pub fn new(identity: &Identity) -> Self {
        Self::of(identity, WebPkiClientVerifier::no_client_auth())
    }

    /// Besides asks clients for a certificate, for EXTERNAL, and verifies what they show with these authorities. A
    /// client without one is served, too: see
    /// [`Config::client_certificate`](smtp_proto::server::Config::client_certificate). One whose certificate does not
    /// verify fails in the handshake.
    ///
    /// # Errors
    ///
    /// When there is no authority, or one that cannot be read.
    pub fn verifying_clients(
        identity: &Identity,
        authorities: impl IntoIterator<Item = CertificateDer<'static>>,
    ) -> Result<Self, TlsError> {
        let verifier = WebPkiClientVerifier::builder_with_provider(store(authorities)?, provider());
        let verifier = verifier.allow_unauthenticated().build();
        let verifier = verifier.map_err(|error| TlsError::Setup(OtherError(Arc::new(error)).into()))?;
        Ok(Self::of(identity, verifier))
    }

    pub(crate) fn begin(&self) -> Result<Channel, TlsError> {
        let connection = ServerConnection::new(Arc::clone(&self.0)).map_err(TlsError::Setup)?;
        Ok(Channel::new(connection.into(), Judge::Certificate))
    }

    fn of(identity: &Identity, clients: Arc<dyn ClientCertVerifier>) -> Self {
        let builder = ServerConfig::builder_with_provider(provider());
        let builder =
            builder.with_safe_default_protocol_versions().expect("a built-in provider has suites for all versions");
        let mut config = builder.with_client_cert_verifier(clients).with_cert_resolver(identity.resolver());
        // No session outlives its connection, so none gets to a listener of another policy.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Self(Arc::new(config))
    }
}

/// The caller's own configuration, of any provider.
impl From<Arc<ServerConfig>> for ServerTls {
    fn from(config: Arc<ServerConfig>) -> Self {
        Self(config)
    }
}

impl From<ServerConfig> for ServerTls {
    fn from(config: ServerConfig) -> Self {
        Self(Arc::new(config))
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}
