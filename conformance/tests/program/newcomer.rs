//! What the README tells somebody who is new here, word for word.

use core::time::Duration;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use regex::Regex;
use smtp_conformance::Profile;
use smtp_conformance::target::{SocketTarget, Target as _};
use smtp_peers::{find, require};

use crate::{Finished, program};

const README: &str = include_str!("../../README.md");
const SERVER: &str = include_str!("../../examples/aiosmtpd_server.py");

/// The texts between fences of a language, in order.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    let behind = README.split(&fence).skip(1);
    behind.map(|text| text.split("```").next().expect("a fence")).collect()
}

/// A server with another library is tested with the commands of the README, from an empty folder.
#[test]
fn the_commands_of_the_readme() {
    let commands: Vec<&str> = blocks("sh").iter().flat_map(|block| block.lines()).collect();
    let [install, first, second] = commands[..3] else { panic!("three commands at least: {commands:?}") };
    // What it installs is what is tested here: the program of this package.
    let folder = install.strip_prefix("cargo install --path ").expect("the first command installs");
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    assert_eq!(workspace.join(folder), Path::new(env!("CARGO_MANIFEST_DIR")));
    let [profile, ..] = blocks("toml")[..] else { panic!("a profile") };
    let Some(name) = profile.lines().next().and_then(|line| line.strip_prefix("# ")) else {
        panic!("the profile says what it is called: {profile}")
    };
    let Some(python) = require("aiosmtpd", python().ok_or("no Python here can import it")) else { return };

    let empty = tempfile::tempdir().expect("an empty folder");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
    let here = |text: &str| text.replace("2525", &port.to_string());
    fs::write(empty.path().join("server.py"), here(SERVER)).expect("a new file");
    let _server = Server::start(&python, empty.path(), port);
    let run = |command: &str| {
        let words = here(command);
        let mut words = words.split(' ');
        assert_eq!(words.next(), Some("smtp-conformance"));
        let output = program().args(words).current_dir(empty.path()).stdin(Stdio::null()).output().expect("it runs");
        Finished {
            code: output.status.code(),
            output: String::from_utf8(output.stdout).expect("text"),
            errors: String::from_utf8(output.stderr).expect("text"),
        }
    };
    let harmless = passed(&run(first));
    fs::write(empty.path().join(name), here(profile)).expect("a new file");
    let all = passed(&run(second));
    assert!(harmless >= 100 && all >= harmless + 100, "{harmless} and {all} passed");
    let report = fs::read_to_string(empty.path().join("report.html")).expect("the report of the README");
    assert!(report.contains(&here("tcp://127.0.0.1:2525")));
}

/// How many cases passed. There is no ERROR: whatever that server does, the suite got there.
#[track_caller]
fn passed(finished: &Finished) -> usize {
    assert!(matches!(finished.code, Some(0 | 1)), "{finished}");
    let row = Regex::new(r"(?m)^tcp://127\.0\.0\.1:\d+ +(\d+) +\d+ +\d+ +\d+ +(\d+) ").expect("a pattern");
    let row = row.captures(&finished.output).unwrap_or_else(|| panic!("no summary in {finished}"));
    assert_eq!(&row[2], "0", "{finished}");
    row[1].parse().expect("a number")
}

/// The README shows the server as it is, and it is as short as it says.
#[test]
fn the_server_of_the_readme() {
    assert_eq!(blocks("python"), [SERVER]);
    assert!(SERVER.lines().count() <= 30);
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

/// Ends with the test.
struct Server(Child);

impl Server {
    fn start(python: &Path, folder: &Path, port: u16) -> Self {
        let mut command = Command::new(python);
        let command = command
            .arg("server.py")
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let server = Self(command.spawn().expect("Python starts"));
        let profile = Profile::new("mx.example");
        let target = SocketTarget::new("127.0.0.1", port, false, profile);
        let begin = Instant::now();
        while target.connect(&[]).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(60), "the server does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
