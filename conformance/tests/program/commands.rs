//! Everything but `run` and `record`.

use std::fs;

use serde_json::Value;
use smtp_conformance::corpus::Corpus;
use smtp_conformance::mutant::Mutant;

use crate::conformance;

const NOOP: &str = "smtpt: 1\ntitle: NOOP is answered\nrole: server\nstate: ehlo\ncovers: R-4.1.1.9-01\ntags: safe\n\n\
                    C: NOOP\nR: R-4.1.1.9-01 PROSE answer with 250\nS: 250\n";

/// A folder with `rfc5321/4.1.1.9/noop.smtpt` in it.
fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let section = folder.path().join("rfc5321/4.1.1.9");
    fs::create_dir_all(&section).expect("a new folder");
    fs::write(section.join("noop.smtpt"), text).expect("a new file");
    folder
}

#[test]
fn list() {
    let folder = folder(NOOP);
    let path = folder.path().to_str().expect("UTF-8");
    let plain = conformance(["list", "--transcripts", path]).expect(0, &[]);
    assert_eq!(plain.output, "rfc5321/4.1.1.9/noop  server  NOOP is answered (safe)\n");
    let json = conformance(["list", "--transcripts", path, "--json", "rfc5321/4.1*"]).expect(0, &[]);
    let object: Value = serde_json::from_str(&json.output).expect("one object");
    assert_eq!((&object["role"], &object["covers"][0]), (&"server".into(), &"R-4.1.1.9-01".into()));
    conformance(["list", "--transcripts", path, "rfc821"]).expect(2, &["no transcript is called \"rfc821\""]);
    let all = conformance(["list"]).expect(0, &[]);
    assert_eq!(all.output.lines().count(), Corpus::embedded().transcripts().len());
}

#[test]
fn show() {
    let folder = folder(NOOP);
    let path = folder.path().to_str().expect("UTF-8");
    let statement = "R-4.1.1.9-01 PROSE NOOP is answered with 250 and does nothing.";
    let shown = conformance(["show", "--transcripts", path, "rfc5321/4.1.1.9/noop"]).expect(0, &[statement]);
    assert!(shown.output.ends_with(&format!("\n{NOOP}\n")), "{shown}");
    let transcript = "transcript: rfc5321/4.1.1.9/noop (NOOP is answered)";
    conformance(["show", "--transcripts", path, "R-4.1.1.9-01"])
        .expect(0, &[statement, "RFC 5321, section 4.1.1.9", transcript]);
    conformance(["show", "--transcripts", path, "noop?"]).expect(2, &["no transcript is called"]);
}

#[test]
fn copy() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = folder.path().join("copy");
    let path = copy.to_str().expect("UTF-8");
    conformance(["copy", path]).expect(0, &[" files in "]);
    let read = Corpus::read(&copy).expect("the copy");
    assert_eq!(read.transcripts(), Corpus::embedded().transcripts());
    fs::write(copy.join("README.md"), "mine").expect("written");
    conformance(["copy", path]).expect(2, &["README.md"]);
}

#[test]
fn formatting() {
    let crooked = NOOP.replace("role: server\nstate: ehlo", "state:   ehlo\nrole: server");
    let folder = folder(&crooked);
    let file = folder.path().join("rfc5321/4.1.1.9/noop.smtpt");
    let path = folder.path().to_str().expect("UTF-8");
    conformance(["fmt", "--check", path]).expect(1, &["noop.smtpt: not in its canonical form"]);
    assert_eq!(fs::read_to_string(&file).expect("text"), crooked);
    conformance(["fmt", path]).expect(0, &["noop.smtpt: changed"]);
    assert_eq!(fs::read_to_string(&file).expect("text"), NOOP);
    let again = conformance(["fmt", "--check", path]).expect(0, &[]);
    assert_eq!(again.output, "");
    fs::write(&file, NOOP.replace("S: 250", "S: 25")).expect("written");
    conformance(["fmt", path]).expect(1, &["noop.smtpt:10:4: "]);
    conformance(["fmt", "/there/is/no/such.smtpt"]).expect(2, &["/there/is/no/such.smtpt"]);
}

#[test]
fn linting() {
    let folder = folder(NOOP);
    let file = folder.path().join("rfc5321/4.1.1.9/noop.smtpt");
    let path = folder.path().to_str().expect("UTF-8");
    let clean = conformance(["lint", path, file.to_str().expect("UTF-8")]).expect(0, &[]);
    assert_eq!(clean.output, "");
    fs::write(&file, NOOP.replace("PROSE", "MUST")).expect("written");
    conformance(["lint", path]).expect(1, &["noop", "R-4.1.1.9-01"]);
    conformance(["lint", file.to_str().expect("UTF-8")]).expect(1, &["noop.smtpt:9: "]);
    let own = conformance(["lint"]);
    assert_eq!(own.code, Some(0), "the transcripts of the suite: {own}");
}

#[test]
fn coverage() {
    let folder = folder(NOOP);
    let path = folder.path().to_str().expect("UTF-8");
    conformance(["coverage", "--transcripts", path]).expect(1, &["on the wire", "without a transcript: "]);
    let missing = conformance(["coverage", "--transcripts", path, "--missing", "--json"]).expect(1, &[]);
    let objects = missing.output.lines().map(|line| serde_json::from_str::<Value>(line).expect("an object"));
    let ids: Vec<Value> = objects.map(|object| object["id"].clone()).collect();
    assert!(ids.contains(&"R-4.1.1.4-10".into()) && !ids.contains(&"R-4.1.1.9-01".into()), "{ids:?}");
    let all = conformance(["coverage", "--transcripts", path, "--json"]).expect(1, &[]);
    let covered = all.output.lines().find(|line| line.contains("\"R-4.1.1.9-01\"")).expect("every row is there");
    let object: Value = serde_json::from_str(covered).expect("an object");
    assert_eq!(object["transcripts"][0], "rfc5321/4.1.1.9/noop");
}

#[test]
fn selftest() {
    let mutant = Mutant::embedded().expect("the mutants").into_iter().next().expect("one");
    let nothing = tempfile::tempdir().expect("a temporary folder");
    let path = nothing.path().to_str().expect("UTF-8");
    conformance(["selftest", "--transcripts", path, &mutant.name]).expect(1, &[&mutant.name, "mutants: 0 of 1 caught"]);
    conformance(["selftest", "no-such-mutant"]).expect(2, &["no mutant is called no-such-mutant"]);
}

/// A reader that has seen enough is no error.
#[test]
fn a_broken_pipe() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let status = crate::program().arg("coverage").arg("--json").stdout(writer).output().expect("it ends");
    assert_eq!((status.status.code(), status.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn the_command_line() {
    conformance(["--help"]).expect(0, &["selftest", "Exit codes"]);
    conformance(["--version"]).expect(0, &["smtp-conformance "]);
    conformance(["run", "--no-such-option"]).expect(2, &["--no-such-option"]);
    conformance(["show"]).expect(2, &["<ID|GLOB>", "Usage"]);
}
