//! What a wrong implementation looks like: the suite is tested with these.
//!
//! A mutant is a distortion between the script and a correct implementation, so that together they have one defect. It is
//! said in a TOML file of `mutants/`, as a list of rules, each with one trigger, any number of conditions and one or more
//! actions:
//!
//! ```
//! # fn main() -> Result<(), smtp_conformance::mutant::FileError> {
//! use smtp_conformance::mutant::Mutant;
//!
//! let mutants = Mutant::parse(
//!     "example.toml",
//!     r#"
//!     [[mutant]]
//!     name = "helo-unknown"
//!     role = "server"
//!     requirement = ["R-4.1.1.1-09"]
//!     what = "HELO is not known."
//!     [[mutant.rule]]
//!     command = "(?i)^HELO"
//!     reply = ["502 5.5.1 What?"]
//!     "#,
//! )?;
//! assert_eq!(mutants[0].rules.len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! [`Distorted`] makes a target of a mutant and a correct target. [`selftest`] plays the transcripts of the requirements
//! that a mutant breaks, and the mutant is caught when each of them fails in a clause of its requirement.

mod coverage;
mod distorted;
#[cfg(test)]
mod fake;
mod file;
mod octets;
mod outlet;
mod relay;
mod reply;
mod rule;
mod score;
mod selftest;
mod template;
mod wire;

use std::path::Path;
use std::{fs, io};

use include_dir::{Dir, include_dir};

pub use coverage::{Exceptions, NoException, without_mutant};
pub use distorted::Distorted;
pub use file::FileError;
pub use rule::{Close, Condition, LineActions, ReplyActions, Rule, Trigger};
pub use score::{Fate, Result, Score};
pub use selftest::{Case, Player, play_case, selftest, selftest_with};
pub use template::Template;

use crate::transcript::Side;

/// One defect.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// What it is called: unique, in words joined by hyphens.
    pub name: String,
    /// Who has the defect.
    pub role: Side,
    /// What it breaks: the suite has to find each of these.
    pub requirement: Vec<String>,
    /// The defect, in one sentence.
    pub what: String,
    /// How it is made.
    pub rules: Vec<Rule>,
    /// The file it is said in.
    pub file: String,
}

/// The files that come with the suite.
static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/mutants");

impl Mutant {
    /// All that come with the suite, in the order of their files.
    ///
    /// # Errors
    ///
    /// What is wrong in a file.
    pub fn embedded() -> core::result::Result<Vec<Self>, FileError> {
        let mut files: Vec<_> =
            FILES.files().filter(|file| file.path().extension().is_some_and(|ending| ending == "toml")).collect();
        files.sort_by_key(|file| file.path());
        let texts = files.into_iter().map(|file| (file.path().display().to_string(), file.contents_utf8()));
        Self::parse_all(texts.map(|(name, text)| (name, text.expect("the files are UTF-8").to_owned())))
    }

    /// All in the files `*.toml` of a folder, in their order.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or what is wrong in it.
    pub fn read(folder: &Path) -> core::result::Result<Vec<Self>, FileError> {
        let unreadable = |path: &Path| {
            let name = path.display().to_string();
            move |error: io::Error| FileError::unreadable(&name, &error)
        };
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut paths: Vec<_> = entries.map_err(unreadable(folder))?.into_iter().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
        paths.sort();
        let texts = paths.into_iter().map(|path| {
            let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
            Ok((path.display().to_string(), text))
        });
        Self::parse_all(texts.collect::<core::result::Result<Vec<_>, FileError>>()?)
    }

    /// All of some files, given by name and text. No two have the same name.
    ///
    /// # Errors
    ///
    /// What is wrong in a file.
    pub fn parse_all(files: impl IntoIterator<Item = (String, String)>) -> core::result::Result<Vec<Self>, FileError> {
        let mut mutants: Vec<Self> = Vec::new();
        for (name, text) in files {
            for mutant in Self::parse(&name, &text)? {
                if let Some(other) = mutants.iter().find(|other| other.name == mutant.name) {
                    return Err(FileError::twice(&name, &mutant.name, &other.file));
                }
                mutants.push(mutant);
            }
        }
        Ok(mutants)
    }

    /// All of one file.
    ///
    /// # Errors
    ///
    /// What is wrong in it.
    pub fn parse(file: &str, text: &str) -> core::result::Result<Vec<Self>, FileError> {
        file::parse(file, text)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{FILES, Mutant};
    use crate::catalogue;
    use crate::transcript::{Role, Side};

    #[test]
    fn the_embedded_files_are_understood() {
        let mutants = Mutant::embedded().unwrap_or_else(|error| panic!("{error}"));
        let files = FILES.files().filter(|file| file.path().extension().is_some_and(|ending| ending == "toml"));
        for file in files {
            let name = file.path().display().to_string();
            assert!(mutants.iter().any(|mutant| mutant.file == name), "{name} holds a mutant");
        }
    }

    #[test]
    fn the_embedded_mutants_break_what_is_in_the_catalogue() {
        for mutant in Mutant::embedded().unwrap_or_else(|error| panic!("{error}")) {
            let role = if mutant.role == Side::Server { Role::Server } else { Role::Client };
            for id in &mutant.requirement {
                let row = catalogue::requirement(id).unwrap_or_else(|| panic!("{}: {id} is unknown", mutant.name));
                assert!(row.actor.can_be(role), "{}: {id} does not bind its role", mutant.name);
            }
        }
    }

    #[test]
    fn a_folder_is_read() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/mutants"));
        let names = |mutants: Vec<Mutant>| mutants.into_iter().map(|mutant| mutant.name).collect::<Vec<_>>();
        assert_eq!(Mutant::read(folder).map(names), Mutant::embedded().map(names));
        let error = Mutant::read(&folder.join("none")).expect_err("no folder").to_string();
        assert!(error.contains("mutants/none: "), "{error}");
    }

    #[test]
    fn no_two_mutants_have_the_same_name() {
        let text = "[[mutant]]\nname = \"a\"\nrole = \"server\"\nrequirement = [\"R-1-01\"]\nwhat = \"w\"\n\
                    [[mutant.rule]]\ncommand = \"x\"\nswallow = true\n";
        let files = [("one.toml", text), ("two.toml", text)].map(|(name, text)| (name.to_owned(), text.to_owned()));
        let error = Mutant::parse_all(files).expect_err("twice").to_string();
        assert!(error.contains("two.toml") && error.contains("one.toml"), "{error}");
    }
}
