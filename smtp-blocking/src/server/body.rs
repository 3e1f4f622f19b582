//! Mail data as a reader.

use std::io::{self, BufRead, Read};

use smtp_proto::server::{Answer, Data, Fate, Incoming, Reading};

use super::attended::Attended;

/// Reads the mail data of one message from the client: dot-stuffing undone, line ends as they came.
///
/// It ends in `Ok(0)` only when the message is whole. When the data break off or cannot become a message, reading ends
/// in an error, and goes on doing so:
///
/// | kind | what happened |
/// |---|---|
/// | `UnexpectedEof` | the connection ended before the data did |
/// | `TimedOut` | the data came too slowly |
/// | `FileTooLarge` | the data went beyond [`Limits::message_size`](smtp_proto::server::Limits::message_size) |
/// | `InvalidData` | the data held a CR, LF or NUL that is no line end ([`LineEndings::Strict`](smtp_proto::body::LineEndings::Strict)) |
///
/// Such a message is not accepted, whatever the session says.
///
/// The 354 that asks the client for the data is sent by the first read. With [`BufRead`] the data are not copied.
#[derive(Debug)]
pub struct BodyReader<'a> {
    attended: &'a mut Attended,
    incoming: Incoming,
}

impl<'a> BodyReader<'a> {
    pub(super) fn new(attended: &'a mut Attended, token: Data) -> Self {
        Self { attended, incoming: Incoming::new(token) }
    }

    /// The session has said what it thinks of the message: reads what it left, and answers.
    pub(super) fn finish(mut self, answer: Answer) -> Fate {
        while self.incoming.is_unread(&answer) {
            self.advance();
        }
        let driver = &mut self.attended.driver;
        self.incoming.finish(driver.clock.now(), &mut driver.connection, answer)
    }

    /// Takes the next thing that happens on the connection.
    fn advance(&mut self) {
        let driver = &mut self.attended.driver;
        self.incoming.begin(driver.clock.now(), &mut driver.connection);
        let event = self.attended.next(false);
        self.incoming.handle(event);
    }
}

impl BufRead for BodyReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.incoming.reading() == Reading::Pending {
            self.advance();
        }
        match self.incoming.reading() {
            Reading::Piece(piece) => Ok(piece),
            Reading::Pending | Reading::End => Ok(&[]),
            Reading::Broken(abort) => Err(abort.into()),
        }
    }

    fn consume(&mut self, count: usize) {
        self.incoming.consume(count);
    }
}

impl Read for BodyReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut waiting = self.fill_buf()?;
        let count = waiting.read(out)?;
        self.consume(count);
        Ok(count)
    }
}
