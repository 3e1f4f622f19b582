//! Client and server of this crate with each other, over real sockets.

mod kit;

use core::future::poll_fn;
use core::pin::Pin;

use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _, stream};
use kit::{Keeper, Running, Runs, client_config, envelope, no_such_user, on_each_runtime, run, script, server_config};
use smtp_async_std::proto::CloseReason;
use smtp_async_std::proto::client::{Envelope, Failure, Summary, Verdict};
use smtp_async_std::{Client, SendError};

on_each_runtime!(
    mails_arrive,
    many_mails_at_once,
    outcomes_are_a_stream,
    verdict_for_every_recipient,
    broken_bodies_cut,
    names_are_looked_up,
    silent_servers_are_left,
    nobody_listens,
    a_client_of_a_stream,
    closing_ends_one_direction,
);

/// Any number of mails on one connection, each with its outcome; an octet of every kind arrives as it was.
fn mails_arrive<R: Runs>() {
    let keeper = Keeper::default();
    let server = Running::new::<R>(server_config(), keeper.backend());
    let eight_bit: Vec<u8> = (1..=255).filter(|octet| !b"\r\n".contains(octet)).chain(*b"\r\n").collect();
    let bodies: [&[u8]; 5] =
        [b"", b"one\r\n", b".\r\n..\r\n.\r\n", &eight_bit, &b"0123456789abcde\r\n".repeat(100_000)];
    run::<R, _>(async {
        let mut client = Client::<R>::connect(server.address, client_config()).await.expect("it listens");
        assert!(client.ready().await.is_ok());
        for body in bodies {
            let outcome = client.send(envelope(), body).await.expect("it was tried");
            assert_eq!(outcome.summary(), Summary::Accepted, "{outcome:?}");
        }
        assert_eq!(client.quit().await, CloseReason::Quit);
    });
    server.end();
    assert!(keeper.bodies() == bodies);
}

/// Three mails, the next one on its way with the end of the one before.
fn many_mails_at_once<R: Runs>() {
    let keeper = Keeper::default();
    let server = Running::new::<R>(server_config(), keeper.backend());
    let bodies: [&[u8]; 3] = [b"one\r\n", b"", b"three\r\n"];
    run::<R, _>(async {
        let mut client = Client::<R>::connect(server.address, client_config()).await.expect("it listens");
        let mut outcomes = client.send_all(stream::iter(bodies.map(|body| (envelope(), body))));
        for _ in bodies {
            let outcome = outcomes.next().await.expect("an outcome each").expect("it was tried");
            assert_eq!(outcome.summary(), Summary::Accepted, "{outcome:?}");
        }
        assert!(outcomes.next().await.is_none());
        drop(outcomes);
        assert_eq!(client.quit().await, CloseReason::Quit);
    });
    server.end();
    assert!(keeper.bodies() == bodies);
}

/// The same read as a stream, and with a mail among them that cannot be tried.
fn outcomes_are_a_stream<R: Runs>() {
    let keeper = Keeper::default();
    let server = Running::new::<R>(server_config(), keeper.backend());
    let to_nobody = Envelope::new("a@client.example").expect("an address");
    let mails = [envelope(), to_nobody, envelope()].map(|envelope| (envelope, &b"Hello\r\n"[..]));
    run::<R, _>(async {
        let mut client = Client::<R>::connect(server.address, client_config()).await.expect("it listens");
        let mut outcomes = client.send_all(stream::iter(mails));
        let mut tried = Vec::new();
        while let Some(outcome) = poll_fn(|cx| futures_core::Stream::poll_next(Pin::new(&mut outcomes), cx)).await {
            tried.push(match outcome {
                Ok(outcome) => outcome.summary() == Summary::Accepted,
                Err(SendError::NotTried(_)) => false,
                Err(error) => panic!("{error}"),
            });
        }
        assert_eq!(tried, [true, false, true]);
    });
    server.end();
    assert_eq!(keeper.bodies().len(), 2);
}

/// REL-13: a verdict for each recipient, and the mail goes to those that were accepted.
fn verdict_for_every_recipient<R: Runs>() {
    let keeper = Keeper::default();
    let server = Running::new::<R>(server_config(), keeper.backend());
    run::<R, _>(async {
        let mut client = Client::<R>::connect(server.address, client_config()).await.expect("it listens");
        let two = envelope().to("nobody@mx.example").expect("an address");
        let outcome = client.send(two, &b"Hello\r\n"[..]).await.expect("it was tried");
        assert_eq!(outcome.summary(), Summary::Partial);
        let verdicts: Vec<_> = outcome.recipients().collect();
        assert!(matches!(verdicts[0], ("b@mx.example", Verdict::Accepted(_))), "{verdicts:?}");
        assert!(matches!(verdicts[1].1, Verdict::Permanent(Some(reply)) if *reply == no_such_user()), "{verdicts:?}");
        let one = Envelope::new("a@client.example").and_then(|mail| mail.to("nobody@mx.example")).expect("addresses");
        let outcome = client.send(one, &b"Hello\r\n"[..]).await.expect("it was tried");
        assert_eq!(outcome.summary(), Summary::Refused);
    });
    server.end();
    assert_eq!(keeper.0.lock().expect("no panic")[0].0, ["b@mx.example"]);
    assert_eq!(keeper.bodies().len(), 1);
}

/// A reader that fails cuts the connection before the final dot: the server takes nothing, and the error is told.
fn broken_bodies_cut<R: Runs>() {
    struct Broken;

    impl futures_io::AsyncRead for Broken {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut core::task::Context<'_>,
            _: &mut [u8],
        ) -> core::task::Poll<std::io::Result<usize>> {
            core::task::Poll::Ready(Err(std::io::Error::other("out of order")))
        }
    }

    let keeper = Keeper::default();
    let server = Running::new::<R>(server_config(), keeper.backend());
    run::<R, _>(async {
        let mut client = Client::<R>::connect(server.address, client_config()).await.expect("it listens");
        let body = (&b"half a mail\r\n"[..]).chain(Broken);
        let Err(SendError::Body { error, outcome }) = client.send(envelope(), body).await else {
            panic!("it cannot be read")
        };
        assert_eq!(error.to_string(), "out of order");
        assert_eq!(outcome.failure(), Some(Failure::Connection(CloseReason::Abandoned)));
        assert_eq!(client.closed(), Some(CloseReason::Abandoned));
    });
    server.end();
    assert!(keeper.bodies().is_empty());
}

/// Servers are found by name, and what is not the name of one is an error.
fn names_are_looked_up<R: Runs>() {
    let (address, server) = script(|accept| {
        accept();
        accept();
    });
    run::<R, _>(async {
        let text = format!("localhost:{}", address.port());
        assert!(Client::<R>::connect(&text, client_config()).await.is_ok());
        assert!(Client::<R>::connect(("localhost", address.port()), client_config()).await.is_ok());
        assert!(Client::<R>::connect("no port", client_config()).await.is_err());
        assert!(Client::<R>::connect(Vec::new(), client_config()).await.is_err());
    });
    kit::join(server);
}

/// A server that never speaks is left when its time is over.
fn silent_servers_are_left<R: Runs>() {
    let (address, server) = script(|accept| accept().rest());
    let mut config = client_config();
    config.timeouts.greeting = core::time::Duration::from_millis(50);
    run::<R, _>(async {
        let mut client = Client::<R>::connect(address, config).await.expect("it listens");
        let outcome = client.send(envelope(), &b"Hello\r\n"[..]).await.expect("it was tried");
        assert_eq!(outcome.failure(), Some(Failure::Connection(CloseReason::Timeout)));
    });
    assert_eq!(kit::join(server), "");
}

/// Addresses are tried in turn, and the last one says why there is no connection.
fn nobody_listens<R: Runs>() {
    let keeper = Keeper::default();
    let server = Running::new::<R>(server_config(), keeper.backend());
    let deserted = std::net::TcpListener::bind("127.0.0.1:0").and_then(|gone| gone.local_addr()).expect("a port");
    run::<R, _>(async {
        let Err(error) = Client::<R>::connect(deserted, client_config()).await else { panic!("nobody listens there") };
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
        let mut client = Client::<R>::connect(vec![deserted, server.address], client_config()).await.expect("one does");
        assert!(client.ready().await.is_ok());
    });
    server.end();
}

/// A socket that is connected already serves as well.
fn a_client_of_a_stream<R: Runs>() {
    let keeper = Keeper::default();
    let server = Running::new::<R>(server_config(), keeper.backend());
    run::<R, _>(async {
        let socket = R::connect(server.address).await.expect("it listens");
        let mut client = Client::<R>::from_stream(socket, client_config()).expect("a configuration");
        let outcome = client.send(envelope(), &b"Hello\r\n"[..]).await.expect("it was tried");
        assert_eq!(outcome.summary(), Summary::Accepted);
    });
    server.end();
}

/// The peer of a socket that is closed reads the end, while the other direction goes on.
fn closing_ends_one_direction<R: Runs>() {
    let (address, server) = script(|accept| {
        let mut peer = accept();
        assert_eq!(peer.rest(), "Hello");
        peer.say("Hello as well");
    });
    run::<R, _>(async {
        let mut socket = R::connect(address).await.expect("it listens");
        socket.write_all(b"Hello").await.expect("it reads");
        socket.close().await.expect("it is open");
        let mut rest = String::new();
        socket.read_to_string(&mut rest).await.expect("text");
        assert_eq!(rest, "Hello as well");
    });
    kit::join(server);
}
