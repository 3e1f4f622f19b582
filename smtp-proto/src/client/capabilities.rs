//! What a server offers.

use alloc::boxed::Box;
use alloc::string::String;
use core::num::NonZeroU64;

use crate::TlsInfo;
use crate::reply::{EhloResponse, Reply};

/// What a server said in answer to the last EHLO: the extensions it offers (RFC 5321 §4.1.1.1). Empty after HELO.
///
/// Nothing in it was learnt in clear once TLS is active (RFC 3207 §4.2).
#[derive(Clone, Debug, Default)]
pub struct Capabilities {
    response: Option<EhloResponse>,
    mechanism: Option<Box<str>>,
    offers: Offers,
}

/// What a connection has to remember of that.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Offers {
    /// What it was offered over.
    pub(super) channel: Channel,
    pub(super) pipelining: bool,
    pub(super) eight_bit_mime: bool,
    pub(super) size: bool,
    pub(super) auth: bool,
    /// In octets.
    pub(super) size_limit: Option<NonZeroU64>,
}

/// How the octets of a connection are protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Channel {
    #[default]
    Clear,
    /// TLS with somebody: the certificate was not verified.
    Tls,
    /// TLS with the server that the caller named.
    VerifiedTls,
}

impl Channel {
    pub(super) fn of(tls: &TlsInfo) -> Self {
        if tls.verified { Self::VerifiedTls } else { Self::Tls }
    }
}

impl Offers {
    /// Nothing is offered yet.
    pub(super) fn none(channel: Channel) -> Self {
        Self { channel, ..Self::default() }
    }
}

impl Capabilities {
    pub(super) fn of_ehlo(reply: &Reply, channel: Channel) -> Self {
        let response = EhloResponse::from_reply(reply);
        let offers = Offers {
            channel,
            pipelining: response.has("PIPELINING"),
            eight_bit_mime: response.has("8BITMIME"),
            size: response.has("SIZE"),
            auth: response.has("AUTH"),
            size_limit: response.size().and_then(NonZeroU64::new),
        };
        Self { response: Some(response), mechanism: None, offers }
    }

    pub(super) fn none(channel: Channel) -> Self {
        Self { offers: Offers::none(channel), ..Self::default() }
    }

    pub(super) fn logged_in(self, mechanism: Box<str>) -> Self {
        Self { mechanism: Some(mechanism), ..self }
    }

    pub(super) fn offers(&self) -> Offers {
        self.offers
    }

    /// The whole answer to EHLO; `None` if the session was begun with HELO.
    #[must_use]
    pub fn ehlo(&self) -> Option<&EhloResponse> {
        self.response.as_ref()
    }

    /// Whether commands may be sent in groups (RFC 2920).
    #[must_use]
    pub fn has_pipelining(&self) -> bool {
        self.offers.pipelining
    }

    /// Whether 8-bit text may be sent (RFC 6152).
    #[must_use]
    pub fn has_8bitmime(&self) -> bool {
        self.offers.eight_bit_mime
    }

    /// Whether the size of a message may be told (RFC 1870).
    #[must_use]
    pub fn has_size(&self) -> bool {
        self.offers.size
    }

    /// The largest message that the server takes, in octets, if it named a limit (RFC 1870 §4).
    #[must_use]
    pub fn size_limit(&self) -> Option<u64> {
        self.offers.size_limit.map(NonZeroU64::get)
    }

    /// Whether the server begins TLS when it is asked to (RFC 3207). Some say so inside TLS, where it means nothing.
    #[must_use]
    pub fn has_starttls(&self) -> bool {
        self.response.as_ref().is_some_and(|response| response.has("STARTTLS"))
    }

    /// The mechanisms of AUTH that the server offers (RFC 4954 §3), in upper case, each once: see
    /// [`EhloResponse::mechanisms`].
    pub fn mechanisms(&self) -> impl Iterator<Item = String> {
        self.response.iter().flat_map(EhloResponse::mechanisms)
    }

    /// Whether TLS is active.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.offers.channel != Channel::Clear
    }

    /// Whether TLS is active and the certificate of the server was verified.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.offers.channel == Channel::VerifiedTls
    }

    /// The mechanism that AUTH was done with, if it was.
    #[must_use]
    pub fn mechanism(&self) -> Option<&str> {
        self.mechanism.as_deref()
    }
}
