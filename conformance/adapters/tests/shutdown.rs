//! The end of a service while everybody is sending: what was promised is kept, and nobody is left without a verdict.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::thread;

use smtp_adapter_suite::{
    Adapter, Client, Desk, Mail, PATIENCE, Parties, Recordings, Tls, adapters, mail, told, within,
};
use smtp_proto::CloseReason;
use smtp_proto::client::{Outcome, Summary};

const CLIENTS: usize = 16;

/// How many mails of each are accepted before the service is told to end.
const BEFORE: usize = 25;

/// What a client was told of its mails.
#[derive(Debug, Default)]
struct Ledger {
    accepted: Vec<String>,
    refused: Vec<String>,
}

/// REL-10: 16 clients send without a pause, half of them one mail after the other and half in a row, and the service ends.
/// A mail whose client was told 250 was stored once, one whose client was told anything else was not, no client is left
/// without an answer to its final dot, and each is told 421.
#[test]
fn promises_are_kept() {
    for tls in [Tls::Never, Tls::StartTls] {
        for adapter in adapters() {
            within(&format!("{} {tls:?}", adapter.name()), move || end_under_load(adapter, tls));
        }
    }
}

fn end_under_load(adapter: &dyn Adapter, tls: Tls) {
    let mut parties = Parties::new(tls);
    parties.server.limits.messages = core::num::NonZeroU32::MAX;
    // So long a message is between its final dot and its verdict.
    let desk = Desk::default().with_pause(Duration::from_millis(2));
    let (address, service) = parties.serve(adapter, &desk, &Recordings::default());
    let (accepted, parties) = (AtomicUsize::new(0), &parties);
    let (sending, is_sending) = channel();
    let (ledgers, before) = thread::scope(|scope| {
        let start = |number| {
            let (sending, accepted) = (sending.clone(), &accepted);
            scope.spawn(move || {
                let client = parties.client(adapter, address, &Recordings::default());
                send_until_the_end(client, number, |mails| {
                    accepted.fetch_add(1, Ordering::SeqCst);
                    if mails == BEFORE {
                        sending.send(()).expect("somebody waits");
                    }
                })
            })
        };
        let clients: Vec<_> = (0..CLIENTS).map(start).collect();
        for _ in 0..CLIENTS {
            is_sending.recv_timeout(PATIENCE).expect("mails are accepted");
        }
        let before = accepted.load(Ordering::SeqCst);
        service.shutdown();
        let ledgers = clients.into_iter().map(|client| client.join().expect("it was told 421"));
        (ledgers.collect::<Vec<Ledger>>(), before)
    });
    service.end();

    let mut stored = BTreeMap::<String, usize>::new();
    for message in desk.messages() {
        *stored.entry(message.reverse_path).or_default() += 1;
    }
    let name = adapter.name();
    let (mut kept, mut refused) = (0, 0);
    for ledger in ledgers {
        for mail in &ledger.accepted {
            assert_eq!(stored.remove(mail), Some(1), "{name} {tls:?}: {mail} was accepted");
        }
        for mail in &ledger.refused {
            assert_eq!(stored.remove(mail), None, "{name} {tls:?}: {mail} was not accepted");
        }
        kept += ledger.accepted.len();
        refused += ledger.refused.len();
    }
    assert!(stored.is_empty(), "{name} {tls:?}: nobody was told of these: {stored:?}");
    let late = kept - before;
    println!("{name:>9} {tls:?}: {kept} mails accepted and stored, {late} since the end began, and {refused} refused");
}

/// Sends until the server ends the connection. Tells how many mails were accepted when there is one more.
fn send_until_the_end(mut client: Box<dyn Client>, number: usize, count: impl Fn(usize)) -> Ledger {
    let mut ledger = Ledger::default();
    let mut mails = (0_usize..).map(|mail| numbered(number, mail));
    let mut names = (0_usize..).map(|mail| name(number, mail));
    let mut tell = |outcome: Result<Outcome, String>| {
        let name = names.next().expect("there is no last one");
        let is_accepted = match outcome.as_ref().map(Outcome::summary) {
            Ok(Summary::Accepted) => true,
            Ok(Summary::Refused) | Err(_) => false,
            Ok(_) => panic!("{name}: {}", told(&outcome)),
        };
        if is_accepted {
            ledger.accepted.push(name);
            count(ledger.accepted.len());
        } else {
            ledger.refused.push(name);
        }
        is_accepted
    };
    if number.is_multiple_of(2) {
        while tell(client.send(mails.next().expect("there is no last one"))) {}
    } else {
        client.send_all(&mut mails, &mut |outcome| {
            tell(outcome);
        });
    }
    assert_eq!(client.quit(), CloseReason::ServiceNotAvailable, "client {number}");
    ledger
}

fn numbered(client: usize, number: usize) -> Mail {
    let size = 1 + number % 7 * 1000;
    mail(&name(client, number), &["b@mx.example"], [&vec![b'x'; size], &b"\r\n"[..]].concat())
}

fn name(client: usize, number: usize) -> String {
    format!("{client}-{number}@client.example")
}
