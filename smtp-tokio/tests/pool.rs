//! Connections that are kept: what a caller of the pool sees of their end, which is nothing.

mod kit;

use core::num::{NonZeroU32, NonZeroUsize};
use core::time::Duration;

use kit::{Keeper, Peer, Running, client_config, envelope, server_config, within};
use smtp_tokio::proto::client::{Stage, Summary};
use smtp_tokio::{Pool, PoolError};
use tokio::net::TcpListener;

async fn listen() -> (TcpListener, Pool) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, Pool::new(address.to_string(), client_config()))
}

/// Takes one mail and says yes.
async fn take(peer: &mut Peer) {
    peer.take_envelope().await;
    peer.data().await;
    peer.say("250 taken\r\n").await;
}

/// A connection serves one mail after the other.
#[tokio::test]
async fn connections_are_kept() {
    let (listener, pool) = listen().await;
    let server = tokio::spawn(async move {
        let mut peer = Peer::accept(&listener).await;
        peer.greet().await;
        take(&mut peer).await;
        take(&mut peer).await;
        assert_eq!(peer.line().await, "QUIT\r\n");
        peer.say("221 bye\r\n").await;
    });
    for _ in 0..2 {
        let outcome = within(pool.send(envelope(), &b"Hello\r\n"[..])).await.expect("it was tried");
        assert_eq!(outcome.summary(), Summary::Accepted);
    }
    within(pool.close()).await;
    within(server).await.expect("no panic");
}

/// REL-18: a kept connection that the server has closed, with and without 421, is noticed before a mail is given to it.
#[tokio::test]
async fn stale_connections_are_noticed() {
    for last_words in ["", "421 mx.example closing\r\n"] {
        let (listener, pool) = listen().await;
        let server = tokio::spawn(async move {
            let mut peer = Peer::accept(&listener).await;
            peer.greet().await;
            take(&mut peer).await;
            peer.say(last_words).await;
            drop(peer);
            let mut peer = Peer::accept(&listener).await;
            peer.greet().await;
            take(&mut peer).await;
        });
        for _ in 0..2 {
            let outcome = within(pool.send(envelope(), &b"Hello\r\n"[..])).await.expect("it was tried");
            assert_eq!(outcome.summary(), Summary::Accepted, "{outcome:?}");
        }
        within(server).await.expect("no panic");
    }
}

/// REL-18: a kept connection that breaks when the mail is given to it is replaced, and the mail is sent once.
#[tokio::test]
async fn broken_connections_are_replaced() {
    for last_words in ["", "421 mx.example closing\r\n"] {
        let (listener, pool) = listen().await;
        let server = tokio::spawn(async move {
            let mut peer = Peer::accept(&listener).await;
            peer.greet().await;
            take(&mut peer).await;
            assert!(peer.line().await.starts_with("MAIL"));
            peer.say(last_words).await;
            drop(peer);
            let mut peer = Peer::accept(&listener).await;
            peer.greet().await;
            take(&mut peer).await;
        });
        for _ in 0..2 {
            let outcome = within(pool.send(envelope(), &b"Hello\r\n"[..])).await.expect("it was tried");
            assert_eq!(outcome.summary(), Summary::Accepted, "{outcome:?}");
        }
        within(server).await.expect("no panic");
    }
}

/// REL-04: a connection that breaks after the final dot is not replaced: nobody knows what became of the mail.
#[tokio::test]
async fn nothing_is_sent_twice() {
    let (listener, pool) = listen().await;
    let server = tokio::spawn(async move {
        let mut peer = Peer::accept(&listener).await;
        peer.greet().await;
        take(&mut peer).await;
        peer.take_envelope().await;
        peer.data().await;
        drop(peer);
        tokio::time::timeout(Duration::from_millis(300), listener.accept()).await.expect_err("nobody connects again");
    });
    let outcome = within(pool.send(envelope(), &b"Hello\r\n"[..])).await.expect("it was tried");
    assert_eq!(outcome.summary(), Summary::Accepted);
    let outcome = within(pool.send(envelope(), &b"Hello\r\n"[..])).await.expect("it was tried");
    assert_eq!((outcome.summary(), outcome.stage()), (Summary::Unknown, Stage::Final));
    within(server).await.expect("no panic");
}

/// A connection is given so many mails, and no more.
#[tokio::test]
async fn connections_are_used_up() {
    let keeper = Keeper::default();
    let server = Running::new(server_config(), keeper.backend()).await;
    let pool = Pool::new(server.address.to_string(), client_config()).with_max_messages(NonZeroU32::MIN);
    for _ in 0..3 {
        let outcome = within(pool.send(envelope(), &b"Hello\r\n"[..])).await.expect("it was tried");
        assert_eq!(outcome.summary(), Summary::Accepted);
    }
    assert_eq!(keeper.bodies().len(), 3);
    server.end().await;
}

/// A connection that nobody needs is ended with QUIT.
#[tokio::test]
async fn idle_connections_are_ended() {
    let (listener, pool) = listen().await;
    let pool = pool.with_idle_time(Duration::from_millis(20));
    let server = tokio::spawn(async move {
        let mut peer = Peer::accept(&listener).await;
        peer.greet().await;
        take(&mut peer).await;
        assert_eq!(peer.line().await, "QUIT\r\n");
    });
    let outcome = within(pool.send(envelope(), &b"Hello\r\n"[..])).await.expect("it was tried");
    assert_eq!(outcome.summary(), Summary::Accepted);
    within(server).await.expect("no panic");
}

/// No more connections than allowed exist at one time: whoever is too many waits.
#[tokio::test]
async fn concurrency_is_limited() {
    let keeper = Keeper::default();
    let server = kit::Running::of(
        smtp_tokio::Server::bind("127.0.0.1:0", server_config())
            .await
            .expect("a port")
            .with_caps(NonZeroUsize::new(2).expect("not 0"), NonZeroUsize::new(2).expect("not 0")),
        keeper.backend(),
    );
    let pool =
        Pool::new(server.address.to_string(), client_config()).with_concurrency(NonZeroUsize::new(2).expect("not 0"));
    let sends: Vec<_> = (0..50)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { within(pool.send(envelope(), &b"Hello\r\n"[..])).await })
        })
        .collect();
    for send in sends {
        let outcome = send.await.expect("no panic").expect("it was tried");
        assert_eq!(outcome.summary(), Summary::Accepted, "{outcome:?}");
    }
    assert_eq!(keeper.bodies().len(), 50);
    within(pool.close()).await;
    server.end().await;
}

/// Without a connection the envelope comes back.
#[tokio::test]
async fn nobody_listens() {
    let (listener, pool) = listen().await;
    drop(listener);
    let Err(PoolError::Connect { .. }) = within(pool.send(envelope(), &b"Hello\r\n"[..])).await else {
        panic!("nobody listens there")
    };
}
