//! `smtp parse`: checks what people paste.

#[cfg(test)]
mod cases;
mod check;
mod command;
mod kind;
mod replies;

use std::io::{self, BufRead, Write};

use clap::Args;
use smtp_proto::address::Charset;

use crate::escape::unescape;
use crate::exit::Exit;
use check::{check, failure};
use kind::Kind;

/// Checks SMTP syntax: one case a line in, one JSON object a line out.
///
/// A case is written with the escapes \r \n \t \0 \\ \xHH of C. Exits with 1 if a case fails.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// What every line holds.
    kind: Kind,
    /// Allows the addresses of RFC 6531.
    #[arg(long)]
    smtputf8: bool,
}

/// Checks what standard input holds.
pub(crate) fn run(options: &Options) -> Exit {
    let charset = if options.smtputf8 { Charset::Utf8 } else { Charset::Ascii };
    match check_lines(options.kind, charset, io::stdin().lock(), io::stdout().lock()) {
        Ok(true) => Exit::Ok,
        Ok(false) => Exit::CaseFailed,
        Err(error) => {
            eprintln!("smtp parse: {error}");
            Exit::Io
        }
    }
}

/// Returns whether no case failed.
fn check_lines(kind: Kind, charset: Charset, mut input: impl BufRead, mut output: impl Write) -> io::Result<bool> {
    let mut no_failure = true;
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let answer = match unescape(text) {
            Ok(octets) => check(kind, &octets, charset),
            Err(error) => failure(error),
        };
        no_failure &= answer["ok"] == true;
        // Whoever waits for the answer before writing the next case gets it.
        writeln!(output, "{answer}")?;
        output.flush()?;
        line.clear();
    }
    Ok(no_failure)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Charset, Kind, check_lines};

    fn answers(input: &str) -> (bool, Vec<Value>) {
        let mut output = Vec::new();
        let ok = check_lines(Kind::Data, Charset::Ascii, input.as_bytes(), &mut output).expect("no I/O");
        let output = String::from_utf8(output).expect("JSON");
        (ok, output.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
    }

    #[test]
    fn a_line_is_a_case() {
        let whole = json!({ "ok": true, "body": "", "consumed": 3 });
        assert_eq!(answers(".\\r\\n\n.\\r\\n\r\n.\\r\\n"), (true, vec![whole.clone(); 3]));
        let (ok, answers) = answers(".\\r\\n\n\n.\\q\n");
        assert_eq!((ok, answers.len(), &answers[0]), (false, 3, &whole));
        assert_eq!(answers[1]["incomplete"], true);
        assert_eq!(answers[2], json!({ "ok": false, "error": "There is no escape \\q." }));
    }
}
