//! Every requirement that can be seen on the wire has a test that names it, or a reason why not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The rows of RFC 3207 and RFC 4954, marked `wire`.
#[test]
fn each_has_a_test_or_a_reason() {
    let wire: BTreeMap<_, _> = rows(CATALOGUE)
        .filter(|row| row.get(5).is_some_and(|checkable| *checkable == "wire"))
        .map(|row| (row[0], row[6]))
        .collect();
    let exceptions: BTreeMap<_, _> = rows(EXCEPTIONS).map(|row| (row[0], row[1])).collect();
    let mut named = BTreeSet::new();
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of the workspace");
    for folder in ["smtp-proto/src", "smtp-proto/tests", "smtp-blocking/src", "smtp-blocking/tests"] {
        collect(&project.join(folder), &mut named);
    }
    let missing: Vec<_> = wire
        .iter()
        .filter(|(id, _)| !named.contains(**id) && !exceptions.contains_key(*id))
        .map(|(id, statement)| format!("{id}: {statement}"))
        .collect();
    let needless: Vec<_> = exceptions.keys().filter(|id| named.contains(**id) || !wire.contains_key(*id)).collect();
    println!(
        "{} requirements on the wire: {} with a test, {} excepted",
        wire.len(),
        wire.len() - missing.len() - exceptions.len(),
        exceptions.len()
    );
    assert!(missing.is_empty(), "no test names these:\n{}", missing.join("\n"));
    assert!(needless.is_empty(), "tested, or not on the wire, and excepted all the same: {needless:?}");
    assert!(exceptions.values().all(|reason| reason.len() > 20), "an exception needs a reason");
}

fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table.lines().skip(1).map(|line| line.split('\t').collect())
}

/// Adds every id in the Rust files of a folder. A range such as `X-1-2-03…05` names each of its numbers.
fn collect(folder: &Path, named: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of the project") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            collect(&path, named);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with(file!()) {
            ids(&fs::read_to_string(&path).expect("a text"), named);
        }
    }
}

fn ids(text: &str, named: &mut BTreeSet<String>) {
    for start in text.match_indices("X-").map(|(at, _)| at) {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        let word = text[start..].split(|c| !is_part(c)).next().unwrap_or_default().trim_end_matches(['.', '-']);
        let Some((section, number)) = word.rsplit_once('-') else { continue };
        named.insert(word.into());
        let behind = &text[start + word.len()..];
        let Some(last) = behind.strip_prefix('…').map(|rest| rest.get(..2).unwrap_or_default()) else { continue };
        if let (Ok(from), Ok(to)) = (number.parse::<u32>(), last.parse::<u32>()) {
            named.extend((from..=to).map(|number| format!("{section}-{number:02}")));
        }
    }
}

const CATALOGUE: &str = include_str!("requirements/catalogue.tsv");
const EXCEPTIONS: &str = include_str!("requirements/exceptions.tsv");
