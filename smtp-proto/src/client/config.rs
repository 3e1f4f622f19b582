//! What a client is told before its first connection.

use alloc::string::String;
use core::num::{NonZeroU32, NonZeroUsize};
use core::time::Duration;

use crate::address::{Charset, Host};
use crate::body::LineEndings;
use crate::config::{ConfigError, check_line, check_octets, check_times, count, octets};
use crate::sasl::Credentials;

/// The configuration of a client, shared by its connections.
///
/// Make one with [`Config::new`] and change fields as needed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    pub(super) name: String,
    /// Whether and how TLS begins. Default [`Security::Plain`]: what servers on port 25 speak. A submission client says
    /// [`Security::Implicit`] or [`Security::Required`] (RFC 8314 §3).
    pub security: Security,
    /// Who logs in, if anybody (RFC 4954). Default `None`.
    pub credentials: Option<Credentials>,
    /// The only mechanism of AUTH that may be used. Default `None`: the strongest one that the server offers, the
    /// credentials fit and the security of the connection allows.
    pub mechanism: Option<String>,
    /// Whether credentials may go out in clear, or under TLS with a certificate that was not verified. Default false.
    /// For servers on this machine.
    pub unprotected_credentials: bool,
    /// Whether commands are sent in groups when the server offers PIPELINING (RFC 2920). Default true.
    pub pipelining: bool,
    /// What becomes of a CR or LF that is no line end in a body. Default [`LineEndings::Strict`]: the mail is not sent.
    pub line_endings: LineEndings,
    /// How much of everything.
    pub limits: Limits,
    /// How long for everything.
    pub timeouts: Timeouts,
}

/// Whether and how TLS begins on a client's connection.
///
/// There is no mode that ends in clear text with credentials: see [`Config::unprotected_credentials`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Security {
    /// TLS from the first octet (RFC 8314 §3.3), as on port 465. Whoever makes the handshake lets it fail if the
    /// certificate does not verify.
    Implicit,
    /// STARTTLS (RFC 3207), or no mail: a server that does not know EHLO, does not offer it or does not begin TLS is left
    /// ([`CloseReason::NoTls`](crate::CloseReason::NoTls)). Whoever makes the handshake lets it fail if the certificate
    /// does not verify.
    Required,
    /// STARTTLS if the server offers it; if it then refuses, mails go in clear, which
    /// [`Capabilities::is_tls`](super::Capabilities::is_tls) says. The certificate need not verify. Whoever stands between
    /// can read along. A handshake that fails ends the connection, here too: to try without TLS is for a new connection.
    Opportunistic,
    /// No TLS.
    #[default]
    Plain,
}

/// The limits of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest line of a reply, octets with CRLF. Default 4 096, floor 512 (RFC 5321 §4.5.3.1.5), at most 32 768.
    /// At the limit: [`CloseReason::Protocol`](crate::CloseReason::Protocol).
    pub reply_line: NonZeroUsize,
    /// Longest reply, octets. Default 65 536. At the limit: as above.
    pub reply_octets: NonZeroUsize,
    /// Most lines of one reply. Default 512. At the limit: as above.
    pub reply_lines: NonZeroU32,
    /// Octets of commands that may wait for their replies at one time. Default 4 096, so that two peers that both
    /// write before they read cannot block each other (RFC 2920 §3.1). At the limit no further command is sent.
    pub unanswered: NonZeroUsize,
    /// Mails that may wait to be sent. Default 64. At the limit `send` hands the envelope back.
    pub queued_mails: NonZeroU32,
    /// Longest line of a challenge of AUTH, octets with CRLF. Default 12 288 (RFC 4954 §4), floor 512, at most 32 768.
    /// At the limit AUTH is cancelled; where [`reply_line`](Self::reply_line) is no longer than this, the connection is
    /// cut as there.
    pub auth_challenge: NonZeroUsize,
    /// Most challenges in one exchange of AUTH. Default 10; no mechanism needs more than 4. At the limit AUTH is
    /// cancelled.
    pub auth_rounds: NonZeroU32,
}

/// The times of a client (RFC 5321 §4.5.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For the greeting. Default 300 s, the floor of §4.5.3.2.1.
    pub greeting: Duration,
    /// For the answer to EHLO or HELO. Default 300 s.
    pub hello: Duration,
    /// For the answer to STARTTLS. Default 60 s.
    pub starttls: Duration,
    /// For the TLS handshake. Default 60 s.
    pub handshake: Duration,
    /// For the answer to AUTH, and to each response. Default 300 s.
    pub auth: Duration,
    /// For the answer to MAIL. Default 300 s, the floor of §4.5.3.2.2.
    pub mail: Duration,
    /// For the answer to each RCPT. Default 300 s, the floor of §4.5.3.2.3.
    pub rcpt: Duration,
    /// For the answer to DATA. Default 120 s, the floor of §4.5.3.2.4.
    pub data: Duration,
    /// For the network to take any of what is waiting for it. Default 180 s, the floor of §4.5.3.2.5.
    pub block: Duration,
    /// For the answer to the final dot. Default 600 s, the floor of §4.5.3.2.6; then it is unknown what became of the
    /// mail (RFC 1047).
    pub verdict: Duration,
    /// For the answer to RSET. Default 20 s.
    pub reset: Duration,
    /// For the answer to QUIT. Default 5 s; a server that lets it pass is left all the same.
    pub quit: Duration,
    /// For the application to hand in the next piece of a body. Default 300 s. Then the connection is cut.
    pub body: Duration,
    /// How long an idle connection keeps its empty buffers for the next mail. Default 1 s.
    pub buffers: Duration,
}

impl Config {
    /// The defaults, for a client of this name: its domain, or its address literal if it has none (§4.1.1.1).
    ///
    /// # Errors
    ///
    /// [`ConfigError::Hostname`] if it is neither.
    pub fn new(name: &str) -> Result<Self, ConfigError> {
        Host::parse(name, Charset::Ascii).map_err(|_| ConfigError::Hostname)?;
        Ok(Self {
            name: name.into(),
            security: Security::default(),
            credentials: None,
            mechanism: None,
            unprotected_credentials: false,
            pipelining: true,
            line_endings: LineEndings::default(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        })
    }

    /// The name this client gives itself in EHLO.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a session can run under these limits: room for the longest line of RFC 5321, and no time zero.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the first field that is not.
    pub fn check(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        check_octets(&[
            ("reply_line", limits.reply_line),
            ("reply_octets", limits.reply_octets),
            ("unanswered", limits.unanswered),
            ("auth_challenge", limits.auth_challenge),
        ])?;
        check_line("reply_line", limits.reply_line)?;
        check_line("auth_challenge", limits.auth_challenge)?;
        let times = &self.timeouts;
        check_times(&[
            ("greeting", times.greeting),
            ("hello", times.hello),
            ("starttls", times.starttls),
            ("handshake", times.handshake),
            ("auth", times.auth),
            ("mail", times.mail),
            ("rcpt", times.rcpt),
            ("data", times.data),
            ("block", times.block),
            ("verdict", times.verdict),
            ("reset", times.reset),
            ("quit", times.quit),
            ("body", times.body),
            ("buffers", times.buffers),
        ])
    }

    /// Checks that no TLS is asked for, where nothing says how it is made.
    ///
    /// # Errors
    ///
    /// [`ConfigError::TlsNotSetUp`].
    pub fn check_without_tls(&self) -> Result<(), ConfigError> {
        if self.security == Security::Plain { Ok(()) } else { Err(ConfigError::TlsNotSetUp) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reply_line: octets(4096),
            reply_octets: octets(65_536),
            reply_lines: count(512),
            unanswered: octets(4096),
            queued_mails: count(64),
            auth_challenge: octets(12_288),
            auth_rounds: count(10),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        let five_minutes = Duration::from_secs(300);
        Self {
            greeting: five_minutes,
            hello: five_minutes,
            starttls: Duration::from_secs(60),
            handshake: Duration::from_secs(60),
            auth: five_minutes,
            mail: five_minutes,
            rcpt: five_minutes,
            data: Duration::from_secs(120),
            block: Duration::from_secs(180),
            verdict: Duration::from_secs(600),
            reset: Duration::from_secs(20),
            quit: Duration::from_secs(5),
            body: five_minutes,
            buffers: Duration::from_secs(1),
        }
    }
}
