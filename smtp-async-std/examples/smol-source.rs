//! Sends mails over many connections at one time, to measure servers:
//! `cargo run --release -p smtp-async-std --example smol-source -- --connections 20 --messages 100000 --size 4096`
//!
//! With `--features async-std` it runs on async-std instead.

#[path = "../../conformance/adapters/measure/source.rs"]
mod measure;
#[path = "runtime/mod.rs"]
mod runtime;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use futures_lite::{io::Cursor, stream};
use measure::{Mail, Options, Tally};
use runtime::{Client, block_on, spawn};
use smtp_async_std::proto::client::Config;

fn main() -> Result<ExitCode, Box<dyn core::error::Error>> {
    let options = Options::parse()?;
    let config = Arc::new(options.config()?);
    let mails = options.mails()?;
    let begun = Instant::now();
    let connections: Vec<_> =
        mails.into_iter().map(|mails| spawn(send(options.connect.clone(), Arc::clone(&config), mails))).collect();
    let tally = block_on(async {
        let mut tally = Tally::default();
        for connection in connections {
            tally.merge(connection.await);
        }
        tally
    });
    Ok(tally.report(&options, begun))
}

/// Sends mails over one connection.
async fn send(server: String, config: Arc<Config>, mut mails: impl ExactSizeIterator<Item = Mail> + Send) -> Tally {
    let mut tally = Tally::default();
    let mut client = match Client::connect(server, config).await {
        Ok(client) => client,
        Err(error) => {
            tally.fail(mails.len(), error);
            return tally;
        }
    };
    let bodies = mails.by_ref().map(|(envelope, message)| (envelope, Cursor::new(message.into_inner())));
    let mut outcomes = client.send_all(stream::iter(bodies));
    while let Some(outcome) = outcomes.next().await {
        tally.add(outcome);
    }
    drop(outcomes);
    let closed = client.quit().await;
    tally.fail(mails.len(), closed);
    tally
}
