//! Certificates of the harness, good for as long as it runs.

use std::io;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
#[cfg(feature = "adapters")]
use smtp_tls::{ClientTls, TlsError, read_certificates};
use smtp_tls::{Identity, ServerTls};

/// An authority, and a server whose certificate it has issued.
pub(super) struct Certificates {
    /// The certificate of the authority, as it stands in a file.
    pub(super) pem: String,
    server: ServerTls,
}

impl Certificates {
    /// For a server of this domain on this machine.
    ///
    /// # Errors
    ///
    /// When `domain` is none that a certificate can hold.
    pub(super) fn new(domain: &str) -> io::Result<Self> {
        Self::issue(domain).map_err(io::Error::other)
    }

    fn issue(domain: &str) -> Result<Self, rcgen::Error> {
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "SMTP conformance suite");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let names = [domain, "localhost", "127.0.0.1"].map(str::to_owned);
        let key = KeyPair::generate()?;
        let server = CertificateParams::new(names)?.signed_by(&key, &authority)?;
        let identity = Identity::from_pem(server.pem().as_bytes(), key.serialize_pem().as_bytes());
        Ok(Self { pem: authority.pem(), server: ServerTls::new(&identity.expect("a certificate and its key")) })
    }

    /// How the server makes TLS.
    pub(super) fn server(&self) -> ServerTls {
        self.server.clone()
    }

    /// How a client does that trusts the authority.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    #[cfg(feature = "adapters")]
    pub(super) fn client(&self) -> Result<ClientTls, TlsError> {
        ClientTls::with_roots(read_certificates(self.pem.as_bytes())?)
    }
}
