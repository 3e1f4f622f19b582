//! `smtp-async-std` in the suite, on either of its runtimes.

use core::future::Future;

use futures_util::{AsyncReadExt as _, io::Cursor, stream};
use smtp_async_std::{BodyReader, Peer, Runtime, Server, Session};
use smtp_proto::CloseReason;
use smtp_proto::client::Outcome;
use smtp_proto::sasl::Secret;
use smtp_proto::server::{Answer, Auth, Envelope, Hello, Lookup, Mail as MailCommand, Rcpt, Reject};

use super::{Adapter, CONNECTIONS, Client, ClientSetup, Mail, ServerSetup, Service};
use crate::Clerk;

/// On smol.
pub(super) struct Smol;

/// On async-std.
pub(super) struct AsyncStd;

impl Adapter for Smol {
    fn name(&self) -> &'static str {
        "smol"
    }

    fn serve(&self, setup: ServerSetup) -> Service {
        let listener = async_io::Async::new(setup.listener.try_clone().expect("a socket")).expect("a socket");
        serve::<smtp_async_std::smol::Smol>(smtp_async_std::smol::Listener::from(listener), setup, |service| {
            smol::block_on(service);
        })
    }

    fn client(&self, setup: ClientSetup) -> Box<dyn Client> {
        let stream = async_io::Async::new(setup.stream.try_clone().expect("a socket")).expect("a socket");
        client::<smtp_async_std::smol::Smol>(smtp_async_std::smol::Socket::from(stream), setup)
    }
}

impl Adapter for AsyncStd {
    fn name(&self) -> &'static str {
        "async-std"
    }

    fn serve(&self, setup: ServerSetup) -> Service {
        let listener = async_std::net::TcpListener::from(setup.listener.try_clone().expect("a socket"));
        serve::<smtp_async_std::async_std::AsyncStd>(listener.into(), setup, |service| {
            async_std::task::block_on(service);
        })
    }

    fn client(&self, setup: ClientSetup) -> Box<dyn Client> {
        let stream = async_std::net::TcpStream::from(setup.stream.try_clone().expect("a socket"));
        client::<smtp_async_std::async_std::AsyncStd>(stream.into(), setup)
    }
}

fn serve<R: Runtime>(
    listener: R::Listener,
    setup: ServerSetup,
    block_on: impl FnOnce(core::pin::Pin<Box<dyn Future<Output = ()> + Send>>) + Send + 'static,
) -> Service {
    let ServerSetup { config, tls, desk, recordings, .. } = setup;
    let mut server = Server::<R>::new(listener, config).expect("a usable configuration");
    server = server.with_caps(CONNECTIONS, CONNECTIONS);
    if let Some(recordings) = recordings {
        server = server.with_observer(move |_: &Peer| recordings.observer());
    }
    if let Some(tls) = tls {
        server = server.with_tls(tls);
    }
    let handle = server.handle();
    let serve = async move {
        server.serve(move |peer: &Peer| AtDesk(desk.clerk(peer.address))).await.expect("a usable configuration")
    };
    Service::start(move || handle.shutdown(), move || block_on(Box::pin(serve)))
}

fn client<R: Runtime>(stream: R::Socket, setup: ClientSetup) -> Box<dyn Client> {
    let ClientSetup { config, tls, recordings, .. } = setup;
    let client = match tls {
        Some(tls) => smtp_async_std::Client::<R>::from_stream_tls(stream, "mx.example", config, &tls),
        None => smtp_async_std::Client::<R>::from_stream(stream, config),
    };
    let mut client = client.expect("a usable configuration");
    client.observe(recordings.observer());
    Box::new(client)
}

impl<R: Runtime> Client for smtp_async_std::Client<R> {
    fn send(&mut self, (envelope, message): Mail) -> Result<Outcome, String> {
        smol::block_on(self.send(envelope, &message[..])).map_err(|error| error.to_string())
    }

    fn send_all(
        &mut self,
        mails: &mut (dyn Iterator<Item = Mail> + Send),
        tell: &mut dyn FnMut(Result<Outcome, String>),
    ) {
        let mails = mails.map(|(envelope, message)| (envelope, Cursor::new(message)));
        let mut outcomes = self.send_all(stream::iter(mails));
        // It polls, and whatever runs the reactor of the runtime runs on a thread of its own.
        smol::block_on(async {
            while let Some(outcome) = outcomes.next().await {
                tell(outcome.map_err(|error| error.to_string()));
            }
        });
    }

    fn quit(self: Box<Self>) -> CloseReason {
        smol::block_on((*self).quit())
    }
}

struct AtDesk(Clerk);

impl Session for AtDesk {
    async fn connect(&mut self) -> Answer {
        self.0.connect()
    }

    async fn hello(&mut self, hello: &Hello) -> Answer {
        self.0.hello(hello)
    }

    async fn auth(&mut self, auth: &Auth) -> Answer {
        self.0.auth(auth)
    }

    async fn lookup(&mut self, lookup: &Lookup) -> Result<Option<Secret>, Reject> {
        self.0.lookup(lookup)
    }

    async fn mail(&mut self, mail: &MailCommand) -> Answer {
        self.0.mail(mail)
    }

    async fn rcpt(&mut self, rcpt: &Rcpt) -> Answer {
        self.0.rcpt(rcpt)
    }

    async fn data(&mut self, envelope: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        self.0.data(envelope)?;
        let mut message = Vec::new();
        let read = body.read_to_end(&mut message).await;
        async_io::Timer::after(self.0.pause()).await;
        self.0.message(envelope, message, read)
    }

    async fn verify(&mut self, _: &str) -> Answer {
        self.0.look_up("verify")
    }

    async fn expand(&mut self, _: &str) -> Answer {
        self.0.look_up("expand")
    }

    async fn revoked(&mut self) {
        self.0.revoked();
    }

    async fn reset(&mut self) {
        self.0.reset();
    }
}
