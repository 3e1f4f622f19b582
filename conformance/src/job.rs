//! What a client under test has to do.

use core::fmt;
use core::net::SocketAddr;
use core::str::FromStr;

use crate::target::{Unavailable, Variables};
use crate::transcript::Act;

/// What a client under test has to do: where to connect to, and what to send.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Job {
    /// Where the harness listens.
    pub address: SocketAddr,
    /// Whether and when TLS begins.
    pub security: Security,
    /// The name and the password to log in with, if it has to.
    pub login: Option<(String, String)>,
    /// The mechanism to log in with, if it has to be a certain one.
    pub mechanism: Option<String>,
    /// What to send, in this order, over one connection.
    pub mails: Vec<JobMail>,
    /// The certificate of the authority that has issued that of the harness, in PEM.
    pub authority: String,
}

/// A mail of a [`Job`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobMail {
    /// The reverse-path without brackets; empty: null.
    pub from: String,
    /// The recipients without brackets.
    pub to: Vec<String>,
    /// The message, in lines with CRLF.
    pub message: Vec<u8>,
    /// The size to be told to the server, if the transcript names one.
    pub size: Option<u64>,
    /// The kind of the body, if the transcript names one: `7BIT`, `8BITMIME`.
    pub body: Option<String>,
}

/// Whether and when TLS begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// Never.
    #[default]
    Plain,
    /// With STARTTLS, and there is no mail without it.
    StartTls,
    /// With STARTTLS if the server offers it.
    Opportunistic,
    /// With the first octet.
    Implicit,
}

impl Job {
    /// Where the harness listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The first mail. Where the abilities of a client are one mail over one connection, it is the only one.
    #[must_use]
    pub fn mail(&self) -> &JobMail {
        // A job without a mail is given to nobody.
        &self.mails[0]
    }

    /// What a transcript says, `U: set` and `U: send`, for a client that is to connect to this address.
    pub(crate) fn read(
        acts: &[Act],
        attachments: &[(String, Vec<u8>)],
        address: SocketAddr,
        authority: &str,
    ) -> Result<Self, Unavailable> {
        let unsupported = |why: String| Unavailable::Unsupported(why);
        let mails = Self::mails(acts, attachments)?;
        let (mut security, mut mechanism) = (Security::Plain, None);
        let (mut user, mut password) = (None, None);
        for act in acts {
            match act {
                Act::Set(settings) => {
                    for (key, value) in settings {
                        match key.as_str() {
                            "security" => {
                                security = value.parse().map_err(|error: NoSecurity| unsupported(error.to_string()))?;
                            }
                            "user" => user = Some(value.clone()),
                            "password" => password = Some(value.clone()),
                            "mechanism" => mechanism = Some(value.clone()),
                            _ => return Err(unsupported(format!("this client cannot be told {key}={value}"))),
                        }
                    }
                }
                Act::Send { .. } | Act::Quit => {}
                Act::Reject { .. } | Act::Shutdown => {
                    return Err(unsupported("a client has no application to tell this".into()));
                }
            }
        }
        let login = user.map(|user| (user, password.unwrap_or_default()));
        Ok(Self { address, security, login, mechanism, mails, authority: authority.into() })
    }

    /// Of that, what is to be sent.
    pub(crate) fn mails(acts: &[Act], attachments: &[(String, Vec<u8>)]) -> Result<Vec<JobMail>, Unavailable> {
        let mut mails = Vec::new();
        for act in acts {
            if let Act::Send { from, to, data, size, body } = act {
                let message = attachments.iter().find(|(name, _)| name == data);
                let (_, message) =
                    message.ok_or_else(|| Unavailable::Unreachable(format!("there is no message {data}")))?;
                let (from, to, message) = (from.clone(), to.clone(), message.clone());
                mails.push(JobMail { from, to, message, size: *size, body: body.clone() });
            }
        }
        Ok(mails)
    }

    /// A mail that nobody has a reason to refuse, in clear.
    pub(crate) fn plain(variables: &Variables, address: SocketAddr, authority: &str) -> Self {
        let mail = JobMail {
            from: variables.sender.clone(),
            to: variables.recipients.first().cloned().into_iter().collect(),
            message: b"Subject: Hello\r\n\r\nHello\r\n".to_vec(),
            size: None,
            body: None,
        };
        let (security, login, mechanism) = (Security::Plain, None, None);
        Self { address, security, login, mechanism, mails: vec![mail], authority: authority.into() }
    }

    /// The recipient, if all there is to do is one mail for one.
    pub(crate) fn only_recipient(&self) -> Option<&str> {
        match self.mails.as_slice() {
            [JobMail { to, .. }] if to.len() == 1 => Some(&to[0]),
            _ => None,
        }
    }
}

/// Does not show the password.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("address", &self.address)
            .field("security", &self.security)
            .field("user", &self.login.as_ref().map(|(user, _)| user))
            .field("mechanism", &self.mechanism)
            .field("mails", &self.mails)
            .finish_non_exhaustive()
    }
}

/// This is no security.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no security: expected plain, starttls, opportunistic or implicit")]
pub struct NoSecurity(String);

impl FromStr for Security {
    type Err = NoSecurity;

    fn from_str(text: &str) -> Result<Self, NoSecurity> {
        Ok(match text {
            "plain" => Self::Plain,
            "starttls" => Self::StartTls,
            "opportunistic" => Self::Opportunistic,
            "implicit" => Self::Implicit,
            _ => return Err(NoSecurity(text.into())),
        })
    }
}

impl Security {
    /// As it stands in a transcript: `plain`, `starttls`, `opportunistic`, `implicit`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::StartTls => "starttls",
            Self::Opportunistic => "opportunistic",
            Self::Implicit => "implicit",
        }
    }
}

impl fmt::Display for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
