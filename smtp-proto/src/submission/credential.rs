//! Kinds of credentials that providers ask for.

use super::Login;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal, $login:ident, $hint:literal;)*) => {
        /// A kind of credentials that a provider asks for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum CredentialKind {
            $($(#[doc = $doc])+ $name,)*
        }

        impl CredentialKind {
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word that stands for it in the table of providers.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// What it is and where people get it, as the rest of a sentence.
            #[must_use]
            pub fn hint(self) -> &'static str {
                match self {
                    $(Self::$name => $hint,)*
                }
            }

            /// What one logs in with.
            #[must_use]
            pub fn login(self) -> Login {
                match self {
                    $(Self::$name => Login::$login,)*
                }
            }
        }
    };
}

kinds! {
    /// The password of the account.
    Password = "password", Password, "the password of the account";
    /// A password for one program.
    AppPassword = "app-password", Password,
        "an app password, made in the account's security settings, not the password of the account";
    /// A code that stands in for the password.
    AuthorizationCode = "authorization-code", Password,
        "an authorization code from the settings of the web mail, not the password of the account";
    /// AT&T's name for an app password.
    SecureMailKey = "secure-mail-key", Password, "a secure mail key, made in the account's settings";
    /// An OAuth 2.0 access token (RFC 6749 §1.4).
    OAuthToken = "oauth2-token", Token, "an OAuth 2.0 access token";
    /// A password of an address that forwards.
    AliasPassword = "alias-password", Password, "the password that was generated for the alias";
    /// A token for SMTP only.
    SmtpToken = "smtp-token", Password, "a token for SMTP, made in the account's settings";
    /// A key for SMTP only.
    SmtpKey = "smtp-key", Password, "an SMTP key, made in the account's settings";
    /// A user for SMTP only.
    SmtpUser = "smtp-user", Password, "the password of an SMTP user, made in the account's settings";
    /// A user of a sending domain.
    DomainCredential = "domain-smtp-credential", Password, "the SMTP password of the sending domain";
    /// Amazon's user for SMTP.
    SesCredential = "ses-smtp-credential", Password,
        "the SMTP password of the region, made in the SES console, not the secret key of AWS";
    /// A key for the provider's interfaces.
    ApiKey = "api-key", Password, "an API key, as the password";
    /// Two keys for the provider's interfaces.
    ApiKeyPair = "api-key-pair", Password, "the secret key; the user name is the API key";
    /// A token for the provider's interfaces.
    ApiToken = "api-token", Password, "an API token, as the password";
    /// A token that is also the user name.
    ServerToken = "server-api-token", Password, "the API token of the server, which is the user name, too";
    /// Made with the account.
    Generated = "generated", Password, "the password that was generated with the account";
    /// Set up by who runs the server.
    Configured = "configured", Password, "the password that the server was set up with";
    /// From a file that the server reads.
    ServerPassword = "password-file", Password, "a password of the server's password file";
    /// Whatever one likes.
    Any = "any", Nobody, "nothing: the server takes any credentials, and none";
    /// The network that one comes from.
    IpAllowlist = "ip-allowlist", Nobody, "nothing, from an address that the account allows";
}

impl CredentialKind {
    pub(super) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }
}
