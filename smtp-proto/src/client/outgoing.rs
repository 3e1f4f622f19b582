//! Mails on their way over one connection, and what their bodies are read from.

use alloc::collections::VecDeque;
use core::task::{Context, Poll, ready};

use bytes::BytesMut;
use thiserror::Error;

use super::capabilities::Capabilities;
use super::connection::Connection;
use super::envelope::Envelope;
use super::event::{Body, Event};
use super::mail::Outcome;
use crate::{Driver, Instant, Next, Refused, Transport};

/// The mails that a connection has, for an adapter whose caller gives a reader `B` for each body: keeps what is left of
/// them, feeds the connection, and tells what became of each, in order. `E` is why a body cannot be read.
///
/// At most two mails are on their way: the one that is being sent, and the one whose commands leave with its end.
///
/// ```
/// use std::sync::Arc;
/// use std::task::Poll;
///
/// use smtp_proto::Instant;
/// use smtp_proto::client::{Config, Connection, Envelope, Event, Output, Outgoing};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let now = Instant::EPOCH;
/// let mut connection = Connection::new(now, Arc::new(Config::new("client.example")?))?;
/// let mut outgoing = Outgoing::<&[u8], std::io::Error>::new();
/// let envelope = Envelope::new("alice@client.example")?.to("bob@mx.example")?;
/// outgoing.push(now, &mut connection, envelope, b"Subject: hi\r\n\r\nHello\r\n");
///
/// // The server goes away at once.
/// connection.handle_eof(now);
/// let outcome = loop {
///     match connection.poll() {
///         Output::Event(event) => {
///             if let Some(outcome) = outgoing.handle(event) {
///                 break outcome?;
///             }
///         }
///         _ => unreachable!("there is nobody to talk to"),
///     }
/// };
/// assert!(outcome.failure().is_some());
/// assert!(outgoing.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "holds the mails that are on their way"]
pub struct Outgoing<B, E> {
    /// The bodies of the mails that the connection has, in order.
    bodies: VecDeque<B>,
    /// The right to hand in the first of them.
    token: Option<Body>,
    /// What a piece of it is read into, and how much of that is read.
    chunk: BytesMut,
    filled: usize,
    /// Why the first of them could not be read.
    failure: Option<E>,
    /// What is to be said about the mail behind them.
    not_tried: Option<Refused<Envelope>>,
}

/// Why a mail has no outcome, or not only one. `E` is what a reader says.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SendError<E> {
    /// The mail was not tried: its envelope has no recipient, or the connection is over. Holds the envelope.
    #[error("the mail was not tried: {0}")]
    NotTried(#[source] Refused<Envelope>),
    /// The body could not be read. The connection was cut before the final dot, so that the server took nothing.
    #[error("the message could not be read: {error}")]
    Body {
        /// What the reader said.
        #[source]
        error: E,
        /// What became of each recipient.
        outcome: Outcome,
    },
}

/// How many mails the connection has at one time.
const AHEAD: usize = 2;

/// How much of a body is read at one time, in octets. A body that is shorter leaves together with its end.
const CHUNK: usize = 64 * 1024;

impl<B, E> Outgoing<B, E> {
    /// No mail yet.
    pub fn new() -> Self {
        let (bodies, chunk) = (VecDeque::with_capacity(AHEAD), BytesMut::new());
        Self { bodies, token: None, chunk, filled: 0, failure: None, not_tried: None }
    }

    /// Whether the next mail is welcome now.
    #[must_use]
    pub fn has_room(&self, connection: &Connection) -> bool {
        self.bodies.len() < AHEAD && self.not_tried.is_none() && connection.close_reason().is_none()
    }

    /// Hands a mail to the connection. What that refuses is told when those before it have their outcomes.
    pub fn push(&mut self, now: Instant, connection: &mut Connection, envelope: Envelope, body: B) {
        match connection.send(now, envelope) {
            Ok(()) => self.bodies.push_back(body),
            Err(refused) => self.not_tried = Some(refused),
        }
    }

    /// Whether no mail is on its way: each has its outcome.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bodies.is_empty()
    }

    /// The mail behind all others that was not tried, once [`is_empty`](Self::is_empty).
    pub fn take_not_tried(&mut self) -> Option<SendError<E>> {
        self.not_tried.take().map(SendError::NotTried)
    }

    /// Something happened on the connection. Returns what it says about the first mail.
    pub fn handle(&mut self, event: Event) -> Option<Result<Outcome, SendError<E>>> {
        match event {
            Event::Outcome(outcome) => {
                self.bodies.pop_front();
                (self.token, self.filled) = (None, 0);
                Some(match self.failure.take() {
                    Some(error) => Err(SendError::Body { error, outcome }),
                    None => Ok(outcome),
                })
            }
            Event::Body(token) => {
                self.token = Some(token);
                None
            }
            Event::Ready(_) => None,
        }
    }

    /// Hands in the next piece of the body, which is welcome; with the last one the end, so that both leave together.
    /// `read` reads some octets, 0 at the end; one that waits for none is never pending.
    pub fn poll_feed(
        &mut self,
        connection: &mut Connection,
        now: impl Fn() -> Instant,
        mut read: impl FnMut(&mut B, &mut [u8]) -> Poll<Result<usize, E>>,
    ) -> Poll<()> {
        let (Some(body), Some(token)) = (self.bodies.front_mut(), &self.token) else {
            connection.abandon(now());
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
            match read(body, &mut self.chunk[self.filled..]) {
                Poll::Ready(Ok(count)) => {
                    at_end = count == 0;
                    self.filled += count;
                }
                Poll::Ready(Err(error)) => {
                    self.failure = Some(error);
                    connection.abandon(now());
                    return Poll::Ready(());
                }
                // What is there leaves while more is waited for.
                Poll::Pending if self.filled > 0 => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        let (now, count) = (now(), core::mem::take(&mut self.filled).min(CHUNK));
        if count > 0 && connection.write_body(now, token, self.chunk.split_to(count).freeze()).is_err() {
            // A body that lacks a piece is none.
            connection.abandon(now);
        } else if at_end && let Some(token) = self.token.take() {
            // A stale token means that the connection has ended. The outcome says so.
            let _ = connection.end_body(now, token);
        }
        Poll::Ready(())
    }

    /// Carries on until the first mail has its outcome; there has to be one. What the server offers is put into
    /// `capabilities` as soon as it is known.
    ///
    /// # Panics
    ///
    /// Without a mail, when the connection is over.
    pub fn poll_outcome<T: Transport>(
        &mut self,
        cx: &mut Context<'_>,
        driver: &mut Driver<Connection, T>,
        capabilities: &mut Option<Capabilities>,
        mut read: impl FnMut(&mut Context<'_>, &mut B, &mut [u8]) -> Poll<Result<usize, E>>,
    ) -> Poll<Result<Outcome, SendError<E>>> {
        loop {
            match ready!(driver.poll_next(cx)) {
                Next::Event(Event::Ready(ready)) => *capabilities = Some(ready),
                Next::Event(event) => {
                    if let Some(outcome) = self.handle(event) {
                        return Poll::Ready(outcome);
                    }
                }
                // The server may have something to say in the middle of the body, and the time for that runs.
                Next::Body => {
                    if driver.poll_input(cx).is_pending() {
                        let now = || driver.transport.now();
                        ready!(self.poll_feed(&mut driver.connection, now, |body, space| read(cx, body, space)));
                    }
                }
                // Every mail has its outcome before the connection is over.
                Next::Closed(_) => unreachable!("the connection is over, and a mail has no outcome"),
            }
        }
    }

    /// Nobody wants to know any more: cuts the connection if a mail is on its way, so that no part of one is taken for the
    /// whole.
    pub fn abandon(&mut self, now: Instant, connection: &mut Connection) {
        if !self.bodies.is_empty() {
            connection.abandon(now);
        }
    }
}

impl<B, E> Default for Outgoing<B, E> {
    fn default() -> Self {
        Self::new()
    }
}
