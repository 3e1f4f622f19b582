//! The dialogue of a session as text, for `--trace`.

use core::mem;
use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use smtp_blocking::Direction;
use smtp_proto::body::{BodyDecoder, Decoded, LineEndings};

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    Client,
    Server,
}

/// Writes what client and server say to each other, in lines that begin with `C:` or `S:`.
///
/// Of mail data only the size is told, and nothing of what belongs to AUTH but the mechanism.
#[derive(Debug)]
pub(crate) struct Dialogue {
    client: BytesMut,
    server: BytesMut,
    /// The mail data that the client is sending.
    data: Option<BodyDecoder>,
    /// Replies that the client waits for, the greeting for one.
    unanswered: u32,
    /// AUTH is not over: what the client says is a secret.
    secret: bool,
}

/// An observer of a client that writes the dialogue on standard error.
pub(crate) fn tracer() -> impl FnMut(Direction, &[u8]) + Send {
    let mut dialogue = Dialogue::new();
    move |direction, octets| {
        let speaker = match direction {
            Direction::Received => Speaker::Server,
            Direction::Sent => Speaker::Client,
        };
        // A trace that nobody reads does not keep a mail from being sent.
        let _ = dialogue.hear(speaker, octets, &mut io::stderr().lock());
    }
}

/// Octets of a line that are shown; what is longer is cut off.
const LINE: usize = 2048;

impl Dialogue {
    /// A dialogue that has not begun.
    pub(crate) fn new() -> Self {
        Self { client: BytesMut::new(), server: BytesMut::new(), data: None, unanswered: 1, secret: false }
    }

    /// Takes the next octets of a speaker, cut anywhere, and writes the lines that end in them.
    pub(crate) fn hear(&mut self, speaker: Speaker, octets: &[u8], out: &mut impl Write) -> io::Result<()> {
        match speaker {
            Speaker::Server => self.hear_server(octets, out),
            Speaker::Client => self.hear_client(octets, out),
        }
    }

    fn hear_server(&mut self, mut octets: &[u8], out: &mut impl Write) -> io::Result<()> {
        while let Some(line) = take_line(&mut self.server, &mut octets) {
            let code = line.get(..3).unwrap_or_default();
            if code == b"334" {
                writeln!(out, "S: 334 {REDACTED}")?;
            } else {
                writeln!(out, "S: {}", printable(&line))?;
            }
            if line.get(3) == Some(&b'-') {
                continue;
            }
            self.unanswered = self.unanswered.saturating_sub(1);
            self.secret &= code == b"334" || self.unanswered > 0;
            if code == b"354" {
                self.data = Some(BodyDecoder::new(LineEndings::Strict));
            }
        }
        Ok(())
    }

    fn hear_client(&mut self, mut octets: &[u8], out: &mut impl Write) -> io::Result<()> {
        while !octets.is_empty() {
            if let Some(decoder) = &mut self.data {
                let mut chunk = Bytes::copy_from_slice(octets);
                while let Decoded::Content(_) = decoder.next(&mut chunk) {}
                octets = &octets[octets.len() - chunk.len()..];
                if let Decoded::End = decoder.next(&mut chunk) {
                    writeln!(out, "C: ({} octets of mail data)\nC: .", decoder.octets())?;
                    self.data = None;
                    self.unanswered += 1;
                }
                continue;
            }
            let Some(line) = take_line(&mut self.client, &mut octets) else { break };
            writeln!(out, "C: {}", self.client_line(&line))?;
            self.unanswered += 1;
        }
        Ok(())
    }

    /// What is shown of a line of the client.
    fn client_line(&mut self, line: &[u8]) -> String {
        if mem::replace(&mut self.secret, true) {
            return REDACTED.into();
        }
        let mut words = line.split(|octet| octet.is_ascii_whitespace()).filter(|word| !word.is_empty());
        self.secret = words.next().is_some_and(|verb| verb.eq_ignore_ascii_case(b"AUTH"));
        if !self.secret {
            return printable(line);
        }
        let mechanism = words.next().map_or_else(String::new, |word| format!(" {}", printable(word)));
        let response = if words.next().is_some() { format!(" {REDACTED}") } else { String::new() };
        format!("AUTH{mechanism}{response}")
    }
}

/// Takes octets until a line ends in them; returns it without its line end.
fn take_line(line: &mut BytesMut, octets: &mut &[u8]) -> Option<BytesMut> {
    let end = octets.iter().position(|&octet| octet == b'\n');
    let (taken, rest) = octets.split_at(end.map_or(octets.len(), |end| end + 1));
    *octets = rest;
    let room = LINE.saturating_sub(line.len());
    line.extend_from_slice(&taken[..taken.len().min(room)]);
    end?;
    let mut whole = line.split();
    for line_end in [b'\n', b'\r'] {
        if whole.last() == Some(&line_end) {
            whole.truncate(whole.len() - 1);
        }
    }
    Some(whole)
}

/// Text as it is, and anything that could move the cursor of a terminal as an escape.
fn printable(line: &[u8]) -> String {
    let mut text = String::with_capacity(line.len());
    for chunk in line.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_control() { text.extend(letter.escape_default()) } else { text.push(letter) }
        }
        text.extend(chunk.invalid().escape_ascii().map(char::from));
    }
    text
}

const REDACTED: &str = "[redacted]";

#[cfg(test)]
mod tests {
    use super::{Dialogue, Speaker};

    /// What is written of a dialogue, with the octets of each turn in pieces of this size.
    fn written(turns: &[(Speaker, &str)], size: usize) -> String {
        let (mut dialogue, mut out) = (Dialogue::new(), Vec::new());
        for (speaker, octets) in turns {
            for piece in octets.as_bytes().chunks(size) {
                dialogue.hear(*speaker, piece, &mut out).expect("a vector takes all");
            }
        }
        String::from_utf8(out).expect("text")
    }

    #[track_caller]
    fn expect(turns: &[(Speaker, &str)], lines: &[&str]) {
        for size in [1, 2, 3, 1000] {
            assert_eq!(written(turns, size).lines().collect::<Vec<_>>(), lines, "in pieces of {size}");
        }
    }

    use Speaker::{Client, Server};

    #[test]
    fn a_mail() {
        let turns = [
            (Server, "220 mx.example\r\n"),
            (Client, "EHLO a\r\n"),
            (Server, "250-mx.example\r\n250 PIPELINING\r\n"),
            (Client, "MAIL FROM:<>\r\nRCPT TO:<b@c>\r\nDATA\r\n"),
            (Server, "250 ok\r\n250 ok\r\n354 go\r\n"),
            (Client, "a\r\n..b\r\n.\r\nQUIT\r\n"),
            (Server, "250 ok\r\n221 bye\r\n"),
        ];
        let lines = [
            "S: 220 mx.example",
            "C: EHLO a",
            "S: 250-mx.example",
            "S: 250 PIPELINING",
            "C: MAIL FROM:<>",
            "C: RCPT TO:<b@c>",
            "C: DATA",
            "S: 250 ok",
            "S: 250 ok",
            "S: 354 go",
            "C: (7 octets of mail data)",
            "C: .",
            "C: QUIT",
            "S: 250 ok",
            "S: 221 bye",
        ];
        expect(&turns, &lines);
    }

    /// Rule 43: no secret is shown, however AUTH is spelled, refused or pipelined.
    #[test]
    fn secrets_are_not_shown() {
        let turns = [
            (Server, "220 mx.example\r\n"),
            (Client, "auth  plain AGEAc2VjcmV0\r\n"),
            (Server, "535 5.7.8 no\r\n"),
            (Client, "AUTH LOGIN\r\n"),
            (Server, "334 c2VjcmV0\r\n"),
            (Client, "c2VjcmV0\r\n"),
            (Server, "334 c2VjcmV0\r\n"),
            (Client, "c2VjcmV0\r\n"),
            (Server, "235 2.7.0 ok\r\n"),
            (Client, "NOOP\r\nAUTH PLAIN\r\nc2VjcmV0\r\n"),
            (Server, "250 ok\r\n502 no\r\n500 what\r\n"),
            (Client, "NOOP\r\n"),
        ];
        let lines = [
            "S: 220 mx.example",
            "C: AUTH plain [redacted]",
            "S: 535 5.7.8 no",
            "C: AUTH LOGIN",
            "S: 334 [redacted]",
            "C: [redacted]",
            "S: 334 [redacted]",
            "C: [redacted]",
            "S: 235 2.7.0 ok",
            "C: NOOP",
            "C: AUTH PLAIN",
            "C: [redacted]",
            "S: 250 ok",
            "S: 502 no",
            "S: 500 what",
            "C: NOOP",
        ];
        expect(&turns, &lines);
    }

    /// Behind STARTTLS the dialogue goes on: with an EHLO, without a greeting.
    #[test]
    fn over_starttls() {
        let turns = [
            (Server, "220 mx.example\r\n"),
            (Client, "EHLO a\r\n"),
            (Server, "250-mx.example\r\n250 STARTTLS\r\n"),
            (Client, "STARTTLS\r\n"),
            (Server, "220 go\r\n"),
            (Client, "EHLO a\r\n"),
            (Server, "250-mx.example\r\n250 AUTH PLAIN\r\n"),
            (Client, "AUTH PLAIN c2VjcmV0\r\n"),
            (Server, "235 ok\r\n"),
            (Client, "MAIL FROM:<>\r\n"),
        ];
        let lines = [
            "S: 220 mx.example",
            "C: EHLO a",
            "S: 250-mx.example",
            "S: 250 STARTTLS",
            "C: STARTTLS",
            "S: 220 go",
            "C: EHLO a",
            "S: 250-mx.example",
            "S: 250 AUTH PLAIN",
            "C: AUTH PLAIN [redacted]",
            "S: 235 ok",
            "C: MAIL FROM:<>",
        ];
        expect(&turns, &lines);
    }

    #[test]
    fn a_terminal_is_safe() {
        expect(&[(Server, "220 ü\x1b[2J\x7f\u{9b}\r\n")], &["S: 220 ü\\u{1b}[2J\\u{7f}\\u{9b}"]);
        let (mut dialogue, mut out) = (Dialogue::new(), Vec::new());
        dialogue.hear(Server, b"220 \xff\n", &mut out).expect("a vector takes all");
        dialogue.hear(Client, &[b'x'; 10_000], &mut out).expect("a vector takes all");
        dialogue.hear(Client, b"x\r\nNOOP\r\n", &mut out).expect("a vector takes all");
        let text = String::from_utf8(out).expect("text");
        assert_eq!(text, format!("S: 220 \\xff\nC: {}\nC: NOOP\n", "x".repeat(2048)));
    }
}
