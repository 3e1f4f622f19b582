//! Every adapter and programs that others wrote: what goes in comes out, octet by octet, and one refusal is one refusal.
//!
//! A program that is not installed is left out, out loud; with `SMTP_PEERS=required` in the environment that fails.
#![cfg(unix)]

use core::net::SocketAddr;
use std::collections::BTreeSet;
use std::fs;

use smtp_adapter_suite::{Adapter, Desk, Parties, Recordings, Tls, adapters, mail, told, within};
use smtp_peers::clients::{CURL, Client, MSMTP, Mail, NODEMAILER, SMTPLIB, SWAKS};
use smtp_peers::messages;
use smtp_peers::programs::{Finished, temporary_folder, wait_for};
use smtp_peers::servers::{Aiosmtpd, Exim, OpenSmtpd, Postfix, Server, SmtpServer, SmtpSink, difference};

macro_rules! clients {
    ($($name:ident: $client:expr;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn messages_come_to_every_adapter_as_they_were() {
                come_as_they_were(&$client);
            }

            #[test]
            fn one_refused_recipient_among_three() {
                for_each_adapter(|adapter| refuses_one(&$client, adapter));
            }
        }
    )*};
}

macro_rules! servers {
    ($($name:ident: $server:ty;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn messages_leave_every_adapter_as_they_were() {
                within(stringify!($name), leave_as_they_were::<$server>);
            }
        }
    )*};
}

macro_rules! refusing_servers {
    ($($name:ident: $server:ty;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn one_refused_recipient_among_three() {
                within(stringify!($name), hears_of_one_refusal::<$server>);
            }
        }
    )*};
}

clients! {
    smtplib: SMTPLIB;
    curl: CURL;
    swaks: SWAKS;
    msmtp: MSMTP;
    nodemailer: NODEMAILER;
}

servers! {
    aiosmtpd: Aiosmtpd;
    smtp_server: SmtpServer;
    smtp_sink: SmtpSink;
    postfix: Postfix;
    exim: Exim;
    opensmtpd: OpenSmtpd;
}

/// smtp-sink cannot tell recipients apart.
mod refusals {
    use super::*;

    refusing_servers! {
        aiosmtpd: Aiosmtpd;
        smtp_server: SmtpServer;
        postfix: Postfix;
        exim: Exim;
        opensmtpd: OpenSmtpd;
    }
}

/// R-4.5.2-01, R-4.1.1.4-07: a server hands on the octets that a client was given.
fn come_as_they_were(client: &'static Client) {
    for_each_adapter(|adapter| {
        let mut messages = small_messages();
        // One client is enough: the others take as long as they take, whatever the server is.
        if client.name == CURL.name {
            messages.push(messages::large());
        }
        let (parties, desk) = (Parties::new(Tls::Never), Desk::default());
        let (address, service) = parties.serve(adapter, &desk, &Recordings::off());
        if !client.is_there() {
            return;
        }
        for message in &messages {
            send(client, address, &["bob@mx.example", "carol@mx.example"], message).expect(0, "");
        }
        service.end();
        let came = desk.messages();
        assert_eq!(came.len(), messages.len());
        for (came, message) in came.iter().zip(&messages) {
            assert_eq!(came.reverse_path, FROM);
            assert_eq!(came.recipients, ["bob@mx.example", "carol@mx.example"]);
            // Not `assert_eq`, which would print 25 MB.
            assert!(came.octets == *message, "{}", difference(&came.octets, message));
        }
    });
}

/// The desk refuses one of three. The client tells that, and if it goes on with the others they have the message.
fn refuses_one(client: &'static Client, adapter: &'static dyn Adapter) {
    if !client.is_there() {
        return;
    }
    let (parties, desk, message) = (Parties::new(Tls::Never), Desk::default(), messages::dots());
    let (address, service) = parties.serve(adapter, &desk, &Recordings::off());
    let code = client.code_for_one_of_several(550);
    let to = ["bob@mx.example", "nobody@mx.example", "carol@mx.example"];
    send(client, address, &to, &message).expect(code, "550");
    service.end();
    let came = desk.messages();
    if code == 0 {
        let [came] = came.as_slice() else { panic!("{came:?}") };
        assert_eq!(came.recipients, ["bob@mx.example", "carol@mx.example"]);
        assert!(came.octets == message, "{}", difference(&came.octets, &message));
    } else {
        assert!(came.is_empty(), "{came:?}");
    }
}

/// R-4.5.2-01: a client sends the octets that it was given, one mail after the other over one connection.
fn leave_as_they_were<S: Server>() {
    let Some(server) = S::start() else { return };
    for adapter in adapters() {
        let mut client = Parties::new(Tls::Never).client(adapter, server.address(), &Recordings::off());
        for (number, message) in small_messages().into_iter().enumerate() {
            // Whom a mail is for tells which one it is.
            let to = ["bob", "carol"].map(|name| format!("{name}-{number}-{}@example.org", adapter.name()));
            let outcome = told(&client.send(mail(FROM, &to.each_ref().map(String::as_str), message)));
            assert!(outcome.starts_with("Accepted"), "{}: {outcome}", adapter.name());
        }
        client.quit();
    }
    let expected = adapters().len() * 2 * small_messages().len();
    let stored = wait_for("mail in the files of the server", || {
        let stored = server.stored();
        let reached = stored.iter().map(|stored| stored.to.len()).sum::<usize>();
        (reached >= expected).then_some(stored)
    });
    let mut reached = BTreeSet::new();
    for stored in stored {
        assert_eq!(stored.from, FROM);
        for to in stored.to {
            let number: usize = to.split('-').nth(1).and_then(|number| number.parse().ok()).expect("given above");
            let message = &small_messages()[number];
            assert!(stored.message == *message, "{to}: {}", difference(&stored.message, message));
            assert!(reached.insert(to.clone()), "{to} has two");
        }
    }
    assert_eq!(reached.len(), expected);
}

/// The server refuses one of three, and the others get the message.
fn hears_of_one_refusal<S: Server>() {
    for adapter in adapters() {
        let Some(server) = S::start() else { return };
        let (parties, message) = (Parties::new(Tls::Never), messages::dots());
        let mut client = parties.client(adapter, server.address(), &Recordings::off());
        let to = ["bob@example.org", "refused@example.org", "carol@example.org"];
        let outcome = client.send(mail(FROM, &to, message.clone())).expect("the connection is there");
        client.quit();
        let verdicts = outcome.recipients().map(|(recipient, verdict)| {
            let code = verdict.reply().expect("a reply").code().value();
            (recipient.to_string(), code)
        });
        let expected = to.map(|to| (to.to_owned(), if to == "refused@example.org" { 550 } else { 250 }));
        assert_eq!(verdicts.collect::<Vec<_>>(), expected, "{}", adapter.name());
        server.expect_stored(FROM, &["bob@example.org", "carol@example.org"], &message);
    }
}

/// One after the other: in bounded time, and told by name if it fails.
fn for_each_adapter(test: impl Fn(&'static dyn Adapter) + Clone + Send + 'static) {
    for adapter in adapters() {
        let test = test.clone();
        within(adapter.name(), move || {
            eprintln!("{}", adapter.name());
            test(adapter);
        });
    }
}

fn small_messages() -> Vec<Vec<u8>> {
    vec![
        messages::empty_body(),
        messages::dots(),
        messages::eight_bit(),
        messages::look_alikes(),
        messages::long_lines(),
    ]
}

fn send(client: &Client, server: SocketAddr, to: &[&str], message: &[u8]) -> Finished {
    let folder = temporary_folder();
    let file = folder.path().join("message");
    fs::write(&file, message).expect("a new file");
    client.send(server, &Mail { from: FROM, to, message: &file, login: None })
}

const FROM: &str = "ada@sender.example";
