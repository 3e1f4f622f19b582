//! Mails on their way over one connection.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::collections::VecDeque;
use std::io;

use bytes::BytesMut;
use futures_core::Stream;
use futures_io::AsyncRead;
use smtp_proto::Refused;
use smtp_proto::client::{Body, Envelope, Event, Outcome};
use thiserror::Error;
use tracing::info;

use super::Client;
use crate::Runtime;
use crate::driver::Next;

/// What becomes of the mails that were given to [`Client::send_all`], in their order: a [`Stream`], which
/// [`next`](Self::next) reads.
///
/// Mails are sent while this is polled. Dropping it with a mail on its way cuts the connection, so that no part of a mail
/// is taken for the whole; dropping the future of [`next`](Self::next) loses nothing.
#[must_use = "mails are sent while this is polled"]
pub struct Outcomes<'a, B, S, R: Runtime> {
    client: &'a mut Client<R>,
    mails: Option<S>,
    /// The bodies of the mails that the connection has, in order.
    bodies: VecDeque<B>,
    /// The right to hand in the first of them.
    token: Option<Body>,
    /// What a piece of it is read into, and how much of that is read.
    chunk: BytesMut,
    filled: usize,
    /// Why the first of them could not be read.
    failure: Option<io::Error>,
    /// What is to be said about the mail behind them.
    not_tried: Option<SendError>,
}

/// Why a mail has no outcome, or not only one.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The mail was not tried: its envelope has no recipient, or the connection is over. Holds the envelope.
    #[error("the mail was not tried: {0}")]
    NotTried(#[source] Refused<Envelope>),
    /// The body could not be read. The connection was cut before the final dot, so that the server took nothing.
    #[error("the message could not be read: {error}")]
    Body {
        /// What the reader said.
        #[source]
        error: io::Error,
        /// What became of each recipient.
        outcome: Outcome,
    },
}

/// How many mails the connection has at one time: the one that is being sent, and the one whose commands leave with
/// its end.
const AHEAD: usize = 2;

/// How much of a body is read at one time, in octets. A body that is shorter leaves together with its end.
const CHUNK: usize = 64 * 1024;

impl<'a, B, S, R> Outcomes<'a, B, S, R>
where
    B: AsyncRead + Unpin,
    S: Stream<Item = (Envelope, B)> + Unpin,
    R: Runtime,
{
    pub(super) fn new(client: &'a mut Client<R>, mails: Option<S>) -> Self {
        let (bodies, chunk) = (VecDeque::with_capacity(AHEAD), BytesMut::new());
        Self { client, mails, bodies, token: None, chunk, filled: 0, failure: None, not_tried: None }
    }

    /// What became of the next mail; `None` when there are no more mails, or the connection is over.
    ///
    /// Cancel safe: dropping the future and calling again goes on where it was.
    pub async fn next(&mut self) -> Option<Result<Outcome, SendError>> {
        poll_fn(|cx| self.poll_outcome(cx)).await
    }

    pub(super) fn queue(&mut self, envelope: Envelope, body: B) -> Result<(), SendError> {
        let driver = &mut self.client.driver;
        driver.connection.send(driver.clock.now(), envelope).map_err(SendError::NotTried)?;
        self.bodies.push_back(body);
        Ok(())
    }

    /// Carries on until the first mail has its outcome.
    pub(super) fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Outcome, SendError>>> {
        let span = self.client.span.clone();
        let _entered = span.enter();
        loop {
            let awaits_mails = self.poll_mails(cx);
            if self.bodies.is_empty() {
                return match self.not_tried.take() {
                    Some(error) => Poll::Ready(Some(Err(error))),
                    None if awaits_mails && self.client.closed().is_none() => {
                        self.client.driver.poll_meanwhile(cx);
                        Poll::Pending
                    }
                    None => Poll::Ready(None),
                };
            }
            match ready!(self.client.driver.poll_next(cx)) {
                Next::Event(Event::Outcome(outcome)) => {
                    self.bodies.pop_front();
                    (self.token, self.filled) = (None, 0);
                    let (summary, stage, failure) = (outcome.summary(), outcome.stage(), outcome.failure());
                    info!(?summary, %stage, ?failure, recipients = outcome.recipients().count(), "mail");
                    return Poll::Ready(Some(match self.failure.take() {
                        Some(error) => Err(SendError::Body { error, outcome }),
                        None => Ok(outcome),
                    }));
                }
                Next::Event(Event::Body(token)) => self.token = Some(token),
                Next::Event(Event::Ready(capabilities)) => self.client.capabilities = Some(capabilities),
                Next::Event(_) => {}
                // The server may have something to say in the middle of the body, and the time for that runs.
                Next::Body => {
                    if self.client.driver.poll_input(cx).is_pending() {
                        ready!(self.poll_feed(cx));
                    }
                }
                // Every mail has its outcome before the connection is over.
                Next::Closed(_) => unreachable!("the connection is over, and a mail has no outcome"),
            }
        }
    }

    /// Takes mails as long as the connection does. Returns whether more may come later.
    fn poll_mails(&mut self, cx: &mut Context<'_>) -> bool {
        while self.bodies.len() < AHEAD && self.not_tried.is_none() && self.client.closed().is_none() {
            let Some(mails) = &mut self.mails else { return false };
            match Pin::new(mails).poll_next(cx) {
                Poll::Pending => return true,
                Poll::Ready(Some((envelope, body))) => self.not_tried = self.queue(envelope, body).err(),
                Poll::Ready(None) => self.mails = None,
            }
        }
        false
    }

    /// Hands in the next piece of the body; with the last one the end, so that both leave together.
    fn poll_feed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let driver = &mut self.client.driver;
        let (Some(body), Some(token)) = (self.bodies.front_mut(), &self.token) else {
            driver.connection.abandon(driver.clock.now());
            return Poll::Ready(());
        };
        if self.filled == 0 {
            self.chunk.clear();
            if !self.chunk.try_reclaim(CHUNK) {
                self.chunk = BytesMut::with_capacity(CHUNK);
            }
            self.chunk.resize(CHUNK, 0);
        }
        let mut at_end = false;
        while self.filled < CHUNK && !at_end {
            match Pin::new(&mut *body).poll_read(cx, &mut self.chunk[self.filled..]) {
                Poll::Ready(Ok(count)) => {
                    at_end = count == 0;
                    self.filled += count;
                }
                Poll::Ready(Err(error)) => {
                    self.failure = Some(error);
                    driver.connection.abandon(driver.clock.now());
                    return Poll::Ready(());
                }
                // What is there leaves while more is waited for.
                Poll::Pending if self.filled > 0 => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        let now = driver.clock.now();
        let count = core::mem::take(&mut self.filled);
        if count > 0 && driver.connection.write_body(now, token, self.chunk.split_to(count).freeze()).is_err() {
            // A body that lacks a piece is none.
            driver.connection.abandon(now);
        } else if at_end && let Some(token) = self.token.take() {
            // A stale token means that the connection has ended. The outcome says so.
            let _ = driver.connection.end_body(now, token);
        }
        Poll::Ready(())
    }
}

impl<B, S, R> Stream for Outcomes<'_, B, S, R>
where
    B: AsyncRead + Unpin,
    S: Stream<Item = (Envelope, B)> + Unpin,
    R: Runtime,
{
    type Item = Result<Outcome, SendError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_outcome(cx)
    }
}

// Nothing here is pinned: the connection is behind a reference, and readers and mails are moved freely.
impl<B, S, R: Runtime> Unpin for Outcomes<'_, B, S, R> {}

impl<B, S, R: Runtime> Drop for Outcomes<'_, B, S, R> {
    fn drop(&mut self) {
        if !self.bodies.is_empty() {
            let driver = &mut self.client.driver;
            driver.connection.abandon(driver.clock.now());
        }
    }
}
