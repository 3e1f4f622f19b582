//! `U: set`.

use ::core::fmt::Display;
use ::core::str::FromStr;
use std::sync::Arc;

use smtp_proto::body::LineEndings;
use smtp_proto::client::{self, Envelope, Security};
use smtp_proto::sasl::{Credentials, mechanism};
use smtp_proto::server::{self, EarlyInput, TlsPolicy};

use crate::target::Unavailable;
use crate::transcript::Act;

/// What is offered when nothing is said.
const MECHANISMS: &str = "SCRAM-SHA-256,SCRAM-SHA-1,CRAM-MD5,PLAIN,LOGIN";

/// Keys that only a client knows.
const OF_CLIENT: [&str; 10] = [
    "security",
    "user",
    "password",
    "token",
    "mechanism",
    "unprotected",
    "verified",
    "pipelining",
    "name",
    "submitter",
];
/// Keys that only a server knows.
const OF_SERVER: [&str; 14] = [
    "tls",
    "auth",
    "mechanisms",
    "early",
    "verify",
    "expand",
    "size-limit",
    "recipients-limit",
    "messages-limit",
    "errors-limit",
    "line-limit",
    "client-certificate",
    "shown",
    "hostname",
];

/// The configuration of a server, and whether the script's client shows a certificate.
pub(in crate::target) fn of_server(domain: &str, setup: &[Act]) -> Result<(server::Config, bool), Unavailable> {
    let mut config = server::Config::new(domain).map_err(broken)?;
    config.tls = TlsPolicy::Offered;
    let mut names = MECHANISMS;
    let mut shows_certificate = false;
    for (key, value) in settings(setup) {
        let limits = &mut config.limits;
        match (key, value) {
            ("tls", "offered") => config.tls = TlsPolicy::Offered,
            ("tls", "required") => config.tls = TlsPolicy::Required,
            ("tls", "implicit") => config.tls = TlsPolicy::Implicit,
            ("tls", "disabled") => config.tls = TlsPolicy::Disabled,
            ("auth", "offered") => {}
            ("auth", "required") => config.auth.required = true,
            ("auth", "clear") => config.auth.without_tls = true,
            ("auth", "disabled") => names = "",
            ("mechanisms", value) => names = value,
            ("early", "refuse") => config.early_input = EarlyInput::Refuse,
            ("early", "tolerate") => config.early_input = EarlyInput::TolerateAfterHello,
            ("line-endings", value) => config.line_endings = line_endings(value)?,
            ("verify", value) => config.verify = yes(key, value)?,
            ("expand", value) => config.expand = yes(key, value)?,
            ("size-limit", value) => limits.message_size = number(key, value)?,
            ("recipients-limit", value) => limits.recipients = number(key, value)?,
            ("messages-limit", value) => limits.messages = number(key, value)?,
            ("errors-limit", value) => limits.hard_errors = number(key, value)?,
            ("line-limit", value) => limits.command_line = number(key, value)?,
            ("client-certificate", value) => config.client_certificate = yes(key, value)?,
            ("shown", value) => shows_certificate = yes(key, value)?,
            ("hostname", _) => {}
            // A transcript of both roles sets up either.
            _ if OF_CLIENT.contains(&key) => {}
            _ => return Err(unknown("server", key, value)),
        }
    }
    for name in names.split(',').filter(|name| !name.is_empty()) {
        let found =
            mechanism(name).ok_or_else(|| Unavailable::Unsupported(format!("the core has no mechanism {name}")))?;
        config.auth.mechanisms.push(found);
    }
    if let Some((_, name)) = settings(setup).find(|(key, _)| *key == "hostname") {
        let renamed = server::Config::new(name).map_err(broken)?;
        let old = config;
        config = renamed;
        (config.tls, config.auth, config.early_input) = (old.tls, old.auth, old.early_input);
        (config.line_endings, config.verify, config.expand) = (old.line_endings, old.verify, old.expand);
        (config.limits, config.client_certificate) = (old.limits, old.client_certificate);
    }
    Ok((config, shows_certificate))
}

/// The configuration of a client, and whether the certificate of the script's server is verified.
pub(in crate::target) fn of_client(name: &str, job: &[Act]) -> Result<(Arc<client::Config>, bool), Unavailable> {
    let name = settings(job).find(|(key, _)| *key == "name").map_or(name, |(_, name)| name);
    let mut config = client::Config::new(name).map_err(broken)?;
    let mut is_verified = true;
    let (mut user, mut password, mut token) = (None, None, None);
    for (key, value) in settings(job) {
        match (key, value) {
            ("security", "plain") => config.security = Security::Plain,
            ("security", "starttls") => config.security = Security::Required,
            ("security", "opportunistic") => config.security = Security::Opportunistic,
            ("security", "implicit") => config.security = Security::Implicit,
            ("user", value) => user = Some(value),
            ("password", value) => password = Some(value),
            ("token", value) => token = Some(value),
            ("mechanism", value) => config.mechanism = Some(value.into()),
            ("unprotected", value) => config.unprotected_credentials = yes(key, value)?,
            ("verified", value) => is_verified = yes(key, value)?,
            ("pipelining", value) => config.pipelining = yes(key, value)?,
            ("line-endings", value) => config.line_endings = line_endings(value)?,
            ("name" | "submitter", _) => {}
            _ if OF_SERVER.contains(&key) => {}
            _ => return Err(unknown("client", key, value)),
        }
    }
    let is_external = config.mechanism.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("EXTERNAL"));
    config.credentials = match (user, password, token) {
        (None, None, None) => is_external.then(Credentials::external),
        (user, _, Some(token)) => Some(Credentials::bearer(user.unwrap_or_default(), token)),
        (user, password, None) => Some(Credentials::password(user.unwrap_or_default(), password.unwrap_or_default())),
    };
    Ok((Arc::new(config), is_verified))
}

/// The envelope, with who handed the mail in, if that is said.
pub(in crate::target) fn with_submitter(envelope: Envelope, acts: &[Act]) -> Result<Envelope, Unavailable> {
    match settings(acts).find(|(key, _)| *key == "submitter") {
        None => Ok(envelope),
        Some((_, "<>")) => envelope.with_submitter(None).map_err(broken),
        Some((_, mailbox)) => envelope.with_submitter(Some(mailbox)).map_err(broken),
    }
}

fn settings(acts: &[Act]) -> impl Iterator<Item = (&str, &str)> {
    let sets = acts.iter().filter_map(|act| if let Act::Set(settings) = act { Some(settings) } else { None });
    sets.flatten().map(|(key, value)| (key.as_str(), value.as_str()))
}

fn line_endings(value: &str) -> Result<LineEndings, Unavailable> {
    match value {
        "strict" => Ok(LineEndings::Strict),
        "normalize" => Ok(LineEndings::Normalize),
        _ => Err(unknown("core", "line-endings", value)),
    }
}

fn yes(key: &str, value: &str) -> Result<bool, Unavailable> {
    match value {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(unknown("core", key, value)),
    }
}

fn number<N: FromStr<Err: Display>>(key: &str, value: &str) -> Result<N, Unavailable> {
    value.parse().map_err(|error| Unavailable::Unsupported(format!("U: set {key}={value}: {error}")))
}

fn unknown(role: &str, key: &str, value: &str) -> Unavailable {
    Unavailable::Unsupported(format!("the {role} cannot be set up with {key}={value}"))
}

pub(super) fn broken(error: impl Display) -> Unavailable {
    Unavailable::Unreachable(format!("its configuration cannot be used: {error}"))
}
