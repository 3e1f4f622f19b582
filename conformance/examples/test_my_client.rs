//! The conformance suite in a test of a client.
//!
//! ```text
//! cargo run -p smtp-conformance --example test_my_client
//! ```
//!
//! The client of this example is the one of `smtp-blocking`. In a test of your own it is yours.

use core::error::Error;

use smtp_blocking::Client;
use smtp_blocking::proto::client::{Config, Envelope, Security as Mode, Summary};
use smtp_blocking::proto::command::BodyKind;
use smtp_blocking::proto::sasl::Credentials;
use smtp_blocking::tls::{ClientTls, read_certificates};
use smtp_conformance::job::{Job, Security};
use smtp_conformance::profile::Abilities;
use smtp_conformance::{Check, Profile};

fn main() {
    // The client sends any number of mails over one connection, with TLS and AUTH. For one that sends a mail in clear and no
    // more, `check_client(send)` does.
    let mut abilities = Abilities::default();
    abilities.mails = 64;
    abilities.extensions = ["PIPELINING", "8BITMIME", "SIZE"].map(String::from).into();
    let results = Check::client(Profile::new("mx.example").able(abilities), send).run();
    println!("{results}");
    results.assert();
}

/// Sends what it is told.
fn send(job: &Job) -> Result<(), Box<dyn Error>> {
    let mut config = Config::new("client.example")?;
    config.security = match job.security {
        Security::Plain => Mode::Plain,
        Security::StartTls => Mode::Required,
        Security::Opportunistic => Mode::Opportunistic,
        Security::Implicit => Mode::Implicit,
    };
    config.credentials = job.login.as_ref().map(|(user, password)| Credentials::password(user, password));
    config.mechanism.clone_from(&job.mechanism);
    let mut mails = Vec::new();
    for mail in &job.mails {
        let mut envelope = Envelope::new(&mail.from)?;
        for recipient in &mail.to {
            envelope.add_recipient(recipient)?;
        }
        if let Some(octets) = mail.size {
            envelope = envelope.with_size(octets);
        }
        if mail.body.as_deref() == Some("8BITMIME") {
            envelope = envelope.with_body(BodyKind::EightBitMime);
        }
        mails.push((envelope, &mail.message[..]));
    }
    // What is no address is refused above: then there is nothing to connect for.
    let trusted = ClientTls::with_roots(read_certificates(job.authority.as_bytes())?)?;
    let mut client = Client::connect_tls(job.address(), "mx.example", config, &trusted)?;
    let outcomes: Vec<_> = client.send_all(mails).collect();
    client.quit();
    for outcome in outcomes {
        let outcome = outcome?;
        if outcome.summary() != Summary::Accepted {
            return Err(format!("{outcome:?}").into());
        }
    }
    Ok(())
}

#[test]
fn my_client_conforms() {
    main();
}
