//! Foreign clients log in to `smtp serve`, over STARTTLS and over implicit TLS.

use std::fs;
use std::thread;

use crate::into_serve::{FROM, send_as};
use crate::tool::Serve;
use smtp_peers::clients::{CURL, Client, GSASL, MSMTP, NODEMAILER, SMTPLIB, SWAKS};
use smtp_peers::login::{Certificates, Login, Tls, USER, secret};
use smtp_peers::messages;
use smtp_peers::servers::difference;

macro_rules! clients {
    ($($name:ident: $client:expr, $tls:expr => { $($mechanism:ident: $wire:literal;)* })*) => {$(
        mod $name {
            use super::*;

            $(#[test]
            fn $mechanism() {
                lets_in(&$client, $tls, $wire);
            })*

            #[test]
            fn wrong_secrets() {
                keeps_out(&$client, $tls, &[$($wire),*]);
            }
        }
    )*};
}

clients! {
    smtplib_starttls: SMTPLIB, Tls::StartTls => {
        plain: "PLAIN";
        login: "LOGIN";
        cram_md5: "CRAM-MD5";
    }
    smtplib_implicit_tls: SMTPLIB, Tls::Implicit => {
        plain: "PLAIN";
        login: "LOGIN";
        cram_md5: "CRAM-MD5";
    }
    swaks_starttls: SWAKS, Tls::StartTls => {
        plain: "PLAIN";
        login: "LOGIN";
        cram_md5: "CRAM-MD5";
    }
    swaks_implicit_tls: SWAKS, Tls::Implicit => {
        plain: "PLAIN";
        login: "LOGIN";
        cram_md5: "CRAM-MD5";
    }
    curl_starttls: CURL, Tls::StartTls => {
        plain: "PLAIN";
        login: "LOGIN";
        cram_md5: "CRAM-MD5";
        xoauth2: "XOAUTH2";
        oauthbearer: "OAUTHBEARER";
        external: "EXTERNAL";
    }
    curl_implicit_tls: CURL, Tls::Implicit => {
        plain: "PLAIN";
        login: "LOGIN";
        cram_md5: "CRAM-MD5";
        xoauth2: "XOAUTH2";
        oauthbearer: "OAUTHBEARER";
        external: "EXTERNAL";
    }
    msmtp_starttls: MSMTP, Tls::StartTls => {
        plain: "PLAIN";
        login: "LOGIN";
        cram_md5: "CRAM-MD5";
        scram_sha_1: "SCRAM-SHA-1";
        scram_sha_256: "SCRAM-SHA-256";
        xoauth2: "XOAUTH2";
        oauthbearer: "OAUTHBEARER";
        external: "EXTERNAL";
    }
    msmtp_implicit_tls: MSMTP, Tls::Implicit => {
        plain: "PLAIN";
        login: "LOGIN";
        cram_md5: "CRAM-MD5";
        scram_sha_1: "SCRAM-SHA-1";
        scram_sha_256: "SCRAM-SHA-256";
        xoauth2: "XOAUTH2";
        oauthbearer: "OAUTHBEARER";
        external: "EXTERNAL";
    }
    nodemailer_starttls: NODEMAILER, Tls::StartTls => {
        plain: "PLAIN";
        login: "LOGIN";
        cram_md5: "CRAM-MD5";
        xoauth2: "XOAUTH2";
        scram_sha_1_plus: "SCRAM-SHA-1-PLUS";
        scram_sha_256_plus: "SCRAM-SHA-256-PLUS";
    }
    nodemailer_implicit_tls: NODEMAILER, Tls::Implicit => {
        plain: "PLAIN";
        login: "LOGIN";
        cram_md5: "CRAM-MD5";
        xoauth2: "XOAUTH2";
        scram_sha_1_plus: "SCRAM-SHA-1-PLUS";
        scram_sha_256_plus: "SCRAM-SHA-256-PLUS";
    }
    gsasl_starttls: GSASL, Tls::StartTls => {
        plain: "PLAIN";
        login: "LOGIN";
        cram_md5: "CRAM-MD5";
        scram_sha_1: "SCRAM-SHA-1";
        scram_sha_256: "SCRAM-SHA-256";
        scram_sha_1_plus: "SCRAM-SHA-1-PLUS";
        scram_sha_256_plus: "SCRAM-SHA-256-PLUS";
        external: "EXTERNAL";
        anonymous: "ANONYMOUS";
    }
}

/// The server offers this mechanism alone, takes the message from the user who has logged in by it, and says so in the
/// trace (RFC 3848).
fn lets_in(client: &Client, tls: Tls, mechanism: &str) {
    if !client.is_there() {
        return;
    }
    let certificates = Certificates::new(&["localhost", "127.0.0.1"]);
    let server = start(tls, &certificates, &["--auth-mechanism", mechanism]);
    let message = messages::dots();
    let login = Login::right(tls, mechanism, &certificates);
    send_as(client, server.address(), Some(login), &["bob@example.org"], &message).expect(0, "");
    let [stored] = &server.messages()[..] else { panic!("not one message") };
    let trace = stored.strip_suffix(&message[..]).unwrap_or_else(|| panic!("{}", difference(stored, &message)));
    let trace = String::from_utf8_lossy(trace);
    assert!(trace.contains("with ESMTPSA"), "{trace}");
    assert!(trace.starts_with(&format!("Return-Path: <{FROM}>\r\n")), "{trace}");
    server.interrupt();
}

/// Nobody gets in with the wrong secret (RFC 4954 §4), by none of these mechanisms. All at once, as the server takes its
/// time for this answer.
fn keeps_out(client: &Client, tls: Tls, mechanisms: &[&str]) {
    if !client.is_there() {
        return;
    }
    let keep_out = |mechanism: &str| {
        let certificates = Certificates::new(&["127.0.0.1"]);
        let server = start(tls, &certificates, &["--auth-mechanism", mechanism]);
        let login = Login::right(tls, mechanism, &certificates).wrong();
        let finished = send_as(client, server.address(), Some(login), &["bob@example.org"], &messages::dots());
        let (code, text) = client.login;
        finished.expect(code, text);
        assert!(server.messages().is_empty());
        server.interrupt();
    };
    let keep_out = &keep_out;
    thread::scope(|scope| {
        for &mechanism in mechanisms.iter().filter(|mechanism| **mechanism != "ANONYMOUS") {
            scope.spawn(move || keep_out(mechanism));
        }
    });
}

/// Who does not log in may not send (RFC 4954 §6).
#[test]
fn nobody_without_login() {
    for client in [&CURL, &NODEMAILER] {
        if !client.is_there() {
            continue;
        }
        let certificates = Certificates::new(&["127.0.0.1"]);
        let server = start(Tls::StartTls, &certificates, &["--auth-without-tls"]);
        let finished = send_as(client, server.address(), None, &["bob@example.org"], &messages::dots());
        assert_ne!(finished.code, Some(0), "{finished}");
        assert!(finished.to_string().contains("530"), "{finished}");
        assert!(server.messages().is_empty());
        server.interrupt();
    }
}

/// The handshake fails for a certificate that the CA for clients has not made.
#[test]
fn external_with_a_certificate_of_a_stranger() {
    if !MSMTP.is_there() {
        return;
    }
    let (certificates, strangers) = (Certificates::new(&["127.0.0.1"]), Certificates::new(&[]));
    let server = start(Tls::StartTls, &certificates, &["--auth-mechanism", "EXTERNAL"]);
    // The client trusts the server, and shows the certificate that it is not known by.
    for name in ["client.pem", "client.key"] {
        fs::copy(strangers.file(name), certificates.file(name)).expect("a file of this test");
    }
    let login = Login::right(Tls::StartTls, "EXTERNAL", &certificates);
    let finished = send_as(&MSMTP, server.address(), Some(login), &["bob@example.org"], &messages::dots());
    // Whether the alert is heard before the connection is reset, or after, is a matter of luck.
    finished.expect(74, "TLS connection");
    assert!(server.messages().is_empty());
    server.interrupt();
}

fn start(tls: Tls, certificates: &Certificates, options: &[&str]) -> Serve {
    let mechanism = options.last().copied().unwrap_or_default();
    let user = format!("{USER}:{}", secret(mechanism));
    let (certificate, key) = (certificates.path("server.pem"), certificates.path("server.key"));
    let ca = certificates.path("ca.pem");
    let mut arguments = vec!["--tls-cert", &certificate, "--tls-key", &key, "--auth", &user];
    if tls == Tls::Implicit {
        arguments.push("--implicit-tls");
    }
    if mechanism == "EXTERNAL" {
        arguments.extend(["--tls-client-ca", &ca]);
    }
    arguments.extend(options);
    Serve::start(&arguments)
}
