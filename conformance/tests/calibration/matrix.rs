//! The page that shows what the suite finds, on programs of others and on the implementations of this project.
//!
//! It is `conformance.html` in the folder that Cargo gives to tests, `target/tmp`, and `conformance-in-short.html` without
//! the dialogues of what passed. A copy of the latter is `conformance/MATRIX.html`.

use core::time::Duration;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use smtp_conformance::baseline::Judged;
use smtp_conformance::catalogue;
use smtp_conformance::corpus::Corpus;
use smtp_conformance::report::{Case, Run, html};

/// What was found so far, target by target.
static FOUND: Mutex<Vec<(String, Vec<Judged>)>> = Mutex::new(Vec::new());

/// The order of the columns.
const TARGETS: [&str; 17] = [
    "core",
    "blocking",
    "tokio",
    "smol",
    "async-std",
    "postfix",
    "exim",
    "opensmtpd",
    "aiosmtpd",
    "smtp-server",
    "smtplib",
    "curl",
    "swaks",
    "msmtp",
    "nodemailer",
    "postfix-out",
    "exim-out",
];

/// Adds a column to the page, and writes it.
///
/// # Panics
///
/// When the target has no place on the page, or the page cannot be written.
pub(crate) fn add(target: &str, judged: &[Judged]) {
    let place = |name: &str| TARGETS.iter().position(|target| *target == name);
    assert!(place(target).is_some(), "{target} has no place on the page");
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    found.push((target.to_owned(), judged.to_vec()));
    found.sort_by_key(|(target, _)| place(target));
    let run = Run {
        targets: found.iter().map(|(target, _)| target.clone()).collect(),
        cases: Corpus::embedded().transcripts().iter().map(Case::from).collect(),
        judged: found.iter().flat_map(|(_, judged)| judged.iter().cloned()).collect(),
        took: Duration::ZERO,
    };
    write("conformance.html", &run);
    write("conformance-in-short.html", &run.in_short());
}

fn write(name: &str, run: &Run) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut out = BufWriter::new(File::create(path).expect("a file for the page"));
    html(run, catalogue::requirements(), &mut out).and_then(|()| out.flush()).expect("the page is written");
}
