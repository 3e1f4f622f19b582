//! A message made of a subject and a text.

use std::io;
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use mail_builder::MessageBuilder;
use mail_builder::headers::raw::Raw;

use crate::date;

/// The message: with Date and Message-ID, and encoded so that it is ASCII. `to` may be shown to everybody.
pub(crate) fn compose(from: &str, to: &[String], subject: &str, body: &str) -> io::Result<Vec<u8>> {
    MessageBuilder::new()
        .header("Date", Raw::new(date::now()))
        .message_id(message_id(from))
        .from(from)
        .to(to.iter().map(String::as_str).collect::<Vec<_>>())
        .subject(subject)
        .text_body(body)
        .write_to_vec()
}

/// An identifier that no other message has: of this domain, by time and process (RFC 5322 §3.6.4).
fn message_id(from: &str) -> String {
    let domain = from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}.{:09}.{}@{domain}", time.as_secs(), time.subsec_nanos(), process::id())
}

#[cfg(test)]
mod tests {
    use super::compose;

    fn composed(subject: &str, body: &str) -> String {
        let to = ["bob@example.org".to_owned(), "carol@example.org".to_owned()];
        let message = compose("alice@client.example", &to, subject, body).expect("no I/O");
        String::from_utf8(message).expect("ASCII")
    }

    #[test]
    fn has_what_a_message_needs() {
        let message = composed("Hello", "one\ntwo\n");
        let (header, body) = message.split_once("\r\n\r\n").expect("a header section");
        for field in ["From: <alice@client.example>", "Subject: Hello", "MIME-Version: 1.0"] {
            assert!(header.lines().any(|line| line == field), "no `{field}` in {header}");
        }
        assert!(header.contains("<bob@example.org>") && header.contains("<carol@example.org>"), "{header}");
        let field = |name| header.lines().find_map(|line| line.strip_prefix(name)).expect("the field");
        jiff::fmt::rfc2822::parse(field("Date: ")).expect("a date");
        assert!(field("Message-ID: ").ends_with("@client.example>"), "{header}");
        assert_eq!(body.lines().collect::<Vec<_>>(), ["one", "two"]);
    }

    #[test]
    fn is_ascii_and_has_no_field_smuggled_in() {
        let message = composed("Grüße\r\nBcc: mallory@example.org", "Grüße");
        assert!(message.is_ascii());
        assert!(!message.lines().any(|line| line.starts_with("Bcc")), "{message}");
    }
}
