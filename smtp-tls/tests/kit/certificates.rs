//! Certificates, and what rustls makes of them: for the tests of every adapter.

use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use smtp_tls::rustls::crypto::ring;
use smtp_tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use smtp_tls::rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use smtp_tls::{ClientTls, Identity, ServerTls};

static AUTHORITIES: AtomicU32 = AtomicU32::new(0);

/// Somebody who issues certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
    pem: String,
}

/// A chain and a key.
pub(crate) struct Issued {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// The certificate and the key, as they stand in files.
    pub(crate) pem: [String; 2],
    key: PrivateKeyDer<'static>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        // Of two authorities with one name, neither would be unknown.
        let number = AUTHORITIES.fetch_add(1, Ordering::Relaxed);
        params.distinguished_name.push(DnType::CommonName, format!("Test Authority {number}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).expect("signed");
        Self { root: root.der().clone(), pem: root.pem(), issuer: Issuer::new(params, key) }
    }

    pub(crate) fn root(&self) -> CertificateDer<'static> {
        self.root.clone()
    }

    /// As it stands in a file.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for these domains and addresses.
    pub(crate) fn issue(&self, names: &[&str]) -> Issued {
        self.issue_with(names, |_| {})
    }

    /// One that has expired long ago.
    pub(crate) fn issue_expired(&self, names: &[&str]) -> Issued {
        self.issue_with(names, |params| params.not_after = rcgen::date_time_ymd(2001, 1, 1))
    }

    /// One for a client of this common name.
    pub(crate) fn issue_client(&self, common_name: &str, mailboxes: &[&str]) -> Issued {
        self.issue_with(&[], |params| {
            params.distinguished_name.push(DnType::CommonName, common_name);
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            let name = |mailbox: &&str| rcgen::SanType::Rfc822Name((*mailbox).try_into().expect("ASCII"));
            params.subject_alt_names = mailboxes.iter().map(name).collect();
        })
    }

    fn issue_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let key = KeyPair::generate().expect("a key");
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        let pem = [certificate.pem(), key.serialize_pem()];
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        Issued { chain: vec![certificate.der().clone()], pem, key }
    }

    /// Trusts what this authority issued.
    pub(crate) fn client_tls(&self) -> ClientTls {
        ClientTls::with_roots([self.root()]).expect("a root")
    }

    /// The same by rustls alone.
    pub(crate) fn client_config(&self, versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root()).expect("a root");
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_protocol_versions(versions).expect("versions of ring");
        Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

impl Issued {
    pub(crate) fn identity(&self) -> Identity {
        Identity::new(self.chain.clone(), self.key.clone_key()).expect("a certificate and its key")
    }

    pub(crate) fn identity_key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }

    pub(crate) fn server_tls(&self) -> ServerTls {
        ServerTls::new(&self.identity())
    }

    /// A server by rustls alone.
    pub(crate) fn server_config(&self) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("versions of ring").with_no_client_auth();
        Arc::new(builder.with_single_cert(self.chain.clone(), self.key.clone_key()).expect("its key"))
    }
}

/// TLS 1.3 alone.
pub(crate) const TLS13: &[&SupportedProtocolVersion] = &[&version::TLS13];
/// TLS 1.2 alone.
pub(crate) const TLS12: &[&SupportedProtocolVersion] = &[&version::TLS12];
