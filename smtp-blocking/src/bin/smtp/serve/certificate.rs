//! Whom a client's certificate names.

use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// The names in a certificate that was verified, those of RFC 5280 §4.2.1.6 first: its mailboxes, its domains, and the
/// common names of its subject. Names with control characters are left out.
pub(super) fn names(certificate: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return Vec::new() };
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let alternatives = alternatives.map_or(&[][..], |extension| &extension.value.general_names[..]);
    let mailboxes = alternatives.iter().filter_map(|name| match name {
        GeneralName::RFC822Name(mailbox) => Some(*mailbox),
        _ => None,
    });
    let domains = alternatives.iter().filter_map(|name| match name {
        GeneralName::DNSName(domain) => Some(*domain),
        _ => None,
    });
    let common_names = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    let names = mailboxes.chain(domains).chain(common_names);
    names.filter(|name| !name.is_empty() && !name.contains(char::is_control)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::names;

    #[test]
    fn mailboxes_go_first() {
        let mut params = CertificateParams::new(["client.example".to_owned()]).expect("a domain");
        params.subject_alt_names.push(SanType::Rfc822Name("alice@client.example".try_into().expect("ASCII")));
        params.distinguished_name.push(DnType::CommonName, "Alice");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("signed");
        assert_eq!(names(certificate.der()), ["alice@client.example", "client.example", "Alice"]);
    }

    #[test]
    fn nonsense_names_nobody() {
        assert!(names(b"").is_empty());
        assert!(names(&[0x30; 100]).is_empty());
        let mut params = CertificateParams::new([]).expect("no names");
        params.distinguished_name.push(DnType::CommonName, "Ali\nce");
        let certificate = params.self_signed(&KeyPair::generate().expect("a key")).expect("signed");
        assert!(names(certificate.der()).is_empty());
    }
}
