//! Other people's programs: found, or missed out loud.

use std::collections::BTreeSet;
use std::env;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Mutex;

/// The program of this name on `PATH` or in the folders of system programs.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// `found`, or a line that says which program is missing and so not tested against. With `SMTP_PEERS=required` in the
/// environment a missing program fails the test.
pub fn require<T>(peer: &str, found: Result<T, &str>) -> Option<T> {
    let why = match found {
        Ok(found) => return Some(found),
        Err(why) => why,
    };
    let required = env::var_os("SMTP_PEERS").is_some_and(|value| value == "required");
    assert!(!required, "{peer}: {why}, and SMTP_PEERS=required");
    let mut said = SAID.lock().expect("no test panics while it says this");
    if said.insert(peer.to_owned()) {
        // Past the capture of the test harness, which shows the output of failed tests only.
        writeln!(io::stderr(), "SKIP {peer}: {why}").expect("standard error is open");
    }
    None
}

static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
