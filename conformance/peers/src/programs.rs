//! Other people's programs: run, and ended when a test ends.

use core::fmt;
use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicU8, Ordering};
use core::time::Duration;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::Instant;

use tempfile::TempDir;

pub(crate) use crate::required::{find, require};

/// Node, if it has a package of this name where `NODE_PATH` says.
pub fn node(package: &str) -> Option<PathBuf> {
    let mut resolve = Command::new("node");
    resolve.arg("--eval").arg(format!("require('{package}')")).stderr(Stdio::null());
    if resolve.status().is_ok_and(|status| status.success()) { find("node") } else { None }
}

/// Whether this process may do what only root may.
pub fn is_root() -> bool {
    owner().0 == 0
}

/// The user and group that this process runs as.
pub fn owner() -> (u32, u32) {
    let process = fs::metadata("/proc/self").expect("procfs tells of this process");
    (process.uid(), process.gid())
}

/// Runs `command` to its end, with `input` as its standard input.
///
/// # Panics
///
/// If it takes longer than a minute.
pub fn run(command: &mut Command, input: &Path) -> Finished {
    let folder = temporary_folder();
    let (output, errors) = (folder.path().join("output"), folder.path().join("errors"));
    let mut program = Running::start(
        command
            .stdin(File::open(input).expect("the input exists"))
            .stdout(File::create(&output).expect("a new file"))
            .stderr(File::create(&errors).expect("a new file")),
    );
    let status = program.wait();
    let read = |path| String::from_utf8_lossy(&fs::read(path).expect("written above")).into_owned();
    Finished { code: status.code(), output: read(output), errors: read(errors) }
}

/// What a program said and how it ended.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// What it wrote on standard output.
    pub output: String,
    /// What it wrote on standard error.
    pub errors: String,
}

impl Finished {
    /// Asserts the exit code, and that this text stands in what was written.
    #[track_caller]
    pub fn expect(&self, code: i32, text: &str) {
        assert_eq!(self.code, Some(code), "{self}");
        assert!(self.output.contains(text) || self.errors.contains(text), "no `{text}` in\n{self}");
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {:?}\n--- output\n{}\n--- errors\n{}", self.code, self.output, self.errors)
    }
}

/// A program that runs beside the test, with the processes that it starts. Dropping this ends them all.
pub struct Running {
    leader: Child,
}

impl Running {
    /// Starts it in a process group of its own.
    pub fn start(command: &mut Command) -> Self {
        let leader = command.process_group(0).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { leader }
    }

    /// Sends a signal to the process that was started.
    pub fn signal(&self, signal: &str) {
        kill(signal, &self.leader.id().to_string());
    }

    /// Waits for the end of the process that was started.
    pub fn wait(&mut self) -> ExitStatus {
        wait_for("the end of a program", || self.leader.try_wait().expect("a child of this process"))
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        self.leader.try_wait().expect("a child of this process").is_none()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        kill("KILL", &format!("-{}", self.leader.id()));
        let _ = self.leader.wait();
    }
}

/// The path of a script of ours.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(name)
}

/// The files in a folder, in the order of their names.
///
/// # Panics
///
/// If there is none.
#[must_use]
pub fn read_folder(folder: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a readable file")).collect()
}

fn kill(signal: &str, process: &str) {
    // It may be gone by now, which `kill` would complain of.
    let _ = Command::new("sh").args(["-c", r#"kill -s "$0" -- "$1""#, signal, process]).stderr(Stdio::null()).status();
}

/// A folder that goes when it is dropped, and that servers may enter which give up being root.
pub fn temporary_folder() -> TempDir {
    let everybody = Permissions::from_mode(0o755);
    tempfile::Builder::new().prefix("smtp-peers-").permissions(everybody).tempdir().expect("a temporary folder")
}

/// A port that nobody listens on, at a loopback address that nobody else of these tests is given: between the choice of
/// a port and the start of its server another test may be given the same port.
pub fn free_address() -> SocketAddr {
    let number = ADDRESSES.fetch_add(1, Ordering::Relaxed) % 250;
    // The tests may run in one process or in a process each.
    let [.., high, low] = process::id().to_be_bytes();
    let address = Ipv4Addr::new(127, high, low, 2 + number);
    let listener = TcpListener::bind((address, 0)).expect("a free port");
    listener.local_addr().expect("bound above")
}

/// Waits until a server that was just started takes connections.
pub fn wait_for_server(address: SocketAddr, server: &mut Running, log: impl AsRef<OsStr>) {
    let log = || fs::read_to_string(log.as_ref()).unwrap_or_default();
    wait_for("a server", || {
        assert!(server.is_alive(), "the server ended: {}", log());
        TcpStream::connect(address).ok()
    });
}

/// Asks again and again until there is an answer.
///
/// # Panics
///
/// If there is none after a minute.
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "no {what} after {PATIENCE:?}");
        sleep(Duration::from_millis(10));
    }
}

/// Far longer than anything here takes on a busy machine; it only ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

static ADDRESSES: AtomicU8 = AtomicU8::new(0);
