//! From octets, as they come, to the lines of a transcript.

use core::fmt::Write as _;
use core::mem;
use std::collections::VecDeque;

use super::line::{escape_dollars, take_line, text};
use super::mail::{self, Mail};
use super::reply;
use super::secret::{self, Exchange};
use crate::transcript::{Act, Item, Need, Role, Side, Tag};

/// Hears both sides of a session, in pieces of any size.
#[derive(Debug)]
pub struct Recorder {
    role: Role,
    name: String,
    hides_starttls: bool,
    /// What was said and is no whole line or reply yet.
    client: Vec<u8>,
    server: Vec<u8>,
    /// The lines of a reply whose last line has not come.
    reply: Vec<Vec<u8>>,
    /// What was asked, and not answered.
    asked: VecDeque<Asked>,
    mode: Mode,
    body: Vec<String>,
    mail: Option<Mail>,
    files: Vec<(String, Vec<u8>)>,
    needs: Vec<Need>,
    tags: Vec<Tag>,
    has_login: bool,
    /// Nothing more is written down.
    is_over: bool,
    /// QUIT was answered with 221: the server closes.
    has_quit: bool,
    /// Somebody has closed.
    has_ended: bool,
}

/// A session as a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The transcript.
    pub text: String,
    /// The files that belong beside it.
    pub files: Vec<(String, Vec<u8>)>,
}

/// What a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Ehlo,
    Data,
    StartTls,
    Auth(Exchange),
    Quit,
    Else,
}

/// How the next octets of the client are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Commands,
    Auth(Exchange),
    Data,
    /// So many octets of BDAT.
    Chunk(usize),
}

impl Recorder {
    /// `role`: who will be under test when the transcript is played. `name`: what its file is called, without the ending.
    #[must_use]
    pub fn new(role: Role, name: &str) -> Self {
        Self {
            role,
            name: name.to_owned(),
            hides_starttls: false,
            client: Vec::new(),
            server: Vec::new(),
            reply: Vec::new(),
            // The greeting answers the connection.
            asked: VecDeque::from([Asked::Else]),
            mode: Mode::Commands,
            body: Vec::new(),
            mail: None,
            files: Vec::new(),
            needs: Vec::new(),
            tags: Vec::new(),
            has_login: false,
            is_over: false,
            has_quit: false,
            has_ended: false,
        }
    }

    /// Takes STARTTLS out of what the server offers, so that the session stays in clear and can be recorded.
    #[must_use]
    pub fn hiding_starttls(mut self) -> Self {
        self.hides_starttls = true;
        self
    }

    /// Hears what one side says, and returns what the other one is to hear.
    pub fn hear(&mut self, side: Side, octets: &[u8]) -> Vec<u8> {
        if self.is_over {
            return octets.to_vec();
        }
        match side {
            Side::Client => {
                self.client.extend_from_slice(octets);
                self.hear_client();
                octets.to_vec()
            }
            Side::Server if self.hides_starttls => {
                self.server.extend_from_slice(octets);
                self.hear_server()
            }
            Side::Server => {
                self.server.extend_from_slice(octets);
                self.hear_server();
                octets.to_vec()
            }
        }
    }

    /// One side has closed. Returns what the other one has yet to hear.
    pub fn end(&mut self, side: Side) -> Vec<u8> {
        if self.is_over {
            return Vec::new();
        }
        let left = match side {
            Side::Client => mem::take(&mut self.client),
            Side::Server => {
                let mut left: Vec<u8> = mem::take(&mut self.reply).concat();
                left.append(&mut self.server);
                left
            }
        };
        // Half of an answer to AUTH may be half of a password.
        let may_tell = side == Side::Server || !(matches!(self.mode, Mode::Auth(_)) || self.is_held());
        if !left.is_empty() && may_tell {
            self.write(&Item::Raw { side, octets: escape_dollars(&left) });
        }
        if !self.has_ended {
            self.has_ended = true;
            // Behind QUIT both close at once, and it is the server that has to.
            self.write(&Item::End(if self.has_quit { Side::Server } else { side }));
        }
        if side == Side::Server && self.hides_starttls { left } else { Vec::new() }
    }

    /// The transcript of what was heard.
    #[must_use]
    pub fn finish(mut self) -> Recording {
        self.close_mail();
        let mut text = format!("smtpt: 1\ntitle: recorded, {}\nrole: {}\n", self.name, self.role);
        let words = |words: &mut dyn Iterator<Item = String>| words.collect::<Vec<_>>().join(" ");
        if !self.needs.is_empty() {
            let needs = words(&mut self.needs.iter().map(ToString::to_string));
            writeln!(text, "needs: {needs}").expect("a String takes everything");
        }
        if self.tags.is_empty() {
            self.tags.push(Tag::Safe);
        }
        let tags = words(&mut self.tags.iter().map(ToString::to_string));
        writeln!(text, "tags: {tags}\n").expect("a String takes everything");
        text.push_str("# What the lines are about is for you to say, as in `R: R-4.2-01 MUST answer each command`.\n");
        if self.has_login && self.role == Role::Client {
            text.push_str("U: set user=$user password=$password\n");
        }
        for line in &self.body {
            text.push_str(line);
            text.push('\n');
        }
        Recording { text, files: self.files }
    }

    fn hear_client(&mut self) {
        // What was said behind DATA, STARTTLS or AUTH is understood once that is answered, as a server does.
        while !self.is_over && !self.is_held() && !self.client.is_empty() {
            match self.mode {
                Mode::Commands => {
                    let Some(line) = take_line(&mut self.client) else { break };
                    self.command(&line);
                }
                Mode::Auth(exchange) => {
                    let Some(line) = take_line(&mut self.client) else { break };
                    self.mode = Mode::Commands;
                    let said = text(&line).and_then(|line| exchange.response(line));
                    self.say_secret(said, "this response");
                }
                Mode::Data => {
                    let Some(length) = mail::length(&self.client) else { break };
                    let rest = self.client.split_off(length + b".\r\n".len());
                    let mut data = mem::replace(&mut self.client, rest);
                    data.truncate(length);
                    self.mode = Mode::Commands;
                    self.asked.push_back(Asked::Else);
                    self.data(&data);
                }
                Mode::Chunk(left) => {
                    let rest = self.client.split_off(left.min(self.client.len()));
                    let octets = mem::replace(&mut self.client, rest);
                    self.mode = if octets.len() == left { Mode::Commands } else { Mode::Chunk(left - octets.len()) };
                    self.write(&Item::Raw { side: Side::Client, octets: escape_dollars(&octets) });
                }
            }
        }
    }

    /// Whether the next line cannot be understood before a reply comes.
    fn is_held(&self) -> bool {
        self.asked.iter().any(|asked| matches!(asked, Asked::Data | Asked::StartTls | Asked::Auth(_)))
    }

    fn command(&mut self, line: &[u8]) {
        let Some(said) = text(line) else {
            self.asked.push_back(Asked::Else);
            self.write(&Item::Raw { side: Side::Client, octets: escape_dollars(line) });
            return;
        };
        let mut words = said.split_ascii_whitespace();
        let verb = words.next().unwrap_or_default().to_ascii_uppercase();
        let mut asked = Asked::Else;
        match verb.as_str() {
            "AUTH" => {
                self.has_login = true;
                let mechanism = words.next().unwrap_or_default().to_ascii_uppercase();
                let command = secret::command(said);
                if command.is_some() {
                    self.need(Need::Auth(Some(mechanism.clone())));
                }
                self.say_secret(command, &format!("AUTH {mechanism}"));
                return;
            }
            "EHLO" => asked = Asked::Ehlo,
            "QUIT" => asked = Asked::Quit,
            "STARTTLS" => {
                self.need(Need::Tls);
                asked = Asked::StartTls;
            }
            "DATA" => {
                self.tag(Tag::Delivers);
                asked = Asked::Data;
            }
            "BDAT" => {
                self.tag(Tag::Delivers);
                self.need(Need::Extension("CHUNKING".into()));
                self.mode = Mode::Chunk(words.next().and_then(|size| size.parse().ok()).unwrap_or_default());
            }
            "MAIL" => {
                self.close_mail();
                self.mail = Mail::new(self.body.len(), said);
            }
            "RCPT" => {
                if let Some(mail) = &mut self.mail {
                    mail.add(said);
                }
            }
            _ => {}
        }
        self.asked.push_back(asked);
        self.say(&verb, said);
    }

    /// Writes a line of the client that is a text.
    fn say(&mut self, verb: &str, said: &str) {
        let mut said = said.replace('$', "$$");
        if self.role == Role::Client && matches!(verb, "EHLO" | "HELO") && said.contains(' ') {
            // Whatever it calls itself the next time.
            said.truncate(verb.len());
            said.push_str(" $client");
        }
        // In a line that a client has to say, these mean something else.
        let has_meaning = said.contains(" | ") || said.ends_with("...");
        if self.role == Role::Client && has_meaning {
            self.write(&Item::Raw { side: Side::Client, octets: format!("{said}\r\n").into_bytes() });
        } else {
            self.write(&Item::Command { text: said, optional: false });
        }
    }

    /// Writes a line of AUTH, or ends if it cannot be written.
    fn say_secret(&mut self, said: Option<(String, Exchange)>, what: &str) {
        match said {
            Some((text, exchange)) => {
                self.asked.push_back(Asked::Auth(exchange));
                self.write(&Item::Command { text, optional: false });
            }
            None => self.end_early(&format!(
                "{what} cannot be recorded: it is secret, or good for one time only. Nothing behind it was written down."
            )),
        }
    }

    fn data(&mut self, data: &[u8]) {
        match mail::message(data) {
            Some(message) => {
                let file = self.add_file(message);
                self.write(&Item::Data { file: file.clone() });
                if let Some(mail) = self.mail.take() {
                    self.write_send(mail, file);
                }
            }
            // Somebody does not stuff dots: every octet as it came.
            None => {
                for line in mail::lines(data).chain([&b".\r\n"[..]]) {
                    self.write(&Item::Raw { side: Side::Client, octets: escape_dollars(line) });
                }
            }
        }
    }

    /// A mail whose message nobody has seen.
    fn close_mail(&mut self) {
        let Some(mail) = self.mail.take().filter(|_| self.role == Role::Client) else { return };
        let file = self.add_file(b"Subject: this message was not sent\r\n\r\n".to_vec());
        self.write_send(mail, file);
    }

    fn add_file(&mut self, message: Vec<u8>) -> String {
        let file = format!("{}-{}.eml", self.name, self.files.len() + 1);
        self.files.push((file.clone(), message));
        file
    }

    /// Tells a client under test which mail it was, before the MAIL that it says then.
    fn write_send(&mut self, mail: Mail, data: String) {
        if self.role == Role::Client && !mail.to.is_empty() {
            let Mail { at, from, to, size, body } = mail;
            let from = from.replace('$', "$$");
            let to = to.iter().map(|to| to.replace('$', "$$")).collect();
            self.body.insert(at, Item::Act(Act::Send { from, to, data, size, body }).to_string());
        }
    }

    /// Returns what the client is to hear, if STARTTLS is hidden.
    fn hear_server(&mut self) -> Vec<u8> {
        let mut heard = Vec::new();
        while let Some(line) = (!self.is_over).then(|| take_line(&mut self.server)).flatten() {
            let goes_on = line.get(3) == Some(&b'-');
            self.reply.push(line);
            if !goes_on {
                let mut reply = mem::take(&mut self.reply);
                let asked = self.asked.pop_front().unwrap_or(Asked::Else);
                if self.hides_starttls && asked == Asked::Ehlo {
                    reply = reply::without_starttls(reply);
                }
                self.body.extend(reply::written(&reply, self.role, asked == Asked::Ehlo));
                self.understand(asked, &reply);
                heard.extend(reply.into_iter().flatten());
                self.hear_client();
            }
        }
        if self.is_over {
            heard.append(&mut self.server);
        }
        heard
    }

    /// What a reply means for what the client says next.
    fn understand(&mut self, asked: Asked, reply: &[Vec<u8>]) {
        let code = reply.last().and_then(|line| line.get(..3)).unwrap_or_default();
        match (asked, code) {
            (Asked::Data, b"354") => self.mode = Mode::Data,
            (Asked::Auth(exchange), b"334") => self.mode = Mode::Auth(exchange),
            (Asked::Quit, b"221") => self.has_quit = true,
            (Asked::Auth(_), [b'4' | b'5', ..]) => self.tag(Tag::AuthFail),
            (Asked::StartTls, b"220") => {
                self.end_early("Here TLS begins. What follows is encrypted, and was not written down.");
            }
            _ => {}
        }
    }

    fn end_early(&mut self, why: &str) {
        self.close_mail();
        self.body.push(format!("# {why}"));
        self.is_over = true;
    }

    fn write(&mut self, item: &Item) {
        self.body.push(item.to_string());
    }

    fn need(&mut self, need: Need) {
        if self.role == Role::Server && !self.needs.contains(&need) {
            self.needs.push(need);
        }
    }

    fn tag(&mut self, tag: Tag) {
        if !self.tags.contains(&tag) {
            self.tags.push(tag);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Recorder, Recording};
    use crate::transcript::{Role, Side, Transcript};

    use Side::{Client, Server};

    /// What is written of a session, with the octets of each turn in pieces of this size. All of it has to be a transcript
    /// in its canonical form.
    #[track_caller]
    fn record(role: Role, turns: &[(Side, &[u8])], size: usize) -> Recording {
        let mut recorder = Recorder::new(role, "it");
        for (side, octets) in turns {
            for piece in octets.chunks(size) {
                assert_eq!(recorder.hear(*side, piece), piece);
            }
        }
        recorder.end(Server);
        recorder.end(Client);
        let recording = recorder.finish();
        let transcript =
            Transcript::parse("it", &recording.text).unwrap_or_else(|error| panic!("{error}\n{}", recording.text));
        assert_eq!(transcript.to_string(), recording.text);
        let files: Vec<&str> = recording.files.iter().map(|(name, _)| name.as_str()).collect();
        let mut named = transcript.files();
        named.sort_unstable();
        assert_eq!(named, files);
        recording
    }

    #[track_caller]
    fn expect(role: Role, turns: &[(Side, &[u8])], text: &str) {
        for size in [1, 3, 4096] {
            let recording = record(role, turns, size);
            let (_, body) = recording.text.split_once("\n\n").expect("a header");
            let (_, body) = body.split_once('\n').expect("the comment");
            assert_eq!(body, text, "in pieces of {size}");
        }
    }

    const MAIL: [(Side, &[u8]); 9] = [
        (Server, b"220 mx.example ESMTP\r\n"),
        (Client, b"EHLO [127.0.0.1]\r\n"),
        (Server, b"250-mx.example greets you\r\n250-SIZE 1000\r\n250 PIPELINING\r\n"),
        (Client, b"MAIL FROM:<$a@b> SIZE=5\r\nRCPT TO:<c@d>\r\nDATA\r\n"),
        (Server, b"250 2.1.0 ok\r\n250 2.1.5 <c@d> | fine\r\n354 go\r\n"),
        (Client, b"a\xff\r\n..\r\n.\r\nVRFY $user \x01\r\nNOOP\n"),
        (Server, b"250 2.0.0 ok\r\n252-2.5.1 a\r\n252 2.5.1 b\r\n500 what\n"),
        (Client, b"QUIT\r\n"),
        (Server, b"221 2.0.0 bye\r\n"),
    ];

    #[test]
    fn a_server_is_tested_with_it() {
        let text = "\
S: 220 mx.example ESMTP
C: EHLO [127.0.0.1]
S: 250
S+ SIZE 1000
S+ PIPELINING
C: MAIL FROM:<$$a@b> SIZE=5
C: RCPT TO:<c@d>
C: DATA
S: 250 2.1.0 ok
S: 250
S: 354 go
C=data @it-1.eml
C| VRFY $$user \\x01\\r\\n
C| NOOP\\n
S: 250 2.0.0 ok
S: 252 2.5.1 a
S| 500 what\\n
C: QUIT
S: 221 2.0.0 bye
S=eof
";
        // The order in which the two sides are heard decides where a reply stands; here all pieces of a turn come at once.
        let recording = record(Role::Server, &MAIL, 4096);
        assert!(recording.text.ends_with(text), "{}", recording.text);
        assert!(recording.text.contains("\ntags: delivers\n"), "{}", recording.text);
        assert_eq!(recording.files, [("it-1.eml".into(), b"a\xff\r\n.\r\n".to_vec())]);
        assert_eq!(record(Role::Server, &MAIL, 1), recording);
    }

    #[test]
    fn a_client_is_tested_with_it() {
        let text = "\
S: 220 mx.example ESMTP
C: EHLO $client
S: 250-mx.example greets you
S: 250-SIZE 1000
S: 250 PIPELINING
U: send from=<$$a@b> to=<c@d> data=@it-1.eml size=5
C: MAIL FROM:<$$a@b> SIZE=5
C: RCPT TO:<c@d>
C: DATA
S: 250 2.1.0 ok
S| 250 2.1.5 <c@d> | fine\\r\\n
S: 354 go
C=data @it-1.eml
C| VRFY $$user \\x01\\r\\n
C| NOOP\\n
S: 250 2.0.0 ok
S: 252-2.5.1 a
S: 252 2.5.1 b
S| 500 what\\n
C: QUIT
S: 221 2.0.0 bye
S=eof
";
        expect(Role::Client, &MAIL, text);
    }

    #[test]
    fn secrets_are_not_written_down() {
        let turns: [(Side, &[u8]); 7] = [
            (Server, b"220 mx.example\r\n"),
            (Client, b"AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n"),
            (Server, b"535 5.7.8 no\r\n"),
            (Client, b"AUTH LOGIN\r\n"),
            (Server, b"334 VXNlcm5hbWU6\r\n"),
            // The password does not wait for its challenge.
            (Client, b"YWxpY2U=\r\nc2VjcmV0\r\n"),
            (Server, b"334 UGFzc3dvcmQ6\r\n235 2.7.0 ok\r\n"),
        ];
        let text = "\
S: 220 mx.example
C: AUTH PLAIN $b64(\\0$user\\0$password)
S: 535 5.7.8 no
C: AUTH LOGIN
S: 334 VXNlcm5hbWU6
C: $b64($user)
S: 334 UGFzc3dvcmQ6
C: $b64($password)
S: 235 2.7.0 ok
S=eof
";
        expect(Role::Server, &turns, text);
        let header = record(Role::Server, &turns, 4096).text;
        assert!(header.contains("\nneeds: auth=PLAIN auth=LOGIN\ntags: auth-fail\n"), "{header}");
        expect(Role::Client, &turns, &format!("U: set user=$user password=$password\n{text}"));
    }

    #[test]
    fn what_cannot_be_played_again_ends_it() {
        let begin: [(Side, &[u8]); 2] = [(Server, b"220 a\r\n"), (Client, b"AUTH CRAM-MD5\r\n")];
        let turns: [(Side, &[u8]); 2] = [(Server, b"334 PDE+\r\n"), (Client, b"YWxpY2UgMTIz\r\n")];
        let text = "S: 220 a\n# AUTH CRAM-MD5 cannot be recorded: it is secret, or good for one time only. Nothing behind it was \
                    written down.\n";
        expect(Role::Server, &[begin, turns].concat(), text);

        // Cut off in the middle of a password.
        let turns: [(Side, &[u8]); 3] =
            [(Client, b"AUTH PLAIN\r\n"), (Server, b"220 a\r\n334 \r\n"), (Client, b"AGFsaWNlAHNl")];
        let recording = record(Role::Server, &turns, 4096).text;
        assert!(!recording.contains("AGF"), "{recording}");

        let turns: [(Side, &[u8]); 4] =
            [(Server, b"220 a\r\n"), (Client, b"STARTTLS\r\n"), (Server, b"220 go\r\n"), (Client, b"\x16\x03\x01\r\n")];
        let text = "S: 220 a\nC: STARTTLS\nS: 220 go\n# Here TLS begins. What follows is encrypted, and was not written down.\n";
        expect(Role::Server, &turns, text);
    }

    /// It does not depend on who is faster.
    #[test]
    fn behind_quit_the_server_closes() {
        let mut recorder = Recorder::new(Role::Server, "it");
        recorder.hear(Server, b"220 a\r\n");
        recorder.hear(Client, b"QUIT\r\n");
        recorder.hear(Server, b"221 bye\r\n");
        recorder.end(Client);
        recorder.end(Server);
        let recording = recorder.finish();
        assert!(recording.text.ends_with("C: QUIT\nS: 221 bye\nS=eof\n"), "{}", recording.text);

        let mut recorder = Recorder::new(Role::Server, "it");
        recorder.hear(Server, b"220 a\r\n");
        recorder.end(Client);
        recorder.end(Server);
        let recording = recorder.finish();
        assert!(recording.text.ends_with("S: 220 a\nC=eof\n"), "{}", recording.text);
    }

    #[test]
    fn chunks_are_octets() {
        let turns: [(Side, &[u8]); 3] = [
            (Server, b"220 a\r\n"),
            (Client, b"BDAT 6 LAST\r\na\r\n.\r\nQUIT\r\n"),
            (Server, b"250 ok\r\n221 bye\r\n"),
        ];
        let text = "S: 220 a\nC: BDAT 6 LAST\nC| a\\r\\n.\\r\\n\nC: QUIT\nS: 250 ok\nS: 221 bye\nS=eof\n";
        let recording = record(Role::Server, &turns, 4096);
        assert!(recording.text.ends_with(text), "{}", recording.text);
    }

    #[test]
    fn dots_that_nobody_stuffed_stay() {
        let turns: [(Side, &[u8]); 4] =
            [(Server, b"220 a\r\n"), (Client, b"DATA\r\n"), (Server, b"354 go\r\n"), (Client, b".a\r\nb\r\n.\r\n")];
        let text = "S: 220 a\nC: DATA\nS: 354 go\nC| .a\\r\\n\nC| b\\r\\n\nC| .\\r\\n\nS=eof\n";
        expect(Role::Server, &turns, text);
        expect(Role::Client, &turns, text);
    }

    /// RCPT was refused, so the message was never said; the client needs one all the same.
    #[test]
    fn a_mail_without_a_message() {
        let turns: [(Side, &[u8]); 5] = [
            (Server, b"220 a\r\n"),
            (Client, b"MAIL FROM:<a@b>\r\n"),
            (Server, b"250 ok\r\n"),
            (Client, b"RCPT TO:<c@d>\r\n"),
            (Server, b"550 no\r\n"),
        ];
        let text = "S: 220 a\nU: send from=<a@b> to=<c@d> data=@it-1.eml\nC: MAIL FROM:<a@b>\nS: 250 ok\nC: RCPT TO:<c@d>\n\
                    S: 550 no\nS=eof\n";
        expect(Role::Client, &turns, text);
    }

    #[test]
    fn starttls_can_be_hidden() {
        let hear = |reply: &[u8], size: usize| {
            let mut recorder = Recorder::new(Role::Server, "it").hiding_starttls();
            let mut heard = recorder.hear(Server, b"220 a\r\n");
            recorder.hear(Client, b"EHLO b\r\n");
            for piece in reply.chunks(size) {
                heard.extend(recorder.hear(Server, piece));
            }
            heard.extend(recorder.end(Server));
            (String::from_utf8(heard).expect("text"), recorder.finish().text)
        };
        for size in [1, 4096] {
            let (heard, written) = hear(b"250-a\r\n250-SIZE\r\n250 STARTTLS\r\n", size);
            assert_eq!(heard, "220 a\r\n250-a\r\n250 SIZE\r\n");
            assert!(written.ends_with("C: EHLO b\nS: 250\nS+ SIZE\nS=eof\n"), "{written}");
            let (heard, _) = hear(b"250-a\r\n250-starttls\r\n250 SIZE\r\n", size);
            assert_eq!(heard, "220 a\r\n250-a\r\n250 SIZE\r\n");
            // Half a reply is handed on when nothing more comes.
            assert_eq!(hear(b"250-a\r\n250-ST", size).0, "220 a\r\n250-a\r\n250-ST");
        }
    }
}
