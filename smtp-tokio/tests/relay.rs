//! The relay of the examples. Alone in its program, because it measures the whole process.

#[allow(dead_code, reason = "the program begins with `main`")]
#[path = "../examples/relay.rs"]
mod example;
mod kit;

use core::num::NonZeroU64;
use core::pin::Pin;
use core::sync::atomic::{AtomicU64, Ordering};
use core::task::{Context, Poll};
use std::fs;
use std::io;
use std::sync::Arc;

use example::Relay;
use kit::{Running, client_config, envelope, server_config, within};
use smtp_tokio::proto::client::{Summary, Verdict};
use smtp_tokio::proto::reply::{Detail, Reply, ReplyCode};
use smtp_tokio::proto::server::{Config, Mail, Rcpt};
use smtp_tokio::{Accept, Answer, BodyReader, Client, Envelope, Peer as Address, Session};
use tokio::io::{AsyncRead, ReadBuf};

const MEBIBYTE: u64 = 1 << 20;

/// Counts what comes, and refuses what is for `nobody`.
#[derive(Clone, Default)]
struct Counter(Arc<AtomicU64>);

impl Session for Counter {
    async fn mail(&mut self, _: &Mail) -> Answer {
        Ok(Accept::Usual)
    }

    async fn rcpt(&mut self, rcpt: &Rcpt) -> Answer {
        if rcpt.forward_path().as_str().starts_with("nobody@") {
            let reply = Reply::new(ReplyCode::MAILBOX_UNAVAILABLE, Detail::BAD_DESTINATION_MAILBOX, "nobody is here");
            return Err(reply.into());
        }
        Ok(Accept::Usual)
    }

    async fn data(&mut self, _: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        let octets = tokio::io::copy_buf(body, &mut tokio::io::sink()).await?;
        self.0.fetch_add(octets, Ordering::SeqCst);
        let reply = Reply::new(ReplyCode::OK, Detail::OTHER_SYSTEM_STATUS, format!("{octets} octets"));
        Ok(Accept::With(reply))
    }
}

const LINE: &[u8] = b"All work and no play makes Jack a dull boy, and so on and on\r\n\r\n";

/// So many octets of lines.
struct Lines {
    left: u64,
    lines: Vec<u8>,
    /// Where the next piece of them begins.
    begin: usize,
}

impl Lines {
    fn new(octets: u64) -> Self {
        Self { left: octets, lines: LINE.repeat(1024), begin: 0 }
    }
}

impl AsyncRead for Lines {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { left, lines, begin } = &mut *self;
        let count = out.remaining().min((*left).try_into().unwrap_or(usize::MAX)).min(lines.len() - *begin);
        out.put_slice(&lines[*begin..*begin + count]);
        *left -= count as u64;
        *begin = (*begin + count) % LINE.len();
        Poll::Ready(Ok(()))
    }
}

fn large(mut config: Config) -> Config {
    config.limits.message_size = NonZeroU64::MAX;
    config
}

/// A server, and a relay before it.
async fn servers() -> (Counter, Running, Running) {
    let counter = Counter::default();
    let backend = counter.clone();
    let server = Running::new(large(server_config()), move |_: &Address| backend.clone()).await;
    let onward: Arc<str> = server.address.to_string().into();
    let config = Arc::new(client_config());
    let relay = move |_: &Address| Relay { server: Arc::clone(&onward), config: Arc::clone(&config) };
    let relay = Running::new(large(server_config()), relay).await;
    (counter, server, relay)
}

/// A message of 1 GiB goes from a client through a relay to a server, none of which grows with it.
#[tokio::test]
async fn memory_does_not_grow_with_the_message() {
    let (counter, server, relay) = servers().await;
    let mut peaks = Vec::new();
    for mebibytes in [16, 1024] {
        let mut client = within(Client::connect(relay.address, client_config())).await.expect("it listens");
        let outcome = client.send(envelope(), Lines::new(mebibytes * MEBIBYTE)).await.expect("it was tried");
        assert_eq!(outcome.summary(), Summary::Accepted, "{outcome:?}");
        within(client.quit()).await;
        peaks.push(peak());
    }
    assert_eq!(counter.0.load(Ordering::SeqCst), (16 + 1024) * MEBIBYTE);
    println!("peak of client, relay and server: {} KiB with 16 MiB, {} KiB with 1 GiB", peaks[0], peaks[1]);
    assert!(peaks[1] - peaks[0] < 1024, "{peaks:?}");
    relay.end().await;
    server.end().await;
}

/// What the server says comes back through the relay.
#[tokio::test]
async fn verdicts_come_back() {
    let (_, server, relay) = servers().await;
    let mut client = within(Client::connect(relay.address, client_config())).await.expect("it listens");
    let outcome = within(client.send(envelope(), Lines::new(640))).await.expect("it was tried");
    let Some((_, Verdict::Accepted(reply))) = outcome.recipients().next() else { panic!("{outcome:?}") };
    assert_eq!(reply.text(), "640 octets");
    let nobody =
        smtp_tokio::proto::client::Envelope::new("a@client.example").and_then(|mail| mail.to("nobody@mx.example"));
    let outcome = within(client.send(nobody.expect("addresses"), Lines::new(640))).await.expect("it was tried");
    let Some((_, Verdict::Permanent(Some(reply)))) = outcome.recipients().next() else { panic!("{outcome:?}") };
    assert_eq!((reply.code().value(), &*reply.text()), (550, "nobody is here"));
    within(client.quit()).await;
    relay.end().await;
    server.end().await;
}

/// The most memory this process has had, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it says so");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}
