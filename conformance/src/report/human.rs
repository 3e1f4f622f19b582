//! For people: what failed and how, and the summary last.

use core::fmt::{self, Display};
use core::time::Duration;
use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{Run, clause_of, complaints, count, reason_to_skip};
use crate::baseline::Judged;
use crate::verdict::{Finding, Verdict};

/// Writes it, with colours: give it a stream that takes them out where they are not wanted.
///
/// # Errors
///
/// When it cannot be written.
pub fn human(run: &Run, out: &mut impl Write) -> io::Result<()> {
    // The worst stands next to the summary, where one looks first.
    for verdict in [Verdict::Warn, Verdict::Error, Verdict::Fail] {
        let worth_it = |judged: &&Judged| judged.report.verdict == verdict && !is_known(judged);
        for judged in run.judged.iter().filter(worth_it) {
            write_case(run, judged, out)?;
        }
    }
    write_drift(run, out)?;
    write_skipped(run, out)?;
    write_summary(run, out)
}

/// Whether all that went wrong here is expected.
fn is_known(judged: &Judged) -> bool {
    judged.surprises.is_empty() && complaints(&judged.report.findings).count() <= judged.known.len()
}

fn write_case(run: &Run, judged: &Judged, out: &mut impl Write) -> io::Result<()> {
    let report = &judged.report;
    let verdict = Shown(report.verdict);
    writeln!(out, "{verdict} {BOLD}{}{BOLD:#} on {BOLD}{}{BOLD:#}", report.transcript, report.target)?;
    if let Some(case) = run.case(&report.transcript) {
        writeln!(out, "      {}", Safe(&case.title))?;
    }
    for finding in complaints(&report.findings) {
        write_finding(finding, out)?;
    }
    if report.verdict >= Verdict::Fail {
        writeln!(out, "      the dialogue was")?;
        for line in &report.dialogue {
            writeln!(out, "        {FAINT}{}{FAINT:#}", Safe(line))?;
        }
    }
    writeln!(out)
}

fn write_finding(finding: &Finding, out: &mut impl Write) -> io::Result<()> {
    let style = style(finding.verdict);
    writeln!(out, "      {style}{}{style:#}", Safe(&clause_of(finding)))?;
    write!(out, "      line      {}", finding.line)?;
    if !matches!(finding.chunking.as_str(), "" | "whole") {
        write!(out, ", with octets cut {}", finding.chunking)?;
    }
    writeln!(out)?;
    writeln!(out, "      expected  {}", Safe(&finding.expected))?;
    writeln!(out, "      got       {}", Safe(&finding.got))
}

/// Where the baseline is no longer true.
fn write_drift(run: &Run, out: &mut impl Write) -> io::Result<()> {
    let surprises = run.judged.iter().flat_map(|judged| &judged.surprises);
    let mut any = false;
    for (surprise, entry) in surprises.filter_map(|surprise| Some((surprise, surprise.expected.as_ref()?))) {
        writeln!(
            out,
            "DRIFT {BOLD}{}{BOLD:#} on {BOLD}{}{BOLD:#}: {} is {}, and the baseline says {} ({})",
            entry.case,
            entry.target,
            entry.clause,
            surprise.verdict,
            entry.verdict,
            Safe(&entry.reason),
        )?;
        any = true;
    }
    if any { writeln!(out) } else { Ok(()) }
}

/// How many were skipped for which reason, and where.
fn write_skipped(run: &Run, out: &mut impl Write) -> io::Result<()> {
    let mut alike: BTreeMap<(&str, usize), Vec<&str>> = BTreeMap::new();
    for target in &run.targets {
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for judged in run.of(target).filter(|judged| judged.report.verdict == Verdict::Skip) {
            *reasons.entry(reason_to_skip(judged)).or_default() += 1;
        }
        for (reason, number) in reasons {
            alike.entry((reason, number)).or_default().push(target);
        }
    }
    for ((reason, number), targets) in &alike {
        let targets: Vec<String> = targets.iter().map(|target| short(target)).collect();
        writeln!(out, "{FAINT}{number:5} skipped on {}: {}{FAINT:#}", targets.join(", "), Safe(reason))?;
    }
    if alike.is_empty() { Ok(()) } else { writeln!(out) }
}

fn write_summary(run: &Run, out: &mut impl Write) -> io::Result<()> {
    let width = run.targets.iter().map(|target| short(target).chars().count()).max().unwrap_or_default();
    let width = width.max("target".len());
    writeln!(out, "{BOLD}{:width$}   pass   info   warn   fail  error   skip      time  slowest{BOLD:#}", "target")?;
    for target in &run.targets {
        let [skip, numbers @ ..] = count(run.of(target));
        write!(out, "{:width$}", short(target))?;
        for (number, verdict) in numbers.into_iter().zip(&Verdict::ALL[1..]) {
            let style = if number > 0 { style(*verdict) } else { FAINT };
            write!(out, "  {style}{number:5}{style:#}")?;
        }
        let took = run.of(target).map(|judged| judged.report.took).sum();
        write!(out, "  {FAINT}{skip:5}{FAINT:#}  {:>8}", seconds(took))?;
        if let Some(slowest) = run.of(target).map(|judged| &judged.report).max_by_key(|report| report.took) {
            write!(out, "  {} {}", slowest.transcript, seconds(slowest.took))?;
        }
        writeln!(out)?;
    }
    let known: usize = run.judged.iter().map(|judged| judged.known.len()).sum();
    let surprises: usize = run.judged.iter().map(|judged| judged.surprises.len()).sum();
    write!(out, "\n{} cases in {}", run.judged.len(), seconds(run.took))?;
    if known > 0 {
        write!(out, ", {known} known {}", if known == 1 { "failure" } else { "failures" })?;
    }
    let style = style(if surprises == 0 { Verdict::Pass } else { Verdict::Fail });
    match surprises {
        0 => writeln!(out, ": {style}all as expected{style:#}"),
        1 => writeln!(out, ": {style}1 surprise{style:#}"),
        _ => writeln!(out, ": {style}{surprises} surprises{style:#}"),
    }
}

/// The name of a target in a table: a command may be long.
fn short(target: &str) -> String {
    match target.char_indices().nth(WIDEST) {
        None => target.to_owned(),
        Some((end, _)) => format!("{}…", &target[..end]),
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// A verdict in its colour, five columns wide.
struct Shown(Verdict);

impl Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = style(self.0).bold();
        write!(f, "{style}{:5}{style:#}", self.0.as_str())
    }
}

/// A text in which nothing moves the cursor.
struct Safe<'a>(&'a str);

impl Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            if letter.is_control() { write!(f, "{}", letter.escape_default())? } else { write!(f, "{letter}")? }
        }
        Ok(())
    }
}

fn style(verdict: Verdict) -> Style {
    let colour = match verdict {
        Verdict::Skip => return FAINT,
        Verdict::Pass => AnsiColor::Green,
        Verdict::Info => AnsiColor::Cyan,
        Verdict::Warn => AnsiColor::Yellow,
        Verdict::Fail => AnsiColor::Red,
        Verdict::Error => AnsiColor::Magenta,
    };
    colour.on_default()
}

/// So wide a name of a target may be in a table.
const WIDEST: usize = 40;
const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

#[cfg(test)]
mod tests {
    use super::human;
    use crate::report::sample;

    /// The report without its colours.
    fn plain() -> String {
        let mut out = Vec::new();
        human(&sample::run(), &mut out).expect("a vector takes all");
        let text = String::from_utf8(out).expect("text");
        regex::Regex::new("\u{1b}\\[[0-9;]*m").expect("a pattern").replace_all(&text, "").into_owned()
    }

    #[test]
    fn a_failure_tells_everything() {
        let text = plain();
        let failure = "\
FAIL  a/fails on core
      what a/fails is about <&\"'>
      R-4.2-01 MUST answer </script>
      line      3
      expected  250 | 25z
      got       500 \\u{1b}[2J <what> & ]]> -->
      the dialogue was
        S: 220 mx.example </script><b>
        C: NOOP
        S: 500 ü \\x00
";
        assert!(text.contains(failure), "{text}");
        assert!(!text.contains("b/known on core"), "{text}");
        assert!(text.contains("FAIL  b/known on tcp://[::1]:25\n"), "{text}");
        assert!(text.contains("DRIFT c/may on tcp://[::1]:25: R-4.2-03 is PASS, and the baseline says WARN"), "{text}");
        assert!(text.contains("    1 skipped on core, tcp://[::1]:25: 500"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn the_summary_comes_last() {
        let text = plain();
        let summary = "\
target           pass   info   warn   fail  error   skip      time  slowest
core                0      1      1      2      1      1    0.05 s  c/may@server 0.01 s
tcp://[::1]:25      0      1      1      2      1      1    0.05 s  c/may@server 0.01 s

12 cases in 1.50 s, 1 known failure: 6 surprises
";
        assert!(text.ends_with(summary), "{text}");
    }
}
