//! What came of a run, for people and for programs.

#[cfg(feature = "reports")]
mod html;
mod human;
#[cfg(feature = "reports")]
mod jsonl;
#[cfg(feature = "reports")]
mod junit;
mod tap;

use core::time::Duration;

#[cfg(feature = "reports")]
pub use html::html;
pub use human::human;
#[cfg(feature = "reports")]
pub use jsonl::json_lines;
#[cfg(feature = "reports")]
pub use junit::junit;
pub use tap::tap;

use crate::baseline::Judged;
use crate::transcript::{Role, Transcript};
use crate::verdict::{Finding, Verdict};

/// A whole run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The names of the targets, in the order in which they are shown.
    pub targets: Vec<String>,
    /// The transcripts that were selected.
    pub cases: Vec<Case>,
    /// What came of each on each, next to what was expected.
    pub judged: Vec<Judged>,
    /// How long it took in all.
    pub took: Duration,
}

impl Run {
    /// The same without the dialogues and findings of what has passed, which went as its transcript says, and without the
    /// dialogues of what was skipped: for a page that is to be small.
    #[must_use]
    pub fn in_short(mut self) -> Self {
        for Judged { report, .. } in &mut self.judged {
            if matches!(report.verdict, Verdict::Pass | Verdict::Skip) {
                report.dialogue.clear();
            }
            if report.verdict == Verdict::Pass {
                report.findings.clear();
            }
        }
        self
    }

    /// The transcript of this id, or of this id behind which `@server` or `@client` tells the side that was played.
    #[must_use]
    pub fn case(&self, id: &str) -> Option<&Case> {
        self.place(id).map(|place| &self.cases[place])
    }

    fn place(&self, id: &str) -> Option<usize> {
        let (id, _) = id.split_once('@').unwrap_or((id, ""));
        self.cases.iter().position(|case| case.id == id)
    }

    /// Whether something is not as expected.
    #[must_use]
    pub fn has_surprises(&self) -> bool {
        self.judged.iter().any(|judged| !judged.surprises.is_empty())
    }

    /// What came of the cases on one target.
    fn of<'a>(&'a self, target: &'a str) -> impl Iterator<Item = &'a Judged> {
        self.judged.iter().filter(move |judged| judged.report.target == target)
    }
}

/// What reports tell of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its id.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// Who is under test.
    pub role: Role,
    /// The requirements that it says something about.
    pub covers: Vec<String>,
    /// Its body, as it stands in the file: the number of each line, and the line.
    pub source: Vec<(usize, String)>,
}

impl From<&Transcript> for Case {
    fn from(transcript: &Transcript) -> Self {
        Self {
            id: transcript.id.clone(),
            title: transcript.title.clone(),
            role: transcript.role,
            covers: transcript.covers.clone(),
            source: transcript.body.iter().map(|line| (line.number, line.text.clone())).collect(),
        }
    }
}

/// How many reports of a target have each verdict, in the order of [`Verdict::ALL`].
fn count<'a>(reports: impl Iterator<Item = &'a Judged>) -> [usize; 6] {
    let mut counts = [0; 6];
    for judged in reports {
        counts[judged.report.verdict as usize] += 1;
    }
    counts
}

/// Those findings that somebody should look at.
fn complaints(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(|finding| finding.verdict >= Verdict::Warn)
}

/// Why a case was skipped.
fn reason_to_skip(judged: &Judged) -> &str {
    let skipped = judged.report.findings.iter().find(|finding| finding.verdict == Verdict::Skip);
    skipped.map_or("", |finding| &finding.got)
}

/// `R-4.2-01 MUST one reply for each command`, or where no clause is: `set-up`.
fn clause_of(finding: &Finding) -> String {
    finding.clause.as_ref().map_or_else(
        || "outside of every clause".to_owned(),
        |(id, level, remark)| format!("{id} {level} {remark}").trim_end().to_owned(),
    )
}

/// A run for the tests of the reports.
#[cfg(test)]
pub(crate) mod sample {
    use core::time::Duration;

    use super::{Case, Run};
    use crate::baseline::Baseline;
    use crate::requirement::Level;
    use crate::transcript::Role;
    use crate::verdict::{Finding, Report, Verdict};

    /// Two targets and five cases: everything that can come of one. The texts are as nasty as texts of a peer may be.
    pub(crate) fn run() -> Run {
        let baseline =
            "core\tb/known\tR-4.2-01\tFAIL\tticket 7\ntcp://[::1]:25\tc/may\tR-4.2-03\tWARN\tgone long ago\n";
        let baseline = Baseline::parse(baseline).expect("a baseline");
        let reports = ["core", "tcp://[::1]:25"].into_iter().flat_map(|target| {
            [
                report("a/fails", target, &[("R-4.1.1.4-10", Verdict::Pass), ("R-4.2-01", Verdict::Fail)]),
                report("b/known", target, &[("R-4.2-01", Verdict::Fail)]),
                report("c/may@server", target, &[("R-4.2-03", Verdict::Info)]),
                report("c/may", target, &[("R-4.2-03", Verdict::Pass), ("R-4.2-02", Verdict::Warn)]),
                report("d/skipped", target, &[("", Verdict::Skip)]),
                report("e/harness", target, &[("", Verdict::Error)]),
            ]
        });
        let case = |(id, covers): (&str, &[&str])| Case {
            id: id.into(),
            title: format!("what {id} is about <&\"'>"),
            role: Role::Server,
            covers: covers.iter().map(|id| (*id).to_owned()).collect(),
            source: vec![(8, "C: NOOP".into()), (9, "R: R-4.2-01 MUST answer </script>".into()), (10, "S: 250".into())],
        };
        let cases: [(&str, &[&str]); 5] = [
            ("a/fails", &["R-4.1.1.4-10", "R-4.2-01", "R-4.2-02"]),
            ("b/known", &["R-4.2-01"]),
            ("c/may", &["R-4.2-03", "R-4.2-02"]),
            ("d/skipped", &["R-4.2-04"]),
            ("e/harness", &["R-4.2-01"]),
        ];
        Run {
            targets: vec!["core".into(), "tcp://[::1]:25".into()],
            cases: cases.into_iter().map(case).collect(),
            judged: reports.map(|report| baseline.judge(report, false)).collect(),
            took: Duration::from_millis(1500),
        }
    }

    fn report(transcript: &str, target: &str, findings: &[(&str, Verdict)]) -> Report {
        let findings = findings.iter().enumerate().map(|(index, (clause, verdict))| Finding {
            verdict: *verdict,
            clause: (!clause.is_empty()).then(|| ((*clause).to_owned(), Level::Must, "answer </script>".to_owned())),
            line: index + 2,
            expected: "250 | 25z".into(),
            got: "500 \u{1b}[2J <what> & ]]> -->".into(),
            chunking: "whole".into(),
        });
        let findings: Vec<Finding> = findings.collect();
        Report {
            transcript: transcript.into(),
            target: target.into(),
            verdict: findings.iter().map(|finding| finding.verdict).max().expect("a finding"),
            findings,
            dialogue: vec!["S: 220 mx.example </script><b>".into(), "C: NOOP".into(), "S: 500 ü \\x00".into()],
            took: Duration::from_millis(transcript.len() as u64),
        }
    }
}
