//! The dialogues of several sessions on one standard error.

use core::net::SocketAddr;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use smtp_blocking::Direction;

use crate::dialogue::{Dialogue, Speaker};

/// Writes dialogues, and between the lines of different sessions whose they are.
#[derive(Debug)]
pub(super) struct Trace {
    /// Whose lines were written last.
    last: Mutex<Option<SocketAddr>>,
}

impl Trace {
    pub(super) fn new() -> Self {
        Self { last: Mutex::new(None) }
    }

    /// What listens to the session with this peer.
    pub(super) fn observer(this: &Arc<Self>, peer: SocketAddr) -> impl FnMut(Direction, &[u8]) + Send + use<> {
        let this = Arc::clone(this);
        let mut dialogue = Dialogue::new();
        let mut text = Vec::new();
        move |direction, octets| {
            let speaker = match direction {
                Direction::Received => Speaker::Client,
                Direction::Sent => Speaker::Server,
            };
            text.clear();
            // A trace that nobody reads does not keep mail from being taken.
            let _ = dialogue.hear(speaker, octets, &mut text);
            if !text.is_empty() {
                let _ = this.write(peer, &text);
            }
        }
    }

    fn write(&self, peer: SocketAddr, text: &[u8]) -> io::Result<()> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = io::stderr().lock();
        if last.replace(peer) != Some(peer) {
            writeln!(out, "==> {peer} <==")?;
        }
        out.write_all(text)
    }
}
