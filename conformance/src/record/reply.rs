//! Replies, as they come and as they are written down.

use super::line::{escape_dollars, text};
use crate::transcript::{Argument, Item, Role, Side};

/// The lines of a transcript for a reply. `role`: who is under test. `is_ehlo`: it answers EHLO.
pub(super) fn written(reply: &[Vec<u8>], role: Role, is_ehlo: bool) -> Vec<String> {
    let texts: Option<Vec<&str>> = reply.iter().map(|line| text(line)).collect();
    match texts.filter(|texts| texts.iter().all(|text| is_reply(text))) {
        None => reply.iter().map(|line| raw(line)).collect(),
        Some(texts) if role == Role::Server => expected(&texts, is_ehlo),
        Some(texts) => texts.into_iter().map(said).collect(),
    }
}

/// A line of a reply that is said once more.
fn said(text: &str) -> String {
    // What stands in a pattern would be said otherwise.
    let has_meaning = text.contains(" | ") || text.contains("~/") || text.contains("exact \"");
    if has_meaning { raw(format!("{text}\r\n").as_bytes()) } else { format!("S: {}", text.replace('$', "$$")) }
}

/// A reply that a server has to give once more: its code, and of EHLO what it offers.
fn expected(texts: &[&str], is_ehlo: bool) -> Vec<String> {
    let (code, behind) = texts[0].split_at(3);
    if is_ehlo && code == "250" {
        let keywords = texts[1..].iter().map(|text| {
            let (key, argument) = text[4..].split_once(' ').unwrap_or((&text[4..], ""));
            let argument = argument.trim();
            let argument = (!argument.is_empty()).then(|| Argument::Is(argument.replace('$', "$$")));
            Item::Keyword { present: true, key: key.to_owned(), argument }.to_string()
        });
        return core::iter::once(format!("S: {code}")).chain(keywords).collect();
    }
    let behind = behind.trim_start_matches([' ', '-']);
    let harmless = |letter: char| letter.is_ascii_alphanumeric() || " .,:;()<>@_-=/".contains(letter);
    let is_harmless = behind.chars().all(harmless) && !behind.contains("exact");
    let behind = if is_harmless && !behind.is_empty() { format!(" {behind}") } else { String::new() };
    vec![format!("S: {code}{behind}")]
}

/// Every octet as it came.
fn raw(line: &[u8]) -> String {
    Item::Raw { side: Side::Server, octets: escape_dollars(line) }.to_string()
}

/// Three digits, and nothing or a text behind a space or hyphen.
fn is_reply(text: &str) -> bool {
    let octets = text.as_bytes();
    octets.len() >= 3 && octets[..3].iter().all(u8::is_ascii_digit) && matches!(octets.get(3), None | Some(b' ' | b'-'))
}

/// A reply without the line that offers STARTTLS.
pub(super) fn without_starttls(reply: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let offers = |line: &Vec<u8>| line.get(4..).is_some_and(|key| key.trim_ascii().eq_ignore_ascii_case(b"STARTTLS"));
    let mut lines: Vec<Vec<u8>> = reply.into_iter().filter(|line| !offers(line)).collect();
    if let Some(hyphen) = lines.last_mut().and_then(|line| line.get_mut(3)).filter(|octet| **octet == b'-') {
        *hyphen = b' ';
    }
    lines
}
