//! EXTERNAL (RFC 4422 appendix A).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::message::{OneMessage, clean, text};
use super::{Claim, ClientExchange, Context, Credentials, First, Mechanism, ServerExchange, Step};

/// EXTERNAL (RFC 4422 appendix A): the client is who its certificate in the TLS handshake says. The message holds only
/// whom it wants to act as.
///
/// No secret is sent. Credentials: [`Credentials::external`]. Claim: [`Claim::External`]; the application compares it
/// with the certificate, which the TLS library has, and refuses it if there is none. To offer EXTERNAL only makes sense
/// where clients are asked for certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct External;

impl Mechanism for External {
    fn name(&self) -> &str {
        "EXTERNAL"
    }

    fn first(&self) -> First {
        First::Client
    }

    fn needs_protection(&self) -> bool {
        false
    }

    fn client(&self, credentials: &Credentials, _context: &Context<'_>) -> Option<Box<dyn ClientExchange>> {
        if !credentials.is_external() {
            return None;
        }
        Some(Box::new(OneMessage::new(clean(credentials.authorization()).map(String::from), None)))
    }

    fn server(&self, _context: &Context<'_>) -> Option<Box<dyn ServerExchange>> {
        Some(Box::new(ExternalServer { authorization: None }))
    }
}

#[derive(Debug)]
struct ExternalServer {
    authorization: Option<String>,
}

impl ServerExchange for ExternalServer {
    fn take(&mut self, response: Option<&[u8]>, _out: &mut Vec<u8>) -> Step {
        if self.authorization.is_some() {
            return Step::Refused;
        }
        let Some(response) = response else { return Step::Challenge };
        let Some(authorization) = text(response) else { return Step::Malformed };
        self.authorization = Some(String::from(authorization));
        Step::Decide
    }

    fn claim(&self) -> Claim<'_> {
        Claim::External { authorization: self.authorization.as_deref().unwrap_or_default() }
    }
}
