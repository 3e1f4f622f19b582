//! The asyncio server of the Python world.

use core::net::SocketAddr;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{Server, Stored};
use crate::programs::{Running, find, require, temporary_folder, wait_for};

/// aiosmtpd, which stores the octets as they came.
pub(crate) struct Aiosmtpd {
    _program: Running,
    address: SocketAddr,
    folder: TempDir,
}

impl Server for Aiosmtpd {
    fn start() -> Option<Self> {
        let python = require("aiosmtpd", python().ok_or("no Python here can import it"))?;
        let folder = temporary_folder();
        let log = folder.path().join("log");
        let output = File::create(&log).expect("a new file");
        let mut program = Running::start(
            Command::new(python)
                .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/aiosmtpd_server.py"))
                .arg(folder.path())
                .stdout(output.try_clone().expect("a file of this process"))
                .stderr(output),
        );
        let address = wait_for("address of aiosmtpd", || {
            let said = fs::read_to_string(&log).expect("created above");
            assert!(program.is_alive(), "aiosmtpd ended: {said}");
            said.strip_prefix("listening ")?.strip_suffix('\n')?.parse().ok()
        });
        Some(Self { _program: program, address, folder })
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn stored(&self) -> Vec<Stored> {
        let envelopes = (0..).map(|number| self.folder.path().join(format!("{number}.json")));
        let envelopes = envelopes.map_while(|path| fs::read(&path).ok().map(|envelope| (path, envelope)));
        envelopes.map(|(path, envelope)| read(&envelope, path.with_extension("eml"))).collect()
    }
}

fn read(envelope: &[u8], message: PathBuf) -> Stored {
    let envelope: Value = serde_json::from_slice(envelope).expect("JSON of our own script");
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    Stored {
        from: text(&envelope["from"]),
        to: envelope["to"].as_array().expect("an array").iter().map(text).collect(),
        message: fs::read(message).expect("written before the envelope"),
    }
}

/// A Python that has the module: the one on the path, or that of the system.
fn python() -> Option<PathBuf> {
    let candidates = [find("python3"), Some("/usr/bin/python3".into())];
    candidates.into_iter().flatten().find(|python| {
        let mut import = Command::new(python);
        import.args(["-c", "import aiosmtpd"]).stderr(Stdio::null());
        import.status().is_ok_and(|status| status.success())
    })
}
