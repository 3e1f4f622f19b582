//! Plays the transcripts on mutants of the core and prints which are caught: for who writes a mutant.
//!
//! ```text
//! cargo run -p smtp-conformance --no-default-features --example selftest -- conformance rset-is-unknown
//! ```
//!
//! First the folder with `transcripts` and `mutants`, then names of mutants, ids of requirements, or the beginnings of
//! either; none means all. `-v` in front also prints what was found and the dialogues.

use std::path::Path;
use std::process::ExitCode;

use smtp_conformance::catalogue;
use smtp_conformance::corpus::Corpus;
use smtp_conformance::mutant::{Case, Exceptions, Mutant, play_case, selftest_with, without_mutant};
use smtp_conformance::target::{CoreTarget, Target};
use smtp_conformance::verdict::Report;

fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args().skip(1).collect();
    let shows_all = arguments.first().is_some_and(|first| first == "-v");
    arguments.drain(..usize::from(shows_all));
    let Some((folder, wanted)) = arguments.split_first() else {
        eprintln!("usage: selftest [-v] FOLDER [NAME|ID]...");
        return ExitCode::from(2);
    };
    match run(Path::new(folder), wanted, shows_all) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Whether all were caught.
fn run(folder: &Path, wanted: &[String], shows_all: bool) -> Result<bool, Box<dyn core::error::Error>> {
    let corpus = Corpus::read(&folder.join("transcripts"))?;
    for broken in corpus.broken() {
        println!("BROKEN {broken}");
    }
    let mut mutants = Mutant::read(&folder.join("mutants"))?;
    if wanted.is_empty() {
        let exceptions = Exceptions::embedded();
        for row in without_mutant(catalogue::requirements(), &mutants, &exceptions) {
            println!("no mutant for {} {} {}: {}", row.id, row.level, row.actor.as_str(), row.statement);
        }
    } else {
        let is_wanted = |name: &String| wanted.iter().any(|wanted| name.starts_with(&wanted[..]));
        mutants.retain(|mutant| is_wanted(&mutant.name) || mutant.requirement.iter().any(is_wanted));
    }
    if mutants.is_empty() {
        return Err("no such mutant".into());
    }
    let player = |case: Case<'_>, target: &dyn Target| {
        let report = play_case(case, target);
        if shows_all {
            print(&report);
        }
        report
    };
    let score = selftest_with(&mutants, corpus.transcripts(), &CoreTarget::new(), &player);
    print!("{score}");
    Ok(score.is_clean())
}

fn print(report: &Report) {
    println!("{} on {}: {}", report.transcript, report.target, report.verdict);
    for finding in &report.findings {
        let id = finding.clause.as_ref().map(|(id, ..)| &id[..]).unwrap_or_default();
        println!("  line {}: {} {id} [{}]: {}", finding.line, finding.verdict, finding.chunking, finding.got);
    }
    for line in &report.dialogue {
        println!("    {line}");
    }
}
