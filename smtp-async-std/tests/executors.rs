//! Executors that this crate knows nothing of.

mod kit;

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::{self, ThreadId};

use futures_lite::future;
use kit::{Keeper, Peer, Runs, bind, client_config, envelope, on_each_runtime, server_config};
use smol::{Executor, LocalExecutor};
use smtp_async_std::proto::client::Summary;
use smtp_async_std::proto::server::{Mail, Rcpt};
use smtp_async_std::{Accept, Answer, BodyReader, Client, Envelope, Session};

on_each_runtime!(one_thread_for_all, panics_stay_here, executors_that_end_cut, plain_block_on);

/// Says on which threads it was called.
struct Threads(Arc<std::sync::Mutex<Vec<ThreadId>>>);

impl Session for Threads {
    async fn mail(&mut self, _: &Mail) -> Answer {
        self.0.lock().expect("no panic").push(thread::current().id());
        future::yield_now().await;
        self.0.lock().expect("no panic").push(thread::current().id());
        Ok(Accept::Usual)
    }

    async fn rcpt(&mut self, _: &Rcpt) -> Answer {
        Ok(Accept::Usual)
    }

    async fn data(&mut self, _: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        futures_lite::io::copy(body, &mut futures_lite::io::sink()).await?;
        Ok(Accept::Usual)
    }
}

/// A server, the tasks of its connections and its clients are all run by one thread, on an executor of one's own.
fn one_thread_for_all<R: Runs>() {
    let executor = Arc::new(Executor::new());
    let threads = Arc::default();
    let local = LocalExecutor::new();
    kit::run::<R, _>(future::or(
        async {
            let spawner = Arc::clone(&executor);
            let server = bind::<R>(server_config()).with_executor(move |task| spawner.spawn(task).detach());
            let (address, handle) = (server.local_addr().expect("an address"), server.handle());
            let told = Arc::clone(&threads);
            let service = local.spawn(server.serve(move |_: &_| Threads(Arc::clone(&told))));
            let sends: Vec<_> = (0..10)
                .map(|_| {
                    local.spawn(async move {
                        let mut client = Client::<R>::connect(address, client_config()).await.expect("it listens");
                        client.send(envelope(), &b"Hello\r\n"[..]).await.expect("it was tried")
                    })
                })
                .collect();
            local
                .run(async {
                    for send in sends {
                        assert_eq!(send.await.summary(), Summary::Accepted);
                    }
                    handle.shutdown();
                    service.await.expect("a usable configuration");
                })
                .await;
        },
        executor.run(future::pending()),
    ));
    assert_eq!(*threads.lock().expect("no panic"), [thread::current().id(); 20]);
}

/// A panic that is none of a session's does not reach an executor of one's own: here a thread that serves one connection
/// after the other.
fn panics_stay_here<R: Runs>() {
    let (tasks, connections) = channel();
    let executor = thread::spawn(move || {
        for task in connections {
            future::block_on(task);
        }
    });
    let server = bind::<R>(server_config()).with_executor(move |task| tasks.send(task).expect("it waits"));
    let server = server.with_observer(|_| |_, octets: &[u8]| assert_ne!(octets, b"NOOP panic\r\n", "as it was told"));
    let server = kit::Running::of::<R>(server, Keeper::default().backend());
    assert_eq!(Peer::greeted(server.address).ask("NOOP panic"), "");
    assert!(Peer::greeted(server.address).ask("NOOP").starts_with("250 "));
    server.end();
    kit::join(executor);
}

/// An executor that drops its tasks cuts their connections, and the service does not wait for them.
fn executors_that_end_cut<R: Runs>() {
    let (tasks, connections) = channel();
    let server = bind::<R>(server_config()).with_executor(move |task| tasks.send(task).expect("it waits"));
    let server = kit::Running::of::<R>(server, Keeper::default().backend());
    let mut peer = Peer::connect(server.address);
    drop(connections.recv_timeout(kit::PATIENCE).expect("in time"));
    assert_eq!(peer.rest(), "");
    server.end();
}

/// Whatever polls a future serves: here a thread that knows nothing of sockets.
fn plain_block_on<R: Runs>() {
    let keeper = Keeper::default();
    let server = bind::<R>(server_config());
    let (address, handle) = (server.local_addr().expect("an address"), server.handle());
    let backend = keeper.backend();
    let service = thread::spawn(move || future::block_on(server.serve(backend)));
    future::block_on(kit::within::<R, _>(kit::PATIENCE, async {
        let mut client = Client::<R>::connect(address, client_config()).await.expect("it listens");
        let outcome = client.send(envelope(), &b"Hello\r\n"[..]).await.expect("it was tried");
        assert_eq!(outcome.summary(), Summary::Accepted);
    }))
    .expect("in time");
    handle.shutdown();
    kit::join(service).expect("a usable configuration");
    assert_eq!(keeper.bodies(), [b"Hello\r\n"]);
}
