//! What a server connection knows of its client.

use alloc::boxed::Box;
use core::fmt;

use bytes::Bytes;

use super::exchange::Exchange;
use super::table::State;
use crate::body::BodyDecoder;
use crate::line::LineSplitter;

/// Everything that the client has said and is saying. A TLS handshake replaces it whole (RFC 3207 §4.2), so that no
/// field survives.
pub(super) struct Session {
    pub(super) state: State,
    pub(super) phase: Phase,
    pub(super) transaction: Transaction,
    /// Octets that came and were not looked at yet.
    pub(super) chunk: Bytes,
    pub(super) splitter: LineSplitter,
    /// EHLO, not HELO, began the session.
    pub(super) extended: bool,
    /// AUTH succeeded.
    pub(super) authenticated: bool,
    /// MAIL was refused: RCPT and DATA behind it in the same group are no errors of the client.
    pub(super) mail_refused: bool,
}

/// What the octets of the peer are at present.
#[derive(Debug)]
pub(super) enum Phase {
    /// Command lines.
    Command,
    /// Responses in the exchange of AUTH.
    Exchange(Box<Exchange>),
    /// Mail data.
    Data(MailData),
    /// The chunk of a refused BDAT: this many octets to throw away.
    Skip(u64),
    /// None of ours: the TLS handshake is due.
    Handshake,
}

/// Mail data on its way in.
#[derive(Debug)]
pub(super) struct MailData {
    pub(super) decoder: BodyDecoder,
    pub(super) excess: Excess,
}

/// Whether mail data went beyond the size limit. The rest is thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    None,
    /// They did, and the application is to be told.
    Untold,
    Told,
}

/// One mail transaction. It is replaced whole (RFC 5321 §4.1.1.5), so that no field survives.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    pub(super) accepted: u32,
    pub(super) refused: u32,
}

impl Session {
    pub(super) fn new(state: State, phase: Phase) -> Self {
        Self {
            state,
            phase,
            transaction: Transaction::default(),
            chunk: Bytes::new(),
            splitter: LineSplitter::new(),
            extended: false,
            authenticated: false,
            mail_refused: false,
        }
    }
}

/// Shows nothing of what came: it may be a password.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("state", &self.state)
            .field("phase", &self.phase)
            .field("transaction", &self.transaction)
            .field("waiting", &self.chunk.len())
            .field("extended", &self.extended)
            .field("authenticated", &self.authenticated)
            .finish_non_exhaustive()
    }
}
