//! What the configurations of both roles have in common.

use core::num::{NonZeroU32, NonZeroUsize};
use core::time::Duration;

use thiserror::Error;

/// Why a configuration cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The host name is neither a domain nor an address literal (RFC 5321 §4.1.2).
    #[error("the host name is neither a domain nor an address literal")]
    Hostname,
    /// A limit leaves no room for one line of 512 octets (RFC 5321 §4.5.3.1).
    #[error("the limit `{0}` is below 512 octets")]
    BelowFloor(&'static str),
    /// The limit of a line is above 32 768 octets.
    #[error("the limit `{0}` is above 32768 octets")]
    LineTooLong(&'static str),
    /// AUTH is required, and there is no mechanism, or there is never TLS to use one over.
    #[error("AUTH is required, and no mechanism can be used")]
    NoMechanism,
    /// The name of a mechanism is not 1 to 20 of `A-Z 0-9 - _` (RFC 4422 §3.1).
    #[error("the name of a mechanism is not 1 to 20 upper-case letters, digits, hyphens and underscores")]
    MechanismName,
    /// Two mechanisms have the same name.
    #[error("two mechanisms have the same name")]
    DuplicateMechanism,
    /// The names of the mechanisms do not fit on one line of the answer to EHLO.
    #[error("the names of the mechanisms are longer than a line of the answer to EHLO")]
    TooManyMechanisms,
    /// A time is zero.
    #[error("the time `{0}` is zero")]
    ZeroTime(&'static str),
    /// TLS is asked for, and the adapter was not told how it is made.
    #[error("the configuration asks for TLS, and nothing says how it is made")]
    TlsNotSetUp,
}

/// What an adapter says to whoever hands the configuration in: `InvalidInput`.
#[cfg(feature = "std")]
impl From<ConfigError> for std::io::Error {
    fn from(error: ConfigError) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, error)
    }
}

/// Checks that each of these limits, by name, leaves room for a line.
pub(crate) fn check_octets(limits: &[(&'static str, NonZeroUsize)]) -> Result<(), ConfigError> {
    match limits.iter().find(|(_, octets)| octets.get() < 512) {
        Some((name, _)) => Err(ConfigError::BelowFloor(name)),
        None => Ok(()),
    }
}

/// Checks that the limit of a line is one that a position in a line can be counted under.
pub(crate) fn check_line(name: &'static str, octets: NonZeroUsize) -> Result<(), ConfigError> {
    if octets.get() > 32_768 { Err(ConfigError::LineTooLong(name)) } else { Ok(()) }
}

/// Checks that none of these times, by name, is zero.
pub(crate) fn check_times(times: &[(&'static str, Duration)]) -> Result<(), ConfigError> {
    match times.iter().find(|(_, time)| time.is_zero()) {
        Some((name, _)) => Err(ConfigError::ZeroTime(name)),
        None => Ok(()),
    }
}

pub(crate) const fn octets(value: usize) -> NonZeroUsize {
    NonZeroUsize::new(value).expect("not zero")
}

pub(crate) const fn count(value: u32) -> NonZeroU32 {
    NonZeroU32::new(value).expect("not zero")
}
