//! The kinds of things that can be checked.

use clap::ValueEnum;

/// What a case of `smtp parse` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// An address such as alice@example.org.
    Mailbox,
    /// What MAIL takes, such as <alice@example.org> or <>.
    ReversePath,
    /// What RCPT takes: a mailbox or the word Postmaster, in angle brackets.
    ForwardPath,
    /// A domain such as example.org.
    Domain,
    /// A command; its CRLF may be left out.
    Command,
    /// A reply with the CRLF of every line.
    Reply,
    /// A reply to EHLO with the CRLF of every line.
    Ehlo,
    /// Mail data: what follows the reply 354, with the final dot.
    Data,
}
