//! The body of a message: texts and files, put together as mail programs expect them.

use std::fs;
use std::path::Path;

use mail_builder::headers::HeaderType;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};

use crate::send::message::MessageError;

/// What a message holds.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
    /// What the HTML text shows, with the Content-IDs that it is named by.
    pub(crate) inline: Vec<(String, Attachment)>,
    pub(crate) attachments: Vec<Attachment>,
}

/// A file that goes with a message.
#[derive(Debug)]
pub(crate) struct Attachment {
    /// Its name without folders.
    pub(crate) name: String,
    pub(crate) octets: Vec<u8>,
}

impl Content {
    /// The body: mixed(alternative(text, related(html, inline…)), attachments…), without the levels that would hold one
    /// part (RFC 2046 §5.1.3, §5.1.4, RFC 2387). Attachments always stand in a multipart/mixed, because not every mail
    /// program shows a message that is nothing but a file.
    pub(crate) fn into_part(self) -> MimePart<'static> {
        let text = self.text.map(|text| MimePart::new("text/plain", with_line_feeds(&text)));
        let inline = self.inline;
        let html = self.html.map(|html| related(MimePart::new("text/html", with_line_feeds(&html)), inline));
        let body = match (text, html) {
            // The last one is the one that is preferred.
            (Some(text), Some(html)) => Some(MimePart::new("multipart/alternative", vec![text, html])),
            (text, html) => text.or(html),
        };
        if self.attachments.is_empty() {
            return body.unwrap_or_else(|| MimePart::new("text/plain", ""));
        }
        let attachments = self.attachments.into_iter().map(|attachment| attachment.into_part("attachment"));
        MimePart::new("multipart/mixed", body.into_iter().chain(attachments).collect::<Vec<_>>())
    }
}

impl Attachment {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, MessageError> {
        let octets = fs::read(path).map_err(MessageError::read(path.display()))?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Self { name, octets })
    }

    /// The part, in base64 whatever it is, so that it arrives octet for octet.
    fn into_part(self, disposition: &'static str) -> MimePart<'static> {
        // A raw Content-Type keeps the builder from writing text as text.
        let kind: HeaderType<'_> = Raw::new(self.content_type()).into();
        MimePart { headers: vec![("Content-Type".into(), kind)], contents: BodyPart::Binary(self.octets.into()) }
            .header("Content-Disposition", ContentType::new(disposition).attribute("filename", self.name))
    }

    /// What its name says that it is.
    fn content_type(&self) -> String {
        let guess = mime_guess::from_path(&self.name).first_raw().unwrap_or(UNKNOWN);
        match guess.split('/').next() {
            // These may not be in base64 (RFC 2045 §6.4).
            Some("message" | "multipart") => UNKNOWN.into(),
            // Without a charset it is US-ASCII (RFC 2046 §4.1.2).
            Some("text") if !self.octets.is_ascii() && str::from_utf8(&self.octets).is_ok() => {
                format!("{guess}; charset=utf-8")
            }
            _ => guess.into(),
        }
    }
}

/// An HTML text with what it shows.
fn related(html: MimePart<'static>, inline: Vec<(String, Attachment)>) -> MimePart<'static> {
    if inline.is_empty() {
        return html;
    }
    let shown = inline.into_iter().map(|(cid, file)| file.into_part("inline").cid(cid));
    // RFC 2387 §3.1: the type of the first part must be said.
    let kind = ContentType::new("multipart/related").attribute("type", "text/html");
    MimePart::new(kind, [html].into_iter().chain(shown).collect::<Vec<_>>())
}

/// `text` with line ends of one kind, which the builder makes CRLF.
fn with_line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// RFC 2046 §4.5.1.
const UNKNOWN: &str = "application/octet-stream";

#[cfg(test)]
mod tests {
    use mail_builder::MessageBuilder;
    use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders as _};

    use super::{Attachment, Content};

    const TEXT: &str = "Grüße\n.\nFrom here\r\non \n";
    const HTML: &str = "<p>Grüße <img src=cid:a> <img src='cid:b@example.org'></p>";

    fn file(name: &str, octets: &[u8]) -> Attachment {
        Attachment { name: name.into(), octets: octets.into() }
    }

    fn content(text: bool, html: bool, inline: bool, attachments: bool) -> Content {
        let with = |is_there: bool, text: &str| is_there.then(|| text.to_owned());
        let mut content = Content { text: with(text, TEXT), html: with(html, HTML), ..Content::default() };
        if inline {
            content.inline.push(("a".into(), file("a.png", b"\x89PNG\r\n")));
            content.inline.push(("b@example.org".into(), file("b.svg", b"<svg/>\n")));
        }
        if attachments {
            content.attachments.push(file("a.pdf", &(0..=255).collect::<Vec<_>>()));
            content.attachments.push(file("a.txt", b"one\ntwo \r\nthree\rfour"));
        }
        content
    }

    fn built(content: Content) -> Vec<u8> {
        let octets = MessageBuilder::new().from("a@b.example").body(content.into_part()).write_to_vec();
        let octets = octets.expect("no I/O");
        assert!(octets.is_ascii());
        for line in str::from_utf8(&octets).expect("ASCII").split("\r\n") {
            assert!(line.len() <= 78 && !line.contains(['\r', '\n']), "{}", line.escape_debug());
        }
        octets
    }

    fn parsed(octets: &[u8]) -> Message<'_> {
        MessageParser::new().parse(octets).expect("a message")
    }

    /// The types, with what holds other parts written around them.
    fn shape(message: &Message<'_>, part: &MessagePart<'_>) -> String {
        let content_type = part.content_type().expect("the field");
        let name = content_type.subtype().expect("a subtype");
        let Some(parts) = part.sub_parts() else { return name.into() };
        let parts: Vec<_> =
            parts.iter().map(|&id| shape(message, message.part(id).expect("a part of the message"))).collect();
        if name == "related" {
            assert_eq!(content_type.attribute("type"), Some("text/html"), "RFC 2387 section 3.1");
        }
        format!("{name}({})", parts.join(" "))
    }

    fn part<'a>(message: &'a Message<'a>, subtype: &str) -> &'a MessagePart<'a> {
        let is_wanted =
            |part: &&MessagePart<'_>| part.content_type().is_some_and(|kind| kind.subtype() == Some(subtype));
        message.parts.iter().find(is_wanted).unwrap_or_else(|| panic!("no {subtype}"))
    }

    /// RFC 2046 §5.1, RFC 2387: each combination of what a message may hold.
    #[test]
    fn every_shape() {
        let shapes = [
            (0b0000, "plain"),
            (0b0001, "mixed(pdf plain)"),
            (0b0100, "html"),
            (0b0101, "mixed(html pdf plain)"),
            (0b0110, "related(html png svg+xml)"),
            (0b0111, "mixed(related(html png svg+xml) pdf plain)"),
            (0b1000, "plain"),
            (0b1001, "mixed(plain pdf plain)"),
            (0b1100, "alternative(plain html)"),
            (0b1101, "mixed(alternative(plain html) pdf plain)"),
            (0b1110, "alternative(plain related(html png svg+xml))"),
            (0b1111, "mixed(alternative(plain related(html png svg+xml)) pdf plain)"),
        ];
        for (bits, expected) in shapes {
            let [text, html, inline, attachments] = [0b1000, 0b0100, 0b0010, 0b0001].map(|bit| bits & bit != 0);
            let octets = built(content(text, html, inline, attachments));
            let message = parsed(&octets);
            assert_eq!(shape(&message, message.root_part()), expected);
            if text {
                let read = part(&message, "plain").text_contents().expect("text");
                assert_eq!(read.replace("\r\n", "\n"), TEXT.replace("\r\n", "\n"), "{expected}");
            }
            if html {
                assert_eq!(part(&message, "html").text_contents(), Some(HTML), "{expected}");
            }
            if inline {
                for (subtype, cid, name) in [("png", "a", "a.png"), ("svg+xml", "b@example.org", "b.svg")] {
                    let part = part(&message, subtype);
                    assert_eq!((part.content_id(), part.attachment_name()), (Some(cid), Some(name)));
                    assert!(part.content_disposition().expect("the field").is_inline());
                }
                assert_eq!(part(&message, "png").contents(), b"\x89PNG\r\n");
            }
            if attachments {
                let [.., pdf, text] = &message.parts[..] else { panic!("two parts") };
                assert_eq!(pdf.contents(), (0..=255).collect::<Vec<_>>());
                assert_eq!(text.contents(), b"one\ntwo \r\nthree\rfour");
                assert_eq!((pdf.attachment_name(), text.attachment_name()), (Some("a.pdf"), Some("a.txt")));
                assert!([pdf, text].iter().all(|part| part.content_disposition().expect("the field").is_attachment()));
            }
        }
    }

    /// RFC 2045 §6.4, RFC 2046 §4.1.2, §4.5.1.
    #[test]
    fn types_of_files() {
        let cases: [(&str, &[u8], &str); 10] = [
            ("a.png", b"", "image/png"),
            ("A.PDF", b"", "application/pdf"),
            ("a.tar.gz", b"", "application/gzip"),
            ("a.csv", b"a,b", "text/csv"),
            ("a.csv", "ä,b".as_bytes(), "text/csv; charset=utf-8"),
            ("a.csv", b"\xe4,b", "text/csv"),
            ("a.eml", b"Subject: x", "application/octet-stream"),
            ("README", b"", "application/octet-stream"),
            ("a.no such type", b"", "application/octet-stream"),
            (".png", b"", "application/octet-stream"),
        ];
        for (name, octets, expected) in cases {
            assert_eq!(file(name, octets).content_type(), expected, "{name}");
        }
    }

    /// RFC 2183 §2.3, RFC 2231: names of any characters and any length.
    #[test]
    fn names_of_files() {
        let names = [
            "a b.txt".to_owned(),
            r#"a"b;c\d=e,f%20'g'.txt"#.into(),
            "Größe.txt".into(),
            r#"Grö"ße;\.txt"#.into(),
            "Jahresabschluß, 2026 – 概要.txt".into(),
            "a\tb\r\nBcc: m@b.example\u{1}\u{7f}.txt".into(),
            format!("{}.txt", "long ".repeat(45)),
            format!("{}.txt", "x".repeat(250)),
            format!("{}.txt", "漢字".repeat(40)),
            format!("{}.txt", r#"\""#.repeat(100)),
        ];
        for name in names {
            let attachments = vec![file(&name, b"x")];
            let octets = built(Content { attachments, ..Content::default() });
            let message = parsed(&octets);
            assert_eq!(message.attachment(0).and_then(|part| part.attachment_name()), Some(name.as_str()));
            assert!(!octets.windows(5).any(|octets| octets == b"\r\nBcc"), "{}", octets.escape_ascii());
        }
    }
}
