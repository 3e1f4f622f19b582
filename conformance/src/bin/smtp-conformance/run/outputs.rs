//! Where reports go.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use smtp_conformance::catalogue;
use smtp_conformance::report::{self, Run};

use crate::exit::Trouble;

#[derive(Debug, Args)]
pub(crate) struct Files {
    /// Writes JUnit XML into this file; `-` is standard output
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Writes TAP 14 into this file
    #[arg(long, value_name = "FILE")]
    tap: Option<PathBuf>,
    /// Writes JSON lines into this file
    #[arg(long, value_name = "FILE")]
    jsonl: Option<PathBuf>,
    /// Writes a page for a browser into this file: it needs no other file and no network
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Files that are open before anything runs, so that a slip of the pen costs no time.
pub(crate) struct Outputs {
    files: Vec<(Format, PathBuf, Box<dyn Write>)>,
    has_standard_output: bool,
}

#[derive(Clone, Copy)]
enum Format {
    Junit,
    Tap,
    JsonLines,
    Html,
}

impl Files {
    pub(crate) fn open(&self) -> Result<Outputs, Trouble> {
        let wanted = [
            (Format::Junit, &self.junit),
            (Format::Tap, &self.tap),
            (Format::JsonLines, &self.jsonl),
            (Format::Html, &self.html),
        ];
        let wanted = wanted.into_iter().filter_map(|(format, path)| Some((format, path.clone()?)));
        let wanted: Vec<(Format, PathBuf)> = wanted.collect();
        let standard = wanted.iter().filter(|(_, path)| is_standard(path)).count();
        if standard > 1 {
            return Err(Trouble::usage("only one report can go to standard output"));
        }
        let files = wanted.into_iter().map(|(format, path)| {
            let out: Box<dyn Write> = if is_standard(&path) {
                Box::new(io::stdout())
            } else {
                Box::new(File::create(&path).map_err(|error| Trouble::file(&path, &error))?)
            };
            Ok((format, path, out))
        });
        Ok(Outputs { files: files.collect::<Result<_, Trouble>>()?, has_standard_output: standard > 0 })
    }
}

impl Outputs {
    /// Writes all reports. The one for people goes to standard output, unless another one goes there.
    pub(crate) fn write(self, run: &Run) -> Result<(), Trouble> {
        for (format, path, out) in self.files {
            let mut out = BufWriter::new(out);
            let written = match format {
                Format::Junit => report::junit(run, &mut out).map_err(io::Error::other),
                Format::Tap => report::tap(run, &mut out),
                Format::JsonLines => report::json_lines(run, &mut out),
                Format::Html => report::html(run, catalogue::requirements(), &mut out),
            };
            match written.and_then(|()| out.flush()) {
                Err(error) if is_standard(&path) => return Err(error.into()),
                written => written.map_err(|error| Trouble::file(&path, &error))?,
            }
        }
        if self.has_standard_output {
            report::human(run, &mut anstream::stderr().lock())?;
        } else {
            report::human(run, &mut anstream::stdout().lock())?;
        }
        Ok(())
    }
}

fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}
