//! `cmd:`.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::time::Instant;

use smtp_conformance::profile::Profile;
use smtp_conformance::target::{CommandTarget, Target, Unavailable};
use smtp_conformance::transcript::{Need, Side};

use crate::kit::{PATIENCE, Talk};
use smtp_peers::{find, require};

pub(crate) fn target(command: &str) -> CommandTarget {
    CommandTarget::new(command, Profile::new("mx.example").recipient("bob@mx.example").patient(PATIENCE))
}

/// A server of a few lines that serves what it is given, in clear.
pub(crate) const SERVER: &str = r#"
import sys
out = sys.stdout.buffer
def say(line):
    out.write(line.encode() + b"\r\n")
    out.flush()
say("220 mx.example python")
for line in sys.stdin.buffer:
    verb = line.strip().upper()
    if verb == b"QUIT":
        say("221 bye")
        break
    say("250 ok" if verb.startswith((b"EHLO", b"NOOP")) else "502 what?")
"#;

#[test]
fn a_script_is_a_server() {
    let Some(python) = require("python3", find("python3").ok_or("not installed")) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("server.py");
    fs::write(&script, SERVER).expect("written");
    let target = target(&format!("{} {}", python.display(), script.display()));
    assert!(!target.is_live());
    for _ in 0..2 {
        let mut talk = Talk::new(target.connect(&[]).expect("it starts"));
        talk.reply("220");
        talk.say("EHLO client.example");
        talk.reply("250");
        talk.say("TURN");
        talk.reply("502");
        talk.say("QUIT");
        talk.reply("221");
        talk.expect_end();
    }
    // The end of what is said is an end to the server, too.
    let mut talk = Talk::new(target.connect(&[]).expect("it starts"));
    talk.reply("220");
    talk.say("NOOP");
    talk.wire.end().expect("half of it is closed");
    talk.reply("250");
    talk.expect_end();
}

/// Exim as `inetd` would run it.
#[test]
fn exim_is_a_server() {
    let Some(exim) = require("Exim", find("exim4").or_else(|| find("exim")).ok_or("not installed")) else { return };
    let folder = tempfile::Builder::new()
        .prefix("smtp-conformance-")
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir()
        .expect("a folder");
    let configuration = configure(folder.path());
    let target = target(&format!("{} -C {} -bs", exim.display(), configuration.display()));
    let mut talk = Talk::new(target.connect(&[]).expect("it starts"));
    talk.expect("220 exim.example ESMTP Exim");
    talk.say("EHLO client.example");
    assert!(talk.reply("250").iter().any(|line| line.ends_with("PIPELINING")));
    talk.say("MAIL FROM:<alice@client.example>\r\nRCPT TO:<bob@mx.example>\r\nRCPT TO:<nobody@mx.example>");
    for code in ["250", "250", "550"] {
        talk.reply(code);
    }
    talk.say("QUIT");
    talk.reply("221");
    talk.expect_end();
}

/// A configuration with which it accepts and delivers nothing.
fn configure(folder: &Path) -> std::path::PathBuf {
    let spool = folder.join("spool");
    fs::create_dir(&spool).expect("an empty folder");
    // Exim gives up being root.
    let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").expect("procfs"));
    let (user, group) = if owner == 0 { (65534, 65534) } else { (owner, owner) };
    if owner == 0 {
        chown(&spool, Some(user), Some(group)).expect("as root");
    }
    let path = folder.join("exim.conf");
    let spool = spool.display();
    let text = format!(
        "exim_user = {user}\nexim_group = {group}\nspool_directory = {spool}\nlog_file_path = {spool}/%slog\n\
         primary_hostname = exim.example\ntls_advertise_hosts =\nacl_smtp_rcpt = recipient\nhost_lookup =\n\
         keep_environment =\n\nbegin acl\nrecipient:\n  deny\n    local_parts = nobody\n  accept\n"
    );
    fs::write(&path, text).expect("written");
    path
}

/// A command that is not there or does not speak: what it says to people is told.
#[test]
fn a_command_that_says_nothing_is_told_of() {
    for (command, words) in [("/no/such/server -bs", "no/such/server"), ("echo broken >&2; exit 3", "broken")] {
        let error = target(command).connect(&[]).err().expect("no server");
        assert!(matches!(&error, Unavailable::Unreachable(why) if why.contains(words)), "{error:?}");
    }
}

/// A server that does not end by itself is killed, with what it has started, before the next one comes.
#[test]
fn nothing_is_left_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let pids = folder.path().join("pids");
    let command = format!(
        "trap '' TERM HUP; sleep 1000 & echo $$ $! > {}; printf '220 here\\r\\n'; while :; do sleep 1000; done",
        pids.display()
    );
    let target = target(&command);
    let begun = Instant::now();
    let mut talk = Talk::new(target.connect(&[]).expect("it starts"));
    talk.reply("220");
    drop(talk);
    assert!(begun.elapsed() < PATIENCE);
    let pids = fs::read_to_string(pids).expect("written before the greeting");
    assert_eq!(pids.split_whitespace().count(), 2);
    for pid in pids.split_whitespace() {
        let gone = || {
            let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // Killed, and nobody has asked yet how it ended.
            state.is_empty() || state.contains(") Z")
        };
        while !gone() {
            assert!(begun.elapsed() < PATIENCE, "{pid} is still there");
            std::thread::sleep(core::time::Duration::from_millis(5));
        }
    }
}

#[test]
fn what_is_missing_is_said() {
    let target = target("true");
    assert_eq!(target.name(), "cmd:true");
    for need in [Need::Time, Need::App, Need::Mails(1), Need::BadRcpt, Need::Auth(None)] {
        assert!(target.offers(Side::Server, &need).is_err(), "{need}");
    }
    assert!(target.offers(Side::Server, &Need::Rcpt).is_ok());
    assert!(matches!(target.launch(&[], &[]).err(), Some(Unavailable::Unsupported(_))));
}
