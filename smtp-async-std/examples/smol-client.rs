//! Sends the text on standard input: `cargo run -p smtp-async-std --example smol-client -- SERVER:PORT FROM TO < message`.

use std::io::stdin;

use smol::Unblock;
use smtp_async_std::proto::body::LineEndings;
use smtp_async_std::proto::client::{Config, Envelope, Verdict};
use smtp_async_std::smol::Client;

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let [server, from, to] = &std::env::args().skip(1).collect::<Vec<_>>()[..] else {
        return Err("usage: smol-client SERVER:PORT FROM TO < message".into());
    };
    let mut config = Config::new("localhost")?;
    config.line_endings = LineEndings::Normalize;
    smol::block_on(async {
        let mut client = Client::connect(server.as_str(), config).await?;
        let outcome = client.send(Envelope::new(from)?.to(to)?, Unblock::new(stdin())).await?;
        client.quit().await;
        match outcome.recipients().next() {
            Some((_, Verdict::Accepted(reply))) => println!("accepted: {}", reply.text()),
            _ => return Err(format!("not accepted: {outcome:?}").into()),
        }
        Ok(())
    })
}
