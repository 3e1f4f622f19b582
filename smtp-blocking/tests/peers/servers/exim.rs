//! Exim, with a configuration of a few lines that delivers to files.

use core::net::SocketAddr;
use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Server, Stored, split_trace};
use crate::programs::{Running, find, free_address, is_root, owner, require, temporary_folder, wait_for_server};
use crate::tool::read_folder;

/// Exim, which queues a message and stores one copy for all recipients with CRLF lines.
pub(crate) struct Exim {
    _daemon: Running,
    address: SocketAddr,
    folder: TempDir,
}

impl Server for Exim {
    fn start() -> Option<Self> {
        let exim = require("Exim", find("exim4").or_else(|| find("exim")).ok_or("not installed"))?;
        let folder = temporary_folder();
        let address = free_address();
        let configuration = configure(folder.path(), address, &exim);
        let log = folder.path().join("log");
        let mut command = Command::new(exim);
        command.arg("-C").arg(configuration).arg("-bdf").stderr(File::create(&log).expect("a new file"));
        let mut daemon = Running::start(&mut command);
        wait_for_server(address, &mut daemon, log);
        Some(Self { _daemon: daemon, address, folder })
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn stored(&self) -> Vec<Stored> {
        let new = self.folder.path().join("mail/new");
        if new.is_dir() { read_folder(&new).iter().map(|file| read(file)).collect() } else { Vec::new() }
    }
}

fn read(file: &[u8]) -> Stored {
    let (trace, message) = split_trace(file);
    // The envelope stands in one field each, the recipients with commas and folded.
    let unfolded = trace.replace("\r\n ", " ").replace("\r\n\t", " ");
    let field = |name: &str| unfolded.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    Stored {
        from: field("Return-path: ").trim_matches(['<', '>']).into(),
        to: field("Envelope-to: ").split(',').map(|recipient| recipient.trim().into()).collect(),
        message: message.into(),
    }
}

/// Lays out the folder and returns the configuration file.
fn configure(folder: &Path, address: SocketAddr, exim: &Path) -> PathBuf {
    let (user, group) = if is_root() { NOBODY } else { owner() };
    for name in ["spool", "mail"] {
        fs::create_dir(folder.join(name)).expect("an empty folder");
        chown(folder.join(name), Some(user), Some(group)).expect("to oneself, or as root");
    }
    let configuration = CONFIGURATION
        .replace("FOLDER", &folder.display().to_string())
        .replace("EXIM", &exim.display().to_string())
        .replace("ADDRESS", &address.ip().to_string())
        .replace("PORT", &address.port().to_string())
        .replace("USER", &user.to_string())
        .replace("GROUP", &group.to_string());
    let path = folder.join("exim.conf");
    fs::write(&path, configuration).expect("a new file");
    path
}

/// The user and group that have nothing, on every system this runs on.
const NOBODY: (u32, u32) = (65534, 65534);

const CONFIGURATION: &str = "\
exim_path = EXIM
exim_user = USER
exim_group = GROUP
spool_directory = FOLDER/spool
log_file_path = FOLDER/spool/%slog
local_interfaces = ADDRESS
daemon_smtp_ports = PORT
primary_hostname = exim.example
domainlist local = example.org
acl_smtp_rcpt = recipient
acl_smtp_data = accept
tls_advertise_hosts =
host_lookup =
keep_environment =

begin acl
recipient:
  deny
    local_parts = refused
    message = 5.1.1 no such user
  defer
    local_parts = later
    message = 4.2.1 come back later
  accept
    domains = +local
  deny

begin routers
files:
  driver = accept
  transport = files

begin transports
files:
  driver = appendfile
  directory = FOLDER/mail
  maildir_format
  use_crlf
  message_prefix =
  message_suffix =
  return_path_add
  envelope_to_add
  batch_max = 100
  user = USER
  group = GROUP
";
