//! What was found, under which clause.

use super::dialogue::Dialogue;
use crate::requirement::Level;
use crate::transcript::{Item, Transcript};
use crate::verdict::{Finding, Verdict};

/// Why a case goes no further.
#[derive(Debug)]
pub(super) enum Stop {
    /// What was found says why.
    Found,
    /// The target cannot do what is asked.
    Skip(String),
    /// The harness did not get there.
    Error { line: usize, text: String },
}

/// Judges the lines of one transcript.
#[derive(Debug)]
pub(super) struct Judge {
    clauses: Vec<Clause>,
    findings: Vec<Finding>,
    chunking: String,
    /// The lines that were checked last.
    reached: usize,
}

#[derive(Debug)]
struct Clause {
    line: usize,
    id: String,
    level: Level,
    remark: String,
    /// In which of the ways that are allowed it was met.
    way: Option<(String, String)>,
}

impl Judge {
    pub(super) fn new(transcript: &Transcript, chunking: String) -> Self {
        let clauses = transcript.body.iter().filter_map(|line| match &line.item {
            Item::Clause { id, level, remark } => {
                Some(Clause { line: line.number, id: id.clone(), level: *level, remark: remark.clone(), way: None })
            }
            _ => None,
        });
        Self { clauses: clauses.collect(), findings: Vec::new(), chunking, reached: 0 }
    }

    /// A line is as it has to be. `ways`: how many ways there are.
    pub(super) fn met(&mut self, line: usize, ways: usize, expected: &str, got: &str) {
        self.reached = self.reached.max(line);
        let Some(number) = self.clause_at(line) else { return };
        let clause = &mut self.clauses[number];
        if clause.level == Level::May {
            self.find(Verdict::Info, Some(number), line, expected, got);
        } else if ways > 1 {
            clause.way = Some((expected.into(), got.into()));
        }
    }

    /// A line is not as it has to be. `goes_on`: the session has not come to its end by that.
    pub(super) fn breach(
        &mut self,
        dialogue: &mut Dialogue,
        line: usize,
        expected: &str,
        got: &str,
        goes_on: bool,
    ) -> Result<(), Stop> {
        self.reached = self.reached.max(line);
        let clause = self.clause_at(line);
        let Some(level) = clause.map(|number| self.clauses[number].level) else {
            dialogue.note(&format!("# line {line}, set-up: expected {expected}, got {got}"));
            let text = format!("set-up: expected {expected}, got {got} (what is to be judged stands below an R: line)");
            return Err(Stop::Error { line, text });
        };
        let verdict = match level {
            Level::May => Verdict::Info,
            Level::Should | Level::ShouldNot => Verdict::Warn,
            Level::Must | Level::MustNot | Level::Grammar | Level::Prose => Verdict::Fail,
        };
        let id = clause.map(|number| self.clauses[number].id.clone()).unwrap_or_default();
        dialogue.note(&format!("# line {line}, {id} {level}: {verdict}: expected {expected}, got {got}"));
        self.find(verdict, clause, line, expected, got);
        if verdict == Verdict::Fail || !goes_on { Err(Stop::Found) } else { Ok(()) }
    }

    /// Everything that was found: at least one for each clause. `stop`: why the case went no further.
    pub(super) fn finish(mut self, stop: Option<Stop>) -> Vec<Finding> {
        match stop {
            Some(Stop::Error { line, text }) => self.find(Verdict::Error, None, line, "", &text),
            Some(Stop::Skip(reason)) => self.find(Verdict::Skip, None, 0, "", &reason),
            Some(Stop::Found) => {}
            None => self.reached = usize::MAX,
        }
        for number in 0..self.clauses.len() {
            let Clause { line, way, .. } = &self.clauses[number];
            let (line, way) = (*line, way.clone());
            let is_found = self
                .findings
                .iter()
                .any(|finding| finding.clause.is_some() && self.clause_at(finding.line) == Some(number));
            if is_found {
                continue;
            }
            if line < self.reached {
                let (expected, got) = way.unwrap_or_default();
                self.find(Verdict::Pass, Some(number), line, &expected, &got);
            } else {
                self.find(Verdict::Skip, Some(number), line, "", "the case did not get there");
            }
        }
        self.findings.sort_by_key(|finding| finding.line);
        self.findings
    }

    fn find(&mut self, verdict: Verdict, clause: Option<usize>, line: usize, expected: &str, got: &str) {
        let clause = clause.map(|number| {
            let Clause { id, level, remark, .. } = &self.clauses[number];
            (id.clone(), *level, remark.clone())
        });
        let (expected, got, chunking) = (expected.into(), got.into(), self.chunking.clone());
        self.findings.push(Finding { verdict, clause, line, expected, got, chunking });
    }

    /// The last clause at or above a line.
    fn clause_at(&self, line: usize) -> Option<usize> {
        self.clauses.iter().rposition(|clause| clause.line <= line)
    }
}
