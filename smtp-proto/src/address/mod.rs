//! Mailboxes, paths and domains (RFC 5321 §4.1.2, §4.1.3; RFC 6531 §3.3).
//!
//! Every type borrows the text it was parsed from, is `Copy` and allocates nothing. Text is kept as it came: no case
//! folding, no Unicode normalisation, no IDNA mapping, and the domain begins after the last unquoted `@`. Encoded
//! words, `%` and `!` have no meaning here (§2.3.11: only the host of the domain interprets a local part).
//!
//! Limits, in octets:
//!
//! | object | limit | source |
//! |---|---|---|
//! | local part, with its quotes | 64 | §4.5.3.1.1 |
//! | domain or address literal | 255 | §4.5.3.1.2 |
//! | path with its brackets and source route; thus a mailbox 254 | 256 | §4.5.3.1.3 |
//! | label of a domain, if ASCII | 63 | RFC 1035 §2.3.4 |

mod domain;
mod error;
mod literal;
mod mailbox;
pub(crate) mod octet;
mod path;

pub use domain::{Domain, Host};
pub use error::AddressError;
pub use literal::{AddressLiteral, LiteralKind};
pub use mailbox::Mailbox;
pub use path::{ForwardPath, Path, ReversePath};

pub(crate) use domain::{domain, host};
pub(crate) use error::{Fault, Parsed, Reason};
pub(crate) use mailbox::{atom, local_part, mailbox, quoted_string};
pub(crate) use path::{forward_path, path, reverse_path};

/// Which characters an address may hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Charset {
    /// ASCII only (RFC 5321).
    #[default]
    Ascii,
    /// Also what lies beyond ASCII, in UTF-8: local parts, quoted strings and U-labels of RFC 6531 §3.3.
    ///
    /// Whether a label is a valid U-label is known only to IDNA software. What is checked is that it could be one: no
    /// control, white space or look-alike of the full stop, and no hyphens where the prefix of an A-label has them.
    Utf8,
}
