//! The envelope of a mail.

use alloc::boxed::Box;

use super::mail::Mail;
use crate::address::{AddressError, Charset, Mailbox};
use crate::command::BodyKind;

/// Whom a mail is from and whom it is for (RFC 5321 §2.3.1): what MAIL and RCPT say.
///
/// Every address is checked where it comes in, so nothing but addresses can reach the wire.
///
/// ```
/// use smtp_proto::client::Envelope;
///
/// let envelope = Envelope::new("alice@client.example")?.to("bob@server.example")?.to("carol@server.example")?;
/// assert_eq!(envelope.recipients().count(), 2);
/// assert!(Envelope::new("alice@client.example>\r\nRSET").is_err());
/// # Ok::<(), smtp_proto::address::AddressError>(())
/// ```
///
/// It owns the room for the verdicts as well, so that sending a mail needs no further memory.
#[derive(Clone, Debug)]
pub struct Envelope {
    pub(super) mail: Box<Mail>,
}

impl Envelope {
    /// An envelope without recipients yet. `reverse_path` is a mailbox without angle brackets, or empty for the null
    /// reverse-path of notifications (§4.5.5).
    ///
    /// # Errors
    ///
    /// Says what is wrong with the address.
    pub fn new(reverse_path: &str) -> Result<Self, AddressError> {
        if !reverse_path.is_empty() {
            Mailbox::parse(reverse_path, Charset::Ascii)?;
        }
        Ok(Self { mail: Box::new(Mail::new(reverse_path.into())) })
    }

    /// With one more recipient: a mailbox without angle brackets, or `postmaster` alone (§4.5.1).
    ///
    /// # Errors
    ///
    /// As [`add_recipient`](Self::add_recipient).
    pub fn to(mut self, recipient: &str) -> Result<Self, AddressError> {
        self.add_recipient(recipient)?;
        Ok(self)
    }

    /// Adds a recipient: a mailbox without angle brackets, or `postmaster` alone (§4.5.1).
    ///
    /// # Errors
    ///
    /// Says what is wrong with the address.
    pub fn add_recipient(&mut self, recipient: &str) -> Result<(), AddressError> {
        if !recipient.eq_ignore_ascii_case("postmaster") {
            Mailbox::parse(recipient, Charset::Ascii)?;
        }
        self.mail.add_recipient(recipient.into());
        Ok(())
    }

    /// With the size of the message in octets, an estimate before dot-stuffing, told to a server that offers SIZE
    /// (RFC 1870 §6). A server that takes less is not asked.
    #[must_use]
    pub fn with_size(mut self, octets: u64) -> Self {
        self.mail.size = Some(octets);
        self
    }

    /// With the kind of the body, told to a server that offers 8BITMIME (RFC 6152). An 8-bit body is not sent to any
    /// other. Without this nothing is said, and the body goes out as it is; an octet above 127 still never leaves for a
    /// server without 8BITMIME: the connection is cut before it, and the failure of the outcome is
    /// [`No8BitMime`](super::Failure::No8BitMime).
    #[must_use]
    pub fn with_body(mut self, kind: BodyKind) -> Self {
        self.mail.body = Some(kind);
        self
    }

    /// With the mailbox of who handed the mail in to the mail system, or `None` if that is not known: told to a server
    /// that offers AUTH (RFC 4954 §5). Without this nothing is said.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the address.
    pub fn with_submitter(mut self, submitter: Option<&str>) -> Result<Self, AddressError> {
        if let Some(mailbox) = submitter {
            Mailbox::parse(mailbox, Charset::Ascii)?;
        }
        self.mail.submitter = Some(submitter.unwrap_or_default().into());
        Ok(self)
    }

    /// The reverse-path without angle brackets, empty if null.
    #[must_use]
    pub fn reverse_path(&self) -> &str {
        &self.mail.reverse_path
    }

    /// What [`with_submitter`](Self::with_submitter) was told, empty for `None`.
    #[must_use]
    pub fn submitter(&self) -> Option<&str> {
        self.mail.submitter.as_deref()
    }

    /// The recipients, in the order in which they were added.
    pub fn recipients(&self) -> impl ExactSizeIterator<Item = &str> {
        self.mail.recipients.iter().map(|recipient| recipient.address.as_str())
    }
}
