//! Replies, and the answer to EHLO.

use serde_json::{Value, json};
use smtp_proto::address::{Charset, Host};
use smtp_proto::reply::{EhloError, EhloResponse, Reply, ReplyError};

use super::check::{beginning, failure, success};

pub(super) fn reply(octets: &[u8]) -> Value {
    match Reply::parse(octets) {
        Ok((_, taken)) if taken < octets.len() => failure(BEHIND),
        Ok((reply, _)) => success(json!({
            "code": reply.code().value(),
            "enhanced": reply.enhanced().map(|enhanced| enhanced.to_string()),
            "lines": reply.lines().map(String::from_utf8_lossy).collect::<Vec<_>>(),
        })),
        // What no ending makes a reply is no beginning of one.
        Err(ReplyError::Incomplete) => match Reply::parse(&ended(octets.to_vec())) {
            Ok(_) => beginning(ReplyError::Incomplete),
            Err(error) => failure(error),
        },
        Err(error) => failure(error),
    }
}

pub(super) fn ehlo(octets: &[u8]) -> Value {
    match EhloResponse::parse(octets) {
        Ok((_, taken)) if taken < octets.len() => failure(BEHIND),
        Ok((response, _)) => success(json!({
            "domain": response.domain(),
            "keywords": response
                .keywords()
                .map(|(keyword, arguments)| json!([keyword, arguments.collect::<Vec<_>>()]))
                .collect::<Vec<_>>(),
        })),
        Err(EhloError::Reply(ReplyError::Incomplete)) => match EhloResponse::parse(&ended(with_word(octets))) {
            Ok(_) => beginning(ReplyError::Incomplete),
            Err(error) => failure(error),
        },
        Err(error) => failure(error),
    }
}

/// The reply that `octets` become when the line they break off in, and the reply with it, is ended as soon as may be.
fn ended(mut octets: Vec<u8>) -> Vec<u8> {
    let code: [u8; 3] = octets.first_chunk().copied().unwrap_or(*b"250");
    loop {
        let start = last_line(&octets);
        let length = octets.len() - start;
        if let Some(digits) = code.get(length..) {
            octets.extend_from_slice(digits);
            octets.extend_from_slice(b" x");
        }
        let line_end: &[u8] = if octets.ends_with(b"\r") { b"\n" } else { b"\r\n" };
        octets.extend_from_slice(line_end);
        if octets.get(start + code.len()) != Some(&b'-') {
            return octets;
        }
    }
}

/// An answer to EHLO that breaks off where a word must follow, or in a domain, with the shortest word there.
fn with_word(octets: &[u8]) -> Vec<u8> {
    let start = last_line(octets);
    let mut answer = octets.to_vec();
    let Some(text) = octets[start..].get(4..) else { return answer };
    let host = str::from_utf8(text).map(|text| Host::parse(text, Charset::Ascii));
    if start == 0 && matches!(host, Ok(Err(error)) if error.is_incomplete()) {
        answer.truncate(4);
        answer.push(b'x');
    } else if text.is_empty() || text.ends_with(b" ") {
        answer.push(b'x');
    }
    answer
}

/// Where the last line begins, which may have no octet yet.
fn last_line(octets: &[u8]) -> usize {
    octets.iter().rposition(|&octet| octet == b'\n').map_or(0, |end| end + 1)
}

const BEHIND: &str = "something follows the reply";
