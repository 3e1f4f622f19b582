//! Mails in a recorded session.

/// A mail of a client, as far as it has said it.
#[derive(Clone, Debug, Default)]
pub(super) struct Mail {
    /// Where in the body its MAIL stands.
    pub(super) at: usize,
    /// The reverse-path, without brackets.
    pub(super) from: String,
    /// The forward-paths, without brackets.
    pub(super) to: Vec<String>,
    /// Its parameters SIZE and BODY.
    pub(super) size: Option<u64>,
    pub(super) body: Option<String>,
}

impl Mail {
    /// From a MAIL command, unless it is not as RFC 5321 has it.
    pub(super) fn new(at: usize, line: &str) -> Option<Self> {
        let (from, parameters) = path(line)?;
        let mut mail = Self { at, from, ..Self::default() };
        for parameter in parameters.split_ascii_whitespace() {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match key.to_ascii_uppercase().as_str() {
                "SIZE" => mail.size = value.parse().ok(),
                "BODY" => mail.body = Some(value.to_ascii_uppercase()),
                _ => {}
            }
        }
        Some(mail)
    }

    /// Adds the recipient of a RCPT command.
    pub(super) fn add(&mut self, line: &str) {
        self.to.extend(path(line).map(|(path, _)| path));
    }
}

/// The path of MAIL or RCPT, and what stands behind it.
fn path(line: &str) -> Option<(String, &str)> {
    let (_, behind) = line.split_once('<')?;
    let (mut quoted, mut escaped) = (false, false);
    let end = behind.find(|letter| {
        let is_end = letter == '>' && !quoted;
        quoted ^= letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        is_end
    })?;
    Some((behind[..end].to_owned(), &behind[end + 1..]))
}

/// The message in mail data, if stuffing it anew gives the same octets. `data`: without the final dot.
pub(super) fn message(data: &[u8]) -> Option<Vec<u8>> {
    let mut message = Vec::with_capacity(data.len());
    for line in lines(data) {
        message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    let mut stuffed = Vec::with_capacity(data.len());
    for line in lines(&message) {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    (stuffed == data).then_some(message)
}

/// Lines with their CRLF.
pub(super) fn lines(mut octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    core::iter::from_fn(move || {
        if octets.is_empty() {
            return None;
        }
        let end = octets.windows(2).position(|pair| pair == b"\r\n").map_or(octets.len(), |at| at + 2);
        let (line, rest) = octets.split_at(end);
        octets = rest;
        Some(line)
    })
}

/// How many octets of mail data there are up to CRLF dot CRLF, without the dot; `None`: its end has not come.
pub(super) fn length(octets: &[u8]) -> Option<usize> {
    if octets.starts_with(b".\r\n") {
        return Some(0);
    }
    octets.windows(5).position(|octets| octets == b"\r\n.\r\n").map(|at| at + 2)
}

#[cfg(test)]
mod tests {
    use super::{Mail, length, message};

    #[test]
    fn paths() {
        let mut mail = Mail::new(3, "MAIL FROM:<\"a>\\\"b\"@c.example> size=12 BODY=8bitmime AUTH=<>").expect("a mail");
        assert_eq!(mail.from, "\"a>\\\"b\"@c.example");
        assert_eq!((mail.at, mail.size, mail.body.as_deref()), (3, Some(12), Some("8BITMIME")));
        mail.add("RCPT TO:<d@e>");
        mail.add("RCPT TO:d@e");
        assert_eq!(mail.to, ["d@e"]);
        assert!(Mail::new(0, "MAIL FROM:a@b").is_none());
    }

    #[test]
    fn messages() {
        assert_eq!(message(b"a\r\n..b\r\n\xff\r\n"), Some(b"a\r\n.b\r\n\xff\r\n".to_vec()));
        assert_eq!(message(b""), Some(vec![]));
        // A dot that nobody stuffed, which a stuffer would double.
        assert_eq!(message(b"a\r\n.b\r\n"), None);
    }

    #[test]
    fn ends() {
        assert_eq!(length(b".\r\nQUIT"), Some(0));
        assert_eq!(length(b"a\r\n.\r\n"), Some(3));
        assert_eq!(length(b"a\n.\r\n"), None);
        assert_eq!(length(b"a\r\n.\n"), None);
    }
}
