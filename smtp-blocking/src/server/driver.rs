//! The loop that carries out what a server connection says.

use core::time::Duration;
use std::sync::Arc;
use std::thread;

use smtp_proto::sasl::Secret;
use smtp_proto::server::{Answer, Connection, Event, Fate, Incoming, Lookup, Output, Reject, Token};
use smtp_proto::{Clock, Wait};

use super::connections::Link;
use crate::socket::Socket;
#[cfg(feature = "__tls")]
use crate::tls::{Channel, ServerTls, TlsSession};
use crate::wire::Received;

/// A connection and its socket.
#[derive(Debug)]
pub(super) struct Driver {
    connection: Connection,
    socket: Socket,
    clock: Clock,
    link: Arc<Link>,
    #[cfg(feature = "__tls")]
    tls: Option<ServerTls>,
    /// The handshake was made, and nobody has been told.
    #[cfg(feature = "__tls")]
    is_news: bool,
}

/// How late a connection in a transaction may notice that the service is ending. Between two transactions a connection
/// waits so long, too, before it releases its buffers, so that one read timeout fits both.
const SLICE: Duration = Duration::from_millis(512);

impl Driver {
    pub(super) fn new(connection: Connection, socket: Socket, clock: Clock, link: Arc<Link>) -> Self {
        Self {
            connection,
            socket,
            clock,
            link,
            #[cfg(feature = "__tls")]
            tls: None,
            #[cfg(feature = "__tls")]
            is_news: false,
        }
    }

    /// How TLS is to be made.
    #[cfg(feature = "__tls")]
    pub(super) fn with_tls(self, tls: Option<ServerTls>) -> Self {
        Self { tls, ..self }
    }

    /// What TLS was agreed on, told once.
    #[cfg(feature = "__tls")]
    pub(super) fn take_tls_session(&mut self) -> Option<TlsSession> {
        if core::mem::take(&mut self.is_news) { self.socket.tls_session().cloned() } else { None }
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
                Output::UpgradeTls => self.upgrade(),
                Output::Wait(wait) => self.wait(wait, idle),
                Output::Closed(_) => return None,
            }
        }
    }

    /// Hands over an answer. Returns whether it was a yes that the connection took.
    pub(super) fn answer<T: Token>(&mut self, token: T, answer: Answer) -> bool {
        self.connection.answer(self.clock.now(), token, answer)
    }

    /// Says what is stored of a user.
    pub(super) fn answer_lookup(&mut self, lookup: Lookup, secret: Result<Option<Secret>, Reject>) {
        self.connection.answer_lookup(self.clock.now(), lookup, secret);
    }

    /// Lets the client begin with the mail data, if it does not know yet.
    pub(super) fn begin(&mut self, incoming: &mut Incoming) {
        incoming.begin(self.clock.now(), &mut self.connection);
    }

    /// Hands over the answer to the mail data.
    pub(super) fn finish(&mut self, incoming: &mut Incoming, answer: Answer) -> Fate {
        incoming.finish(self.clock.now(), &mut self.connection, answer)
    }

    /// Lets the peer read the last reply.
    pub(super) fn linger(&mut self) {
        self.socket.linger();
    }

    /// Goes on with the TLS handshake. The connection knows how long it may take.
    #[cfg(feature = "__tls")]
    fn upgrade(&mut self) {
        let until = self.connection.deadline().map_or(Duration::MAX, |deadline| self.clock.until(deadline));
        let Some(tls) = &self.tls else { return self.connection.handle_tls_failed(self.clock.now()) };
        let made = self.socket.handshake(|| Channel::to_client(tls), until.min(SLICE));
        let now = self.clock.now();
        match made {
            Ok(Some(info)) => {
                self.connection.handle_tls_established(now, info);
                self.is_news = true;
            }
            Ok(None) => self.connection.handle_timeout(now),
            Err(_) => self.connection.handle_tls_failed(now),
        }
    }

    #[cfg(not(feature = "__tls"))]
    fn upgrade(&mut self) {
        self.connection.handle_tls_failed(self.clock.now());
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
            // The end of the service ends the read, which TLS does not know. There is a reply to be written yet.
            Err(_) if parked && self.link.is_service_ending() => self.connection.handle_eof(now),
            Err(_) => self.connection.handle_disconnect(now),
        }
    }
}
