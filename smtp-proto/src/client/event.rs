//! What a client connection tells its caller.

use super::capabilities::Capabilities;
use super::mail::Outcome;

/// Something that happened on a client connection.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "an event may be the outcome of a mail, or ask for its body"]
pub enum Event {
    /// The session has begun: what the server offers. Mails may be queued earlier.
    Ready(Capabilities),
    /// The server waits for the mail data: hand them in with `write_body` and `end_body`.
    Body(Body),
    /// What became of a mail. There is exactly one for each mail that `send` took, in the same order.
    Outcome(Outcome),
}

/// The right to hand in the body of one mail.
///
/// Dropping it leaves the body unfinished: the connection is cut when `Timeouts::body` has passed, and the server
/// takes nothing.
#[derive(Debug)]
#[must_use = "the server is waiting for the mail data"]
pub struct Body {
    pub(super) connection: u32,
    pub(super) serial: u32,
}

impl Body {
    /// How many mails `send` took on this connection before the one that this is the body of.
    #[must_use]
    pub fn ordinal(&self) -> u32 {
        self.serial
    }
}
