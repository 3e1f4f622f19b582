//! Futures that are dropped before they are done (REL-08): nothing is lost, and no part of a mail is taken for the whole.

mod kit;

use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;

use futures_core::Stream;
use kit::{Keeper, Peer, Running, client_config, envelope, server_config, within};
use smtp_tokio::proto::CloseReason;
use smtp_tokio::proto::client::{Envelope, Summary};
use smtp_tokio::{Client, SendError};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpListener;

/// Gives these octets, then nothing for ever.
struct Stuck(&'static [u8]);

impl AsyncRead for Stuck {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.0.is_empty() {
            return Poll::Pending;
        }
        out.put_slice(core::mem::take(&mut self.0));
        Poll::Ready(Ok(()))
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

/// Polls a future once, and drops it.
async fn once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = core::pin::pin!(future);
    core::future::poll_fn(|cx| {
        Poll::Ready(match future.as_mut().poll(cx) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        })
    })
    .await
}

/// REL-08: `next` is dropped each time it waits, and every mail arrives once.
#[tokio::test]
async fn next_goes_on() {
    let keeper = Keeper::default();
    let server = Running::new(server_config(), keeper.backend()).await;
    let mut client = within(Client::connect(server.address, client_config())).await.expect("it listens");
    let mut outcomes = client.send_all(Mails { left: 20, hesitates: false });
    let (mut accepted, mut dropped) = (0, 0);
    within(async {
        loop {
            match once(outcomes.next()).await {
                None => {
                    dropped += 1;
                    tokio::task::yield_now().await;
                }
                Some(None) => break,
                Some(Some(outcome)) => {
                    assert_eq!(outcome.expect("it was tried").summary(), Summary::Accepted);
                    accepted += 1;
                }
            }
        }
    })
    .await;
    drop(outcomes);
    assert_eq!((accepted, keeper.bodies().len()), (20, 20));
    assert!(dropped >= 20, "{dropped}");
    assert_eq!(within(client.quit()).await, CloseReason::Quit);
    server.end().await;
}

/// REL-08: `ready` goes on as well.
#[tokio::test]
async fn ready_goes_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut client = within(Client::connect(address, client_config())).await.expect("it listens");
    let mut peer = Peer::accept(&listener).await;
    assert!(once(client.ready()).await.is_none());
    peer.say("220 mx.exa").await;
    assert!(once(client.ready()).await.is_none());
    peer.say("mple\r\n").await;
    let (ready, ()) = tokio::join!(within(client.ready()), async {
        assert_eq!(peer.line().await, "EHLO client.example\r\n");
        peer.say("250 mx.example\r\n").await;
    });
    assert!(ready.is_ok());
}

/// REL-08: a mail whose `send` is dropped in the middle of the body never gets its final dot, and the connection is over.
#[tokio::test]
async fn dropped_send_is_no_mail() {
    let keeper = Keeper::default();
    let server = Running::new(server_config(), keeper.backend()).await;
    let mut client = within(Client::connect(server.address, client_config())).await.expect("it listens");
    let stuck = client.send(envelope(), Stuck(b"half a mail\r\n"));
    let waited = tokio::time::timeout(core::time::Duration::from_millis(100), stuck).await;
    assert!(waited.is_err(), "the body never ends");
    assert_eq!(client.closed(), Some(CloseReason::Abandoned));
    let Err(SendError::NotTried(_)) = within(client.send(envelope(), &b"Hello\r\n"[..])).await else {
        panic!("the connection is over")
    };
    drop(client);
    server.end().await;
    assert!(keeper.bodies().is_empty());
}

/// REL-08: a `send` that is dropped before it was polled has done nothing.
#[tokio::test]
async fn unpolled_send_does_nothing() {
    let keeper = Keeper::default();
    let server = Running::new(server_config(), keeper.backend()).await;
    let mut client = within(Client::connect(server.address, client_config())).await.expect("it listens");
    drop(client.send(envelope(), &b"never\r\n"[..]));
    let outcome = within(client.send(envelope(), &b"Hello\r\n"[..])).await.expect("it was tried");
    assert_eq!(outcome.summary(), Summary::Accepted);
    assert_eq!(keeper.bodies(), [b"Hello\r\n"]);
    server.end().await;
}
