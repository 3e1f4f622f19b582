//! The questions of a server connection. Each is a value that has to be handed back with the answer.

use core::fmt;
use core::ops::Range;

use bytes::Bytes;

use crate::Decision;
use crate::address::{ForwardPath, Mailbox, Path, ReversePath};
use crate::body::Stray;
use crate::command::{Parameters, Submitter};
use crate::trace::Protocol;

/// A question that the peer's command puts to the application, and the right to answer it once.
///
/// Dropping a token leaves the question open until its deadline answers 451, to AUTH 454.
pub trait Token: sealed::Sealed {
    /// What the question is about.
    const DECISION: Decision;
}

#[expect(unnameable_types, reason = "what cannot be named cannot be implemented elsewhere: this seals `Token`")]
mod sealed {
    use alloc::boxed::Box;

    use crate::server::exchange::Exchange;

    pub trait Sealed: Sized {
        fn id(&self) -> Id;

        /// The exchange of AUTH that the question belongs to.
        fn into_exchange(self) -> Option<Box<Exchange>> {
            None
        }
    }

    /// Names one question of one connection.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Id {
        pub(in crate::server) connection: u32,
        pub(in crate::server) serial: u32,
    }
}

pub(super) use sealed::{Id, Sealed};

/// A peer has connected (RFC 5321 §3.1). Accepting sends the 220 greeting; rejecting with 554 keeps the connection
/// until QUIT, with 421 ends it.
#[must_use = "the peer is waiting for the greeting"]
pub struct Connect {
    pub(super) id: Id,
}

/// EHLO or HELO (§4.1.1.1).
#[must_use = "the peer is waiting for the answer to EHLO"]
pub struct Hello {
    pub(super) id: Id,
    pub(super) name: Bytes,
    pub(super) extended: bool,
}

/// MAIL (§4.1.1.2).
#[must_use = "the peer is waiting for the answer to MAIL"]
pub struct Mail {
    pub(super) id: Id,
    pub(super) line: Bytes,
    pub(super) path: PathSpan,
    pub(super) protocol: Protocol,
}

/// RCPT (§4.1.1.3).
#[must_use = "the peer is waiting for the answer to RCPT"]
pub struct Rcpt {
    pub(super) id: Id,
    pub(super) line: Bytes,
    pub(super) path: PathSpan,
}

/// DATA (§4.1.1.4).
#[must_use = "the peer is waiting for the answer to DATA"]
pub struct Data {
    pub(super) id: Id,
}

/// The end of the mail data (§4.1.1.4).
#[must_use = "the peer is waiting for the verdict on its message"]
pub struct Message {
    pub(super) id: Id,
    pub(super) octets: u64,
    pub(super) stray: Option<Stray>,
}

/// VRFY (§4.1.1.6). Accept it with a 250 reply that holds the mailbox, or with 251 or 252.
#[must_use = "the peer is waiting for the answer to VRFY"]
pub struct Verify {
    pub(super) id: Id,
    pub(super) argument: Bytes,
}

/// EXPN (§4.1.1.7). Accept it with a 250 reply that holds one mailbox a line.
#[must_use = "the peer is waiting for the answer to EXPN"]
pub struct Expand {
    pub(super) id: Id,
    pub(super) argument: Bytes,
}

/// Where a path and what follows it stand in a command line that was found valid.
#[derive(Clone, Copy)]
pub(super) struct PathSpan {
    kind: PathKind,
    route_end: u16,
    start: u16,
    at: u16,
    end: u16,
    parameters: u16,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PathKind {
    Null,
    Postmaster,
    Mailbox,
}

impl Hello {
    /// The name the client gives itself: a domain or an address literal, as it stands on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        text(&self.name)
    }

    /// Whether it came as EHLO.
    #[must_use]
    pub fn is_extended(&self) -> bool {
        self.extended
    }
}

impl Mail {
    /// Where notifications of failure go.
    #[must_use]
    pub fn reverse_path(&self) -> ReversePath<'_> {
        match self.path.kind {
            PathKind::Mailbox => ReversePath::Path(self.path.path(&self.line)),
            _ => ReversePath::Null,
        }
    }

    /// The ESMTP parameters, all of them known and valid.
    #[must_use]
    pub fn parameters(&self) -> Parameters<'_> {
        self.path.parameters(&self.line)
    }

    /// Who submitted the mail, as the client says (AUTH, RFC 4954 §5). A client that has not logged in is not believed:
    /// whatever it says, the submitter is unknown. `None`: a client that has logged in leaves it open, and the
    /// application may take it to be who has logged in.
    #[must_use]
    pub fn submitter(&self) -> Option<Submitter<'_>> {
        match self.protocol {
            Protocol::Esmtpa | Protocol::Esmtpsa => self.parameters().submitter().ok().flatten(),
            _ => Some(Submitter::Unknown),
        }
    }

    /// The word for the WITH clause of the Received field (RFC 5321 §4.4, RFC 4954 §7).
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }
}

impl Rcpt {
    /// The recipient.
    #[must_use]
    pub fn forward_path(&self) -> ForwardPath<'_> {
        match self.path.kind {
            PathKind::Postmaster => ForwardPath::Postmaster(self.path.mailbox(&self.line)),
            _ => ForwardPath::Path(self.path.path(&self.line)),
        }
    }

    /// The ESMTP parameters, all of them known and valid.
    #[must_use]
    pub fn parameters(&self) -> Parameters<'_> {
        self.path.parameters(&self.line)
    }
}

impl Message {
    /// Octets of the message, dot-stuffing undone.
    #[must_use]
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// The first octet that was no line end (`LineEndings::Normalize` only): a lone CR or LF, which was made a CRLF, or
    /// a NUL, which was kept.
    #[must_use]
    pub fn stray(&self) -> Option<Stray> {
        self.stray
    }
}

impl Verify {
    /// What to verify: a user name or a mailbox, as it stands on the wire.
    #[must_use]
    pub fn argument(&self) -> &str {
        text(&self.argument)
    }
}

impl Expand {
    /// What to expand: the name of a list, as it stands on the wire.
    #[must_use]
    pub fn argument(&self) -> &str {
        text(&self.argument)
    }
}

impl PathSpan {
    pub(super) fn of_reverse_path(line: &Bytes, path: &ReversePath<'_>, parameters: &Parameters<'_>) -> Self {
        match path {
            ReversePath::Null => Self::bare(PathKind::Null, line, "", parameters),
            ReversePath::Path(path) => Self::of_path(line, path, parameters),
        }
    }

    pub(super) fn of_forward_path(line: &Bytes, path: &ForwardPath<'_>, parameters: &Parameters<'_>) -> Self {
        match path {
            ForwardPath::Postmaster(name) => Self::bare(PathKind::Postmaster, line, name, parameters),
            ForwardPath::Path(path) => Self::of_path(line, path, parameters),
        }
    }

    fn of_path(line: &Bytes, path: &Path<'_>, parameters: &Parameters<'_>) -> Self {
        let mailbox = path.mailbox();
        let Range { start, end } = span(line, mailbox.as_str());
        Self {
            kind: PathKind::Mailbox,
            route_end: path.source_route().map_or(0, |route| span(line, route).end),
            start,
            at: start + short(mailbox.local_part().len()),
            end,
            parameters: span(line, parameters.as_str()).start,
        }
    }

    fn bare(kind: PathKind, line: &Bytes, name: &str, parameters: &Parameters<'_>) -> Self {
        let Range { start, end } = span(line, name);
        Self { kind, route_end: 0, start, at: start, end, parameters: span(line, parameters.as_str()).start }
    }

    fn mailbox<'a>(&self, line: &'a Bytes) -> &'a str {
        text(&line[usize::from(self.start)..usize::from(self.end)])
    }

    fn path<'a>(&self, line: &'a Bytes) -> Path<'a> {
        let mailbox = Mailbox::from_parts(self.mailbox(line), usize::from(self.at - self.start));
        // A source route stands between the opening bracket and the colon before the mailbox.
        let route = (self.route_end > 0).then(|| {
            let before = &line[..usize::from(self.route_end)];
            let open = memchr::memchr(b'<', before).map_or(0, |open| open + 1);
            text(&before[open..])
        });
        Path::from_parts(route, mailbox)
    }

    fn parameters<'a>(&self, line: &'a Bytes) -> Parameters<'a> {
        let from = usize::from(self.parameters);
        Parameters::from_valid(if from == 0 { "" } else { text(&line[from..]).trim_ascii_end() })
    }
}

/// Where `part` stands in `line`; an empty part that is no slice of the line stands at its beginning.
fn span(line: &Bytes, part: &str) -> Range<u16> {
    if part.is_empty() {
        return 0..0;
    }
    let start = short(part.as_ptr().addr().wrapping_sub(line.as_ptr().addr()));
    start..start + short(part.len())
}

/// A position in a command line, which `LineLimit` keeps far below this bound.
fn short(position: usize) -> u16 {
    u16::try_from(position).expect("a command line is shorter than 64 KiB")
}

/// Text that was found to be UTF-8 when the command was parsed.
fn text(octets: &[u8]) -> &str {
    core::str::from_utf8(octets).expect("checked when the command was parsed")
}

macro_rules! tokens {
    ($($token:ident)*) => {$(
        impl Token for $token {
            const DECISION: Decision = Decision::$token;
        }

        impl Sealed for $token {
            fn id(&self) -> Id {
                self.id
            }
        }
    )*};
}

tokens!(Connect Hello Mail Rcpt Data Message Verify Expand);

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect").finish_non_exhaustive()
    }
}

impl fmt::Debug for Hello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hello").field("name", &self.name()).field("extended", &self.extended).finish_non_exhaustive()
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail")
            .field("reverse_path", &self.reverse_path())
            .field("parameters", &self.parameters())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Rcpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rcpt")
            .field("forward_path", &self.forward_path())
            .field("parameters", &self.parameters())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Data").finish_non_exhaustive()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("octets", &self.octets).field("stray", &self.stray).finish_non_exhaustive()
    }
}

impl fmt::Debug for Verify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verify").field("argument", &self.argument()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Expand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expand").field("argument", &self.argument()).finish_non_exhaustive()
    }
}
