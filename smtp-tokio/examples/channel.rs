//! Receives mail into a channel: `cargo run -p smtp-tokio --example channel`.

use std::io;

use smtp_tokio::proto::server::{Config, Mail, Rcpt};
use smtp_tokio::{Accept, Answer, BodyReader, Envelope, Peer, Server, Session};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

struct Inbox(mpsc::Sender<(Envelope, Vec<u8>)>);

impl Session for Inbox {
    async fn mail(&mut self, _: &Mail) -> Answer {
        Ok(Accept::Usual)
    }

    async fn rcpt(&mut self, _: &Rcpt) -> Answer {
        Ok(Accept::Usual)
    }

    async fn data(&mut self, envelope: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        let mut message = Vec::new();
        body.read_to_end(&mut message).await?;
        // The client is told 250 only once the other end has room for the message.
        self.0.send((envelope.clone(), message)).await.map_err(io::Error::other)?;
        Ok(Accept::Usual)
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let (sender, mut mails) = mpsc::channel(16);
    let config = Config::new("mx.example.org").map_err(io::Error::other)?;
    let server = Server::bind("127.0.0.1:2525", config).await?;
    println!("listening on {}", server.local_addr()?);
    tokio::spawn(server.serve(move |_: &Peer| Inbox(sender.clone())));
    while let Some((envelope, message)) = mails.recv().await {
        println!("{} octets from <{}> to {:?}", message.len(), envelope.reverse_path(), envelope.recipients());
    }
    Ok(())
}
