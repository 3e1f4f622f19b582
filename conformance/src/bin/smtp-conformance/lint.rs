//! `smtp-conformance lint`.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use smtp_conformance::corpus::Corpus;
use smtp_conformance::transcript::lint;

use crate::exit::{Exit, Trouble};
use crate::files;

/// Tells what is odd about transcripts that can be read all the same
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Transcripts, or folders of them. Without any, the transcripts of the suite
    files: Vec<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Trouble> {
    let mut out = anstream::stdout().lock();
    let mut number = 0;
    if options.files.is_empty() {
        for remark in lint::corpus(Corpus::embedded()) {
            writeln!(out, "{remark}")?;
            number += 1;
        }
    }
    for path in &options.files {
        // A folder is looked at as a whole, too: titles that stand there twice, files that nothing names.
        if path.is_dir() {
            let corpus = Corpus::read(path).map_err(Trouble::usage)?;
            for remark in lint::corpus(&corpus) {
                writeln!(out, "{}", path.join(remark.to_string()).display())?;
                number += 1;
            }
            continue;
        }
        for file in files::read(core::slice::from_ref(path))? {
            let path = file.path.display();
            match file.transcript {
                Err(error) => {
                    writeln!(out, "{path}:{}:{}: {}: {}", error.line, error.column, error.problem, error.advice)?;
                    number += 1;
                }
                Ok(transcript) => {
                    for remark in lint::transcript(&transcript) {
                        match remark.line {
                            Some(line) => writeln!(out, "{path}:{line}: {}", remark.what)?,
                            None => writeln!(out, "{path}: {}", remark.what)?,
                        }
                        number += 1;
                    }
                }
            }
        }
    }
    Ok(if number == 0 { Exit::Ok } else { Exit::Failed })
}
