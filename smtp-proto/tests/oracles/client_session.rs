//! A client session. The input is two lines and a script.
//!
//! 1. Letters that configure it: `p` no pipelining, `n` normalize line endings, `s` small limits, `i` TLS from the first
//!    octet, `r` TLS required, `o` TLS if it is offered, `l` somebody logs in with a password, `b` with a token, `x` with a
//!    mechanism of the caller, `u` also where the secret is not protected. How TLS handshakes end: `F` they fail, `S` they
//!    stall, `V` the server is verified; otherwise it is not. How the session ends: `D` by a disconnect, `Q` in silence,
//!    `A` the caller breaks off; otherwise the server closes its side.
//! 2. [`Cuts`], for what comes and for what is written.
//!
//! `|` cuts the script into steps. The first octet of a step says what it is:
//!
//! * `+` what the caller asks for: `1` to `9` send a mail with that many recipients, `m` with 40, where `s` and `h` before
//!   it say that it is small or huge, `e` that it is 8-bit, `n` that it has no sender; `q` quit, `a` abandon.
//! * `>` the body of a mail, the next one in order, in pieces between `~`; with `!` at its end it is never ended.
//! * `<` from now on no more octets are written than the number in the second octet, until the next `<`.
//! * `-` a silence.
//! * Anything else comes from the server when the client has done all that it can. What comes in one step behind the 220
//!   that begins TLS came in clear; the next step comes through TLS.

use core::num::{NonZeroU32, NonZeroUsize};
use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use smtp_proto::body::LineEndings;
use smtp_proto::client::{Body, Config, Connection, Envelope, Event, Outcome, Security};
use smtp_proto::command::BodyKind;
use smtp_proto::reply::{Reply, ReplyLimits, ReplyReader};
use smtp_proto::sasl::Credentials;
use smtp_proto::{CloseReason, Decision, Instant, Misuse, Output, TlsInfo};

use super::client_view;
use super::mechanism;
use super::plan::{self, Cuts, SILENCE};

/// A session is the same however its octets come and go, and what became of each mail is what the wire says.
pub fn run(mut input: &[u8]) {
    let letters = plan::line(&mut input);
    let cuts = Cuts::new(plan::line(&mut input));
    let config = Arc::new(configure(letters));
    let converse = |cuts: Cuts<'_>, by_line| Session::new(&config, letters, cuts, by_line).converse(input);
    // A command that a line makes possible is on its way when the next line arrives.
    let lines = converse(Cuts::WHOLE, true);
    client_view::check(&lines, &config);
    lines.assert_same(&converse(cuts.clone(), true), false);
    let whole = converse(Cuts::WHOLE, false);
    if whole.is_in_time {
        // What the replies in front of one that ends the session make possible leaves only if that comes later.
        whole.assert_same(&converse(cuts, false), whole.is_cut_off);
        whole.assert_same(&lines, whole.is_cut_off);
    }
}

/// What came of a session.
#[derive(Debug, Default)]
pub struct Record {
    /// The octets that the client sent.
    pub sent: Vec<u8>,
    /// What it told, an entry an event.
    pub log: Vec<String>,
    pub closed: Option<CloseReason>,
    /// The replies that came, each with the number of octets that were sent before.
    pub replies: Vec<(Reply, usize)>,
    /// The number of recipients of each mail.
    pub mails: Vec<usize>,
    pub outcomes: Vec<Outcome>,
    /// The bodies that were asked for.
    pub bodies: Vec<Content>,
    /// Nothing came before what it answers had left.
    pub is_in_time: bool,
    /// Something that came ended the session.
    pub is_cut_off: bool,
    /// The octets that were sent before TLS, if it began, and whether the server was verified.
    pub tls: Option<(usize, bool)>,
    /// Something came in clear behind the 220 that begins TLS.
    pub is_injected: bool,
}

/// What was handed in of a body.
#[derive(Debug, Default)]
pub struct Content {
    /// The number of the mail.
    pub mail: usize,
    pub octets: Vec<u8>,
    pub ended: bool,
}

impl Record {
    fn assert_same(&self, other: &Self, or_shorter: bool) {
        assert_eq!(self.log, other.log);
        let (sent, others) = (self.sent.escape_ascii().to_string(), other.sent.escape_ascii().to_string());
        assert!(sent == others || or_shorter && others.starts_with(&sent), "{sent}\n{others}");
        let closed = |record: &Self| match record.closed {
            Some(CloseReason::TlsFailed) if record.is_injected => Some(CloseReason::EarlyInput),
            closed => closed,
        };
        assert_eq!(closed(self), closed(other));
    }
}

/// The client, its caller and its server.
struct Session<'i> {
    connection: Connection,
    letters: &'i [u8],
    cuts: Cuts<'i>,
    /// Lines of the server come one after the other.
    by_line: bool,
    now: Instant,
    /// How many octets the transport still takes.
    room: usize,
    /// The bodies to hand in, in pieces; `None` at the end of one that is never ended.
    bodies: VecDeque<VecDeque<Option<Bytes>>>,
    body: Option<(Body, VecDeque<Option<Bytes>>)>,
    reader: ReplyReader,
    limits: ReplyLimits,
    record: Record,
}

impl<'i> Session<'i> {
    fn new(config: &'i Arc<Config>, letters: &'i [u8], cuts: Cuts<'i>, by_line: bool) -> Self {
        let mut connection = Connection::new(Instant::EPOCH, Arc::clone(config)).expect("the configuration is usable");
        connection.seed([7; 32]);
        let mut limits = ReplyLimits::default();
        limits.line = config.limits.reply_line.get();
        limits.octets = config.limits.reply_octets.get();
        limits.lines = config.limits.reply_lines.get() as usize;
        Self {
            connection,
            letters,
            cuts,
            by_line,
            now: Instant::EPOCH,
            room: usize::MAX,
            bodies: VecDeque::new(),
            body: None,
            reader: ReplyReader::new(),
            limits,
            record: Record { is_in_time: true, ..Record::default() },
        }
    }

    fn converse(mut self, script: &[u8]) -> Record {
        self.shake_hands();
        for step in script.split(|&octet| octet == b'|') {
            match step {
                [b'+', letters @ ..] => self.ask(letters),
                [b'>', body @ ..] => self.bodies.push_back(pieces(body)),
                [b'<', room @ ..] => {
                    let is_open = self.room == usize::MAX;
                    self.room = if is_open {
                        room.first().copied().unwrap_or(b'0').saturating_sub(b'0').into()
                    } else {
                        usize::MAX
                    };
                }
                [b'-', ..] => self.pass(),
                octets => self.hear(octets),
            }
            self.settle();
            self.shake_hands();
        }
        self.end();
        self.record
    }

    fn ask(&mut self, letters: &[u8]) {
        let (mut size, mut kind, mut sender) = (None, None, true);
        for letter in letters {
            match letter {
                b's' => size = Some(9),
                b'h' => size = Some(u64::MAX),
                b'e' => kind = Some(BodyKind::EightBitMime),
                b'n' => sender = false,
                b'q' => self.connection.quit(self.now),
                b'a' => self.connection.abandon(self.now),
                b'0'..=b'9' | b'm' => {
                    let recipients = if *letter == b'm' { 40 } else { (letter - b'0').into() };
                    self.send(recipients, size.take(), kind.take(), sender);
                    sender = true;
                }
                _ => {}
            }
        }
    }

    fn send(&mut self, recipients: usize, size: Option<u64>, kind: Option<BodyKind>, sender: bool) {
        let number = self.record.mails.len();
        let sender = if sender { format!("m{number}@c.example") } else { String::new() };
        let mut envelope = Envelope::new(&sender).expect("a mailbox");
        for recipient in 0..recipients {
            envelope.add_recipient(&client_view::recipient(number, recipient)).expect("a mailbox");
        }
        envelope = size.into_iter().fold(envelope, Envelope::with_size);
        envelope = kind.into_iter().fold(envelope, Envelope::with_body);
        match self.connection.send(self.now, envelope) {
            Ok(()) => self.record.mails.push(recipients),
            Err(refused) => {
                assert_eq!(refused.value.recipients().len(), recipients, "what is refused comes back");
                assert_eq!(refused.misuse == Misuse::Closed, self.connection.close_reason().is_some());
                self.record.log.push(format!("{:?}", refused.misuse));
            }
        }
    }

    /// Octets come from the server.
    fn hear(&mut self, octets: &[u8]) {
        let due = self.due();
        let before = self.record.replies.len();
        let mut waiting = octets;
        while !waiting.is_empty() && self.record.closed.is_none() {
            let line = waiting.iter().position(|&octet| octet == b'\n').filter(|_| self.by_line);
            let length = self.cuts.next(line.map_or(waiting.len(), |end| end + 1));
            let (piece, rest) = waiting.split_at(length);
            waiting = rest;
            if matches!(self.connection.poll(), Output::UpgradeTls) {
                let refused = self.connection.handle_input(self.now, Bytes::copy_from_slice(piece));
                assert_eq!(refused.expect_err("TLS is due").misuse, Misuse::Paused);
                // To the handshake it is garbage.
                self.record.is_injected = true;
                self.connection.handle_tls_failed(self.now);
                self.settle();
                break;
            }
            self.connection.handle_input(self.now, Bytes::copy_from_slice(piece)).expect("the client listens");
            let mut chunk = Bytes::copy_from_slice(piece);
            let read = loop {
                match self.reader.next(&mut chunk, &self.limits) {
                    Ok(Some(reply)) => self.record.replies.push((reply, self.record.sent.len())),
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            self.settle();
            self.record.is_cut_off |= self.record.closed.is_some();
            self.record.is_in_time &= self.record.replies.len() - before + usize::from(read.is_err()) <= due;
        }
    }

    /// How many replies are due.
    fn due(&self) -> usize {
        client_view::View::of(&self.record).questions.saturating_sub(self.record.replies.len())
    }

    /// Lets the client do all that it can.
    fn settle(&mut self) {
        loop {
            match self.connection.poll() {
                Output::Transmit(octets) => {
                    if self.room == 0 {
                        return;
                    }
                    let count = self.cuts.next(octets.len()).min(self.room);
                    self.record.sent.extend_from_slice(&octets[..count]);
                    self.connection.transmitted(self.now, count);
                    if self.room != usize::MAX {
                        self.room -= count;
                    }
                }
                Output::Event(event) => self.handle(event),
                Output::Wait(wait) => {
                    if wait.decision != Some(Decision::Body) || !self.feed() {
                        return;
                    }
                }
                Output::UpgradeTls => return,
                Output::Closed(reason) => {
                    self.record.closed = Some(reason);
                    return;
                }
            }
        }
    }

    fn handle(&mut self, event: Event) {
        let mut told = describe(&event);
        if self.record.is_injected {
            // It is the connection that sees it, if it is early enough.
            told = told.replace("TlsFailed", "EarlyInput");
        }
        self.record.log.push(told);
        match event {
            Event::Body(token) => {
                let mail = token.ordinal() as usize;
                self.record.bodies.push(Content { mail, ..Content::default() });
                let pieces = self.bodies.pop_front().unwrap_or_else(|| pieces(b"x\r\n"));
                self.body = Some((token, pieces));
                self.feed();
            }
            Event::Outcome(outcome) => self.record.outcomes.push(outcome),
            _ => {}
        }
    }

    /// Everything in clear has left, and the handshake is made if it is due.
    fn shake_hands(&mut self) {
        if !matches!(self.connection.poll(), Output::UpgradeTls) {
            return;
        }
        let is = |letter| self.letters.contains(&letter);
        assert!(!self.connection.is_tls() && self.record.tls.is_none(), "TLS begins once");
        if is(b'S') {
            self.time_out();
        } else if is(b'F') {
            self.connection.handle_tls_failed(self.now);
        } else {
            self.record.tls = Some((self.record.sent.len(), is(b'V')));
            self.connection.handle_tls_established(self.now, TlsInfo::new(is(b'V')));
            assert!(self.connection.is_tls());
        }
        self.settle();
    }

    /// Hands in the next piece, and with the last one the end. False: there is nothing to hand in.
    fn feed(&mut self) -> bool {
        let Some((token, mut pieces)) = self.body.take() else { return false };
        let content = self.record.bodies.last_mut().expect("the body was asked for");
        match pieces.pop_front() {
            Some(None) => {
                self.body = Some((token, [None].into()));
                return false;
            }
            Some(Some(piece)) => match self.connection.write_body(self.now, &token, piece.clone()) {
                Ok(()) => content.octets.extend_from_slice(&piece),
                Err(refused) => {
                    assert_eq!(refused.value, piece, "what is refused comes back");
                    if refused.misuse == Misuse::Paused {
                        pieces.push_front(Some(refused.value));
                        self.body = Some((token, pieces));
                        return false;
                    }
                }
            },
            None => {}
        }
        if pieces.is_empty() {
            content.ended = self.connection.end_body(self.now, token).is_ok();
            assert!(content.ended || self.connection.close_reason().is_some());
        } else {
            self.body = Some((token, pieces));
        }
        true
    }

    /// The deadline passes. The next one is later, or the connection is over.
    fn time_out(&mut self) {
        self.now = self.connection.deadline().expect("whoever waits has a deadline").max(self.now);
        self.connection.handle_timeout(self.now);
        let next = self.connection.deadline();
        self.settle();
        assert!(
            next.is_none_or(|next| next > self.now) || self.record.closed.is_some(),
            "{next:?} after {:?}",
            self.now
        );
    }

    /// Nothing comes for a while.
    fn pass(&mut self) {
        let end = self.now + SILENCE;
        while self.record.closed.is_none() && self.connection.deadline().is_some_and(|due| due <= end) {
            self.time_out();
        }
        self.now = end;
    }

    fn end(&mut self) {
        let is = |letter| self.letters.contains(&letter);
        if is(b'D') {
            self.connection.handle_disconnect(self.now);
        } else if is(b'A') {
            self.connection.abandon(self.now);
        } else if !is(b'Q') {
            self.connection.handle_eof(self.now);
        } else {
            self.connection.quit(self.now);
        }
        self.settle();
        for _ in 0..1000 {
            if self.record.closed.is_some() {
                break;
            }
            self.time_out();
        }
        let closed = self.record.closed.expect("without a server the connection ends");
        assert_eq!(self.connection.close_reason(), Some(closed));
        assert!(matches!(self.connection.poll(), Output::Closed(reason) if reason == closed), "the end is repeated");
        self.connection.handle_disconnect(self.now);
        self.connection.handle_eof(self.now);
        self.connection.quit(self.now);
        assert!(matches!(self.connection.poll(), Output::Closed(reason) if reason == closed), "and stays");
        let refused =
            self.connection.handle_input(self.now, Bytes::from_static(b"250 ok\r\n")).expect_err("it is over");
        assert_eq!((refused.misuse, &refused.value[..]), (Misuse::Closed, &b"250 ok\r\n"[..]));
    }
}

/// The pieces of a body.
fn pieces(mut body: &[u8]) -> VecDeque<Option<Bytes>> {
    let never_ended = body.ends_with(b"!");
    if never_ended {
        body = &body[..body.len() - 1];
    }
    let mut pieces: VecDeque<_> =
        body.split(|&octet| octet == b'~').map(|piece| Some(Bytes::copy_from_slice(piece))).collect();
    if never_ended {
        pieces.push_back(None);
    }
    pieces
}

fn describe(event: &Event) -> String {
    match event {
        Event::Ready(capabilities) => format!("{capabilities:?}"),
        Event::Body(token) => format!("Body({})", token.ordinal()),
        Event::Outcome(outcome) => format!("{outcome:?}"),
        other => format!("{other:?}"),
    }
}

fn configure(letters: &[u8]) -> Config {
    let is = |letter| letters.contains(&letter);
    let mut config = Config::new("c.example").expect("a domain");
    config.pipelining = !is(b'p');
    if is(b'n') {
        config.line_endings = LineEndings::Normalize;
    }
    if is(b's') {
        let octets = |octets| NonZeroUsize::new(octets).expect("not zero");
        let limits = &mut config.limits;
        (limits.reply_line, limits.reply_octets, limits.unanswered) = (octets(512), octets(600), octets(512));
        (limits.reply_lines, limits.queued_mails) =
            (NonZeroU32::new(5).expect("not zero"), NonZeroU32::new(2).expect("not zero"));
        limits.auth_rounds = NonZeroU32::new(2).expect("not zero");
    }
    // So that the limits of replies are the same at any time.
    config.limits.auth_challenge = config.limits.reply_line;
    config.security = match () {
        () if is(b'i') => Security::Implicit,
        () if is(b'r') => Security::Required,
        () if is(b'o') => Security::Opportunistic,
        () => Security::Plain,
    };
    config.unprotected_credentials = is(b'u');
    config.credentials = match () {
        () if is(b'l') => Some(Credentials::password("alice", client_view::SECRET)),
        () if is(b'b') => Some(Credentials::bearer("alice", client_view::SECRET)),
        () if is(b'x') => Some(Credentials::custom(Arc::new(mechanism::Say("open sesame")))),
        () => None,
    };
    config
}
