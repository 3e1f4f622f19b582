//! What happens on a connection, put to its session.

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use smtp_proto::reply::Detail;
use smtp_proto::server::{Data, Envelope, Event, Fate, Reject};

use super::body::BodyReader;
use super::driver::Driver;
use super::session::Session;

/// One connection and its session.
#[derive(Debug)]
pub(super) struct Conversation<S> {
    driver: Driver,
    session: Live<S>,
    /// The transaction in progress.
    envelope: Option<Envelope>,
}

/// A session that has not panicked.
#[derive(Debug)]
struct Live<S>(Option<S>);

impl<S: Session> Conversation<S> {
    /// A connection whose session is made by `session`.
    pub(super) fn new(driver: Driver, session: impl FnOnce() -> S) -> Self {
        let session = Live(catch_unwind(AssertUnwindSafe(session)).ok());
        Self { driver, session, envelope: None }
    }

    /// Serves the connection to its end.
    pub(super) fn run(mut self) {
        while let Some(event) = self.driver.next(self.envelope.is_none()) {
            #[cfg(feature = "__tls")]
            if let Some(tls) = self.driver.take_tls_session() {
                self.session.tell(|session| session.tls(&tls));
            }
            self.handle(event);
        }
        self.driver.linger();
    }

    fn handle(&mut self, event: Event) {
        let (driver, session) = (&mut self.driver, &mut self.session);
        match event {
            Event::Connect(token) => {
                let answer = session.ask(S::connect);
                driver.answer(token, answer);
            }
            Event::Hello(token) => {
                let answer = session.ask(|session| session.hello(&token));
                if driver.answer(token, answer) {
                    self.end_transaction();
                }
            }
            Event::Auth(token) => {
                let answer = session.ask(|session| session.auth(&token));
                driver.answer(token, answer);
            }
            Event::Lookup(lookup) => {
                let secret = session.ask(|session| session.lookup(&lookup));
                driver.answer_lookup(lookup, secret);
            }
            Event::Mail(token) => {
                let envelope = Envelope::new(&token);
                let answer = session.ask(|session| session.mail(&token));
                if driver.answer(token, answer) {
                    self.envelope = Some(envelope);
                }
            }
            Event::Rcpt(token) => {
                let recipient = token.forward_path().as_str().to_owned();
                let answer = session.ask(|session| session.rcpt(&token));
                if driver.answer(token, answer)
                    && let Some(envelope) = &mut self.envelope
                {
                    envelope.add(recipient);
                }
            }
            Event::Data(token) => self.take_message(token),
            Event::Verify(token) => {
                let answer = session.ask(|session| session.verify(token.argument()));
                driver.answer(token, answer);
            }
            Event::Expand(token) => {
                let answer = session.ask(|session| session.expand(token.argument()));
                driver.answer(token, answer);
            }
            Event::Reset => self.end_transaction(),
            _ => {}
        }
    }

    fn take_message(&mut self, token: Data) {
        let Some(envelope) = &self.envelope else {
            self.driver.answer(token, Err(Reject::local_error()));
            return;
        };
        let mut body = BodyReader::new(&mut self.driver, token);
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
            return Err(Reject::no_service(Detail::OTHER_SYSTEM_STATUS, "internal error, closing connection"));
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
