//! Lines in a stream of octets.

/// The line end of SMTP.
pub(super) const CRLF: &[u8] = b"\r\n";

/// Where the first LF ends, looked for from `from` on.
pub(super) fn line_end(octets: &[u8], from: usize) -> Option<usize> {
    octets[from..].iter().position(|&octet| octet == b'\n').map(|at| from + at + 1)
}

/// Where the first CRLF ends, looked for from `from` on.
pub(super) fn crlf_end(octets: &[u8], from: usize) -> Option<usize> {
    octets[from..].windows(CRLF.len()).position(|pair| pair == CRLF).map(|at| from + at + CRLF.len())
}

/// A line without its CRLF. Of another line end it keeps all.
pub(super) fn text_of(line: &[u8]) -> &[u8] {
    line.strip_suffix(CRLF).unwrap_or(line)
}

/// The first word of a command line, in capitals.
pub(super) fn verb(line: &[u8]) -> Vec<u8> {
    let line = line.trim_ascii_end();
    line.split(|&octet| octet == b' ').next().unwrap_or_default().to_ascii_uppercase()
}
