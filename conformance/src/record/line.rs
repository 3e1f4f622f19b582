//! Lines, as they come and as they are written down.

/// Takes a line with its end.
pub(super) fn take_line(octets: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = octets.iter().position(|&octet| octet == b'\n')? + 1;
    let rest = octets.split_off(end);
    Some(core::mem::replace(octets, rest))
}

/// A line that ends with CRLF and can be read, without its end.
pub(super) fn text(line: &[u8]) -> Option<&str> {
    let text = core::str::from_utf8(line.strip_suffix(b"\r\n")?).ok()?;
    let can_be_read = !text.contains(char::is_control) && !text.ends_with(' ') && !text.starts_with(' ');
    can_be_read.then_some(text)
}

/// A dollar sign in a transcript is two.
pub(super) fn escape_dollars(octets: &[u8]) -> Vec<u8> {
    let dollars = |octet: &u8| if *octet == b'$' { &b"$$"[..] } else { core::slice::from_ref(octet) }.to_vec();
    octets.iter().flat_map(dollars).collect()
}
