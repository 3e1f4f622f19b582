//! A connection that knows whether the service is ending.

use core::time::Duration;
use std::io;
use std::sync::Arc;

use smtp_proto::Next;
use smtp_proto::server::{Answer, Connection, Event, Token};

use super::connections::Link;
use crate::driver::Driver;
use crate::socket::Socket;
use crate::wire::Received;

/// The driver of a connection, and what it shares with the service.
#[derive(Debug)]
pub(super) struct Attended {
    pub(super) driver: Driver<Connection>,
    pub(super) link: Arc<Link>,
}

/// How late a connection in a transaction may notice that the service is ending. Between two transactions a connection
/// waits so long, too, before it releases its buffers, so that one read timeout fits both.
const SLICE: Duration = Duration::from_millis(512);

impl Attended {
    /// What the connection tells or asks next; `None` when it is over. `idle`: no transaction is open.
    pub(super) fn next(&mut self, idle: bool) -> Option<Event> {
        loop {
            if self.link.is_service_ending() {
                self.driver.connection.shutdown(self.driver.clock.now());
            }
            match self.driver.turn(SLICE, |socket, wait| read(&self.link, socket, wait, idle)) {
                Some(Next::Event(event)) => return Some(event),
                Some(Next::Closed(_)) => return None,
                Some(Next::Body) | None => {}
            }
        }
    }

    /// Hands over an answer. Returns whether it was a yes that the connection took.
    pub(super) fn answer<T: Token>(&mut self, token: T, answer: Answer) -> bool {
        self.driver.connection.answer(self.driver.clock.now(), token, answer)
    }
}

/// Waits for octets of the peer, and for the end of the service.
fn read(link: &Link, socket: &mut Socket, wait: Duration, idle: bool) -> io::Result<Received> {
    let parked = link.park(idle);
    let received = socket.read(if parked { wait } else { wait.min(SLICE) });
    link.unpark();
    match received {
        // The end of the service ends the read, which TLS does not know. There is a reply to be written yet.
        Err(_) if parked && link.is_service_ending() => Ok(Received::End),
        received => received,
    }
}
