//! Mails on their way over one connection.

use core::iter::FusedIterator;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};

use bytes::BytesMut;
use smtp_proto::Refused;
use smtp_proto::client::{Body, Envelope, Event, Outcome};
use thiserror::Error;

use super::Client;
use super::driver::Next;

/// What becomes of the mails that were given to [`Client::send_all`], in their order.
///
/// Mails are sent while this is iterated over. Dropping it with a mail on its way cuts the connection, so that no part
/// of a mail is taken for the whole.
#[derive(Debug)]
#[must_use = "mails are sent while this is iterated over"]
pub struct Outcomes<'a, R: Read, I: Iterator<Item = (Envelope, R)>> {
    client: &'a mut Client,
    mails: I,
    /// The bodies of the mails that the connection has, in order.
    bodies: VecDeque<R>,
    /// The right to hand in the first of them.
    token: Option<Body>,
    /// What a piece of it is read into.
    chunk: BytesMut,
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

impl Client {
    /// Sends one mail.
    pub(super) fn send_mail(&mut self, envelope: Envelope, body: impl Read) -> Result<Outcome, SendError> {
        let mut outcomes = Outcomes::new(self, core::iter::empty());
        outcomes.queue(envelope, body)?;
        outcomes.settle()
    }
}

impl<'a, R: Read, I: Iterator<Item = (Envelope, R)>> Outcomes<'a, R, I> {
    pub(super) fn new(client: &'a mut Client, mails: I) -> Self {
        let bodies = VecDeque::with_capacity(AHEAD);
        Self { client, mails, bodies, token: None, chunk: BytesMut::new(), failure: None, not_tried: None }
    }

    fn queue(&mut self, envelope: Envelope, body: R) -> Result<(), SendError> {
        let now = self.client.driver.clock.now();
        self.client.driver.connection.send(now, envelope).map_err(SendError::NotTried)?;
        self.bodies.push_back(body);
        Ok(())
    }

    /// Carries on until the first mail has its outcome.
    fn settle(&mut self) -> Result<Outcome, SendError> {
        loop {
            match self.client.driver.next() {
                Next::Event(Event::Outcome(outcome)) => {
                    self.bodies.pop_front();
                    self.token = None;
                    return match self.failure.take() {
                        Some(error) => Err(SendError::Body { error, outcome }),
                        None => Ok(outcome),
                    };
                }
                Next::Event(Event::Body(token)) => self.token = Some(token),
                Next::Event(Event::Ready(capabilities)) => self.client.capabilities = Some(capabilities),
                Next::Event(_) => {}
                Next::Body => self.feed(),
                // Every mail has its outcome before the connection is over.
                Next::Closed(_) => unreachable!("the connection is over, and a mail has no outcome"),
            }
        }
    }

    /// Hands in the next piece of the body; with the last one the end, so that both leave together.
    fn feed(&mut self) {
        let driver = &mut self.client.driver;
        let (Some(body), Some(token)) = (self.bodies.front_mut(), &self.token) else {
            return driver.connection.abandon(driver.clock.now());
        };
        self.chunk.clear();
        if !self.chunk.try_reclaim(CHUNK) {
            self.chunk = BytesMut::with_capacity(CHUNK);
        }
        self.chunk.resize(CHUNK, 0);
        let (count, at_end) = match fill(body, &mut self.chunk) {
            Ok(filled) => filled,
            Err(error) => {
                self.failure = Some(error);
                return driver.connection.abandon(driver.clock.now());
            }
        };
        let now = driver.clock.now();
        if count > 0 && driver.connection.write_body(now, token, self.chunk.split_to(count).freeze()).is_err() {
            // A body that lacks a piece is none.
            return driver.connection.abandon(now);
        }
        if at_end && let Some(token) = self.token.take() {
            // A stale token means that the connection has ended. The outcome says so.
            let _ = driver.connection.end_body(now, token);
        }
    }
}

impl<R: Read, I: Iterator<Item = (Envelope, R)>> Iterator for Outcomes<'_, R, I> {
    type Item = Result<Outcome, SendError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.bodies.len() < AHEAD && self.not_tried.is_none() && self.client.closed().is_none() {
            let Some((envelope, body)) = self.mails.next() else { break };
            self.not_tried = self.queue(envelope, body).err();
        }
        if self.bodies.is_empty() { self.not_tried.take().map(Err) } else { Some(self.settle()) }
    }
}

impl<R: Read, I: Iterator<Item = (Envelope, R)> + FusedIterator> FusedIterator for Outcomes<'_, R, I> {}

impl<R: Read, I: Iterator<Item = (Envelope, R)>> Drop for Outcomes<'_, R, I> {
    fn drop(&mut self) {
        if !self.bodies.is_empty() {
            let driver = &mut self.client.driver;
            driver.connection.abandon(driver.clock.now());
        }
    }
}

/// Reads until the buffer is full or the reader is at its end; says how much was read, and whether that was the end.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<(usize, bool)> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => return Ok((filled, true)),
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((filled, false))
}
