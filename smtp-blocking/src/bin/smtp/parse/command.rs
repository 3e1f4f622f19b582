//! Commands.

use core::fmt::{self, Display};

use serde_json::{Map, Value, json};
use smtp_proto::address::Charset;
use smtp_proto::command::{BodyKind, Command, CommandError, Parameter, ParameterError, Parameters, ParseOptions};
use smtp_proto::reply::{Detail, EnhancedCode, ReplyCode};

use super::check::{beginning, failure, success};

/// A command, whose CRLF may be left out.
pub(super) fn command(octets: &[u8], charset: Charset) -> Value {
    let options = ParseOptions { charset, ..ParseOptions::default() };
    let (line, is_ended) = match octets.strip_suffix(b"\r\n") {
        Some(line) => (line, true),
        None => (octets, false),
    };
    let fault = match read(line, &options) {
        Ok(command) => return success(of_command(&command)),
        Err(fault) => fault,
    };
    let mut answer = if fault.is_mendable() && !is_ended { beginning(&fault) } else { failure(&fault) };
    let (code, detail) = fault.reply();
    answer["reply"] = code.value().into();
    answer["enhanced"] = EnhancedCode::new(code, detail).map(|enhanced| enhanced.to_string()).into();
    answer
}

/// Octets of the longest command line with its CRLF: what a server takes unless it is told otherwise.
const LONGEST: usize = 2048;

/// What is wrong with a line.
enum Fault {
    /// It is longer than a server reads.
    TooLong,
    /// A CR, LF or NUL; mendable if it is the CR of the line end.
    Octet { is_mendable: bool },
    /// It is no command.
    Command(CommandError),
    /// It is one with a parameter that makes no sense; mendable if that is only cut short.
    Parameter { error: ParameterError, is_mendable: bool },
}

impl Fault {
    /// Whether the line is a correct beginning.
    fn is_mendable(&self) -> bool {
        match self {
            Self::Octet { is_mendable } | Self::Parameter { is_mendable, .. } => *is_mendable,
            Self::Command(error) => error.is_incomplete(),
            Self::TooLong => false,
        }
    }

    /// The code that a server answers with, and subject and detail of the enhanced code.
    fn reply(&self) -> (ReplyCode, Detail) {
        match self {
            Self::TooLong | Self::Octet { .. } => (ReplyCode::COMMAND_UNRECOGNIZED, Detail::SYNTAX_ERROR),
            Self::Command(error) => (error.code(), error.detail()),
            Self::Parameter { .. } => (ReplyCode::SYNTAX_ERROR, Detail::INVALID_ARGUMENTS),
        }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the line is longer than {LONGEST} octets"),
            Self::Octet { .. } => f.write_str("the line holds a CR, LF or NUL that is no line end"),
            Self::Command(error) => error.fmt(f),
            Self::Parameter { error, .. } => error.fmt(f),
        }
    }
}

/// Reads a line without its CRLF.
fn read<'a>(line: &'a [u8], options: &ParseOptions) -> Result<Command<'a>, Fault> {
    if line.len() + "\r\n".len() > LONGEST {
        return Err(Fault::TooLong);
    }
    let stray = |line: &[u8]| line.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0));
    if stray(line) {
        let before = line.strip_suffix(b"\r").filter(|before| !stray(before));
        return Err(Fault::Octet { is_mendable: before.is_some_and(|before| read(before, options).is_ok()) });
    }
    let command = Command::parse(line, options).map_err(Fault::Command)?;
    let (Command::Mail { parameters, .. }
    | Command::Send { parameters, .. }
    | Command::Soml { parameters, .. }
    | Command::Saml { parameters, .. }) = &command
    else {
        return Ok(command);
    };
    // Behind white space nothing can be added to the last parameter.
    let last = parameters.iter().last().filter(|_| !line.ends_with(b" ") && !line.ends_with(b"\t"));
    let is_mendable = |error| last.is_some_and(|last| is_cut_short(last, error));
    // A number that fits nowhere is good grammar all the same.
    let size = parameters.size().err().filter(|error| *error != ParameterError::SizeTooLarge);
    let mut errors = size.into_iter().chain(parameters.body().err());
    match (errors.next(), errors.next()) {
        (None, _) => Ok(command),
        (Some(error), None) => Err(Fault::Parameter { error, is_mendable: is_mendable(error) }),
        (Some(error), Some(_)) => Err(Fault::Parameter { error, is_mendable: false }),
    }
}

/// Whether more octets could make sense of a parameter with this error.
fn is_cut_short(parameter: Parameter<'_>, error: ParameterError) -> bool {
    let value = parameter.value.unwrap_or_default();
    match error {
        ParameterError::Size => value.is_empty() && parameter.keyword.eq_ignore_ascii_case("SIZE"),
        ParameterError::Body => {
            let begins = |kind: &BodyKind| {
                kind.as_str().get(..value.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(value))
            };
            BodyKind::ALL.iter().any(begins) && parameter.keyword.eq_ignore_ascii_case("BODY")
        }
        _ => false,
    }
}

fn of_command(command: &Command<'_>) -> Value {
    let mut found = Map::new();
    found.insert("verb".into(), command.verb().as_str().into());
    match command {
        Command::Mail { reverse_path, parameters }
        | Command::Send { reverse_path, parameters }
        | Command::Soml { reverse_path, parameters }
        | Command::Saml { reverse_path, parameters } => add_path(&mut found, reverse_path, parameters),
        Command::Rcpt { forward_path, parameters } => add_path(&mut found, forward_path, parameters),
        _ => {
            if let Some(argument) = argument(command) {
                found.insert("argument".into(), argument.into());
            }
        }
    }
    found.into()
}

fn add_path(found: &mut Map<String, Value>, path: &dyn Display, parameters: &Parameters<'_>) {
    found.insert("path".into(), path.to_string().into());
    if !parameters.is_empty() {
        let pairs: Vec<_> = parameters.iter().map(|parameter| json!([parameter.keyword, parameter.value])).collect();
        found.insert("params".into(), pairs.into());
    }
}

fn argument(command: &Command<'_>) -> Option<String> {
    match command {
        Command::Helo(host) | Command::Ehlo(host) | Command::Lhlo(host) => Some(host.to_string()),
        Command::Vrfy(text) | Command::Expn(text) | Command::Etrn(text) => Some((*text).into()),
        Command::Help(text) | Command::Noop(text) => text.map(Into::into),
        Command::Bdat { size, last } => Some(format!("{size}{}", if *last { " LAST" } else { "" })),
        Command::Auth { mechanism, initial_response } => {
            let response = initial_response.iter().flat_map(|response| [" ", response.as_str()]);
            Some([mechanism].into_iter().copied().chain(response).collect())
        }
        _ => None,
    }
}
