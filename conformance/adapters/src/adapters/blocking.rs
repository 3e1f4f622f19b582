//! `smtp-blocking` in the suite.

use std::io::Read as _;
use std::thread;

use smtp_blocking::{BodyReader, Server, Session};
use smtp_proto::CloseReason;
use smtp_proto::client::Outcome;
use smtp_proto::sasl::Secret;
use smtp_proto::server::{Answer, Auth, Envelope, Hello, Lookup, Mail as MailCommand, Rcpt, Reject};

use super::{Adapter, CONNECTIONS, Client, ClientSetup, Mail, ServerSetup, Service};
use crate::Clerk;

pub(super) struct Blocking;

impl Adapter for Blocking {
    fn name(&self) -> &'static str {
        "blocking"
    }

    fn serve(&self, setup: ServerSetup) -> Service {
        let ServerSetup { listener, config, tls, desk, recordings } = setup;
        let mut server = Server::from_listener(listener, config).expect("a usable configuration");
        server = server.with_caps(CONNECTIONS, CONNECTIONS);
        if let Some(recordings) = recordings {
            server = server.with_observer(move |_| recordings.observer());
        }
        if let Some(tls) = tls {
            server = server.with_tls(tls);
        }
        let handle = server.handle();
        let run = move || server.serve(move |peer| AtDesk(desk.clerk(Some(peer)))).expect("a usable configuration");
        Service::start(move || handle.shutdown(), run)
    }

    fn client(&self, setup: ClientSetup) -> Box<dyn Client> {
        let ClientSetup { stream, config, tls, recordings } = setup;
        let client = match tls {
            Some(tls) => smtp_blocking::Client::from_stream_tls(stream, "mx.example", config, &tls),
            None => smtp_blocking::Client::from_stream(stream, config),
        };
        let mut client = client.expect("a usable configuration");
        client.observe(recordings.observer());
        Box::new(client)
    }
}

impl Client for smtp_blocking::Client {
    fn send(&mut self, (envelope, message): Mail) -> Result<Outcome, String> {
        self.send(envelope, &message[..]).map_err(|error| error.to_string())
    }

    fn send_all(
        &mut self,
        mails: &mut (dyn Iterator<Item = Mail> + Send),
        tell: &mut dyn FnMut(Result<Outcome, String>),
    ) {
        let mails = mails.map(|(envelope, message)| (envelope, std::io::Cursor::new(message)));
        for outcome in self.send_all(mails) {
            tell(outcome.map_err(|error| error.to_string()));
        }
    }

    fn quit(self: Box<Self>) -> CloseReason {
        (*self).quit()
    }
}

struct AtDesk(Clerk);

impl Session for AtDesk {
    fn connect(&mut self) -> Answer {
        self.0.connect()
    }

    fn hello(&mut self, hello: &Hello) -> Answer {
        self.0.hello(hello)
    }

    fn auth(&mut self, auth: &Auth) -> Answer {
        self.0.auth(auth)
    }

    fn lookup(&mut self, lookup: &Lookup) -> Result<Option<Secret>, Reject> {
        self.0.lookup(lookup)
    }

    fn mail(&mut self, mail: &MailCommand) -> Answer {
        self.0.mail(mail)
    }

    fn rcpt(&mut self, rcpt: &Rcpt) -> Answer {
        self.0.rcpt(rcpt)
    }

    fn data(&mut self, envelope: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        self.0.data(envelope)?;
        let mut message = Vec::new();
        let read = body.read_to_end(&mut message);
        thread::sleep(self.0.pause());
        self.0.message(envelope, message, read)
    }

    fn verify(&mut self, _: &str) -> Answer {
        self.0.look_up("verify")
    }

    fn expand(&mut self, _: &str) -> Answer {
        self.0.look_up("expand")
    }

    fn revoked(&mut self) {
        self.0.revoked();
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}
