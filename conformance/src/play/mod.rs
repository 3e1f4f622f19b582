//! Plays a transcript: says the lines of the script's side, and compares what the target says with the others.

mod chunks;
mod client;
mod dialogue;
mod judge;
mod log_in;
pub(crate) mod pattern;
mod probe;
mod prologue;
mod script;
mod server;
mod steps;
mod talk;
mod variables;

use core::time::Duration;
use std::time::Instant;

use dialogue::Dialogue;
use judge::{Judge, Stop};
pub(crate) use log_in::{FirstMail, first_mail};
pub use probe::{Offers, probe};
use script::Script;
use steps::Play;
use talk::Talk;
use variables::Values;

use crate::target::{Target, Unavailable, Wire};
use crate::transcript::{Chunking, Role, Side, State, Transcript};
use crate::verdict::{Finding, Report, Verdict};

/// How a transcript is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// How long to wait for a line that is due. Default 10 s.
    pub patience: Duration,
    /// How long to wait for what must not come, where the transcript does not say and time is real. Default 20 ms.
    pub grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { patience: Duration::from_secs(10), grace: Duration::from_millis(20) }
    }
}

/// What a case is called: the id of its transcript, and who is under test if it is played from both sides.
#[must_use]
pub fn case_id(transcript: &Transcript, tested: Side) -> String {
    match (transcript.role, tested) {
        (Role::Both, Side::Server) => format!("{}@server", transcript.id),
        (Role::Both, Side::Client) => format!("{}@client", transcript.id),
        _ => transcript.id.clone(),
    }
}

/// Plays a transcript on a target, once for each way of cutting. `tested`: who is under test.
///
/// A target in virtual time gets every way of cutting; any other those of the transcript. It ends with the way in which
/// something failed.
#[must_use]
pub fn play(transcript: &Transcript, tested: Side, target: &dyn Target, options: &Options) -> Report {
    let start = Instant::now();
    let mut report = Report {
        transcript: case_id(transcript, tested),
        target: target.name().into(),
        verdict: Verdict::Pass,
        findings: Vec::new(),
        dialogue: Vec::new(),
        took: Duration::ZERO,
    };
    for (number, chunking) in chunkings(transcript, target).into_iter().enumerate() {
        let Played { findings, dialogue } = play_once(transcript, tested, target, options, chunking);
        let worst = worst(&findings);
        if number == 0 {
            (report.findings, report.dialogue, report.verdict) = (findings, dialogue, worst);
        } else {
            if worst > report.verdict && worst > Verdict::Info {
                (report.dialogue, report.verdict) = (dialogue, worst);
            }
            for finding in findings {
                add(&mut report.findings, finding);
            }
        }
        if matches!(worst, Verdict::Fail | Verdict::Error) || report.findings.iter().any(is_skip_of_all) {
            break;
        }
    }
    report.verdict = worst(&report.findings);
    report.took = start.elapsed();
    report
}

/// What came of one way of cutting.
struct Played {
    findings: Vec<Finding>,
    dialogue: Vec<String>,
}

fn play_once(
    transcript: &Transcript,
    tested: Side,
    target: &dyn Target,
    options: &Options,
    chunking: Chunking,
) -> Played {
    let mut judge = Judge::new(transcript, chunks::Name(chunking).to_string());
    let values = Values::new(target.variables(), tested == Side::Client);
    let (script, wire) = match begin(transcript, tested, target, &values) {
        Ok(begun) => begun,
        Err(stop) => return Played { findings: judge.finish(Some(stop)), dialogue: Vec::new() },
    };
    // The prologue may say them, too.
    if transcript.state == State::Auth || target.variables().logs_in {
        let _ = values.expand("$b64($user) $b64($password)");
        let _ = values.expand(r"$b64(\0$user\0$password)");
    }
    let secrets = if target.is_live() { values.secrets() } else { Vec::new() };
    let side = match tested {
        Side::Server => Side::Client,
        Side::Client => Side::Server,
    };
    let talk = Talk::new(wire, side, chunking, options.patience, Dialogue::without(secrets));
    judge = Judge::new(transcript, chunks::Name(chunking).to_string());
    let mut play = Play {
        transcript,
        tested,
        talk,
        judge,
        patience: options.patience,
        grace: if target.has_virtual_time() { Duration::ZERO } else { options.grace },
        has_virtual_time: target.has_virtual_time(),
        has_pipelining: false,
        heard_at: 0,
        is_owed: false,
        is_at_command: false,
        client: client::Session::default(),
    };
    let stop = play.prologue(&values).and_then(|()| play.run(&script)).err();
    if let Some(Stop::Error { text, .. }) = &stop {
        play.talk.dialogue.note(&format!("# {text}"));
    }
    if target.is_live() && tested == Side::Server {
        play.take_leave();
    }
    let dialogue = core::mem::take(&mut play.talk.dialogue).into_lines();
    Played { findings: play.judge.finish(stop), dialogue }
}

/// Makes the script ready, and connects.
fn begin<'t>(
    transcript: &Transcript,
    tested: Side,
    target: &'t dyn Target,
    values: &Values<'_>,
) -> Result<(Script, Box<dyn Wire + 't>), Stop> {
    let flawed =
        |(line, text): (usize, String)| Stop::Error { line, text: format!("line {line} cannot be played: {text}") };
    let mut script = script::prepare(transcript, tested, values).map_err(flawed)?;
    let connected = match tested {
        Side::Server => target.connect(&script.job),
        Side::Client => {
            let completed = prologue::complete_job(&mut script.job, transcript.state, values);
            completed.map_err(|text| Stop::Error { line: 0, text: format!("prologue: {text}") })?;
            target.launch(&script.job, &script.attachments)
        }
    };
    match connected {
        Ok(wire) => Ok((script, wire)),
        Err(Unavailable::Unsupported(reason)) => Err(Stop::Skip(reason)),
        Err(Unavailable::Unreachable(reason)) => {
            Err(Stop::Error { line: 0, text: format!("{} cannot be reached: {reason}", target.name()) })
        }
    }
}

fn chunkings(transcript: &Transcript, target: &dyn Target) -> Vec<Chunking> {
    let mut all = transcript.chunking.clone();
    if target.has_virtual_time() {
        for chunking in [Chunking::Whole, Chunking::Bytes, Chunking::LfSplit, Chunking::Random(7)] {
            if !all.contains(&chunking) {
                all.push(chunking);
            }
        }
    }
    all
}

fn worst(findings: &[Finding]) -> Verdict {
    if findings.iter().any(is_skip_of_all) {
        return Verdict::Skip;
    }
    findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Pass).max(Verdict::Pass)
}

/// Whether the case was not played to its end because the target cannot do what is asked.
fn is_skip_of_all(finding: &Finding) -> bool {
    finding.verdict == Verdict::Skip && finding.clause.is_none()
}

/// Adds what another way of cutting has brought to light.
fn add(findings: &mut Vec<Finding>, finding: Finding) {
    let is_news = finding.verdict > Verdict::Info || is_skip_of_all(&finding);
    let is_known = findings
        .iter()
        .any(|known| (known.verdict, known.line, &known.got) == (finding.verdict, finding.line, &finding.got));
    if is_news && !is_known {
        findings.push(finding);
    }
}
