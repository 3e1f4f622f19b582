//! One role against octets from a script, cut in any way.

use bytes::Bytes;
use smtp_proto::{Decision, Instant, client, server};

use super::Cuts;
use super::desk::Desk;

/// What came of a dialogue.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The octets that the role sent.
    pub sent: Vec<u8>,
    /// What it told, a line an event.
    pub log: Vec<String>,
    /// How it ended, if it did.
    pub closed: Option<smtp_proto::CloseReason>,
}

/// Drives a server through groups of octets. A group comes when the server waits for input and has answered the last
/// one, as a client behaves that waits at synchronisation points; within a group the octets come as they are cut, all
/// before any answer leaves.
pub fn serve(connection: &mut server::Connection, desk: &mut Desk, groups: &[&[u8]], mut cuts: Cuts) -> Record {
    let mut record = Record::default();
    let mut came = 0;
    settle_and_upgrade(connection, desk, &mut record);
    for group in groups {
        let mut waiting = *group;
        while !waiting.is_empty() && record.closed.is_none() {
            let (piece, rest) = waiting.split_at(cuts.next(came, waiting.len()));
            match connection.handle_input(Instant::EPOCH, Bytes::copy_from_slice(piece)) {
                Ok(()) => {
                    came += piece.len();
                    waiting = rest;
                    drain_server_events(connection, desk);
                }
                Err(refused) => assert_eq!(refused.value, piece, "what is refused comes back"),
            }
            if !wants_more(connection) || waiting.is_empty() {
                settle_and_upgrade(connection, desk, &mut record);
            }
        }
    }
    record.log = core::mem::take(&mut desk.log);
    record
}

/// Whether the server takes another piece before its output has to leave.
fn wants_more(connection: &mut server::Connection) -> bool {
    // An empty piece changes nothing, and is refused exactly when a full one would be.
    connection.handle_input(Instant::EPOCH, Bytes::new()).is_ok()
}

fn drain_server_events(connection: &mut server::Connection, desk: &mut Desk) {
    while let Some(event) = match connection.poll() {
        server::Output::Event(event) => Some(event),
        _ => None,
    } {
        desk.handle(Instant::EPOCH, connection, event);
    }
}

/// Lets the server do all it can, TLS included: a handshake succeeds at once, and brings what the desk says.
fn settle_and_upgrade(connection: &mut server::Connection, desk: &mut Desk, record: &mut Record) {
    loop {
        settle_server(connection, desk, record, &mut Vec::new());
        if !matches!(connection.poll(), server::Output::UpgradeTls) {
            return;
        }
        desk.log.push("TLS".into());
        connection.handle_tls_established(Instant::EPOCH, desk.tls);
    }
}

/// Lets the server do all it can. It stops where a TLS handshake is due.
pub fn settle_server(connection: &mut server::Connection, desk: &mut Desk, record: &mut Record, last: &mut Vec<u8>) {
    loop {
        match connection.poll() {
            server::Output::Transmit(octets) => {
                let count = octets.len();
                record.sent.extend_from_slice(octets);
                last.extend_from_slice(octets);
                connection.transmitted(Instant::EPOCH, count);
            }
            server::Output::Event(event) => desk.handle(Instant::EPOCH, connection, event),
            server::Output::UpgradeTls | server::Output::Wait(_) => return,
            server::Output::Closed(reason) => {
                record.closed = Some(reason);
                return;
            }
        }
    }
}

/// A client's caller: what it has to send.
#[derive(Debug, Default)]
pub struct Caller {
    /// The bodies of the mails, in order, in the pieces in which they are handed in.
    pub bodies: std::collections::VecDeque<Vec<Bytes>>,
    token: Option<(client::Body, std::collections::VecDeque<Bytes>)>,
}

impl Caller {
    pub fn of(bodies: &[&[u8]]) -> Self {
        let bodies = bodies.iter().map(|body| vec![Bytes::copy_from_slice(body)]).collect();
        Self { bodies, token: None }
    }

    /// Lets the client do all it can. Each `Transmit` is one entry of `writes`.
    pub fn settle(&mut self, now: Instant, connection: &mut client::Connection, record: &mut Record) -> Vec<Vec<u8>> {
        let mut writes = Vec::new();
        loop {
            match connection.poll() {
                client::Output::Transmit(octets) => {
                    let octets = octets.to_vec();
                    connection.transmitted(now, octets.len());
                    record.sent.extend_from_slice(&octets);
                    writes.push(octets);
                }
                client::Output::Event(client::Event::Body(token)) => {
                    record.log.push("Body".into());
                    let pieces = self.bodies.pop_front().expect("a body for each mail");
                    self.token = Some((token, pieces.into()));
                    self.feed(now, connection);
                }
                client::Output::Event(event) => record.log.push(describe(&event)),
                client::Output::Wait(wait) => {
                    if wait.decision != Some(Decision::Body) || !self.feed(now, connection) {
                        return writes;
                    }
                }
                client::Output::UpgradeTls => return writes,
                client::Output::Closed(reason) => {
                    record.closed = Some(reason);
                    return writes;
                }
            }
        }
    }

    /// Hands in the next piece, and with the last one the end.
    fn feed(&mut self, now: Instant, connection: &mut client::Connection) -> bool {
        let Some((token, mut pieces)) = self.token.take() else { return false };
        if let Some(piece) = pieces.pop_front() {
            connection.write_body(now, &token, piece).expect("a piece is welcome");
        }
        if pieces.is_empty() {
            // A body that holds a stray octet has ended the connection already.
            let _ = connection.end_body(now, token);
        } else {
            self.token = Some((token, pieces));
        }
        true
    }
}

/// One line for an event.
pub fn describe(event: &client::Event) -> String {
    match event {
        client::Event::Ready(capabilities) => {
            let tls = match (capabilities.is_tls(), capabilities.is_verified()) {
                (false, _) => "",
                (true, false) => ", TLS",
                (true, true) => ", verified TLS",
            };
            let auth = capabilities.mechanism().map(|name| format!(", {name}")).unwrap_or_default();
            format!("Ready(pipelining: {}{tls}{auth})", capabilities.has_pipelining())
        }
        client::Event::Outcome(outcome) => {
            let verdicts: Vec<_> = outcome
                .recipients()
                .map(|(address, verdict)| {
                    let (name, reply) = match verdict {
                        client::Verdict::Accepted(reply) => ("accepted", Some(reply)),
                        client::Verdict::Temporary(reply) => ("temporary", reply.as_ref()),
                        client::Verdict::Permanent(reply) => ("permanent", reply.as_ref()),
                        _ => ("unknown", None),
                    };
                    let code = reply.map_or_else(|| "-".into(), |reply| reply.code().to_string());
                    format!("{address} {name} {code}")
                })
                .collect();
            let reply = outcome.reply().map_or_else(|| "-".into(), |reply| reply.code().to_string());
            format!("{:?} at {}, reply {reply}: {}", outcome.summary(), outcome.stage(), verdicts.join(", "))
        }
        other => format!("{other:?}"),
    }
}
