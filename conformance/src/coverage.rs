//! Which requirements have transcripts, and which have none.

use core::fmt;
use std::collections::{BTreeMap, HashMap};

use crate::catalogue::{self, Checkable, Requirement};
use crate::requirement::Level;
use crate::transcript::Transcript;

/// The requirements that this project promises to keep and that show on the wire, beside the transcripts that cover them.
#[derive(Clone, Debug)]
pub struct Coverage<'a> {
    rows: Vec<Row<'a>>,
}

/// A requirement, and how it is covered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Row<'a> {
    /// The requirement.
    pub requirement: &'static Requirement,
    /// The transcripts that cover it, by id.
    pub transcripts: Vec<&'a str>,
    /// Why there is none.
    pub exception: Option<&'static str>,
}

impl Row<'_> {
    /// Whether there has to be a transcript, and is neither one nor an exception.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.requirement.needs_transcript() && self.transcripts.is_empty() && self.exception.is_none()
    }
}

/// How many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Requirements.
    pub all: usize,
    /// Those with a transcript.
    pub covered: usize,
    /// Those without, and with an exception.
    pub excepted: usize,
}

impl<'a> Coverage<'a> {
    /// Lays transcripts beside the catalogue, with the exceptions of this suite.
    #[must_use]
    pub fn of(transcripts: impl IntoIterator<Item = &'a Transcript>) -> Self {
        Self::with(transcripts, &catalogue::exceptions().collect())
    }

    fn with(transcripts: impl IntoIterator<Item = &'a Transcript>, exceptions: &HashMap<&str, &'static str>) -> Self {
        let mut covering: HashMap<&str, Vec<&'a str>> = HashMap::new();
        for transcript in transcripts {
            for id in &transcript.covers {
                covering.entry(id).or_default().push(&transcript.id);
            }
        }
        let is_here = |row: &&Requirement| row.is_implemented() && row.checkable == Checkable::Wire;
        let rows = catalogue::requirements().iter().filter(is_here).map(|requirement| Row {
            requirement,
            transcripts: covering.remove(requirement.id).unwrap_or_default(),
            exception: exceptions.get(requirement.id).copied(),
        });
        Self { rows: rows.collect() }
    }

    /// The requirements, in the order of the catalogue.
    #[must_use]
    pub fn rows(&self) -> &[Row<'a>] {
        &self.rows
    }

    /// The requirements that have to have a transcript, and have neither one nor an exception.
    pub fn missing(&self) -> impl Iterator<Item = &Row<'a>> {
        self.rows.iter().filter(|row| row.is_missing())
    }

    /// The exceptions of requirements that have a transcript all the same.
    pub fn needless(&self) -> impl Iterator<Item = &Row<'a>> {
        self.rows.iter().filter(|row| row.exception.is_some() && !row.transcripts.is_empty())
    }

    /// How many there are of those that have to have a transcript.
    #[must_use]
    pub fn needed(&self) -> Tally {
        tally(self.rows.iter().filter(|row| row.requirement.needs_transcript()))
    }

    /// How many there are at each level.
    #[must_use]
    pub fn by_level(&self) -> BTreeMap<Level, Tally> {
        self.by(|row| row.level)
    }

    /// How many there are in each section: number of the RFC, section, in the order of the catalogue.
    #[must_use]
    pub fn by_section(&self) -> Vec<(u16, &'static str, Tally)> {
        let place = |row: &Row<'_>| (row.requirement.rfc, row.requirement.section);
        let sections = self.rows.chunk_by(|a, b| place(a) == place(b));
        sections.map(|rows| (place(&rows[0]).0, place(&rows[0]).1, tally(rows))).collect()
    }

    fn by<K: Ord>(&self, key: impl Fn(&Requirement) -> K) -> BTreeMap<K, Tally> {
        let mut groups: BTreeMap<K, Vec<&Row<'a>>> = BTreeMap::new();
        for row in &self.rows {
            groups.entry(key(row.requirement)).or_default().push(row);
        }
        groups.into_iter().map(|(key, rows)| (key, tally(rows))).collect()
    }
}

/// A table for people: by level, by section, and what is missing.
impl fmt::Display for Coverage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, name: &str, tally: Tally| {
            let left = tally.all - tally.covered - tally.excepted;
            writeln!(f, "{name:<16}{:>6}{:>9}{:>10}{left:>6}", tally.all, tally.covered, tally.excepted)
        };
        writeln!(f, "{:<16}{:>6}{:>9}{:>10}{:>6}", "on the wire", "all", "covered", "excepted", "left")?;
        for (level, tally) in self.by_level() {
            line(f, level.as_str(), tally)?;
        }
        writeln!(f)?;
        for (rfc, section, tally) in self.by_section() {
            line(f, &format!("{rfc} {section}"), tally)?;
        }
        let missing: Vec<_> = self.missing().map(|row| row.requirement).collect();
        writeln!(f, "\nwithout a transcript: {}", missing.len())?;
        missing
            .into_iter()
            .try_for_each(|row| writeln!(f, "{} {} {}: {}", row.id, row.level, row.actor.as_str(), row.statement))
    }
}

fn tally<'r, 'a: 'r>(rows: impl IntoIterator<Item = &'r Row<'a>>) -> Tally {
    rows.into_iter().fold(Tally::default(), |tally, row| {
        let is_covered = !row.transcripts.is_empty();
        Tally {
            all: tally.all + 1,
            covered: tally.covered + usize::from(is_covered),
            excepted: tally.excepted + usize::from(!is_covered && row.exception.is_some()),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{Coverage, Tally};
    use crate::requirement::Level;
    use crate::transcript::Transcript;

    #[test]
    fn transcripts_beside_requirements() {
        // The second is of an extension that is not implemented, the third is not on the wire.
        let text = "smtpt: 1\ntitle: t\nrole: server\ncovers: R-4.2-01; X-3030-2-01; R-2.1-04\n\nS: 220\n";
        let transcripts = [Transcript::parse("a", text).unwrap(), Transcript::parse("b", text).unwrap()];
        let exceptions = HashMap::from([("R-4.2-01", "needless"), ("R-4.1.1.4-10", "a reason")]);
        let coverage = Coverage::with(&transcripts, &exceptions);
        let without = Coverage::with(&[], &HashMap::new());

        let row = coverage.rows().iter().find(|row| row.requirement.id == "R-4.2-01").unwrap();
        assert_eq!((row.transcripts.as_slice(), row.is_missing()), (["a", "b"].as_slice(), false));
        let needless: Vec<_> = coverage.needless().map(|row| row.requirement.id).collect();
        assert_eq!(needless, ["R-4.2-01"]);
        assert!(coverage.rows().iter().all(|row| row.requirement.rfc != 3030 && row.requirement.id != "R-2.1-04"));

        let all = without.needed().all;
        assert_eq!(without.needed(), Tally { all, covered: 0, excepted: 0 });
        assert_eq!(coverage.needed(), Tally { all, covered: 1, excepted: 1 });
        assert_eq!((without.missing().count(), coverage.missing().count()), (all, all - 2));
        assert!(
            without.missing().all(|row| matches!(row.requirement.level, Level::Must | Level::MustNot | Level::Grammar))
        );

        assert_eq!(coverage.by_level()[&Level::Must].covered, 1);
        assert_eq!(coverage.by_level()[&Level::MustNot].excepted, 1);
        let sections = coverage.by_section();
        let section = sections.iter().find(|(rfc, section, _)| (*rfc, *section) == (5321, "4.2")).unwrap();
        assert_eq!(section.2.covered, 1);
        assert_eq!(sections.iter().map(|(_, _, tally)| tally.all).sum::<usize>(), coverage.rows().len());
        let names: Vec<_> = sections.iter().map(|(rfc, section, _)| (rfc, section)).collect();
        let mut once = names.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), names.len(), "a section stands there twice");

        let table = coverage.to_string();
        assert!(table.contains(&format!("without a transcript: {}\n", all - 2)), "{table}");
        assert!(
            !table.contains("R-4.1.1.4-10 ") && without.to_string().contains("R-4.1.1.4-10 MUST-NOT server: LF dot LF")
        );
    }
}
