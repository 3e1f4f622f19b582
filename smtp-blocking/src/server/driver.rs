//! The loop that carries out what a server connection says.

use core::time::Duration;
use std::sync::Arc;
use std::thread;

use smtp_proto::server::{Connection, Event, Output, Token};
use smtp_proto::{Clock, Misuse, Refused, Wait};

use super::connections::Link;
use super::session::{Accept, Answer, Reject};
use crate::socket::Socket;
use crate::wire::Received;

/// A connection and its socket.
#[derive(Debug)]
pub(super) struct Driver {
    connection: Connection,
    socket: Socket,
    clock: Clock,
    link: Arc<Link>,
}

/// How late a connection in a transaction may notice that the service is ending. Between two transactions a connection
/// waits so long, too, before it releases its buffers, so that one read timeout fits both.
const SLICE: Duration = Duration::from_millis(512);

impl Driver {
    pub(super) fn new(connection: Connection, socket: Socket, clock: Clock, link: Arc<Link>) -> Self {
        Self { connection, socket, clock, link }
    }

    /// What the connection tells or asks next; `None` when it is over. `idle`: no transaction is open.
    pub(super) fn next(&mut self, idle: bool) -> Option<Event> {
        loop {
            if self.link.is_service_ending() {
                self.connection.shutdown(self.clock.now());
            }
            match self.connection.poll() {
                Output::Event(event) => return Some(event),
                Output::Transmit(octets) => {
                    let written = self.socket.write(octets);
                    let now = self.clock.now();
                    match written {
                        Ok(0) => self.connection.handle_timeout(now),
                        Ok(count) => self.connection.transmitted(now, count),
                        Err(_) => self.connection.handle_disconnect(now),
                    }
                }
                Output::UpgradeTls => self.connection.handle_disconnect(self.clock.now()),
                Output::Wait(wait) => self.wait(wait, idle),
                Output::Closed(_) => return None,
            }
        }
    }

    /// Hands over an answer. Returns whether it was a yes that the connection took.
    pub(super) fn answer<T: Token>(&mut self, token: T, answer: Answer) -> bool {
        let now = self.clock.now();
        let refused = match answer {
            Ok(Accept::Usual) => return self.connection.accept(now, token).is_ok(),
            Ok(Accept::With(reply)) => self.connection.accept_with(now, token, reply),
            Err(reject) => match self.connection.reject(now, token, reject.into_reply()) {
                Ok(()) => return false,
                refused => refused,
            },
        };
        match refused {
            Ok(()) => true,
            Err(Refused { misuse: Misuse::WrongReplyClass, value: (token, _) }) => {
                // A stale token is refused again, and nothing is left to say.
                let _ = self.connection.reject(now, token, Reject::local_error().into_reply());
                false
            }
            Err(_) => false,
        }
    }

    /// Lets the peer read the last reply.
    pub(super) fn linger(&mut self) {
        self.socket.linger();
    }

    fn wait(&mut self, wait: Wait, idle: bool) {
        let until = wait.deadline.map_or(Duration::MAX, |deadline| self.clock.until(deadline));
        if !wait.input {
            thread::sleep(until.min(SLICE));
            return self.connection.handle_timeout(self.clock.now());
        }
        let parked = self.link.park(idle);
        let received = if parked { self.socket.read(until) } else { self.socket.read(until.min(SLICE)) };
        self.link.unpark();
        let now = self.clock.now();
        match received {
            Ok(Received::Octets(octets)) => {
                let taken = self.connection.handle_input(now, octets);
                debug_assert!(taken.is_ok(), "input is welcome");
            }
            Ok(Received::End) => self.connection.handle_eof(now),
            Ok(Received::Nothing) => self.connection.handle_timeout(now),
            Err(_) => self.connection.handle_disconnect(now),
        }
    }
}
