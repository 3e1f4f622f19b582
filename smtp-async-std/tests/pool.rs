//! Connections that are kept: what a caller of the pool sees of their end, which is nothing.

mod kit;

use core::num::{NonZeroU32, NonZeroUsize};
use core::time::Duration;
use std::net::TcpListener;

use kit::{
    Keeper, Peer, Running, Runs, bind, client_config, envelope, join, on_each_runtime, run, script, server_config,
};
use smtp_async_std::proto::client::{Outcome, Stage, Summary};
use smtp_async_std::{Client, Pool, PoolError};

on_each_runtime!(
    connections_are_kept,
    stale_connections_are_noticed,
    broken_connections_are_replaced,
    nothing_is_sent_twice,
    connections_are_used_up,
    idle_connections_are_ended,
    connections_are_kept_for_ever,
    concurrency_is_limited,
    nobody_listens,
);

fn send<R: Runs>(pool: &Pool<R>) -> Outcome {
    run::<R, _>(pool.send(envelope(), &b"Hello\r\n"[..])).expect("it was tried")
}

/// A connection serves one mail after the other.
fn connections_are_kept<R: Runs>() {
    let (address, server) = script(|accept| {
        let mut peer = accept();
        peer.greet();
        peer.take();
        peer.take();
        assert_eq!(peer.line(), "QUIT\r\n");
        peer.say("221 bye\r\n");
    });
    let pool = Pool::<R>::new(address.to_string(), client_config());
    for _ in 0..2 {
        assert_eq!(send(&pool).summary(), Summary::Accepted);
    }
    run::<R, _>(pool.close());
    join(server);
}

/// REL-18: a kept connection that the server has closed, with and without 421, is noticed before a mail is given to it.
fn stale_connections_are_noticed<R: Runs>() {
    for last_words in ["", "421 mx.example closing\r\n"] {
        let (closed, is_closed) = std::sync::mpsc::channel();
        let (address, server) = script(move |accept| {
            let mut peer = accept();
            peer.greet();
            peer.take();
            peer.say(last_words);
            drop(peer);
            closed.send(()).expect("it waits");
            let mut peer = accept();
            peer.greet();
            peer.take();
        });
        let pool = Pool::<R>::new(address.to_string(), client_config());
        assert_eq!(send(&pool).summary(), Summary::Accepted);
        is_closed.recv_timeout(kit::PATIENCE).expect("in time");
        let outcome = send(&pool);
        assert_eq!(outcome.summary(), Summary::Accepted, "{outcome:?}");
        join(server);
    }
}

/// REL-18: a kept connection that breaks when the mail is given to it is replaced, and the mail is sent once.
fn broken_connections_are_replaced<R: Runs>() {
    for last_words in ["", "421 mx.example closing\r\n"] {
        let (address, server) = script(move |accept| {
            let mut peer = accept();
            peer.greet();
            peer.take();
            assert!(peer.line().starts_with("MAIL"));
            peer.say(last_words);
            drop(peer);
            let mut peer = accept();
            peer.greet();
            peer.take();
        });
        let pool = Pool::<R>::new(address.to_string(), client_config());
        for _ in 0..2 {
            let outcome = send(&pool);
            assert_eq!(outcome.summary(), Summary::Accepted, "{outcome:?}");
        }
        join(server);
    }
}

/// REL-04: a connection that breaks after the final dot is not replaced: nobody knows what became of the mail.
fn nothing_is_sent_twice<R: Runs>() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = std::thread::spawn(move || {
        let mut peer = Peer::new(listener.accept().expect("a connection").0);
        peer.greet();
        peer.take();
        peer.take_envelope();
        peer.data();
        drop(peer);
        listener
    });
    let pool = Pool::<R>::new(address.to_string(), client_config());
    assert_eq!(send(&pool).summary(), Summary::Accepted);
    let outcome = send(&pool);
    assert_eq!((outcome.summary(), outcome.stage()), (Summary::Unknown, Stage::Final));
    let listener = join(server);
    listener.set_nonblocking(true).expect("an option");
    assert!(listener.accept().is_err(), "somebody has connected again");
}

/// A connection is given so many mails, and no more.
fn connections_are_used_up<R: Runs>() {
    let keeper = Keeper::default();
    let server = Running::new::<R>(server_config(), keeper.backend());
    let pool = Pool::<R>::new(server.address.to_string(), client_config()).with_max_messages(NonZeroU32::MIN);
    for _ in 0..3 {
        assert_eq!(send(&pool).summary(), Summary::Accepted);
    }
    assert_eq!(keeper.bodies().len(), 3);
    server.end();
}

/// A connection that nobody needs is ended with QUIT.
fn idle_connections_are_ended<R: Runs>() {
    let (address, server) = script(|accept| {
        let mut peer = accept();
        peer.greet();
        peer.take();
        assert_eq!(peer.line(), "QUIT\r\n");
    });
    let pool = Pool::<R>::new(address.to_string(), client_config()).with_idle_time(Duration::from_millis(20));
    assert_eq!(send(&pool).summary(), Summary::Accepted);
    join(server);
}

/// Times that are as long as can be are no mistake.
fn connections_are_kept_for_ever<R: Runs>() {
    let keeper = Keeper::default();
    let mut config = server_config();
    config.timeouts.shutdown_grace = Duration::MAX;
    let server = Running::new::<R>(config, keeper.backend());
    let pool = Pool::<R>::new(server.address.to_string(), client_config()).with_idle_time(Duration::MAX);
    for _ in 0..2 {
        assert_eq!(send(&pool).summary(), Summary::Accepted);
    }
    let connect = Client::<R>::connect_timeout(server.address, client_config(), Duration::MAX);
    assert!(run::<R, _>(connect).is_ok());
    run::<R, _>(pool.close());
    server.end();
}

/// No more connections than allowed exist at one time: whoever is too many waits.
fn concurrency_is_limited<R: Runs>() {
    let keeper = Keeper::default();
    let two = NonZeroUsize::new(2).expect("not 0");
    let server = Running::of::<R>(bind::<R>(server_config()).with_caps(two, two), keeper.backend());
    let pool = Pool::<R>::new(server.address.to_string(), client_config()).with_concurrency(two);
    let sends: Vec<_> = (0..50)
        .map(|_| {
            let pool = pool.clone();
            std::thread::spawn(move || send(&pool))
        })
        .collect();
    for send in sends {
        let outcome = join(send);
        assert_eq!(outcome.summary(), Summary::Accepted, "{outcome:?}");
    }
    assert_eq!(keeper.bodies().len(), 50);
    run::<R, _>(pool.close());
    server.end();
}

/// Without a connection the envelope comes back.
fn nobody_listens<R: Runs>() {
    let deserted = TcpListener::bind("127.0.0.1:0").and_then(|gone| gone.local_addr()).expect("a port");
    let pool = Pool::<R>::new(deserted.to_string(), client_config());
    let Err(PoolError::Connect { envelope, .. }) = run::<R, _>(pool.send(envelope(), &b"Hello\r\n"[..])) else {
        panic!("nobody listens there")
    };
    assert_eq!(envelope.recipients().collect::<Vec<_>>(), ["b@mx.example"]);
}
