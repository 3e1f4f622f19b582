//! `smtp-tokio` in the suite.

use ::tokio::io::AsyncReadExt as _;
use ::tokio::runtime::{Builder, Runtime};
use ::tokio::time::sleep;
use futures_util::stream;
use smtp_proto::CloseReason;
use smtp_proto::client::Outcome;
use smtp_proto::sasl::Secret;
use smtp_proto::server::{Answer, Auth, Envelope, Hello, Lookup, Mail as MailCommand, Rcpt, Reject};
use smtp_tokio::{BodyReader, Peer, Server, Session};

use super::{Adapter, CONNECTIONS, Client, ClientSetup, Mail, ServerSetup, Service};
use crate::Clerk;

pub(super) struct Tokio;

impl Adapter for Tokio {
    fn name(&self) -> &'static str {
        "tokio"
    }

    fn serve(&self, setup: ServerSetup) -> Service {
        let ServerSetup { listener, config, tls, desk, recordings } = setup;
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        listener.set_nonblocking(true).expect("a socket");
        let listener = {
            let _entered = runtime.enter();
            ::tokio::net::TcpListener::from_std(listener).expect("a socket")
        };
        let mut server = Server::new(listener, config).expect("a usable configuration");
        server = server.with_caps(CONNECTIONS, CONNECTIONS);
        if let Some(recordings) = recordings {
            server = server.with_observer(move |_: &Peer| recordings.observer());
        }
        if let Some(tls) = tls {
            server = server.with_tls(tls);
        }
        let handle = server.handle();
        let serve = server.serve(move |peer: &Peer| AtDesk(desk.clerk(peer.address)));
        Service::start(move || handle.shutdown(), move || runtime.block_on(serve).expect("a usable configuration"))
    }

    fn client(&self, setup: ClientSetup) -> Box<dyn Client> {
        let ClientSetup { stream, config, tls, recordings } = setup;
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        stream.set_nonblocking(true).expect("a socket");
        let stream = {
            let _entered = runtime.enter();
            ::tokio::net::TcpStream::from_std(stream).expect("a socket")
        };
        let client = match tls {
            Some(tls) => smtp_tokio::Client::from_stream_tls(stream, "mx.example", config, &tls),
            None => smtp_tokio::Client::from_stream(stream, config),
        };
        let mut client = client.expect("a usable configuration");
        client.observe(recordings.observer());
        Box::new(OnRuntime { client, runtime })
    }
}

/// A client, and the runtime that it needs. Dropped in this order.
struct OnRuntime {
    client: smtp_tokio::Client,
    runtime: Runtime,
}

impl Client for OnRuntime {
    fn send(&mut self, (envelope, message): Mail) -> Result<Outcome, String> {
        self.runtime.block_on(self.client.send(envelope, &message[..])).map_err(|error| error.to_string())
    }

    fn send_all(
        &mut self,
        mails: &mut (dyn Iterator<Item = Mail> + Send),
        tell: &mut dyn FnMut(Result<Outcome, String>),
    ) {
        let mails = mails.map(|(envelope, message)| (envelope, std::io::Cursor::new(message)));
        let mut outcomes = self.client.send_all(stream::iter(mails));
        self.runtime.block_on(async {
            while let Some(outcome) = outcomes.next().await {
                tell(outcome.map_err(|error| error.to_string()));
            }
        });
    }

    fn quit(self: Box<Self>) -> CloseReason {
        self.runtime.block_on(self.client.quit())
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
        sleep(self.0.pause()).await;
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
