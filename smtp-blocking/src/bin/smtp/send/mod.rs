//! `smtp send`: sends one message.

mod compose;
mod message;
mod progress;
mod report;
mod server;

use core::net::SocketAddr;
use std::io::{self, Write as _};
use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};

use clap::Args;
use smtp_blocking::{Client, Direction, SendError};
use smtp_proto::address::AddressError;
use smtp_proto::body::LineEndings;
use smtp_proto::client::{Config, Envelope, Verdict};
use smtp_proto::command::BodyKind;

use crate::dialogue::{Dialogue, Speaker};
use crate::exit::Exit;
use crate::hostname;
use compose::{Composition, Mailbox};
use message::{Message, MessageError};
use report::Report;
use server::Server;

/// Sends a message and tells what became of every recipient.
///
/// The message comes from a file or from standard input, or is made of --subject, --text, --html, --attach and --inline.
/// Line ends are made CRLF.
///
/// An ADDRESS may have a name: 'Ada Lovelace <ada@example.org>'. The header of a message that is made shows it. A message
/// that comes from a file or from standard input is sent as it is, and --to, --cc and --bcc alike only say who gets it.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Options {
    /// The server; port 25 if none is given.
    #[arg(long, value_name = "HOST[:PORT]")]
    server: Server,
    /// The sender; empty or <> for none.
    #[arg(long, value_name = "ADDRESS")]
    from: Mailbox,
    /// A recipient. May be given more than once.
    #[arg(long, value_name = "ADDRESS", required_unless_present_any = ["cc", "bcc"])]
    to: Vec<Mailbox>,
    /// The name to give in EHLO [default: the host name of this machine].
    #[arg(long, value_name = "NAME")]
    ehlo: Option<String>,
    /// Prints the outcome as a JSON object.
    #[arg(long)]
    json: bool,
    /// Shows the dialogue on standard error, without secrets.
    #[arg(long)]
    trace: bool,
    /// A file with the message [default: standard input, as - is].
    #[arg(value_name = "FILE")]
    message: Option<PathBuf>,
    #[command(flatten)]
    compose: Composition,
}

const EXIT_CODES: &str = "\
Exit codes:
   0  accepted for every recipient
  64  the command line makes no sense
  65  the message cannot be sent as it is
  67  refused for good for some recipient, accepted for others
  68  the server's name has no address
  69  refused for good
  74  input or output failed, or the connection broke when the server may have taken the message
  75  not taken for some recipient, trying again later is right
  76  the server does not keep to the protocol";

/// Sends.
pub(crate) fn run(options: &Options) -> Exit {
    let (config, envelope) = match prepare(options) {
        Ok(prepared) => prepared,
        Err(error) => {
            eprintln!("smtp send: {error}");
            return Exit::Usage;
        }
    };
    let report = send(options, config, envelope);
    if let Some(error) = report.error() {
        eprintln!("smtp send: {error}");
    }
    let text = if options.json { format!("{}\n", report.to_json()) } else { report.to_string() };
    // Where the message is matters more than that nobody could be told.
    let _ = io::stdout().write_all(text.as_bytes());
    report.exit()
}

/// What the command line says, if it makes sense.
fn prepare(options: &Options) -> Result<(Config, Envelope), String> {
    let from = options.from.address();
    if from.is_empty() && options.compose.is_given() {
        return Err("a message cannot be made without --from".into());
    }
    options.compose.check()?;
    let invalid = |option, address: &str, error: AddressError| format!("{option} {address}: {error}");
    let mut envelope = Envelope::new(from).map_err(|error| invalid("--from", from, error))?;
    for (option, to) in options.to.iter().map(|to| ("--to", to)).chain(options.compose.copies()) {
        envelope.add_recipient(to.address()).map_err(|error| invalid(option, to.address(), error))?;
    }
    let name = options.ehlo.clone().unwrap_or_else(hostname::own);
    let mut config = Config::new(&name).map_err(|error| format!("--ehlo {name}: {error}"))?;
    config.line_endings = LineEndings::Normalize;
    Ok((config, envelope))
}

fn send(options: &Options, config: Config, mut envelope: Envelope) -> Report {
    let recipients: Vec<String> = envelope.recipients().map(str::to_owned).collect();
    let not_tried = |exit, error: String| Report::not_tried(&recipients, &Verdict::Temporary(None), exit, error);
    let message = match read(options) {
        Ok(message) => message,
        Err(error @ MessageError::Read { .. }) => return not_tried(Exit::Io, error.to_string()),
        Err(error @ MessageError::NotUtf8 { .. }) => {
            return Report::not_tried(&recipients, &Verdict::Permanent(None), Exit::Data, error.to_string());
        }
    };
    let survey = *message.survey();
    if let Some(offset) = survey.nul {
        let error = format!("the message holds a NUL behind {offset} octets, which no mail may");
        return Report::not_tried(&recipients, &Verdict::Permanent(None), Exit::Data, error);
    }
    envelope = envelope.with_size(survey.octets);
    if survey.is_8bit {
        envelope = envelope.with_body(BodyKind::EightBitMime);
    }
    let Server { host, port } = &options.server;
    let addresses: Vec<SocketAddr> = match (host.as_str(), *port).to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(error) => return not_tried(Exit::NoHost, format!("{host}: {error}")),
    };
    if addresses.is_empty() {
        return not_tried(Exit::NoHost, format!("{host} has no address"));
    }
    let mut client = match Client::connect(&addresses[..], config) {
        Ok(client) => client,
        Err(error) => return not_tried(Exit::Temporary, format!("no connection to {host}, port {port}: {error}")),
    };
    if options.trace {
        client.observe(tracer());
    }
    let report = match client.send(envelope, progress::shown(message, survey.octets, options.trace)) {
        Ok(outcome) => Report::new(&outcome, client.transport_error()),
        Err(SendError::Body { error, outcome }) => {
            Report::unread(&outcome, format!("the message cannot be read: {error}"))
        }
        Err(error) => return not_tried(Exit::Temporary, error.to_string()),
    };
    client.quit();
    report
}

fn read(options: &Options) -> Result<Message, MessageError> {
    if options.compose.is_given() {
        let octets = options.compose.compose(&options.from, &options.to)?;
        return Message::from_octets(octets).map_err(MessageError::read("the message that was made"));
    }
    match options.message.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => Message::from_file(path).map_err(MessageError::read(path.display())),
        None => Message::from_stream(io::stdin().lock()).map_err(MessageError::read("standard input")),
    }
}

fn tracer() -> impl FnMut(Direction, &[u8]) + Send {
    let mut dialogue = Dialogue::new();
    move |direction, octets| {
        let speaker = match direction {
            Direction::Received => Speaker::Server,
            Direction::Sent => Speaker::Client,
        };
        // A trace that nobody reads does not keep a mail from being sent.
        let _ = dialogue.hear(speaker, octets, &mut io::stderr().lock());
    }
}
