//! `run`: exit codes, reports, baselines.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use roxmltree::Document;
use serde_json::Value;
use smtp_blocking::TestServer;
use tempfile::TempDir;

use crate::{Finished, conformance};

/// Transcripts that a correct server passes, fails (they ask for what it cannot know), and so on.
pub(crate) struct Cases {
    folder: TempDir,
}

impl Cases {
    pub(crate) fn new() -> Self {
        let cases = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        cases.add("pass", "", "R: R-4.1.1.9-01 PROSE answer with 250\nC: NOOP\nS: 250\n");
        cases.add("info", "", "R: R-4.1.1.9-02 MAY do anything\nC: VRFY <bob>\nS: 250 | 251 | 252 | 5yz\n");
        cases.add("skip", "needs: ext=XNOSUCH\n", "R: R-4.1.1.9-01 PROSE answer with 250\nC: NOOP\nS: 250\n");
        cases
    }

    /// With one more of each kind that is not as it should be.
    pub(crate) fn with_faults(self) -> Self {
        self.add("fail", "", "R: R-4.1.1.9-01 PROSE answer with 251\nC: NOOP\nS: 251\n");
        self.add("warn", "", "R: R-4.1.1.9-03 SHOULD answer with 251\nC: NOOP </script>\nS: 251\n");
        self.add("error", "", "C: NOOP\nS: 251\nR: R-4.1.1.9-01 PROSE answer with 250\nC: NOOP\nS: 250\n");
        self
    }

    fn add(&self, name: &str, header: &str, body: &str) {
        let section = self.folder.path().join("rfc5321/4.1.1.9");
        fs::create_dir_all(&section).expect("a new folder");
        let id = body.split("R: ").nth(1).and_then(|clause| clause.split(' ').next()).expect("a clause");
        let text = format!(
            "smtpt: 1\ntitle: to {name}\nrole: server\nstate: ehlo\n{header}covers: {id}\ntags: safe\n\n{body}"
        );
        fs::write(section.join(format!("{name}.smtpt")), text).expect("a new file");
    }

    pub(crate) fn path(&self) -> &str {
        self.folder.path().to_str().expect("UTF-8")
    }

    /// A path beside the transcripts.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        conformance(["run", "--transcripts", self.path()].iter().chain(arguments))
    }

    fn baseline(&self, text: &str) -> String {
        let path = self.file("baseline.tsv");
        fs::write(&path, text).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    }
}

const CORE: [&str; 2] = ["--target", "core"];

#[test]
fn nothing_fails() {
    let run = Cases::new().run(&CORE).expect(0, &["3 cases in ", ": all as expected"]);
    assert_eq!(run.errors, "", "there is no bar where there is no terminal");
}

#[test]
fn something_fails() {
    let texts = [
        "FAIL  rfc5321/4.1.1.9/fail on core",
        "R-4.1.1.9-01 PROSE answer with 251",
        "expected  251",
        "got       250",
        "C: NOOP",
        "ERROR rfc5321/4.1.1.9/error on core",
        "WARN  rfc5321/4.1.1.9/warn on core",
        "2 surprises",
    ];
    Cases::new().with_faults().run(&CORE).expect(1, &texts);
}

#[test]
fn a_warning_fails_if_it_is_told_to() {
    let cases = Cases::new().with_faults();
    let warn = ["--target", "core", "rfc5321/4.1.1.9/warn"];
    cases.run(&warn).expect(0, &["all as expected"]);
    cases.run(&[&warn[..], &["--fail-on", "warn"]].concat()).expect(1, &["1 surprise"]);
}

#[test]
fn what_makes_no_sense() {
    let cases = Cases::new();
    cases.run(&["rfc821"]).expect(2, &["no transcript is called \"rfc821\""]);
    cases.run(&["--target", "corn"]).expect(2, &["\"corn\" is no target"]);
    cases.run(&["--target", "core", "--target", "core"]).expect(2, &["two targets are called core"]);
    cases.run(&["--allow", "everything"]).expect(2, &["everything"]);
    cases.run(&["--profile", "/no/such/profile.toml"]).expect(2, &["/no/such/profile.toml"]);
    cases.run(&["--junit", "-", "--tap", "-"]).expect(2, &["only one report can go to standard output"]);
    cases.run(&["--html", "/no/such/folder/report.html"]).expect(2, &["/no/such/folder/report.html"]);
    fs::write(cases.file("rfc5321/broken.smtpt"), "smtpt: 7\n").expect("written");
    cases.run(&CORE).expect(2, &["rfc5321/broken:1:"]);
}

#[test]
fn nobody_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let target = format!("tcp://{}", listener.local_addr().expect("it is bound"));
    drop(listener);
    Cases::new().run(&["--target", &target]).expect(3, &[&format!("{target} cannot be reached")]);
}

/// What is for clients does not look for anything that a server may lack.
#[test]
fn a_server_is_not_tested_as_a_client() {
    let cases = Cases::new();
    let text = "smtpt: 1\ntitle: for a client\nrole: client\nstate: connected\ncovers: R-4.1.1.9-04\ntags: delivers\n\n\
                R: R-4.1.1.9-04 GRAMMAR begin with EHLO\nS: 220 $rcpt9\nC: EHLO ...\n";
    fs::write(cases.file("rfc5321/4.1.1.9/client.smtpt"), text).expect("written");
    let server = TestServer::spawn();
    let target = format!("tcp://{}", server.address());
    let only = ["--target", &target, "--allow", "delivers", "*/client"];
    cases.run(&only).expect(0, &["1 skipped on", "it is a server"]);
}

#[test]
fn known_failures_are_no_failures() {
    let cases = Cases::new().with_faults();
    let known = "# what we know\n\
                 core\trfc5321/4.1.1.9/fail\tR-4.1.1.9-01\tFAIL\tit is asked for nonsense\n\
                 core\trfc5321/4.1.1.9/error\t-\tERROR\tso is this\n";
    let baseline = cases.baseline(known);
    let run =
        cases.run(&["--target", "core", "--baseline", &baseline]).expect(0, &["2 known failures", "all as expected"]);
    assert!(!run.output.contains("FAIL "), "{run}");

    // A failure that nobody knows of.
    let baseline = cases.baseline(known.split_once("core").expect("lines").0);
    cases.run(&["--target", "core", "--baseline", &baseline]).expect(1, &["2 surprises"]);

    // Something passes that is known to fail.
    let baseline = cases.baseline(&format!("{known}core\trfc5321/4.1.1.9/pass\tR-4.1.1.9-01\tFAIL\tgone\n"));
    let drift = "DRIFT rfc5321/4.1.1.9/pass on core: R-4.1.1.9-01 is PASS, and the baseline says FAIL (gone)";
    cases.run(&["--target", "core", "--baseline", &baseline]).expect(1, &[drift, "1 surprise"]);

    // A line about nothing.
    let baseline = cases.baseline("core\trfc5321/4.1.1.9/gone\tR-4.1.1.9-01\tFAIL\tx\n");
    cases.run(&["--target", "core", "--baseline", &baseline]).expect(2, &["baseline.tsv", "rfc5321/4.1.1.9/gone"]);

    let baseline = cases.baseline("core\trfc5321/4.1.1.9/pass\tR-4.1.1.9-01\tFAIL\t\n");
    cases.run(&["--target", "core", "--baseline", &baseline]).expect(2, &["baseline.tsv: line 1: there is no reason"]);
}

#[test]
fn every_report_can_be_read_back() {
    let cases = Cases::new().with_faults();
    let reports = ["junit", "tap", "jsonl", "html"].map(|name| cases.file(&format!("report.{name}")));
    let mut arguments = vec!["--target", "core", "--target", "blocking"];
    for (option, path) in ["--junit", "--tap", "--jsonl", "--html"].iter().zip(&reports) {
        arguments.extend([*option, path.to_str().expect("UTF-8")]);
    }
    cases.run(&arguments).expect(1, &["12 cases in "]);
    let [junit, tap, jsonl, html] = reports.map(|path: PathBuf| read(&path));

    let document = Document::parse(&junit).expect("XML");
    let count = |name| document.root_element().attribute(name).map(str::to_owned);
    assert_eq!(
        ["tests", "failures", "errors", "skipped"].map(count),
        ["12", "2", "2", "2"].map(|it| Some(it.to_owned()))
    );

    assert!(tap.starts_with("TAP version 14\n1..12\n"), "{tap}");
    assert_eq!(tap.lines().filter(|line| line.starts_with("not ok ")).count(), 4);
    assert_eq!(tap.lines().filter(|line| line.starts_with("ok ")).count(), 8);

    let mut lines: Vec<Value> = jsonl.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let summary = lines.pop().expect("a summary");
    let number = |name: &str| summary[name].as_u64();
    assert_eq!(["pass", "info", "warn", "fail", "error", "skip"].map(number), [Some(2); 6]);
    let targets: BTreeSet<&str> = lines.iter().filter_map(|line| line["target"].as_str()).collect();
    assert_eq!(targets, BTreeSet::from(["blocking", "core"]));

    assert!(html.contains("\"id\":\"R-4.1.1.9-01\""));
}

#[test]
fn a_report_goes_to_standard_output() {
    let run = Cases::new().run(&["--target", "core", "--jsonl", "-"]).expect(0, &[]);
    let lines: Vec<Value> = run.output.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!(lines.len(), 4);
    assert!(run.errors.contains("all as expected"), "{run}");
}

/// Without a target it is the five of this project, and without a subcommand it is `run`.
#[test]
fn what_runs_when_nothing_is_said() {
    let cases = Cases::new();
    let run = conformance(["--transcripts", cases.path(), "--jsonl", "-", "rfc5321/4.1.1.9/pass"]).expect(0, &[]);
    let lines: Vec<Value> = run.output.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let targets: Vec<&str> = lines.iter().filter_map(|line| line["target"].as_str()).collect();
    assert_eq!(targets, ["core", "blocking", "tokio", "smol", "async-std"]);
}

/// The example of the page about writing one.
#[test]
fn the_first_transcript_of_the_manual() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let manual = read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/WRITING.md")));
    let (_, behind) = manual.split_once("```text\nsmtpt: 1\n").expect("an example");
    let (text, _) = behind.split_once("```").expect("its end");
    let section = folder.path().join("rfc5321/4.1.1.9");
    fs::create_dir_all(&section).expect("a new folder");
    fs::write(section.join("noop.smtpt"), format!("smtpt: 1\n{text}")).expect("written");
    let path = folder.path().to_str().expect("UTF-8");
    conformance(["fmt", "--check", path]).expect(0, &[]);
    conformance(["lint", path]).expect(0, &[]);
    conformance(["run", "--transcripts", path, "--target", "core", "--fail-on", "warn"]).expect(0, &["1 cases in "]);
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
