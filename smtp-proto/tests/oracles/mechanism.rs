//! Mechanisms of AUTH: a server's that asks for everything there is, a user, whose secret is looked up, then the secret
//! itself; and a client's that needs no protection.

use smtp_proto::sasl::{
    Claim, ClientExchange, Context, Credentials, ExchangeError, First, Mechanism, Secret, ServerExchange, Step,
};

#[derive(Debug)]
pub struct Lookup;

#[derive(Debug, Default)]
struct LookupServer {
    user: Option<String>,
    secret: Option<String>,
    is_proved: bool,
}

impl Mechanism for Lookup {
    fn name(&self) -> &str {
        "X-LOOKUP"
    }

    fn first(&self) -> First {
        First::Server
    }

    fn needs_protection(&self) -> bool {
        true
    }

    fn client(&self, _: &Credentials, _: &Context<'_>) -> Option<Box<dyn ClientExchange>> {
        None
    }

    fn server(&self, _: &Context<'_>) -> Option<Box<dyn ServerExchange>> {
        Some(Box::<LookupServer>::default())
    }
}

impl ServerExchange for LookupServer {
    fn take(&mut self, response: Option<&[u8]>, out: &mut Vec<u8>) -> Step {
        let Some(response) = response else {
            out.extend_from_slice(b"user?");
            return Step::Challenge;
        };
        let Ok(response) = core::str::from_utf8(response) else { return Step::Malformed };
        match (&self.user, &self.secret) {
            (None, _) => {
                self.user = Some(response.into());
                Step::Lookup
            }
            (Some(_), Some(secret)) if secret == response => {
                self.is_proved = true;
                Step::Decide
            }
            (Some(_), _) => Step::Refused,
        }
    }

    fn provide(&mut self, secret: Option<&Secret>, out: &mut Vec<u8>) -> Step {
        assert!(self.user.is_some() && self.secret.is_none(), "a secret is provided once, and when it was asked for");
        if let Some(Secret::Password(password)) = secret {
            self.secret = Some(password.clone());
        }
        out.extend_from_slice(b"secret?");
        Step::Challenge
    }

    fn user(&self) -> &str {
        self.user.as_deref().unwrap_or_default()
    }

    fn claim(&self) -> Claim<'_> {
        assert!(self.is_proved, "only what was proved is claimed");
        Claim::Proven { authorization: "", user: self.user() }
    }
}

/// Says this, then answers each challenge with that challenge.
#[derive(Debug)]
pub struct Say(pub &'static str);

impl Mechanism for Say {
    fn name(&self) -> &str {
        "X-SAY"
    }

    fn first(&self) -> First {
        First::Client
    }

    fn needs_protection(&self) -> bool {
        false
    }

    fn client(&self, _: &Credentials, _: &Context<'_>) -> Option<Box<dyn ClientExchange>> {
        Some(Box::new(SayClient(self.0.into())))
    }

    fn server(&self, _: &Context<'_>) -> Option<Box<dyn ServerExchange>> {
        None
    }
}

#[derive(Debug)]
struct SayClient(Vec<u8>);

impl ClientExchange for SayClient {
    fn respond(&mut self, challenge: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), ExchangeError> {
        out.extend_from_slice(challenge.unwrap_or(&self.0));
        Ok(())
    }
}
