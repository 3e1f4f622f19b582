//! JUnit XML: a suite for each target, a test case for each transcript.

use std::io::Write;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::{Run, clause_of, complaints, reason_to_skip};
use crate::baseline::Judged;
use crate::verdict::Verdict;

/// Writes it. Known failures are skipped, with the reason that the baseline gives.
///
/// # Errors
///
/// When it cannot be written.
pub fn junit(run: &Run, out: &mut impl Write) -> Result<(), SerializeError> {
    let mut report = Report::new("smtp-conformance");
    report.set_time(run.took);
    for target in &run.targets {
        let mut suite = TestSuite::new(target.as_str());
        suite.set_time(run.of(target).map(|judged| judged.report.took).sum());
        suite.add_test_cases(run.of(target).map(|judged| test_case(run, judged)));
        report.add_test_suite(suite);
    }
    report.serialize(out)
}

fn test_case(run: &Run, judged: &Judged) -> TestCase {
    let mut case = TestCase::new(judged.report.transcript.as_str(), status(judged));
    case.set_classname(judged.report.target.as_str()).set_time(judged.report.took);
    let title = run.case(&judged.report.transcript).map_or("", |case| &case.title);
    if judged.report.verdict >= Verdict::Warn || !judged.surprises.is_empty() {
        case.set_system_out(format!("{title}\n\n{}\n{}", findings(judged), judged.report.dialogue.join("\n")));
    }
    case
}

fn status(judged: &Judged) -> TestCaseStatus {
    if judged.report.verdict == Verdict::Skip {
        let mut status = TestCaseStatus::skipped();
        status.set_message(reason_to_skip(judged));
        return status;
    }
    if let Some(worst) = judged.surprises.iter().max_by_key(|surprise| surprise.verdict) {
        let kind = if worst.verdict == Verdict::Error { NonSuccessKind::Error } else { NonSuccessKind::Failure };
        let mut status = TestCaseStatus::non_success(kind);
        let message = match &worst.expected {
            Some(entry) => format!("{} is {}, and the baseline says {}", worst.clause, worst.verdict, entry.verdict),
            None => complaints(&judged.report.findings).max_by_key(|finding| finding.verdict).map_or_else(
                || worst.verdict.to_string(),
                |finding| format!("{}: expected {}, got {}", clause_of(finding), finding.expected, finding.got),
            ),
        };
        status.set_message(message).set_type(worst.verdict.as_str()).set_description(findings(judged));
        return status;
    }
    if judged.report.verdict >= Verdict::Fail {
        let mut status = TestCaseStatus::skipped();
        status.set_message(format!("known: {}", judged.known.join("; ")));
        return status;
    }
    TestCaseStatus::success()
}

fn findings(judged: &Judged) -> String {
    let mut text = String::new();
    for finding in complaints(&judged.report.findings) {
        text.push_str(&format!(
            "{} line {}: {}\n  expected {}\n  got {}\n",
            finding.verdict,
            finding.line,
            clause_of(finding),
            finding.expected,
            finding.got,
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use roxmltree::{Document, Node};

    use super::junit;
    use crate::report::sample;

    fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
        node.children().find(|child| child.has_tag_name(name))
    }

    #[test]
    fn an_xml_reader_understands_it() {
        let mut out = Vec::new();
        junit(&sample::run(), &mut out).expect("a vector takes all");
        let text = String::from_utf8(out).expect("text");
        let document = Document::parse(&text).expect("XML");
        let root = document.root_element();
        assert_eq!(root.attribute("tests"), Some("12"));
        let suites: Vec<Node<'_, '_>> = root.children().filter(|node| node.has_tag_name("testsuite")).collect();
        let told = |suite: &Node<'_, '_>| {
            ["name", "tests", "skipped", "failures", "errors"]
                .map(|name| suite.attribute(name).unwrap_or("-").to_owned())
        };
        assert_eq!(
            suites.iter().map(told).collect::<Vec<_>>(),
            [["core", "6", "2", "1", "1"], ["tcp://[::1]:25", "6", "1", "3", "1"],]
        );

        let cases: Vec<Node<'_, '_>> = suites[0].children().filter(|node| node.has_tag_name("testcase")).collect();
        let failure = child(cases[0], "failure").expect("it failed");
        let message = failure.attribute("message").expect("a message");
        assert!(message.starts_with("R-4.2-01 MUST answer </script>: expected 250 | 25z, got 500"), "{message}");
        let output = child(cases[0], "system-out").and_then(|node| node.text()).expect("the dialogue");
        assert!(output.contains("S: 220 mx.example </script><b>\nC: NOOP\n"), "{output}");
        let known = child(cases[1], "skipped").expect("it is known");
        assert_eq!(known.attribute("message"), Some("known: ticket 7"));
        assert!(child(cases[2], "failure").is_none());
        assert_eq!(cases[2].attribute("name"), Some("c/may@server"));
        assert!(child(cases[5], "error").is_some());

        let drift = suites[1].descendants().find(|node| node.attribute("name") == Some("c/may")).expect("a case");
        let message = child(drift, "failure").and_then(|node| node.attribute("message"));
        assert_eq!(message, Some("R-4.2-03 is PASS, and the baseline says WARN"));
    }
}
