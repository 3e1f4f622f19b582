//! Mails on their way over one connection.

use core::iter::FusedIterator;
use core::task::Poll;
use std::io::{self, ErrorKind, Read};

use smtp_proto::Next;
use smtp_proto::client::{Envelope, Event, Outcome, Outgoing};

use super::Client;
use crate::driver::Driver;

/// What becomes of the mails that were given to [`Client::send_all`], in their order.
///
/// Mails are sent while this is iterated over. Dropping it with a mail on its way cuts the connection, so that no part
/// of a mail is taken for the whole.
#[derive(Debug)]
#[must_use = "mails are sent while this is iterated over"]
pub struct Outcomes<'a, R: Read, I: Iterator<Item = (Envelope, R)>> {
    client: &'a mut Client,
    mails: I,
    outgoing: Outgoing<R, io::Error>,
}

/// Why a mail has no outcome, or not only one.
pub type SendError = smtp_proto::client::SendError<io::Error>;

impl Client {
    /// Sends one mail.
    pub(super) fn send_mail(&mut self, envelope: Envelope, body: impl Read) -> Result<Outcome, SendError> {
        let mut outcomes = Outcomes::new(self, core::iter::empty());
        outcomes.push(envelope, body);
        outcomes.next().expect("a mail has an outcome, or was not tried")
    }
}

impl<'a, R: Read, I: Iterator<Item = (Envelope, R)>> Outcomes<'a, R, I> {
    pub(super) fn new(client: &'a mut Client, mails: I) -> Self {
        Self { client, mails, outgoing: Outgoing::new() }
    }

    fn push(&mut self, envelope: Envelope, body: R) {
        let driver = &mut self.client.driver;
        self.outgoing.push(driver.clock.now(), &mut driver.connection, envelope, body);
    }

    /// Carries on until the first mail has its outcome.
    fn settle(&mut self) -> Result<Outcome, SendError> {
        loop {
            match self.client.next() {
                Next::Event(Event::Ready(capabilities)) => self.client.capabilities = Some(capabilities),
                Next::Event(event) => {
                    if let Some(outcome) = self.outgoing.handle(event) {
                        return outcome;
                    }
                }
                Next::Body => {
                    let Driver { connection, clock, .. } = &mut self.client.driver;
                    let fed = self.outgoing.poll_feed(
                        connection,
                        || clock.now(),
                        |body, space| Poll::Ready(read(body, space)),
                    );
                    debug_assert!(fed.is_ready(), "a reader that blocks is never pending");
                }
                // Every mail has its outcome before the connection is over.
                Next::Closed(_) => unreachable!("the connection is over, and a mail has no outcome"),
            }
        }
    }
}

impl<R: Read, I: Iterator<Item = (Envelope, R)>> Iterator for Outcomes<'_, R, I> {
    type Item = Result<Outcome, SendError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.outgoing.has_room(&self.client.driver.connection) {
            let Some((envelope, body)) = self.mails.next() else { break };
            self.push(envelope, body);
        }
        if self.outgoing.is_empty() { self.outgoing.take_not_tried().map(Err) } else { Some(self.settle()) }
    }
}

impl<R: Read, I: Iterator<Item = (Envelope, R)> + FusedIterator> FusedIterator for Outcomes<'_, R, I> {}

impl<R: Read, I: Iterator<Item = (Envelope, R)>> Drop for Outcomes<'_, R, I> {
    fn drop(&mut self) {
        let driver = &mut self.client.driver;
        self.outgoing.abandon(driver.clock.now(), &mut driver.connection);
    }
}

/// Reads some octets, whatever signal comes in between.
fn read(reader: &mut impl Read, space: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(space) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}
