//! What handshakes come to, made in memory between both ends of this crate.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use smtp_proto::TlsInfo;
use smtp_tls::rustls::crypto::ring;
use smtp_tls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use smtp_tls::rustls::version::{TLS12, TLS13};
use smtp_tls::rustls::{
    CertificateError, ClientConfig, Connection, Error, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
};
use smtp_tls::{ClientTls, Handshaken, Identity, Judge, ServerTls, TlsError, TlsSession, TlsStage, server_name};

const NAME: &str = "mx.example";

/// Somebody who issues certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).expect("signed").der().clone();
        Self { issuer: Issuer::new(params, key), root }
    }

    fn issue(&self, name: &str) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        Identity::new(vec![certificate.der().clone()], key).expect("a certificate and its key")
    }

    fn client_tls(&self) -> ClientTls {
        ClientTls::with_roots([self.root.clone()]).expect("a root")
    }

    /// A configuration by rustls alone.
    fn client_config(&self, version: &'static SupportedProtocolVersion) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).expect("a root");
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_protocol_versions(&[version]).expect("a version of ring");
        builder.with_root_certificates(roots).with_no_client_auth()
    }
}

/// Both ends of a connection, and who judges them.
struct Ends {
    client: Connection,
    server: Connection,
    of_client: Judge,
    of_server: Judge,
}

impl Ends {
    fn new(client: &ClientTls, server: &ServerTls, is_lenient: bool) -> Self {
        let (client, server) = (client.begin(name(), is_lenient), server.begin());
        Self {
            client: client.connection().expect("usable").into(),
            server: server.connection().expect("usable").into(),
            of_client: client.into_judge(),
            of_server: server.into_judge(),
        }
    }

    /// Runs the handshake. Err: what the end that failed first stumbled over.
    fn shake(&mut self) -> Result<(), Error> {
        while self.client.is_handshaking() || self.server.is_handshaking() {
            let octets = written(&mut self.client);
            take(&mut self.server, &octets)?;
            let octets = written(&mut self.server);
            take(&mut self.client, &octets)?;
        }
        Ok(())
    }

    /// What the handshake came to, for the client and for the server.
    fn judged(&self) -> [(TlsSession, TlsInfo); 2] {
        [self.of_client.judge(&self.client), self.of_server.judge(&self.server)]
    }
}

fn name() -> ServerName<'static> {
    server_name(NAME).expect("a name")
}

/// What this end has to say.
fn written(connection: &mut Connection) -> Vec<u8> {
    let mut octets = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut octets).expect("there is room");
    }
    octets
}

fn take(connection: &mut Connection, mut octets: &[u8]) -> Result<(), Error> {
    while !octets.is_empty() {
        connection.read_tls(&mut octets).expect("there is room");
        connection.process_new_packets()?;
    }
    Ok(())
}

/// A certificate that verifies for the name: both ends agree on everything that they tell.
#[test]
fn both_ends_agree() {
    let authority = Authority::new("One");
    let identity = authority.issue(NAME);
    for is_lenient in [false, true] {
        let mut ends = Ends::new(&authority.client_tls(), &ServerTls::new(&identity), is_lenient);
        ends.shake().expect("a handshake");
        let [(client, to_client), (server, to_server)] = ends.judged();
        assert_eq!(client.version(), ProtocolVersion::TLSv1_3);
        assert_eq!((client.version(), client.cipher_suite()), (server.version(), server.cipher_suite()));
        assert_eq!((client.is_verified(), to_client.verified), (true, true));
        assert_eq!(client.certificate_error(), None);
        assert_eq!(client.peer_certificates(), identity.certificates());
        assert_eq!((client.server_name(), server.server_name()), (None, Some(NAME)));
        // Who shows no certificate is nobody that was verified.
        assert_eq!((server.is_verified(), to_server.verified), (false, false));
        assert_eq!(server.peer_certificates(), []);
        assert!(to_client.channel_binding.is_some());
        assert_eq!(to_client.channel_binding, to_server.channel_binding);
    }
}

/// A binding belongs to one connection, and there is none over TLS 1.2, where nobody knows whether it may be used
/// (RFC 9266 §4.2).
#[test]
fn channel_bindings() {
    let authority = Authority::new("One");
    let server = ServerTls::new(&authority.issue(NAME));
    let mut bindings = Vec::new();
    for (version, has_one) in [(&TLS13, true), (&TLS13, true), (&TLS12, false)] {
        let mut ends = Ends::new(&authority.client_config(version).into(), &server, false);
        ends.shake().expect("a handshake");
        let [(session, client), (_, server)] = ends.judged();
        assert_eq!(session.version(), version.version);
        assert_eq!((client.channel_binding.is_some(), server.channel_binding.is_some()), (has_one, has_one));
        bindings.push(client.channel_binding);
    }
    assert_ne!(bindings[0], bindings[1]);
}

/// TLS-18, rule 36: a certificate that does not verify ends the handshake, or is told where it is no hindrance. Who does
/// not look verifies nobody.
#[test]
fn certificates_that_do_not_verify() {
    let authority = Authority::new("One");
    let stranger = ServerTls::new(&Authority::new("Other").issue(NAME));
    let other_name = ServerTls::new(&authority.issue("other.example"));
    for (server, is_unknown) in [(&stranger, true), (&other_name, false)] {
        let is_fault = |error: &TlsError| match error {
            TlsError::Certificate(CertificateError::UnknownIssuer) => is_unknown,
            TlsError::Certificate(CertificateError::NotValidForNameContext { .. }) => !is_unknown,
            _ => false,
        };
        let mut strict = Ends::new(&authority.client_tls(), server, false);
        let error = TlsError::of(strict.shake().expect_err("nobody issued this"));
        assert!(is_fault(&error), "{error:?}");
        assert!(!strict.judged()[0].1.verified);

        let mut lenient = Ends::new(&authority.client_tls(), server, true);
        lenient.shake().expect("a handshake");
        let [(session, info), _] = lenient.judged();
        assert_eq!((session.is_verified(), info.verified), (false, false));
        assert!(session.certificate_error().is_some_and(is_fault), "{:?}", session.certificate_error());

        for is_lenient in [false, true] {
            let mut blind = Ends::new(&ClientTls::insecure(), server, is_lenient);
            blind.shake().expect("a handshake");
            let [(session, info), _] = blind.judged();
            assert_eq!((session.is_verified(), info.verified), (false, false));
            assert_eq!(session.certificate_error(), None);

            // The verifier of the caller is never made lenient.
            let mut callers = Ends::new(&authority.client_config(&TLS13).into(), server, is_lenient);
            assert!(is_fault(&TlsError::of(callers.shake().expect_err("nobody issued this"))));
        }
    }
}

/// A client's certificate is verified for EXTERNAL, or the handshake fails.
#[test]
fn certificates_of_clients() {
    let (authority, stranger) = (Authority::new("One"), Authority::new("Other"));
    let server = ServerTls::verifying_clients(&authority.issue(NAME), [authority.root.clone()]).expect("an authority");
    let identity = authority.issue("client.example");
    for (client, is_verified) in
        [(authority.client_tls().with_identity(&identity), true), (authority.client_tls(), false)]
    {
        let mut ends = Ends::new(&client, &server, false);
        ends.shake().expect("a handshake");
        let [_, (session, info)] = ends.judged();
        assert_eq!((session.is_verified(), info.verified), (is_verified, is_verified));
        assert_eq!(session.peer_certificates(), if is_verified { identity.certificates() } else { &[] });
    }
    let client = authority.client_tls().with_identity(&stranger.issue("client.example"));
    let mut ends = Ends::new(&client, &server, false);
    let error = TlsError::of(ends.shake().expect_err("a stranger"));
    assert_eq!(error, TlsError::Certificate(CertificateError::UnknownIssuer));
    assert!(!ends.judged()[1].1.verified);
}

/// Nobody is verified before the handshake is over, whatever its judge has not found yet; nor by the judge of the other
/// role.
#[test]
fn too_early_and_of_the_other_role() {
    let authority = Authority::new("One");
    let server = ServerTls::verifying_clients(&authority.issue(NAME), [authority.root.clone()]).expect("an authority");
    let client = authority.client_tls().with_identity(&authority.issue("client.example"));
    for is_lenient in [false, true] {
        let mut ends = Ends::new(&client, &server, is_lenient);
        for (session, info) in ends.judged() {
            assert_eq!((session.is_verified(), info.verified, info.channel_binding), (false, false, None));
            assert_eq!(session.version(), ProtocolVersion::Unknown(0));
        }
        ends.shake().expect("a handshake");
        assert!(ends.judged().iter().all(|(session, info)| session.is_verified() && info.verified));
        assert!(!ends.of_client.judge(&ends.server).1.verified);
        assert!(!ends.of_server.judge(&ends.client).1.verified);
    }
}

/// Adapters that hold a connection of one role judge it as those that hold either.
#[test]
fn connections_of_one_role() {
    let authority = Authority::new("One");
    let mut ends = Ends::new(&authority.client_tls(), &ServerTls::new(&authority.issue(NAME)), false);
    ends.shake().expect("a handshake");
    let [(_, client), (_, server)] = ends.judged();
    let (Connection::Client(of_client), Connection::Server(of_server)) = (&ends.client, &ends.server) else {
        panic!("the roles are mixed up");
    };
    assert_eq!(ends.of_client.judge(of_client).1, client);
    assert_eq!(ends.of_server.judge(of_server).1, server);
    assert_eq!(ends.of_server.judge(Handshaken::Server(of_server)).0.server_name(), Some(NAME));
}

/// What `rustls` makes of a peer that is none, by its own functions of I/O: an answer in clear, an end in the handshake,
/// and one after it (TLS-24).
#[test]
fn errors_of_io() {
    let authority = Authority::new("One");
    let server = ServerTls::new(&authority.issue(NAME));
    for (said, stage, expected) in [
        (&b"220 mx.example\r\n"[..], TlsStage::Handshake { first: Some(b'2') }, TlsError::ClearText),
        (b"", TlsStage::Handshake { first: None }, TlsError::Unfinished),
        (b"\x16\x03\x03", TlsStage::Handshake { first: Some(0x16) }, TlsError::Unfinished),
    ] {
        let mut ends = Ends::new(&authority.client_tls(), &server, false);
        let error = ends.client.complete_io(&mut Peer(said)).expect_err("no TLS");
        assert_eq!(TlsError::explain_io(&error, stage), Some(expected));
    }
    let mut ends = Ends::new(&authority.client_tls(), &server, false);
    ends.shake().expect("a handshake");
    ends.client.read_tls(&mut io::empty()).expect("the end");
    ends.client.process_new_packets().expect("nothing came");
    let error = ends.client.reader().read(&mut [0]).expect_err("cut");
    assert_eq!(TlsError::explain_io(&error, TlsStage::Established), Some(TlsError::Truncated));
}

/// A peer that says this, whatever it hears.
struct Peer<'a>(&'a [u8]);

impl Read for Peer<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Peer<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Domains, and addresses with and without the brackets of SMTP.
#[test]
fn names() {
    for name in ["mx.example", "192.0.2.1", "[192.0.2.1]", "2001:db8::1", "[2001:db8::1]"] {
        let bare = name.trim_matches(['[', ']']);
        assert_eq!(server_name(name).expect("a name").to_str(), bare);
    }
    for name in ["", "a b", "[192.0.2.1", "[]", "[IPv6:2001:db8::1]", "mx.example:25", "a..b"] {
        assert_eq!(server_name(name), Err(TlsError::Name(name.into())));
    }
}
