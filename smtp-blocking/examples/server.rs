//! Prints the mail it gets for example.org: `cargo run --example server`.

use std::io::stdout;

use smtp_blocking::proto::address::ForwardPath;
use smtp_blocking::proto::reply::{Detail, Reply, ReplyCode};
use smtp_blocking::proto::server::{Config, Mail, Rcpt};
use smtp_blocking::{Accept, Answer, BodyReader, Envelope, Server, Session};

struct Printer;

impl Session for Printer {
    fn mail(&mut self, _: &Mail) -> Answer {
        Ok(Accept::Usual)
    }

    fn rcpt(&mut self, rcpt: &Rcpt) -> Answer {
        match rcpt.forward_path() {
            ForwardPath::Postmaster(_) => Ok(Accept::Usual),
            ForwardPath::Path(path) if path.mailbox().domain().eq_ignore_ascii_case("example.org") => Ok(Accept::Usual),
            _ => Err(Reply::new(ReplyCode::MAILBOX_UNAVAILABLE, Detail::BAD_DESTINATION_MAILBOX, "not here").into()),
        }
    }

    fn data(&mut self, envelope: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        println!("from <{}> to {:?}", envelope.reverse_path(), envelope.recipients());
        std::io::copy(body, &mut stdout())?;
        Ok(Accept::Usual)
    }
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let server = Server::bind("127.0.0.1:1025", Config::new("mx.example.org")?)?;
    println!("listening on {}", server.local_addr());
    server.serve(|_peer| Printer)?;
    Ok(())
}
