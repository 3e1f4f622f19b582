//! What happens on a connection, put to its session.

use core::future::{Future, poll_fn};
use core::panic::AssertUnwindSafe;
use core::pin::pin;
use core::task::Poll;
use std::panic::catch_unwind;

use smtp_proto::server::{Answer, Connection, Data, Envelope, Event, Fate, Reject, Token};
use smtp_proto::{Next, Transport as _};
use tracing::{Instrument as _, Span, debug, info, info_span};

use super::attended::{Attendance as _, Attended};
use super::body::BodyReader;
use super::session::Session;
use crate::Runtime;
use crate::transport::Driver;

/// One connection and its session.
pub(super) struct Conversation<S, R: Runtime> {
    attended: Attended<R>,
    /// A session that has not panicked.
    session: Option<S>,
    /// The transaction in progress, and how it is traced.
    envelope: Option<Envelope>,
    transaction: Span,
    #[cfg(feature = "__tls")]
    has_told_tls: bool,
}

/// Asks the session, while the connection is looked after. One that panics answers 451; one that has panicked before,
/// 421.
macro_rules! ask {
    ($self:ident.$question:ident($($argument:expr)?)) => {
        match &mut $self.session {
            Some(session) => match guarded(&mut $self.attended.driver, session.$question($($argument)?)).await {
                Some(answer) => answer,
                None => {
                    $self.forget_session();
                    Err(Reject::local_error())
                }
            },
            None => Err(Reject::internal_error()),
        }
    };
}

impl<S: Session, R: Runtime> Conversation<S, R> {
    /// A connection whose session is made when it is run.
    pub(super) fn new(attended: Attended<R>) -> Self {
        Self {
            attended,
            session: None,
            envelope: None,
            transaction: Span::none(),
            #[cfg(feature = "__tls")]
            has_told_tls: false,
        }
    }

    /// Serves the connection to its end. Borrows, because a task that moves its values has room for both places of each.
    pub(super) async fn run(&mut self, session: impl FnOnce() -> S) {
        self.session = catch_unwind(AssertUnwindSafe(session)).ok();
        let reason = loop {
            let event = match poll_fn(|cx| self.attended.poll_next(cx)).await {
                Next::Event(event) => event,
                Next::Body => continue,
                Next::Closed(reason) => break reason,
            };
            #[cfg(feature = "__tls")]
            self.tell_tls().await;
            // While nothing happens the task has no room for it.
            let transaction = self.transaction.clone();
            Box::pin(self.handle(event).instrument(transaction)).await;
        };
        debug!(%reason, "closed");
        Box::pin(self.attended.driver.linger()).await;
    }

    /// Tells what TLS was agreed on, once.
    #[cfg(feature = "__tls")]
    async fn tell_tls(&mut self) {
        if self.has_told_tls {
            return;
        }
        let Some(tls) = self.attended.driver.transport.tls_session() else { return };
        self.has_told_tls = true;
        debug!(version = ?tls.version(), is_verified = tls.is_verified(), "TLS");
        if let Some(session) = &mut self.session
            && caught(session.tls(tls)).await.is_none()
        {
            self.forget_session();
        }
    }

    async fn handle(&mut self, event: Event) {
        match event {
            Event::Connect(token) => {
                let answer = ask!(self.connect());
                self.answer(token, answer);
            }
            Event::Hello(token) => {
                let answer = ask!(self.hello(&token));
                debug!(name = token.name(), is_accepted = answer.is_ok(), "EHLO");
                if self.answer(token, answer) {
                    self.end_transaction().await;
                }
            }
            Event::Auth(token) => {
                let answer = ask!(self.auth(&token));
                info!(is_accepted = answer.is_ok(), "AUTH");
                self.answer(token, answer);
            }
            Event::Lookup(lookup) => {
                let secret = ask!(self.lookup(&lookup));
                let now = self.attended.driver.transport.now();
                self.attended.driver.connection.answer_lookup(now, lookup, secret);
            }
            Event::Mail(token) => {
                let envelope = Envelope::new(&token);
                let answer = ask!(self.mail(&token));
                debug!(reverse_path = envelope.reverse_path(), is_accepted = answer.is_ok(), "MAIL");
                if self.answer(token, answer) {
                    self.transaction = info_span!("transaction", reverse_path = envelope.reverse_path());
                    self.envelope = Some(envelope);
                }
            }
            Event::Rcpt(token) => {
                let recipient = token.forward_path().as_str().to_owned();
                let answer = ask!(self.rcpt(&token));
                debug!(recipient, is_accepted = answer.is_ok(), "RCPT");
                if self.answer(token, answer)
                    && let Some(envelope) = &mut self.envelope
                {
                    envelope.add(recipient);
                }
            }
            Event::Data(token) => self.take_message(token).await,
            Event::Verify(token) => {
                let answer = ask!(self.verify(token.argument()));
                self.answer(token, answer);
            }
            Event::Expand(token) => {
                let answer = ask!(self.expand(token.argument()));
                self.answer(token, answer);
            }
            Event::Reset => self.end_transaction().await,
            _ => {}
        }
    }

    fn answer<T: Token>(&mut self, token: T, answer: Answer) -> bool {
        self.attended.driver.connection.answer(self.attended.driver.transport.now(), token, answer)
    }

    async fn take_message(&mut self, token: Data) {
        let Some(envelope) = &self.envelope else {
            self.answer(token, Err(Reject::local_error()));
            return;
        };
        let mut body = BodyReader::new(&mut self.attended, token);
        let answer = match &mut self.session {
            Some(session) => caught(session.data(envelope, &mut body)).await,
            None => Some(Err(Reject::internal_error())),
        };
        let has_panicked = answer.is_none();
        let answer = answer.unwrap_or_else(|| Err(Reject::local_error()));
        let is_yes = answer.is_ok();
        let fate = body.finish(answer).await;
        info!(recipients = envelope.recipients().len(), ?fate, "DATA");
        if has_panicked {
            self.forget_session();
        }
        if fate == Fate::NotAsked {
            return;
        }
        if is_yes
            && fate == Fate::NotAccepted
            && let Some(session) = &mut self.session
            && caught(session.revoked()).await.is_none()
        {
            self.forget_session();
        }
        self.end_transaction().await;
    }

    async fn end_transaction(&mut self) {
        self.transaction = Span::none();
        if self.envelope.take().is_none() {
            return;
        }
        if let Some(session) = &mut self.session
            && caught(session.reset()).await.is_none()
        {
            self.forget_session();
        }
    }

    /// What a panic leaves behind is not called again.
    fn forget_session(&mut self) {
        let remains = self.session.take();
        // Its destructor may well panic, too.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(remains)));
    }
}

/// Waits for the session, and carries on with the connection meanwhile. `None`: it panicked.
async fn guarded<T, R: Runtime>(
    driver: &mut Driver<Connection, R>,
    future: impl Future<Output = T> + Send,
) -> Option<T> {
    let mut future = pin!(caught(future));
    poll_fn(|cx| {
        let answer = future.as_mut().poll(cx);
        if answer.is_pending() {
            driver.poll_meanwhile(cx);
        }
        answer
    })
    .await
}

/// Waits for the future. `None`: it panicked.
pub(super) async fn caught<T>(future: impl Future<Output = T> + Send) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(answer) => answer.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}
