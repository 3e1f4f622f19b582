//! `smtp-conformance`: replays the transcripts of the conformance suite against servers and clients.

mod copy;
mod coverage;
mod exit;
mod files;
mod format;
mod lint;
mod list;
mod record;
mod run;
mod selftest;
mod show;
mod source;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::exit::Exit;

/// Replays the transcripts of the SMTP conformance suite against servers and clients.
///
/// Without a subcommand all transcripts run on the five implementations of this project. Exit codes: 0 all as it has to be,
/// 1 something fails or is not as the baseline says, 2 the command line makes no sense, 3 a target cannot be reached.
#[derive(Debug, Parser)]
#[command(name = "smtp-conformance", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::Options>),
    List(list::Options),
    Show(show::Options),
    Copy(copy::Options),
    Record(record::Options),
    Fmt(format::Options),
    Lint(lint::Options),
    Coverage(coverage::Options),
    Selftest(selftest::Options),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing is left to tell it to when this fails.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Ok }.into();
        }
    };
    let done = match arguments.command {
        None => run::run(&arguments.run),
        Some(Command::Run(options)) => run::run(&options),
        Some(Command::List(options)) => list::run(&options),
        Some(Command::Show(options)) => show::run(&options),
        Some(Command::Copy(options)) => copy::run(&options),
        Some(Command::Record(options)) => record::run(&options),
        Some(Command::Fmt(options)) => format::run(&options),
        Some(Command::Lint(options)) => lint::run(&options),
        Some(Command::Coverage(options)) => coverage::run(&options),
        Some(Command::Selftest(options)) => selftest::run(&options),
    };
    exit::told(done).into()
}
