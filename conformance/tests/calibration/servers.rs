//! Servers.

use core::net::SocketAddr;

use smtp_conformance::Profile;
use smtp_conformance::target::SocketTarget;
use smtp_conformance::transcript::Role;
use smtp_peers::login::{Certificates, PASSWORD, Tls, USER};
use smtp_peers::programs::free_address;
use smtp_peers::servers::{Aiosmtpd, Exim, LoginServer, OpenSmtpd, Postfix, Security, Server, SmtpServer};

use crate::known::{PATIENCE, calibrate};

#[test]
fn postfix() {
    with_login::<Postfix>("postfix");
}

#[test]
fn exim() {
    with_login::<Exim>("exim");
}

#[test]
fn opensmtpd() {
    let Some(server) = OpenSmtpd::start() else { return };
    play("opensmtpd", server.address(), profile());
}

#[test]
fn aiosmtpd() {
    with_login::<Aiosmtpd>("aiosmtpd");
}

#[test]
fn smtp_server() {
    with_login::<SmtpServer>("smtp-server");
}

/// With STARTTLS and AUTH, neither of which is needed.
fn with_login<S: LoginServer>(name: &str) {
    let address = free_address();
    let certificates = Certificates::new(&[&address.ip().to_string()]);
    let security = Security { tls: Tls::Offered, certificates: &certificates };
    let Some(_server) = S::start_login(address, security) else { return };
    play(name, address, profile().login(USER, PASSWORD));
}

fn profile() -> Profile {
    Profile::new("example.org")
        .client("client.example")
        .recipient("bob@example.org")
        .recipient("carol@example.org")
        .recipient("dave@example.org")
        .bad_recipient("refused@example.org")
        .patient(PATIENCE)
        .own()
}

fn play(name: &str, address: SocketAddr, profile: Profile) {
    let target = SocketTarget::new(&address.ip().to_string(), address.port(), false, profile.named(name));
    calibrate(&target, Role::Server, JOBS);
}

/// Most of the time is spent waiting.
const JOBS: usize = 8;
