//! Octets to and from what is under test, in clear or by TLS.

use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Instant;

use smtp_tls::rustls::pki_types::ServerName;
use smtp_tls::rustls::{self, Connection};
use smtp_tls::{ClientTls, ServerTls, TlsError, TlsStage};

use super::{Heard, Unavailable, Wire};
use crate::transcript::{Act, Expectation};

/// A connection of the harness. Every wait has an end: [`Link::hear`] that of its caller, everything else the patience.
pub(super) struct Link {
    stream: Box<dyn Stream>,
    /// Over `stream`, once the handshake has begun.
    tls: Option<Box<Connection>>,
    end: TlsEnd,
    patience: Duration,
    /// What came, and nobody has heard yet.
    ahead: Vec<u8>,
    /// What was said, and has not left yet.
    outgoing: Vec<u8>,
    /// The other side says nothing more.
    is_over: bool,
}

/// What the harness is in a TLS handshake.
#[derive(Clone)]
pub(super) enum TlsEnd {
    /// The client, of the server of this name.
    Client(ClientTls, ServerName<'static>),
    /// The server.
    Server(ServerTls),
}

/// What octets go through.
pub(super) trait Stream: Read + Write {
    /// How long a read and a write may take; never zero.
    fn limit(&self, reading: Duration, writing: Duration) -> io::Result<()>;

    /// Says nothing more.
    fn end(&self) -> io::Result<()>;
}

/// How long a write may stand still before the harness reads what the other side wants to say first.
const STILL: Duration = Duration::from_millis(20);

/// How long to look for octets that have come already.
const GLANCE: Duration = Duration::from_millis(1);

/// How many octets are read before another try to write.
const AT_ONCE: usize = 1 << 20;

/// A fatal alert, `handshake_failure` (RFC 8446 §6.2): what a handshake that is to fail ends with.
const ALERT: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];

impl Link {
    pub(super) fn new(stream: impl Stream + 'static, end: TlsEnd, patience: Duration) -> Self {
        let stream = Box::new(stream);
        Self { stream, tls: None, end, patience, ahead: Vec::new(), outgoing: Vec::new(), is_over: false }
    }

    /// Over TCP, whatever leaves at once.
    ///
    /// # Errors
    ///
    /// When the connection is gone already.
    pub(super) fn over_tcp(stream: TcpStream, end: TlsEnd, patience: Duration) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        Ok(Self::new(stream, end, patience))
    }

    /// Waits for the first octets, or the end, and keeps them for [`hear`](Self::hear). Whether it is the end.
    ///
    /// # Errors
    ///
    /// When the connection broke.
    pub(super) fn await_first(&mut self, within: Duration) -> io::Result<bool> {
        let until = Until::after(within);
        while self.ahead.is_empty() && !self.is_over && !until.is_over() {
            self.fetch(until.left())?;
        }
        Ok(self.ahead.is_empty() && self.is_over)
    }

    /// Says these octets, as one write if the other side takes them.
    ///
    /// # Errors
    ///
    /// When the connection is gone, or takes nothing.
    pub(super) fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        match &mut self.tls {
            None => self.outgoing.extend_from_slice(octets),
            Some(tls) => {
                tls.writer().write_all(octets)?;
                write_tls(tls, &mut self.outgoing)?;
            }
        }
        self.drain()
    }

    /// Hears something, for at most this long, and what has come already in any case.
    ///
    /// # Errors
    ///
    /// When TLS broke. A connection that was reset has ended.
    pub(super) fn hear(&mut self, within: Duration) -> io::Result<Heard> {
        let until = Until::after(within);
        loop {
            if !self.ahead.is_empty() {
                return Ok(Heard::Octets(core::mem::take(&mut self.ahead)));
            }
            if self.is_over {
                return Ok(Heard::End);
            }
            self.fetch(until.left())?;
            if !self.outgoing.is_empty() {
                self.drain()?;
            }
            if self.ahead.is_empty() && !self.is_over && until.is_over() {
                return Ok(Heard::Quiet);
            }
        }
    }

    /// Says nothing more.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub(super) fn end(&mut self) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            write_tls(tls, &mut self.outgoing)?;
        }
        self.drain()?;
        self.stream.end()
    }

    /// Makes the TLS handshake, or spoils it: with an alert, instead of the first record of this side.
    ///
    /// # Errors
    ///
    /// Why there is no TLS: octets that came before it among others.
    pub(super) fn start_tls(&mut self, fails: bool) -> io::Result<()> {
        if self.tls.is_some() {
            return Err(io::Error::other("TLS has begun already"));
        }
        self.fetch(GLANCE)?;
        let is_server = matches!(self.end, TlsEnd::Server(_));
        if !is_server && !self.ahead.is_empty() {
            let early = self.ahead.escape_ascii();
            return Err(io::Error::new(ErrorKind::InvalidData, format!("came in clear before TLS began: {early}")));
        }
        if fails {
            return self.spoil(is_server);
        }
        let setup = |error| io::Error::from(TlsError::Setup(error));
        let mut connection = match &self.end {
            TlsEnd::Client(tls, name) => Connection::from(tls.begin(name.clone(), false).connection()?),
            TlsEnd::Server(tls) => rustls::ServerConnection::new(tls.begin().config()).map_err(setup)?.into(),
        };
        connection.set_buffer_limit(None);
        let shaken = self.shake_hands(connection);
        if shaken.is_err() {
            // What the other side says to the alert comes as it is. Whether the alert arrives makes no difference.
            let _ = self.drain();
            self.tls = None;
        }
        shaken
    }

    fn shake_hands(&mut self, connection: Connection) -> io::Result<()> {
        let first = core::mem::take(&mut self.ahead);
        self.tls = Some(Box::new(connection));
        let until = Until::after(self.patience);
        if !first.is_empty() {
            self.decrypt(&first)?;
        }
        loop {
            let tls = self.tls.as_mut().expect("set above");
            write_tls(tls, &mut self.outgoing)?;
            let is_done = !tls.is_handshaking();
            self.drain()?;
            if is_done {
                return Ok(());
            }
            if self.is_over {
                return Err(TlsError::Unfinished.into());
            }
            if until.is_over() {
                return Err(io::Error::new(ErrorKind::TimedOut, "the TLS handshake is not done in time"));
            }
            self.fetch(until.left())?;
        }
    }

    /// Lets the handshake fail.
    fn spoil(&mut self, is_server: bool) -> io::Result<()> {
        if is_server && self.await_first(self.patience)? {
            return Err(TlsError::Unfinished.into());
        }
        self.ahead.clear();
        self.outgoing.extend_from_slice(&ALERT);
        self.drain()
    }

    /// Lets everything leave. Reads meanwhile, if the other side takes nothing before it is heard.
    fn drain(&mut self) -> io::Result<()> {
        let mut until = Until::after(self.patience);
        let mut left = 0;
        let drained = loop {
            if left == self.outgoing.len() {
                break Ok(());
            }
            self.stream.limit(GLANCE, STILL)?;
            match self.stream.write(&self.outgoing[left..]) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    left += count;
                    until = Until::after(self.patience);
                }
                Err(error) if is_nothing(&error) => {
                    if until.is_over() {
                        break Err(io::Error::new(ErrorKind::TimedOut, "the other side takes nothing"));
                    }
                    // What TLS has to say to that goes behind all the rest.
                    self.make_room()?;
                }
                Err(error) => break Err(error),
            }
        };
        self.outgoing.drain(..left);
        if drained.is_err() {
            self.outgoing.clear();
        }
        drained
    }

    /// Reads as long as something comes, up to a bound.
    fn make_room(&mut self) -> io::Result<()> {
        let before = self.ahead.len();
        let mut length = None;
        while length != Some(self.ahead.len()) && self.ahead.len() - before < AT_ONCE && !self.is_over {
            length = Some(self.ahead.len());
            self.fetch(GLANCE)?;
        }
        Ok(())
    }

    /// Reads once.
    fn fetch(&mut self, within: Duration) -> io::Result<()> {
        if self.is_over {
            return Ok(());
        }
        let mut buffer = [0; 16 * 1024];
        self.stream.limit(within.max(GLANCE), STILL)?;
        match self.stream.read(&mut buffer) {
            Ok(0) => self.is_over = true,
            Ok(count) if self.tls.is_some() => return self.decrypt(&buffer[..count]),
            Ok(count) => self.ahead.extend_from_slice(&buffer[..count]),
            Err(error) if is_nothing(&error) => {}
            Err(error) if is_end(&error) => self.is_over = true,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn decrypt(&mut self, mut octets: &[u8]) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        let stage = match tls.is_handshaking() {
            true => TlsStage::Handshake { first: octets.first().copied() },
            false => TlsStage::Established,
        };
        while !octets.is_empty() && !self.is_over {
            tls.read_tls(&mut octets)?;
            let processed = tls.process_new_packets();
            let mut clear = [0; 16 * 1024];
            loop {
                match tls.reader().read(&mut clear) {
                    Ok(0) => {
                        self.is_over = true;
                        break;
                    }
                    Ok(count) => self.ahead.extend_from_slice(&clear[..count]),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
            if let Err(error) = processed {
                // The alert that says so leaves with whatever leaves next.
                write_tls(tls, &mut self.outgoing)?;
                return Err(TlsError::explain(error, stage).into());
            }
        }
        write_tls(tls, &mut self.outgoing)
    }
}

/// Moves what TLS has to say to what leaves next.
fn write_tls(tls: &mut Connection, outgoing: &mut Vec<u8>) -> io::Result<()> {
    while tls.wants_write() {
        tls.write_tls(outgoing)?;
    }
    Ok(())
}

/// Nothing happened in the time that there was.
fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// The other side has closed, be it without hearing what was said to it last.
fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe)
}

impl Stream for TcpStream {
    fn limit(&self, reading: Duration, writing: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(reading))?;
        self.set_write_timeout(Some(writing))
    }

    fn end(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

#[cfg(unix)]
impl Stream for UnixStream {
    fn limit(&self, reading: Duration, writing: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(reading))?;
        self.set_write_timeout(Some(writing))
    }

    fn end(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// Until when to wait.
#[derive(Clone, Copy)]
pub(super) struct Until(Option<Instant>);

impl Until {
    /// Times that no clock holds are for ever.
    pub(super) fn after(span: Duration) -> Self {
        Self(Instant::now().checked_add(span))
    }

    pub(super) fn left(self) -> Duration {
        // Longer than that no system waits at once.
        const LONGEST: Duration = Duration::from_secs(3600);
        self.0.map_or(LONGEST, |end| end.saturating_duration_since(Instant::now()).min(LONGEST))
    }

    pub(super) fn is_over(self) -> bool {
        self.0.is_some_and(|end| end <= Instant::now())
    }
}

/// What can be seen of the application behind a link.
pub(super) trait Sight {
    /// As [`Wire::saw`].
    fn saw(&mut self, _: &Expectation, _: &[(String, Vec<u8>)]) -> Option<Result<(), String>> {
        None
    }

    /// As [`Wire::tell`].
    fn tell(&mut self, _: &Act) -> Result<(), Unavailable> {
        Err(Unavailable::Unsupported("nobody can tell its application what to say".into()))
    }
}

/// Nothing can be seen.
impl Sight for () {}

/// A link, and what can be seen of what is behind it. The link is closed first.
pub(super) struct Line<S> {
    pub(super) link: Link,
    pub(super) sight: S,
}

impl<S: Sight> Wire for Line<S> {
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.link.send(octets)
    }

    fn hear(&mut self, within: Duration) -> io::Result<Heard> {
        self.link.hear(within)
    }

    fn end(&mut self) -> io::Result<()> {
        self.link.end()
    }

    fn start_tls(&mut self, fails: bool) -> io::Result<()> {
        self.link.start_tls(fails)
    }

    fn pass(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    fn tell(&mut self, act: &Act) -> Result<(), Unavailable> {
        self.sight.tell(act)
    }

    fn saw(&mut self, expectation: &Expectation, attachments: &[(String, Vec<u8>)]) -> Option<Result<(), String>> {
        self.sight.saw(expectation, attachments)
    }
}
