//! The application of a server, without a runtime.

use core::time::Duration;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memchr::memmem;
use smtp_proto::reply::{Detail, Reply, ReplyCode};
use smtp_proto::sasl::Claim;
use smtp_proto::server::{Accept, Answer, Auth, Envelope, Hello, Mail, Rcpt, Reject};

/// Answers by fixed rules, and remembers what it was asked. A clone is the same desk.
///
/// | | |
/// |---|---|
/// | AUTH | `alice` with the password `secret` |
/// | MAIL | 451 to the local part `early`, else accepted |
/// | RCPT | 550 to the local part `nobody`, else accepted |
/// | DATA | 554, without the message, to a mail from the local part `silent` |
/// | the message | 554 if it holds the word `unwanted`, else 250 with its number |
#[derive(Clone, Debug, Default)]
pub struct Desk {
    pause: Duration,
    is_forgetful: bool,
    state: Arc<Mutex<State>>,
}

/// Who sits at a desk, for one connection.
#[derive(Debug)]
pub struct Clerk {
    desk: Desk,
    /// The number of the message that was accepted last.
    last: usize,
}

#[derive(Debug, Default)]
struct State {
    log: Vec<String>,
    messages: BTreeMap<usize, Message>,
    accepted: usize,
}

/// A message that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The reverse-path.
    pub reverse_path: String,
    /// For whom it was accepted.
    pub recipients: Vec<String>,
    /// The message itself.
    pub octets: Vec<u8>,
}

impl Desk {
    /// The same, with so much time between having read a message and the answer.
    #[must_use]
    pub fn with_pause(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// The same, without a log.
    #[must_use]
    pub fn without_log(self) -> Self {
        Self { is_forgetful: true, ..self }
    }

    /// Somebody for one connection.
    #[must_use]
    pub fn clerk(&self) -> Clerk {
        Clerk { desk: self.clone(), last: 0 }
    }

    /// What it was asked and told, in order.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    /// The messages that were accepted, and not revoked.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.state().messages.values().cloned().collect()
    }

    fn note(&self, what: String) {
        if !self.is_forgetful {
            self.state().log.push(what);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clerk {
    /// How long to wait between having read a message and its answer.
    #[must_use]
    pub fn pause(&self) -> Duration {
        self.desk.pause
    }

    /// EHLO or HELO.
    ///
    /// # Errors
    ///
    /// None.
    pub fn hello(&mut self, hello: &Hello) -> Answer {
        self.desk.note(format!("hello {}", hello.name()));
        Ok(Accept::Usual)
    }

    /// AUTH.
    ///
    /// # Errors
    ///
    /// The refusal.
    pub fn auth(&mut self, auth: &Auth) -> Answer {
        self.desk.note(format!("auth {}", auth.mechanism()));
        match auth.claim() {
            Claim::Password { authorization: "", user: "alice", password: "secret" } => Ok(Accept::Usual),
            _ => Err(Reject::wrong_credentials()),
        }
    }

    /// MAIL.
    ///
    /// # Errors
    ///
    /// The refusal.
    pub fn mail(&mut self, mail: &Mail) -> Answer {
        let path = mail.reverse_path();
        self.desk.note(format!("mail {} {:?}", path.as_str(), mail.protocol()));
        match local_part(path.as_str()) {
            "early" => Err(reply(ReplyCode::LOCAL_ERROR, Detail::SYSTEM_NOT_ACCEPTING_MESSAGES, "come back later")),
            _ => Ok(Accept::Usual),
        }
    }

    /// RCPT.
    ///
    /// # Errors
    ///
    /// The refusal.
    pub fn rcpt(&mut self, rcpt: &Rcpt) -> Answer {
        let path = rcpt.forward_path();
        self.desk.note(format!("rcpt {}", path.as_str()));
        match local_part(path.as_str()) {
            "nobody" => {
                Err(reply(ReplyCode::MAILBOX_UNAVAILABLE, Detail::BAD_DESTINATION_MAILBOX, "nobody is not here"))
            }
            _ => Ok(Accept::Usual),
        }
    }

    /// DATA, before the message is read.
    ///
    /// # Errors
    ///
    /// The refusal, which is to be answered at once.
    pub fn data(&mut self, envelope: &Envelope) -> Answer {
        self.desk.note(format!("data for {}", envelope.recipients().len()));
        match local_part(envelope.reverse_path()) {
            "silent" => Err(reply(ReplyCode::TRANSACTION_FAILED, Detail::NOT_AUTHORIZED, "not from you")),
            _ => Ok(Accept::Usual),
        }
    }

    /// The message was read to its end, or as far as it came.
    ///
    /// # Errors
    ///
    /// The refusal.
    pub fn message(&mut self, envelope: &Envelope, octets: Vec<u8>, read: io::Result<usize>) -> Answer {
        self.desk.note(format!("message of {} octets: {:?}", octets.len(), read.as_ref().map_err(io::Error::kind)));
        read?;
        if memmem::find(&octets, b"unwanted").is_some() {
            return Err(reply(ReplyCode::TRANSACTION_FAILED, Detail::NOT_AUTHORIZED, "not such a message"));
        }
        let (reverse_path, recipients) = (envelope.reverse_path().to_owned(), envelope.recipients().to_vec());
        let mut state = self.desk.state();
        state.accepted += 1;
        self.last = state.accepted;
        state.messages.insert(self.last, Message { reverse_path, recipients, octets });
        Ok(Accept::With(Reply::new(ReplyCode::OK, Detail::UNDEFINED, format!("message {}", self.last))))
    }

    /// The message that was accepted last is not accepted after all.
    pub fn revoked(&mut self) {
        self.desk.note("revoked".into());
        self.desk.state().messages.remove(&self.last);
    }

    /// The transaction is over.
    pub fn reset(&mut self) {
        self.desk.note("reset".into());
    }
}

fn reply(code: ReplyCode, detail: Detail, text: &str) -> Reject {
    Reply::new(code, detail, text).into()
}

fn local_part(path: &str) -> &str {
    path.split_once('@').map_or(path, |(local_part, _)| local_part)
}
