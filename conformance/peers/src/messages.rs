//! The messages that every program is given. All are text in CRLF lines, begin with `Subject:` and end with a CRLF, so
//! that a program which only speaks of lines has nothing to guess.

/// A message, as the octets between the end of the reply to DATA and the final dot, before dot-stuffing.
#[must_use]
pub fn empty_body() -> Vec<u8> {
    [header("an empty body"), b"\r\n".into()].concat()
}

/// Every shape of line that dot-stuffing touches or nearly touches (RFC 5321 §4.5.2), the last one a lone dot.
#[must_use]
pub fn dots() -> Vec<u8> {
    let body = b".\r\n..\r\n...\r\n.a\r\n..a\r\na.\r\n .\r\n. \r\n\r\n.\r\n\r\n\r\n..\r\n.\r\n";
    [header("dots"), b"\r\n".into(), body.into()].concat()
}

/// UTF-8, every octet from 128 to 255, and the ASCII controls that some programs take for line ends though they are
/// none.
#[must_use]
pub fn eight_bit() -> Vec<u8> {
    let mut message = header("8-bit text");
    message.extend(b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n");
    message.extend(b"Content-Transfer-Encoding: 8bit\r\n\r\n");
    message.extend("Grüße aus Łódź, 東京から ✓\r\n.ünwanted\r\nline\u{2028}separator, next\u{85}line\r\n".as_bytes());
    message.extend(b"vertical\x0btab, form\x0cfeed\r\n");
    message.extend(128..=255u8);
    message.extend(b"\r\n");
    message
}

/// Text that means something to some program, and nothing in a message: commands, and how mbox files begin a message.
#[must_use]
pub fn look_alikes() -> Vec<u8> {
    let body = b"From nobody Thu May 21 05:33:29 1998\r\n>From here\r\nQUIT\r\nRSET\r\nDATA\r\nBDAT 3 LAST\r\n\
        MAIL FROM:<eve@sender.example>\r\nSubject: not the subject\r\n=2E\r\n=\r\n\t\r\n";
    [header("look-alikes"), b"\r\n".into(), body.into()].concat()
}

/// Lines as long as a line may be, 1000 octets with the CRLF, not counting a dot that is doubled (RFC 5321 §4.5.3.1.6).
#[must_use]
pub fn long_lines() -> Vec<u8> {
    let mut message = header("long lines");
    message.extend(b"\r\n");
    for first in [b'x', b'.', b'x', b'.'] {
        message.push(first);
        message.extend((1..998_u32).map(|at| b'0' + (at % 75) as u8));
        message.extend(b"\r\n");
    }
    message
}

/// 25 MB in lines of 0 to 120 characters, of which one in eight starts with a dot: [`LARGE`] octets.
#[must_use]
pub fn large() -> Vec<u8> {
    let mut message = header("a large message");
    message.extend(b"\r\n");
    let mut random = 1u32;
    while message.len() < LARGE - 200 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let length = (random >> 16) as usize % 121;
        if random >> 29 == 0 {
            message.push(b'.');
        }
        message.extend((0..length).map(|at| b'0' + ((random >> 8) as usize + at) as u8 % 75));
        message.extend(b"\r\n");
    }
    message.resize(LARGE - 2, b'.');
    message.extend(b"\r\n");
    message
}

/// Just under the limit that servers announce by default, 25 MiB.
pub const LARGE: usize = 26_214_000;

fn header(subject: &str) -> Vec<u8> {
    format!(
        "Subject: {subject}\r\nFrom: Ada <ada@sender.example>\r\nTo: all@example.org\r\n\
         Date: Thu, 21 May 1998 05:33:29 -0700\r\nMessage-ID: <1@sender.example>\r\n"
    )
    .into_bytes()
}
