//! ANONYMOUS (RFC 4505).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::message::{OneMessage, is_clean, text};
use super::{Claim, ClientExchange, Context, Credentials, ExchangeError, First, Mechanism, ServerExchange, Step};

/// ANONYMOUS (RFC 4505): the client is nobody, and leaves a word about itself, which may be empty.
///
/// It proves nothing, and a server offers it only on purpose (§5). Credentials: [`Credentials::anonymous`]. Claim:
/// [`Claim::Anonymous`]. The word is UTF-8 without control characters, 255 characters at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anonymous;

impl Mechanism for Anonymous {
    fn name(&self) -> &str {
        "ANONYMOUS"
    }

    fn first(&self) -> First {
        First::Client
    }

    fn needs_protection(&self) -> bool {
        false
    }

    fn client(&self, credentials: &Credentials, _context: &Context<'_>) -> Option<Box<dyn ClientExchange>> {
        let trace = credentials.as_anonymous().filter(|_| credentials.authorization().is_empty())?;
        let message = if is_trace(trace) { Ok(String::from(trace)) } else { Err(ExchangeError::Characters) };
        Some(Box::new(OneMessage::new(message, None)))
    }

    fn server(&self, _context: &Context<'_>) -> Option<Box<dyn ServerExchange>> {
        Some(Box::new(AnonymousServer { trace: None }))
    }
}

#[derive(Debug)]
struct AnonymousServer {
    trace: Option<String>,
}

impl ServerExchange for AnonymousServer {
    fn take(&mut self, response: Option<&[u8]>, _out: &mut Vec<u8>) -> Step {
        if self.trace.is_some() {
            return Step::Refused;
        }
        let Some(response) = response else { return Step::Challenge };
        let Some(trace) = text(response).filter(|text| is_trace(text)) else { return Step::Malformed };
        self.trace = Some(String::from(trace));
        Step::Decide
    }

    fn claim(&self) -> Claim<'_> {
        Claim::Anonymous { trace: self.trace.as_deref().unwrap_or_default() }
    }
}

/// `message = [ email / token ]`, `token = 1*255TCHAR`. No address that mail can go to is longer either.
fn is_trace(text: &str) -> bool {
    is_clean(text) && text.chars().count() <= 255
}
