//! A session that closes its connection without an answer.

mod kit;

use std::io::Read as _;

use kit::{Peer, Running, bind, server_config};
use smtp_blocking::proto::server::{Hello, Mail, Rcpt};
use smtp_blocking::{Accept, Answer, BodyReader, Envelope, Reject, Session};

/// Breaks off at the question of this name.
#[derive(Clone, Copy)]
struct Quitter(&'static str);

impl Quitter {
    fn answer(self, question: &str) -> Answer {
        if self.0 == question { Err(Reject::disconnect()) } else { Ok(Accept::Usual) }
    }
}

impl Session for Quitter {
    fn connect(&mut self) -> Answer {
        self.answer("connect")
    }

    fn hello(&mut self, _hello: &Hello) -> Answer {
        self.answer("hello")
    }

    fn mail(&mut self, _mail: &Mail) -> Answer {
        self.answer("mail")
    }

    fn rcpt(&mut self, _rcpt: &Rcpt) -> Answer {
        self.answer("rcpt")
    }

    fn data(&mut self, _envelope: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        self.answer("data")?;
        body.read_to_end(&mut Vec::new())?;
        self.answer("dot")
    }

    fn verify(&mut self, _argument: &str) -> Answer {
        self.answer("verify")
    }
}

/// At every question the connection ends there, without another octet.
#[test]
fn ends_without_an_answer() {
    let steps: [(&str, &[&str]); 7] = [
        ("connect", &[]),
        ("hello", &["EHLO c.example\r\n"]),
        ("mail", &["EHLO c.example\r\n", "MAIL FROM:<>\r\n"]),
        ("rcpt", &["EHLO c.example\r\n", "MAIL FROM:<>\r\n", "RCPT TO:<b@mx.example>\r\n"]),
        ("data", &["EHLO c.example\r\n", "MAIL FROM:<>\r\n", "RCPT TO:<b@mx.example>\r\n", "DATA\r\n"]),
        ("dot", &["EHLO c.example\r\n", "MAIL FROM:<>\r\n", "RCPT TO:<b@mx.example>\r\n", "DATA\r\n", "x\r\n.\r\n"]),
        ("verify", &["EHLO c.example\r\n", "VRFY b\r\n"]),
    ];
    for (question, commands) in steps {
        let mut config = server_config();
        config.verify = true;
        let server = Running::new(bind(config), move |_| Quitter(question));
        let mut peer = Peer::connect(server.address);
        for command in commands {
            assert!(peer.reply().starts_with(['2', '3']), "{question}");
            peer.say(command);
        }
        assert_eq!(peer.rest(), "", "{question}");
    }
}
