//! REL-01, REL-04, REL-05: the connection is cut at every octet, in either direction. Whatever the client says became of a
//! mail agrees with what the server has. With TLS and AUTH it is cut at some octets only (EOD-27, SASL-05).

mod kit;

use core::net::SocketAddr;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use kit::certificates::Authority;
use kit::{PATIENCE, client_config, envelope};
use smtp_blocking::proto::client::{Security, Summary};
use smtp_blocking::proto::sasl::Credentials;
use smtp_blocking::tls::{ClientTls, ServerTls};
use smtp_blocking::{Client, TestServer};

/// Which direction is cut, and after how many octets.
#[derive(Clone, Copy, Debug)]
enum Cut {
    ToServer(usize),
    ToClient(usize),
    /// Nothing is cut, and octets come one by one.
    Trickle,
}

/// Forwards one connection to the server until the cut, then closes both sides. Returns the octets that were forwarded
/// to the server and to the client.
fn proxy(server: SocketAddr, cut: Cut) -> (SocketAddr, JoinHandle<(usize, usize)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let thread = thread::spawn(move || {
        let client = listener.accept().expect("a client").0;
        let server = TcpStream::connect(server).expect("it listens");
        for stream in [&client, &server] {
            stream.set_nodelay(true).expect("no delay");
            stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
            stream.set_write_timeout(Some(PATIENCE)).expect("a time limit");
        }
        let (to_server, to_client) = match cut {
            Cut::ToServer(octets) => (octets, usize::MAX),
            Cut::ToClient(octets) => (usize::MAX, octets),
            Cut::Trickle => (usize::MAX, usize::MAX),
        };
        let piece = if matches!(cut, Cut::Trickle) { 1 } else { 4096 };
        thread::scope(|scope| {
            let back = scope.spawn(|| forward(&server, &client, to_client, piece));
            (forward(&client, &server, to_server, piece), back.join().expect("no panic"))
        })
    });
    (address, thread)
}

/// Forwards at most so many octets, in pieces of at most so many.
fn forward(mut from: &TcpStream, mut to: &TcpStream, most: usize, piece: usize) -> usize {
    let mut buffer = vec![0; piece];
    let mut done = 0;
    while done < most {
        let count = match from.read(&mut buffer[..piece.min(most - done)]) {
            Ok(0) | Err(_) => break,
            Ok(count) => count,
        };
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
        done += count;
    }
    if done >= most {
        // The cut: nothing more goes either way.
        let _ = from.shutdown(Shutdown::Both);
    }
    let _ = to.shutdown(if done >= most { Shutdown::Both } else { Shutdown::Write });
    done
}

/// What came of an exchange.
struct Exchange {
    to_server: usize,
    to_client: usize,
    summaries: Vec<Summary>,
}

/// Sends three mails, two of them at once, through a proxy; compares the outcomes with what the server got. `tls`: over
/// STARTTLS, by a user who logs in.
fn exchange(cut: Cut, tls: Option<&(ServerTls, ClientTls)>) -> Exchange {
    let mut server = TestServer::builder().configure(|config| config.greeting = "ready".into());
    if let Some((server_tls, _)) = tls {
        server = server.tls(server_tls.clone()).user("alice", "secret");
    }
    let mut server = server.spawn();
    let (address, proxy) = proxy(server.address(), cut);
    let bodies = ["one\r\n", ".\r\n", "three\r\n"];
    let mut config = client_config();
    let connected = match tls {
        Some((_, client_tls)) => {
            config.security = Security::Required;
            config.credentials = Some(Credentials::password("alice", "secret"));
            Client::connect_tls(address, "mx.example", config, client_tls)
        }
        None => Client::connect(address, config),
    };
    let mut client = connected.expect("it listens");
    let mut mails = bodies.map(|body| (envelope(&["b@mx.example"]), body.as_bytes())).into_iter();
    let outcomes = client.send_all(mails.by_ref().take(2));
    let mut summaries: Vec<_> = outcomes.map(|outcome| outcome.expect("tried").summary()).collect();
    if client.closed().is_none() {
        let (envelope, body) = mails.next().expect("the third");
        summaries.push(client.send(envelope, body).expect("tried").summary());
    }
    drop(client);
    let (to_server, to_client) = proxy.join().expect("no panic");

    // Nothing may happen any more while the messages are counted.
    server.shutdown();
    for (body, summary) in bodies.iter().zip(&summaries) {
        let stored = server.messages().iter().filter(|message| message.body == body.as_bytes()).count();
        let agrees = match summary {
            Summary::Accepted => stored == 1,
            Summary::Refused => stored == 0,
            _ => stored <= 1,
        };
        assert!(agrees, "{cut:?}: {summary:?}, and the server has it {stored} times");
    }
    Exchange { to_server, to_client, summaries }
}

/// Cuts behind every so many octets.
fn cut_everywhere(step: usize, tls: Option<&(ServerTls, ClientTls)>) {
    let whole = exchange(Cut::Trickle, tls);
    assert_eq!(whole.summaries, [Summary::Accepted; 3]);
    let to_server = (0..whole.to_server).step_by(step).map(Cut::ToServer);
    let cuts = to_server.chain((0..whole.to_client).step_by(step).map(Cut::ToClient));
    let summaries: Vec<_> = cuts.flat_map(|cut| exchange(cut, tls).summaries).collect();
    let count = |wanted| summaries.iter().filter(|summary| **summary == wanted).count();
    let (accepted, refused, unknown) = (count(Summary::Accepted), count(Summary::Refused), count(Summary::Unknown));
    println!(
        "cut after every {step} of {} octets to the server and {} to the client: {accepted} accepted, {refused} refused, {unknown} unknown",
        whole.to_server, whole.to_client
    );
    assert_eq!(accepted + refused + unknown, summaries.len());
    assert!(accepted > 0 && refused > 0 && unknown > 0);
}

#[test]
fn cut_at_every_octet() {
    cut_everywhere(1, None);
}

#[test]
fn cut_inside_tls() {
    let authority = Authority::new();
    let tls = (authority.issue(&["mx.example"]).server_tls(), authority.client_tls());
    cut_everywhere(7, Some(&tls));
}
