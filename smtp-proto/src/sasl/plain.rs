//! PLAIN (RFC 4616).

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::message::{OneMessage, clean, filled, is_clean};
use super::{Claim, ClientExchange, Context, Credentials, ExchangeError, First, Mechanism, ServerExchange, Step};

/// PLAIN (RFC 4616): the client says user and password, and whom it wants to act as if that is another.
///
/// It protects nothing: who listens has the password, and so has the server. Over verified TLS it is the usual one.
/// Credentials: [`Credentials::password`], with [`acting_as`](Credentials::acting_as) if wanted. Claim:
/// [`Claim::Password`].
///
/// A server takes a message of exactly two NULs whose parts are UTF-8 without control characters, the user and the
/// password not empty. The strings are handed over as they came: to compare them with stored ones, both are prepared
/// the same way (RFC 4616 §2 recommends SASLprep), and what is empty then is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plain;

impl Mechanism for Plain {
    fn name(&self) -> &str {
        "PLAIN"
    }

    fn first(&self) -> First {
        First::Client
    }

    fn needs_protection(&self) -> bool {
        true
    }

    fn client(&self, credentials: &Credentials, _context: &Context<'_>) -> Option<Box<dyn ClientExchange>> {
        let message = message(credentials.authorization(), credentials.user()?, credentials.as_password()?);
        Some(Box::new(OneMessage::new(message, None)))
    }

    fn server(&self, _context: &Context<'_>) -> Option<Box<dyn ServerExchange>> {
        Some(Box::new(PlainServer { message: None }))
    }
}

/// `message = [authzid] UTF8NUL authcid UTF8NUL passwd`
fn message(authorization: &str, user: &str, password: &str) -> Result<String, ExchangeError> {
    Ok(format!("{}\0{}\0{}", clean(authorization)?, filled(user)?, filled(password)?))
}

struct PlainServer {
    message: Option<String>,
}

impl ServerExchange for PlainServer {
    fn take(&mut self, response: Option<&[u8]>, _out: &mut Vec<u8>) -> Step {
        if self.message.is_some() {
            return Step::Refused;
        }
        let Some(response) = response else { return Step::Challenge };
        match core::str::from_utf8(response) {
            Ok(message) if split(message).is_some() => {
                self.message = Some(String::from(message));
                Step::Decide
            }
            _ => Step::Malformed,
        }
    }

    fn claim(&self) -> Claim<'_> {
        let [authorization, user, password] = self.message.as_deref().and_then(split).unwrap_or_default();
        Claim::Password { authorization, user, password }
    }
}

impl fmt::Debug for PlainServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainServer").finish_non_exhaustive()
    }
}

/// Authorization identity, user and password of a message.
fn split(message: &str) -> Option<[&str; 3]> {
    let mut parts = message.split('\0');
    let parts = [parts.next()?, parts.next()?, parts.next().filter(|_| parts.next().is_none())?];
    let [_, user, password] = parts;
    (parts.into_iter().all(is_clean) && !user.is_empty() && !password.is_empty()).then_some(parts)
}
