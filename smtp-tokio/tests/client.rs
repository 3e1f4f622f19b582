//! The client against a server that the test plays.

mod kit;

use core::time::Duration;
use std::io;

use kit::{Keeper, PATIENCE, Peer, Running, client_config, envelope, server_config, within};
use smtp_tokio::proto::CloseReason;
use smtp_tokio::proto::client::{Failure, Stage, Summary, Verdict};
use smtp_tokio::{Client, Pool, SendError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A client, and the server that it speaks to.
async fn pair() -> (Client, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let client = within(Client::connect(address, client_config())).await.expect("it listens");
    (client, Peer::accept(&listener).await)
}

/// R-4.2.5-02, REL-13: every recipient has its own verdict, and one refusal does not keep the mail from the others.
#[tokio::test]
async fn verdict_for_every_recipient() {
    let (mut client, mut peer) = pair().await;
    let server = async {
        peer.greet().await;
        for _ in 0..5 {
            peer.line().await;
        }
        peer.say("250 ok\r\n250 ok\r\n550 nobody\r\n452 later\r\n354 go\r\n").await;
        assert_eq!(peer.data().await, "Hello\r\n.\r\n");
        peer.say("250 taken\r\n").await;
    };
    let mail = envelope().to("nobody@mx.example").and_then(|mail| mail.to("full@mx.example")).expect("addresses");
    let (outcome, ()) = tokio::join!(within(client.send(mail, &b"Hello\r\n"[..])), server);
    let outcome = outcome.expect("it was tried");
    let verdicts: Vec<_> = outcome.recipients().map(|(_, verdict)| verdict.clone()).collect();
    assert!(matches!(&verdicts[..], [Verdict::Accepted(_), Verdict::Permanent(_), Verdict::Temporary(_)]));
    assert_eq!(outcome.summary(), Summary::Partial);
}

/// REL-04: lost after the final dot is unknown; REL-05: before it, refused.
#[tokio::test]
async fn lost_around_the_dot() {
    for (has_dot, summary) in [(true, Summary::Unknown), (false, Summary::Refused)] {
        let (mut client, mut peer) = pair().await;
        let (mut near, far) = tokio::io::duplex(64);
        let server = async {
            peer.greet().await;
            peer.take_envelope().await;
            near.write_all(b"Hello\r\n").await.expect("it reads");
            if has_dot {
                drop(near);
                peer.data().await;
                drop(peer);
            } else {
                // The body never ends.
                drop(peer);
                core::future::pending::<()>().await;
            }
        };
        let sending = within(client.send(envelope(), far));
        let outcome = tokio::select! {
            outcome = sending => outcome,
            () = async { server.await; core::future::pending().await } => unreachable!("it is pending"),
        };
        assert_eq!(outcome.expect("it was tried").summary(), summary);
    }
}

/// R-4.5.3.2-06: a server that is silent after the dot is left at the end of the time; what became of the mail is unknown.
#[tokio::test]
async fn silent_after_the_dot() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut config = client_config();
    config.timeouts.verdict = Duration::from_millis(50);
    let stream = within(TcpStream::connect(listener.local_addr().expect("an address"))).await.expect("it listens");
    let mut client = Client::from_stream(stream, config).expect("a configuration");
    let mut peer = Peer::accept(&listener).await;
    let server = async {
        peer.greet().await;
        peer.take_envelope().await;
        peer.data().await;
        peer.rest().await;
    };
    let (outcome, ()) = tokio::join!(within(client.send(envelope(), &b"Hello\r\n"[..])), server_until(server));
    let outcome = outcome.expect("it was tried");
    assert_eq!((outcome.summary(), outcome.stage()), (Summary::Unknown, Stage::Final));
    assert_eq!(outcome.failure(), Some(Failure::Connection(CloseReason::Timeout)));
}

/// The server side may see the client stay: that ends with the test.
async fn server_until(server: impl Future<Output = ()>) {
    let _ = tokio::time::timeout(Duration::from_millis(500), server).await;
}

/// A body that cannot be read is no mail, and its error comes back with the outcome.
#[tokio::test]
async fn body_that_cannot_be_read() {
    let keeper = Keeper::default();
    let server = Running::new(server_config(), keeper.backend()).await;
    let mut client = within(Client::connect(server.address, client_config())).await.expect("it listens");
    let broken = tokio_test_io();
    let Err(SendError::Body { error, outcome }) = within(client.send(envelope(), broken)).await else {
        panic!("the body cannot be read")
    };
    assert_eq!((error.kind(), outcome.summary()), (io::ErrorKind::InvalidData, Summary::Refused));
    assert_eq!(client.closed(), Some(CloseReason::Abandoned));
    drop(client);
    server.end().await;
    assert!(keeper.bodies().is_empty());
}

/// Some text, then an error.
fn tokio_test_io() -> impl tokio::io::AsyncRead + Unpin {
    struct Broken;
    impl tokio::io::AsyncRead for Broken {
        fn poll_read(
            self: core::pin::Pin<&mut Self>,
            _: &mut core::task::Context<'_>,
            _: &mut tokio::io::ReadBuf<'_>,
        ) -> core::task::Poll<io::Result<()>> {
            core::task::Poll::Ready(Err(io::ErrorKind::InvalidData.into()))
        }
    }
    (&b"half a mail\r\n"[..]).chain(Broken)
}

/// R-4.2.1-05: a connection that is over takes no mail, and gives the envelope back.
#[tokio::test]
async fn closed_connections_take_nothing() {
    let (mut client, mut peer) = pair().await;
    let server = async move {
        peer.say("554 go away\r\n").await;
        assert_eq!(peer.line().await, "QUIT\r\n");
    };
    let (ready, ()) = tokio::join!(within(client.ready()), server);
    assert_eq!(ready.expect_err("it is refused"), CloseReason::Refused);
    let Err(SendError::NotTried(refused)) = within(client.send(envelope(), &b"Hello\r\n"[..])).await else {
        panic!("the connection is over")
    };
    assert_eq!(refused.value.recipients().count(), 1);
}

/// A body that comes slowly leaves as it comes: what is there is not held back for what is not.
#[tokio::test]
async fn slow_bodies_leave_as_they_come() {
    let (mut client, mut peer) = pair().await;
    let (mut near, far) = tokio::io::duplex(1024);
    let server = async {
        peer.greet().await;
        peer.take_envelope().await;
        let line = b"x".repeat(998);
        for _ in 0..40 {
            near.write_all(&line).await.expect("it reads");
            near.write_all(b"\r\n").await.expect("it reads");
        }
        // Pieces up to 16 KiB may wait for each other; more than that has left without an end.
        for _ in 0..10 {
            assert_eq!(peer.line().await.len(), 1000);
        }
        drop(near);
        peer.data().await;
        peer.say("250 taken\r\n").await;
    };
    let (outcome, ()) = tokio::join!(within(client.send(envelope(), far)), server);
    assert_eq!(outcome.expect("it was tried").summary(), Summary::Accepted);
}

/// An address where nobody is: the error of the operating system, in time.
#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let refused = Client::connect_timeout(address, client_config(), PATIENCE).await;
    assert_eq!(refused.err().map(|error| error.kind()), Some(io::ErrorKind::ConnectionRefused));
}

/// Whoever has all the time there is need not reckon with its end.
#[tokio::test]
async fn endless_patience() {
    let keeper = Keeper::default();
    let mut config = server_config();
    config.timeouts.shutdown_grace = Duration::MAX;
    let server = Running::new(config, keeper.backend()).await;
    let client = within(Client::connect_timeout(server.address, client_config(), Duration::MAX)).await;
    let mut client = client.expect("it listens");
    assert!(within(client.ready()).await.is_ok());
    within(client.quit()).await;
    let pool = Pool::new(server.address.to_string(), client_config()).with_idle_time(Duration::MAX);
    let outcome = within(pool.send(envelope(), &b"Hello\r\n"[..])).await.expect("it was tried");
    assert_eq!(outcome.summary(), Summary::Accepted);
    within(pool.close()).await;
    server.end().await;
}

/// The first address that answers is taken.
#[tokio::test]
async fn second_address() {
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let keeper = Keeper::default();
    let server = Running::new(server_config(), keeper.backend()).await;
    let addresses = [closed.local_addr().expect("an address"), server.address];
    drop(closed);
    let mut client = within(Client::connect(&addresses[..], client_config())).await.expect("one of them listens");
    assert!(within(client.ready()).await.is_ok());
    drop(client);
    server.end().await;
}
