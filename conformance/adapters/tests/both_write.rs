//! Two peers that both have more to say than the network takes: each has to listen while it cannot speak, or both wait for
//! ever (RFC 2920 §3.1, §3.2).

use core::num::{NonZeroU32, NonZeroUsize};
use std::thread;
use std::time::Instant;

use smtp_adapter_suite::{
    Adapter, Buffers, Desk, Dialogue, Mail, Parties, Recordings, Tls, adapters, mail, pairs, told, within,
};
use smtp_proto::client::Summary;

/// More than all commands and all replies.
const ROOM: NonZeroUsize = NonZeroUsize::new(1 << 20).expect("not zero");

/// Recipients of the mail. Their commands are 290 KB, and so are the replies.
const RECIPIENTS: usize = 10_000;

/// Recipients whose replies are long.
const LONG: usize = 20;

/// Nobody keeps the peers from saying everything at once.
fn talkative(tls: Tls) -> Parties {
    let mut parties = Parties::new(tls);
    parties.buffers = Buffers::Tiny;
    parties.client.limits.unanswered = ROOM;
    parties.server.limits.recipients = NonZeroU32::MAX;
    parties
}

/// Every client with every server. The server stops listening when 64 KiB of its replies wait, so the client has to.
#[test]
fn clients_with_servers() {
    for tls in [Tls::Never, Tls::Implicit] {
        for pair @ [client, server] in pairs() {
            let (names, begun) = (pair.map(Adapter::name), Instant::now());
            within(&format!("{tls:?}, {names:?}"), move || {
                let (parties, desk) = (talkative(tls), Desk::default());
                let (address, service) = parties.serve(server, &desk, &Recordings::default());
                assert_accepted(&parties, client, address);
                service.end();
                assert_eq!(desk.messages().iter().map(|message| message.recipients.len()).sum::<usize>(), RECIPIENTS);
            });
            println!("{tls:?}, {names:?}: {:?}", begun.elapsed());
        }
    }
}

/// A raw client that reads nothing before it has written everything. The server may let replies wait that long.
#[test]
fn servers_with_a_client_that_does_not_read() {
    for tls in [Tls::Never, Tls::Implicit] {
        for adapter in adapters() {
            let begun = Instant::now();
            within(adapter.name(), move || {
                let (mut parties, desk) = (talkative(tls), Desk::default());
                parties.server.limits.pending_output = ROOM;
                let (address, service) = parties.serve(adapter, &desk, &Recordings::default());
                let mut client = parties.raw_client(address);
                client.play(&Dialogue::parse(tls.opening()));
                client.say(commands().as_bytes());
                let replies = "250 2.1.0 sender ok\r\n".to_owned() + &"250 2.1.5 recipient ok\r\n".repeat(RECIPIENTS);
                assert!(client.hear(replies.len()) == replies.as_bytes(), "{tls:?}, {}", adapter.name());
                client.play(&Dialogue::parse(
                    "S: 354 start mail input, end with <CRLF>.<CRLF>\nC: .\nS: 250 2.0.0 message 1\nC: QUIT\n\
                     S: 221 2.0.0 mx.example closing connection",
                ));
                client.end();
                service.end();
                assert_eq!(desk.messages()[0].recipients.len(), RECIPIENTS);
            });
            println!("{tls:?}, {}: {:?}", adapter.name(), begun.elapsed());
        }
    }
}

/// A raw server that reads the first commands, writes a megabyte of replies to them, and only then reads on.
#[test]
fn clients_with_a_server_that_does_not_read() {
    for tls in [Tls::Never, Tls::Implicit] {
        for adapter in adapters() {
            let begun = Instant::now();
            within(adapter.name(), move || {
                let (parties, listener) = (talkative(tls), Buffers::Tiny.listen());
                let address = listener.local_addr().expect("an address");
                thread::scope(|scope| {
                    let client = scope.spawn(|| assert_accepted(&parties, adapter, address));
                    let mut server = parties.raw_server(&listener);
                    server.play(&Dialogue::parse(tls.opening()));
                    let commands = commands();
                    let (first, rest) = commands.split_at(commands.find(&recipient(LONG)).expect("it is there") - 9);
                    assert_eq!(server.hear(first.len()), first.as_bytes());
                    let line = format!("250-{}\r\n", "long".repeat(25));
                    let reply = line.repeat(500) + "250 recipient ok\r\n";
                    server.say(("250 sender ok\r\n".to_owned() + &reply.repeat(LONG)).as_bytes());
                    assert!(server.hear(rest.len()) == rest.as_bytes(), "{tls:?}, {}", adapter.name());
                    server.say(("250 recipient ok\r\n".repeat(RECIPIENTS - LONG) + "354 go ahead\r\n").as_bytes());
                    server.play(&Dialogue::parse("C: .\nS: 250 2.0.0 message 1\nC: QUIT\nS: 221 bye"));
                    server.end();
                    client.join().expect("it is accepted");
                });
            });
            println!("{tls:?}, {}: {:?}", adapter.name(), begun.elapsed());
        }
    }
}

/// A client of this adapter sends [`the_mail`].
fn assert_accepted(parties: &Parties, adapter: &dyn Adapter, server: core::net::SocketAddr) {
    let mut client = parties.client(adapter, server, &Recordings::default());
    let outcome = client.send(the_mail());
    assert!(outcome.as_ref().is_ok_and(|outcome| outcome.summary() == Summary::Accepted), "{}", told(&outcome));
    client.quit();
}

fn the_mail() -> Mail {
    let recipients: Vec<String> = (0..RECIPIENTS).map(recipient).collect();
    let recipients: Vec<&str> = recipients.iter().map(String::as_str).collect();
    mail("a@client.example", &recipients, "")
}

/// The commands of [`the_mail`], in one group.
fn commands() -> String {
    let recipients = (0..RECIPIENTS).map(|number| format!("RCPT TO:<{}>\r\n", recipient(number)));
    ["MAIL FROM:<a@client.example>\r\n".to_owned()].into_iter().chain(recipients).collect::<String>() + "DATA\r\n"
}

fn recipient(number: usize) -> String {
    format!("r{number:05}@mx.example")
}
