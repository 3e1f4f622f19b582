//! An exchange of AUTH in progress, and the questions that it puts to the application.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

use super::token::{Id, Sealed, Token};
use crate::Decision;
use crate::reply::Reply;
use crate::sasl::{Claim, Mechanism, ServerExchange};

/// An exchange between AUTH and its last reply. It lies in the connection while a response is awaited, and in the token
/// while the application is asked.
#[derive(Debug)]
#[expect(unnameable_types, reason = "tokens hold it, and nobody else has to do with it")]
pub struct Exchange {
    pub(super) mechanism: Arc<dyn Mechanism>,
    pub(super) server: Box<dyn ServerExchange>,
    /// Challenges so far.
    pub(super) challenges: u32,
    /// What the application refused the claim with. The client owes an answer to the last challenge before it gets that
    /// (RFC 7628 §3.2.3).
    pub(super) refusal: Option<Reply>,
}

/// AUTH (RFC 4954): does the application believe what the client claims, and let it act as whom it wants to act as?
///
/// Accepting it is answered 235 2.7.0; of a reply of one's own only the text is used. Refuse it with 535 5.7.8 when the
/// credentials are wrong, 534 5.7.9 when the mechanism is too weak for this user, 432 4.7.12 when the user has to log in
/// with a password once, 454 4.7.0 when it cannot be said now (§6). A refusal for good counts as a failure
/// ([`Limits::auth_failures`](super::Limits::auth_failures)), and a mechanism may have one more challenge before the
/// client gets the reply (RFC 7628 §3.2.3). No answer in time is answered 454.
#[must_use = "the peer is waiting for the answer to AUTH"]
pub struct Auth {
    pub(super) id: Id,
    pub(super) exchange: Box<Exchange>,
}

/// A mechanism wants to know what is stored of a user. Answer it with
/// [`Connection::provide`](super::Connection::provide); what the client then proves is asked about as [`Auth`]. No answer
/// in time is answered 454.
#[must_use = "the peer is waiting for the answer to AUTH"]
pub struct Lookup {
    pub(super) id: Id,
    pub(super) exchange: Box<Exchange>,
}

impl Auth {
    /// The name of the mechanism, in upper case.
    #[must_use]
    pub fn mechanism(&self) -> &str {
        self.exchange.mechanism.name()
    }

    /// What the client claims.
    #[must_use]
    pub fn claim(&self) -> Claim<'_> {
        self.exchange.server.claim()
    }
}

impl Lookup {
    /// The name of the mechanism, in upper case.
    #[must_use]
    pub fn mechanism(&self) -> &str {
        self.exchange.mechanism.name()
    }

    /// Whose secret is wanted, as the client said it.
    #[must_use]
    pub fn user(&self) -> &str {
        self.exchange.server.user()
    }
}

impl Token for Auth {
    const DECISION: Decision = Decision::Auth;
}

impl Sealed for Auth {
    fn id(&self) -> Id {
        self.id
    }

    fn into_exchange(self) -> Option<Box<Exchange>> {
        Some(self.exchange)
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("mechanism", &self.mechanism())
            .field("claim", &self.claim())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup")
            .field("mechanism", &self.mechanism())
            .field("user", &self.user())
            .finish_non_exhaustive()
    }
}
