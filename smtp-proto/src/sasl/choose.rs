//! Which mechanism of AUTH a client uses.

use thiserror::Error;

use super::{Credentials, Mechanism, builtin};

/// What a connection has, and what its caller allows, for [`choose`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conditions<'a> {
    /// The only mechanism that may be used, in upper or lower case.
    pub only: Option<&'a str>,
    /// TLS is active, and the certificate of the server was verified for the name that the caller gave.
    pub verified: bool,
    /// Mechanisms that need protection may be used without verified TLS.
    pub unprotected: bool,
    /// There is a channel binding.
    pub channel_binding: bool,
    /// There is randomness for nonces.
    pub nonce: bool,
}

/// Why no mechanism can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Unusable {
    /// The server offers no mechanism that these credentials can be used with, or none that was allowed.
    #[error("the server offers no mechanism of AUTH for these credentials")]
    NoMechanism,
    /// There is one, but the credentials would go out in clear, or to whoever shows any certificate.
    #[error("credentials are not sent without TLS and a verified certificate")]
    NotConfidential,
}

/// The mechanism that a client uses with these credentials, when the server offers the mechanisms of these names: the
/// strongest one that the conditions allow. A token never goes out as a password, nor a password as a token.
///
/// # Errors
///
/// [`Unusable`].
///
/// ```
/// use smtp_proto::sasl::{Conditions, Credentials, Unusable, choose};
///
/// let credentials = Credentials::password("alice", "secret");
/// let mut conditions = Conditions::default();
/// let in_clear = choose(&credentials, &["PLAIN", "LOGIN"], &conditions);
/// assert_eq!(in_clear.err(), Some(Unusable::NotConfidential));
/// conditions.verified = true;
/// assert_eq!(choose(&credentials, &["plain", "login"], &conditions)?.name(), "PLAIN");
/// # Ok::<(), Unusable>(())
/// ```
pub fn choose<'c>(
    credentials: &'c Credentials,
    offered: &[impl AsRef<str>],
    conditions: &Conditions<'_>,
) -> Result<&'c dyn Mechanism, Unusable> {
    let is_usable = |mechanism: &&dyn Mechanism| {
        let is_named = |name: &str| name.eq_ignore_ascii_case(mechanism.name());
        offered.iter().any(|name| is_named(name.as_ref()))
            && conditions.only.is_none_or(is_named)
            && (conditions.channel_binding || !mechanism.binds_channel())
            && (conditions.nonce || !mechanism.needs_nonce())
    };
    let is_safe =
        |mechanism: &&dyn Mechanism| conditions.verified || conditions.unprotected || !mechanism.needs_protection();
    let mut usable = candidates(credentials).filter(is_usable).peekable();
    let reason = if usable.peek().is_some() { Unusable::NotConfidential } else { Unusable::NoMechanism };
    usable.find(is_safe).ok_or(reason)
}

/// The mechanisms that credentials can be used with, the strongest first.
fn candidates(credentials: &Credentials) -> impl Iterator<Item = &dyn Mechanism> {
    let names: &[&str] = if credentials.as_password().is_some() {
        &PASSWORD
    } else if credentials.as_bearer().is_some() {
        &["OAUTHBEARER", "XOAUTH2"]
    } else if credentials.is_external() {
        &["EXTERNAL"]
    } else if credentials.as_anonymous().is_some() {
        &["ANONYMOUS"]
    } else {
        &[]
    };
    let built_in = names.iter().filter_map(|name| builtin().iter().find(|mechanism| mechanism.name() == *name));
    let custom = credentials.as_custom().map(|mechanism| &**mechanism);
    built_in.copied().map(|mechanism| mechanism as &dyn Mechanism).chain(custom)
}

/// Those that bind the channel, then those that prove the password without telling it, then those that tell it.
const PASSWORD: [&str; 7] =
    ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"];
