//! The test server, used as other people's tests use it.

mod kit;

use core::time::Duration;
use std::thread;

use kit::{PATIENCE, Peer, client_config, envelope};
use smtp_blocking::proto::client::Summary;
use smtp_blocking::proto::reply::{Detail, Reply, ReplyCode};
use smtp_blocking::{Client, TestServer};

fn refusal(text: &str) -> Reply {
    Reply::new(ReplyCode::TRANSACTION_FAILED, Detail::OTHER_SECURITY_STATUS, text)
}

/// Everything that can be refused is, with the reply that was asked for; nothing else is.
#[test]
fn refusals() {
    let server = TestServer::builder()
        .refuse_sender("", refusal("no notifications"))
        .refuse_sender("no@client.example", refusal("not you"))
        .refuse_recipient("bob@mx.example", refusal("not him"))
        .spawn();
    let mut peer = Peer::greeted(server.address());
    peer.asks(&[
        ("MAIL FROM:<>", "554 5.7.0 no notifications"),
        ("MAIL FROM:<no@client.example>", "554 5.7.0 not you"),
        ("MAIL FROM:<NO@client.example>", "250"),
        ("RCPT TO:<bob@mx.example>", "554 5.7.0 not him"),
        ("RCPT TO:<Bob@mx.example>", "250"),
        ("DATA", "354"),
    ]);
    peer.say("x\r\n.\r\n");
    assert!(peer.reply().starts_with("250"));
    assert_eq!(server.messages().len(), 1);

    let server = TestServer::builder().refuse_messages(refusal("not this")).spawn();
    let mut client = Client::connect(server.address(), client_config()).expect("it listens");
    let outcome = client.send(envelope(&["bob@mx.example"]), &b"x\r\n"[..]).expect("tried");
    assert_eq!((outcome.summary(), outcome.reply()), (Summary::Refused, Some(&refusal("not this"))));
    assert!(server.messages().is_empty());

    let server = TestServer::builder().refuse_connections(refusal("nobody")).spawn();
    assert_eq!(Peer::connect(server.address()).reply(), "554 nobody");
}

/// The configuration is the caller's.
#[test]
fn configured() {
    let server = TestServer::builder().configure(|config| config.greeting = "at your service".into()).spawn();
    assert_eq!(Peer::connect(server.address()).reply(), "220 test.example at your service");
}

/// A message that another thread sends can be waited for, also in vain.
#[test]
fn waiting() {
    let server = TestServer::spawn();
    let address = server.address();
    let sender = thread::spawn(move || {
        let mut client = Client::connect(address, client_config()).expect("it listens");
        for body in ["1\r\n", "2\r\n"] {
            let outcome = client.send(envelope(&["bob@mx.example"]), body.as_bytes()).expect("sent");
            assert_eq!(outcome.summary(), Summary::Accepted);
        }
    });
    let bodies: Vec<_> = server.wait_for(2, PATIENCE).into_iter().map(|message| message.body).collect();
    assert_eq!(bodies, [b"1\r\n", b"2\r\n"]);
    sender.join().expect("sent");
    assert_eq!(server.wait_for(3, Duration::from_millis(50)).len(), 2);
}

/// RES-12, REL-17: a crowd of clients loses nothing and doubles nothing, and each keeps its order.
#[test]
fn crowd() {
    const CLIENTS: usize = 16;
    const MAILS: usize = 50;
    let server = TestServer::spawn();
    let address = server.address();
    let senders: Vec<_> = (0..CLIENTS)
        .map(|client| {
            thread::spawn(move || {
                let mails = (0..MAILS).map(|mail| {
                    let body = format!("{client} {mail}\r\n").repeat(1 + mail * 17);
                    (envelope(&["bob@mx.example"]), std::io::Cursor::new(body))
                });
                let mut sender = Client::connect(address, client_config()).expect("it listens");
                let accepted = sender
                    .send_all(mails)
                    .filter(|outcome| outcome.as_ref().is_ok_and(|outcome| outcome.summary() == Summary::Accepted))
                    .count();
                assert_eq!(accepted, MAILS);
            })
        })
        .collect();
    for sender in senders {
        sender.join().expect("all were accepted");
    }
    let mut next = [0; CLIENTS];
    let messages = server.messages();
    assert_eq!(messages.len(), CLIENTS * MAILS);
    for message in messages {
        let text = String::from_utf8(message.body).expect("text");
        let line = text.lines().next().expect("a line");
        let (client, mail) = line.split_once(' ').expect("two numbers");
        let (client, mail): (usize, usize) = (client.parse().expect("a number"), mail.parse().expect("a number"));
        assert_eq!((mail, text.lines().count()), (next[client], 1 + mail * 17));
        next[client] += 1;
    }
}
