//! `smtp serve`: takes mail into a Maildir.

mod certificate;
mod faults;
mod maildir;
mod refusal;
mod rejections;
mod session;
mod tls;
mod trace;
mod users;

use core::num::{NonZeroU32, NonZeroU64};
use core::sync::atomic::{AtomicBool, Ordering};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process;
use std::sync::Arc;

use clap::Args;
use smtp_blocking::{Handle, Server};
use smtp_proto::server::Config;

use crate::exit::Exit;
use crate::hostname;
use faults::{Fault, Faults};
use maildir::Maildir;
use rejections::{Rejection, Rejections};
use session::{Receiver, Store};
use tls::TlsOptions;
use trace::Trace;
use users::UserOptions;

/// Takes mail for everybody and stores it in a Maildir.
///
/// A message is safe on disk before the client is told 250. Ctrl-C ends the service when the transfers in progress are
/// over, a second one at once.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Where to listen.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:1025")]
    listen: String,
    /// The folder for the messages; it is created if it is not there.
    #[arg(long, value_name = "FOLDER", default_value = "mail")]
    maildir: PathBuf,
    /// The name of this server [default: the host name of this machine].
    #[arg(long, value_name = "NAME")]
    hostname: Option<String>,
    /// The largest message to take, in octets [default: 26214400].
    #[arg(long, value_name = "OCTETS")]
    max_size: Option<NonZeroU64>,
    /// Errors of a client that are answered; at the next one it is told 421 [default: 10].
    #[arg(long, value_name = "COUNT")]
    max_errors: Option<NonZeroU32>,
    /// Stores exactly the octets received, without Return-Path and Received.
    #[arg(long)]
    raw: bool,
    /// Shows the dialogues on standard error, without secrets.
    #[arg(long)]
    trace: bool,
    #[command(flatten)]
    tls: TlsOptions,
    #[command(flatten)]
    users: UserOptions,
    #[command(flatten)]
    tests: Tests,
}

/// What the server does to test a client.
#[derive(Args, Debug)]
#[command(next_help_heading = "To test a client")]
struct Tests {
    /// Refuses mail for these recipients: * stands for any run of characters, case does not matter. CODE is 4yz or 5yz
    /// [default: 550]. May be given more than once; the first that fits counts.
    #[arg(long, value_name = "PATTERN[:CODE]")]
    reject_rcpt: Vec<Rejection>,
    /// Lets something go wrong, to test clients. VERB: CONNECT, EHLO (not HELO), AUTH, MAIL, RCPT, DATA, or DOT, the end
    /// of the message. ACTION: a reply code 4yz or 5yz, delay=SECONDS before the usual answer, or drop, which closes the
    /// connection without an answer. May be given more than once; those of one verb act in their order.
    #[arg(long, value_name = "VERB:ACTION")]
    fault: Vec<Fault>,
}

/// Serves until Ctrl-C.
pub(crate) fn run(options: &Options) -> Exit {
    let hostname = options.hostname.clone().unwrap_or_else(hostname::own);
    let mut config = match Config::new(&hostname) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("smtp serve: --hostname {hostname}: {error}");
            return Exit::Usage;
        }
    };
    config.limits.message_size = options.max_size.unwrap_or(config.limits.message_size);
    config.limits.hard_errors = options.max_errors.unwrap_or(config.limits.hard_errors);
    config.tls = options.tls.policy();
    config.auth = match options.users.policy(config.tls, options.tls.verifies_clients()) {
        Ok(policy) => policy,
        Err(error) => {
            eprintln!("smtp serve: {error}");
            return Exit::Usage;
        }
    };
    let faults = match Faults::new(options.tests.fault.clone()) {
        Ok(faults) => Arc::new(faults),
        Err(error) => {
            eprintln!("smtp serve: {error}");
            return Exit::Usage;
        }
    };
    // An answer that is late on purpose is not one that failed.
    config.timeouts.decision += faults.longest_delay();
    match serve(options, config, &faults) {
        Ok(()) => Exit::Ok,
        Err(error) => {
            eprintln!("smtp serve: {error}");
            Exit::Io
        }
    }
}

fn serve(options: &Options, mut config: Config, faults: &Arc<Faults>) -> io::Result<()> {
    let about = |what: String| move |error: io::Error| io::Error::new(error.kind(), format!("{what}: {error}"));
    let hostname = config.hostname().to_owned();
    let maildir = Maildir::open(&options.maildir, &hostname).map_err(about(options.maildir.display().to_string()))?;
    let tls = options.tls.load(&hostname)?;
    getrandom::fill(&mut config.auth.decoy_key)?;
    let users = options.users.load(config.auth.decoy_key)?;
    let mut server = Server::bind(&options.listen, config).map_err(about(options.listen.clone()))?;
    if let Some(loaded) = &tls {
        server = server.with_tls(loaded.tls.clone());
    }
    if options.trace {
        let trace = Arc::new(Trace::new());
        server = server.with_observer(move |peer| Trace::observer(&trace, peer));
    }
    end_on_signal(server.handle(), Arc::clone(faults)).map_err(io::Error::other)?;
    let address = server.local_addr();
    // Nobody may be there to read it.
    let _ = writeln!(io::stdout(), "listening on {address}, storing mail in {}", options.maildir.display());
    if let Some(fingerprint) = tls.and_then(|loaded| loaded.fingerprint) {
        let _ = writeln!(io::stdout(), "certificate made now, SHA-256 fingerprint {fingerprint}");
    }
    let store = Arc::new(Store::new(maildir, hostname, options.raw, users));
    let (faults, rejections) = (Arc::clone(faults), Arc::new(Rejections::new(options.tests.reject_rcpt.clone())));
    server.serve(move |peer| Receiver::new(Arc::clone(&store), Arc::clone(&faults), Arc::clone(&rejections), peer))
}

/// Ends the service at the first Ctrl-C (or SIGTERM, or SIGHUP), and the program at the second.
fn end_on_signal(handle: Handle, faults: Arc<Faults>) -> Result<(), ctrlc::Error> {
    let is_ending = AtomicBool::new(false);
    ctrlc::set_handler(move || {
        if is_ending.swap(true, Ordering::Relaxed) {
            process::exit(INTERRUPTED);
        }
        handle.shutdown();
        faults.end_delays();
    })
}

/// What shells say of a program that SIGINT ended.
const INTERRUPTED: i32 = 130;
