//! Cuts lines out of a stream that comes in pieces of any size (RFC 5321 §2.3.8, §4.1.1).

use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memchr2};

/// How long a line may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineLimit {
    /// Octets of a line, with its CRLF.
    pub(crate) octets: usize,
    /// Octets beyond that which are read and thrown away.
    pub(crate) discard: usize,
}

/// What came in place of the next line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line, without its CRLF.
    Complete(Bytes),
    /// A line beyond the limit. All of it was thrown away.
    TooLong,
    /// A line with a CR, LF or NUL that is no line end.
    Stray,
    /// A line so long that its end is not waited for.
    Flood,
}

/// Finds line ends, each octet looked at once.
#[derive(Debug)]
pub(crate) struct LineSplitter {
    /// The beginning of a line that is not whole yet, unless it is too long already.
    partial: BytesMut,
    /// Octets of that line so far.
    taken: usize,
    /// The last of them.
    last: u8,
}

/// What a first line that comes in pieces makes room for: the longest that RFC 5321 §4.5.3.1.4 knows.
const ROOM: usize = 512;

impl LineSplitter {
    pub(crate) fn new() -> Self {
        Self { partial: BytesMut::new(), taken: 0, last: 0 }
    }

    /// Takes the next line off `chunk`, or all of it if no line ends there.
    pub(crate) fn next(&mut self, chunk: &mut Bytes, limit: LineLimit) -> Option<Line> {
        let end = memchr(b'\n', chunk).map(|newline| newline + 1);
        let length = end.unwrap_or(chunk.len());
        let total = self.taken + length;
        if total > limit.octets.saturating_add(limit.discard) {
            chunk.advance(length);
            self.reset();
            return Some(Line::Flood);
        }
        let Some(end) = end else {
            self.gather(chunk, total < limit.octets);
            chunk.clear();
            return None;
        };
        if total > limit.octets {
            let last = if end > 1 { chunk[end - 2] } else { self.last };
            chunk.advance(end);
            self.reset();
            return Some(if last == b'\r' { Line::TooLong } else { Line::Stray });
        }
        let line = if self.taken == 0 {
            chunk.split_to(end)
        } else {
            self.partial.extend_from_slice(&chunk[..end]);
            chunk.advance(end);
            self.partial.split().freeze()
        };
        self.reset();
        Some(judge(line))
    }

    /// Whether no line has begun.
    pub(crate) fn is_empty(&self) -> bool {
        self.taken == 0
    }

    /// Whether capacity is held that nothing needs.
    pub(crate) fn is_spare(&self) -> bool {
        self.partial.is_empty() && self.partial.capacity() > 0
    }

    /// Gives spare capacity back.
    pub(crate) fn release(&mut self) {
        if self.partial.is_empty() {
            self.partial = BytesMut::new();
        }
    }

    /// Keeps the beginning of a line, or only how long it is and how it ends if it is `useful` no more.
    fn gather(&mut self, piece: &[u8], useful: bool) {
        let Some(&last) = piece.last() else { return };
        self.taken += piece.len();
        self.last = last;
        if useful {
            if self.partial.capacity() == 0 {
                self.partial.reserve(ROOM.max(piece.len()));
            }
            self.partial.extend_from_slice(piece);
        } else {
            self.partial.clear();
        }
    }

    fn reset(&mut self) {
        self.partial.clear();
        self.taken = 0;
        self.last = 0;
    }
}

/// A line with its LF.
fn judge(mut line: Bytes) -> Line {
    let Some(content) = line.strip_suffix(b"\r\n") else { return Line::Stray };
    if memchr2(b'\r', 0, content).is_some() {
        return Line::Stray;
    }
    line.truncate(content.len());
    Line::Complete(line)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::println;
    use std::vec::Vec;

    use super::{Line, LineLimit, LineSplitter};
    use bytes::Bytes;

    const LIMIT: LineLimit = LineLimit { octets: 5, discard: 2 };

    /// Everything that comes of `input` when it is cut at these places; nothing is read behind what ends a connection.
    fn split(input: &[u8], cuts: &[usize]) -> (Vec<Line>, usize) {
        let mut splitter = LineSplitter::new();
        let mut lines = Vec::new();
        let mut from = 0;
        for &to in cuts.iter().chain(&[input.len()]) {
            let mut chunk = Bytes::copy_from_slice(&input[from..to]);
            from = to;
            while let Some(line) = splitter.next(&mut chunk, LIMIT) {
                let fatal = matches!(line, Line::Stray | Line::Flood);
                lines.push(line);
                if fatal {
                    return (lines, 0);
                }
            }
            assert!(chunk.is_empty(), "no line ends in what is left");
        }
        (lines, splitter.taken)
    }

    /// The same, said plainly.
    fn reference(mut input: &[u8]) -> (Vec<Line>, usize) {
        let mut lines = Vec::new();
        loop {
            let end = input.iter().position(|&octet| octet == b'\n').map(|at| at + 1);
            if end.unwrap_or(input.len()) > LIMIT.octets + LIMIT.discard {
                lines.push(Line::Flood);
                return (lines, 0);
            }
            let Some(end) = end else { return (lines, input.len()) };
            let (line, rest) = input.split_at(end);
            input = rest;
            let content = line.strip_suffix(b"\r\n");
            let line = match content {
                None => Line::Stray,
                Some(_) if end > LIMIT.octets => Line::TooLong,
                Some(content) if content.contains(&b'\r') || content.contains(&0) => Line::Stray,
                Some(content) => Line::Complete(Bytes::copy_from_slice(content)),
            };
            let fatal = line == Line::Stray;
            lines.push(line);
            if fatal {
                return (lines, 0);
            }
        }
    }

    /// LINE-18, LINE-01, LINE-02, LINE-03, LINE-05, LINE-06, LINE-07, LINE-08: every string up to length 8 over CR, LF,
    /// NUL, a letter and a space, whole, octet by octet and in every two-way split.
    #[test]
    fn agrees_with_the_reference_on_all_short_strings() {
        let alphabet = [b'\r', b'\n', 0, b'a', b' '];
        let mut cases = 0_u64;
        for length in 0..=8_u32 {
            for number in 0..5_usize.pow(length) {
                let mut rest = number;
                let input: Vec<u8> = (0..length)
                    .map(|_| {
                        let octet = alphabet[rest % 5];
                        rest /= 5;
                        octet
                    })
                    .collect();
                let expected = reference(&input);
                assert_eq!(split(&input, &[]), expected, "{input:?}");
                let each: Vec<usize> = (1..input.len()).collect();
                assert_eq!(split(&input, &each), expected, "{input:?} octet by octet");
                cases += 2;
                for &cut in &each {
                    assert_eq!(split(&input, &[cut]), expected, "{input:?} cut at {cut}");
                    cases += 1;
                }
            }
        }
        println!("line reader: {cases} cases");
        assert_eq!(cases, 4_272_462);
    }

    /// A line that lies whole in the chunk is a slice of it.
    #[test]
    fn whole_lines_are_slices() {
        let whole = Bytes::from_static(b"NOOP\r\nQUIT\r\n");
        let mut chunk = whole.clone();
        let limit = LineLimit { octets: 512, discard: 1 };
        let Some(Line::Complete(line)) = LineSplitter::new().next(&mut chunk, limit) else { panic!("a line") };
        assert_eq!((&line[..], line.as_ptr()), (&b"NOOP"[..], whole.as_ptr()));
        assert_eq!(chunk, &b"QUIT\r\n"[..]);
    }

    /// An idle splitter holds nothing after `release`, and a partial line survives it.
    #[test]
    fn release_gives_back_what_is_spare() {
        let mut splitter = LineSplitter::new();
        let limit = LineLimit { octets: 512, discard: 1 };
        assert_eq!(splitter.next(&mut Bytes::from_static(b"NO"), limit), None);
        assert!(!splitter.is_spare() && !splitter.is_empty());
        splitter.release();
        let line = splitter.next(&mut Bytes::from_static(b"OP\r\n"), limit);
        assert_eq!(line, Some(Line::Complete(Bytes::from_static(b"NOOP"))));
        splitter.release();
        assert!(!splitter.is_spare() && splitter.is_empty());
    }
}
