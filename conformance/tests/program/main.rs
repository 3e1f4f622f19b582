//! The program, as people use it.

mod commands;
mod newcomer;
mod page;
mod record;
mod run;

use core::fmt;
use std::ffi::OsStr;
use std::process::{Command, Stdio};

/// The program with these arguments, run to its end.
pub(crate) fn conformance<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Finished {
    let mut command = program();
    let output = command.args(arguments).stdin(Stdio::null()).output().expect("the program of this package");
    Finished {
        code: output.status.code(),
        output: String::from_utf8(output.stdout).expect("text"),
        errors: String::from_utf8(output.stderr).expect("text"),
    }
}

/// The program, without colours.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-conformance"));
    command.env("NO_COLOR", "1");
    command
}

/// What it said, and how it ended.
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Finished {
    /// Asserts the exit code, and that each text stands in what was written.
    #[track_caller]
    pub(crate) fn expect(self, code: i32, texts: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        for text in texts {
            assert!(self.output.contains(text) || self.errors.contains(text), "no `{text}` in\n{self}");
        }
        self
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {:?}\n--- output\n{}\n--- errors\n{}", self.code, self.output, self.errors)
    }
}
