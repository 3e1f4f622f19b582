//! The same dialogues, whoever holds them: raw peers with every server and every client, and every client with every
//! server. What is said is the same octet by octet, and so is what the application of the server is asked, and what that
//! of the client is told.

use core::time::Duration;

use smtp_adapter_suite::{
    Adapter, Buffers, Client, Desk, Dialogue, Mail, Parties, Recordings, Side, Tls, adapters, mail, pairs, told, within,
};
use smtp_proto::{CloseReason, Direction};

/// A session with all of [`mails`].
#[derive(Clone, Copy, Debug)]
struct Case {
    tls: Tls,
    /// Whether the client groups its commands.
    is_pipelined: bool,
}

const CASES: [Case; 6] = [
    Case { tls: Tls::Never, is_pipelined: true },
    Case { tls: Tls::Never, is_pipelined: false },
    Case { tls: Tls::StartTls, is_pipelined: true },
    Case { tls: Tls::StartTls, is_pipelined: false },
    Case { tls: Tls::Implicit, is_pipelined: true },
    Case { tls: Tls::Implicit, is_pipelined: false },
];

/// A raw client with every server.
#[test]
fn servers() {
    for case in CASES {
        for adapter in adapters() {
            let (parties, dialogue) = (Parties::new(case.tls), case.dialogue());
            let (said, log) = serve(parties, adapter, dialogue.clone());
            assert_eq!(said, dialogue.seen_by(Side::Server), "{case:?}, {}", adapter.name());
            assert_eq!(log, case.log(), "{case:?}, {}", adapter.name());
        }
    }
}

/// A raw server with every client. The one that hears no groups does not offer PIPELINING.
#[test]
fn clients() {
    for case in CASES {
        for adapter in adapters() {
            let mut dialogue = case.text();
            if !case.is_pipelined {
                dialogue = dialogue.replace("S: 250-PIPELINING\n", "");
            }
            let dialogue = Dialogue::parse(&dialogue);
            let (said, outcomes, closed) = send(Parties::new(case.tls), adapter, dialogue.clone());
            assert_eq!(said, dialogue.seen_by(Side::Client), "{case:?}, {}", adapter.name());
            assert_eq!(outcomes, OUTCOMES, "{case:?}, {}", adapter.name());
            assert_eq!(closed, CloseReason::Quit, "{case:?}, {}", adapter.name());
        }
    }
}

/// Every client with every server. The one that says no groups is told not to.
#[test]
fn clients_with_servers() {
    for case in CASES {
        for pair @ [client, server] in pairs() {
            let (dialogue, names) = (case.dialogue(), pair.map(Adapter::name));
            let (said, told, log) = within(&format!("{case:?}, {names:?}"), move || {
                let mut parties = Parties::new(case.tls);
                parties.client.pipelining = case.is_pipelined;
                let (desk, said) = (Desk::default(), [Recordings::default(), Recordings::default()]);
                let (address, service) = parties.serve(server, &desk, &said[1]);
                let told = send_mails(parties.client(client, address, &said[0]));
                service.end();
                (said, told, desk.log())
            });
            assert_eq!(said[0].turns(), [dialogue.seen_by(Side::Client)], "{case:?}, {names:?}");
            assert_eq!(said[1].turns(), [dialogue.seen_by(Side::Server)], "{case:?}, {names:?}");
            assert_eq!(told, (OUTCOMES.map(str::to_owned).to_vec(), CloseReason::Quit), "{case:?}, {names:?}");
            assert_eq!(log, case.log(), "{case:?}, {names:?}");
        }
    }
}

/// What no client of ours says: commands that are none, in the wrong order or too long, and those in a message.
#[test]
fn servers_with_clients_that_err() {
    const LOG: [&str; 8] = [
        "mail a@client.example *",
        "rcpt b@mx.example",
        "reset",
        "mail a@client.example *",
        "rcpt b@mx.example",
        "data for 1",
        "message of 3052 octets: Ok(3052)",
        "reset",
    ];
    let errors = include_str!("../dialogues/errors.txt").replace("{oversize}", &"x".repeat(3000));
    for tls in Tls::ALL {
        for adapter in adapters() {
            let dialogue = Dialogue::parse(&(tls.opening().to_owned() + &errors));
            let mut parties = Parties::new(tls);
            // There are more of them than are answered at once.
            parties.server.timeouts.error_delay = Duration::ZERO;
            let (said, log) = serve(parties, adapter, dialogue.clone());
            assert_eq!(said, dialogue.seen_by(Side::Server), "{tls:?}, {}", adapter.name());
            assert_eq!(log, opened(tls, &LOG), "{tls:?}, {}", adapter.name());
        }
    }
}

/// A message without a final dot is none, and its session hears so.
#[test]
fn servers_with_a_client_that_goes_away() {
    const LOG: [&str; 5] = [
        "mail a@client.example *",
        "rcpt b@mx.example",
        "data for 1",
        "message of 26 octets: Err(UnexpectedEof)",
        "reset",
    ];
    for tls in Tls::ALL {
        for adapter in adapters() {
            let dialogue = Dialogue::parse(&(tls.opening().to_owned() + include_str!("../dialogues/no-end.txt")));
            let (said, log) = serve(Parties::new(tls), adapter, dialogue.clone());
            assert_eq!(said, dialogue.seen_by(Side::Server), "{tls:?}, {}", adapter.name());
            assert_eq!(log, opened(tls, &LOG), "{tls:?}, {}", adapter.name());
        }
    }
}

/// What was accepted before the 421 stays accepted, and nothing further is sent.
#[test]
fn clients_with_a_server_that_goes_away() {
    const TOLD: [&str; 3] = [
        OUTCOMES[0],
        "Refused at mail: <b@mx.example> temporary, 421 4.3.2 mx.example shutting down; <nobody@mx.example> temporary, 421 \
         4.3.2 mx.example shutting down; <postmaster> temporary, 421 4.3.2 mx.example shutting down; the server closed the \
         service (421);",
        "Refused at ehlo: <b@mx.example> temporary, 421 4.3.2 mx.example shutting down; the server closed the service (421);",
    ];
    clients_with_a_server_that_breaks_off(
        include_str!("../dialogues/going-away.txt"),
        &TOLD,
        CloseReason::ServiceNotAvailable,
    );
}

/// Without an answer to the final dot nobody knows what became of the mail.
#[test]
fn clients_with_a_server_that_gives_no_verdict() {
    const TOLD: [&str; 2] = [
        "Unknown at final: <b@mx.example> unknown, no reply; the peer closed the connection;",
        "Refused at mail: <b@mx.example> temporary, no reply; <nobody@mx.example> temporary, no reply; <postmaster> \
         temporary, no reply; the peer closed the connection;",
    ];
    clients_with_a_server_that_breaks_off(include_str!("../dialogues/no-verdict.txt"), &TOLD, CloseReason::PeerClosed);
}

fn clients_with_a_server_that_breaks_off(dialogue: &str, outcomes: &[&str], reason: CloseReason) {
    for tls in Tls::ALL {
        for adapter in adapters() {
            let dialogue = Dialogue::parse(&(tls.opening().to_owned() + dialogue));
            let (said, told, closed) = send(Parties::new(tls), adapter, dialogue.clone());
            assert_eq!(said, dialogue.seen_by(Side::Client), "{tls:?}, {}", adapter.name());
            assert_eq!(told, outcomes, "{tls:?}, {}", adapter.name());
            assert_eq!(closed, reason, "{tls:?}, {}", adapter.name());
        }
    }
}

/// Plays the client of this dialogue with a server: what that saw, and what its application was asked.
fn serve(
    parties: Parties,
    adapter: &'static dyn Adapter,
    dialogue: Dialogue,
) -> (Vec<(Direction, String)>, Vec<String>) {
    within(adapter.name(), move || {
        let (desk, said) = (Desk::default(), Recordings::default());
        let (address, service) = parties.serve(adapter, &desk, &said);
        parties.play_client(&dialogue, address);
        service.end();
        let [said] = <[_; 1]>::try_from(said.turns()).expect("one connection");
        (said, desk.log())
    })
}

/// Plays the server of this dialogue with a client that sends [`mails`]: what that saw, and what it was told.
fn send(
    parties: Parties,
    adapter: &'static dyn Adapter,
    dialogue: Dialogue,
) -> (Vec<(Direction, String)>, Vec<String>, CloseReason) {
    within(adapter.name(), move || {
        let (listener, said) = (Buffers::Usual.listen(), Recordings::default());
        let client = parties.client(adapter, listener.local_addr().expect("an address"), &said);
        let (outcomes, closed) = std::thread::scope(|scope| {
            let server = scope.spawn(|| parties.play_server(&dialogue, &listener));
            let told = send_mails(client);
            server.join().expect("the client says what it should");
            told
        });
        let [said] = <[_; 1]>::try_from(said.turns()).expect("one connection");
        (said, outcomes, closed)
    })
}

fn send_mails(mut client: Box<dyn Client>) -> (Vec<String>, CloseReason) {
    let mut outcomes = Vec::new();
    client.send_all(&mut mails().into_iter(), &mut |outcome| outcomes.push(told(&outcome)));
    (outcomes, client.quit())
}

/// Every way that a mail can go, and after each way another mail.
fn mails() -> Vec<Mail> {
    let (a, b) = ("a@client.example", "b@mx.example");
    vec![
        mail(a, &[b], "Subject: one\r\n\r\nHello\r\n"),
        mail(a, &[b, "nobody@mx.example", "postmaster"], ".\r\n..\r\nno line end"),
        mail("early@client.example", &[b], "Subject: too early\r\n"),
        mail("silent@client.example", &[b, "c@mx.example"], "Subject: not from you\r\n"),
        mail(a, &[b], "unwanted\r\n"),
        mail("", &["nobody@mx.example"], "Subject: for nobody\r\n"),
        mail("", &[b], ""),
    ]
}

/// What becomes of [`mails`].
const OUTCOMES: [&str; 7] = [
    "Accepted at final: <b@mx.example> accepted, 250 2.0.0 message 1;",
    "Partial at final: <b@mx.example> accepted, 250 2.0.0 message 2; <nobody@mx.example> permanent, 550 5.1.1 nobody is \
     not here; <postmaster> accepted, 250 2.0.0 message 2;",
    "Refused at mail: <b@mx.example> temporary, 451 4.3.2 come back later;",
    "Refused at data: <b@mx.example> permanent, 554 5.7.1 not from you; <c@mx.example> permanent, 554 5.7.1 not from you;",
    "Refused at final: <b@mx.example> permanent, 554 5.7.1 not such a message;",
    "Refused at rcpt: <nobody@mx.example> permanent, 550 5.1.1 nobody is not here;",
    "Accepted at final: <b@mx.example> accepted, 250 2.0.0 message 3;",
];

/// What the application of the server is asked of [`mails`], in the protocol `*`.
const LOG: [&str; 31] = [
    "mail a@client.example *",
    "rcpt b@mx.example",
    "data for 1",
    "message of 23 octets: Ok(23)",
    "reset",
    "mail a@client.example *",
    "rcpt b@mx.example",
    "rcpt nobody@mx.example",
    "rcpt postmaster",
    "data for 2",
    "message of 20 octets: Ok(20)",
    "reset",
    "mail early@client.example *",
    "mail silent@client.example *",
    "rcpt b@mx.example",
    "rcpt c@mx.example",
    "data for 2",
    "reset",
    "mail a@client.example *",
    "rcpt b@mx.example",
    "data for 1",
    "message of 10 octets: Ok(10)",
    "reset",
    "mail  *",
    "rcpt nobody@mx.example",
    "reset",
    "mail  *",
    "rcpt b@mx.example",
    "data for 1",
    "message of 0 octets: Ok(0)",
    "reset",
];

impl Case {
    fn dialogue(self) -> Dialogue {
        Dialogue::parse(&self.text())
    }

    fn text(self) -> String {
        let mails = match self.is_pipelined {
            true => include_str!("../dialogues/mails.txt"),
            false => include_str!("../dialogues/mails-one-command-at-a-time.txt"),
        };
        self.tls.opening().to_owned() + mails
    }

    fn log(self) -> Vec<String> {
        opened(self.tls, &LOG)
    }
}

/// What the application of the server is asked of it and then, with the protocol for each `*`.
fn opened(tls: Tls, log: &[&str]) -> Vec<String> {
    let (opening, protocol): (&[&str], _) = match tls {
        Tls::Never => (&["hello client.example"], "Esmtp"),
        Tls::StartTls => (&["hello client.example", "hello client.example", "auth PLAIN"], "Esmtpsa"),
        Tls::Implicit => (&["hello client.example", "auth PLAIN"], "Esmtpsa"),
    };
    opening.iter().chain(log).map(|line| line.replace('*', protocol)).collect()
}
