//! What connections cost that do nothing. Alone in its program, because it measures the whole process.
#![cfg(target_os = "linux")]

mod kit;

use core::net::SocketAddr;
use core::num::NonZeroUsize;
use core::time::Duration;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use kit::{Keeper, PATIENCE, Running, bind, server_config};
use smtp_async_std::smol::Smol;

const CONNECTIONS: usize = 5000;

/// 5,000 connections are held at one time, each of them past EHLO, and one that does nothing owns no buffer for reading or
/// writing: the process grows by less than the least of these two for each.
#[test]
fn idle_connections_own_no_buffer() {
    let mut config = server_config();
    config.timeouts.buffers = Duration::from_millis(50);
    let cap = NonZeroUsize::new(2 * CONNECTIONS).expect("not 0");
    let server = Running::of::<Smol>(bind(config).with_caps(cap, cap), Keeper::default().backend());
    // What is needed once, whatever the number of connections.
    let first = connect(server.address, CONNECTIONS / 10);
    thread::sleep(Duration::from_millis(500));
    let before = resident();
    let others = connect(server.address, CONNECTIONS);
    thread::sleep(Duration::from_millis(500));
    let each = (resident().saturating_sub(before)) / CONNECTIONS;
    println!("{each} octets of memory for each of {CONNECTIONS} idle connections");
    assert!(each < 4096, "{each} octets for each connection");
    // They are alive.
    let clients = first.into_iter().chain(others);
    let replies = clients.map(|mut client| ask(&mut client, b"NOOP\r\n"));
    assert_eq!(replies.filter(|reply| reply.starts_with("250 ")).count(), CONNECTIONS + CONNECTIONS / 10);
    server.end();
}

/// So many clients, past EHLO. They are not of the runtime, and cost this process next to nothing.
fn connect(server: SocketAddr, count: usize) -> Vec<TcpStream> {
    let mut clients = Vec::with_capacity(count);
    clients.resize_with(count, || {
        let mut client = TcpStream::connect(server).expect("it listens");
        client.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        assert!(ask(&mut client, b"").starts_with("220 "));
        assert!(ask(&mut client, b"EHLO client.example\r\n").starts_with("250-"));
        client
    });
    clients
}

/// Says this, and takes what comes, which is one write.
fn ask(client: &mut TcpStream, command: &[u8]) -> String {
    client.write_all(command).expect("it reads");
    let mut reply = [0; 1024];
    let count = client.read(&mut reply).expect("a reply");
    String::from_utf8_lossy(&reply[..count]).into_owned()
}

/// Octets of this process that are in memory.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it says so");
    let kibibytes: usize = line.trim().trim_end_matches("kB").trim().parse().expect("a number");
    kibibytes * 1024
}
