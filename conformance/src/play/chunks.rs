//! Cuts what the script says into pieces.

use core::fmt;

use crate::transcript::Chunking;

/// Octets beyond which the middle of a run is not cut octet by octet: it would take long and show nothing more.
const LONG: usize = 65_536;
/// Octets at both ends of such a run that are.
const ENDS: usize = 2048;
/// Octets of a piece in between.
const MIDDLE: usize = 997;

/// Cuts one run after the other.
#[derive(Debug)]
pub(super) struct Cutter {
    chunking: Chunking,
    seed: u64,
}

impl Cutter {
    pub(super) fn new(chunking: Chunking) -> Self {
        let seed = if let Chunking::Random(seed) = chunking { seed } else { 0 };
        Self { chunking, seed }
    }

    /// The pieces of a run.
    pub(super) fn cut<'o>(&mut self, octets: &'o [u8]) -> Vec<&'o [u8]> {
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < octets.len() {
            let length = self.next(octets, at).min(octets.len() - at);
            pieces.push(&octets[at..at + length]);
            at += length;
        }
        pieces
    }

    fn next(&mut self, octets: &[u8], at: usize) -> usize {
        let left = octets.len() - at;
        let is_inside = octets.len() > LONG && (ENDS..octets.len() - ENDS).contains(&at);
        match self.chunking {
            Chunking::Whole => left,
            Chunking::Bytes if is_inside => MIDDLE.min(left - ENDS + 1),
            Chunking::Bytes => 1,
            Chunking::LfSplit => {
                octets[at..].iter().position(|octet| matches!(octet, b'\r' | b'\n')).map_or(left, |end| end + 1)
            }
            Chunking::Random(_) => {
                self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let length = 1 + usize::try_from((self.seed >> 33) % 23).expect("below 23");
                if is_inside { length * 50 } else { length }
            }
        }
    }
}

/// As in the header of a transcript.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name(pub(super) Chunking);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Chunking::Whole => f.write_str("whole"),
            Chunking::Bytes => f.write_str("bytes"),
            Chunking::LfSplit => f.write_str("lf-split"),
            Chunking::Random(seed) => write!(f, "random({seed})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cutter;
    use crate::transcript::Chunking;

    #[test]
    fn pieces() {
        let cut = |chunking| Cutter::new(chunking).cut(b"a\r\nb\n").iter().map(|it| it.len()).collect::<Vec<_>>();
        assert_eq!(cut(Chunking::Whole), [5]);
        assert_eq!(cut(Chunking::Bytes), [1; 5]);
        assert_eq!(cut(Chunking::LfSplit), [2, 1, 2]);
        assert_eq!(cut(Chunking::Random(7)), cut(Chunking::Random(7)));
    }

    #[test]
    fn nothing_is_lost() {
        for length in [0, 1, 511, 65_536, 65_537, 70_000, 200_000] {
            let octets: Vec<u8> = (0..length).map(|at: u32| at.to_le_bytes()[0]).collect();
            for chunking in [Chunking::Whole, Chunking::Bytes, Chunking::LfSplit, Chunking::Random(3)] {
                assert_eq!(Cutter::new(chunking).cut(&octets).concat(), octets, "{chunking:?} of {length}");
            }
        }
    }
}
