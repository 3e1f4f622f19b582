//! A client that is a command.

use core::fmt;
use core::time::Duration;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tempfile::TempDir;

use super::certificates::Certificates;
use super::link::{Line, Link, Sight, TlsEnd};
use super::process::Process;
use super::reception::{Connects, Reception, can_do, lacks_of_client, saw_success};
use super::{Target, Unavailable, Variables, Wire};
use crate::job::{Job, JobMail, Security};
use crate::profile::Profile;
use crate::transcript::{Act, Expectation, Need, Side};

/// A client that is started for every case and told in its environment what to send: `client:COMMAND`.
///
/// The command runs by `sh -c`, with
///
/// | variable | |
/// |---|---|
/// | `SMTP_URL` | where the harness listens: `smtp://127.0.0.1:PORT`, `smtps://…` with implicit TLS, with `USER:PASSWORD@` if the client has to log in |
/// | `SMTP_HOST`, `SMTP_PORT` | the same in pieces |
/// | `SMTP_SECURITY` | `plain`, `starttls` (no mail without it), `opportunistic` or `implicit` |
/// | `SMTP_USER`, `SMTP_PASSWORD` | who has to log in, if anybody |
/// | `SMTP_MECHANISM` | the mechanism, if it has to be a certain one |
/// | `SMTP_FROM` | the reverse-path, empty for null |
/// | `SMTP_TO` | the recipients, with spaces between |
/// | `SMTP_MESSAGE` | the path of a file that holds the message, in lines with CRLF |
/// | `SMTP_BODY`, `SMTP_SIZE` | the kind of the body and the size, if the transcript names them |
/// | `SMTP_CA` | the path of a file that holds the certificate of the authority to be trusted, in PEM |
/// | `SMTP_MAILS` | the path of a folder with a folder `1`, `2`, … for each mail, which holds the files `from`, `to` (a recipient in each line) and `message`. The variables above are about the first mail |
///
/// Variables that say nothing are not set. An exit status of 0 says that the server has taken the mail for all its
/// recipients, and any other that it has not. Where a mail has several recipients, what became of one of them cannot be
/// told from that, and is not judged. The exit status 127 before there is a connection says that the client cannot do such a
/// thing: the transcript is skipped. So it is when the command ends otherwise without a connection, if it connects to send
/// an ordinary mail: it does not take this one. What the command writes is the reason that is shown.
///
/// When the case is over, the command is killed with all that it has started.
pub struct ProgramTarget {
    name: String,
    command: String,
    profile: Profile,
    certificates: Certificates,
    connects: Connects,
}

/// How a client says that it cannot do something. A shell says so of a command that is not there.
const UNSUPPORTED: i32 = 127;

impl ProgramTarget {
    /// The client that this command is.
    ///
    /// # Errors
    ///
    /// When the domain of the profile is none that a certificate can be for.
    pub fn new(command: &str, profile: Profile) -> io::Result<Self> {
        let name = profile.name().map_or_else(|| format!("client:{command}"), str::to_owned);
        let certificates = Certificates::new(&profile.variables().domain)?;
        let profile = profile.for_client();
        Ok(Self { name, command: command.into(), profile, certificates, connects: Connects::default() })
    }

    fn start(&self, job: &Job, folder: &Path) -> io::Result<Process> {
        let environment = environment(job, folder)?;
        Process::start(&self.command, |command, words| {
            for variable in VARIABLES {
                command.env_remove(variable);
            }
            command.envs(environment).stdout(words);
        })
    }

    /// Whether it connects to send a mail that nobody has a reason to refuse.
    fn connects(&self) -> bool {
        let begun = Reception::open().and_then(|reception| {
            let job = Job::plain(self.variables(), reception.address, &self.certificates.pem);
            let folder = tempfile::tempdir()?;
            let mut process = self.start(&job, folder.path())?;
            reception.accept(self.profile.patience(), || process.status().is_some())
        });
        begun.is_ok_and(|connected| connected.is_some())
    }
}

impl Target for ProgramTarget {
    fn name(&self) -> &str {
        &self.name
    }

    fn variables(&self) -> &Variables {
        self.profile.variables()
    }

    fn offers(&self, role: Side, need: &Need) -> Result<(), String> {
        lacks_of_client(&self.profile, role, need)
    }

    fn connect(&self, _: &[Act]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        Err(Unavailable::Unsupported("it is a client".into()))
    }

    fn launch(&self, acts: &[Act], attachments: &[(String, Vec<u8>)]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        let unreachable = |error: io::Error| Unavailable::Unreachable(format!("`{}`: {error}", self.command));
        let patience = self.profile.patience();
        let reception = Reception::open().map_err(unreachable)?;
        let job = Job::read(acts, attachments, reception.address, &self.certificates.pem)?;
        can_do(&self.profile, &job)?;
        let folder = tempfile::tempdir().map_err(unreachable)?;
        let mut process = self.start(&job, folder.path()).map_err(unreachable)?;
        let connected = reception.accept(patience, || process.status().is_some()).map_err(unreachable)?;
        let Some(stream) = connected else {
            let words = process.last_words();
            return Err(match process.status().and_then(|status| status.code()) {
                Some(UNSUPPORTED) => {
                    Unavailable::Unsupported(format!("the client says that it cannot do this: {words}"))
                }
                _ => self.connects.judge(&format!("`{}`: {words}", self.command), || self.connects()),
            });
        };
        let link = Link::over_tcp(stream, TlsEnd::Server(self.certificates.server()), patience).map_err(unreachable)?;
        let sight = Sending { process, job, patience, _reception: reception, _folder: folder };
        Ok(Box::new(Line { link, sight }))
    }
}

/// A client at work.
struct Sending {
    process: Process,
    job: Job,
    patience: Duration,
    /// It may connect once more, and is not refused.
    _reception: Reception,
    _folder: TempDir,
}

impl Sight for Sending {
    fn saw(&mut self, expectation: &Expectation, _: &[(String, Vec<u8>)]) -> Option<Result<(), String>> {
        let Some(status) = self.process.wait(self.patience) else {
            return Some(Err(format!("the client has not ended after {:?}", self.patience)));
        };
        let result = if status.success() { Ok(()) } else { Err(self.process.last_words()) };
        saw_success(expectation, self.job.only_recipient(), result)
    }
}

/// All that may be set.
const VARIABLES: [&str; 14] = [
    "SMTP_URL",
    "SMTP_HOST",
    "SMTP_PORT",
    "SMTP_SECURITY",
    "SMTP_USER",
    "SMTP_PASSWORD",
    "SMTP_MECHANISM",
    "SMTP_FROM",
    "SMTP_TO",
    "SMTP_MESSAGE",
    "SMTP_BODY",
    "SMTP_SIZE",
    "SMTP_CA",
    "SMTP_MAILS",
];

/// What the command is told. Writes the files of which it is told.
fn environment(job: &Job, folder: &Path) -> io::Result<Vec<(&'static str, String)>> {
    let authority = folder.join("ca.pem");
    fs::write(&authority, &job.authority)?;
    let mails = folder.join("mails");
    for (number, mail) in job.mails.iter().enumerate() {
        write(mail, &mails.join((number + 1).to_string()))?;
    }
    let mut environment = vec![
        ("SMTP_URL", url(job)),
        ("SMTP_HOST", job.address.ip().to_string()),
        ("SMTP_PORT", job.address.port().to_string()),
        ("SMTP_SECURITY", job.security.to_string()),
        ("SMTP_CA", text(authority)?),
    ];
    if let Some((user, password)) = &job.login {
        environment.extend([("SMTP_USER", user.clone()), ("SMTP_PASSWORD", password.clone())]);
    }
    environment.extend(job.mechanism.clone().map(|mechanism| ("SMTP_MECHANISM", mechanism)));
    if let Some(mail) = job.mails.first() {
        environment.extend([("SMTP_FROM", mail.from.clone()), ("SMTP_TO", mail.to.join(" "))]);
        environment.push(("SMTP_MESSAGE", text(mails.join("1").join("message"))?));
        environment.extend(mail.body.clone().map(|body| ("SMTP_BODY", body)));
        environment.extend(mail.size.map(|size| ("SMTP_SIZE", size.to_string())));
    }
    environment.push(("SMTP_MAILS", text(mails)?));
    Ok(environment)
}

fn write(mail: &JobMail, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("from"), format!("{}\n", mail.from))?;
    fs::write(folder.join("to"), mail.to.iter().map(|to| format!("{to}\n")).collect::<String>())?;
    fs::write(folder.join("message"), &mail.message)
}

fn url(job: &Job) -> String {
    let scheme = if job.security == Security::Implicit { "smtps" } else { "smtp" };
    let escaped = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let login = match &job.login {
        Some((user, password)) => format!("{}:{}@", escaped(user), escaped(password)),
        None => String::new(),
    };
    format!("{scheme}://{login}{}", job.address)
}

fn text(path: PathBuf) -> io::Result<String> {
    path.into_os_string().into_string().map_err(|_| io::Error::other("the temporary folder has no name in UTF-8"))
}

impl fmt::Debug for ProgramTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgramTarget").field("command", &self.command).finish_non_exhaustive()
    }
}
