//! The servers that no other test of this project starts.
#![cfg(unix)]

use std::fs;

use smtp_peers::clients::{CURL, Mail};
use smtp_peers::messages;
use smtp_peers::programs::temporary_folder;
use smtp_peers::servers::{OpenSmtpd, Server as _};

const FROM: &str = "ada@sender.example";

#[test]
fn opensmtpd_takes_mail() {
    let Some(server) = OpenSmtpd::start() else { return };
    if !CURL.is_there() {
        return;
    }
    let folder = temporary_folder();
    let message = folder.path().join("message");
    fs::write(&message, messages::dots()).expect("a new file");
    let mail = Mail { from: FROM, to: &["bob@example.org", "refused@example.org"], message: &message, login: None };
    CURL.send(server.address(), &mail).expect(0, "550");
    server.expect_stored(FROM, &["bob@example.org"], &messages::dots());
}
