//! URLs of mail servers.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use thiserror::Error;

use super::provider::mechanism_name;
use super::{ServerName, ServerNameError};
use crate::address::{AddressError, Charset, Host};
use crate::client::Security;

/// The URL of a server, with what is needed to connect and to log in:
/// `smtp://[USER[:PASSWORD]@]HOST[:PORT][?tls=required|opportunistic|none][&auth=MECHANISM][&ehlo=NAME]`, or `smtps://`,
/// which means TLS from the first octet, or `lmtp://`.
///
/// In user name, password and values, what may not stand there is percent-encoded (RFC 3986 §2.1). An `@` and, in the
/// password, a `:` may stand as they are. `Debug` does not show the password, and `Display` leaves it out.
///
/// ```
/// use smtp_proto::client::Security;
/// use smtp_proto::submission::Url;
///
/// let url: Url = "smtp://alice%40example.org:pa%2Fss@mail.example?auth=plain".parse()?;
/// assert_eq!((url.user(), url.password()), (Some("alice@example.org"), Some("pa/ss")));
/// assert_eq!((url.port(), url.security(), url.mechanism()), (587, Security::Required, Some("PLAIN")));
/// assert_eq!(url.to_string(), "smtp://alice%40example.org@mail.example?auth=PLAIN");
/// # Ok::<(), smtp_proto::submission::UrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    scheme: Scheme,
    server: ServerName,
    port: Option<u16>,
    tls: Option<Security>,
    user: Option<String>,
    password: Option<String>,
    mechanism: Option<String>,
    ehlo: Option<String>,
}

/// What a URL begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `smtp`: begins in clear.
    Smtp,
    /// `smtps`: TLS from the first octet (RFC 8314 §3.3).
    Smtps,
    /// `lmtp` (RFC 2033): begins in clear.
    Lmtp,
}

/// Why a text is no URL of a mail server. It prints as what to do about it, and never holds a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The scheme is none of the three.
    #[error("the URL of a mail server begins with smtp://, smtps:// or lmtp://")]
    Scheme,
    /// There is a blank or a control character.
    #[error("a URL holds no blanks and no control characters: write a blank in a password as %20")]
    Character,
    /// An `@` stands behind a `/`, `?` or `#`, so that these may belong to a password.
    #[error("an @ stands behind a /, ? or #: write these in a user name or password as %2F, %3F and %23")]
    Delimiter,
    /// A percent sign begins no escape.
    #[error("behind % stand two hexadecimal digits: write the sign itself as %25")]
    Escape,
    /// What is percent-encoded is not UTF-8.
    #[error("what is percent-encoded is not UTF-8")]
    NotUtf8,
    /// A control character is percent-encoded.
    #[error("a control character is percent-encoded, which may not stand in a URL of a mail server")]
    Control,
    /// There is an `@` without a user name before it.
    #[error("the user name before the @ is missing")]
    EmptyUser,
    /// There is a colon without a password behind it.
    #[error("the password is empty: leave the colon behind the user name out if there is none")]
    EmptyPassword,
    /// The server or its port.
    #[error("{0}")]
    Server(#[source] ServerNameError),
    /// There is a path.
    #[error("a URL of a mail server has no path: nothing stands behind the server but ?KEY=VALUE")]
    Path,
    /// There is a fragment.
    #[error("a URL of a mail server has no #: write it in a user name or password as %23")]
    Fragment,
    /// A key of the query that is not known.
    #[error("`{0}` is no key of these URLs: there are tls, auth and ehlo")]
    UnknownKey(String),
    /// A key of the query without a value.
    #[error("`{0}` has no value: write {0}=VALUE")]
    NoValue(&'static str),
    /// A key of the query that comes again.
    #[error("`{0}` is said more than once")]
    DuplicateKey(&'static str),
    /// The value of `tls`.
    #[error("tls is required, opportunistic or none")]
    Tls,
    /// `tls=implicit` where TLS begins with STARTTLS.
    #[error("TLS from the first octet is what smtps:// means: write that in place of tls=implicit")]
    ImplicitTls,
    /// A `tls` that contradicts `smtps`.
    #[error("smtps:// means TLS from the first octet: leave tls out, or write smtp:// for another kind of TLS")]
    TlsOfSmtps,
    /// The value of `auth`.
    #[error("auth is the name of a mechanism, such as PLAIN")]
    Mechanism,
    /// The value of `ehlo`.
    #[error("ehlo is the domain or the address literal of this client: {0}")]
    Ehlo(#[source] AddressError),
}

impl Url {
    /// What it begins with.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &ServerName {
        &self.server
    }

    /// The port: the one that is named, or else 465 for `smtps`, 24 for `lmtp`, and for `smtp` 587 if there is a user
    /// and 25 if there is none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.scheme {
            Scheme::Smtps => 465,
            Scheme::Lmtp => 24,
            Scheme::Smtp => super::choices::smtp_port(self.user.is_some()),
        })
    }

    /// The port that is named.
    #[must_use]
    pub fn explicit_port(&self) -> Option<u16> {
        self.port
    }

    /// How TLS begins. If nothing is said about it, it is required, but not with a server on this machine, to which mail
    /// goes in clear.
    #[must_use]
    pub fn security(&self) -> Security {
        match (self.scheme, self.tls) {
            (Scheme::Smtps, _) => Security::Implicit,
            (_, Some(tls)) => tls,
            (_, None) if self.server.is_loopback() => Security::Plain,
            (_, None) => Security::Required,
        }
    }

    /// The user name.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The password.
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// The only mechanism of AUTH to use, in upper case.
    #[must_use]
    pub fn mechanism(&self) -> Option<&str> {
        self.mechanism.as_deref()
    }

    /// The name to give in EHLO.
    #[must_use]
    pub fn ehlo(&self) -> Option<&str> {
        self.ehlo.as_deref()
    }

    /// The same without the password.
    #[must_use]
    pub fn without_password(mut self) -> Self {
        self.password = None;
        self
    }

    fn take_query(&mut self, query: &str) -> Result<(), UrlError> {
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let key = decoded(key)?;
            let Some(key) = ["tls", "auth", "ehlo"].into_iter().find(|known| *known == key) else {
                return Err(UrlError::UnknownKey(key.into_owned()));
            };
            let value = decoded(value)?;
            if value.is_empty() {
                return Err(UrlError::NoValue(key));
            }
            let is_new = match key {
                "tls" => self.tls.replace(security(&value, self.scheme)?).is_none(),
                "auth" => self.mechanism.replace(mechanism_name(&value).ok_or(UrlError::Mechanism)?).is_none(),
                _ => {
                    Host::parse(&value, Charset::Ascii).map_err(UrlError::Ehlo)?;
                    self.ehlo.replace(value.into_owned()).is_none()
                }
            };
            if !is_new {
                return Err(UrlError::DuplicateKey(key));
            }
        }
        Ok(())
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if text.contains(|character: char| character.is_control() || character.is_whitespace()) {
            return Err(UrlError::Character);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let scheme = Scheme::of(scheme).ok_or(UrlError::Scheme)?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if rest.contains('@') {
            return Err(UrlError::Delimiter);
        }
        let (user_info, host) = match authority.rsplit_once('@') {
            Some((user_info, host)) => (Some(user_info), host),
            None => (None, authority),
        };
        let (user, password) = user_info.map_or(Ok((None, None)), user_and_password)?;
        let (server, port) = ServerName::in_url(host).map_err(UrlError::Server)?;
        if rest.contains('#') {
            return Err(UrlError::Fragment);
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        if !matches!(path, "" | "/") {
            return Err(UrlError::Path);
        }
        let mut url = Self { scheme, server, port, tls: None, user, password, mechanism: None, ehlo: None };
        url.take_query(query)?;
        Ok(url)
    }
}

impl fmt::Display for Url {
    /// A URL that gives the same but for the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        if let Some(user) = &self.user {
            write!(f, "{}@", utf8_percent_encode(user, ESCAPED))?;
        }
        match &self.server {
            ServerName::Ip(address) if address.is_ipv6() => write!(f, "[{address}]")?,
            server => write!(f, "{server}")?,
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        let tls = self.tls.map(word);
        let mut separator = '?';
        for (key, value) in [("tls", tls), ("auth", self.mechanism()), ("ehlo", self.ehlo())] {
            if let Some(value) = value {
                write!(f, "{separator}{key}={}", utf8_percent_encode(value, ESCAPED))?;
                separator = '&';
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = self.password.as_ref().map(|_| "[redacted]");
        let url = format_args!("{self}");
        f.debug_struct("Url").field("url", &url).field("password", &password).finish()
    }
}

impl Scheme {
    fn of(text: &str) -> Option<Self> {
        [Self::Smtp, Self::Smtps, Self::Lmtp].into_iter().find(|scheme| scheme.word().eq_ignore_ascii_case(text))
    }

    fn word(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Smtps => "smtps",
            Self::Lmtp => "lmtp",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What is escaped in a part of a URL: all but the `unreserved` characters (RFC 3986 §2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn user_and_password(user_info: &str) -> Result<(Option<String>, Option<String>), UrlError> {
    let (user, password) = match user_info.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (user_info, None),
    };
    if user.is_empty() {
        return Err(UrlError::EmptyUser);
    }
    if password.is_some_and(str::is_empty) {
        return Err(UrlError::EmptyPassword);
    }
    let user = decoded(user)?.into_owned();
    let password = password.map(decoded).transpose()?;
    Ok((Some(user), password.map(Cow::into_owned)))
}

/// The text that is percent-encoded here, if it is one without control characters.
fn decoded(text: &str) -> Result<Cow<'_, str>, UrlError> {
    let mut escapes = text.split('%').skip(1);
    let is_escape = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|octet| octet.is_ascii_hexdigit());
    if !escapes.all(is_escape) {
        return Err(UrlError::Escape);
    }
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| UrlError::NotUtf8)?;
    if decoded.contains(char::is_control) { Err(UrlError::Control) } else { Ok(decoded) }
}

fn security(value: &str, scheme: Scheme) -> Result<Security, UrlError> {
    match (value, scheme) {
        ("implicit", Scheme::Smtps) => Ok(Security::Implicit),
        ("required" | "opportunistic" | "none", Scheme::Smtps) => Err(UrlError::TlsOfSmtps),
        ("implicit", _) => Err(UrlError::ImplicitTls),
        ("required", _) => Ok(Security::Required),
        ("opportunistic", _) => Ok(Security::Opportunistic),
        ("none", _) => Ok(Security::Plain),
        _ => Err(UrlError::Tls),
    }
}

fn word(security: Security) -> &'static str {
    match security {
        Security::Implicit => "implicit",
        Security::Required => "required",
        Security::Opportunistic => "opportunistic",
        Security::Plain => "none",
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Url {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// TLS-14: what a URL that says nothing about TLS means, and the ports.
    #[test]
    fn what_a_url_means() {
        use Security::{Implicit, Opportunistic, Plain, Required};
        let cases = [
            ("smtp://mx.example", "mx.example", 25, Required),
            ("SMTP://mx.example/", "mx.example", 25, Required),
            ("smtp://u@mx.example", "mx.example", 587, Required),
            ("smtp://u:p@mx.example:2525", "mx.example", 2525, Required),
            ("smtp://mx.example?", "mx.example", 25, Required),
            ("smtp://mx.example/?tls=required", "mx.example", 25, Required),
            ("smtp://mx.example?tls=opportunistic", "mx.example", 25, Opportunistic),
            ("smtp://mx.example?tls=none&", "mx.example", 25, Plain),
            ("smtps://mx.example", "mx.example", 465, Implicit),
            ("smtps://u:p@mx.example?tls=implicit", "mx.example", 465, Implicit),
            ("smtps://localhost", "localhost", 465, Implicit),
            ("lmtp://mx.example", "mx.example", 24, Required),
            ("lmtp://localhost", "localhost", 24, Plain),
            ("smtp://localhost:1025", "localhost", 1025, Plain),
            ("smtp://127.9.9.9", "127.9.9.9", 25, Plain),
            ("smtp://[::1]:26", "::1", 26, Plain),
            ("smtp://u@[::1]", "::1", 587, Plain),
            ("smtp://[2001:db8::1]", "2001:db8::1", 25, Required),
            ("smtp://localhost?tls=required", "localhost", 25, Required),
        ];
        for (text, server, port, security) in cases {
            let url = parsed(text);
            assert_eq!(
                (url.server().to_string().as_str(), url.port(), url.security()),
                (server, port, security),
                "{text}"
            );
        }
    }

    #[test]
    fn who_logs_in() {
        let cases = [
            ("smtp://h", None, None),
            ("smtp://alice@h", Some("alice"), None),
            ("smtp://alice:secret@h", Some("alice"), Some("secret")),
            ("smtp://alice%40example.org:a%3Ab%2F%3F%23%25@h", Some("alice@example.org"), Some("a:b/?#%")),
            ("smtp://alice@example.org:p@ss:word@h", Some("alice@example.org"), Some("p@ss:word")),
            ("smtp://al%C3%BCce:abcd%20efgh@h", Some("alüce"), Some("abcd efgh")),
            ("smtp://a+b:c+d@h", Some("a+b"), Some("c+d")),
        ];
        for (text, user, password) in cases {
            let url = parsed(text);
            assert_eq!((url.user(), url.password()), (user, password), "{text}");
        }
        let url = parsed("smtp://h?ehlo=%5B192.0.2.1%5D&auth=scram-sha-256");
        assert_eq!((url.ehlo(), url.mechanism()), (Some("[192.0.2.1]"), Some("SCRAM-SHA-256")));
    }

    /// ADDR-19, SASL-16: each error by name, and none tells a password.
    #[test]
    fn what_is_no_url() {
        use UrlError::*;
        let server = |text: &str| Server(text.parse::<ServerName>().expect_err("no server"));
        let cases = [
            ("", Scheme),
            ("mx.example", Scheme),
            ("smtp:mx.example", Scheme),
            ("http://mx.example", Scheme),
            ("://mx.example", Scheme),
            ("smtp://u:hunter2@h\r\n", Character),
            ("smtp://u:hunter2 @h", Character),
            ("smtp://u:hunter2\u{a0}@h", Character),
            ("smtp://u:hunter2\0@h", Character),
            ("smtp://u:hunter2/x@h", Delimiter),
            ("smtp://u:hunter2?x@h", Delimiter),
            ("smtp://u:hunter2#x@h", Delimiter),
            ("smtp://h?ehlo=a@b", Delimiter),
            ("smtp://u:hunter2%@h", Escape),
            ("smtp://u:hunter2%4@h", Escape),
            ("smtp://u:hunter2%4x@h", Escape),
            ("smtp://u:hunter2%+1@h", Escape),
            ("smtp://u%:hunter2@h", Escape),
            ("smtp://h?%zz=1", Escape),
            ("smtp://u:hunter2%ff@h", NotUtf8),
            ("smtp://u:hunter2%00@h", Control),
            ("smtp://u:hunter2%0D%0A@h", Control),
            ("smtp://u%7F:hunter2@h", Control),
            ("smtp://u%C2%85:hunter2@h", Control),
            ("smtp://h?ehlo=a%0Ab", Control),
            ("smtp://@h", EmptyUser),
            ("smtp://:hunter2@h", EmptyUser),
            ("smtp://u:@h", EmptyPassword),
            ("smtp://", server("")),
            ("smtp://u:hunter2@", server("")),
            ("smtp://:25", server("")),
            ("smtp://[::1", server("[::1")),
            ("smtp://[::1]25", server("[::1]25")),
            ("smtp://127.1", server("127.1")),
            ("smtp://a_b", server("a_b")),
            ("smtp://a%41", server("a%41")),
            ("smtp://ü.example", server("ü.example")),
            ("smtp://h:", Server(ServerNameError::Port)),
            ("smtp://h:0", Server(ServerNameError::Port)),
            ("smtp://h:65536", Server(ServerNameError::Port)),
            ("smtp://h:+25", Server(ServerNameError::Port)),
            ("smtp://h:25:25", Server(ServerNameError::Port)),
            ("smtp://2001:db8::1", Server(ServerNameError::Port)),
            ("smtp://h/inbox", Path),
            ("smtp://h//", Path),
            ("smtp://h#x", Fragment),
            ("smtp://h?tls=none#x", Fragment),
            ("smtp://h?password=hunter2", UnknownKey("password".into())),
            ("smtp://h?TLS=none", UnknownKey("TLS".into())),
            ("smtp://h?t%6Cs=none&x", UnknownKey("x".into())),
            ("smtp://h?=none", UnknownKey("".into())),
            ("smtp://h?tls", NoValue("tls")),
            ("smtp://h?ehlo=", NoValue("ehlo")),
            ("smtp://h?tls=none&tls=none", DuplicateKey("tls")),
            ("smtp://h?auth=PLAIN&auth=LOGIN", DuplicateKey("auth")),
            ("smtp://h?ehlo=a&auth=PLAIN&ehlo=a", DuplicateKey("ehlo")),
            ("smtp://h?tls=yes", Tls),
            ("smtps://h?tls=yes", Tls),
            ("smtp://h?tls=implicit", ImplicitTls),
            ("smtps://h?tls=required", TlsOfSmtps),
            ("smtps://h?tls=opportunistic", TlsOfSmtps),
            ("smtps://h?tls=none", TlsOfSmtps),
            ("smtp://h?auth=", NoValue("auth")),
            ("smtp://h?auth=PLAIN%20x", Mechanism),
            ("smtp://h?auth=A.B", Mechanism),
            ("smtp://h?auth=ABCDEFGHIJKLMNOPQRSTU", Mechanism),
            ("smtp://h?ehlo=a%20b", Ehlo(Host::parse("a b", Charset::Ascii).expect_err("no host"))),
        ];
        for (text, error) in cases {
            let found = text.parse::<Url>().expect_err(text);
            assert_eq!(found, error, "{text}");
            assert!(!format!("{found} {found:?}").contains("hunter2"), "{found:?}");
        }
    }

    /// SASL-16.
    #[test]
    fn passwords_are_not_shown() {
        let url = parsed("smtps://alice:hunter2@h");
        assert_eq!(url.to_string(), "smtps://alice@h");
        assert_eq!(format!("{url:?}"), "Url { url: smtps://alice@h, password: Some(\"[redacted]\") }");
        assert_eq!(format!("{:?}", url.without_password()), "Url { url: smtps://alice@h, password: None }");
    }

    fn escaped(text: &str) -> String {
        utf8_percent_encode(text, ESCAPED).to_string()
    }

    proptest! {
        /// Nothing panics, what is taken holds no control character, and printing it gives the same but the password.
        #[test]
        fn any_text(text in "(smtp|smtps|lmtp)://[a-z%:@/?#&=\\[\\]0-9.\u{7f}é\r\n -]{0,40}|\\PC{0,40}") {
            if let Ok(url) = text.parse::<Url>() {
                for part in [url.user(), url.password(), url.mechanism(), url.ehlo()].into_iter().flatten() {
                    prop_assert!(!part.is_empty() && !part.contains(char::is_control), "{part:?} of {text:?}");
                }
                let printed: Url = url.to_string().parse().expect("what is printed is a URL");
                prop_assert_eq!(printed, url.without_password());
            }
        }

        /// Any user name and password can be said.
        #[test]
        fn any_user_and_password(user in "\\PC{1,20}", password in "\\PC{1,20}") {
            let url: Url = format!("smtp://{}:{}@h", escaped(&user), escaped(&password)).parse().expect("escaped");
            prop_assert_eq!((url.user(), url.password()), (Some(user.as_str()), Some(password.as_str())));
        }

        /// SASL-16: neither an error nor a URL shows a password, wherever the text is broken.
        #[test]
        fn no_text_shows_a_password(before in "[a-z:@/?#&=% ]{0,6}", after in "[a-z:@/?#&=% ]{0,6}") {
            let text = format!("smtp://u:{before}HUNTER2{after}@mx.example?tls=none");
            let shown = match text.parse::<Url>() {
                Ok(url) => format!("{url} {url:?}"),
                Err(error) => format!("{error} {error:?}"),
            };
            // In a user name it is none.
            prop_assert!(!shown.contains("HUNTER2"), "{shown}");
        }
    }
}
