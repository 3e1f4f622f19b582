//! Sessions that close the connection without an answer.

mod kit;

use std::io::{Read, sink};
use std::sync::{Arc, Mutex};

use kit::{Peer, Running, bind, server_config};
use smtp_blocking::proto::server::{Hello, Mail, Rcpt};
use smtp_blocking::{Accept, Answer, BodyReader, Envelope, Reject, Session};

/// When a session hangs up.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Question {
    Connect,
    Hello,
    Mail,
    Rcpt,
    /// Before the first read.
    Data,
    /// With more of the message to come.
    Body,
    /// At the final dot.
    Message,
    Verify,
    Expand,
}

/// Answers all questions but one, and writes down what becomes of transactions.
struct Rude {
    at: Question,
    log: Log,
}

type Log = Arc<Mutex<Vec<&'static str>>>;

impl Rude {
    fn answer(&self, question: Question) -> Answer {
        if self.at == question { Err(Reject::disconnect()) } else { Ok(Accept::Usual) }
    }

    fn note(&self, what: &'static str) {
        self.log.lock().expect("no panic while it is held").push(what);
    }
}

impl Session for Rude {
    fn connect(&mut self) -> Answer {
        self.answer(Question::Connect)
    }

    fn hello(&mut self, _: &Hello) -> Answer {
        self.answer(Question::Hello)
    }

    fn mail(&mut self, _: &Mail) -> Answer {
        self.answer(Question::Mail)
    }

    fn rcpt(&mut self, _: &Rcpt) -> Answer {
        self.answer(Question::Rcpt)
    }

    fn data(&mut self, _: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        self.answer(Question::Data)?;
        body.read_exact(&mut [0; 3])?;
        self.answer(Question::Body)?;
        std::io::copy(body, &mut sink())?;
        self.answer(Question::Message)?;
        self.note("accepted");
        Ok(Accept::Usual)
    }

    fn revoked(&mut self) {
        self.note("revoked");
    }

    fn reset(&mut self) {
        self.note("reset");
    }

    fn verify(&mut self, _: &str) -> Answer {
        self.answer(Question::Verify)
    }

    fn expand(&mut self, _: &str) -> Answer {
        self.answer(Question::Expand)
    }
}

impl Drop for Rude {
    fn drop(&mut self) {
        self.note("dropped");
    }
}

/// A server whose sessions hang up at this question.
fn rude(at: Question) -> (Running, Log) {
    let log = Log::default();
    let shared = Arc::clone(&log);
    let mut config = server_config();
    (config.verify, config.expand) = (true, true);
    (Running::new(bind(config), move |_| Rude { at, log: Arc::clone(&shared) }), log)
}

/// What the log holds once the peer has left and the server has ended.
fn ended(mut server: Running, peer: Peer, log: &Log) -> Vec<&'static str> {
    // The server gives a peer that stays some time to read.
    drop(peer);
    server.handle.shutdown();
    server.join();
    log.lock().expect("no panic while it is held").clone()
}

/// R-4.1.1.10-05: each question that is left without an answer ends the connection without one, and the session with it.
#[test]
fn no_question_is_answered() {
    use Question::{Connect, Data, Expand, Hello, Mail, Message, Rcpt, Verify};
    let commands = [
        (Hello, "EHLO client.example\r\n", "250"),
        (Verify, "VRFY bob\r\n", "252"),
        (Expand, "EXPN list\r\n", "252"),
        (Mail, "MAIL FROM:<a@client.example>\r\n", "250"),
        (Rcpt, "RCPT TO:<b@mx.example>\r\n", "250"),
        (Data, "DATA\r\n", "354"),
        (Message, "text\r\n.\r\n", "250"),
    ];
    for at in [Connect, Hello, Verify, Expand, Mail, Rcpt, Data, Message] {
        let (server, log) = rude(at);
        let mut peer = Peer::connect(server.address);
        if at != Connect {
            assert!(peer.reply().starts_with("220"));
            for (question, command, expected) in commands {
                peer.say(command);
                if question == at {
                    break;
                }
                let reply = peer.reply();
                assert!(reply.starts_with(expected), "{reply:?} in answer to {command}");
            }
        }
        assert_eq!(peer.rest(), "", "at {at:?}");
        let told: &[_] = if at == Message { &["reset", "dropped"] } else { &["dropped"] };
        assert_eq!(ended(server, peer, &log), told, "at {at:?}");
    }
}

/// A message that is cut off while it comes is not read to its end.
#[test]
fn unread_data_stay_unread() {
    let (server, log) = rude(Question::Body);
    let mut peer = Peer::in_data(server.address);
    peer.say("a message without an end");
    assert_eq!(peer.rest(), "");
    assert_eq!(ended(server, peer, &log), ["reset", "dropped"]);
}

/// X-2920-3.2-01: in a pipelined group, the commands before the one that is left without an answer have theirs, and
/// those behind it have none.
#[test]
fn earlier_replies_leave() {
    let (server, log) = rude(Question::Rcpt);
    let mut peer = Peer::greeted(server.address);
    peer.say("MAIL FROM:<a@client.example>\r\nRCPT TO:<b@mx.example>\r\nRCPT TO:<c@mx.example>\r\nDATA\r\n");
    assert!(peer.reply().starts_with("250 2.1.0"));
    assert_eq!(peer.rest(), "");
    assert_eq!(ended(server, peer, &log), ["dropped"]);
}

/// The other connections of the server do not notice.
#[test]
fn one_connection_ends() {
    let (server, log) = rude(Question::Verify);
    let mut bystander = Peer::in_data(server.address);
    let mut peer = Peer::greeted(server.address);
    peer.say("VRFY bob\r\n");
    assert_eq!(peer.rest(), "");
    bystander.say("text\r\n.\r\n");
    assert!(bystander.reply().starts_with("250"));
    assert!(log.lock().expect("no panic while it is held").contains(&"accepted"));
}
