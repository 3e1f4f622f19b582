//! The service of Dovecot that knows users and mechanisms, which Postfix asks.

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::login::{PASSWORD, TOKEN_KEY};
use crate::programs::{Running, find, is_root, require, temporary_folder, wait_for};

/// Dovecot 2.3 without any mail protocol.
pub(super) struct Dovecot {
    _master: Running,
    folder: TempDir,
}

impl Dovecot {
    /// Starts it; `None`, said out loud, if it is not installed.
    pub(super) fn start() -> Option<Self> {
        let dovecot = require("Dovecot", find("dovecot").ok_or("not installed"))?;
        require("Dovecot", version(&dovecot).starts_with("2.3.").then_some(()).ok_or("another version than 2.3"))?;
        require("Dovecot", is_root().then_some(()).ok_or("only root can start it"))?;
        let folder = temporary_folder();
        let path = folder.path();
        let write = |name: &str, text: &str| {
            let text = text.replace("FOLDER", &path.display().to_string()).replace("SECRET", PASSWORD);
            fs::write(path.join(name), text).expect("a new file");
        };
        write("dovecot.conf", CONFIGURATION);
        write("oauth2.conf", OAUTH2);
        let keys = path.join("keys/default/HS256");
        fs::create_dir_all(&keys).expect("an empty folder");
        fs::write(keys.join("default"), TOKEN_KEY).expect("a new file");
        let errors = File::create(path.join("errors")).expect("a new file");
        let mut master =
            Running::start(Command::new(dovecot).arg("-F").arg("-c").arg(path.join("dovecot.conf")).stderr(errors));
        let dovecot = wait_for("answer of Dovecot", || {
            let said = || fs::read_to_string(path.join("log")).unwrap_or_default();
            assert!(master.is_alive(), "Dovecot ended: {}", said());
            UnixStream::connect(path.join("auth")).ok()
        });
        drop(dovecot);
        Some(Self { _master: master, folder })
    }

    /// Where it answers.
    pub(super) fn socket(&self) -> PathBuf {
        self.folder.path().join("auth")
    }
}

fn version(dovecot: &Path) -> String {
    let output = Command::new(dovecot).arg("--version").stderr(Stdio::null()).output().expect("found above");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Any user has the same password, and the token tells its user. Nobody waits after a wrong password.
const CONFIGURATION: &str = "\
base_dir = FOLDER/run
state_dir = FOLDER/state
log_path = FOLDER/log
protocols =
ssl = no
default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256 xoauth2 oauthbearer anonymous
auth_anonymous_username = guest
auth_failure_delay = 0
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = FOLDER/oauth2.conf
}
passdb {
  driver = static
  args = password={PLAIN}SECRET
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=/nonexistent
}
service auth {
  unix_listener FOLDER/auth {
    mode = 0666
  }
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
";

const OAUTH2: &str = "\
introspection_mode = local
local_validation_key_dict = fs:posix:prefix=FOLDER/keys/
username_attribute = sub
";
