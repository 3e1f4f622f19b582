//! What each command does in each state: all legal transitions of the server role (RFC 5321 §4.1.4, §4.3.2).

use crate::command::Verb;

/// Where a session stands between two commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The greeting refused the session: QUIT is awaited (§3.1).
    Refused,
    /// Greeted, no accepted EHLO or HELO yet.
    Start,
    /// EHLO or HELO was accepted; no transaction is open.
    Ready,
    /// MAIL was accepted, no recipient yet.
    Mail,
    /// At least one recipient was accepted.
    Rcpt,
}

/// What the server does with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Asks the application whether the session may begin anew: `Ready`, and any transaction is over.
    Hello,
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
    /// 502; the octets that the command announces are read and thrown away.
    SkipChunk,
    /// 500: this is no command of the service.
    Unknown,
    /// 502: known, not implemented.
    Unimplemented,
    /// 503: EHLO or HELO comes first.
    HelloFirst,
    /// 503: MAIL comes first.
    MailFirst,
    /// 503, or 554 when recipients were refused: a recipient comes first.
    RcptFirst,
    /// 503: a transaction is open already.
    Nested,
    /// 503: only QUIT is served.
    QuitOnly,
}

/// The rule for a command in a state.
pub(super) fn rule(state: State, verb: Verb) -> Rule {
    use Rule::{
        Data, Expand, Hello, HelloFirst, Help, Mail, MailFirst, Nested, Noop, Quit, QuitOnly, Rcpt, RcptFirst, Reset,
        SkipChunk, Unimplemented, Unknown, Verify,
    };
    let row = match verb {
        // in the state            Refused   Start          Ready          Mail           Rcpt
        Verb::Helo | Verb::Ehlo => [QuitOnly, Hello, Hello, Hello, Hello],
        Verb::Mail => [QuitOnly, HelloFirst, Mail, Nested, Nested],
        Verb::Rcpt => [QuitOnly, HelloFirst, MailFirst, Rcpt, Rcpt],
        Verb::Data => [QuitOnly, HelloFirst, MailFirst, RcptFirst, Data],
        Verb::Rset => [QuitOnly, Reset, Reset, Reset, Reset],
        Verb::Vrfy => [QuitOnly, Verify, Verify, Verify, Verify],
        Verb::Expn => [QuitOnly, Expand, Expand, Expand, Expand],
        Verb::Help => [QuitOnly, Help, Help, Help, Help],
        Verb::Noop => [QuitOnly, Noop, Noop, Noop, Noop],
        Verb::Quit => [Quit, Quit, Quit, Quit, Quit],
        Verb::Bdat => [SkipChunk, SkipChunk, SkipChunk, SkipChunk, SkipChunk],
        Verb::Lhlo => [QuitOnly, Unknown, Unknown, Unknown, Unknown],
        _ => [QuitOnly, Unimplemented, Unimplemented, Unimplemented, Unimplemented],
    };
    row[state as usize]
}
