//! Certificates for servers that there are not.

use core::sync::atomic::{AtomicU32, Ordering};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use smtp_blocking::rustls::crypto::ring;
use smtp_blocking::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use smtp_blocking::rustls::server::WebPkiClientVerifier;
use smtp_blocking::rustls::server::danger::ClientCertVerifier;
use smtp_blocking::rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;

/// An authority that only these tests trust.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
    folder: TempDir,
}

/// Authorities so far.
static COUNT: AtomicU32 = AtomicU32::new(0);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Two of one name would be taken for one.
        params
            .distinguished_name
            .push(DnType::CommonName, format!("authority {}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = params.self_signed(&key).expect("a key that signs");
        let (pem, certificate) = (certificate.pem(), certificate.der().clone());
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { issuer: Issuer::new(params, key), certificate, pem, folder }
    }

    /// The file for `--tls-ca`.
    pub(crate) fn file(&self) -> PathBuf {
        let path = self.folder.path().join("ca.pem");
        fs::write(&path, &self.pem).expect("a new file");
        path
    }

    /// A server with a certificate for this name.
    pub(crate) fn server(&self, name: &str) -> Arc<ServerConfig> {
        self.server_with(name, WebPkiClientVerifier::no_client_auth())
    }

    /// A server with a certificate for this name that wants a certificate of the client, of this authority.
    pub(crate) fn server_for_known_clients(&self, name: &str) -> Arc<ServerConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).expect("a certificate that can be read");
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        self.server_with(name, verifier.expect("there is a root"))
    }

    /// The files for `--tls-client-cert` and `--tls-client-key`.
    pub(crate) fn client(&self) -> (PathBuf, PathBuf) {
        let (certificate, key) = self.issue("client.example");
        let paths = ["client.pem", "client.key"].map(|name| self.folder.path().join(name));
        fs::write(&paths[0], certificate.pem()).expect("a new file");
        fs::write(&paths[1], key.serialize_pem()).expect("a new file");
        paths.into()
    }

    fn server_with(&self, name: &str, verifier: Arc<dyn ClientCertVerifier>) -> Arc<ServerConfig> {
        let (certificate, key) = self.issue(name);
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key in PKCS #8");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider knows them")
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("the key belongs to the certificate");
        Arc::new(config)
    }

    fn issue(&self, name: &str) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().expect("there is randomness");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a domain");
        (params.signed_by(&key, &self.issuer).expect("the authority signs"), key)
    }
}
