//! `smtp`: takes mail, sends mail, and checks what people write in SMTP.

mod check;
mod connect;
mod date;
mod dialogue;
mod escape;
mod exit;
mod hostname;
mod parse;
mod send;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::exit::Exit;

/// Takes mail, sends mail, and checks SMTP syntax.
#[derive(Debug, Parser)]
#[command(name = "smtp", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Box<serve::Options>),
    Send(Box<send::Options>),
    Check(check::Options),
    Parse(parse::Options),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing is left to tell it to when this fails.
            let _ = error.print();
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            return exit.into();
        }
    };
    let exit = match arguments.command {
        Command::Serve(options) => serve::run(&options),
        Command::Send(options) => send::run(&options),
        Command::Check(options) => check::run(&options),
        Command::Parse(options) => parse::run(&options),
    };
    exit.into()
}
