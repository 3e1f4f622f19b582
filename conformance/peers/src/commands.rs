//! Mail programs that are told in their environment what to send, as the conformance suite tells its `client:` targets.

use crate::programs::{find, is_root, node, require, script};

/// A mail program that sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Python's own library.
    Smtplib,
    /// curl.
    Curl,
    /// swaks.
    Swaks,
    /// msmtp.
    Msmtp,
    /// nodemailer.
    Nodemailer,
    /// The outgoing side of Postfix.
    Postfix,
    /// The outgoing side of Exim.
    Exim,
}

impl Sender {
    /// The command for `sh -c` that sends what stands in the environment; `None`, said out loud, if it is not installed.
    /// The environment is that of a `client:` target.
    #[must_use]
    pub fn command(self) -> Option<String> {
        let (name, program, run, file) = match self {
            Self::Smtplib => ("smtplib", find("python3"), "python3", "client_smtplib.py"),
            Self::Curl => ("curl", find("curl"), "sh", "client_curl.sh"),
            Self::Swaks => ("swaks", find("swaks"), "sh", "client_swaks.sh"),
            Self::Msmtp => ("msmtp", find("msmtp"), "sh", "client_msmtp.sh"),
            Self::Nodemailer => ("nodemailer", node("nodemailer"), "node", "client_nodemailer.js"),
            Self::Postfix => ("Postfix", find("postconf").filter(|_| is_root()), "sh -eu", "client_postfix.sh"),
            Self::Exim => ("Exim", find("exim4").or_else(|| find("exim")), "sh -eu", "client_exim.sh"),
        };
        require(name, program.ok_or("not installed, or only root can start it"))?;
        Some(format!("exec {run} '{}'", script(file).display()))
    }
}
