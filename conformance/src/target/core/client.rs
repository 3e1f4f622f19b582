//! The core's client.

use bytes::Bytes;
use smtp_proto::Instant;
use smtp_proto::client::{Connection, Envelope, Event, Verdict};
use smtp_proto::command::BodyKind;
use smtp_proto::reply::Reply;

use super::settings;
use super::wire::{CoreWire, Role};
use crate::play::pattern;
use crate::target::Unavailable;
use crate::transcript::{Act, Expectation, Outcome};

/// Who sends mails with the core's client.
pub(super) struct Client {
    /// The certificate of the script's server is verified.
    is_verified: bool,
    /// The messages, in the order of the mails.
    bodies: Vec<Bytes>,
    /// What became of each recipient.
    outcomes: Vec<(String, Outcome, Option<Reply>)>,
}

impl Client {
    /// A connection that sends what the job says, and then quits.
    pub(super) fn launch(
        name: &str,
        job: &[Act],
        attachments: &[(String, Vec<u8>)],
    ) -> Result<CoreWire<Self>, Unavailable> {
        let (config, is_verified) = settings::of_client(name, job)?;
        let mut connection = Connection::new(Instant::EPOCH, config).map_err(settings::broken)?;
        connection.seed([7; 32]);
        let mut client = Self { is_verified, bodies: Vec::new(), outcomes: Vec::new() };
        for act in job {
            if let Act::Send { from, to, data, size, body } = act {
                let found = attachments.iter().find(|(name, _)| name == data);
                let (_, octets) =
                    found.ok_or_else(|| settings::broken(format!("there is no file {data} beside the transcript")))?;
                if let Some(envelope) = client.envelope(job, from, to, *size, body.as_deref())? {
                    let sent = connection.send(Instant::EPOCH, envelope);
                    sent.map_err(|refused| settings::broken(refused.misuse))?;
                    client.bodies.push(Bytes::copy_from_slice(octets));
                }
            }
        }
        connection.quit(Instant::EPOCH);
        Ok(CoreWire::new(connection, client))
    }

    /// The envelope of a mail. One that cannot be made has failed.
    fn envelope(
        &mut self,
        job: &[Act],
        from: &str,
        to: &[String],
        size: Option<u64>,
        body: Option<&str>,
    ) -> Result<Option<Envelope>, Unavailable> {
        let envelope = to.iter().try_fold(Envelope::new(from), |envelope, to| match envelope {
            Ok(envelope) => Ok(envelope.to(to)),
            Err(error) => Err(error),
        });
        let Ok(Ok(mut envelope)) = envelope else {
            self.outcomes.extend(to.iter().map(|to| (to.clone(), Outcome::Failed, None)));
            return Ok(None);
        };
        if let Some(size) = size {
            envelope = envelope.with_size(size);
        }
        envelope = match body.map(str::to_ascii_uppercase).as_deref() {
            None => envelope,
            Some("8BITMIME") => envelope.with_body(BodyKind::EightBitMime),
            Some("7BIT") => envelope.with_body(BodyKind::SevenBit),
            Some(other) => return Err(Unavailable::Unsupported(format!("the client has no BODY={other}"))),
        };
        settings::with_submitter(envelope, job).map(Some)
    }
}

impl Role for Client {
    type Connection = Connection;

    const NAME: &str = "client";
    const READS_FIRST: bool = false;

    fn handle(&mut self, now: Instant, connection: &mut Connection, event: Event) {
        match event {
            Event::Body(token) => {
                let number = usize::try_from(token.ordinal()).expect("a few mails");
                let body = self.bodies.get(number).cloned().unwrap_or_default();
                // A body that cannot be sent as it is ends the connection, and the outcome says so.
                if body.is_empty() || connection.write_body(now, &token, body).is_ok() {
                    let _ = connection.end_body(now, token);
                }
            }
            Event::Outcome(outcome) => {
                self.outcomes.extend(outcome.recipients().map(|(address, verdict)| {
                    let became = match verdict {
                        Verdict::Accepted(_) => Outcome::Accepted,
                        Verdict::Temporary(Some(_)) => Outcome::Deferred,
                        Verdict::Permanent(Some(_)) => Outcome::Refused,
                        Verdict::Unknown => Outcome::Unknown,
                        _ => Outcome::Failed,
                    };
                    (address.to_owned(), became, verdict.reply().cloned())
                }));
            }
            _ => {}
        }
    }

    fn is_verified(&self) -> bool {
        self.is_verified
    }

    fn tell(&mut self, _: Instant, _: &mut Connection, act: &Act) -> Result<(), Unavailable> {
        Err(Unavailable::Unsupported(format!("a client knows all it has to do before it begins: {act:?}")))
    }

    fn saw(&self, expectation: &Expectation, _: &[(String, Vec<u8>)]) -> Option<Result<(), String>> {
        let Expectation::Recipient { outcome, recipient, reply } = expectation else { return None };
        let Some((_, became, heard)) = self.outcomes.iter().find(|(address, ..)| address == recipient) else {
            return Some(Err(format!("nothing is known of <{recipient}> yet")));
        };
        let heard = heard.as_ref().map(|reply| {
            let mut octets = Vec::new();
            reply.encode(&mut octets);
            pattern::Heard::of_wire(&octets)
        });
        // With a reply beside it, `refused` says nothing about whether that is for good.
        let is_such =
            outcome == became || (*outcome, *became) == (Outcome::Refused, Outcome::Deferred) && reply.is_some();
        let is_reply = match (reply, &heard) {
            (None, _) => true,
            (Some(pattern), Some(heard)) => pattern::which(pattern, heard).is_some(),
            (Some(_), None) => false,
        };
        if is_such && is_reply {
            return Some(Ok(()));
        }
        let word = match became {
            Outcome::Accepted => "accepted",
            Outcome::Refused => "refused",
            Outcome::Deferred => "deferred",
            Outcome::Unknown => "unknown",
            Outcome::Failed => "failed",
        };
        Some(Err(heard.map_or_else(|| word.to_owned(), |heard| format!("{word} {heard}"))))
    }
}
