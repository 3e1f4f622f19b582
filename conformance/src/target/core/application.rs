//! The application of the core's server.

use smtp_proto::Instant;
use smtp_proto::reply::{Detail, Reply, ReplyCode};
use smtp_proto::sasl::{Claim, Secret};
use smtp_proto::server::{Abort, Accept, Answer, Connection, Event, Reject, Token};

use crate::transcript::Expectation;

/// Answers by fixed rules, unless it was told otherwise, and remembers what it saw.
#[derive(Debug, Default)]
pub(super) struct Application {
    /// What the next event of a kind is answered with.
    orders: Vec<(String, Reply)>,
    /// The names of the events that came.
    log: Vec<String>,
    draft: Message,
    accepted: Option<Message>,
}

/// A message with its envelope.
#[derive(Clone, Debug, Default)]
struct Message {
    from: String,
    to: Vec<String>,
    octets: Vec<u8>,
}

impl Application {
    /// What `U: reject` says.
    pub(super) fn reject_next(&mut self, event: &str, reply: &str) -> Result<(), String> {
        const EVENTS: [&str; 9] = ["connect", "hello", "auth", "mail", "rcpt", "data", "message", "verify", "expand"];

        if !EVENTS.contains(&event) {
            return Err(format!("{event} is no event: one of {}", EVENTS.join(", ")));
        }
        self.orders.push((event.into(), read_reply(reply)?));
        Ok(())
    }

    /// The connection is over.
    pub(super) fn closed(&mut self) {
        self.log.push("closed".into());
    }

    /// Takes an event and answers it.
    pub(super) fn handle(&mut self, now: Instant, connection: &mut Connection, event: Event) {
        match event {
            Event::Connect(token) => {
                self.answer(now, connection, token, "connect", None);
            }
            Event::Hello(token) => {
                self.answer(now, connection, token, "hello", None);
            }
            Event::Auth(token) => {
                let refusal = judge(token.claim());
                self.answer(now, connection, token, "auth", refusal);
            }
            Event::Lookup(token) => {
                self.log.push("auth".into());
                let answer = match self.order("auth") {
                    Some(order) => Err(Reject::from(order)),
                    None => Ok((token.user() == "alice").then(|| Secret::Password("secret".into()))),
                };
                connection.answer_lookup(now, token, answer);
            }
            Event::Mail(token) => {
                let from = token.reverse_path().as_str().to_owned();
                let refusal = (local_part(&from) == "early").then(|| {
                    Reply::new(ReplyCode::LOCAL_ERROR, Detail::SYSTEM_NOT_ACCEPTING_MESSAGES, "come back later")
                });
                self.draft = Message { from, ..Message::default() };
                self.answer(now, connection, token, "mail", refusal);
            }
            Event::Rcpt(token) => {
                let to = token.forward_path().as_str().to_owned();
                let refusal = match local_part(&to) {
                    "nobody" => {
                        Some((ReplyCode::MAILBOX_UNAVAILABLE, Detail::BAD_DESTINATION_MAILBOX, "no such mailbox"))
                    }
                    "later" => Some((ReplyCode::LOCAL_ERROR, Detail::MAILBOX_DISABLED, "try later")),
                    _ => None,
                };
                let refusal = refusal.map(|(code, detail, text)| Reply::new(code, detail, text));
                if self.answer(now, connection, token, "rcpt", refusal) {
                    self.draft.to.push(to);
                }
            }
            Event::Data(token) => {
                self.answer(now, connection, token, "data", None);
            }
            Event::Body(piece) => self.draft.octets.extend_from_slice(&piece),
            Event::Message(token) => {
                let message = ::core::mem::take(&mut self.draft);
                let is_unwanted =
                    message.octets.split(|&octet| octet == b'\n').any(|line| line.trim_ascii_end() == b"unwanted");
                let refusal = is_unwanted
                    .then(|| Reply::new(ReplyCode::TRANSACTION_FAILED, Detail::NOT_AUTHORIZED, "not such a message"));
                if self.answer(now, connection, token, "message", refusal) {
                    self.accepted = Some(message);
                }
            }
            Event::Verify(token) => {
                self.answer(now, connection, token, "verify", None);
            }
            Event::Expand(token) => {
                self.answer(now, connection, token, "expand", None);
            }
            Event::Reset => self.drop_draft("reset"),
            Event::Aborted(abort) => self.drop_draft(match abort {
                Abort::StrayOctet => "aborted stray",
                Abort::TooBig => "aborted too-big",
                Abort::ConnectionLost => "aborted lost",
                Abort::Timeout => "aborted timeout",
                _ => "aborted",
            }),
            _ => {}
        }
    }

    /// Whether it saw this.
    pub(super) fn saw(
        &self,
        expectation: &Expectation,
        attachments: &[(String, Vec<u8>)],
    ) -> Option<Result<(), String>> {
        let none = "no message was accepted".to_owned();
        Some(match (expectation, &self.accepted) {
            (Expectation::Message(None), None) => Ok(()),
            (Expectation::Message(None), Some(message)) => Err(format!("the message {}", show(&message.octets))),
            (Expectation::Message(Some(_)) | Expectation::Envelope { .. }, None) => Err(none),
            (Expectation::Message(Some(file)), Some(message)) => {
                match attachments.iter().find(|(name, _)| name == file) {
                    Some((_, octets)) if *octets == message.octets => Ok(()),
                    Some(_) => Err(format!("the message {}", show(&message.octets))),
                    None => Err(format!("there is no file {file} beside the transcript")),
                }
            }
            (Expectation::Envelope { from, to }, Some(message)) => {
                let is_same = *from == message.from && *to == message.to;
                let to = || message.to.iter().map(|to| format!("<{to}>")).collect::<Vec<_>>().join(",");
                if is_same { Ok(()) } else { Err(format!("from=<{}> to={}", message.from, to())) }
            }
            (Expectation::Event(event), _) => {
                let is_such = |came: &&String| *came == event || came.split(' ').next() == Some(event);
                let came = || if self.log.is_empty() { "no event".into() } else { self.log.join(", ") };
                self.log.iter().find(is_such).map(|_| ()).ok_or_else(came)
            }
            (Expectation::Recipient { .. }, _) => return None,
        })
    }

    /// Whether it was a yes.
    fn answer<T: Token>(
        &mut self,
        now: Instant,
        connection: &mut Connection,
        token: T,
        event: &str,
        refusal: Option<Reply>,
    ) -> bool {
        self.log.push(event.into());
        let refusal = self.order(event).or(refusal);
        let answer: Answer = refusal.map_or(Ok(Accept::Usual), |reply| Err(reply.into()));
        connection.answer(now, token, answer)
    }

    fn order(&mut self, event: &str) -> Option<Reply> {
        let number = self.orders.iter().position(|(of, _)| of == event)?;
        Some(self.orders.remove(number).1)
    }

    fn drop_draft(&mut self, event: &str) {
        self.log.push(event.into());
        self.draft = Message::default();
    }
}

/// Why a claim is refused, if it is.
fn judge(claim: Claim<'_>) -> Option<Reply> {
    let is_good = match claim {
        Claim::Password { authorization: "" | "alice", user: "alice", password: "secret" } => true,
        Claim::Proven { user, .. } => user == "alice",
        _ => false,
    };
    let text = "authentication credentials invalid";
    (!is_good).then(|| Reply::new(ReplyCode::AUTHENTICATION_FAILED, Detail::CREDENTIALS_INVALID, text))
}

/// `550 5.1.1 no such user`.
fn read_reply(text: &str) -> Result<Reply, String> {
    let advice = || format!("{text:?} is no reply: such as `550 5.1.1 no such user`");
    let (reply, _) = Reply::parse(format!("{text}\r\n").as_bytes()).map_err(|_| advice())?;
    if reply.is_transient() || reply.is_permanent() { Ok(reply) } else { Err(advice()) }
}

fn local_part(path: &str) -> &str {
    path.split_once('@').map_or(path, |(local_part, _)| local_part)
}

fn show(octets: &[u8]) -> String {
    format!("\"{}\"", octets[..octets.len().min(500)].escape_ascii())
}
