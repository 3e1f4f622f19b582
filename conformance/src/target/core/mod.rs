//! The core itself, in both roles, without sockets and in virtual time.

mod application;
mod client;
mod server;
pub(super) mod settings;
mod wire;

use smtp_proto::sasl::mechanism;

use super::{Target, Unavailable, Variables, Wire};
use crate::transcript::{Act, Need, Side};

/// `smtp-proto`, driven by the player itself.
///
/// The server has a small application: it takes everything but recipients whose local part is `nobody` (550 5.1.1) or `later`
/// (451 4.2.1), reverse-paths whose local part is `early` (451 4.3.2), and messages that hold the line `unwanted` (554 5.7.1).
/// `alice` logs in with `secret`, inside TLS. The client has a caller that sends the mails of its job, all handed in at once,
/// and quits.
///
/// | `U: set`, server | |
/// |---|---|
/// | `tls=` | `offered` (default), `required`, `implicit`, `disabled` |
/// | `auth=` | `offered` (default), `required`, `clear` (without TLS, too), `disabled` |
/// | `mechanisms=PLAIN,LOGIN` | what is offered, in this order |
/// | `early=` | `refuse` (default), `tolerate`: input behind EHLO before its answer |
/// | `line-endings=` | `strict` (default), `normalize`: what becomes of a stray CR or LF in mail data |
/// | `verify=yes`, `expand=yes` | VRFY and EXPN are asked of the application, which accepts them |
/// | `size-limit=`, `recipients-limit=`, `messages-limit=`, `errors-limit=`, `line-limit=` | numbers |
/// | `hostname=` | its name |
/// | `client-certificate=yes` | wanted; `shown=yes`: the client of the script shows one |
///
/// | `U: set`, client | |
/// |---|---|
/// | `security=` | `plain` (default), `starttls`, `opportunistic`, `implicit` |
/// | `user=`, `password=`, `token=` | what it logs in with |
/// | `mechanism=` | the only one it uses; EXTERNAL needs no user |
/// | `submitter=` | who handed the mails in: a mailbox, or `<>` for somebody unknown |
/// | `unprotected=yes` | credentials may go out without verified TLS |
/// | `verified=no` | the certificate of the script's server is not verified |
/// | `pipelining=no` | no commands in groups |
/// | `line-endings=` | `strict` (default), `normalize`: a stray CR or LF in a message |
/// | `name=` | its name in EHLO |
#[derive(Clone, Debug)]
pub struct CoreTarget {
    variables: Variables,
}

impl CoreTarget {
    /// The core.
    #[must_use]
    pub fn new() -> Self {
        let named = ["bob", "carol", "dave"].into_iter().map(String::from);
        let numbered = (named.len() + 1..=120).map(|number| format!("user{number}"));
        Self {
            variables: Variables {
                domain: "mx.example".into(),
                client: Some("client.example".into()),
                sender: "alice@client.example".into(),
                recipients: named.chain(numbered).map(|name| format!("{name}@mx.example")).collect(),
                bad_recipient: Some("nobody@mx.example".into()),
                login: Some(("alice".into(), "secret".into())),
                logs_in: false,
            },
        }
    }
}

impl Default for CoreTarget {
    fn default() -> Self {
        Self::new()
    }
}

impl Target for CoreTarget {
    fn name(&self) -> &str {
        "core"
    }

    fn variables(&self) -> &Variables {
        &self.variables
    }

    fn offers(&self, role: Side, need: &Need) -> Result<(), String> {
        const USED: [&str; 6] = ["PIPELINING", "8BITMIME", "SIZE", "AUTH", "STARTTLS", "ENHANCEDSTATUSCODES"];

        match (role, need) {
            (Side::Client, Need::Extension(keyword)) if !USED.iter().any(|it| it.eq_ignore_ascii_case(keyword)) => {
                Err(format!("the client does not use {keyword}"))
            }
            (Side::Client, Need::NoExtension(keyword)) if USED.iter().any(|it| it.eq_ignore_ascii_case(keyword)) => {
                Err(format!("the client uses {keyword}"))
            }
            (Side::Client, Need::Auth(Some(name))) if mechanism(name).is_none() => {
                Err(format!("the client has no mechanism {name}"))
            }
            _ => Ok(()),
        }
    }

    fn has_virtual_time(&self) -> bool {
        true
    }

    fn connect(&self, setup: &[Act]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        Ok(Box::new(server::Server::connect(&self.variables.domain, setup)?))
    }

    fn launch(&self, job: &[Act], attachments: &[(String, Vec<u8>)]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        let name = self.variables.client.as_deref().unwrap_or("client.example");
        Ok(Box::new(client::Client::launch(name, job, attachments)?))
    }
}

/// The channel binding of every virtual TLS connection.
const BINDING: [u8; 32] = *b"the binding of a virtual channel";
