//! Replies: a line of [`Cuts`], then the octets of a server.

use bytes::Bytes;
use smtp_proto::reply::{EhloResponse, Reply, ReplyError, ReplyLimits, ReplyReader};

use super::plan::{self, Cuts};

/// The same replies come out under any cut, and each can be sent and read again.
pub fn run(mut input: &[u8]) {
    let cuts = Cuts::new(plan::line(&mut input));
    let mut tight = ReplyLimits::default();
    (tight.line, tight.octets, tight.lines) = (40, 90, 3);
    for limits in [ReplyLimits::default(), tight] {
        let whole = read(input, Cuts::WHOLE, &limits);
        assert_eq!(read(input, cuts.clone(), &limits), whole, "in pieces and in whole");
        assert_eq!(read_each(input, &limits), whole, "each by itself");
        for reply in &whole.0 {
            assert!(reply.lines().count() <= limits.lines && reply.text().len() <= 3 * limits.octets);
            send(reply);
        }
    }
    let (replies, end) = read(input, Cuts::WHOLE, &ReplyLimits::default());
    match Reply::parse(input) {
        Ok((reply, taken)) => {
            assert_eq!(Some(&reply), replies.first());
            beginnings_are_incomplete(&input[..taken]);
        }
        Err(ReplyError::Incomplete) => assert_eq!((replies.is_empty(), end.is_ok()), (true, true)),
        Err(error) => assert!(replies.is_empty() && end.err().is_none_or(|end| end == error), "{error}"),
    }
    let _ = EhloResponse::parse(input);
}

/// What comes of a stream: replies, and whether one more has begun, or an error.
fn read(mut input: &[u8], mut cuts: Cuts<'_>, limits: &ReplyLimits) -> (Vec<Reply>, Result<bool, ReplyError>) {
    let mut reader = ReplyReader::new();
    let mut replies = Vec::new();
    while !input.is_empty() {
        let (piece, rest) = input.split_at(cuts.next(input.len()));
        input = rest;
        let mut chunk = Bytes::copy_from_slice(piece);
        loop {
            match reader.next(&mut chunk, limits) {
                Ok(Some(reply)) => replies.push(reply),
                Ok(None) => break,
                Err(error) => {
                    assert_ne!(error, ReplyError::Incomplete);
                    assert_eq!(reader.next(&mut chunk, limits), Err(error), "the error is repeated");
                    return (replies, Err(error));
                }
            }
        }
        assert!(chunk.is_empty(), "what asks for more has taken everything");
        reader.release();
    }
    (replies, Ok(reader.is_inside()))
}

/// The same with a new reader for each reply.
fn read_each(input: &[u8], limits: &ReplyLimits) -> (Vec<Reply>, Result<bool, ReplyError>) {
    let mut chunk = Bytes::copy_from_slice(input);
    let mut replies = Vec::new();
    loop {
        let mut reader = ReplyReader::new();
        match reader.next(&mut chunk, limits) {
            Ok(Some(reply)) => replies.push(reply),
            Ok(None) => return (replies, Ok(reader.is_inside())),
            Err(error) => return (replies, Err(error)),
        }
    }
}

/// What is sent is one whole reply of lines that are not too long, and says the same.
fn send(reply: &Reply) {
    let wire = encoded(reply);
    let (again, taken) = Reply::parse(&wire).expect("what was encoded is a reply");
    assert_eq!(taken, wire.len());
    assert_eq!((again.code(), again.enhanced()), (reply.code(), reply.enhanced()));
    assert!(wire.split_inclusive(|&octet| octet == b'\n').all(|line| line.len() <= 512 && line.ends_with(b"\r\n")));
    assert_eq!(encoded(&again), wire, "encoding says the same again");
    let is_text = |octet: &u8| matches!(octet, b'\t' | b' '..=b'~');
    if reply.lines().all(|line| line.len() < 490 && line.iter().all(is_text)) {
        assert_eq!(&again, reply);
    }
    assert!(!reply.to_string().is_empty());
    let response = EhloResponse::from_reply(reply);
    for (keyword, arguments) in response.keywords() {
        assert!(response.has(keyword) && arguments.count() <= wire.len());
    }
    assert!(response.size().is_none() || response.has("SIZE"));
    if reply.code().value() == 250
        && let Ok((parsed, _)) = EhloResponse::parse(&wire)
    {
        assert_eq!(parsed, EhloResponse::from_reply(&again));
    }
}

fn encoded(reply: &Reply) -> Vec<u8> {
    let mut wire = b"before".to_vec();
    reply.encode(&mut wire);
    wire.split_off(6)
}

fn beginnings_are_incomplete(reply: &[u8]) {
    let step = 1 + reply.len() / 256;
    for end in (0..reply.len()).step_by(step) {
        let beginning = &reply[..end];
        assert_eq!(Reply::parse(beginning), Err(ReplyError::Incomplete), "{}", beginning.escape_ascii());
    }
}
