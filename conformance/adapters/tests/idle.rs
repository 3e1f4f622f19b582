//! What connections cost that do nothing.
#![cfg(target_os = "linux")]

use core::net::SocketAddr;
use core::time::Duration;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use smtp_adapter_suite::{Buffers, PATIENCE, adapters, within};

const CONNECTIONS: usize = 5000;

/// Octets that a connection may take, by the name of the adapter. With threads each has a stack.
const MOST: [(&str, usize); 4] = [("blocking", 48 << 10), ("tokio", 5 << 9), ("smol", 4 << 10), ("async-std", 4 << 10)];

/// A server in a process of its own. Dropping it ends it.
struct Server {
    process: Child,
    address: SocketAddr,
}

/// Every server holds 5,000 connections at one time, each of them past EHLO, and answers them all. None of them owns a
/// buffer, so that each takes little memory: what the process has for itself (`RssAnon`), all counted in.
#[test]
fn idle_connections_cost_little() {
    let files = rlimit::increase_nofile_limit(u64::MAX).expect("a limit");
    assert!(files > CONNECTIONS as u64 + 100, "the hard limit of open files is {files}");
    for adapter in adapters() {
        within(adapter.name(), || measure(adapter.name()));
    }
}

fn measure(name: &str) {
    let server = Server::start(name);
    // What is needed once, whatever the number of connections.
    drop(connect(server.address));
    let before = server.resident();
    let mut clients: Vec<TcpStream> = (0..CONNECTIONS).map(|_| connect(server.address)).collect();
    let each = server.resident().saturating_sub(before) / CONNECTIONS;
    println!("{name:>9}: {each} octets of memory for each of {CONNECTIONS} idle connections");
    for client in &mut clients {
        assert!(ask(client, "NOOP\r\n").starts_with("250 "), "{name}: it is alive");
    }
    drop(clients);
    let most = MOST.iter().find(|(adapter, _)| *adapter == name).expect("it stands there").1;
    assert!(each < most, "{name}: {each} octets for each connection");
}

/// A client past EHLO.
fn connect(server: SocketAddr) -> TcpStream {
    let mut client = Buffers::Usual.connect(server);
    assert!(ask(&mut client, "").starts_with("220 "));
    assert!(ask(&mut client, "EHLO client.example\r\n").starts_with("250-"));
    client
}

/// Says this, and takes what comes, which is one write.
fn ask(client: &mut TcpStream, command: &str) -> String {
    client.write_all(command.as_bytes()).expect("it reads");
    let mut reply = [0; 1024];
    let count = client.read(&mut reply).expect("a reply");
    String::from_utf8_lossy(&reply[..count]).into_owned()
}

impl Server {
    fn start(adapter: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_idle-server"));
        command.arg(adapter).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("it is piped")).read_line(&mut line).expect("a line");
        Self { process, address: line.trim().parse().expect("an address") }
    }

    /// Octets that the process has for itself, once they do not become fewer.
    fn resident(&self) -> usize {
        let (begun, mut least, mut since) = (Instant::now(), usize::MAX, Instant::now());
        while since.elapsed() < Duration::from_millis(700) && begun.elapsed() < PATIENCE / 4 {
            let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it runs");
            let field = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("it says so");
            let now = 1024 * field.trim().trim_end_matches(" kB").parse::<usize>().expect("a number");
            if now < least {
                (least, since) = (now, Instant::now());
            }
            thread::sleep(Duration::from_millis(50));
        }
        least
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of its input ends it, and whoever does not listen to that is killed.
        drop(self.process.stdin.take());
        let begun = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) && begun.elapsed() < PATIENCE / 4 {
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
