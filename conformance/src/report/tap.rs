//! The Test Anything Protocol, version 14.

use std::io::{self, Write};

use super::{Run, clause_of, complaints, reason_to_skip};
use crate::baseline::Judged;
use crate::verdict::Verdict;

/// Writes a line for each case on each target. What is known to fail is `not ok … # TODO`, which harnesses take for a
/// success.
///
/// # Errors
///
/// When it cannot be written.
pub fn tap(run: &Run, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "TAP version 14\n1..{}", run.judged.len())?;
    for (index, judged) in run.judged.iter().enumerate() {
        let (ok, directive) = result(judged);
        let name = format!("{} {}", judged.report.target, judged.report.transcript);
        writeln!(out, "{} {} - {}{directive}", if ok { "ok" } else { "not ok" }, index + 1, escape(&name))?;
        if complaints(&judged.report.findings).next().is_some() || !judged.surprises.is_empty() {
            write_diagnostics(judged, out)?;
        }
    }
    Ok(())
}

fn result(judged: &Judged) -> (bool, String) {
    if judged.report.verdict == Verdict::Skip {
        return (true, format!(" # SKIP {}", escape(reason_to_skip(judged))));
    }
    if !judged.surprises.is_empty() {
        return (false, String::new());
    }
    if judged.report.verdict >= Verdict::Fail {
        return (false, format!(" # TODO {}", escape(&judged.known.join("; "))));
    }
    (true, String::new())
}

/// A block of YAML, all of whose texts are quoted.
fn write_diagnostics(judged: &Judged, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "  ---\n  verdict: {}", judged.report.verdict)?;
    if !judged.surprises.is_empty() {
        writeln!(out, "  surprises:")?;
        for surprise in &judged.surprises {
            let expected = surprise.expected.as_ref().map_or("PASS", |entry| entry.verdict.as_str());
            writeln!(out, "    - {}", quoted(&format!("{} {}, not {expected}", surprise.clause, surprise.verdict)))?;
        }
    }
    writeln!(out, "  findings:")?;
    for finding in complaints(&judged.report.findings) {
        writeln!(out, "    - verdict: {}", finding.verdict)?;
        writeln!(out, "      clause: {}", quoted(&clause_of(finding)))?;
        writeln!(out, "      line: {}", finding.line)?;
        writeln!(out, "      expected: {}", quoted(&finding.expected))?;
        writeln!(out, "      got: {}", quoted(&finding.got))?;
        writeln!(out, "      chunking: {}", quoted(&finding.chunking))?;
    }
    writeln!(out, "  dialogue:")?;
    for line in &judged.report.dialogue {
        writeln!(out, "    - {}", quoted(line))?;
    }
    writeln!(out, "  ...")
}

/// A description, in which `#` and `\` mean something unless they are escaped.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '#' => escaped.extend(['\\', letter]),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A double-quoted scalar of YAML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '\\' | '"' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            letter if letter.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(letter))),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::tap;
    use crate::report::sample;

    #[test]
    fn each_case_is_a_line() {
        let mut out = Vec::new();
        tap(&sample::run(), &mut out).expect("a vector takes all");
        let text = String::from_utf8(out).expect("text");
        let points: Vec<&str> = text.lines().filter(|line| line.starts_with("ok") || line.starts_with("not")).collect();
        assert_eq!(
            points,
            [
                "not ok 1 - core a/fails",
                "not ok 2 - core b/known # TODO ticket 7",
                "ok 3 - core c/may@server",
                "ok 4 - core c/may",
                "ok 5 - core d/skipped # SKIP 500  [2J <what> & ]]> -->",
                "not ok 6 - core e/harness",
                "not ok 7 - tcp://[::1]:25 a/fails",
                "not ok 8 - tcp://[::1]:25 b/known",
                "ok 9 - tcp://[::1]:25 c/may@server",
                "not ok 10 - tcp://[::1]:25 c/may",
                "ok 11 - tcp://[::1]:25 d/skipped # SKIP 500  [2J <what> & ]]> -->",
                "not ok 12 - tcp://[::1]:25 e/harness",
            ]
        );
        assert!(text.starts_with("TAP version 14\n1..12\n"));
    }

    /// All that stands between test points is a block of YAML, indented by two.
    #[test]
    fn diagnostics_are_blocks() {
        let mut out = Vec::new();
        tap(&sample::run(), &mut out).expect("a vector takes all");
        let text = String::from_utf8(out).expect("text");
        let mut inside = false;
        for line in text.lines().skip(2) {
            match line {
                "  ---" => assert!(!core::mem::replace(&mut inside, true)),
                "  ..." => assert!(core::mem::replace(&mut inside, false)),
                line if inside => assert!(line.starts_with("  "), "{line}"),
                line => assert!(line.starts_with("ok ") || line.starts_with("not ok "), "{line}"),
            }
        }
        assert!(!inside);
        assert!(text.contains("    - \"R-4.2-03 PASS, not WARN\"\n"), "{text}");
        assert!(text.contains("      got: \"500 \\u001b[2J <what> & ]]> -->\"\n"), "{text}");
    }
}
