//! A client and a server joined by two byte pipes, in virtual time.

use core::time::Duration;

use bytes::Bytes;
use smtp_proto::{Instant, TlsInfo, client, server};

use super::Cuts;
use super::desk::Desk;
use super::dialogue::BINDING;
use super::script::{Caller, Record};

/// Both roles of the core, talking to each other.
pub struct Pair {
    pub now: Instant,
    pub client: client::Connection,
    pub server: server::Connection,
    pub caller: Caller,
    pub desk: Desk,
    /// What the client told and sent.
    pub record: Record,
    /// What the server sent, and how it ended.
    pub server_record: Record,
    /// How often the direction of the traffic turned to the server: each is half a round trip.
    pub flights: usize,
    /// What the client's end of a TLS handshake brings; `None`: the handshake fails. Both ends have the same binding, and
    /// the desk says whether the client shows a certificate.
    pub tls: Option<TlsInfo>,
    to_server: Pipe,
    to_client: Pipe,
}

/// Octets on their way.
struct Pipe {
    octets: Vec<u8>,
    arrived: usize,
    cuts: Cuts,
}

impl Pair {
    pub fn new(client: client::Connection, server: server::Connection, caller: Caller, cuts: Cuts) -> Self {
        Self {
            now: Instant::EPOCH,
            client,
            server,
            caller,
            desk: Desk::default(),
            record: Record::default(),
            server_record: Record::default(),
            flights: 0,
            tls: Some(TlsInfo::new(true).with_channel_binding(BINDING)),
            to_server: Pipe::new(cuts),
            to_client: Pipe::new(cuts),
        }
    }

    /// Lets both talk until neither has anything to say.
    pub fn run(&mut self) {
        loop {
            let before = self.record.sent.len();
            self.caller.settle(self.now, &mut self.client, &mut self.record);
            let sent = &self.record.sent[before..];
            self.flights += usize::from(!sent.is_empty());
            self.to_server.octets.extend_from_slice(sent);
            let mut moved = false;
            loop {
                let mut answer = Vec::new();
                super::script::settle_server(&mut self.server, &mut self.desk, &mut self.server_record, &mut answer);
                self.to_client.octets.extend_from_slice(&answer);
                let Some(piece) = self.to_server.next() else { break };
                match self.server.handle_input(self.now, piece) {
                    Ok(()) => moved = true,
                    Err(refused) => {
                        self.to_server.put_back(refused.value.len());
                        break;
                    }
                }
            }
            while let Some(piece) = self.to_client.next() {
                moved = true;
                match self.client.handle_input(self.now, piece) {
                    Ok(()) => {
                        let before = self.record.sent.len();
                        self.caller.settle(self.now, &mut self.client, &mut self.record);
                        let sent = self.record.sent[before..].to_vec();
                        self.flights += usize::from(!sent.is_empty());
                        self.to_server.octets.extend_from_slice(&sent);
                    }
                    Err(refused) => {
                        self.to_client.put_back(refused.value.len());
                        break;
                    }
                }
            }
            if !moved && !self.shake_hands() {
                return;
            }
        }
    }

    /// Lets so much time pass, then both talk again.
    pub fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.client.handle_timeout(self.now);
        self.server.handle_timeout(self.now);
        self.run();
    }

    /// Makes the TLS handshake if both ends are at it. What is under way in clear by then would break it.
    fn shake_hands(&mut self) -> bool {
        let is_due = matches!(self.client.poll(), client::Output::UpgradeTls)
            && matches!(self.server.poll(), server::Output::UpgradeTls);
        if !is_due {
            return false;
        }
        assert!(self.to_server.is_empty() && self.to_client.is_empty(), "nothing is under way in clear");
        match self.tls {
            Some(tls) => {
                let of_server = TlsInfo::new(self.desk.tls.verified);
                let of_server = tls.channel_binding.map_or(of_server, |it| of_server.with_channel_binding(it));
                self.client.handle_tls_established(self.now, tls);
                self.server.handle_tls_established(self.now, of_server);
            }
            None => {
                self.client.handle_tls_failed(self.now);
                self.server.handle_tls_failed(self.now);
            }
        }
        true
    }
}

impl Pipe {
    fn new(cuts: Cuts) -> Self {
        Self { octets: Vec::new(), arrived: 0, cuts }
    }

    fn next(&mut self) -> Option<Bytes> {
        let waiting = &self.octets[self.arrived..];
        if waiting.is_empty() {
            return None;
        }
        let length = self.cuts.next(self.arrived, waiting.len());
        let piece = Bytes::copy_from_slice(&waiting[..length]);
        self.arrived += length;
        Some(piece)
    }

    fn is_empty(&self) -> bool {
        self.arrived == self.octets.len()
    }

    fn put_back(&mut self, octets: usize) {
        self.arrived -= octets;
    }
}
