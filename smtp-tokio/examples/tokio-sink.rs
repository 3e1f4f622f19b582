//! Takes every mail and throws it away, to measure programs that send:
//! `cargo run --release -p smtp-tokio --example tokio-sink -- --listen 127.0.0.1:2525`

#[path = "../../conformance/adapters/measure/sink.rs"]
mod measure;

use measure::{CONNECTIONS, Options};
use smtp_tokio::proto::server::{Auth, Mail, Rcpt};
use smtp_tokio::{Accept, Answer, BodyReader, Envelope, Peer, Server, Session};
use tokio::net::TcpListener;

struct Sink;

impl Session for Sink {
    async fn auth(&mut self, _: &Auth) -> Answer {
        Ok(Accept::Usual)
    }

    async fn mail(&mut self, _: &Mail) -> Answer {
        Ok(Accept::Usual)
    }

    async fn rcpt(&mut self, _: &Rcpt) -> Answer {
        Ok(Accept::Usual)
    }

    async fn data(&mut self, _: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        tokio::io::copy_buf(body, &mut tokio::io::sink()).await?;
        Ok(Accept::Usual)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn core::error::Error>> {
    let options = Options::parse()?;
    let listener = options.listener()?;
    listener.set_nonblocking(true)?;
    let server = Server::new(TcpListener::from_std(listener)?, measure::config()?)?.with_tls(measure::tls()?);
    let server = server.with_caps(CONNECTIONS, CONNECTIONS);
    let handle = server.handle();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            handle.shutdown();
        }
    });
    println!("listening on {}", server.local_addr()?);
    server.serve(|_: &Peer| Sink).await?;
    Ok(())
}
