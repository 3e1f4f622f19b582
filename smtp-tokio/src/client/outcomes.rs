//! Mails on their way over one connection.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;

use futures_core::Stream;
use smtp_proto::Transport as _;
use smtp_proto::client::{Envelope, Outcome, Outgoing};
use tokio::io::{AsyncRead, ReadBuf};
use tracing::info;

use super::Client;

/// What becomes of the mails that were given to [`Client::send_all`], in their order: a [`Stream`], which
/// [`next`](Self::next) reads.
///
/// Mails are sent while this is polled. Dropping it with a mail on its way cuts the connection, so that no part of a mail
/// is taken for the whole; dropping the future of [`next`](Self::next) loses nothing.
#[must_use = "mails are sent while this is polled"]
pub struct Outcomes<'a, R, S> {
    client: &'a mut Client,
    mails: Option<S>,
    outgoing: Outgoing<R, io::Error>,
}

/// Why a mail has no outcome, or not only one.
pub type SendError = smtp_proto::client::SendError<io::Error>;

impl<'a, R: AsyncRead + Unpin, S: Stream<Item = (Envelope, R)> + Unpin> Outcomes<'a, R, S> {
    pub(super) fn new(client: &'a mut Client, mails: Option<S>) -> Self {
        Self { client, mails, outgoing: Outgoing::new() }
    }

    /// What became of the next mail; `None` when there are no more mails, or the connection is over.
    ///
    /// Cancel safe: dropping the future and calling again goes on where it was.
    pub async fn next(&mut self) -> Option<Result<Outcome, SendError>> {
        poll_fn(|cx| self.poll_outcome(cx)).await
    }

    pub(super) fn push(&mut self, envelope: Envelope, body: R) {
        let driver = &mut self.client.driver;
        self.outgoing.push(driver.transport.now(), &mut driver.connection, envelope, body);
    }

    /// Carries on until the first mail has its outcome.
    pub(super) fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Outcome, SendError>>> {
        let span = self.client.span.clone();
        let _entered = span.enter();
        let awaits_mails = self.poll_mails(cx);
        let Client { driver, capabilities, .. } = &mut *self.client;
        if self.outgoing.is_empty() {
            let not_tried = self.outgoing.take_not_tried();
            if not_tried.is_none() && awaits_mails && driver.connection.close_reason().is_none() {
                driver.poll_meanwhile(cx);
                return Poll::Pending;
            }
            return Poll::Ready(not_tried.map(Err));
        }
        let read = |cx: &mut Context<'_>, body: &mut R, space: &mut [u8]| {
            let mut space = ReadBuf::new(space);
            Pin::new(body).poll_read(cx, &mut space).map_ok(|()| space.filled().len())
        };
        let outcome = ready!(self.outgoing.poll_outcome(cx, driver, capabilities, read));
        if let Ok(outcome) | Err(SendError::Body { outcome, .. }) = &outcome {
            let (summary, stage, failure) = (outcome.summary(), outcome.stage(), outcome.failure());
            info!(?summary, %stage, ?failure, recipients = outcome.recipients().count(), "mail");
        }
        Poll::Ready(Some(outcome))
    }

    /// Takes mails as long as the connection does. Returns whether more may come later.
    fn poll_mails(&mut self, cx: &mut Context<'_>) -> bool {
        while self.outgoing.has_room(&self.client.driver.connection) {
            let Some(mails) = &mut self.mails else { return false };
            match Pin::new(mails).poll_next(cx) {
                Poll::Pending => return true,
                Poll::Ready(Some((envelope, body))) => self.push(envelope, body),
                Poll::Ready(None) => self.mails = None,
            }
        }
        false
    }
}

impl<R: AsyncRead + Unpin, S: Stream<Item = (Envelope, R)> + Unpin> Stream for Outcomes<'_, R, S> {
    type Item = Result<Outcome, SendError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_outcome(cx)
    }
}

// Nothing here is pinned: the connection is behind a reference, and readers and mails are moved freely.
impl<R, S> Unpin for Outcomes<'_, R, S> {}

impl<R, S> Drop for Outcomes<'_, R, S> {
    fn drop(&mut self) {
        let driver = &mut self.client.driver;
        self.outgoing.abandon(driver.transport.now(), &mut driver.connection);
    }
}
