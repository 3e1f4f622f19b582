//! What a mail costs where each way takes its time: round trips, which are counted, not measured.

use core::time::Duration;
use std::time::Instant;

use smtp_adapter_suite::{
    Adapter, Client, DelayProxy, Desk, Mail, Parties, Recordings, Tls, adapters, mail, told, within,
};
use smtp_proto::client::{Outcome, Summary};

const MAILS: usize = 50;

/// 10 ms for a round trip.
const ONE_WAY: Duration = Duration::from_millis(5);

/// One mail after the other: MAIL, RCPT and DATA are one flight, the message is another.
#[test]
fn one_after_the_other() {
    measure("one after the other", MAILS * 22 / 10, |client, mails| {
        for mail in mails {
            assert_accepted(client.send(mail));
        }
    });
}

/// In a row: each message leaves with the next mail's commands (RFC 2920 §3.1).
#[test]
fn in_a_row() {
    measure("in a row", MAILS * 12 / 10, |client, mails| {
        client.send_all(&mut mails.into_iter(), &mut assert_accepted);
    });
}

/// Counts the flights of [`MAILS`] mails through every adapter, and asserts that there are so many at most.
///
/// The session has begun before: a mail was sent already. All that the mails need is counted, so that the first flight of
/// the first one is shared by all.
fn measure(what: &'static str, most: usize, send: fn(&mut dyn Client, Vec<Mail>)) {
    for tls in [Tls::Never, Tls::Implicit] {
        for adapter in adapters() {
            let (flights, time) = within(adapter.name(), move || flights(tls, adapter, send));
            let (each, per_mail) = (flights as f64 / MAILS as f64, time / MAILS as u32);
            println!("{:>9} {tls:?}, {what}: {each:.2} round trips and {per_mail:.1?} a mail", adapter.name());
            assert!(flights <= most, "{} {tls:?}, {what}: {flights} flights", adapter.name());
            // Whoever needs less than one has not waited for the verdict.
            assert!(flights >= MAILS, "{} {tls:?}, {what}: {flights} flights", adapter.name());
        }
    }
}

fn flights(tls: Tls, adapter: &dyn Adapter, send: fn(&mut dyn Client, Vec<Mail>)) -> (usize, Duration) {
    let (parties, desk) = (Parties::new(tls), Desk::default());
    let (address, service) = parties.serve(adapter, &desk, &Recordings::default());
    let proxy = DelayProxy::new(address, ONE_WAY);
    let mut client = parties.client(adapter, proxy.address(), &Recordings::default());
    let mail = mail("a@client.example", &["b@mx.example"], "0123456789abcde\r\n".repeat(4096 / 17));
    assert_accepted(client.send(mail.clone()));
    let (before, begun) = (proxy.flights().to_server, Instant::now());
    send(&mut *client, vec![mail; MAILS]);
    let (flights, time) = (proxy.flights().to_server - before, begun.elapsed());
    client.quit();
    service.end();
    assert_eq!(desk.messages().len(), 1 + MAILS);
    (flights, time)
}

fn assert_accepted(outcome: Result<Outcome, String>) {
    assert!(outcome.as_ref().is_ok_and(|outcome| outcome.summary() == Summary::Accepted), "{}", told(&outcome));
}
