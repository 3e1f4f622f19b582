//! The loop that carries out what a connection says, in either role.

use core::time::Duration;
use std::{io, thread};

use smtp_proto::{Clock, Decision, Drive, Next, Output};

use crate::socket::Socket;
use crate::wire::Received;

/// A connection and its socket.
#[derive(Debug)]
pub(crate) struct Driver<C> {
    pub(crate) connection: C,
    pub(crate) socket: Socket,
    pub(crate) clock: Clock,
    /// What the operating system or TLS said when the transport failed.
    pub(crate) error: Option<io::Error>,
}

/// How long to look for input that has come already.
const GLANCE: Duration = Duration::from_millis(1);

impl<C: Drive> Driver<C> {
    pub(crate) fn new(connection: C, socket: Socket, clock: Clock) -> Self {
        Self { connection, socket, clock, error: None }
    }

    /// Does the one thing there is to do next. `None`: there is more. `read` waits for input for a time at the most; all
    /// other waits are no longer than `longest`.
    pub(crate) fn turn(
        &mut self,
        longest: Duration,
        read: impl FnOnce(&mut Socket, Duration) -> io::Result<Received>,
    ) -> Option<Next<C::Event>> {
        match self.connection.poll() {
            Output::Event(event) => return Some(Next::Event(event)),
            Output::Closed(reason) => return Some(Next::Closed(reason)),
            Output::Transmit(octets) => match self.socket.write(octets) {
                Ok(0) => {
                    self.connection.handle_timeout(self.clock.now());
                    // The peer may not read before it has written.
                    self.hear();
                }
                Ok(count) => self.connection.transmitted(self.clock.now(), count),
                Err(error) => {
                    self.error.get_or_insert(error);
                    // What the peer said before it went away is still worth hearing: it may be the reason.
                    if !self.hear() {
                        self.connection.handle_disconnect(self.clock.now());
                    }
                }
            },
            Output::UpgradeTls => match self.socket.handshake(self.patience().min(longest)) {
                Ok(Some(info)) => self.connection.handle_tls_established(self.clock.now(), info),
                Ok(None) => self.connection.handle_timeout(self.clock.now()),
                Err(error) => {
                    self.error.get_or_insert(error);
                    self.connection.handle_tls_failed(self.clock.now());
                }
            },
            Output::Wait(wait) if wait.decision == Some(Decision::Body) => return Some(Next::Body),
            Output::Wait(wait) if wait.input => {
                let patience = self.patience();
                let received = read(&mut self.socket, patience);
                self.handle(received);
            }
            Output::Wait(_) => {
                thread::sleep(self.patience().min(longest));
                self.connection.handle_timeout(self.clock.now());
            }
        }
        None
    }

    /// How long it is until the deadline.
    fn patience(&self) -> Duration {
        self.connection.deadline().map_or(Duration::MAX, |deadline| self.clock.until(deadline))
    }

    /// Takes what has come already, if it is welcome. Returns whether there was anything.
    fn hear(&mut self) -> bool {
        let received = if self.connection.wants_input() { self.socket.read(GLANCE) } else { Ok(Received::Nothing) };
        self.handle(received)
    }

    /// Hands over what a read brought. Returns whether that was anything.
    fn handle(&mut self, received: io::Result<Received>) -> bool {
        let now = self.clock.now();
        match received {
            // They are welcome.
            Ok(Received::Octets(octets)) => return self.connection.handle_input(now, octets).is_ok(),
            Ok(Received::End) => self.connection.handle_eof(now),
            Ok(Received::Nothing) => self.connection.handle_timeout(now),
            Err(error) => {
                self.error.get_or_insert(error);
                self.connection.handle_disconnect(now);
            }
        }
        false
    }
}
