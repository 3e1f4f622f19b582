//! A network between two peers that takes its time.

use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::socket::limit;

/// Forwards connections to a server, each octet a fixed time after it came, in both directions. The connection itself
/// takes no such time.
///
/// It counts flights: all that one side says before it hears something new is one flight, however it is cut. Every flight
/// of the client behind the first one is a round trip that the client waited for.
#[derive(Debug)]
pub struct DelayProxy {
    address: SocketAddr,
    counters: Arc<Counters>,
    is_ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// How many flights there were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flights {
    /// Of the client.
    pub to_server: usize,
    /// Of the server.
    pub to_client: usize,
}

#[derive(Debug, Default)]
struct Counters {
    to_server: AtomicUsize,
    to_client: AtomicUsize,
}

/// One end of a connection, as it is counted.
struct End {
    stream: TcpStream,
    /// Whether what comes from it goes on with a flight.
    in_flight: Mutex<bool>,
}

/// What came, and when it is due on the other side. Nothing: the end.
type Parcel = (Instant, Vec<u8>);

impl DelayProxy {
    /// In front of this server, with this time for each way.
    ///
    /// # Panics
    ///
    /// When there is no port.
    #[must_use]
    pub fn new(server: SocketAddr, one_way: Duration) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (counters, is_ending) = (Arc::<Counters>::default(), Arc::<AtomicBool>::default());
        let thread = {
            let (counters, is_ending) = (Arc::clone(&counters), Arc::clone(&is_ending));
            thread::spawn(move || {
                while let Ok((client, _)) = listener.accept()
                    && !is_ending.load(Ordering::SeqCst)
                {
                    let server = TcpStream::connect(server).expect("the server listens");
                    forward(client, server, one_way, &counters);
                }
            })
        };
        Self { address, counters, is_ending, thread: Some(thread) }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many flights there were so far, over all connections.
    #[must_use]
    pub fn flights(&self) -> Flights {
        Flights {
            to_server: self.counters.to_server.load(Ordering::SeqCst),
            to_client: self.counters.to_client.load(Ordering::SeqCst),
        }
    }
}

/// Takes no further connection. Those that are there go on.
impl Drop for DelayProxy {
    fn drop(&mut self) {
        self.is_ending.store(true, Ordering::SeqCst);
        // Wakes the thread.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            // It has told of its panic already.
            let _ = thread.join();
        }
    }
}

/// Forwards one connection, on four threads: of each direction, one takes and one delivers.
fn forward(client: TcpStream, server: TcpStream, one_way: Duration, counters: &Arc<Counters>) {
    let end = |stream| {
        limit(&stream);
        Arc::new(End { stream, in_flight: Mutex::new(false) })
    };
    let (client, server) = (end(client), end(server));
    let counter: [fn(&Counters) -> &AtomicUsize; 2] = [|counters| &counters.to_server, |counters| &counters.to_client];
    let ways = [(&client, &server, counter[0]), (&server, &client, counter[1])];
    for (from, to, counter) in ways {
        let (send, parcels) = channel();
        let (from, to, counters) = (Arc::clone(from), Arc::clone(to), Arc::clone(counters));
        thread::spawn(move || from.take(one_way, counter(&counters), &send));
        thread::spawn(move || to.deliver(&parcels));
    }
}

impl End {
    fn take(&self, one_way: Duration, counter: &AtomicUsize, parcels: &Sender<Parcel>) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = (&self.stream).read(&mut buffer).unwrap_or(0);
            if count > 0 && !self.set_in_flight(true) {
                counter.fetch_add(1, Ordering::SeqCst);
            }
            if parcels.send((Instant::now() + one_way, buffer[..count].to_vec())).is_err() || count == 0 {
                return;
            }
        }
    }

    fn deliver(&self, parcels: &Receiver<Parcel>) {
        for (due, octets) in parcels {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            // Counted before the other side can answer.
            self.set_in_flight(false);
            if octets.is_empty() || (&self.stream).write_all(&octets).is_err() {
                // Whoever does not listen any more has said so to the other side by itself.
                let _ = self.stream.shutdown(Shutdown::Write);
                return;
            }
        }
    }

    /// Returns what it was before.
    fn set_in_flight(&self, now: bool) -> bool {
        core::mem::replace(&mut self.in_flight.lock().unwrap_or_else(PoisonError::into_inner), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PATIENCE;

    /// What one side says before it hears anything is one flight; nothing comes before its time, nor out of order.
    #[test]
    fn counts_flights_and_delays() {
        const ONE_WAY: Duration = Duration::from_millis(20);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let proxy = DelayProxy::new(listener.local_addr().expect("an address"), ONE_WAY);
        let mut client = TcpStream::connect(proxy.address()).expect("it listens");
        let mut server = listener.accept().expect("a connection").0;
        for stream in [&client, &server] {
            stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        }
        let mut heard = [0; 4];
        for round in 1..=3 {
            let begun = Instant::now();
            client.write_all(b"ab").expect("written");
            client.write_all(b"cd").expect("written");
            server.read_exact(&mut heard).expect("it comes");
            assert_eq!(&heard, b"abcd");
            assert!(begun.elapsed() >= ONE_WAY);
            server.write_all(b"ef").expect("written");
            server.write_all(b"gh").expect("written");
            client.read_exact(&mut heard).expect("it comes");
            assert_eq!(&heard, b"efgh");
            assert!(begun.elapsed() >= 2 * ONE_WAY);
            assert_eq!(proxy.flights(), Flights { to_server: round, to_client: round });
        }
        drop(client);
        assert_eq!(server.read(&mut heard).expect("the end comes, too"), 0);
    }
}
