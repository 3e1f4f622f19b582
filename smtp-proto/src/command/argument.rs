//! The arguments of the commands that carry no path.

use core::fmt;

use super::error::{Problem, Stop};
use crate::address::octet::{self, MECH, VALUE};
use crate::address::{Charset, Reason, atom, domain, local_part, mailbox, path, quoted_string};

/// `initial-response = base64 / "="` (RFC 4954 §8). It is a secret: `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InitialResponse<'a>(&'a str);

impl<'a> InitialResponse<'a> {
    /// The response as it stands on the wire. `=` says that it is there and empty.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.0
    }
}

impl fmt::Debug for InitialResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InitialResponse(secret)")
    }
}

/// `String = Atom / Quoted-string`, the whole text.
pub(super) fn string(text: &str, charset: Charset) -> Result<&str, Stop> {
    let found =
        if text.starts_with('"') { quoted_string(text, charset) } else { atom(text, charset, Reason::EmptyLocalPart) };
    match found {
        Ok(("", string)) => Ok(string),
        Ok(_) => Err(Stop::of(Problem::String)),
        Err(error) => Err(Stop::in_address(error, |_| Problem::String)),
    }
}

/// What VRFY and EXPN take, the whole text: a `String` (RFC 5321 §4.1.1.6), and what §3.5.1 wants to be understood as
/// a user name besides, a mailbox with or without angle brackets. A `Dot-string` is a name too.
pub(super) fn user_name(text: &str, charset: Charset) -> Result<&str, Stop> {
    let parsed = if text.starts_with('<') {
        path(text, charset).map(|(rest, _)| rest)
    } else {
        match local_part(text, charset) {
            Ok((rest, _)) if rest.starts_with('@') => mailbox(text, charset).map(|(rest, _)| rest),
            found => found.map(|(rest, _)| rest),
        }
    };
    match parsed {
        Ok("") => Ok(text),
        Ok(_) => Err(Stop::of(Problem::String)),
        Err(error) => Err(Stop::in_address(error, Problem::UserName)),
    }
}

/// `chunk-size [ SP end-marker ]` (RFC 3030 §2), the whole text.
pub(super) fn chunk(text: &str) -> Result<(u64, bool), Stop> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    if digits == 0 {
        return Err(Stop::at(rest, Problem::ChunkSize));
    }
    let size = number.parse().map_err(|_| Stop::of(Problem::ChunkSize))?;
    if rest.is_empty() {
        return Ok((size, false));
    }
    let marker = rest.strip_prefix(' ').ok_or(Stop::of(Problem::ChunkSize))?;
    if marker.eq_ignore_ascii_case(LAST) {
        return Ok((size, true));
    }
    let begins = LAST.get(..marker.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(marker));
    Err(Stop { problem: Problem::EndMarker, at_end: begins })
}

/// `[<option character>]<node name>` (RFC 1985 §5), the whole text.
pub(super) fn node(text: &str) -> Result<&str, Stop> {
    if let Some(queue) = text.strip_prefix('#') {
        // What a queue is called is up to the server.
        let rest = &queue[octet::run(queue, VALUE)..];
        return if rest.is_empty() && !queue.is_empty() { Ok(text) } else { Err(Stop::at(rest, Problem::Node)) };
    }
    match domain(text.strip_prefix('@').unwrap_or(text), Charset::Ascii) {
        Ok(("", _)) => Ok(text),
        Ok(_) => Err(Stop::of(Problem::Node)),
        Err(error) => Err(Stop::in_address(error, |_| Problem::Node)),
    }
}

/// `sasl-mech [SP initial-response]` (RFC 4954 §8), the whole text.
pub(super) fn mechanism(text: &str) -> Result<(&str, Option<InitialResponse<'_>>), Stop> {
    let (mechanism, rest) = text.split_at(octet::run(text, MECH));
    if mechanism.is_empty() || mechanism.len() > 20 {
        return Err(if text.is_empty() {
            Stop::at(text, Problem::Missing("the mechanism"))
        } else {
            Stop::of(Problem::Mechanism)
        });
    }
    if rest.is_empty() {
        return Ok((mechanism, None));
    }
    let response = rest.strip_prefix(' ').ok_or(Stop::of(Problem::Mechanism))?;
    initial_response(response).map(|response| (mechanism, Some(response)))
}

/// `initial-response = base64 / "="`, the whole text. Padding stands at the end only.
fn initial_response(text: &str) -> Result<InitialResponse<'_>, Stop> {
    if text == "=" {
        return Ok(InitialResponse(text));
    }
    let characters =
        text.bytes().take_while(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/')).count();
    match (characters % 4, &text[characters..]) {
        (0, "") if characters > 0 => Ok(InitialResponse(text)),
        (2, "==") | (3, "=") => Ok(InitialResponse(text)),
        (_, "") | (2, "=") => Err(Stop::at("", Problem::InitialResponse)),
        _ => Err(Stop::of(Problem::InitialResponse)),
    }
}

const LAST: &str = "LAST";
