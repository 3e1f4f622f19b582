//! Trace header fields (RFC 5321 §4.4) and loop detection (§6.3).
//!
//! A server that takes a mail puts [`Received`] in front of its content, and on final delivery [`return_path`] in front
//! of that. [`ReceivedCounter`] finds mail that goes in circles. Fields that the mail already has are never touched.
//!
//! ```
//! use core::net::{IpAddr, Ipv4Addr};
//!
//! use smtp_proto::trace::{Protocol, Received, return_path};
//!
//! let mut fields = Vec::new();
//! return_path("smith@example.com", &mut fields);
//! Received::new("client.example.com", "mx.example.net", Protocol::Esmtp, "Thu, 21 May 1998 05:33:29 -0700")
//!     .with_peer(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)))
//!     .with_id("4Xyz")
//!     .with_recipient("jones@example.net")
//!     .encode(&mut fields);
//! let expected = "Return-Path: <smith@example.com>\r\n\
//!     Received: from client.example.com ([192.0.2.1])\r\n\
//!     \tby mx.example.net with ESMTP id 4Xyz\r\n\
//!     \tfor <jones@example.net>; Thu, 21 May 1998 05:33:29 -0700\r\n";
//! assert_eq!(fields, expected.as_bytes());
//! ```

mod counter;
mod protocol;
mod received;
mod word;

use alloc::vec::Vec;

pub use counter::ReceivedCounter;
pub use protocol::Protocol;
pub use received::Received;

/// Writes the `Return-Path` field of final delivery, with its CRLF (RFC 5321 §4.4).
///
/// `reverse_path` is that of MAIL, with or without angle brackets; the null reverse-path is `<>` or empty. A path that
/// was parsed is written as it is. In any other text each character that no path has becomes `?`, so that nothing but
/// this one field is written.
pub fn return_path(reverse_path: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"Return-Path: ");
    word::write_path(reverse_path, true, out);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(reverse_path: &str) -> alloc::string::String {
        let mut out = Vec::new();
        return_path(reverse_path, &mut out);
        alloc::string::String::from_utf8(out).expect("text goes in")
    }

    /// R-4.4-13, R-4.4-14, R-4.4-31
    #[test]
    fn return_path_keeps_the_reverse_path() {
        assert_eq!(field("a@example.com"), "Return-Path: <a@example.com>\r\n");
        assert_eq!(field("<@r.example:a@example.com>"), "Return-Path: <@r.example:a@example.com>\r\n");
        assert_eq!(field("\"a \\\" > (b\"@[IPv6:::1]"), "Return-Path: <\"a \\\" > (b\"@[IPv6:::1]>\r\n");
        assert_eq!(field("用户@例子.example"), "Return-Path: <用户@例子.example>\r\n");
    }

    /// R-4.4-31
    #[test]
    fn return_path_of_the_null_reverse_path() {
        assert_eq!(field(""), "Return-Path: <>\r\n");
        assert_eq!(field("<>"), "Return-Path: <>\r\n");
    }

    #[test]
    fn return_path_is_one_field_whatever_the_text() {
        assert_eq!(field("a>\r\nBcc: b@c"), "Return-Path: <a???Bcc:?b@c>\r\n");
        assert_eq!(field("\"a\r\n\0\u{7f}\u{85}"), "Return-Path: <\"a?????\">\r\n");
        assert_eq!(field("\"a\\"), "Return-Path: <\"a\\?\">\r\n");
    }
}
