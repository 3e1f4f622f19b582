//! `smtp serve`: who may log in.

use core::fmt;
use core::str::FromStr;
use std::io;
use std::sync::Arc;

use clap::Args;
use smtp_proto::sasl::{self, Claim, Mechanism, ScramHash, ScramKeys, ScramKeysError, Secret};
use smtp_proto::server::{AuthPolicy, TlsPolicy};

/// Who may log in, and how.
#[derive(Args, Debug)]
#[command(next_help_heading = "Login")]
pub(super) struct UserOptions {
    /// A user who may log in, over TLS. Mail is then taken from nobody else. For OAUTHBEARER and XOAUTH2 PASS is the
    /// token. May be given more than once.
    #[arg(long, value_name = "USER:PASS")]
    auth: Vec<User>,
    /// Offers this mechanism only [default: all but ANONYMOUS]. May be given more than once.
    #[arg(long, value_name = "MECH")]
    auth_mechanism: Vec<Chosen>,
    /// Lets users log in without TLS, too.
    #[arg(long)]
    auth_without_tls: bool,
}

/// A user and a password.
#[derive(Clone)]
struct User {
    name: String,
    password: String,
}

/// A mechanism by its name.
#[derive(Clone, Debug)]
struct Chosen(Arc<dyn Mechanism>);

/// Everybody who may log in.
pub(super) struct Users {
    accounts: Vec<Account>,
    /// Makes up what is stored of those who do not exist.
    decoy_key: [u8; 32],
}

/// A user, with what SCRAM compares. Nobody waits for it to be computed, so the time tells nothing either.
struct Account {
    user: User,
    sha1: ScramKeys,
    sha256: ScramKeys,
}

impl UserOptions {
    /// What the server offers.
    ///
    /// # Errors
    ///
    /// What does not fit together.
    pub(super) fn policy(&self, tls: TlsPolicy, verifies_clients: bool) -> Result<AuthPolicy, String> {
        let mut policy = AuthPolicy::default();
        policy.mechanisms = self.mechanisms(verifies_clients);
        policy.required = !policy.mechanisms.is_empty();
        policy.without_tls = self.auth_without_tls;
        if policy.required && tls == TlsPolicy::Disabled && !self.auth_without_tls {
            return Err("users log in over TLS: give --tls-self-signed or --tls-cert, or --auth-without-tls".into());
        }
        let has = |name: &str| self.auth_mechanism.iter().any(|chosen| chosen.0.name() == name);
        if has("EXTERNAL") && !verifies_clients {
            return Err("--auth-mechanism EXTERNAL needs --tls-client-ca".into());
        }
        Ok(policy)
    }

    /// Computes what the mechanisms need.
    ///
    /// # Errors
    ///
    /// When a password cannot be one, or the operating system has no randomness.
    pub(super) fn load(&self, decoy_key: [u8; 32]) -> io::Result<Users> {
        let accounts: io::Result<_> = self.auth.iter().map(Account::new).collect();
        Ok(Users { accounts: accounts?, decoy_key })
    }

    fn mechanisms(&self, verifies_clients: bool) -> Vec<Arc<dyn Mechanism>> {
        if !self.auth_mechanism.is_empty() {
            return self.auth_mechanism.iter().map(|chosen| Arc::clone(&chosen.0)).collect();
        }
        let names = sasl::builtin().iter().map(|mechanism| mechanism.name());
        let usual = names.filter(|name| match *name {
            "EXTERNAL" => verifies_clients,
            "ANONYMOUS" => false,
            _ => !self.auth.is_empty(),
        });
        usual.filter_map(sasl::mechanism).collect()
    }
}

impl Users {
    /// What is stored of a user, in the form that the mechanism needs. Somebody who does not exist has something, too.
    pub(super) fn secret(&self, mechanism: &str, name: &str) -> Option<Secret> {
        let account = self.account(name);
        let hash = match mechanism {
            "SCRAM-SHA-1" | "SCRAM-SHA-1-PLUS" => ScramHash::Sha1,
            "SCRAM-SHA-256" | "SCRAM-SHA-256-PLUS" => ScramHash::Sha256,
            _ => return account.map(|account| Secret::Password(account.user.password.clone())),
        };
        let keys = match account {
            Some(account) if hash == ScramHash::Sha1 => Some(account.sha1.clone()),
            Some(account) => Some(account.sha256.clone()),
            None => self.decoy(hash, name).ok(),
        };
        keys.map(Secret::Scram)
    }

    /// Who a client is that claims this; `None` if it is not. `certificate`: the names in its certificate, if that was
    /// verified. Nobody acts as somebody else.
    pub(super) fn judge(&self, claim: &Claim<'_>, certificate: &[String]) -> Option<String> {
        let (authorization, user) = match *claim {
            Claim::Password { authorization, user, password } => (authorization, self.verified(user, password)?),
            Claim::Bearer { user: "", token } => ("", self.owner(token)?),
            Claim::Bearer { user, token } => ("", self.verified(user, token)?),
            Claim::Proven { authorization, user } => (authorization, user),
            Claim::External { authorization: "" } => ("", certificate.first()?.as_str()),
            Claim::External { authorization } => {
                (authorization, certificate.iter().find(|name| *name == authorization)?.as_str())
            }
            Claim::Anonymous { .. } => ("", "anonymous"),
            _ => return None,
        };
        (authorization.is_empty() || authorization == user).then(|| user.to_owned())
    }

    fn account(&self, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.user.name == name)
    }

    /// The name, if this is the password of its user. It takes the same time if there is none.
    fn verified(&self, name: &str, password: &str) -> Option<&str> {
        let Some(account) = self.account(name) else {
            return self.decoy(ScramHash::Sha256, name).ok().filter(|keys| keys.is_password(password)).and(None);
        };
        account.sha256.is_password(password).then_some(account.user.name.as_str())
    }

    fn owner(&self, token: &str) -> Option<&str> {
        self.accounts.iter().find(|account| account.sha256.is_password(token)).map(|account| account.user.name.as_str())
    }

    fn decoy(&self, hash: ScramHash, name: &str) -> Result<ScramKeys, ScramKeysError> {
        ScramKeys::decoy(hash, &self.decoy_key, name, ITERATIONS)
    }
}

impl Account {
    fn new(user: &User) -> io::Result<Self> {
        let keys = |hash| {
            let mut salt = [0; 16];
            getrandom::fill(&mut salt)?;
            ScramKeys::derive(hash, &user.password, &salt, ITERATIONS)
                .map_err(|error| io::Error::other(format!("--auth {}: {error}", user.name)))
        };
        Ok(Self { user: user.clone(), sha1: keys(ScramHash::Sha1)?, sha256: keys(ScramHash::Sha256)? })
    }
}

impl FromStr for User {
    type Err = &'static str;

    /// The first colon ends the name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((name, password)) if !name.is_empty() && !password.is_empty() => {
                Ok(Self { name: name.into(), password: password.into() })
            }
            _ => Err("USER:PASS is expected, neither of them empty"),
        }
    }
}

impl FromStr for Chosen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        sasl::mechanism(text).map(Self).ok_or_else(|| {
            let names: Vec<_> = sasl::builtin().iter().map(|mechanism| mechanism.name()).collect();
            format!("the mechanisms are {}", names.join(", "))
        })
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.accounts.iter().map(|account| &account.user)).finish()
    }
}

/// The least of RFC 7677 §4, which is also what the passwords of others cost.
const ITERATIONS: u32 = 4096;

#[cfg(test)]
mod tests {
    use smtp_proto::sasl::{Claim, Secret};

    use super::{User, UserOptions, Users};

    fn users() -> Users {
        let auth = ["alice:secret", "bob:s:e:c"].map(|user| user.parse().expect("good")).into();
        let options = UserOptions { auth, auth_mechanism: Vec::new(), auth_without_tls: false };
        options.load([7; 32]).expect("randomness")
    }

    #[test]
    fn claims() {
        let users = users();
        let password = |authorization, user, password| Claim::Password { authorization, user, password };
        let bearer = |user, token| Claim::Bearer { user, token };
        let external = |authorization| Claim::External { authorization };
        let cases = [
            (password("", "alice", "secret"), Some("alice")),
            (password("alice", "alice", "secret"), Some("alice")),
            (password("bob", "alice", "secret"), None),
            (password("", "alice", "s:e:c"), None),
            (password("", "bob", "s:e:c"), Some("bob")),
            (password("", "carol", "secret"), None),
            (bearer("alice", "secret"), Some("alice")),
            (bearer("", "s:e:c"), Some("bob")),
            (bearer("bob", "secret"), None),
            (bearer("", "x"), None),
            (Claim::Proven { authorization: "", user: "alice" }, Some("alice")),
            (Claim::Proven { authorization: "bob", user: "alice" }, None),
            (external(""), Some("a@client.example")),
            (external("alice"), Some("alice")),
            (external("bob"), None),
            (Claim::Anonymous { trace: "x" }, Some("anonymous")),
            (Claim::Other(b"x"), None),
        ];
        let certificate = ["a@client.example".to_owned(), "alice".to_owned()];
        for (claim, user) in cases {
            assert_eq!(users.judge(&claim, &certificate).as_deref(), user, "{claim:?}");
        }
        assert_eq!(users.judge(&external(""), &[]), None);
        assert_eq!(users.judge(&external("alice"), &[]), None);
    }

    /// SASL-09: of somebody who does not exist the same is stored, as far as a client can see.
    #[test]
    fn those_who_do_not_exist_have_a_salt() {
        let users = users();
        for mechanism in ["SCRAM-SHA-1", "SCRAM-SHA-256-PLUS"] {
            let salt = |name| match users.secret(mechanism, name) {
                Some(Secret::Scram(keys)) => (keys.salt().to_vec(), keys.iterations()),
                secret => panic!("{name}: {secret:?}"),
            };
            assert_eq!(salt("alice"), salt("alice"));
            assert_eq!(salt("carol"), salt("carol"));
            assert_ne!(salt("alice"), salt("carol"));
            assert_eq!((salt("alice").0.len(), salt("alice").1), (salt("carol").0.len(), salt("carol").1));
        }
        assert!(users.secret("CRAM-MD5", "carol").is_none());
    }

    #[test]
    fn nothing_shows_a_password() {
        let shown = format!("{:?} {:?}", users(), "alice:secret".parse::<User>());
        assert!(shown.contains("alice") && !shown.contains("secret"), "{shown}");
        for text in ["", "alice", "alice:", ":secret"] {
            assert!(text.parse::<User>().is_err(), "{text}");
        }
    }
}
