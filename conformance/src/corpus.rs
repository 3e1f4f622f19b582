//! A collection of transcripts: the one that is embedded here, or a folder.

use core::fmt;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use std::{fs, io};

use glob::Pattern;
use include_dir::{Dir, include_dir};
use thiserror::Error;

use crate::transcript::{ParseError, Transcript};

/// Transcripts with the files that they name.
#[derive(Clone, Default)]
pub struct Corpus {
    /// By their paths, with slashes.
    files: BTreeMap<String, Cow<'static, [u8]>>,
    transcripts: Vec<Transcript>,
    broken: Vec<ParseError>,
}

impl Corpus {
    /// The transcripts of this suite. They are part of the program: no folder is needed.
    ///
    /// ```
    /// let corpus = smtp_conformance::corpus::Corpus::embedded();
    /// assert!(corpus.broken().is_empty());
    /// ```
    #[must_use]
    pub fn embedded() -> &'static Self {
        static CORPUS: LazyLock<Corpus> = LazyLock::new(|| {
            let mut files = BTreeMap::new();
            embedded_files(&TRANSCRIPTS, &mut files);
            Corpus::of(files)
        });
        &CORPUS
    }

    /// The transcripts in a folder and below it. Symbolic links are not followed.
    ///
    /// # Errors
    ///
    /// When a file or folder cannot be read; its name is in the message. A file that is no transcript is no error: see
    /// [`broken`](Self::broken).
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        read_files(folder, "", &mut files)?;
        Ok(Self::of(files))
    }

    fn of(files: BTreeMap<String, Cow<'static, [u8]>>) -> Self {
        let (mut transcripts, mut broken) = (Vec::new(), Vec::new());
        for (path, octets) in &files {
            let Some(id) = path.strip_suffix(ENDING) else { continue };
            match text_of(id, octets).and_then(|text| Transcript::parse(id, text)) {
                Ok(transcript) => transcripts.push(attach(transcript, &files)),
                Err(error) => broken.push(error),
            }
        }
        // Paths are in another order: `a-b.smtpt` comes before `a.smtpt`.
        transcripts.sort_by(|one: &Transcript, other| one.id.cmp(&other.id));
        Self { files, transcripts, broken }
    }

    /// The transcripts, by their ids.
    #[must_use]
    pub fn transcripts(&self) -> &[Transcript] {
        &self.transcripts
    }

    /// What is wrong with the files that should be transcripts and are not.
    #[must_use]
    pub fn broken(&self) -> &[ParseError] {
        &self.broken
    }

    /// The files that are no transcripts, by their paths.
    pub fn attachments(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str).filter(|path| !path.ends_with(ENDING))
    }

    /// The transcript of this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Transcript> {
        let at = self.transcripts.binary_search_by(|transcript| transcript.id.as_str().cmp(id)).ok()?;
        Some(&self.transcripts[at])
    }

    /// The transcripts that one of the patterns names: an id, a folder (`rfc5321/4.2`), or either with `*`, `?` and `[…]` in
    /// it, where `*` stands for any characters, slashes too. No pattern at all names all of them. Each comes once, by id.
    ///
    /// # Errors
    ///
    /// When a pattern names none.
    pub fn select<S: AsRef<str>>(&self, patterns: &[S]) -> Result<Vec<&Transcript>, NoneSelected> {
        let mut is_selected = vec![patterns.is_empty(); self.transcripts.len()];
        for text in patterns {
            let text = text.as_ref();
            let names = names(text)?;
            let mut is_any = false;
            for (transcript, is_selected) in self.transcripts.iter().zip(&mut is_selected) {
                if names(&transcript.id) {
                    (*is_selected, is_any) = (true, true);
                }
            }
            if !is_any {
                return Err(NoneSelected::Unknown { pattern: text.into(), like: self.like(text) });
            }
        }
        let selected = self.transcripts.iter().zip(is_selected);
        Ok(selected.filter(|(_, is_selected)| *is_selected).map(|(transcript, _)| transcript).collect())
    }

    /// The id that goes on for longest as this pattern does.
    fn like(&self, pattern: &str) -> Option<String> {
        let alike = |id: &str| id.bytes().zip(pattern.bytes()).take_while(|(a, b)| a == b).count();
        let best = self.transcripts.iter().map(|transcript| &transcript.id).max_by_key(|id| alike(id))?;
        (alike(best) > 0).then(|| best.clone())
    }

    /// Writes all files into a folder, which is made if it is not there. Tells how many they are.
    ///
    /// # Errors
    ///
    /// When a file cannot be written, or stands there already with something else in it. Nothing is overwritten.
    pub fn copy(&self, folder: &Path) -> io::Result<usize> {
        for (path, octets) in &self.files {
            let path = folder.join(path);
            copy_file(&path, octets).map_err(|error| at(&path, &error))?;
        }
        Ok(self.files.len())
    }
}

impl fmt::Debug for Corpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.transcripts.iter().map(|transcript| &transcript.id).collect();
        f.debug_struct("Corpus").field("transcripts", &ids).field("broken", &self.broken).finish_non_exhaustive()
    }
}

/// Why a pattern names no transcript.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoneSelected {
    /// None is called so.
    #[error("no transcript is called {pattern:?}{}", like.as_ref().map_or(String::new(), |like| format!(", but one is {like:?}")))]
    Unknown {
        /// As it was given.
        pattern: String,
        /// The id that is most like it.
        like: Option<String>,
    },
    /// It is no pattern.
    #[error("{pattern:?} is no pattern: {why}")]
    NoPattern {
        /// As it was given.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
}

fn names(pattern: &str) -> Result<impl Fn(&str) -> bool, NoneSelected> {
    let folder = pattern.trim_end_matches('/');
    let parse = |text: &str| {
        Pattern::new(text).map_err(|error| NoneSelected::NoPattern { pattern: pattern.into(), why: error.to_string() })
    };
    let (itself, below) = (parse(folder)?, parse(&format!("{folder}/*"))?);
    Ok(move |id: &str| itself.matches(id) || below.matches(id))
}

fn text_of<'a>(id: &str, octets: &'a [u8]) -> Result<&'a str, ParseError> {
    core::str::from_utf8(octets).map_err(|error| {
        let before = &octets[..error.valid_up_to()];
        let line = before.rsplit(|octet| *octet == b'\n').next().unwrap_or_default();
        ParseError {
            transcript: id.into(),
            line: before.iter().filter(|octet| **octet == b'\n').count() + 1,
            column: String::from_utf8_lossy(line).chars().count() + 1,
            problem: "this is not UTF-8".into(),
            advice: "save it as UTF-8; `C| … \\xHH` sends any octet".into(),
        }
    })
}

/// A file that is not there is left out: `lint` tells.
fn attach(mut transcript: Transcript, files: &BTreeMap<String, Cow<'static, [u8]>>) -> Transcript {
    let folder = transcript.id.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let content = |name: &str| Some((name.to_owned(), files.get(&format!("{folder}{name}"))?.to_vec()));
    let attachments = transcript.files().into_iter().filter_map(content).collect();
    transcript.attachments = attachments;
    transcript
}

fn embedded_files(folder: &Dir<'static>, files: &mut BTreeMap<String, Cow<'static, [u8]>>) {
    for file in folder.files() {
        let path = file.path().to_str().expect("the suite's own names are ASCII").replace('\\', "/");
        files.insert(path, Cow::Borrowed(file.contents()));
    }
    folder.dirs().for_each(|folder| embedded_files(folder, files));
}

fn read_files(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Cow<'static, [u8]>>) -> io::Result<()> {
    for entry in fs::read_dir(folder).map_err(|error| at(folder, &error))? {
        let entry = entry.map_err(|error| at(folder, &error))?;
        let path = entry.path();
        // No transcript can name a file whose name is not Unicode.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let kind = entry.file_type().map_err(|error| at(&path, &error))?;
        if name.starts_with('.') {
            continue;
        } else if kind.is_dir() {
            read_files(&path, &format!("{prefix}{name}/"), files)?;
        } else if kind.is_file() {
            let octets = fs::read(&path).map_err(|error| at(&path, &error))?;
            files.insert(format!("{prefix}{name}"), Cow::Owned(octets));
        }
    }
    Ok(())
}

fn copy_file(path: &Path, octets: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    match options.write(true).create_new(true).open(path) {
        Ok(mut file) => io::Write::write_all(&mut file, octets),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && fs::read(path)? == octets => Ok(()),
        Err(error) => Err(error),
    }
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

const ENDING: &str = ".smtpt";
static TRANSCRIPTS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/transcripts");

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Corpus, NoneSelected};

    fn corpus() -> Corpus {
        let text = "smtpt: 1\ntitle: t\nrole: server\n\nC=data @a.eml\nC=data @b.eml\nS: 250\n";
        let files: [(&str, &[u8]); 7] = [
            ("README.md", b"read me"),
            ("rfc5321/4.2/one.smtpt", text.as_bytes()),
            ("rfc5321/4.2/a.eml", b"a"),
            ("rfc5321/4.2.1/two.smtpt", text.as_bytes()),
            ("rfc5321/b.eml", b"not beside it"),
            ("rfc5321/4.2.1/broken.smtpt", b"smtpt: 1\ntitle: \xC3\xA9\xFF\n"),
            ("rfc2920/3.1/group.smtpt", text.as_bytes()),
        ];
        Corpus::of(files.into_iter().map(|(path, octets)| (path.to_owned(), octets.into())).collect())
    }

    fn selected(patterns: &[&str]) -> Result<Vec<String>, NoneSelected> {
        Ok(corpus().select(patterns)?.into_iter().map(|transcript| transcript.id.clone()).collect())
    }

    #[test]
    fn transcripts_have_what_stands_beside_them() {
        let corpus = corpus();
        let attached = |id| corpus.find(id).expect("a transcript").attachments.clone();
        assert_eq!(attached("rfc5321/4.2/one"), [("a.eml".into(), b"a".to_vec())]);
        assert_eq!(attached("rfc5321/4.2.1/two"), []);
        assert_eq!(corpus.attachments().collect::<Vec<_>>(), ["README.md", "rfc5321/4.2/a.eml", "rfc5321/b.eml"]);
        assert_eq!(corpus.find("rfc5321/4.2.1/broken"), None);
        let broken: Vec<_> = corpus.broken().iter().map(ToString::to_string).collect();
        assert!(broken[0].starts_with("rfc5321/4.2.1/broken:2:9: this is not UTF-8"), "{broken:?}");
        assert_eq!(broken.len(), 1);
    }

    /// A hyphen comes before the dot of the ending, and behind the end of an id.
    #[test]
    fn an_id_may_go_on_where_another_ends() {
        let text = "smtpt: 1\ntitle: t\nrole: server\n\nS: 220\n";
        let ids = ["a/one", "a/one-more", "a/one2"];
        let files = ids.map(|id| (format!("{id}.smtpt"), text.as_bytes().into()));
        let corpus = Corpus::of(files.into_iter().collect());
        assert!(ids.iter().all(|id| corpus.find(id).is_some_and(|found| found.id == *id)));
    }

    #[test]
    fn patterns() {
        let (one, two, group) = ("rfc5321/4.2/one", "rfc5321/4.2.1/two", "rfc2920/3.1/group");
        assert_eq!(selected(&[]).unwrap(), [group, two, one]);
        assert_eq!(selected(&[one]).unwrap(), [one]);
        assert_eq!(selected(&["rfc5321/4.2"]).unwrap(), [one]);
        assert_eq!(selected(&["rfc5321/4.2/"]).unwrap(), [one]);
        assert_eq!(selected(&["rfc5321/4.2*"]).unwrap(), [two, one]);
        assert_eq!(selected(&["rfc*/4.2.?/[a-z]*", "*group", "rfc2920"]).unwrap(), [group, two]);
        let unknown = selected(&[one, "rfc5321/4.2/three"]).unwrap_err();
        assert_eq!(unknown.to_string(), format!("no transcript is called \"rfc5321/4.2/three\", but one is {one:?}"));
        assert_eq!(selected(&["4.2"]).unwrap_err().to_string(), "no transcript is called \"4.2\"");
        assert!(matches!(selected(&["[a"]), Err(NoneSelected::NoPattern { .. })));
    }

    #[test]
    fn a_copy_reads_as_what_was_copied_and_overwrites_nothing() {
        let folder = std::env::temp_dir().join(format!("smtp-conformance-copy-{}", std::process::id()));
        let corpus = corpus();
        assert_eq!(corpus.copy(&folder).unwrap(), 7);
        assert_eq!(corpus.copy(&folder).unwrap(), 7, "the same files are no harm");
        let copy = Corpus::read(&folder).unwrap();
        assert_eq!((copy.transcripts(), copy.broken()), (corpus.transcripts(), corpus.broken()));
        assert_eq!(copy.files, corpus.files);
        let path = folder.join("rfc5321/4.2/a.eml");
        std::fs::write(&path, "mine").unwrap();
        let error = corpus.copy(&folder).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
        assert!(error.to_string().contains("a.eml"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(Corpus::read(&folder).unwrap_err().to_string().contains("smtp-conformance-copy"));
    }

    #[test]
    fn no_files_no_transcripts() {
        assert_eq!(Corpus::of(BTreeMap::new()).select::<&str>(&[]), Ok(vec![]));
    }
}
