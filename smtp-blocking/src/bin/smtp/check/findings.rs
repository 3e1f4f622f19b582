//! What was found, for people and programs.

use std::fmt;

use serde_json::{Value, json};
use smtp_proto::client::Capabilities;

use super::mechanisms::LogIn;
use crate::connect::{Connect, TlsSession, login_word, tls_word};

/// What was found out about a server.
#[derive(Debug)]
pub(super) struct Findings {
    server: String,
    port: u16,
    tls: &'static str,
    certificate_name: String,
    /// What is offered before TLS.
    pub(super) in_clear: Option<Visit>,
    /// The certificate, if one was seen.
    pub(super) certificate: Option<Certificate>,
    /// What is offered inside TLS.
    pub(super) in_tls: Option<Visit>,
    /// How one would log in.
    pub(super) login: Option<LogIn>,
    /// Why no mail could be sent like this.
    pub(super) error: Option<String>,
}

/// What was heard in one session.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) capabilities: Capabilities,
    pub(super) tls: Option<TlsSession>,
}

/// What became of the certificate.
#[derive(Debug)]
pub(super) struct Certificate {
    /// Why it does not verify.
    pub(super) error: Option<String>,
}

impl Findings {
    /// Nothing yet.
    pub(super) fn new(connect: &Connect) -> Self {
        let target = &connect.target;
        Self {
            server: target.server().to_string(),
            port: target.port(),
            tls: tls_word(target.security()),
            certificate_name: target.certificate_name().to_string(),
            in_clear: None,
            certificate: None,
            in_tls: None,
            login: None,
            error: None,
        }
    }

    /// The object that `--json` prints.
    pub(super) fn to_json(&self) -> Value {
        let session = self.in_tls.as_ref().and_then(|visit| visit.tls.as_ref());
        json!({
            "host": self.server,
            "port": self.port,
            "tls": self.tls,
            "before_tls": self.in_clear.as_ref().map(Visit::keywords),
            "inside_tls": self.in_tls.as_ref().map(Visit::keywords),
            "version": session.map(|session| session.version.clone()),
            "cipher": session.map(|session| session.cipher.clone()),
            "certificate": self.certificate.as_ref().map(|certificate| json!({
                "name": self.certificate_name,
                "verified": self.is_verified(),
                "error": certificate.error,
            })),
            "login": self.login.as_ref().map(|login| json!({
                "with": login_word(login.with),
                "mechanism": login.mechanism(),
                "mechanisms": login.mechanisms.iter().map(|(name, judgement)| json!({
                    "name": name, "judgement": judgement.to_string(),
                })).collect::<Vec<_>>(),
                "error": login.error.map(|error| error.to_string()),
            })),
            "error": self.error,
        })
    }

    fn is_verified(&self) -> bool {
        self.in_tls.as_ref().is_some_and(|visit| visit.capabilities.is_verified())
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "server: {}, port {}", self.server, self.port)?;
        if let Some(visit) = &self.in_clear {
            writeln!(f, "before TLS:")?;
            visit.fmt(f)?;
        }
        if let Some(certificate) = &self.certificate {
            let name = &self.certificate_name;
            match &certificate.error {
                Some(error) => writeln!(f, "certificate: does not verify for {name}: {error}")?,
                None if self.is_verified() => writeln!(f, "certificate: verifies for {name}")?,
                None => writeln!(f, "certificate: was not checked")?,
            }
        }
        if let Some(visit) = &self.in_tls {
            if let Some(session) = &visit.tls {
                writeln!(f, "TLS: {}, {}", session.version, session.cipher)?;
            }
            writeln!(f, "inside TLS:")?;
            visit.fmt(f)?;
        }
        let Some(login) = &self.login else { return Ok(()) };
        let with = match login_word(login.with) {
            Some("anonymous") | None => "without credentials".into(),
            Some(word) => format!("with a {word}"),
        };
        match login.mechanism() {
            Some(mechanism) => writeln!(f, "login {with}: {mechanism}")?,
            None if login.mechanisms.is_empty() => writeln!(f, "login {with}: no, AUTH is not offered")?,
            None => writeln!(f, "login {with}: no")?,
        }
        for (name, judgement) in &login.mechanisms {
            writeln!(f, "  {name} {judgement}")?;
        }
        Ok(())
    }
}

impl Visit {
    /// The lines of the answer to EHLO, without the first; `None` if the server only knows HELO.
    fn keywords(&self) -> Option<Vec<String>> {
        let lines = self.capabilities.ehlo()?.keywords().map(|(keyword, arguments)| {
            arguments.fold(keyword.to_owned(), |line, argument| format!("{line} {argument}"))
        });
        Some(lines.collect())
    }
}

impl fmt::Display for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.keywords() {
            None => writeln!(f, "  (only HELO)"),
            Some(lines) => lines.iter().try_for_each(|line| writeln!(f, "  {}", line.escape_debug())),
        }
    }
}
