//! Sends mails over many connections at one time, to measure servers:
//! `cargo run --release -p smtp-blocking --example blocking-source -- --connections 20 --messages 100000 --size 4096`

#[path = "../../conformance/adapters/measure/source.rs"]
mod measure;

use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use measure::{Mail, Options, Tally};
use smtp_blocking::Client;
use smtp_blocking::proto::client::Config;

fn main() -> Result<ExitCode, Box<dyn core::error::Error>> {
    let options = Options::parse()?;
    let config = Arc::new(options.config()?);
    let mails = options.mails()?;
    let mut tally = Tally::default();
    let begun = Instant::now();
    thread::scope(|scope| {
        let start = |mails| scope.spawn(|| send(&options.connect, Arc::clone(&config), mails));
        let connections: Vec<_> = mails.into_iter().map(start).collect();
        for connection in connections {
            tally.merge(connection.join().expect("no panic"));
        }
    });
    Ok(tally.report(&options, begun))
}

/// Sends mails over one connection.
fn send(server: &str, config: Arc<Config>, mut mails: impl ExactSizeIterator<Item = Mail>) -> Tally {
    let mut tally = Tally::default();
    let mut client = match Client::connect(server, config) {
        Ok(client) => client,
        Err(error) => {
            tally.fail(mails.len(), error);
            return tally;
        }
    };
    for outcome in client.send_all(mails.by_ref()) {
        tally.add(outcome);
    }
    let closed = client.quit();
    tally.fail(mails.len(), closed);
    tally
}
