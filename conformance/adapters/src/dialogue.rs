//! A session, octet by octet.

use core::fmt;

use smtp_proto::Direction;

/// What both sides of a connection say, in turns.
///
/// As text it looks like the scenarios of RFC 5321 Appendix D: a line of the client behind `C: `, one of the server behind
/// `S: `, the TLS handshake as `TLS`, and that a side says nothing more as `C closes` or `S closes`. Lines of one side that
/// follow each other are one turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialogue {
    turns: Vec<Turn>,
}

/// One turn of a [`Dialogue`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// One side says these octets.
    Said(Side, Vec<u8>),
    /// Both make the TLS handshake.
    Tls,
    /// One side says nothing more.
    Closes(Side),
}

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client.
    Client,
    /// The server.
    Server,
}

impl Dialogue {
    /// Reads one from its text.
    ///
    /// # Panics
    ///
    /// When a line is none of a dialogue.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut turns: Vec<Turn> = Vec::new();
        for line in text.lines() {
            let (side, said) = match line.split_at_checked(2) {
                Some(("C:", said)) => (Side::Client, said),
                Some(("S:", said)) => (Side::Server, said),
                _ => {
                    turns.push(match line {
                        "TLS" => Turn::Tls,
                        "C closes" => Turn::Closes(Side::Client),
                        "S closes" => Turn::Closes(Side::Server),
                        _ => panic!("no line of a dialogue: {line:?}"),
                    });
                    continue;
                }
            };
            let said = said.strip_prefix(' ').unwrap_or(said);
            match turns.last_mut() {
                Some(Turn::Said(last, octets)) if *last == side => octets.extend_from_slice(said.as_bytes()),
                _ => turns.push(Turn::Said(side, said.into())),
            }
            if let Some(Turn::Said(_, octets)) = turns.last_mut() {
                octets.extend_from_slice(b"\r\n");
            }
        }
        Self { turns }
    }

    /// The turns.
    #[must_use]
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// What an observer on this side sees: the octets of each turn, as text with escapes.
    #[must_use]
    pub fn seen_by(&self, observer: Side) -> Vec<(Direction, String)> {
        let said = self.turns.iter().filter_map(|turn| match turn {
            Turn::Said(side, octets) => Some((side, octets)),
            Turn::Tls | Turn::Closes(_) => None,
        });
        said.map(|(side, octets)| {
            let direction = if *side == observer { Direction::Sent } else { Direction::Received };
            (direction, octets.escape_ascii().to_string())
        })
        .collect()
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}
