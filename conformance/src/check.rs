//! The suite in a test of one's own.
//!
//! A server that is to be tested listens somewhere, mostly on loopback in the same process:
//!
//! ```
//! use smtp_conformance::Profile;
//! # let server = smtp_blocking::TestServer::spawn();
//! # let address = server.address();
//!
//! // let address = …: where the server of the test listens
//! let profile = Profile::new("test.example").recipient("bob@test.example");
//! # let results = smtp_conformance::Check::server(address, profile).select(&["rfc5321/4.1.1.4/*"]).run();
//! # if false {
//! # let profile = Profile::new("test.example").recipient("bob@test.example");
//! let results = smtp_conformance::check_server(address, profile);
//! # }
//! results.assert();
//! ```
//!
//! A client is a function that sends what it is told. It is called for every case:
//!
//! ```
//! use smtp_blocking::Client;
//! use smtp_blocking::proto::client::{Config, Envelope, Summary};
//! use smtp_conformance::job::Job;
//!
//! fn send(job: &Job) -> Result<(), Box<dyn std::error::Error>> {
//!     let mut client = Client::connect(job.address(), Config::new("client.example")?)?;
//!     let mail = job.mail();
//!     let envelope = mail.to.iter().try_fold(Envelope::new(&mail.from)?, |envelope, to| envelope.to(to))?;
//!     let outcome = client.send(envelope, &mail.message[..])?;
//!     client.quit();
//!     if outcome.summary() == Summary::Accepted { Ok(()) } else { Err("refused".into()) }
//! }
//!
//! # let profile = smtp_conformance::Profile::new("mx.example").able(smtp_conformance::profile::Abilities::least());
//! # let results = smtp_conformance::Check::client(profile, send).select(&["rfc2920/3.1/*"]).run();
//! # if false {
//! let results = smtp_conformance::check_client(send);
//! # }
//! results.assert();
//! ```
//!
//! [`Check`] does the same with more to choose: which transcripts, what a client can do, how long to wait.

use core::fmt::{self, Display};
use core::net::IpAddr;
use core::num::NonZeroUsize;
use core::time::Duration;
use std::io;
use std::time::Instant;

use crate::baseline::Baseline;
use crate::corpus::Corpus;
use crate::job::Job;
use crate::profile::{Abilities, Profile};
use crate::report::{self, Case, Run};
use crate::suite::{Options, Suite};
use crate::target::{FunctionTarget, Place, Target};
use crate::transcript::{Role, Tag, Transcript};
use crate::verdict::{Report, Verdict};

/// Plays all transcripts of servers on the server at this address: `127.0.0.1:2525`, `tls://mx.example`, or whatever else
/// is a [`Place`].
///
/// A server on loopback is the user's own, and everything is done to it that does not take long. Any other is somebody's
/// live server unless the [`Profile`] says that it is not, and only safe transcripts run.
///
/// # Panics
///
/// When this is no place of a target.
#[must_use = "it says what was found"]
pub fn check_server(server: impl Display, profile: Profile) -> Results {
    Check::server(server, profile).run()
}

/// Plays all transcripts of clients on a client that is a function: it is called for every case and sends what the
/// [`Job`] says, without TLS, AUTH and extensions, one mail at a time. [`Check::client`] is for clients that can do more.
///
/// # Panics
///
/// When this machine gives no port.
#[must_use = "it says what was found"]
pub fn check_client<E: Display>(send: impl Fn(&Job) -> Result<(), E> + Send + Sync + 'static) -> Results {
    Check::client(Profile::new("mx.example").able(Abilities::least()), send).run()
}

/// What is checked, and how.
///
/// ```
/// use core::time::Duration;
/// use smtp_conformance::{Check, Profile};
/// # let server = smtp_blocking::TestServer::spawn();
///
/// let profile = Profile::new("test.example").recipient("bob@test.example");
/// let results = Check::server(server.address(), profile)
///     .select(&["rfc5321/4.1.1.4/*"])
///     .patience(Duration::from_secs(5))
///     .run();
/// assert!(results.failures().next().is_none(), "{results}");
/// ```
#[must_use = "nothing is played before `run`"]
pub struct Check {
    target: Box<dyn Target>,
    role: Role,
    selected: Vec<String>,
    excepted: Vec<String>,
    options: Options,
}

impl Check {
    /// A server, as [`check_server`] does.
    ///
    /// # Panics
    ///
    /// When this is no place of a target, or there is no such target with the features of this crate.
    pub fn server(server: impl Display, profile: Profile) -> Self {
        let place: Place = server.to_string().parse().unwrap_or_else(|error| panic!("{error}"));
        let profile = if is_loopback(&place) { profile.own() } else { profile };
        let target = place.open(profile).unwrap_or_else(|error| panic!("{place}: {error}"));
        Self::target(target, Role::Server)
    }

    /// A client that is a function: it is called for every case, on a thread of its own, and sends what the [`Job`] says.
    /// `Ok` says that the server has taken every mail for all its recipients. What the function can do is said by
    /// [`Profile::able`].
    ///
    /// # Panics
    ///
    /// When the domain of the profile is none.
    pub fn client<E: Display>(profile: Profile, send: impl Fn(&Job) -> Result<(), E> + Send + Sync + 'static) -> Self {
        let send = move |job: &Job| send(job).map_err(|error| error.to_string());
        let target = FunctionTarget::new(profile, send).unwrap_or_else(|error: io::Error| panic!("{error}"));
        Self::target(Box::new(target), Role::Client)
    }

    /// Any target, in one of the roles, or in both.
    pub fn target(target: Box<dyn Target>, role: Role) -> Self {
        Self { target, role, selected: Vec::new(), excepted: Vec::new(), options: Options::default() }
    }

    /// Only the transcripts with these ids; `*` stands for anything, as in `rfc5321/4.1*`.
    pub fn select(mut self, ids: &[&str]) -> Self {
        self.selected.extend(ids.iter().map(|id| (*id).to_owned()));
        self
    }

    /// Not those.
    pub fn except(mut self, ids: &[&str]) -> Self {
        self.excepted.extend(ids.iter().map(|id| (*id).to_owned()));
        self
    }

    /// Also those with this tag that would not run otherwise, such as those that take long.
    pub fn allow(mut self, tag: Tag) -> Self {
        self.options.allowed.push(tag);
        self
    }

    /// How long to wait for a line that is due.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.options.play.patience = patience;
        self
    }

    /// How many to play at a time.
    pub fn jobs(mut self, jobs: NonZeroUsize) -> Self {
        (self.options.jobs, self.options.many_jobs, self.options.live_jobs) = (jobs, jobs, jobs);
        self
    }

    /// Plays them.
    ///
    /// # Panics
    ///
    /// When one of the patterns is that of no transcript.
    #[must_use = "it says what was found"]
    pub fn run(self) -> Results {
        let corpus = Corpus::embedded();
        let choose = |ids: &[String]| corpus.select(ids).unwrap_or_else(|error| panic!("{error}"));
        let all = || corpus.transcripts().iter().collect();
        let selected = if self.selected.is_empty() { all() } else { choose(&self.selected) };
        let excepted = if self.excepted.is_empty() { Vec::new() } else { choose(&self.excepted) };
        let fits = |transcript: &&Transcript| {
            let is_of_role = self.role == Role::Both || [self.role, Role::Both].contains(&transcript.role);
            is_of_role && excepted.iter().all(|other| other.id != transcript.id)
        };
        let transcripts = selected.into_iter().filter(fits).collect();
        let suite = Suite { transcripts, targets: vec![&*self.target], options: self.options };
        let begin = Instant::now();
        let reports = suite.run(|_| {});
        let cases = suite.transcripts.into_iter().map(Case::from).collect();
        Results { reports, target: self.target.name().to_owned(), cases, took: begin.elapsed() }
    }
}

/// What was found.
///
/// As text it is the report of the program: the warnings, each failure with its dialogue, and the numbers last.
#[derive(Clone, Debug)]
pub struct Results {
    reports: Vec<Report>,
    target: String,
    cases: Vec<Case>,
    took: Duration,
}

impl Results {
    /// All reports.
    #[must_use]
    pub fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// Those of cases that failed, or that the harness could not play.
    pub fn failures(&self) -> impl Iterator<Item = &Report> {
        self.reports.iter().filter(|report| report.verdict >= Verdict::Fail)
    }

    /// Those of cases with something against a SHOULD, and nothing worse.
    pub fn warnings(&self) -> impl Iterator<Item = &Report> {
        self.of(Verdict::Warn)
    }

    /// How many cases were played to their end.
    #[must_use]
    pub fn played(&self) -> usize {
        self.reports.iter().filter(|report| ![Verdict::Skip, Verdict::Error].contains(&report.verdict)).count()
    }

    /// For the end of a test.
    ///
    /// # Panics
    ///
    /// When something failed, and says what, with the dialogue; and when nothing was played at all.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.failures().next().is_none(), "\n{self}");
        assert!(self.played() > 0, "nothing was played\n{self}");
    }

    fn of(&self, verdict: Verdict) -> impl Iterator<Item = &Report> {
        self.reports.iter().filter(move |report| report.verdict == verdict)
    }
}

impl Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let baseline = Baseline::default();
        let run = Run {
            targets: vec![self.target.clone()],
            cases: self.cases.clone(),
            judged: self.reports.iter().map(|report| baseline.judge(report.clone(), false)).collect(),
            took: self.took,
        };
        let mut text = Vec::new();
        report::human(&run, &mut text).map_err(|_| fmt::Error)?;
        f.write_str(without_colours(&String::from_utf8_lossy(&text)).trim_end())
    }
}

/// The report holds no other escapes than those of colours.
fn without_colours(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default();
    let others = parts.map(|part| part.split_once('m').map_or(part, |(_, rest)| rest));
    core::iter::once(first).chain(others).collect()
}

/// Whether it is a server of this machine.
fn is_loopback(place: &Place) -> bool {
    let Place::Server { host, .. } = place else { return false };
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("target", &self.target.name()).field("role", &self.role).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::{Results, is_loopback};
    use crate::requirement::Level;
    use crate::verdict::{Finding, Report, Verdict};

    fn report(verdict: Verdict) -> Report {
        let finding = Finding {
            verdict,
            clause: Some(("R-4.2-01".into(), Level::Must, "answer".into())),
            line: 7,
            expected: "250".into(),
            got: "the end of the connection".into(),
            chunking: "bytes".into(),
        };
        Report {
            transcript: format!("some/{}", verdict.as_str().to_lowercase()),
            target: "mine".into(),
            verdict,
            findings: vec![finding],
            dialogue: vec!["C: NOOP".into()],
            took: Duration::ZERO,
        }
    }

    fn results(verdicts: &[Verdict]) -> Results {
        let reports = verdicts.iter().map(|verdict| report(*verdict)).collect();
        Results { reports, target: "mine".into(), cases: Vec::new(), took: Duration::from_secs(1) }
    }

    #[test]
    fn a_failure_is_shown_with_its_dialogue() {
        let results = results(&[Verdict::Pass, Verdict::Fail, Verdict::Skip]);
        let text = results.to_string();
        for part in [
            "FAIL  some/fail on mine\n      R-4.2-01 MUST answer\n      line      7, with octets cut bytes\n",
            "      expected  250\n      got       the end of the connection\n",
            "\n        C: NOOP\n",
            "mine        1      0      0      1      0      1 ",
        ] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
        assert!(!text.contains("PASS") && !text.contains('\u{1b}'), "{text}");
        assert!(text.ends_with("3 cases in 1.00 s: 1 surprise"), "{text}");
        let panic = std::panic::catch_unwind(|| results.assert()).expect_err("one failed");
        assert!(panic.downcast_ref::<String>().is_some_and(|text| text.contains("C: NOOP")));
    }

    #[test]
    fn warnings_are_no_failures() {
        let results = results(&[Verdict::Info, Verdict::Warn]);
        results.assert();
        assert_eq!(results.warnings().count(), 1);
        assert!(results.to_string().contains("WARN  some/warn"));
    }

    /// A check that checks nothing is none.
    #[test]
    fn nothing_played_is_no_success() {
        for verdict in [Verdict::Skip, Verdict::Error] {
            std::panic::catch_unwind(|| results(&[verdict]).assert()).expect_err("nothing was played");
        }
        let text = results(&[Verdict::Skip]).to_string();
        assert!(text.contains("1 skipped on mine: the end of the connection"), "{text}");
        std::panic::catch_unwind(|| results(&[]).assert()).expect_err("nothing was played");
    }

    #[test]
    fn loopback_is_ones_own() {
        for (place, is_own) in [
            ("127.0.0.1:25", true),
            ("[::1]:25", true),
            ("tls://localhost", true),
            ("tcp://mx.example", false),
            ("192.0.2.1:25", false),
            ("cmd:true", false),
        ] {
            assert_eq!(is_loopback(&place.parse().expect(place)), is_own, "{place}");
        }
    }
}
