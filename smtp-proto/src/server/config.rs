//! What a server is told before its first connection.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use core::time::Duration;

use crate::address::{Charset, Host};
use crate::body::LineEndings;
use crate::config::{ConfigError, check_line, check_octets, check_times, count, octets};
use crate::sasl::Mechanism;

/// The configuration of a server, shared by its connections.
///
/// Make one with [`Config::new`] and change fields as needed. Every limit has a unit, a default and the section it
/// comes from; no limit knows "unlimited" as zero, because zero cannot be said.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    pub(crate) hostname: String,
    /// The text of the greeting behind the host name. Default `ESMTP`. Octets outside printable ASCII are replaced.
    pub greeting: String,
    /// Whether octets that arrive behind an EHLO, before its answer left, are tolerated (some submission clients do
    /// that) or end the connection with 554. Default [`EarlyInput::Refuse`].
    pub early_input: EarlyInput,
    /// Whether and how TLS begins. Default [`TlsPolicy::Disabled`].
    pub tls: TlsPolicy,
    /// Who may log in, and how (RFC 4954). Default: AUTH is not offered.
    pub auth: AuthPolicy,
    /// Whether a client has to show a certificate that is verified ([`TlsInfo::verified`](crate::TlsInfo::verified)). One
    /// that does not gets 554 5.7.0 to everything but QUIT once TLS has begun (RFC 3207 §4.1). Default false. To let
    /// nobody in without TLS takes [`TlsPolicy::Required`] or [`TlsPolicy::Implicit`] besides.
    pub client_certificate: bool,
    /// What becomes of a CR or LF that is no line end in mail data. Default [`LineEndings::Strict`].
    pub line_endings: LineEndings,
    /// Whether VRFY is asked of the application. When false (the default) the answer is 252 (RFC 5321 §7.3).
    pub verify: bool,
    /// Whether EXPN is asked of the application and listed in the EHLO response. When false (the default) the answer
    /// is 502.
    pub expand: bool,
    /// How much of everything.
    pub limits: Limits,
    /// How long for everything.
    pub timeouts: Timeouts,
}

/// What a server does with input that arrives behind EHLO or HELO before the answer left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EarlyInput {
    /// 554 and the end of the connection: right for a server that takes mail from anywhere.
    #[default]
    Refuse,
    /// Read on after EHLO or HELO: for a submission server. Behind DATA it is refused all the same.
    TolerateAfterHello,
}

/// Whether and how TLS begins on a server's connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsPolicy {
    /// No TLS: STARTTLS is answered 502.
    #[default]
    Disabled,
    /// STARTTLS is offered (RFC 3207).
    Offered,
    /// STARTTLS is offered, and before it only EHLO, HELO, NOOP, STARTTLS and QUIT are served, everything else gets
    /// 530 5.7.0 (RFC 3207 §4). Not for a server that takes mail from anywhere.
    Required,
    /// TLS from the first octet (RFC 8314 §3.3), as on port 465.
    Implicit,
}

/// Who may log in to a server, and how (RFC 4954).
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct AuthPolicy {
    /// The mechanisms that are offered, in the order in which they are announced. Default none: AUTH is not offered.
    pub mechanisms: Vec<Arc<dyn Mechanism>>,
    /// Whether only AUTH, EHLO, HELO, NOOP, RSET, QUIT and STARTTLS are served before a client has logged in, and
    /// everything else gets 530 5.7.0 (RFC 4954 §6). Default false.
    pub required: bool,
    /// Whether AUTH is offered without TLS, too, with every mechanism. Default false (RFC 4954 §9).
    pub without_tls: bool,
    /// A secret of this server, from which the salt of users that do not exist is made, so that SCRAM does not tell who
    /// exists. 32 octets of the operating system's randomness, the same for all connections. Default zeros.
    pub decoy_key: [u8; 32],
}

impl AuthPolicy {
    /// Whether [`decoy_key`](Self::decoy_key) has yet to be made.
    #[must_use]
    pub fn wants_decoy_key(&self) -> bool {
        self.decoy_key == [0; 32] && !self.mechanisms.is_empty()
    }
}

/// Does not show the secret.
impl fmt::Debug for AuthPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthPolicy")
            .field("mechanisms", &self.mechanisms)
            .field("required", &self.required)
            .field("without_tls", &self.without_tls)
            .finish_non_exhaustive()
    }
}

/// The limits of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest command line, octets with CRLF. Default 2 048, floor 512 (RFC 5321 §4.5.3.1.4), at most 32 768.
    /// At the limit: 500 5.5.2.
    pub command_line: NonZeroUsize,
    /// Octets of an over-long line that are read and thrown away. Default 16 384. At the limit: 500 and the end.
    pub discarded_line: NonZeroUsize,
    /// Largest message, octets, announced as SIZE (RFC 1870). Default 26 214 400, floor 64 K (§4.5.3.1.7).
    /// At the limit: 552 5.3.4. Half as much again is read and thrown away before the connection ends.
    pub message_size: NonZeroU64,
    /// Recipients accepted for one message. Default 1 000, floor 100 (§4.5.3.1.8). At the limit: 452 4.5.3.
    pub recipients: NonZeroU32,
    /// Recipients of one message that may be refused, by that limit or by the application, before each further one is
    /// an error of the client. Default 1 000.
    pub recipient_overshoot: NonZeroU32,
    /// Messages on one connection. Default 1 000. At the limit: 421 4.7.0 in answer to MAIL.
    pub messages: NonZeroU32,
    /// Errors of the client (unknown command, syntax, order) after which each further one is answered a second late.
    /// Default 5.
    pub soft_errors: NonZeroU32,
    /// Errors of the client that are answered as such; the next one gets 421 4.7.0 and the end. Default 10. Counted
    /// from the last accepted message on.
    pub hard_errors: NonZeroU32,
    /// Commands between two accepted messages that bring no mail (NOOP, RSET, VRFY, EXPN, HELP, EHLO, AUTH). Default 100.
    /// Each further one counts as an error.
    pub junk_commands: NonZeroU32,
    /// Longest response in an exchange of AUTH, octets with CRLF. Default 12 288, which suffices for every mechanism
    /// (RFC 4954 §4). At the limit: 500 5.5.6, and the exchange is over.
    pub auth_line: NonZeroUsize,
    /// Challenges in one exchange of AUTH. Default 10; no mechanism here needs more than 3. At the limit: 501, and the
    /// exchange is over.
    pub auth_rounds: NonZeroU32,
    /// Attempts to authenticate that fail on one connection; the last of them gets 421 4.7.0 and the end. Default 3,
    /// the floor of RFC 4954 §9.
    pub auth_failures: NonZeroU32,
    /// Parameters of one command. Default 16. At the limit: 501.
    pub parameters: NonZeroUsize,
    /// Octets of pending output at which no more input is read. Default 65 536.
    pub pending_output: NonZeroUsize,
}

/// The times of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Between two commands. Default 300 s, the floor of RFC 5321 §4.5.3.2.7. Then 421 4.4.2.
    pub idle: Duration,
    /// From the first to the last octet of one command. Default 300 s. Then 421 4.4.2.
    pub command: Duration,
    /// The budget of a message transfer. Default 300 s; each [`Self::data_rate`] octets buy a second back, up to the
    /// budget. Then 421 4.4.2.
    pub data: Duration,
    /// Octets of mail data that must come in a second on average. Default 500.
    pub data_rate: NonZeroU32,
    /// For the application to answer a question. Default 300 s; the client waits 600 s for the answer to the end of
    /// data (§4.5.3.2.6). Then 451 4.3.0, in AUTH 454 4.7.0, and a later answer is stale.
    pub decision: Duration,
    /// For the TLS handshake. Default 60 s. Then the end, without another octet.
    pub handshake: Duration,
    /// For the peer to read anything of what is waiting for it. Default 300 s. Then the end.
    pub write: Duration,
    /// How much longer a transaction in progress may last after `shutdown`. Default 30 s.
    pub shutdown_grace: Duration,
    /// How long a connection may last in all. Default `None`: no bound. Then 421 4.3.2.
    pub connection: Option<Duration>,
    /// How late the answer to an error beyond [`Limits::soft_errors`] comes. Default 1 s.
    pub error_delay: Duration,
    /// How late the answer to an attempt to authenticate that failed comes. Default 5 s, and zero for no delay.
    pub auth_delay: Duration,
    /// How long an idle connection keeps its empty buffers for the next command. Default 1 s.
    pub buffers: Duration,
}

impl Config {
    /// The defaults, for a server of this name: its domain, or its address literal if it has none (§4.3.1).
    ///
    /// # Errors
    ///
    /// [`ConfigError::Hostname`] if it is neither.
    pub fn new(hostname: &str) -> Result<Self, ConfigError> {
        Host::parse(hostname, Charset::Ascii).map_err(|_| ConfigError::Hostname)?;
        Ok(Self {
            hostname: hostname.into(),
            greeting: "ESMTP".into(),
            early_input: EarlyInput::default(),
            tls: TlsPolicy::default(),
            auth: AuthPolicy::default(),
            client_certificate: false,
            line_endings: LineEndings::default(),
            verify: false,
            expand: false,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        })
    }

    /// The same for a server under more load than it bears: idle connections end after 10 s, and one error or one
    /// command that brings no mail is all that is let pass. For the connections that are accepted while the load lasts.
    #[must_use]
    pub fn overloaded(mut self) -> Self {
        self.timeouts.idle = Duration::from_secs(10);
        self.limits.hard_errors = count(1);
        self.limits.junk_commands = count(1);
        self
    }

    /// The name this server gives itself.
    #[must_use]
    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    /// Whether a session can run under these limits: room for the shortest legal longest line, and no time zero.
    ///
    /// A site may choose to take smaller messages or fewer recipients than RFC 5321 §4.5.3.1 asks of it.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the first field that is not.
    pub fn check(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        check_octets(&[("command_line", limits.command_line), ("pending_output", limits.pending_output)])?;
        check_octets(&[("auth_line", limits.auth_line)])?;
        check_line("command_line", limits.command_line)?;
        self.check_mechanisms()?;
        let times = &self.timeouts;
        check_times(&[
            ("idle", times.idle),
            ("command", times.command),
            ("data", times.data),
            ("decision", times.decision),
            ("handshake", times.handshake),
            ("write", times.write),
            ("buffers", times.buffers),
            ("connection", times.connection.unwrap_or(Duration::MAX)),
        ])
    }

    /// Settles the policy by whether the adapter was told how TLS is made: then [`TlsPolicy::Disabled`] becomes
    /// [`TlsPolicy::Offered`].
    ///
    /// # Errors
    ///
    /// [`ConfigError::TlsNotSetUp`] when it was not, and TLS is asked for.
    pub fn settle_tls(self: &mut Arc<Self>, has_tls: bool) -> Result<(), ConfigError> {
        match self.tls {
            TlsPolicy::Disabled if has_tls => Arc::make_mut(self).tls = TlsPolicy::Offered,
            TlsPolicy::Disabled => {}
            _ if has_tls => {}
            _ => return Err(ConfigError::TlsNotSetUp),
        }
        Ok(())
    }

    fn check_mechanisms(&self) -> Result<(), ConfigError> {
        let AuthPolicy { mechanisms, required, without_tls, .. } = &self.auth;
        if *required && (mechanisms.is_empty() || self.tls == TlsPolicy::Disabled && !without_tls) {
            return Err(ConfigError::NoMechanism);
        }
        let is_character = |octet: u8| matches!(octet, b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_');
        // `250-AUTH`, a space and each name, CRLF (RFC 5321 §4.5.3.1.5).
        let mut line = "250-AUTH\r\n".len();
        for (number, name) in mechanisms.iter().map(|mechanism| mechanism.name()).enumerate() {
            if !(1..=20).contains(&name.len()) || !name.bytes().all(is_character) {
                return Err(ConfigError::MechanismName);
            }
            if mechanisms[..number].iter().any(|other| other.name() == name) {
                return Err(ConfigError::DuplicateMechanism);
            }
            line += 1 + name.len();
        }
        if line > 512 { Err(ConfigError::TooManyMechanisms) } else { Ok(()) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_line: octets(2048),
            discarded_line: octets(16_384),
            message_size: NonZeroU64::new(26_214_400).expect("not zero"),
            recipients: count(1000),
            recipient_overshoot: count(1000),
            messages: count(1000),
            soft_errors: count(5),
            hard_errors: count(10),
            junk_commands: count(100),
            auth_line: octets(12_288),
            auth_rounds: count(10),
            auth_failures: count(3),
            parameters: octets(16),
            pending_output: octets(65_536),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        let five_minutes = Duration::from_secs(300);
        Self {
            idle: five_minutes,
            command: five_minutes,
            data: five_minutes,
            data_rate: count(500),
            decision: five_minutes,
            handshake: Duration::from_secs(60),
            write: five_minutes,
            shutdown_grace: Duration::from_secs(30),
            connection: None,
            error_delay: Duration::from_secs(1),
            auth_delay: Duration::from_secs(5),
            buffers: Duration::from_secs(1),
        }
    }
}
