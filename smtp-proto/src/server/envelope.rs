//! The envelope of a mail that is being received.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use super::token::Mail;
use crate::command::BodyKind;

/// Whom a mail is from and whom it is for: what MAIL said, and every RCPT that was accepted (RFC 5321 §2.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    reverse_path: String,
    recipients: Vec<String>,
    size: Option<u64>,
    body: Option<BodyKind>,
}

impl Envelope {
    /// The envelope that MAIL begins, without a recipient.
    #[must_use]
    pub fn new(mail: &Mail) -> Self {
        let parameters = mail.parameters();
        // Both were checked by the connection before it asked about the sender.
        let (size, body) = (parameters.size().unwrap_or(None), parameters.body().unwrap_or(None));
        Self { reverse_path: mail.reverse_path().as_str().to_owned(), recipients: Vec::new(), size, body }
    }

    /// Adds a recipient that was accepted: the mailbox of [`Rcpt::forward_path`](super::Rcpt::forward_path).
    pub fn add(&mut self, recipient: impl Into<String>) {
        self.recipients.push(recipient.into());
    }

    /// The reverse-path as a mailbox without angle brackets, verbatim but without a source route. Empty if null.
    #[must_use]
    pub fn reverse_path(&self) -> &str {
        &self.reverse_path
    }

    /// The accepted recipients in the order of their RCPT commands: mailboxes without angle brackets, verbatim but
    /// without source routes, or `Postmaster` alone in the case it was written in (§4.1.1.3).
    #[must_use]
    pub fn recipients(&self) -> &[String] {
        &self.recipients
    }

    /// The size of the message in octets as the client estimated it (RFC 1870), if it did.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// What the client said about the body (RFC 6152), if it did.
    #[must_use]
    pub fn body(&self) -> Option<BodyKind> {
        self.body
    }
}
