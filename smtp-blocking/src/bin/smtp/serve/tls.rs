//! `smtp serve`: TLS.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use rcgen::{CertificateParams, DnType, KeyPair};
use sha2::{Digest as _, Sha256};
use smtp_blocking::rustls::pki_types::PrivateKeyDer;
use smtp_blocking::tls::{Identity, ServerTls, TlsError, read_certificates};
use smtp_proto::server::TlsPolicy;

/// How TLS is made.
#[derive(Args, Debug)]
#[command(next_help_heading = "TLS")]
pub(super) struct TlsOptions {
    /// The certificate of this server and the chain above it, in PEM. STARTTLS is offered.
    #[arg(long, value_name = "FILE", requires = "tls_key", group = "certificate")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Makes a certificate for the name of this server, localhost, 127.0.0.1 and ::1, and prints its SHA-256 fingerprint.
    /// STARTTLS is offered.
    #[arg(long, group = "certificate")]
    tls_self_signed: bool,
    /// TLS from the first octet in place of STARTTLS.
    #[arg(long, requires = "certificate")]
    implicit_tls: bool,
    /// Asks clients for a certificate, which these CAs (PEM) have to have issued, and lets them log in with EXTERNAL as
    /// whom it names.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    tls_client_ca: Option<PathBuf>,
}

/// What the options come to.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) tls: ServerTls,
    /// Of a certificate that was made now.
    pub(super) fingerprint: Option<String>,
}

impl TlsOptions {
    pub(super) fn policy(&self) -> TlsPolicy {
        if self.implicit_tls {
            TlsPolicy::Implicit
        } else if self.tls_self_signed || self.tls_cert.is_some() {
            TlsPolicy::Offered
        } else {
            TlsPolicy::Disabled
        }
    }

    /// Whether clients are asked for certificates.
    pub(super) fn verifies_clients(&self) -> bool {
        self.tls_client_ca.is_some()
    }

    /// Reads the files, or makes what is to be made; `None` without TLS.
    ///
    /// # Errors
    ///
    /// Which file is not what it should be.
    pub(super) fn load(&self, hostname: &str) -> io::Result<Option<Loaded>> {
        let (identity, is_fresh) = match (&self.tls_cert, &self.tls_key) {
            (Some(chain), Some(key)) => {
                let identity = Identity::from_pem(&read(chain)?, &read(key)?);
                let files = || format!("{} and {}", chain.display(), key.display());
                (identity.map_err(|error| about(&files(), error))?, false)
            }
            _ if self.tls_self_signed => (self_signed(hostname)?, true),
            _ => return Ok(None),
        };
        let tls = match &self.tls_client_ca {
            Some(path) => read_certificates(&read(path)?)
                .and_then(|authorities| ServerTls::verifying_clients(&identity, authorities))
                .map_err(|error| about(&path.display().to_string(), error))?,
            None => ServerTls::new(&identity),
        };
        let fingerprint = identity.certificates().first().filter(|_| is_fresh).map(|own| fingerprint(own));
        Ok(Some(Loaded { tls, fingerprint }))
    }
}

/// A certificate that this server issues to itself.
fn self_signed(hostname: &str) -> io::Result<Identity> {
    // The name of a server without a domain is an address literal (RFC 5321 §4.1.3).
    let literal = hostname.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let name = literal.map_or(hostname, |literal| literal.strip_prefix("IPv6:").unwrap_or(literal));
    let mut names = vec![name.to_owned()];
    names.extend(["localhost", "127.0.0.1", "::1"].into_iter().filter(|other| *other != name).map(str::to_owned));
    let made = CertificateParams::new(names).and_then(|mut params| {
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate()?;
        Ok((params.self_signed(&key)?.der().clone(), key.serialize_der()))
    });
    let (certificate, key) = made.map_err(|error| io::Error::other(format!("no certificate can be made: {error}")))?;
    let key = PrivateKeyDer::try_from(key).map_err(io::Error::other)?;
    Ok(Identity::new(vec![certificate], key)?)
}

/// As other programs write it: pairs of digits with colons between them.
fn fingerprint(certificate: &[u8]) -> String {
    Sha256::digest(certificate).iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(":")
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

fn about(files: &str, error: TlsError) -> io::Error {
    io::Error::other(format!("{files}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::{fingerprint, self_signed};

    #[test]
    fn certificates_for_every_kind_of_name() {
        for name in ["mx.example", "localhost", "[127.0.0.1]", "[192.0.2.1]", "[IPv6:2001:db8::1]", "[IPv6:::1]"] {
            let identity = self_signed(name).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(identity.certificates().len(), 1);
        }
    }

    #[test]
    fn fingerprints_look_like_those_of_others() {
        let empty = fingerprint(b"");
        assert!(empty.starts_with("E3:B0:C4:42:98:FC:"), "{empty}");
        assert_eq!(empty.len(), 32 * 3 - 1);
    }
}
