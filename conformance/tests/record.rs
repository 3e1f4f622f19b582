//! What is recorded of a live session can be played again.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use smtp_blocking::proto::client::{Config, Envelope};
use smtp_blocking::proto::reply::{Detail, Reply, ReplyCode};
use smtp_blocking::{Client, TestServer};
use smtp_conformance::play::{Options, play};
use smtp_conformance::record::{Recorder, Recording, proxy};
use smtp_conformance::target::CoreTarget;
use smtp_conformance::transcript::{Role, Side, Transcript};
use smtp_conformance::verdict::{Report, Verdict};

/// What is recorded while `client` talks to this server through the proxy.
fn record(role: Role, server: &TestServer, client: impl FnOnce(SocketAddr)) -> Recording {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let to = server.address().to_string();
    let recorder =
        thread::spawn(move || proxy(&listener, &to, Recorder::new(role, "session")).expect("the server is there"));
    client(address);
    recorder.join().expect("it does not panic")
}

fn replay(recording: &Recording, side: Side) -> Report {
    let mut transcript =
        Transcript::parse("session", &recording.text).unwrap_or_else(|error| panic!("{error}\n{}", recording.text));
    transcript.attachments.clone_from(&recording.files);
    play(&transcript, side, &CoreTarget::new(), &Options::default())
}

#[track_caller]
fn expect_pass(report: &Report, recording: &Recording) {
    assert_eq!(report.verdict, Verdict::Pass, "{report:#?}\n{}", recording.text);
}

const MESSAGE: &[u8] = b"Subject: dots\r\n\r\n.\r\n..\r\n\xff\r\n";

/// A mail to two, one of whom is not there.
fn send(address: SocketAddr) {
    let mut client = Client::connect(address, Config::new("client.example").expect("a name")).expect("a server");
    let envelope = Envelope::new("alice@client.example").and_then(|envelope| envelope.to("bob@mx.example"));
    let envelope = envelope.and_then(|envelope| envelope.to("nobody@mx.example")).expect("addresses");
    let outcome = client.send(envelope, MESSAGE).expect("it is sent");
    assert_eq!(outcome.recipients().count(), 2);
    client.quit();
}

fn server() -> TestServer {
    let refusal = Reply::new(ReplyCode::MAILBOX_UNAVAILABLE, Detail::BAD_DESTINATION_MAILBOX, "no such user");
    TestServer::builder().refuse_recipient("nobody@mx.example", refusal).spawn()
}

#[test]
fn a_session_tests_another_server_of_its_kind() {
    let server = server();
    let recording = record(Role::Server, &server, send);
    assert_eq!(server.wait_for(1, Duration::from_secs(10)).len(), 1);
    assert_eq!(recording.files, [("session-1.eml".into(), MESSAGE.to_vec())]);
    expect_pass(&replay(&recording, Side::Server), &recording);
    // It is no transcript that passes whatever happens.
    let spoiled = Recording { text: recording.text.replace("S: 550", "S: 250"), ..recording };
    assert_eq!(replay(&spoiled, Side::Server).verdict, Verdict::Error);
}

#[test]
fn a_session_tests_another_client_of_its_kind() {
    let recording = record(Role::Client, &server(), send);
    expect_pass(&replay(&recording, Side::Client), &recording);
    let spoiled = Recording { text: recording.text.replace("C: DATA", "C: RSET"), ..recording };
    assert_eq!(replay(&spoiled, Side::Client).verdict, Verdict::Error);
}

/// Octets that are no lines, and a server that goes.
#[test]
fn noise_is_recorded_as_it_is() {
    let recording = record(Role::Server, &server(), |address| {
        let mut socket = TcpStream::connect(address).expect("the proxy");
        let mut heard = vec![0; 1024];
        let length = socket.read(&mut heard).expect("a greeting");
        assert!(heard[..length].starts_with(b"220 "));
        socket.write_all(b"\x00\xff$rcpt\r\n").expect("it is open");
        let length = socket.read(&mut heard).expect("a reply");
        assert!(heard[..length].starts_with(b"500 "));
        // Who begins with this is no client, and the server goes.
        assert_eq!(socket.read(&mut heard).expect("the end"), 0);
    });
    assert!(recording.text.contains("\nC| \\0\\xFF$$rcpt\\r\\n\nS: 500 "), "{}", recording.text);
    assert!(recording.text.ends_with("\nS=eof\n"), "{}", recording.text);
    expect_pass(&replay(&recording, Side::Server), &recording);
}
