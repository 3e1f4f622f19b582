//! TLS in both roles, by STARTTLS and from the first octet.

mod kit;

use core::net::SocketAddr;
use std::sync::{Arc, Mutex};

use kit::certificates::Authority;
use kit::{Keeper, Peer, Running, client_config, envelope, server_config, within};
use smtp_tokio::proto::CloseReason;
use smtp_tokio::proto::client::{Config, Failure, Security, Stage, Summary};
use smtp_tokio::proto::sasl::{Claim, Credentials, Secret};
use smtp_tokio::proto::server::{self, Auth, Lookup, Mail, Rcpt, TlsPolicy};
use smtp_tokio::proto::trace::Protocol;
use smtp_tokio::tls::{ClientTls, ServerTls, TlsError, TlsSession};
use smtp_tokio::{Accept, Answer, BodyReader, Client, Envelope, Peer as Address, Reject, Server, Session};
use tokio::net::TcpListener;

const NAME: &str = "mx.example";

async fn serve(policy: TlsPolicy, tls: ServerTls, keeper: &Keeper) -> Running {
    let mut config = server_config();
    config.tls = policy;
    let server = Server::bind("127.0.0.1:0", config).await.expect("a port").with_tls(tls);
    Running::of(server, keeper.backend())
}

async fn connect(address: SocketAddr, security: Security, tls: &ClientTls) -> Client {
    within(Client::connect_tls(address, NAME, config(security), tls)).await.expect("it listens")
}

fn config(security: Security) -> Config {
    let mut config = client_config();
    config.security = security;
    config
}

/// X-3207-4-01: mails of any size arrive over TLS, whichever way it begins.
#[tokio::test]
async fn mails_arrive() {
    let authority = Authority::new();
    let issued = authority.issue(&[NAME]);
    for (policy, security) in [(TlsPolicy::Required, Security::Required), (TlsPolicy::Implicit, Security::Implicit)] {
        let keeper = Keeper::default();
        let server = serve(policy, issued.server_tls(), &keeper).await;
        let mut client = connect(server.address, security, &authority.client_tls()).await;
        let bodies = [b"Hello\r\n".to_vec(), b"line\r\n".repeat(500_000), Vec::new()];
        for body in &bodies {
            let outcome = within(client.send(envelope(), &body[..])).await.expect("it was tried");
            assert_eq!(outcome.summary(), Summary::Accepted, "{outcome:?}");
        }
        assert!(client.tls_session().is_some_and(TlsSession::is_verified));
        assert_eq!(within(client.quit()).await, CloseReason::Quit);
        assert!(keeper.bodies() == bodies);
        server.end().await;
    }
}

/// X-3207-4.1-01: a certificate that does not verify is the end before any mail, and is told; lenient clients go on.
#[tokio::test]
async fn certificates_are_verified() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let issued = authority.issue(&[NAME]);
    for (policy, security) in [(TlsPolicy::Offered, Security::Required), (TlsPolicy::Implicit, Security::Implicit)] {
        let keeper = Keeper::default();
        let server = serve(policy, issued.server_tls(), &keeper).await;
        let mut client = connect(server.address, security, &stranger.client_tls()).await;
        let outcome = within(client.send(envelope(), &b"Hello\r\n"[..])).await.expect("it was tried");
        assert_eq!(outcome.failure(), Some(Failure::Connection(CloseReason::TlsFailed)));
        assert_eq!(outcome.stage(), Stage::Tls);
        assert!(matches!(client.tls_error(), Some(TlsError::Certificate(_))), "{:?}", client.transport_error());
        assert!(keeper.bodies().is_empty());
        server.end().await;
    }
    let keeper = Keeper::default();
    let server = serve(TlsPolicy::Offered, issued.server_tls(), &keeper).await;
    let mut client = connect(server.address, Security::Opportunistic, &stranger.client_tls()).await;
    let outcome = within(client.send(envelope(), &b"Hello\r\n"[..])).await.expect("it was tried");
    assert_eq!(outcome.summary(), Summary::Accepted);
    assert!(client.tls_session().is_some_and(|session| !session.is_verified()));
    drop(client);
    server.end().await;
}

/// TLS-12: what a server sends in clear behind the 220 ends the connection; nothing of it is heard inside TLS.
#[tokio::test]
async fn injected_replies_end_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move {
        let mut peer = Peer::accept(&listener).await;
        peer.say("220 mx.example\r\n").await;
        peer.line().await;
        peer.say("250-mx.example\r\n250 STARTTLS\r\n").await;
        peer.line().await;
        peer.say("220 go ahead\r\n250 injected\r\n").await;
        peer.rest().await
    });
    let mut client = connect(address, Security::Required, &Authority::new().client_tls()).await;
    let outcome = within(client.send(envelope(), &b"Hello\r\n"[..])).await.expect("it was tried");
    assert_eq!(outcome.failure(), Some(Failure::Connection(CloseReason::EarlyInput)));
    drop(client);
    assert_eq!(within(server).await.expect("no panic"), "");
}

/// A server that is told nothing of how TLS is made does not begin.
#[tokio::test]
async fn tls_that_nobody_makes() {
    let mut config = server_config();
    config.tls = TlsPolicy::Implicit;
    let server = Server::bind("127.0.0.1:0", config).await.expect("a port");
    let refused = within(server.serve(Keeper::default().backend())).await.expect_err("nothing says how");
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
}

/// REL-10: the service ends also for those who are in the handshake.
#[tokio::test]
async fn shutdown_in_the_handshake() {
    let issued = Authority::new().issue(&[NAME]);
    let server = serve(TlsPolicy::Implicit, issued.server_tls(), &Keeper::default()).await;
    let mut peer = Peer::connect(server.address).await;
    peer.say([22]).await;
    server.end().await;
    assert_eq!(peer.rest().await, "");
}

/// Whom a session has let in, and how.
#[derive(Clone, Default)]
struct Porter {
    tls: Arc<Mutex<Vec<bool>>>,
    mails: Arc<Mutex<Vec<Protocol>>>,
}

impl Session for Porter {
    async fn tls(&mut self, session: &TlsSession) {
        self.tls.lock().expect("no panic").push(session.server_name() == Some(NAME));
    }

    async fn auth(&mut self, auth: &Auth) -> Answer {
        match auth.claim() {
            Claim::Password { user: "alice", password: "wonderland", .. } | Claim::Proven { user: "alice", .. } => {
                Ok(Accept::Usual)
            }
            _ => Err(Reject::wrong_credentials()),
        }
    }

    async fn lookup(&mut self, lookup: &Lookup) -> Result<Option<Secret>, Reject> {
        tokio::task::yield_now().await;
        Ok((lookup.user() == "alice").then(|| Secret::Password("wonderland".into())))
    }

    async fn mail(&mut self, mail: &Mail) -> Answer {
        self.mails.lock().expect("no panic").push(mail.protocol());
        Ok(Accept::Usual)
    }

    async fn rcpt(&mut self, _: &Rcpt) -> Answer {
        Ok(Accept::Usual)
    }

    async fn data(&mut self, _: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        tokio::io::copy(body, &mut tokio::io::sink()).await?;
        Ok(Accept::Usual)
    }
}

/// X-4954-4-09: clients log in by a password that the session compares and by one that it looks up, bound to the TLS
/// connection or not; a wrong one is refused.
#[tokio::test]
async fn clients_log_in() {
    let authority = Authority::new();
    let issued = authority.issue(&[NAME]);
    for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"] {
        let mut config = server_config();
        config.tls = TlsPolicy::Required;
        config.auth.mechanisms = [mechanism].into_iter().filter_map(smtp_tokio::proto::sasl::mechanism).collect();
        (config.auth.required, config.timeouts.auth_delay) = (true, core::time::Duration::ZERO);
        let server = Server::bind("127.0.0.1:0", config).await.expect("a port").with_tls(issued.server_tls());
        let porter = Porter::default();
        let backend = porter.clone();
        let server = Running::of(server, move |_: &Address| backend.clone());
        for (password, summary) in [("wonderland", Summary::Accepted), ("looking-glass", Summary::Refused)] {
            let mut config = config_with(password);
            config.security = Security::Required;
            let tls = authority.client_tls();
            let client = Client::connect_tls(server.address, NAME, config, &tls);
            let mut client = within(client).await.expect("it listens");
            let outcome = within(client.send(envelope(), &b"Hello\r\n"[..])).await.expect("it was tried");
            assert_eq!(outcome.summary(), summary, "{mechanism}: {outcome:?}");
        }
        assert_eq!(*porter.tls.lock().expect("no panic"), [true, true], "{mechanism}");
        assert_eq!(*porter.mails.lock().expect("no panic"), [Protocol::Esmtpsa], "{mechanism}");
        server.end().await;
    }
}

fn config_with(password: &str) -> Config {
    let mut config = client_config();
    config.credentials = Some(Credentials::password("alice", password));
    config
}

/// The configuration of a server says how TLS begins; a server whose listeners differ in that is one server.
#[tokio::test]
async fn one_server_two_policies() {
    let authority = Authority::new();
    let issued = authority.issue(&[NAME]);
    let keeper = Keeper::default();
    let implicit = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let implicit_address = implicit.local_addr().expect("an address");
    let mut config: server::Config = server_config();
    config.tls = TlsPolicy::Implicit;
    let server = Server::bind("127.0.0.1:0", server_config()).await.expect("a port");
    let server = server.with_listener(implicit, config).expect("a configuration").with_tls(issued.server_tls());
    let server = Running::of(server, keeper.backend());
    for (address, security) in [
        (server.address, Security::Required),
        (implicit_address, Security::Implicit),
        (server.address, Security::Opportunistic),
    ] {
        let mut client = connect(address, security, &authority.client_tls()).await;
        let outcome = within(client.send(envelope(), &b"Hello\r\n"[..])).await.expect("it was tried");
        assert_eq!(outcome.summary(), Summary::Accepted, "{outcome:?}");
        assert!(client.tls_session().is_some());
    }
    assert_eq!(keeper.bodies().len(), 3);
    server.end().await;
}
