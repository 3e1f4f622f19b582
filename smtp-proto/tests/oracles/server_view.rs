//! A server session as its client sees it: which reply answers which octets, and what was accepted.

use bytes::Bytes;
use smtp_proto::CloseReason;
use smtp_proto::address::Charset;
use smtp_proto::body::LineEndings;
use smtp_proto::command::{Command, ParseOptions};
use smtp_proto::reply::{Reply, ReplyError, ReplyLimits, ReplyReader};
use smtp_proto::server::{Config, TlsPolicy};

use super::reference;
use super::server_session::{Message, Record};

/// Every command has its one reply, and what the client believes to be accepted is what was accepted.
pub fn check(record: &Record, config: &Config) {
    let closed = record.closed.expect("every session ends");
    // The output that is left is lost.
    let cut = matches!(closed, CloseReason::TransportFailed | CloseReason::WriteStalled);
    let codes = replies(&record.sent, cut);
    let extra = codes_as_expected(&codes, record, cut);
    let view = View::of(&record.came, &codes[..codes.len() - usize::from(extra)], config);
    if cut {
        assert!(record.messages.starts_with(&view.messages), "{:?} {:?}", view.messages, record.messages);
        return;
    }
    assert_eq!(view.messages, record.messages, "what the client sees and what the application sees");
    if !view.answered_all {
        assert_ne!(closed, CloseReason::PeerClosed, "what came before the end is answered");
    }
}

/// The codes of the replies; nothing else was sent.
fn replies(sent: &[u8], cut: bool) -> Vec<u16> {
    assert!(sent.iter().all(|octet| matches!(octet, b'\r' | b'\n' | b'\t' | b' '..=b'~')));
    assert!(sent.split_inclusive(|&octet| octet == b'\n').all(|line| line.len() <= 512));
    let mut chunk = Bytes::copy_from_slice(sent);
    let mut reader = ReplyReader::new();
    let mut codes = Vec::new();
    while let Some(reply) = reader.next(&mut chunk, &ReplyLimits::default()).expect("only replies are sent") {
        codes.push(reply.code().value());
    }
    assert!(cut || !reader.is_inside(), "the last reply is whole");
    if !cut && !sent.is_empty() {
        assert!(!matches!(Reply::parse(sent), Err(ReplyError::Incomplete)));
    }
    codes
}

/// Whether the last reply answers no event but tells why the connection ends.
fn codes_as_expected(codes: &[u16], record: &Record, cut: bool) -> bool {
    for (number, (code, expected)) in codes.iter().zip(&record.expected).enumerate() {
        let may_end = expected.may_end && record.closed == Some(CloseReason::TooManyAuthFailures);
        let gone = (!expected.answered || may_end) && *code == 421 && number + 1 == codes.len();
        assert!(*code == expected.code || gone, "reply {number} is {code}: {expected:?}");
    }
    let (came, expected) = (codes.len(), record.expected.len());
    if came > expected {
        assert_eq!(came, expected + 1, "{codes:?} for {:?}", record.expected);
        assert!(matches!(codes[expected], 421 | 552 | 554), "{codes:?} for {:?}", record.expected);
        return true;
    }
    let unanswered = record.expected.last().is_some_and(|last| !last.answered);
    assert!(cut || came == expected || unanswered && came + 1 == expected, "{codes:?} for {:?}", record.expected);
    false
}

/// What a client makes of the replies to its octets.
#[derive(Default)]
struct View {
    messages: Vec<Message>,
    /// No whole command is left without a reply.
    answered_all: bool,
}

impl View {
    fn of(came: &[u8], codes: &[u16], config: &Config) -> Self {
        let mut view = Self::default();
        let mut codes = codes.iter().copied();
        // The greeting.
        let Some(_) = codes.next() else { return view };
        let mut draft: Option<Message> = None;
        // What the client knows to be so since TLS began, if it did.
        let (mut is_greeted, mut is_in, mut in_exchange, mut is_tls) = (false, false, false, false);
        let mut rest = came;
        loop {
            let Some(end) = rest.iter().position(|&octet| octet == b'\n') else {
                // Only a line without an end, or TLS, is answered before its end.
                assert!(codes.next().is_none_or(|code| matches!(code, 421 | 500)) && codes.next().is_none());
                view.answered_all = true;
                return view;
            };
            let Some(code) = codes.next() else { return view };
            let (line, behind) = rest.split_at(end + 1);
            rest = behind;
            if in_exchange {
                assert!(matches!(code, 235 | 334 | 400..600), "{code} in an exchange");
                assert!(code != 235 || !is_in, "one AUTH succeeds");
                (in_exchange, is_in) = (code == 334, is_in || code == 235);
                continue;
            }
            let options = ParseOptions { charset: Charset::Ascii, max_parameters: config.limits.parameters.get() };
            let Some(Ok(command)) = line.strip_suffix(b"\r\n").map(|line| Command::parse(line, &options)) else {
                assert!((400..600).contains(&code), "{code} for {}", line.escape_ascii());
                continue;
            };
            let yes = (200..300).contains(&code);
            is_greeted |= yes && matches!(command, Command::Ehlo(_) | Command::Helo(_));
            match (command, &mut draft) {
                (Command::Ehlo(_) | Command::Helo(_) | Command::Rset, draft) if yes => *draft = None,
                (Command::StartTls, draft) if yes => {
                    assert!(is_greeted && draft.is_none() && !is_in && !is_tls);
                    (is_greeted, is_tls) = (false, true);
                }
                (Command::Auth { .. }, draft) if yes || code == 334 => {
                    assert!(is_greeted && draft.is_none() && !is_in);
                    (is_in, in_exchange) = (yes, !yes);
                }
                (Command::Mail { reverse_path, .. }, draft) if yes => {
                    assert!(draft.is_none(), "no transaction in another");
                    assert!(is_greeted && (is_in || !config.auth.required));
                    assert!(is_tls || config.tls != TlsPolicy::Required);
                    *draft = Some(Message { from: reverse_path.to_string(), ..Message::default() });
                }
                (Command::Rcpt { forward_path, .. }, draft) if yes => {
                    draft.as_mut().expect("RCPT follows MAIL").to.push(forward_path.to_string());
                }
                (Command::Data, draft) if code == 354 => {
                    let mut message = draft.take().expect("DATA follows RCPT");
                    let decoding = reference::decode(rest, config.line_endings);
                    let Some(end) = decoding.end else {
                        // Data far too large may be refused before their end.
                        assert!(codes.next().is_none(), "nothing is answered before its end");
                        view.answered_all = true;
                        return view;
                    };
                    rest = &rest[end..];
                    let Some(code) = codes.next() else { return view };
                    if (200..300).contains(&code) {
                        assert!(config.line_endings == LineEndings::Normalize || decoding.stray.is_none());
                        assert!(decoding.content.len() as u64 <= config.limits.message_size.get());
                        message.body = decoding.content;
                        view.messages.push(message);
                    }
                }
                (Command::Data, _) => assert!(!yes, "DATA is never over with its reply"),
                (Command::Bdat { size, .. }, _) => {
                    assert!(!yes);
                    rest = &rest[usize::try_from(size).unwrap_or(usize::MAX).min(rest.len())..];
                }
                _ => {}
            }
        }
    }
}
