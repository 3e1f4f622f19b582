//! Files that an HTML text shows: `CID=FILE`.

use core::str::FromStr;
use std::path::PathBuf;

/// A file and the Content-ID that `cid:` URLs of the HTML text name it by (RFC 2392).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inline {
    pub(crate) cid: String,
    pub(crate) path: PathBuf,
}

impl FromStr for Inline {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (cid, path) = text.split_once('=').ok_or("between the CID and the file stands =")?;
        if cid.is_empty() || cid.len() > MAX_CID || !cid.bytes().all(may_stand_in_cid) {
            return Err("a CID is 1 to 200 letters, digits and any of . @ ! # $ % & ' * + - / ? ^ _ ` { | } ~");
        }
        if path.is_empty() {
            return Err("behind the = stands the name of a file");
        }
        Ok(Self { cid: cid.into(), path: path.into() })
    }
}

/// Octets of a CID, which stands on one line because it cannot be folded.
const MAX_CID: usize = 200;

/// The characters of a msg-id (RFC 5322 §3.6.4) other than those of domain literals, and other than `=`. That there is
/// an `@` in the middle is not asked: mail programs do not ask either, and people write `cid:logo`.
fn may_stand_in_cid(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b".@!#$%&'*+-/?^_`{|}~".contains(&octet)
}

#[cfg(test)]
mod tests {
    use super::Inline;

    #[test]
    fn cid_and_file() {
        let longest = "x".repeat(200);
        for (cid, path) in [("logo", "a.png"), ("logo@example.org", "a=b <c>.png"), (longest.as_str(), "/a b")] {
            let expected = Inline { cid: cid.into(), path: path.into() };
            assert_eq!(format!("{cid}={path}").parse(), Ok(expected), "{cid}");
        }
        let too_long = format!("{longest}x=a.png");
        let wrong = [
            "", "logo", "=a.png", "logo=", "a b=c", "a<b=c", "a>b=c", "a\rb=c", "a\nb=c", "a\0=c", "cid:a=c", "ä=c",
            "(a)=c", "\"a\"=c", "a\\b=c", &too_long,
        ];
        for text in wrong {
            assert!(text.parse::<Inline>().is_err(), "{}", text.escape_debug());
        }
    }
}
