//! Which targets there are.

use std::path::PathBuf;

use clap::Args;
use smtp_conformance::profile::Profile;
use smtp_conformance::target::{Place, Target, Unavailable};
use smtp_conformance::transcript::Tag;

use crate::exit::Trouble;

#[derive(Debug, Args)]
pub(crate) struct Targets {
    /// What is tested: core, blocking, tokio, smol, async-std, tcp://HOST:PORT, tls://HOST:PORT, cmd:COMMAND (a server on
    /// standard input and output) or client:COMMAND. Can be given several times. Default: the first five
    #[arg(long, value_name = "TARGET")]
    target: Vec<Place>,
    /// What is known of a target, in TOML: whom it takes mail for, who may log in, what may be done to it. If the file
    /// says where the target is, it is one; several can be given. If not, it is about those of --target
    #[arg(long, value_name = "FILE")]
    profile: Vec<PathBuf>,
}

impl Targets {
    /// The targets, on which transcripts with these tags may run even if they are live.
    pub(crate) fn open(&self, allowed: &[Tag]) -> Result<Vec<Box<dyn Target>>, Trouble> {
        let allow = |profile: Profile| allowed.iter().fold(profile, |profile, tag| profile.allow(*tag));
        let mut targets = Vec::new();
        let mut general = None;
        for path in &self.profile {
            let profile =
                allow(Profile::read(path).map_err(|error| Trouble::usage(format!("{}: {error}", path.display())))?);
            if profile.place().is_some() {
                targets.push(profile.open().map_err(Trouble::usage)?);
            } else if general.replace(profile).is_some() {
                return Err(Trouble::usage("only one profile can leave out where its target is"));
            }
        }
        if self.target.is_empty() && general.is_some() {
            return Err(Trouble::usage(
                "the profile does not say where the target is: put `target = …` there, or use --target",
            ));
        }
        let mut places = self.target.clone();
        if self.target.is_empty() && self.profile.is_empty() {
            let own = ["core", "blocking", "tokio", "smol", "async-std"];
            places.extend(own.map(|name| name.parse::<Place>().expect("the names of the targets of this project")));
        }
        for place in places {
            let profile = general.clone().unwrap_or_else(|| allow(Profile::new(DOMAIN)));
            targets.push(place.open(profile).map_err(|error| Trouble::usage(format!("{place}: {error}")))?);
        }
        let mut names: Vec<&str> = targets.iter().map(|target| target.name()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Trouble::usage(format!(
                "two targets are called {}: `name = …` in a profile tells them apart",
                pair[0]
            )));
        }
        Ok(targets)
    }
}

/// Makes sure that there is somebody at each target.
pub(crate) fn reach(targets: &[Box<dyn Target>]) -> Result<(), Trouble> {
    for target in targets {
        // A client is nobody to connect to.
        if let Err(Unavailable::Unreachable(why)) = target.connect(&[]).map(drop) {
            return Err(Trouble::unreachable(format!("{} cannot be reached: {why}", target.name())));
        }
    }
    Ok(())
}

/// What a target takes mail for of which nothing is known.
const DOMAIN: &str = "mx.example";
