//! Completion I/O: a server on `compio` that takes every mail and keeps it in memory. On Linux that is io_uring, or `epoll`
//! where the kernel does not let it.
//!
//! `cargo run -p smtp-proto --example compio-server -- --listen 127.0.0.1:2525`, or with `--self-check 100` instead: then
//! so many clients send it a few mails at the same time.
//!
//! With completion I/O a call to read or write is an order that the kernel carries out later, and until then the buffer
//! is the kernel's. Three things follow for a driver, and `drive` does them for both roles:
//!
//! * What the core wants to transmit is copied into a buffer that can be given away. It stays in the core until it is
//!   known how much of it has left.
//! * An order that was given stands. A read is not dropped because a deadline or an answer came first, since what it
//!   has read would be lost; what it brings is kept until the core wants it. Under TLS, what an order brings that was
//!   given before the handshake belongs to the handshake.
//! * When a write and a read are complete at the same time, the write is told first: the read may hold the answer to it.

use core::cell::RefCell;
use core::future::pending;
use core::net::SocketAddr;
use core::pin::pin;
use core::time::Duration;
use std::rc::Rc;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use compio::BufResult;
use compio::io::{AsyncRead, AsyncWrite};
use compio::net::{TcpListener, TcpStream};
use compio::runtime::{Runtime, spawn};
use compio::time::{sleep, sleep_until};
use futures_util::future::{Fuse, FusedFuture, FutureExt, try_join_all};
use futures_util::select_biased;
use smtp_proto::client::{self, Envelope, Summary};
use smtp_proto::server::{self, Accept};
use smtp_proto::{Clock, CloseReason, ConfigError, Drive, Instant, Output};

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
    let runtime = Runtime::new()?;
    println!("the kernel's interface: {:?}", runtime.driver_type());
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        println!("listening on {}", listener.local_addr()?);
        match clients {
            Some(clients) => self_check(listener, clients).await,
            None => Ok(serve(listener, Storage::default()).await?),
        }
    })
}

/// The messages that were taken.
type Storage = Rc<RefCell<Vec<Vec<u8>>>>;

/// Serves whoever connects.
async fn serve(listener: TcpListener, storage: Storage) -> Result<(), ConfigError> {
    let config = Arc::new(server::Config::new("localhost")?);
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // For want of files or memory, until some other connection has ended.
                println!("nobody is let in: {error}");
                sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let clock = Clock::start();
        let core = server::Connection::new(clock.now(), Arc::clone(&config))?;
        let mut application = Application { storage: Rc::clone(&storage), message: Vec::new() };
        spawn(async move {
            let reason = drive(stream, core, clock, |core, now, event| application.handle(core, now, event)).await;
            println!("{peer}: {reason}");
        })
        .detach();
    }
}

/// Drives a connection of either role to its end.
async fn drive<C: Drive>(
    stream: TcpStream,
    mut core: C,
    clock: Clock,
    mut handle: impl FnMut(&mut C, Instant, C::Event),
) -> CloseReason {
    // Without it octets leave as well, only later.
    let _ = stream.set_nodelay(true);
    let (mut writing, mut reading) = (pin!(Fuse::terminated()), pin!(Fuse::terminated()));
    // The buffers, while they are not the kernel's.
    let (mut outgoing, mut incoming) = (Vec::new(), BytesMut::new());
    // What was read and not handed in yet, empty at the end of the stream.
    let mut unread: Option<Bytes> = None;
    loop {
        match core.poll() {
            Output::Event(event) => {
                handle(&mut core, clock.now(), event);
                continue;
            }
            Output::Transmit(octets) if writing.is_terminated() => {
                let mut buffer = core::mem::take(&mut outgoing);
                buffer.extend_from_slice(octets);
                writing.set(write(&stream, buffer).fuse());
            }
            Output::Transmit(_) | Output::Wait(_) => {}
            Output::UpgradeTls => unreachable!("the configuration has no TLS"),
            Output::Closed(reason) => return reason,
        }
        if core.wants_input() {
            match unread.take() {
                None if reading.is_terminated() => {
                    incoming.reserve(READ);
                    reading.set(read(&stream, core::mem::take(&mut incoming)).fuse());
                }
                None => {}
                Some(octets) => {
                    if octets.is_empty() {
                        core.handle_eof(clock.now());
                    } else {
                        core.handle_input(clock.now(), octets).expect("the core wants input");
                    }
                    continue;
                }
            }
        }
        let mut deadline = pin!(until(core.deadline(), clock).fuse());
        select_biased! {
            BufResult(written, buffer) = writing => {
                match written {
                    Ok(count) => core.transmitted(clock.now(), count),
                    Err(_) => core.handle_disconnect(clock.now()),
                }
                outgoing = buffer;
                outgoing.clear();
            }
            BufResult(count, mut buffer) = reading => {
                match count {
                    Ok(_) => unread = Some(buffer.split().freeze()),
                    Err(_) => core.handle_disconnect(clock.now()),
                }
                incoming = buffer;
            }
            () = deadline => core.handle_timeout(clock.now()),
        }
    }
}

/// Room for a read, in octets.
const READ: usize = 8 * 1024;

async fn write(mut stream: &TcpStream, buffer: Vec<u8>) -> BufResult<usize, Vec<u8>> {
    stream.write(buffer).await
}

async fn read(mut stream: &TcpStream, buffer: BytesMut) -> BufResult<usize, BytesMut> {
    stream.read(buffer).await
}

async fn until(deadline: Option<Instant>, clock: Clock) {
    match deadline {
        Some(deadline) => sleep_until(clock.to_std(deadline)).await,
        None => pending().await,
    }
}

/// What a connection is to its application: the message that is coming in, and where it goes.
struct Application {
    storage: Storage,
    message: Vec<u8>,
}

impl Application {
    fn handle(&mut self, core: &mut server::Connection, now: Instant, event: server::Event) {
        let yes = Ok(Accept::Usual);
        match event {
            server::Event::Connect(token) => _ = core.answer(now, token, yes),
            server::Event::Hello(token) => _ = core.answer(now, token, yes),
            server::Event::Mail(token) => _ = core.answer(now, token, yes),
            server::Event::Rcpt(token) => _ = core.answer(now, token, yes),
            server::Event::Data(token) => _ = core.answer(now, token, yes),
            server::Event::Body(piece) => self.message.extend_from_slice(&piece),
            server::Event::Message(token) => {
                let message = core::mem::take(&mut self.message);
                // A server that is not an example writes it to a disk first.
                if core.answer(now, token, yes) {
                    self.storage.borrow_mut().push(message);
                }
            }
            server::Event::Aborted(_) => self.message.clear(),
            _ => {}
        }
    }
}

/// So many clients connect at the same time, and each sends a mail of each length.
async fn self_check(listener: TcpListener, clients: usize) -> Result<(), Error> {
    let (address, storage) = (listener.local_addr()?, Storage::default());
    spawn(serve(listener, Rc::clone(&storage))).detach();
    let accepted: usize = try_join_all((0..clients).map(|_| send(address))).await?.into_iter().sum();
    let storage = storage.borrow();
    println!("{clients} clients sent {} mails, {accepted} were accepted", clients * LINES.len());
    let is_right = LINES.iter().all(|lines| {
        let message = message(*lines);
        storage.iter().filter(|stored| **stored == message).count() == clients
    });
    if is_right && accepted == storage.len() { Ok(()) } else { Err("not all mails came as they were sent".into()) }
}

/// Lines of the messages that are sent.
const LINES: [usize; 3] = [1, 1_000, 50_000];

fn message(lines: usize) -> Vec<u8> {
    b"Subject: completion\r\n\r\n".iter().chain(b".hidden no more\r\n".repeat(lines).iter()).copied().collect()
}

/// Returns how many mails were accepted.
async fn send(address: SocketAddr) -> Result<usize, Error> {
    let clock = Clock::start();
    let mut core = client::Connection::new(clock.now(), Arc::new(client::Config::new("client.example")?))?;
    for _ in LINES {
        core.send(clock.now(), Envelope::new("alice@client.example")?.to("bob@localhost")?)?;
    }
    core.quit(clock.now());
    let mut accepted = 0;
    let reason = drive(TcpStream::connect(address).await?, core, clock, |core, now, event| match event {
        client::Event::Body(token) => {
            let message = message(LINES[token.ordinal() as usize]);
            core.write_body(now, &token, message.into()).expect("the server waits for it");
            core.end_body(now, token).expect("the body has begun");
        }
        client::Event::Outcome(outcome) => accepted += usize::from(outcome.summary() == Summary::Accepted),
        _ => {}
    });
    match reason.await {
        CloseReason::Quit => Ok(accepted),
        other => Err(other.into()),
    }
}
