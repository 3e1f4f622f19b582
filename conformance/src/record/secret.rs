//! What AUTH says, without the secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// An exchange of AUTH whose secrets can be written down as variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exchange {
    /// One message: who, and the password.
    Plain,
    /// The user comes next.
    LoginUser,
    /// The password comes next.
    LoginPassword,
}

/// A line that begins AUTH, as it stands in a transcript, and how it goes on. `None`: what is said there is good for this
/// one time only, or cannot be told from a secret.
pub(super) fn command(line: &str) -> Option<(String, Exchange)> {
    let mut words = line.split(' ');
    let verb = words.next()?;
    let mechanism = words.next()?;
    let response = words.next();
    if words.next().is_some() {
        return None;
    }
    let exchange = match mechanism.to_ascii_uppercase().as_str() {
        "PLAIN" => Exchange::Plain,
        "LOGIN" => Exchange::LoginUser,
        _ => return None,
    };
    match response {
        None => Some((format!("{verb} {mechanism}"), exchange)),
        Some(response) => {
            let (said, exchange) = exchange.response(response)?;
            Some((format!("{verb} {mechanism} {said}"), exchange))
        }
    }
}

impl Exchange {
    /// A response of the client, as it stands in a transcript, and how the exchange goes on.
    pub(super) fn response(self, line: &str) -> Option<(String, Self)> {
        if line == "*" {
            return Some(("*".into(), self));
        }
        match self {
            Self::Plain => plain(line).map(|said| (said, Self::Plain)),
            Self::LoginUser => Some(("$b64($user)".into(), Self::LoginPassword)),
            Self::LoginPassword => Some(("$b64($password)".into(), Self::LoginPassword)),
        }
    }
}

/// `authzid NUL authcid NUL password`.
fn plain(response: &str) -> Option<String> {
    let octets = STANDARD.decode(response).ok()?;
    let mut parts = octets.split(|&octet| octet == 0);
    let [authorization, _, _] = [parts.next()?, parts.next()?, parts.next()?];
    // As whom one acts is no secret, but it stands between brackets of a variable.
    let is_harmless = authorization.iter().all(|octet| octet.is_ascii_alphanumeric() || b"@.-_+".contains(octet));
    if !is_harmless || parts.next().is_some() {
        return None;
    }
    let authorization = core::str::from_utf8(authorization).ok()?;
    Some(format!("$b64({authorization}\\0$user\\0$password)"))
}

#[cfg(test)]
mod tests {
    use super::{Exchange, command};

    #[test]
    fn secrets_become_variables() {
        let said = |line| command(line).map(|(said, _)| said);
        let plain = "AUTH PLAIN $b64(\\0$user\\0$password)";
        assert_eq!(said("AUTH PLAIN AGFsaWNlAHNlY3JldA==").as_deref(), Some(plain));
        // bob NUL alice NUL secret.
        assert_eq!(
            said("auth plain Ym9iAGFsaWNlAHNlY3JldA==").as_deref(),
            Some("auth plain $b64(bob\\0$user\\0$password)")
        );
        assert_eq!(command("AUTH PLAIN"), Some(("AUTH PLAIN".into(), Exchange::Plain)));
        assert_eq!(said("AUTH LOGIN YWxpY2U=").as_deref(), Some("AUTH LOGIN $b64($user)"));
    }

    #[test]
    fn what_is_no_variable_is_not_written_down() {
        for line in [
            "AUTH CRAM-MD5",
            "AUTH PLAIN c2VjcmV0",
            "AUTH PLAIN !",
            "AUTH  PLAIN AGFsaWNlAHNlY3JldA==",
            "AUTH PLAIN AGFsaWNlAHNlY3JldA== x",
            // ) NUL alice NUL secret.
            "AUTH PLAIN KQBhbGljZQBzZWNyZXQ=",
            "AUTH",
        ] {
            assert_eq!(command(line), None, "{line}");
        }
    }

    #[test]
    fn login_says_two_things() {
        let (user, next) = Exchange::LoginUser.response("YWxpY2U=").expect("a name");
        assert_eq!((user.as_str(), next), ("$b64($user)", Exchange::LoginPassword));
        assert_eq!(next.response("c2VjcmV0").map(|(said, _)| said).as_deref(), Some("$b64($password)"));
        assert_eq!(next.response("*").map(|(said, _)| said).as_deref(), Some("*"));
    }
}
