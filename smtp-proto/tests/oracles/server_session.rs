//! A server session. The input is three lines and the octets of a client.
//!
//! 1. Letters that configure it: `n` normalize line endings, `v` ask about VRFY, `x` ask about EXPN, `t` tolerate early
//!    input, `s` small limits, `e` few errors, `d` no delay of errors, `c` a connection ends after 400 s, `o` STARTTLS is
//!    offered, `r` it is required, `i` TLS from the first octet, `k` clients need a certificate, `a` AUTH is offered, `u`
//!    also without TLS, `q` it is required. How TLS handshakes end: `F` they fail, `S` they stall, `K` the client shows a
//!    certificate; otherwise they succeed without. How the session ends: `D` by a disconnect, `H` by a shutdown, `Q` in
//!    silence, `W` because the client reads nothing any more; otherwise the client closes its side.
//! 2. [`Cuts`], for what comes and for what is written.
//! 3. The decisions of the application in turn: `b` yes with a reply, `r` no for good (there is no such user), `l` no for
//!    now, `c` 421, `d` no answer, `w` yes after a reply of the wrong class was tried; any other means yes.
//!
//! `|` cuts the octets into groups. The client waits for all replies before it sends the next; all of a group arrives
//! before any answer to it leaves. An empty group is a silence. What comes after a TLS handshake came through TLS.

use core::mem;
use core::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use smtp_proto::body::LineEndings;
use smtp_proto::command::{Submitter, Verb};
use smtp_proto::reply::{Detail, Reply, ReplyCode};
use smtp_proto::sasl::{self, Secret};
use smtp_proto::server::{Abort, Config, Connection, EarlyInput, Event, Lookup, TlsPolicy, Token};
use smtp_proto::trace::Protocol;
use smtp_proto::{CloseReason, Instant, Misuse, Output, TlsInfo};

use super::mechanism;
use super::plan::{self, Cuts, SILENCE};
use super::server_view;

/// A session is the same however its octets come and go and whenever its questions are answered, and the client sees
/// what the application sees.
pub fn run(mut input: &[u8]) {
    let letters = plan::line(&mut input);
    let cuts = Cuts::new(plan::line(&mut input));
    let decisions = plan::line(&mut input);
    let config = Arc::new(configure(letters));
    let serve = |cuts: Cuts<'_>, late| Session::new(&config, letters, decisions, cuts, late).serve(input);
    let whole = serve(Cuts::WHOLE, false);
    server_view::check(&whole, &config);
    for late in [false, true] {
        let pieces = serve(cuts.clone(), late);
        assert_eq!(pieces.log, whole.log, "in pieces and in whole, late: {late}");
        assert_eq!(pieces.sent.escape_ascii().to_string(), whole.sent.escape_ascii().to_string());
        assert_eq!((&pieces.expected, &pieces.messages), (&whole.expected, &whole.messages));
        assert_eq!(pieces.closed, whole.closed);
    }
}

/// What came of a session.
#[derive(Debug, Default)]
pub struct Record {
    /// The octets that the server took.
    pub came: Vec<u8>,
    /// The octets that it sent.
    pub sent: Vec<u8>,
    /// What it told, an entry an event; neighbouring pieces of a body are joined.
    pub log: Vec<String>,
    /// The code of the reply to each event that has one.
    pub expected: Vec<Expected>,
    pub messages: Vec<Message>,
    pub closed: Option<CloseReason>,
}

/// The code of a reply that must come, or 421 and the end in its place if nobody `answered`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    pub code: u16,
    pub answered: bool,
    /// Somebody is refused who may have failed too often: the end is said in its place.
    pub may_end: bool,
}

/// A message that was accepted. The paths are as they print.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub from: String,
    pub to: Vec<String>,
    pub body: Vec<u8>,
}

/// The server, its application and its client.
struct Session<'i> {
    connection: Connection,
    config: &'i Config,
    letters: &'i [u8],
    decisions: core::slice::Iter<'i, u8>,
    cuts: Cuts<'i>,
    now: Instant,
    /// Questions are answered only when nothing else can happen.
    late: bool,
    /// The question that is to be answered late.
    open: Option<Event>,
    /// Questions that were never answered.
    stale: Vec<Event>,
    /// Whether mail data may come.
    receiving: bool,
    draft: Message,
    record: Record,
}

impl<'i> Session<'i> {
    fn new(config: &'i Arc<Config>, letters: &'i [u8], decisions: &'i [u8], cuts: Cuts<'i>, late: bool) -> Self {
        let connection = Connection::new(Instant::EPOCH, Arc::clone(config)).expect("the configuration is usable");
        Self {
            connection,
            config,
            letters,
            decisions: decisions.iter(),
            cuts,
            now: Instant::EPOCH,
            late,
            open: None,
            stale: Vec::new(),
            receiving: false,
            draft: Message::default(),
            record: Record::default(),
        }
    }

    fn serve(mut self, script: &[u8]) -> Record {
        self.settle();
        for group in script.split(|&octet| octet == b'|') {
            if group.is_empty() {
                self.pass(SILENCE);
            }
            let mut waiting = group;
            while !waiting.is_empty() && self.record.closed.is_none() {
                let (piece, rest) = waiting.split_at(self.cuts.next(waiting.len()));
                waiting = rest;
                self.arrive(piece);
            }
            self.settle();
        }
        self.end();
        self.record
    }

    /// A piece comes, as soon as the server takes it.
    fn arrive(&mut self, piece: &[u8]) {
        loop {
            match self.connection.handle_input(self.now, Bytes::copy_from_slice(piece)) {
                Ok(()) => {
                    self.record.came.extend_from_slice(piece);
                    self.events();
                    return;
                }
                Err(refused) => {
                    assert_eq!(refused.value, piece, "what is refused comes back");
                    if refused.misuse == Misuse::Closed {
                        self.settle();
                        return;
                    }
                    self.unblock();
                }
            }
        }
    }

    /// Does the least that may make the server take more.
    fn unblock(&mut self) {
        if let Some(event) = self.open.take() {
            self.decide(event);
        } else if let Output::Transmit(octets) = self.connection.poll() {
            // More than this at once could let a reply out before the octets behind its command have arrived.
            let limit = self.config.limits.pending_output.get();
            let count = if octets.len() < limit { octets.len() } else { octets.len() + 1 - limit };
            self.write(count);
        } else {
            self.time_out();
        }
        self.events();
    }

    /// Lets the server do all that it can by itself, and waits for replies that it holds back.
    fn settle(&mut self) {
        loop {
            self.events();
            if self.record.closed.is_some() {
                return;
            }
            if let Some(event) = self.open.take() {
                self.decide(event);
                continue;
            }
            match self.connection.poll() {
                Output::Transmit(octets) => {
                    let count = octets.len();
                    self.write(count);
                }
                Output::Wait(wait) => {
                    if wait.decision.is_none() && !self.holds_back() {
                        return;
                    }
                    self.time_out();
                }
                _ => {}
            }
        }
    }

    /// Whether there is more to answer, or an answer that does not leave yet.
    fn holds_back(&mut self) -> bool {
        // An empty piece changes nothing, and is refused exactly when a full one would be.
        let is_busy = self.connection.handle_input(self.now, Bytes::new()).is_err();
        let lines = self.record.sent.split_inclusive(|&octet| octet == b'\n');
        let answers = lines.filter(|line| line.get(3) == Some(&b' ')).count();
        is_busy || answers < self.record.expected.len()
    }

    /// Hands every event that is there to the application.
    fn events(&mut self) {
        while self.record.closed.is_none() && self.open.is_none() {
            match self.connection.poll() {
                Output::Event(event) => self.handle(event),
                Output::UpgradeTls => self.shake_hands(),
                Output::Closed(reason) => self.record.closed = Some(reason),
                Output::Transmit(octets) => {
                    // The longest reply that anything here gives.
                    assert!(octets.len() < self.config.limits.pending_output.get() + 700, "output has a bound");
                    return;
                }
                Output::Wait(_) => return,
            }
        }
    }

    /// Everything that was sent in clear has left, and nothing that came in clear is left.
    fn shake_hands(&mut self) {
        assert_ne!(self.config.tls, TlsPolicy::Disabled);
        assert!(!self.connection.is_tls() && !self.connection.is_authenticated() && !self.connection.is_extended());
        let refused = self.connection.handle_input(self.now, Bytes::from_static(b"x")).expect_err("it is TLS");
        assert_eq!(refused.misuse, Misuse::Paused);
        let is = |letter| self.letters.contains(&letter);
        if is(b'S') {
            return self.time_out();
        }
        self.record.log.push("TLS".into());
        self.draft = Message::default();
        if is(b'F') {
            self.connection.handle_tls_failed(self.now);
            assert!(matches!(self.connection.poll(), Output::Closed(CloseReason::TlsFailed)));
        } else {
            self.connection.handle_tls_established(self.now, TlsInfo::new(is(b'K')));
            assert!(self.connection.is_tls());
        }
    }

    /// Writes some of at most so many octets.
    fn write(&mut self, most: usize) {
        let Output::Transmit(octets) = self.connection.poll() else { return };
        let count = self.cuts.next(most.min(octets.len()));
        self.record.sent.extend_from_slice(&octets[..count]);
        self.connection.transmitted(self.now, count);
    }

    /// The deadline passes. The next one is later, or the connection is over.
    fn time_out(&mut self) {
        self.now = self.connection.deadline().expect("whoever waits has a deadline").max(self.now);
        self.connection.handle_timeout(self.now);
        let next = self.connection.deadline();
        self.events();
        assert!(
            next.is_none_or(|next| next > self.now) || self.record.closed.is_some(),
            "{next:?} after {:?}",
            self.now
        );
    }

    /// So long nothing comes.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.events();
            if let Some(event) = self.open.take() {
                self.decide(event);
            } else if matches!(self.connection.poll(), Output::Transmit(_)) {
                self.write(usize::MAX);
            } else if self.record.closed.is_none() && self.connection.deadline().is_some_and(|due| due <= end) {
                self.time_out();
            } else {
                break;
            }
        }
        self.now = end;
    }

    fn end(&mut self) {
        let is = |letter| self.letters.contains(&letter);
        let (silent, reads_nothing) = (is(b'Q'), is(b'W'));
        if is(b'D') {
            self.connection.handle_disconnect(self.now);
        } else if is(b'H') {
            self.connection.shutdown(self.now);
        } else if !silent && !reads_nothing {
            self.connection.handle_eof(self.now);
        }
        for _ in 0..2000 {
            self.events();
            if let Some(event) = self.open.take() {
                self.decide(event);
            } else if self.record.closed.is_some() {
                break;
            } else if !reads_nothing && matches!(self.connection.poll(), Output::Transmit(_)) {
                self.write(usize::MAX);
            } else {
                self.time_out();
            }
        }
        let closed = self.record.closed.expect("without a client the connection ends");
        assert!(matches!(self.connection.poll(), Output::Closed(reason) if reason == closed), "the end is repeated");
        self.connection.handle_timeout(self.now + SILENCE);
        self.connection.handle_eof(self.now);
        self.connection.shutdown(self.now);
        self.connection.handle_disconnect(self.now);
        assert!(matches!(self.connection.poll(), Output::Closed(reason) if reason == closed), "and stays");
        let refused = self.connection.handle_input(self.now, Bytes::from_static(b"x")).expect_err("it is over");
        assert_eq!((refused.misuse, &refused.value[..]), (Misuse::Closed, &b"x"[..]));
        for event in mem::take(&mut self.stale) {
            self.answer_stale(event);
        }
    }

    fn handle(&mut self, event: Event) {
        if let Event::Body(piece) = event {
            assert!(self.receiving && !piece.is_empty(), "mail data come behind DATA only");
            self.draft.body.extend_from_slice(&piece);
            assert!(self.draft.body.len() as u64 <= self.config.limits.message_size.get(), "a message has a bound");
            return;
        }
        self.record.log.push(self.describe(&event));
        self.allowed(&event);
        match event {
            Event::Reset => self.expect(250),
            Event::Answered(answered) => self.expect(answered.code.value()),
            Event::Aborted(abort) => {
                assert!(mem::take(&mut self.receiving), "only what was begun is aborted");
                self.draft = Message::default();
                if abort == Abort::StrayOctet {
                    self.expect(550);
                }
            }
            question if self.late => self.open = Some(question),
            question => self.decide(question),
        }
    }

    /// Nothing is asked before TLS and AUTH are done where they have to be.
    fn allowed(&self, event: &Event) {
        let (connection, config) = (&self.connection, self.config);
        let is_satisfied = !connection.is_tls() || !config.client_certificate || self.letters.contains(&b'K');
        let is_secure = is_satisfied && (connection.is_tls() || config.tls != TlsPolicy::Required);
        match event {
            Event::Auth(_) | Event::Lookup(_) => {
                assert!(connection.is_tls() || config.auth.without_tls, "no password in clear");
                assert!(is_secure && !connection.is_authenticated());
            }
            Event::Mail(token) => {
                let is_in = connection.is_authenticated();
                assert!(is_secure && (is_in || !config.auth.required));
                assert!(is_in || token.submitter() == Some(Submitter::Unknown), "strangers are not believed");
                assert_eq!(token.protocol(), connection.protocol());
                let with_auth = matches!(token.protocol(), Protocol::Esmtpa | Protocol::Esmtpsa);
                assert_eq!(with_auth, is_in);
            }
            _ => {}
        }
        if let Event::Answered(answered) = event
            && answered.verb == Some(Verb::StartTls)
            && answered.code == ReplyCode::SERVICE_READY
        {
            assert!(matches!(config.tls, TlsPolicy::Offered | TlsPolicy::Required));
        }
    }

    fn describe(&self, event: &Event) -> String {
        match event {
            Event::Aborted(_) | Event::Message(_) => {
                format!("{event:?} {:?}", self.draft.body.escape_ascii().to_string())
            }
            event => format!("{event:?}"),
        }
    }

    fn decide(&mut self, event: Event) {
        match event {
            Event::Connect(token) => drop(self.answer(token, 220, Event::Connect)),
            Event::Hello(token) => drop(self.answer(token, 250, Event::Hello)),
            Event::Auth(token) => drop(self.answer(token, 235, Event::Auth)),
            Event::Lookup(token) => self.look_up(token),
            Event::Mail(token) => {
                let from = token.reverse_path().to_string();
                assert!(token.parameters().iter().count() <= self.config.limits.parameters.get());
                if self.answer(token, 250, Event::Mail) {
                    self.draft = Message { from, ..Message::default() };
                }
            }
            Event::Rcpt(token) => {
                let to = token.forward_path().to_string();
                if self.answer(token, 250, Event::Rcpt) {
                    self.draft.to.push(to);
                    assert!(self.draft.to.len() <= self.config.limits.recipients.get() as usize);
                }
            }
            Event::Data(token) => {
                assert!(!self.draft.to.is_empty());
                self.receiving = self.answer(token, 354, Event::Data);
                self.draft.body.clear();
            }
            Event::Message(token) => {
                let octets = self.draft.body.len() as u64;
                assert!(self.receiving && token.octets() == octets && octets <= self.config.limits.message_size.get());
                let dropped = self.stale.len();
                let accepted = self.answer(token, 250, Event::Message);
                // What is not answered is aborted when the time for it has passed.
                self.receiving = self.stale.len() > dropped;
                if accepted {
                    let to = mem::take(&mut self.draft.to);
                    self.record.messages.push(Message { to, ..mem::take(&mut self.draft) });
                    assert!(self.record.messages.len() <= self.config.limits.messages.get() as usize);
                }
            }
            Event::Verify(token) => drop(self.answer(token, 252, Event::Verify)),
            Event::Expand(token) => drop(self.answer(token, 252, Event::Expand)),
            other => panic!("{other:?} asks nothing"),
        }
    }

    /// Answers a question as the plan says; `usual` is the code for a plain yes. True: yes.
    fn answer<T: Token>(&mut self, token: T, usual: u16, event: fn(T) -> Event) -> bool {
        let decision = self.decisions.next().copied().unwrap_or(b'a');
        let says_more = self.record.log.last().is_some_and(|line| line.contains("XOAUTH2"));
        let (connection, now) = (&mut self.connection, self.now);
        let code = match decision {
            b'b' => {
                let reply = Reply::new(ReplyCode::OK, Detail::UNDEFINED, "as you\nwish");
                connection.accept_with(now, token, reply).map_err(|refused| refused.misuse).expect(DUE);
                if matches!(usual, 220 | 235 | 354) { usual } else { 250 }
            }
            b'r' | b'l' | b'c' => {
                let code = match decision {
                    b'r' => ReplyCode::TRANSACTION_FAILED,
                    b'l' => ReplyCode::LOCAL_ERROR,
                    _ => ReplyCode::SERVICE_NOT_AVAILABLE,
                };
                let reply = Reply::new(code, Detail::OTHER_SECURITY_STATUS, "no");
                connection.reject(now, token, reply).map_err(|refused| refused.misuse).expect(DUE);
                // A mechanism that has more to say about it says so first, and the reply is told when it comes.
                if !(says_more && decision == b'r') {
                    let may_end = usual == 235;
                    self.record.expected.push(Expected { code: code.value(), answered: true, may_end });
                }
                return false;
            }
            b'd' => {
                let code = match usual {
                    220 => 421,
                    235 => 454,
                    _ => 451,
                };
                self.record.expected.push(Expected { code, answered: false, may_end: false });
                self.stale.push(event(token));
                return false;
            }
            b'w' => {
                let reply = Reply::new(ReplyCode::OK, None, "no");
                let refused = connection.reject(now, token, reply).expect_err("a refusal is not positive");
                assert_eq!(refused.misuse, Misuse::WrongReplyClass);
                let reply = Reply::new(ReplyCode::START_MAIL_INPUT, None, "yes");
                let refused = connection.accept_with(now, refused.value.0, reply).expect_err("3yz decides nothing");
                assert_eq!(refused.misuse, Misuse::WrongReplyClass);
                connection.accept(now, refused.value.0).map_err(|refused| refused.misuse).expect(DUE);
                usual
            }
            _ => {
                connection.accept(now, token).map_err(|refused| refused.misuse).expect(DUE);
                usual
            }
        };
        self.expect(code);
        true
    }

    fn expect(&mut self, code: u16) {
        self.record.expected.push(Expected { code, answered: true, may_end: false });
    }

    /// Answers a question about a user as the plan says. What comes of it is told.
    fn look_up(&mut self, token: Lookup) {
        let decision = self.decisions.next().copied().unwrap_or(b'a');
        let (connection, now) = (&mut self.connection, self.now);
        let no = |code| Reply::new(code, Detail::OTHER_SECURITY_STATUS, "no");
        let secret = || Secret::Password("secret".into());
        let answered = match decision {
            b'r' => connection.provide(now, token, Ok(None)),
            b'l' | b'c' => {
                let later = ReplyCode::TEMPORARY_AUTHENTICATION_FAILURE;
                let code = if decision == b'l' { later } else { ReplyCode::SERVICE_NOT_AVAILABLE };
                let answered = connection.provide(now, token, Err(no(code)));
                self.expect(code.value());
                answered
            }
            b'd' => {
                self.record.expected.push(Expected { code: 454, answered: false, may_end: false });
                return self.stale.push(Event::Lookup(token));
            }
            b'w' => {
                let refused = connection.provide(now, token, Err(no(ReplyCode::TRANSACTION_FAILED)));
                let refused = refused.expect_err("not for good");
                assert_eq!(refused.misuse, Misuse::WrongReplyClass);
                connection.provide(now, refused.value, Ok(Some(secret())))
            }
            _ => connection.provide(now, token, Ok(Some(secret()))),
        };
        answered.map_err(|refused| refused.misuse).expect(DUE);
    }

    fn answer_stale(&mut self, event: Event) {
        let (connection, now) = (&mut self.connection, self.now);
        let misuse = match event {
            Event::Connect(token) => connection.accept(now, token).map_err(|refused| refused.misuse),
            Event::Hello(token) => connection.accept(now, token).map_err(|refused| refused.misuse),
            Event::Auth(token) => connection.accept(now, token).map_err(|refused| refused.misuse),
            Event::Lookup(token) => connection.provide(now, token, Ok(None)).map_err(|refused| refused.misuse),
            Event::Mail(token) => connection.accept(now, token).map_err(|refused| refused.misuse),
            Event::Rcpt(token) => connection.accept(now, token).map_err(|refused| refused.misuse),
            Event::Data(token) => connection.accept(now, token).map_err(|refused| refused.misuse),
            Event::Message(token) => connection.accept(now, token).map_err(|refused| refused.misuse),
            Event::Verify(token) => connection.accept(now, token).map_err(|refused| refused.misuse),
            Event::Expand(token) => connection.accept(now, token).map_err(|refused| refused.misuse),
            other => panic!("{other:?} asks nothing"),
        };
        assert_eq!(misuse, Err(Misuse::StaleToken), "what was not answered in time is not accepted later");
    }
}

const DUE: &str = "the token is the one that is due";

fn configure(letters: &[u8]) -> Config {
    let is = |letter| letters.contains(&letter);
    let mut config = Config::new("mx.example").expect("a domain");
    if is(b'n') {
        config.line_endings = LineEndings::Normalize;
    }
    if is(b't') {
        config.early_input = EarlyInput::TolerateAfterHello;
    }
    (config.verify, config.expand) = (is(b'v'), is(b'x'));
    config.client_certificate = is(b'k');
    config.tls = match () {
        () if is(b'i') => TlsPolicy::Implicit,
        () if is(b'r') => TlsPolicy::Required,
        () if is(b'o') => TlsPolicy::Offered,
        () => TlsPolicy::Disabled,
    };
    if is(b'a') {
        let names = ["PLAIN", "LOGIN", "XOAUTH2", "EXTERNAL"];
        config.auth.mechanisms = names.iter().filter_map(|name| sasl::mechanism(name)).collect();
        config.auth.mechanisms.push(Arc::new(mechanism::Lookup));
        config.auth.without_tls = is(b'u');
        config.auth.required = is(b'q') && (is(b'u') || config.tls != TlsPolicy::Disabled);
    }
    let count = |count| NonZeroU32::new(count).expect("not zero");
    let octets = |octets| NonZeroUsize::new(octets).expect("not zero");
    if is(b's') {
        let limits = &mut config.limits;
        (limits.command_line, limits.discarded_line) = (octets(512), octets(20));
        (limits.message_size, limits.pending_output) = (NonZeroU64::new(40).expect("not zero"), octets(512));
        (limits.recipients, limits.recipient_overshoot, limits.messages) = (count(2), count(1), count(2));
        (limits.junk_commands, limits.parameters) = (count(3), octets(2));
        (limits.auth_line, limits.auth_rounds, limits.auth_failures) = (octets(512), count(2), count(2));
    }
    if is(b'e') {
        (config.limits.soft_errors, config.limits.hard_errors) = (count(1), count(3));
    }
    if is(b'd') {
        (config.timeouts.error_delay, config.timeouts.auth_delay) = (Duration::ZERO, Duration::ZERO);
    }
    if is(b'c') {
        config.timeouts.connection = Some(Duration::from_secs(400));
    }
    config
}
