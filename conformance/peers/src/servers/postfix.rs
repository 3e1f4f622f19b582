//! Postfix itself, as a mail system of its own in a temporary folder.

use core::net::SocketAddr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::dovecot::Dovecot;
use super::{LoginServer, Security, Server, Stored, fields, split_trace, with_crlf};
use crate::login::Tls;
use crate::programs::{
    Running, find, free_address, is_root, read_folder, require, run, temporary_folder, wait_for_server,
};

/// Postfix, which queues a message and stores a copy for each recipient with LF lines.
pub struct Postfix {
    _master: Running,
    address: SocketAddr,
    folder: TempDir,
    _dovecot: Option<Dovecot>,
}

impl Postfix {
    fn start_at(address: SocketAddr, login: Option<(Dovecot, Security<'_>)>) -> Option<Self> {
        require("Postfix", find("postconf").ok_or("not installed"))?;
        require("Postfix", is_root().then_some(()).ok_or("only root can start it"))?;
        let folder = temporary_folder();
        let log = configure(folder.path(), address, login.as_ref());
        let master = Path::new(&setting("daemon_directory")).join("master");
        let mut command = Command::new(master);
        command.arg("-c").arg(folder.path()).arg("-d").stderr(File::create(&log).expect("a new file"));
        let mut master = Running::start(&mut command);
        wait_for_server(address, &mut master, log);
        Some(Self { _master: master, address, folder, _dovecot: login.map(|(dovecot, _)| dovecot) })
    }
}

impl Server for Postfix {
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

impl Postfix {
    /// What it has stored so far, with all that it put in front.
    pub fn files(&self) -> Vec<Vec<u8>> {
        let new = self.folder.path().join("mail/new");
        if new.is_dir() { read_folder(&new) } else { Vec::new() }
    }
}

/// Postfix asks Dovecot who may log in.
impl LoginServer for Postfix {
    fn start_login(address: SocketAddr, security: Security<'_>) -> Option<Self> {
        Self::start_at(address, Some((Dovecot::start()?, security)))
    }

    fn logins(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let logins = log.lines().filter_map(|line| line.split_once("sasl_method=")?.1.split_once(", sasl_username="));
        logins.map(|(mechanism, user)| format!("{mechanism} {user}")).collect()
    }
}

fn read(file: &[u8]) -> Stored {
    let (trace, message) = split_trace(file);
    Stored {
        from: fields(&trace, "Return-Path").next().unwrap_or_default().into(),
        to: fields(&trace, "Delivered-To").map(Into::into).collect(),
        message: with_crlf(message),
    }
}

/// Lays out the folder and returns where Postfix will write its log.
fn configure(folder: &Path, address: SocketAddr, login: Option<&(Dovecot, Security<'_>)>) -> PathBuf {
    let queue = folder.join("queue");
    for name in QUEUE.split(' ') {
        fs::create_dir_all(queue.join(name)).expect("an empty folder");
    }
    for name in ["data", "mail"] {
        fs::create_dir(folder.join(name)).expect("an empty folder");
    }
    let mut owned = Command::new("chown");
    owned.arg("-R").arg(setting("mail_owner")).arg(folder.join("data"));
    owned.args(QUEUE.split(' ').filter(|name| *name != "pid").map(|name| queue.join(name)));
    assert!(owned.status().expect("chown runs").success());
    let mut owned = Command::new("chown");
    assert!(owned.arg(MAIL_OWNER).arg(folder.join("mail")).status().expect("chown runs").success());

    let path = folder.display();
    let (main, options) = login.map(|(dovecot, security)| authenticate(dovecot, *security)).unwrap_or_default();
    fs::write(folder.join("main.cf"), MAIN.replace("FOLDER", &path.to_string()) + &main).expect("a new file");
    let master = MASTER.replace("ADDRESS", &address.to_string()).replace("OPTIONS", options);
    fs::write(folder.join("master.cf"), master).expect("a new file");
    folder.join("log")
}

/// What AUTH over TLS adds to main.cf, and to the service that listens.
fn authenticate(dovecot: &Dovecot, Security { tls, certificates }: Security<'_>) -> (String, &'static str) {
    let main = format!(
        "smtpd_tls_security_level = {}\n\
         smtpd_tls_auth_only = yes\n\
         smtpd_tls_chain_files = {} {}\n\
         smtpd_sasl_auth_enable = yes\n\
         smtpd_sasl_type = dovecot\n\
         smtpd_sasl_path = {}\n\
         smtpd_sasl_security_options =\n\
         smtpd_sasl_tls_security_options =\n\
         smtpd_error_sleep_time = 0\n",
        if tls == Tls::Offered { "may" } else { "encrypt" },
        certificates.path("server.key"),
        certificates.path("server.pem"),
        dovecot.socket().display(),
    );
    (main, if tls == Tls::Implicit { "-o smtpd_tls_wrappermode=yes" } else { "" })
}

/// The value that this installation of Postfix was built with.
fn setting(name: &str) -> String {
    let value = run(Command::new("postconf").args(["-dh", name]), Path::new("/dev/null"));
    value.output.trim().to_owned()
}

const QUEUE: &str = "pid incoming active maildrop deferred defer bounce corrupt hold flush trace saved private public";

/// Who owns the delivered mail: nobody, who is 65534 on every system this runs on.
const MAIL_OWNER: &str = "65534";

const MAIN: &str = "\
compatibility_level = 3.6
queue_directory = FOLDER/queue
data_directory = FOLDER/data
maillog_file = FOLDER/log
maillog_file_prefixes = FOLDER
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.example
mydestination =
local_recipient_maps =
alias_maps =
local_header_rewrite_clients =
message_size_limit = 50000000
mailbox_size_limit = 0
virtual_mailbox_limit = 0
virtual_mailbox_domains = example.org
virtual_mailbox_maps = static:mail/
virtual_mailbox_base = FOLDER
virtual_minimum_uid = 1
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions =
  check_recipient_access inline:{
    { refused@example.org = 550 5.1.1 no such user }
    { later@example.org = 451 4.2.1 come back later }
  }
  reject_unauth_destination
";

const MASTER: &str = "\
ADDRESS inet n - n - - smtpd OPTIONS
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
";
