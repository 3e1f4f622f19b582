//! Where to connect to, how, and who logs in: what `smtp send` and `smtp check` have in common.

mod hint;
mod open;
mod plan;
mod secret;
mod session;
mod tls;

use std::env;
use std::fmt;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use smtp_proto::client::{Config, Security};
use smtp_proto::sasl::Credentials;
use smtp_proto::submission::{Choices, Login, Missing, ServerName, Target, Url};

use crate::hostname;
pub(crate) use plan::{MessageFrom, Plan, login_word, tls_word};
use secret::Secret;
pub(crate) use session::Ended;
pub(crate) use tls::TlsSession;
use tls::{certificate_error, is_clear_text};

/// The options that say it.
#[derive(Args, Debug)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectOptions {
    /// The server; port 25, or 587 with a user, if none is given. STARTTLS is required, but not on this machine; on port
    /// 465 TLS begins with the first octet.
    #[arg(long, value_name = "HOST[:PORT]", value_parser = ServerName::with_port, conflicts_with = "url")]
    server: Option<(ServerName, Option<u16>)>,
    /// smtp://[USER[:PASSWORD]@]HOST[:PORT][?tls=required|opportunistic|none][&auth=MECH][&ehlo=NAME], or smtps:// for
    /// TLS from the first octet. Other users of this machine may see it: a URL with a password is better put into
    /// SMTP_URL of the environment, which is used if neither --url nor --server nor --provider is given.
    #[arg(long, value_name = "URL", value_parser = unparsed, conflicts_with = "provider")]
    url: Option<Unparsed>,
    /// A mail provider, by its name or by the domain of its addresses; auto takes it from the domain of --from, or of
    /// --user where nothing is sent. NAME:TEXT names the region of one that has regions (ses:eu-west-1). With --server
    /// only the connection goes there: the certificate has to be that of the provider.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// The user name [default: what the provider wants, made of --from].
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// A file whose first line is the password, whatever the provider calls it.
    #[arg(long, value_name = "FILE", group = "secret")]
    password_file: Option<PathBuf>,
    /// A command, run by sh -c, that prints the password.
    #[arg(long, value_name = "COMMAND", group = "secret")]
    password_cmd: Option<String>,
    /// A file whose first line is an OAuth 2.0 access token.
    #[arg(long, value_name = "FILE", group = "secret")]
    token_file: Option<PathBuf>,
    /// A command, run by sh -c, that prints an OAuth 2.0 access token.
    #[arg(long, value_name = "COMMAND", group = "secret")]
    token_cmd: Option<String>,
    /// The only mechanism to log in with. EXTERNAL takes the client's certificate, ANONYMOUS nothing.
    #[arg(long, value_name = "MECH")]
    auth: Option<String>,
    /// Lets a password or token go out without TLS. It always may on this machine.
    #[arg(long)]
    auth_without_tls: bool,
    /// How TLS begins.
    #[arg(long, value_name = "HOW")]
    tls: Option<TlsMode>,
    /// Does not check the certificate of the server.
    #[arg(long, conflicts_with = "tls_ca")]
    insecure: bool,
    /// Trusts these certificates (PEM) instead of those that this machine trusts.
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// The certificate of the client, with those that lead to its root (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_client_key")]
    tls_client_cert: Option<PathBuf>,
    /// The key of the client's certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_client_cert")]
    tls_client_key: Option<PathBuf>,
    /// The name to give in EHLO [default: the host name of this machine].
    #[arg(long, value_name = "NAME")]
    ehlo: Option<String>,
}

/// How TLS begins.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum TlsMode {
    /// With the first octet.
    Implicit,
    /// With STARTTLS, or nothing is sent.
    Required,
    /// With STARTTLS if the server offers it.
    Opportunistic,
    /// Not at all.
    None,
}

/// What the options come to.
#[derive(Debug)]
pub(crate) struct Connect {
    pub(crate) target: Target,
    pub(crate) tls: TlsFiles,
    secret: Option<Secret>,
    /// The name to give in EHLO.
    name: String,
}

/// What TLS is made with.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    /// The certificate of the server is not checked.
    pub(crate) insecure: bool,
    /// The roots to trust.
    pub(crate) roots: Option<PathBuf>,
    /// The certificate of the client, and its key.
    pub(crate) client: Option<(PathBuf, PathBuf)>,
}

/// A URL that is not looked at by the parser of options, which would show it when it is wrong.
#[derive(Clone)]
struct Unparsed(String);

/// The variable of the environment that holds a URL.
const SMTP_URL: &str = "SMTP_URL";

impl ConnectOptions {
    /// What they come to. `sender`: the address that mail is sent from, without brackets.
    ///
    /// # Errors
    ///
    /// Why they make no sense.
    pub(crate) fn resolve(&self, sender: Option<&str>) -> Result<Connect, String> {
        let secret = self.secret();
        let mut choices = Choices::default();
        choices.url = self.url()?;
        choices.provider.clone_from(&self.provider);
        choices.server.clone_from(&self.server);
        choices.security = self.tls.map(Security::from);
        choices.user.clone_from(&self.user);
        choices.login = secret.as_ref().map(Secret::login);
        choices.mechanism.clone_from(&self.auth);
        choices.ehlo.clone_from(&self.ehlo);
        // Who sends nothing yet may be told by the user name.
        choices.sender = sender.map_or_else(|| self.user.clone(), |sender| Some(sender.to_owned()));
        choices.unprotected_credentials = self.auth_without_tls;
        choices.unverified_certificate = self.insecure;
        let target = choices.target().map_err(|error| error.to_string())?;
        if target.login() == Login::Certificate && self.tls_client_cert.is_none() {
            return Err("EXTERNAL logs in with the certificate of the client: give --tls-client-cert".into());
        }
        let secret = secret.or_else(|| target.password().map(|_| Secret::Url));
        let name = target.ehlo().map_or_else(hostname::own, Into::into);
        // A name that cannot be given is found here, not when the connection stands.
        Config::new(&name).map_err(|error| format!("--ehlo {name}: {error}"))?;
        let client = self.tls_client_cert.clone().zip(self.tls_client_key.clone());
        let tls = TlsFiles { insecure: self.insecure, roots: self.tls_ca.clone(), client };
        Ok(Connect { target, tls, secret, name })
    }

    /// The URL of the command line, or else of the environment.
    fn url(&self) -> Result<Option<Url>, String> {
        let (origin, text) = match &self.url {
            Some(Unparsed(text)) => ("--url", text.clone()),
            None if self.server.is_some() || self.provider.is_some() => return Ok(None),
            None => match env::var(SMTP_URL) {
                Err(env::VarError::NotPresent) => return Ok(None),
                Err(env::VarError::NotUnicode(_)) => return Err(format!("{SMTP_URL} of the environment is not UTF-8")),
                Ok(text) if text.is_empty() => return Ok(None),
                Ok(text) => (SMTP_URL, text),
            },
        };
        text.parse().map(Some).map_err(|error| format!("{origin}: {error}"))
    }

    fn secret(&self) -> Option<Secret> {
        None.or_else(|| self.password_file.clone().map(Secret::PasswordFile))
            .or_else(|| self.password_cmd.clone().map(Secret::PasswordCommand))
            .or_else(|| self.token_file.clone().map(Secret::TokenFile))
            .or_else(|| self.token_cmd.clone().map(Secret::TokenCommand))
    }
}

impl Connect {
    /// What has to be said to log in, and how to say it.
    pub(crate) fn missing(&self) -> Option<String> {
        let missing = self.target.missing()?;
        let options = match missing {
            Missing::Secret(provider) => {
                let takes =
                    |login| provider.is_none_or(|provider| provider.credentials().any(|kind| kind.login() == login));
                match (takes(Login::Password), takes(Login::Token)) {
                    (true, true) => "--password-file, --password-cmd, --token-file or --token-cmd",
                    (false, true) => "--token-file or --token-cmd",
                    _ => "--password-file or --password-cmd",
                }
            }
            _ => "--user",
        };
        Some(format!("{missing}: give it with {options}"))
    }

    /// Says on standard error what is dangerous.
    pub(crate) fn warn(&self) {
        if self.tls.insecure && self.target.security() != Security::Plain {
            eprintln!(
                "warning: the certificate of the server is not checked: whoever stands between can read and change all"
            );
        }
    }

    /// The configuration of the connection, with nobody logging in.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new(&self.name).expect("the name was found valid when the options were resolved");
        self.target.apply(&mut config);
        config
    }

    /// Who logs in, with what is read now.
    ///
    /// # Errors
    ///
    /// The secret cannot be read.
    pub(crate) fn credentials(&self) -> Result<Option<Credentials>, String> {
        let secret = match &self.secret {
            // What was said to be used without a password needs none.
            Some(secret) if self.target.login() != Login::Nobody => secret.read(&self.target)?,
            _ => String::new(),
        };
        Ok(self.target.credentials(&secret))
    }
}

impl From<TlsMode> for Security {
    fn from(mode: TlsMode) -> Self {
        match mode {
            TlsMode::Implicit => Self::Implicit,
            TlsMode::Required => Self::Required,
            TlsMode::Opportunistic => Self::Opportunistic,
            TlsMode::None => Self::Plain,
        }
    }
}

impl fmt::Debug for Unparsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[a URL]")
    }
}

fn unparsed(text: &str) -> Result<Unparsed, core::convert::Infallible> {
    Ok(Unparsed(text.into()))
}
