//! Whom a client trusts.

use core::fmt;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, OtherError, RootCertStore};
use rustls_platform_verifier::Verifier;

use super::verifier::{Blind, Finding, Lenient};
use super::{Identity, Judge, TlsError, provider};

/// How a client makes TLS: whom it trusts, and what certificate it shows, if any. For any number of connections; a clone
/// is cheap.
///
/// What becomes of a certificate that does not verify is said by
/// [`Config::security`](smtp_proto::client::Config::security):
///
/// | | `Implicit`, `Required` | `Opportunistic` |
/// |---|---|---|
/// | [`platform`](Self::platform), [`with_roots`](Self::with_roots) | the end, before MAIL or AUTH | goes on, as not verified |
/// | [`insecure`](Self::insecure) | goes on, as not verified | goes on, as not verified |
/// | a configuration of the caller | what its verifier says | what its verifier says |
///
/// Over a connection that is not verified no credentials are sent, unless
/// [`Config::unprotected_credentials`](smtp_proto::client::Config::unprotected_credentials) says so.
#[derive(Clone)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
    trust: Trust,
}

#[derive(Clone)]
enum Trust {
    /// What this verifier verifies.
    Verified(Arc<dyn ServerCertVerifier>),
    /// Whoever is there.
    Blind,
    /// What the configuration of the caller lets pass.
    Callers,
}

impl ClientTls {
    /// Trusts what this machine trusts: the verifier of the operating system, or the certificates that it keeps. Reads
    /// them now.
    ///
    /// # Errors
    ///
    /// When this machine trusts nobody.
    pub fn platform() -> Result<Self, TlsError> {
        let verifier = Verifier::new(provider()).map_err(TlsError::Setup)?;
        Ok(Self::verified(Arc::new(verifier)))
    }

    /// Trusts what these authorities have issued, and nobody else. A certificate that a server issued to itself is
    /// its own authority. [`read_certificates`](crate::read_certificates) reads them from PEM.
    ///
    /// # Errors
    ///
    /// When there is none, or one that cannot be read.
    pub fn with_roots(roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Result<Self, TlsError> {
        let verifier = WebPkiServerVerifier::builder_with_provider(store(roots)?, provider()).build();
        let verifier = verifier.map_err(|error| TlsError::Setup(OtherError(Arc::new(error)).into()))?;
        Ok(Self::verified(verifier))
    }

    /// Trusts whoever is there, and so whoever stands between. Nothing is reported as verified. For tests, and for
    /// those who want to look.
    #[must_use]
    pub fn insecure() -> Self {
        let config = configuration(Arc::new(Blind(provider())));
        Self { config: Arc::new(config), trust: Trust::Blind }
    }

    /// Shows this certificate to a server that asks for one.
    #[must_use]
    pub fn with_identity(mut self, identity: &Identity) -> Self {
        Arc::make_mut(&mut self.config).client_auth_cert_resolver = identity.resolver();
        self
    }

    /// One handshake with the server of this name ([`server_name`]). `is_lenient`: a certificate that does not verify is
    /// no hindrance, as [`Security::Opportunistic`](smtp_proto::client::Security::Opportunistic) wants it; it makes a
    /// difference to [`platform`](Self::platform) and [`with_roots`](Self::with_roots) only.
    #[must_use = "the attempt holds the configuration for the handshake"]
    pub fn begin(&self, name: ServerName<'static>, is_lenient: bool) -> ClientAttempt {
        let (config, judge) = match &self.trust {
            Trust::Verified(strict) if is_lenient => {
                let finding = Finding::default();
                let verifier = Lenient { strict: Arc::clone(strict), finding: Arc::clone(&finding) };
                let mut config = ClientConfig::clone(&self.config);
                config.dangerous().set_certificate_verifier(Arc::new(verifier));
                // What was not verified is not to be resumed as if it had been.
                config.resumption = Resumption::disabled();
                (Arc::new(config), Judge::found(finding))
            }
            Trust::Blind => (Arc::clone(&self.config), Judge::nobody()),
            Trust::Verified(_) | Trust::Callers => (Arc::clone(&self.config), Judge::handshake()),
        };
        ClientAttempt { config, name, judge }
    }

    fn verified(verifier: Arc<dyn ServerCertVerifier>) -> Self {
        let config = configuration(Arc::clone(&verifier));
        Self { config: Arc::new(config), trust: Trust::Verified(verifier) }
    }
}

/// The caller's own configuration, of any provider. That the handshake succeeds counts as verified, so its verifier
/// should be one that verifies.
impl From<Arc<ClientConfig>> for ClientTls {
    fn from(config: Arc<ClientConfig>) -> Self {
        Self { config, trust: Trust::Callers }
    }
}

impl From<ClientConfig> for ClientTls {
    fn from(config: ClientConfig) -> Self {
        Arc::new(config).into()
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trust: &dyn fmt::Debug = match &self.trust {
            Trust::Verified(verifier) => verifier,
            Trust::Blind => &"whoever is there",
            Trust::Callers => &"what the configuration of the caller verifies",
        };
        f.debug_struct("ClientTls").field("trust", trust).finish_non_exhaustive()
    }
}

/// One handshake of a client that is to be made, from [`ClientTls::begin`]. What is found out about the certificate of
/// the server belongs to that handshake, so every other one needs an attempt of its own.
#[derive(Debug)]
pub struct ClientAttempt {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    judge: Judge,
}

impl ClientAttempt {
    /// The configuration for the handshake.
    #[must_use]
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    /// The name that the certificate of the server has to be for.
    #[must_use]
    pub fn name(&self) -> ServerName<'static> {
        self.name.clone()
    }

    /// The connection, for an adapter that moves its octets by itself.
    ///
    /// # Errors
    ///
    /// [`TlsError::Setup`] when the configuration cannot be used, which may be the caller's own.
    pub fn connection(&self) -> Result<ClientConnection, TlsError> {
        ClientConnection::new(self.config(), self.name()).map_err(TlsError::Setup)
    }

    /// Who judges the connection after the handshake.
    #[must_use = "it says whether the server is verified"]
    pub fn into_judge(self) -> Judge {
        self.judge
    }
}

/// The name to verify: a domain or an IP address, the latter with or without square brackets.
///
/// # Errors
///
/// [`TlsError::Name`] when it is neither.
pub fn server_name(name: &str) -> Result<ServerName<'static>, TlsError> {
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    ServerName::try_from(bare.to_owned()).map_err(|_| TlsError::Name(name.to_owned()))
}

pub(super) fn store(roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Result<Arc<RootCertStore>, TlsError> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root).map_err(TlsError::Setup)?;
    }
    Ok(Arc::new(store))
}

fn configuration(verifier: Arc<dyn ServerCertVerifier>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(provider());
    let builder =
        builder.with_safe_default_protocol_versions().expect("a built-in provider has suites for all versions");
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    // A connection carries many mails, and a whole handshake verifies anew.
    config.resumption = Resumption::disabled();
    config
}
