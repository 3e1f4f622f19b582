//! What a command and a transaction cost, next to a minimal hand-written loop that does the same.
//!
//! `cargo bench -p smtp-proto --bench session`

#[path = "kit/mod.rs"]
mod kit;
#[path = "../tests/kit/mod.rs"]
mod test_kit;

use bytes::Bytes;
use kit::Table;
use memchr::{memchr, memmem};
use smtp_proto::command::{Command, ParseOptions};
use test_kit::steady::{cut, ready_client, ready_server, send, serve, settle_server};

const ENVELOPE: &[u8] = b"MAIL FROM:<a@client.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n";
const REPLIES: &[u8] = b"250 2.1.0 sender ok\r\n250 2.1.5 recipient ok\r\n354 start mail input\r\n";
const VERDICT: &[u8] = b"250 2.0.0 message accepted for delivery\r\n";

fn main() {
    commands();
    server();
    client();
}

/// 4 KiB of text.
fn body() -> Vec<u8> {
    let mut body = b"0123456789012345678901234567890123456789012345678901234567890123456789012\r\n".repeat(55);
    body.truncate(4094);
    body.extend_from_slice(b"\r\n");
    body
}

fn commands() {
    let options = ParseOptions::default();
    let mut table = Table::new("parse one command", 0);
    for line in ["NOOP", "MAIL FROM:<alice@client.example> SIZE=4096 BODY=8BITMIME", "RCPT TO:<bob@mx.example>", "DATA"]
    {
        table.row(line, move || Command::parse(core::hint::black_box(line.as_bytes()), &options).is_ok());
    }
    table.print();
    let mut table = Table::new("serve one command", 0);
    for line in [&b"NOOP\r\n"[..], b"VRFY bob\r\n", b"RSET\r\n"] {
        let mut config = test_kit::server_config();
        config.limits.junk_commands = u32::MAX.try_into().expect("not zero");
        let mut connection = test_kit::server(config);
        settle_server(&mut connection);
        let input = Bytes::from_static(line);
        table.row(line.escape_ascii().to_string(), move || {
            connection.handle_input(smtp_proto::Instant::EPOCH, input.clone()).expect("input is welcome");
            settle_server(&mut connection)
        });
    }
    table.print();
}

/// MAIL, RCPT, DATA, a body of 4 KiB, accepted; fed in four pieces.
fn server() {
    let data = [body(), b".\r\n".to_vec()].concat();
    let pieces: Vec<Bytes> =
        [ENVELOPE.to_vec()].into_iter().chain(data.chunks(1400).map(<[u8]>::to_vec)).map(Bytes::from).collect();
    assert_eq!(pieces.len(), 4);
    let mut table = Table::new("server: one transaction, 4 KiB", data.len());
    let by_hand = pieces.clone();
    let mut hand = HandServer::default();
    table.row("by hand", move || by_hand.iter().for_each(|piece| hand.take(piece)));
    let mut connection = ready_server();
    let groups = [pieces];
    table.row("server::Connection", move || serve(&mut connection, &groups));
    table.print();
}

/// The same from the other side.
fn client() {
    let body = Bytes::from(body());
    let mut table = Table::new("client: one transaction, 4 KiB", body.len());
    let text = body.clone();
    let mut hand = HandClient::default();
    table.row("by hand", move || hand.send(&text));
    let mut connection = ready_client();
    let mut envelope =
        smtp_proto::client::Envelope::new("a@client.example").and_then(|all| all.to("b@mx.example")).ok();
    let replies = [cut(&Bytes::from_static(REPLIES), usize::MAX), cut(&Bytes::from_static(VERDICT), usize::MAX)];
    table.row("client::Connection", move || {
        envelope = envelope.take().map(|envelope| send(&mut connection, envelope, &replies, &body));
    });
    table.print();
}

/// A server in few lines: no limits, no errors, no application, and it trusts its client.
#[derive(Default)]
struct HandServer {
    partial: Vec<u8>,
    body: Vec<u8>,
    in_data: bool,
    out: Vec<u8>,
}

impl HandServer {
    fn take(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            if self.in_data {
                self.body.extend_from_slice(piece);
                if self.body.ends_with(b"\r\n.\r\n") {
                    assert!(memmem::find(&self.body, b"\r\n.").is_some());
                    self.body.clear();
                    self.in_data = false;
                    self.out.extend_from_slice(VERDICT);
                }
                piece = &[];
            } else if let Some(end) = memchr(b'\n', piece) {
                let line = &piece[..end];
                self.out.extend_from_slice(match line.first_chunk() {
                    Some(b"MAIL") if line.ends_with(b">\r") => b"250 2.1.0 sender ok\r\n",
                    Some(b"RCPT") if line.ends_with(b">\r") => b"250 2.1.5 recipient ok\r\n",
                    Some(b"DATA") => {
                        self.in_data = true;
                        b"354 start mail input\r\n"
                    }
                    _ => b"500 5.5.1 what?\r\n",
                });
                piece = &piece[end + 1..];
            } else {
                self.partial.extend_from_slice(piece);
                piece = &[];
            }
        }
        core::hint::black_box(&self.out);
        self.out.clear();
    }
}

/// A client in few lines, that trusts its server.
#[derive(Default)]
struct HandClient {
    out: Vec<u8>,
}

impl HandClient {
    fn send(&mut self, body: &[u8]) {
        self.out.extend_from_slice(ENVELOPE);
        core::hint::black_box(&self.out);
        self.out.clear();
        let mut replies = core::hint::black_box(REPLIES);
        while let Some(end) = memchr(b'\n', replies) {
            assert!(matches!(replies[0], b'2' | b'3'));
            replies = &replies[end + 1..];
        }
        let mut from = 0;
        for dot in memmem::find_iter(body, b"\r\n.") {
            self.out.extend_from_slice(&body[from..dot + 3]);
            self.out.push(b'.');
            from = dot + 3;
        }
        self.out.extend_from_slice(&body[from..]);
        self.out.extend_from_slice(b".\r\n");
        core::hint::black_box(&self.out);
        self.out.clear();
        assert!(core::hint::black_box(VERDICT).starts_with(b"250"));
    }
}
