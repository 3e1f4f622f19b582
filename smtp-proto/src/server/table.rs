//! What each command does in each state: all legal transitions of the server role (RFC 5321 §4.1.4, §4.3.2, RFC 3207 §4,
//! RFC 4954 §4).

use crate::command::Verb;

/// Where a session stands between two commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The greeting refused the session: QUIT is awaited (§3.1).
    Refused,
    /// The TLS handshake brought too little: QUIT is awaited (RFC 3207 §4.1).
    Insecure,
    /// Greeted, or TLS has begun; no accepted EHLO or HELO yet.
    Start,
    /// EHLO or HELO was accepted; no transaction is open.
    Ready,
    /// MAIL was accepted, no recipient yet.
    Mail,
    /// At least one recipient was accepted.
    Rcpt,
}

/// What a session has come to besides its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// EHLO, not HELO, began the session.
    pub(super) extended: bool,
    /// TLS, by STARTTLS or from the first octet.
    pub(super) tls: Step,
    /// AUTH.
    pub(super) auth: Step,
}

/// Something that happens once in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is not configured.
    Absent,
    /// It can be done.
    Optional,
    /// It has to be done before there is any mail.
    Required,
    Done,
}

/// What the server does with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Asks the application whether the session may begin anew: `Ready`, and any transaction is over.
    Hello,
    /// 220, and the TLS handshake: `Start`, and everything else as well is as after the greeting.
    StartTls,
    /// Begins the exchange of a mechanism, at whose end the application is asked.
    Auth,
    /// Asks the application whether a transaction may begin: `Mail`.
    Mail,
    /// Asks the application about a recipient: `Rcpt`.
    Rcpt,
    /// Asks the application whether the mail data may come; after the verdict on them: `Ready`.
    Data,
    /// 250; a transaction is over: `Ready`, or `Start` as before.
    Reset,
    /// Asks the application, or 252.
    Verify,
    /// Asks the application, or 502.
    Expand,
    /// 214.
    Help,
    /// 250.
    Noop,
    /// 221 and the end.
    Quit,
    /// 500: this is no command of the service.
    Unknown,
    /// 502: known, not implemented.
    Unimplemented,
    /// 503: EHLO or HELO comes first.
    HelloFirst,
    /// 503: EHLO comes first, HELO is not enough.
    EhloFirst,
    /// 503: MAIL comes first.
    MailFirst,
    /// 503, or 554 when recipients were refused: a recipient comes first.
    RcptFirst,
    /// 503: a transaction is open already.
    Nested,
    /// 503: it was done already, or AUTH was done in clear.
    Twice,
    /// 530: STARTTLS comes first.
    TlsFirst,
    /// 530: AUTH comes first.
    AuthFirst,
    /// 503: only QUIT is served.
    QuitOnly,
    /// 554: only QUIT is served, for lack of security.
    Insecure,
}

/// The rule for a command.
pub(super) fn rule(state: State, standing: Standing, verb: Verb) -> Rule {
    use Rule::{
        Auth, Data, EhloFirst, Expand, Hello, HelloFirst, Help, Insecure, Mail, MailFirst, Nested, Noop, Quit,
        QuitOnly, Rcpt, RcptFirst, Reset, StartTls, Unimplemented, Unknown, Verify,
    };
    let row = match verb {
        // in the state            Refused   Insecure  Start       Ready      Mail       Rcpt
        Verb::Helo | Verb::Ehlo => [QuitOnly, Insecure, Hello, Hello, Hello, Hello],
        Verb::StartTls => [QuitOnly, Insecure, EhloFirst, StartTls, Nested, Nested],
        Verb::Auth => [QuitOnly, Insecure, EhloFirst, Auth, Nested, Nested],
        Verb::Mail => [QuitOnly, Insecure, HelloFirst, Mail, Nested, Nested],
        Verb::Rcpt => [QuitOnly, Insecure, HelloFirst, MailFirst, Rcpt, Rcpt],
        Verb::Data => [QuitOnly, Insecure, HelloFirst, MailFirst, RcptFirst, Data],
        Verb::Rset => [QuitOnly, Insecure, Reset, Reset, Reset, Reset],
        Verb::Vrfy => [QuitOnly, Insecure, Verify, Verify, Verify, Verify],
        Verb::Expn => [QuitOnly, Insecure, Expand, Expand, Expand, Expand],
        Verb::Help => [QuitOnly, Insecure, Help, Help, Help, Help],
        Verb::Noop => [QuitOnly, Insecure, Noop, Noop, Noop, Noop],
        Verb::Quit => [Quit, Quit, Quit, Quit, Quit, Quit],
        Verb::Lhlo => [QuitOnly, Insecure, Unknown, Unknown, Unknown, Unknown],
        _ => [QuitOnly, Insecure, Unimplemented, Unimplemented, Unimplemented, Unimplemented],
    };
    let rule = row[state as usize];
    if matches!(rule, QuitOnly | Insecure) { rule } else { standing.bar(verb, rule).unwrap_or(rule) }
}

impl Standing {
    /// What stands against the rule of a command, if anything does.
    fn bar(self, verb: Verb, rule: Rule) -> Option<Rule> {
        // RFC 3207 §4, RFC 4954 §6.
        let before_tls = matches!(verb, Verb::Ehlo | Verb::Helo | Verb::Noop | Verb::Quit | Verb::StartTls);
        let before_auth = before_tls || matches!(verb, Verb::Auth | Verb::Rset);
        if self.tls == Step::Required && !before_tls {
            return Some(Rule::TlsFirst);
        }
        if self.auth == Step::Required && !before_auth {
            return Some(Rule::AuthFirst);
        }
        let (step, other) = match verb {
            Verb::StartTls => (self.tls, self.auth),
            Verb::Auth => (self.auth, Step::Absent),
            _ => return None,
        };
        match step {
            Step::Absent => Some(Rule::Unimplemented),
            Step::Done => Some(Rule::Twice),
            _ if other == Step::Done => Some(Rule::Twice),
            _ if rule == Rule::Nested || self.extended => None,
            _ => Some(Rule::EhloFirst),
        }
    }
}
