//! A mechanism for tests: the client says something, then answers each challenge with that challenge.

use std::sync::Arc;

use smtp_proto::sasl::{ClientExchange, Context, Credentials, ExchangeError, First, Mechanism, ServerExchange};

#[derive(Clone, Debug)]
pub struct Echo {
    initial: String,
    is_satisfied: bool,
}

impl Echo {
    pub fn new(initial: &str) -> Self {
        Self { initial: initial.into(), is_satisfied: true }
    }

    /// One that is never satisfied with the server.
    pub fn unsatisfied() -> Self {
        Self { initial: String::new(), is_satisfied: false }
    }

    /// Credentials that are used with it.
    pub fn credentials(self) -> Credentials {
        Credentials::custom(Arc::new(self))
    }
}

impl Mechanism for Echo {
    fn name(&self) -> &str {
        "ECHO"
    }

    fn first(&self) -> First {
        First::Client
    }

    fn needs_protection(&self) -> bool {
        false
    }

    fn client(&self, _credentials: &Credentials, _context: &Context<'_>) -> Option<Box<dyn ClientExchange>> {
        Some(Box::new(self.clone()))
    }

    fn server(&self, _context: &Context<'_>) -> Option<Box<dyn ServerExchange>> {
        None
    }
}

impl ClientExchange for Echo {
    fn respond(&mut self, challenge: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), ExchangeError> {
        out.extend_from_slice(challenge.unwrap_or(self.initial.as_bytes()));
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ExchangeError> {
        if self.is_satisfied { Ok(()) } else { Err(ExchangeError::ServerSignature) }
    }
}
