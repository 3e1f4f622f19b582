//! `smtp check`: what a server offers, without a mail.

mod findings;
mod mechanisms;

use std::io::{self, Write as _};

use clap::Args;
use smtp_proto::client::Security;
use smtp_proto::submission::Login;

use crate::connect::{Connect, ConnectOptions, Ended, TlsSession};
use crate::exit::Exit;
use findings::{Certificate, Findings, Visit};
use mechanisms::judge;

/// Shows what a server offers before and after TLS, whether its certificate verifies, and how one would log in.
///
/// Nobody logs in, no password is read and no mail is sent.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Options {
    /// Prints what was found as a JSON object.
    #[arg(long)]
    json: bool,
    /// Shows the dialogues on standard error.
    #[arg(long)]
    trace: bool,
    #[command(flatten)]
    connect: ConnectOptions,
}

const EXIT_CODES: &str = "\
Exit codes:
   0  a mail could be sent like this, as far as can be seen without logging in
  64  the command line makes no sense
  68  the server's name has no address
  69  the server refuses service
  75  no connection, or it broke: trying again later is right
  76  the server does not keep to the protocol, or TLS is not to be had: it is required and not offered, the handshake
      fails, or the certificate does not verify
  77  there is no way to log in with what was given";

/// Checks.
pub(crate) fn run(options: &Options) -> Exit {
    let connect = match options.connect.resolve(None) {
        Ok(connect) => connect,
        Err(error) => {
            eprintln!("smtp check: {error}");
            return Exit::Usage;
        }
    };
    connect.warn();
    let (findings, exit) = check(&connect, options.trace);
    if let Some(error) = &findings.error {
        eprintln!("smtp check: {error}");
    }
    let text = if options.json { format!("{}\n", findings.to_json()) } else { findings.to_string() };
    // The exit code says the most of it.
    let _ = io::stdout().write_all(text.as_bytes());
    exit
}

fn check(connect: &Connect, trace: bool) -> (Findings, Exit) {
    let mut findings = Findings::new(connect);
    let exit = look(connect, trace, &mut findings).err().unwrap_or(Exit::Ok);
    (findings, exit)
}

/// Looks from outside in. The error is the exit code; what it is stands in the findings.
fn look(connect: &Connect, trace: bool, findings: &mut Findings) -> Result<(), Exit> {
    let security = connect.target.security();
    let ended = |findings: &mut Findings, ended: Ended| {
        findings.error = Some(ended.error);
        ended.exit
    };
    if security != Security::Implicit {
        let visit = visit(connect, Security::Plain, false, trace).map_err(|error| ended(findings, error))?;
        findings.in_clear = Some(visit);
    }
    if security != Security::Plain {
        match visit(connect, security, false, trace) {
            Ok(visit) => {
                let error = |tls: &TlsSession| Certificate { error: tls.certificate_error.clone() };
                findings.certificate = visit.tls.as_ref().map(error);
                findings.in_tls = Some(visit).filter(|visit| visit.tls.is_some());
            }
            Err(error) => {
                // What lies behind a certificate that does not verify can be looked at all the same: nobody logs in.
                if error.certificate.is_some() {
                    findings.certificate = Some(Certificate { error: error.certificate.clone() });
                    findings.in_tls = visit_unverified(connect, trace);
                }
                findings.judge(connect);
                return Err(ended(findings, error));
            }
        }
    }
    findings.judge(connect);
    if connect.target.login() != Login::Nobody
        && let Some(error) = findings.login.as_ref().and_then(|login| login.error)
    {
        findings.error = Some(error.to_string());
        return Err(Exit::NoPermission);
    }
    Ok(())
}

fn visit_unverified(connect: &Connect, trace: bool) -> Option<Visit> {
    visit(connect, connect.target.security(), true, trace).ok()
}

/// Begins a session, hears what is offered, and leaves.
fn visit(connect: &Connect, security: Security, unverified: bool, trace: bool) -> Result<Visit, Ended> {
    let mut config = connect.config();
    config.security = security;
    let mut session = connect.begin(config, unverified, trace)?;
    let visit = Visit { capabilities: session.capabilities()?, tls: session.tls() };
    session.quit();
    Ok(visit)
}

impl Findings {
    /// Whether and how one would log in where the mail would be sent.
    fn judge(&mut self, connect: &Connect) {
        let visit = self.in_tls.as_ref().or(self.in_clear.as_ref());
        self.login = visit.map(|visit| judge(connect, visit));
    }
}
