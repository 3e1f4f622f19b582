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

#[cfg(test)]
mod tests {
    use super::{Conditions, Unusable, choose};
    use crate::sasl::{Credentials, builtin};

    const EVERYTHING: Conditions<'static> =
        Conditions { only: None, verified: true, unprotected: false, channel_binding: true, nonce: true };

    /// SASL-15: by kind, and of those of one kind the strongest that the server offers and that is there.
    #[test]
    fn by_kind_and_strength() {
        let cases: [(Credentials, &[&str]); 4] = [
            (Credentials::password("alice", "secret"), &super::PASSWORD),
            (Credentials::bearer("alice", "token"), &["OAUTHBEARER", "XOAUTH2"]),
            (Credentials::external(), &["EXTERNAL"]),
            (Credentials::anonymous("alice"), &["ANONYMOUS"]),
        ];
        let every: alloc::vec::Vec<&str> = builtin().iter().map(|mechanism| mechanism.name()).rev().collect();
        let mut chosen = 0;
        for (credentials, names) in cases {
            let mut offered = every.clone();
            for name in names.iter().filter(|name| every.contains(name)) {
                assert_eq!(choose(&credentials, &offered, &EVERYTHING).map(|found| found.name()), Ok(*name));
                offered.retain(|offered| offered != name);
                chosen += 1;
            }
            assert_eq!(choose(&credentials, &offered, &EVERYTHING).err(), Some(Unusable::NoMechanism), "{offered:?}");
        }
        assert_eq!(chosen, every.len(), "there are credentials for every mechanism");
    }

    /// X-4954-8-01: names are the same in upper and lower case, whoever writes them.
    #[test]
    fn in_any_case() {
        let credentials = Credentials::password("alice", "secret");
        let only = Conditions { only: Some("pLaIn"), ..EVERYTHING };
        assert_eq!(choose(&credentials, &["login", "Plain"], &only).map(|found| found.name()), Ok("PLAIN"));
        assert_eq!(choose(&credentials, &["login"], &only).err(), Some(Unusable::NoMechanism));
    }

    /// Security rule 35, X-4954-9-04: what shows the secret is passed over without verified TLS; what it would have been
    /// is told apart from nothing.
    #[test]
    fn protection() {
        let bare = Conditions { verified: false, ..EVERYTHING };
        let allowed = Conditions { unprotected: true, ..bare };
        for (credentials, name) in
            [(Credentials::password("alice", "secret"), "PLAIN"), (Credentials::bearer("alice", "token"), "XOAUTH2")]
        {
            assert_eq!(choose(&credentials, &[name], &bare).err(), Some(Unusable::NotConfidential));
            assert_eq!(choose(&credentials, &[name], &allowed).map(|found| found.name()), Ok(name));
            assert_eq!(choose(&credentials, &["ANONYMOUS"], &bare).err(), Some(Unusable::NoMechanism));
        }
    }

    /// What a mechanism needs has to be there.
    #[cfg(feature = "crypto")]
    #[test]
    fn bindings_and_nonces() {
        let credentials = Credentials::password("alice", "secret");
        let offered = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "CRAM-MD5", "PLAIN"];
        let found = |conditions| choose(&credentials, &offered, &conditions).map(|found| found.name());
        assert_eq!(found(EVERYTHING), Ok("SCRAM-SHA-256-PLUS"));
        assert_eq!(found(Conditions { channel_binding: false, ..EVERYTHING }), Ok("SCRAM-SHA-256"));
        let unverified = Conditions { channel_binding: false, verified: false, ..EVERYTHING };
        assert_eq!(found(unverified), Ok("SCRAM-SHA-256"));
        assert_eq!(found(Conditions { nonce: false, ..EVERYTHING }), Ok("PLAIN"));
    }
}
