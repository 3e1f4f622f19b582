//! What a server offers.

use crate::reply::{EhloResponse, Reply};

/// What a server said in answer to EHLO: the extensions it offers (RFC 5321 §4.1.1.1). Empty after HELO.
#[derive(Clone, Debug, Default)]
pub struct Capabilities {
    response: Option<EhloResponse>,
    offers: Offers,
}

/// What a connection has to remember of that.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Offers {
    pub(super) pipelining: bool,
    pub(super) eight_bit_mime: bool,
    pub(super) size: bool,
    /// In octets.
    pub(super) size_limit: Option<u64>,
}

impl Capabilities {
    pub(super) fn of_ehlo(reply: &Reply) -> Self {
        let response = EhloResponse::from_reply(reply);
        let offers = Offers {
            pipelining: response.has("PIPELINING"),
            eight_bit_mime: response.has("8BITMIME"),
            size: response.has("SIZE"),
            size_limit: response.size().filter(|&limit| limit > 0),
        };
        Self { response: Some(response), offers }
    }

    pub(super) fn none() -> Self {
        Self::default()
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
        self.offers.size_limit
    }
}
