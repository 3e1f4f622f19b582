//! A server that behaves as a provider's does, for some connections.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use smtp_blocking::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How a provider's server behaves, as `providers.tsv` of the core has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    pub(crate) greeting: &'static str,
    /// The lines of the answer to EHLO in clear; `None`: TLS begins with the first octet.
    pub(crate) in_clear: Option<&'static [&'static str]>,
    /// The lines of the answer to EHLO inside TLS.
    pub(crate) in_tls: &'static [&'static str],
    /// What asks for the response of PLAIN if none came with AUTH.
    pub(crate) plain_prompt: &'static str,
    /// What LOGIN asks with, in base64.
    pub(crate) login_prompts: [&'static str; 2],
    /// The answer to credentials that are right.
    pub(crate) welcome: &'static str,
    /// The answer to credentials that are wrong, all of its lines.
    pub(crate) refusal: &'static str,
    /// The answer to DATA.
    pub(crate) go_ahead: &'static str,
    /// The answer to QUIT.
    pub(crate) bye: &'static str,
}

/// Who may log in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) user: &'static str,
    pub(crate) secret: &'static str,
}

/// What happened on the connections.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// The mechanism that somebody logged in with.
    pub(crate) mechanism: Option<String>,
    /// AUTH was tried in clear, or mail was tried without it.
    pub(crate) wrong: Vec<String>,
    /// Commands came in one piece although that is not offered.
    pub(crate) grouped: bool,
    pub(crate) message: Vec<u8>,
}

/// Serves as many connections, one after the other.
pub(crate) fn serve(
    manner: Manner,
    account: Account,
    tls: Arc<ServerConfig>,
    connections: usize,
) -> (SocketAddr, JoinHandle<Heard>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound above");
    let thread = thread::spawn(move || {
        let mut heard = Heard::default();
        for _ in 0..connections {
            let (stream, _) = listener.accept().expect("the client comes");
            stream.set_read_timeout(Some(Duration::from_secs(60))).expect("not zero");
            let mut session = Session { manner, account, heard, is_logged_in: false };
            // How the connection ends is the client's to say.
            let _ = session.run(stream, Arc::clone(&tls));
            heard = session.heard;
        }
        heard
    });
    (address, thread)
}

struct Session {
    manner: Manner,
    account: Account,
    heard: Heard,
    is_logged_in: bool,
}

/// What ends a part of a session.
#[derive(PartialEq, Eq)]
enum End {
    StartTls,
    Left,
}

impl Session {
    fn run(&mut self, mut stream: TcpStream, tls: Arc<ServerConfig>) -> io::Result<()> {
        let greeting = self.manner.greeting;
        if let Some(lines) = self.manner.in_clear {
            say(&mut stream, greeting)?;
            if self.talk(&mut Lines::new(&mut stream), lines, false)? == End::Left {
                return Ok(());
            }
        }
        let connection = ServerConnection::new(tls).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        if self.manner.in_clear.is_none() {
            say(&mut stream, greeting)?;
        }
        let in_tls = self.manner.in_tls;
        self.talk(&mut Lines::new(&mut stream), in_tls, true)?;
        stream.conn.send_close_notify();
        stream.flush()
    }

    fn talk<S: Read + Write>(&mut self, lines: &mut Lines<'_, S>, offer: &[&str], is_tls: bool) -> io::Result<End> {
        let has_pipelining = offer.contains(&"PIPELINING");
        loop {
            let line = lines.next()?;
            self.heard.grouped |= !has_pipelining && !lines.ahead.is_empty();
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb {
                "EHLO" => say(lines.stream, &listed(offer))?,
                "STARTTLS" => {
                    assert!(lines.ahead.is_empty(), "octets behind STARTTLS");
                    say(lines.stream, "220 2.0.0 Ready to start TLS")?;
                    return Ok(End::StartTls);
                }
                "AUTH" => {
                    if !is_tls {
                        self.heard.wrong.push(line.clone());
                    }
                    let (mechanism, response) = rest.split_once(' ').unwrap_or((rest, ""));
                    self.log_in(lines, mechanism, response)?;
                }
                "MAIL" | "RCPT" | "DATA" if !self.is_logged_in => {
                    self.heard.wrong.push(line.clone());
                    say(lines.stream, "530 5.7.0 Authentication Required.")?;
                }
                "MAIL" | "RCPT" => say(lines.stream, "250 2.1.0 OK")?,
                "DATA" => {
                    say(lines.stream, self.manner.go_ahead)?;
                    self.heard.message = lines.message()?;
                    say(lines.stream, "250 2.0.0 OK queued as 1")?;
                }
                "QUIT" => {
                    say(lines.stream, self.manner.bye)?;
                    return Ok(End::Left);
                }
                _ => say(lines.stream, "502 5.5.1 Unrecognized command.")?,
            }
        }
    }

    fn log_in<S: Read + Write>(&mut self, lines: &mut Lines<'_, S>, mechanism: &str, first: &str) -> io::Result<()> {
        let Account { user, secret } = self.account;
        let is_right = match mechanism {
            "PLAIN" => {
                let response = if first.is_empty() { lines.ask(self.manner.plain_prompt)? } else { first.into() };
                decoded(&response) == format!("\0{user}\0{secret}")
            }
            "LOGIN" => {
                let [for_user, for_secret] = self.manner.login_prompts.map(|prompt| format!("334 {prompt}"));
                let name = if first.is_empty() { lines.ask(&for_user)? } else { first.into() };
                let word = lines.ask(&for_secret)?;
                decoded(&name) == user && decoded(&word) == secret
            }
            // Without a name, it is whom the certificate names.
            "EXTERNAL" => first == "=",
            "XOAUTH2" => decoded(first) == format!("user={user}\x01auth=Bearer {secret}\x01\x01"),
            "OAUTHBEARER" => {
                let response = decoded(first);
                let names_the_user = response.starts_with("n,") && response.contains(user);
                names_the_user && response.ends_with(&format!("\x01auth=Bearer {secret}\x01\x01"))
            }
            _ => return say(lines.stream, "504 5.5.4 Unrecognized Authentication Type"),
        };
        if is_right {
            self.is_logged_in = true;
            self.heard.mechanism = Some(mechanism.into());
            return say(lines.stream, self.manner.welcome);
        }
        // An OAuth mechanism tells why in a challenge, which is answered before the reply (RFC 7628 §3.2.2).
        if mechanism.contains("OAUTH") {
            let why = STANDARD.encode(r#"{"status":"400","schemes":"Bearer"}"#);
            lines.ask(&format!("334 {why}"))?;
        }
        say(lines.stream, self.manner.refusal)
    }
}

/// The lines of a client.
struct Lines<'a, S> {
    stream: &'a mut S,
    ahead: Vec<u8>,
}

impl<'a, S: Read + Write> Lines<'a, S> {
    fn new(stream: &'a mut S) -> Self {
        Self { stream, ahead: Vec::new() }
    }

    /// The next line, without its end.
    fn next(&mut self) -> io::Result<String> {
        loop {
            if let Some(at) = self.ahead.windows(2).position(|octets| octets == b"\r\n") {
                let line = self.ahead.drain(..at + 2).collect::<Vec<_>>();
                return String::from_utf8(line[..at].into()).map_err(io::Error::other);
            }
            let mut octets = [0; 4096];
            match self.stream.read(&mut octets)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.ahead.extend_from_slice(&octets[..count]),
            }
        }
    }

    fn message(&mut self) -> io::Result<Vec<u8>> {
        let mut message = Vec::new();
        loop {
            let line = self.next()?;
            if line == "." {
                return Ok(message);
            }
            message.extend_from_slice(line.strip_prefix('.').unwrap_or(&line).as_bytes());
            message.extend_from_slice(b"\r\n");
        }
    }

    fn ask(&mut self, challenge: &str) -> io::Result<String> {
        say(self.stream, challenge)?;
        self.next()
    }
}

fn say(stream: &mut impl Write, line: &str) -> io::Result<()> {
    stream.write_all(format!("{line}\r\n").as_bytes())?;
    stream.flush()
}

/// The lines of an answer to EHLO.
fn listed(lines: &[&str]) -> String {
    let last = lines.len() - 1;
    let numbered = lines.iter().enumerate();
    let lines: Vec<_> = numbered.map(|(at, line)| format!("250{}{line}", if at == last { ' ' } else { '-' })).collect();
    lines.join("\r\n")
}

fn decoded(text: &str) -> String {
    STANDARD.decode(text).ok().and_then(|octets| String::from_utf8(octets).ok()).unwrap_or_default()
}
