//! What those see who watch by `tracing`: enough to filter on, and no secret. Alone in its program, because tasks run on
//! threads that are not the test's.

mod kit;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use kit::certificates::Authority;
use kit::{Running, Runs, bind, client_config, envelope, run, server_config};
use smtp_async_std::proto::client::Security;
use smtp_async_std::proto::sasl::{self, Claim, Credentials, Secret};
use smtp_async_std::proto::server::{Auth, Lookup, Mail, Rcpt};
use smtp_async_std::{Accept, Answer, BodyReader, Client, Envelope, Peer as Address, Reject, Session};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Written {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

struct Porter;

impl Session for Porter {
    async fn auth(&mut self, auth: &Auth) -> Answer {
        match auth.claim() {
            Claim::Password { password: "open sesame", .. } | Claim::Proven { .. } => Ok(Accept::Usual),
            _ => Err(Reject::wrong_credentials()),
        }
    }

    async fn lookup(&mut self, _: &Lookup) -> Result<Option<Secret>, Reject> {
        Ok(Some(Secret::Password("open sesame".into())))
    }

    async fn mail(&mut self, _: &Mail) -> Answer {
        Ok(Accept::Usual)
    }

    async fn rcpt(&mut self, _: &Rcpt) -> Answer {
        Ok(Accept::Usual)
    }

    async fn data(&mut self, _: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        futures_lite::io::copy(body, &mut futures_lite::io::sink()).await?;
        tracing::info!("of the application");
        Ok(Accept::Usual)
    }
}

/// SASL-16: spans and events name peers, senders, recipients and verdicts, what the application says stands in the span of
/// the transaction, and secrets are in none of them, neither as they are nor in base64.
#[test]
fn spans_tell_no_secret() {
    let written = Written::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(written.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).expect("the only one");
    let exchanges = [
        exchange::<smtp_async_std::smol::Smol>,
        #[cfg(feature = "async-std")]
        exchange::<smtp_async_std::async_std::AsyncStd>,
    ];
    for exchange in exchanges {
        let peers = exchange();
        let text = core::mem::take(&mut *written.0.lock().expect("no panic"));
        check(&String::from_utf8(text).expect("text"), &peers);
    }
}

/// Logs in by every kind of mechanism, with a right password and a wrong one. Returns where the servers were.
fn exchange<R: Runs>() -> Vec<String> {
    let authority = Authority::new();
    let issued = authority.issue(&["mx.example"]);
    let mut peers = Vec::new();
    for mechanism in ["PLAIN", "LOGIN", "SCRAM-SHA-256"] {
        let mut config = server_config();
        config.auth.mechanisms = [mechanism].into_iter().filter_map(sasl::mechanism).collect();
        config.timeouts.auth_delay = core::time::Duration::ZERO;
        let server = bind::<R>(config).with_tls(issued.server_tls());
        let server = Running::of::<R>(server, |_: &Address| Porter);
        peers.push(server.address.to_string());
        for password in ["open sesame", "open barley"] {
            let mut config = client_config();
            config.security = Security::Required;
            config.credentials = Some(Credentials::password("alice", password));
            let tls = authority.client_tls();
            run::<R, _>(async {
                let client = Client::<R>::connect_tls(server.address, "mx.example", config, &tls).await;
                let mut client = client.expect("it listens");
                let _ = client.send(envelope(), &b"the text of the mail\r\n"[..]).await;
                client.quit().await;
            });
        }
        server.end();
    }
    peers
}

fn check(text: &str, peers: &[String]) {
    let secrets =
        ["sesame", "barley", "the text of", "b3BlbiBzZXNhbWU", "b3BlbiBiYXJsZXk", "AGFsaWNlAG9wZW4", "alice\0"];
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} in\n{text}");
    }
    let told = [
        "smtp_server{peer=127.0.0.1:",
        "transaction{reverse_path=\"a@client.example\"}",
        "RCPT recipient=\"b@mx.example\" is_accepted=true",
        "AUTH is_accepted=true",
        "AUTH is_accepted=false",
        "TLS version=",
        "DATA recipients=1 fate=Accepted",
        "smtp_client{server=127.0.0.1:",
        "mail summary=Accepted stage=",
    ];
    for words in told {
        assert!(text.contains(words), "no {words} in\n{text}");
    }
    let own = text.lines().find(|line| line.contains("of the application")).expect("it was said");
    assert!(own.contains("transaction{"), "{own}");
    assert!(peers.iter().all(|peer| text.contains(&**peer)));
}
