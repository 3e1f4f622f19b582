//! A player of few words.

use core::time::Duration;

use smtp_conformance::target::{Heard, Wire};
use smtp_conformance::transcript::{Act, Expectation, Outcome};

/// Far longer than anything here takes; it only ends a test that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Says lines and expects lines.
pub(crate) struct Talk<'a> {
    pub(crate) wire: Box<dyn Wire + 'a>,
    heard: Vec<u8>,
}

impl<'a> Talk<'a> {
    pub(crate) fn new(wire: Box<dyn Wire + 'a>) -> Self {
        Self { wire, heard: Vec::new() }
    }

    pub(crate) fn say(&mut self, lines: &str) {
        self.wire.send(format!("{lines}\r\n").as_bytes()).expect("the other side is there");
    }

    /// The next line, without its end.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        loop {
            if let Some(length) = self.heard.windows(2).position(|end| end == b"\r\n") {
                let line = String::from_utf8(self.heard.drain(..length).collect()).expect("ASCII");
                self.heard.drain(..2);
                return line;
            }
            match self.wire.hear(PATIENCE).expect("the connection is whole") {
                Heard::Octets(octets) => self.heard.extend(octets),
                other => panic!("{other:?} behind {:?}", self.heard.escape_ascii().to_string()),
            }
        }
    }

    /// The next line begins like this, in any case.
    #[track_caller]
    pub(crate) fn expect(&mut self, begin: &str) -> String {
        let line = self.line();
        let is_so = line.get(..begin.len()).is_some_and(|it| it.eq_ignore_ascii_case(begin));
        assert!(is_so, "expected {begin}, got {line}");
        line
    }

    /// The lines of the next reply, which has this code.
    #[track_caller]
    pub(crate) fn reply(&mut self, code: &str) -> Vec<String> {
        let mut lines = vec![self.expect(code)];
        while lines.last().is_some_and(|line| line.as_bytes().get(3) == Some(&b'-')) {
            lines.push(self.expect(code));
        }
        lines
    }

    /// The other side closes, and says nothing before.
    #[track_caller]
    pub(crate) fn expect_end(&mut self) {
        assert_eq!(self.heard.escape_ascii().to_string(), "");
        assert_eq!(self.wire.hear(PATIENCE).expect("the connection is whole"), Heard::End);
    }

    #[track_caller]
    pub(crate) fn expect_quiet(&mut self, time: Duration) {
        assert_eq!(self.heard.escape_ascii().to_string(), "");
        assert_eq!(self.wire.hear(time).expect("the connection is whole"), Heard::Quiet);
    }

    /// What a player of a server says up to the mail data, and what it hears of a client with one mail.
    #[track_caller]
    pub(crate) fn receive(&mut self, ehlo: &[&str]) -> Vec<String> {
        self.say("220 mx.example ESMTP");
        self.hello(ehlo);
        self.receive_mail()
    }

    /// EHLO is answered with these keywords.
    #[track_caller]
    pub(crate) fn hello(&mut self, keywords: &[&str]) {
        self.expect("EHLO ");
        let mut lines = vec!["mx.example"];
        lines.extend(keywords);
        let last = lines.pop().expect("one at least");
        let lines: String = lines.iter().map(|line| format!("250-{line}\r\n")).collect();
        self.say(&format!("{lines}250 {last}"));
    }

    /// The lines of a mail that is taken, from MAIL to the final dot, which is not answered.
    #[track_caller]
    pub(crate) fn receive_mail(&mut self) -> Vec<String> {
        let mut lines = vec![self.expect("MAIL FROM:")];
        self.say("250 2.1.0 ok");
        loop {
            let line = self.line();
            let is_data = line.eq_ignore_ascii_case("DATA");
            lines.push(line);
            if is_data {
                break;
            }
            self.say("250 2.1.5 ok");
        }
        self.say("354 go ahead");
        while lines.last().is_none_or(|line| line != ".") {
            lines.push(self.line());
        }
        lines
    }

    /// The client says QUIT, maybe RSET before, or just leaves.
    pub(crate) fn leave(&mut self) {
        loop {
            match self.wire.hear(PATIENCE) {
                Ok(Heard::Octets(octets)) => {
                    self.heard.extend(octets.to_ascii_uppercase());
                    let reply: &[u8] = match self.heard.as_slice() {
                        b"QUIT\r\n" => b"221 2.0.0 bye\r\n",
                        b"RSET\r\n" => b"250 2.0.0 reset\r\n",
                        _ => continue,
                    };
                    self.heard.clear();
                    // It may be gone before it hears that.
                    let _ = self.wire.send(reply);
                }
                Ok(Heard::Quiet) => panic!("the client stays"),
                Ok(Heard::End) | Err(_) => return,
            }
        }
    }
}

/// `U: set`.
pub(crate) fn set(settings: &[(&str, &str)]) -> Act {
    Act::Set(settings.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect())
}

/// `U: send`.
pub(crate) fn send(to: &[&str]) -> Act {
    Act::Send {
        from: "alice@client.example".into(),
        to: to.iter().map(|to| (*to).into()).collect(),
        data: "hello.eml".into(),
        size: None,
        body: None,
    }
}

/// What that sends.
pub(crate) fn attachments() -> Vec<(String, Vec<u8>)> {
    vec![("hello.eml".into(), MESSAGE.into())]
}

pub(crate) const MESSAGE: &[u8] = b"Subject: greeting\r\n\r\nHello\r\n.a line that begins with a dot\r\n";

/// The lines of that, as they go over the wire.
pub(crate) const STUFFED: [&str; 5] = ["Subject: greeting", "", "Hello", "..a line that begins with a dot", "."];

/// `U= accepted <…>` and so on.
pub(crate) fn became(outcome: Outcome, recipient: &str) -> Expectation {
    Expectation::Recipient { outcome, recipient: recipient.into(), reply: None }
}
