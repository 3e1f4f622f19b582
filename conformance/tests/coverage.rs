//! Every requirement on the wire has a transcript or an exception, and few have an exception.

use smtp_conformance::corpus::Corpus;
use smtp_conformance::coverage::{Coverage, Row};

fn coverage() -> Coverage<'static> {
    Coverage::of(Corpus::embedded().transcripts())
}

fn list<'a>(rows: impl Iterator<Item = &'a Row<'static>>) -> Vec<String> {
    rows.map(|row| row.requirement).map(|row| format!("{} {}: {}", row.id, row.level, row.statement)).collect()
}

/// MUST, MUST NOT, and what follows from the grammar.
#[test]
fn each_requirement_on_the_wire_has_a_transcript_or_an_exception() {
    let missing = list(coverage().missing());
    assert!(missing.is_empty(), "{} have neither:\n{}", missing.len(), missing.join("\n"));
}

#[test]
fn no_exception_is_needless() {
    let needless = list(coverage().needless());
    assert!(needless.is_empty(), "these have a transcript and an exception:\n{}", needless.join("\n"));
}

/// Below 15 of 100.
#[test]
fn exceptions_are_few() {
    let needed = coverage().needed();
    println!("{} requirements: {} with a transcript, {} excepted", needed.all, needed.covered, needed.excepted);
    assert!(
        needed.all > 0 && needed.excepted * 100 < needed.all * 15,
        "{} of {} are excepted",
        needed.excepted,
        needed.all
    );
}
