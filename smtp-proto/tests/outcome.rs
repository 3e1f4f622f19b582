//! What a client tells of its mails, and what its caller can do then: send again, elsewhere, in portions, or not at all.

mod kit;

use core::time::Duration;
use std::collections::VecDeque;

use bytes::Bytes;
use kit::script::{Caller, Record};
use kit::{at, client, client_config};
use smtp_proto::body::Stray;
use smtp_proto::client::{Config, Connection, Envelope, Event, Failure, Outcome, Output, Timeouts, Verdict};
use smtp_proto::command::BodyKind;
use smtp_proto::{CloseReason, Instant};

const NOW: Instant = Instant::EPOCH;
const PLAIN: &str = "250 mx.example";
const EIGHT_BIT: &str = "250-mx.example\r\n250 8BITMIME";

/// What a server says to a command, unless it is the usual.
type Answer = Box<dyn FnMut(&str) -> Option<String>>;

/// A client, and a server that offers no PIPELINING and says what a test wants.
struct Session {
    client: Connection,
    answer: Answer,
    ehlo: &'static str,
    body: Bytes,
    /// What the client sent, a command or a body each.
    sent: Vec<String>,
    outcomes: VecDeque<Outcome>,
    closed: Option<CloseReason>,
}

impl Session {
    fn new(ehlo: &'static str, answer: impl FnMut(&str) -> Option<String> + 'static) -> Self {
        let client = client(client_config());
        let body = Bytes::from_static(b"x\r\n");
        let (sent, outcomes, closed) = (Vec::new(), VecDeque::new(), None);
        let mut session = Self { client, answer: Box::new(answer), ehlo, body, sent, outcomes, closed };
        session.hear("220 mx.example");
        session
    }

    /// One whose server says this, once, to a command that begins so.
    fn refusing(verb: &'static str, reply: &'static str) -> Self {
        let mut reply = Some(reply.to_owned());
        Self::new(PLAIN, move |command| if command.starts_with(verb) { reply.take() } else { None })
    }

    fn send(&mut self, envelope: Envelope) {
        self.client.send(NOW, envelope).expect("room");
        self.run();
    }

    /// Sends it and says what became of it.
    fn outcome(&mut self, envelope: Envelope) -> Outcome {
        self.send(envelope);
        self.outcomes.pop_front().expect("an outcome")
    }

    fn hear(&mut self, reply: &str) {
        let octets = Bytes::from(format!("{reply}\r\n").into_bytes());
        self.client.handle_input(NOW, octets).expect("input is welcome");
        self.run();
    }

    fn run(&mut self) {
        let mut flight = Vec::new();
        loop {
            match self.client.poll() {
                Output::Transmit(octets) => {
                    let count = octets.len();
                    flight.extend_from_slice(octets);
                    self.client.transmitted(NOW, count);
                }
                Output::Event(Event::Ready(_)) => {}
                Output::Event(Event::Body(token)) => {
                    self.client.write_body(NOW, &token, self.body.clone()).expect("welcome");
                    // A body that cannot be sent has ended the connection already.
                    let _ = self.client.end_body(NOW, token);
                }
                Output::Event(Event::Outcome(outcome)) => self.outcomes.push_back(outcome),
                Output::Event(other) => panic!("{other:?}"),
                Output::UpgradeTls => panic!("no TLS here"),
                Output::Closed(reason) => {
                    self.closed = Some(reason);
                    return;
                }
                Output::Wait(_) => break,
            }
        }
        if flight.is_empty() {
            return;
        }
        let command = String::from_utf8_lossy(&flight).into_owned();
        let usual = || match &command {
            command if command.starts_with("EHLO") => self.ehlo,
            command if command.starts_with("DATA") => "354 go",
            command if command.starts_with("QUIT") => "221 bye",
            _ => "250 ok",
        };
        let reply = (self.answer)(&command).unwrap_or_else(|| usual().to_owned());
        self.sent.push(command);
        if !reply.is_empty() {
            self.hear(&reply);
        }
    }

    /// How many commands that begin so were sent.
    fn count(&self, verb: &str) -> usize {
        self.sent.iter().filter(|command| command.starts_with(verb)).count()
    }
}

fn envelope(to: &[&str]) -> Envelope {
    let envelope = Envelope::new("a@client.example").expect("an address");
    to.iter().fold(envelope, |envelope, to| envelope.to(to).expect("an address"))
}

fn one() -> Envelope {
    envelope(&["b@mx.example"])
}

fn verdict(outcome: &Outcome) -> &Verdict {
    outcome.recipients().next().expect("a recipient").1
}

/// R-2.1-01: wherever a session breaks off, and in whatever way, each mail that was taken has one outcome, and what was not
/// accepted is not said to be.
#[test]
fn every_mail_has_its_outcome() {
    let ends: [fn(&mut Connection); 4] = [
        |client| client.handle_eof(NOW),
        |client| client.handle_disconnect(NOW),
        |client| client.handle_timeout(at(10_000)),
        |client| client.abandon(NOW),
    ];
    let script = [
        "220 mx.example\r\n",
        "250-mx.example\r\n250 PIPELINING\r\n",
        "250 ok\r\n",
        "250 ok\r\n",
        "354 go\r\n",
        "250 queued\r\n",
        "250 ok\r\n",
        "450 later\r\n",
        "554 nobody\r\n",
        "250 ok\r\n",
        "250 ok\r\n",
        "250 ok\r\n",
        "354 go\r\n",
        "550 no\r\n",
    ];
    for length in 0..=script.len() {
        for end in ends {
            let mut client = client(client_config());
            let mut caller = Caller::of(&[b"one\r\n", b"three\r\n"]);
            let mut record = Record::default();
            for _ in 0..3 {
                client.send(NOW, one()).expect("room");
            }
            for said in &script[..length] {
                client.handle_input(NOW, Bytes::from_static(said.as_bytes())).expect("input is welcome");
                caller.settle(NOW, &mut client, &mut record);
            }
            end(&mut client);
            caller.settle(at(10_000), &mut client, &mut record);
            let outcomes: Vec<_> = record.log.iter().filter(|line| line.contains(": b@mx.example ")).collect();
            assert_eq!(outcomes.len(), 3, "{length}: {:?}", record.log);
            let accepted = outcomes.iter().filter(|outcome| outcome.starts_with("Accepted")).count();
            assert_eq!(accepted, usize::from(length > 5), "{length}: {outcomes:?}");
        }
    }
}

/// R-4.2.1-04, R-4.2.5-03: after 4yz, wherever it comes, the mail is the caller's again, is said to be worth another try,
/// and can be sent as it is, on the same connection too.
#[test]
fn what_is_refused_for_now_can_be_sent_again() {
    for verb in ["MAIL", "RCPT", "DATA", "x\r\n"] {
        let mut session = Session::refusing(verb, "450 4.2.0 later");
        let outcome = session.outcome(one());
        let Verdict::Temporary(Some(reply)) = verdict(&outcome) else { panic!("{verb}: {outcome:?}") };
        assert_eq!(reply.code().value(), 450);
        let again = outcome.into_envelope();
        assert_eq!(
            (again.reverse_path(), again.recipients().collect::<Vec<_>>()),
            ("a@client.example", vec!["b@mx.example"])
        );
        assert_eq!(session.count(verb), 1, "the client does not insist by itself");
        assert!(verdict(&session.outcome(again)).is_accepted(), "{verb}");
        assert_eq!(session.count(verb), 2);
    }
}

/// R-4.2.1-06, R-4.2.5-06: what was refused for good is not tried again, whatever else is sent on the connection.
#[test]
fn what_is_refused_for_good_is_not_repeated() {
    for verb in ["MAIL", "RCPT", "DATA", "x\r\n"] {
        let mut session = Session::refusing(verb, "550 5.7.1 no");
        let outcome = session.outcome(one());
        let Verdict::Permanent(Some(reply)) = verdict(&outcome) else { panic!("{verb}: {outcome:?}") };
        assert_eq!((reply.code().value(), reply.text()), (550, "no".into()));
        session.client.handle_timeout(at(1));
        session.run();
        assert_eq!(session.count(verb), 1, "{:?}", session.sent);
        session.body = Bytes::from_static(b"another\r\n");
        let other = Envelope::new("c@client.example").and_then(|envelope| envelope.to("d@mx.example"));
        assert!(verdict(&session.outcome(other.expect("addresses"))).is_accepted());
        session.client.quit(NOW);
        session.run();
        assert_eq!(session.closed, Some(CloseReason::Quit));
        let of_the_first =
            |command: &&String| ["<a@client", "<b@mx", "x\r\n"].iter().any(|own| command.starts_with(own));
        let repeated: Vec<_> =
            session.sent.iter().skip_while(|command| !command.contains("<c@")).filter(of_the_first).collect();
        assert!(repeated.is_empty(), "{repeated:?}");
    }
}

/// R-4.5.4.1-09: what a server said to MAIL is not remembered: the same sender is asked about again, and may be welcome.
#[test]
fn a_refused_sender_is_asked_about_again() {
    let mut session = Session::refusing("MAIL", "550 5.7.1 not you");
    session.client.send(NOW, one()).expect("room");
    session.send(one());
    let verdicts: Vec<_> = session.outcomes.iter().map(|outcome| verdict(outcome).is_accepted()).collect();
    assert_eq!(verdicts, [false, true]);
    assert_eq!(session.count("MAIL FROM:<a@client.example>"), 2);
}

/// R-2.1-05, R-4.5.4.1-13: the data go once to all recipients. R-7.2-02: who wants blind copies to know nothing of each
/// other sends each by itself, one RCPT to a transaction.
#[test]
fn one_copy_for_all_or_one_for_each() {
    let to = ["b@mx.example", "c@mx.example", "d@mx.example"];
    let mut session = Session::new(PLAIN, |_| None);
    assert!(session.outcome(envelope(&to)).recipients().all(|(_, verdict)| verdict.is_accepted()));
    assert_eq!(
        (session.count("MAIL"), session.count("RCPT"), session.count("DATA"), session.count("x\r\n")),
        (1, 3, 1, 1)
    );
    let mut session = Session::new(PLAIN, |_| None);
    for to in to {
        session.send(envelope(&[to]));
    }
    let commands: Vec<_> = session.sent[1..].iter().map(|command| command.trim_end()).collect();
    let [b, c, d] = to.map(|to| format!("RCPT TO:<{to}>"));
    let from = "MAIL FROM:<a@client.example>";
    let each = |to| [from, to, "DATA", "x\r\n."];
    assert_eq!(commands, [each(&b), each(&c), each(&d)].concat());
}

/// A server that takes this many recipients for one message.
fn taking(most: usize) -> Session {
    let mut recipients = 0;
    Session::new(PLAIN, move |command| {
        if command.starts_with("MAIL") {
            recipients = 0;
        }
        recipients += usize::from(command.starts_with("RCPT"));
        (command.starts_with("RCPT") && recipients > most).then(|| "452 4.5.3 too many recipients".into())
    })
}

/// R-4.5.3.1.8-07: the recipients that a server had no room for are known by name and go out in further transactions, a
/// hundred in each. R-4.5.4.1-12: a caller that knows the limit sends no more than that from the beginning.
#[test]
fn recipients_go_in_portions() {
    let names: Vec<String> = (0..250).map(|number| format!("user{number}@mx.example")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut session = taking(100);
    let (mut left, mut taken) = (names.clone(), Vec::new());
    while !left.is_empty() {
        let outcome = session.outcome(envelope(&left));
        let accepted: Vec<_> = outcome.recipients().filter(|(_, verdict)| verdict.is_accepted()).collect();
        taken.push(accepted.len());
        let is_late = |address: &str| {
            outcome.recipients().any(|(to, verdict)| to == address && matches!(verdict, Verdict::Temporary(Some(_))))
        };
        left.retain(|address| is_late(address));
    }
    assert_eq!((taken, session.count("x\r\n")), (vec![100, 100, 50], 3));

    let mut session = taking(100);
    for portion in names.chunks(100) {
        assert!(session.outcome(envelope(portion)).recipients().all(|(_, verdict)| verdict.is_accepted()));
    }
    assert_eq!((session.count("MAIL"), session.count("RCPT")), (3, 250));
}

/// R-7.4-01: where somebody has moved to is told, and never acted on, because nobody has proven that it is so.
#[test]
fn nobody_is_followed_to_another_address() {
    let mut session = Session::refusing("RCPT", "551 5.1.6 moved, try <new@other.example>");
    let outcome = session.outcome(one());
    let Verdict::Permanent(Some(reply)) = verdict(&outcome) else { panic!("{outcome:?}") };
    assert_eq!(reply.text(), "moved, try <new@other.example>");
    let mut forwarding = Session::refusing("RCPT", "251 2.1.5 will forward to <new@other.example>");
    assert!(verdict(&forwarding.outcome(one())).is_accepted());
    for mut session in [session, forwarding] {
        session.send(one());
        assert_eq!(session.count("RCPT TO:<b@mx.example>\r\n"), 2);
        assert!(!session.sent.concat().contains("other.example"));
    }
}

/// R-2.2.3-02: a mail that needs an extension which the next host lacks stays whole, says what was lacking, and goes to
/// another host, or to the same one later.
#[test]
fn what_lacks_an_extension_goes_elsewhere() {
    let mail = || one().with_body(BodyKind::EightBitMime);
    let mut session = Session::new(PLAIN, |_| None);
    let outcome = session.outcome(mail());
    assert_eq!(outcome.failure(), Some(Failure::No8BitMime));
    assert_eq!(session.sent, ["EHLO client.example\r\n"]);
    let mut session = Session::new(EIGHT_BIT, |_| None);
    session.body = Bytes::from_static(b"gr\xfcn\r\n");
    assert!(verdict(&session.outcome(outcome.into_envelope())).is_accepted());
    assert_eq!(session.count("MAIL FROM:<a@client.example> BODY=8BITMIME\r\n"), 1);
}

/// R-2.4-20: 8BITMIME lets in octets above 127 and nothing else: lines end as ever, NUL has no place, and addresses are
/// ASCII. R-2.4-22: it is asked for when the caller says that the message is fit for it, never because of an octet.
#[test]
fn eight_bit_text_is_text() {
    for (body, is_sent) in [
        (&b"gr\xfcn\r\n"[..], true),
        (b"gr\xfcn\ngelb\r\n", false),
        (b"gr\xfcn\rgelb\r\n", false),
        (b"gr\xfcn\0gelb\r\n", false),
    ] {
        let mut session = Session::new(EIGHT_BIT, |_| None);
        session.body = Bytes::from_static(body);
        let outcome = session.outcome(one().with_body(BodyKind::EightBitMime));
        let is_stray = matches!(outcome.failure(), Some(Failure::Stray(Stray { .. })));
        assert_eq!((verdict(&outcome).is_accepted(), is_stray), (is_sent, !is_sent), "{}", body.escape_ascii());
    }
    assert!(Envelope::new("gr\u{fc}n@client.example").is_err());
    assert!(Envelope::new("").expect("null").to("b@gr\u{fc}n.example").is_err());
    for (mail, parameter) in [
        (one(), ""),
        (one().with_body(BodyKind::SevenBit), " BODY=7BIT"),
        (one().with_body(BodyKind::EightBitMime), " BODY=8BITMIME"),
    ] {
        let mut session = Session::new(EIGHT_BIT, |_| None);
        session.body = Bytes::from_static(b"gr\xfcn\r\n");
        session.send(mail);
        assert_eq!(session.sent[1], format!("MAIL FROM:<a@client.example>{parameter}\r\n"));
    }
}

/// R-4.5.5-02: the reverse-path is the one that the caller gives, checked; the null one leaves only where it was asked for.
#[test]
fn the_reverse_path_is_the_callers() {
    for (from, line) in [
        ("a@client.example", Some("MAIL FROM:<a@client.example>\r\n")),
        ("", Some("MAIL FROM:<>\r\n")),
        ("<>", None),
        (" ", None),
        ("a", None),
        ("a@", None),
    ] {
        let envelope = Envelope::new(from).and_then(|envelope| envelope.to("b@mx.example")).ok();
        let sent = envelope.map(|envelope| {
            let mut session = Session::new(PLAIN, |_| None);
            session.send(envelope);
            session.sent.swap_remove(1)
        });
        assert_eq!(sent.as_deref(), line, "{from:?}");
    }
}

/// R-4.5.3.1-02: no address is longer than every server has to take. R-4.5.3.1-03: where the size is that of the mail
/// itself, larger ones are tried, and a server that takes no more is heard.
#[test]
fn sizes_are_those_that_everybody_takes() {
    let local_part = |octets| format!("{}@mx.example", "l".repeat(octets));
    assert!(Envelope::new("").expect("null").to(&local_part(64)).is_ok());
    assert!(Envelope::new("").expect("null").to(&local_part(65)).is_err());
    let label = "d".repeat(63);
    let domain = |last| format!("l@{label}.{label}.{label}.{}", "d".repeat(last));
    let longest = domain(60);
    assert_eq!(longest.len() + "<>".len(), 256);
    assert!(Envelope::new(&domain(61)).is_err());
    let mut session = Session::new("250-mx.example\r\n250-SIZE\r\n250 8BITMIME", |_| None);
    let mail = Envelope::new(&longest).and_then(|envelope| envelope.to(&longest)).expect("addresses");
    session.send(mail.with_size(u64::MAX).with_body(BodyKind::EightBitMime));
    assert!(
        session.sent[1].len() > 256 && session.sent.iter().all(|command| command.len() <= 512),
        "{:?}",
        session.sent
    );

    for (reply, is_taken) in [("250 ok", true), ("500 line too long", false), ("552 5.3.4 too much", false)] {
        let mut session = Session::refusing("zz", reply);
        let line = [&b"z".repeat(2000)[..], b"\r\n"].concat();
        session.body = Bytes::from(line.repeat(100));
        let outcome = session.outcome(one());
        assert_eq!(verdict(&outcome).is_accepted(), is_taken, "{reply}");
        assert_eq!(matches!(verdict(&outcome), Verdict::Permanent(Some(_))), !is_taken);
        assert_eq!(session.sent.last().map(String::len), Some(2002 * 100 + 3));
    }
}

/// R-4.5.3.2-04: no time is shorter than RFC 5321 §4.5.3.2 asks for, unless somebody sets it so.
#[test]
fn times_are_long_enough() {
    let Timeouts { greeting, hello, mail, rcpt, data, block, verdict, .. } = client_config().timeouts;
    for (time, minutes) in [(greeting, 5), (hello, 5), (mail, 5), (rcpt, 5), (data, 2), (block, 3), (verdict, 10)] {
        assert!(time >= Duration::from_secs(60 * minutes));
    }
}

/// R-4.5.3.2-03: each time is a field of the configuration, and what it is set to holds.
#[test]
fn times_can_be_set() {
    type Set = fn(&mut Timeouts, Duration);
    let stages: [(Set, &[&str]); 6] = [
        (|timeouts, time| timeouts.greeting = time, &[]),
        (|timeouts, time| timeouts.hello = time, &["220 mx.example"]),
        (|timeouts, time| timeouts.mail = time, &["220 mx.example", PLAIN]),
        (|timeouts, time| timeouts.rcpt = time, &["220 mx.example", PLAIN, "250 ok"]),
        (|timeouts, time| timeouts.data = time, &["220 mx.example", PLAIN, "250 ok", "250 ok"]),
        (|timeouts, time| timeouts.verdict = time, &["220 mx.example", PLAIN, "250 ok", "250 ok", "354 go"]),
    ];
    for seconds in [7, 5000] {
        for (number, (set, replies)) in stages.into_iter().enumerate() {
            let mut config: Config = client_config();
            set(&mut config.timeouts, Duration::from_secs(seconds));
            let mut client = client(config);
            let mut caller = Caller::of(&[b"x\r\n"]);
            let mut record = Record::default();
            client.send(NOW, one()).expect("room");
            for reply in replies {
                client.handle_input(NOW, Bytes::from(format!("{reply}\r\n").into_bytes())).expect("input");
                caller.settle(NOW, &mut client, &mut record);
            }
            client.handle_timeout(at(seconds - 1));
            caller.settle(at(seconds - 1), &mut client, &mut record);
            assert_eq!(record.closed, None, "{number}: {seconds} s");
            client.handle_timeout(at(seconds));
            caller.settle(at(seconds), &mut client, &mut record);
            assert_eq!(record.closed, Some(CloseReason::Timeout), "{number}: {seconds} s");
        }
    }
    let mut config = client_config();
    config.timeouts.block = Duration::from_secs(7);
    let mut client = client(config);
    client.handle_input(NOW, Bytes::from_static(b"220 mx.example\r\n")).expect("input");
    assert!(matches!(client.poll(), Output::Transmit(_)));
    client.handle_timeout(at(6));
    assert!(matches!(client.poll(), Output::Transmit(_)));
    client.handle_timeout(at(7));
    assert!(matches!(client.poll(), Output::Closed(CloseReason::WriteStalled)));
}
