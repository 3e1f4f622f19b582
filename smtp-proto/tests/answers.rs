//! Answers of an application to the questions of a server: whatever it says, the client gets a reply that fits.

mod kit;

use bytes::Bytes;
use kit::{server, server_config};
use smtp_proto::reply::{Detail, Reply, ReplyCode};
use smtp_proto::server::{Accept, Answer, Connection, Envelope, Event, Output, Reject};
use smtp_proto::{CloseReason, Drive, Instant};

const NOW: Instant = Instant::EPOCH;

/// The answers of a test, to every question of one kind; all others are accepted.
struct Says {
    to: &'static str,
    answer: fn() -> Answer,
    /// Whether each of them was a yes that was taken.
    taken: Vec<bool>,
    told: Vec<String>,
}

impl Says {
    fn new(to: &'static str, answer: fn() -> Answer) -> Self {
        Self { to, answer, taken: Vec::new(), told: Vec::new() }
    }

    fn handle(&mut self, connection: &mut Connection, event: Event) {
        let answer = |question: &str| {
            if question == self.to { (self.answer)() } else { Ok(Accept::Usual) }
        };
        let (question, taken) = match event {
            Event::Connect(token) => ("connect", connection.answer(NOW, token, answer("connect"))),
            Event::Hello(token) => ("hello", connection.answer(NOW, token, answer("hello"))),
            Event::Mail(token) => ("mail", connection.answer(NOW, token, answer("mail"))),
            Event::Rcpt(token) => ("rcpt", connection.answer(NOW, token, answer("rcpt"))),
            Event::Data(token) => ("data", connection.answer(NOW, token, answer("data"))),
            Event::Message(token) => ("message", connection.answer(NOW, token, answer("message"))),
            Event::Body(_) | Event::Answered(_) => return,
            other => return self.told.push(format!("{other:?}")),
        };
        if question == self.to {
            self.taken.push(taken);
        }
    }

    /// What the server says to these octets, and why it closed, if it did.
    fn hear(&mut self, connection: &mut Connection, octets: &'static [u8]) -> (String, Option<CloseReason>) {
        let mut said = Vec::new();
        let mut octets = Some(Bytes::from_static(octets));
        loop {
            match connection.poll() {
                Output::Transmit(reply) => {
                    let count = reply.len();
                    said.extend_from_slice(reply);
                    connection.transmitted(NOW, count);
                }
                Output::Event(event) => self.handle(connection, event),
                Output::Wait(wait) => match octets.take_if(|_| wait.input) {
                    Some(octets) => connection.handle_input(NOW, octets).expect("input is welcome"),
                    None => return (String::from_utf8(said).expect("ASCII"), None),
                },
                Output::UpgradeTls => unreachable!("no TLS here"),
                Output::Closed(reason) => return (String::from_utf8(said).expect("ASCII"), Some(reason)),
            }
        }
    }
}

fn transaction(says: &mut Says) -> (Connection, String, Option<CloseReason>) {
    let mut connection = server(server_config());
    let mut said = String::new();
    let groups: [&[u8]; 3] = [
        b"EHLO client.example\r\n",
        b"MAIL FROM:<a@client.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n",
        b"Hello\r\n.\r\n",
    ];
    for group in groups {
        let (reply, closed) = says.hear(&mut connection, group);
        said += &reply;
        if closed.is_some() {
            return (connection, said, closed);
        }
    }
    (connection, said, None)
}

fn last_line(said: &str) -> &str {
    said.lines().last().unwrap_or_default()
}

/// R-4.2.5-01: a yes with a reply of one's own is said so, and is a yes.
#[test]
fn accepts_with_a_reply() {
    let queued = || Ok(Accept::With(Reply::new(ReplyCode::OK, Detail::OTHER_SYSTEM_STATUS, "queued as 4711")));
    let mut says = Says::new("message", queued);
    let (_, said, closed) = transaction(&mut says);
    assert_eq!((last_line(&said), closed), ("250 2.3.0 queued as 4711", None));
    assert_eq!(says.taken, [true]);
}

/// X-2034-3-02, X-2034-4-03: an answer that names no enhanced status code is given one of its class.
#[test]
fn answers_are_given_enhanced_codes() {
    let busy = || Err(Reply::new(ReplyCode::MAILBOX_BUSY, None, "busy").into());
    for (question, expected) in [("connect", "450 busy"), ("hello", "450 busy"), ("mail", "450 4.0.0 busy")] {
        let (_, said, _) = transaction(&mut Says::new(question, busy));
        assert!(said.lines().any(|line| line == expected), "{question}: {said}");
    }
    for question in ["rcpt", "data", "message"] {
        let no = || Err(Reply::new(ReplyCode::TRANSACTION_FAILED, None, "no").into());
        let (_, said, _) = transaction(&mut Says::new(question, no));
        assert!(said.lines().any(|line| line == "554 5.0.0 no"), "{question}: {said}");
    }
    let (_, said, _) =
        transaction(&mut Says::new("message", || Ok(Accept::With(Reply::new(ReplyCode::OK, None, "queued")))));
    assert_eq!(last_line(&said), "250 2.0.0 queued");
}

/// R-4.2.5-02: a yes with a reply that says no is neither, but 451, and so is a no that says yes. The message is not
/// accepted.
#[test]
fn contradictions_become_451() {
    let no = || Ok(Accept::With(Reply::new(ReplyCode::TRANSACTION_FAILED, Detail::OTHER_SYSTEM_STATUS, "no")));
    let yes = || Err(Reply::new(ReplyCode::OK, Detail::OTHER_SYSTEM_STATUS, "yes").into());
    for answer in [no as fn() -> Answer, yes] {
        for question in ["mail", "rcpt", "message"] {
            let mut says = Says::new(question, answer);
            let (_, said, closed) = transaction(&mut says);
            let refusal = said.lines().find(|line| line.starts_with("451"));
            assert_eq!(refusal, Some("451 4.3.0 local error, try again later"), "{question}: {said}");
            assert_eq!((says.taken.first(), closed), (Some(&false), None), "{question}");
        }
    }
}

/// R-4.1.1.10-05: to disconnect is to answer nothing more. What was answered before has left, mail data that break off are
/// told of, and nothing is taken afterwards.
#[test]
fn disconnects() {
    let codes =
        [("connect", ""), ("hello", "220"), ("mail", "250"), ("rcpt", "250"), ("data", "250"), ("message", "354")];
    for (question, last) in codes {
        let mut says = Says::new(question, || Err(Reject::disconnect()));
        let (mut connection, said, closed) = transaction(&mut says);
        assert_eq!(closed, Some(CloseReason::Refused), "{question}");
        assert!(last_line(&said).starts_with(last), "{question}: {said}");
        assert_eq!(said.is_empty(), last.is_empty(), "{question}: {said}");
        assert_eq!(says.taken, [false], "{question}");
        assert_eq!(says.told.len(), usize::from(question == "message"), "{question}: {:?}", says.told);
        assert!(connection.handle_input(NOW, Bytes::from_static(b"NOOP\r\n")).is_err());
        connection.disconnect(NOW);
        assert!(matches!(connection.poll(), Output::Closed(CloseReason::Refused)));
    }
}

/// RFC 5321 §4.2.4: an error of the application's own I/O is 451, and its text stays here.
#[test]
fn errors_stay_here() {
    let mut says = Says::new("message", || Err(std::io::Error::other("/var/mail is full").into()));
    let (_, said, _) = transaction(&mut says);
    assert_eq!(last_line(&said), "451 4.3.0 local error, try again later");
}

/// RFC 5321 §2.3.1: the envelope is what MAIL said and the recipients that were accepted.
#[test]
fn an_envelope_is_what_was_accepted() {
    let mut connection = server(server_config());
    let mut envelope = None;
    let mut says = Says::new("", || Ok(Accept::Usual));
    says.hear(&mut connection, b"EHLO client.example\r\n");
    let line = b"MAIL FROM:<@relay.example:a@client.example> SIZE=20 BODY=8BITMIME\r\n";
    connection.handle_input(NOW, Bytes::from_static(line)).expect("input is welcome");
    while let Output::Event(event) = connection.poll() {
        if let Event::Mail(token) = event {
            envelope = Some(Envelope::new(&token));
            connection.answer(NOW, token, Ok(Accept::Usual));
        }
    }
    let mut envelope = envelope.expect("MAIL was asked about");
    assert_eq!((envelope.reverse_path(), envelope.size()), ("a@client.example", Some(20)));
    assert!(envelope.recipients().is_empty());
    envelope.add("b@mx.example");
    assert_eq!(envelope.recipients(), ["b@mx.example"]);
}

/// REL-10: octets of the peer are welcome while those for it wait to leave, so that two sides that both write never wait
/// for each other; up to the limit on what waits.
#[test]
fn input_is_welcome_while_output_waits() {
    let mut config = server_config();
    config.limits.pending_output = core::num::NonZeroUsize::new(512).expect("it is not 0");
    let mut connection = server(config);
    Says::new("", || Ok(Accept::Usual)).hear(&mut connection, b"EHLO client.example\r\n");
    let mut waiting = 0;
    while Drive::wants_input(&connection) {
        connection.handle_input(NOW, Bytes::from_static(b"RSET\r\n")).expect("input is welcome");
        while let Output::Event(event) = Drive::poll(&mut connection) {
            assert!(matches!(event, Event::Answered(_) | Event::Reset), "{event:?}");
        }
        let Output::Transmit(octets) = Drive::poll(&mut connection) else { panic!("a reply is due") };
        assert!(octets.len() > waiting);
        waiting = octets.len();
    }
    assert!((512..1024).contains(&waiting), "{waiting}");
    connection.transmitted(NOW, waiting);
    assert!(connection.wants_input());
}
