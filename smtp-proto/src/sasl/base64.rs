//! The base64 of AUTH: `base64 = *(4base64-CHAR) [base64-terminal]` (RFC 4954 §8, RFC 4648 §4), with nothing let pass.

use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

/// Appends the base64 of `octets` to `out`; of none, nothing.
pub(crate) fn encode(octets: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let length = octets.len().div_ceil(3) * 4;
    out.resize(start + length, 0);
    STANDARD.encode_slice(octets, &mut out[start..]).expect("the slice has exactly the length of the encoding");
}

/// Appends the octets that `text` stands for to `out`. An empty text stands for none.
///
/// # Errors
///
/// It holds another character than those of the alphabet, such as white space, has a pad character anywhere but at the
/// end, too few or too many of them, or bits behind its last octet. `out` is as it was.
pub(crate) fn decode(text: &[u8], out: &mut Vec<u8>) -> Result<(), NotBase64> {
    let start = out.len();
    STANDARD.decode_vec(text, out).map_err(|_| {
        out.truncate(start);
        NotBase64
    })
}

/// A text is not base64 in its canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not base64")]
pub(crate) struct NotBase64;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::{NotBase64, decode, encode};

    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    fn decoded(text: &[u8]) -> Result<Vec<u8>, NotBase64> {
        let mut out = b"before".to_vec();
        let result = decode(text, &mut out);
        assert!(out.starts_with(b"before"));
        let octets = out.split_off(6);
        match result {
            Ok(()) => Ok(octets),
            Err(error) => {
                assert!(octets.is_empty(), "nothing is left behind");
                Err(error)
            }
        }
    }

    /// RFC 4648 §10.
    #[test]
    fn the_vectors_of_the_rfc() {
        let vectors: [(&[u8], &[u8]); 7] = [
            (b"", b""),
            (b"f", b"Zg=="),
            (b"fo", b"Zm8="),
            (b"foo", b"Zm9v"),
            (b"foob", b"Zm9vYg=="),
            (b"fooba", b"Zm9vYmE="),
            (b"foobar", b"Zm9vYmFy"),
        ];
        for (octets, text) in vectors {
            let mut out = b"334 ".to_vec();
            encode(octets, &mut out);
            assert_eq!(out.strip_prefix(b"334 "), Some(text));
            assert_eq!(decoded(text).as_deref(), Ok(octets));
        }
    }

    /// X-4954-4-18, X-4954-4-19, SASL-02: white space, the URL alphabet, pads in the wrong place, stray bits.
    #[test]
    fn nothing_else_passes() {
        for text in [
            &b"=AAA"[..],
            b"AAA=BBB",
            b"AAA=BBBB",
            b"AA=A",
            b"A===",
            b"====",
            b"=",
            b"A",
            b"AA",
            b"AAA",
            b"AA=",
            b"AAAA=",
            b"AAAA==",
            b"AAAA====",
            b"AAA==",
            b" AAAA",
            b"AAAA ",
            b"AA AA",
            b"AAAA\r\n",
            b"AA\tAA",
            b"AA-A",
            b"AA_A",
            b"AAA\0",
            b"AAA\x80",
            b"*",
            b"Zh==",
            b"Zm9=",
        ] {
            assert_eq!(decoded(text), Err(NotBase64), "{text:?}");
        }
    }

    /// X-4954-8-04: every text of four characters from the alphabet, the pad and a stranger, against the grammar.
    #[test]
    fn all_groups_of_four() {
        let characters = b"AQgw/z=- ";
        let value = |c: u8| ALPHABET.iter().position(|a| *a == c).unwrap_or(64);
        let mut good = 0;
        for a in characters {
            for b in characters {
                for c in characters {
                    for d in characters {
                        let text = [*a, *b, *c, *d];
                        let [va, vb, vc, vd] = text.map(value);
                        let expected = va < 64
                            && vb < 64
                            && match (c, d) {
                                (b'=', b'=') => vb % 16 == 0,
                                (_, b'=') => vc < 64 && vc % 4 == 0,
                                _ => vc < 64 && vd < 64,
                            };
                        assert_eq!(decoded(&text).is_ok(), expected, "{:?}", core::str::from_utf8(&text));
                        good += usize::from(expected);
                    }
                }
            }
        }
        assert!(good > 1000, "{good}");
    }

    proptest! {
        #[test]
        fn back_and_forth(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut text = Vec::new();
            encode(&octets, &mut text);
            prop_assert_eq!(decoded(&text), Ok(octets));
        }

        /// One octet sequence has one text.
        #[test]
        fn what_passes_is_canonical(text in "[A-D/+=]{0,12}") {
            if let Ok(octets) = decoded(text.as_bytes()) {
                let mut again = Vec::new();
                encode(&octets, &mut again);
                prop_assert_eq!(again, text.as_bytes());
            }
        }
    }
}
