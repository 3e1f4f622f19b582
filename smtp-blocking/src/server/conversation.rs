//! What happens on a connection, put to its session.

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use smtp_proto::server::{Data, Envelope, Event, Fate, Reject};

use super::attended::Attended;
use super::body::BodyReader;
use super::session::Session;

/// One connection and its session.
#[derive(Debug)]
pub(super) struct Conversation<S> {
    attended: Attended,
    session: Live<S>,
    /// The transaction in progress.
    envelope: Option<Envelope>,
    #[cfg(feature = "__tls")]
    has_told_tls: bool,
}

/// A session that has not panicked.
#[derive(Debug)]
struct Live<S>(Option<S>);

impl<S: Session> Conversation<S> {
    /// A connection whose session is made by `session`.
    pub(super) fn new(attended: Attended, session: impl FnOnce() -> S) -> Self {
        let session = Live(catch_unwind(AssertUnwindSafe(session)).ok());
        Self {
            attended,
            session,
            envelope: None,
            #[cfg(feature = "__tls")]
            has_told_tls: false,
        }
    }

    /// Serves the connection to its end.
    pub(super) fn run(mut self) {
        while let Some(event) = self.attended.next(self.envelope.is_none()) {
            #[cfg(feature = "__tls")]
            self.tell_tls();
            self.handle(event);
        }
        self.attended.driver.socket.linger();
    }

    /// Tells what TLS was agreed on, once.
    #[cfg(feature = "__tls")]
    fn tell_tls(&mut self) {
        if !self.has_told_tls
            && let Some(tls) = self.attended.driver.socket.tls_session()
        {
            self.has_told_tls = true;
            self.session.tell(|session| session.tls(tls));
        }
    }

    fn handle(&mut self, event: Event) {
        let (attended, session) = (&mut self.attended, &mut self.session);
        match event {
            Event::Connect(token) => {
                let answer = session.ask(S::connect);
                attended.answer(token, answer);
            }
            Event::Hello(token) => {
                let answer = session.ask(|session| session.hello(&token));
                if attended.answer(token, answer) {
                    self.end_transaction();
                }
            }
            Event::Auth(token) => {
                let answer = session.ask(|session| session.auth(&token));
                attended.answer(token, answer);
            }
            Event::Lookup(lookup) => {
                let secret = session.ask(|session| session.lookup(&lookup));
                let driver = &mut attended.driver;
                driver.connection.answer_lookup(driver.clock.now(), lookup, secret);
            }
            Event::Mail(token) => {
                let envelope = Envelope::new(&token);
                let answer = session.ask(|session| session.mail(&token));
                if attended.answer(token, answer) {
                    self.envelope = Some(envelope);
                }
            }
            Event::Rcpt(token) => {
                let recipient = token.forward_path().as_str().to_owned();
                let answer = session.ask(|session| session.rcpt(&token));
                if attended.answer(token, answer)
                    && let Some(envelope) = &mut self.envelope
                {
                    envelope.add(recipient);
                }
            }
            Event::Data(token) => self.take_message(token),
            Event::Verify(token) => {
                let answer = session.ask(|session| session.verify(token.argument()));
                attended.answer(token, answer);
            }
            Event::Expand(token) => {
                let answer = session.ask(|session| session.expand(token.argument()));
                attended.answer(token, answer);
            }
            Event::Reset => self.end_transaction(),
            _ => {}
        }
    }

    fn take_message(&mut self, token: Data) {
        let Some(envelope) = &self.envelope else {
            self.attended.answer(token, Err(Reject::local_error()));
            return;
        };
        let mut body = BodyReader::new(&mut self.attended, token);
        let answer = self.session.ask(|session| session.data(envelope, &mut body));
        let is_yes = answer.is_ok();
        match body.finish(answer) {
            Fate::NotAsked => return,
            Fate::NotAccepted if is_yes => self.session.tell(S::revoked),
            Fate::Accepted | Fate::NotAccepted => {}
        }
        self.end_transaction();
    }

    fn end_transaction(&mut self) {
        if self.envelope.take().is_some() {
            self.session.tell(S::reset);
        }
    }
}

impl<S: Session> Live<S> {
    /// Asks the session. One that panics answers 451; one that has panicked before, 421.
    fn ask<T>(&mut self, question: impl FnOnce(&mut S) -> Result<T, Reject>) -> Result<T, Reject> {
        if self.0.is_none() {
            return Err(Reject::internal_error());
        }
        self.call(question).unwrap_or_else(|| Err(Reject::local_error()))
    }

    /// Tells the session something.
    fn tell(&mut self, message: impl FnOnce(&mut S)) {
        self.call(message);
    }

    /// Calls the session; `None` if that panicked. What a panic leaves behind is not called again.
    fn call<T>(&mut self, call: impl FnOnce(&mut S) -> T) -> Option<T> {
        let session = self.0.as_mut()?;
        if let Ok(value) = catch_unwind(AssertUnwindSafe(|| call(session))) {
            return Some(value);
        }
        let remains = self.0.take();
        // Its destructor may well panic, too.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(remains)));
        None
    }
}
