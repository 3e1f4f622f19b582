//! From lines to commands.

use super::argument;
use super::error::{Problem, Stop};
use super::{Command, CommandError, Parameters, ParseOptions, Verb};
use crate::address::{Charset, Host, Parsed, Reason, forward_path, host, reverse_path};

impl<'a> Command<'a> {
    /// Parses a line without its CRLF. White space at its end is tolerated (RFC 5321 §4.1.1).
    ///
    /// # Errors
    ///
    /// Says what is wrong with the line and what a server answers.
    pub fn parse(line: &'a [u8], options: &ParseOptions) -> Result<Self, CommandError> {
        let trimmed = trim_end(line);
        let Some(verb) = Verb::at_beginning(trimmed) else { return Err(unknown(line)) };
        let rest = &trimmed[verb.as_str().len()..];
        if !matches!(rest, [] | [b' ', ..]) {
            return Err(unknown(line));
        }
        let stop = match core::str::from_utf8(rest) {
            Ok(argument) => match parse_argument(verb, argument, options) {
                Ok(command) => return Ok(command),
                Err(stop) => stop,
            },
            Err(_) => Stop { problem: Problem::Octet, at_end: true },
        };
        // Whether more octets could mend it depends on the white space and on a character cut short as well.
        let at_end = stop.at_end && is_beginning(verb, &line[trimmed.len() - rest.len()..], options);
        Err(CommandError::new(Some(verb), stop.problem, at_end))
    }
}

/// Parses what follows the verb, with the space before it.
#[inline(always)]
fn parse_argument<'a>(verb: Verb, text: &'a str, options: &ParseOptions) -> Result<Command<'a>, Stop> {
    let argument = text.strip_prefix(' ');
    let needed = |what| argument.ok_or(Stop::at("", Problem::Missing(what)));
    let none = |command| if text.is_empty() { Ok(command) } else { Err(Stop::of(Problem::Unwanted)) };
    match verb {
        Verb::Rcpt => {
            let rest = after_word(needed("TO:")?, "TO:")?;
            let (forward_path, parameters) =
                with_parameters(forward_path(rest, options.charset), Problem::Recipient, options)?;
            Ok(Command::Rcpt { forward_path, parameters })
        }
        Verb::Mail | Verb::Send | Verb::Soml | Verb::Saml => {
            let rest = after_word(needed("FROM:")?, "FROM:")?;
            let (reverse_path, parameters) =
                with_parameters(reverse_path(rest, options.charset), Problem::Sender, options)?;
            Ok(match verb {
                Verb::Send => Command::Send { reverse_path, parameters },
                Verb::Soml => Command::Soml { reverse_path, parameters },
                Verb::Saml => Command::Saml { reverse_path, parameters },
                _ => Command::Mail { reverse_path, parameters },
            })
        }
        Verb::Ehlo => greeting_name(needed("the name of the client")?).map(Command::Ehlo),
        Verb::Helo => greeting_name(needed("the name of the client")?).map(Command::Helo),
        Verb::Lhlo => greeting_name(needed("the name of the client")?).map(Command::Lhlo),
        Verb::Data => none(Command::Data),
        Verb::Rset => none(Command::Rset),
        Verb::Quit => none(Command::Quit),
        Verb::Turn => none(Command::Turn),
        Verb::StartTls => none(Command::StartTls),
        Verb::Bdat => {
            let (size, last) = argument::chunk(needed("the chunk size")?)?;
            Ok(Command::Bdat { size, last })
        }
        Verb::Vrfy => argument::user_name(needed("the user name")?, options.charset).map(Command::Vrfy),
        Verb::Expn => argument::user_name(needed("the name of the list")?, options.charset).map(Command::Expn),
        Verb::Help => argument.map(|text| argument::string(text, options.charset)).transpose().map(Command::Help),
        Verb::Noop => argument.map(|text| argument::string(text, options.charset)).transpose().map(Command::Noop),
        Verb::Etrn => argument::node(needed("the node")?).map(Command::Etrn),
        Verb::Auth => {
            let (mechanism, initial_response) = argument::mechanism(needed("the mechanism")?)?;
            Ok(Command::Auth { mechanism, initial_response })
        }
    }
}

/// `Domain / address-literal`. Its characters are ASCII with SMTPUTF8 too (RFC 6531 §3.7.1). Behind an address literal
/// more text is ignored, as RFC 5321 §4.1.1.1 advises.
fn greeting_name(text: &str) -> Result<Host<'_>, Stop> {
    match host(text, Charset::Ascii) {
        Ok(("", host)) => Ok(host),
        Ok((rest, host @ Host::Literal(_))) if rest.starts_with(' ') => {
            if rest.bytes().all(|octet| matches!(octet, 32..=126)) { Ok(host) } else { Err(Stop::of(Problem::Octet)) }
        }
        Ok((_, Host::Literal(_))) => Err(Stop::of(Problem::Host(Reason::AfterLiteral))),
        Ok(_) => Err(Stop::of(Problem::Host(Reason::DomainCharacter))),
        Err(error) => Err(Stop::in_address(error, Problem::Host)),
    }
}

/// A path, and parameters if a space follows. The whole text.
#[inline(always)]
fn with_parameters<'a, T>(
    path: Parsed<'a, T>,
    problem: fn(Reason) -> Problem,
    options: &ParseOptions,
) -> Result<(T, Parameters<'a>), Stop> {
    let (rest, path) = path.map_err(|error| Stop::in_address(error, problem))?;
    let parameters = match rest.strip_prefix(' ') {
        Some(text) => Parameters::parse(text, options.charset, options.max_parameters)?,
        None if rest.is_empty() => Parameters::default(),
        None => return Err(Stop::of(problem(Reason::AfterPath))),
    };
    Ok((path, parameters))
}

/// What follows `FROM:` or `TO:`, which may be in any case.
fn after_word<'a>(text: &'a str, word: &'static str) -> Result<&'a str, Stop> {
    match text.get(..word.len()) {
        Some(beginning) if beginning.eq_ignore_ascii_case(word) => {
            let rest = &text[word.len()..];
            // RFC 5321 §3.3: no space on either side of the colon.
            if rest.starts_with(' ') { Err(Stop::of(Problem::Separator)) } else { Ok(rest) }
        }
        _ => Err(Stop { problem: Problem::Missing(word), at_end: begins(text, word) }),
    }
}

/// Why a line begins with no verb.
#[cold]
fn unknown(line: &[u8]) -> CommandError {
    let begins_verb = Verb::ALL.iter().any(|verb| begins_octets(line, verb.as_str()));
    CommandError::new(None, Problem::Verb, begins_verb)
}

/// Whether the octets behind a verb, white space and all, are the beginning of something valid.
#[cold]
fn is_beginning(verb: Verb, rest: &[u8], options: &ParseOptions) -> bool {
    let text = match core::str::from_utf8(rest) {
        Ok(text) => text,
        Err(error) => {
            let cut_short = options.charset == Charset::Utf8 && error.error_len().is_none();
            match core::str::from_utf8(&rest[..error.valid_up_to()]) {
                Ok(text) if cut_short => text,
                _ => return false,
            }
        }
    };
    parse_argument(verb, text, options).err().is_none_or(|stop| stop.at_end)
}

/// The line without white space at its end.
fn trim_end(line: &[u8]) -> &[u8] {
    let mut line = line;
    while let [rest @ .., b' ' | b'\t'] = line {
        line = rest;
    }
    line
}

/// Whether `text` is the beginning of `word`, in any case.
fn begins(text: &str, word: &str) -> bool {
    begins_octets(text.as_bytes(), word)
}

fn begins_octets(text: &[u8], word: &str) -> bool {
    word.as_bytes().get(..text.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(text))
}
