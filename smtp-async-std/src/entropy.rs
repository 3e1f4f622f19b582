//! Randomness of the operating system.

use std::io;

/// 32 octets that nobody can guess.
///
/// # Errors
///
/// When the operating system has none.
pub(crate) fn entropy() -> io::Result<[u8; 32]> {
    let mut octets = [0; 32];
    getrandom::fill(&mut octets)?;
    Ok(octets)
}
