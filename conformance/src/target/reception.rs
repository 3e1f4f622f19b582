//! Where the harness waits for a client under test.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::sync::OnceLock;
use std::thread::sleep;

use super::Unavailable;
use super::link::Until;
use crate::job::{Job, Security};
use crate::profile::Profile;
use crate::transcript::{Expectation, Need, Outcome, Side};

/// A port of this machine, for one client.
pub(super) struct Reception {
    listener: TcpListener,
    pub(super) address: SocketAddr,
}

/// How often to look whether somebody has come.
const GLANCE: Duration = Duration::from_millis(2);

impl Reception {
    /// # Errors
    ///
    /// When there is no port.
    pub(super) fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        Ok(Self { address: listener.local_addr()?, listener })
    }

    /// The connection of the client. `None`: it ended without one.
    ///
    /// # Errors
    ///
    /// When none comes in time.
    pub(super) fn accept(
        &self,
        within: Duration,
        mut has_ended: impl FnMut() -> bool,
    ) -> io::Result<Option<TcpStream>> {
        let until = Until::after(within);
        let mut is_last_look = false;
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => return Ok(Some(stream)),
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
                Err(_) if is_last_look => return Ok(None),
                Err(_) if until.is_over() => {
                    return Err(io::Error::new(ErrorKind::TimedOut, "the client does not connect"));
                }
                // It may have connected just before it ended.
                Err(_) if has_ended() => is_last_look = true,
                Err(_) => sleep(GLANCE),
            }
        }
    }
}

/// Whether a client ever connects, which is tried out when it matters first.
#[derive(Debug, Default)]
pub(super) struct Connects(OnceLock<bool>);

impl Connects {
    /// What it means that the client has ended without a connection: that it does not take such a mail, if it connects for
    /// one that nobody has a reason to refuse.
    pub(super) fn judge(&self, words: &str, connects: impl FnOnce() -> bool) -> Unavailable {
        if *self.0.get_or_init(connects) {
            Unavailable::Unsupported(format!("the client does not even begin: {words}"))
        } else {
            Unavailable::Unreachable(format!("the client ended without a connection: {words}"))
        }
    }
}

/// What a client lacks whose abilities are known from its profile only.
pub(super) fn lacks_of_client(profile: &Profile, role: Side, need: &Need) -> Result<(), String> {
    if role == Side::Server {
        return Err("it is a client".into());
    }
    let abilities = profile.abilities();
    let has = |list: &[String], name: &str| list.iter().any(|other| other.eq_ignore_ascii_case(name));
    let (ok, lacks) = match need {
        Need::Tls => (abilities.security.iter().any(|way| *way != Security::Plain), "TLS".into()),
        Need::Auth(None) => (!abilities.auth.is_empty(), "AUTH".into()),
        Need::Auth(Some(mechanism)) => (has(&abilities.auth, mechanism), format!("AUTH {mechanism}")),
        Need::Extension(keyword) => (has(&abilities.extensions, keyword), keyword.clone()),
        Need::NoExtension(keyword) => {
            return match has(&abilities.extensions, keyword) {
                true => Err(format!("it knows {keyword}")),
                false => Ok(()),
            };
        }
        Need::Mails(count) if *count > abilities.mails => {
            return Err(format!("its profile says that it sends {} over one connection", abilities.mails));
        }
        Need::Time => return Err("its clock is that of the world".into()),
        Need::App => return Err("nobody can look into its application".into()),
        _ => (true, String::new()),
    };
    profile.has(need)?;
    if ok { Ok(()) } else { Err(format!("its profile does not say that it knows {lacks}")) }
}

/// Whether a client with these abilities can do a job.
pub(super) fn can_do(profile: &Profile, job: &Job) -> Result<(), Unavailable> {
    let abilities = profile.abilities();
    let unsupported = |why: String| Err(Unavailable::Unsupported(why));
    if job.mails.is_empty() {
        return unsupported("there is no mail to send".into());
    }
    if job.mails.len() > abilities.mails {
        return unsupported(format!("its profile says that it sends {} over one connection", abilities.mails));
    }
    if !abilities.security.contains(&job.security) {
        return unsupported(format!("its profile does not say that it knows security={}", job.security));
    }
    if job.login.is_some() && abilities.auth.is_empty() {
        return unsupported("its profile does not say that it knows AUTH".into());
    }
    match &job.mechanism {
        Some(mechanism) if !abilities.auth.iter().any(|other| other.eq_ignore_ascii_case(mechanism)) => {
            unsupported(format!("its profile does not say that it knows AUTH {mechanism}"))
        }
        _ => Ok(()),
    }
}

/// What can be said of a recipient when a client tells only whether it has succeeded: something, if there was only one
/// recipient; and that all were taken, if it says so and none was expected to be refused.
pub(super) fn saw_success(
    expectation: &Expectation,
    only_recipient: Option<&str>,
    result: Result<(), String>,
) -> Option<Result<(), String>> {
    let Expectation::Recipient { outcome, recipient, .. } = expectation else { return None };
    let is_only = only_recipient == Some(recipient.as_str());
    match (outcome, result) {
        (Outcome::Accepted, Ok(())) => Some(Ok(())),
        (Outcome::Accepted, Err(error)) if is_only => Some(Err(format!("the client failed: {error}"))),
        (Outcome::Accepted, Err(_)) => None,
        (_, Err(_)) if is_only => Some(Ok(())),
        (_, Ok(())) if is_only => Some(Err("the client says that the mail was sent".into())),
        (_, _) => None,
    }
}
