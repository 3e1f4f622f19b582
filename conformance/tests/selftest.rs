//! The transcripts find every mutant, and there is one for everything that is a MUST.

use smtp_conformance::catalogue;
use smtp_conformance::corpus::Corpus;
use smtp_conformance::mutant::{Exceptions, Fate, Mutant, selftest, without_mutant};
use smtp_conformance::transcript::Side;

#[test]
fn no_mutant_gets_away() {
    let mutants = Mutant::embedded().unwrap_or_else(|error| panic!("{error}"));
    let score = selftest(&mutants, Corpus::embedded().transcripts());
    let problems: Vec<String> = score
        .results
        .iter()
        .filter(|result| result.fate != Fate::Caught)
        .map(|result| {
            format!("{}: {} ({}): {}", result.file, result.mutant, result.requirement.join(", "), result.fate)
        })
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Every MUST and MUST NOT that shows on the wire is broken by a mutant, or a reason says why none can.
#[test]
fn every_must_is_broken() {
    let mutants = Mutant::embedded().unwrap_or_else(|error| panic!("{error}"));
    let exceptions = Exceptions::embedded();
    let missing: Vec<&str> =
        without_mutant(catalogue::requirements(), &mutants, &exceptions).map(|row| row.id).collect();
    assert!(missing.is_empty(), "no mutant breaks {}", missing.join(", "));
    for role in [Side::Client, Side::Server] {
        assert!(mutants.iter().filter(|mutant| mutant.role == role).count() >= 75, "few of a {role:?}");
    }
}
