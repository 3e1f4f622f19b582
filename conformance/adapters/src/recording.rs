//! What adapters saw of their connections.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smtp_proto::{Direction, Observer};

/// Every octet of every connection of one side, in the order in which the connections began. A clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Recordings {
    all: Arc<Mutex<Vec<Recording>>>,
    is_off: bool,
}

/// The octets of one connection, in turns.
type Recording = Vec<(Direction, Vec<u8>)>;

impl Recordings {
    /// Nothing is recorded: for servers that serve for long.
    #[must_use]
    pub fn off() -> Self {
        Self { is_off: true, ..Self::default() }
    }

    /// Sees one more connection.
    #[must_use]
    pub fn observer(&self) -> impl Observer + use<> {
        let recordings = self.clone();
        let number = if self.is_off {
            None
        } else {
            let mut all = self.all();
            all.push(Recording::new());
            Some(all.len() - 1)
        };
        move |direction: Direction, octets: &[u8]| {
            let Some(number) = number else { return };
            let turns = &mut recordings.all()[number];
            match turns.last_mut() {
                Some((last, said)) if *last == direction => said.extend_from_slice(octets),
                _ => turns.push((direction, octets.into())),
            }
        }
    }

    /// What was seen of each connection: the octets of each turn, as text with escapes. A turn is all that goes one way
    /// before something goes the other way, however it was cut.
    #[must_use]
    pub fn turns(&self) -> Vec<Vec<(Direction, String)>> {
        let turn = |(direction, octets): &(Direction, Vec<u8>)| (*direction, octets.escape_ascii().to_string());
        self.all().iter().map(|recording| recording.iter().map(turn).collect()).collect()
    }

    fn all(&self) -> MutexGuard<'_, Vec<Recording>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
