//! The client role against scripted servers, without sockets.

mod kit;

use bytes::Bytes;
use kit::script::{Caller, Record};
use kit::{at, client, client_config, show};
use smtp_proto::client::{Connection, Envelope, Outcome, Output, Summary};
use smtp_proto::command::BodyKind;
use smtp_proto::{CloseReason, Decision, Instant, Misuse};

const GREETING: &[u8] = b"220 mx.example ESMTP\r\n";
const EHLO: &[u8] = b"250-mx.example\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 8BITMIME\r\n";
const PLAIN_EHLO: &[u8] = b"250 mx.example\r\n";

/// A client with its caller, spoken to by the test as the server.
struct Session {
    client: Connection,
    caller: Caller,
    record: Record,
}

impl Session {
    fn new(bodies: &[&[u8]]) -> Self {
        Self { client: client(client_config()), caller: Caller::of(bodies), record: Record::default() }
    }

    /// Past EHLO.
    fn ready(ehlo: &[u8], bodies: &[&[u8]]) -> Self {
        let mut session = Self::new(bodies);
        assert_eq!(session.hear(GREETING), ["EHLO client.example\r\n"]);
        session.hear(ehlo);
        session
    }

    fn send(&mut self, envelope: Envelope) -> Vec<String> {
        self.client.send(Instant::EPOCH, envelope).expect("the queue has room");
        self.settle()
    }

    /// The server says something; returns the writes that follow.
    fn hear(&mut self, octets: &[u8]) -> Vec<String> {
        self.client.handle_input(Instant::EPOCH, Bytes::copy_from_slice(octets)).expect("input is welcome");
        self.settle()
    }

    fn settle(&mut self) -> Vec<String> {
        let writes = self.caller.settle(Instant::EPOCH, &mut self.client, &mut self.record);
        writes.into_iter().map(|write| String::from_utf8(write).expect("text")).collect()
    }

    fn last(&self) -> &str {
        self.record.log.last().expect("something was told")
    }
}

fn three() -> Envelope {
    let envelope = Envelope::new("a@client.example").expect("an address");
    ["ok@mx.example", "bad@mx.example", "late@mx.example"]
        .into_iter()
        .fold(envelope, |envelope, to| envelope.to(to).expect("an address"))
}

fn one() -> Envelope {
    Envelope::new("a@client.example").and_then(|envelope| envelope.to("b@mx.example")).expect("addresses")
}

/// R-4.3.1-03, R-2.2.1-03, R-4.1.1.1-06, R-F.3-01: the client waits for the greeting, then says EHLO.
#[test]
fn waits_for_the_greeting() {
    let mut session = Session::new(&[]);
    assert!(session.settle().is_empty());
    assert_eq!(session.hear(GREETING), ["EHLO client.example\r\n"]);
    session.hear(EHLO);
    assert_eq!(session.record.log, ["Ready(pipelining: true)"]);
}

/// R-3.2-03, R-2.2.1-04, X-1870-6-01: a server that does not know EHLO is greeted with HELO; nothing it did not offer
/// is used.
#[test]
fn falls_back_to_helo() {
    let mut session = Session::new(&[b"x\r\n"]);
    session.hear(GREETING);
    assert_eq!(session.hear(b"502 5.5.1 what?\r\n"), ["HELO client.example\r\n"]);
    assert_eq!(session.send(one().with_size(3).with_body(BodyKind::SevenBit)), [""; 0]);
    assert_eq!(session.hear(b"250 mx.example\r\n"), ["MAIL FROM:<a@client.example>\r\n"]);
    assert_eq!(session.record.log, ["Ready(pipelining: false)"]);
}

/// R-4.1.4-23: a 554 greeting refuses the service for good: the client leaves with QUIT all the same.
#[test]
fn refused_greeting_is_the_verdict() {
    let mut session = Session::new(&[]);
    session.send(one());
    assert_eq!(session.hear(b"554 no SMTP service here\r\n"), ["QUIT\r\n"]);
    assert_eq!(session.last(), "Refused at greeting, reply 554: b@mx.example permanent 554");
    session.hear(b"221 bye\r\n");
    assert_eq!(session.record.closed, Some(CloseReason::Refused));
}

/// R-3.3-31, R-4.5.4.1-10, R-4.5.4.1-11, R-4.5.2-01, X-2920-3.1-06, X-2920-3.1-08: one transaction for all recipients,
/// its commands in one write; one refused recipient does not abort the others; each has its verdict.
#[test]
fn one_group_and_a_verdict_for_every_recipient() {
    let mut session = Session::ready(EHLO, &[b"hello\r\n.dot\r\n"]);
    let group = "MAIL FROM:<a@client.example>\r\nRCPT TO:<ok@mx.example>\r\nRCPT TO:<bad@mx.example>\r\n\
                 RCPT TO:<late@mx.example>\r\nDATA\r\n";
    assert_eq!(session.send(three()), [group]);
    let replies = b"250 2.1.0 ok\r\n250 2.1.5 ok\r\n550 5.1.1 no such user\r\n450 4.2.1 later\r\n354 go\r\n";
    assert_eq!(session.hear(replies), ["hello\r\n..dot\r\n.\r\n"]);
    session.hear(b"250 2.0.0 queued\r\n");
    let outcome = "Partial at final, reply 250: \
                   ok@mx.example accepted 250, bad@mx.example permanent 550, late@mx.example temporary 450";
    assert_eq!(session.last(), outcome);
}

/// PIPE-12, R-4.3.1-01, X-2920-3.1-01: without PIPELINING each command waits for the answer to the one before.
#[test]
fn no_group_when_not_offered() {
    let mut session = Session::ready(PLAIN_EHLO, &[b"x\r\n"]);
    assert_eq!(session.send(three()), ["MAIL FROM:<a@client.example>\r\n"]);
    assert_eq!(session.hear(b"250 ok\r\n"), ["RCPT TO:<ok@mx.example>\r\n"]);
    assert_eq!(session.hear(b"250 ok\r\n"), ["RCPT TO:<bad@mx.example>\r\n"]);
    assert_eq!(session.hear(b"550 no\r\n"), ["RCPT TO:<late@mx.example>\r\n"]);
    assert_eq!(session.hear(b"450 no\r\n"), ["DATA\r\n"]);
    assert_eq!(session.hear(b"354 go\r\n"), ["x\r\n.\r\n"]);
}

/// Without PIPELINING DATA is not sent for nobody; the next mail begins with RSET.
#[test]
fn skips_data_when_every_recipient_was_refused() {
    let mut session = Session::ready(PLAIN_EHLO, &[]);
    session.send(one());
    session.send(one());
    assert_eq!(session.hear(b"250 ok\r\n"), ["RCPT TO:<b@mx.example>\r\n"]);
    assert_eq!(session.hear(b"550 no\r\n"), ["RSET\r\n"]);
    assert_eq!(session.last(), "Refused at rcpt, reply -: b@mx.example permanent 550");
    assert_eq!(session.hear(b"250 ok\r\n"), ["MAIL FROM:<a@client.example>\r\n"]);
}

/// X-2920-3.1-07, X-2920-4-02: when DATA is granted though every recipient was refused, the lone dot is sent.
#[test]
fn sends_the_lone_dot() {
    let mut session = Session::ready(EHLO, &[]);
    session.send(one());
    assert_eq!(session.hear(b"250 ok\r\n550 no\r\n354 go\r\n"), [".\r\n"]);
    session.hear(b"554 no valid recipients\r\n");
    assert_eq!(session.last(), "Refused at final, reply 554: b@mx.example permanent 550");
}

/// R-3.6.3-06, R-3.3-19, R-4.1.1-01, R-4.1.1-06, R-2.3.8-02, R-4.1.1.3-10: what a client says, to the octet.
#[test]
fn commands_to_the_octet() {
    let mut session = Session::ready(PLAIN_EHLO, &[b""]);
    let bounce = Envelope::new("").and_then(|envelope| envelope.to("postmaster")).expect("addresses").with_size(3);
    assert_eq!(session.send(bounce), ["MAIL FROM:<>\r\n"]);
    assert_eq!(session.hear(b"250 ok\r\n"), ["RCPT TO:<postmaster>\r\n"]);
    assert_eq!(session.hear(b"250 ok\r\n"), ["DATA\r\n"]);
    assert_eq!(session.hear(b"354 go\r\n"), [".\r\n"]);
    session.client.quit(Instant::EPOCH);
    assert_eq!(session.hear(b"250 ok\r\n"), ["QUIT\r\n"]);
}

/// ADDR-19: whatever an envelope or a configuration is given, no control reaches the wire.
#[test]
fn controls_never_get_in() {
    for control in (0..32).chain([127]).map(char::from) {
        for text in
            [format!("a{control}b@mx.example"), format!("\"a{control}b\"@mx.example"), format!("a@mx{control}.example")]
        {
            assert!(Envelope::new(&text).is_err(), "{text:?}");
            assert!(Envelope::new("").and_then(|envelope| envelope.to(&text)).is_err(), "{text:?}");
        }
        assert!(smtp_proto::client::Config::new(&format!("client{control}.example")).is_err());
        assert!(smtp_proto::server::Config::new(&format!("mx{control}.example")).is_err());
    }
}

/// A refused MAIL is the verdict on all recipients, whatever their own replies say.
#[test]
fn refused_mail_is_the_verdict() {
    let mut session = Session::ready(EHLO, &[]);
    session.send(three());
    session.hear(b"451 4.3.0 later\r\n503 no\r\n503 no\r\n503 no\r\n503 no\r\n");
    let outcome = "Refused at mail, reply 451: \
                   ok@mx.example temporary 451, bad@mx.example temporary 451, late@mx.example temporary 451";
    assert_eq!(session.last(), outcome);
}

/// R-3.3-26: only 354 asks for the mail data. R-3.3-25: a refusal of DATA does not.
#[test]
fn only_354_asks_for_the_data() {
    for (reply, closed) in [("250", Some(CloseReason::Protocol)), ("350", Some(CloseReason::Protocol)), ("554", None)] {
        let mut session = Session::ready(EHLO, &[]);
        session.send(one());
        let writes = session.hear(format!("250 ok\r\n250 ok\r\n{reply} what\r\n").as_bytes());
        assert!(writes.is_empty(), "{reply}: {writes:?}");
        assert_eq!(session.record.closed, closed, "{reply}");
    }
}

/// R-4.5.3.1.10-02, R-4.5.3.1.10-04: 552 to RCPT means "too many recipients" unless it says otherwise, and the rest may
/// be sent in a further transaction. X-1870-6.4-03: 552 because of the size is for good.
#[test]
fn too_many_recipients_is_temporary() {
    let mut session = Session::ready(EHLO, &[b"x\r\n"]);
    session.send(three());
    session.hear(b"250 ok\r\n250 ok\r\n552 too many\r\n552 5.2.3 too big for this mailbox\r\n354 go\r\n");
    session.hear(b"250 ok\r\n");
    let outcome = "Partial at final, reply 250: \
                   ok@mx.example accepted 250, bad@mx.example temporary 552, late@mx.example permanent 552";
    assert_eq!(session.last(), outcome);
}

/// X-6152-3-07: no octet above 127 goes to a server without 8BITMIME.
#[test]
fn eight_bit_text_needs_8bitmime() {
    for (ehlo, closed) in [(PLAIN_EHLO, Some(CloseReason::Abandoned)), (EHLO, None)] {
        let mut session = Session::ready(ehlo, &["gr\u{fc}n\r\n".as_bytes()]);
        session.send(one());
        for reply in [&b"250 ok\r\n"[..], b"250 ok\r\n", b"354 go\r\n"] {
            session.hear(reply);
        }
        assert_eq!(session.record.closed, closed);
        assert_eq!(session.record.sent.is_ascii(), closed.is_some());
    }
}

/// A recipient accepted without a sender: the body must not leave.
#[test]
fn no_body_behind_a_refused_mail() {
    let mut session = Session::ready(EHLO, &[]);
    session.send(one());
    assert!(session.hear(b"550 no\r\n250 ok\r\n354 go\r\n").is_empty());
    assert_eq!(session.record.closed, Some(CloseReason::Protocol));
}

/// X-2920-3.1-05: the next mail's commands leave behind the final dot, so that a mail costs one round trip.
#[test]
fn next_mail_leaves_behind_the_dot() {
    let mut session = Session::ready(EHLO, &[b"one\r\n", b"two\r\n"]);
    session.send(one());
    session.send(one());
    let group = "MAIL FROM:<a@client.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n";
    assert_eq!(session.hear(b"250 ok\r\n250 ok\r\n354 go\r\n"), [format!("one\r\n.\r\n{group}")]);
    assert_eq!(session.hear(b"250 queued\r\n250 ok\r\n250 ok\r\n354 go\r\n"), ["two\r\n.\r\n"]);
    session.hear(b"250 queued\r\n");
    assert_eq!(session.record.log.iter().filter(|line| line.starts_with("Accepted")).count(), 2);
}

/// Security rule 54, R-4.1.4-22: QUIT is not pipelined behind the final dot.
#[test]
fn quit_waits_for_the_verdict() {
    let mut session = Session::ready(EHLO, &[b"one\r\n"]);
    session.send(one());
    session.client.quit(Instant::EPOCH);
    assert_eq!(session.hear(b"250 ok\r\n250 ok\r\n354 go\r\n"), ["one\r\n.\r\n"]);
    assert_eq!(session.hear(b"250 queued\r\n"), ["QUIT\r\n"]);
    session.hear(b"what?\r\n");
    assert_eq!(session.record.closed, Some(CloseReason::Quit), "a malformed answer to QUIT changes nothing");
}

/// REL-04: the connection breaks after the dot: unknown.
#[test]
fn unknown_after_the_dot() {
    let mut session = Session::ready(EHLO, &[b"one\r\n"]);
    session.send(one());
    session.hear(b"250 ok\r\n250 ok\r\n354 go\r\n");
    session.client.handle_eof(Instant::EPOCH);
    session.settle();
    assert_eq!(session.last(), "Unknown at final, reply -: b@mx.example unknown -");
    assert_eq!(session.record.closed, Some(CloseReason::PeerClosed));
}

/// REL-05: the connection breaks before the dot left: refused, and the server cannot have taken it.
#[test]
fn refused_before_the_dot() {
    let mut session = Session::ready(EHLO, &[]);
    session.caller.bodies.push_back(vec![Bytes::from_static(b"one\r\n"), Bytes::from_static(b"two\r\n")]);
    session.send(one());
    session.client.handle_input(Instant::EPOCH, Bytes::from_static(b"250 ok\r\n250 ok\r\n354 go\r\n")).expect("input");
    let Output::Event(smtp_proto::client::Event::Ready(_) | smtp_proto::client::Event::Body(_)) = session.client.poll()
    else {
        panic!("the body is asked for")
    };
    session.client.handle_disconnect(Instant::EPOCH);
    session.settle();
    assert_eq!(session.last(), "Refused at body, reply -: b@mx.example temporary -");
    assert_eq!(session.record.closed, Some(CloseReason::TransportFailed));
}

/// REPLY-10: a refusal in the middle of the mail data is the verdict; the dot is never sent.
#[test]
fn early_refusal_during_data() {
    let mut session = Session::ready(EHLO, &[]);
    session.send(one());
    session.client.handle_input(Instant::EPOCH, Bytes::from_static(b"250 ok\r\n250 ok\r\n354 go\r\n")).expect("input");
    assert!(matches!(session.client.poll(), Output::Event(smtp_proto::client::Event::Body(_))));
    session.hear(b"552 5.3.4 too much\r\n");
    assert_eq!(session.last(), "Refused at body, reply 552: b@mx.example permanent 552");
    assert_eq!(session.record.closed, Some(CloseReason::Refused));
}

/// PIPE-10, REL-04: a 250 that came while a part of the dot still waited to leave accepts nothing.
#[test]
fn early_acceptance_is_none() {
    let mut session = Session::ready(EHLO, &[]);
    session.send(one());
    session.client.handle_input(Instant::EPOCH, Bytes::from_static(b"250 ok\r\n250 ok\r\n354 go\r\n")).expect("input");
    let Output::Event(smtp_proto::client::Event::Body(token)) = session.client.poll() else { panic!("a body is due") };
    session.client.write_body(Instant::EPOCH, &token, Bytes::from_static(b"one\r\n")).expect("a piece is welcome");
    session.client.end_body(Instant::EPOCH, token).expect("the token is due");
    let Output::Transmit(octets) = session.client.poll() else { panic!("the body leaves") };
    let most = octets.len() - 1;
    session.client.transmitted(Instant::EPOCH, most);
    session.client.handle_input(Instant::EPOCH, Bytes::from_static(b"250 queued\r\n")).expect("input is welcome");
    assert!(session.settle().is_empty());
    assert_eq!(session.last(), "Unknown at final, reply -: b@mx.example unknown -");
    assert_eq!(session.record.closed, Some(CloseReason::Protocol));
}

/// REPLY-08, R-3.8-09: 421 in answer to anything ends the connection, and is no verdict for good.
#[test]
fn service_not_available() {
    let mut session = Session::ready(EHLO, &[b"one\r\n"]);
    session.send(one());
    session.send(one());
    session.hear(b"250 ok\r\n421 4.3.2 closing\r\n");
    let told: Vec<_> = session.record.log[1..].iter().map(String::as_str).collect();
    let first = "Refused at rcpt, reply 421: b@mx.example temporary 421";
    assert_eq!(told, [first, "Refused at ehlo, reply 421: b@mx.example temporary 421"]);
    assert_eq!(session.record.closed, Some(CloseReason::ServiceNotAvailable));
}

/// Nothing after the verdict changes it.
#[test]
fn the_verdict_stands() {
    let mut session = Session::ready(EHLO, &[b"one\r\n"]);
    session.send(one());
    session.hear(b"250 ok\r\n250 ok\r\n354 go\r\n");
    session.hear(b"250 queued\r\n421 bye\r\n");
    assert_eq!(session.last(), "Accepted at final, reply 250: b@mx.example accepted 250");
    assert_eq!(session.record.closed, Some(CloseReason::ServiceNotAvailable));
}

/// PIPE-08, PIPE-10: a reply that nothing asked for, and one that came before its command left, end the connection.
#[test]
fn unsolicited_replies_poison() {
    let mut session = Session::ready(EHLO, &[]);
    session.hear(b"250 surprise\r\n");
    assert_eq!(session.record.closed, Some(CloseReason::Protocol));
    let mut session = Session::new(&[]);
    assert!(session.hear(b"220 mx.example\r\n250 mx.example\r\n").is_empty());
    assert_eq!(session.record.closed, Some(CloseReason::Protocol));
}

/// R-2.3.8-04, EOD-20: a stray octet never leaves; the connection is cut before the dot.
#[test]
fn a_stray_octet_is_not_sent() {
    let mut session = Session::ready(EHLO, &[b"one\ntwo\r\n"]);
    session.send(one());
    let writes = session.hear(b"250 ok\r\n250 ok\r\n354 go\r\n");
    assert!(!writes.concat().contains('\n'), "{writes:?}");
    assert_eq!(session.last(), "Refused at body, reply -: b@mx.example permanent -");
    assert_eq!(session.record.closed, Some(CloseReason::Abandoned));
}

/// X-1870-7-01, X-6152-3-08: what the server cannot take is not tried.
#[test]
fn unfit_mail_is_not_sent() {
    let mut session = Session::ready(EHLO, &[]);
    assert!(session.send(one().with_size(1001)).is_empty());
    assert_eq!(session.last(), "Refused at ehlo, reply -: b@mx.example permanent -");
    let writes = session.send(one().with_size(1000).with_body(BodyKind::EightBitMime));
    assert!(writes[0].starts_with("MAIL FROM:<a@client.example> SIZE=1000 BODY=8BITMIME\r\n"), "{writes:?}");
    let mut session = Session::ready(PLAIN_EHLO, &[]);
    assert!(session.send(one().with_body(BodyKind::EightBitMime)).is_empty());
    assert_eq!(session.last(), "Refused at ehlo, reply -: b@mx.example permanent -");
}

/// X-2920-3.1-12, PIPE-11: no more than the window waits for replies.
#[test]
fn the_window_holds() {
    let mut envelope = Envelope::new("a@client.example").expect("an address");
    for number in 0..1000 {
        envelope.add_recipient(&format!("user{number}@mx.example")).expect("an address");
    }
    let mut session = Session::ready(EHLO, &[b"x\r\n"]);
    let mut sent = session.send(envelope).concat();
    let mut answered = 0;
    while !sent.ends_with("DATA\r\n") {
        assert!(sent.len() - answered <= 4096);
        answered += sent[answered..].find("\r\n").expect("a command waits") + 2;
        sent.push_str(&session.hear(b"250 ok\r\n").concat());
    }
    assert_eq!(sent.matches("RCPT TO").count(), 1000);
}

/// R-4.5.3.2-01, R-4.5.3.2-02, R-4.5.3.2.1-01, R-4.5.3.2.2-01, R-4.5.3.2.3-01, R-4.5.3.2.4-01, R-4.5.3.2.6-01, REL-06: every timer, one second either side.
#[test]
fn every_reply_has_its_time() {
    let stages: [(&str, &[&[u8]], u64); 7] = [
        ("greeting", &[], 300),
        ("ehlo", &[GREETING], 300),
        ("mail", &[GREETING, PLAIN_EHLO], 300),
        ("rcpt", &[GREETING, PLAIN_EHLO, b"250 ok\r\n"], 300),
        ("data", &[GREETING, PLAIN_EHLO, b"250 ok\r\n", b"250 ok\r\n"], 120),
        ("final", &[GREETING, PLAIN_EHLO, b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"], 600),
        ("reset", &[GREETING, EHLO, b"250 ok\r\n550 no\r\n550 no\r\n"], 20),
    ];
    for (stage, replies, seconds) in stages {
        let mut session = Session::new(&[b"x\r\n"]);
        session.send(one());
        for reply in replies {
            session.hear(reply);
        }
        if stage == "reset" {
            session.send(one());
        }
        session.client.handle_timeout(at(seconds - 1));
        session.settle();
        assert_eq!(session.record.closed, None, "{stage}");
        session.client.handle_timeout(at(seconds));
        session.settle();
        assert_eq!(session.record.closed, Some(CloseReason::Timeout), "{stage}");
    }
}

/// R-4.5.3.2.5-01: each block that the network takes buys the next 180 s.
#[test]
fn the_network_has_its_time() {
    let mut session = Session::new(&[]);
    session.client.handle_input(Instant::EPOCH, Bytes::from_static(GREETING)).expect("input");
    assert!(matches!(session.client.poll(), Output::Transmit(_)));
    session.client.handle_timeout(at(179));
    assert!(matches!(session.client.poll(), Output::Transmit(_)));
    session.client.transmitted(at(179), 4);
    assert!(matches!(session.client.poll(), Output::Transmit(_)));
    session.client.handle_timeout(at(358));
    assert!(matches!(session.client.poll(), Output::Transmit(_)));
    session.client.handle_timeout(at(359));
    assert!(matches!(session.client.poll(), Output::Closed(CloseReason::WriteStalled)));
}

/// R-4.1.1.10-04: a server that does not answer QUIT is left after 5 s, and nothing is wrong.
#[test]
fn quit_is_not_waited_for() {
    let mut session = Session::ready(EHLO, &[]);
    session.client.quit(Instant::EPOCH);
    assert_eq!(session.settle(), ["QUIT\r\n"]);
    session.client.handle_timeout(at(5));
    session.settle();
    assert_eq!(session.record.closed, Some(CloseReason::Quit));
}

/// A call that does not fit gives back what it was given.
#[test]
fn misuse_gives_back() {
    let mut session = Session::ready(EHLO, &[]);
    let none = Envelope::new("").expect("the null reverse-path");
    assert_eq!(session.client.send(Instant::EPOCH, none).expect_err("no recipient").misuse, Misuse::NoRecipient);
    for _ in 0..64 {
        session.client.send(Instant::EPOCH, one()).expect("the queue has room");
    }
    assert_eq!(session.client.send(Instant::EPOCH, one()).expect_err("full").misuse, Misuse::QueueFull);
    session.client.quit(Instant::EPOCH);
    let refused = session.client.send(Instant::EPOCH, one()).expect_err("ending");
    assert_eq!(refused.misuse, Misuse::Ending);
    assert_eq!(refused.value.recipients().collect::<Vec<_>>(), ["b@mx.example"]);
}

/// That the connection is over is known before the outcomes of the mails it has taken.
#[test]
fn close_reason_comes_before_the_outcomes() {
    let mut session = Session::ready(EHLO, &[]);
    session.send(one());
    session.send(one());
    assert_eq!(session.client.close_reason(), None);
    session.client.abandon(Instant::EPOCH);
    assert_eq!(session.client.close_reason(), Some(CloseReason::Abandoned));
    assert!(matches!(session.client.poll(), Output::Event(smtp_proto::client::Event::Outcome(_))));
    assert_eq!(session.client.send(Instant::EPOCH, one()).expect_err("over").misuse, Misuse::Closed);
    session.settle();
    assert_eq!(session.record.closed, Some(CloseReason::Abandoned));
}

/// A dropped body token: the server takes nothing.
#[test]
fn a_dropped_body_is_cut() {
    let mut config = client_config();
    config.timeouts.buffers = core::time::Duration::from_secs(1000);
    let mut session = Session { client: client(config), caller: Caller::of(&[]), record: Record::default() };
    session.hear(GREETING);
    session.hear(EHLO);
    session.send(one());
    session.client.handle_input(Instant::EPOCH, Bytes::from_static(b"250 ok\r\n250 ok\r\n354 go\r\n")).expect("input");
    assert!(matches!(session.client.poll(), Output::Event(smtp_proto::client::Event::Body(_))));
    let Output::Wait(wait) = session.client.poll() else { panic!("the body is awaited") };
    assert_eq!((wait.decision, wait.deadline), (Some(Decision::Body), Some(at(300))));
    session.client.handle_timeout(at(300));
    session.settle();
    assert_eq!(session.last(), "Refused at body, reply -: b@mx.example temporary -");
    assert_eq!(session.record.closed, Some(CloseReason::Abandoned));
}

/// X-2920-3.1-09, REPLY-09: the same replies in any split give the same octets and the same verdicts.
#[test]
fn chunking_changes_nothing() {
    let script: [&[u8]; 5] = [
        GREETING,
        EHLO,
        b"250 2.1.0 ok\r\n250-2.1.5 really\r\n250 2.1.5 ok\r\n550 5.1.1 no\r\n450 later\r\n354 go\r\n",
        b"250 2.0.0 queued\r\n",
        b"221 2.0.0 bye\r\n",
    ];
    let run = |cuts: kit::Cuts| {
        let mut session = Session::new(&[b"hello\r\n"]);
        session.send(three());
        session.client.quit(Instant::EPOCH);
        let (mut cuts, mut came) = (cuts, 0);
        for group in script {
            let mut waiting = group;
            while !waiting.is_empty() {
                let (piece, rest) = waiting.split_at(cuts.next(came, waiting.len()));
                came += piece.len();
                waiting = rest;
                session.hear(piece);
            }
        }
        session.record
    };
    let whole = run(kit::Cuts::Whole);
    assert_eq!(whole.closed, Some(CloseReason::Quit), "{}", show(&whole.sent));
    for cuts in kit::Cuts::all(script.concat().len()) {
        assert_eq!(run(cuts), whole, "{cuts:?}");
    }
}

/// The envelope of an outcome can be sent again, and remembers nothing.
#[test]
fn an_envelope_can_be_sent_again() {
    let mut session = Session::ready(EHLO, &[]);
    session.client.send(Instant::EPOCH, one()).expect("room");
    session.client.abandon(Instant::EPOCH);
    let outcome: Outcome = match session.client.poll() {
        Output::Event(smtp_proto::client::Event::Outcome(outcome)) => outcome,
        other => panic!("{other:?}"),
    };
    assert_eq!(outcome.summary(), Summary::Refused);
    let mut session = Session::ready(EHLO, &[b"x\r\n"]);
    session.send(outcome.into_envelope());
    session.hear(b"250 ok\r\n250 ok\r\n354 go\r\n");
    session.hear(b"250 ok\r\n");
    assert_eq!(session.last(), "Accepted at final, reply 250: b@mx.example accepted 250");
}
