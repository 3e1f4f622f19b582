//! The loop that carries out what a client connection says.

use core::time::Duration;
use std::io;
use std::thread;

use smtp_proto::client::{Connection, Event, Output};
use smtp_proto::{Clock, CloseReason, Decision, Wait};
#[cfg(feature = "__tls")]
use smtp_tls::rustls::pki_types::ServerName;

use crate::socket::Socket;
#[cfg(feature = "__tls")]
use crate::tls::{Channel, ClientTls};
use crate::wire::Received;

/// A connection and its socket.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) connection: Connection,
    pub(super) socket: Socket,
    pub(super) clock: Clock,
    #[cfg(feature = "__tls")]
    pub(super) upgrade: Option<Upgrade>,
    /// What the operating system or TLS said when the transport failed.
    pub(super) error: Option<io::Error>,
}

/// How TLS is to be made.
#[cfg(feature = "__tls")]
#[derive(Debug)]
pub(super) struct Upgrade {
    pub(super) tls: ClientTls,
    pub(super) name: ServerName<'static>,
    /// A certificate that does not verify is no hindrance.
    pub(super) is_lenient: bool,
}

/// What a client has to see to.
pub(super) enum Next {
    /// The connection tells something.
    Event(Event),
    /// The next piece of the body is welcome.
    Body,
    /// The connection is over.
    Closed(CloseReason),
}

/// How long to look for input that has come already.
const GLANCE: Duration = Duration::from_millis(1);

impl Driver {
    /// Carries on until there is something to see to.
    pub(super) fn next(&mut self) -> Next {
        loop {
            match self.connection.poll() {
                Output::Event(event) => return Next::Event(event),
                Output::Transmit(octets) => {
                    let written = self.socket.write(octets);
                    let now = self.clock.now();
                    match written {
                        Ok(0) => {
                            self.connection.handle_timeout(now);
                            self.read(GLANCE);
                        }
                        Ok(count) => self.connection.transmitted(now, count),
                        Err(error) => self.read_last(error),
                    }
                }
                Output::UpgradeTls => self.upgrade(),
                Output::Wait(Wait { decision: Some(Decision::Body), .. }) => return Next::Body,
                Output::Wait(wait) => {
                    let until = wait.deadline.map_or(Duration::MAX, |deadline| self.clock.until(deadline));
                    if wait.input {
                        self.read(until);
                    } else {
                        thread::sleep(until);
                        self.connection.handle_timeout(self.clock.now());
                    }
                }
                Output::Closed(reason) => return Next::Closed(reason),
            }
        }
    }

    /// Goes on with the TLS handshake. The connection knows how long it may take.
    #[cfg(feature = "__tls")]
    fn upgrade(&mut self) {
        let wait = self.connection.deadline().map_or(Duration::MAX, |deadline| self.clock.until(deadline));
        let Some(Upgrade { tls, name, is_lenient }) = &self.upgrade else {
            return self.connection.handle_tls_failed(self.clock.now());
        };
        let made = self.socket.handshake(|| Channel::to_server(tls, name.clone(), *is_lenient), wait);
        let now = self.clock.now();
        match made {
            Ok(Some(info)) => self.connection.handle_tls_established(now, info),
            Ok(None) => self.connection.handle_timeout(now),
            Err(error) => {
                self.error.get_or_insert(error);
                self.connection.handle_tls_failed(now);
            }
        }
    }

    #[cfg(not(feature = "__tls"))]
    fn upgrade(&mut self) {
        self.connection.handle_tls_failed(self.clock.now());
    }

    fn read(&mut self, wait: Duration) {
        let received = self.socket.read(wait);
        let now = self.clock.now();
        match received {
            Ok(Received::Octets(octets)) => {
                let taken = self.connection.handle_input(now, octets);
                debug_assert!(taken.is_ok(), "input is welcome");
            }
            Ok(Received::End) => self.connection.handle_eof(now),
            Ok(Received::Nothing) => self.connection.handle_timeout(now),
            Err(error) => self.fail(error),
        }
    }

    /// Writing failed. What the server said before it went away is still worth hearing: it may be the reason.
    fn read_last(&mut self, error: io::Error) {
        let heard = match self.socket.read(GLANCE) {
            Ok(Received::Octets(octets)) => self.connection.handle_input(self.clock.now(), octets).is_ok(),
            _ => false,
        };
        if !heard {
            self.fail(error);
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.error.get_or_insert(error);
        self.connection.handle_disconnect(self.clock.now());
    }
}
