//! The replies that the server gives by itself (RFC 5321 §4.2.2, RFC 3463).

use crate::reply::{Detail, Reply, ReplyCode};

macro_rules! replies {
    ($($name:ident = $code:ident, $detail:ident, $text:literal;)*) => {$(
        pub(super) static $name: Reply = Reply::from_static(ReplyCode::$code, Some(Detail::$detail), $text);
    )*};
}

replies! {
    SENDER_OK = OK, OTHER_ADDRESS_STATUS, "sender ok";
    RECIPIENT_OK = OK, DESTINATION_ADDRESS_VALID, "recipient ok";
    MESSAGE_OK = OK, UNDEFINED, "message accepted for delivery";
    RESET = OK, UNDEFINED, "reset";
    NOOP = OK, UNDEFINED, "noop";
    HELP = HELP_MESSAGE, UNDEFINED, "commands: EHLO HELO MAIL RCPT DATA RSET NOOP QUIT VRFY HELP\nsee RFC 5321";
    CANNOT_VERIFY = CANNOT_VERIFY, UNDEFINED, "cannot verify, but will take the message and try to deliver it";
    NOT_IMPLEMENTED = NOT_IMPLEMENTED, INVALID_COMMAND, "command not implemented";
    UNKNOWN = COMMAND_UNRECOGNIZED, SYNTAX_ERROR, "command not recognized";
    HELLO_FIRST = BAD_SEQUENCE, INVALID_COMMAND, "send EHLO or HELO first";
    MAIL_FIRST = BAD_SEQUENCE, INVALID_COMMAND, "send MAIL first";
    RCPT_FIRST = BAD_SEQUENCE, INVALID_COMMAND, "send RCPT first";
    NO_VALID_RECIPIENTS = TRANSACTION_FAILED, INVALID_COMMAND, "no valid recipients";
    NESTED_MAIL = BAD_SEQUENCE, INVALID_COMMAND, "a transaction is open already, end it with DATA or RSET";
    EHLO_FIRST = BAD_SEQUENCE, INVALID_COMMAND, "send EHLO first";
    GO_AHEAD = SERVICE_READY, UNDEFINED, "ready to start TLS";
    NO_MORE_TLS = BAD_SEQUENCE, INVALID_COMMAND, "it is too late for STARTTLS";
    TLS_FIRST = AUTHENTICATION_REQUIRED, OTHER_SECURITY_STATUS, "send STARTTLS first";
    INSECURE = TRANSACTION_FAILED, OTHER_SECURITY_STATUS, "command refused due to lack of security, send QUIT";
    AUTH_FIRST = AUTHENTICATION_REQUIRED, OTHER_SECURITY_STATUS, "authentication required";
    AUTHENTICATED = BAD_SEQUENCE, INVALID_COMMAND, "already authenticated";
    AUTH_OK = AUTHENTICATION_SUCCEEDED, OTHER_SECURITY_STATUS, "authentication succeeded";
    CREDENTIALS_INVALID = AUTHENTICATION_FAILED, CREDENTIALS_INVALID, "authentication credentials invalid";
    NO_SUCH_MECHANISM = PARAMETER_NOT_IMPLEMENTED, INVALID_ARGUMENTS, "mechanism not available";
    SERVER_FIRST = SYNTAX_ERROR, OTHER_SECURITY_STATUS, "the mechanism takes no initial response";
    NOT_BASE64 = SYNTAX_ERROR, SYNTAX_ERROR, "cannot decode the response";
    BAD_RESPONSE = SYNTAX_ERROR, SYNTAX_ERROR, "the response does not fit the mechanism";
    CANCELLED = SYNTAX_ERROR, UNDEFINED, "authentication cancelled";
    RESPONSE_TOO_LONG = COMMAND_UNRECOGNIZED, AUTHENTICATION_LINE_TOO_LONG, "authentication exchange line is too long";
    TOO_MANY_ROUNDS = SYNTAX_ERROR, OTHER_SECURITY_STATUS, "the authentication exchange is too long";
    NO_AUTH_DECISION = TEMPORARY_AUTHENTICATION_FAILURE, OTHER_SECURITY_STATUS, "no decision in time, try again later";
    QUIT_ONLY = BAD_SEQUENCE, INVALID_COMMAND, "no service for you here, send QUIT";
    LINE_TOO_LONG = COMMAND_UNRECOGNIZED, SYNTAX_ERROR, "line too long";
    STRAY_OCTET = COMMAND_UNRECOGNIZED, SYNTAX_ERROR, "a command line ends in CR LF and holds no other CR, LF or NUL";
    EARLY_INPUT = TRANSACTION_FAILED, OTHER_PROTOCOL_STATUS, "wait for the reply before you send more";
    UNKNOWN_PARAMETER = PARAMETERS_NOT_RECOGNIZED, INVALID_ARGUMENTS, "parameter not recognized";
    NO_PARAMETERS_AFTER_HELO = PARAMETERS_NOT_RECOGNIZED, INVALID_ARGUMENTS, "parameters need EHLO";
    BAD_PARAMETER = SYNTAX_ERROR, INVALID_ARGUMENTS, "bad value of a parameter";
    TOO_BIG = STORAGE_EXCEEDED, MESSAGE_TOO_BIG_FOR_SYSTEM, "message exceeds the size limit";
    STRAY_IN_DATA = MAILBOX_UNAVAILABLE, OTHER_MEDIA_STATUS, "message holds a CR, LF or NUL that is no line end";
    TOO_MANY_RECIPIENTS = INSUFFICIENT_STORAGE, TOO_MANY_RECIPIENTS, "too many recipients";
    NO_DECISION = LOCAL_ERROR, OTHER_SYSTEM_STATUS, "no decision in time, try again later";
    START_INPUT = START_MAIL_INPUT, UNDEFINED, "start mail input, end with <CRLF>.<CRLF>";
}
