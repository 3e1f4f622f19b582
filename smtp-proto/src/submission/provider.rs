//! Providers of mail, and where they take submissions.

use alloc::string::String;
use core::fmt;

use super::table::{columns, find, lines};
use super::{CredentialKind, ServerName, TargetError};
use crate::client::Security;

/// A provider of mail, from the table that is part of this crate.
///
/// What providers say about themselves changes: the table is as good as its sources, which each [`Endpoint`] names.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Provider {
    name: &'static str,
}

/// A port where a provider takes submissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    host: &'static str,
    port: u16,
    security: Security,
    mechanisms: &'static str,
    notes: &'static str,
    source: &'static str,
}

/// What a provider wants for a user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UserName {
    /// The whole address.
    Address,
    /// What stands before the `@`.
    LocalPart,
    /// Always this word.
    Word(&'static str),
    /// The same text as the password.
    Secret,
    /// A name that only the account knows.
    Given,
}

const PROVIDERS: &str = include_str!("providers.tsv");
const ALIASES: &str = include_str!("aliases.tsv");
const DOMAINS: &str = include_str!("domains.tsv");
const USERS: &str = include_str!("users.tsv");

/// A row of the table of providers: an endpoint in all its modes.
#[derive(Clone, Copy)]
struct Row {
    provider: &'static str,
    host: &'static str,
    port: u16,
    modes: &'static str,
    mechanisms: &'static str,
    credentials: &'static str,
    notes: &'static str,
    source: &'static str,
}

impl Provider {
    /// All of them, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        let mut last = "";
        rows().filter_map(move |row| {
            let is_new = row.provider != last;
            last = row.provider;
            is_new.then_some(Self { name: row.provider })
        })
    }

    /// The one of this name, without regard to case; what the table puts in brackets behind a name may be left out, and
    /// some have other names, too: `outlook` is `outlook.com (personal)`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = find(ALIASES, name).unwrap_or(name);
        Self::all().find(|provider| {
            let short = provider.name.split(" (").next().unwrap_or_default();
            [provider.name, short].into_iter().any(|own| own.eq_ignore_ascii_case(name))
        })
    }

    /// The one that has the mailboxes of this domain. Only DNS tells who has those of an organisation's own domain.
    #[must_use]
    pub fn of_domain(domain: &str) -> Option<Self> {
        find(DOMAINS, domain).and_then(Self::named)
    }

    /// Its name in the table.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Where it takes submissions, the preferred one first: TLS from the first octet before STARTTLS (RFC 8314 §3.3).
    /// There is at least one.
    pub fn endpoints(&self) -> impl Iterator<Item = Endpoint> {
        let own = self.rows();
        let is_implicit = |row: &Row| row.modes == "implicit";
        let implicit = own.clone().filter(is_implicit);
        implicit.chain(own.filter(move |row| !is_implicit(row))).flat_map(|row| row.endpoints())
    }

    /// Which kinds of credentials it takes.
    pub fn credentials(&self) -> impl Iterator<Item = CredentialKind> {
        let first = self.rows().next().map_or("", |row| row.credentials);
        kinds(first)
    }

    /// What it wants to be logged in with, as the rest of a sentence.
    pub fn wants(&self) -> impl fmt::Display {
        let provider = *self;
        fmt::from_fn(move |f| {
            for (number, kind) in provider.credentials().enumerate() {
                f.write_str(if number == 0 { "" } else { ", or " })?;
                f.write_str(kind.hint())?;
            }
            if let UserName::Word(word) = provider.user_name() {
                write!(f, "; the user name is the word {word}")?;
            }
            Ok(())
        })
    }

    /// What it wants for a user name.
    #[must_use]
    pub fn user_name(&self) -> UserName {
        find(USERS, self.name).map_or(UserName::Address, user_name)
    }

    fn rows(&self) -> impl Iterator<Item = Row> + Clone {
        let name = self.name;
        rows().filter(move |row| row.provider == name)
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Provider").field(&self.name).finish()
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Endpoint {
    /// The server as the table has it: with [`placeholder`](Self::placeholder), if it has one.
    #[must_use]
    pub fn host(&self) -> &'static str {
        self.host
    }

    /// What has to be said to know the server: `region` in `email-smtp.<region>.amazonaws.com`.
    #[must_use]
    pub fn placeholder(&self) -> Option<&'static str> {
        let (_, rest) = self.host.split_once('<')?;
        rest.split_once('>').map(|(name, _)| name)
    }

    /// The server, with this text for the placeholder.
    ///
    /// # Errors
    ///
    /// The text is missing, there is no place for it, or no domain comes of it.
    pub fn server(&self, provider: Provider, text: Option<&str>) -> Result<ServerName, TargetError> {
        let name = match (self.host.split_once('<'), text) {
            (None, None) => self.host.into(),
            (None, Some(_)) => return Err(TargetError::NoPlaceholder(provider)),
            (Some(_), None) => return Err(TargetError::Placeholder { provider, endpoint: *self }),
            (Some((before, rest)), Some(text)) => {
                let behind = rest.split_once('>').map_or("", |(_, behind)| behind);
                // One label, so that no other domain comes of it.
                if text.contains('.') {
                    return Err(TargetError::PlaceholderText(provider));
                }
                [before, text, behind].concat()
            }
        };
        let server = name.parse();
        server.map_err(|_| TargetError::PlaceholderText(provider))
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How TLS begins: [`Security::Implicit`] or [`Security::Required`]; [`Security::Plain`] only on this machine.
    #[must_use]
    pub fn security(&self) -> Security {
        self.security
    }

    /// The mechanisms of AUTH that are offered, if that is known.
    pub fn mechanisms(&self) -> impl Iterator<Item = &'static str> {
        let names = self.mechanisms.split(" (").next().unwrap_or_default();
        let are_names = names.split_whitespace().all(is_mechanism_name);
        names.split_whitespace().filter(move |_| are_names)
    }

    /// What else is known about it.
    #[must_use]
    pub fn notes(&self) -> &'static str {
        self.notes
    }

    /// Where all this comes from.
    #[must_use]
    pub fn source(&self) -> &'static str {
        self.source
    }
}

impl Row {
    fn of(line: &'static str) -> Option<Self> {
        let [provider, host, port, modes, mechanisms, credentials, notes, source] = columns(line)?;
        let port = port.parse().ok()?;
        Some(Self { provider, host, port, modes, mechanisms, credentials, notes, source })
    }

    fn endpoints(self) -> impl Iterator<Item = Endpoint> {
        let Self { host, port, mechanisms, notes, source, .. } = self;
        let modes = self.modes.split('|').filter_map(security);
        modes.map(move |security| Endpoint { host, port, security, mechanisms, notes, source })
    }
}

fn rows() -> impl Iterator<Item = Row> + Clone {
    lines(PROVIDERS).filter_map(Row::of)
}

/// The mode of a row.
fn security(word: &str) -> Option<Security> {
    match word {
        "implicit" => Some(Security::Implicit),
        "starttls" => Some(Security::Required),
        "none" => Some(Security::Plain),
        _ => None,
    }
}

/// The kinds of credentials of a row. What stands in brackets behind a word is a note.
fn kinds(column: &'static str) -> impl Iterator<Item = CredentialKind> {
    column.split('|').filter_map(|word| CredentialKind::of_word(word.split(" (").next().unwrap_or_default()))
}

fn user_name(rule: &'static str) -> UserName {
    match rule {
        "local-part" => UserName::LocalPart,
        "secret" => UserName::Secret,
        "given" => UserName::Given,
        _ => rule.strip_prefix('=').map_or(UserName::Address, UserName::Word),
    }
}

/// `sasl-mech`: 1 to 20 of `A-Z 0-9 - _` (RFC 4422 §3.1).
fn is_mechanism_name(name: &str) -> bool {
    let fits = |octet: u8| octet.is_ascii_uppercase() || octet.is_ascii_digit() || matches!(octet, b'-' | b'_');
    (1..=20).contains(&name.len()) && name.bytes().all(fits)
}

/// The name of a mechanism in upper case, if it is one.
pub(super) fn mechanism_name(text: &str) -> Option<String> {
    let name = text.to_ascii_uppercase();
    is_mechanism_name(&name).then_some(name)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::*;
    use crate::submission::ServerName;

    /// The number of endpoints in the table: a row that is lost, or no longer read, is missed.
    const ROWS: usize = 91;

    #[test]
    fn every_row_is_read() {
        assert_eq!(lines(PROVIDERS).count(), ROWS);
        assert_eq!(rows().count(), ROWS);
        for line in lines(PROVIDERS) {
            assert_eq!(line.split('\t').count(), 8, "{line}");
            assert!(!line.contains(char::is_control) || line.chars().filter(|c| c.is_control()).all(|c| c == '\t'));
        }
        for row in rows() {
            let Row { provider, modes, credentials, port, source, .. } = row;
            assert!(port > 0 && !source.is_empty(), "{provider}");
            assert_eq!(row.endpoints().count(), modes.split('|').count(), "{provider}: {modes}");
            assert_eq!(kinds(credentials).count(), credentials.split('|').count(), "{provider}: {credentials}");
            assert!(!provider.contains(':'), "{provider}");
        }
    }

    /// The rows of a provider stand together, and every provider is found by its name.
    #[test]
    fn every_provider_is_found() {
        let all: Vec<_> = Provider::all().collect();
        let endpoints: usize = all.iter().map(|provider| provider.rows().count()).sum();
        assert_eq!(endpoints, ROWS);
        assert!(all.len() > 60, "{}", all.len());
        for (at, provider) in all.iter().enumerate() {
            assert!(!all[..at].contains(provider), "{provider} stands in two places");
            assert_eq!(Provider::named(provider.name()), Some(*provider));
            assert_eq!(Provider::named(&provider.name().to_uppercase()), Some(*provider));
            assert!(provider.endpoints().count() >= 1 && provider.credentials().count() >= 1, "{provider}");
            assert!(provider.wants().to_string().len() > 5, "{provider}");
        }
    }

    #[test]
    fn every_host_is_a_domain() {
        for provider in Provider::all() {
            for endpoint in provider.endpoints() {
                let text = endpoint.placeholder().map(|_| "eu-west-1");
                let server = endpoint.server(provider, text);
                assert!(matches!(&server, Ok(ServerName::Domain(_))), "{provider}: {server:?}");
                let is_local = server.is_ok_and(|server| server.is_loopback());
                assert!(is_local || endpoint.security() != Security::Plain, "{provider} in clear");
            }
        }
    }

    /// RFC 8314 §3.3: TLS from the first octet comes first wherever there is such a port.
    #[test]
    fn implicit_tls_is_preferred() {
        for provider in Provider::all() {
            let modes: Vec<_> = provider.endpoints().map(|endpoint| endpoint.security()).collect();
            let is_local = provider.endpoints().any(|endpoint| endpoint.host() == "localhost");
            let first = modes.iter().take_while(|mode| **mode == Security::Implicit).count();
            let all = modes.iter().filter(|mode| **mode == Security::Implicit).count();
            assert!(is_local || first == all, "{provider}: {modes:?}");
        }
        let first = |name| Provider::named(name).and_then(|provider| provider.endpoints().next()).expect("known");
        assert_eq!((first("sendgrid").port(), first("sendgrid").security()), (465, Security::Implicit));
        assert_eq!((first("icloud").port(), first("icloud").security()), (587, Security::Required));
        assert_eq!((first("mailpit").port(), first("mailpit").security()), (1025, Security::Plain));
    }

    #[test]
    fn every_other_table_names_providers() {
        for (table, what) in [(DOMAINS, "domain"), (ALIASES, "alias")] {
            let mut names = Vec::new();
            for line in lines(table) {
                let [name, provider] = columns(line).unwrap_or_else(|| panic!("{what} {line}"));
                assert!(Provider::all().any(|known| known.name() == provider), "{what} {name}: {provider}");
                assert_eq!(name.to_lowercase(), name);
                assert!(!names.contains(&name), "{what} {name} twice");
                names.push(name);
            }
        }
        for line in lines(DOMAINS) {
            let [domain, provider] = columns(line).expect("seen above");
            assert!(matches!(domain.parse::<ServerName>(), Ok(ServerName::Domain(_))), "{domain}");
            assert_eq!(Provider::of_domain(domain).map(|found| found.name()), Some(provider), "{domain}");
        }
        for line in lines(ALIASES) {
            let [alias, provider] = columns(line).expect("seen above");
            assert!(Provider::all().all(|known| known.name() != alias), "{alias} is a provider");
            assert_eq!(Provider::named(alias).map(|found| found.name()), Some(provider), "{alias}");
        }
        for line in lines(USERS) {
            let [provider, rule, source] = columns(line).expect("three columns");
            assert!(Provider::all().any(|known| known.name() == provider), "{provider}");
            assert_ne!(user_name(rule), UserName::Address, "{provider}: {rule}");
            assert!(!source.is_empty());
        }
    }

    #[test]
    fn names_that_people_write() {
        let cases = [
            ("gmail", "gmail"),
            ("GoogleMail", "gmail"),
            ("outlook", "outlook.com (personal)"),
            ("Outlook.com", "outlook.com (personal)"),
            ("hotmail", "outlook.com (personal)"),
            ("office365", "office365"),
            ("qq", "qq"),
            ("163", "163"),
            ("mailpit", "mailpit (local)"),
            ("ethereal", "ethereal (test)"),
        ];
        for (name, provider) in cases {
            assert_eq!(Provider::named(name).map(|found| found.name()), Some(provider), "{name}");
        }
        for name in ["", "gmx", "example", "(local)", "gmail ", "#"] {
            assert_eq!(Provider::named(name), None, "{name}");
        }
        for (domain, provider) in [("Foxmail.com", "qq"), ("yahoo.co.uk", "yahoo"), ("yahoo.co.jp", "yahoo-japan")] {
            assert_eq!(Provider::of_domain(domain).map(|found| found.name()), Some(provider), "{domain}");
        }
        assert_eq!(Provider::of_domain("example.org"), None);
    }

    #[test]
    fn what_is_known_of_a_provider() {
        let gmail = Provider::named("gmail").expect("known");
        let kinds: Vec<_> = gmail.credentials().collect();
        assert_eq!(kinds, [CredentialKind::AppPassword, CredentialKind::OAuthToken]);
        let starttls = gmail.endpoints().nth(1).expect("two ports");
        let mechanisms: Vec<_> = starttls.mechanisms().collect();
        assert_eq!(mechanisms, ["LOGIN", "PLAIN", "XOAUTH2", "PLAIN-CLIENTTOKEN", "OAUTHBEARER", "XOAUTH"]);
        for unstated in ["icloud", "fastmail", "naver", "postmark"] {
            let endpoint = Provider::named(unstated).and_then(|provider| provider.endpoints().next());
            assert_eq!(endpoint.expect("known").mechanisms().count(), 0, "{unstated}");
        }
        let sendgrid = Provider::named("sendgrid").expect("known").wants().to_string();
        assert_eq!(sendgrid, "an API key, as the password; the user name is the word apikey");
        let user_name = |name| Provider::named(name).expect("known").user_name();
        assert_eq!(user_name("gmail"), UserName::Address);
        assert_eq!(user_name("web.de"), UserName::LocalPart);
        assert_eq!(user_name("sendgrid"), UserName::Word("apikey"));
        assert_eq!(user_name("postmark"), UserName::Secret);
        assert_eq!(user_name("ses"), UserName::Given);
    }
}
