//! Every requirement that a test has to show has one that names it, or a reason why not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The rows of RFC 3207 and RFC 4954, marked `wire`.
#[test]
fn each_of_the_extensions_has_a_test_or_a_reason() {
    let wire = rows(EXTENSIONS).filter(|row| ["3207", "4954"].contains(&row[1]) && row[5] == "wire");
    check("X-", wire.map(|row| (row[0], row[6])).collect());
}

/// The rows of RFC 5321, marked `api`: what shows only in what the core offers to its application.
#[test]
fn each_of_the_interface_has_a_test_or_a_reason() {
    let api = rows(RFC_5321).filter(|row| row[4] == "api");
    check("R-", api.map(|row| (row[0], row[5])).collect());
}

/// Ids with this prefix, and what they require.
fn check(prefix: &str, wanted: BTreeMap<&str, &str>) {
    assert!(!wanted.is_empty(), "the catalogue has other columns");
    let exceptions: BTreeMap<_, _> =
        rows(EXCEPTIONS).filter(|row| row[0].starts_with(prefix)).map(|row| (row[0], row[1])).collect();
    let mut named = BTreeSet::new();
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of the workspace");
    for folder in ["smtp-proto/src", "smtp-proto/tests", "smtp-blocking/src", "smtp-blocking/tests"] {
        collect(&project.join(folder), &mut named);
    }
    let missing: Vec<_> = wanted
        .iter()
        .filter(|(id, _)| !named.contains(**id) && !exceptions.contains_key(*id))
        .map(|(id, statement)| format!("{id}: {statement}"))
        .collect();
    let needless: Vec<_> = exceptions.keys().filter(|id| named.contains(**id) || !wanted.contains_key(*id)).collect();
    println!(
        "{} requirements: {} with a test, {} excepted",
        wanted.len(),
        wanted.len() - missing.len() - exceptions.len(),
        exceptions.len()
    );
    assert!(missing.is_empty(), "no test names these:\n{}", missing.join("\n"));
    assert!(needless.is_empty(), "tested, or not wanted, and excepted all the same: {needless:?}");
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
    for start in text.match_indices(['R', 'X']).map(|(at, _)| at).filter(|at| text[at + 1..].starts_with('-')) {
        // Behind a letter begins no id.
        if text[..start].ends_with(|c: char| c.is_ascii_alphanumeric()) {
            continue;
        }
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

const RFC_5321: &str = include_str!("../../conformance/requirements/rfc5321-requirements.tsv");
const EXTENSIONS: &str = include_str!("../../conformance/requirements/extension-requirements.tsv");
const EXCEPTIONS: &str = include_str!("requirements/exceptions.tsv");
