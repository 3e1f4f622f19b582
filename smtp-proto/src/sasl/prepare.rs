//! SASLprep (RFC 4013).

use alloc::borrow::Cow;

/// A user name or password as SASLprep makes it. `None`: it is empty then, or holds what is not allowed.
///
/// User names are "query" strings, which may hold characters that Unicode 3.2 does not have, and passwords are "stored"
/// strings, which may not. They are refused in both: no stored name holds them, so there is none to be found.
pub(super) fn prepare(text: &str) -> Option<Cow<'_, str>> {
    stringprep::saslprep(text).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::prepare;

    /// RFC 4013 §3, X-4954-4-23, X-4954-4-24.
    #[test]
    fn the_examples_of_the_rfc() {
        for (input, output) in [
            ("I\u{ad}X", Some("IX")),
            ("user", Some("user")),
            ("USER", Some("USER")),
            ("\u{aa}", Some("a")),
            ("\u{2168}", Some("IX")),
            ("\u{7}", None),
            ("\u{627}1", None),
            ("", None),
            ("\u{ad}\u{2060}", None),
            // RFC 5802 §3 proposes these two, whose forms C and KC differ.
            ("\u{bd}", Some("1\u{2044}2")),
            ("x\u{b4}", Some("x \u{301}")),
        ] {
            assert_eq!(prepare(input).as_deref(), output, "{input:?}");
        }
    }
}
