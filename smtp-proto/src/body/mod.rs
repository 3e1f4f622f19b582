//! Mail data on the wire: dot-stuffing and the end of data (RFC 5321 §4.5.2).
//!
//! [`BodyDecoder`] takes the octets that follow the reply 354 and hands out the content of the mail as slices of what
//! came in, up to the final dot. [`BodyEncoder`] does the reverse. Both keep their state over any split of the input,
//! copy nothing and allocate nothing.
//!
//! Only `<CRLF>.<CRLF>` ends mail data, and only `<CRLF>` ends a line (RFC 5321 §2.3.8, §4.1.1.4). The `<CRLF>` that
//! ends the DATA command counts as the first one, so that an empty mail is `.<CRLF>`. What else looks like a line end
//! is a [`Stray`]; [`LineEndings`] says what becomes of it. VT, FF, NEL and the line separators of Unicode are ordinary
//! octets.
//!
//! ```
//! use bytes::Bytes;
//! use smtp_proto::body::{BodyDecoder, Decoded, LineEndings};
//!
//! let mut decoder = BodyDecoder::new(LineEndings::Strict);
//! let mut chunk = Bytes::from_static(b"one\r\n..two\r\n.\r\nQUIT\r\n");
//! assert_eq!(decoder.next(&mut chunk), Decoded::Content(Bytes::from_static(b"one\r\n")));
//! assert_eq!(decoder.next(&mut chunk), Decoded::Content(Bytes::from_static(b".two\r\n")));
//! assert_eq!(decoder.next(&mut chunk), Decoded::End);
//! assert_eq!(&chunk[..], b"QUIT\r\n");
//! assert_eq!(decoder.octets(), 11);
//! ```

mod decode;
mod encode;
mod scan;
mod stray;

pub use decode::{BodyDecoder, Decoded};
pub use encode::{BodyEncoder, Encoded};
pub use stray::{Stray, StrayKind, check};

/// What becomes of a CR or LF that is not part of a CRLF, and of NUL.
///
/// Neither profile changes where mail data ends, and neither removes a dot that does not follow a CRLF.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LineEndings {
    /// A mail with such an octet is no mail: it is refused at its end when received, and never sent (RFC 5321 §2.3.8).
    #[default]
    Strict,
    /// Every lone CR and every lone LF becomes CRLF. NUL stays as it is. That it happened is told.
    Normalize,
}
