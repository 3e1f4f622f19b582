//! What mechanisms of one message have in common.

use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, mem};

use super::{ClientExchange, ExchangeError};

/// The client's end of a mechanism in which it says one thing, and nothing but `farewell` after it.
pub(super) struct OneMessage {
    message: Result<String, ExchangeError>,
    is_sent: bool,
    farewell: Option<&'static str>,
}

impl OneMessage {
    /// `farewell` is the empty-handed answer to one more challenge, by which the server of some mechanisms explains
    /// that it refuses.
    pub(super) fn new(message: Result<String, ExchangeError>, farewell: Option<&'static str>) -> Self {
        Self { message, is_sent: false, farewell }
    }
}

impl ClientExchange for OneMessage {
    fn respond(&mut self, challenge: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), ExchangeError> {
        if self.is_sent {
            let farewell = challenge.and_then(|_| self.farewell.take()).ok_or(ExchangeError::Challenge)?;
            out.extend_from_slice(farewell.as_bytes());
            return Ok(());
        }
        if !challenge.is_none_or(<[u8]>::is_empty) {
            return Err(ExchangeError::Challenge);
        }
        out.extend_from_slice(mem::replace(&mut self.message, Ok(String::new()))?.as_bytes());
        self.is_sent = true;
        Ok(())
    }
}

impl fmt::Debug for OneMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneMessage").field("is_sent", &self.is_sent).finish_non_exhaustive()
    }
}

/// The text that octets are in UTF-8, if it holds no control characters.
pub(super) fn text(octets: &[u8]) -> Option<&str> {
    core::str::from_utf8(octets).ok().filter(|text| is_clean(text))
}

/// Whether a text holds no control characters.
pub(super) fn is_clean(text: &str) -> bool {
    !text.contains(char::is_control)
}

/// A text to be sent.
///
/// # Errors
///
/// It holds control characters.
pub(super) fn clean(text: &str) -> Result<&str, ExchangeError> {
    if is_clean(text) { Ok(text) } else { Err(ExchangeError::Characters) }
}

/// A text to be sent that may not be empty.
///
/// # Errors
///
/// It is empty, or holds control characters.
pub(super) fn filled(text: &str) -> Result<&str, ExchangeError> {
    if text.is_empty() { Err(ExchangeError::Characters) } else { clean(text) }
}
