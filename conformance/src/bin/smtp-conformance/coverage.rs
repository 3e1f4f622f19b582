//! `smtp-conformance coverage`.

use std::io::Write as _;

use clap::Args;
use serde_json::json;
use smtp_conformance::coverage::{Coverage, Row};

use crate::exit::{Exit, Trouble};
use crate::source::Source;

/// Tells which requirements have transcripts; fails if one has to have one and has none
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    source: Source,
    /// Only those that have to have a transcript, and have neither one nor an exception
    #[arg(long)]
    missing: bool,
    /// As JSON, one object in each line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Trouble> {
    let corpus = options.source.sound_corpus()?;
    let coverage = Coverage::of(corpus.transcripts());
    let mut out = anstream::stdout().lock();
    let rows: Vec<&Row<'_>> =
        if options.missing { coverage.missing().collect() } else { coverage.rows().iter().collect() };
    if options.json {
        for row in rows {
            writeln!(out, "{}", object(row))?;
        }
    } else if options.missing {
        for Row { requirement, .. } in rows {
            writeln!(out, "{} {} {}", requirement.id, requirement.level, requirement.statement)?;
        }
    } else {
        write!(out, "{coverage}")?;
    }
    Ok(if coverage.missing().next().is_none() { Exit::Ok } else { Exit::Failed })
}

fn object(row: &Row<'_>) -> serde_json::Value {
    let requirement = row.requirement;
    json!({
        "id": requirement.id,
        "rfc": requirement.rfc,
        "section": requirement.section,
        "level": requirement.level.as_str(),
        "actor": requirement.actor.as_str(),
        "statement": requirement.statement,
        "transcripts": row.transcripts,
        "exception": row.exception,
        "missing": row.is_missing(),
    })
}
