//! TLS, as the options ask for it.

use std::io;

use smtp_blocking::Client;

/// What a handshake came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsSession {
    pub(crate) version: String,
    pub(crate) cipher: String,
}

impl TlsSession {
    pub(crate) fn of(_client: &Client) -> Option<Self> {
        None
    }
}

/// What is wrong with the certificate, if that is what ended the handshake.
pub(crate) fn certificate_error(_error: &io::Error) -> Option<String> {
    None
}

/// Whether what came in place of TLS was none.
pub(crate) fn is_no_tls(_error: &io::Error) -> bool {
    false
}
