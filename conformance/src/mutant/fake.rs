//! A server and a client that know just enough to be distorted.

use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::sync::Mutex;

use super::octets::{crlf_end, text_of, verb};
use super::reply;
use crate::target::{Heard, Target, Unavailable, Variables, Wire};
use crate::transcript::{Act, Expectation, Need, Side};

/// Both of them.
#[derive(Debug)]
pub(super) struct Fake {
    /// The server answers this command with 500.
    pub(super) refuses: Option<&'static str>,
    pub(super) in_real_time: bool,
    /// What the side under test has heard, on all connections.
    pub(super) heard: Mutex<Vec<u8>>,
    pub(super) variables: Variables,
}

impl Default for Fake {
    fn default() -> Self {
        let variables = Variables {
            domain: "mx.example".to_owned(),
            client: Some("client.example".to_owned()),
            sender: "alice@client.example".to_owned(),
            recipients: vec!["bob@mx.example".to_owned()],
            bad_recipient: None,
            login: None,
            logs_in: false,
        };
        Self { refuses: None, in_real_time: false, heard: Mutex::new(Vec::new()), variables }
    }
}

impl Fake {
    /// What the side under test has heard since it was asked last.
    pub(super) fn take_heard(&self) -> String {
        String::from_utf8(core::mem::take(&mut self.heard.lock().expect("no panic"))).expect("UTF-8")
    }
}

impl Target for Fake {
    fn name(&self) -> &str {
        "fake"
    }

    fn variables(&self) -> &Variables {
        &self.variables
    }

    fn offers(&self, _: Side, _: &Need) -> Result<(), String> {
        Ok(())
    }

    fn has_virtual_time(&self) -> bool {
        !self.in_real_time
    }

    fn connect(&self, _: &[Act]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        let out = VecDeque::from([Heard::Octets(b"220 mx.example\r\n".to_vec())]);
        let role = Role::Server { mode: Mode::Command, chunk: 0, has_mail: false, lmtp: None };
        Ok(Box::new(FakeWire { fake: self, input: Vec::new(), out, idle: Duration::ZERO, role }))
    }

    fn launch(&self, _: &[Act], _: &[(String, Vec<u8>)]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        let role = Role::Client { steps: CLIENT.iter().copied().collect() };
        Ok(Box::new(FakeWire { fake: self, input: Vec::new(), out: VecDeque::new(), idle: Duration::ZERO, role }))
    }
}

/// What the client says, one item after each reply. A message is left out when DATA is refused.
const CLIENT: &[&str] = &[
    "EHLO client.example\r\n",
    "MAIL FROM:<alice@client.example>\r\n",
    "RCPT TO:<bob@mx.example>\r\n",
    "DATA\r\n",
    "Subject: hi\r\n\r\n..dot\r\n.\r\n",
    "QUIT\r\n",
    CLOSES,
];

const CLOSES: &str = "";

/// How long both wait.
const PATIENCE: Duration = Duration::from_secs(300);

struct FakeWire<'a> {
    fake: &'a Fake,
    input: Vec<u8>,
    out: VecDeque<Heard>,
    idle: Duration,
    role: Role,
}

enum Role {
    /// `lmtp`: with LHLO, the recipients so far.
    Server {
        mode: Mode,
        chunk: usize,
        has_mail: bool,
        lmtp: Option<usize>,
    },
    Client {
        steps: VecDeque<&'static str>,
    },
}

#[derive(Clone, Copy)]
enum Mode {
    Command,
    Content,
    Response,
}

impl FakeWire<'_> {
    fn say(&mut self, text: &str) {
        self.out.push_back(Heard::Octets(text.into()));
    }

    fn work(&mut self) {
        while let Some(reply) = self.step() {
            if reply != CLOSES {
                self.say(reply);
            }
            if reply == CLOSES || reply.starts_with("221") {
                self.out.push_back(Heard::End);
            }
        }
    }

    /// What comes of the next item that was heard, if that is whole.
    fn step(&mut self) -> Option<&'static str> {
        match &mut self.role {
            Role::Client { steps } => {
                let reply = reply::cut(&mut self.input)?;
                if steps.front().is_some_and(|step| step.starts_with("Subject")) && reply::code(&reply) != Some(354) {
                    steps.pop_front();
                }
                steps.pop_front()
            }
            Role::Server { mode, chunk, has_mail, lmtp } => loop {
                let count = (*chunk).min(self.input.len());
                self.input.drain(..count);
                *chunk -= count;
                if *chunk > 0 {
                    return None;
                }
                let end = crlf_end(&self.input, 0)?;
                let line: Vec<u8> = self.input.drain(..end).collect();
                let line = text_of(&line);
                match *mode {
                    Mode::Content if line == b"." => {
                        *mode = Mode::Command;
                        *has_mail = false;
                        return Some(match lmtp {
                            Some(2) => "250 2.0.0 first\r\n452 4.2.2 second\r\n",
                            _ => "250 2.0.0 taken\r\n",
                        });
                    }
                    Mode::Content => continue,
                    Mode::Response => {
                        *mode = Mode::Command;
                        return Some("235 2.7.0 welcome\r\n");
                    }
                    Mode::Command => {}
                }
                let verb = String::from_utf8(verb(line)).expect("UTF-8");
                if self.fake.refuses == Some(&verb[..]) {
                    return Some("500 5.5.1 what?\r\n");
                }
                return Some(match &verb[..] {
                    "EHLO" => "250-mx.example\r\n250-SIZE 100\r\n250-PIPELINING\r\n250 HELP\r\n",
                    "MAIL" if *has_mail => "503 5.5.1 nested\r\n",
                    "MAIL" => {
                        *has_mail = true;
                        "250 2.1.0 sender\r\n"
                    }
                    "RSET" => {
                        *has_mail = false;
                        "250 2.0.0 reset\r\n"
                    }
                    "DATA" if !*has_mail => "503 5.5.1 no mail\r\n",
                    "DATA" => {
                        *mode = Mode::Content;
                        "354 go\r\n"
                    }
                    "LHLO" => {
                        *lmtp = Some(0);
                        "250 mx.example\r\n"
                    }
                    "RCPT" => {
                        *lmtp = lmtp.map(|recipients| recipients + 1);
                        "250 2.0.0 ok\r\n"
                    }
                    "AUTH" => {
                        *mode = Mode::Response;
                        "334 \r\n"
                    }
                    "BDAT" => {
                        let size = String::from_utf8_lossy(line);
                        *chunk = size.split(' ').nth(1).expect("a size").parse().expect("a number");
                        "250 2.0.0 chunk\r\n"
                    }
                    "STARTTLS" => "220 2.0.0 go\r\n",
                    "QUIT" => "221 2.0.0 bye\r\n",
                    _ => "250 2.0.0 ok\r\n",
                });
            },
        }
    }
}

impl Wire for FakeWire<'_> {
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.idle = Duration::ZERO;
        self.fake.heard.lock().expect("no panic").extend_from_slice(octets);
        self.input.extend_from_slice(octets);
        self.work();
        Ok(())
    }

    fn hear(&mut self, _: Duration) -> io::Result<Heard> {
        Ok(match self.out.pop_front() {
            Some(Heard::End) => {
                self.out.push_front(Heard::End);
                Heard::End
            }
            Some(heard) => heard,
            None => Heard::Quiet,
        })
    }

    fn end(&mut self) -> io::Result<()> {
        self.fake.heard.lock().expect("no panic").extend_from_slice(b"[end]");
        self.out.push_back(Heard::End);
        Ok(())
    }

    fn start_tls(&mut self, _: bool) -> io::Result<()> {
        self.input.clear();
        Ok(())
    }

    fn pass(&mut self, time: Duration) {
        let before = self.idle;
        self.idle += time;
        if before < PATIENCE && self.idle >= PATIENCE {
            if matches!(self.role, Role::Server { .. }) {
                self.say("421 4.4.2 too slow\r\n");
            }
            self.out.push_back(Heard::End);
        }
    }

    fn saw(&mut self, _: &Expectation, _: &[(String, Vec<u8>)]) -> Option<Result<(), String>> {
        None
    }
}
