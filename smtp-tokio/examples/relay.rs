//! Hands on every mail to another server while it comes in, and says what that says: nothing is stored, and a message of
//! any size takes the same memory. `cargo run -p smtp-tokio --example relay -- LISTEN SERVER`

use core::num::NonZeroU64;
use std::sync::Arc;

use smtp_tokio::proto::client::{self, Outcome, Verdict};
use smtp_tokio::proto::server::{Config, Mail, Rcpt};
use smtp_tokio::{Accept, Answer, BodyReader, Client, Envelope, Peer, Reject, Server, Session};

pub(crate) struct Relay {
    pub(crate) server: Arc<str>,
    pub(crate) config: Arc<client::Config>,
}

impl Session for Relay {
    async fn mail(&mut self, _: &Mail) -> Answer {
        Ok(Accept::Usual)
    }

    async fn rcpt(&mut self, _: &Rcpt) -> Answer {
        Ok(Accept::Usual)
    }

    async fn data(&mut self, envelope: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        let mut client = Client::connect(&*self.server, Arc::clone(&self.config)).await?;
        let mut onward = client::Envelope::new(envelope.reverse_path()).map_err(std::io::Error::other)?;
        for recipient in envelope.recipients() {
            onward = onward.to(recipient).map_err(std::io::Error::other)?;
        }
        // A message that breaks off here ends in an error of the reader, and never gets its final dot there.
        let outcome = client.send(onward, body).await.map_err(std::io::Error::other)?;
        let answer = answer(&outcome);
        client.quit().await;
        answer
    }
}

/// What the other server said about the only recipient.
fn answer(outcome: &Outcome) -> Answer {
    match outcome.recipients().next() {
        Some((_, Verdict::Accepted(reply))) => Ok(Accept::With(reply.clone())),
        Some((_, Verdict::Permanent(Some(reply)) | Verdict::Temporary(Some(reply)))) => {
            Err(Reject::from(reply.clone()))
        }
        // It said nothing, or nobody knows what it would have said.
        _ => Err(Reject::local_error()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn core::error::Error>> {
    let [listen, server] = &std::env::args().skip(1).collect::<Vec<_>>()[..] else {
        return Err("usage: relay LISTEN SERVER".into());
    };
    let onward = Arc::new(client::Config::new("relay.example.org")?);
    let mut config = Config::new("relay.example.org")?;
    config.limits.message_size = NonZeroU64::MAX;
    // One answer cannot say that some have got the mail and others have not: whoever has more recipients sends again.
    config.limits.recipients = 1.try_into()?;
    let listener = Server::bind(listen, config).await?;
    println!("listening on {}", listener.local_addr()?);
    let server: Arc<str> = server.as_str().into();
    listener.serve(move |_: &Peer| Relay { server: Arc::clone(&server), config: Arc::clone(&onward) }).await?;
    Ok(())
}
