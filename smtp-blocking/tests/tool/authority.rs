//! Certificates in files, for options of the program, and servers of rustls that show them.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use smtp_blocking::rustls::crypto::ring;
use smtp_blocking::rustls::server::WebPkiClientVerifier;
use smtp_blocking::rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;

use crate::certificates;

/// An authority that only these tests trust.
pub(crate) struct Authority {
    issuer: certificates::Authority,
    folder: TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self { issuer: certificates::Authority::new(), folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// The file for `--tls-ca`.
    pub(crate) fn file(&self) -> PathBuf {
        self.write("ca.pem", self.issuer.pem())
    }

    /// A server with a certificate for this name.
    pub(crate) fn server(&self, name: &str) -> Arc<ServerConfig> {
        self.issuer.issue(&[name]).server_config()
    }

    /// A server with a certificate for this name that wants a certificate of the client, of this authority.
    pub(crate) fn server_for_known_clients(&self, name: &str) -> Arc<ServerConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.root()).expect("a certificate that can be read");
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
        let issued = self.issuer.issue(&[name]);
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows them")
            .with_client_cert_verifier(verifier.expect("there is a root"))
            .with_single_cert(issued.chain.clone(), issued.identity_key())
            .expect("the key belongs to the certificate");
        Arc::new(config)
    }

    /// The files for `--tls-client-cert` and `--tls-client-key`.
    pub(crate) fn client(&self) -> (PathBuf, PathBuf) {
        let [certificate, key] = self.issuer.issue_client("client.example", &[]).pem;
        (self.write("client.pem", &certificate), self.write("client.key", &key))
    }

    fn write(&self, name: &str, pem: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, pem).expect("a new file");
        path
    }
}
