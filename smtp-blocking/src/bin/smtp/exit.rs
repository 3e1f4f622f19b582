//! The exit codes of the program.

use std::process::ExitCode;

use smtp_proto::CloseReason;

/// How the program ends: the codes of `sysexits.h`, and 1 for `smtp parse`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All was done.
    Ok = 0,
    /// A case of `smtp parse` failed.
    CaseFailed = 1,
    /// EX_USAGE: the command line makes no sense.
    Usage = 64,
    /// EX_DATAERR: the message cannot be sent as it is.
    Data = 65,
    /// EX_NOUSER: some recipient was refused for good while others were accepted.
    RecipientRefused = 67,
    /// EX_NOHOST: the server's name has no address.
    NoHost = 68,
    /// EX_UNAVAILABLE: refused for good.
    Refused = 69,
    /// EX_IOERR: a file or a socket of this machine, or the connection broke when the server may have taken the mail.
    Io = 74,
    /// EX_TEMPFAIL: not taken, and trying again later is right.
    Temporary = 75,
    /// EX_PROTOCOL: the server does not keep to the protocol, or TLS is not to be had as it is wanted.
    Protocol = 76,
    /// EX_NOPERM: the server does not let us log in, or the credentials may not go out.
    NoPermission = 77,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The exit code of a connection that ended for this reason before any mail.
pub(crate) fn exit_of(reason: CloseReason) -> Exit {
    match reason {
        CloseReason::AuthRefused | CloseReason::NoMechanism | CloseReason::NotConfidential => Exit::NoPermission,
        CloseReason::Refused => Exit::Refused,
        reason if is_breach(reason) => Exit::Protocol,
        _ => Exit::Temporary,
    }
}

/// Whether the connection ended because the server does not keep to the protocol, or because TLS is not to be had as it
/// is wanted.
pub(crate) fn is_breach(reason: CloseReason) -> bool {
    matches!(
        reason,
        CloseReason::Protocol
            | CloseReason::EarlyInput
            | CloseReason::StrayOctet
            | CloseReason::Flood
            | CloseReason::NotSmtp
            | CloseReason::NoTls
            | CloseReason::TlsFailed
            | CloseReason::AuthExchange
    )
}
