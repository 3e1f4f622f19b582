//! A submission server that takes mail from those who log in over TLS, on three listeners: port 2587 with STARTTLS, port
//! 2465 with TLS from the first octet, and a Unix socket for the programs of this machine.
//!
//! `cargo run -p smtp-tokio --features tls,crypto --example submission -- CERTIFICATE.pem KEY.pem SOCKET`

use std::sync::Arc;

use smtp_tokio::proto::sasl::{self, Claim, Secret};
use smtp_tokio::proto::server::{Auth, Config, Lookup, Mail, Rcpt, TlsPolicy};
use smtp_tokio::tls::{Identity, ServerTls};
use smtp_tokio::{Accept, Answer, BodyReader, Envelope, Peer, Reject, Server, Session};
use tokio::net::{TcpListener, UnixListener};

/// Who may log in: a name and a password.
const USER: (&str, &str) = ("alice", "wonderland");

struct Submission;

impl Session for Submission {
    async fn auth(&mut self, auth: &Auth) -> Answer {
        match auth.claim() {
            Claim::Password { user, password, .. } if (user, password) == USER => Ok(Accept::Usual),
            // The mechanism has compared what `lookup` said.
            Claim::Proven { .. } => Ok(Accept::Usual),
            _ => Err(Reject::wrong_credentials()),
        }
    }

    async fn lookup(&mut self, lookup: &Lookup) -> Result<Option<Secret>, Reject> {
        Ok((lookup.user() == USER.0).then(|| Secret::Password(USER.1.into())))
    }

    async fn mail(&mut self, _: &Mail) -> Answer {
        Ok(Accept::Usual)
    }

    async fn rcpt(&mut self, _: &Rcpt) -> Answer {
        Ok(Accept::Usual)
    }

    async fn data(&mut self, envelope: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        let octets = tokio::io::copy(body, &mut tokio::io::sink()).await?;
        println!("{octets} octets from <{}> to {:?}", envelope.reverse_path(), envelope.recipients());
        Ok(Accept::Usual)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn core::error::Error>> {
    let [certificate, key, socket] = &std::env::args().skip(1).collect::<Vec<_>>()[..] else {
        return Err("usage: submission CERTIFICATE.pem KEY.pem SOCKET".into());
    };
    let tls = ServerTls::new(&Identity::from_pem(&std::fs::read(certificate)?, &std::fs::read(key)?)?);

    let mut starttls = Config::new("mail.example.org")?;
    starttls.tls = TlsPolicy::Required;
    starttls.auth.mechanisms =
        ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN"].into_iter().filter_map(sasl::mechanism).collect();
    starttls.auth.required = true;
    let mut implicit = starttls.clone();
    implicit.tls = TlsPolicy::Implicit;
    let local = Config::new("mail.example.org")?;

    let server = Server::bind("127.0.0.1:2587", starttls).await?;
    let server = server.with_listener(TcpListener::bind("127.0.0.1:2465").await?, Arc::new(implicit))?;
    let server = server.with_listener(UnixListener::bind(socket)?, local)?.with_tls(tls);
    println!("listening on ports 2587 and 2465, and at {socket}");
    server.serve(|_: &Peer| Submission).await?;
    Ok(())
}
