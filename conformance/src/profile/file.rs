//! Profiles in TOML.

use core::fmt::Display;
use core::str::FromStr;
use core::time::Duration;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use thiserror::Error;

use super::{Abilities, PATIENCE, Profile};
use crate::job::Security;
use crate::target::Place;
use crate::transcript::{Need, Tag, span};

/// Why there is no profile.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The text is none. Says where, and what is expected there.
    #[error("{0}")]
    Syntax(String),
    /// A file cannot be read.
    #[error("{}: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// The variable that is to hold the password is not set.
    #[error("`password_env`: the variable {0} is not set")]
    NoPassword(String),
}

/// As it stands in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    name: Option<String>,
    #[serde(default, deserialize_with = "parsed")]
    target: Option<Place>,
    domain: String,
    client: Option<String>,
    sender: Option<Mailbox>,
    #[serde(default)]
    recipients: Vec<Mailbox>,
    bad_recipient: Option<Mailbox>,
    user: Option<String>,
    password: Option<String>,
    password_env: Option<String>,
    #[serde(default)]
    log_in: bool,
    trust: Option<PathBuf>,
    rate: Option<Rate>,
    patience: Option<Wait>,
    #[serde(default)]
    own: bool,
    #[serde(default)]
    allow: Vec<Word<Tag>>,
    #[serde(default)]
    lacks: Vec<Word<Need>>,
    #[serde(default)]
    ability: Ability,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ability {
    security: Option<Vec<Word<Security>>>,
    auth: Option<Vec<String>>,
    extensions: Option<Vec<String>>,
    mails: Option<usize>,
}

/// The profile in this file.
pub(super) fn read(path: &Path) -> Result<Profile, ProfileError> {
    let file = |path: &Path| fs::read(path).map_err(|error| ProfileError::File { path: path.into(), error });
    let text = String::from_utf8(file(path)?)
        .map_err(|_| ProfileError::Syntax(format!("{}: it is not UTF-8", path.display())))?;
    let document = toml::from_str::<Document>(&text)
        .map_err(|error| ProfileError::Syntax(format!("{}: {}", path.display(), error.to_string().trim_end())))?;
    let authorities = match &document.trust {
        Some(trust) => Some(file(&path.parent().unwrap_or(Path::new(".")).join(trust))?),
        None => None,
    };
    Ok(Profile { authorities, ..document.profile()? })
}

impl FromStr for Profile {
    type Err = ProfileError;

    /// The text of a file. `trust` is seen from the current folder.
    fn from_str(text: &str) -> Result<Self, ProfileError> {
        let document = toml::from_str::<Document>(text)
            .map_err(|error| ProfileError::Syntax(error.to_string().trim_end().to_owned()))?;
        let authorities = match document.trust.clone() {
            Some(path) => Some(fs::read(&path).map_err(|error| ProfileError::File { path, error })?),
            None => None,
        };
        Ok(Self { authorities, ..document.profile()? })
    }
}

impl Document {
    fn profile(self) -> Result<Profile, ProfileError> {
        let mut profile = Profile::new(&self.domain);
        profile.name = self.name;
        profile.place = self.target;
        if let Some(client) = &self.client {
            profile = profile.client(client);
        }
        if let Some(Mailbox(sender)) = self.sender {
            profile.variables.sender = sender;
        }
        profile.variables.recipients = self.recipients.into_iter().map(|Mailbox(mailbox)| mailbox).collect();
        profile.variables.bad_recipient = self.bad_recipient.map(|Mailbox(mailbox)| mailbox);
        profile.variables.login = match (self.user, self.password, self.password_env) {
            (None, None, None) => None,
            (Some(user), Some(password), None) => Some((user, password)),
            (Some(user), None, Some(variable)) => {
                let password = env::var(&variable).map_err(|_| ProfileError::NoPassword(variable))?;
                Some((user, password))
            }
            (None, ..) => return Err(syntax("a password is of somebody: `user = \"…\"`")),
            (Some(_), None, None) => return Err(syntax("a user has a password: `password` or `password_env`")),
            (Some(_), Some(_), Some(_)) => return Err(syntax("one of `password` and `password_env` is enough")),
        };
        if self.log_in && profile.variables.login.is_none() {
            return Err(syntax("who logs in has a name: `log_in = true` wants `user` and `password`"));
        }
        profile.variables.logs_in = self.log_in;
        profile.pause = self.rate.map_or(Duration::ZERO, |Rate(pause)| pause);
        profile.patience = self.patience.map_or(PATIENCE, |Wait(patience)| patience);
        profile.is_own = self.own;
        profile.allowed = self.allow.into_iter().map(|Word(tag)| tag).collect();
        profile.lacks = self.lacks.into_iter().map(|Word(need)| need).collect();
        let usual = Abilities::default();
        let Ability { security, auth, extensions, mails } = self.ability;
        profile.abilities = Abilities {
            security: security.map_or(usual.security, |ways| ways.into_iter().map(|Word(way)| way).collect()),
            auth: auth.unwrap_or(usual.auth),
            extensions: extensions.unwrap_or(usual.extensions),
            mails: mails.unwrap_or(usual.mails),
        };
        Ok(profile)
    }
}

fn syntax(text: &str) -> ProfileError {
    ProfileError::Syntax(text.into())
}

/// A word that something knows how to read, and whose error tells where it stands.
struct Word<T>(T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

fn parsed<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Word::deserialize(deserializer).map(|Word(value)| Some(value))
}

/// A mailbox without brackets; empty: the null reverse-path.
struct Mailbox(String);

impl<'de> Deserialize<'de> for Mailbox {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // What transcripts say with it need not be in order, but no line may end in it.
        if text.contains(|c: char| c.is_control() || matches!(c, '<' | '>')) {
            return Err(D::Error::custom(format!(
                "{text:?} is no mailbox: expected one without brackets, as a@b.example"
            )));
        }
        Ok(Self(text))
    }
}

/// The time between two connections, as a rate.
struct Rate(Duration);

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let rate = text.split_once('/').and_then(|(count, unit)| {
            let span = match unit {
                "s" => Duration::from_secs(1),
                "m" => Duration::from_secs(60),
                "h" => Duration::from_secs(3600),
                _ => return None,
            };
            span.checked_div(count.parse().ok()?)
        });
        rate.map(Self).ok_or_else(|| D::Error::custom(format!("{text:?} is no rate: expected 2/s, 30/m or 100/h")))
    }
}

/// A span of time.
struct Wait(Duration);

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wait = span::parse(&text).map(Self);
        wait.ok_or_else(|| D::Error::custom(format!("{text:?} is no time: expected 300ms, 30s, 5m or 1h")))
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::fs;

    use super::ProfileError;
    use crate::job::Security;
    use crate::profile::Profile;
    use crate::transcript::{Need, Tag};

    const WHOLE: &str = r#"
name = "our relay"
target = "tls://mx.example"
domain = "mx.example"
client = "probe.example"
sender = "alice@probe.example"
recipients = ["bob@mx.example", "carol@mx.example"]
bad_recipient = "nobody@mx.example"
user = "alice"
password = "opensesame"
log_in = true
trust = "ca.pem"
rate = "30/m"
patience = "5s"
own = true
allow = ["delivers", "auth-fail"]
lacks = ["ext=CHUNKING", "auth=LOGIN", "tls"]

[ability]
security = ["plain"]
auth = []
extensions = ["SIZE"]
mails = 3
"#;

    #[test]
    fn every_field_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relay.toml");
        fs::write(&path, WHOLE).expect("written");
        fs::write(folder.path().join("ca.pem"), "PEM").expect("written");
        let profile = Profile::read(&path).expect("a profile");
        assert_eq!(profile.name(), Some("our relay"));
        assert_eq!(profile.place().map(ToString::to_string).as_deref(), Some("tls://mx.example:465"));
        assert_eq!(profile.client_name(), Some("probe.example"));
        let variables = profile.variables();
        assert_eq!(variables.domain, "mx.example");
        assert_eq!(variables.client.as_deref(), Some("probe.example"));
        assert_eq!(variables.sender, "alice@probe.example");
        assert_eq!(variables.recipients, ["bob@mx.example", "carol@mx.example"]);
        assert_eq!(variables.bad_recipient.as_deref(), Some("nobody@mx.example"));
        assert_eq!(variables.login, Some(("alice".into(), "opensesame".into())));
        assert!(variables.logs_in);
        assert_eq!(profile.authorities(), Some(&b"PEM"[..]));
        assert_eq!(profile.pause(), Duration::from_secs(2));
        assert_eq!(profile.patience(), Duration::from_secs(5));
        assert!(profile.is_own());
        assert_eq!(profile.allowed(), [Tag::Delivers, Tag::AuthFail]);
        assert!(profile.has(&Need::Extension("CHUNKING".into())).is_err());
        assert!(profile.has(&Need::Auth(Some("LOGIN".into()))).is_err());
        assert!(profile.has(&Need::Auth(Some("PLAIN".into()))).is_ok());
        assert!(profile.has(&Need::Tls).is_err());
        assert!(profile.has(&Need::Rcpts(2)).is_ok());
        assert!(profile.has(&Need::Rcpts(3)).is_err());
        let abilities = profile.abilities();
        assert_eq!(abilities.security, [Security::Plain]);
        assert!(abilities.auth.is_empty());
        assert_eq!(abilities.extensions, ["SIZE"]);
        assert_eq!(abilities.mails, 3);
        assert!(!format!("{profile:?}").contains("opensesame"));
    }

    #[test]
    fn most_can_be_left_out() {
        let profile: Profile = "domain = \"mx.example\"".parse().expect("a profile");
        assert_eq!(profile.variables().client.as_deref(), Some("client.example"));
        assert_eq!(profile.client_name(), None);
        assert!(!profile.is_own());
        assert!(profile.has(&Need::Rcpt).is_err());
        assert!(profile.has(&Need::BadRcpt).is_err());
        assert!(profile.has(&Need::Auth(None)).is_err());
        assert!(profile.open().is_err());
    }

    /// Each error names the line and what is expected there.
    #[test]
    fn errors_tell_line_and_what_is_expected() {
        let cases = [
            ("rate = \"fast\"", "expected 2/s"),
            ("rate = \"0/s\"", "expected 2/s"),
            ("patience = \"soon\"", "expected 300ms"),
            ("allow = [\"everything\"]", "one of: safe, delivers, auth-fail, flood, slow, security"),
            ("lacks = [\"extension=X\"]", "ext=KEYWORD"),
            ("target = \"ftp://mx.example\"", "tcp://HOST:PORT"),
            ("sender = \"<a@b.example>\"", "without brackets"),
            ("recipients = \"bob@mx.example\"", "expected a sequence"),
            ("reciepients = []", "expected one of"),
            ("own = \"yes\"", "expected a boolean"),
            ("[ability]\nsecurity = [\"tls\"]", "plain, starttls, opportunistic or implicit"),
            ("domain = \"x.example\"", "duplicate key"),
        ];
        for (line, expected) in cases {
            let text = format!("domain = \"mx.example\"\n{line}\n");
            let error = text.parse::<Profile>().expect_err(line).to_string();
            let number = if line.starts_with('[') { "line 3" } else { "line 2" };
            assert!(error.contains(number) && error.contains(expected), "{line}: {error}");
        }
    }

    #[test]
    fn a_login_is_whole() {
        for (lines, expected) in [
            ("user = \"alice\"", "a user has a password"),
            ("password = \"x\"", "a password is of somebody"),
            ("log_in = true", "wants `user` and `password`"),
            ("user = \"a\"\npassword = \"x\"\npassword_env = \"X\"", "is enough"),
            ("user = \"a\"\npassword_env = \"SMTP_CONFORMANCE_NO_SUCH_VARIABLE\"", "is not set"),
        ] {
            let text = format!("domain = \"mx.example\"\n{lines}\n");
            let error = text.parse::<Profile>().expect_err(lines).to_string();
            assert!(error.contains(expected), "{lines}: {error}");
        }
        let text = "domain = \"mx.example\"\nuser = \"a\"\npassword_env = \"PATH\"";
        let profile: Profile = text.parse().expect("every process has this variable");
        assert!(profile.variables().login.as_ref().is_some_and(|(_, password)| !password.is_empty()));
    }

    #[test]
    fn files_that_are_missing_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relay.toml");
        let error = Profile::read(&path).expect_err("there is none");
        assert!(matches!(&error, ProfileError::File { .. }) && error.to_string().contains("relay.toml"), "{error}");
        fs::write(&path, "domain = \"mx.example\"\ntrust = \"ca.pem\"\n").expect("written");
        let error = Profile::read(&path).expect_err("there is no authority").to_string();
        assert!(error.contains("ca.pem"), "{error}");
        fs::write(&path, "domain = 1\n").expect("written");
        let error = Profile::read(&path).expect_err("no text").to_string();
        assert!(error.contains("relay.toml") && error.contains("line 1"), "{error}");
    }
}
