//! What goes in comes out, octet by octet, whoever sends it to whom.

use smtp_adapter_suite::{Adapter, Desk, Mail, Parties, Recordings, Tls, mail, pairs, within};

/// Where messages are cut: by the buffers that clients read them into, that servers read them into, and by TLS records.
const EDGES: [usize; 5] = [1 << 10, 1 << 12, 1 << 13, 1 << 14, 1 << 16];

/// A mebibyte.
const LARGE: usize = 1 << 20;

/// Every client with every server, one mail after the other and in a row.
#[test]
fn messages_arrive_as_they_were() {
    for tls in [Tls::Never, Tls::Implicit] {
        for pair @ [client, server] in pairs() {
            let names = pair.map(Adapter::name);
            let (sent, came) = within(&format!("{tls:?}, {names:?}"), move || {
                let (parties, desk, messages) = (Parties::new(tls), Desk::default(), messages());
                let (address, service) = parties.serve(server, &desk, &Recordings::default());
                let mut client = parties.client(client, address, &Recordings::default());
                for mail in mails(&messages[..HAND_MADE.len()]) {
                    let _ = client.send(mail);
                }
                client.send_all(&mut mails(&messages), &mut drop);
                client.quit();
                service.end();
                (messages, desk.messages())
            });
            let sent = sent[..HAND_MADE.len()].iter().chain(&sent);
            assert_eq!(came.len(), sent.clone().count(), "{tls:?}, {names:?}");
            for (number, (came, sent)) in came.iter().zip(sent).enumerate() {
                // A line end belongs to the final dot, so whoever has none is given one (RFC 5321 §4.1.1.4).
                let end: &[u8] = if sent.is_empty() || sent.ends_with(b"\r\n") { b"" } else { b"\r\n" };
                // Too long to be printed.
                assert!(came.octets == [sent, end].concat(), "{tls:?}, {names:?}: message {number}");
            }
        }
    }
}

const HAND_MADE: [&[u8]; 9] = [
    b"",
    b"\r\n",
    b".\r\n",
    b".",
    b"..\r\n.\r\n...\r\n\r\n.\r\n.\r\n",
    b"Subject: no line end\r\n\r\nno line end",
    b"Subject: no command\r\n\r\nQUIT\r\nRSET\r\n",
    "Subject: 8-bit\r\n\r\n.grün\r\n.é\r\n".as_bytes(),
    b"\x80\xff\r\n.\xfe\r\n\x01\x7f\t\r\n",
];

/// The hand-made ones, those with a lone dot at an edge, and a large one.
fn messages() -> Vec<Vec<u8>> {
    let mut messages: Vec<Vec<u8>> = HAND_MADE.iter().map(|message| message.to_vec()).collect();
    for edge in EDGES {
        // Where the dot stands, from far enough before the edge that its line end is at it.
        for dot in edge - 4..=edge + 2 {
            let mut message = lines(dot);
            message.extend_from_slice(b".\r\n.\r\nbehind the edge\r\n");
            messages.push(message);
        }
    }
    messages.push(lines(LARGE));
    messages
}

/// So many octets in lines, of which some begin with dots.
fn lines(octets: usize) -> Vec<u8> {
    let text = b".line one\r\nline two, which is longer\r\n..\r\n";
    let mut lines = text.repeat(octets / text.len());
    // The line that makes it exact: it takes two octets for its end.
    let left = octets - lines.len();
    if left == 1 {
        lines.truncate(lines.len() - 4);
        lines.extend_from_slice(b"...\r\n");
    } else if left > 1 {
        lines.resize(octets - 2, b'x');
        lines.extend_from_slice(b"\r\n");
    }
    lines
}

fn mails(messages: &[Vec<u8>]) -> impl Iterator<Item = Mail> + Send + '_ {
    messages.iter().map(|message| mail("a@client.example", &["b@mx.example"], message.clone()))
}
