//! Runs of the `smtp` program.

use core::net::SocketAddr;
use core::time::Duration;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;

/// A running `smtp serve`, killed when dropped.
pub(crate) struct Serve {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Serve {
    /// Starts it with a new Maildir.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::restart(tempfile::tempdir().expect("a temporary folder"), arguments)
    }

    /// Starts it with the Maildir that another left.
    pub(crate) fn restart(folder: TempDir, arguments: &[&str]) -> Self {
        let mut output = File::create(folder.path().join("output")).expect("a new file");
        let errors = File::create(folder.path().join("errors")).expect("a new file");
        let mut child = Command::new(SMTP)
            .args(["serve", "--listen", "127.0.0.1:0", "--hostname", "mx.example", "--maildir"])
            .arg(folder.path().join("mail"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a file of this process"))
            .stderr(errors)
            .spawn()
            .expect("the program was built");
        let first_line = wait_for("where it listens", || {
            assert_eq!(child.try_wait().expect("a child"), None, "`smtp serve` ended");
            let said = fs::read_to_string(folder.path().join("output")).expect("created above");
            said.split_once('\n').map(|(line, _)| line.to_owned())
        });
        output.rewind().expect("a plain file");
        let address = first_line.strip_prefix("listening on ").and_then(|rest| rest.split(',').next());
        let address = address.and_then(|address| address.parse().ok()).unwrap_or_else(|| panic!("{first_line}"));
        Self { child, address, folder }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connects, reads the greeting and says EHLO.
    pub(crate) fn connect(&self) -> Dialogue {
        let mut dialogue = Dialogue::with(self.address);
        dialogue.expect("220");
        dialogue.say("EHLO client.example\r\n");
        dialogue.expect("250");
        dialogue
    }

    /// The messages in `new`, in the order of their names.
    pub(crate) fn messages(&self) -> Vec<Vec<u8>> {
        read_folder(&self.maildir().join("new"))
    }

    /// How many files there are in `tmp`.
    pub(crate) fn unfinished(&self) -> usize {
        read_folder(&self.maildir().join("tmp")).len()
    }

    pub(crate) fn maildir(&self) -> PathBuf {
        self.folder.path().join("mail")
    }

    /// What it wrote on standard error.
    pub(crate) fn errors(&self) -> String {
        fs::read_to_string(self.folder.path().join("errors")).expect("created at the start")
    }

    /// What it wrote on standard output.
    pub(crate) fn output(&self) -> String {
        fs::read_to_string(self.folder.path().join("output")).expect("created at the start")
    }

    /// SIGINT.
    pub(crate) fn interrupt(&self) {
        // The shell's own `kill`: a small system has no program of that name.
        let status = Command::new("sh").args(["-c", &format!("kill -s INT {}", self.child.id())]).status();
        assert!(status.expect("there is a shell").success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait_for("the end", || self.child.try_wait().expect("a child"))
    }

    /// SIGKILL. Returns what is left.
    pub(crate) fn kill(mut self) -> TempDir {
        self.child.kill().expect("a child");
        self.child.wait().expect("a child");
        core::mem::replace(&mut self.folder, tempfile::tempdir().expect("a temporary folder"))
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that says what it is told to.
pub(crate) struct Dialogue {
    stream: BufReader<TcpStream>,
}

impl Dialogue {
    pub(crate) fn with(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).expect("somebody listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
        stream.set_write_timeout(Some(PATIENCE)).expect("not zero");
        stream.set_nodelay(true).expect("a TCP stream");
        Self { stream: BufReader::new(stream) }
    }

    #[track_caller]
    pub(crate) fn say(&mut self, text: impl AsRef<[u8]>) {
        self.try_say(text).expect("the server reads");
    }

    /// `None` if the connection is over.
    pub(crate) fn try_say(&mut self, text: impl AsRef<[u8]>) -> Option<()> {
        self.stream.get_mut().write_all(text.as_ref()).ok()
    }

    /// Reads a reply; returns its last line.
    #[track_caller]
    pub(crate) fn expect(&mut self, beginning: &str) -> String {
        let line = self.reply().expect("the server answers");
        assert!(line.starts_with(beginning), "{line} instead of {beginning}");
        line
    }

    /// The last line of the next reply; `None` if the connection is over.
    pub(crate) fn reply(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            let count = self.stream.read_line(&mut line).ok()?;
            if count == 0 || !line.ends_with('\n') {
                return None;
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return Some(line.trim_end().to_owned());
            }
        }
    }
}

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Run {
    /// The object that was printed.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.output).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs `smtp` with this standard input.
pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(arguments: &[S], input: &[u8]) -> Run {
    run_in(&[], arguments, input)
}

/// Runs `smtp` with these variables in the environment.
pub(crate) fn run_in<S: AsRef<std::ffi::OsStr>>(variables: &[(&str, &str)], arguments: &[S], input: &[u8]) -> Run {
    let mut stdin = tempfile::tempfile().expect("a temporary file");
    stdin.write_all(input).expect("written");
    stdin.rewind().expect("a plain file");
    let [mut output, mut errors] = [(); 2].map(|()| tempfile::tempfile().expect("a temporary file"));
    let mut child = Command::new(SMTP)
        .args(arguments)
        // The tests say themselves where to connect to.
        .env_remove("SMTP_URL")
        .envs(variables.iter().copied())
        .stdin(stdin)
        .stdout(output.try_clone().expect("a file of this process"))
        .stderr(errors.try_clone().expect("a file of this process"))
        .spawn()
        .expect("the program was built");
    let status = wait_for("the end", || child.try_wait().expect("a child"));
    let read = |file: &mut File| {
        let mut text = String::new();
        file.rewind().expect("a plain file");
        file.read_to_string(&mut text).expect("text");
        text
    };
    Run { code: status.code(), output: read(&mut output), errors: read(&mut errors) }
}

/// Runs `smtp send --json`.
pub(crate) fn send(server: SocketAddr, to: &[&str], more: &[&str], message: &[u8]) -> Run {
    let server = server.to_string();
    let mut arguments = vec!["send", "--json", "--server", &server, "--ehlo", "client.example"];
    arguments.extend(["--from", "alice@client.example"]);
    arguments.extend(to.iter().flat_map(|to| ["--to", to]));
    arguments.extend(more);
    run(&arguments, message)
}

fn read_folder(folder: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("readable")).collect()
}

/// Asks again and again until there is an answer.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "no {what} after {PATIENCE:?}");
        sleep(Duration::from_millis(2));
    }
}

/// Far longer than anything here takes; it only ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

const SMTP: &str = env!("CARGO_BIN_EXE_smtp");
