//! Connecting as people do: by a URL, by the name of a provider, or to a server (RFC 6409, RFC 8314).
//!
//! [`Choices`] is what somebody said, [`Target`] what it comes to: where to connect, how TLS begins, who logs in and with
//! what kind of credentials. An adapter connects to it; nothing here does.
//!
//! ```
//! use smtp_proto::client::{Config, Security};
//! use smtp_proto::submission::{Choices, Login};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut choices = Choices::default();
//! choices.url = Some("smtps://alice:wonderland@mail.example".parse()?);
//! let target = choices.target()?;
//! assert_eq!((target.server().to_string(), target.port()), ("mail.example".into(), 465));
//! assert_eq!((target.security(), target.login()), (Security::Implicit, Login::Password));
//!
//! let mut config = Config::new("client.example")?;
//! target.apply(&mut config);
//! config.credentials = target.credentials(target.password().unwrap_or_default());
//! # Ok(())
//! # }
//! ```
//!
//! # Providers
//!
//! [`Provider`] knows where mail providers take submissions, from a table that is part of this crate and says where each
//! fact comes from.
//!
//! ```
//! use smtp_proto::submission::{Choices, Login, Provider};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! assert_eq!(Provider::of_domain("googlemail.com"), Provider::named("Gmail"));
//!
//! let mut choices = Choices::default();
//! choices.provider = Some("gmail".into());
//! choices.sender = Some("alice@gmail.com".into());
//! let target = choices.target()?;
//! assert_eq!((target.server().to_string(), target.port()), ("smtp.gmail.com".into(), 465));
//! assert_eq!((target.user(), target.login()), (Some("alice@gmail.com"), Login::Nobody));
//! let missing = target.missing().expect("nobody gave a password").to_string();
//! assert!(missing.contains("app password"), "{missing}");
//! # Ok(())
//! # }
//! ```

mod choices;
mod credential;
mod provider;
mod server;
mod table;
mod target;
mod url;

pub use choices::{Choices, TargetError};
pub use credential::CredentialKind;
pub use provider::{Endpoint, Provider, UserName};
pub use server::{ServerName, ServerNameError};
pub use target::{Login, Missing, Target};
pub use url::{Scheme, Url, UrlError};
