//! A server's application: takes everything but what its addresses tell it to refuse.

use smtp_proto::address::{ForwardPath, ReversePath};
use smtp_proto::reply::{Detail, Reply, ReplyCode};
use smtp_proto::sasl::{Claim, Secret};
use smtp_proto::server::{Connection, Event};
use smtp_proto::{Instant, Misuse, TlsInfo};

/// A message that was accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub from: String,
    pub to: Vec<String>,
    pub body: Vec<u8>,
}

/// Accepts everything, but refuses a mailbox whose local part begins with `no` for good, one that begins with `later`
/// for now, in MAIL and RCPT, and a message that holds the line `refuse me`.
///
/// In AUTH the password of everybody is `secret` and the token `token`; only `alice` has something stored; `later` cannot
/// be judged now.
#[derive(Debug, Default)]
pub struct Desk {
    /// What was told, a line an event; neighbouring pieces of a body are joined.
    pub log: Vec<String>,
    pub messages: Vec<Message>,
    /// What TLS handshakes bring.
    pub tls: TlsInfo,
    draft: Message,
}

impl Desk {
    /// One whose TLS handshakes bring this.
    pub fn within(tls: TlsInfo) -> Self {
        Self { tls, ..Self::default() }
    }

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
            Event::Auth(token) => match judge(token.claim()) {
                None => connection.accept(now, token).map_err(|refused| refused.misuse),
                Some(reply) => connection.reject(now, token, reply).map_err(|refused| refused.misuse),
            },
            Event::Lookup(token) => {
                let secret = match token.user() {
                    "alice" => Ok(Some(Secret::Password("secret".into()))),
                    "later" => Err(unavailable()),
                    _ => Ok(None),
                };
                connection.provide(now, token, secret).map_err(|refused| refused.misuse)
            }
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

/// Why a claim is refused, if it is.
fn judge(claim: Claim<'_>) -> Option<Reply> {
    let is_good = match claim {
        Claim::Password { user: "later", .. } => return Some(unavailable()),
        Claim::Password { password, .. } => password == "secret",
        Claim::Bearer { token, .. } => token == "token",
        Claim::Proven { user, .. } => user == "alice",
        Claim::Other(response) => response == b"open",
        _ => true,
    };
    let text = "wrong user or password";
    (!is_good).then(|| Reply::new(ReplyCode::AUTHENTICATION_FAILED, Detail::CREDENTIALS_INVALID, text))
}

fn unavailable() -> Reply {
    let code = ReplyCode::TEMPORARY_AUTHENTICATION_FAILURE;
    Reply::new(code, Detail::OTHER_SECURITY_STATUS, "the directory does not answer")
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
