//! One page that holds everything: requirements as rows, targets as columns, and a dialogue behind each cell.

use std::collections::HashMap;
use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::{Case, Run, count};
use crate::baseline::Judged;
use crate::catalogue::{self, Requirement};
use crate::verdict::{Finding, Verdict};

/// Writes the page, with a row for each of these requirements. It loads nothing: it can be opened from a disk, sent by
/// mail, or kept with the results of a build.
///
/// # Errors
///
/// When it cannot be written.
pub fn html(run: &Run, requirements: &[Requirement], out: &mut impl Write) -> io::Result<()> {
    let data = embed(&serde_json::to_string(&Data::new(run, requirements))?);
    let mut rest = PAGE;
    for (place, text) in [("{{style}}\n", STYLE), ("{{data}}", &data), ("{{script}}\n", SCRIPT)] {
        let (before, behind) = rest.split_once(place).expect("the page names its parts in this order");
        out.write_all(before.as_bytes())?;
        out.write_all(text.as_bytes())?;
        rest = behind;
    }
    out.write_all(rest.as_bytes())
}

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// JSON that can stand in a `script` element: no text in it looks like markup.
fn embed(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// Everything that the script shows.
#[derive(Serialize)]
struct Data<'a> {
    version: &'static str,
    made: String,
    targets: Vec<TargetData<'a>>,
    documents: Vec<Document>,
    rows: Vec<RowData<'a>>,
    cases: Vec<CaseData<'a>>,
    reports: Vec<ReportData<'a>>,
    /// Each dialogue once: most targets say the same.
    dialogues: Vec<&'a [String]>,
}

#[derive(Serialize)]
struct TargetData<'a> {
    name: &'a str,
    counts: serde_json::Map<String, serde_json::Value>,
    seconds: f64,
}

#[derive(Serialize)]
struct Document {
    rfc: String,
    title: &'static str,
}

#[derive(Serialize)]
struct RowData<'a> {
    id: &'a str,
    rfc: String,
    section: &'a str,
    level: &'static str,
    actor: &'a str,
    checkable: &'a str,
    statement: &'a str,
    /// Why no transcript can show it.
    exception: Option<&'static str>,
    /// One for each target; `None`: nothing was to be played about this on it.
    cells: Vec<Option<Cell>>,
}

#[derive(Serialize)]
struct Cell {
    verdict: &'static str,
    known: bool,
    reports: Vec<CellEntry>,
}

#[derive(Serialize)]
struct CellEntry {
    /// Its place in the reports.
    report: usize,
    /// What came of this requirement there.
    verdict: &'static str,
    /// Whether the case came to this requirement.
    reached: bool,
}

#[derive(Serialize)]
struct CaseData<'a> {
    id: &'a str,
    title: &'a str,
    role: String,
    source: &'a [(usize, String)],
}

#[derive(Serialize)]
struct ReportData<'a> {
    id: &'a str,
    /// Its place in the cases.
    case: Option<usize>,
    findings: Vec<FindingData<'a>>,
    known: &'a [String],
    surprises: Vec<String>,
    dialogue: usize,
    seconds: f64,
}

#[derive(Serialize)]
struct FindingData<'a> {
    verdict: &'static str,
    requirement: &'a str,
    level: &'static str,
    remark: &'a str,
    line: usize,
    expected: &'a str,
    got: &'a str,
    chunking: &'a str,
}

impl<'a> Data<'a> {
    fn new(run: &'a Run, requirements: &'a [Requirement]) -> Self {
        let mut dialogues = Vec::new();
        let mut places = HashMap::new();
        let reports = run.judged.iter().map(|judged| {
            let dialogue = judged.report.dialogue.as_slice();
            let place = *places.entry(dialogue).or_insert_with(|| {
                dialogues.push(dialogue);
                dialogues.len() - 1
            });
            ReportData::new(run, judged, place)
        });
        let reports: Vec<ReportData<'_>> = reports.collect();
        let covering = Covering::new(run);
        let rows: Vec<RowData<'_>> = requirements.iter().map(|row| RowData::new(run, &covering, row)).collect();
        let mut documents: Vec<Document> = Vec::new();
        for row in &rows {
            if documents.iter().all(|document| document.rfc != row.rfc) {
                documents.push(Document { rfc: row.rfc.clone(), title: title(&row.rfc) });
            }
        }
        Self {
            version: env!("CARGO_PKG_VERSION"),
            made: Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
            targets: run.targets.iter().map(|target| TargetData::new(run, target)).collect(),
            documents,
            rows,
            cases: run.cases.iter().map(CaseData::from).collect(),
            reports,
            dialogues,
        }
    }
}

/// Which reports are about a requirement.
struct Covering<'a>(HashMap<&'a str, Vec<usize>>);

impl<'a> Covering<'a> {
    fn new(run: &'a Run) -> Self {
        let mut covering: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, judged) in run.judged.iter().enumerate() {
            for id in run.case(&judged.report.transcript).map_or(&[][..], |case| &case.covers) {
                covering.entry(id).or_default().push(index);
            }
        }
        Self(covering)
    }
}

impl<'a> RowData<'a> {
    fn new(run: &Run, covering: &Covering<'_>, row: &'a Requirement) -> Self {
        let about = covering.0.get(row.id).map_or(&[][..], Vec::as_slice);
        let cells = run.targets.iter().map(|target| {
            let own = about.iter().copied().filter(|&index| run.judged[index].report.target == *target);
            Cell::new(run, row.id, own)
        });
        Self {
            id: row.id,
            rfc: row.rfc.to_string(),
            section: row.section,
            level: row.level.as_str(),
            actor: row.actor.as_str(),
            checkable: row.checkable.as_str(),
            statement: row.statement,
            exception: catalogue::exception(row.id),
            cells: cells.collect(),
        }
    }
}

impl Cell {
    fn new(run: &Run, requirement: &str, reports: impl Iterator<Item = usize>) -> Option<Self> {
        let entries = reports.map(|report| {
            let (verdict, reached) = verdict_on(requirement, &run.judged[report]);
            (report, verdict, reached)
        });
        let entries: Vec<(usize, Verdict, bool)> = entries.collect();
        let worst = entries.iter().map(|(_, verdict, _)| *verdict).max()?;
        let all_known = |&(report, verdict, _): &(usize, Verdict, bool)| {
            let judged = &run.judged[report];
            verdict < worst || (!judged.known.is_empty() && judged.surprises.is_empty())
        };
        Some(Self {
            verdict: worst.as_str(),
            known: worst >= Verdict::Warn && entries.iter().all(all_known),
            reports: entries
                .into_iter()
                .map(|(report, verdict, reached)| CellEntry { report, verdict: verdict.as_str(), reached })
                .collect(),
        })
    }
}

/// What came of a requirement in one report, and whether the case came to it.
fn verdict_on(requirement: &str, judged: &Judged) -> (Verdict, bool) {
    let is_about_it = |finding: &&Finding| finding.clause.as_ref().is_some_and(|(id, ..)| id == requirement);
    let found = judged.report.findings.iter().filter(is_about_it).map(|finding| finding.verdict).max();
    match (found, judged.report.verdict) {
        (Some(verdict), _) => (verdict, true),
        (None, Verdict::Error) => (Verdict::Error, false),
        (None, Verdict::Skip | Verdict::Fail) => (Verdict::Skip, false),
        (None, verdict) => (verdict, true),
    }
}

impl<'a> TargetData<'a> {
    fn new(run: &Run, target: &'a str) -> Self {
        let counts = Verdict::ALL.iter().zip(count(run.of(target)));
        Self {
            name: target,
            counts: counts.map(|(verdict, number)| (verdict.to_string(), number.into())).collect(),
            seconds: run.of(target).map(|judged| judged.report.took.as_secs_f64()).sum(),
        }
    }
}

impl<'a> ReportData<'a> {
    fn new(run: &Run, judged: &'a Judged, dialogue: usize) -> Self {
        let report = &judged.report;
        let surprises = judged.surprises.iter().map(|surprise| match &surprise.expected {
            Some(entry) => {
                format!("{} is {}, and the baseline says {}", surprise.clause, surprise.verdict, entry.verdict)
            }
            None => format!("{} is {}", surprise.clause, surprise.verdict),
        });
        Self {
            id: &report.transcript,
            case: run.place(&report.transcript),
            findings: report.findings.iter().map(FindingData::from).collect(),
            known: &judged.known,
            surprises: surprises.collect(),
            dialogue,
            seconds: report.took.as_secs_f64(),
        }
    }
}

impl<'a> From<&'a Finding> for FindingData<'a> {
    fn from(finding: &'a Finding) -> Self {
        let (requirement, level, remark) = finding
            .clause
            .as_ref()
            .map_or(("", "", ""), |(id, level, remark)| (id.as_str(), level.as_str(), remark.as_str()));
        Self {
            verdict: finding.verdict.as_str(),
            requirement,
            level,
            remark,
            line: finding.line,
            expected: &finding.expected,
            got: &finding.got,
            chunking: &finding.chunking,
        }
    }
}

impl<'a> From<&'a Case> for CaseData<'a> {
    fn from(case: &'a Case) -> Self {
        Self { id: &case.id, title: &case.title, role: case.role.to_string(), source: &case.source }
    }
}

/// What an RFC is called.
fn title(rfc: &str) -> &'static str {
    match rfc {
        "5321" => "Simple Mail Transfer Protocol",
        "1870" => "Message Size Declaration",
        "2033" => "Local Mail Transfer Protocol",
        "2034" => "Enhanced Error Codes",
        "2920" => "Command Pipelining",
        "3030" => "Large and Binary MIME Messages",
        "3207" => "Secure SMTP over TLS",
        "3461" => "Delivery Status Notifications",
        "4954" => "Authentication",
        "6152" => "8-bit MIME Transport",
        "6531" => "Internationalized Email",
        "7504" => "521 and 556 Reply Codes",
        "8689" => "Require TLS Option",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::html;
    use crate::catalogue::{Requirement, requirement};
    use crate::report::{Run, sample};
    use crate::verdict::Verdict;

    /// A few requirements of RFC 5321, whose statements are as nasty as can be.
    fn page(run: &Run) -> String {
        let ids = ["R-4.1.1.4-10", "R-4.2-01", "R-4.2-02", "R-4.2-03", "R-4.2-04", "R-4.2-05"];
        let rows = ids.map(|id| Requirement {
            statement: "A </script><!-- {{data}} {{script}}\n & \u{2028} is text.",
            ..requirement(id).expect("a row of the catalogue").clone()
        });
        let mut out = Vec::new();
        html(run, &rows, &mut out).expect("a vector takes all");
        String::from_utf8(out).expect("text")
    }

    /// What the page holds, found as a browser finds it.
    fn data(page: &str) -> Value {
        let (_, behind) = page.split_once("<script type=\"application/json\" id=\"data\">").expect("the data");
        let (data, _) = behind.split_once("</script>").expect("its end");
        serde_json::from_str(data).expect("JSON")
    }

    #[test]
    fn a_cell_is_the_worst_of_its_transcripts() {
        let data = data(&page(&sample::run()));
        let verdicts = |row: usize| {
            data["rows"][row]["cells"].as_array().expect("cells").iter().map(|cell| cell["verdict"].clone())
        };
        assert_eq!(verdicts(0).collect::<Vec<_>>(), ["PASS", "PASS"]);
        // One of three transcripts about it could not be played at all.
        assert_eq!(verdicts(1).collect::<Vec<_>>(), ["ERROR", "ERROR"]);
        // One case ended before it came to this, another one got there.
        assert_eq!(verdicts(2).collect::<Vec<_>>(), ["WARN", "WARN"]);
        let entries = &data["rows"][2]["cells"][0]["reports"];
        assert_eq!(entries[0], json!({"report": 0, "verdict": "SKIP", "reached": false}));
        assert_eq!(entries[2], json!({"report": 3, "verdict": "WARN", "reached": true}));
        assert_eq!(verdicts(4).collect::<Vec<_>>(), ["SKIP", "SKIP"]);
        assert_eq!(data["rows"][5]["cells"], json!([null, null]));
    }

    #[test]
    fn texts_stay_texts() {
        let page = page(&sample::run());
        let data = data(&page);
        assert_eq!(data["rows"][0]["statement"], "A </script><!-- {{data}} {{script}}\n & \u{2028} is text.");
        assert_eq!(data["dialogues"], json!([["S: 220 mx.example </script><b>", "C: NOOP", "S: 500 ü \\x00"]]));
        assert_eq!(data["reports"][0]["findings"][1]["got"], "500 \u{1b}[2J <what> & ]]> -->");
        assert_eq!(data["cases"][0]["source"][1], json!([9, "R: R-4.2-01 MUST answer </script>"]));
        // The data and the script end once each.
        assert_eq!(page.matches("</script>").count(), 2);
    }

    /// In short, a cell says the same, and what failed still has its dialogue.
    #[test]
    fn in_short_nothing_else_is_said() {
        let (whole, short) = (sample::run(), sample::run().in_short());
        for (whole, short) in whole.judged.iter().zip(&short.judged) {
            let is_short = matches!(whole.report.verdict, Verdict::Pass | Verdict::Skip);
            assert_eq!(short.report.dialogue.is_empty(), is_short, "{}", whole.report.transcript);
            assert_eq!(short.report.verdict, whole.report.verdict);
        }
        let cells = |run: &Run| {
            data(&page(run))["rows"]
                .as_array()
                .expect("rows")
                .iter()
                .map(|row| row["cells"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(cells(&whole), cells(&short));
    }

    #[test]
    fn nothing_is_loaded() {
        let page = page(&sample::run());
        for forbidden in ["src=", "@import", "url(", "fetch(", "XMLHttpRequest"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert!(page.contains("default-src 'none'"));
    }

    #[test]
    fn what_is_known_and_what_is_not_is_told() {
        let data = data(&page(&sample::run()));
        assert_eq!(data["reports"][1]["known"], json!(["ticket 7"]));
        assert_eq!(data["reports"][9]["surprises"], json!(["R-4.2-03 is PASS, and the baseline says WARN"]));
        assert_eq!(data["targets"][0]["counts"]["FAIL"], 2);
    }
}
