//! Prints the mail it gets for example.org: `cargo run -p smtp-async-std --example smol-server`.

use std::io::stdout;

use smol::Unblock;
use smol::io::{AsyncWriteExt, copy};
use smtp_async_std::proto::address::ForwardPath;
use smtp_async_std::proto::reply::{Detail, Reply, ReplyCode};
use smtp_async_std::proto::server::{Config, Mail, Rcpt};
use smtp_async_std::smol::Server;
use smtp_async_std::{Accept, Answer, BodyReader, Envelope, Peer, Session};

struct Printer;

impl Session for Printer {
    async fn mail(&mut self, _: &Mail) -> Answer {
        Ok(Accept::Usual)
    }

    async fn rcpt(&mut self, rcpt: &Rcpt) -> Answer {
        match rcpt.forward_path() {
            ForwardPath::Postmaster(_) => Ok(Accept::Usual),
            ForwardPath::Path(path) if path.mailbox().domain().eq_ignore_ascii_case("example.org") => Ok(Accept::Usual),
            _ => Err(Reply::new(ReplyCode::MAILBOX_UNAVAILABLE, Detail::BAD_DESTINATION_MAILBOX, "not here").into()),
        }
    }

    async fn data(&mut self, envelope: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        println!("from <{}> to {:?}", envelope.reverse_path(), envelope.recipients());
        // A terminal may keep its writer waiting, which is not for the thread of everybody.
        let mut stdout = Unblock::new(stdout());
        copy(body, &mut stdout).await?;
        stdout.flush().await?;
        Ok(Accept::Usual)
    }
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    smol::block_on(async {
        let server = Server::bind("127.0.0.1:1025", Config::new("mx.example.org")?).await?;
        println!("listening on {}", server.local_addr()?);
        server.serve(|_: &Peer| Printer).await?;
        Ok(())
    })
}
