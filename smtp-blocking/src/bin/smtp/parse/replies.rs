//! Replies, and the answer to EHLO.

use serde_json::{Value, json};
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
        Err(error @ ReplyError::Incomplete) => beginning(error),
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
        Err(error @ EhloError::Reply(ReplyError::Incomplete)) => beginning(error),
        Err(error) => failure(error),
    }
}

const BEHIND: &str = "something follows the reply";
