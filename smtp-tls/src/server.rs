//! What a server shows.

use core::fmt;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{OtherError, ServerConfig, ServerConnection};

use super::client::store;
use super::{Identity, Judge, TlsError, provider};

/// How a server makes TLS: the certificate it shows, and whether it asks clients for theirs. A clone is cheap.
///
/// ```no_run
/// use smtp_tls::{Identity, ServerTls, read_certificates};
///
/// let identity = Identity::from_pem(&std::fs::read("chain.pem")?, &std::fs::read("key.pem")?)?;
/// let authorities = read_certificates(&std::fs::read("authorities.pem")?)?;
/// let tls = ServerTls::verifying_clients(&identity, authorities)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

    /// One handshake with a client.
    #[must_use = "the attempt holds the configuration for the handshake"]
    pub fn begin(&self) -> ServerAttempt {
        ServerAttempt { config: Arc::clone(&self.0), judge: Judge::certificate() }
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

/// One handshake of a server that is to be made, from [`ServerTls::begin`].
#[derive(Debug)]
pub struct ServerAttempt {
    config: Arc<ServerConfig>,
    judge: Judge,
}

impl ServerAttempt {
    /// The configuration for the handshake.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// The connection, for an adapter that moves its octets by itself.
    ///
    /// # Errors
    ///
    /// [`TlsError::Setup`] when the configuration cannot be used, which may be the caller's own.
    pub fn connection(&self) -> Result<ServerConnection, TlsError> {
        ServerConnection::new(self.config()).map_err(TlsError::Setup)
    }

    /// Who judges the connection after the handshake.
    #[must_use = "it says whether the client is verified"]
    pub fn into_judge(self) -> Judge {
        self.judge
    }
}
