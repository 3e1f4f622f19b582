//! Mail data as a reader.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;

use smtp_proto::server::{Answer, Data, Fate, Incoming, Reading};
use smtp_proto::{Next, Transport as _};
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

use super::attended::Attended;

/// Reads the mail data of one message from the client: dot-stuffing undone, line ends as they came.
///
/// It ends in no octets only when the message is whole. When the data break off or cannot become a message, reading ends
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
/// The 354 that asks the client for the data is sent by the first read. With [`AsyncBufRead`] the data are not copied.
/// Dropping a read that is pending loses nothing.
pub struct BodyReader<'a> {
    attended: &'a mut Attended,
    incoming: Incoming,
}

impl<'a> BodyReader<'a> {
    pub(super) fn new(attended: &'a mut Attended, token: Data) -> Self {
        Self { attended, incoming: Incoming::new(token) }
    }

    /// The session has said what it thinks of the message: reads what it left, and answers.
    pub(super) async fn finish(mut self, answer: Answer) -> Fate {
        while self.incoming.is_unread(&answer) {
            core::future::poll_fn(|cx| self.poll_advance(cx)).await;
        }
        let now = self.attended.driver.transport.now();
        self.incoming.finish(now, &mut self.attended.driver.connection, answer)
    }

    /// Takes the next thing that happens on the connection.
    fn poll_advance(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.incoming.begin(self.attended.driver.transport.now(), &mut self.attended.driver.connection);
        self.incoming.handle(match ready!(self.attended.poll_next(cx)) {
            Next::Event(event) => Some(event),
            Next::Body | Next::Closed(_) => None,
        });
        Poll::Ready(())
    }
}

impl AsyncBufRead for BodyReader<'_> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        while this.incoming.reading() == Reading::Pending {
            ready!(this.poll_advance(cx));
        }
        Poll::Ready(match this.incoming.reading() {
            Reading::Piece(piece) => Ok(piece),
            Reading::Pending | Reading::End => Ok(&[]),
            Reading::Broken(abort) => Err(abort.into()),
        })
    }

    fn consume(self: Pin<&mut Self>, count: usize) {
        self.get_mut().incoming.consume(count);
    }
}

impl AsyncRead for BodyReader<'_> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let waiting = ready!(self.as_mut().poll_fill_buf(cx))?;
        let count = waiting.len().min(out.remaining());
        out.put_slice(&waiting[..count]);
        self.consume(count);
        Poll::Ready(Ok(()))
    }
}
