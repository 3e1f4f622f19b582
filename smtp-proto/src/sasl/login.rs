//! LOGIN, which no RFC describes.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::message::{filled, text};
use super::{Claim, ClientExchange, Context, Credentials, ExchangeError, First, Mechanism, ServerExchange, Step};

/// LOGIN: the server asks for the user, then for the password. It is older than PLAIN, never became a standard, and is
/// what some large providers have instead of it.
///
/// It protects nothing: who listens has the password, and so has the server. Credentials: [`Credentials::password`];
/// there is no way to [act as](Credentials::acting_as) somebody else. Claim: [`Claim::Password`].
///
/// A client does not look at the prompts, which differ between servers: the first challenge gets the user, the second
/// one the password. A server takes a user name on the AUTH line as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Login;

impl Mechanism for Login {
    fn name(&self) -> &str {
        "LOGIN"
    }

    fn first(&self) -> First {
        First::Either
    }

    fn needs_protection(&self) -> bool {
        true
    }

    fn client(&self, credentials: &Credentials, _context: &Context<'_>) -> Option<Box<dyn ClientExchange>> {
        if !credentials.authorization().is_empty() {
            return None;
        }
        let password = String::from(credentials.as_password()?);
        Some(Box::new(LoginClient { user: Some(String::from(credentials.user()?)), password: Some(password) }))
    }

    fn server(&self, _context: &Context<'_>) -> Option<Box<dyn ServerExchange>> {
        Some(Box::new(LoginServer { user: None, password: None }))
    }
}

/// What is not said yet.
struct LoginClient {
    user: Option<String>,
    password: Option<String>,
}

impl ClientExchange for LoginClient {
    fn respond(&mut self, challenge: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), ExchangeError> {
        let response = if let Some(user) = self.user.take() {
            // An exchange that cannot be finished does not begin.
            filled(self.password.as_deref().unwrap_or_default())?;
            user
        } else {
            challenge.and_then(|_| self.password.take()).ok_or(ExchangeError::Challenge)?
        };
        out.extend_from_slice(filled(&response)?.as_bytes());
        Ok(())
    }
}

impl fmt::Debug for LoginClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginClient").finish_non_exhaustive()
    }
}

/// What was said.
struct LoginServer {
    user: Option<String>,
    password: Option<String>,
}

impl ServerExchange for LoginServer {
    fn take(&mut self, response: Option<&[u8]>, out: &mut Vec<u8>) -> Step {
        let Some(response) = response else {
            if self.user.is_some() {
                return Step::Malformed;
            }
            out.extend_from_slice(b"Username:");
            return Step::Challenge;
        };
        if self.password.is_some() {
            return Step::Refused;
        }
        let Some(response) = text(response).filter(|text| !text.is_empty()) else { return Step::Malformed };
        if self.user.is_none() {
            self.user = Some(String::from(response));
            out.extend_from_slice(b"Password:");
            return Step::Challenge;
        }
        self.password = Some(String::from(response));
        Step::Decide
    }

    fn claim(&self) -> Claim<'_> {
        Claim::Password {
            authorization: "",
            user: self.user.as_deref().unwrap_or_default(),
            password: self.password.as_deref().unwrap_or_default(),
        }
    }
}

impl fmt::Debug for LoginServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginServer").finish_non_exhaustive()
    }
}
