//! The adapters of this project, over loopback.

use core::fmt;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeMap;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use smtp_adapter_suite::{Adapter, ClientSetup, Desk, Message, Recordings, ServerSetup, Service, adapters};
use smtp_proto::client::{self, Envelope, Outcome as Sent, Verdict};
use smtp_proto::command::BodyKind;
use smtp_proto::reply::Reply;
use smtp_proto::server;
use smtp_tls::{ClientTls, server_name};
use socket2::{Domain, Socket, Type};

use super::certificates::Certificates;
use super::core::{CoreTarget, settings};
use super::link::{Line, Link, Sight, TlsEnd, Until};
use super::reception::Reception;
use super::{Target, Unavailable, Variables, Wire};
use crate::job::{Job, JobMail};
use crate::play::pattern;
use crate::transcript::{Act, Expectation, Need, Outcome, ReplyPattern, Side};

/// An adapter of this project, as a server and as a client, over loopback: `blocking`, `tokio`, `smol`, `async-std`.
///
/// The server of each is started once, and once more for every setting that a transcript asks for, and for every case that
/// ends it. Its application answers as that of the core does, and shows what it was given.
pub struct AdapterTarget {
    adapter: &'static dyn Adapter,
    /// It is known for what every adapter does.
    core: CoreTarget,
    certificates: Certificates,
    client_tls: ClientTls,
    /// Trusts somebody else.
    stranger: ClientTls,
    servers: Mutex<BTreeMap<Settings, Arc<Server>>>,
}

/// `U: set`, in the order of the transcript.
type Settings = Vec<(String, String)>;

/// A server that runs.
struct Server {
    address: SocketAddr,
    desk: Desk,
    service: Mutex<Service>,
}

/// Far longer than anything takes on loopback.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long what a server's application sees may come after the end of the connection.
const AFTERMATH: Duration = Duration::from_secs(10);

impl AdapterTarget {
    /// The names of all adapters.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        adapters().iter().map(|adapter| adapter.name()).collect()
    }

    /// The adapter of this name.
    ///
    /// # Panics
    ///
    /// When there is no TLS to be had.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let adapter = adapters().into_iter().find(|adapter| adapter.name() == name)?;
        let certificates = Certificates::new(DOMAIN).expect("a domain");
        let client_tls = certificates.client().expect("its own certificate");
        let stranger = Certificates::new(DOMAIN).expect("a domain").client().expect("its own certificate");
        let servers = Mutex::default();
        Some(Self { adapter, core: CoreTarget::new(), certificates, client_tls, stranger, servers })
    }

    /// The server with these settings, started if need be.
    fn server(&self, settings: Settings) -> Result<Arc<Server>, Unavailable> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = servers.get(&settings) {
            return Ok(Arc::clone(server));
        }
        let server = Arc::new(self.start(&settings)?);
        servers.insert(settings, Arc::clone(&server));
        Ok(server)
    }

    /// A server with these settings.
    fn start(&self, settings: &Settings) -> Result<Server, Unavailable> {
        let config = server_config(settings)?;
        let tls = (config.tls != server::TlsPolicy::Disabled).then(|| self.certificates.server());
        let unreachable = |error: io::Error| Unavailable::Unreachable(error.to_string());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(unreachable)?;
        let address = listener.local_addr().map_err(unreachable)?;
        let desk = Desk::default().forgetful();
        let service = self.adapter.serve(ServerSetup { listener, config, tls, desk: desk.clone(), recordings: None });
        Ok(Server { address, desk, service: Mutex::new(service) })
    }
}

impl Target for AdapterTarget {
    fn name(&self) -> &str {
        self.adapter.name()
    }

    fn variables(&self) -> &Variables {
        self.core.variables()
    }

    fn offers(&self, role: Side, need: &Need) -> Result<(), String> {
        match (role, need) {
            (_, Need::Time) => Err("its clock is that of the world".into()),
            _ => self.core.offers(role, need),
        }
    }

    fn takes_many(&self) -> bool {
        true
    }

    fn connect(&self, setup: &[Act]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        let unreachable = |error: io::Error| Unavailable::Unreachable(error.to_string());
        let Setup { settings, refusals, ends } = read_setup(setup)?;
        let server = if ends { Arc::new(self.start(&settings)?) } else { self.server(settings)? };
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).map_err(unreachable)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).map_err(unreachable)?;
        let address = socket.local_addr().map_err(unreachable)?.as_socket();
        let peer = address.ok_or_else(|| Unavailable::Unreachable("a socket without an address".into()))?;
        // What the application is to say is said before the connection is there.
        let sight = Visiting { server, is_alone: ends, peer };
        sight.server.desk.announce(peer);
        for (event, refusal) in refusals {
            sight.server.desk.refuse_next(peer, event, refusal);
        }
        socket.connect_timeout(&sight.server.address.into(), PATIENCE).map_err(unreachable)?;
        let name = server_name(DOMAIN).expect("a domain");
        let tls = TlsEnd::Client(self.client_tls.clone(), name);
        let link = Link::over_tcp(socket.into(), tls, PATIENCE).map_err(unreachable)?;
        Ok(Box::new(Line { link, sight }))
    }

    fn launch(&self, acts: &[Act], attachments: &[(String, Vec<u8>)]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        let unreachable = |error: io::Error| Unavailable::Unreachable(error.to_string());
        let reception = Reception::open().map_err(unreachable)?;
        let (config, is_verified) = settings::of_client(CLIENT, acts)?;
        let mails = Job::mails(acts, attachments)?.iter().map(|it| mail(it, acts)).collect::<Result<Vec<_>, _>>()?;
        // What no client takes is not tried.
        let mails: Vec<_> = mails.into_iter().flatten().collect();
        let tls = if is_verified { &self.client_tls } else { &self.stranger };
        let tls = (config.security != client::Security::Plain).then(|| tls.clone());
        let stream = TcpStream::connect_timeout(&reception.address, PATIENCE).map_err(unreachable)?;
        let connected = reception.accept(PATIENCE, || false).map_err(unreachable)?;
        let connected = connected.ok_or_else(|| Unavailable::Unreachable("nobody has connected".into()))?;
        let work = Arc::new(Mutex::new(Work::default()));
        let sight = Sending { work: Arc::clone(&work) };
        let adapter = self.adapter;
        // It ends with its connection.
        thread::spawn(move || {
            let config = client::Config::clone(&config);
            let mut client = adapter.client(ClientSetup { stream, config, tls, recordings: Recordings::off() });
            let tell = |sent: Result<Sent, String>| lock(&work).outcomes.push(sent);
            client.send_all(&mut mails.into_iter(), &mut { tell });
            client.quit();
            lock(&work).is_done = true;
        });
        let tls = TlsEnd::Server(self.certificates.server());
        let link = Link::over_tcp(connected, tls, PATIENCE).map_err(unreachable)?;
        Ok(Box::new(Line { link, sight }))
    }
}

/// A connection to a server, and what its application sees of it.
struct Visiting {
    server: Arc<Server>,
    /// Nobody else is at this server.
    is_alone: bool,
    peer: SocketAddr,
}

impl Sight for Visiting {
    fn tell(&mut self, act: &Act) -> Result<(), Unavailable> {
        match act {
            Act::Reject { event, reply } => {
                let (event, refusal) = refusal(event, reply)?;
                self.server.desk.refuse_next(self.peer, event, refusal);
                Ok(())
            }
            Act::Shutdown if !self.is_alone => {
                Err(Unavailable::Unsupported("others are at this server: that it ends is said before it starts".into()))
            }
            Act::Shutdown => {
                self.server.service.lock().unwrap_or_else(PoisonError::into_inner).shutdown();
                Ok(())
            }
            other => Err(Unavailable::Unsupported(format!("nobody can tell a server this: {other:?}"))),
        }
    }

    fn saw(&mut self, expectation: &Expectation, attachments: &[(String, Vec<u8>)]) -> Option<Result<(), String>> {
        let visit = || self.server.desk.visit(self.peer).unwrap_or_default();
        // A message is kept before its sender is told so.
        let message = || visit().messages.pop().ok_or_else(|| "no message was accepted".to_owned());
        Some(match expectation {
            Expectation::Message(None) => message().map_or(Ok(()), |message| Err(shown(&message))),
            Expectation::Message(Some(file)) => message().and_then(|message| {
                let expected = attachments.iter().find(|(name, _)| name == file);
                let (_, expected) = expected.ok_or_else(|| format!("there is no message {file}"))?;
                if message.octets == *expected { Ok(()) } else { Err(shown(&message)) }
            }),
            Expectation::Envelope { from, to } => message().and_then(|message| {
                let is_as_expected = message.reverse_path == *from && message.recipients == *to;
                if is_as_expected { Ok(()) } else { Err(shown(&message)) }
            }),
            // Its session is told of the end of every transaction, not of RSET; and that a message broke off, not why.
            Expectation::Event(event) if event == "aborted" => {
                let aborted = wait_for(AFTERMATH, || (visit().aborted > 0).then_some(()));
                aborted.ok_or_else(|| "no message broke off".into())
            }
            Expectation::Event(event) if QUESTIONS.contains(&event.as_str()) => {
                let is_such = |asked: &String| asked == event;
                let asked = wait_for(AFTERMATH, || visit().questions.iter().any(is_such).then_some(()));
                asked.ok_or_else(|| visit().questions.join(", "))
            }
            _ => return None,
        })
    }
}

impl Drop for Visiting {
    fn drop(&mut self) {
        self.server.desk.forget(self.peer);
    }
}

/// A client at work.
struct Sending {
    work: Arc<Mutex<Work>>,
}

/// What became of the mails.
#[derive(Default)]
struct Work {
    outcomes: Vec<Result<Sent, String>>,
    is_done: bool,
}

impl Sight for Sending {
    fn saw(&mut self, expectation: &Expectation, _: &[(String, Vec<u8>)]) -> Option<Result<(), String>> {
        let Expectation::Recipient { outcome, recipient, reply } = expectation else { return None };
        let is_done = wait_for(PATIENCE, || lock(&self.work).is_done.then_some(()));
        let work = lock(&self.work);
        let verdicts = work.outcomes.iter().filter_map(|sent| sent.as_ref().ok()).flat_map(Sent::recipients);
        let verdicts: Vec<_> =
            verdicts.filter(|(address, _)| address == recipient).map(|(_, verdict)| verdict).collect();
        if verdicts.iter().any(|verdict| is_as_expected(verdict, *outcome, reply.as_ref())) {
            return Some(Ok(()));
        }
        let failures = work.outcomes.iter().filter_map(|sent| sent.as_ref().err());
        let failed = failures.map(|error| format!("not tried: {error}"));
        let came: Vec<_> = verdicts.iter().map(|verdict| format!("{verdict:?}")).chain(failed).collect();
        Some(match (outcome, is_done) {
            (Outcome::Failed, _) if verdicts.is_empty() => Ok(()),
            (_, None) => Err("the client has not ended".into()),
            _ if came.is_empty() => Err("nothing was sent to it".into()),
            _ => Err(came.join("; ")),
        })
    }
}

fn is_as_expected(verdict: &Verdict, outcome: Outcome, pattern: Option<&ReplyPattern>) -> bool {
    let is_such = match (verdict, outcome) {
        (Verdict::Accepted(_), Outcome::Accepted)
        | (Verdict::Permanent(Some(_)), Outcome::Refused)
        | (Verdict::Temporary(Some(_)), Outcome::Deferred)
        | (Verdict::Permanent(None) | Verdict::Temporary(None), Outcome::Failed)
        | (Verdict::Unknown, Outcome::Unknown) => true,
        // With a reply beside it, `refused` says nothing about whether that is for good.
        (Verdict::Temporary(Some(_)), Outcome::Refused) => pattern.is_some(),
        _ => false,
    };
    let is_reply = match (pattern, verdict.reply()) {
        (None, _) => true,
        (Some(pattern), Some(reply)) => {
            let mut octets = Vec::new();
            reply.encode(&mut octets);
            pattern::which(pattern, &pattern::Heard::of_wire(&octets)).is_some()
        }
        (Some(_), None) => false,
    };
    is_such && is_reply
}

/// A message, as a failure shows it.
fn shown(message: &Message) -> String {
    let Message { reverse_path, recipients, octets } = message;
    format!("from <{reverse_path}> to <{}>: {}", recipients.join(">,<"), octets.escape_ascii())
}

/// What is said before there is a connection.
#[derive(Default)]
struct Setup<'a> {
    settings: Settings,
    refusals: Vec<Refusal<'a>>,
    /// The server is going to be told to end.
    ends: bool,
}

fn read_setup(setup: &[Act]) -> Result<Setup<'_>, Unavailable> {
    let mut read = Setup::default();
    for act in setup {
        match act {
            Act::Set(more) => read.settings.extend(more.iter().cloned()),
            Act::Reject { event, reply } => read.refusals.push(refusal(event, reply)?),
            Act::Shutdown => read.ends = true,
            other => return Err(Unavailable::Unsupported(format!("nobody can tell a server this: {other:?}"))),
        }
    }
    Ok(read)
}

/// A question to the application, and its answer.
type Refusal<'a> = (&'a str, Reply);

/// What the application of an adapter can refuse.
fn refusal<'a>(event: &'a str, reply: &str) -> Result<Refusal<'a>, Unavailable> {
    if !QUESTIONS.contains(&event) {
        return Err(Unavailable::Unsupported(format!("its application is not asked about {event}")));
    }
    let parsed = Reply::parse(format!("{reply}\r\n").as_bytes());
    let (reply, _) = parsed.map_err(|error| Unavailable::Unsupported(format!("`{reply}` is no reply: {error}")))?;
    Ok((event, reply))
}

/// As the core is set up, without waits that are meant for those who guess passwords.
fn server_config(settings: &Settings) -> Result<server::Config, Unavailable> {
    if let Some((key, _)) = settings.iter().find(|(key, _)| ["client-certificate", "shown"].contains(&key.as_str())) {
        return Err(Unavailable::Unsupported(format!("its clients have no certificates: {key}")));
    }
    let (mut config, _) = settings::of_server(DOMAIN, &[Act::Set(settings.clone())])?;
    config.timeouts.shutdown_grace = PATIENCE;
    config.timeouts.auth_delay = Duration::ZERO;
    config.timeouts.error_delay = Duration::ZERO;
    Ok(config)
}

/// What is handed in. `None`: no client takes such addresses.
fn mail(mail: &JobMail, acts: &[Act]) -> Result<Option<(Envelope, Vec<u8>)>, Unavailable> {
    let envelope = mail.to.iter().try_fold(Envelope::new(&mail.from).ok(), |envelope, to| {
        Some(envelope.and_then(|envelope| envelope.to(to).ok()))
    });
    let Some(mut envelope) = envelope.flatten() else { return Ok(None) };
    if let Some(size) = mail.size {
        envelope = envelope.with_size(size);
    }
    envelope = match mail.body.as_deref().map(str::to_ascii_uppercase).as_deref() {
        None => envelope,
        Some("7BIT") => envelope.with_body(BodyKind::SevenBit),
        Some("8BITMIME") => envelope.with_body(BodyKind::EightBitMime),
        Some(other) => return Err(Unavailable::Unsupported(format!("the client has no BODY={other}"))),
    };
    let envelope = settings::with_submitter(envelope, acts)?;
    Ok(Some((envelope, mail.message.clone())))
}

/// What an application is asked.
const QUESTIONS: [&str; 9] = ["connect", "hello", "auth", "mail", "rcpt", "data", "message", "verify", "expand"];

const DOMAIN: &str = "mx.example";
const CLIENT: &str = "client.example";

fn lock(work: &Mutex<Work>) -> std::sync::MutexGuard<'_, Work> {
    work.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait_for<T>(within: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let until = Until::after(within);
    loop {
        let answer = ask();
        if answer.is_some() || until.is_over() {
            return answer;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

impl fmt::Debug for AdapterTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdapterTarget").field("adapter", &self.adapter.name()).finish_non_exhaustive()
    }
}
