//! Where transcripts come from.

use std::borrow::Cow;
use std::path::PathBuf;

use clap::Args;
use smtp_conformance::corpus::Corpus;

use crate::exit::Trouble;

#[derive(Debug, Args)]
pub(crate) struct Source {
    /// Takes the transcripts in this folder and below it, instead of those of the suite
    #[arg(long, value_name = "DIR")]
    transcripts: Option<PathBuf>,
}

impl Source {
    /// All of them, even if some files are no transcripts: `lint` tells about those.
    pub(crate) fn corpus(&self) -> Result<Cow<'static, Corpus>, Trouble> {
        Ok(match &self.transcripts {
            None => Cow::Borrowed(Corpus::embedded()),
            Some(folder) => Cow::Owned(Corpus::read(folder).map_err(Trouble::usage)?),
        })
    }

    /// All of them.
    pub(crate) fn sound_corpus(&self) -> Result<Cow<'static, Corpus>, Trouble> {
        let corpus = self.corpus()?;
        match corpus.broken() {
            [] => Ok(corpus),
            broken => Err(Trouble::usage(broken.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))),
        }
    }
}
