//! The driver for whatever is polled, over a transport that is a value: no socket, no clock, no thread.

mod kit;

use core::future::poll_fn;
use core::num::{NonZeroU32, NonZeroUsize};
use core::pin::pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::Wake;

use bytes::Bytes;
use kit::{at, client_config, server_config};
use smtp_proto::client::{self, Envelope, Outgoing, Security, SendError, Summary};
use smtp_proto::server::{self, Accept, Reject, TlsPolicy, Token};
use smtp_proto::{CloseReason, Direction, Driver, Instant, Next, ReadBuffer, TlsInfo, Transport};

/// A stream and a clock of which nothing comes but what a test puts in.
#[derive(Debug)]
struct Wire {
    now: Instant,
    /// What is read next: octets, none at the end of the stream, or why it failed. Nothing: that is waited for.
    incoming: VecDeque<Result<Bytes, &'static str>>,
    /// What is read when nothing else comes.
    forever: Option<&'static [u8]>,
    reads: usize,
    sent: Vec<u8>,
    /// How many octets are taken from now on; an error: none ever.
    room: Result<usize, &'static str>,
    /// The most that is written at one time.
    piece: usize,
    flushed: Result<(), &'static str>,
    /// What the handshake comes to, once it does.
    handshake: Option<Result<TlsInfo, &'static str>>,
    handshakes: usize,
    /// What was waited for last.
    until: Option<Instant>,
    /// The timer is ready before its time once.
    is_hasty: bool,
    /// How much time passes with each wait.
    pace: Duration,
    is_closed: bool,
    /// The peer does not take the end.
    is_stuck: bool,
}

impl Wire {
    fn new() -> Self {
        Self {
            now: Instant::EPOCH,
            incoming: VecDeque::new(),
            forever: None,
            reads: 0,
            sent: Vec::new(),
            room: Ok(usize::MAX),
            piece: usize::MAX,
            flushed: Ok(()),
            handshake: None,
            handshakes: 0,
            until: None,
            is_hasty: false,
            pace: Duration::ZERO,
            is_closed: false,
            is_stuck: false,
        }
    }

    fn says(&mut self, octets: &'static str) {
        self.incoming.push_back(Ok(Bytes::from_static(octets.as_bytes())));
    }

    fn sent(&self) -> &str {
        core::str::from_utf8(&self.sent).expect("text")
    }
}

impl Transport for Wire {
    type Error = &'static str;

    fn now(&self) -> Instant {
        self.now
    }

    fn poll_until(&mut self, _: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        self.until = deadline;
        self.now = self.now + self.pace;
        let is_over = core::mem::take(&mut self.is_hasty) || deadline.is_some_and(|deadline| self.now >= deadline);
        if is_over { Poll::Ready(()) } else { Poll::Pending }
    }

    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut ReadBuffer) -> Poll<Result<Bytes, &'static str>> {
        let next = self.incoming.pop_front().or_else(|| self.forever.map(|octets| Ok(Bytes::from_static(octets))));
        // What is not known before it is tried holds space.
        let space = buffer.space();
        let Some(next) = next else { return Poll::Pending };
        self.reads += 1;
        let Ok(octets) = next else { return Poll::Ready(next) };
        space[..octets.len()].copy_from_slice(&octets);
        Poll::Ready(Ok(buffer.filled(octets.len())))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, octets: &[u8]) -> Poll<Result<usize, &'static str>> {
        let room = match &mut self.room {
            Ok(0) => return Poll::Pending,
            Ok(room) => room,
            Err(error) => return Poll::Ready(Err(error)),
        };
        let count = octets.len().min(*room).min(self.piece);
        *room -= count;
        self.sent.extend_from_slice(&octets[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(self.flushed)
    }

    fn poll_handshake(&mut self, _: &mut Context<'_>) -> Poll<Result<TlsInfo, &'static str>> {
        self.handshakes += 1;
        self.handshake.take().map_or(Poll::Pending, Poll::Ready)
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        self.is_closed = true;
        if self.is_stuck { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

type Server = Driver<server::Connection, Wire>;
type Client = Driver<client::Connection, Wire>;

fn idle() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// A server that has said nothing.
fn server(config: server::Config) -> Server {
    Driver::new(kit::server(config), Wire::new())
}

/// A server that has greeted.
fn greeted(config: server::Config) -> Server {
    let mut driver = server(config);
    assert_eq!(serve(&mut driver), None);
    assert!(driver.transport.sent().starts_with("220 "));
    driver
}

/// A client of these mails that has its greeting to come.
fn client(config: client::Config, mails: usize) -> Client {
    let mut driver = Driver::new(kit::client(config), Wire::new());
    for _ in 0..mails {
        driver.connection.send(Instant::EPOCH, envelope()).expect("there is room");
    }
    driver
}

fn envelope() -> Envelope {
    Envelope::new("a@client.example").and_then(|mail| mail.to("b@mx.example")).expect("addresses")
}

/// Says yes to everything, until nothing is left to do; how it ended, if it did.
fn serve(driver: &mut Server) -> Option<CloseReason> {
    loop {
        match driver.poll_next(&mut idle()) {
            Poll::Pending => return None,
            Poll::Ready(Next::Closed(reason)) => return Some(reason),
            Poll::Ready(Next::Body) => panic!("a server sends no body"),
            Poll::Ready(Next::Event(event)) => accept(driver, event),
        }
    }
}

fn accept(driver: &mut Server, event: server::Event) {
    fn yes<T: Token>(driver: &mut Server, token: T) {
        assert!(driver.connection.answer(driver.transport.now, token, Ok(Accept::Usual)));
    }
    match event {
        server::Event::Connect(token) => yes(driver, token),
        server::Event::Hello(token) => yes(driver, token),
        server::Event::Mail(token) => yes(driver, token),
        server::Event::Rcpt(token) => yes(driver, token),
        server::Event::Data(token) => yes(driver, token),
        server::Event::Message(token) => yes(driver, token),
        _ => {}
    }
}

/// What a client says of its connection until nothing is left to do, or it is over.
fn told(driver: &mut Client) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        told.push(match driver.poll_next(&mut idle()) {
            Poll::Pending => return told,
            Poll::Ready(Next::Event(client::Event::Ready(_))) => "ready".to_owned(),
            Poll::Ready(Next::Event(client::Event::Outcome(outcome))) => format!("{:?}", outcome.summary()),
            Poll::Ready(Next::Event(_)) => "event".to_owned(),
            Poll::Ready(Next::Body) => {
                told.push("body".to_owned());
                return told;
            }
            Poll::Ready(Next::Closed(reason)) => {
                told.push(format!("{reason:?}"));
                return told;
            }
        });
    }
}

const SESSION: [&str; 4] = [
    "EHLO client.example\r\n",
    "MAIL FROM:<a@client.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n",
    "Subject: hi\r\n\r\n.\r\n",
    "QUIT\r\n",
];

/// Every arm of a server, and whatever it writes leaves whole, in whatever pieces.
#[test]
fn a_server_is_served_to_its_end() {
    let mut sent = Vec::new();
    for piece in [1, 7, usize::MAX] {
        let mut driver = server(server_config());
        driver.transport.piece = piece;
        for line in SESSION {
            assert_eq!(serve(&mut driver), None);
            driver.transport.says(line);
        }
        assert_eq!(serve(&mut driver), Some(CloseReason::Quit));
        // It is over for ever.
        assert_eq!(serve(&mut driver), Some(CloseReason::Quit));
        let codes: Vec<_> = driver.transport.sent().lines().map(|line| line[..3].to_owned()).collect();
        assert_eq!((codes.first(), codes.last()), (Some(&"220".to_owned()), Some(&"221".to_owned())));
        assert!(codes.contains(&"354".to_owned()));
        sent.push(driver.transport.sent);
    }
    assert!(sent.windows(2).all(|pair| pair[0] == pair[1]));
}

/// The end of the peer's side is told to the connection.
#[test]
fn the_end_of_the_stream_is_the_end() {
    let mut driver = greeted(server_config());
    driver.transport.incoming.push_back(Ok(Bytes::new()));
    assert_eq!(serve(&mut driver), Some(CloseReason::PeerClosed));
    assert_eq!(driver.error, None);
}

/// What cannot be read or cannot leave any more ends the connection, and is kept for whoever asks. The first failure
/// counts.
#[test]
fn failures_are_the_end() {
    let mut driver = greeted(server_config());
    driver.transport.incoming.push_back(Err("reset"));
    assert_eq!((serve(&mut driver), driver.error), (Some(CloseReason::TransportFailed), Some("reset")));

    let mut driver = greeted(server_config());
    driver.transport.flushed = Err("no record leaves");
    driver.transport.says("NOOP\r\n");
    assert_eq!((serve(&mut driver), driver.error), (Some(CloseReason::TransportFailed), Some("no record leaves")));
    assert_eq!(driver.transport.reads, 0);

    let mut driver = greeted(server_config());
    driver.transport.says("NOOP\r\n");
    driver.transport.room = Err("broken pipe");
    driver.transport.incoming.push_back(Err("reset"));
    assert_eq!((serve(&mut driver), driver.error), (Some(CloseReason::TransportFailed), Some("broken pipe")));

    // A stream that takes nothing at all is as good as none.
    let mut driver = greeted(server_config());
    driver.transport.says("NOOP\r\n");
    driver.transport.piece = 0;
    assert_eq!((serve(&mut driver), driver.error), (Some(CloseReason::TransportFailed), None));
}

/// A client with a body to hand in is asked for it, and hears of the outcome.
#[test]
fn a_client_is_asked_for_the_body() {
    let mut driver = client(client_config(), 1);
    assert_eq!(told(&mut driver), [""; 0]);
    driver.transport.says("220 mx.example\r\n");
    assert_eq!(told(&mut driver), [""; 0]);
    driver.transport.says("250-mx.example\r\n250 PIPELINING\r\n");
    assert_eq!(told(&mut driver), ["ready"]);
    driver.transport.says("250 ok\r\n250 ok\r\n354 go ahead\r\n");
    let Poll::Ready(Next::Event(client::Event::Body(body))) = driver.poll_next(&mut idle()) else { panic!("354") };
    assert_eq!(told(&mut driver), ["body"]);
    // Until it is there, the server may say something, and has nothing to say.
    assert!(driver.poll_input(&mut idle()).is_pending());
    assert!(driver.connection.write_body(at(0), &body, Bytes::from_static(b"Hello\r\n")).is_ok());
    assert!(driver.connection.end_body(at(0), body).is_ok());
    assert_eq!(told(&mut driver), [""; 0]);
    assert!(driver.transport.sent().ends_with("DATA\r\nHello\r\n.\r\n"));
    driver.transport.says("250 taken\r\n");
    assert_eq!(told(&mut driver), ["Accepted"]);
    driver.connection.quit(at(0));
    driver.transport.says("221 bye\r\n");
    assert_eq!(told(&mut driver), ["Quit"]);
}

/// What a server says in the middle of a body is heard before more of the body is asked for.
#[test]
fn input_is_heard_before_a_body() {
    let mut driver = client(client_config(), 1);
    for reply in ["220 mx.example\r\n", "250-mx.example\r\n250 PIPELINING\r\n", "250 ok\r\n250 ok\r\n354 go ahead\r\n"]
    {
        driver.transport.says(reply);
    }
    assert_eq!(told(&mut driver).last().map(String::as_str), Some("body"));
    driver.transport.says("421 shutting down\r\n");
    assert!(driver.poll_input(&mut idle()).is_ready());
    assert_eq!(told(&mut driver).last().map(String::as_str), Some("ServiceNotAvailable"));
}

/// Two that both write do not wait for each other: input is read while a write is pending, as long as the output has room.
#[test]
fn a_pending_write_lets_input_in() {
    let mut config = server_config();
    config.limits.pending_output = NonZeroUsize::new(512).expect("not 0");
    config.limits.junk_commands = NonZeroU32::MAX;
    let mut driver = greeted(config);
    let greeting = driver.transport.sent.len();
    driver.transport.room = Ok(0);
    driver.transport.forever = Some(b"NOOP\r\n");
    assert_eq!(serve(&mut driver), None);
    let taken = driver.transport.reads;
    assert!((2..64).contains(&taken), "{taken} reads");
    // No more is read than the output has room for.
    assert_eq!(serve(&mut driver), None);
    assert_eq!(driver.transport.reads, taken);
    driver.transport.forever = None;
    driver.transport.room = Ok(usize::MAX);
    assert_eq!(serve(&mut driver), None);
    assert_eq!(driver.transport.sent()[greeting..].lines().count(), taken);
}

/// A peer that does not read has as long as the connection says.
#[test]
fn a_pending_write_has_a_deadline() {
    let config = server_config();
    let patience = config.timeouts.write;
    let mut driver = greeted(config);
    driver.transport.room = Ok(0);
    driver.transport.says("NOOP\r\n");
    assert_eq!(serve(&mut driver), None);
    driver.transport.now = Instant::EPOCH + patience;
    assert_eq!(serve(&mut driver), Some(CloseReason::WriteStalled));
}

/// Whoever cannot be written to any more may have said why before.
#[test]
fn last_words_are_heard() {
    let failing = |last_words: Option<&'static str>| {
        let mut driver = client(client_config(), 1);
        driver.transport.says("220 mx.example\r\n");
        driver.transport.room = Err("broken pipe");
        if let Some(last_words) = last_words {
            driver.transport.says(last_words);
        }
        (told(&mut driver), driver.error)
    };
    let (told, error) = failing(Some("421 4.3.2 shutting down\r\n"));
    assert_eq!((told.last().map(String::as_str), error), (Some("ServiceNotAvailable"), Some("broken pipe")));
    let (told, error) = failing(None);
    assert_eq!((told.last().map(String::as_str), error), (Some("TransportFailed"), Some("broken pipe")));
}

/// RES-01: a peer that always has more to say, and needs nobody for it, does not keep the thread: others have their turn,
/// and the connection goes on by itself.
#[test]
fn floods_leave_room() {
    let mut config = server_config();
    config.limits.junk_commands = NonZeroU32::MAX;
    let mut driver = greeted(config);
    driver.transport.forever = Some(b"NOOP\r\n");
    let wakes = Arc::<Wakes>::default();
    let waker = Waker::from(Arc::clone(&wakes));
    let mut cx = Context::from_waker(&waker);
    for turn in 1..=3 {
        // Each reply is told.
        for _ in 0..64 {
            assert!(matches!(driver.poll_next(&mut cx), Poll::Ready(Next::Event(server::Event::Answered(_)))));
        }
        assert!(driver.poll_next(&mut cx).is_pending());
        assert_eq!((wakes.0.load(Ordering::Relaxed), driver.transport.reads), (turn, 64 * turn));
    }
    // With a pause the reads are counted anew.
    driver.transport.forever = None;
    assert!(driver.poll_next(&mut cx).is_pending());
    assert_eq!(wakes.0.load(Ordering::Relaxed), 3);
}

/// Deadlines are those of the connection, and a timer that goes off too early changes nothing.
#[test]
fn deadlines_pass() {
    let config = server_config();
    let idle_time = config.timeouts.idle;
    let mut driver = greeted(config);
    driver.transport.says(SESSION[0]);
    assert_eq!(serve(&mut driver), None);
    driver.transport.is_hasty = true;
    assert_eq!(serve(&mut driver), None);
    assert!(!driver.transport.is_hasty);
    // The first is when the connection gives its buffers back.
    for _ in 0..8 {
        let until = driver.transport.until.expect("there is always a deadline");
        assert!(until <= Instant::EPOCH + idle_time);
        driver.transport.now = until;
        if let Some(reason) = serve(&mut driver) {
            assert_eq!((reason, until), (CloseReason::Timeout, Instant::EPOCH + idle_time));
            assert!(driver.transport.sent().lines().any(|line| line.starts_with("421 ")));
            return;
        }
    }
    panic!("it is idle for ever");
}

/// The handshake is made when it is due, and nothing is read meanwhile.
#[test]
fn tls_is_made_when_it_is_due() {
    let mut config = server_config();
    config.tls = TlsPolicy::Implicit;
    let handshake_time = config.timeouts.handshake;
    let waiting = || {
        let mut driver = server(config.clone());
        driver.transport.says("EHLO in.clear\r\n");
        assert_eq!(serve(&mut driver), None);
        assert_eq!((driver.transport.handshakes, driver.transport.reads), (1, 0));
        assert!(driver.transport.sent.is_empty());
        driver
    };
    let mut driver = waiting();
    driver.transport.incoming.clear();
    driver.transport.handshake = Some(Ok(TlsInfo::default()));
    assert_eq!(serve(&mut driver), None);
    assert!(driver.transport.sent().starts_with("220 "));

    let mut driver = waiting();
    driver.transport.handshake = Some(Err("no common version"));
    assert_eq!((serve(&mut driver), driver.error), (Some(CloseReason::TlsFailed), Some("no common version")));
    assert!(driver.transport.sent.is_empty());

    let mut driver = waiting();
    driver.transport.now = Instant::EPOCH + handshake_time;
    assert!(serve(&mut driver).is_some());
    assert!(driver.transport.sent.is_empty());
}

/// A client whose handshake fails knows why.
#[test]
fn a_client_fails_in_tls() {
    let mut config = client_config();
    config.security = Security::Implicit;
    let mut driver = client(config, 0);
    driver.transport.handshake = Some(Err("nobody vouches for it"));
    assert_eq!((told(&mut driver), driver.error), (vec!["TlsFailed".to_owned()], Some("nobody vouches for it")));
}

/// Whoever waits may be dropped after every poll, at every octet: the next one goes on.
#[test]
fn dropped_futures_lose_nothing() {
    let whole = |is_dropped: bool| {
        let mut driver = server(server_config());
        let mut cx = idle();
        let mut script = SESSION.iter().flat_map(|line| line.split_inclusive(' ').map(str::as_bytes));
        loop {
            driver.transport.room = Ok(if is_dropped { 1 } else { usize::MAX });
            let next = {
                let mut future = pin!(poll_fn(|cx| driver.poll_next(cx)));
                future.as_mut().poll(&mut cx)
            };
            match next {
                Poll::Ready(Next::Event(event)) => accept(&mut driver, event),
                Poll::Ready(Next::Closed(reason)) => return (reason, driver.transport.sent),
                Poll::Ready(Next::Body) => panic!("a server sends no body"),
                Poll::Pending if driver.transport.room == Ok(0) => {}
                Poll::Pending => {
                    let octets = script.next().expect("it is over by then");
                    driver.transport.incoming.push_back(Ok(Bytes::from_static(octets)));
                }
            }
        }
    };
    let (reason, sent) = whole(true);
    assert_eq!(reason, CloseReason::Quit);
    assert_eq!((reason, sent), whole(false));
}

/// While the caller is busy the connection is looked after, and what comes up is told once, later.
#[test]
fn meanwhile_nothing_is_lost() {
    let mut driver = greeted(server_config());
    driver.transport.says("EHLO client.example\r\n");
    for _ in 0..3 {
        driver.poll_meanwhile(&mut idle());
    }
    assert_eq!(driver.transport.reads, 1);
    let Poll::Ready(Next::Event(server::Event::Hello(hello))) = driver.poll_next(&mut idle()) else {
        panic!("it was put aside")
    };
    assert!(driver.poll_next(&mut idle()).is_pending());
    accept(&mut driver, server::Event::Hello(hello));
    assert_eq!(serve(&mut driver), None);
    assert!(driver.transport.sent().contains("250-mx.example"));
}

/// Where it is not known whether something has come, the buffer that nothing was read into is given back.
#[test]
fn waiting_holds_no_buffer() {
    let mut driver = greeted(server_config());
    let polled = allocation_counter::measure(|| assert!(driver.poll_next(&mut idle()).is_pending()));
    assert!(polled.bytes_max >= ReadBuffer::LEAST as u64, "it was tried");
    assert_eq!(polled.bytes_current, 0);
}

/// Whoever watches sees every octet once, in order.
#[test]
fn octets_are_seen() {
    let seen = Arc::<Mutex<Vec<(Direction, Vec<u8>)>>>::default();
    let mut driver = server(server_config());
    let shared = Arc::clone(&seen);
    driver.observe(Box::new(move |direction, octets: &[u8]| {
        shared.lock().expect("no panic").push((direction, octets.to_vec()));
    }));
    driver.transport.piece = 3;
    assert_eq!(serve(&mut driver), None);
    driver.transport.says("EHLO client.example\r\n");
    driver.transport.says("QUIT\r\n");
    assert_eq!(serve(&mut driver), Some(CloseReason::Quit));
    let seen = seen.lock().expect("no panic");
    let of =
        |wanted| seen.iter().filter(move |(direction, _)| *direction == wanted).flat_map(|(_, octets)| octets.clone());
    assert_eq!(of(Direction::Sent).collect::<Vec<_>>(), driver.transport.sent);
    assert_eq!(of(Direction::Received).collect::<Vec<_>>(), b"EHLO client.example\r\nQUIT\r\n");
}

/// A server without room says so, as far as that takes no time.
#[test]
fn service_is_refused() {
    let taken = Arc::<Mutex<Vec<u8>>>::default();
    let refuse = |driver: Server, room: usize| {
        taken.lock().expect("no panic").clear();
        driver.refuse(&Reject::too_many_connections(), |_, octets| {
            let mut taken = taken.lock().expect("no panic");
            let count = octets.len().min(room - taken.len()).min(5);
            taken.extend_from_slice(&octets[..count]);
            (taken.len() < room).then_some(count)
        });
        String::from_utf8(taken.lock().expect("no panic").clone()).expect("text")
    };
    assert_eq!(refuse(server(server_config()), 512), "421 too many connections\r\n");
    assert_eq!(refuse(server(server_config()), 7), "421 too");
    let mut config = server_config();
    config.tls = TlsPolicy::Implicit;
    assert_eq!(refuse(server(config), 512), "");
}

/// A connection that is over is kept until the peer has read what was written last, but not for ever.
#[test]
fn the_peer_may_read_what_was_written_last() {
    /// After how many polls it is left.
    fn lingers(prepare: impl FnOnce(&mut Wire)) -> usize {
        let mut driver = greeted(server_config());
        driver.transport.pace = Duration::from_millis(300);
        prepare(&mut driver.transport);
        let polls = {
            let mut lingering = pin!(driver.linger());
            (1..9).find(|_| lingering.as_mut().poll(&mut idle()).is_ready()).expect("it ends")
        };
        assert!(driver.transport.is_closed);
        polls
    }
    // It reads the end at once, or resets the connection.
    assert_eq!(lingers(|wire| wire.incoming.push_back(Ok(Bytes::new()))), 1);
    assert_eq!(lingers(|wire| wire.incoming.push_back(Err("reset"))), 1);
    // It has more to say, and goes then.
    let goes = |wire: &mut Wire| {
        wire.says("NOOP\r\n");
        wire.incoming.push_back(Ok(Bytes::new()));
    };
    assert_eq!(lingers(goes), 1);
    // It floods.
    assert_eq!(lingers(|wire| wire.forever = Some(&[b'x'; 4096])), 1);
    // It stays, or does not even take the end: it is left after a second, which is in the fourth poll.
    assert_eq!(lingers(|_| {}), 4);
    assert_eq!(lingers(|wire| wire.is_stuck = true), 4);
    assert_eq!(lingers(|wire| wire.is_hasty = true), 3);

    let mut driver = greeted(server_config());
    driver.transport.is_stuck = true;
    assert!(pin!(driver.close()).poll(&mut idle()).is_pending());
    driver.transport.is_stuck = false;
    assert!(pin!(driver.close()).poll(&mut idle()).is_ready());
}

/// A mail whose body comes in pieces, with a wait in between, and one whose reader fails: over the driver each has its
/// outcome, in order, and what was refused is told behind them.
#[test]
fn bodies_are_read_as_they_come() {
    type Pieces = VecDeque<Poll<Result<&'static [u8], &'static str>>>;
    let read = |_: &mut Context<'_>, body: &mut Pieces, space: &mut [u8]| {
        body.pop_front().unwrap_or(Poll::Ready(Ok(b""))).map_ok(|octets| {
            space[..octets.len()].copy_from_slice(octets);
            octets.len()
        })
    };
    let mut driver = client(client_config(), 0);
    let mut outgoing = Outgoing::<Pieces, &str>::new();
    let (wait, piece) = (|| Poll::Pending, |octets: &'static [u8]| Poll::Ready(Ok(octets)));
    let pieces = [wait(), piece(b"Hel"), wait(), wait(), wait(), piece(b"lo\r\n")];
    let mut capabilities = None;
    outgoing.push(at(0), &mut driver.connection, envelope(), pieces.into());
    outgoing.push(at(0), &mut driver.connection, envelope(), [piece(b"half"), Poll::Ready(Err("no disk"))].into());
    assert!(!outgoing.has_room(&driver.connection));
    for reply in ["220 mx.example\r\n", "250-mx.example\r\n250 PIPELINING\r\n", "250 ok\r\n250 ok\r\n354 go ahead\r\n"]
    {
        driver.transport.says(reply);
    }
    for sent in ["DATA\r\n", "Hel", "Hel", "\r\nDATA\r\n"] {
        assert!(outgoing.poll_outcome(&mut idle(), &mut driver, &mut capabilities, read).is_pending());
        assert!(driver.transport.sent().ends_with(sent), "{}", driver.transport.sent());
    }
    assert!(capabilities.is_some());
    assert!(driver.transport.sent().contains("DATA\r\nHello\r\n.\r\nMAIL"));
    driver.transport.says("250 taken\r\n");
    let first = outgoing.poll_outcome(&mut idle(), &mut driver, &mut capabilities, read);
    assert!(matches!(first, Poll::Ready(Ok(outcome)) if outcome.summary() == Summary::Accepted));
    assert!(outgoing.has_room(&driver.connection));
    driver.transport.says("250 ok\r\n250 ok\r\n354 go ahead\r\n");
    let second = outgoing.poll_outcome(&mut idle(), &mut driver, &mut capabilities, read);
    let Poll::Ready(Err(SendError::Body { error, outcome })) = second else { panic!("{second:?}") };
    assert_eq!(error, "no disk");
    assert_ne!(outcome.summary(), Summary::Accepted);
    assert!(!driver.transport.sent().contains("half"));

    // The connection was cut, and takes no other mail.
    assert!(outgoing.is_empty() && !outgoing.has_room(&driver.connection));
    outgoing.push(at(0), &mut driver.connection, envelope(), Pieces::new());
    assert!(outgoing.is_empty());
    assert!(matches!(outgoing.take_not_tried(), Some(SendError::NotTried(_))));
}

/// Nobody waits for the outcome of a mail that is on its way: the server takes no part of it for the whole.
#[test]
fn abandoned_mails_are_cut() {
    let mut driver = client(client_config(), 0);
    let mut outgoing = Outgoing::<&[u8], &str>::default();
    outgoing.abandon(at(0), &mut driver.connection);
    assert_eq!(driver.connection.close_reason(), None);
    outgoing.push(at(0), &mut driver.connection, envelope(), b"Hello\r\n");
    outgoing.abandon(at(0), &mut driver.connection);
    assert_eq!(driver.connection.close_reason(), Some(CloseReason::Abandoned));
}
