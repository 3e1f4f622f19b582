//! A network that fails once, at every octet of a session, and a ledger of what either side was promised.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use smtp_adapter_suite::{Adapter, Desk, Fault, FaultKind, FaultyWay, Mail, Parties, Recordings, Side, Tls, adapters};
use smtp_proto::client::{Envelope, Outcome, Summary};

/// What was said about each mail, and how many sessions there were.
#[derive(Debug, Default)]
struct Ledger {
    said: BTreeMap<String, Said>,
    sessions: usize,
}

/// What a client was told about a mail, and what had happened to the network.
#[derive(Clone, Copy, Debug)]
struct Said {
    summary: Option<Summary>,
    fault: Option<Fault>,
}

/// Mails of one session. The second leaves right behind the first.
const MAILS: usize = 2;

/// REL-01, REL-04, REL-05, REL-11: whatever fails, and wherever, a mail whose client was told yes was stored once, one whose
/// client was told no was not stored, and one of which nobody knows was stored once at most.
#[test]
fn every_octet_fails_once() {
    for adapter in adapters() {
        sweep(adapter, Tls::Never, 1);
    }
}

/// REL-01: the same under TLS, where the other side learns of each fault by its records.
#[test]
fn octets_of_tls_fail() {
    for adapter in adapters() {
        sweep(adapter, Tls::Implicit, 97);
        sweep(adapter, Tls::StartTls, 97);
    }
}

/// Every kind of fault behind every octet of either side, or behind one in `step`.
fn sweep(adapter: &dyn Adapter, tls: Tls, step: usize) {
    let desk = Desk::default();
    let mut ledger = Ledger::default();
    // What loses nothing takes its time.
    let parties = Parties::new(tls);
    let (server, service) = parties.serve(adapter, &desk, &Recordings::default());
    let lengths = ledger.session(&parties, adapter, server, None);
    for from in [Side::Client, Side::Server] {
        let kind = FaultKind::SingleOctets;
        ledger.session(&parties, adapter, server, Some(Fault { from, behind: 0, kind }));
    }
    service.end();

    let mut parties = Parties::new(tls);
    be_impatient(&mut parties);
    let (server, service) = parties.serve(adapter, &desk, &Recordings::default());
    let mut run = |fault| ledger.session(&parties, adapter, server, Some(fault));
    for (from, length) in [Side::Client, Side::Server].into_iter().zip(lengths) {
        for behind in (0..=length).step_by(step) {
            for kind in [FaultKind::End, FaultKind::Reset] {
                run(Fault { from, behind, kind });
            }
        }
        // Each of these takes as long as somebody's patience.
        for behind in (0..=length).step_by(13 * step) {
            run(Fault { from, behind, kind: FaultKind::Silence });
        }
    }
    service.end();
    ledger.balance(adapter, tls, &desk);
}

/// Whoever waits for what does not come gives up soon.
fn be_impatient(parties: &mut Parties) {
    let soon = Duration::from_millis(100);
    let times = &mut parties.client.timeouts;
    for time in [
        &mut times.greeting,
        &mut times.hello,
        &mut times.starttls,
        &mut times.handshake,
        &mut times.auth,
        &mut times.mail,
        &mut times.rcpt,
        &mut times.data,
        &mut times.block,
        &mut times.verdict,
        &mut times.quit,
    ] {
        *time = soon;
    }
    let times = &mut parties.server.timeouts;
    for time in [&mut times.idle, &mut times.command, &mut times.data, &mut times.handshake, &mut times.write] {
        *time = soon;
    }
}

impl Ledger {
    /// One session, and what came of its mails. How many octets came from either side.
    fn session(
        &mut self,
        parties: &Parties,
        adapter: &dyn Adapter,
        server: SocketAddr,
        fault: Option<Fault>,
    ) -> [usize; 2] {
        let way = FaultyWay::new(server, fault);
        let names: Vec<String> = (0..MAILS).map(|mail| format!("{}-{mail}", self.sessions)).collect();
        self.sessions += 1;
        let mut told = Vec::new();
        let mut client = parties.client(adapter, way.address(), &Recordings::default());
        client.send_all(&mut names.iter().map(|name| mail(name)), &mut |outcome| {
            // A mail that was not tried was not sent.
            told.push(outcome.ok().as_ref().map(Outcome::summary));
        });
        client.quit();
        for (mail, name) in names.into_iter().enumerate() {
            self.said.insert(name, Said { summary: told.get(mail).copied().flatten(), fault });
        }
        way.end()
    }

    /// Holds what was said against what was stored.
    fn balance(&self, adapter: &dyn Adapter, tls: Tls, desk: &Desk) {
        let mut stored = BTreeMap::<String, usize>::new();
        for message in desk.messages() {
            let name = message.reverse_path.split('@').next().unwrap_or_default().to_owned();
            assert_eq!(message.octets, body(&name), "{}: {name} is not what was sent", adapter.name());
            *stored.entry(name).or_default() += 1;
        }
        let mut counts = BTreeMap::<&str, usize>::new();
        for (name, said) in &self.said {
            let stored = stored.remove(name).unwrap_or(0);
            let (kind, is_kept) = match said.summary {
                Some(Summary::Accepted) => ("accepted", stored == 1),
                Some(Summary::Unknown) if stored == 1 => ("unknown and stored", true),
                Some(Summary::Unknown) => ("unknown and not stored", stored == 0),
                _ => ("refused", stored == 0),
            };
            assert!(is_kept, "{} {tls:?}: {name} was stored {stored} times: {said:?}", adapter.name());
            if said.fault.is_none_or(|fault| fault.kind == FaultKind::SingleOctets) {
                assert_eq!(said.summary, Some(Summary::Accepted), "{} {tls:?}: {said:?}", adapter.name());
            }
            *counts.entry(kind).or_default() += 1;
        }
        assert!(stored.is_empty(), "{}: nobody sent these: {stored:?}", adapter.name());
        println!("{:>9} {tls:?}: {} sessions: {counts:?}", adapter.name(), self.sessions);
        // A sweep in which one of these never happens sweeps past it.
        for kind in ["accepted", "refused", "unknown and stored", "unknown and not stored"] {
            assert!(counts.contains_key(kind), "{} {tls:?}: nothing was {kind}", adapter.name());
        }
    }
}

fn mail(name: &str) -> Mail {
    let envelope = Envelope::new(&format!("{name}@client.example")).and_then(|mail| mail.to("b@mx.example"));
    (envelope.expect("addresses"), body(name))
}

fn body(name: &str) -> Vec<u8> {
    format!("Subject: {name}\r\n\r\n.\r\n").into_bytes()
}
