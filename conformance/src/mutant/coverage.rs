//! Which requirements no mutant breaks.

use std::collections::BTreeMap;

use super::Mutant;
use crate::catalogue::Requirement;
use crate::requirement::Level;

/// The requirements that no mutant can break, with the reasons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exceptions(BTreeMap<String, String>);

/// A line is no exception: this one, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {0}: not an id, a tab and a reason")]
pub struct NoException(pub usize);

impl Exceptions {
    /// Those that come with the suite.
    ///
    /// # Panics
    ///
    /// When a line of the file is none, which a test rules out.
    #[must_use]
    pub fn embedded() -> Self {
        Self::parse(include_str!("../../mutants/exceptions.tsv")).expect("the file is tested")
    }

    /// Reads lines of an id, a tab and a reason. The first line names the columns.
    ///
    /// # Errors
    ///
    /// Which line is none.
    pub fn parse(text: &str) -> Result<Self, NoException> {
        let lines = text.lines().enumerate().skip(1);
        let rows = lines.map(|(number, line)| match line.split_once('\t') {
            Some((id, reason)) if !id.is_empty() && !reason.trim().is_empty() => Ok((id.to_owned(), reason.to_owned())),
            _ => Err(NoException(number + 1)),
        });
        Ok(Self(rows.collect::<Result<_, _>>()?))
    }

    /// Why no mutant breaks this requirement.
    #[must_use]
    pub fn reason(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(String::as_str)
    }

    /// The ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// The MUST and MUST NOT of what is implemented here that show on the wire, and that neither a mutant nor an exception
/// names.
pub fn without_mutant<'c>(
    catalogue: &'c [Requirement],
    mutants: &[Mutant],
    exceptions: &Exceptions,
) -> impl Iterator<Item = &'c Requirement> {
    let is_broken = |id| mutants.iter().any(|mutant| mutant.requirement.iter().any(|broken| broken == id));
    catalogue
        .iter()
        .filter(|row| row.needs_transcript() && matches!(row.level, Level::Must | Level::MustNot))
        .filter(move |row| exceptions.reason(row.id).is_none() && !is_broken(row.id))
}

#[cfg(test)]
mod tests {
    use super::{Exceptions, NoException, without_mutant};
    use crate::catalogue;
    use crate::mutant::Mutant;

    #[test]
    fn what_neither_a_mutant_nor_an_exception_names_is_told() {
        let mutants = Mutant::parse(
            "m.toml",
            "[[mutant]]\nname = \"m\"\nrole = \"server\"\nrequirement = [\"R-4.1.1.5-02\"]\nwhat = \"w\"\n\
             [[mutant.rule]]\ncommand = \"RSET\"\nswallow = true\n",
        )
        .expect("a mutant");
        let exceptions = Exceptions::parse("id\treason\nR-4.2-01\tnobody can\n").expect("exceptions");
        let ids: Vec<&str> =
            without_mutant(catalogue::requirements(), &mutants, &exceptions).map(|row| row.id).collect();
        // A mutant, an exception, a SHOULD, and one that does not show on the wire.
        for id in ["R-4.1.1.5-02", "R-4.2-01", "R-4.1.1.8-03", "R-4.1.1.4-11"] {
            assert!(catalogue::requirement(id).is_some(), "{id} is in the catalogue");
            assert!(!ids.contains(&id), "{id}");
        }
        assert!(ids.contains(&"R-4.1.1.5-05"), "{ids:?}");
    }

    #[test]
    fn an_exception_has_a_reason() {
        assert_eq!(Exceptions::parse("id\treason\nR-2\tso\nR-3\t\n"), Err(NoException(3)));
        assert_eq!(Exceptions::parse("id\treason\nR-2\n"), Err(NoException(2)));
    }

    #[test]
    fn the_embedded_exceptions_are_of_no_mutant() {
        let mutants = Mutant::embedded().expect("mutants");
        let exceptions = Exceptions::embedded();
        for id in exceptions.ids() {
            let breaks = mutants.iter().find(|mutant| mutant.requirement.iter().any(|broken| broken == id));
            assert!(breaks.is_none(), "{id} is no exception: {breaks:?}");
        }
    }
}
