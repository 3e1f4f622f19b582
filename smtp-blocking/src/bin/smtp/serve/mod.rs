//! `smtp serve`: takes mail into a Maildir.

mod maildir;
mod session;
mod trace;

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
use maildir::Maildir;
use session::{Receiver, Store};
use trace::Trace;

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
}

/// Serves until Ctrl-C.
pub(crate) fn run(options: Options) -> Exit {
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
    match serve(&options, config) {
        Ok(()) => Exit::Ok,
        Err(error) => {
            eprintln!("smtp serve: {error}");
            Exit::Io
        }
    }
}

fn serve(options: &Options, config: Config) -> io::Result<()> {
    let about = |what: String| move |error: io::Error| io::Error::new(error.kind(), format!("{what}: {error}"));
    let hostname = config.hostname().to_owned();
    let maildir = Maildir::open(&options.maildir, &hostname).map_err(about(options.maildir.display().to_string()))?;
    let mut server = Server::bind(&options.listen, config).map_err(about(options.listen.clone()))?;
    if options.trace {
        let trace = Arc::new(Trace::new());
        server = server.with_observer(move |peer| Trace::observer(&trace, peer));
    }
    end_on_signal(server.handle()).map_err(io::Error::other)?;
    let address = server.local_addr();
    // Nobody may be there to read it.
    let _ = writeln!(io::stdout(), "listening on {address}, storing mail in {}", options.maildir.display());
    let store = Arc::new(Store::new(maildir, hostname, options.raw));
    server.serve(move |peer| Receiver::new(Arc::clone(&store), peer))
}

/// Ends the service at the first Ctrl-C (or SIGTERM, or SIGHUP), and the program at the second.
fn end_on_signal(handle: Handle) -> Result<(), ctrlc::Error> {
    let is_ending = AtomicBool::new(false);
    ctrlc::set_handler(move || {
        if is_ending.swap(true, Ordering::Relaxed) {
            process::exit(INTERRUPTED);
        }
        handle.shutdown();
    })
}

/// What shells say of a program that SIGINT ended.
const INTERRUPTED: i32 = 130;
