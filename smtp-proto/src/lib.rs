//! The SMTP protocol (RFC 5321) for both roles, without I/O.
//!
//! [`server::Connection`] and [`client::Connection`] are state machines: octets and the time go in, octets, events and
//! deadlines come out. They know no socket, no clock, no thread, no random source and no log, so they run under any
//! runtime, in a simulation, or in a test. Below them lie the parts, each usable alone: [`address`] and [`command`]
//! (RFC 5321 §4.1), [`reply`] (§4.2), [`body`] (§4.5.2) and [`trace`] (§4.4).
//!
//! It is not a mail server: whom to accept, where mail goes and how it is stored is the application's. It is not a
//! socket library: an adapter (`smtp-blocking` is one) carries the octets. It looks into no message: MIME is another
//! layer's, and header fields are only counted ([`trace::ReceivedCounter`]).
//!
//! # Driving a connection
//!
//! Both roles are driven by the same loop. `poll` says the one thing to do next, and is asked again when it is done:
//!
//! ```text
//! loop match connection.poll() {
//!     Transmit(octets) => n = write some of them; connection.transmitted(now, n)
//!     Event(event)     => the application; it may answer now or keep the token and answer later
//!     UpgradeTls       => make the TLS handshake, and carry all further octets inside:
//!                             done              connection.handle_tls_established(now, info)
//!                             failed            connection.handle_tls_failed(now)
//!                             at connection.deadline()  connection.handle_timeout(now)
//!     Wait(wait)       => whichever of these comes first:
//!                             if wait.input     octets came: connection.handle_input(now, octets)
//!                                               the peer closed its side: connection.handle_eof(now)
//!                             if wait.decision  the application answers
//!                             at wait.deadline  connection.handle_timeout(now)
//!     Closed(reason)   => close the socket, done
//! }
//! ```
//!
//! * Octets may come in pieces of any size: how they are cut changes nothing, neither what is answered nor where a
//!   limit strikes. Input is taken only while [`Wait::input`] is true; otherwise it is handed back, and the driver does
//!   not read, so that the transport carries the pressure to the peer.
//! * Whoever can wait for two things reads on while `Transmit` waits for the peer to read, as long as `wants_input()`
//!   says so: two sides that both write never wait for each other then. The trait [`Drive`] has all of this for both
//!   roles, so that one driver serves both. [`Driver`] is that driver for every runtime that polls: it needs a
//!   [`Transport`].
//! * Everything that can be answered is answered before `Transmit` comes: a pipelined group costs one write.
//! * An event that asks for an answer is itself the token for that answer. It is `'static` and [`Send`], and is not
//!   [`Clone`]: the answer may come seconds later from another task, and cannot be given twice. A token that comes too
//!   late is handed back. One that is dropped is answered 451 when its time is over.
//! * `Err` always means that the caller did something that does not fit ([`Misuse`]), never that the peer did: what a
//!   peer does wrong becomes a reply, an event, or [`Output::Closed`]. Nothing a peer sends makes this crate panic.
//! * `UpgradeTls` comes when everything in clear has left, and is repeated until the handshake has ended. Until then no
//!   input is taken: what was read and not handed in belongs to the handshake. What was learnt in clear is forgotten
//!   behind it. The end of TLS, with or without `close_notify`, is the end of the connection: no octet is read in clear
//!   afterwards. The connection is told what the handshake brought ([`TlsInfo`]); certificates are the driver's.
//! * Whoever wants AUTH with nonces gives each connection 32 octets of the operating system's randomness first (`seed`).
//! * Time is a value ([`Instant`]): the driver passes it in, and asks for the next deadline.
//! * In steady state nothing is allocated per command and per mail, and an idle connection holds no buffers.
//!
//! # The states
//!
//! ```text
//! server   Connect? ── 220 ──> Start ── EHLO ──> Ready ── MAIL ──> Mail ── RCPT ──> Rcpt ── DATA ──> data
//!             │                  ^                ^  ^               │                │               │
//!            554 ──> only QUIT   │                │  └─ RSET, EHLO ──┴────────────────┘               │
//!                                │                └─────────────── the verdict on the message ────────┘
//!                                │
//!                   TLS ─────────┘    Ready ── STARTTLS, 220 ──> TLS
//!                    │                Ready ── AUTH ── 334 <──> response ──> Auth? ── 235 ──> Ready
//!                    └─ no certificate, where one is wanted ──> 554, only QUIT
//!
//! client   [TLS ──>] greeting ──> EHLO [──> STARTTLS ──> TLS ──> EHLO] [──> AUTH <──> 334] ──> Ready
//!                                  │
//!                                 5yz ──> HELO ──> Ready, where neither TLS is required nor AUTH is wanted
//!
//!                                              Ready ──> MAIL RCPT… DATA ──> 354 ──> body, dot ──> outcome
//!                                                ^   (one group)                 + next MAIL RCPT… DATA │
//!                                                └──────────────────────────────────────────────────────┘
//! ```
//!
//! Each role keeps all its transitions in one table.
//!
//! # A whole session
//!
//! Client and server talk to each other through two byte vectors. A driver does the same with a socket in between.
//!
//! ```
//! use std::sync::Arc;
//!
//! use bytes::Bytes;
//! use smtp_proto::client::{self, Envelope, Summary};
//! use smtp_proto::server;
//! use smtp_proto::{CloseReason, Instant};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = Instant::EPOCH;
//! let mut client = client::Connection::new(now, Arc::new(client::Config::new("client.example")?))?;
//! let mut server = server::Connection::new(now, Arc::new(server::Config::new("mx.example")?))?;
//! let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
//!
//! client.send(now, Envelope::new("alice@client.example")?.to("bob@mx.example")?)?;
//! client.quit(now);
//! let mut summary = None;
//! let mut message = Vec::new();
//!
//! let reason = loop {
//!     // The client's driver.
//!     match client.poll() {
//!         client::Output::Transmit(octets) => {
//!             let count = octets.len();
//!             to_server.extend_from_slice(octets);
//!             client.transmitted(now, count);
//!             continue;
//!         }
//!         client::Output::Event(client::Event::Body(body)) => {
//!             client.write_body(now, &body, Bytes::from_static(b"Subject: hi\r\n\r\n.hidden no more\r\n"))?;
//!             client.end_body(now, body)?;
//!             continue;
//!         }
//!         client::Output::Event(client::Event::Outcome(outcome)) => {
//!             summary = Some(outcome.summary());
//!             continue;
//!         }
//!         client::Output::Event(_) => continue,
//!         client::Output::Wait(wait) => {
//!             if wait.input && !to_client.is_empty() {
//!                 client.handle_input(now, Bytes::from(std::mem::take(&mut to_client)))?;
//!                 continue;
//!             }
//!         }
//!         client::Output::UpgradeTls => unreachable!("neither side is configured for TLS"),
//!         client::Output::Closed(reason) => break reason,
//!     }
//!     // The server's driver, with an application that takes every mail.
//!     match server.poll() {
//!         server::Output::Transmit(octets) => {
//!             let count = octets.len();
//!             to_client.extend_from_slice(octets);
//!             server.transmitted(now, count);
//!         }
//!         server::Output::Event(event) => match event {
//!             server::Event::Connect(token) => server.accept(now, token)?,
//!             server::Event::Hello(token) => server.accept(now, token)?,
//!             server::Event::Mail(token) => server.accept(now, token)?,
//!             server::Event::Rcpt(token) => server.accept(now, token)?,
//!             server::Event::Data(token) => server.accept(now, token)?,
//!             server::Event::Body(piece) => message.extend_from_slice(&piece),
//!             // Only once it is in safe storage.
//!             server::Event::Message(token) => server.accept(now, token)?,
//!             _ => {}
//!         },
//!         server::Output::Wait(wait) => {
//!             if wait.input && !to_server.is_empty() {
//!                 server.handle_input(now, Bytes::from(std::mem::take(&mut to_server)))?;
//!             }
//!         }
//!         server::Output::UpgradeTls => unreachable!("neither side is configured for TLS"),
//!         server::Output::Closed(_) => {}
//!     }
//! };
//!
//! assert_eq!(reason, CloseReason::Quit);
//! assert_eq!(summary, Some(Summary::Accepted));
//! assert_eq!(message, b"Subject: hi\r\n\r\n.hidden no more\r\n");
//! # Ok(())
//! # }
//! ```
//!
//! # Limits
//!
//! Everything that a peer can grow has a limit. Each is a field, with unit, default and section, of [`server::Limits`],
//! [`server::Timeouts`], [`client::Limits`] or [`client::Timeouts`]. The ones that people ask for:
//!
//! | limit | default | field | section |
//! |---|---|---|---|
//! | command line | 2 048 octets | [`server::Limits::command_line`] | RFC 5321 §4.5.3.1.4 |
//! | message | 25 MiB, announced in SIZE | [`server::Limits::message_size`] | RFC 1870 §4 |
//! | recipients of a message | 1 000 | [`server::Limits::recipients`] | RFC 5321 §4.5.3.1.8 |
//! | errors of a client | 10 | [`server::Limits::hard_errors`] | |
//! | idle between commands | 300 s | [`server::Timeouts::idle`] | RFC 5321 §4.5.3.2.7 |
//! | TLS handshake | 60 s | [`server::Timeouts::handshake`], [`client::Timeouts::handshake`] | |
//! | response in AUTH | 12 288 octets | [`server::Limits::auth_line`] | RFC 4954 §4 |
//! | attempts to authenticate that fail | 3, each answered 5 s late | [`server::Limits::auth_failures`] | RFC 4954 §9 |
//! | reply line | 4 096 octets | [`client::Limits::reply_line`] | RFC 5321 §4.5.3.1.5 |
//! | challenge in AUTH | 12 288 octets | [`client::Limits::auth_challenge`] | RFC 4954 §4 |
//! | answer to AUTH and to each response | 300 s | [`client::Timeouts::auth`] | |
//! | answer to the final dot | 600 s | [`client::Timeouts::verdict`] | RFC 5321 §4.5.3.2.6 |
//! | commands without an answer yet | 4 096 octets | [`client::Limits::unanswered`] | RFC 2920 §3.1 |
//!
//! # Features
//!
//! `std` (default) adds `Clock`, which maps the operating system's monotonic clock to [`Instant`], and lets the
//! search for line ends choose vector instructions at run time. Without it the crate needs `alloc` only.
//!
//! `crypto` adds the mechanisms of AUTH that compute: `CRAM-MD5`, and SCRAM with SHA-1 and SHA-256, with and without
//! channel binding ([`sasl`]). Unicode's tables for it need the standard library.
//!
//! `submission` adds URLs of mail servers and a table of mail providers, and what they come to.
#![no_std]
#![warn(clippy::print_stdout, clippy::print_stderr, clippy::dbg_macro)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod address;
pub mod body;
pub mod client;
pub mod command;
mod config;
mod decimal;
mod drive;
mod driver;
mod line;
mod observer;
mod outbox;
mod read;
pub mod reply;
pub mod sasl;
pub mod server;
#[cfg(feature = "submission")]
pub mod submission;
mod time;
mod tls;
pub mod trace;

pub use config::ConfigError;
pub use drive::{CloseReason, Decision, Drive, Misuse, Next, Output, Refused, Wait};
pub use driver::{Driver, Transport};
pub use observer::{Direction, Observer};
pub use read::ReadBuffer;
#[cfg(feature = "std")]
pub use time::Clock;
pub use time::Instant;
pub use tls::TlsInfo;
