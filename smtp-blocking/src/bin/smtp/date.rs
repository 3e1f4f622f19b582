//! The date and time, as a message writes them.

use jiff::ZonedDateTime;

/// Now, in the time zone of this machine (RFC 5322 §3.3), as in `Thu, 21 May 1998 05:33:29 -0700`.
pub(crate) fn now() -> String {
    jiff::fmt::rfc2822::to_string(&ZonedDateTime::now()).expect("the clock tells a year of four digits")
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_back() {
        let before = jiff::Timestamp::now().as_second();
        let read = jiff::fmt::rfc2822::parse(&super::now()).expect("a date").timestamp().as_second();
        assert!((before..=before + 60).contains(&read), "{before} {read}");
    }
}
