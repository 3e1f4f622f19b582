//! `smtp-conformance selftest`.

use std::io::Write as _;

use clap::Args;
use smtp_conformance::mutant::{Mutant, selftest};

use crate::exit::{Exit, Trouble};
use crate::source::Source;

/// Breaks a correct implementation in many ways, and tells whether the transcripts find each
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these mutants
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    source: Source,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Trouble> {
    let mut mutants = Mutant::embedded().map_err(Trouble::usage)?;
    if let Some(name) = options.names.iter().find(|name| mutants.iter().all(|mutant| mutant.name != **name)) {
        return Err(Trouble::usage(format!("no mutant is called {name}")));
    }
    if !options.names.is_empty() {
        mutants.retain(|mutant| options.names.contains(&mutant.name));
    }
    let corpus = options.source.sound_corpus()?;
    let score = selftest(&mutants, corpus.transcripts());
    write!(anstream::stdout().lock(), "{score}")?;
    Ok(if score.is_clean() { Exit::Ok } else { Exit::Failed })
}
