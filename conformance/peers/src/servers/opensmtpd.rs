//! OpenSMTPD, in a mount namespace of its own: where it keeps its queue was decided when it was built.

use core::net::SocketAddr;
use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{Server, Stored, split_trace, with_crlf};
use crate::programs::{Running, find, free_address, is_root, read_folder, require, temporary_folder, wait_for_server};

/// OpenSMTPD, which queues a message and stores a copy for each recipient with LF lines.
///
/// It cannot ask a recipient to be tried `later`. Without TLS: version 6.8 keeps its keys in a process of its own, in a way that OpenSSL 3 does not allow.
pub struct OpenSmtpd {
    _parent: Running,
    address: SocketAddr,
    folder: TempDir,
}

impl Server for OpenSmtpd {
    fn start() -> Option<Self> {
        let smtpd = require("OpenSMTPD", find("opensmtpd/smtpd").ok_or("not installed"))?;
        require("OpenSMTPD", is_root().then_some(()).ok_or("only root can start it"))?;
        require("OpenSMTPD", has_namespaces().then_some(()).ok_or("there are no mount namespaces here"))?;
        let (address, folder) = (free_address(), temporary_folder());
        configure(folder.path(), address);
        let log = folder.path().join("log");
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-e", "-c", IN_NAMESPACE]).arg(smtpd).arg(folder.path());
        let file = File::create(&log).expect("a new file");
        command.stdout(file.try_clone().expect("a file of this process")).stderr(file);
        let mut parent = Running::start(&mut command);
        wait_for_server(address, &mut parent, log);
        Some(Self { _parent: parent, address, folder })
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
    let unfolded = trace.replace("\n\t", " ");
    let after = |word: &str| {
        let (_, value) = unfolded.split_once(word)?;
        value.split('>').next().map(Into::into)
    };
    Stored {
        from: after("Return-Path: <").unwrap_or_default(),
        to: after("Delivered-To: ")
            .map(|line: String| line.lines().next().unwrap_or_default().into())
            .into_iter()
            .collect(),
        message: with_crlf(message),
    }
}

/// Lays out the folder.
fn configure(folder: &Path, address: SocketAddr) {
    fs::create_dir(folder.join("mail")).expect("an empty folder");
    chown(folder.join("mail"), Some(NOBODY), Some(NOBODY)).expect("as root");
    let configuration = CONFIGURATION
        .replace("FOLDER", &folder.display().to_string())
        .replace("ADDRESS", &address.ip().to_string())
        .replace("PORT", &address.port().to_string());
    fs::write(folder.join("smtpd.conf"), configuration).expect("a new file");
}

/// Whether this process may have file systems of its own.
fn has_namespaces() -> bool {
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
    unshare.status().is_ok_and(|status| status.success())
}

const NOBODY: u32 = 65534;

/// What it looks for in fixed places is put there, for it alone. It asks no name server who its client is.
const IN_NAMESPACE: &str = r#"
echo "lookup file" > "$1/resolv.conf"
mount --bind "$1/resolv.conf" /etc/resolv.conf
for place in /var/spool /var/lib /run /usr/libexec; do
    mount -t tmpfs -o mode=755 tmpfs "$place"
done
mkdir -m 711 /var/spool/smtpd
mkdir -p /var/lib/opensmtpd/empty /usr/libexec/opensmtpd
cp "${0%/*}"/mail.* /usr/libexec/opensmtpd/
exec "$0" -d -f "$1/smtpd.conf"
"#;

const CONFIGURATION: &str = r#"
listen on ADDRESS port PORT hostname opensmtpd.example
action store maildir "FOLDER/mail" virtual { "@" = nobody }
match from any for rcpt-to "refused@example.org" reject
match from any for domain { "example.org", "opensmtpd.example" } action store
"#;
