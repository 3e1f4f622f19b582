//! Faults that the server commits when it is told to, for tests of clients.

use core::str::FromStr;
use core::time::Duration;
use std::thread;

use smtp_blocking::Reject;
use smtp_proto::reply::{Detail, Reply, ReplyCode};

use super::rejections::{is_code, refusal};

/// What to do at every such command, as `VERB:ACTION`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    at: At,
    action: Action,
}

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// The connection, in place of the greeting.
    Connect,
    Ehlo,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// The end of the mail data.
    Dot,
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    Refuse(ReplyCode),
    Delay(Duration),
    Drop,
}

impl Fault {
    /// Commits, in their order, the faults that strike here.
    ///
    /// # Errors
    ///
    /// The refusal in place of the usual answer.
    pub(super) fn strike(faults: &[Self], at: At) -> Result<(), Reject> {
        for fault in faults.iter().filter(|fault| fault.at == at) {
            match fault.action {
                Action::Refuse(code) => {
                    let text = "refused, as this server was told to";
                    return Err(Reply::new(code, Detail::UNDEFINED, text).into());
                }
                Action::Delay(time) => thread::sleep(time),
                Action::Drop => return Err(Reject::disconnect()),
            }
        }
        Ok(())
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (verb, action) = text.split_once(':').ok_or("VERB:ACTION is expected")?;
        let at = POINTS.iter().find(|(name, _)| name.eq_ignore_ascii_case(verb)).map(|(_, at)| *at);
        let names = || POINTS.map(|(name, _)| name).join(", ");
        let at = at.ok_or_else(|| format!("VERB is one of {}", names()))?;
        let action = match action.strip_prefix("delay=") {
            Some(seconds) => Action::Delay(delay(seconds)?),
            None if action == "drop" => Action::Drop,
            None if is_code(action) => Action::Refuse(refusal(action)?),
            None => return Err("ACTION is a reply code, `delay=SECONDS` or `drop`".into()),
        };
        Ok(Self { at, action })
    }
}

fn delay(seconds: &str) -> Result<Duration, &'static str> {
    let delay = seconds.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    delay.filter(|delay| *delay <= LONGEST).ok_or("a delay is a number of seconds from 0 to 3600")
}

const LONGEST: Duration = Duration::from_secs(3600);

const POINTS: [(&str, At); 7] = [
    ("CONNECT", At::Connect),
    ("EHLO", At::Ehlo),
    ("AUTH", At::Auth),
    ("MAIL", At::Mail),
    ("RCPT", At::Rcpt),
    ("DATA", At::Data),
    ("DOT", At::Dot),
];

#[cfg(test)]
mod tests {
    use super::{At, Fault};

    #[test]
    fn verb_and_action() {
        for text in
            ["CONNECT:554", "ehlo:drop", "Auth:454", "MAIL:delay=0.25", "RCPT:delay=3600", "DATA:451", "DOT:drop"]
        {
            assert!(text.parse::<Fault>().is_ok(), "{text}");
        }
        for text in
            ["", "MAIL", "NOOP:550", "MAIL:", "MAIL:250", "MAIL:55", "MAIL:delay=", "MAIL:delay=-1", "MAIL:delay=NaN"]
        {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
        assert!("MAIL:delay=3601".parse::<Fault>().is_err());
    }

    #[test]
    fn strikes_where_it_was_told_to() {
        let faults: Vec<Fault> =
            ["MAIL:delay=0", "MAIL:452", "DOT:drop"].map(|text| text.parse().expect("good")).into();
        let struck = |at| Fault::strike(&faults, at).err();
        assert_eq!(struck(At::Mail).expect("refused").reply().code().value(), 452);
        assert!(struck(At::Dot).expect("dropped").is_disconnect());
        assert!(struck(At::Rcpt).is_none());
    }
}
