//! Takes every mail and throws it away, to measure programs that send:
//! `cargo run --release -p smtp-async-std --example smol-sink -- --listen 127.0.0.1:2525`
//!
//! With `--features async-std` it runs on async-std instead.

#[path = "../../conformance/adapters/measure/sink.rs"]
mod measure;
#[path = "runtime/mod.rs"]
mod runtime;

use futures_lite::io::{copy, sink};
use measure::{CONNECTIONS, Options};
use runtime::{Server, block_on, listener};
use smtp_async_std::proto::server::{Auth, Mail, Rcpt};
use smtp_async_std::{Accept, Answer, BodyReader, Envelope, Peer, Session};

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
        copy(body, sink()).await?;
        Ok(Accept::Usual)
    }
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let options = Options::parse()?;
    let server = Server::new(listener(options.listener()?)?, measure::config()?)?.with_tls(measure::tls()?);
    let server = server.with_caps(CONNECTIONS, CONNECTIONS);
    let handle = server.handle();
    ctrlc::set_handler(move || handle.shutdown())?;
    println!("listening on {}", server.local_addr()?);
    block_on(server.serve(|_: &Peer| Sink))?;
    Ok(())
}
