//! `smtp-conformance copy`.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use smtp_conformance::corpus::Corpus;

use crate::exit::{Exit, Trouble};

/// Copies the transcripts of the suite into a folder, to read and to change them
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The folder. Nothing in it is overwritten
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Trouble> {
    let number = Corpus::embedded().copy(&options.folder).map_err(Trouble::usage)?;
    writeln!(anstream::stdout(), "{number} files in {}", options.folder.display())?;
    Ok(Exit::Ok)
}
