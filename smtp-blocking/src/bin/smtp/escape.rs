//! Octets as text in one line: the escapes `\r`, `\n`, `\t`, `\0`, `\\` and `\xHH` of C.

use core::fmt::Write as _;

/// The octets that `text` stands for.
///
/// # Errors
///
/// Says in a sentence which escape there is not.
pub(crate) fn unescape(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'\\' {
            octets.push(*first);
            continue;
        }
        let [letter, behind @ ..] = rest else { return Err("the line ends inside an escape".into()) };
        rest = behind;
        octets.push(match letter {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'0' => 0,
            b'\\' => b'\\',
            b'x' => {
                let (digits, behind) = rest.split_at_checked(2).unwrap_or((rest, b""));
                rest = behind;
                hexadecimal(digits).ok_or("behind \\x stand two hexadecimal digits")?
            }
            other => return Err(format!("there is no escape \\{}", other.escape_ascii())),
        });
    }
    Ok(octets)
}

/// `octets` in printable ASCII, so that [`unescape`] gives them back.
pub(crate) fn escape(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    for &octet in octets {
        match octet {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            0 => text.push_str("\\0"),
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(octet)),
            _ => write!(text, "\\x{octet:02x}").expect("a String takes all"),
        }
    }
    text
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits else { return None };
    let value = |digit: &u8| char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some(value(high)? * 16 + value(low)?)
}

#[cfg(test)]
mod tests {
    use super::{escape, unescape};

    #[test]
    fn each_escape_stands_for_its_octet() {
        assert_eq!(unescape(br"a\r\n\t\0\\\x41\xfFz").expect("escapes"), b"a\r\n\t\0\\A\xffz");
        assert_eq!(unescape("ü".as_bytes()).expect("no escape"), "ü".as_bytes());
    }

    #[test]
    fn other_escapes_are_errors() {
        for text in [r"\", r"a\q", r"\x", r"\x4", r"\xg0", r"\x+1", r"\R"] {
            assert!(unescape(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_escaped_comes_back() {
        let octets: Vec<u8> = (0..=255).collect();
        let text = escape(&octets);
        assert!(text.bytes().all(|octet| (b' '..=b'~').contains(&octet)));
        assert_eq!(unescape(text.as_bytes()), Ok(octets));
    }
}
