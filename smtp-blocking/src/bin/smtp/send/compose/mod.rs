//! A message made of what the command line says.

mod inline;
mod mailbox;
mod source;
mod tree;

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::make_boundary;

use super::message::MessageError;
use crate::date;
use inline::Inline;
pub(crate) use mailbox::Mailbox;
use source::Source;
use tree::{Attachment, Content};

/// What a message is made of, and who gets copies.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Message")]
pub(crate) struct Composition {
    /// Makes a message with this subject.
    #[arg(long, value_name = "TEXT", value_parser = subject, conflicts_with = "message")]
    subject: Option<String>,
    /// Makes a message with this plain text, or with that of a file; @- is standard input, @@ a text that begins with @.
    #[arg(long, visible_alias = "body", value_name = "TEXT|@FILE", conflicts_with = "message")]
    text: Option<Source>,
    /// Makes a message with this HTML text, as an alternative to the plain text if there is one.
    #[arg(long, value_name = "TEXT|@FILE", conflicts_with = "message")]
    html: Option<Source>,
    /// Makes a message with this file attached. May be given more than once.
    #[arg(long, value_name = "FILE", conflicts_with = "message")]
    attach: Vec<PathBuf>,
    /// Adds a file that the HTML text shows as cid:CID. May be given more than once.
    #[arg(long, value_name = "CID=FILE", requires = "html", conflicts_with = "message")]
    inline: Vec<Inline>,
    /// A recipient of a copy, named in the header of a message that is made. May be given more than once.
    #[arg(long, value_name = "ADDRESS")]
    cc: Vec<Mailbox>,
    /// A recipient that no header names. May be given more than once.
    #[arg(long, value_name = "ADDRESS")]
    bcc: Vec<Mailbox>,
}

impl Composition {
    /// Whether a message is made, and not read.
    pub(crate) fn is_given(&self) -> bool {
        let is_text = self.subject.is_some() || self.text.is_some() || self.html.is_some();
        is_text || !self.attach.is_empty() || !self.inline.is_empty()
    }

    /// The recipients of copies, with the options that name them.
    pub(crate) fn copies(&self) -> impl Iterator<Item = (&'static str, &Mailbox)> {
        self.cc.iter().map(|cc| ("--cc", cc)).chain(self.bcc.iter().map(|bcc| ("--bcc", bcc)))
    }

    /// Whether the options agree with each other.
    ///
    /// # Errors
    ///
    /// Says in a sentence which do not.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.text == Some(Source::Input) && self.html == Some(Source::Input) {
            return Err("--text and --html cannot both come from standard input".into());
        }
        let mut seen = BTreeSet::new();
        match self.inline.iter().find(|inline| !seen.insert(&inline.cid)) {
            Some(inline) => Err(format!("--inline names two files {}", inline.cid)),
            None => Ok(()),
        }
    }

    /// The message: with Date and Message-ID, and encoded so that it is ASCII. It is made in memory.
    pub(crate) fn compose(&self, from: &Mailbox, to: &[Mailbox]) -> Result<Vec<u8>, MessageError> {
        let content = self.read()?;
        let mut message = MessageBuilder::new()
            .header("Date", Raw::new(date::now()))
            .message_id(message_id(from))
            .from(Address::from(from));
        // RFC 5322 §3.6.3: a field that is there names somebody.
        if !to.is_empty() {
            message = message.to(to.iter().collect::<Vec<_>>());
        }
        if !self.cc.is_empty() {
            message = message.cc(self.cc.iter().collect::<Vec<_>>());
        }
        if let Some(subject) = &self.subject {
            message = message.subject(subject);
        }
        let mut octets = Vec::new();
        message.body(content.into_part()).serialize(&mut octets);
        Ok(octets)
    }

    fn read(&self) -> Result<Content, MessageError> {
        let shown = |inline: &Inline| Ok((inline.cid.clone(), Attachment::read(&inline.path)?));
        Ok(Content {
            text: self.text.as_ref().map(Source::read).transpose()?,
            html: self.html.as_ref().map(Source::read).transpose()?,
            inline: self.inline.iter().map(shown).collect::<Result<_, _>>()?,
            attachments: self.attach.iter().map(|path| Attachment::read(path)).collect::<Result<_, _>>()?,
        })
    }
}

/// A subject, if it can be one.
fn subject(text: &str) -> Result<String, &'static str> {
    let is_wrong = text.contains(|character: char| character.is_control() && character != '\t');
    if is_wrong { Err("a subject is one line without control characters") } else { Ok(text.into()) }
}

/// An identifier that no other message has: of this domain, by time, chance and thread (RFC 5322 §3.6.4).
fn message_id(from: &Mailbox) -> String {
    format!("{}@{}", make_boundary("."), from.domain().unwrap_or("localhost"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use mail_parser::{Message, MessageParser};

    use super::{Composition, Mailbox, MessageError, subject};

    fn mailboxes<const N: usize>(texts: [&str; N]) -> Vec<Mailbox> {
        texts.iter().map(|text| text.parse().expect("a mailbox")).collect()
    }

    fn composed(composition: &Composition, from: &str, to: &[Mailbox]) -> Vec<u8> {
        let octets = composition.compose(&from.parse().expect("a mailbox"), to).expect("no file is read");
        assert!(octets.is_ascii());
        octets
    }

    fn people(address: Option<&mail_parser::Address<'_>>) -> Vec<(Option<String>, String)> {
        let people = address.into_iter().flat_map(|address| address.iter());
        let text = |text: Option<&str>| text.map(str::to_owned);
        people.map(|person| (text(person.name()), text(person.address()).expect("an address"))).collect()
    }

    fn parse(octets: &[u8]) -> Message<'_> {
        MessageParser::new().parse(octets).expect("a message")
    }

    fn subject_of(text: &str) -> Composition {
        Composition { subject: Some(text.into()), ..Composition::default() }
    }

    /// RFC 5322 §3.6, RFC 2047. R-2.3.1-02: the header section is ASCII, whatever the names and the subject are.
    #[test]
    fn header_says_who_and_what() {
        let long = format!("Grüße {}", "an alle, ".repeat(30));
        let composition = Composition {
            cc: mailboxes(["carol@example.org", "Доктор <d@example.org>"]),
            bcc: mailboxes(["Eve <eve@example.org>"]),
            ..subject_of(long.trim_end())
        };
        let to = mailboxes([r#"Bob "B" <bob@example.org>"#, "Müller, Änne <am@example.org>"]);
        let octets = composed(&composition, "Ada Lovelace <ada@client.example>", &to);
        let message = parse(&octets);
        let person = |name: Option<&str>, address: &str| (name.map(str::to_owned), address.to_owned());
        assert_eq!(message.subject(), Some(long.trim_end()));
        assert_eq!(people(message.from()), [person(Some("Ada Lovelace"), "ada@client.example")]);
        let expected = [person(Some("Bob B"), "bob@example.org"), person(Some("Müller, Änne"), "am@example.org")];
        assert_eq!(people(message.to()), expected);
        let expected = [person(None, "carol@example.org"), person(Some("Доктор"), "d@example.org")];
        assert_eq!(people(message.cc()), expected);
        assert!(!octets.windows(3).any(|octets| octets.eq_ignore_ascii_case(b"eve")));
        assert_eq!(message.mime_version().as_text(), Some("1.0"));
        assert!(message.message_id().expect("the field").ends_with("@client.example"));
        let date = message.header_raw("Date").expect("the field");
        jiff::fmt::rfc2822::parse(date.trim()).expect("a date");
        // All but the identifier can be folded.
        let mut lines = str::from_utf8(&octets).expect("ASCII").split("\r\n");
        assert!(lines.all(|line| line.len() <= 78 || line.starts_with("Message-ID: ")));
    }

    /// R-4.4-17: there is no Return-Path among the fields.
    #[test]
    fn what_is_not_given_is_not_there() {
        let composition = Composition { text: Some("one\ntwo\n".parse().expect("a text")), ..Composition::default() };
        let octets = composed(&composition, "<alice@client.example>", &[]);
        let message = parse(&octets);
        let names: Vec<_> = message.headers().iter().map(mail_parser::Header::name).collect();
        assert_eq!(names, ["Date", "Message-ID", "From", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"]);
        assert_eq!(message.body_text(0).as_deref(), Some("one\r\ntwo\r\n"));
    }

    #[test]
    fn message_ids_differ() {
        let id = || {
            let octets = composed(&subject_of("x"), "alice@client.example", &[]);
            parse(&octets).message_id().expect("the field").to_owned()
        };
        let ids: std::collections::BTreeSet<_> = (0..1000).map(|_| id()).collect();
        assert_eq!(ids.len(), 1000);
    }

    #[test]
    fn no_field_is_smuggled_in() {
        for text in ["a\r\nBcc: mallory@example.org", "a\nb", "a\rb", "a\0", "a\u{7f}", "a\u{85}"] {
            assert!(subject(text).is_err(), "{}", text.escape_debug());
            // What the options refuse does no harm either.
            let octets = composed(&subject_of(text), "alice@client.example", &[]);
            assert!(!octets.windows(5).any(|octets| octets == b"\nBcc:"), "{}", octets.escape_ascii());
        }
        assert_eq!(subject("a\tGrüße"), Ok("a\tGrüße".into()));
    }

    #[test]
    fn texts_come_from_files() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("text");
        let composition = Composition {
            html: Some(format!("@{}", path.display()).parse().expect("a file")),
            ..Composition::default()
        };
        let from: Mailbox = "alice@client.example".parse().expect("a mailbox");
        let error = composition.compose(&from, &[]).expect_err("it is not there");
        assert!(matches!(&error, MessageError::Read { name, .. } if *name == path.display().to_string()), "{error}");
        fs::write(&path, b"<p>Gr\xfc\xdfe").expect("written");
        let error = composition.compose(&from, &[]).expect_err("it is ISO 8859-1");
        assert!(matches!(&error, MessageError::NotUtf8 { name } if *name == path.display().to_string()), "{error}");
        fs::write(&path, "<p>Grüße").expect("written");
        let octets = composed(&composition, "alice@client.example", &[]);
        assert_eq!(parse(&octets).body_html(0).as_deref(), Some("<p>Grüße"));
    }
}
