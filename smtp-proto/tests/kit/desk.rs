//! A server's application: takes everything but what its addresses tell it to refuse.

use smtp_proto::address::{ForwardPath, ReversePath};
use smtp_proto::reply::{Detail, Reply, ReplyCode};
use smtp_proto::server::{Connection, Event};
use smtp_proto::{Instant, Misuse};

/// A message that was accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub from: String,
    pub to: Vec<String>,
    pub body: Vec<u8>,
}

/// Accepts everything, but refuses a mailbox whose local part begins with `no` for good, one that begins with `later`
/// for now, in MAIL and RCPT, and a message that holds the line `refuse me`.
#[derive(Debug, Default)]
pub struct Desk {
    /// What was told, a line an event; neighbouring pieces of a body are joined.
    pub log: Vec<String>,
    pub messages: Vec<Message>,
    draft: Message,
}

impl Desk {
    /// Takes an event and answers it.
    pub fn handle(&mut self, now: Instant, connection: &mut Connection, event: Event) {
        if let Event::Body(piece) = event {
            self.draft.body.extend_from_slice(&piece);
            return;
        }
        self.log.push(describe(&event, &self.draft.body));
        let answered: Result<(), Misuse> = match event {
            Event::Connect(token) => connection.accept(now, token).map_err(|refused| refused.misuse),
            Event::Hello(token) => connection.accept(now, token).map_err(|refused| refused.misuse),
            Event::Mail(token) => {
                self.draft = Message { from: path(&token.reverse_path()), ..Message::default() };
                match verdict(&self.draft.from) {
                    None => connection.accept(now, token).map_err(|refused| refused.misuse),
                    Some(reply) => connection.reject(now, token, reply).map_err(|refused| refused.misuse),
                }
            }
            Event::Rcpt(token) => {
                let to = forward(&token.forward_path());
                match verdict(&to) {
                    None => {
                        self.draft.to.push(to);
                        connection.accept(now, token).map_err(|refused| refused.misuse)
                    }
                    Some(reply) => connection.reject(now, token, reply).map_err(|refused| refused.misuse),
                }
            }
            Event::Data(token) => connection.accept(now, token).map_err(|refused| refused.misuse),
            Event::Message(token) => {
                let message = core::mem::take(&mut self.draft);
                if message.body.windows(9).any(|window| window == b"refuse me") {
                    let reply = Reply::new(ReplyCode::TRANSACTION_FAILED, Detail::OTHER_SECURITY_STATUS, "as you wish");
                    connection.reject(now, token, reply).map_err(|refused| refused.misuse)
                } else {
                    self.messages.push(message);
                    connection.accept(now, token).map_err(|refused| refused.misuse)
                }
            }
            Event::Verify(token) => connection.accept(now, token).map_err(|refused| refused.misuse),
            Event::Expand(token) => connection.accept(now, token).map_err(|refused| refused.misuse),
            Event::Aborted(_) | Event::Reset => {
                self.draft = Message::default();
                Ok(())
            }
            _ => Ok(()),
        };
        answered.expect("the token is the one that is due");
    }
}

fn path(path: &ReversePath<'_>) -> String {
    match path {
        ReversePath::Null => String::new(),
        ReversePath::Path(path) => path.mailbox().as_str().into(),
    }
}

fn forward(path: &ForwardPath<'_>) -> String {
    match path {
        ForwardPath::Postmaster(name) => (*name).into(),
        ForwardPath::Path(path) => path.mailbox().as_str().into(),
    }
}

fn verdict(mailbox: &str) -> Option<Reply> {
    if mailbox.starts_with("no") {
        Some(Reply::new(ReplyCode::MAILBOX_UNAVAILABLE, Detail::BAD_DESTINATION_MAILBOX, "no such mailbox"))
    } else if mailbox.starts_with("later") {
        Some(Reply::new(ReplyCode::MAILBOX_BUSY, Detail::OTHER_MAILBOX_STATUS, "try later"))
    } else {
        None
    }
}

/// One line for an event; `body` is what came of the mail data so far.
fn describe(event: &Event, body: &[u8]) -> String {
    match event {
        Event::Aborted(abort) => format!("Aborted({abort:?}) after {:?}", body.escape_ascii().to_string()),
        Event::Message(_) => format!("Message {:?}", body.escape_ascii().to_string()),
        other => format!("{other:?}"),
    }
}
