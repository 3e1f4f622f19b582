//! Watching the traffic of a connection.

/// Which way octets went, seen from this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the peer to this side.
    Received,
    /// From this side to the peer.
    Sent,
}

/// Sees every octet of one connection, in the order in which it was read from or written to the socket.
///
/// Octets come as they were cut by the network, so a line may come in pieces. They are the raw dialogue: whoever writes
/// them down has to keep secrets out.
///
/// A closure `FnMut(Direction, &[u8])` is an observer.
///
/// ```
/// use smtp_proto::{Direction, Observer};
///
/// let mut seen = Vec::new();
/// let mut observer = |direction: Direction, octets: &[u8]| seen.push((direction, octets.to_vec()));
/// observer.octets(Direction::Sent, b"QUIT\r\n");
/// assert_eq!(seen, [(Direction::Sent, b"QUIT\r\n".to_vec())]);
/// ```
pub trait Observer: Send {
    /// These octets went this way.
    fn octets(&mut self, direction: Direction, octets: &[u8]);
}

impl<F: FnMut(Direction, &[u8]) + Send> Observer for F {
    fn octets(&mut self, direction: Direction, octets: &[u8]) {
        self(direction, octets);
    }
}
