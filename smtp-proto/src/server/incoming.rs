//! The mail data of one message on their way in, for adapters that hand them on as a reader.

use bytes::{Buf as _, Bytes};

use super::answer::{Accept, Answer, Reject};
use super::connection::Connection;
use super::event::{Abort, Event};
use super::token::{Data, Message};
use crate::Instant;

/// The mail data of one message, from DATA to the answer to the final dot.
///
/// An adapter makes one of [`Event::Data`], hands it what happens on the connection while the application reads, and
/// lets it answer when the application has said what it thinks of the message. 354 is said when the first octet is asked
/// for, so that an answer that comes before is the answer to DATA.
#[derive(Debug)]
#[must_use = "holds the token for an answer that the peer is waiting for"]
pub struct Incoming {
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
    /// They will never be whole.
    Broken(Abort),
    /// The message was answered.
    Answered,
}

/// What can be read of the mail data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading<'a> {
    /// These octets come next. There is at least one.
    Piece(&'a [u8]),
    /// Nothing for now: more events are needed.
    Pending,
    /// All was read, and the message is whole.
    End,
    /// The message will never be whole.
    Broken(Abort),
}

/// What became of the mail data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// DATA was refused: there were none, and the transaction goes on.
    NotAsked,
    /// They are a message, and it was accepted.
    Accepted,
    /// They are no message, or it was not accepted.
    NotAccepted,
}

impl Incoming {
    /// Those that DATA announces.
    pub fn new(token: Data) -> Self {
        Self { piece: Bytes::new(), state: State::Asked(token) }
    }

    /// Lets the client begin, if it does not know yet: 354.
    pub fn begin(&mut self, now: Instant, connection: &mut Connection) {
        if let State::Asked(_) = self.state
            && let State::Asked(token) = core::mem::replace(&mut self.state, State::Open)
        {
            connection.answer(now, token, Ok(Accept::Usual));
        }
    }

    /// Something happened on the connection; `None`: it is over.
    pub fn handle(&mut self, event: Option<Event>) {
        match event {
            Some(Event::Body(piece)) => self.piece = piece,
            Some(Event::Message(token)) => self.state = State::Whole(token),
            Some(Event::Aborted(abort)) => self.state = State::Broken(abort),
            Some(_) => {}
            None => self.state = State::Broken(Abort::ConnectionLost),
        }
    }

    /// What can be read now. An [`Event::Body`] is to be handed in only while this is [`Reading::Pending`].
    #[must_use]
    pub fn reading(&self) -> Reading<'_> {
        match self.state {
            _ if !self.piece.is_empty() => Reading::Piece(&self.piece),
            State::Asked(_) | State::Open => Reading::Pending,
            State::Whole(_) | State::Answered => Reading::End,
            State::Broken(abort) => Reading::Broken(abort),
        }
    }

    /// So many octets of the piece were read.
    pub fn consume(&mut self, octets: usize) {
        self.piece.advance(octets.min(self.piece.len()));
    }

    /// Whether the rest has to be read and thrown away before this answer can be given: a refusal that comes before the
    /// first octet was asked for is the answer to DATA, and one without a reply waits for nothing.
    #[must_use]
    pub fn is_unread(&self, answer: &Answer) -> bool {
        match (&self.state, answer) {
            (State::Asked(_), answer) => answer.is_ok(),
            (State::Open, Err(reject)) => reject.reply().is_some(),
            (State::Open, Ok(_)) => true,
            (State::Whole(_) | State::Broken(_) | State::Answered, _) => false,
        }
    }

    /// Gives the answer, once nothing [is unread](Self::is_unread).
    pub fn finish(&mut self, now: Instant, connection: &mut Connection, answer: Answer) -> Fate {
        match core::mem::replace(&mut self.state, State::Answered) {
            State::Asked(token) => {
                connection.answer(now, token, answer);
                Fate::NotAsked
            }
            State::Whole(token) => {
                let taken = connection.answer(now, token, answer);
                if taken { Fate::Accepted } else { Fate::NotAccepted }
            }
            State::Open | State::Broken(_) if answer.as_ref().is_err_and(Reject::is_disconnect) => {
                connection.disconnect(now);
                Fate::NotAccepted
            }
            _ => Fate::NotAccepted,
        }
    }
}

/// What a reader of the mail data says: `UnexpectedEof` where the connection ended, `TimedOut`, `FileTooLarge`, and
/// `InvalidData` for a stray octet.
#[cfg(feature = "std")]
impl From<Abort> for std::io::Error {
    fn from(abort: Abort) -> Self {
        let kind = match abort {
            Abort::StrayOctet => std::io::ErrorKind::InvalidData,
            Abort::TooBig => std::io::ErrorKind::FileTooLarge,
            Abort::Timeout => std::io::ErrorKind::TimedOut,
            Abort::ConnectionLost => std::io::ErrorKind::UnexpectedEof,
        };
        Self::new(kind, abort)
    }
}
