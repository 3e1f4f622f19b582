//! What is played, and compared with what is known.

use core::fmt::Write as _;
use core::num::NonZeroUsize;
use core::time::Duration;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use smtp_conformance::baseline::{Baseline, Entry, Judged};
use smtp_conformance::corpus::Corpus;
use smtp_conformance::suite::Suite;
use smtp_conformance::target::Target;
use smtp_conformance::transcript::{Role, Tag, Transcript};
use smtp_conformance::verdict::Verdict;

use crate::matrix;

/// How long a program on loopback may take for a line, and for starting or ending.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// Plays every transcript of this role on a target.
///
/// # Panics
///
/// When something is found that the baseline of the target does not know, or not found though it knows it.
#[track_caller]
pub(crate) fn calibrate(target: &dyn Target, role: Role, jobs: usize) {
    let baseline = Known::of(target.name());
    let is_played = |transcript: &&Transcript| {
        let is_of_role = transcript.role == role || transcript.role == Role::Both;
        is_of_role && !transcript.tags.contains(&Tag::Flood) && !baseline.excepts(&transcript.id)
    };
    let mut suite = Suite::default();
    suite.transcripts = Corpus::embedded().transcripts().iter().filter(is_played).collect();
    suite.targets = vec![target];
    suite.options.play.patience = PATIENCE;
    suite.options.jobs = NonZeroUsize::new(jobs).expect("some");
    judge(&suite, target.name(), &baseline.entries, 3);
}

/// Runs the suite on its one target, and what is a surprise up to so many times again, and puts what is found on the page.
///
/// # Panics
///
/// When something is not as the baseline says.
#[track_caller]
pub(crate) fn judge(suite: &Suite<'_>, target: &str, baseline: &Baseline, tries: usize) {
    let play = |suite: &Suite<'_>| {
        let reports = suite.run(|_| ());
        reports.into_iter().map(|report| baseline.judge(report, true)).collect::<Vec<Judged>>()
    };
    let mut judged = play(suite);
    // How octets that were cut arrive at a program is up to the system, and some programs go by that: only what is found
    // each time is a surprise.
    for _ in 0..tries {
        let is_surprise = |transcript: &&Transcript| {
            let id = |judged: &Judged| judged.report.transcript.split('@').next() == Some(&transcript.id);
            judged.iter().any(|judged| !judged.surprises.is_empty() && id(judged))
        };
        let mut again = suite.clone();
        again.transcripts.retain(is_surprise);
        if again.transcripts.is_empty() {
            break;
        }
        for new in play(&again) {
            let old = judged.iter_mut().find(|old| old.report.transcript == new.report.transcript);
            *old.expect("it was played before") = new;
        }
    }
    let mut counts = BTreeMap::<Verdict, usize>::new();
    for judged in &judged {
        *counts.entry(judged.report.verdict).or_default() += 1;
    }
    println!("{target}: {counts:?}");
    assert!(counts.contains_key(&Verdict::Pass), "{target}: nothing passes at all");
    matrix::add(target, &judged);

    let surprises: Vec<&Judged> = judged.iter().filter(|judged| !judged.surprises.is_empty()).collect();
    assert!(surprises.is_empty(), "{}", told(&surprises));
}

/// What is known of a target.
struct Known {
    entries: Baseline,
}

impl Known {
    fn of(target: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("baselines").join(format!("{target}.tsv"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let entries = Baseline::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for entry in entries.entries() {
            let id = entry.case.split('@').next().unwrap_or_default();
            assert!(Corpus::embedded().find(id).is_some(), "{}: there is no transcript {id}", path.display());
            assert_eq!(entry.target, target, "{}: another target", path.display());
        }
        Self { entries }
    }

    /// Whether a transcript is not played at all.
    fn excepts(&self, id: &str) -> bool {
        let is_it = |entry: &&Entry| entry.case.split('@').next() == Some(id);
        self.entries.entries().iter().filter(is_it).any(|entry| entry.reason == NOT_COMPARED)
    }
}

/// The reason of a line that says that a transcript is not played: what comes of it is chance, or not ours to tell.
const NOT_COMPARED: &str = "not compared";

/// What was found, case by case with the dialogue, and then in lines of a baseline.
fn told(surprises: &[&Judged]) -> String {
    let (mut text, mut lines) = (String::new(), String::new());
    for Judged { report, surprises, .. } in surprises {
        let _ = writeln!(text, "\n{} on {}", report.transcript, report.target);
        for finding in report.findings.iter().filter(|finding| finding.verdict > Verdict::Info) {
            let clause =
                finding.clause.as_ref().map_or(String::new(), |(id, level, remark)| format!("{id} {level} {remark}"));
            let _ = writeln!(text, "  {} line {} {clause}: {}", finding.verdict, finding.line, finding.chunking);
            let _ = writeln!(text, "    expected {}\n    got {}", finding.expected, finding.got);
        }
        for line in &report.dialogue {
            let _ = writeln!(text, "  | {}", line.chars().take(200).collect::<String>());
        }
        for surprise in surprises {
            let known =
                surprise.expected.as_ref().map_or(String::new(), |entry| format!("instead of {}", entry.verdict));
            let _ = writeln!(
                lines,
                "{}\t{}\t{}\t{}\t{known}",
                report.target, report.transcript, surprise.clause, surprise.verdict
            );
        }
    }
    format!("{} cases are not as they are known:\n{text}\n{lines}", surprises.len())
}
