//! Verifiers that let every certificate pass: one that finds out what is wrong with it, and one that does not look.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

/// What is wrong with the certificate of a peer. Empty: nothing, as far as the handshake has come.
pub(crate) type Finding = Arc<OnceLock<Error>>;

/// Lets another verifier judge, keeps what it finds, and goes on all the same (RFC 7435 §3).
#[derive(Debug)]
pub(crate) struct Lenient {
    pub(crate) strict: Arc<dyn ServerCertVerifier>,
    pub(crate) finding: Finding,
}

impl Lenient {
    fn pass<T>(&self, judgement: Result<T, Error>, pass: fn() -> T) -> Result<T, Error> {
        Ok(judgement.unwrap_or_else(|error| {
            self.finding.get_or_init(|| error);
            pass()
        }))
    }
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judgement = self.strict.verify_server_cert(own, intermediates, name, ocsp, now);
        self.pass(judgement, ServerCertVerified::assertion)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let judgement = self.strict.verify_tls12_signature(message, certificate, signature);
        self.pass(judgement, HandshakeSignatureValid::assertion)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let judgement = self.strict.verify_tls13_signature(message, certificate, signature);
        self.pass(judgement, HandshakeSignatureValid::assertion)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.strict.supported_verify_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.strict.root_hint_subjects()
    }
}

/// Does not look at the certificate. The peer still has to hold its key.
#[derive(Debug)]
pub(crate) struct Blind(pub(crate) Arc<CryptoProvider>);

impl ServerCertVerifier for Blind {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
