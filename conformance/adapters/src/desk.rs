//! The application of a server, without a runtime.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memchr::memmem;
use smtp_proto::reply::{Detail, Reply, ReplyCode};
use smtp_proto::sasl::{Claim, Secret};
use smtp_proto::server::{Accept, Answer, Auth, Envelope, Hello, Lookup, Mail, Rcpt, Reject};

/// Answers by fixed rules, and remembers what it was asked. A clone is the same desk.
///
/// | | |
/// |---|---|
/// | AUTH | `alice` with the password `secret` |
/// | MAIL | 451 to the local part `early`, else accepted |
/// | RCPT | 550 to the local part `nobody`, 451 to `later`, else accepted |
/// | DATA | 554, without the message, to a mail from the local part `silent` |
/// | the message | 554 if it holds the line `unwanted`, else 250 with its number |
///
/// A visit that is [announced](Self::announce) may have other rules.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    pause: Duration,
    /// It remembers nothing but what belongs to a visit that was announced.
    forgets: bool,
    state: Arc<Mutex<State>>,
}

/// Who sits at a desk, for one connection.
#[derive(Debug)]
pub struct Clerk {
    desk: Desk,
    peer: Option<SocketAddr>,
    /// The number of the message that was accepted last.
    last: usize,
}

/// A connection from an address that was told before it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Visit {
    /// What is still to be answered, and to questions of which kind.
    pub refusals: Vec<(String, Reply)>,
    /// What it was asked, in order, by the same names.
    pub questions: Vec<String>,
    /// The messages that were accepted, in order.
    pub messages: Vec<Message>,
    /// Messages that broke off, or were refused before the application saw their end.
    pub aborted: usize,
}

#[derive(Debug, Default)]
struct State {
    log: Vec<String>,
    messages: BTreeMap<usize, Message>,
    accepted: usize,
    visits: BTreeMap<SocketAddr, Visit>,
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

    /// The same, but it remembers nothing except visits, so that it can serve for long.
    #[must_use]
    pub fn forgetful(self) -> Self {
        Self { forgets: true, ..self }
    }

    /// Somebody for one connection, from this address.
    #[must_use]
    pub fn clerk(&self, peer: Option<SocketAddr>) -> Clerk {
        Clerk { desk: self.clone(), peer, last: 0 }
    }

    /// Says that a connection comes from this address, so that it is remembered as a visit.
    pub fn announce(&self, peer: SocketAddr) {
        self.state().visits.insert(peer, Visit::default());
    }

    /// Says what is answered to the next question of this kind in the visit from this address: `connect`, `hello`, `auth`,
    /// `mail`, `rcpt`, `data`, `message`, `verify` or `expand`.
    pub fn refuse_next(&self, peer: SocketAddr, question: &str, refusal: Reply) {
        if let Some(visit) = self.state().visits.get_mut(&peer) {
            visit.refusals.push((question.into(), refusal));
        }
    }

    /// What has become so far of the visit from this address, if it was announced.
    #[must_use]
    pub fn visit(&self, peer: SocketAddr) -> Option<Visit> {
        self.state().visits.get(&peer).cloned()
    }

    /// Forgets the visit from this address.
    pub fn forget(&self, peer: SocketAddr) {
        self.state().visits.remove(&peer);
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
        if !self.forgets {
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

    /// A client has connected.
    ///
    /// # Errors
    ///
    /// The refusal.
    pub fn connect(&mut self) -> Answer {
        self.refusal("connect")?;
        Ok(Accept::Usual)
    }

    /// EHLO or HELO.
    ///
    /// # Errors
    ///
    /// The refusal.
    pub fn hello(&mut self, hello: &Hello) -> Answer {
        self.desk.note(format!("hello {}", hello.name()));
        self.refusal("hello")?;
        Ok(Accept::Usual)
    }

    /// AUTH.
    ///
    /// # Errors
    ///
    /// The refusal.
    pub fn auth(&mut self, auth: &Auth) -> Answer {
        self.desk.note(format!("auth {}", auth.mechanism()));
        self.refusal("auth")?;
        match auth.claim() {
            Claim::Password { authorization: "" | "alice", user: "alice", password: "secret" }
            | Claim::Proven { authorization: "" | "alice", user: "alice" } => Ok(Accept::Usual),
            _ => Err(Reject::wrong_credentials()),
        }
    }

    /// What is stored of a user.
    ///
    /// # Errors
    ///
    /// The refusal.
    pub fn lookup(&mut self, lookup: &Lookup) -> Result<Option<Secret>, Reject> {
        self.refusal("auth")?;
        Ok((lookup.user() == "alice").then(|| Secret::Password("secret".into())))
    }

    /// MAIL.
    ///
    /// # Errors
    ///
    /// The refusal.
    pub fn mail(&mut self, mail: &Mail) -> Answer {
        let path = mail.reverse_path();
        self.desk.note(format!("mail {} {:?}", path.as_str(), mail.protocol()));
        self.refusal("mail")?;
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
        self.refusal("rcpt")?;
        match local_part(path.as_str()) {
            "nobody" => {
                Err(reply(ReplyCode::MAILBOX_UNAVAILABLE, Detail::BAD_DESTINATION_MAILBOX, "nobody is not here"))
            }
            "later" => Err(reply(ReplyCode::LOCAL_ERROR, Detail::MAILBOX_DISABLED, "not now")),
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
        self.refusal("data")?;
        match local_part(envelope.reverse_path()) {
            "silent" => Err(reply(ReplyCode::TRANSACTION_FAILED, Detail::NOT_AUTHORIZED, "not from you")),
            _ => Ok(Accept::Usual),
        }
    }

    /// VRFY and EXPN, if they are asked of the application: `verify`, `expand`.
    ///
    /// # Errors
    ///
    /// The refusal.
    pub fn look_up(&mut self, question: &str) -> Answer {
        self.refusal(question)?;
        Ok(Accept::Usual)
    }

    /// The message was read to its end, or as far as it came.
    ///
    /// # Errors
    ///
    /// The refusal.
    pub fn message(&mut self, envelope: &Envelope, octets: Vec<u8>, read: io::Result<usize>) -> Answer {
        self.desk.note(format!("message of {} octets: {:?}", octets.len(), read.as_ref().map_err(io::Error::kind)));
        if let Err(error) = read {
            self.with_visit(|visit| visit.aborted += 1);
            return Err(error.into());
        }
        self.refusal("message")?;
        if holds_line(&octets, b"unwanted") {
            return Err(reply(ReplyCode::TRANSACTION_FAILED, Detail::NOT_AUTHORIZED, "not such a message"));
        }
        let (reverse_path, recipients) = (envelope.reverse_path().to_owned(), envelope.recipients().to_vec());
        let message = Message { reverse_path, recipients, octets };
        self.with_visit(|visit| visit.messages.push(message.clone()));
        let mut state = self.desk.state();
        state.accepted += 1;
        self.last = state.accepted;
        if !self.desk.forgets {
            state.messages.insert(self.last, message);
        }
        Ok(Accept::With(Reply::new(ReplyCode::OK, Detail::UNDEFINED, format!("message {}", self.last))))
    }

    /// The message that was accepted last is not accepted after all.
    pub fn revoked(&mut self) {
        self.desk.note("revoked".into());
        self.with_visit(|visit| {
            visit.messages.pop();
            visit.aborted += 1;
        });
        self.desk.state().messages.remove(&self.last);
    }

    /// The transaction is over.
    pub fn reset(&mut self) {
        self.desk.note("reset".into());
    }

    /// What the visit says to a question of this kind.
    fn refusal(&self, question: &str) -> Result<(), Reject> {
        let refused = self.with_visit(|visit| {
            visit.questions.push(question.into());
            let number = visit.refusals.iter().position(|(kind, _)| kind == question)?;
            Some(visit.refusals.remove(number).1)
        });
        refused.flatten().map_or(Ok(()), |reply| Err(reply.into()))
    }

    /// Does this to the visit, if it was announced.
    fn with_visit<T>(&self, change: impl FnOnce(&mut Visit) -> T) -> Option<T> {
        self.desk.state().visits.get_mut(&self.peer?).map(change)
    }
}

fn holds_line(octets: &[u8], line: &[u8]) -> bool {
    memmem::find_iter(octets, line).any(|at| {
        (at == 0 || octets[at - 1] == b'\n') && matches!(octets.get(at + line.len()), None | Some(b'\r' | b'\n'))
    })
}

fn reply(code: ReplyCode, detail: Detail, text: &str) -> Reject {
    Reply::new(code, detail, text).into()
}

fn local_part(path: &str) -> &str {
    path.split_once('@').map_or(path, |(local_part, _)| local_part)
}
