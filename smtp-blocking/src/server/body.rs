//! Mail data as a reader.

use std::io::{self, BufRead, ErrorKind, Read};

use bytes::{Buf, Bytes};
use smtp_proto::server::{Abort, Accept, Answer, Data, Event, Message};

use super::driver::Driver;

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
    driver: &'a mut Driver,
    piece: Bytes,
    state: State,
}

#[derive(Debug)]
enum State {
    /// DATA is not answered yet.
    Asked(Data),
    /// More may come.
    Open,
    /// All has come.
    Whole(Message),
    /// It will never be whole.
    Broken(Abort),
}

/// What became of the mail data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// DATA was refused: there were none, and the transaction goes on.
    NotAsked,
    /// They are a message, and it was accepted.
    Accepted,
    /// They are no message, or it was not accepted.
    NotAccepted,
}

impl<'a> BodyReader<'a> {
    pub(super) fn new(driver: &'a mut Driver, token: Data) -> Self {
        Self { driver, piece: Bytes::new(), state: State::Asked(token) }
    }

    /// The session has said what it thinks of the message: reads what it left, and answers.
    pub(super) fn finish(mut self, answer: Answer) -> Fate {
        if answer.is_err() && matches!(self.state, State::Asked(_)) {
            if let State::Asked(token) = self.state {
                self.driver.answer(token, answer);
            }
            return Fate::NotAsked;
        }
        if answer.as_ref().is_err_and(|reject| reject.reply().is_none()) {
            self.driver.disconnect();
            return Fate::NotAccepted;
        }
        while matches!(self.state, State::Asked(_) | State::Open) {
            self.advance();
        }
        match self.state {
            State::Whole(token) => {
                if self.driver.answer(token, answer) {
                    Fate::Accepted
                } else {
                    Fate::NotAccepted
                }
            }
            _ => Fate::NotAccepted,
        }
    }

    /// Takes the next thing that happens on the connection.
    fn advance(&mut self) {
        if matches!(self.state, State::Asked(_))
            && let State::Asked(token) = core::mem::replace(&mut self.state, State::Open)
        {
            self.driver.answer(token, Ok(Accept::Usual));
        }
        match self.driver.next(false) {
            Some(Event::Body(piece)) => self.piece = piece,
            Some(Event::Message(token)) => self.state = State::Whole(token),
            Some(Event::Aborted(abort)) => self.state = State::Broken(abort),
            Some(_) => {}
            None => self.state = State::Broken(Abort::ConnectionLost),
        }
    }
}

impl BufRead for BodyReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.piece.is_empty() {
            match self.state {
                State::Asked(_) | State::Open => self.advance(),
                State::Whole(_) => break,
                State::Broken(abort) => return Err(io::Error::new(kind(abort), abort)),
            }
        }
        Ok(&self.piece)
    }

    fn consume(&mut self, count: usize) {
        self.piece.advance(count);
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

fn kind(abort: Abort) -> ErrorKind {
    match abort {
        Abort::StrayOctet => ErrorKind::InvalidData,
        Abort::TooBig => ErrorKind::FileTooLarge,
        Abort::Timeout => ErrorKind::TimedOut,
        _ => ErrorKind::UnexpectedEof,
    }
}
