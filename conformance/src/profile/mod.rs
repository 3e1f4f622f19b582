//! What is known of a target: its addresses, its abilities, and what may be done to it.

mod file;

use core::fmt;
use core::time::Duration;
use std::io;
use std::path::Path;

pub use file::ProfileError;

use crate::job::Security;
use crate::target::{Place, Target, Variables};
use crate::transcript::{Need, Tag};

/// What is known of a target: whom it takes mail for, who may log in, what it lacks, and what may be done to it.
///
/// It is made here, or read from a file in TOML ([`Profile::read`]). Everything but the domain can be left out.
///
/// ```
/// use smtp_conformance::profile::Profile;
///
/// let profile: Profile = r#"
///     target = "tcp://mx.example:25"
///     name = "our relay"                          # in reports; the target if it is left out
///     domain = "mx.example"                       # that it takes mail for
///     client = "client.example"                   # what is said in EHLO; what a client under test says
///     sender = "alice@client.example"             # a reverse-path that is accepted
///     recipients = ["bob@mx.example"]             # that are accepted
///     bad_recipient = "nobody@mx.example"         # that is refused for good
///     user = "alice"                              # who can log in
///     password = "secret"                         # or `password_env = "NAME"`: the variable that holds it
///     log_in = false                              # true: it wants that log-in before MAIL
///     rate = "2/s"                                # at most so many connections in a second (s), minute (m), hour (h)
///     patience = "30s"                            # how long to wait for a connection, a handshake, a client
///     own = false                                 # true: it is the user's own, and everything may be done to it
///     allow = ["delivers"]                        # or this besides what is safe: delivers, auth-fail, flood, slow
///     lacks = ["ext=CHUNKING", "auth=LOGIN"]      # what it does not have, in the words of `needs:`
/// "#.parse()?;
/// assert_eq!(profile.variables().recipients, ["bob@mx.example"]);
/// # Ok::<(), smtp_conformance::profile::ProfileError>(())
/// ```
///
/// Besides there is `trust`, the path of a file with certificates of authorities in PEM, seen from the file of the
/// profile: without it every certificate is taken. And for a client under test there is a table of its abilities:
///
/// ```
/// # use smtp_conformance::profile::Profile;
/// let profile: Profile = r#"
///     target = "client:./send-mail.sh"
///     domain = "mx.example"
///
///     [ability]
///     security = ["plain", "starttls", "implicit"]
///     auth = ["PLAIN", "LOGIN"]
///     extensions = ["SIZE", "8BITMIME"]           # that it uses when they are offered
///     mails = 1                                   # that it sends over one connection
/// "#.parse()?;
/// assert_eq!(profile.abilities().mails, 1);
/// # Ok::<(), smtp_conformance::profile::ProfileError>(())
/// ```
#[derive(Clone)]
pub struct Profile {
    name: Option<String>,
    place: Option<Place>,
    variables: Variables,
    client: Option<String>,
    authorities: Option<Vec<u8>>,
    pause: Duration,
    patience: Duration,
    is_own: bool,
    allowed: Vec<Tag>,
    lacks: Vec<Need>,
    abilities: Abilities,
}

/// What a client under test can do, as far as nobody can ask it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Abilities {
    /// Which ways of TLS it knows. Default: plain, starttls, implicit.
    pub security: Vec<Security>,
    /// The mechanisms of AUTH that it knows. Default: PLAIN, LOGIN.
    pub auth: Vec<String>,
    /// The extensions that it uses when they are offered. Default: none.
    pub extensions: Vec<String>,
    /// How many mails it sends over one connection. Default: 1.
    pub mails: usize,
}

impl Profile {
    /// Of a target that takes mail for this domain, or a client that is to believe that its server does.
    #[must_use]
    pub fn new(domain: &str) -> Self {
        Self {
            name: None,
            place: None,
            variables: Variables {
                domain: domain.into(),
                client: Some(CLIENT.into()),
                sender: format!("alice@{CLIENT}"),
                recipients: Vec::new(),
                bad_recipient: None,
                login: None,
                logs_in: false,
            },
            client: None,
            authorities: None,
            pause: Duration::ZERO,
            patience: PATIENCE,
            is_own: false,
            allowed: Vec::new(),
            lacks: Vec::new(),
            abilities: Abilities::default(),
        }
    }

    /// Reads a file in TOML.
    ///
    /// # Errors
    ///
    /// Says where in the file something is wrong and what is expected there.
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        file::read(path)
    }

    /// What it is called in reports.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Where it is.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        Self { place: Some(place), ..self }
    }

    /// What the harness says in EHLO to a server; what a client under test says.
    #[must_use]
    pub fn client(mut self, name: &str) -> Self {
        self.client = Some(name.into());
        self.variables.client = self.client.clone();
        self
    }

    /// A reverse-path that it accepts, without brackets.
    #[must_use]
    pub fn sender(mut self, mailbox: &str) -> Self {
        self.variables.sender = mailbox.into();
        self
    }

    /// One more recipient that it accepts, without brackets.
    #[must_use]
    pub fn recipient(mut self, mailbox: &str) -> Self {
        self.variables.recipients.push(mailbox.into());
        self
    }

    /// A recipient that it refuses for good, without brackets.
    #[must_use]
    pub fn bad_recipient(mut self, mailbox: &str) -> Self {
        self.variables.bad_recipient = Some(mailbox.into());
        self
    }

    /// Who can log in.
    #[must_use]
    pub fn login(mut self, user: &str, password: &str) -> Self {
        self.variables.login = Some((user.into(), password.into()));
        self
    }

    /// It wants that log-in before MAIL: wherever a transcript begins with a mail, the harness logs in before, by AUTH PLAIN or
    /// LOGIN, behind STARTTLS if that is offered.
    #[must_use]
    pub fn logs_in(mut self) -> Self {
        self.variables.logs_in = true;
        self
    }

    /// Trusts certificates that these authorities have issued, in PEM, and no others. Without this every certificate is
    /// taken.
    #[must_use]
    pub fn trust(self, pem: impl Into<Vec<u8>>) -> Self {
        Self { authorities: Some(pem.into()), ..self }
    }

    /// The least time between two connections to it.
    #[must_use]
    pub fn pausing(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// How long to wait for it: for a connection, a handshake, the end of a client. Default 30 s.
    #[must_use]
    pub fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// It is the user's own, and all that transcripts do may be done to it.
    #[must_use]
    pub fn own(self) -> Self {
        Self { is_own: true, ..self }
    }

    /// Though it is somebody's live server, transcripts with this tag may run, too.
    #[must_use]
    pub fn allow(mut self, tag: Tag) -> Self {
        self.allowed.push(tag);
        self
    }

    /// It does not have this.
    #[must_use]
    pub fn without(mut self, need: Need) -> Self {
        self.lacks.push(need);
        self
    }

    /// What a client under test can do.
    #[must_use]
    pub fn able(self, abilities: Abilities) -> Self {
        Self { abilities, ..self }
    }

    /// The target that it is about.
    ///
    /// # Errors
    ///
    /// When it does not say where the target is, or when there is no such target here.
    pub fn open(self) -> io::Result<Box<dyn Target>> {
        match self.place.clone() {
            Some(place) => place.open(self),
            None => Err(io::Error::new(io::ErrorKind::InvalidInput, "the profile names no target")),
        }
    }

    /// What it is called in reports, if it has a name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where it is, if that is known.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// What goes in the place of the variables of transcripts.
    #[must_use]
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// What a client under test says in EHLO, if that is known.
    #[must_use]
    pub fn client_name(&self) -> Option<&str> {
        self.client.as_deref()
    }

    /// The authorities to be trusted, in PEM.
    #[must_use]
    pub fn authorities(&self) -> Option<&[u8]> {
        self.authorities.as_deref()
    }

    /// The least time between two connections.
    #[must_use]
    pub fn pause(&self) -> Duration {
        self.pause
    }

    /// How long to wait.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// Whether everything may be done to it.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.is_own
    }

    /// Which tags may run though it is somebody's live server.
    #[must_use]
    pub fn allowed(&self) -> &[Tag] {
        &self.allowed
    }

    /// What a client under test can do.
    #[must_use]
    pub fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    /// The same for a client under test, which is given whatever addresses and login transcripts need.
    pub(crate) fn for_client(mut self) -> Self {
        let variables = &mut self.variables;
        let domain = &variables.domain;
        if variables.recipients.is_empty() {
            variables.recipients = ["bob", "carol", "dave"].map(|name| format!("{name}@{domain}")).into();
        }
        variables.bad_recipient.get_or_insert_with(|| format!("nobody@{domain}"));
        variables.login.get_or_insert_with(|| ("alice".into(), "secret".into()));
        variables.client.clone_from(&self.client);
        self
    }

    /// Whether it has this, as far as the profile tells.
    ///
    /// # Errors
    ///
    /// What is missing.
    pub fn has(&self, need: &Need) -> Result<(), String> {
        if self.lacks.contains(need) {
            return Err(format!("its profile says that it lacks {need}"));
        }
        let variables = &self.variables;
        let recipients = variables.recipients.len();
        match need {
            Need::Auth(_) if self.lacks.contains(&Need::Auth(None)) => {
                Err("its profile says that it lacks auth".into())
            }
            Need::Auth(_) if variables.login.is_none() => Err("its profile names no user".into()),
            Need::Rcpt if recipients == 0 => Err("its profile names no recipient".into()),
            Need::Rcpts(count) if *count > recipients => Err(format!("its profile names {recipients} recipients")),
            Need::BadRcpt if variables.bad_recipient.is_none() => {
                Err("its profile names no recipient that is refused".into())
            }
            _ => Ok(()),
        }
    }
}

impl Default for Abilities {
    fn default() -> Self {
        Self {
            security: vec![Security::Plain, Security::StartTls, Security::Implicit],
            auth: vec!["PLAIN".into(), "LOGIN".into()],
            extensions: Vec::new(),
            mails: 1,
        }
    }
}

impl Abilities {
    /// One mail at a time, without TLS, AUTH and extensions.
    #[must_use]
    pub fn least() -> Self {
        Self { security: vec![Security::Plain], auth: Vec::new(), extensions: Vec::new(), mails: 1 }
    }
}

/// Does not show the password.
impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("name", &self.name)
            .field("place", &self.place)
            .field("domain", &self.variables.domain)
            .field("user", &self.variables.login.as_ref().map(|(user, _)| user))
            .finish_non_exhaustive()
    }
}

const CLIENT: &str = "client.example";

const PATIENCE: Duration = Duration::from_secs(30);
