//! A TCP connection under the time limits of a driver.

use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use smtp_proto::ReadBuffer;

/// What a read brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// Octets of the peer.
    Octets(Bytes),
    /// The peer closed its side.
    End,
    /// Nothing in the time given.
    Nothing,
}

/// One TCP connection: reads and writes that end in bounded time.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: Arc<TcpStream>,
    buffer: ReadBuffer,
    /// Nothing came for a while: no buffer is held until something does.
    idle: bool,
    /// The read timeout that the operating system was told last.
    patience: Duration,
}

/// How long one write may block. A write that was cut off here is tried again until the deadline of the connection; in
/// between its owner looks after other things, above all after input: of two peers that both write, one has to read.
const WRITE_SLICE: Duration = Duration::from_millis(10);

/// The longest wait in one piece. Most times of the protocol are longer, so that most reads wait as long as the one
/// before.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How long, and for how many octets, a closed connection is kept for the peer to read what was written last.
const LINGER: (Duration, usize) = (Duration::from_secs(1), 1 << 20);

impl Wire {
    /// Takes over a connected stream.
    ///
    /// # Errors
    ///
    /// When the operating system does not take the options.
    pub(crate) fn new(stream: Arc<TcpStream>) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(WRITE_SLICE))?;
        stream.set_read_timeout(Some(LONGEST_WAIT))?;
        Ok(Self { stream, buffer: ReadBuffer::new(), idle: true, patience: LONGEST_WAIT })
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Writes some of the octets; 0: none could be written for now.
    pub(crate) fn write(&self, octets: &[u8]) -> io::Result<usize> {
        match (&*self.stream).write(octets) {
            Ok(0) => Err(ErrorKind::WriteZero.into()),
            Ok(count) => Ok(count),
            Err(error) if is_momentary(&error) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Waits for octets of the peer for about this long, not longer.
    pub(crate) fn read(&mut self, wait: Duration) -> io::Result<Received> {
        self.set_patience(wait)?;
        match self.receive() {
            Ok(octets) if octets.is_empty() => Ok(Received::End),
            Ok(octets) => Ok(Received::Octets(octets)),
            Err(error) if is_momentary(&error) => {
                self.buffer.release();
                self.idle = true;
                Ok(Received::Nothing)
            }
            Err(error) => Err(error),
        }
    }

    /// Gives the peer some time to read what was written last: a connection that is closed with unread input in it is
    /// reset, which can take the last reply away from the peer.
    pub(crate) fn linger(&mut self) {
        let end = Instant::now() + LINGER.0;
        let mut unread = LINGER.1;
        let mut octets = [0; 4096];
        if self.stream.shutdown(Shutdown::Write).is_err() {
            return;
        }
        while unread > 0 {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || self.set_patience(left).is_err() {
                return;
            }
            match (&*self.stream).read(&mut octets) {
                Ok(0) => return,
                Ok(count) => unread = unread.saturating_sub(count),
                Err(error) if is_momentary(&error) => {}
                Err(_) => return,
            }
        }
    }

    fn receive(&mut self) -> io::Result<Bytes> {
        if self.idle {
            if self.stream.peek(&mut [0])? == 0 {
                return Ok(Bytes::new());
            }
            self.idle = false;
        }
        let count = (&*self.stream).read(self.buffer.space())?;
        Ok(self.buffer.filled(count))
    }

    fn set_patience(&mut self, wait: Duration) -> io::Result<()> {
        let patience = coarse(wait);
        if patience != self.patience {
            self.stream.set_read_timeout(Some(patience))?;
            self.patience = patience;
        }
        Ok(())
    }
}

/// The timeout to tell the operating system for a wait of this length: not longer, but for less than a millisecond at
/// the end, and one of few values, so that most reads need no other than the one before.
fn coarse(wait: Duration) -> Duration {
    let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let told = if milliseconds < 64 { milliseconds + 1 } else { 1 << milliseconds.ilog2() };
    Duration::from_millis(told).min(LONGEST_WAIT)
}

/// Whether the same call may succeed later: the time given to it is over, or a signal came.
pub(crate) fn is_momentary(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::coarse;
    use core::time::Duration;

    /// A wait in coarse steps comes to its end on time, and soon.
    #[test]
    fn coarse_waits_add_up() {
        for whole in [0, 1, 63, 64, 1000, 300_000, 10_000_000].map(Duration::from_millis) {
            let (mut left, mut steps) = (whole, 0);
            while !left.is_zero() {
                let step = coarse(left);
                assert!(step <= left + Duration::from_millis(1), "{step:?} of {left:?}");
                left = left.saturating_sub(step);
                steps += 1;
            }
            assert!(steps < 300, "{whole:?} took {steps} steps");
        }
    }

    /// A minute is the longest wait that the operating system is asked for.
    #[test]
    fn no_wait_is_endless() {
        assert_eq!(coarse(Duration::MAX), Duration::from_secs(60));
    }
}
