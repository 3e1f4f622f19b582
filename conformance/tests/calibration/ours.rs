//! The implementations of this project, of which nothing has to be known.

use core::num::NonZeroUsize;

use smtp_conformance::baseline::Baseline;
use smtp_conformance::corpus::Corpus;
use smtp_conformance::suite::Suite;
use smtp_conformance::target::{AdapterTarget, CoreTarget, Target};

use crate::known::judge;

#[test]
fn core() {
    play(&CoreTarget::new());
}

#[test]
fn adapters() {
    for name in AdapterTarget::names() {
        play(&AdapterTarget::new(name).expect("it has this name"));
    }
}

/// Plays everything. What is skipped is skipped for a reason, and nothing else is but as it has to be.
#[track_caller]
fn play(target: &dyn Target) {
    let mut suite = Suite::default();
    suite.transcripts = Corpus::embedded().transcripts().iter().collect();
    suite.targets = vec![target];
    suite.options.jobs = NonZeroUsize::new(8).expect("some");
    judge(&suite, target.name(), &Baseline::default(), 0);
}
