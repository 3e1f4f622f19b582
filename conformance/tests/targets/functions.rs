//! Clients that are functions.

use smtp_blocking::Client;
use smtp_blocking::proto::client::{Config, Envelope, Summary};
use smtp_conformance::job::Job;
use smtp_conformance::profile::Profile;
use smtp_conformance::target::{FunctionTarget, Target, Unavailable};
use smtp_conformance::transcript::Outcome;

use crate::kit::{PATIENCE, STUFFED, Talk, attachments, became, send};

/// As somebody may write it in a test.
fn send_it(job: &Job) -> Result<(), String> {
    let config = Config::new("client.example").expect("a domain");
    let mut client = Client::connect(job.address(), config).map_err(|error| error.to_string())?;
    for mail in &job.mails {
        let mut envelope = Envelope::new(&mail.from).map_err(|error| error.to_string())?;
        for recipient in &mail.to {
            envelope.add_recipient(recipient).map_err(|error| error.to_string())?;
        }
        let outcome = client.send(envelope, &mail.message[..]).map_err(|error| error.to_string())?;
        if outcome.summary() != Summary::Accepted {
            return Err(format!("{outcome:?}"));
        }
    }
    client.quit();
    Ok(())
}

fn target(function: impl Fn(&Job) -> Result<(), String> + Send + Sync + 'static) -> FunctionTarget {
    FunctionTarget::new(Profile::new("mx.example").patient(PATIENCE), function).expect("a domain")
}

#[test]
fn a_function_is_a_client() {
    let target = target(send_it);
    assert_eq!(target.name(), "client");
    for (reply, outcome) in [("250 2.0.0 queued", Outcome::Accepted), ("554 5.7.1 no", Outcome::Refused)] {
        let mut talk = Talk::new(target.launch(&[send(&["bob@mx.example"])], &attachments()).expect("it connects"));
        let lines = talk.receive(&["SIZE"]);
        assert_eq!(lines[lines.len() - STUFFED.len()..], STUFFED);
        talk.say(reply);
        talk.leave();
        assert_eq!(talk.wire.saw(&became(outcome, "bob@mx.example"), &[]), Some(Ok(())));
    }
}

/// A function that gives up, or panics, before there is a connection: why is told.
#[test]
fn a_function_that_does_not_connect() {
    fn panics(_: &Job) -> Result<(), String> {
        panic!("as a test may");
    }
    let refuses = |_: &Job| Err("out of order".to_owned());
    for (target, words) in
        [(target(panics), "panicked"), (target(refuses), "out of order"), (target(|_| Ok(())), "all went well")]
    {
        let error = target.launch(&[send(&["bob@mx.example"])], &attachments()).err();
        assert!(matches!(&error, Some(Unavailable::Unreachable(why)) if why.contains(words)), "{error:?}");
    }
}
