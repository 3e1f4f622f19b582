//! The name that this machine gives itself.

use smtp_proto::address::{Charset, Host};

/// The host name of this machine if it can stand in EHLO and in the greeting, else `localhost`.
pub(crate) fn own() -> String {
    let name = gethostname::gethostname().into_string().unwrap_or_default();
    if Host::parse(&name, Charset::Ascii).is_ok() { name } else { "localhost".into() }
}
