//! The asyncio server of the Python world.

use core::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::script::Script;
use super::{LoginServer, Security, Server, Stored};
use crate::programs::{find, free_address, require};

/// aiosmtpd.
pub struct Aiosmtpd(Script);

impl Aiosmtpd {
    /// Starts it at this address; `None`, said out loud, if it is not installed.
    pub fn start_at(address: SocketAddr, security: Option<Security<'_>>) -> Option<Self> {
        let python = require("aiosmtpd", python().ok_or("no Python here can import it"))?;
        Some(Self(Script::start(Command::new(python), "aiosmtpd_server.py", address, security)))
    }
}

impl Server for Aiosmtpd {
    fn start() -> Option<Self> {
        Self::start_at(free_address(), None)
    }

    fn address(&self) -> SocketAddr {
        self.0.address()
    }

    fn stored(&self) -> Vec<Stored> {
        self.0.stored()
    }
}

impl LoginServer for Aiosmtpd {
    fn start_login(address: SocketAddr, security: Security<'_>) -> Option<Self> {
        Self::start_at(address, Some(security))
    }

    fn logins(&self) -> Vec<String> {
        self.0.logins()
    }
}

/// A Python that has the module: the one on the path, or that of the system.
fn python() -> Option<PathBuf> {
    let candidates = [find("python3"), Some("/usr/bin/python3".into())];
    candidates.into_iter().flatten().find(|python| {
        let mut import = Command::new(python);
        import.args(["-c", "import aiosmtpd"]).stderr(Stdio::null());
        import.status().is_ok_and(|status| status.success())
    })
}
