//! Where to connect, and how.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{Endpoint, Provider, ServerName, Url, UserName};
use crate::client::{Config, Security};
use crate::sasl::{Conditions, Credentials, Unusable, builtin, choose};

/// Where to connect, and how: made of [`Choices`](super::Choices). `Debug` shows no password.
#[derive(Clone, Debug)]
pub struct Target {
    pub(super) server: ServerName,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) certificate_name: ServerName,
    pub(super) provider: Option<Provider>,
    pub(super) endpoint: Option<Endpoint>,
    pub(super) user: Option<String>,
    /// Whether the user name was said, not made.
    pub(super) is_user_given: bool,
    pub(super) login: Login,
    /// Holds the password, if it was in a URL.
    pub(super) url: Option<Url>,
    pub(super) mechanism: Option<String>,
    pub(super) ehlo: Option<String>,
    pub(super) unprotected_credentials: bool,
}

/// What one logs in with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Login {
    /// Nothing: nobody logs in.
    #[default]
    Nobody,
    /// A password, whatever a provider calls it.
    Password,
    /// An OAuth 2.0 access token.
    Token,
    /// The certificate that the client shows in the handshake.
    Certificate,
    /// Nothing, but AUTH is done (RFC 4505).
    Anonymous,
}

/// What is not there that is needed to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// A password or token; the provider, if there is one, says which.
    Secret(Option<Provider>),
    /// A user name; the provider, if there is one, says which.
    User(Option<Provider>),
}

impl Target {
    pub(super) fn new(server: ServerName, port: u16, security: Security) -> Self {
        Self {
            certificate_name: server.clone(),
            server,
            port,
            security,
            provider: None,
            endpoint: None,
            user: None,
            is_user_given: false,
            login: Login::Nobody,
            url: None,
            mechanism: None,
            ehlo: None,
            unprotected_credentials: false,
        }
    }

    /// Where to connect to.
    #[must_use]
    pub fn server(&self) -> &ServerName {
        &self.server
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How TLS begins.
    #[must_use]
    pub fn security(&self) -> Security {
        self.security
    }

    /// Whom the certificate has to be of: the server, or the provider's one if another was given to connect to.
    #[must_use]
    pub fn certificate_name(&self) -> &ServerName {
        &self.certificate_name
    }

    /// The provider.
    #[must_use]
    pub fn provider(&self) -> Option<Provider> {
        self.provider
    }

    /// The port of the provider that was taken.
    #[must_use]
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint.as_ref()
    }

    /// The user name: the one that was given, or the one that the provider makes of the sender.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// What is there to log in with.
    #[must_use]
    pub fn login(&self) -> Login {
        self.login
    }

    /// The password, or token, of the URL.
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        self.url.as_ref().and_then(Url::password)
    }

    /// The only mechanism of AUTH to use, in upper case.
    #[must_use]
    pub fn mechanism(&self) -> Option<&str> {
        self.mechanism.as_deref()
    }

    /// The name to give in EHLO, for [`Config::new`].
    #[must_use]
    pub fn ehlo(&self) -> Option<&str> {
        self.ehlo.as_deref()
    }

    /// Whether credentials may go out in clear, or to a server that was not verified.
    #[must_use]
    pub fn allows_unprotected_credentials(&self) -> bool {
        self.unprotected_credentials
    }

    /// What is not there that is needed to log in, if somebody is to log in.
    #[must_use]
    pub fn missing(&self) -> Option<Missing> {
        let wants_login = |provider: Provider| provider.credentials().all(|kind| kind.login() != Login::Nobody);
        match self.login {
            Login::Nobody if self.is_user_given || self.provider.is_some_and(wants_login) => {
                Some(Missing::Secret(self.provider))
            }
            Login::Password | Login::Token if self.user.is_none() && !self.is_user_the_secret() => {
                Some(Missing::User(self.provider))
            }
            _ => None,
        }
    }

    /// The credentials, with this password or token.
    #[must_use]
    pub fn credentials(&self, secret: &str) -> Option<Credentials> {
        let user = match &self.user {
            Some(user) => user,
            None if self.is_user_the_secret() => secret,
            None => "",
        };
        match self.login {
            Login::Nobody => None,
            Login::Password => Some(Credentials::password(user, secret)),
            Login::Token => Some(Credentials::bearer(user, secret)),
            Login::Certificate => Some(Credentials::external().acting_as(user)),
            Login::Anonymous => Some(Credentials::anonymous(user)),
        }
    }

    /// The mechanisms of AUTH that may be used, the preferred one first: of those that the provider is known to offer,
    /// or else of all. Which one it is depends on what the server offers. Empty if nobody logs in.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn mechanisms(&self) -> Result<Vec<&'static str>, Unusable> {
        let Some(credentials) = self.credentials("") else { return Ok(Vec::new()) };
        let is_tls = self.security != Security::Plain;
        let conditions = Conditions {
            only: self.mechanism(),
            verified: is_tls,
            unprotected: self.unprotected_credentials,
            channel_binding: is_tls,
            nonce: true,
        };
        let stated: Vec<_> = self.endpoint.iter().flat_map(Endpoint::mechanisms).collect();
        let is_stated = |name: &&str| stated.is_empty() || stated.contains(name);
        let mut offered: Vec<_> = builtin().iter().map(|mechanism| mechanism.name()).filter(is_stated).collect();
        let mut found = Vec::new();
        loop {
            let chosen = match choose(&credentials, &offered, &conditions) {
                Ok(mechanism) => offered.iter().position(|name| *name == mechanism.name()),
                Err(reason) if found.is_empty() => return Err(reason),
                Err(_) => None,
            };
            let Some(at) = chosen else { return Ok(found) };
            found.push(offered.remove(at));
        }
    }

    /// Makes a configuration fit: security, mechanism and what is allowed to credentials. The credentials themselves
    /// are the caller's to set, and the name is to be [`ehlo`](Self::ehlo), if there is one.
    pub fn apply(&self, config: &mut Config) {
        config.security = self.security;
        config.mechanism.clone_from(&self.mechanism);
        config.unprotected_credentials = self.unprotected_credentials;
    }

    pub(super) fn is_user_the_secret(&self) -> bool {
        self.provider.is_some_and(|provider| provider.user_name() == UserName::Secret)
    }
}

impl Login {
    pub(super) fn phrase(self) -> &'static str {
        match self {
            Self::Nobody => "nothing",
            Self::Password => "a password",
            Self::Token => "an OAuth 2.0 access token",
            Self::Certificate => "the certificate of the client",
            Self::Anonymous => "no credentials",
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(Some(provider)) => write!(f, "{provider} wants {}", provider.wants()),
            Self::Secret(None) => f.write_str("there is a user name, and no password or token"),
            Self::User(Some(provider)) => match provider.user_name() {
                UserName::Address => {
                    write!(
                        f,
                        "{provider} wants the whole address as the user name, and there is no sender to take it from"
                    )
                }
                UserName::LocalPart => write!(
                    f,
                    "{provider} wants what stands before the @ of the address as the user name, and there is no sender \
                     to take it from"
                ),
                _ => write!(f, "{provider} wants a user name that only the account knows"),
            },
            Self::User(None) => f.write_str("there is a password or token, and no user name"),
        }
    }
}
