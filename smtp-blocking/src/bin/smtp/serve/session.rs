//! What the server does with a connection: it takes every message that is whole, and stores it, unless it is told to
//! refuse or to fail.

use core::fmt::Arguments;
use core::net::SocketAddr;
use std::io::{self, BufRead as _, ErrorKind, Write as _};
use std::sync::Arc;

use smtp_blocking::tls::TlsSession;
use smtp_blocking::{Accept, Answer, BodyReader, Envelope, Reject, Session};
use smtp_proto::reply::{Detail, Reply, ReplyCode};
use smtp_proto::sasl::Secret;
use smtp_proto::server::{Auth, Hello, Lookup, Mail, Rcpt};
use smtp_proto::trace::{Protocol, Received, ReceivedCounter, return_path};

use super::certificate;
use super::faults::{Faults, Verb};
use super::maildir::Maildir;
use super::rejections::Rejections;
use super::users::Users;
use crate::date;

/// Where the messages of all connections go.
#[derive(Debug)]
pub(super) struct Store {
    maildir: Maildir,
    hostname: String,
    /// Messages are stored as they came, without trace fields.
    is_raw: bool,
    users: Users,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Receiver {
    store: Arc<Store>,
    faults: Arc<Faults>,
    rejections: Arc<Rejections>,
    peer: SocketAddr,
    /// The name that the client gives itself.
    hello: String,
    /// How the mail in progress came.
    protocol: Protocol,
    /// The names in the certificate of the client, if that was verified.
    certificate: Vec<String>,
    /// Who has logged in.
    user: Option<String>,
    /// The message that was stored last.
    stored: Option<String>,
}

impl Store {
    pub(super) fn new(maildir: Maildir, hostname: String, is_raw: bool, users: Users) -> Self {
        Self { maildir, hostname, is_raw, users }
    }
}

impl Receiver {
    pub(super) fn new(store: Arc<Store>, faults: Arc<Faults>, rejections: Arc<Rejections>, peer: SocketAddr) -> Self {
        let (hello, certificate) = (String::new(), Vec::new());
        Self { store, faults, rejections, peer, hello, protocol: Protocol::Smtp, certificate, user: None, stored: None }
    }

    /// The fields that the final server puts in front of a message (RFC 5321 §4.4).
    fn trace_fields(&self, envelope: &Envelope) -> Vec<u8> {
        let mut fields = Vec::new();
        let date = date::now();
        let mut received = Received::new(&self.hello, &self.store.hostname, self.protocol, &date);
        if let [only] = envelope.recipients() {
            received = received.with_recipient(only);
        }
        return_path(envelope.reverse_path(), &mut fields);
        received.with_peer(self.peer.ip()).encode(&mut fields);
        fields
    }

    /// An answer to AUTH may have come too late.
    fn is_authenticated(&self) -> bool {
        matches!(self.protocol, Protocol::Esmtpa | Protocol::Esmtpsa)
    }

    /// Stores a message; returns its name and its size.
    fn receive(&self, envelope: &Envelope, body: &mut BodyReader<'_>) -> Result<(String, u64), Failure> {
        // Reading begins before there is a file, so that a store which fails is told at the end of the data whatever
        // it is that fails.
        body.fill_buf().map_err(Failure::Body)?;
        let mut delivery = self.store.maildir.deliver().map_err(Failure::Store)?;
        if !self.store.is_raw {
            delivery.write_all(&self.trace_fields(envelope)).map_err(Failure::Store)?;
        }
        let mut passed = ReceivedCounter::default();
        let mut octets = 0;
        loop {
            let piece = body.fill_buf().map_err(Failure::Body)?;
            if piece.is_empty() {
                break;
            }
            passed.count(piece);
            delivery.write_all(piece).map_err(Failure::Store)?;
            let count = piece.len();
            octets += count as u64;
            body.consume(count);
        }
        if passed.is_loop() {
            return Err(Failure::Loop(passed.fields()));
        }
        self.faults.strike(Verb::Dot).map_err(Failure::Fault)?;
        let name = delivery.finish().map_err(Failure::Store)?;
        Ok((name, octets))
    }
}

/// Why a message was not stored.
enum Failure {
    /// The client did not send a whole message. The connection answers by itself.
    Body(io::Error),
    /// The disk did not take it.
    Store(io::Error),
    /// It has passed so many servers that it goes in circles (RFC 5321 §6.3).
    Loop(u32),
    /// It was to go wrong.
    Fault(Reject),
}

impl Session for Receiver {
    fn connect(&mut self) -> Answer {
        self.faults.strike(Verb::Connect)?;
        Ok(Accept::Usual)
    }

    fn hello(&mut self, hello: &Hello) -> Answer {
        if hello.is_extended() {
            self.faults.strike(Verb::Ehlo)?;
        }
        self.hello = hello.name().to_owned();
        Ok(Accept::Usual)
    }

    fn tls(&mut self, session: &TlsSession) {
        let own = session.peer_certificates().first().filter(|_| session.is_verified());
        self.certificate = own.map(|own| certificate::names(own)).unwrap_or_default();
    }

    fn auth(&mut self, auth: &Auth) -> Answer {
        self.faults.strike(Verb::Auth)?;
        self.user = self.store.users.judge(&auth.claim(), &self.certificate);
        if self.user.is_some() {
            return Ok(Accept::Usual);
        }
        let text = "authentication credentials invalid";
        Err(Reply::new(ReplyCode::AUTHENTICATION_FAILED, Detail::CREDENTIALS_INVALID, text).into())
    }

    fn lookup(&mut self, lookup: &Lookup) -> Result<Option<Secret>, Reject> {
        Ok(self.store.users.secret(lookup.mechanism(), lookup.user()))
    }

    fn mail(&mut self, mail: &Mail) -> Answer {
        self.faults.strike(Verb::Mail)?;
        self.protocol = mail.protocol();
        Ok(Accept::Usual)
    }

    fn rcpt(&mut self, rcpt: &Rcpt) -> Answer {
        self.faults.strike(Verb::Rcpt)?;
        self.rejections.check(rcpt.forward_path().as_str())?;
        Ok(Accept::Usual)
    }

    fn data(&mut self, envelope: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        self.stored = None;
        self.faults.strike(Verb::Data)?;
        let peer = self.peer;
        match self.receive(envelope, body) {
            Ok((name, octets)) => {
                let from = envelope.reverse_path();
                let to = envelope.recipients().join("> <");
                let user = self.user.as_ref().filter(|_| self.is_authenticated());
                let user = user.map_or_else(String::new, |user| format!(", user {user}"));
                say(format_args!("{name} from <{from}> to <{to}>, {octets} octets, client {peer}{user}"));
                let reply = Reply::new(ReplyCode::OK, Detail::UNDEFINED, format!("stored as {name}"));
                self.stored = Some(name);
                Ok(Accept::With(reply))
            }
            Err(Failure::Body(error)) => {
                say(format_args!("no message from client {peer}: {error}"));
                Err(error.into())
            }
            Err(Failure::Store(error)) => {
                complain(format_args!("a message was not stored: {error}"));
                Err(of_store(error))
            }
            Err(Failure::Fault(reject)) => {
                say(format_args!("no message from client {peer}: it was to fail"));
                Err(reject)
            }
            Err(Failure::Loop(fields)) => {
                say(format_args!("no message from client {peer}: it has passed {fields} servers"));
                let text = "routing loop: too many Received fields";
                Err(Reply::new(ReplyCode::TRANSACTION_FAILED, Detail::ROUTING_LOOP, text).into())
            }
        }
    }

    fn revoked(&mut self) {
        let Some(name) = self.stored.take() else { return };
        match self.store.maildir.withdraw(&name) {
            Ok(()) => say(format_args!("{name} was withdrawn: the client was not told in time that it was stored")),
            Err(error) => complain(format_args!("{name} was not accepted, but stays: {error}")),
        }
    }
}

fn of_store(error: io::Error) -> Reject {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            let text = "insufficient system storage, try again later";
            Reply::new(ReplyCode::INSUFFICIENT_STORAGE, Detail::SYSTEM_FULL, text).into()
        }
        _ => error.into(),
    }
}

/// Says what happened. Nobody may be there to read it.
fn say(line: Arguments<'_>) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Says what is wrong with this machine. Nobody may be there to read it.
fn complain(line: Arguments<'_>) {
    let _ = writeln!(io::stderr(), "smtp serve: {line}");
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::of_store;

    /// REL-15.
    #[test]
    fn full_disk_is_no_local_error() {
        for (kind, code) in [(ErrorKind::StorageFull, 452), (ErrorKind::QuotaExceeded, 452), (ErrorKind::NotFound, 451)]
        {
            let refusal = of_store(Error::from(kind));
            assert_eq!(refusal.reply().map(|reply| reply.code().value()), Some(code), "{kind}");
        }
    }
}
