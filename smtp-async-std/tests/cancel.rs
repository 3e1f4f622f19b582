//! Futures that are dropped before they are done (REL-08): nothing is lost, and no part of a mail is taken for the whole.

mod kit;

use core::future::poll_fn;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::channel;

use futures_core::Stream;
use futures_io::AsyncRead;
use futures_lite::future::{self, poll_once};
use kit::{Keeper, Peer, Running, Runs, bind, client_config, envelope, on_each_runtime, run, script, server_config};
use smol::Executor;
use smtp_async_std::proto::CloseReason;
use smtp_async_std::proto::client::{Envelope, Summary};
use smtp_async_std::{Client, SendError};

on_each_runtime!(
    next_goes_on,
    ready_goes_on,
    dropped_send_is_no_mail,
    send_is_dropped_at_every_wait,
    unpolled_send_does_nothing,
    dropped_service_is_cut
);

/// Gives these octets, then nothing for ever.
struct Stuck(&'static [u8]);

impl AsyncRead for Stuck {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, out: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.0.is_empty() {
            return Poll::Pending;
        }
        let octets = core::mem::take(&mut self.0);
        out[..octets.len()].copy_from_slice(octets);
        Poll::Ready(Ok(octets.len()))
    }
}

/// So many mails, one each time it is asked twice.
struct Mails {
    left: usize,
    hesitates: bool,
}

impl Stream for Mails {
    type Item = (Envelope, &'static [u8]);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.hesitates = !self.hesitates;
        if self.hesitates {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        Poll::Ready(Some((envelope(), b"Hello\r\n")))
    }
}

/// REL-08: `next` is dropped each time it waits, and every mail arrives once.
fn next_goes_on<R: Runs>() {
    let keeper = Keeper::default();
    let server = Running::new::<R>(server_config(), keeper.backend());
    run::<R, _>(async {
        let mut client = Client::<R>::connect(server.address, client_config()).await.expect("it listens");
        let mut outcomes = client.send_all(Mails { left: 20, hesitates: false });
        let (mut accepted, mut dropped) = (0, 0);
        loop {
            match poll_once(outcomes.next()).await {
                None => {
                    dropped += 1;
                    future::yield_now().await;
                }
                Some(None) => break,
                Some(Some(outcome)) => {
                    assert_eq!(outcome.expect("it was tried").summary(), Summary::Accepted);
                    accepted += 1;
                }
            }
        }
        drop(outcomes);
        assert_eq!((accepted, keeper.bodies().len()), (20, 20));
        assert!(dropped >= 20, "{dropped}");
        assert_eq!(client.quit().await, CloseReason::Quit);
    });
    server.end();
}

/// REL-08: `ready` goes on as well, woken by what comes after it was dropped.
fn ready_goes_on<R: Runs>() {
    let (go, may_go) = channel();
    let (address, server) = script(move |accept| {
        let mut peer = accept();
        for octets in ["220 mx.exa", "mple\r\n"] {
            may_go.recv_timeout(kit::PATIENCE).expect("in time");
            peer.say(octets);
        }
        assert_eq!(peer.line(), "EHLO client.example\r\n");
        peer.say("250 mx.example\r\n");
        peer.rest()
    });
    run::<R, _>(async {
        let mut client = Client::<R>::connect(address, client_config()).await.expect("it listens");
        assert!(poll_once(client.ready()).await.is_none());
        go.send(()).expect("it waits");
        assert!(poll_once(client.ready()).await.is_none());
        go.send(()).expect("it waits");
        assert!(client.ready().await.is_ok());
    });
    kit::join(server);
}

/// REL-08: a mail whose `send` is dropped in the middle of the body never gets its final dot, and the connection is over.
fn dropped_send_is_no_mail<R: Runs>() {
    let (address, server) = script(|accept| {
        let mut peer = accept();
        peer.greet();
        peer.take_envelope();
        let half = peer.line();
        (half, peer.rest())
    });
    run::<R, _>(async {
        let mut client = Client::<R>::connect(address, client_config()).await.expect("it listens");
        let stuck = client.send(envelope(), Stuck(b"half a mail\r\n"));
        assert!(kit::within::<R, _>(Duration::from_millis(200), stuck).await.is_none(), "the body never ends");
        assert_eq!(client.closed(), Some(CloseReason::Abandoned));
        let Err(SendError::NotTried(_)) = client.send(envelope(), &b"Hello\r\n"[..]).await else {
            panic!("the connection is over")
        };
    });
    assert_eq!(kit::join(server), ("half a mail\r\n".to_owned(), String::new()));
}

/// REL-08: a `send` that is dropped before it was polled has done nothing.
fn unpolled_send_does_nothing<R: Runs>() {
    let keeper = Keeper::default();
    let server = Running::new::<R>(server_config(), keeper.backend());
    run::<R, _>(async {
        let mut client = Client::<R>::connect(server.address, client_config()).await.expect("it listens");
        drop(client.send(envelope(), &b"never\r\n"[..]));
        let outcome = client.send(envelope(), &b"Hello\r\n"[..]).await.expect("it was tried");
        assert_eq!(outcome.summary(), Summary::Accepted);
    });
    assert_eq!(keeper.bodies(), [b"Hello\r\n"]);
    server.end();
}

/// REL-08: `send` is dropped at its first wait, at its second, and so on. A mail that was cut before its end is never
/// stored, one whose verdict was awaited is stored once at most, and the connection never takes another.
fn send_is_dropped_at_every_wait<R: Runs>() {
    let (mut waits, mut stored) = (0, 0);
    loop {
        let keeper = Keeper::default();
        // All on one thread, so that every answer of the server has to be waited for.
        let executor = Arc::new(Executor::new());
        let spawner = Arc::clone(&executor);
        let server = bind::<R>(server_config()).with_executor(move |task| spawner.spawn(task).detach());
        let (address, handle) = (server.local_addr().expect("an address"), server.handle());
        let service = executor.spawn(server.serve(keeper.backend()));
        let is_done = run::<R, _>(executor.run(async {
            let mut client = Client::<R>::connect(address, client_config()).await.expect("it listens");
            let is_done = up_to(waits, client.send(envelope(), &b"Hello\r\n"[..])).await.is_some();
            if is_done {
                assert!(client.closed().is_none());
            } else if waits > 0 {
                assert_eq!(client.closed(), Some(CloseReason::Abandoned), "after {waits} waits");
                let Err(SendError::NotTried(_)) = client.send(envelope(), &b"Hello\r\n"[..]).await else {
                    panic!("after {waits} waits the connection is over")
                };
            }
            drop(client);
            handle.shutdown();
            service.await.expect("a usable configuration");
            is_done
        }));
        assert!(keeper.bodies().len() <= 1, "after {waits} waits");
        stored += keeper.bodies().len();
        if is_done {
            break;
        }
        waits += 1;
    }
    // Greeting, EHLO, the envelope and the verdict are waited for.
    assert!((4..100).contains(&waits), "{waits} waits");
    assert!((1..=waits - 3).contains(&stored), "nothing is whole before the envelope is answered: {stored} of {waits}");
}

/// Polls a future until it has waited so many times, then drops it.
async fn up_to<T>(mut waits: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        if waits == 0 {
            return Poll::Ready(None);
        }
        waits -= 1;
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

/// REL-08: dropping `serve` cuts all connections at once, also in the middle of a message.
fn dropped_service_is_cut<R: Runs>() {
    let mut config = server_config();
    // Nothing else wakes the tasks.
    config.timeouts.buffers = 2 * kit::PATIENCE;
    let server = bind::<R>(config);
    let address = server.local_addr().expect("an address");
    let (stop, stopped) = channel::<()>();
    let keeper = Keeper::default();
    let service = std::thread::spawn(move || {
        R::block_on(async {
            let mut service = pin!(server.serve(keeper.backend()));
            poll_fn(|cx| {
                let ended = service.as_mut().poll(cx);
                assert!(ended.is_pending());
                if stopped.try_recv().is_ok() {
                    return Poll::Ready(());
                }
                Poll::Pending
            })
            .await;
        });
    });
    let mut idle = Peer::greeted(address);
    let mut sending = Peer::in_data(address);
    sending.say("half a");
    stop.send(()).expect("it waits");
    // Another connection is what wakes it.
    let mut last = Peer::connect(address);
    kit::join(service);
    assert_eq!(idle.rest(), "");
    assert_eq!(sending.rest(), "");
    let rest = last.rest();
    assert!(rest.is_empty() || rest.starts_with("220 "), "{rest:?}");
}
