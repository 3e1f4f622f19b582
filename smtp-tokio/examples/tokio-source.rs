//! Sends mails over many connections at one time, to measure servers:
//! `cargo run --release -p smtp-tokio --example tokio-source -- --connections 20 --messages 100000 --size 4096`

#[path = "../../conformance/adapters/measure/source.rs"]
mod measure;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use futures_util::stream;
use measure::{Mail, Options, Tally};
use smtp_tokio::Client;
use smtp_tokio::proto::client::Config;
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn core::error::Error>> {
    let options = Options::parse()?;
    let config = Arc::new(options.config()?);
    let mails = options.mails()?;
    let begun = Instant::now();
    let mut connections = JoinSet::new();
    for mails in mails {
        connections.spawn(send(options.connect.clone(), Arc::clone(&config), mails));
    }
    let mut tally = Tally::default();
    while let Some(connection) = connections.join_next().await {
        tally.merge(connection?);
    }
    Ok(tally.report(&options, begun))
}

/// Sends mails over one connection.
async fn send(server: String, config: Arc<Config>, mut mails: impl ExactSizeIterator<Item = Mail>) -> Tally {
    let mut tally = Tally::default();
    let mut client = match Client::connect(server, config).await {
        Ok(client) => client,
        Err(error) => {
            tally.fail(mails.len(), error);
            return tally;
        }
    };
    let mut outcomes = client.send_all(stream::iter(mails.by_ref()));
    while let Some(outcome) = outcomes.next().await {
        tally.add(outcome);
    }
    drop(outcomes);
    let closed = client.quit().await;
    tally.fail(mails.len(), closed);
    tally
}
