//! Which mechanism would be used, and why not the others.

use core::fmt;

use smtp_proto::sasl::{Conditions, Credentials, Unusable, choose};
use smtp_proto::submission::Login;

use super::findings::Visit;
use crate::connect::{Connect, login_word};

/// How one would log in.
#[derive(Debug)]
pub(super) struct LogIn {
    /// With what: what was given, or else what the provider wants, or a password.
    pub(super) with: Login,
    /// The mechanisms that are offered.
    pub(super) mechanisms: Vec<(String, Judgement)>,
    /// Why there is none.
    pub(super) error: Option<Unusable>,
}

/// What becomes of a mechanism that is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It would be used.
    Used,
    /// It could be, but another one is better.
    Weaker,
    /// It is not the one that was asked for.
    NotAskedFor,
    /// It may not be used on this connection.
    NotConfidential,
    /// It takes this.
    Takes(Login),
    /// It is not known here, or needs what the connection does not have.
    NotKnown,
}

/// Judges the mechanisms of a server.
pub(super) fn judge(connect: &Connect, visit: &Visit) -> LogIn {
    let target = &connect.target;
    let wanted = target.provider().and_then(|provider| provider.credentials().next()).map(|kind| kind.login());
    let with = match (target.login(), wanted) {
        (Login::Nobody, Some(Login::Token)) => Login::Token,
        (Login::Nobody, _) => Login::Password,
        (given, _) => given,
    };
    let capabilities = &visit.capabilities;
    let mut conditions = Conditions::default();
    conditions.only = target.mechanism();
    conditions.verified = capabilities.is_verified();
    conditions.unprotected = target.allows_unprotected_credentials();
    conditions.channel_binding = capabilities.is_tls();
    conditions.nonce = true;
    judged(with, &capabilities.mechanisms().collect::<Vec<_>>(), &conditions)
}

fn judged(with: Login, offered: &[String], conditions: &Conditions<'_>) -> LogIn {
    let credentials = placeholder(with);
    let (used, error) = match choose(&credentials, offered, conditions) {
        Ok(mechanism) => (Some(mechanism.name()), None),
        Err(error) => (None, Some(error)),
    };
    let judgement = |name: &String| {
        if used.is_some_and(|used| used.eq_ignore_ascii_case(name)) {
            return Judgement::Used;
        }
        let mut any = *conditions;
        (any.only, any.verified) = (None, true);
        let is_for = |login: &Login| choose(&placeholder(*login), &[name], &any).is_ok();
        match LOGINS.into_iter().find(is_for) {
            None => Judgement::NotKnown,
            Some(login) if login != with => Judgement::Takes(login),
            Some(_) if conditions.only.is_some_and(|only| !only.eq_ignore_ascii_case(name)) => Judgement::NotAskedFor,
            Some(_) => match choose(&credentials, &[name], conditions) {
                Ok(_) => Judgement::Weaker,
                Err(_) => Judgement::NotConfidential,
            },
        }
    };
    LogIn { with, mechanisms: offered.iter().map(|name| (name.clone(), judgement(name))).collect(), error }
}

impl LogIn {
    /// The mechanism that would be used.
    pub(super) fn mechanism(&self) -> Option<&str> {
        self.mechanisms.iter().find(|(_, judgement)| *judgement == Judgement::Used).map(|(name, _)| name.as_str())
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Used => f.write_str("would be used"),
            Self::Weaker => f.write_str("could be used, but there is a better one"),
            Self::NotAskedFor => f.write_str("is not the one that was asked for"),
            Self::NotConfidential => f.write_str("needs TLS and a certificate that verifies"),
            Self::Takes(Login::Anonymous) => f.write_str("takes no credentials"),
            Self::Takes(login) => write!(f, "takes a {}", login_word(*login).unwrap_or_default()),
            Self::NotKnown => f.write_str("is not known here"),
        }
    }
}

const LOGINS: [Login; 4] = [Login::Password, Login::Token, Login::Certificate, Login::Anonymous];

/// Credentials of a kind. They never go out.
fn placeholder(login: Login) -> Credentials {
    match login {
        Login::Token => Credentials::bearer("", ""),
        Login::Certificate => Credentials::external(),
        Login::Anonymous => Credentials::anonymous(""),
        _ => Credentials::password("", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions() -> Conditions<'static> {
        let mut conditions = Conditions::default();
        conditions.nonce = true;
        conditions
    }

    #[track_caller]
    fn expect(with: Login, conditions: &Conditions<'_>, expected: &[(&str, Judgement)], error: Option<Unusable>) {
        let offered: Vec<String> = expected.iter().map(|(name, _)| (*name).to_owned()).collect();
        let log_in = judged(with, &offered, conditions);
        let found: Vec<_> = log_in.mechanisms.iter().map(|(name, judgement)| (name.as_str(), *judgement)).collect();
        assert_eq!((found.as_slice(), log_in.error), (expected, error));
    }

    /// SASL-15.
    #[test]
    fn mechanisms_are_judged() {
        use Judgement::{NotAskedFor, NotConfidential, NotKnown, Takes, Used, Weaker};
        let mut conditions = conditions();
        conditions.verified = true;
        let expected = [
            ("LOGIN", Weaker),
            ("PLAIN", Used),
            ("XOAUTH2", Takes(Login::Token)),
            ("EXTERNAL", Takes(Login::Certificate)),
            ("ANONYMOUS", Takes(Login::Anonymous)),
            ("PLAIN-CLIENTTOKEN", NotKnown),
        ];
        expect(Login::Password, &conditions, &expected, None);
        let expected = [("PLAIN", Takes(Login::Password)), ("XOAUTH2", Weaker), ("OAUTHBEARER", Used)];
        expect(Login::Token, &conditions, &expected, None);
        conditions.only = Some("login");
        expect(Login::Password, &conditions, &[("PLAIN", NotAskedFor), ("LOGIN", Used)], None);
        conditions.verified = false;
        let expected = [("PLAIN", NotAskedFor), ("LOGIN", NotConfidential)];
        expect(Login::Password, &conditions, &expected, Some(Unusable::NotConfidential));
        let expected = [("XOAUTH2", Takes(Login::Token))];
        expect(Login::Password, &conditions, &expected, Some(Unusable::NoMechanism));
        conditions.unprotected = true;
        expect(Login::Password, &conditions, &[("PLAIN", NotAskedFor), ("LOGIN", Used)], None);
    }
}
