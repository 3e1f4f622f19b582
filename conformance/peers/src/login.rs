//! Who logs in, by which mechanism and through which TLS, and the certificates for it.

use std::fs;
use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use tempfile::TempDir;

use crate::programs::temporary_folder;

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// After the command of RFC 3207. A server wants it before mail, and a login.
    StartTls,
    /// The same, but a server takes mail without TLS and without a login, too.
    Offered,
    /// With the first octet (RFC 8314 §3.3).
    Implicit,
}

/// What a client logs in with.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    /// When TLS begins.
    pub tls: Tls,
    /// The name as it stands in the EHLO response.
    pub mechanism: &'a str,
    /// Who logs in.
    pub user: &'a str,
    /// The password, or the token of the OAuth mechanisms.
    pub secret: &'a str,
    /// Whom the client trusts, and who it is.
    pub certificates: &'a Certificates,
}

impl<'a> Login<'a> {
    /// What the servers let in.
    pub fn right(tls: Tls, mechanism: &'a str, certificates: &'a Certificates) -> Self {
        Self { tls, mechanism, user: USER, secret: secret(mechanism), certificates }
    }

    /// What the servers refuse: another secret, or for EXTERNAL, which has none, another user than that of the
    /// certificate. ANONYMOUS has nothing wrong.
    pub fn wrong(self) -> Self {
        if self.mechanism == "EXTERNAL" {
            Self { user: "bob@example.org", ..self }
        } else {
            Self { secret: "wrong", ..self }
        }
    }
}

/// The secret of [`USER`] that a mechanism asks for.
pub fn secret(mechanism: &str) -> &'static str {
    if ["XOAUTH2", "OAUTHBEARER"].contains(&mechanism) { TOKEN } else { PASSWORD }
}

/// The certificates of one test, as PEM files: of a CA, and made by that CA of a server and of a client.
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    /// For a server with these names and addresses, and for a client that is [`USER`].
    ///
    /// # Panics
    ///
    /// If they cannot be made.
    #[must_use]
    pub fn new(names: &[&str]) -> Self {
        let folder = temporary_folder();
        let store = |name: &str, pem: String| fs::write(folder.path().join(name), pem).expect("a new file");

        let key = KeyPair::generate().expect("a key");
        let mut ca = CertificateParams::default();
        ca.distinguished_name.push(DnType::CommonName, "CA of a test");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        store("ca.pem", ca.self_signed(&key).expect("a certificate").pem());
        let ca = Issuer::new(ca, key);

        let names: Vec<String> = names.iter().map(|name| (*name).into()).collect();
        let mut server = CertificateParams::new(names).expect("names of hosts and addresses");
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let mut client = CertificateParams::default();
        client.distinguished_name.push(DnType::CommonName, USER);
        client.subject_alt_names = vec![SanType::Rfc822Name(USER.try_into().expect("ASCII"))];
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        for (name, mut params) in [("server", server), ("client", client)] {
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            params.use_authority_key_identifier_extension = true;
            let key = KeyPair::generate().expect("a key");
            store(&format!("{name}.pem"), params.signed_by(&key, &ca).expect("a certificate").pem());
            store(&format!("{name}.key"), key.serialize_pem());
        }
        Self { folder }
    }

    /// The file of this name: `ca.pem`, `server.pem`, `server.key`, `client.pem` or `client.key`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// As [`file`](Self::file), for command lines.
    pub fn path(&self, name: &str) -> String {
        self.file(name).to_str().expect("a folder of our own, in UTF-8").to_owned()
    }
}

/// The user that every server knows, and whom the certificate of the client names.
pub const USER: &str = "ada@example.org";

/// With the two characters that SCRAM and configuration files hold dear.
pub const PASSWORD: &str = "pass=word,123";

/// For `ada@example.org` until the year 2286, signed with [`TOKEN_KEY`] by HS256 (RFC 7519): Dovecot looks into it, and
/// for the others it is a text.
pub const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.\
    eyJzdWIiOiJhZGFAZXhhbXBsZS5vcmciLCJpYXQiOjEwMDAwMDAwMDAsImV4cCI6OTk5OTk5OTk5OX0.\
    qMoEb-U9D5KGXF6ylrSwQZaYtBDijQpWrhECPBJMV4c";

/// The octets of the key, in base64.
pub const TOKEN_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
