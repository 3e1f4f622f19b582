//! JSON lines: an object for each case on each target, and one for the whole at the end.

use std::io::{self, Write};

use serde::Serialize;

use super::{Run, count};
use crate::baseline::Judged;
use crate::verdict::{Finding, Verdict};

/// Writes them.
///
/// # Errors
///
/// When they cannot be written.
pub fn json_lines(run: &Run, out: &mut impl Write) -> io::Result<()> {
    for judged in &run.judged {
        serde_json::to_writer(&mut *out, &Line::new(run, judged))?;
        writeln!(out)?;
    }
    let surprises = run.judged.iter().map(|judged| judged.surprises.len()).sum();
    let [skip, pass, info, warn, fail, error] = count(run.judged.iter());
    let summary =
        Summary { r#type: "summary", pass, info, warn, fail, error, skip, surprises, seconds: run.took.as_secs_f64() };
    serde_json::to_writer(&mut *out, &summary)?;
    writeln!(out)
}

#[derive(Serialize)]
struct Line<'a> {
    r#type: &'static str,
    target: &'a str,
    case: &'a str,
    title: &'a str,
    role: Option<String>,
    covers: &'a [String],
    verdict: &'static str,
    as_expected: bool,
    known: &'a [String],
    drift: Vec<String>,
    findings: Vec<Found<'a>>,
    dialogue: &'a [String],
    seconds: f64,
}

impl<'a> Line<'a> {
    fn new(run: &'a Run, judged: &'a Judged) -> Self {
        let report = &judged.report;
        let case = run.case(&report.transcript);
        let drift = judged.surprises.iter().filter_map(|surprise| surprise.expected.as_ref());
        Self {
            r#type: "case",
            target: &report.target,
            case: &report.transcript,
            title: case.map_or("", |case| &case.title),
            role: case.map(|case| case.role.to_string()),
            covers: case.map_or(&[], |case| &case.covers),
            verdict: report.verdict.as_str(),
            as_expected: judged.surprises.is_empty(),
            known: &judged.known,
            drift: drift.map(ToString::to_string).collect(),
            findings: report.findings.iter().map(Found::from).collect(),
            dialogue: &report.dialogue,
            seconds: report.took.as_secs_f64(),
        }
    }
}

/// A finding, with the clause in three columns.
#[derive(Serialize)]
struct Found<'a> {
    verdict: &'static str,
    requirement: Option<&'a str>,
    level: Option<&'static str>,
    remark: Option<&'a str>,
    line: usize,
    expected: &'a str,
    got: &'a str,
    chunking: &'a str,
}

impl<'a> From<&'a Finding> for Found<'a> {
    fn from(finding: &'a Finding) -> Self {
        let clause = finding.clause.as_ref();
        Self {
            verdict: Verdict::as_str(finding.verdict),
            requirement: clause.map(|(id, ..)| id.as_str()),
            level: clause.map(|(_, level, _)| level.as_str()),
            remark: clause.map(|(.., remark)| remark.as_str()),
            line: finding.line,
            expected: &finding.expected,
            got: &finding.got,
            chunking: &finding.chunking,
        }
    }
}

#[derive(Serialize)]
struct Summary {
    r#type: &'static str,
    pass: usize,
    info: usize,
    warn: usize,
    fail: usize,
    error: usize,
    skip: usize,
    surprises: usize,
    seconds: f64,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::json_lines;
    use crate::report::sample;

    #[test]
    fn every_line_is_an_object() {
        let run = sample::run();
        let mut out = Vec::new();
        json_lines(&run, &mut out).expect("a vector takes all");
        let text = String::from_utf8(out).expect("text");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), run.judged.len() + 1);

        let first = &lines[0];
        assert_eq!(
            (&first["target"], &first["case"], &first["verdict"]),
            (&json!("core"), &json!("a/fails"), &json!("FAIL"))
        );
        assert_eq!(first["as_expected"], json!(false));
        assert_eq!(first["findings"][1]["requirement"], json!("R-4.2-01"));
        assert_eq!(first["findings"][1]["level"], json!("MUST"));
        assert_eq!(first["findings"][1]["got"], json!("500 \u{1b}[2J <what> & ]]> -->"));
        assert_eq!(first["dialogue"][2], json!("S: 500 ü \\x00"));
        assert_eq!(first["covers"], json!(["R-4.1.1.4-10", "R-4.2-01", "R-4.2-02"]));
        assert_eq!((&lines[1]["as_expected"], &lines[1]["known"]), (&json!(true), &json!(["ticket 7"])));
        assert_eq!(lines[4]["findings"][0]["requirement"], Value::Null);
        assert_eq!(lines[9]["drift"], json!(["tcp://[::1]:25\tc/may\tR-4.2-03\tWARN\tgone long ago"]));

        let summary = json!({
            "type": "summary", "pass": 0, "info": 2, "warn": 2, "fail": 4, "error": 2, "skip": 2, "surprises": 6, "seconds": 1.5,
        });
        assert_eq!(lines.last(), Some(&summary));
    }
}
