//! Transcripts in files that are named on the command line.

use std::fs;
use std::path::{Path, PathBuf};

use smtp_conformance::transcript::{ParseError, Transcript};

use crate::exit::Trouble;

/// A file, and what stands in it.
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) transcript: Result<Transcript, ParseError>,
}

/// These files, and all transcripts in these folders and below them, in the order of their names.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<File>, Trouble> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            read_folder(path, &mut files)?;
        } else {
            files.push(read_file(path)?);
        }
    }
    Ok(files)
}

fn read_folder(folder: &Path, files: &mut Vec<File>) -> Result<(), Trouble> {
    let entries = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut paths: Vec<PathBuf> = entries.map_err(|error| Trouble::file(folder, &error))?;
    paths.sort();
    for path in paths {
        if path.is_dir() && !path.is_symlink() {
            read_folder(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "smtpt") {
            files.push(read_file(&path)?);
        }
    }
    Ok(())
}

fn read_file(path: &Path) -> Result<File, Trouble> {
    let text = fs::read_to_string(path).map_err(|error| Trouble::file(path, &error))?;
    let mut transcript = Transcript::parse(&id(path), &text);
    if let Ok(transcript) = &mut transcript {
        let beside = |name: &str| Some((name.to_owned(), fs::read(path.with_file_name(name)).ok()?));
        transcript.attachments = transcript.files().into_iter().filter_map(beside).collect();
    }
    Ok(File { path: path.to_owned(), text, transcript })
}

/// From the folder of the RFC on, if it lies in one: `…/transcripts/rfc5321/4.2/one.smtpt` is `rfc5321/4.2/one`.
fn id(path: &Path) -> String {
    let names: Vec<String> = path.with_extension("").iter().map(|name| name.to_string_lossy().into_owned()).collect();
    let is_rfc = |name: &String| name.strip_prefix("rfc").is_some_and(|number| number.parse::<u16>().is_ok());
    let start = names.iter().rposition(is_rfc).unwrap_or(names.len().saturating_sub(1));
    names[start..].join("/")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::id;

    #[test]
    fn an_id_begins_with_the_rfc() {
        assert_eq!(id(Path::new("/a/transcripts/rfc5321/4.2/one.smtpt")), "rfc5321/4.2/one");
        assert_eq!(id(Path::new("a/rfcs/one.smtpt")), "one");
        assert_eq!(id(Path::new("one.two.smtpt")), "one.two");
    }
}
