//! The client against a server that the test plays.

mod kit;

use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use futures_io::AsyncRead;
use futures_lite::AsyncReadExt as _;
use kit::{Peer, Runs, client_config, envelope, join, on_each_runtime, run, script};
use smtp_async_std::proto::CloseReason;
use smtp_async_std::proto::client::{Failure, Stage, Summary};
use smtp_async_std::{Client, Direction, SendError};

on_each_runtime!(
    lost_around_the_dot,
    silent_after_the_dot,
    heard_in_the_middle_of_a_body,
    closed_connections_take_nothing,
    slow_bodies_leave_as_they_come,
    one_write_for_a_small_mail,
    observers_see_everything,
);

/// A body that ends only with the server.
struct Endless;

impl AsyncRead for Endless {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, out: &mut [u8]) -> Poll<io::Result<usize>> {
        let line = b"All work and no play makes Jack a dull boy\r\n";
        let count = out.len() / line.len() * line.len();
        out[..count].copy_from_slice(&line.repeat(count / line.len()));
        Poll::Ready(Ok(count))
    }
}

/// Never ready.
struct Never;

impl AsyncRead for Never {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
}

/// REL-04: lost after the final dot is unknown; REL-05: before it, refused.
fn lost_around_the_dot<R: Runs>() {
    for (has_dot, summary) in [(true, Summary::Unknown), (false, Summary::Refused)] {
        let (address, server) = script(move |accept| {
            let mut peer = accept();
            peer.greet();
            peer.take_envelope();
            if has_dot { peer.data() } else { peer.line() }
        });
        run::<R, _>(async {
            let mut client = Client::<R>::connect(address, client_config()).await.expect("it listens");
            let outcome = if has_dot {
                client.send(envelope(), &b"Hello\r\n"[..]).await
            } else {
                client.send(envelope(), (&b"Hello\r\n"[..]).chain(Never)).await
            };
            assert_eq!(outcome.expect("it was tried").summary(), summary);
        });
        join(server);
    }
}

/// R-4.5.3.2-06: a server that is silent after the dot is left at the end of the time; what became of the mail is unknown.
fn silent_after_the_dot<R: Runs>() {
    let (address, server) = script(|accept| {
        let mut peer = accept();
        peer.greet();
        peer.take_envelope();
        peer.data();
        peer.rest()
    });
    let mut config = client_config();
    config.timeouts.verdict = Duration::from_millis(50);
    run::<R, _>(async {
        let mut client = Client::<R>::connect(address, config).await.expect("it listens");
        let outcome = client.send(envelope(), &b"Hello\r\n"[..]).await.expect("it was tried");
        assert_eq!((outcome.summary(), outcome.stage()), (Summary::Unknown, Stage::Final));
        assert_eq!(outcome.failure(), Some(Failure::Connection(CloseReason::Timeout)));
    });
    join(server);
}

/// A server that gives its verdict in the middle of the data is heard, although there is always more to send.
fn heard_in_the_middle_of_a_body<R: Runs>() {
    let (address, server) = script(|accept| {
        let mut peer = accept();
        peer.greet();
        peer.take_envelope();
        peer.line();
        peer.say("552 too much\r\n");
        peer.rest()
    });
    run::<R, _>(async {
        let mut client = Client::<R>::connect(address, client_config()).await.expect("it listens");
        let outcome = client.send(envelope(), Endless).await.expect("it was tried");
        assert_eq!(outcome.summary(), Summary::Refused, "{outcome:?}");
        let (_, verdict) = outcome.recipients().next().expect("a recipient");
        assert_eq!(verdict.reply().map(|reply| reply.code().to_string()).as_deref(), Some("552"), "{outcome:?}");
    });
    join(server);
}

/// R-4.2.1-05: a connection that is over takes no mail, and gives the envelope back.
fn closed_connections_take_nothing<R: Runs>() {
    let (address, server) = script(|accept| {
        let mut peer = accept();
        peer.say("554 go away\r\n");
        assert_eq!(peer.line(), "QUIT\r\n");
    });
    run::<R, _>(async {
        let mut client = Client::<R>::connect(address, client_config()).await.expect("it listens");
        assert_eq!(client.ready().await.expect_err("it is refused"), CloseReason::Refused);
        let Err(SendError::NotTried(refused)) = client.send(envelope(), &b"Hello\r\n"[..]).await else {
            panic!("the connection is over")
        };
        assert_eq!(refused.value.recipients().count(), 1);
    });
    join(server);
}

/// A body that comes slowly leaves as it comes: what is there is not held back for what is not.
fn slow_bodies_leave_as_they_come<R: Runs>() {
    #[derive(Default)]
    struct Pieces {
        pieces: VecDeque<Vec<u8>>,
        are_all: bool,
        reader: Option<Waker>,
    }

    /// Gives pieces as they come.
    #[derive(Clone, Default)]
    struct Slow(Arc<Mutex<Pieces>>);

    impl Slow {
        /// Nothing: the end.
        fn give(&self, piece: Option<Vec<u8>>) {
            let mut pieces = self.0.lock().expect("no panic");
            pieces.are_all = piece.is_none();
            pieces.pieces.extend(piece);
            let reader = pieces.reader.take();
            drop(pieces);
            if let Some(reader) = reader {
                reader.wake();
            }
        }
    }

    impl AsyncRead for Slow {
        fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut [u8]) -> Poll<io::Result<usize>> {
            let mut pieces = self.0.lock().expect("no panic");
            if let Some(piece) = pieces.pieces.pop_front() {
                out[..piece.len()].copy_from_slice(&piece);
                return Poll::Ready(Ok(piece.len()));
            }
            if pieces.are_all {
                return Poll::Ready(Ok(0));
            }
            pieces.reader = Some(cx.waker().clone());
            Poll::Pending
        }
    }

    let body = Slow::default();
    let source = body.clone();
    let (address, server) = script(move |accept| {
        let mut peer = accept();
        peer.greet();
        peer.take_envelope();
        for _ in 0..40 {
            source.give(Some([&[b'x'; 998], &b"\r\n"[..]].concat()));
        }
        // Pieces up to 16 KiB may wait for each other; more than that has left without an end.
        for _ in 0..10 {
            assert_eq!(peer.line().len(), 1000);
        }
        source.give(None);
        peer.data();
        peer.say("250 taken\r\n");
    });
    run::<R, _>(async {
        let mut client = Client::<R>::connect(address, client_config()).await.expect("it listens");
        let outcome = client.send(envelope(), body).await.expect("it was tried");
        assert_eq!(outcome.summary(), Summary::Accepted);
    });
    join(server);
}

/// A small mail, its final dot and the commands of the next one are one write.
fn one_write_for_a_small_mail<R: Runs>() {
    let (address, server) = script(|accept| {
        let mut peer = accept();
        peer.greet();
        peer.take();
        peer.take();
    });
    let (write, writes) = channel();
    run::<R, _>(async {
        let mut client = Client::<R>::connect(address, client_config()).await.expect("it listens");
        client.observe(move |direction, octets: &[u8]| {
            if direction == Direction::Sent {
                write.send(String::from_utf8_lossy(octets).into_owned()).expect("somebody looks");
            }
        });
        let mails = [(envelope(), &b"one\r\n"[..]), (envelope(), &b"two\r\n"[..])];
        let mut outcomes = client.send_all(futures_lite::stream::iter(mails));
        while let Some(outcome) = outcomes.next().await {
            assert_eq!(outcome.expect("it was tried").summary(), Summary::Accepted);
        }
    });
    join(server);
    let commands = "MAIL FROM:<a@client.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n";
    let expected = [
        "EHLO client.example\r\n".to_owned(),
        commands.to_owned(),
        format!("one\r\n.\r\n{commands}"),
        "two\r\n.\r\n".to_owned(),
    ];
    assert_eq!(writes.try_iter().collect::<Vec<_>>(), expected);
}

/// What an observer sees is what went over the wire, in both directions.
fn observers_see_everything<R: Runs>() {
    let (address, server) = script(|accept: &dyn Fn() -> Peer| {
        let mut peer = accept();
        peer.greet();
        assert_eq!(peer.line(), "QUIT\r\n");
        peer.say("221 bye\r\n");
    });
    let seen = Arc::new(Mutex::new(String::new()));
    run::<R, _>(async {
        let mut client = Client::<R>::connect(address, client_config()).await.expect("it listens");
        let shared = Arc::clone(&seen);
        client.observe(move |direction, octets: &[u8]| {
            let side = if direction == Direction::Sent { "C:" } else { "S:" };
            let mut seen = shared.lock().expect("no panic");
            *seen = format!("{seen}{side}{}", String::from_utf8_lossy(octets));
        });
        assert!(client.ready().await.is_ok());
        assert_eq!(client.quit().await, CloseReason::Quit);
    });
    join(server);
    let expected = "S:220 mx.example\r\nC:EHLO client.example\r\nS:250-mx.example\r\n250 PIPELINING\r\n\
                    C:QUIT\r\nS:221 bye\r\n";
    assert_eq!(*seen.lock().expect("no panic"), expected);
}
