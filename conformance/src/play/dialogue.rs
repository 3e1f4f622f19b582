//! What was said, as it would stand in a transcript.

use core::fmt::Write;

use crate::transcript::Side;

/// Characters of a line that are shown.
const SHOWN: usize = 1000;

/// Writes a dialogue down.
#[derive(Clone, Debug, Default)]
pub(super) struct Dialogue {
    lines: Vec<String>,
    /// What came since the last line end, and of whom.
    partial: Vec<u8>,
    side: Option<Side>,
    /// What is not shown.
    secrets: Vec<String>,
}

impl Dialogue {
    /// One that shows `***` for each of these.
    pub(super) fn without(secrets: Vec<String>) -> Self {
        Self { secrets: secrets.into_iter().filter(|secret| !secret.is_empty()).collect(), ..Self::default() }
    }

    /// This side said something.
    pub(super) fn say(&mut self, side: Side, octets: &[u8]) {
        if self.side != Some(side) {
            self.break_line();
            self.side = Some(side);
        }
        for line in octets.split_inclusive(|&octet| octet == b'\n') {
            self.partial.extend_from_slice(line);
            if line.ends_with(b"\n") {
                self.break_line();
            }
        }
    }

    /// The side that is not this one said something.
    pub(super) fn hear(&mut self, script: Side, octets: &[u8]) {
        self.say(other(script), octets);
    }

    /// The side that is not this one closed.
    pub(super) fn end(&mut self, script: Side) {
        self.mark(other(script), "=eof");
    }

    /// Something that this side did.
    pub(super) fn mark(&mut self, side: Side, what: &str) {
        self.note(&format!("{}{what}", letter(side)));
    }

    /// A line by itself.
    pub(super) fn note(&mut self, line: &str) {
        self.break_line();
        self.lines.push(self.masked(line));
    }

    pub(super) fn into_lines(mut self) -> Vec<String> {
        self.break_line();
        self.lines
    }

    fn break_line(&mut self) {
        let octets = core::mem::take(&mut self.partial);
        let Some(side) = self.side.filter(|_| !octets.is_empty()) else { return };
        let mut line = match octets.strip_suffix(b"\r\n") {
            Some(text) if text.iter().all(|octet| matches!(octet, b' '..=b'~')) => {
                format!("{}: {}", letter(side), String::from_utf8_lossy(text))
            }
            _ => format!(
                "{}| {}",
                letter(side),
                octets.escape_ascii().to_string().replace("\\'", "'").replace("\\\"", "\"")
            ),
        };
        if line.len() > SHOWN {
            let left_out = line.len() - SHOWN;
            line.truncate(SHOWN);
            write!(line, "… # and {left_out} more").expect("a String takes everything");
        }
        let line = self.masked(&line);
        self.lines.push(line);
    }

    fn masked(&self, line: &str) -> String {
        self.secrets.iter().fold(line.to_owned(), |line, secret| line.replace(secret.as_str(), "***"))
    }
}

fn other(side: Side) -> Side {
    match side {
        Side::Client => Side::Server,
        Side::Server => Side::Client,
    }
}

fn letter(side: Side) -> char {
    match side {
        Side::Client => 'C',
        Side::Server => 'S',
    }
}

#[cfg(test)]
mod tests {
    use super::Dialogue;
    use crate::transcript::Side;

    #[test]
    fn lines() {
        let mut dialogue = Dialogue::without(vec!["secret".into()]);
        dialogue.say(Side::Client, b"EH");
        dialogue.say(Side::Client, b"LO a\r\nPASS secret\r\nx\0y");
        dialogue.hear(Side::Client, b"250-\"a\"\r\n250 b\n\xFF\\");
        dialogue.note("# here");
        dialogue.end(Side::Client);
        assert_eq!(
            dialogue.into_lines(),
            [
                "C: EHLO a",
                "C: PASS ***",
                "C| x\\x00y",
                "S: 250-\"a\"",
                "S| 250 b\\n",
                "S| \\xff\\\\",
                "# here",
                "S=eof"
            ]
        );
    }
}
