//! Plays transcripts on the core and prints what came of them: for who writes one.
//!
//! ```text
//! cargo run -p smtp-conformance --no-default-features --example play -- conformance/transcripts rfc5321/4.1.1.4
//! ```
//!
//! First a folder, then any patterns of ids. `-v` in front also prints the dialogues of what passed.

use std::path::Path;
use std::process::ExitCode;

use smtp_conformance::corpus::Corpus;
use smtp_conformance::suite::Suite;
use smtp_conformance::target::CoreTarget;
use smtp_conformance::transcript::lint;
use smtp_conformance::verdict::{Finding, Report, Verdict};

fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args().skip(1).collect();
    let shows_all = arguments.first().is_some_and(|first| first == "-v");
    arguments.drain(..usize::from(shows_all));
    let Some((folder, patterns)) = arguments.split_first() else {
        eprintln!("usage: play [-v] FOLDER [ID|GLOB]...");
        return ExitCode::from(2);
    };
    let corpus = match Corpus::read(Path::new(folder)) {
        Ok(corpus) => corpus,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    for broken in corpus.broken() {
        println!("BROKEN {broken}");
    }
    let selected = match corpus.select(patterns) {
        Ok(selected) => selected,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let mut is_good = corpus.broken().is_empty();
    for remark in selected.iter().flat_map(|transcript| lint::transcript(transcript)) {
        println!("LINT   {remark}");
        is_good = false;
    }
    let core = CoreTarget::new();
    let mut suite = Suite::default();
    suite.transcripts = selected;
    suite.targets = vec![&core];
    let reports = suite.run(|report| print(report, shows_all));
    println!("{} cases", reports.len());
    is_good &= reports.iter().all(|report| report.verdict <= Verdict::Warn);
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print(report: &Report, shows_all: bool) {
    println!("{:5}  {}  ({:?})", report.verdict.as_str(), report.transcript, report.took);
    let is_bad = report.verdict >= Verdict::Warn;
    for finding in report.findings.iter().filter(|finding| shows_all || finding.verdict != Verdict::Pass) {
        print_finding(finding);
    }
    if is_bad || shows_all {
        for line in &report.dialogue {
            println!("         {line}");
        }
    }
}

fn print_finding(finding: &Finding) {
    let Finding { verdict, clause, line, expected, got, chunking } = finding;
    let clause = clause.as_ref().map(|(id, level, remark)| format!("{id} {level} {remark}")).unwrap_or_default();
    println!("       line {line}: {verdict} {clause} [{chunking}]");
    if !expected.is_empty() {
        println!("         expected {expected}");
    }
    if !got.is_empty() {
        println!("         got      {got}");
    }
}
