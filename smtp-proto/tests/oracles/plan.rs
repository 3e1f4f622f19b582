//! The input of an oracle: lines that say what to do, then the octets to do it with.

use core::time::Duration;

/// Takes the first line off the input, without its LF; it is empty when there is none.
pub fn line<'i>(input: &mut &'i [u8]) -> &'i [u8] {
    let Some(end) = input.iter().position(|&octet| octet == b'\n') else { return &[] };
    let line = &input[..end];
    *input = &input[end + 1..];
    line
}

/// How octets are cut into pieces: lengths that are taken in turn. A digit stands for its value, any other octet for
/// the number that it is, and zero for all there is. Without lengths nothing is cut.
#[derive(Clone, Debug)]
pub struct Cuts<'i> {
    lengths: &'i [u8],
    at: usize,
}

impl<'i> Cuts<'i> {
    pub const WHOLE: Self = Self { lengths: &[], at: 0 };

    pub fn new(lengths: &'i [u8]) -> Self {
        Self { lengths, at: 0 }
    }

    /// The length of the next piece of `waiting` octets. It is zero only when that is.
    pub fn next(&mut self, waiting: usize) -> usize {
        let Some(&length) = self.lengths.get(self.at) else { return waiting };
        self.at = (self.at + 1) % self.lengths.len();
        match if length.is_ascii_digit() { length - b'0' } else { length } {
            0 => waiting,
            length => waiting.min(length.into()),
        }
    }

    /// The indices at which `octets` are cut.
    pub fn indices(mut self, octets: &[u8]) -> Vec<usize> {
        let mut indices = Vec::new();
        let mut at = 0;
        loop {
            at += self.next(octets.len() - at);
            if at == octets.len() {
                return indices;
            }
            indices.push(at);
        }
    }
}

/// How long a silence in a script is.
pub const SILENCE: Duration = Duration::from_secs(100);
