//! From commands to lines.

use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use super::error::Problem;
use super::{Command, CommandError, Parameters, ParseOptions};
use crate::address::Charset;

impl Command<'_> {
    /// Appends the command with its CRLF. The only memory that it takes is what `out` grows by.
    ///
    /// # Errors
    ///
    /// If the command was put together from text that does not belong in it, so that the line would say something
    /// else. Nothing is appended then. A command that was parsed never fails.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), CommandError> {
        let start = out.len();
        let written = self.write(&mut Line(out));
        let options = ParseOptions { charset: Charset::Utf8, max_parameters: usize::MAX };
        if written.is_ok() && Command::parse(&out[start..], &options).as_ref() == Ok(self) {
            out.extend_from_slice(b"\r\n");
            return Ok(());
        }
        out.truncate(start);
        Err(CommandError::new(Some(self.verb()), Problem::NotRepresentable, false))
    }

    fn write(&self, line: &mut Line<'_>) -> fmt::Result {
        line.write_str(self.verb().as_str())?;
        match self {
            Self::Helo(host) | Self::Ehlo(host) | Self::Lhlo(host) => write!(line, " {host}"),
            Self::Mail { reverse_path, parameters }
            | Self::Send { reverse_path, parameters }
            | Self::Soml { reverse_path, parameters }
            | Self::Saml { reverse_path, parameters } => {
                write!(line, " FROM:{reverse_path}")?;
                line.parameters(parameters)
            }
            Self::Rcpt { forward_path, parameters } => {
                write!(line, " TO:{forward_path}")?;
                line.parameters(parameters)
            }
            Self::Bdat { size, last } => {
                write!(line, " {size}")?;
                if *last { line.write_str(" LAST") } else { Ok(()) }
            }
            Self::Vrfy(argument) | Self::Expn(argument) | Self::Etrn(argument) => write!(line, " {argument}"),
            Self::Help(Some(argument)) | Self::Noop(Some(argument)) => write!(line, " {argument}"),
            Self::Auth { mechanism, initial_response } => {
                write!(line, " {mechanism}")?;
                initial_response.map_or(Ok(()), |response| write!(line, " {}", response.as_str()))
            }
            Self::Help(None)
            | Self::Noop(None)
            | Self::Data
            | Self::Rset
            | Self::Quit
            | Self::Turn
            | Self::StartTls => Ok(()),
        }
    }
}

/// The line that is being written.
struct Line<'o>(&'o mut Vec<u8>);

impl Line<'_> {
    fn parameters(&mut self, parameters: &Parameters<'_>) -> fmt::Result {
        if parameters.is_empty() { Ok(()) } else { write!(self, " {parameters}") }
    }
}

impl fmt::Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
