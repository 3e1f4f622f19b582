//! The test server that comes with Postfix.

use core::net::SocketAddr;
use std::fs::{self, File};
use std::process::Command;

use tempfile::TempDir;

use super::{Server, Stored, fields, split_trace, with_crlf};
use crate::programs::{Running, find, free_address, is_root, read_folder, require, temporary_folder, wait_for_server};

/// smtp-sink, which stores each message in a file with LF lines, behind header fields that tell the envelope. It cannot
/// tell recipients apart: [`Postfix`](super::Postfix) can.
pub struct SmtpSink {
    _program: Running,
    address: SocketAddr,
    folder: TempDir,
}

impl SmtpSink {
    /// Starts it with further options; `None`, said out loud, if it is not installed.
    pub fn start_with(options: &[&str]) -> Option<Self> {
        let program = require("smtp-sink", find("smtp-sink").ok_or("not installed"))?;
        let folder = temporary_folder();
        let (mail, log) = (folder.path().join("mail"), folder.path().join("log"));
        fs::create_dir(&mail).expect("an empty folder");
        let address = free_address();
        let mut command = Command::new(program);
        if is_root() {
            command.args(["-u", "root"]);
        }
        command.args(options).args(["-d", "message.", &address.to_string(), "100"]).current_dir(mail);
        let mut program = Running::start(command.stderr(File::create(&log).expect("a new file")));
        wait_for_server(address, &mut program, log);
        Some(Self { _program: program, address, folder })
    }
}

impl Server for SmtpSink {
    fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn stored(&self) -> Vec<Stored> {
        read_folder(&self.folder.path().join("mail")).iter().map(|file| read(file)).collect()
    }
}

fn read(file: &[u8]) -> Stored {
    let (trace, message) = split_trace(file);
    Stored {
        from: fields(&trace, "X-Mail-Args").next().unwrap_or_default().into(),
        to: fields(&trace, "X-Rcpt-Args").map(Into::into).collect(),
        // It closes each file with an empty line of its own.
        message: with_crlf(message.strip_suffix(b"\n").unwrap_or(message)),
    }
}
