//! Peers that write and do not read, over sockets that hold next to nothing.

mod kit;

use core::net::{Ipv4Addr, SocketAddr};
use core::num::{NonZeroU32, NonZeroUsize};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use kit::certificates::{Authority, TLS13};
use kit::{PATIENCE, Peer, Running, server_config};
use smtp_blocking::proto::server::{Config, Mail, Rcpt, TlsPolicy};
use smtp_blocking::{Accept, Answer, BodyReader, Envelope, Server, Session};
use socket2::{Domain, Socket, Type};

const RECIPIENTS: usize = 10_000;

struct Anything;

impl Session for Anything {
    fn mail(&mut self, _: &Mail) -> Answer {
        Ok(Accept::Usual)
    }

    fn rcpt(&mut self, _: &Rcpt) -> Answer {
        Ok(Accept::Usual)
    }

    fn data(&mut self, _: &Envelope, _: &mut BodyReader<'_>) -> Answer {
        Ok(Accept::Usual)
    }
}

/// A socket that holds as little as the operating system lets it: a few KiB.
fn tiny() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_send_buffer_size(4096).expect("a small buffer");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    socket
}

/// A listener whose connections are tiny.
fn listener() -> TcpListener {
    let socket = tiny();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a free port");
    socket.listen(16).expect("a listener");
    socket.into()
}

fn connect(address: SocketAddr) -> Peer {
    let socket = tiny();
    socket.connect_timeout(&address.into(), PATIENCE).expect("somebody listens");
    Peer::new(TcpStream::from(socket))
}

/// A server that answers so many recipients in one group, and holds the answers.
fn config() -> Config {
    let mut config = server_config();
    config.limits.recipients = NonZeroU32::MAX;
    config.limits.pending_output = NonZeroUsize::new(1 << 20).expect("not 0");
    config
}

/// Says everything before it reads anything. Whoever waits for it to read waits for ever.
fn write_first(mut peer: Peer<impl Read + Write>) {
    assert!(peer.ask("EHLO client.example").starts_with("250-"));
    let mut group = String::from("MAIL FROM:<a@client.example>\r\n");
    for recipient in 0..RECIPIENTS {
        group += &format!("RCPT TO:<{recipient}@mx.example>\r\n");
    }
    peer.say(group + "QUIT\r\n");
    let replies = peer.rest();
    assert_eq!(replies.lines().filter(|line| line.starts_with("250 ")).count(), 1 + RECIPIENTS);
    assert!(replies.lines().last().is_some_and(|line| line.starts_with("221 ")));
}

/// RFC 2920 §3.1: a client that never reads while it writes is read from while its replies do not leave, so that neither
/// side waits for the other.
#[test]
fn ten_thousand_recipients_in_one_group() {
    let server = Running::new(Server::from_listener(listener(), config()).expect("a listener"), |_| Anything);
    let mut peer = connect(server.address);
    assert!(peer.reply().starts_with("220 "));
    write_first(peer);
}

/// The same under TLS, where what has not left is held as a record.
#[test]
fn ten_thousand_recipients_under_tls() {
    let authority = Authority::new();
    let mut config = config();
    config.tls = TlsPolicy::Implicit;
    let server = Server::from_listener(listener(), config).expect("a listener");
    let server = Running::new(server.with_tls(authority.issue(&["mx.example"]).server_tls()), |_| Anything);
    let mut peer = connect(server.address).into_tls_client(&authority.client_config(TLS13));
    assert!(peer.reply().starts_with("220 "));
    write_first(peer);
}
