//! The wire of a distorted target.

use core::time::Duration;
use std::io;
use std::time::Instant;

use super::relay::Relay;
use super::selftest::side_name;
use crate::target::{Heard, Unavailable, Wire};
use crate::transcript::{Act, Expectation, Side};

/// The wire of a target, with a mutant in front.
pub(super) struct DistortedWire<'a> {
    inner: Box<dyn Wire + 'a>,
    relay: Relay<'a>,
    role: Side,
    is_virtual: bool,
    /// What the script has said, on its way to the relay.
    said: Vec<u8>,
    /// The inner side has closed.
    is_over: bool,
    /// The inner side was told that nothing more is said.
    has_ended: bool,
    /// Why the inner side has closed, if that was not on purpose.
    broken: Option<io::Error>,
}

impl<'a> DistortedWire<'a> {
    /// `role`: who has the defect.
    pub(super) fn new(inner: Box<dyn Wire + 'a>, relay: Relay<'a>, role: Side, is_virtual: bool) -> Self {
        let (said, broken) = (Vec::new(), None);
        Self { inner, relay, role, is_virtual, said, is_over: false, has_ended: false, broken }
    }

    /// Lets everything through that is there.
    fn pump(&mut self) {
        // A client says what it has to say before it reads.
        if self.role == Side::Client {
            while self.forward(Duration::ZERO) {}
        }
        let said = core::mem::take(&mut self.said);
        if !said.is_empty() {
            match self.role {
                Side::Server => self.relay.client_said(&said),
                Side::Client => self.relay.server_said(&said),
            }
        }
        while self.forward(Duration::ZERO) {}
    }

    /// Hands on what the inner side has to get, and hears something from it, for at most so long. Whether there was
    /// anything.
    fn forward(&mut self, within: Duration) -> bool {
        self.flush();
        if self.is_over {
            return false;
        }
        match self.inner.hear(within) {
            Ok(Heard::Quiet) => return false,
            Ok(Heard::Octets(octets)) => match self.role {
                Side::Server => self.relay.server_said(&octets),
                Side::Client => self.relay.client_said(&octets),
            },
            Ok(Heard::End) => self.inner_has_closed(),
            Err(error) => {
                self.broken = Some(error);
                self.inner_has_closed();
            }
        }
        true
    }

    fn inner_has_closed(&mut self) {
        self.is_over = true;
        match self.role {
            Side::Server => self.relay.server_ended(),
            Side::Client => self.relay.client_ended(),
        }
    }

    /// Hands on to the inner side what it has to get now.
    fn flush(&mut self) {
        let now = self.relay.now();
        while !self.has_ended {
            let outlet = match self.role {
                Side::Server => &mut self.relay.to_server,
                Side::Client => &mut self.relay.to_client,
            };
            // When the inner side is gone, that is heard soon.
            let _gone = match outlet.take(now) {
                Some(Heard::Octets(octets)) => self.inner.send(&octets),
                Some(Heard::End) => {
                    self.has_ended = true;
                    self.inner.end()
                }
                Some(Heard::Quiet) | None => return,
            };
        }
    }

    /// What there is for the script now.
    fn take(&mut self) -> Option<Heard> {
        let now = self.relay.now();
        match self.role {
            Side::Server => self.relay.to_client.take(now),
            Side::Client => self.relay.to_server.take(now),
        }
    }
}

impl Wire for DistortedWire<'_> {
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        // What arrives before anything is heard arrives in one go, however it is cut.
        self.said.extend_from_slice(octets);
        Ok(())
    }

    fn hear(&mut self, within: Duration) -> io::Result<Heard> {
        let mut left = within;
        loop {
            self.pump();
            match self.take() {
                Some(Heard::End) => return self.broken.take().map_or(Ok(Heard::End), Err),
                Some(heard) => return Ok(heard),
                None if left.is_zero() => return Ok(Heard::Quiet),
                None => {}
            }
            let step = self.relay.next().map_or(left, |next| left.min(next - self.relay.now()));
            let start = Instant::now();
            let is_anything = self.forward(step);
            let took = if self.is_virtual {
                // When it is heard matters less than that it is.
                if is_anything { Duration::ZERO } else { step }
            } else {
                if self.is_over && !is_anything {
                    std::thread::sleep(step);
                }
                start.elapsed().min(step)
            };
            self.relay.passed(took);
            left -= took;
        }
    }

    fn end(&mut self) -> io::Result<()> {
        self.pump();
        match self.role {
            Side::Server => self.relay.client_ended(),
            Side::Client => self.relay.server_ended(),
        }
        self.flush();
        Ok(())
    }

    fn start_tls(&mut self, fails: bool) -> io::Result<()> {
        self.pump();
        if let Some(Heard::Octets(octets)) = self.take() {
            return Err(io::Error::other(format!(
                "the {} says in clear: {}",
                side_name(self.role),
                octets.escape_ascii()
            )));
        }
        self.relay.tls_started();
        self.inner.start_tls(fails)
    }

    fn pass(&mut self, time: Duration) {
        self.pump();
        let end = self.relay.now() + time;
        while self.relay.now() < end {
            let next = self.relay.next().map_or(end, |next| next.min(end));
            let step = next - self.relay.now();
            self.inner.pass(step);
            self.relay.passed(step);
            self.pump();
        }
    }

    fn tell(&mut self, act: &Act) -> Result<(), Unavailable> {
        self.pump();
        self.inner.tell(act)
    }

    fn saw(&mut self, expectation: &Expectation, attachments: &[(String, Vec<u8>)]) -> Option<Result<(), String>> {
        self.pump();
        self.inner.saw(expectation, attachments)
    }
}
