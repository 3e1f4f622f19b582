//! An event loop of one thread on `mio` that serves thousands of connections. It takes every mail and throws it away.
//!
//! `cargo run -p smtp-proto --example mio-sink -- --listen 127.0.0.1:2525`, or with `--self-check 4000` instead: then so
//! many clients connect to it and stay, one of them sends a mail, and it says how much memory each connection takes.
//!
//! All connections share one read buffer, so that an idle one owns no memory beyond its own state, and one ordered set of
//! deadlines. A connection whose peer does not read is still read from, as long as the core wants that. There is no TLS.

mod self_check;

use core::net::SocketAddr;
use core::num::NonZeroU32;
use core::time::Duration;
use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use smtp_proto::server::{Accept, Config, Connection, Event, Output};
use smtp_proto::{Clock, Instant, ReadBuffer, sasl};

type Error = Box<dyn core::error::Error>;

fn main() -> Result<(), Error> {
    use lexopt::prelude::{Long, ValueExt};
    let (mut address, mut clients) = (SocketAddr::from(([127, 0, 0, 1], 0)), None);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("listen") => address = arguments.value()?.parse()?,
            Long("self-check") => clients = Some(arguments.value()?.parse()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let files = rlimit::increase_nofile_limit(u64::MAX)?;
    let mut sink = Sink::bind(address)?;
    println!("listening on {}, at most {files} open files", sink.listener.local_addr()?);
    if let Some(clients) = clients {
        return self_check::run(&mut sink, clients, files);
    }
    loop {
        sink.turn(None)?;
    }
}

/// The event loop.
struct Sink {
    poll: Poll,
    events: Events,
    listener: TcpListener,
    /// Connections may be waiting to be accepted.
    has_backlog: bool,
    config: Arc<Config>,
    clock: Clock,
    peers: Slab<Peer>,
    /// When which connection is due.
    deadlines: BTreeSet<(Instant, usize)>,
    /// Connections that can go on at once.
    ready: Vec<usize>,
    buffer: ReadBuffer,
    messages: u64,
}

/// A connection.
struct Peer {
    core: Connection,
    stream: TcpStream,
    /// What the poll has said and no call has denied since.
    is_readable: bool,
    is_writable: bool,
    /// Its entry in the deadlines.
    due: Option<Instant>,
}

/// How a connection was left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Until something happens.
    Waiting,
    /// There is more to read, but now it is the turn of others.
    Ready,
    Over,
}

const LISTENER: Token = Token(usize::MAX);
/// Reads from one connection before it is the turn of others.
const READS: usize = 16;

impl Sink {
    fn bind(address: SocketAddr) -> Result<Self, Error> {
        let mut config = Config::new("sink.example")?;
        config.verify = true;
        config.expand = true;
        config.auth.mechanisms = ["PLAIN", "LOGIN"].into_iter().filter_map(sasl::mechanism).collect();
        config.auth.without_tls = true;
        config.limits.messages = NonZeroU32::MAX;
        // When thousands come at once, the heap grows to what they hold at one time.
        config.timeouts.buffers = Duration::from_millis(10);
        let (poll, mut listener) = (Poll::new()?, TcpListener::bind(address)?);
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            poll,
            events: Events::with_capacity(1024),
            listener,
            has_backlog: false,
            config: Arc::new(config),
            clock: Clock::start(),
            peers: Slab::new(),
            deadlines: BTreeSet::new(),
            ready: Vec::new(),
            buffer: ReadBuffer::new(),
            messages: 0,
        })
    }

    /// Waits until something happens, though no longer than `patience`, and deals with all that has happened.
    fn turn(&mut self, patience: Option<Duration>) -> Result<(), Error> {
        let due = self.deadlines.first().map(|(due, _)| self.clock.until(*due));
        let at_once = (!self.ready.is_empty()).then_some(Duration::ZERO);
        let polled = self.poll.poll(&mut self.events, [at_once, due, patience].into_iter().flatten().min());
        polled.or_else(|error| if error.kind() == ErrorKind::Interrupted { Ok(()) } else { Err(error) })?;
        for event in &self.events {
            let Token(key) = event.token();
            match self.peers.get_mut(key) {
                Some(peer) => {
                    peer.is_readable |= event.is_readable() || event.is_read_closed();
                    peer.is_writable |= event.is_writable() || event.is_write_closed();
                    self.ready.push(key);
                }
                None => self.has_backlog |= event.token() == LISTENER,
            }
        }
        let now = self.clock.now();
        self.ready.extend(self.deadlines.iter().take_while(|(due, _)| *due <= now).map(|(_, key)| key));
        core::mem::take(&mut self.ready).into_iter().for_each(|key| self.serve(key));
        // Last, as some of them may have ended and left room.
        if self.has_backlog { self.accept() } else { Ok(()) }
    }

    /// Takes the connections that are waiting. What cannot be taken, for want of files or memory, stays until a later
    /// turn, at the latest that in which another connection ends.
    fn accept(&mut self) -> Result<(), Error> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => continue,
                Err(error) => {
                    self.has_backlog = error.kind() != ErrorKind::WouldBlock;
                    return Ok(());
                }
            };
            // Without it replies leave as well, only later.
            let _ = stream.set_nodelay(true);
            let core = Connection::new(self.clock.now(), Arc::clone(&self.config))?;
            let entry = self.peers.vacant_entry();
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut stream, Token(entry.key()), interest)?;
            self.ready.push(entry.key());
            entry.insert(Peer { core, stream, is_readable: false, is_writable: true, due: None });
        }
    }

    /// Lets a connection do all it can.
    fn serve(&mut self, key: usize) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let left = peer.drive(self.clock, &mut self.buffer, &mut self.messages);
        let due = peer.core.deadline().filter(|_| left != Left::Over);
        if due != peer.due {
            peer.due.map(|due| self.deadlines.remove(&(due, key)));
            due.map(|due| self.deadlines.insert((due, key)));
            peer.due = due;
        }
        match left {
            Left::Waiting => {}
            Left::Ready => self.ready.push(key),
            Left::Over => drop(self.peers.remove(key)),
        }
    }
}

impl Peer {
    fn drive(&mut self, clock: Clock, buffer: &mut ReadBuffer, messages: &mut u64) -> Left {
        self.core.handle_timeout(clock.now());
        let mut reads = 0;
        loop {
            let wants_input = match self.core.poll() {
                Output::Transmit(octets) if self.is_writable => {
                    match self.stream.write(octets) {
                        Ok(count) => self.core.transmitted(clock.now(), count),
                        Err(error) if error.kind() == ErrorKind::WouldBlock => self.is_writable = false,
                        Err(error) if error.kind() == ErrorKind::Interrupted => {}
                        Err(_) => self.core.handle_disconnect(clock.now()),
                    }
                    continue;
                }
                Output::Transmit(_) => self.core.wants_input(),
                Output::Event(event) => {
                    answer(&mut self.core, clock.now(), event, messages);
                    continue;
                }
                Output::Wait(wait) => wait.input,
                Output::UpgradeTls => unreachable!("the configuration has no TLS"),
                Output::Closed(_) => return Left::Over,
            };
            if !wants_input || !self.is_readable {
                return Left::Waiting;
            }
            if reads == READS {
                return Left::Ready;
            }
            reads += 1;
            match self.stream.read(buffer.space()) {
                Ok(0) => self.core.handle_eof(clock.now()),
                Ok(count) => {
                    self.core.handle_input(clock.now(), buffer.filled(count)).expect("the core wants input");
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.is_readable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.core.handle_disconnect(clock.now()),
            }
        }
    }
}

/// Says yes to everything.
fn answer(core: &mut Connection, now: Instant, event: Event, messages: &mut u64) {
    let yes = Ok(Accept::Usual);
    match event {
        Event::Connect(token) => _ = core.answer(now, token, yes),
        Event::Hello(token) => _ = core.answer(now, token, yes),
        Event::Auth(token) => _ = core.answer(now, token, yes),
        Event::Mail(token) => _ = core.answer(now, token, yes),
        Event::Rcpt(token) => _ = core.answer(now, token, yes),
        Event::Data(token) => _ = core.answer(now, token, yes),
        // A server that is no sink has the message in safe storage by now.
        Event::Message(token) => *messages += u64::from(core.answer(now, token, yes)),
        Event::Verify(token) => _ = core.answer(now, token, yes),
        Event::Expand(token) => _ = core.answer(now, token, yes),
        _ => {}
    }
}
