//! A mail on its way, and what became of it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::envelope::Envelope;
use super::verdict::{Failure, Stage, Summary, Verdict};
use crate::command::BodyKind;
use crate::reply::Reply;

/// One mail: its envelope, and how its transaction stands.
#[derive(Clone, Debug)]
pub(super) struct Mail {
    pub(super) reverse_path: String,
    pub(super) recipients: Vec<Recipient>,
    pub(super) size: Option<u64>,
    pub(super) body: Option<BodyKind>,
    /// Who handed the mail in, empty if that is not known.
    pub(super) submitter: Option<Box<str>>,
    pub(super) transaction: Transaction,
}

/// A recipient, and the place for what becomes of it.
#[derive(Clone, Debug)]
pub(super) struct Recipient {
    pub(super) address: String,
    pub(super) verdict: Option<Verdict>,
}

/// How a transaction stands. It is replaced whole, so that nothing survives from one to the next.
#[derive(Clone, Debug)]
pub(super) struct Transaction {
    /// How far it came.
    pub(super) stage: Stage,
    /// The reply that decided about the mail as a whole.
    pub(super) reply: Option<Reply>,
    pub(super) failure: Option<Failure>,
    /// Commands that were sent for it and are not answered yet.
    pub(super) unanswered: u32,
    /// RCPT commands that were sent.
    pub(super) asked: usize,
    /// RCPT commands that were answered.
    pub(super) answered: usize,
    /// Recipients that the server accepted at RCPT.
    pub(super) accepted: usize,
    /// MAIL was refused.
    pub(super) refused: bool,
    /// DATA was sent.
    pub(super) data_sent: bool,
    /// No further command will be sent for it.
    pub(super) sealed: bool,
}

impl Transaction {
    const fn new() -> Self {
        Self {
            stage: Stage::Connect,
            reply: None,
            failure: None,
            unanswered: 0,
            asked: 0,
            answered: 0,
            accepted: 0,
            refused: false,
            data_sent: false,
            sealed: false,
        }
    }

    /// The mail came to this stage.
    pub(super) fn reached(&mut self, stage: Stage) {
        self.stage = self.stage.max(stage);
    }

    /// Whether it is known what became of it.
    pub(super) fn is_settled(&self) -> bool {
        self.sealed && self.unanswered == 0
    }
}

impl Mail {
    pub(super) fn new(reverse_path: String) -> Self {
        Self {
            reverse_path,
            recipients: Vec::new(),
            size: None,
            body: None,
            submitter: None,
            transaction: Transaction::new(),
        }
    }

    pub(super) fn add_recipient(&mut self, address: String) {
        self.recipients.push(Recipient { address, verdict: None });
    }

    /// Whether every recipient was refused.
    pub(super) fn has_no_recipient(&self) -> bool {
        self.transaction.answered == self.recipients.len() && self.transaction.accepted == 0
    }

    /// Gives every recipient that has none yet this verdict.
    pub(super) fn judge(&mut self, verdict: &Verdict) {
        for recipient in &mut self.recipients {
            if recipient.verdict.is_none() {
                recipient.verdict = Some(verdict.clone());
            }
        }
    }

    /// The answer to the next RCPT: no verdict means that the recipient was accepted for now.
    pub(super) fn answer_recipient(&mut self, verdict: Option<Verdict>) {
        let transaction = &mut self.transaction;
        transaction.accepted += usize::from(verdict.is_none());
        if let Some(recipient) = self.recipients.get_mut(transaction.answered) {
            // A refused MAIL has given the verdict already.
            if recipient.verdict.is_none() {
                recipient.verdict = verdict;
            }
        }
        transaction.answered += 1;
        if transaction.answered == self.recipients.len() && transaction.accepted > 0 {
            transaction.reached(Stage::Data);
        }
    }
}

/// What became of a mail: a verdict for every recipient, the final reply, and how far it came.
///
/// Nothing that happens on the connection afterwards changes it.
#[must_use = "says what became of every recipient"]
pub struct Outcome {
    mail: Box<Mail>,
}

impl Outcome {
    pub(super) fn new(mail: Box<Mail>) -> Self {
        Self { mail }
    }

    /// The verdicts taken together.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let verdicts = || self.recipients().map(|(_, verdict)| verdict);
        if verdicts().any(|verdict| matches!(verdict, Verdict::Unknown)) {
            Summary::Unknown
        } else if verdicts().all(Verdict::is_accepted) {
            Summary::Accepted
        } else if verdicts().any(Verdict::is_accepted) {
            Summary::Partial
        } else {
            Summary::Refused
        }
    }

    /// Every recipient with its verdict, in the order of the envelope.
    pub fn recipients(&self) -> impl Iterator<Item = (&str, &Verdict)> {
        self.mail.recipients.iter().map(|recipient| {
            (recipient.address.as_str(), recipient.verdict.as_ref().unwrap_or(&Verdict::Temporary(None)))
        })
    }

    /// The last reply that decided about the mail as a whole: to the final dot, or to an earlier command if the mail
    /// came no further.
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        self.mail.transaction.reply.as_ref()
    }

    /// How far the mail came.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.mail.transaction.stage
    }

    /// What kept the mail from being sent to its end, if not a reply.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.mail.transaction.failure
    }

    /// The envelope, to send the mail again. It remembers no verdicts.
    #[must_use]
    pub fn into_envelope(self) -> Envelope {
        let mut mail = self.mail;
        mail.transaction = Transaction::new();
        for recipient in &mut mail.recipients {
            recipient.verdict = None;
        }
        Envelope { mail }
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("summary", &self.summary())
            .field("stage", &self.stage())
            .field("reply", &self.reply())
            .field("failure", &self.failure())
            .field("recipients", &self.mail.recipients)
            .finish()
    }
}
