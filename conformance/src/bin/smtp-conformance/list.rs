//! `smtp-conformance list`.

use std::io::Write as _;

use clap::Args;
use serde_json::json;

use crate::exit::{Exit, Trouble};
use crate::source::Source;

/// Lists transcripts: id, role, tags and title
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Those with these ids, in these folders, or that these patterns name
    #[arg(value_name = "ID|GLOB")]
    patterns: Vec<String>,
    #[command(flatten)]
    source: Source,
    /// As JSON, one object in each line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Trouble> {
    let corpus = options.source.sound_corpus()?;
    let selected = corpus.select(&options.patterns).map_err(Trouble::usage)?;
    let width = selected.iter().map(|transcript| transcript.id.chars().count()).max().unwrap_or_default();
    let mut out = anstream::stdout().lock();
    for transcript in selected {
        let tags: Vec<String> = transcript.tags.iter().map(ToString::to_string).collect();
        if options.json {
            let object = json!({
                "id": transcript.id,
                "title": transcript.title,
                "role": transcript.role.to_string(),
                "state": transcript.state.to_string(),
                "needs": transcript.needs.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "covers": transcript.covers,
                "tags": tags,
            });
            writeln!(out, "{object}")?;
        } else {
            let tags = if tags.is_empty() { String::new() } else { format!(" ({})", tags.join(", ")) };
            let role = transcript.role.to_string();
            writeln!(out, "{:width$}  {role:6}  {}{tags}", transcript.id, transcript.title)?;
        }
    }
    Ok(Exit::Ok)
}
