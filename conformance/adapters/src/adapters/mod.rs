//! The adapters, as the suite uses them.

mod blocking;
mod futures;
mod tokio;

use core::fmt;
use core::num::NonZeroUsize;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::{self, JoinHandle};

use smtp_proto::client::{self, Envelope, Outcome};
use smtp_proto::{CloseReason, server};
use smtp_tls::{ClientTls, ServerTls};

use crate::{Desk, PATIENCE, Recordings};

/// An adapter. Its methods are synchronous: a runtime, if there is one, runs inside.
pub trait Adapter: Sync {
    /// What it is called in messages.
    fn name(&self) -> &'static str;

    /// Begins to serve.
    fn serve(&self, setup: ServerSetup) -> Service;

    /// A client at the end of a connected stream. Nothing is said yet.
    fn client(&self, setup: ClientSetup) -> Box<dyn Client>;
}

/// Every adapter.
#[must_use]
pub fn adapters() -> [&'static dyn Adapter; 4] {
    [&blocking::Blocking, &self::tokio::Tokio, &futures::Smol, &futures::AsyncStd]
}

/// A client of every adapter with a server of every adapter.
pub fn pairs() -> impl Iterator<Item = [&'static dyn Adapter; 2]> {
    adapters().into_iter().flat_map(|client| adapters().map(|server| [client, server]))
}

/// A server that is to be.
#[derive(Debug)]
pub struct ServerSetup {
    /// Where it listens.
    pub listener: TcpListener,
    /// Its configuration.
    pub config: server::Config,
    /// How it makes TLS, if it does.
    pub tls: Option<ServerTls>,
    /// Its application.
    pub desk: Desk,
    /// Sees every connection, if it is there.
    pub recordings: Option<Recordings>,
}

/// The most connections of a server at one time: more than anything here has.
pub(crate) const CONNECTIONS: NonZeroUsize = NonZeroUsize::new(20_000).expect("not zero");

/// A client that is to be.
#[derive(Debug)]
pub struct ClientSetup {
    /// A stream that is connected to a server.
    pub stream: TcpStream,
    /// Its configuration.
    pub config: client::Config,
    /// Whom it trusts to be `mx.example`, if TLS is to be made.
    pub tls: Option<ClientTls>,
    /// Sees the connection.
    pub recordings: Recordings,
}

/// A mail: its envelope and its message.
pub type Mail = (Envelope, Vec<u8>);

/// A client of an adapter.
pub trait Client {
    /// Sends one mail.
    ///
    /// # Errors
    ///
    /// Why it was not tried.
    fn send(&mut self, mail: Mail) -> Result<Outcome, String>;

    /// Sends mails in a row, to the last one or to the end of the connection. Tells of each outcome as it comes.
    fn send_all(
        &mut self,
        mails: &mut (dyn Iterator<Item = Mail> + Send),
        tell: &mut dyn FnMut(Result<Outcome, String>),
    );

    /// Says QUIT and closes.
    fn quit(self: Box<Self>) -> CloseReason;
}

/// A server that is running. Dropping it ends it, but waits for nothing.
pub struct Service {
    shutdown: Box<dyn Fn() + Send + Sync>,
    done: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Service {
    /// `run` serves until `shutdown` says that it is to end.
    pub(crate) fn start(shutdown: impl Fn() + Send + Sync + 'static, run: impl FnOnce() + Send + 'static) -> Self {
        let (tell, done) = sync_channel(1);
        let thread = thread::spawn(move || {
            run();
            // Whoever waited may have gone.
            let _ = tell.send(());
        });
        Self { shutdown: Box::new(shutdown), done, thread: Some(thread) }
    }

    /// Begins to end the service.
    pub fn shutdown(&self) {
        (self.shutdown)();
    }

    /// Ends the service and waits for it.
    ///
    /// # Panics
    ///
    /// When it does not end in time, or has panicked.
    pub fn end(mut self) {
        self.shutdown();
        if self.done.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            panic!("the service does not end");
        }
        if let Some(thread) = self.thread.take() {
            thread.join().expect("a server does not panic");
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.shutdown();
        }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}
