//! Certificates and keys.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::{TlsError, provider};

/// A certificate, the chain above it, and its private key: what a server shows, or a client that logs in with EXTERNAL.
/// `Debug` does not show the key.
#[derive(Clone, Debug)]
pub struct Identity(Arc<CertifiedKey>);

impl Identity {
    /// A chain of certificates, the own one first, and the key of that.
    ///
    /// # Errors
    ///
    /// When there is no certificate, or the key is of an unknown kind or another certificate's.
    pub fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, TlsError> {
        if chain.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        CertifiedKey::from_der(chain, key, &provider()).map(|key| Self(Arc::new(key))).map_err(TlsError::Setup)
    }

    /// The same from PEM, as it stands in files. Both may be the same file.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and when one of both is not found.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoPrivateKey)?;
        Self::new(read_certificates(chain)?, key)
    }

    /// The certificates, the own one first.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.0.cert
    }

    pub(crate) fn resolver(&self) -> Arc<SingleCertAndKey> {
        Arc::new(SingleCertAndKey::from(Arc::clone(&self.0)))
    }
}

/// Reads the certificates of a text in PEM, and passes over what else stands in it.
///
/// # Errors
///
/// [`TlsError::NoCertificate`] if there is none, or one that cannot be read.
pub fn read_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    certificates.ok().filter(|found| !found.is_empty()).ok_or(TlsError::NoCertificate)
}
