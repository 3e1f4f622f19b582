//! `smtp-conformance fmt`.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use crate::exit::{Exit, Trouble};
use crate::files;

/// Brings transcripts into their canonical form
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Transcripts, or folders of them
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Changes nothing; tells what would be changed, and fails if something would
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Trouble> {
    let mut out = anstream::stdout().lock();
    let mut exit = Exit::Ok;
    for file in files::read(&options.files)? {
        let path = file.path.display();
        let formatted = match file.transcript {
            Ok(transcript) => transcript.to_string(),
            Err(error) => {
                writeln!(out, "{path}:{}:{}: {}: {}", error.line, error.column, error.problem, error.advice)?;
                exit = Exit::Failed;
                continue;
            }
        };
        if formatted == file.text {
            continue;
        }
        if options.check {
            writeln!(out, "{path}: not in its canonical form")?;
            exit = Exit::Failed;
        } else {
            fs::write(&file.path, formatted).map_err(|error| Trouble::file(&file.path, &error))?;
            writeln!(out, "{path}: changed")?;
        }
    }
    Ok(exit)
}
