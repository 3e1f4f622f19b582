//! `smtp-conformance show`.

use std::io::{self, Write};

use anstyle::Style;
use clap::Args;
use smtp_conformance::catalogue::{self, Requirement};
use smtp_conformance::corpus::Corpus;

use crate::exit::{Exit, Trouble};
use crate::source::Source;

/// Shows a transcript with the requirements that it covers, or a requirement with the transcripts that cover it
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// As in `rfc5321/4.1.1.4/lf-dot-lf` or `R-4.1.1.4-10`
    #[arg(value_name = "ID|GLOB", required = true)]
    ids: Vec<String>,
    #[command(flatten)]
    source: Source,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Trouble> {
    let corpus = options.source.corpus()?;
    let mut out = anstream::stdout().lock();
    for id in &options.ids {
        if let Some(requirement) = catalogue::requirement(id) {
            show_requirement(requirement, &corpus, &mut out)?;
            continue;
        }
        for transcript in corpus.select(&[id]).map_err(Trouble::usage)? {
            writeln!(out, "{BOLD}{}{BOLD:#}\n", transcript.id)?;
            for id in &transcript.covers {
                if let Some(requirement) = catalogue::requirement(id) {
                    show_statement(requirement, &mut out)?;
                }
            }
            writeln!(out, "\n{transcript}")?;
        }
    }
    Ok(Exit::Ok)
}

fn show_requirement(requirement: &Requirement, corpus: &Corpus, out: &mut impl Write) -> io::Result<()> {
    show_statement(requirement, out)?;
    let Requirement { rfc, section, line, .. } = requirement;
    writeln!(out, "\nRFC {rfc}, section {section}, line {line}")?;
    writeln!(out, "binds: {}", requirement.actor.as_str())?;
    writeln!(out, "shows: {}", requirement.checkable.as_str())?;
    if let Some(reason) = catalogue::exception(requirement.id) {
        writeln!(out, "no transcript can show it: {reason}")?;
    }
    for transcript in corpus.transcripts() {
        if transcript.covers.iter().any(|id| id == requirement.id) {
            writeln!(out, "transcript: {} ({})", transcript.id, transcript.title)?;
        }
    }
    Ok(())
}

fn show_statement(requirement: &Requirement, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{BOLD}{} {}{BOLD:#} {}", requirement.id, requirement.level, requirement.statement)
}

const BOLD: Style = Style::new().bold();
