//! `smtp send` logs in to foreign servers, over STARTTLS and over implicit TLS.

use core::net::SocketAddr;
use std::fs;

use tempfile::NamedTempFile;

use crate::out_of_send::FROM;
use crate::tool::{self, Sent};
use smtp_peers::login::{Certificates, Login, PASSWORD, Tls, USER};
use smtp_peers::messages;
use smtp_peers::programs::{free_address, wait_for};
use smtp_peers::servers::{Aiosmtpd, Exim, LoginServer, Postfix, Security, SmtpServer};

macro_rules! servers {
    ($($name:ident: $server:ty { $($mechanism:ident: $wire:literal as $user:literal;)* })*) => {$(
        mod $name {
            use super::*;

            $(mod $mechanism {
                use super::*;

                #[test]
                fn starttls() {
                    logs_in::<$server>(Tls::StartTls, $wire, $user);
                }

                #[test]
                fn implicit_tls() {
                    logs_in::<$server>(Tls::Implicit, $wire, $user);
                }
            })*
        }
    )*};
}

servers! {
    postfix_with_dovecot: Postfix {
        plain: "PLAIN" as "ada@example.org";
        login: "LOGIN" as "ada@example.org";
        cram_md5: "CRAM-MD5" as "ada@example.org";
        scram_sha_1: "SCRAM-SHA-1" as "ada@example.org";
        scram_sha_256: "SCRAM-SHA-256" as "ada@example.org";
        xoauth2: "XOAUTH2" as "ada@example.org";
        oauthbearer: "OAUTHBEARER" as "ada@example.org";
        anonymous: "ANONYMOUS" as "guest";
    }
    exim: Exim {
        plain: "PLAIN" as "ada@example.org";
        login: "LOGIN" as "ada@example.org";
        cram_md5: "CRAM-MD5" as "ada@example.org";
        external: "EXTERNAL" as "ada@example.org";
    }
    smtp_server: SmtpServer {
        plain: "PLAIN" as "ada@example.org";
        login: "LOGIN" as "ada@example.org";
        cram_md5: "CRAM-MD5" as "ada@example.org";
        scram_sha_1: "SCRAM-SHA-1" as "ada@example.org";
        scram_sha_256: "SCRAM-SHA-256" as "ada@example.org";
        scram_sha_1_plus: "SCRAM-SHA-1-PLUS" as "ada@example.org";
        scram_sha_256_plus: "SCRAM-SHA-256-PLUS" as "ada@example.org";
        xoauth2: "XOAUTH2" as "ada@example.org";
    }
    aiosmtpd: Aiosmtpd {
        plain: "PLAIN" as "ada@example.org";
        login: "LOGIN" as "ada@example.org";
    }
}

/// The server takes the message from the user who logged in by this mechanism, and refuses the wrong secret for good
/// (RFC 4954 §6), so that nothing is sent.
fn logs_in<S: LoginServer>(tls: Tls, mechanism: &str, user: &str) {
    let Some((server, certificates)) = start::<S>(tls) else { return };
    let message = messages::dots();
    let right = Login::right(tls, mechanism, &certificates);
    send(server.address(), &right, &["--auth", mechanism], &message).expect(0, "accepted").expect_reply(250);
    server.expect_stored(FROM, &["bob@example.org"], &message);
    // A log may be written after the message.
    let logins =
        wait_for("login in the records of the server", || Some(server.logins()).filter(|logins| !logins.is_empty()));
    assert_eq!(logins, [format!("{mechanism} {user}")]);

    if mechanism != "ANONYMOUS" {
        send(server.address(), &right.wrong(), &["--auth", mechanism], &message).expect_text(77, "535");
        assert_eq!(server.stored().len(), 1);
    }
}

/// Of what a server offers, the mechanism that tells it least, and that no one in between can use.
mod by_itself {
    use super::*;

    #[test]
    fn with_channel_binding() {
        chooses::<SmtpServer>("SCRAM-SHA-256-PLUS");
    }

    #[test]
    fn without_channel_binding() {
        chooses::<Postfix>("SCRAM-SHA-256");
    }

    fn chooses<S: LoginServer>(mechanism: &str) {
        let Some((server, certificates)) = start::<S>(Tls::StartTls) else { return };
        let login = Login::right(Tls::StartTls, "a password", &certificates);
        send(server.address(), &login, &[], &messages::dots()).expect(0, "accepted");
        server.expect_stored(FROM, &["bob@example.org"], &messages::dots());
        let logins = wait_for("login in the records of the server", || {
            Some(server.logins()).filter(|logins| !logins.is_empty())
        });
        assert_eq!(logins, [format!("{mechanism} {USER}")]);
    }
}

/// Whose certificate is believed (RFC 8314 §5, RFC 6125): with OpenSSL at the other end, and with GnuTLS.
mod certificates {
    use super::*;

    macro_rules! tls {
        ($($name:ident: $server:ty, $tls:expr;)*) => {$(
            mod $name {
                use super::*;

                #[test]
                fn of_a_stranger() {
                    refuses_stranger::<$server>($tls);
                }

                #[test]
                fn with_another_name() {
                    refuses_other_name::<$server>($tls);
                }

                #[test]
                fn not_looked_at() {
                    believes_anything_if_told_to::<$server>($tls);
                }
            }
        )*};
    }

    tls! {
        openssl_starttls: Aiosmtpd, Tls::StartTls;
        openssl_implicit_tls: Aiosmtpd, Tls::Implicit;
        gnutls_starttls: Exim, Tls::StartTls;
        gnutls_implicit_tls: Exim, Tls::Implicit;
    }

    /// The roots that this machine trusts do not know the CA, and neither does another CA.
    fn refuses_stranger<S: LoginServer>(tls: Tls) {
        let Some((server, _certificates)) = start::<S>(tls) else { return };
        let (strangers, message) = (Certificates::new(&[]), messages::dots());
        send_by_url(server.address(), tls, &[], &message).expect_text(76, "certificate");
        let trust = ["--tls-ca", &strangers.path("ca.pem")];
        send_by_url(server.address(), tls, &trust, &message).expect_text(76, "certificate");
        assert!(server.stored().is_empty());
    }

    fn refuses_other_name<S: LoginServer>(tls: Tls) {
        let Some((server, certificates)) = start_named::<S>(tls, &["smtp.example", "127.0.0.2"]) else { return };
        let trust = ["--tls-ca", &certificates.path("ca.pem")];
        send_by_url(server.address(), tls, &trust, &messages::dots()).expect_text(76, "certificate");
        assert!(server.stored().is_empty());
    }

    /// And says so.
    fn believes_anything_if_told_to<S: LoginServer>(tls: Tls) {
        let Some((server, _certificates)) = start_named::<S>(tls, &["smtp.example"]) else { return };
        let message = messages::dots();
        let sent = send_by_url(server.address(), tls, &["--insecure"], &message);
        sent.expect(0, "accepted").expect_text(0, "certificate");
        server.expect_stored(FROM, &["bob@example.org"], &message);
    }

    fn send_by_url(server: SocketAddr, tls: Tls, options: &[&str], message: &[u8]) -> Sent {
        let url = match tls {
            Tls::StartTls | Tls::Offered => format!("smtp://{server}?tls=required"),
            Tls::Implicit => format!("smtps://{server}"),
        };
        let secret = format!("echo '{PASSWORD}'");
        let mut connection = vec!["--url", &url, "--user", USER, "--password-cmd", &secret];
        connection.extend(options);
        send_with(&connection, message)
    }
}

/// A server whose certificate has its own address.
fn start<S: LoginServer>(tls: Tls) -> Option<(S, Certificates)> {
    let address = free_address();
    start_at(address, tls, &[&address.ip().to_string()])
}

fn start_named<S: LoginServer>(tls: Tls, names: &[&str]) -> Option<(S, Certificates)> {
    start_at(free_address(), tls, names)
}

fn start_at<S: LoginServer>(address: SocketAddr, tls: Tls, names: &[&str]) -> Option<(S, Certificates)> {
    let certificates = Certificates::new(names);
    let server = S::start_login(address, Security { tls, certificates: &certificates })?;
    Some((server, certificates))
}

fn send(server: SocketAddr, login: &Login<'_>, options: &[&str], message: &[u8]) -> Sent {
    let server = server.to_string();
    let (ca, certificate) = (login.certificates.path("ca.pem"), login.certificates.path("client.pem"));
    let key = login.certificates.path("client.key");
    let secret = format!("echo '{}'", login.secret);
    let tls = if login.tls == Tls::Implicit { "implicit" } else { "required" };
    let mut connection = vec!["--server", &server, "--tls", tls, "--tls-ca", &ca, "--user", login.user];
    connection.extend(match login.mechanism {
        "EXTERNAL" => vec!["--tls-client-cert", &certificate, "--tls-client-key", &key],
        "ANONYMOUS" => Vec::new(),
        "XOAUTH2" | "OAUTHBEARER" => vec!["--token-cmd", &secret],
        _ => vec!["--password-cmd", &secret],
    });
    connection.extend(options);
    send_with(&connection, message)
}

fn send_with(connection: &[&str], message: &[u8]) -> Sent {
    let file = NamedTempFile::new().expect("a temporary file");
    fs::write(&file, message).expect("a temporary file");
    tool::send_with(connection, FROM, &["bob@example.org"], file.path())
}
