//! The catalogues: every requirement of RFC 5321 and of its extensions, and the reasons why some of them have no transcript.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::requirement::Level;
use crate::transcript::Role;

/// A row of a catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requirement {
    /// `R-<section>-<number>` for RFC 5321, `X-<rfc>-<section>-<number>` for an extension.
    pub id: &'static str,
    /// The number of the RFC.
    pub rfc: u16,
    /// The section, or the letter of an appendix.
    pub section: &'static str,
    /// How binding it is.
    pub level: Level,
    /// Who is bound.
    pub actor: Actor,
    /// Where a breach shows.
    pub checkable: Checkable,
    /// What is required, in our own words. In doubt the RFC decides.
    pub statement: &'static str,
    /// The line in the text of the RFC.
    pub line: u32,
}

impl Requirement {
    /// Whether this project promises to keep it: it is of RFC 5321, or of an extension that is [implemented](IMPLEMENTED).
    #[must_use]
    pub fn is_implemented(&self) -> bool {
        self.rfc == BASE || IMPLEMENTED.contains(&self.rfc)
    }

    /// Whether there has to be a transcript, or an exception: it is implemented, it shows on the wire, and it is a MUST, a
    /// MUST NOT or a matter of grammar.
    #[must_use]
    pub fn needs_transcript(&self) -> bool {
        let is_level = matches!(self.level, Level::Must | Level::MustNot | Level::Grammar);
        is_level && self.is_implemented() && self.checkable == Checkable::Wire
    }
}

/// Who is bound by a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// A server.
    Server,
    /// A client.
    Client,
    /// Either.
    Both,
    /// A client that is the first to send a message.
    Originator,
    /// A server and client that passes messages on.
    Relay,
    /// The same, between SMTP and something else.
    Gateway,
    /// Who runs a site.
    Operator,
    /// Who writes other specifications.
    Spec,
}

impl Actor {
    /// Whether somebody in this role can be bound so.
    #[must_use]
    pub fn can_be(self, role: Role) -> bool {
        match self {
            Self::Server => role != Role::Client,
            Self::Client | Self::Originator => role != Role::Server,
            Self::Both | Self::Relay | Self::Gateway | Self::Operator | Self::Spec => true,
        }
    }

    /// As it stands in the catalogues.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        ACTORS.iter().find(|(_, actor)| *actor == self).map_or("", |(name, _)| name)
    }
}

/// Where a breach of a requirement shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Checkable {
    /// In a transcript of the session.
    Wire,
    /// Only in what a protocol core offers to its application.
    Api,
    /// In how it is set up.
    Policy,
    /// Outside a protocol library.
    Nowhere,
}

impl Checkable {
    /// As it stands in the catalogues.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        PLACES.iter().find(|(_, place)| *place == self).map_or("", |(name, _)| name)
    }
}

/// Every requirement: those of RFC 5321, then those of the extensions, in the order of the texts.
#[must_use]
pub fn requirements() -> &'static [Requirement] {
    &CATALOGUE.rows
}

/// The requirement of this id.
///
/// ```
/// use smtp_conformance::catalogue;
///
/// let requirement = catalogue::requirement("R-4.2-01").expect("a row of the catalogue");
/// assert_eq!((requirement.rfc, requirement.section), (5321, "4.2"));
/// ```
#[must_use]
pub fn requirement(id: &str) -> Option<&'static Requirement> {
    CATALOGUE.index.get(id).map(|at| &CATALOGUE.rows[*at])
}

/// The requirements that no transcript can show, with the reason: id and reason, in the order of the file.
pub fn exceptions() -> impl Iterator<Item = (&'static str, &'static str)> {
    rows(EXCEPTIONS).map(|line| line.split_once('\t').unwrap_or((line, "")))
}

/// Why no transcript can show this requirement.
#[must_use]
pub fn exception(id: &str) -> Option<&'static str> {
    exceptions().find(|(excepted, _)| *excepted == id).map(|(_, reason)| reason)
}

/// The RFCs of the extensions that this project implements.
pub const IMPLEMENTED: [u16; 6] = [1870, 2034, 2920, 3207, 4954, 6152];

struct Catalogue {
    rows: Vec<Requirement>,
    index: HashMap<&'static str, usize>,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let base = rows(RFC_5321).map(|line| row(line, false));
    let extensions = rows(EXTENSIONS).map(|line| row(line, true));
    let rows: Vec<_> = base.chain(extensions).collect();
    let index = rows.iter().enumerate().map(|(at, row)| (row.id, at)).collect();
    Catalogue { rows, index }
});

/// All lines but the first, which names the columns.
fn rows(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().skip(1).filter(|line| !line.is_empty())
}

/// The catalogue of RFC 5321 lacks the column `rfc`.
fn row(line: &'static str, has_rfc: bool) -> Requirement {
    let mut columns = line.split('\t');
    let mut column = || columns.next().expect("a row of an embedded catalogue has all columns");
    Requirement {
        id: column(),
        rfc: if has_rfc { column().parse().expect("an embedded catalogue has the numbers of RFCs") } else { BASE },
        section: column(),
        level: column().parse().expect("an embedded catalogue knows the levels"),
        actor: named(column(), &ACTORS),
        checkable: named(column(), &PLACES),
        statement: column(),
        line: column().parse().expect("an embedded catalogue has the numbers of lines"),
    }
}

fn named<T: Copy>(name: &str, names: &[(&str, T)]) -> T {
    names.iter().find(|(known, _)| *known == name).expect("an embedded catalogue has the words of its description").1
}

const ACTORS: [(&str, Actor); 8] = [
    ("server", Actor::Server),
    ("client", Actor::Client),
    ("both", Actor::Both),
    ("originator", Actor::Originator),
    ("relay", Actor::Relay),
    ("gateway", Actor::Gateway),
    ("operator", Actor::Operator),
    ("spec", Actor::Spec),
];
const PLACES: [(&str, Checkable); 4] =
    [("wire", Checkable::Wire), ("api", Checkable::Api), ("policy", Checkable::Policy), ("na", Checkable::Nowhere)];
const BASE: u16 = 5321;
const RFC_5321: &str = include_str!("../requirements/rfc5321-requirements.tsv");
const EXTENSIONS: &str = include_str!("../requirements/extension-requirements.tsv");
const EXCEPTIONS: &str = include_str!("../exceptions.tsv");

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Actor, CATALOGUE, Checkable, exceptions, requirement, requirements};
    use crate::requirement::Level;

    #[test]
    fn each_row_is_there() {
        let count = |rfc: fn(u16) -> bool, checkable| {
            requirements().iter().filter(|row| rfc(row.rfc) && row.checkable == checkable).count()
        };
        let base = |rfc| rfc == 5321;
        let extension = |rfc| rfc != 5321;
        assert_eq!([count(base, Checkable::Wire), count(base, Checkable::Api)], [408, 147]);
        assert_eq!([count(base, Checkable::Policy), count(base, Checkable::Nowhere)], [55, 101]);
        assert_eq!([count(extension, Checkable::Wire), count(extension, Checkable::Api)], [292, 57]);
        assert_eq!(CATALOGUE.index.len(), requirements().len(), "an id stands there twice");
    }

    #[test]
    fn a_row_says_what_its_line_says() {
        let row = requirement("R-4.1.1.4-10").expect("a row");
        assert_eq!((row.rfc, row.section, row.level), (5321, "4.1.1.4", Level::MustNot));
        assert_eq!((row.actor, row.checkable, row.line), (Actor::Server, Checkable::Wire, 2033));
        assert!(row.statement.starts_with("LF dot LF"), "{row:?}");
        let row = requirement("X-1870-3-03").expect("a row");
        assert_eq!((row.rfc, row.section, row.level, row.actor), (1870, "3", Level::Grammar, Actor::Client));
        assert_eq!(requirement("R-1-1"), None);
    }

    #[test]
    fn an_id_tells_its_section() {
        for row in requirements() {
            let rfc = row.rfc;
            let prefix = if rfc == 5321 { format!("R-{}-", row.section) } else { format!("X-{rfc}-{}-", row.section) };
            assert!(row.id.starts_with(&prefix), "{row:?}");
        }
    }

    #[test]
    fn an_exception_is_of_a_requirement_on_the_wire_and_has_a_reason() {
        let mut seen = HashSet::new();
        for (id, reason) in exceptions() {
            let row = requirement(id).unwrap_or_else(|| panic!("there is no requirement {id}"));
            assert_eq!(row.checkable, Checkable::Wire, "{id} needs no exception");
            assert!(reason.len() > 20, "{id}: an exception needs a reason");
            assert!(seen.insert(id), "{id} stands there twice");
        }
    }
}
