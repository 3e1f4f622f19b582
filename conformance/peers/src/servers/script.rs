//! What the servers have in common that are a script of ours around a library of others: the settings that they are
//! given, and the files that they write.

use core::net::SocketAddr;
use std::fs::{self, File};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Security, Stored};
use crate::login::{PASSWORD, TOKEN, Tls, USER};
use crate::programs::{self, Running, temporary_folder, wait_for_server};

/// A running script, which stores the octets as they came.
pub(super) struct Script {
    _program: Running,
    address: SocketAddr,
    folder: TempDir,
}

impl Script {
    /// Starts `program` with the script of this name, at this address.
    pub(super) fn start(
        mut program: Command,
        script: &str,
        address: SocketAddr,
        security: Option<Security<'_>>,
    ) -> Self {
        let folder = temporary_folder();
        let log = folder.path().join("log");
        let output = File::create(&log).expect("a new file");
        let login = security.map(|Security { tls, certificates }| {
            json!({
                "implicit": tls == Tls::Implicit,
                "required": tls != Tls::Offered,
                "certificate": certificates.path("server.pem"),
                "key": certificates.path("server.key"),
                "user": USER,
                "password": PASSWORD,
                "token": TOKEN,
            })
        });
        let settings = json!({
            "folder": folder.path(),
            "host": address.ip().to_string(),
            "port": address.port(),
            "login": login,
        });
        program.arg(programs::script(script));
        program.arg(settings.to_string());
        program.stdout(output.try_clone().expect("a file of this process")).stderr(output);
        let mut program = Running::start(&mut program);
        wait_for_server(address, &mut program, log);
        Self { _program: program, address, folder }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn stored(&self) -> Vec<Stored> {
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        let read = |(envelope, message): (Value, Vec<u8>)| Stored {
            from: text(&envelope["from"]),
            to: envelope["to"].as_array().expect("an array").iter().map(text).collect(),
            message,
        };
        self.files().map(read).collect()
    }

    /// The mechanism and user of each message that was stored.
    pub(super) fn logins(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        let logins = self.files().map(|(envelope, _)| envelope["login"].clone());
        logins.map(|login| format!("{} {}", text(&login["mechanism"]), text(&login["user"]))).collect()
    }

    fn files(&self) -> impl Iterator<Item = (Value, Vec<u8>)> {
        let envelopes = (0..).map(|number| self.folder.path().join(format!("{number}.json")));
        let envelopes = envelopes.map_while(|path| fs::read(&path).ok().map(|envelope| (path, envelope)));
        envelopes.map(|(path, envelope)| {
            let envelope = serde_json::from_slice(&envelope).expect("JSON of our own script");
            (envelope, fs::read(path.with_extension("eml")).expect("written before the envelope"))
        })
    }
}
