//! `smtp-conformance run`.

mod outputs;
mod targets;

use core::fmt::Display;
use core::num::NonZero;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use smtp_conformance::baseline::Baseline;
use smtp_conformance::corpus::Corpus;
use smtp_conformance::report::{Case, Run};
use smtp_conformance::suite::Suite;
use smtp_conformance::target::Target;
use smtp_conformance::transcript::{Role, Tag, Transcript};
use smtp_conformance::verdict::{Report, Verdict};

use crate::exit::{Exit, Trouble};
use crate::source::Source;

/// Replays transcripts on targets, and reports what came of it
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Transcripts with these ids, in these folders, or that these patterns name. Without any: all of them
    #[arg(value_name = "ID|GLOB")]
    patterns: Vec<String>,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    targets: targets::Targets,
    /// Runs transcripts with this tag on a live target, too: delivers, auth-fail, flood, slow
    #[arg(long, value_name = "TAG", value_parser = tag)]
    allow: Vec<Tag>,
    /// A file of known failures: target, case, clause, verdict and reason, with a TAB between them
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    #[command(flatten)]
    outputs: outputs::Files,
    /// Takes also this for a failure
    #[arg(long, value_enum, value_name = "VERDICT")]
    fail_on: Option<FailOn>,
    /// Plays so many transcripts at a time. Default: four for each processor, as most of the time is spent waiting; 32 with
    /// the adapters of this project; against a live target one after the other
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZero<usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Warn,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Trouble> {
    let start = Instant::now();
    let corpus = options.source.sound_corpus()?;
    let transcripts = corpus.select(&options.patterns).map_err(Trouble::usage)?;
    let baseline = options.baseline(&corpus)?;
    let targets = options.targets.open(&options.allow)?;
    let outputs = options.outputs.open()?;
    targets::reach(&targets)?;

    let reports = options.play(&transcripts, &targets);
    let warnings = options.fail_on == Some(FailOn::Warn);
    let run = Run {
        targets: targets.iter().map(|target| target.name().to_owned()).collect(),
        cases: transcripts.into_iter().map(Case::from).collect(),
        judged: reports.into_iter().map(|report| baseline.judge(report, warnings)).collect(),
        took: start.elapsed(),
    };
    outputs.write(&run)?;
    Ok(if run.has_surprises() { Exit::Failed } else { Exit::Ok })
}

impl Options {
    fn baseline(&self, corpus: &Corpus) -> Result<Baseline, Trouble> {
        let Some(path) = &self.baseline else { return Ok(Baseline::default()) };
        let trouble = |error: &dyn Display| Trouble::usage(format!("{}: {error}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| trouble(&error))?;
        let baseline = Baseline::parse(&text).map_err(|error| trouble(&error))?;
        let id = |case: &str| case.split_once('@').map_or(case, |(id, _)| id).to_owned();
        match baseline.entries().iter().find(|entry| corpus.find(&id(&entry.case)).is_none()) {
            Some(gone) => Err(trouble(&format_args!("there is no transcript {}", gone.case))),
            None => Ok(baseline),
        }
    }

    fn play(&self, transcripts: &[&Transcript], targets: &[Box<dyn Target>]) -> Vec<Report> {
        let mut suite = Suite::default();
        suite.transcripts = transcripts.to_vec();
        suite.targets = targets.iter().map(AsRef::as_ref).collect();
        suite.options.allowed.clone_from(&self.allow);
        let processors = thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        suite.options.jobs = self.jobs.unwrap_or_else(|| processors.saturating_mul(JOBS));
        if let Some(jobs) = self.jobs {
            (suite.options.many_jobs, suite.options.live_jobs) = (jobs, jobs);
        }
        let sides = transcripts.iter().map(|transcript| if transcript.role == Role::Both { 2 } else { 1 });
        // On a terminal only.
        let bar = ProgressBar::new(sides.sum::<u64>() * targets.len() as u64);
        bar.set_style(ProgressStyle::with_template(BAR).expect("a template"));
        let mut failures = 0_usize;
        let reports = suite.run(|report| {
            failures += usize::from(report.verdict >= Verdict::Fail);
            let failed = if failures == 0 { String::new() } else { format!(", {failures} not as they have to be") };
            bar.set_message(format!("{}{failed}", report.target));
            bar.inc(1);
        });
        bar.finish_and_clear();
        reports
    }
}

fn tag(word: &str) -> Result<Tag, String> {
    word.parse::<Tag>().map_err(|error| error.to_string())
}

/// Transcripts for each processor.
const JOBS: NonZero<usize> = NonZero::new(4).expect("not zero");
const BAR: &str = "{wide_bar} {pos}/{len} {msg}";
