//! Known failures: what is expected to go wrong, and why.
//!
//! A line of a baseline is `target`, `case id`, `clause`, `verdict` and `reason`, with a TAB (here ⇥) between them. A clause
//! is the id of a requirement, or `-` for what was found outside of every clause. Empty lines and lines that begin with `#`
//! say nothing.
//!
//! ```text
//! tcp://mx.example:25⇥rfc5321/4.1.1.4/lf-dot-lf⇥R-4.1.1.4-10⇥FAIL⇥ticket 1234: it takes LF for CRLF
//! ```
//!
//! What stands there may go wrong, exactly so. Whatever else goes wrong is an error, and so is a line that is no longer
//! true: whoever mends something takes its line out.

use core::fmt;
use std::collections::BTreeMap;

use thiserror::Error;

use crate::verdict::{Report, Verdict};

/// A file of known failures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    entries: Vec<Entry>,
}

impl Baseline {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// The first line that says nothing, says it twice, or gives no reason.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let mut entries: Vec<Entry> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let problem = |problem| BaselineError { line: index + 1, problem };
            let entry = Entry::parse(line).map_err(problem)?;
            if entries.iter().any(|other| other.is_about_the_same(&entry)) {
                return Err(problem(Problem::Twice));
            }
            entries.push(entry);
        }
        Ok(Self { entries })
    }

    /// Its lines.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Compares a report with what is known. `warnings`: what goes against a SHOULD is a failure, too.
    #[must_use]
    pub fn judge(&self, report: Report, warnings: bool) -> Judged {
        let mut judged = Judged { known: Vec::new(), surprises: Vec::new(), report };
        if judged.report.verdict == Verdict::Skip {
            return judged;
        }
        let mut found = worst_of_each_clause(&judged.report);
        let gets_to_its_end = found.values().all(|verdict| *verdict < Verdict::Fail);
        for entry in self.entries.iter().filter(|entry| entry.is_of(&judged.report)) {
            match found.remove(&entry.clause) {
                Some(verdict) if verdict == entry.verdict => judged.known.push(entry.reason.clone()),
                Some(verdict) if verdict > entry.verdict => {
                    judged.surprises.push(Surprise {
                        clause: entry.clause.clone(),
                        verdict,
                        expected: Some(entry.clone()),
                    });
                }
                // A case that ended early says nothing about the clauses behind its end.
                None if !gets_to_its_end => {}
                better => judged.surprises.push(Surprise {
                    clause: entry.clause.clone(),
                    verdict: better.unwrap_or(Verdict::Pass),
                    expected: Some(entry.clone()),
                }),
            }
        }
        let least = if warnings { Verdict::Warn } else { Verdict::Fail };
        let unknown = found.into_iter().filter(|(_, verdict)| *verdict >= least);
        judged.surprises.extend(unknown.map(|(clause, verdict)| Surprise { clause, verdict, expected: None }));
        judged
    }
}

/// One known failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name of the target.
    pub target: String,
    /// The id of the case.
    pub case: String,
    /// The requirement, or `-`.
    pub clause: String,
    /// What its verdict is: WARN, FAIL or ERROR.
    pub verdict: Verdict,
    /// Why it is left so.
    pub reason: String,
}

impl Entry {
    fn parse(line: &str) -> Result<Self, Problem> {
        let columns: Vec<&str> = line.splitn(5, '\t').map(str::trim).collect();
        let [target, case, clause, verdict, rest @ ..] = columns.as_slice() else { return Err(Problem::Columns) };
        if [target, case, clause].iter().any(|column| column.is_empty()) {
            return Err(Problem::Columns);
        }
        let verdict = verdict.parse().ok().filter(|verdict| *verdict >= Verdict::Warn).ok_or(Problem::Verdict)?;
        let reason = rest.first().filter(|reason| !reason.is_empty()).ok_or(Problem::NoReason)?;
        let [target, case, clause, reason] = [target, case, clause, reason].map(|column| (*column).to_owned());
        Ok(Self { target, case, clause, verdict, reason })
    }

    fn is_of(&self, report: &Report) -> bool {
        self.target == report.target && self.case == report.transcript
    }

    fn is_about_the_same(&self, other: &Self) -> bool {
        self.target == other.target && self.case == other.case && self.clause == other.clause
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, case, clause, verdict, reason } = self;
        write!(f, "{target}\t{case}\t{clause}\t{verdict}\t{reason}")
    }
}

/// A report, next to what was expected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The report.
    pub report: Report,
    /// The reasons of what went wrong as expected.
    pub known: Vec<String>,
    /// What is otherwise than expected. Nobody has to do anything if there is none.
    pub surprises: Vec<Surprise>,
}

/// Something that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surprise {
    /// The requirement, or `-`.
    pub clause: String,
    /// What became of it.
    pub verdict: Verdict,
    /// What the baseline says instead, if it says something.
    pub expected: Option<Entry>,
}

impl Surprise {
    /// Whether the baseline promises something that is not so.
    #[must_use]
    pub fn is_drift(&self) -> bool {
        self.expected.is_some()
    }
}

/// A line of a baseline that is not understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
pub struct BaselineError {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// Something is missing.
    #[error("not target, case, clause, verdict and reason with a TAB between them")]
    Columns,
    /// No verdict, or one that needs no excuse.
    #[error("the verdict is none of WARN, FAIL and ERROR")]
    Verdict,
    /// Nobody says why.
    #[error("there is no reason: say why this is left as it is")]
    NoReason,
    /// Stands there twice.
    #[error("an earlier line is about the same")]
    Twice,
}

/// The worst finding of each clause; of none of them, what came of the whole.
fn worst_of_each_clause(report: &Report) -> BTreeMap<String, Verdict> {
    let mut worst = BTreeMap::new();
    for finding in &report.findings {
        let clause = finding.clause.as_ref().map_or(OUTSIDE, |(id, ..)| id);
        let verdict: &mut Verdict = worst.entry(clause.to_owned()).or_insert(Verdict::Pass);
        *verdict = finding.verdict.max(*verdict);
    }
    if report.verdict > Verdict::Info && !worst.values().any(|verdict| *verdict >= report.verdict) {
        worst.insert(OUTSIDE.to_owned(), report.verdict);
    }
    worst
}

/// In the place of a clause.
const OUTSIDE: &str = "-";

#[cfg(test)]
mod tests {
    use super::{Baseline, BaselineError, Problem, Surprise};
    use crate::requirement::Level;
    use crate::verdict::{Finding, Report, Verdict};

    const KNOWN: &str = "# known\n\ncore\ta/b\tR-1-01\tFAIL\ttoo hard\ncore\ta/b\tR-1-02\tWARN\twe like it so\n";

    fn report(target: &str, findings: &[(&str, Verdict)]) -> Report {
        let findings = findings.iter().map(|(clause, verdict)| Finding {
            verdict: *verdict,
            clause: (*clause != "-").then(|| ((*clause).to_owned(), Level::Must, String::new())),
            line: 1,
            expected: "250".into(),
            got: "500".into(),
            chunking: "whole".into(),
        });
        let findings: Vec<Finding> = findings.collect();
        Report {
            transcript: "a/b".into(),
            target: target.into(),
            verdict: findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Pass),
            findings,
            dialogue: Vec::new(),
            took: core::time::Duration::ZERO,
        }
    }

    /// What is otherwise than `KNOWN` says: clause, verdict, drift.
    fn surprises(report: Report, warnings: bool) -> Vec<(String, Verdict, bool)> {
        let judged = Baseline::parse(KNOWN).expect("a baseline").judge(report, warnings);
        let told = |surprise: &Surprise| (surprise.clause.clone(), surprise.verdict, surprise.is_drift());
        judged.surprises.iter().map(told).collect()
    }

    #[test]
    fn known_failures_are_no_surprise() {
        let found = report("core", &[("R-1-02", Verdict::Warn), ("R-1-01", Verdict::Fail)]);
        let judged = Baseline::parse(KNOWN).expect("a baseline").judge(found, true);
        assert_eq!((judged.surprises, judged.known), (vec![], vec!["too hard".to_owned(), "we like it so".into()]));
    }

    #[test]
    fn what_is_not_known_is_a_surprise() {
        use Verdict::{Error, Fail, Pass, Warn};
        let known = [("R-1-01", Fail), ("R-1-02", Warn)];
        let with = |clause, verdict| report("core", &[known[0], known[1], (clause, verdict)]);
        assert_eq!(surprises(with("R-1-03", Fail), false), [("R-1-03".to_owned(), Fail, false)]);
        assert_eq!(surprises(with("-", Error), false), [("-".to_owned(), Error, false)]);
        assert_eq!(surprises(with("R-1-03", Warn), false), []);
        assert_eq!(surprises(with("R-1-03", Warn), true), [("R-1-03".to_owned(), Warn, false)]);
        assert_eq!(surprises(with("R-1-03", Pass), true), []);
        let elsewhere = report("tokio", &[("R-1-01", Fail)]);
        assert_eq!(surprises(elsewhere, false), [("R-1-01".to_owned(), Fail, false)]);
    }

    #[test]
    fn an_unexpected_pass_is_a_surprise() {
        use Verdict::{Error, Fail, Info, Pass, Skip, Warn};
        let drift = |clause: &str, verdict| (clause.to_owned(), verdict, true);
        let found = report("core", &[("R-1-01", Pass), ("R-1-02", Info)]);
        assert_eq!(surprises(found, false), [drift("R-1-01", Pass), drift("R-1-02", Info)]);
        // Better than expected, or worse, is not as expected.
        let found = report("core", &[("R-1-01", Warn), ("R-1-02", Fail)]);
        assert_eq!(surprises(found, false), [drift("R-1-01", Warn), drift("R-1-02", Fail)]);
        // Nothing was found at all.
        assert_eq!(surprises(report("core", &[]), false), [drift("R-1-01", Pass), drift("R-1-02", Pass)]);
        // The case did not get to the clause.
        let found = report("core", &[("-", Error)]);
        assert_eq!(surprises(found, false), [("-".to_owned(), Error, false)]);
        let found = report("core", &[("R-1-01", Fail)]);
        assert_eq!(surprises(found, false), []);
        assert_eq!(surprises(Report { verdict: Skip, ..report("core", &[]) }, false), []);
    }

    /// A report that fails without a finding fails all the same.
    #[test]
    fn a_verdict_counts_without_findings() {
        let bare = Report { verdict: Verdict::Fail, ..report("tokio", &[("R-1-01", Verdict::Pass)]) };
        assert_eq!(surprises(bare, false), [("-".to_owned(), Verdict::Fail, false)]);
    }

    #[test]
    fn lines_are_checked() {
        let wrong = |text: &str| Baseline::parse(text).expect_err("wrong");
        let error = |line, problem| BaselineError { line, problem };
        assert_eq!(wrong("core a/b R-1-01 FAIL reason"), error(1, Problem::Columns));
        assert_eq!(wrong("\ncore\t\tR-1-01\tFAIL\treason"), error(2, Problem::Columns));
        assert_eq!(wrong("core\ta/b\tR-1-01\tFAIL"), error(1, Problem::NoReason));
        assert_eq!(wrong("core\ta/b\tR-1-01\tFAIL\t "), error(1, Problem::NoReason));
        assert_eq!(wrong("core\ta/b\tR-1-01\tPASS\treason"), error(1, Problem::Verdict));
        assert_eq!(wrong("core\ta/b\tR-1-01\tfine\treason"), error(1, Problem::Verdict));
        assert_eq!(wrong("a\tb\tc\tFAIL\tx\n\na\tb\tc\tWARN\ty\n"), error(3, Problem::Twice));
    }

    #[test]
    fn a_line_comes_back() {
        let baseline = Baseline::parse(KNOWN).expect("a baseline");
        let lines: Vec<String> = baseline.entries().iter().map(ToString::to_string).collect();
        assert_eq!(Baseline::parse(&lines.join("\n")), Ok(baseline));
    }
}
