//! Sends the same text to many, over a pool of connections:
//! `cargo run -p smtp-tokio --example pool -- SERVER:PORT FROM TO… < message`.

use std::sync::Arc;

use smtp_tokio::Pool;
use smtp_tokio::proto::body::LineEndings;
use smtp_tokio::proto::client::{Config, Envelope};
use tokio::io::AsyncReadExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn core::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, from, recipients @ ..] = &arguments[..] else {
        return Err("usage: pool SERVER:PORT FROM TO… < message".into());
    };
    let mut config = Config::new("localhost")?;
    config.line_endings = LineEndings::Normalize;
    let pool = Pool::new(server, config);

    let mut message = Vec::new();
    tokio::io::stdin().read_to_end(&mut message).await?;
    let message: Arc<[u8]> = message.into();
    let mut sends = Vec::new();
    for to in recipients {
        let (pool, message, envelope) = (pool.clone(), Arc::clone(&message), Envelope::new(from)?.to(to)?);
        sends.push((to, tokio::spawn(async move { pool.send(envelope, &message[..]).await })));
    }
    for (to, send) in sends {
        match send.await? {
            Ok(outcome) => println!("{to}: {:?}", outcome.summary()),
            Err(error) => println!("{to}: {error}"),
        }
    }
    pool.close().await;
    Ok(())
}
