//! Plays the transcripts on the mutants.

use std::collections::{BTreeMap, BTreeSet};

use super::score::{Fate, Result, Score};
use super::{Distorted, Mutant};
use crate::play::case_id;
use crate::suite::Suite;
use crate::target::{CoreTarget, Target};
use crate::transcript::{Role, Side, Transcript};
use crate::verdict::{Report, Verdict};

/// A transcript, played from one side.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The transcript.
    pub transcript: &'a Transcript,
    /// Who is under test.
    pub side: Side,
}

/// Plays a case on a target.
pub type Player<'p> = dyn Fn(Case<'_>, &dyn Target) -> Report + 'p;

/// Plays, for each mutant, the transcripts of its requirements on the core with the mutant in front, as the suite does.
///
/// See [`selftest_with`] for what is caught.
pub fn selftest<'c>(mutants: &[Mutant], corpus: impl IntoIterator<Item = &'c Transcript>) -> Score {
    selftest_with(mutants, corpus, &CoreTarget::new(), &play_case)
}

/// Plays a case as the suite does: it is skipped when the target lacks something.
///
/// # Panics
///
/// When the transcript is not played from this side.
#[must_use]
pub fn play_case(case: Case<'_>, target: &dyn Target) -> Report {
    let suite = Suite { transcripts: vec![case.transcript], targets: vec![target], ..Suite::default() };
    let id = case_id(case.transcript, case.side);
    let report = suite.run(|_| ()).into_iter().find(|report| report.transcript == id);
    report.expect("it is a case of this transcript")
}

/// Plays, for each mutant, the transcripts of its requirements on the correct target `core` with the mutant in front.
///
/// A mutant is caught when each of its requirements has a finding (FAIL or WARN) in a clause of that requirement, in a
/// transcript in which a rule of the mutant has done something. `core` by itself must not fail there, and what it warns of
/// does not count. The player skips what a target has no means for.
pub fn selftest_with<'c>(
    mutants: &[Mutant],
    corpus: impl IntoIterator<Item = &'c Transcript>,
    core: &dyn Target,
    player: &Player<'_>,
) -> Score {
    let corpus: Vec<&Transcript> = corpus.into_iter().collect();
    // Many mutants are tried on the same transcripts.
    let mut undistorted = BTreeMap::new();
    let results = mutants.iter().map(|mutant| Result {
        mutant: mutant.name.clone(),
        role: mutant.role,
        requirement: mutant.requirement.clone(),
        file: mutant.file.clone(),
        fate: fate_of(mutant, &corpus, core, player, &mut undistorted),
    });
    Score { results: results.collect() }
}

/// What the correct target warns of in a case, or what is wrong.
type Undistorted = core::result::Result<BTreeSet<String>, String>;

fn fate_of<'c>(
    mutant: &Mutant,
    corpus: &[&'c Transcript],
    core: &dyn Target,
    player: &Player<'_>,
    undistorted: &mut BTreeMap<(&'c str, &'static str), Undistorted>,
) -> Fate {
    let mut missing: BTreeSet<&str> = mutant.requirement.iter().map(String::as_str).collect();
    let mut tried = Vec::new();
    let mut unplayed = Vec::new();
    let mut has_applied = false;
    for transcript in corpus.iter().filter(|transcript| concerns(mutant, transcript)) {
        let case = Case { transcript, side: mutant.role };
        let key = (&transcript.id[..], side_name(mutant.role));
        let correct = undistorted.entry(key).or_insert_with(|| play_undistorted(case, core, player));
        let warned_of = match correct {
            Err(problem) => return Fate::CoreFails { transcript: transcript.id.clone(), problem: problem.clone() },
            Ok(warned_of) => warned_of,
        };
        let distorted = Distorted::new(core, mutant);
        let report = player(case, &distorted);
        if report.verdict == Verdict::Skip {
            unplayed.push(transcript.id.clone());
            continue;
        }
        let breaches = report.findings.iter().filter(|finding| is_breach(finding.verdict));
        let mut found = breaches.filter_map(|finding| finding.clause.as_ref()).map(|(id, ..)| &id[..]);
        if distorted.applied().iter().any(|count| *count > 0) {
            has_applied = true;
            for id in found.filter(|id| !warned_of.contains(*id)) {
                missing.remove(id);
            }
        } else if let Some(id) = found.find(|id| !warned_of.contains(*id)) {
            let problem = format!("{id} fails with `{}` in front, though no rule has done anything", mutant.name);
            return Fate::CoreFails { transcript: transcript.id.clone(), problem };
        }
        tried.push((transcript.id.clone(), report.verdict));
    }
    if tried.is_empty() {
        Fate::NoTranscript { unplayed }
    } else if missing.is_empty() {
        Fate::Caught
    } else if !has_applied {
        Fate::NeverApplied { tried: tried.into_iter().map(|(id, _)| id).collect() }
    } else {
        Fate::Missed { missing: missing.into_iter().map(str::to_owned).collect(), tried }
    }
}

/// Whether a transcript is about a requirement that the mutant breaks, and about its role.
fn concerns(mutant: &Mutant, transcript: &Transcript) -> bool {
    let is_of_the_role = match transcript.role {
        Role::Both => true,
        Role::Server => mutant.role == Side::Server,
        Role::Client => mutant.role == Side::Client,
    };
    is_of_the_role && transcript.covers.iter().any(|id| mutant.requirement.contains(id))
}

fn play_undistorted(case: Case<'_>, core: &dyn Target, player: &Player<'_>) -> Undistorted {
    let report = player(case, core);
    match report.verdict {
        Verdict::Fail | Verdict::Error => {
            let finding = report.findings.iter().find(|finding| finding.verdict == report.verdict);
            let details = finding.map_or_else(String::new, |finding| {
                format!(": line {}: expected {}, got {}", finding.line, finding.expected, finding.got)
            });
            Err(format!("{} without any mutant{details}", report.verdict))
        }
        // What it lacks the mutant may offer.
        Verdict::Skip | Verdict::Pass | Verdict::Info | Verdict::Warn => {
            let warnings = report.findings.into_iter().filter(|finding| finding.verdict == Verdict::Warn);
            Ok(warnings.filter_map(|finding| finding.clause).map(|(id, ..)| id).collect())
        }
    }
}

fn is_breach(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Warn | Verdict::Fail)
}

pub(super) fn side_name(side: Side) -> &'static str {
    match side {
        Side::Client => "client",
        Side::Server => "server",
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::{Case, selftest, selftest_with};
    use crate::mutant::fake::Fake;
    use crate::mutant::{Fate, Mutant, Score};
    use crate::requirement::Level;
    use crate::target::{Heard, Target};
    use crate::transcript::{Side, Transcript};
    use crate::verdict::{Finding, Report, Verdict};

    /// Two clauses: NOOP is answered with 250, and so is RSET.
    const TRANSCRIPT: &str = "smtpt: 1\ntitle: noop and rset\nrole: server\nstate: connected\n\
        covers: R-4.1.1.9-01; R-4.1.1.5-02\nchunking: whole\n\n\
        R: R-4.1.1.9-01 PROSE NOOP\nC: NOOP\nS: 250\nR: R-4.1.1.5-02 MUST RSET\nC: RSET\nS: 250\n";

    fn corpus() -> Vec<Transcript> {
        vec![Transcript::parse("t/noop", TRANSCRIPT).expect("a transcript")]
    }

    /// Says NOOP and RSET and looks at the replies.
    fn play(case: Case<'_>, target: &dyn Target) -> Report {
        let mut wire = target.connect(&[]).expect("a server");
        let mut said = |line: &str| {
            wire.send(line.as_bytes()).expect("sent");
            match wire.hear(Duration::ZERO).expect("heard") {
                Heard::Octets(octets) => String::from_utf8(octets).expect("UTF-8"),
                Heard::End | Heard::Quiet => String::new(),
            }
        };
        let mut findings = Vec::new();
        said("");
        for (line, id, level) in [("NOOP", "R-4.1.1.9-01", Level::Prose), ("RSET", "R-4.1.1.5-02", Level::Must)] {
            let got = said(&format!("{line}\r\n"));
            findings.push(Finding {
                verdict: if got.starts_with("250 ") && got.lines().count() == 1 {
                    Verdict::Pass
                } else {
                    Verdict::Fail
                },
                clause: Some((id.to_owned(), level, String::new())),
                line: 1,
                expected: "250".to_owned(),
                got,
                chunking: "whole".to_owned(),
            });
        }
        Report {
            transcript: case.transcript.id.clone(),
            target: target.name().to_owned(),
            verdict: findings.iter().map(|finding| finding.verdict).max().expect("findings"),
            findings,
            dialogue: Vec::new(),
            took: Duration::ZERO,
        }
    }

    fn score(role: &str, requirement: &str, rule: &str) -> Score {
        let text = format!(
            "[[mutant]]\nname = \"m\"\nrole = \"{role}\"\nrequirement = {requirement}\nwhat = \"w\"\n[[mutant.rule]]\n{rule}\n"
        );
        let mutants = Mutant::parse("m.toml", &text).expect("a mutant");
        selftest_with(&mutants, &corpus(), &Fake::default(), &play)
    }

    #[track_caller]
    fn fate(requirement: &str, rule: &str) -> Fate {
        score("server", requirement, rule).results[0].fate.clone()
    }

    #[test]
    fn a_mutant_is_caught_when_each_of_its_requirements_fails() {
        assert_eq!(fate("[\"R-4.1.1.9-01\"]", "command = \"NOOP\"\nreply = \"500 What?\""), Fate::Caught);
        let both = "[\"R-4.1.1.9-01\", \"R-4.1.1.5-02\"]";
        assert_eq!(fate(both, "command = \"NOOP|RSET\"\nreply = \"500 What?\""), Fate::Caught);
        let Fate::Missed { missing, tried } = fate(both, "command = \"NOOP\"\nreply = \"500 What?\"") else {
            panic!("only one of them fails")
        };
        assert_eq!((missing, tried), (vec!["R-4.1.1.5-02".to_owned()], vec![("t/noop".to_owned(), Verdict::Fail)]));
    }

    #[test]
    fn a_failure_in_the_clause_of_another_requirement_does_not_count() {
        let fate = fate("[\"R-4.1.1.5-02\"]", "command = \"NOOP\"\nreply = \"500 What?\"");
        assert!(matches!(fate, Fate::Missed { .. }), "{fate:?}");
    }

    #[test]
    fn a_mutant_that_never_does_anything_is_told() {
        let fate = fate("[\"R-4.1.1.5-02\"]", "command = \"VRFY\"\nreply = \"500 What?\"");
        assert_eq!(fate, Fate::NeverApplied { tried: vec!["t/noop".to_owned()] });
    }

    #[test]
    fn a_mutant_without_a_transcript_of_its_role_is_told() {
        assert_eq!(
            fate("[\"R-1-01\"]", "command = \"VRFY\"\nreply = \"500 What?\""),
            Fate::NoTranscript { unplayed: Vec::new() }
        );
        let score = score("client", "[\"R-4.1.1.5-02\"]", "says = \"RSET\"\ndrop = true");
        assert_eq!(score.results[0].fate, Fate::NoTranscript { unplayed: Vec::new() });
        assert_eq!(score.results[0].role, Side::Client);
    }

    /// The same, with what is a failure in the transcript a warning.
    fn play_mildly(case: Case<'_>, target: &dyn Target) -> Report {
        let mut report = play(case, target);
        let verdicts = report.findings.iter_mut().map(|finding| &mut finding.verdict).chain([&mut report.verdict]);
        for verdict in verdicts.filter(|verdict| **verdict == Verdict::Fail) {
            *verdict = Verdict::Warn;
        }
        report
    }

    #[test]
    fn what_the_correct_target_warns_of_is_no_catch() {
        let mutants = Mutant::parse(
            "m.toml",
            "[[mutant]]\nname = \"m\"\nrole = \"server\"\nrequirement = [\"R-4.1.1.5-02\"]\nwhat = \"w\"\n\
             [[mutant.rule]]\ncommand = \"RSET\"\nswallow = true\n",
        )
        .expect("a mutant");
        let fate = |core: &Fake| selftest_with(&mutants, &corpus(), core, &play_mildly).results[0].fate.clone();
        assert_eq!(fate(&Fake::default()), Fate::Caught);
        let warned_of = Fake { refuses: Some("RSET"), ..Fake::default() };
        assert!(matches!(fate(&warned_of), Fate::Missed { .. }));
    }

    #[test]
    fn a_correct_target_that_fails_is_an_error() {
        let mutants = Mutant::parse(
            "m.toml",
            "[[mutant]]\nname = \"m\"\nrole = \"server\"\nrequirement = [\"R-4.1.1.5-02\"]\nwhat = \"w\"\n\
             [[mutant.rule]]\ncommand = \"RSET\"\nswallow = true\n",
        )
        .expect("a mutant");
        let core = Fake { refuses: Some("RSET"), ..Fake::default() };
        let score = selftest_with(&mutants, &corpus(), &core, &play);
        let Fate::CoreFails { transcript, problem } = &score.results[0].fate else { panic!("{score:?}") };
        assert_eq!(transcript, "t/noop");
        assert!(problem.starts_with("FAIL without any mutant: line 1: expected 250, got 500"), "{problem}");
        assert!(!score.is_clean());
    }

    #[test]
    fn mutants_of_the_core_are_played_as_the_suite_does() {
        let text = "smtpt: 1\ntitle: help\nrole: server\nstate: connected\nneeds: ext=EXPN\ncovers: R-4.2.4-03\n\n\
                    R: R-4.2.4-03 MUST-NOT list it\nS: 220\nC: EHLO $client\nS: 250\nC: EXPN x\nS: 25z | 55z\n";
        let corpus = [Transcript::parse("t/expn", text).expect("a transcript")];
        let fate = |rules: &str| {
            let head = "[[mutant]]\nname = \"m\"\nrole = \"server\"\nrequirement = [\"R-4.2.4-03\"]\nwhat = \"w\"\n";
            let mutants = Mutant::parse("m.toml", &format!("{head}{rules}")).expect("a mutant");
            selftest(&mutants, &corpus).results[0].fate.clone()
        };
        let lists = "[[mutant.rule]]\nkeywords_add = [\"EXPN\"]\n";
        let refuses = "[[mutant.rule]]\ncommand = \"EXPN\"\nreply = \"502 no\"\n";
        assert_eq!(fate(&[lists, refuses].concat()), Fate::Caught);
        assert_eq!(fate(refuses), Fate::NoTranscript { unplayed: vec!["t/expn".to_owned()] });
        // Whoever greets wrongly is asked all the same what it offers.
        let garbled = "[[mutant.rule]]\ncommand = \"\"\ntrue_reply = \"hello\"\n";
        assert_eq!(fate(&[lists, garbled].concat()), Fate::Caught);
    }
}
