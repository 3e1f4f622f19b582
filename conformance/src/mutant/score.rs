//! What came of a self-test.

use core::fmt;
use std::collections::BTreeMap;

use super::selftest::side_name;
use crate::transcript::Side;
use crate::verdict::Verdict;

/// What came of all mutants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// One of each, in order.
    pub results: Vec<Result>,
}

/// What came of one mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Result {
    /// Its name.
    pub mutant: String,
    /// Who has the defect.
    pub role: Side,
    /// What it breaks.
    pub requirement: Vec<String>,
    /// The file it is said in.
    pub file: String,
    /// What came of it.
    pub fate: Fate,
}

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Each of its requirements has failed.
    Caught,
    /// Some of its requirements have not failed.
    Missed {
        /// These.
        missing: Vec<String>,
        /// The transcripts that were played, with their verdicts.
        tried: Vec<(String, Verdict)>,
    },
    /// None of its rules did anything.
    NeverApplied {
        /// In these transcripts.
        tried: Vec<String>,
    },
    /// No transcript is about its requirements.
    NoTranscript {
        /// Or only these, which are not played: something is missing.
        unplayed: Vec<String>,
    },
    /// The correct target fails: that says nothing about the mutant.
    CoreFails {
        /// In this transcript.
        transcript: String,
        /// So.
        problem: String,
    },
}

impl Score {
    /// Whether all were caught.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.results.iter().all(|result| result.fate == Fate::Caught)
    }

    /// How many were caught, and how many there are.
    #[must_use]
    pub fn caught(&self) -> (usize, usize) {
        count(self.results.iter())
    }

    /// The same, for one role.
    #[must_use]
    pub fn caught_of(&self, role: Side) -> (usize, usize) {
        count(self.results.iter().filter(|result| result.role == role))
    }

    /// The same, for each requirement, in order.
    #[must_use]
    pub fn by_requirement(&self) -> BTreeMap<&str, (usize, usize)> {
        let mut counts = BTreeMap::new();
        for result in &self.results {
            for id in &result.requirement {
                let (caught, all) = counts.entry(&id[..]).or_insert((0, 0));
                *caught += usize::from(result.fate == Fate::Caught);
                *all += 1;
            }
        }
        counts
    }
}

fn count<'a>(results: impl Iterator<Item = &'a Result>) -> (usize, usize) {
    results.fold((0, 0), |(caught, all), result| (caught + usize::from(result.fate == Fate::Caught), all + 1))
}

/// Requirement by requirement, then what was not caught and why, the sums last.
impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, (caught, all)) in self.by_requirement() {
            writeln!(f, "{id}\t{caught}/{all}")?;
        }
        for result in self.results.iter().filter(|result| result.fate != Fate::Caught) {
            writeln!(f, "{}: {} ({}): {}", result.file, result.mutant, result.requirement.join(", "), result.fate)?;
        }
        for role in [Side::Server, Side::Client] {
            let (caught, all) = self.caught_of(role);
            writeln!(f, "{}: {caught} of {all} caught", side_name(role))?;
        }
        let (caught, all) = self.caught();
        writeln!(f, "mutants: {caught} of {all} caught")
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caught => f.write_str("caught"),
            Self::Missed { missing, tried } => {
                let tried: Vec<_> = tried.iter().map(|(id, verdict)| format!("{id} {verdict}")).collect();
                write!(f, "not caught: nothing found for {} in {}", missing.join(", "), tried.join(", "))
            }
            Self::NeverApplied { tried } => write!(f, "none of its rules did anything in {}", tried.join(", ")),
            Self::NoTranscript { unplayed } if unplayed.is_empty() => f.write_str("no transcript"),
            Self::NoTranscript { unplayed } => {
                write!(f, "no transcript but what is skipped: {}", unplayed.join(", "))
            }
            Self::CoreFails { transcript, problem } => write!(f, "{transcript}: {problem}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fate, Result, Score};
    use crate::transcript::Side;
    use crate::verdict::Verdict;

    #[test]
    fn the_score_tells_what_was_not_caught() {
        let result = |mutant: &str, role, requirement: &[&str], fate| Result {
            mutant: mutant.to_owned(),
            role,
            requirement: requirement.iter().map(|&id| id.to_owned()).collect(),
            file: "m.toml".to_owned(),
            fate,
        };
        let missed = Fate::Missed { missing: vec!["R-2".to_owned()], tried: vec![("t/a".to_owned(), Verdict::Pass)] };
        let score = Score {
            results: vec![
                result("a", Side::Server, &["R-1"], Fate::Caught),
                result("b", Side::Server, &["R-1", "R-2"], missed),
                result("c", Side::Client, &["R-3"], Fate::Caught),
            ],
        };
        assert_eq!((score.is_clean(), score.caught()), (false, (2, 3)));
        assert_eq!(
            score.to_string(),
            "R-1\t1/2\nR-2\t0/1\nR-3\t1/1\nm.toml: b (R-1, R-2): not caught: nothing found for R-2 in t/a PASS\n\
             server: 1 of 2 caught\nclient: 1 of 1 caught\nmutants: 2 of 3 caught\n"
        );
    }
}
