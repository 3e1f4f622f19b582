//! AUTH in the server role (RFC 4954), without sockets.

mod kit;

use kit::desk::Desk;
use kit::script::serve;
use kit::{Cuts, server, server_config};
use smtp_proto::sasl;
use smtp_proto::server::{Config, TlsPolicy};
use smtp_proto::trace::Protocol;

const EHLO: &[u8] = b"EHLO client.example\r\n";

/// Within TLS, with these mechanisms.
fn config(mechanisms: &[&str]) -> Config {
    let mut config = server_config();
    config.tls = TlsPolicy::Implicit;
    config.auth.mechanisms = mechanisms.iter().map(|name| sasl::mechanism(name).expect("built in")).collect();
    config
}

/// X-4954-4-26, X-4954-7-02
#[test]
fn plain_and_login() {
    for groups in [
        &[EHLO, &b"AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n"[..]][..],
        &[EHLO, b"AUTH PLAIN\r\n", b"AGFsaWNlAHNlY3JldA==\r\n"],
        &[EHLO, b"auth login\r\n", b"YWxpY2U=\r\n", b"c2VjcmV0\r\n"],
        &[EHLO, b"AUTH LOGIN YWxpY2U=\r\n", b"c2VjcmV0\r\n"],
    ] {
        let mut connection = server(config(&["PLAIN", "LOGIN"]));
        let record = serve(&mut connection, &mut Desk::default(), groups, Cuts::Whole);
        let said = String::from_utf8(record.sent).expect("ASCII");
        assert!(said.ends_with("\r\n235 2.7.0 authentication succeeded\r\n"), "{said}");
        assert!(connection.is_authenticated());
        assert_eq!(connection.protocol(), Protocol::Esmtpsa);
    }
}
