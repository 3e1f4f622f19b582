//! What people log in with, and what servers see of it. Nothing here shows a secret in `Debug`.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use super::Mechanism;

/// What a client logs in with. `Debug` shows no secret.
#[derive(Clone)]
pub struct Credentials {
    kind: Kind,
    authorization: String,
}

#[derive(Clone)]
enum Kind {
    Password { user: String, password: String },
    Bearer { user: String, token: String },
    External,
    Anonymous { trace: String },
    Custom(Arc<dyn Mechanism>),
}

impl Credentials {
    /// A user and a password: for SCRAM, CRAM-MD5, PLAIN and LOGIN. App passwords and authorization codes of providers
    /// are passwords, too.
    #[must_use]
    pub fn password(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self::of(Kind::Password { user: user.into(), password: password.into() })
    }

    /// A user and an OAuth 2.0 access token: for OAUTHBEARER (RFC 7628) and XOAUTH2. It never goes out as a password.
    #[must_use]
    pub fn bearer(user: impl Into<String>, token: impl Into<String>) -> Self {
        Self::of(Kind::Bearer { user: user.into(), token: token.into() })
    }

    /// The certificate that the client showed in the TLS handshake: for EXTERNAL (RFC 4422 appendix A).
    #[must_use]
    pub fn external() -> Self {
        Self::of(Kind::External)
    }

    /// Nobody, with a word that says who one is, such as an address: for ANONYMOUS (RFC 4505).
    #[must_use]
    pub fn anonymous(trace: impl Into<String>) -> Self {
        Self::of(Kind::Anonymous { trace: trace.into() })
    }

    /// A mechanism that holds its own credentials. Only that one is used.
    #[must_use]
    pub fn custom(mechanism: Arc<dyn Mechanism>) -> Self {
        Self::of(Kind::Custom(mechanism))
    }

    /// To act as somebody else than who logs in: the authorization identity (RFC 4422 §3.4.1).
    #[must_use]
    pub fn acting_as(mut self, authorization: impl Into<String>) -> Self {
        self.authorization = authorization.into();
        self
    }

    /// The authorization identity; empty: the one that belongs to the user.
    #[must_use]
    pub fn authorization(&self) -> &str {
        &self.authorization
    }

    /// The user name, of a password or a token.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        match &self.kind {
            Kind::Password { user, .. } | Kind::Bearer { user, .. } => Some(user),
            _ => None,
        }
    }

    /// The password, if it is one.
    #[must_use]
    pub fn as_password(&self) -> Option<&str> {
        match &self.kind {
            Kind::Password { password, .. } => Some(password),
            _ => None,
        }
    }

    /// The token, if it is one.
    #[must_use]
    pub fn as_bearer(&self) -> Option<&str> {
        match &self.kind {
            Kind::Bearer { token, .. } => Some(token),
            _ => None,
        }
    }

    /// Whether the certificate of the client stands for them.
    #[must_use]
    pub fn is_external(&self) -> bool {
        matches!(self.kind, Kind::External)
    }

    /// The word of somebody who stays anonymous.
    #[must_use]
    pub fn as_anonymous(&self) -> Option<&str> {
        match &self.kind {
            Kind::Anonymous { trace } => Some(trace),
            _ => None,
        }
    }

    /// The mechanism that holds its own credentials.
    #[must_use]
    pub fn as_custom(&self) -> Option<&Arc<dyn Mechanism>> {
        match &self.kind {
            Kind::Custom(mechanism) => Some(mechanism),
            _ => None,
        }
    }

    fn of(kind: Kind) -> Self {
        Self { kind, authorization: String::new() }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind: &dyn fmt::Debug = match &self.kind {
            Kind::Password { .. } => &"password [redacted]",
            Kind::Bearer { .. } => &"bearer [redacted]",
            Kind::External => &"external",
            Kind::Anonymous { .. } => &"anonymous",
            Kind::Custom(mechanism) => mechanism,
        };
        f.debug_struct("Credentials").field("user", &self.user()).field("kind", kind).finish_non_exhaustive()
    }
}

/// What a client claims, for the application of a server to judge. All of it comes from the peer. `Debug` shows no
/// secret.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim<'a> {
    /// PLAIN, LOGIN: to be `user`, because it knows the password.
    Password {
        /// Whom it wants to act as; empty: as the user.
        authorization: &'a str,
        /// Who it says it is.
        user: &'a str,
        /// What it says the password is.
        password: &'a str,
    },
    /// OAUTHBEARER, XOAUTH2: to be allowed by this token.
    Bearer {
        /// Whom it wants to act as; may be empty.
        user: &'a str,
        /// The token.
        token: &'a str,
    },
    /// EXTERNAL: to be who the certificate of the TLS handshake says.
    External {
        /// Whom it wants to act as; empty: as whom the certificate names.
        authorization: &'a str,
    },
    /// ANONYMOUS: to be nobody.
    Anonymous {
        /// What it says about itself.
        trace: &'a str,
    },
    /// CRAM-MD5, SCRAM: to be `user`, which it has proved.
    Proven {
        /// Whom it wants to act as; empty: as the user.
        authorization: &'a str,
        /// Who it is.
        user: &'a str,
    },
    /// Another mechanism: its last response.
    Other(&'a [u8]),
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, user) = match self {
            Self::Password { user, .. } => ("Password", user),
            Self::Bearer { user, .. } => ("Bearer", user),
            Self::External { authorization } => ("External", authorization),
            Self::Anonymous { .. } => ("Anonymous", &""),
            Self::Proven { user, .. } => ("Proven", user),
            Self::Other(_) => ("Other", &""),
        };
        f.debug_struct(name).field("user", user).finish_non_exhaustive()
    }
}

/// What a server has stored of a user. `Debug` does not show it.
#[derive(Clone)]
#[non_exhaustive]
pub enum Secret {
    /// The password itself: enough for CRAM-MD5 and every SCRAM. SCRAM derives keys from it in each exchange, with
    /// 4 096 iterations.
    Password(String),
    /// Keys for SCRAM under one hash. A mechanism of another hash, and CRAM-MD5, can do nothing with them.
    #[cfg(feature = "crypto")]
    Scram(super::ScramKeys),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}
