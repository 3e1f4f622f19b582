//! What the sink takes of memory for each idle connection, and whether it takes a mail.

#![expect(clippy::disallowed_types, reason = "the clients have sockets")]

use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use crate::{Error, Sink};

/// Most memory that an idle connection may take, in octets, all that the process has counted in.
const BUDGET: u64 = 768;

/// So many clients connect, say EHLO and stay; then one of them sends a mail.
pub(crate) fn run(sink: &mut Sink, clients: u64, files: u64) -> Result<(), Error> {
    // Each takes two files, as both ends are here.
    let clients = clients.min(files.saturating_sub(32) / 2).max(1);
    drop(greet(sink)?);
    let before = resident()?;
    let mut streams = (0..clients).map(|_| greet(sink)).collect::<Result<Vec<_>, _>>()?;
    // The buffers of the core are given back once they are unused for a while.
    let end = sink.clock.now() + 2 * sink.config.timeouts.buffers;
    while sink.clock.now() < end {
        sink.turn(Some(sink.clock.until(end)))?;
    }
    let each = resident()?.saturating_sub(before) / clients;
    println!("{} idle connections, {each} octets of memory each", sink.peers.len());
    let stream = streams.last_mut().ok_or("no clients")?;
    stream.write_all(b"MAIL FROM:<a@client.example>\r\nRCPT TO:<b@sink.example>\r\nDATA\r\n")?;
    hear(sink, stream, "354 ")?;
    stream.write_all(b"Subject: hello\r\n\r\nhello\r\n.\r\nQUIT\r\n")?;
    hear(sink, stream, "221 ")?;
    println!("{} mail came", sink.messages);
    if each > BUDGET || sink.messages != 1 { Err("that is not right".into()) } else { Ok(()) }
}

/// A client that has said EHLO.
fn greet(sink: &mut Sink) -> Result<TcpStream, Error> {
    let mut stream = TcpStream::connect(sink.listener.local_addr()?)?;
    stream.set_nonblocking(true)?;
    hear(sink, &mut stream, "220 ")?;
    stream.write_all(b"EHLO client.example\r\n")?;
    hear(sink, &mut stream, "250 ")?;
    Ok(stream)
}

/// Lets the sink work until a line has come that begins so, the last one that is due.
fn hear(sink: &mut Sink, stream: &mut TcpStream, beginning: &str) -> Result<(), Error> {
    let (mut heard, mut octets) = (String::new(), [0; 1024]);
    while !heard.ends_with("\r\n") || !heard.lines().any(|line| line.starts_with(beginning)) {
        match stream.read(&mut octets) {
            Ok(0) => return Err(format!("the sink said {heard:?}, then nothing more").into()),
            Ok(count) => heard.push_str(str::from_utf8(&octets[..count])?),
            Err(error) if error.kind() == ErrorKind::WouldBlock => sink.turn(Some(Duration::from_millis(10)))?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Octets of memory that this process has for itself, without what it shares with its program file.
fn resident() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let field = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or_default();
    let kib: u64 = field.trim().trim_end_matches(" kB").parse().map_err(io::Error::other)?;
    Ok(1024 * kib)
}
