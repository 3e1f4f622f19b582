//! What somebody said about where to connect, and what it comes to.

use alloc::string::String;

use thiserror::Error;

use super::provider::mechanism_name;
use super::{Endpoint, Login, Provider, Scheme, ServerName, Target, Url, UserName};
use crate::client::Security;

/// What somebody said about where and how to connect. Nothing said is `None`, and [`target`](Self::target) knows what
/// that means.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Choices {
    /// A URL. What else is said goes before what it says. Not together with `provider` or `server`.
    pub url: Option<Url>,
    /// A provider: its name, another name of it, or the domain of its addresses. `auto` takes it from the domain of
    /// `sender`. `NAME:TEXT` says what the provider's server has a place for, such as the region: `ses:eu-west-1`.
    pub provider: Option<String>,
    /// A server and its port. Together with `provider` it is only where to connect to: the certificate is checked for
    /// the provider's own server, and all else is as the provider has it. That is for tunnels and for tests.
    pub server: Option<(ServerName, Option<u16>)>,
    /// How TLS begins. Of a provider that has several ports, it takes the one for it.
    pub security: Option<Security>,
    /// The user name.
    pub user: Option<String>,
    /// What there is to log in with.
    pub login: Option<Login>,
    /// The only mechanism of AUTH to use.
    pub mechanism: Option<String>,
    /// The name to give in EHLO.
    pub ehlo: Option<String>,
    /// The address that mail is sent from: user names of providers are made of it.
    pub sender: Option<String>,
    /// Whether credentials may go out in clear. On this machine they always may.
    pub unprotected_credentials: bool,
    /// Whether the certificate is not checked. Credentials go out all the same where TLS is certain.
    pub unverified_certificate: bool,
}

/// Why choices come to nothing. It prints as what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Neither URL nor provider nor server.
    #[error("say where to connect to: a URL, a provider or a server")]
    NoServer,
    /// A URL together with a provider or a server.
    #[error("a URL says where to connect to: leave provider and server out, or the URL")]
    Conflict,
    /// An `lmtp` URL.
    #[error("LMTP is not spoken yet: connect with smtp:// or smtps://")]
    Lmtp,
    /// No provider has this name or this domain.
    #[error("`{0}` is no provider that is known by name or by the domain of its addresses: name the server")]
    UnknownProvider(String),
    /// The provider is to be taken from the sender, and there is no domain.
    #[error("the provider cannot be taken from the domain of the sender, as there is none: name it")]
    NoSender,
    /// The provider's server is not known without a further text.
    #[error("{} of {provider} needs its {}: write {provider}:{}",
        endpoint.host(), placeholder(endpoint), placeholder(endpoint).to_ascii_uppercase())]
    Placeholder {
        /// The provider.
        provider: Provider,
        /// Where it takes submissions.
        endpoint: Endpoint,
    },
    /// What is said about the provider's server is no part of a domain.
    #[error("what stands behind `{0}:` is no part of the name of its server")]
    PlaceholderText(Provider),
    /// The provider's server is known without a further text.
    #[error("the server of {0} is known: nothing stands behind its name")]
    NoPlaceholder(Provider),
    /// The provider has no port where TLS begins like this.
    #[error("{0} has no port where TLS begins like this")]
    NoEndpoint(Provider),
    /// Another kind of TLS than `smtps` means.
    #[error("smtps:// means TLS from the first octet: write smtp:// for another kind of TLS")]
    TlsOfSmtps,
    /// The user name is empty or has a control character.
    #[error("the user name is empty or holds a control character")]
    User,
    /// The mechanism is none by its form.
    #[error("`{0}` is not the name of a mechanism, such as PLAIN")]
    Mechanism(String),
    /// The mechanism is for other credentials than there are.
    #[error("{mechanism} logs in with {}, not with {}", wanted.phrase(), given.phrase())]
    WrongCredentials {
        /// The mechanism.
        mechanism: String,
        /// What it wants.
        wanted: Login,
        /// What there is.
        given: Login,
    },
}

impl Choices {
    /// What they come to.
    ///
    /// # Errors
    ///
    /// They contradict each other, or do not say enough to connect. What is missing to log in is no error here but
    /// [`Target::missing`].
    pub fn target(&self) -> Result<Target, TargetError> {
        let mut target = match (&self.url, &self.provider, &self.server) {
            (Some(url), None, None) => self.of_url(url)?,
            (None, Some(provider), _) => self.of_provider(provider)?,
            (None, None, Some((server, port))) => self.of_server(server.clone(), *port),
            (None, None, None) => return Err(TargetError::NoServer),
            _ => return Err(TargetError::Conflict),
        };
        if let Some(user) = &self.user {
            if user.is_empty() || user.contains(char::is_control) {
                return Err(TargetError::User);
            }
            target.user = Some(user.clone());
        }
        target.is_user_given = target.user.is_some();
        if let Some(name) = &self.mechanism {
            target.mechanism = Some(mechanism_name(name).ok_or_else(|| TargetError::Mechanism(name.clone()))?);
        }
        target.login = self.login(&target)?;
        if target.user.is_none() && !matches!(target.login, Login::Certificate | Login::Anonymous) {
            target.user = self.made_user(target.provider);
        }
        if self.ehlo.is_some() {
            target.ehlo.clone_from(&self.ehlo);
        }
        let is_tls_certain = matches!(target.security, Security::Implicit | Security::Required);
        target.unprotected_credentials = self.unprotected_credentials
            || target.certificate_name.is_loopback()
            || self.unverified_certificate && is_tls_certain;
        Ok(target)
    }

    fn of_url(&self, url: &Url) -> Result<Target, TargetError> {
        let security = match (url.scheme(), self.security) {
            (Scheme::Lmtp, _) => return Err(TargetError::Lmtp),
            (Scheme::Smtps, Some(other)) if other != Security::Implicit => return Err(TargetError::TlsOfSmtps),
            (_, chosen) => chosen.unwrap_or_else(|| url.security()),
        };
        let port = match (url.explicit_port(), security) {
            (None, Security::Implicit) => 465,
            (None, _) => smtp_port(url.user().or(self.user.as_deref()).is_some()),
            (Some(port), _) => port,
        };
        let mut target = Target::new(url.server().clone(), port, security);
        target.user = url.user().map(Into::into);
        target.mechanism = url.mechanism().map(Into::into);
        target.ehlo = url.ehlo().map(Into::into);
        target.url = Some(url.clone());
        Ok(target)
    }

    fn of_server(&self, server: ServerName, port: Option<u16>) -> Target {
        let usual = match port {
            // RFC 8314 §3.3: there TLS begins with the first octet.
            Some(465) => Security::Implicit,
            _ if server.is_loopback() => Security::Plain,
            _ => Security::Required,
        };
        let security = self.security.unwrap_or(usual);
        let usual = if security == Security::Implicit { 465 } else { smtp_port(self.user.is_some()) };
        Target::new(server, port.unwrap_or(usual), security)
    }

    fn of_provider(&self, word: &str) -> Result<Target, TargetError> {
        let (name, text) = word.split_once(':').map_or((word, None), |(name, text)| (name, Some(text)));
        let provider = if name.eq_ignore_ascii_case("auto") {
            let domain = self.sender.as_deref().and_then(|sender| sender.rsplit_once('@'));
            let (_, domain) = domain.ok_or(TargetError::NoSender)?;
            Provider::of_domain(domain).ok_or_else(|| TargetError::UnknownProvider(domain.into()))?
        } else {
            let found = Provider::named(name).or_else(|| Provider::of_domain(name));
            found.ok_or_else(|| TargetError::UnknownProvider(name.into()))?
        };
        let endpoint = self.endpoint(provider).ok_or(TargetError::NoEndpoint(provider))?;
        let certificate_name = match (&self.server, endpoint.server(provider, text)) {
            (Some((server, _)), Err(TargetError::Placeholder { .. })) => server.clone(),
            (_, server) => server?,
        };
        let security = self.security.unwrap_or(endpoint.security());
        let (server, port) = match &self.server {
            Some((server, port)) => (server.clone(), port.unwrap_or(endpoint.port())),
            None => (certificate_name.clone(), endpoint.port()),
        };
        let provider = Some(provider);
        let endpoint = Some(endpoint);
        Ok(Target { certificate_name, provider, endpoint, ..Target::new(server, port, security) })
    }

    /// The provider's port for the kind of TLS that is chosen.
    fn endpoint(&self, provider: Provider) -> Option<Endpoint> {
        let Some(chosen) = self.security else { return provider.endpoints().next() };
        let begins_like = |security| provider.endpoints().find(move |endpoint| endpoint.security() == security);
        begins_like(chosen).or_else(|| match (chosen, &self.server) {
            // Where STARTTLS is offered, one can go without.
            (Security::Opportunistic | Security::Plain, _) => begins_like(Security::Required),
            (_, Some(_)) => provider.endpoints().next(),
            _ => None,
        })
    }

    fn login(&self, target: &Target) -> Result<Login, TargetError> {
        let wanted = target.mechanism.as_deref().and_then(login_of);
        let given = self.login.unwrap_or_default();
        // A password in a URL is called so whatever it is.
        let in_url =
            target.password().map(|_| if wanted == Some(Login::Token) { Login::Token } else { Login::Password });
        match (given, wanted) {
            (Login::Nobody, Some(login @ (Login::Certificate | Login::Anonymous))) => Ok(login),
            (Login::Nobody, _) => Ok(in_url.unwrap_or_default()),
            (given, Some(wanted)) if given != wanted => {
                let mechanism = target.mechanism.clone().unwrap_or_default();
                Err(TargetError::WrongCredentials { mechanism, wanted, given })
            }
            (given, _) => Ok(given),
        }
    }

    /// The user name that the provider makes of the sender.
    fn made_user(&self, provider: Option<Provider>) -> Option<String> {
        let address = || self.sender.as_deref().and_then(|sender| Some((sender, sender.rsplit_once('@')?.0)));
        let user = match provider?.user_name() {
            UserName::Address => address()?.0,
            UserName::LocalPart => address()?.1,
            UserName::Word(word) => word,
            UserName::Secret | UserName::Given => return None,
        };
        Some(user.into())
    }
}

/// The port of `smtp`, for submission or not (RFC 6409 §3.1, RFC 5321 §4.5.4.2).
pub(super) fn smtp_port(has_user: bool) -> u16 {
    if has_user { 587 } else { 25 }
}

/// What a well-known mechanism logs in with.
fn login_of(mechanism: &str) -> Option<Login> {
    match mechanism {
        "EXTERNAL" => Some(Login::Certificate),
        "ANONYMOUS" => Some(Login::Anonymous),
        "XOAUTH2" | "OAUTHBEARER" => Some(Login::Token),
        "PLAIN" | "LOGIN" | "CRAM-MD5" => Some(Login::Password),
        name if name.starts_with("SCRAM-") => Some(Login::Password),
        _ => None,
    }
}

fn placeholder(endpoint: &Endpoint) -> &'static str {
    endpoint.placeholder().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use super::*;
    use crate::client::Config;
    use crate::sasl::Unusable;
    use crate::submission::Missing;
    use Security::{Implicit, Opportunistic, Plain, Required};

    fn choices(change: impl FnOnce(&mut Choices)) -> Choices {
        let mut choices = Choices::default();
        change(&mut choices);
        choices
    }

    fn of_url(url: &str) -> Choices {
        choices(|choices| choices.url = Some(url.parse().expect("a URL")))
    }

    fn of_provider(name: &str) -> Choices {
        choices(|choices| choices.provider = Some(name.into()))
    }

    fn of_server(server: &str, port: Option<u16>) -> Choices {
        choices(|choices| choices.server = Some((server.parse().expect("a server"), port)))
    }

    #[track_caller]
    fn expect(choices: &Choices, server: &str, port: u16, security: Security) -> Target {
        let target = choices.target().expect("they fit");
        let found = (target.server().to_string(), target.port(), target.security());
        assert_eq!(found, (server.to_string(), port, security), "{choices:?}");
        target
    }

    /// TLS-14: nothing but this machine is spoken to in clear unless somebody says so.
    #[test]
    fn servers() {
        expect(&of_server("mx.example", None), "mx.example", 25, Required);
        expect(&of_server("mx.example", Some(465)), "mx.example", 465, Implicit);
        expect(&of_server("127.0.0.1", Some(2525)), "127.0.0.1", 2525, Plain);
        let with_user = Choices { user: Some("alice".into()), ..of_server("mx.example", None) };
        expect(&with_user, "mx.example", 587, Required);
        let implicit = Choices { security: Some(Implicit), ..of_server("localhost", None) };
        expect(&implicit, "localhost", 465, Implicit);
        let plain = Choices { security: Some(Plain), ..of_server("mx.example", Some(465)) };
        expect(&plain, "mx.example", 465, Plain);
    }

    /// What is said beside a URL goes before what it says.
    #[test]
    fn urls() {
        let target =
            expect(&of_url("smtp://alice:secret@mx.example?auth=login&ehlo=c.example"), "mx.example", 587, Required);
        assert_eq!(
            (target.user(), target.login(), target.password()),
            (Some("alice"), Login::Password, Some("secret"))
        );
        assert_eq!((target.mechanism(), target.ehlo()), (Some("LOGIN"), Some("c.example")));
        let more = choices(|choices| {
            choices.url = Some("smtp://alice@mx.example?auth=login&ehlo=c.example&tls=none".parse().expect("a URL"));
            choices.security = Some(Opportunistic);
            choices.user = Some("bob".into());
            choices.login = Some(Login::Token);
            choices.mechanism = Some("xoauth2".into());
            choices.ehlo = Some("d.example".into());
        });
        let target = expect(&more, "mx.example", 587, Opportunistic);
        assert_eq!((target.user(), target.login()), (Some("bob"), Login::Token));
        assert_eq!((target.mechanism(), target.ehlo()), (Some("XOAUTH2"), Some("d.example")));
        let implicit = Choices { security: Some(Implicit), ..of_url("smtp://alice@mx.example") };
        expect(&implicit, "mx.example", 465, Implicit);
        let token = of_url("smtps://alice:token@mx.example?auth=oauthbearer").target().expect("they fit");
        assert_eq!(token.login(), Login::Token);
    }

    #[test]
    fn providers() {
        expect(&of_provider("GMAIL"), "smtp.gmail.com", 465, Implicit);
        expect(&of_provider("yeah.net"), "smtp.yeah.net", 465, Implicit);
        expect(&of_provider("hotmail.co.uk"), "smtp-mail.outlook.com", 587, Required);
        expect(&of_provider("ses:eu-west-1"), "email-smtp.eu-west-1.amazonaws.com", 465, Implicit);
        let auto = Choices { sender: Some("alice@foxmail.com".into()), ..of_provider("auto") };
        let target = expect(&auto, "smtp.qq.com", 465, Implicit);
        assert_eq!((target.user(), target.provider()), (Some("alice@foxmail.com"), Provider::named("qq")));
        let starttls = Choices { security: Some(Required), ..of_provider("gmail") };
        expect(&starttls, "smtp.gmail.com", 587, Required);
        let opportunistic = Choices { security: Some(Opportunistic), ..of_provider("gmail") };
        expect(&opportunistic, "smtp.gmail.com", 587, Opportunistic);
        expect(&of_provider("mailpit"), "localhost", 1025, Plain);
    }

    /// TLS-37: another server to connect to changes nothing about whose certificate is expected, nor what may go out.
    #[test]
    fn another_server_for_a_provider() {
        let mut choices = of_provider("gmail");
        choices.server = Some((ServerName::Ip([127, 0, 0, 1].into()), Some(40_000)));
        let target = expect(&choices, "127.0.0.1", 40_000, Implicit);
        assert_eq!(target.certificate_name().to_string(), "smtp.gmail.com");
        assert!(!target.allows_unprotected_credentials());
        choices.security = Some(Required);
        expect(&choices, "127.0.0.1", 40_000, Required);
        choices.provider = Some("icloud".into());
        choices.security = Some(Implicit);
        expect(&choices, "127.0.0.1", 40_000, Implicit);
        choices.provider = Some("ses".into());
        let target = expect(&choices, "127.0.0.1", 40_000, Implicit);
        assert_eq!(target.certificate_name().to_string(), "127.0.0.1");
    }

    /// TLS-19, rule 35: who may see credentials without verified TLS.
    #[test]
    fn unprotected_credentials() {
        let allows = |choices: Choices| choices.target().expect("they fit").allows_unprotected_credentials();
        assert!(!allows(of_url("smtp://alice:x@mx.example")));
        assert!(!allows(of_url("smtp://alice:x@mx.example?tls=none")));
        assert!(allows(of_url("smtp://alice:x@localhost")));
        assert!(allows(of_server("::1", None)));
        assert!(allows(Choices { unprotected_credentials: true, ..of_url("smtp://alice:x@mx.example?tls=none") }));
        let unverified = |url| Choices { unverified_certificate: true, ..of_url(url) };
        assert!(allows(unverified("smtps://alice:x@mx.example")));
        assert!(allows(unverified("smtp://alice:x@mx.example")));
        assert!(!allows(unverified("smtp://alice:x@mx.example?tls=opportunistic")));
        assert!(!allows(unverified("smtp://alice:x@mx.example?tls=none")));
    }

    #[test]
    fn user_names() {
        let user = |name: &str, sender: &str| {
            let choices = Choices { sender: Some(sender.into()), login: Some(Login::Password), ..of_provider(name) };
            let target = choices.target().expect("they fit");
            (target.user().map(String::from), target.missing())
        };
        assert_eq!(user("gmail", "a@gmail.com"), (Some("a@gmail.com".into()), None));
        assert_eq!(user("web.de", "a@web.de"), (Some("a".into()), None));
        assert_eq!(user("sendgrid", "a@b.example"), (Some("apikey".into()), None));
        assert_eq!(user("postmark", "a@b.example"), (None, None));
        let mailgun = Provider::named("mailgun");
        assert_eq!(user("mailgun", "a@b.example"), (None, Some(Missing::User(mailgun))));
        assert_eq!(user("gmail", "").1, Some(Missing::User(Provider::named("gmail"))));
        let target = Choices { login: Some(Login::Password), ..of_provider("postmark") }.target().expect("they fit");
        let credentials = target.credentials("token").expect("a login");
        assert_eq!((credentials.user(), credentials.as_password()), (Some("token"), Some("token")));
    }

    #[test]
    fn what_is_missing() {
        let missing =
            |choices: &Choices| choices.target().expect("they fit").missing().map(|missing| missing.to_string());
        assert_eq!(missing(&of_server("mx.example", None)), None);
        assert_eq!(missing(&of_url("smtp://a:b@mx.example")), None);
        assert_eq!(missing(&of_provider("mailpit")), None);
        assert_eq!(missing(&of_provider("google-workspace-relay")), None);
        let cases = [
            (of_url("smtp://a@mx.example"), "there is a user name, and no password or token"),
            (
                Choices { login: Some(Login::Token), ..of_server("mx.example", None) },
                "there is a password or token, and no user name",
            ),
            (
                of_provider("gmail"),
                "gmail wants an app password, made in the account's security settings, not the password of the account, \
                 or an OAuth 2.0 access token",
            ),
            (of_provider("outlook"), "outlook.com (personal) wants an OAuth 2.0 access token"),
            (
                Choices { login: Some(Login::Password), ..of_provider("ses:eu-west-1") },
                "ses wants a user name that only the account knows",
            ),
        ];
        for (choices, text) in cases {
            assert_eq!(missing(&choices).as_deref(), Some(text));
        }
    }

    #[test]
    fn credentials_are_of_the_kind_that_is_there() {
        let of = |login, mechanism: Option<&str>| {
            let mut choices = of_server("mx.example", None);
            choices.user = Some("alice".into());
            choices.login = login;
            choices.mechanism = mechanism.map(Into::into);
            let target = choices.target()?;
            Ok::<_, TargetError>((target.login(), target.credentials("secret")))
        };
        let (_, password) = of(Some(Login::Password), None).expect("they fit");
        assert_eq!(password.expect("a login").as_password(), Some("secret"));
        let (_, token) = of(Some(Login::Token), Some("xoauth2")).expect("they fit");
        assert_eq!(token.expect("a login").as_bearer(), Some("secret"));
        let (login, external) = of(None, Some("external")).expect("they fit");
        assert!(
            login == Login::Certificate && external.is_some_and(|it| it.is_external() && it.authorization() == "alice")
        );
        let (_, anonymous) = of(None, Some("ANONYMOUS")).expect("they fit");
        assert_eq!(anonymous.expect("a login").as_anonymous(), Some("alice"));
        assert!(of(Some(Login::Password), Some("X-OTHER")).is_ok());
        for (login, mechanism, text) in [
            (Login::Token, "PLAIN", "PLAIN logs in with a password, not with an OAuth 2.0 access token"),
            (Login::Password, "EXTERNAL", "EXTERNAL logs in with the certificate of the client, not with a password"),
            (Login::Password, "XOAUTH2", "XOAUTH2 logs in with an OAuth 2.0 access token, not with a password"),
            (
                Login::Token,
                "SCRAM-SHA-256",
                "SCRAM-SHA-256 logs in with a password, not with an OAuth 2.0 access token",
            ),
        ] {
            assert_eq!(of(Some(login), Some(mechanism)).expect_err(mechanism).to_string(), text);
        }
    }

    /// ADDR-19.
    #[test]
    fn choices_that_do_not_fit() {
        let both = |provider: &str| Choices { provider: Some(provider.into()), ..of_url("smtp://mx.example") };
        let user = |user: &str| Choices { user: Some(user.into()), ..of_server("mx.example", None) };
        let mechanism = |name: &str| Choices { mechanism: Some(name.into()), ..of_server("mx.example", None) };
        let cases = [
            (Choices::default(), TargetError::NoServer),
            (both("gmail"), TargetError::Conflict),
            (Choices { url: Some("smtp://h".parse().expect("a URL")), ..of_server("h", None) }, TargetError::Conflict),
            (of_url("lmtp://mx.example"), TargetError::Lmtp),
            (of_provider("nobody"), TargetError::UnknownProvider("nobody".into())),
            (of_provider("auto"), TargetError::NoSender),
            (
                Choices { sender: Some("a@b.example".into()), ..of_provider("auto") },
                TargetError::UnknownProvider("b.example".into()),
            ),
            (of_provider("ses:evil.example#"), TargetError::PlaceholderText(Provider::named("ses").expect("known"))),
            (of_provider("ses:a.b"), TargetError::PlaceholderText(Provider::named("ses").expect("known"))),
            (of_provider("ses:"), TargetError::PlaceholderText(Provider::named("ses").expect("known"))),
            (of_provider("gmail:x"), TargetError::NoPlaceholder(Provider::named("gmail").expect("known"))),
            (
                Choices { security: Some(Implicit), ..of_provider("icloud") },
                TargetError::NoEndpoint(Provider::named("icloud").expect("known")),
            ),
            (Choices { security: Some(Plain), ..of_url("smtps://h") }, TargetError::TlsOfSmtps),
            (user(""), TargetError::User),
            (user("a\r\nb"), TargetError::User),
            (mechanism("PLAIN\r\n"), TargetError::Mechanism("PLAIN\r\n".into())),
            (mechanism(""), TargetError::Mechanism("".into())),
        ];
        for (choices, error) in cases {
            assert_eq!(choices.target().expect_err("they do not fit"), error, "{choices:?}");
        }
        let error = of_provider("ses").target().expect_err("no region");
        assert_eq!(error.to_string(), "email-smtp.<region>.amazonaws.com of ses needs its region: write ses:REGION");
    }

    /// SASL-15: only what the credentials fit, what the provider offers, and what is safe.
    #[test]
    fn mechanisms_that_may_be_used() {
        let mechanisms = |choices: &Choices| choices.target().expect("they fit").mechanisms();
        let user = |login, choices: Choices| Choices { login: Some(login), user: Some("a".into()), ..choices };
        assert_eq!(mechanisms(&of_server("mx.example", None)), Ok([].into()));
        let password = mechanisms(&user(Login::Password, of_server("mx.example", None))).expect("some");
        assert!(password.ends_with(&["PLAIN", "LOGIN"]), "{password:?}");
        assert_eq!(mechanisms(&user(Login::Password, of_provider("gmail"))), Ok(["PLAIN", "LOGIN"].into()));
        assert_eq!(mechanisms(&user(Login::Token, of_provider("gmail"))), Ok(["OAUTHBEARER", "XOAUTH2"].into()));
        assert_eq!(mechanisms(&user(Login::Password, of_provider("office365"))), Ok(["LOGIN"].into()));
        assert_eq!(mechanisms(&user(Login::Password, of_provider("outlook"))), Err(Unusable::NoMechanism));
        let only = Choices { mechanism: Some("login".into()), ..of_url("smtps://a:b@mx.example") };
        assert_eq!(mechanisms(&only), Ok(["LOGIN"].into()));
        let in_clear = of_url("smtp://a:b@mx.example?tls=none");
        // Those that do not tell the password, if there are any.
        let safe = mechanisms(&in_clear).unwrap_or_default();
        assert!(!safe.contains(&"PLAIN") && !safe.contains(&"LOGIN") && !safe.contains(&"SCRAM-SHA-256-PLUS"));
        let only = Choices { mechanism: Some("plain".into()), ..in_clear.clone() };
        assert_eq!(mechanisms(&only), Err(Unusable::NotConfidential));
        let allowed = mechanisms(&Choices { unprotected_credentials: true, ..in_clear }).expect("some");
        assert!(allowed.ends_with(&["PLAIN", "LOGIN"]) && !allowed.contains(&"SCRAM-SHA-256-PLUS"), "{allowed:?}");
    }

    #[test]
    fn a_configuration_is_made_to_fit() {
        let mut config = Config::new("client.example").expect("a domain");
        let mut choices = of_url("smtps://alice:x@mx.example?auth=plain");
        choices.unprotected_credentials = true;
        choices.target().expect("they fit").apply(&mut config);
        assert_eq!((config.security, config.mechanism.as_deref()), (Implicit, Some("PLAIN")));
        assert!(config.unprotected_credentials);
    }

    /// SASL-16.
    #[test]
    fn passwords_are_not_shown() {
        let choices = of_url("smtps://alice:hunter2@mx.example");
        let target = choices.target().expect("they fit");
        assert!(!format!("{choices:?} {target:?}").contains("hunter2"));
    }
}
