//! The transcripts find every mutant of the core that they are about.

use smtp_conformance::corpus::Corpus;
use smtp_conformance::mutant::{Fate, Mutant, selftest};

#[test]
fn no_mutant_gets_away() {
    let mutants = Mutant::embedded().unwrap_or_else(|error| panic!("{error}"));
    let score = selftest(&mutants, Corpus::embedded().transcripts());
    let gets_away = |fate: &Fate| !matches!(fate, Fate::Caught | Fate::NoTranscript { .. });
    let problems: Vec<String> = score
        .results
        .iter()
        .filter(|result| gets_away(&result.fate))
        .map(|result| {
            format!("{}: {} ({}): {}", result.file, result.mutant, result.requirement.join(", "), result.fate)
        })
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
