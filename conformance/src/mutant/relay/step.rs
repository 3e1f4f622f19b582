//! What is under way between a client and a server.

use core::time::Duration;

use crate::mutant::octets::{text_of, verb};
use crate::mutant::template::Filling;

/// What a reply decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Decides {
    Nothing,
    /// Whether mail data follows.
    Content,
    /// Whether a line of an AUTH exchange follows.
    Response,
    /// Whether TLS follows.
    Tls,
}

/// A rule that was set off.
#[derive(Debug)]
pub(super) struct SetOff {
    pub(super) rule: usize,
    pub(super) filling: Filling,
}

/// The next step on the way to the server.
#[derive(Debug)]
pub(super) enum Ready {
    Line(Line),
    /// No line, but an answer when it is its turn.
    Answer(Due),
}

/// A line on its way to the server.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// With its line end.
    pub(super) octets: Vec<u8>,
    /// Without.
    pub(super) text: Vec<u8>,
    /// As many octets have left already.
    pub(super) sent: usize,
    pub(super) delay: Duration,
    pub(super) closes: bool,
    /// The client does not hear the reply.
    pub(super) is_hidden: bool,
    /// The client was told this code already.
    pub(super) told: Option<Option<u16>>,
    pub(super) set_off: Vec<SetOff>,
}

/// A reply that is due.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) of: Of,
    pub(super) decides: Decides,
    pub(super) is_hidden: bool,
    pub(super) told: Option<Option<u16>>,
    pub(super) set_off: Vec<SetOff>,
    /// The server was not asked: this is the reply.
    pub(super) own: Option<Own>,
}

/// What a reply is to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Of {
    Greeting,
    /// MAIL, RSET and what else begins a transaction or ends one.
    Beginning,
    Recipient,
    /// The final dot, or the last chunk.
    Message,
    Other,
}

/// An answer that the server has no part in.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) octets: Vec<u8>,
    pub(super) delay: Duration,
    pub(super) closes: bool,
}

impl Line {
    pub(super) fn of(octets: Vec<u8>) -> Self {
        Self { text: text_of(&octets).to_vec(), octets, ..Self::default() }
    }

    pub(super) fn hidden(octets: Vec<u8>) -> Self {
        Self { is_hidden: true, ..Self::of(octets) }
    }
}

impl Due {
    pub(super) fn of(of: Of) -> Self {
        Self { of, decides: Decides::Nothing, is_hidden: false, told: None, set_off: Vec::new(), own: None }
    }
}

/// What has to be known of a command.
pub(super) struct Command {
    pub(super) of: Of,
    pub(super) decides: Decides,
    /// So many octets follow.
    pub(super) chunk: usize,
    pub(super) is_lmtp: bool,
    /// How it is answered when all is well.
    pub(super) success: &'static str,
}

impl Command {
    pub(super) fn of(line: &[u8]) -> Self {
        let other =
            Self { of: Of::Other, decides: Decides::Nothing, chunk: 0, is_lmtp: false, success: "250 2.0.0 OK\r\n" };
        match &verb(line)[..] {
            b"DATA" => Self { decides: Decides::Content, success: "354 Go ahead\r\n", ..other },
            b"AUTH" => Self { decides: Decides::Response, success: "235 2.7.0 OK\r\n", ..other },
            b"STARTTLS" => Self { decides: Decides::Tls, success: "220 2.0.0 Go ahead\r\n", ..other },
            b"QUIT" => Self { success: "221 2.0.0 Bye\r\n", ..other },
            b"RCPT" => Self { of: Of::Recipient, ..other },
            b"MAIL" | b"RSET" | b"EHLO" | b"HELO" => Self { of: Of::Beginning, ..other },
            b"LHLO" => Self { of: Of::Beginning, is_lmtp: true, ..other },
            b"BDAT" => {
                let line = String::from_utf8_lossy(line).to_ascii_uppercase();
                let mut words = line.split_ascii_whitespace().skip(1);
                let chunk = words.next().and_then(|size| size.parse().ok()).unwrap_or(0);
                Self { chunk, of: if words.next() == Some("LAST") { Of::Message } else { Of::Other }, ..other }
            }
            _ => other,
        }
    }
}
