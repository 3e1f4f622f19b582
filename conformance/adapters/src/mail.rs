//! Mails to send, and what is told of them.

use smtp_proto::client::{Envelope, Outcome, Verdict};

use crate::Mail;

/// A mail from this mailbox to these.
///
/// # Panics
///
/// When one of them is none.
#[must_use]
pub fn mail(from: &str, to: &[&str], message: impl Into<Vec<u8>>) -> Mail {
    let envelope = Envelope::new(from).expect("a mailbox");
    let envelope = to.iter().fold(envelope, |envelope, to| envelope.to(to).expect("a mailbox"));
    (envelope, message.into())
}

/// What became of a mail, in a line: the summary, how far it came, each recipient with what was replied, and what failed.
#[must_use]
pub fn told(outcome: &Result<Outcome, String>) -> String {
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => return format!("not tried: {error}"),
    };
    let mut told = format!("{:?} at {}:", outcome.summary(), outcome.stage());
    for (recipient, verdict) in outcome.recipients() {
        let kind = match verdict {
            Verdict::Accepted(_) => "accepted",
            Verdict::Temporary(_) => "temporary",
            Verdict::Permanent(_) => "permanent",
            _ => "unknown",
        };
        let reply = verdict.reply().map_or("no reply".into(), ToString::to_string);
        told.push_str(&format!(" <{recipient}> {kind}, {reply};"));
    }
    if let Some(failure) = outcome.failure() {
        told.push_str(&format!(" {failure};"));
    }
    told
}
