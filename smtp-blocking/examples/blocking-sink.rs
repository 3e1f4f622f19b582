//! Takes every mail and throws it away, to measure programs that send:
//! `cargo run --release -p smtp-blocking --example blocking-sink -- --listen 127.0.0.1:2525`

#[path = "../../conformance/adapters/measure/sink.rs"]
mod measure;

use std::io;

use measure::{CONNECTIONS, Options};
use smtp_blocking::proto::server::{Auth, Mail, Rcpt};
use smtp_blocking::{Accept, Answer, BodyReader, Envelope, Server, Session};

struct Sink;

impl Session for Sink {
    fn auth(&mut self, _: &Auth) -> Answer {
        Ok(Accept::Usual)
    }

    fn mail(&mut self, _: &Mail) -> Answer {
        Ok(Accept::Usual)
    }

    fn rcpt(&mut self, _: &Rcpt) -> Answer {
        Ok(Accept::Usual)
    }

    fn data(&mut self, _: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        io::copy(body, &mut io::sink())?;
        Ok(Accept::Usual)
    }
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let options = Options::parse()?;
    let server = Server::from_listener(options.listener()?, measure::config()?)?.with_tls(measure::tls()?);
    let server = server.with_caps(CONNECTIONS, CONNECTIONS);
    let handle = server.handle();
    ctrlc::set_handler(move || handle.shutdown())?;
    println!("listening on {}", server.local_addr());
    server.serve(|_peer| Sink)?;
    Ok(())
}
