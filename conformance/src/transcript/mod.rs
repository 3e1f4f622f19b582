//! A transcript: one case of the suite, as it is read from its file.

mod error;
mod escape;
mod fmt;
mod line;
pub mod lint;
mod parse;
pub(crate) mod span;
mod variable;

use core::str::FromStr;
use core::time::Duration;

pub use error::ParseError;
pub use line::{Act, Alternative, Argument, Expectation, Item, Line, Outcome, ReplyPattern, Side, Text};

/// A whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// Its place below the folder of transcripts, without the ending: `rfc5321/4.1.1.4/lf-dot-lf`.
    pub id: String,
    /// What it is about, in one line.
    pub title: String,
    /// Who is under test.
    pub role: Role,
    /// How far the session has come when the body begins.
    pub state: State,
    /// What the target has to have.
    pub needs: Vec<Need>,
    /// The requirements that it says something about.
    pub covers: Vec<String>,
    /// In which ways the octets of the script are cut. Never empty.
    pub chunking: Vec<Chunking>,
    /// Where it may run.
    pub tags: Vec<Tag>,
    /// A client has to send a run of commands in one go.
    pub pipelining_required: bool,
    /// The session.
    pub body: Vec<Line>,
    /// Its sibling files that it names, and what is in them.
    pub attachments: Vec<(String, Vec<u8>)>,
}

impl Transcript {
    /// Reads a transcript. Its attachments are not there yet; [`files`](Self::files) names them.
    ///
    /// ```
    /// # use smtp_conformance::transcript::Transcript;
    /// let text = "smtpt: 1\ntitle: a greeting\nrole: server\n\nS: 220 | 554\n";
    /// let transcript = Transcript::parse("rfc5321/3.1/greeting", text)?;
    /// assert_eq!(transcript.title, "a greeting");
    ///
    /// let error = Transcript::parse("rfc5321/3.1/greeting", &text.replace("220", "22")).unwrap_err();
    /// assert_eq!((error.line, error.column), (5, 4));
    /// # Ok::<(), smtp_conformance::transcript::ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The first line that is not as the specification has it, and what to do about it.
    pub fn parse(id: &str, text: &str) -> Result<Self, ParseError> {
        parse::parse(id, text)
    }

    /// The names of the files that it needs beside it, each once, in the order of the body.
    #[must_use]
    pub fn files(&self) -> Vec<&str> {
        let mut files = Vec::new();
        for line in &self.body {
            let file = match &line.item {
                Item::Data { file } | Item::Act(Act::Send { data: file, .. }) => file,
                Item::Expect(Expectation::Message(Some(file))) => file,
                _ => continue,
            };
            if !files.contains(&file.as_str()) {
                files.push(file);
            }
        }
        files
    }
}

/// Who is under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A server. The script is the client.
    Server,
    /// A client. The script is the server.
    Client,
    /// Either: the same dialogue is played from both sides.
    Both,
}

/// How far the session has come when the body of a transcript begins: the player gets there by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Connected. Nothing was said.
    Connected,
    /// The greeting was given.
    Greeted,
    /// EHLO was answered.
    Ehlo,
    /// STARTTLS was done, and EHLO answered once more.
    Tls,
    /// The client has logged in.
    Auth,
    /// MAIL was accepted.
    Mail,
    /// RCPT was accepted.
    Rcpt,
    /// DATA was answered with 354.
    Data,
}

/// What a target has to have for a transcript to make sense.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// `tls`: TLS by STARTTLS.
    Tls,
    /// `auth` or `auth=PLAIN`: AUTH, with this mechanism.
    Auth(Option<String>),
    /// `ext=CHUNKING`: a server that offers this keyword, or a client that uses it.
    Extension(String),
    /// `no-ext=SIZE`: a server that does not offer this keyword.
    NoExtension(String),
    /// `rcpt`: a recipient that is accepted.
    Rcpt,
    /// `badrcpt`: a recipient that is refused for good.
    BadRcpt,
    /// `rcpts=100`: as many recipients that are accepted.
    Rcpts(usize),
    /// `time`: virtual time.
    Time,
    /// `app`: the application of the target can be told what to say, and what it was told can be seen (`U:`, `U=`).
    App,
    /// `mails=2`: a client that sends so many mails over one connection.
    Mails(usize),
}

/// What the header of a transcript says of this word.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoSuchWord(String);

impl FromStr for Need {
    type Err = NoSuchWord;

    /// As it stands behind `needs:`.
    fn from_str(word: &str) -> Result<Self, NoSuchWord> {
        parse::need(word).map_err(NoSuchWord)
    }
}

impl FromStr for Tag {
    type Err = NoSuchWord;

    /// As it stands behind `tags:`.
    fn from_str(word: &str) -> Result<Self, NoSuchWord> {
        parse::tag(word).map_err(NoSuchWord)
    }
}

/// How the octets of the script are cut into writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chunking {
    /// Each run of lines at once.
    Whole,
    /// Octet by octet.
    Bytes,
    /// Between CR and LF, and behind LF.
    LfSplit,
    /// By pseudo-random numbers from this seed.
    Random(u64),
}

/// Gates for live targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tag {
    /// Harmless to any server: nothing is delivered, nothing provoked.
    Safe,
    /// A message is delivered.
    Delivers,
    /// A log-in fails, which may lock an account.
    AuthFail,
    /// Very much is sent.
    Flood,
    /// It takes long, on a target that has no virtual time.
    Slow,
    /// It is about a security check.
    Security,
}

/// `300ms`, `30s`, `5m`, `2h`.
pub type Span = Duration;
