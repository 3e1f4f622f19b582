//! The server of the Node world.

use core::net::SocketAddr;
use std::process::Command;

use super::script::Script;
use super::{LoginServer, Security, Server, Stored};
use crate::programs::{find, free_address, node, require};

/// The package smtp-server, with GNU SASL for SCRAM.
pub struct SmtpServer(Script);

impl SmtpServer {
    fn start_at(address: SocketAddr, security: Option<Security<'_>>) -> Option<Self> {
        let node = require("smtp-server", node("smtp-server").ok_or("no Node here has the package"))?;
        if security.is_some() {
            require("smtp-server with SCRAM", find("gsasl").ok_or("GNU SASL is not installed"))?;
        }
        Some(Self(Script::start(Command::new(node), "smtp_server.js", address, security)))
    }
}

impl Server for SmtpServer {
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

impl LoginServer for SmtpServer {
    fn start_login(address: SocketAddr, security: Security<'_>) -> Option<Self> {
        Self::start_at(address, Some(security))
    }

    fn logins(&self) -> Vec<String> {
        self.0.logins()
    }
}
