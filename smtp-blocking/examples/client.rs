//! Sends the text on standard input: `cargo run --example client -- SERVER:PORT FROM TO < message`.

use std::io::stdin;

use smtp_blocking::Client;
use smtp_blocking::proto::body::LineEndings;
use smtp_blocking::proto::client::{Config, Envelope, Verdict};

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let [server, from, to] = &std::env::args().skip(1).collect::<Vec<_>>()[..] else {
        return Err("usage: client SERVER:PORT FROM TO < message".into());
    };
    let mut config = Config::new("localhost")?;
    config.line_endings = LineEndings::Normalize;
    let mut client = Client::connect(server, config)?;
    let outcome = client.send(Envelope::new(from)?.to(to)?, stdin())?;
    client.quit();
    match outcome.recipients().next() {
        Some((_, Verdict::Accepted(reply))) => println!("accepted: {}", reply.text()),
        _ => return Err(format!("not accepted: {outcome:?}").into()),
    }
    Ok(())
}
