//! What became of the message, for people and programs.

use std::fmt;
use std::io;

use serde_json::{Value, json};
use smtp_proto::CloseReason;
use smtp_proto::client::{Failure, Outcome, Stage, Verdict};
use smtp_proto::reply::Reply;

use crate::exit::{Exit, is_breach};

/// What became of the message.
#[derive(Debug)]
pub(crate) struct Report {
    result: Outline,
    exit: Exit,
    recipients: Vec<(String, Verdict)>,
    reply: Option<Reply>,
    stage: Stage,
    error: Option<String>,
}

/// The whole in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outline {
    Accepted,
    Partial,
    Refused,
    Unknown,
    Error,
}

impl Report {
    /// Of a message that was tried. `transport`: what the operating system or TLS said if the connection broke. `hint`:
    /// what to do about it.
    pub(crate) fn new(outcome: &Outcome, transport: Option<&io::Error>, hint: Option<String>) -> Self {
        let recipients: Vec<_> = outcome.recipients().map(|(to, verdict)| (to.to_owned(), verdict.clone())).collect();
        let (result, exit) = judge(recipients.iter().map(|(_, verdict)| verdict), outcome.failure());
        let error = outcome.failure().map(|failure| match transport {
            Some(error) if is_told_by_transport(failure) => format!("{failure}: {error}"),
            _ => failure.to_string(),
        });
        let error = error.map(|error| hint.map_or_else(|| error.clone(), |hint| format!("{error} ({hint})")));
        let reply = outcome.reply().cloned();
        Self { result, exit, recipients, reply, stage: outcome.stage(), error }
    }

    /// Of a message that could not be read to its end, so that the server took nothing.
    pub(crate) fn unread(outcome: &Outcome, error: String) -> Self {
        Self { result: Outline::Error, exit: Exit::Io, error: Some(error), ..Self::new(outcome, None, None) }
    }

    /// Of a message that was not tried.
    pub(crate) fn not_tried(recipients: &[String], verdict: &Verdict, exit: Exit, error: String) -> Self {
        let recipients = recipients.iter().map(|recipient| (recipient.clone(), verdict.clone())).collect();
        Self { result: Outline::Error, exit, recipients, reply: None, stage: Stage::Connect, error: Some(error) }
    }

    /// The exit code that says it.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// What went wrong, apart from what the server said.
    pub(crate) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The object that `--json` prints.
    pub(crate) fn to_json(&self) -> Value {
        let recipients: Vec<_> = self
            .recipients
            .iter()
            .map(|(address, verdict)| {
                let mut recipient = of_reply(verdict.reply());
                recipient["address"] = address.as_str().into();
                recipient["verdict"] = word(verdict).into();
                recipient
            })
            .collect();
        json!({
            "result": self.result.word(),
            "recipients": recipients,
            "reply": self.reply.as_ref().map(|reply| of_reply(Some(reply))),
            "stage": self.stage.to_string(),
            "error": self.error,
        })
    }
}

impl fmt::Display for Report {
    /// A line for each recipient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (recipient, verdict) in &self.recipients {
            write!(f, "{recipient}: {}", word(verdict))?;
            match verdict.reply() {
                Some(reply) => writeln!(f, ": {reply}")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

impl Outline {
    fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Partial => "partial",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Error => "error",
        }
    }
}

fn judge<'a>(verdicts: impl Iterator<Item = &'a Verdict>, failure: Option<Failure>) -> (Outline, Exit) {
    let (mut accepted, mut permanent, mut temporary, mut unknown) = (false, false, false, false);
    for verdict in verdicts {
        *match verdict {
            Verdict::Accepted(_) => &mut accepted,
            Verdict::Permanent(_) => &mut permanent,
            Verdict::Temporary(_) => &mut temporary,
            _ => &mut unknown,
        } = true;
    }
    let breach = match failure {
        Some(Failure::Stray(_)) => return (Outline::Error, Exit::Data),
        Some(Failure::Connection(reason)) => is_breach(reason),
        _ => false,
    };
    if unknown {
        return (Outline::Unknown, if breach { Exit::Protocol } else { Exit::Io });
    }
    if breach {
        return (Outline::Error, Exit::Protocol);
    }
    match failure {
        // The server said why it ended the connection.
        Some(Failure::Connection(CloseReason::Refused | CloseReason::ServiceNotAvailable)) => {}
        Some(Failure::Connection(CloseReason::AuthRefused)) => {
            return (Outline::Refused, if permanent { Exit::NoPermission } else { Exit::Temporary });
        }
        Some(Failure::Connection(CloseReason::NoMechanism | CloseReason::NotConfidential)) => {
            return (Outline::Error, Exit::NoPermission);
        }
        Some(Failure::Connection(_)) => return (Outline::Error, Exit::Temporary),
        _ => {}
    }
    match (accepted, permanent, temporary) {
        (true, false, false) => (Outline::Accepted, Exit::Ok),
        (true, true, _) => (Outline::Partial, Exit::RecipientRefused),
        (true, false, true) => (Outline::Partial, Exit::Temporary),
        (false, true, false) => (Outline::Refused, Exit::Refused),
        (false, _, _) => (Outline::Refused, Exit::Temporary),
    }
}

fn is_told_by_transport(failure: Failure) -> bool {
    matches!(failure, Failure::Connection(CloseReason::TransportFailed | CloseReason::TlsFailed))
}

fn of_reply(reply: Option<&Reply>) -> Value {
    json!({
        "code": reply.map(|reply| reply.code().value()),
        "enhanced": reply.and_then(Reply::enhanced).map(|enhanced| enhanced.to_string()),
        "text": reply.map(Reply::text),
    })
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Accepted(_) => "accepted",
        Verdict::Temporary(_) => "temporary",
        Verdict::Permanent(_) => "permanent",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use smtp_proto::body::check;
    use smtp_proto::reply::{Detail, ReplyCode};

    use super::*;

    fn accepted() -> Verdict {
        Verdict::Accepted(Reply::from_static(ReplyCode::OK, Some(Detail::UNDEFINED), "queued\nas 1"))
    }

    const TEMPORARY: Verdict = Verdict::Temporary(None);
    const PERMANENT: Verdict = Verdict::Permanent(None);

    #[test]
    fn verdicts_add_up() {
        let cases: [(&[Verdict], Outline, Exit); 9] = [
            (&[accepted(), accepted()], Outline::Accepted, Exit::Ok),
            (&[accepted(), PERMANENT], Outline::Partial, Exit::RecipientRefused),
            (&[accepted(), PERMANENT, TEMPORARY], Outline::Partial, Exit::RecipientRefused),
            (&[TEMPORARY, accepted()], Outline::Partial, Exit::Temporary),
            (&[PERMANENT, PERMANENT], Outline::Refused, Exit::Refused),
            (&[PERMANENT, TEMPORARY], Outline::Refused, Exit::Temporary),
            (&[TEMPORARY], Outline::Refused, Exit::Temporary),
            (&[Verdict::Unknown, PERMANENT], Outline::Unknown, Exit::Io),
            (&[Verdict::Unknown], Outline::Unknown, Exit::Io),
        ];
        for (verdicts, outline, exit) in cases {
            assert_eq!(judge(verdicts.iter(), None), (outline, exit), "{verdicts:?}");
        }
    }

    #[test]
    fn failures_say_why() {
        let stray = check(b"\n").expect("no CR");
        let connection = Failure::Connection;
        let cases = [
            (PERMANENT, Failure::Stray(stray), Outline::Error, Exit::Data),
            (PERMANENT, Failure::TooBig(1), Outline::Refused, Exit::Refused),
            (PERMANENT, Failure::No8BitMime, Outline::Refused, Exit::Refused),
            (TEMPORARY, connection(CloseReason::PeerClosed), Outline::Error, Exit::Temporary),
            (TEMPORARY, connection(CloseReason::Timeout), Outline::Error, Exit::Temporary),
            (TEMPORARY, connection(CloseReason::Protocol), Outline::Error, Exit::Protocol),
            (TEMPORARY, connection(CloseReason::ServiceNotAvailable), Outline::Refused, Exit::Temporary),
            (PERMANENT, connection(CloseReason::Refused), Outline::Refused, Exit::Refused),
            (PERMANENT, connection(CloseReason::AuthRefused), Outline::Refused, Exit::NoPermission),
            (TEMPORARY, connection(CloseReason::AuthRefused), Outline::Refused, Exit::Temporary),
            (TEMPORARY, connection(CloseReason::NoMechanism), Outline::Error, Exit::NoPermission),
            (TEMPORARY, connection(CloseReason::NotConfidential), Outline::Error, Exit::NoPermission),
            (TEMPORARY, connection(CloseReason::AuthExchange), Outline::Error, Exit::Protocol),
            (TEMPORARY, connection(CloseReason::NoTls), Outline::Error, Exit::Protocol),
            (TEMPORARY, connection(CloseReason::TlsFailed), Outline::Error, Exit::Protocol),
            (Verdict::Unknown, connection(CloseReason::TransportFailed), Outline::Unknown, Exit::Io),
            (Verdict::Unknown, connection(CloseReason::Protocol), Outline::Unknown, Exit::Protocol),
        ];
        for (verdict, failure, outline, exit) in cases {
            assert_eq!(judge([&verdict].into_iter(), Some(failure)), (outline, exit), "{failure:?}");
        }
    }

    #[test]
    fn json_has_every_key() {
        let report = Report {
            result: Outline::Partial,
            exit: Exit::RecipientRefused,
            recipients: vec![("a@b".into(), accepted()), ("c@d".into(), PERMANENT)],
            reply: Some(Reply::from_static(ReplyCode::OK, None, "ok")),
            stage: Stage::Final,
            error: None,
        };
        let expected = json!({
            "result": "partial",
            "recipients": [
                { "address": "a@b", "verdict": "accepted", "code": 250, "enhanced": "2.0.0", "text": "queued\nas 1" },
                { "address": "c@d", "verdict": "permanent", "code": null, "enhanced": null, "text": null },
            ],
            "reply": { "code": 250, "enhanced": null, "text": "ok" },
            "stage": "final",
            "error": null,
        });
        assert_eq!(report.to_json(), expected);
        assert_eq!(report.to_string(), "a@b: accepted: 250 2.0.0 queued / as 1\nc@d: permanent\n");
    }
}
