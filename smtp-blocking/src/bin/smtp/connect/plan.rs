//! The plan that `--dry-run` shows.

use std::fmt;
use std::path::Path;

use serde_json::{Value, json};
use smtp_proto::client::{Envelope, Security};
use smtp_proto::submission::Login;

use super::Connect;

/// What would be done.
pub(crate) struct Plan<'a> {
    pub(crate) connect: &'a Connect,
    pub(crate) envelope: &'a Envelope,
    pub(crate) message: MessageFrom<'a>,
}

/// Where the message comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageFrom<'a> {
    /// It is made of what the options say.
    Options,
    File(&'a Path),
    StandardInput,
}

impl Plan<'_> {
    /// The object that `--json` prints.
    pub(crate) fn to_json(&self) -> Value {
        let target = &self.connect.target;
        let (message, file) = match self.message {
            MessageFrom::Options => ("options", None),
            MessageFrom::File(path) => ("file", Some(path.display().to_string())),
            MessageFrom::StandardInput => ("stdin", None),
        };
        let (mechanisms, error) = match target.mechanisms() {
            Ok(mechanisms) => (mechanisms, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let to: Vec<_> = self.envelope.recipients().collect();
        json!({
            "host": target.server().to_string(),
            "port": target.port(),
            "tls": tls_word(target.security()),
            "certificate": self.certificate(),
            "provider": target.provider().map(|provider| provider.name()),
            "user": target.user(),
            "login": login_word(target.login()),
            "secret": self.connect.secret.as_ref().map(ToString::to_string),
            "mechanisms": mechanisms,
            "hint": self.hint(),
            "ehlo": self.connect.name,
            "from": self.envelope.reverse_path(),
            "to": to,
            "message": { "source": message, "file": file },
            "error": self.connect.missing().or(error),
        })
    }

    /// What the certificate is checked for, if it is.
    fn certificate(&self) -> Option<String> {
        let target = &self.connect.target;
        let is_checked =
            !self.connect.tls.insecure && matches!(target.security(), Security::Implicit | Security::Required);
        is_checked.then(|| target.certificate_name().to_string())
    }

    /// What the provider wants to be logged in with.
    fn hint(&self) -> Option<String> {
        self.connect.target.provider().map(|provider| format!("{provider} wants {}", provider.wants()))
    }
}

impl fmt::Display for Plan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = &self.connect.target;
        write!(f, "server: {}, port {}", target.server(), target.port())?;
        match target.provider() {
            Some(provider) => writeln!(f, " (provider {provider})")?,
            None => writeln!(f)?,
        }
        let tls = match target.security() {
            Security::Implicit => "from the first octet",
            Security::Required => "with STARTTLS, required",
            Security::Opportunistic => "with STARTTLS if it is offered",
            _ => "none",
        };
        match self.certificate() {
            Some(name) => writeln!(f, "TLS: {tls}, with a certificate of {name}")?,
            None => writeln!(f, "TLS: {tls}")?,
        }
        write!(f, "login: {}", login_word(target.login()).unwrap_or("nobody"))?;
        if let Some(secret) = &self.connect.secret {
            write!(f, " from {secret}")?;
        }
        match target.user() {
            Some(user) if target.login() != Login::Nobody => writeln!(f, ", as {user}")?,
            _ => writeln!(f)?,
        }
        match target.mechanisms() {
            Ok(mechanisms) if mechanisms.is_empty() => {}
            Ok(mechanisms) => writeln!(f, "mechanisms: {}", mechanisms.join(" "))?,
            Err(error) => writeln!(f, "mechanisms: none: {error}")?,
        }
        if let Some(hint) = self.hint() {
            writeln!(f, "hint: {hint}")?;
        }
        writeln!(f, "EHLO: {}", self.connect.name)?;
        writeln!(f, "from: <{}>", self.envelope.reverse_path())?;
        for to in self.envelope.recipients() {
            writeln!(f, "to: <{to}>")?;
        }
        match self.message {
            MessageFrom::Options => writeln!(f, "message: made of the options"),
            MessageFrom::File(path) => writeln!(f, "message: {}", path.display()),
            MessageFrom::StandardInput => writeln!(f, "message: standard input"),
        }
    }
}

/// The word of `--tls`.
pub(crate) fn tls_word(security: Security) -> &'static str {
    match security {
        Security::Implicit => "implicit",
        Security::Required => "required",
        Security::Opportunistic => "opportunistic",
        _ => "none",
    }
}

/// What is there to log in with, in a word.
pub(crate) fn login_word(login: Login) -> Option<&'static str> {
    match login {
        Login::Password => Some("password"),
        Login::Token => Some("token"),
        Login::Certificate => Some("certificate"),
        Login::Anonymous => Some("anonymous"),
        _ => None,
    }
}
