//! What the grammars of the core say of a case, as JSON.

use core::fmt::Display;

use bytes::Bytes;
use serde_json::{Value, json};
use smtp_proto::address::{AddressError, Charset, Domain, ForwardPath, Mailbox, Path, ReversePath};
use smtp_proto::body::{BodyDecoder, Decoded, LineEndings};

use super::kind::Kind;
use super::{command, replies};
use crate::escape::escape;

/// Whether `octets` are what `kind` says, and what they hold: the object that `smtp parse` prints.
pub(crate) fn check(kind: Kind, octets: &[u8], charset: Charset) -> Value {
    match kind {
        Kind::Mailbox => address(octets, charset, |text| Mailbox::parse(text, charset).map(of_mailbox)),
        Kind::ReversePath => address(octets, charset, |text| ReversePath::parse(text, charset).map(of_reverse_path)),
        Kind::ForwardPath => address(octets, charset, |text| ForwardPath::parse(text, charset).map(of_forward_path)),
        Kind::Domain => address(octets, charset, |text| Domain::parse(text, charset).map(of_domain)),
        Kind::Command => command::command(octets, charset),
        Kind::Reply => replies::reply(octets),
        Kind::Ehlo => replies::ehlo(octets),
        Kind::Data => data(octets),
    }
}

/// What is said of a case that succeeded.
pub(super) fn success(mut found: Value) -> Value {
    found["ok"] = true.into();
    found
}

/// What is said of a case that failed. `error` is a clause.
pub(super) fn failure(error: impl Display) -> Value {
    let clause = error.to_string();
    let mut letters = clause.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    json!({ "ok": false, "error": first.chain(letters).chain(['.']).collect::<String>() })
}

/// What is said of a case that only ended too early.
pub(super) fn beginning(error: impl Display) -> Value {
    let mut answer = failure(error);
    answer["incomplete"] = true.into();
    answer
}

fn address(octets: &[u8], charset: Charset, parse: impl Fn(&str) -> Result<Value, AddressError>) -> Value {
    let text = match str::from_utf8(octets) {
        Ok(text) => text,
        Err(error) => {
            // A character that is cut short may be the end of a correct beginning.
            let before = str::from_utf8(&octets[..error.valid_up_to()]).unwrap_or_default();
            let is_beginning = charset == Charset::Utf8
                && error.error_len().is_none()
                && parse(before).err().is_none_or(|error| error.is_incomplete());
            return if is_beginning { beginning(NOT_UTF8) } else { failure(NOT_UTF8) };
        }
    };
    match parse(text) {
        Ok(found) => success(found),
        Err(error) if error.is_incomplete() => beginning(error),
        Err(error) => failure(error),
    }
}

fn of_domain(domain: Domain<'_>) -> Value {
    json!({ "domain": domain.as_str(), "canonical": domain.as_str() })
}

fn of_mailbox(mailbox: Mailbox<'_>) -> Value {
    let canonical = mailbox.canonical();
    let local = canonical.strip_suffix(mailbox.domain()).and_then(|text| text.strip_suffix('@'));
    json!({ "local": local, "domain": mailbox.domain(), "canonical": canonical })
}

/// The source route is told, but is no part of the canonical form (RFC 5321 appendix C).
fn of_path(path: Path<'_>) -> Value {
    let mailbox = path.mailbox();
    let mut found = of_mailbox(mailbox);
    found["canonical"] = format!("<{}>", mailbox.canonical()).into();
    if let Some(route) = path.source_route() {
        found["route"] = route.into();
    }
    found
}

fn of_reverse_path(path: ReversePath<'_>) -> Value {
    match path {
        ReversePath::Null => json!({ "canonical": "<>" }),
        ReversePath::Path(path) => of_path(path),
    }
}

fn of_forward_path(path: ForwardPath<'_>) -> Value {
    match path {
        ForwardPath::Postmaster(_) => json!({ "local": "Postmaster", "canonical": "<Postmaster>" }),
        ForwardPath::Path(path) => of_path(path),
    }
}

fn data(octets: &[u8]) -> Value {
    let mut decoder = BodyDecoder::new(LineEndings::Strict);
    let mut rest = Bytes::copy_from_slice(octets);
    let mut body = Vec::new();
    let is_whole = loop {
        match decoder.next(&mut rest) {
            Decoded::Content(piece) => body.extend_from_slice(&piece),
            Decoded::End => break true,
            _ => break false,
        }
    };
    match decoder.stray() {
        Some(stray) => failure(format_args!("the mail data hold {stray}")),
        None if is_whole => success(json!({ "body": escape(&body), "consumed": octets.len() - rest.len() })),
        None => beginning("the mail data do not end in CRLF . CRLF"),
    }
}

const NOT_UTF8: &str = "there are octets that are no text in UTF-8";
