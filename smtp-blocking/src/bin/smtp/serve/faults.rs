//! What goes wrong on purpose, to test clients.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use std::sync::{Condvar, Mutex, PoisonError};

use smtp_blocking::Reject;

use super::refusal::RefusalCode;

/// Everything that goes wrong in the sessions of this service.
#[derive(Debug)]
pub(super) struct Faults {
    faults: Vec<Fault>,
    is_ending: Mutex<bool>,
    ending: Condvar,
}

/// `VERB:ACTION`: what goes wrong where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    verb: Verb,
    action: Action,
}

/// A point in a session where the client awaits an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// The greeting.
    Connect,
    Ehlo,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// The end of the message.
    Dot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// Says no.
    Refuse(RefusalCode),
    /// Answers late.
    Delay(Duration),
    /// Closes the connection without an answer.
    Drop,
}

/// In what order a session comes to them.
const VERBS: [Verb; 7] = [Verb::Connect, Verb::Ehlo, Verb::Auth, Verb::Mail, Verb::Rcpt, Verb::Data, Verb::Dot];

const LONGEST_DELAY: Duration = Duration::from_secs(3600);

impl Faults {
    /// Those of one verb act in their order.
    ///
    /// # Errors
    ///
    /// Which of them never acts, because another ends the matter before.
    pub(super) fn new(faults: Vec<Fault>) -> Result<Self, String> {
        for (at, last) in faults.iter().enumerate().filter(|(_, fault)| !matches!(fault.action, Action::Delay(_))) {
            if let Some(idle) = faults[at + 1..].iter().find(|fault| fault.verb == last.verb) {
                return Err(format!("--fault {idle} never acts behind --fault {last}"));
            }
        }
        Ok(Self { faults, is_ending: Mutex::new(false), ending: Condvar::new() })
    }

    /// Lets go wrong what is to go wrong here. After a delay the usual answer is still due.
    ///
    /// # Errors
    ///
    /// What to answer instead of the usual.
    pub(super) fn strike(&self, verb: Verb) -> Result<(), Reject> {
        for fault in self.of(verb) {
            match fault.action {
                Action::Refuse(code) => return Err(code.reply(verb, format!("refused by --fault {fault}")).into()),
                Action::Delay(delay) => self.pause(delay),
                Action::Drop => return Err(Reject::disconnect()),
            }
        }
        Ok(())
    }

    /// How late an answer may come by them.
    pub(super) fn longest_delay(&self) -> Duration {
        let delay = |fault: &Fault| if let Action::Delay(delay) = fault.action { delay } else { Duration::ZERO };
        VERBS.map(|verb| self.of(verb).map(delay).sum()).into_iter().max().unwrap_or_default()
    }

    /// The service ends: so does every delay, at once.
    pub(super) fn end_delays(&self) {
        // Nothing that can panic runs while it is locked.
        *self.is_ending.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ending.notify_all();
    }

    fn of(&self, verb: Verb) -> impl Iterator<Item = &Fault> {
        self.faults.iter().filter(move |fault| fault.verb == verb)
    }

    fn pause(&self, delay: Duration) {
        let is_ending = self.is_ending.lock().unwrap_or_else(PoisonError::into_inner);
        // Whichever ends it, the session goes on.
        let _ = self.ending.wait_timeout_while(is_ending, delay, |is_ending| !*is_ending);
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (verb, action) = text.split_once(':').ok_or("a verb, a colon and what to do there, as in RCPT:450")?;
        let verb = verb.parse()?;
        Ok(Self { verb, action: action.parse()? })
    }
}

impl FromStr for Verb {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let verb = VERBS.into_iter().find(|verb| verb.word().eq_ignore_ascii_case(text));
        verb.ok_or_else(|| format!("`{text}` is none of {}", VERBS.map(Self::word).join(", ")))
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("drop") {
            return Ok(Self::Drop);
        }
        match text.split_once('=') {
            Some((word, seconds)) if word.eq_ignore_ascii_case("delay") => delay(seconds).map(Self::Delay),
            None if text.starts_with(|first: char| first.is_ascii_digit()) => text.parse().map(Self::Refuse),
            _ => Err(format!("`{text}` is none of a reply code 4yz or 5yz, delay=SECONDS, drop")),
        }
    }
}

fn delay(text: &str) -> Result<Duration, String> {
    // Numbers of other forms, `1e3` and `inf` among them, are more likely to be mistakes.
    let is_decimal = text.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.');
    let seconds = text.parse().ok().filter(|_| is_decimal);
    let delay = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    delay
        .filter(|delay| *delay <= LONGEST_DELAY)
        .ok_or_else(|| format!("`{text}` is no number of seconds from 0 to {}", LONGEST_DELAY.as_secs()))
}

impl Verb {
    fn word(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::Ehlo => "EHLO",
            Self::Auth => "AUTH",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Dot => "DOT",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.verb.word())?;
        match self.action {
            Action::Refuse(code) => write!(f, "{code}"),
            Action::Delay(delay) => write!(f, "delay={}", delay.as_secs_f64()),
            Action::Drop => f.write_str("drop"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults<const N: usize>(faults: [&str; N]) -> Result<Faults, String> {
        Faults::new(faults.map(|fault| fault.parse().expect("a fault")).to_vec())
    }

    #[test]
    fn verb_and_action() {
        let refuse = |code: &str| Action::Refuse(code.parse().expect("a refusal"));
        let delay = |millis| Action::Delay(Duration::from_millis(millis));
        for (text, verb, action) in [
            ("CONNECT:554", Verb::Connect, refuse("554")),
            ("EHLO:drop", Verb::Ehlo, Action::Drop),
            ("MAIL:delay=2", Verb::Mail, delay(2000)),
            ("RCPT:450", Verb::Rcpt, refuse("450")),
            ("DATA:delay=0.25", Verb::Data, delay(250)),
            ("DOT:delay=3600", Verb::Dot, delay(3_600_000)),
            ("DOT:delay=0", Verb::Dot, delay(0)),
        ] {
            assert_eq!(text.parse(), Ok(Fault { verb, action }), "{text}");
            assert_eq!(text.parse::<Fault>().expect("as above").to_string(), text);
        }
        assert_eq!("dot:Delay=.5".parse(), "DOT:delay=0.5".parse::<Fault>());
    }

    #[test]
    fn errors_say_why() {
        for (text, why) in [
            ("", "as in RCPT:450"),
            ("RCPT", "as in RCPT:450"),
            ("NOOP:450", "none of CONNECT, EHLO, AUTH, MAIL, RCPT, DATA, DOT"),
            (":450", "none of CONNECT, EHLO, AUTH, MAIL, RCPT, DATA, DOT"),
            ("RCPT:", "none of a reply code 4yz or 5yz, delay=SECONDS, drop"),
            ("RCPT:hang", "none of a reply code 4yz or 5yz, delay=SECONDS, drop"),
            ("RCPT:drop=1", "none of a reply code 4yz or 5yz, delay=SECONDS, drop"),
            ("RCPT:wait=1", "none of a reply code 4yz or 5yz, delay=SECONDS, drop"),
            ("RCPT:delay", "none of a reply code 4yz or 5yz, delay=SECONDS, drop"),
            ("RCPT:250", "4yz (not now) or 5yz (never)"),
            ("RCPT:45", "4yz (not now) or 5yz (never)"),
            ("RCPT:delay=", "seconds from 0 to 3600"),
            ("RCPT:delay=.", "seconds from 0 to 3600"),
            ("RCPT:delay=-1", "seconds from 0 to 3600"),
            ("RCPT:delay=1e3", "seconds from 0 to 3600"),
            ("RCPT:delay=inf", "seconds from 0 to 3600"),
            ("RCPT:delay=NaN", "seconds from 0 to 3600"),
            ("RCPT:delay=2s", "seconds from 0 to 3600"),
            ("RCPT:delay=3600.1", "seconds from 0 to 3600"),
            ("RCPT:delay=99999999999999999999999", "seconds from 0 to 3600"),
        ] {
            let error = text.parse::<Fault>().expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn strikes_where_it_is_told_to() {
        let faults = faults(["RCPT:450", "DATA:drop", "MAIL:delay=0", "MAIL:550"]).expect("all act");
        let reply = |verb| faults.strike(verb).map_err(|reject| reject.reply().map(ToString::to_string));
        assert_eq!(reply(Verb::Connect), Ok(()));
        assert_eq!(reply(Verb::Rcpt), Err(Some("450 4.2.1 refused by --fault RCPT:450".into())));
        assert_eq!(reply(Verb::Mail), Err(Some("550 5.7.1 refused by --fault MAIL:550".into())));
        assert_eq!(reply(Verb::Data), Err(None));
    }

    #[test]
    fn each_acts() {
        let error = faults(["RCPT:delay=1", "RCPT:drop", "DATA:450", "RCPT:450"]).expect_err("one does not");
        assert_eq!(error, "--fault RCPT:450 never acts behind --fault RCPT:drop");
        let faults = faults(["RCPT:delay=1.5", "DATA:delay=2", "RCPT:delay=1", "RCPT:drop"]).expect("all act");
        assert_eq!(faults.longest_delay(), Duration::from_millis(2500));
    }

    #[test]
    fn delays_end_with_the_service() {
        let faults = faults(["DOT:delay=3600"]).expect("it acts");
        std::thread::scope(|threads| {
            let delayed = threads.spawn(|| faults.strike(Verb::Dot));
            faults.end_delays();
            assert_eq!(delayed.join().expect("no panic"), Ok(()));
        });
        assert_eq!(faults.strike(Verb::Dot), Ok(()));
    }
}
