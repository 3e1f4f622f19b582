//! TLS in both roles, by STARTTLS and from the first octet.

mod kit;

use core::net::SocketAddr;
use core::time::Duration;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use futures_lite::{future, io};
use kit::certificates::Authority;
use kit::{
    Keeper, Peer, Running, Runs, bind, client_config, envelope, join, on_each_runtime, run, script, server_config,
};
use smtp_async_std::proto::CloseReason;
use smtp_async_std::proto::client::{Config, Failure, Outcome, Security, Stage, Summary};
use smtp_async_std::proto::sasl::{self, Claim, Credentials, Secret};
use smtp_async_std::proto::server::{Auth, Lookup, Mail, Rcpt, TlsPolicy};
use smtp_async_std::proto::trace::Protocol;
use smtp_async_std::tls::{ClientTls, ServerTls, TlsError, TlsSession};
use smtp_async_std::{Accept, Answer, BodyReader, Client, Envelope, Peer as Address, Pool, Reject, Session};

on_each_runtime!(
    mails_arrive,
    certificates_are_verified,
    names_are_verified,
    injected_replies_end_it,
    an_end_without_close_notify,
    tls_that_nobody_makes,
    shutdown_in_the_handshake,
    too_many_get_no_handshake,
    clients_log_in,
    one_server_two_policies,
    pools_keep_tls,
);

const NAME: &str = "mx.example";

fn serve<R: Runs>(policy: TlsPolicy, tls: ServerTls, keeper: &Keeper) -> Running {
    let mut config = server_config();
    config.tls = policy;
    Running::of::<R>(bind::<R>(config).with_tls(tls), keeper.backend())
}

fn connect<R: Runs>(address: SocketAddr, security: Security, tls: &ClientTls) -> Client<R> {
    run::<R, _>(Client::connect_tls(address, NAME, config_for(security), tls)).expect("it listens")
}

fn send<R: Runs>(client: &mut Client<R>, body: &[u8]) -> Outcome {
    run::<R, _>(client.send(envelope(), body)).expect("it was tried")
}

fn config_for(security: Security) -> Config {
    let mut config = client_config();
    config.security = security;
    config
}

/// X-3207-4-01: mails of any size arrive over TLS, whichever way it begins.
fn mails_arrive<R: Runs>() {
    let authority = Authority::new();
    let issued = authority.issue(&[NAME]);
    for (policy, security) in [(TlsPolicy::Required, Security::Required), (TlsPolicy::Implicit, Security::Implicit)] {
        let keeper = Keeper::default();
        let server = serve::<R>(policy, issued.server_tls(), &keeper);
        let mut client = connect::<R>(server.address, security, &authority.client_tls());
        let bodies = [b"Hello\r\n".to_vec(), b"line\r\n".repeat(200_000), Vec::new()];
        for body in &bodies {
            let outcome = send(&mut client, body);
            assert_eq!(outcome.summary(), Summary::Accepted, "{outcome:?}");
        }
        assert!(client.tls_session().is_some_and(TlsSession::is_verified));
        assert_eq!(run::<R, _>(client.quit()), CloseReason::Quit);
        assert!(keeper.bodies() == bodies);
        server.end();
    }
}

/// X-3207-4.1-01: a certificate that does not verify is the end before any mail, and is told; lenient clients go on.
fn certificates_are_verified<R: Runs>() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let issued = authority.issue(&[NAME]);
    for (policy, security) in [(TlsPolicy::Offered, Security::Required), (TlsPolicy::Implicit, Security::Implicit)] {
        let keeper = Keeper::default();
        let server = serve::<R>(policy, issued.server_tls(), &keeper);
        let mut client = connect::<R>(server.address, security, &stranger.client_tls());
        let outcome = send(&mut client, b"Hello\r\n");
        assert_eq!(outcome.failure(), Some(Failure::Connection(CloseReason::TlsFailed)));
        assert_eq!(outcome.stage(), Stage::Tls);
        assert!(matches!(client.tls_error(), Some(TlsError::Certificate(_))), "{:?}", client.transport_error());
        assert!(keeper.bodies().is_empty());
        server.end();
    }
    let keeper = Keeper::default();
    let server = serve::<R>(TlsPolicy::Offered, issued.server_tls(), &keeper);
    let mut client = connect::<R>(server.address, Security::Opportunistic, &stranger.client_tls());
    assert_eq!(send(&mut client, b"Hello\r\n").summary(), Summary::Accepted);
    assert!(client.tls_session().is_some_and(|session| !session.is_verified()));
    drop(client);
    server.end();
}

/// X-3207-4.1-01: the name is the one that the caller knows, and what is no name is an error at once.
fn names_are_verified<R: Runs>() {
    let authority = Authority::new();
    let issued = authority.issue(&["other.example"]);
    let server = serve::<R>(TlsPolicy::Implicit, issued.server_tls(), &Keeper::default());
    let mut client = connect::<R>(server.address, Security::Implicit, &authority.client_tls());
    assert_eq!(send(&mut client, b"Hello\r\n").stage(), Stage::Tls);
    assert!(matches!(client.tls_error(), Some(TlsError::Certificate(_))), "{:?}", client.transport_error());
    let tls = authority.client_tls();
    let refused =
        run::<R, _>(Client::<R>::connect_tls(server.address, "no name", config_for(Security::Implicit), &tls));
    assert!(refused.is_err_and(|error| error.kind() == std::io::ErrorKind::InvalidInput));
    let refused = run::<R, _>(Client::<R>::connect(server.address, config_for(Security::Required)));
    assert!(refused.is_err_and(|error| error.kind() == std::io::ErrorKind::InvalidInput));
    server.end();
}

/// TLS-12: what a server sends in clear behind the 220 ends the connection; nothing of it is heard inside TLS.
fn injected_replies_end_it<R: Runs>() {
    let (address, server) = script(|accept| {
        let mut peer = accept();
        peer.say("220 mx.example\r\n");
        peer.line();
        peer.say("250-mx.example\r\n250 STARTTLS\r\n");
        peer.line();
        peer.say("220 go ahead\r\n250 injected\r\n");
        peer.rest()
    });
    let mut client = connect::<R>(address, Security::Required, &Authority::new().client_tls());
    let outcome = send(&mut client, b"Hello\r\n");
    assert_eq!(outcome.failure(), Some(Failure::Connection(CloseReason::EarlyInput)));
    drop(client);
    assert_eq!(join(server), "");
}

/// TLS-24: a connection that ends without an end of TLS was cut, and that is told.
fn an_end_without_close_notify<R: Runs>() {
    let authority = Authority::new();
    let config = authority.issue(&[NAME]).server_config();
    let (address, server) = script(move |accept| {
        use std::io::Write as _;

        let tls = smtp_async_std::rustls::ServerConnection::new(config).expect("a configuration");
        let mut stream = smtp_async_std::rustls::StreamOwned::new(tls, accept().into_stream());
        stream.write_all(b"220 mx.example\r\n").expect("it reads");
        let mut line = String::new();
        let mut reader = std::io::BufReader::new(stream);
        std::io::BufRead::read_line(&mut reader, &mut line).expect("EHLO");
        drop(reader);
    });
    let mut client = connect::<R>(address, Security::Implicit, &authority.client_tls());
    let outcome = send(&mut client, b"Hello\r\n");
    assert_eq!(outcome.failure(), Some(Failure::Connection(CloseReason::TransportFailed)));
    assert!(matches!(client.tls_error(), Some(TlsError::Truncated)), "{:?}", client.transport_error());
    join(server);
}

/// A server that is told nothing of how TLS is made does not begin.
fn tls_that_nobody_makes<R: Runs>() {
    let mut config = server_config();
    config.tls = TlsPolicy::Implicit;
    let refused = run::<R, _>(bind::<R>(config).serve(Keeper::default().backend())).expect_err("nothing says how");
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
}

/// REL-10: the service ends also for those who are in the handshake.
fn shutdown_in_the_handshake<R: Runs>() {
    let issued = Authority::new().issue(&[NAME]);
    let server = serve::<R>(TlsPolicy::Implicit, issued.server_tls(), &Keeper::default());
    let mut peer = Peer::connect(server.address);
    peer.say([22]);
    server.end();
    assert_eq!(peer.rest(), "");
}

/// RES-01: where TLS begins with the first octet, whoever is too many is left without a handshake.
fn too_many_get_no_handshake<R: Runs>() {
    let issued = Authority::new().issue(&[NAME]);
    let mut config = server_config();
    config.tls = TlsPolicy::Implicit;
    let one = core::num::NonZeroUsize::MIN;
    let server = bind::<R>(config).with_tls(issued.server_tls()).with_caps(one, one);
    let server = Running::of::<R>(server, Keeper::default().backend());
    let first = Peer::connect(server.address);
    assert_eq!(Peer::connect(server.address).rest(), "");
    drop(first);
    server.end();
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
        future::yield_now().await;
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
        io::copy(body, &mut io::sink()).await?;
        Ok(Accept::Usual)
    }
}

/// X-4954-4-09: clients log in by a password that the session compares and by one that it looks up, bound to the TLS
/// connection or not; a wrong one is refused.
fn clients_log_in<R: Runs>() {
    let authority = Authority::new();
    let issued = authority.issue(&[NAME]);
    for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"] {
        let mut config = server_config();
        config.tls = TlsPolicy::Required;
        config.auth.mechanisms = [mechanism].into_iter().filter_map(sasl::mechanism).collect();
        (config.auth.required, config.timeouts.auth_delay) = (true, Duration::ZERO);
        let porter = Porter::default();
        let backend = porter.clone();
        let server = bind::<R>(config).with_tls(issued.server_tls());
        let server = Running::of::<R>(server, move |_: &Address| backend.clone());
        for (password, summary) in [("wonderland", Summary::Accepted), ("looking-glass", Summary::Refused)] {
            let mut config = config_for(Security::Required);
            config.credentials = Some(Credentials::password("alice", password));
            let tls = authority.client_tls();
            let client = Client::<R>::connect_tls(server.address, NAME, config, &tls);
            let outcome = send(&mut run::<R, _>(client).expect("it listens"), b"Hello\r\n");
            assert_eq!(outcome.summary(), summary, "{mechanism}: {outcome:?}");
        }
        assert_eq!(*porter.tls.lock().expect("no panic"), [true, true], "{mechanism}");
        assert_eq!(*porter.mails.lock().expect("no panic"), [Protocol::Esmtpsa], "{mechanism}");
        server.end();
    }
}

/// The configuration of a server says how TLS begins; a server whose listeners differ in that is one server.
fn one_server_two_policies<R: Runs>() {
    let authority = Authority::new();
    let issued = authority.issue(&[NAME]);
    let keeper = Keeper::default();
    let implicit = TcpListener::bind("127.0.0.1:0").expect("a port");
    let implicit_address = implicit.local_addr().expect("an address");
    let mut config = server_config();
    config.tls = TlsPolicy::Implicit;
    let server = bind::<R>(server_config()).with_listener(R::listener(implicit), config).expect("a configuration");
    let server = Running::of::<R>(server.with_tls(issued.server_tls()), keeper.backend());
    for (address, security) in [
        (server.address, Security::Required),
        (implicit_address, Security::Implicit),
        (server.address, Security::Opportunistic),
    ] {
        let mut client = connect::<R>(address, security, &authority.client_tls());
        let outcome = send(&mut client, b"Hello\r\n");
        assert_eq!(outcome.summary(), Summary::Accepted, "{outcome:?}");
        assert!(client.tls_session().is_some());
    }
    assert_eq!(keeper.bodies().len(), 3);
    server.end();
}

/// A pool keeps a connection with its TLS: one handshake for all mails.
fn pools_keep_tls<R: Runs>() {
    let authority = Authority::new();
    let mut server_config = server_config();
    server_config.tls = TlsPolicy::Required;
    let porter = Porter::default();
    let backend = porter.clone();
    let server = bind::<R>(server_config).with_tls(authority.issue(&[NAME]).server_tls());
    let server = Running::of::<R>(server, move |_: &Address| backend.clone());
    let pool = Pool::<R>::new(server.address.to_string(), config_for(Security::Required));
    let pool = pool.with_tls(NAME, authority.client_tls());
    for _ in 0..3 {
        let outcome = run::<R, _>(pool.send(envelope(), &b"Hello\r\n"[..])).expect("it was tried");
        assert_eq!(outcome.summary(), Summary::Accepted, "{outcome:?}");
    }
    run::<R, _>(pool.close());
    assert_eq!(*porter.tls.lock().expect("no panic"), [true]);
    assert_eq!(*porter.mails.lock().expect("no panic"), [Protocol::Esmtps; 3]);
    server.end();
}
