//! A server that is a command, and speaks on its standard input and output.

use core::time::Duration;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use super::link::{Line, Link, Sight};
use super::process::Process;
use super::socket::{lacks_of_server, trust};
use super::{Target, Unavailable, Variables, Wire};
use crate::profile::Profile;
use crate::transcript::{Act, Need, Side};

/// A server that is started for every connection and speaks on its standard input and output, as `inetd` runs them:
/// `cmd:/usr/sbin/exim -bs`.
///
/// The command runs by `sh -c`. Its standard input and output are one end of a pair of connected sockets; what it writes
/// on standard error is shown when it says nothing else. When the connection is over it has a second to end by itself,
/// and is then killed with all that it has started.
#[derive(Debug)]
pub struct CommandTarget {
    name: String,
    command: String,
    profile: Profile,
}

/// How long the server may still do what it has promised.
const GRACE: Duration = Duration::from_secs(1);

impl CommandTarget {
    /// The server that this command is.
    #[must_use]
    pub fn new(command: &str, profile: Profile) -> Self {
        let name = profile.name().map_or_else(|| format!("cmd:{command}"), str::to_owned);
        Self { name, command: command.into(), profile }
    }

    fn start(&self) -> io::Result<(Link, Process)> {
        let (ours, theirs) = UnixStream::pair()?;
        let output = theirs.try_clone()?;
        let process = Process::start(&self.command, |command, _| {
            command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::from(OwnedFd::from(output)));
        })?;
        let link = Link::new(ours, trust(&self.profile, &self.profile.variables().domain)?, self.profile.patience());
        Ok((link, process))
    }
}

impl Target for CommandTarget {
    fn name(&self) -> &str {
        &self.name
    }

    fn variables(&self) -> &Variables {
        self.profile.variables()
    }

    fn offers(&self, role: Side, need: &Need) -> Result<(), String> {
        lacks_of_server(&self.profile, role, need)
    }

    fn connect(&self, setup: &[Act]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        super::socket::takes_no_setup(setup)?;
        let unreachable = |error: io::Error| Unavailable::Unreachable(format!("{}: {error}", self.command));
        let (mut link, mut process) = self.start().map_err(unreachable)?;
        if link.await_first(self.profile.patience()).map_err(unreachable)? {
            process.wait(GRACE);
            let why = process.last_words();
            return Err(Unavailable::Unreachable(format!("`{}` ended and said nothing: {why}", self.command)));
        }
        Ok(Box::new(Line { link, sight: Serving(process) }))
    }

    fn launch(&self, _: &[Act], _: &[(String, Vec<u8>)]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        Err(Unavailable::Unsupported("it is a server".into()))
    }
}

/// The process of one connection.
struct Serving(Process);

impl Sight for Serving {}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.wait(GRACE);
    }
}
