//! Cuts lines out of a stream that comes in pieces of any size (RFC 5321 §2.3.8, §4.1.1).

use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memchr2, memchr3};

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
    /// A line, of any length, with a CR, LF or NUL that is no line end.
    Stray,
    /// A line so long that its end is not waited for.
    Flood,
}

/// Finds line ends, each octet looked at once.
///
/// How a line is judged depends on its octets and the limit alone, never on how the stream was cut. The limit may change
/// between two lines.
#[derive(Debug)]
pub(crate) struct LineSplitter {
    /// The beginning of a line that is not whole yet.
    partial: BytesMut,
    /// Octets of that line so far, also of one that is thrown away.
    taken: usize,
    /// The last of them.
    last: u8,
    /// The line is too long: nothing of it is kept.
    discarding: bool,
    /// The line holds an octet that does not belong there.
    stray: bool,
    /// `partial` has memory, if only in common with lines that were handed out.
    allocated: bool,
}

/// What a first line that comes in pieces makes room for: the longest that RFC 5321 §4.5.3.1.4 knows.
const ROOM: usize = 512;

impl LineSplitter {
    pub(crate) fn new() -> Self {
        Self { partial: BytesMut::new(), taken: 0, last: 0, discarding: false, stray: false, allocated: false }
    }

    /// Takes the next line off `chunk`, or all of it if no line ends there. A chunk that is used up refers to no memory
    /// any more, so that the buffer it came from can be used again.
    pub(crate) fn next(&mut self, chunk: &mut Bytes, limit: LineLimit) -> Option<Line> {
        if self.taken == 0
            && let Some(end) = memchr3(b'\r', b'\n', 0, chunk)
            && chunk[end..].starts_with(b"\r\n")
            && end + 2 <= limit.octets
        {
            let mut line = chunk.split_to(end + 2);
            line.truncate(end);
            return Some(Line::Complete(line));
        }
        let newline = memchr(b'\n', chunk);
        let length = newline.map_or(chunk.len(), |newline| newline + 1);
        let total = self.taken + length;
        if total > limit.octets.saturating_add(limit.discard) {
            skip(chunk, length);
            self.reset();
            return Some(Line::Flood);
        }
        let Some(newline) = newline else {
            // With its line end, which has not come, it is longer.
            self.gather(chunk, total < limit.octets);
            *chunk = Bytes::new();
            return None;
        };
        self.gather(&chunk[..newline], total <= limit.octets);
        skip(chunk, length);
        let line = if self.stray || self.last != b'\r' {
            Line::Stray
        } else if self.discarding {
            Line::TooLong
        } else {
            self.partial.truncate(self.partial.len() - 1);
            Line::Complete(self.partial.split().freeze())
        };
        self.reset();
        Some(line)
    }

    /// Whether no line has begun.
    pub(crate) fn is_empty(&self) -> bool {
        self.taken == 0
    }

    /// Whether memory is held that nothing needs.
    pub(crate) fn is_spare(&self) -> bool {
        self.allocated && self.partial.is_empty()
    }

    /// Gives spare memory back.
    pub(crate) fn release(&mut self) {
        if self.partial.is_empty() {
            self.partial = BytesMut::new();
            self.allocated = false;
        }
    }

    /// Adds a piece, without an LF, to the line, if the line still `fits`.
    fn gather(&mut self, piece: &[u8], fits: bool) {
        let Some((&last, before)) = piece.split_last() else { return };
        // A CR may be the beginning of the line end as long as nothing but an LF follows.
        self.stray |= self.last == b'\r' || last == 0 || memchr2(b'\r', 0, before).is_some();
        self.last = last;
        self.taken += piece.len();
        self.discarding |= !fits;
        if self.discarding {
            self.partial.clear();
            return;
        }
        if !self.allocated {
            self.partial.reserve(ROOM.max(piece.len()));
            self.allocated = true;
        }
        self.partial.extend_from_slice(piece);
    }

    fn reset(&mut self) {
        self.partial.clear();
        self.taken = 0;
        self.last = 0;
        self.discarding = false;
        self.stray = false;
    }
}

/// Takes octets off the front.
fn skip(chunk: &mut Bytes, octets: usize) {
    if octets == chunk.len() {
        *chunk = Bytes::new();
    } else {
        chunk.advance(octets);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::println;
    use std::vec;
    use std::vec::Vec;

    use bytes::{Bytes, BytesMut};
    use proptest::prelude::*;

    use super::{Line, LineLimit, LineSplitter};

    const LIMIT: LineLimit = LineLimit { octets: 5, discard: 2 };

    /// Everything that comes of `input` when it is cut at these places, and how many octets of a line are left; nothing
    /// is read behind what ends a connection.
    fn split(input: &[u8], cuts: &[usize], limit: LineLimit) -> (Vec<Line>, usize) {
        let whole = Bytes::copy_from_slice(input);
        let mut splitter = LineSplitter::new();
        let mut lines = Vec::new();
        let mut from = 0;
        for &to in cuts.iter().chain(&[input.len()]) {
            let mut chunk = whole.slice(from..to);
            from = to;
            while let Some(line) = splitter.next(&mut chunk, limit) {
                let fatal = matches!(line, Line::Stray | Line::Flood);
                lines.push(line);
                if fatal {
                    return (lines, 0);
                }
            }
            assert!(chunk.is_empty(), "what holds no line end is looked at once");
        }
        (lines, splitter.taken)
    }

    /// The same, said plainly.
    fn reference(mut input: &[u8], limit: LineLimit) -> (Vec<Line>, usize) {
        let mut lines = Vec::new();
        loop {
            let end = input.iter().position(|&octet| octet == b'\n').map(|at| at + 1);
            if end.unwrap_or(input.len()) > limit.octets + limit.discard {
                lines.push(Line::Flood);
                return (lines, 0);
            }
            let Some(end) = end else { return (lines, input.len()) };
            let (line, rest) = input.split_at(end);
            input = rest;
            match line.strip_suffix(b"\r\n") {
                Some(content) if !content.contains(&b'\r') && !content.contains(&0) => {
                    lines.push(if end > limit.octets {
                        Line::TooLong
                    } else {
                        Line::Complete(Bytes::copy_from_slice(content))
                    })
                }
                _ => {
                    lines.push(Line::Stray);
                    return (lines, 0);
                }
            }
        }
    }

    fn complete(content: &'static [u8]) -> Line {
        Line::Complete(Bytes::from_static(content))
    }

    /// LINE-18, R-2.3.8-01: every string up to length 8 over CR, LF, NUL, a letter and a space, whole, octet by octet
    /// and in every two-way split.
    #[test]
    fn agrees_with_the_reference_on_all_short_strings() {
        const ALPHABET: [u8; 5] = [b'\r', b'\n', 0, b'a', b' '];
        const LONGEST: usize = 8;
        let mut cases = 0_u64;
        for length in 0..=LONGEST {
            let each: Vec<usize> = (1..length).collect();
            for number in 0..ALPHABET.len().pow(length as u32) {
                let mut input = [0; LONGEST];
                let mut rest = number;
                for octet in &mut input[..length] {
                    *octet = ALPHABET[rest % ALPHABET.len()];
                    rest /= ALPHABET.len();
                }
                let input = &input[..length];
                let expected = reference(input, LIMIT);
                assert_eq!(split(input, &[], LIMIT), expected, "{input:?}");
                assert_eq!(split(input, &each, LIMIT), expected, "{input:?} octet by octet");
                for &cut in &each {
                    assert_eq!(split(input, &[cut], LIMIT), expected, "{input:?} cut at {cut}");
                }
                cases += 2 + each.len() as u64;
            }
        }
        println!("line reader: {cases} cases");
        assert_eq!(cases, (1..=8).map(|length| 5_u64.pow(length) * (u64::from(length) + 1)).sum::<u64>() + 2);
    }

    proptest! {
        /// LINE-18, beyond the enumeration: longer input, any limits, any cuts.
        #[test]
        fn agrees_with_the_reference(
            input in prop::collection::vec(prop::sample::select(vec![b'\r', b'\n', 0, b'a', 0xff]), 0..200),
            frequent in prop::collection::vec(0..200_usize, 0..40),
            octets in 1..40_usize,
            discard in 0..40_usize,
            cuts in prop::collection::vec(0..400_usize, 0..20),
        ) {
            let mut input = input;
            for at in frequent {
                input.splice(at.min(input.len())..at.min(input.len()), *b"\r\n");
            }
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(input.len())).collect();
            cuts.sort_unstable();
            let limit = LineLimit { octets, discard };
            prop_assert_eq!(split(&input, &cuts, limit), reference(&input, limit));
        }
    }

    /// LINE-01, LINE-02, LINE-03, LINE-04: a lone LF, CR or NUL spoils a line; other controls are left to the grammar.
    #[test]
    fn only_cr_lf_and_nul_are_looked_at() {
        let limit = LineLimit { octets: 20, discard: 20 };
        for input in
            [&b"NOOP\n"[..], b"NO\rOP\r\n", b"NOOP\r\r\n", b"NO\0OP\r\n", b"\n", b"\r\r\n", b"\0\r\n", b"\n\r\n"]
        {
            assert_eq!(split(input, &[], limit).0, [Line::Stray], "{input:?}");
        }
        let input = b"\x0b\x0c\x7f\xc2\x85\xe2\x80\xa8\x1b\r\n";
        assert_eq!(split(input, &[], limit).0, [complete(b"\x0b\x0c\x7f\xc2\x85\xe2\x80\xa8\x1b")]);
    }

    /// LINE-05, LINE-06, LINE-07, R-4.5.3.1.4-01: one octet less than the limit, the limit, one more; nothing of a line
    /// that is too long is taken for another; a CR at the limit, the LF behind it.
    #[test]
    fn limit_holds_to_the_octet() {
        let limit = LineLimit { octets: 8, discard: 12 };
        let cases: [(&[u8], &[Line]); 5] = [
            (b"12345\r\nNOOP\r\n", &[complete(b"12345"), complete(b"NOOP")]),
            (b"123456\r\nNOOP\r\n", &[complete(b"123456"), complete(b"NOOP")]),
            (b"1234567\r\nNOOP\r\n", &[Line::TooLong, complete(b"NOOP")]),
            (b"12345678RSET\r\nNOOP\r\n", &[Line::TooLong, complete(b"NOOP")]),
            (b"12345678\rRSET\r\n", &[Line::Stray]),
        ];
        for (input, lines) in cases {
            for cut in 0..input.len() {
                assert_eq!(split(input, &[cut], limit).0, lines, "{input:?} cut at {cut}");
            }
        }
    }

    /// LINE-08: an endless line ends at the octet that the limit names, however it comes.
    #[test]
    fn endless_line_ends() {
        let limit = LineLimit { octets: 512, discard: 1000 };
        for size in [1, 7, 1512] {
            let mut splitter = LineSplitter::new();
            let mut given = 0;
            let flood = loop {
                given += size;
                let line = splitter.next(&mut Bytes::from(vec![b'x'; size]), limit);
                assert!(splitter.partial.len() <= 512);
                if let Some(line) = line {
                    break line;
                }
            };
            assert_eq!(flood, Line::Flood);
            assert_eq!(given, 1512_usize.next_multiple_of(size) + if 1512 % size == 0 { size } else { 0 });
        }
    }

    /// LINE-17: input that comes octet by octet is not looked at again, and the memory that it was gathered in serves
    /// for the next line.
    #[test]
    fn split_lines_share_memory() {
        let mut splitter = LineSplitter::new();
        let limit = LineLimit { octets: 512, discard: 1 };
        let mut places = Vec::new();
        for _ in 0..1000 {
            for piece in [&b"RCPT TO:<b"[..], b"ob@mx.example>\r", b"\n"] {
                if let Some(Line::Complete(line)) = splitter.next(&mut Bytes::copy_from_slice(piece), limit) {
                    assert_eq!(line, &b"RCPT TO:<bob@mx.example>"[..]);
                    places.push(line.as_ptr().addr());
                }
            }
        }
        let (first, last) = (places.iter().min().expect("lines"), places.iter().max().expect("lines"));
        assert_eq!(places.len(), 1000);
        assert!(last - first < super::ROOM);
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

    /// A chunk that is used up does not keep the read buffer from being used again.
    #[test]
    fn used_up_chunks_hold_nothing() {
        let limit = LineLimit { octets: 8, discard: 16 };
        for input in
            [&b"NO"[..], b"NOOP\r\n", b"OP\r\n", b"a line that is too long\r\n", b"a line that is a flood of octets"]
        {
            for begun in [false, true] {
                let mut splitter = LineSplitter::new();
                if begun {
                    assert_eq!(splitter.next(&mut Bytes::from_static(b"NO"), limit), None);
                }
                let mut buffer = BytesMut::from(input);
                let mut chunk = buffer.split().freeze();
                drop(splitter.next(&mut chunk, limit));
                assert!(chunk.is_empty());
                assert!(buffer.try_reclaim(input.len()), "{input:?}");
            }
        }
    }

    /// The limit of a line in progress may change; what was thrown away does not come back.
    #[test]
    fn limit_may_change() {
        let (narrow, wide) = (LineLimit { octets: 4, discard: 100 }, LineLimit { octets: 100, discard: 0 });
        let mut splitter = LineSplitter::new();
        assert_eq!(splitter.next(&mut Bytes::from_static(b"123456"), narrow), None);
        assert_eq!(splitter.next(&mut Bytes::from_static(b"7\r\n"), wide), Some(Line::TooLong));
        assert_eq!(splitter.next(&mut Bytes::from_static(b"1234"), wide), None);
        assert_eq!(splitter.next(&mut Bytes::from_static(b"5\r\n"), narrow), Some(Line::TooLong));
        assert_eq!(splitter.next(&mut Bytes::from_static(b"12\r\n"), narrow), Some(complete(b"12")));
    }

    /// An idle splitter holds nothing after `release`, also when a line took up all of its memory, and a partial line
    /// survives it.
    #[test]
    fn release_gives_back_what_is_spare() {
        let mut splitter = LineSplitter::new();
        let limit = LineLimit { octets: 512, discard: 1 };
        assert_eq!(splitter.next(&mut Bytes::from_static(b"NO"), limit), None);
        assert!(!splitter.is_spare() && !splitter.is_empty());
        splitter.release();
        let line = splitter.next(&mut Bytes::from_static(b"OP\r\n"), limit);
        assert_eq!(line, Some(complete(b"NOOP")));
        assert!(splitter.is_spare() && splitter.is_empty());
        splitter.release();
        assert!(!splitter.is_spare() && splitter.partial.capacity() == 0);

        let longest = vec![b'x'; 511];
        assert_eq!(splitter.next(&mut Bytes::from(longest), limit), None);
        let line = splitter.next(&mut Bytes::from_static(b"\n"), limit);
        assert_eq!(line, Some(Line::Stray));
        assert!(splitter.is_spare());
        let mut content = vec![b'x'; 510];
        content.push(b'\r');
        assert_eq!(splitter.next(&mut Bytes::from(content), limit), None);
        let line = splitter.next(&mut Bytes::from_static(b"\n"), limit);
        assert!(matches!(line, Some(Line::Complete(line)) if line.len() == 510));
        assert!(splitter.is_spare());
    }
}
