//! What a reply means: all legal transitions of the client role (RFC 5321 §4.3.2).

use crate::reply::Class;

/// What a reply that is due answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// The connection itself: the greeting.
    Connect,
    Ehlo,
    Helo,
    StartTls,
    /// AUTH, or a response in its exchange.
    Auth,
    /// The cancellation of AUTH.
    Cancel,
    Rset,
    Mail,
    Rcpt,
    Data,
    /// The final dot of mail data.
    Dot,
    Quit,
}

/// What the client does with a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Sends EHLO.
    SayEhlo,
    /// Sends HELO: the server does not know EHLO (§3.2).
    SayHelo,
    /// The server said what it offers: begins TLS, logs in, or is ready.
    Proceed,
    /// Makes the TLS handshake (RFC 3207 §4).
    BeginTls,
    /// The server does not begin TLS: goes on in clear, or leaves.
    NoTls,
    /// Answers the challenge (RFC 4954 §4).
    Respond,
    /// Logged in: the session is ready.
    LoggedIn,
    /// Tries the next mechanism, or takes the reply as verdict on every mail and sends QUIT.
    AuthRefused,
    /// The exchange that the client broke off is over: sends QUIT.
    Cancelled,
    /// Goes on.
    Continue,
    /// The server gives no service: takes the reply as verdict on every mail, sends QUIT.
    NoService,
    /// The verdict on every recipient of the mail.
    RefuseMail,
    /// This recipient will get the mail if its data are accepted.
    AcceptRecipient,
    /// The verdict on this recipient.
    RefuseRecipient,
    /// Sends the mail data, or the lone dot when no recipient was accepted (RFC 2920 §3.1).
    SendBody,
    /// The verdict on the recipients that were accepted so far, mail data were not sent.
    RefuseData,
    /// The verdict on the recipients that were accepted so far.
    Verdict,
    /// The end.
    Left,
    /// Not a legal answer: the connection cannot be trusted any more.
    Break,
}

/// The rule for a reply of a class to a question.
///
/// The class decides, not the code, because a server may use codes that the client does not know (§4.2.1). On top of
/// this table a 421 ends the connection whatever it answers (§3.8).
pub(super) fn rule(question: Question, class: Class) -> Rule {
    use Rule::{
        AcceptRecipient, AuthRefused, BeginTls, Break, Cancelled, Continue, Left, LoggedIn, NoService, NoTls, Proceed,
        RefuseData, RefuseMail, RefuseRecipient, Respond, SayEhlo, SayHelo, SendBody, Verdict,
    };
    let row = match question {
        // a reply of class     2yz              3yz       4yz              5yz
        Question::Connect => [SayEhlo, Break, NoService, NoService],
        Question::Ehlo => [Proceed, Break, NoService, SayHelo],
        Question::Helo => [Proceed, Break, NoService, NoService],
        Question::StartTls => [BeginTls, Break, NoTls, NoTls],
        Question::Auth => [LoggedIn, Respond, AuthRefused, AuthRefused],
        Question::Cancel => [Break, Break, Cancelled, Cancelled],
        Question::Rset => [Continue, Break, Break, Break],
        Question::Mail => [Continue, Break, RefuseMail, RefuseMail],
        Question::Rcpt => [AcceptRecipient, Break, RefuseRecipient, RefuseRecipient],
        Question::Data => [Break, SendBody, RefuseData, RefuseData],
        Question::Dot => [Verdict, Break, Verdict, Verdict],
        Question::Quit => [Left, Left, Left, Left],
    };
    row[class as usize]
}
