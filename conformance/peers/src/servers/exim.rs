//! Exim, with a configuration of a few lines that delivers to files.

use core::net::SocketAddr;
use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{LoginServer, Security, Server, Stored, split_trace};
use crate::login::{PASSWORD, Tls, USER};
use crate::programs::{
    Running, find, free_address, is_root, owner, read_folder, require, temporary_folder, wait_for_server,
};

/// Exim, which queues a message and stores one copy for all recipients with CRLF lines.
pub struct Exim {
    _daemon: Running,
    address: SocketAddr,
    folder: TempDir,
}

impl Exim {
    fn start_at(address: SocketAddr, security: Option<Security<'_>>) -> Option<Self> {
        let exim = require("Exim", find("exim4").or_else(|| find("exim")).ok_or("not installed"))?;
        let folder = temporary_folder();
        let configuration = configure(folder.path(), address, &exim, security);
        let log = folder.path().join("log");
        let mut command = Command::new(exim);
        command.arg("-C").arg(configuration).arg("-bdf").stderr(File::create(&log).expect("a new file"));
        let mut daemon = Running::start(&mut command);
        wait_for_server(address, &mut daemon, log);
        Some(Self { _daemon: daemon, address, folder })
    }
}

impl Server for Exim {
    fn start() -> Option<Self> {
        Self::start_at(free_address(), None)
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn stored(&self) -> Vec<Stored> {
        self.files().iter().map(|file| read(file)).collect()
    }
}

impl Exim {
    /// What it has stored so far, with all that it put in front.
    pub fn files(&self) -> Vec<Vec<u8>> {
        let new = self.folder.path().join("mail/new");
        if new.is_dir() { read_folder(&new) } else { Vec::new() }
    }
}

impl LoginServer for Exim {
    fn start_login(address: SocketAddr, security: Security<'_>) -> Option<Self> {
        Self::start_at(address, Some(security))
    }

    fn logins(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder.path().join("spool/mainlog")).unwrap_or_default();
        // The names of its drivers have no hyphen.
        let logins = log.split_whitespace().filter_map(|word| word.strip_prefix("A=")?.split_once(':'));
        logins.map(|(driver, user)| format!("{} {user}", driver.replace('_', "-"))).collect()
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
fn configure(folder: &Path, address: SocketAddr, exim: &Path, security: Option<Security<'_>>) -> PathBuf {
    let (user, group) = if is_root() { NOBODY } else { owner() };
    for name in ["spool", "mail"] {
        fs::create_dir(folder.join(name)).expect("an empty folder");
        chown(folder.join(name), Some(user), Some(group)).expect("to oneself, or as root");
    }
    let (general, authenticators) = match security {
        Some(security) => (tls(security), AUTHENTICATORS.replace("ADA", USER).replace("SECRET", PASSWORD)),
        None => ("tls_advertise_hosts =\n".into(), String::new()),
    };
    let configuration = [&general, CONFIGURATION, &authenticators]
        .concat()
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

/// AUTH over TLS, and mail for those who have logged in.
fn tls(Security { tls, certificates }: Security<'_>) -> String {
    format!(
        "tls_advertise_hosts = *\n\
         tls_on_connect_ports = {}\n\
         tls_certificate = {}\n\
         tls_privatekey = {}\n\
         tls_verify_certificates = {}\n\
         tls_try_verify_hosts = *\n\
         auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}\n\
         {}\n",
        if tls == Tls::Implicit { "PORT" } else { "" },
        certificates.path("server.pem"),
        certificates.path("server.key"),
        certificates.path("ca.pem"),
        if tls == Tls::Offered { "" } else { "acl_smtp_mail = ${if def:authenticated_id{accept}{deny}}" },
    )
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
qualify_domain = example.org
domainlist local = example.org
acl_smtp_rcpt = recipient
acl_smtp_data = accept
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

const AUTHENTICATORS: &str = "
begin authenticators
PLAIN:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{ADA}}{eq{$auth3}{SECRET}}}}
  server_set_id = $auth2
LOGIN:
  driver = plaintext
  public_name = LOGIN
  server_prompts = <| Username: | Password:
  server_condition = ${if and{{eq{$auth1}{ADA}}{eq{$auth2}{SECRET}}}}
  server_set_id = $auth1
CRAM_MD5:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${if eq{$auth1}{ADA}{SECRET}fail}
  server_set_id = $auth1
EXTERNAL:
  driver = external
  public_name = EXTERNAL
  server_advertise_condition = $tls_in_certificate_verified
  server_param2 = ${certextract{subj_altname,mail,>:}{$tls_in_peercert}}
  server_condition = ${if inlist{$auth1}{$auth2}}
  server_set_id = $auth1
";
