//! Mail data on their way in, as an adapter hands them on to a reader.

mod kit;

use bytes::Bytes;
use kit::{server, server_config};
use smtp_proto::reply::{Detail, Reply, ReplyCode};
use smtp_proto::server::{Abort, Accept, Answer, Connection, Event, Fate, Incoming, Output, Reading, Reject};
use smtp_proto::{CloseReason, Instant};

const NOW: Instant = Instant::EPOCH;

/// What a server says up to its next question about mail data, or until it has nothing to say.
fn settle(connection: &mut Connection, said: &mut String) -> Option<Event> {
    loop {
        match connection.poll() {
            Output::Transmit(octets) => {
                let count = octets.len();
                said.push_str(core::str::from_utf8(octets).expect("ASCII"));
                connection.transmitted(NOW, count);
            }
            Output::Event(Event::Connect(token)) => drop(connection.accept(NOW, token)),
            Output::Event(Event::Hello(token)) => drop(connection.accept(NOW, token)),
            Output::Event(Event::Mail(token)) => drop(connection.accept(NOW, token)),
            Output::Event(Event::Rcpt(token)) => drop(connection.accept(NOW, token)),
            Output::Event(Event::Answered(_)) => {}
            Output::Event(event) => return Some(event),
            Output::Wait(_) | Output::Closed(_) => return None,
            Output::UpgradeTls => unreachable!("no TLS here"),
        }
    }
}

fn hear(connection: &mut Connection, octets: &'static [u8]) {
    connection.handle_input(NOW, Bytes::from_static(octets)).expect("input is welcome");
}

/// A server that was asked for DATA.
fn asked() -> (Connection, Incoming) {
    let mut connection = server(server_config());
    let mut said = String::new();
    for line in
        [&b"EHLO client.example\r\n"[..], b"MAIL FROM:<a@client.example>\r\nRCPT TO:<b@mx.example>\r\n", b"DATA\r\n"]
    {
        assert!(settle(&mut connection, &mut said).is_none());
        hear(&mut connection, line);
    }
    match settle(&mut connection, &mut said) {
        Some(Event::Data(token)) => (connection, Incoming::new(token)),
        other => panic!("{other:?} instead of DATA"),
    }
}

/// Reads what there is; what it was, and how it ended.
fn read(incoming: &mut Incoming, connection: &mut Connection, said: &mut String) -> (Vec<u8>, bool) {
    let mut octets = Vec::new();
    incoming.begin(NOW, connection);
    loop {
        match incoming.reading() {
            Reading::Piece(piece) => {
                octets.push(piece[0]);
                incoming.consume(1);
            }
            Reading::Pending => match settle(connection, said) {
                Some(event) => incoming.handle(Some(event)),
                None => return (octets, false),
            },
            Reading::End => return (octets, true),
            Reading::Broken(_) => return (octets, false),
        }
    }
}

fn refusal() -> Answer {
    Err(Reply::new(ReplyCode::TRANSACTION_FAILED, Detail::OTHER_SYSTEM_STATUS, "no").into())
}

/// R-4.1.1.4-01, R-4.2.5-01: 354 comes when the data are asked for, they are read to their end, and the answer is the one
/// to the final dot.
#[test]
fn read_and_accepted() {
    let (mut connection, mut incoming) = asked();
    let mut said = String::new();
    assert_eq!(incoming.reading(), Reading::Pending);
    assert_eq!(read(&mut incoming, &mut connection, &mut said), (Vec::new(), false));
    assert!(said.starts_with("354 "), "{said}");
    hear(&mut connection, b"..one\r\ntwo\r\n.\r\n");
    assert_eq!(read(&mut incoming, &mut connection, &mut said), (b".one\r\ntwo\r\n".to_vec(), true));
    let answer = Ok(Accept::Usual);
    assert!(!incoming.is_unread(&answer));
    assert_eq!(incoming.finish(NOW, &mut connection, answer), Fate::Accepted);
    assert!(settle(&mut connection, &mut said).is_none());
    assert!(said.contains("\r\n250 2."), "{said}");
}

/// R-3.3-01: a refusal before the first octet was asked for is the answer to DATA, and there is no 354.
#[test]
fn refused_before() {
    let (mut connection, mut incoming) = asked();
    let mut said = String::new();
    assert!(!incoming.is_unread(&refusal()));
    assert!(incoming.is_unread(&Ok(Accept::Usual)));
    assert_eq!(incoming.finish(NOW, &mut connection, refusal()), Fate::NotAsked);
    assert!(settle(&mut connection, &mut said).is_none());
    assert_eq!(said, "554 5.3.0 no\r\n");
}

/// What an answer leaves unread is read and thrown away before it is given; only then is the next line a command again.
#[test]
fn unread_is_read() {
    for (answer, fate, code) in [(Ok(Accept::Usual), Fate::Accepted, "250 "), (refusal(), Fate::NotAccepted, "554 ")] {
        let (mut connection, mut incoming) = asked();
        let mut said = String::new();
        assert_eq!(read(&mut incoming, &mut connection, &mut said), (Vec::new(), false));
        hear(&mut connection, b"QUIT\r\n.\r\n");
        while incoming.is_unread(&answer) {
            incoming.handle(settle(&mut connection, &mut said));
        }
        said.clear();
        assert_eq!(incoming.finish(NOW, &mut connection, answer), fate);
        assert!(settle(&mut connection, &mut said).is_none());
        assert!(said.starts_with(code), "{said}");
    }
}

/// R-4.1.1.10-05, REL-05: data that break off are no message, whatever the application says.
#[test]
fn broken_data_are_no_message() {
    let (mut connection, mut incoming) = asked();
    let mut said = String::new();
    assert_eq!(read(&mut incoming, &mut connection, &mut said), (Vec::new(), false));
    hear(&mut connection, b"half a mess");
    let (octets, is_whole) = read(&mut incoming, &mut connection, &mut said);
    assert_eq!((&octets[..], is_whole), (&b"half a mess"[..], false));
    connection.handle_disconnect(NOW);
    assert_eq!(read(&mut incoming, &mut connection, &mut said), (Vec::new(), false));
    assert_eq!(incoming.reading(), Reading::Broken(Abort::ConnectionLost));
    assert!(!incoming.is_unread(&Ok(Accept::Usual)));
    assert_eq!(incoming.finish(NOW, &mut connection, Ok(Accept::Usual)), Fate::NotAccepted);
    incoming.handle(None);
    let error = std::io::Error::from(Abort::ConnectionLost);
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
}

/// Whoever closes without an answer waits for no more data.
#[test]
fn disconnecting_waits_for_nothing() {
    for is_begun in [false, true] {
        let (mut connection, mut incoming) = asked();
        let mut said = String::new();
        if is_begun {
            assert_eq!(read(&mut incoming, &mut connection, &mut said), (Vec::new(), false));
        }
        let answer = Err(Reject::disconnect());
        assert!(!incoming.is_unread(&answer));
        assert_ne!(incoming.finish(NOW, &mut connection, answer), Fate::Accepted);
        while settle(&mut connection, &mut said).is_some() {}
        assert!(matches!(connection.poll(), Output::Closed(CloseReason::Refused)));
        assert_eq!(said.contains("354"), is_begun);
    }
}
