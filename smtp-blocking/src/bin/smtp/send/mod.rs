//! `smtp send`: sends one message.

mod compose;
mod message;
mod progress;
mod report;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use smtp_blocking::SendError;
use smtp_proto::address::AddressError;
use smtp_proto::body::LineEndings;
use smtp_proto::client::{Envelope, Failure, Stage, Verdict};
use smtp_proto::command::BodyKind;

use crate::connect::{Connect, ConnectOptions, MessageFrom, Plan};
use crate::dialogue;
use crate::exit::Exit;
use compose::{Composition, Mailbox};
use message::{Message, MessageError};
use report::Report;

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
    /// The sender; empty or <> for none.
    #[arg(long, value_name = "ADDRESS")]
    from: Mailbox,
    /// A recipient. May be given more than once.
    #[arg(long, value_name = "ADDRESS", required_unless_present_any = ["cc", "bcc"])]
    to: Vec<Mailbox>,
    /// Prints what would be done, connects to nothing and reads no password.
    #[arg(long)]
    dry_run: bool,
    /// Prints the outcome, or what would be done, as a JSON object.
    #[arg(long)]
    json: bool,
    /// Shows the dialogue on standard error, without secrets.
    #[arg(long)]
    trace: bool,
    /// A file with the message [default: standard input, as - is].
    #[arg(value_name = "FILE")]
    message: Option<PathBuf>,
    #[command(flatten)]
    connect: ConnectOptions,
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
  76  the server does not keep to the protocol, or TLS is not to be had: it is required and not offered, the handshake
      fails, or the certificate does not verify
  77  the server does not let us log in: it refuses the password or token, it offers no mechanism for them, or they may
      not go out without TLS and a certificate that verifies";

/// Sends.
pub(crate) fn run(options: &Options) -> Exit {
    let (connect, envelope) = match prepare(options) {
        Ok(prepared) => prepared,
        Err(error) => {
            eprintln!("smtp send: {error}");
            return Exit::Usage;
        }
    };
    if options.dry_run {
        let plan = Plan { connect: &connect, envelope: &envelope, message: message_from(options) };
        print(if options.json { format!("{}\n", plan.to_json()) } else { plan.to_string() });
    }
    if let Some(missing) = connect.missing() {
        eprintln!("smtp send: {missing}");
        return Exit::Usage;
    }
    if options.dry_run {
        return match connect.target.mechanisms() {
            Ok(_) => Exit::Ok,
            Err(error) => {
                eprintln!("smtp send: {error}");
                Exit::NoPermission
            }
        };
    }
    let report = send(options, &connect, envelope);
    if let Some(error) = report.error() {
        eprintln!("smtp send: {error}");
    }
    print(if options.json { format!("{}\n", report.to_json()) } else { report.to_string() });
    report.exit()
}

/// What the command line says, if it makes sense.
fn prepare(options: &Options) -> Result<(Connect, Envelope), String> {
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
    let connect = options.connect.resolve(Some(from))?;
    Ok((connect, envelope))
}

fn send(options: &Options, connect: &Connect, mut envelope: Envelope) -> Report {
    let recipients: Vec<String> = envelope.recipients().map(str::to_owned).collect();
    let not_tried = |exit, error: String| Report::not_tried(&recipients, &Verdict::Temporary(None), exit, error);
    let credentials = match connect.credentials() {
        Ok(credentials) => credentials,
        Err(error) => return not_tried(Exit::Io, error),
    };
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
    let mut config = connect.config();
    config.credentials = credentials;
    config.line_endings = LineEndings::Normalize;
    connect.warn();
    let mut client = match connect.open(config, false) {
        Ok(client) => client,
        Err((exit, error)) => return not_tried(exit, error),
    };
    if options.trace {
        client.observe(dialogue::tracer());
    }
    let report = match client.send(envelope, progress::shown(message, survey.octets, options.trace)) {
        Ok(outcome) => {
            let hint = match outcome.failure() {
                Some(Failure::Connection(reason)) => connect.hint(&client, reason, outcome.stage() > Stage::Greeting),
                _ => None,
            };
            Report::new(&outcome, client.transport_error(), hint)
        }
        Err(SendError::Body { error, outcome }) => {
            Report::unread(&outcome, format!("the message cannot be read: {error}"))
        }
        Err(error) => return not_tried(Exit::Temporary, error.to_string()),
    };
    client.quit();
    report
}

/// Prints the outcome. What became of the message matters more than that nobody could be told.
fn print(text: String) {
    let _ = io::stdout().write_all(text.as_bytes());
}

fn message_from(options: &Options) -> MessageFrom<'_> {
    if options.compose.is_given() {
        return MessageFrom::Options;
    }
    match options.message.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => MessageFrom::File(path),
        None => MessageFrom::StandardInput,
    }
}

fn read(options: &Options) -> Result<Message, MessageError> {
    match message_from(options) {
        MessageFrom::Options => {
            let octets = options.compose.compose(&options.from, &options.to)?;
            Message::from_octets(octets).map_err(MessageError::read("the message that was made"))
        }
        MessageFrom::File(path) => Message::from_file(path).map_err(MessageError::read(path.display())),
        MessageFrom::StandardInput => {
            Message::from_stream(io::stdin().lock()).map_err(MessageError::read("standard input"))
        }
    }
}
