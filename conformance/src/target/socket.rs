//! A server somewhere in the network.

use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::Instant;

use smtp_tls::{ClientTls, TlsError, read_certificates, server_name};

use super::link::{Line, Link, TlsEnd};
use super::{Target, Unavailable, Variables, Wire};
use crate::profile::Profile;
use crate::transcript::{Act, Need, Side, Tag};

/// A server that listens already: `tcp://HOST:PORT`, or `tls://HOST:PORT` where TLS begins with the first octet.
///
/// It counts as somebody's live server, for which only transcripts that are safe are meant, unless the profile says that
/// it is the user's own.
///
/// # TLS
///
/// Without certificates of an authority in the profile ([`Profile::trust`]) every certificate is taken: a server that is
/// tested mostly has none that verifies, and nothing is sent to it but what stands in transcripts, and the login of the
/// profile, which therefore should be a login for tests.
#[derive(Debug)]
pub struct SocketTarget {
    name: String,
    host: String,
    port: u16,
    is_implicit: bool,
    profile: Profile,
    /// When the next connection may be made.
    next: Mutex<Option<Instant>>,
}

impl SocketTarget {
    /// The server at this host and port. `is_implicit`: TLS begins with the first octet.
    #[must_use]
    pub fn new(host: &str, port: u16, is_implicit: bool, profile: Profile) -> Self {
        let scheme = if is_implicit { "tls" } else { "tcp" };
        let shown = if host.contains(':') { format!("[{host}]") } else { host.into() };
        let name = profile.name().map_or_else(|| format!("{scheme}://{shown}:{port}"), str::to_owned);
        Self { name, host: host.into(), port, is_implicit, profile, next: Mutex::new(None) }
    }

    /// Waits until the rate of the profile allows a connection.
    fn wait_for_turn(&self) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let turn = next.map_or(now, |next| next.max(now));
        *next = Some(turn + self.profile.pause());
        drop(next);
        sleep(turn - now);
    }

    fn dial(&self) -> io::Result<Link> {
        let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, self.profile.patience()) {
                Ok(stream) => {
                    return Link::over_tcp(stream, trust(&self.profile, &self.host)?, self.profile.patience());
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl Target for SocketTarget {
    fn name(&self) -> &str {
        &self.name
    }

    fn variables(&self) -> &Variables {
        self.profile.variables()
    }

    fn offers(&self, role: Side, need: &Need) -> Result<(), String> {
        if self.is_implicit && *need == Need::Tls {
            return Err("there is no STARTTLS where TLS begins with the first octet".into());
        }
        lacks_of_server(&self.profile, role, need)
    }

    fn is_live(&self) -> bool {
        !self.profile.is_own()
    }

    fn allowed(&self) -> &[Tag] {
        self.profile.allowed()
    }

    fn connect(&self, setup: &[Act]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        takes_no_setup(setup)?;
        self.wait_for_turn();
        let unreachable = |error: io::Error| Unavailable::Unreachable(format!("{}:{}: {error}", self.host, self.port));
        let mut link = self.dial().map_err(unreachable)?;
        if self.is_implicit {
            link.start_tls(false).map_err(unreachable)?;
        }
        Ok(Box::new(Line { link, sight: () }))
    }

    fn launch(&self, _: &[Act], _: &[(String, Vec<u8>)]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        Err(Unavailable::Unsupported("it is a server".into()))
    }
}

/// How the harness makes TLS with the server of this name.
pub(super) fn trust(profile: &Profile, name: &str) -> Result<TlsEnd, TlsError> {
    let tls = match profile.authorities() {
        Some(pem) => ClientTls::with_roots(read_certificates(pem)?)?,
        None => ClientTls::insecure(),
    };
    Ok(TlsEnd::Client(tls, server_name(name)?))
}

/// What a server lacks that nobody can look into.
pub(super) fn lacks_of_server(profile: &Profile, role: Side, need: &Need) -> Result<(), String> {
    if role == Side::Client {
        return Err("it is a server".into());
    }
    profile.has(need)?;
    match need {
        Need::Time => Err("its clock is that of the world".into()),
        Need::App => Err("nobody can tell its application what to say".into()),
        Need::Mails(_) => Err("it is a server".into()),
        _ => Ok(()),
    }
}

/// Its application says what it says.
pub(super) fn takes_no_setup(setup: &[Act]) -> Result<(), Unavailable> {
    match setup {
        [] => Ok(()),
        _ => Err(Unavailable::Unsupported("nobody can tell this server how to be set up".into())),
    }
}
