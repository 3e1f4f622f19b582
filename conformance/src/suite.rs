//! Plays transcripts on targets, and tells what came of them.

use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::collections::BTreeMap;

use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use crate::play::{self, FirstMail, Offers, case_id, first_mail, play, probe};
use crate::target::{Target, Unavailable, Variables};
use crate::transcript::{Act, Item, Need, Role, Side, State, Tag, Transcript};
use crate::verdict::{Finding, Report, Verdict};

/// What is played on what.
///
/// ```
/// use smtp_conformance::corpus::Corpus;
/// use smtp_conformance::suite::Suite;
/// use smtp_conformance::target::CoreTarget;
/// use smtp_conformance::verdict::Verdict;
///
/// let core = CoreTarget::new();
/// let mut suite = Suite::default();
/// suite.transcripts = Corpus::embedded().select(&["rfc5321/4.1.1.4"])?;
/// suite.targets = vec![&core];
/// let reports = suite.run(|report| println!("{} {}", report.verdict, report.transcript));
/// assert!(reports.iter().all(|report| report.verdict < Verdict::Fail));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Suite<'s> {
    /// The transcripts. One of the role `both` is two cases.
    pub transcripts: Vec<&'s Transcript>,
    /// The targets.
    pub targets: Vec<&'s dyn Target>,
    /// How.
    pub options: Options,
}

/// How a suite runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// How a transcript is played.
    pub play: play::Options,
    /// How many cases are played at a time on a target that is not somebody's live server. Default 4.
    pub jobs: NonZeroUsize,
    /// How many on a target that [takes any number of connections](Target::takes_many): most of the time of a case is spent
    /// waiting for what must not come. Default 32.
    pub many_jobs: NonZeroUsize,
    /// How many on a live server. Default 1.
    pub live_jobs: NonZeroUsize,
    /// Tags of the transcripts that run although they are not safe for a live server, besides those that
    /// [`Target::allowed`] names; with [`Tag::Slow`], also those that take long, on every target. Default none.
    pub allowed: Vec<Tag>,
    /// Everything runs, whatever its tags are. Default false.
    pub everything: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            play: play::Options::default(),
            jobs: NonZeroUsize::new(4).expect("not zero"),
            many_jobs: NonZeroUsize::new(32).expect("not zero"),
            live_jobs: NonZeroUsize::MIN,
            allowed: Vec::new(),
            everything: false,
        }
    }
}

/// One transcript, from one side.
#[derive(Clone, Copy)]
struct Case<'s> {
    transcript: &'s Transcript,
    tested: Side,
}

impl Suite<'_> {
    /// Plays everything, and tells of each case as soon as it and all before it are done: by target, by transcript, the server
    /// before the client.
    pub fn run(&self, mut each: impl FnMut(&Report)) -> Vec<Report> {
        let cases: Vec<_> = self.transcripts.iter().flat_map(|transcript| cases(transcript)).collect();
        let mut reports = Vec::with_capacity(cases.len() * self.targets.len());
        for target in &self.targets {
            self.run_on(*target, &cases, &mut |report| {
                each(&report);
                reports.push(report);
            });
        }
        reports
    }

    fn run_on(&self, target: &dyn Target, cases: &[Case<'_>], each: &mut dyn FnMut(Report)) {
        let jobs = match (target.is_live(), target.takes_many()) {
            (true, _) => self.options.live_jobs,
            (false, true) => self.options.many_jobs,
            (false, false) => self.options.jobs,
        };
        let desk = Desk { target, options: &self.options, offers: Mutex::default() };
        let next = AtomicUsize::new(0);
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..jobs.get().min(cases.len()) {
                let (desk, next, sender) = (&desk, &next, sender.clone());
                scope.spawn(move || {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(case) = cases.get(number) else { return };
                        if sender.send((number, desk.report(*case))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            let (mut due, mut early) = (0, BTreeMap::new());
            for (number, report) in receiver {
                early.insert(number, report);
                while let Some(report) = early.remove(&due) {
                    each(report);
                    due += 1;
                }
            }
        });
    }
}

fn cases(transcript: &Transcript) -> impl Iterator<Item = Case<'_>> {
    let sides: &[Side] = match transcript.role {
        Role::Server => &[Side::Server],
        Role::Client => &[Side::Client],
        Role::Both => &[Side::Server, Side::Client],
    };
    sides.iter().map(move |&tested| Case { transcript, tested })
}

/// What is known of one target.
struct Desk<'d> {
    target: &'d dyn Target,
    options: &'d Options,
    /// What a server offers, by what it is told before.
    offers: Mutex<BTreeMap<String, Result<Offers, Unavailable>>>,
}

impl Desk<'_> {
    fn report(&self, case: Case<'_>) -> Report {
        match self.obstacle(case) {
            None => play(case.transcript, case.tested, self.target, &self.options.play),
            Some((verdict, reason)) => Report {
                transcript: case_id(case.transcript, case.tested),
                target: self.target.name().into(),
                verdict,
                findings: vec![Finding {
                    verdict,
                    clause: None,
                    line: 0,
                    expected: String::new(),
                    got: reason,
                    chunking: String::new(),
                }],
                dialogue: Vec::new(),
                took: core::time::Duration::ZERO,
            },
        }
    }

    /// Why a case is not played.
    fn obstacle(&self, case: Case<'_>) -> Option<(Verdict, String)> {
        if let Some(reason) = self.forbidden(case.transcript) {
            return Some((Verdict::Skip, reason));
        }
        // A client that is to be tested sends mail, whatever else a transcript needs.
        let of_client = (case.tested == Side::Client).then_some(&Need::Mails(1));
        for need in of_client.into_iter().chain(&case.transcript.needs) {
            if let Err(reason) = self.target.offers(case.tested, need).and_then(|()| self.has(need)) {
                return Some((Verdict::Skip, reason));
            }
        }
        if case.tested == Side::Client {
            return None;
        }
        let setup = setup(case.transcript);
        match self.offers(&setup) {
            Ok(offers) => {
                let lack = case.transcript.needs.iter().find_map(|need| lack(case.transcript, need, &offers));
                let lack = lack.or_else(|| refused(case.transcript, self.target.variables(), &offers));
                lack.map(|reason| (Verdict::Skip, reason))
            }
            Err(Unavailable::Unsupported(reason)) => Some((Verdict::Skip, reason)),
            // What a transcript sets up may be a server that greets nobody, since it waits for a TLS handshake.
            Err(Unavailable::Unreachable(_)) if !setup.is_empty() => None,
            Err(Unavailable::Unreachable(reason)) => {
                let name = self.target.name();
                Some((Verdict::Error, format!("{name} cannot be reached: {reason}")))
            }
        }
    }

    /// Why a transcript must not be played on this target.
    fn forbidden(&self, transcript: &Transcript) -> Option<String> {
        if self.options.everything {
            return None;
        }
        let tags = &transcript.tags;
        let is_allowed = |tag: &Tag| self.options.allowed.contains(tag) || self.target.allowed().contains(tag);
        if tags.contains(&Tag::Slow) && !self.target.has_virtual_time() && !is_allowed(&Tag::Slow) {
            return Some("it takes long, and is played where `slow` is allowed".into());
        }
        if !self.target.is_live() || tags.contains(&Tag::Safe) {
            return None;
        }
        if tags.is_empty() {
            return Some("it is not tagged `safe`, and this is a live server".into());
        }
        let forbidden: Vec<_> = tags.iter().filter(|tag| !is_allowed(tag)).map(ToString::to_string).collect();
        let reason = || format!("this is a live server, where `{}` is not allowed", forbidden.join("`, `"));
        (!forbidden.is_empty()).then(reason)
    }

    /// What a target has by itself, not by what it offers.
    fn has(&self, need: &Need) -> Result<(), String> {
        let variables = self.target.variables();
        let recipients = variables.recipients.len();
        match need {
            Need::Rcpt if recipients == 0 => Err("no recipient is known that is accepted".into()),
            Need::Rcpts(wanted) if recipients < *wanted => {
                Err(format!("{wanted} recipients are wanted, and {recipients} are known"))
            }
            Need::BadRcpt if variables.bad_recipient.is_none() => Err("no recipient is known that is refused".into()),
            Need::Auth(_) if variables.login.is_none() => Err("no user and password are known".into()),
            Need::Time if !self.target.has_virtual_time() => Err("it takes virtual time".into()),
            _ => Ok(()),
        }
    }

    fn offers(&self, setup: &[Act]) -> Result<Offers, Unavailable> {
        let mut known = self.offers.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = known.entry(format!("{setup:?}"));
        asked.or_insert_with(|| probe(self.target, setup, self.options.play.patience)).clone()
    }
}

/// What the target is told before a transcript begins.
fn setup(transcript: &Transcript) -> Vec<Act> {
    let acts = transcript.body.iter().filter_map(|line| if let Item::Act(act) = &line.item { Some(act) } else { None });
    acts.filter(|act| matches!(act, Act::Set(_))).cloned().collect()
}

/// Why a server does not take the mail of a transcript.
fn refused(transcript: &Transcript, variables: &Variables, offers: &Offers) -> Option<String> {
    let whose = first_mail(transcript)?;
    if variables.logs_in && whose == FirstMail::Ours {
        return None;
    }
    let in_tls =
        transcript.state == State::Tls || transcript.body.iter().any(|line| matches!(line.item, Item::Tls { .. }));
    let reply = if in_tls { &offers.wants_before_mail_in_tls } else { &offers.wants_before_mail };
    let reply = reply.as_ref()?;
    let takes_mail_in_tls = matches!(offers.tls, Some(Ok(_))) && offers.wants_before_mail_in_tls.is_none();
    Some(if !in_tls && takes_mail_in_tls {
        format!("it takes mail behind STARTTLS only: {reply}")
    } else if variables.logs_in {
        format!("it wants a log-in before MAIL, and the transcript begins the session by itself: {reply}")
    } else {
        format!("it wants a log-in before MAIL: give `user`, `password` and `log_in = true` in the profile: {reply}")
    })
}

/// What a server does not offer, or offers, and the transcript needs it otherwise.
fn lack(transcript: &Transcript, need: &Need, offers: &Offers) -> Option<String> {
    let wants_tls = transcript.state == State::Tls || transcript.needs.contains(&Need::Tls);
    let in_tls = wants_tls || transcript.state == State::Auth;
    match need {
        Need::Tls => match &offers.tls {
            None => Some("it does not offer STARTTLS".into()),
            Some(Err(error)) => Some(format!("it offers STARTTLS, but there is no TLS: {error}")),
            Some(Ok(_)) => None,
        },
        Need::Auth(mechanism) => match (offers.find("AUTH", in_tls), mechanism) {
            (None, _) => Some("it does not offer AUTH".into()),
            (Some(offered), Some(mechanism)) if !offered.split(' ').any(|it| it.eq_ignore_ascii_case(mechanism)) => {
                Some(format!("it does not offer AUTH {mechanism}"))
            }
            _ => None,
        },
        Need::Extension(keyword) if offers.find(keyword, in_tls).is_none() => {
            Some(format!("it does not offer {keyword}"))
        }
        Need::NoExtension(keyword) if offers.find(keyword, in_tls).is_some() => Some(format!("it offers {keyword}")),
        _ => None,
    }
}
