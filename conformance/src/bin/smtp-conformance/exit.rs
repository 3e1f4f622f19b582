//! The exit codes of the program.

use std::io;
use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is as it has to be.
    Ok = 0,
    /// Something fails, or is not as the baseline says.
    Failed = 1,
    /// The command line, or a file that it names, makes no sense.
    Usage = 2,
    /// A target cannot be reached.
    Unreachable = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why the program cannot do what it is told to.
#[derive(Debug)]
pub(crate) struct Trouble {
    exit: Exit,
    message: String,
}

impl Trouble {
    /// The command line makes no sense.
    pub(crate) fn usage(message: impl ToString) -> Self {
        Self { exit: Exit::Usage, message: message.to_string() }
    }

    /// A target cannot be reached.
    pub(crate) fn unreachable(message: impl ToString) -> Self {
        Self { exit: Exit::Unreachable, message: message.to_string() }
    }

    /// A file cannot be read or written.
    pub(crate) fn file(path: &std::path::Path, error: &io::Error) -> Self {
        Self::usage(format!("{}: {error}", path.display()))
    }
}

impl From<io::Error> for Trouble {
    /// What is left to fail is standard output. A reader that has seen enough is nobody's fault.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { exit: Exit::Ok, message: String::new() };
        }
        Self::usage(error)
    }
}

/// Tells trouble on standard error.
pub(crate) fn told(done: Result<Exit, Trouble>) -> Exit {
    done.unwrap_or_else(|trouble| {
        if !trouble.message.is_empty() {
            anstream::eprintln!("smtp-conformance: {}", trouble.message);
        }
        trouble.exit
    })
}
