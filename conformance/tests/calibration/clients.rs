//! Clients, and the outgoing side of servers.

use core::time::Duration;

use smtp_conformance::Profile;
use smtp_conformance::job::Security;
use smtp_conformance::profile::Abilities;
use smtp_conformance::target::ProgramTarget;
use smtp_conformance::transcript::Role;
use smtp_peers::commands::Sender;

use crate::known::calibrate;

use Security::{Implicit, Opportunistic, Plain, StartTls};

#[test]
fn smtplib() {
    play("smtplib", Sender::Smtplib, abilities(&[Plain, StartTls, Implicit], AUTH, &["SIZE"], 9));
}

#[test]
fn curl() {
    play("curl", Sender::Curl, abilities(&[Plain, StartTls, Opportunistic, Implicit], AUTH, &["SIZE"], 1));
}

#[test]
fn swaks() {
    play("swaks", Sender::Swaks, abilities(&[Plain, StartTls, Opportunistic, Implicit], AUTH, &[], 1));
}

#[test]
fn msmtp() {
    play("msmtp", Sender::Msmtp, abilities(&[Plain, StartTls, Implicit], AUTH, &["PIPELINING"], 1));
}

#[test]
fn nodemailer() {
    play("nodemailer", Sender::Nodemailer, abilities(&[Plain, StartTls, Opportunistic, Implicit], AUTH, &[], 1));
}

#[test]
fn postfix() {
    let extensions = ["PIPELINING", "8BITMIME", "SMTPUTF8"];
    play("postfix-out", Sender::Postfix, abilities(&[Plain, StartTls, Opportunistic, Implicit], &[], &extensions, 1));
}

#[test]
fn exim() {
    let extensions = ["PIPELINING", "SIZE", "CHUNKING"];
    play("exim-out", Sender::Exim, abilities(&[Plain, StartTls, Opportunistic, Implicit], &[], &extensions, 1));
}

fn abilities(security: &[Security], auth: &[&str], extensions: &[&str], mails: usize) -> Abilities {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let mut abilities = Abilities::default();
    (abilities.security, abilities.auth) = (security.to_vec(), owned(auth));
    (abilities.extensions, abilities.mails) = (owned(extensions), mails);
    abilities
}

fn play(name: &str, sender: Sender, abilities: Abilities) {
    let Some(command) = sender.command() else { return };
    let profile = Profile::new("mx.example").client("client.example").able(abilities).named(name).patient(START);
    let target = ProgramTarget::new(&command, profile).expect("a domain for a certificate");
    calibrate(&target, Role::Client, JOBS);
}

const AUTH: &[&str] = &["PLAIN", "LOGIN", "CRAM-MD5"];

/// Each is a process, or several.
const JOBS: usize = 4;

/// How long it may take until a client is connected, and until it ends. Postfix starts ten programs for a mail.
const START: Duration = Duration::from_secs(20);
