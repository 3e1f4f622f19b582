//! The message to send: from a file, from standard input, or made here.

use core::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::path::Path;

use tempfile::SpooledTempFile;
use thiserror::Error;

/// A message that can be read from its beginning.
pub(crate) struct Message {
    source: Box<dyn Source>,
    survey: Survey,
}

trait Source: Read + Seek {}

impl<T: Read + Seek> Source for T {}

/// What has to be known of a message before it is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// Octets that the server gets, every line end being CRLF, without dot-stuffing.
    pub(crate) octets: u64,
    /// Whether there is an octet beyond ASCII.
    pub(crate) is_8bit: bool,
    /// Where the first NUL is, which no mail may hold.
    pub(crate) nul: Option<u64>,
}

/// Why there is no message.
#[derive(Debug, Error)]
pub(crate) enum MessageError {
    /// A file cannot be read.
    #[error("{name} cannot be read: {error}")]
    Read {
        /// The file.
        name: String,
        /// What the operating system says.
        error: io::Error,
    },
    /// A text that goes into a message is in an unknown charset.
    #[error("{name} holds no UTF-8 text")]
    NotUtf8 {
        /// The file.
        name: String,
    },
}

impl MessageError {
    /// That the file of this name cannot be read.
    pub(crate) fn read(name: impl fmt::Display) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Read { name: name.to_string(), error }
    }
}

/// Octets of standard input that are kept in memory; what is more goes to a temporary file.
const IN_MEMORY: usize = 1 << 20;

/// Octets that are read in one go.
const BLOCK: usize = 64 * 1024;

impl Message {
    /// What this file holds. What is no plain file is read as a stream.
    pub(crate) fn from_file(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.is_file() { Self::new(file) } else { Self::from_stream(file) }
    }

    /// What comes before this stream ends.
    pub(crate) fn from_stream(mut stream: impl Read) -> io::Result<Self> {
        let mut spool = SpooledTempFile::new(IN_MEMORY);
        io::copy(&mut stream, &mut spool)?;
        Self::new(spool)
    }

    /// These octets.
    pub(crate) fn from_octets(octets: Vec<u8>) -> io::Result<Self> {
        Self::new(Cursor::new(octets))
    }

    fn new(mut source: impl Source + 'static) -> io::Result<Self> {
        source.rewind()?;
        let survey = Survey::of(&mut source)?;
        source.rewind()?;
        Ok(Self { source: Box::new(source), survey })
    }

    /// What is known of it.
    pub(crate) fn survey(&self) -> &Survey {
        &self.survey
    }
}

impl Read for Message {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.source.read(out)
    }
}

impl Survey {
    fn of(source: &mut impl Read) -> io::Result<Self> {
        let mut survey = Self::default();
        let mut block = vec![0; BLOCK];
        let (mut position, mut last) = (0, None);
        loop {
            let count = match source.read(&mut block) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            for &octet in &block[..count] {
                // A CR is counted when it is known what follows it.
                survey.octets += match (last, octet) {
                    (Some(b'\r'), b'\r') | (_, b'\n') => 2,
                    (Some(b'\r'), _) => 3,
                    (_, b'\r') => 0,
                    _ => 1,
                };
                survey.is_8bit |= !octet.is_ascii();
                if octet == 0 {
                    survey.nul.get_or_insert(position);
                }
                position += 1;
                last = Some(octet);
            }
        }
        // The final dot stands on a line of its own.
        if last.is_some_and(|octet| octet != b'\n') {
            survey.octets += 2;
        }
        Ok(survey)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use bytes::Bytes;
    use smtp_proto::body::{BodyEncoder, Encoded, LineEndings};

    use super::{IN_MEMORY, Message, Survey};

    fn survey(octets: &[u8]) -> Survey {
        *Message::from_octets(octets.into()).expect("no I/O").survey()
    }

    /// X-1870-5-01: all texts to length 6 over the octets that matter: as many octets as the core's encoder makes of them.
    #[test]
    fn counts_what_is_sent() {
        let alphabet = b"a\r\n";
        let mut counted = 0;
        for length in 0..=6 {
            for number in 0..3_usize.pow(length) {
                let text: Vec<u8> = (0..length).map(|at| alphabet[number / 3_usize.pow(at) % 3]).collect();
                let mut encoder = BodyEncoder::new(LineEndings::Normalize);
                let (mut rest, mut sent) = (Bytes::copy_from_slice(&text), 0);
                while let Encoded::Slice(slice) = encoder.next(&mut rest) {
                    sent += slice.len();
                }
                sent += encoder.finish().expect("nothing is stray").len() - ".\r\n".len();
                assert_eq!(survey(&text).octets, sent as u64, "{}", text.escape_ascii());
                counted += 1;
            }
        }
        assert_eq!(counted, 1093);
    }

    #[test]
    fn finds_what_matters() {
        assert!(survey(b"a\n\x80").is_8bit);
        assert!(!survey(b"a\n\x7f").is_8bit);
        assert_eq!(survey(b"a\nb\0c\0").nul, Some(3));
        assert_eq!(survey(b"a").nul, None);
    }

    #[test]
    fn every_source_gives_the_same() {
        let octets: Vec<u8> = (0..IN_MEMORY + 1000).map(|at| b'a' + (at % 26) as u8).collect();
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(&octets).expect("written");
        let messages = [
            Message::from_file(file.path()),
            Message::from_stream(&octets[..]),
            Message::from_stream(&octets[..1000]),
            Message::from_octets(octets.clone()),
        ];
        for (number, message) in messages.into_iter().enumerate() {
            let mut message = message.expect("readable");
            let mut read = Vec::new();
            message.read_to_end(&mut read).expect("readable");
            assert!(octets.starts_with(&read), "{number}");
            assert_eq!(message.survey().octets, read.len() as u64 + 2, "{number}");
            assert_eq!(read.len() == 1000, number == 2);
        }
    }
}
