//! The number of servers that a mail has passed.

use core::num::NonZeroU32;

/// Counts the `Received` fields in the header section of a mail, to find mail that goes in circles (RFC 5321 §6.3).
///
/// It takes the content in pieces cut anywhere, and looks at nothing behind the header section.
///
/// ```
/// use smtp_proto::trace::ReceivedCounter;
///
/// let mut counter = ReceivedCounter::default();
/// counter.count(b"Received: from a.example\r\n\tby b.example; x\r\nSubject: x\r\n\r\nReceived: no\r\n");
/// assert_eq!(counter.fields(), 1);
/// assert!(!counter.is_loop());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceivedCounter {
    fields: u32,
    limit: NonZeroU32,
    at: At,
}

/// Where in the header section the counter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Behind so many octets of the name at the beginning of a line.
    Name(u8),
    /// Behind the CR at the beginning of a line.
    Cr,
    /// In a line that does not matter any more.
    Line,
    /// Behind the header section.
    Body,
}

const NAME: &[u8] = b"received";

impl ReceivedCounter {
    /// The limit unless another is given, in fields.
    pub const LIMIT: NonZeroU32 = NonZeroU32::new(100).expect("it is not zero");

    /// A counter for which a mail with more than `limit` fields goes in circles.
    #[must_use]
    pub const fn new(limit: NonZeroU32) -> Self {
        Self { fields: 0, limit, at: At::Name(0) }
    }

    /// Looks at the next piece of the content.
    pub fn count(&mut self, mut piece: &[u8]) {
        while let Some((&octet, rest)) = piece.split_first() {
            self.at = match (self.at, octet) {
                (At::Body, _) => return,
                (At::Name(0) | At::Cr, b'\n') => At::Body,
                (At::Name(0), b'\r') => At::Cr,
                (_, b'\n') => At::Name(0),
                (At::Name(known), octet) => self.name(known, octet),
                (At::Line | At::Cr, _) => {
                    let Some(end) = memchr::memchr(b'\n', piece) else {
                        self.at = At::Line;
                        return;
                    };
                    self.at = At::Name(0);
                    piece = &piece[end + 1..];
                    continue;
                }
            };
            piece = rest;
        }
    }

    /// The number of `Received` fields so far.
    #[must_use]
    pub const fn fields(&self) -> u32 {
        self.fields
    }

    /// Whether there are more of them than the limit.
    #[must_use]
    pub const fn is_loop(&self) -> bool {
        self.fields > self.limit.get()
    }

    /// One more octet of a line that so far is the beginning of the name.
    fn name(&mut self, known: u8, octet: u8) -> At {
        match NAME.get(usize::from(known)) {
            Some(&expected) if expected == octet.to_ascii_lowercase() => At::Name(known + 1),
            // White space in front of the colon is obsolete syntax (RFC 5322 §4.5.8).
            None if matches!(octet, b' ' | b'\t') => At::Name(known),
            None if octet == b':' => {
                self.fields = self.fields.saturating_add(1);
                At::Line
            }
            _ => At::Line,
        }
    }
}

impl Default for ReceivedCounter {
    fn default() -> Self {
        Self::new(Self::LIMIT)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn fields(content: &[u8]) -> u32 {
        let mut counter = ReceivedCounter::default();
        counter.count(content);
        counter.fields()
    }

    #[test]
    fn counts_only_whole_names_at_line_starts() {
        assert_eq!(fields(b"Received:\r\nRECEIVED : x\r\nreceived\t:\r\n"), 3);
        assert_eq!(fields(b"Received-SPF: x\r\nX-Received: x\r\n Received: x\r\nReceive: x\r\nReceived x:\r\n"), 0);
        assert_eq!(fields(b"Received"), 0);
        assert_eq!(fields(b"A: Received: x\r\nReceived:"), 1);
    }

    #[test]
    fn stops_at_the_blank_line() {
        assert_eq!(fields(b"\r\nReceived: x\r\n"), 0);
        assert_eq!(fields(b"Received: x\r\n\r\nReceived: x\r\n"), 1);
        assert_eq!(fields(b"Received: x\n\nReceived: x\n"), 1);
        assert_eq!(fields(b"A: x\r\n\rx\r\nReceived: x\r\n"), 1);
        assert_eq!(fields(b"A: x\r\n \r\nReceived: x\r\n"), 1);
    }

    /// R-6.3-01, R-6.3-02
    #[test]
    fn a_hundred_fields_are_no_loop_and_one_more_is() {
        let mut counter = ReceivedCounter::default();
        counter.count(&b"Received: from a\r\n\tby b\r\n".repeat(100));
        assert!(!counter.is_loop());
        counter.count(b"Received:");
        assert!(counter.is_loop());
    }

    proptest! {
        #[test]
        fn any_split_counts_the_same(
            lines in prop::collection::vec("(Received ?:|Rec|\r|X: Received:|\t|)(\r\n|\n|\r)", 0..12),
            cuts in prop::collection::vec(0usize..200, 0..6),
        ) {
            let content = lines.concat().into_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(content.len())).collect();
            cuts.extend([0, content.len()]);
            cuts.sort_unstable();
            let mut counter = ReceivedCounter::default();
            for pair in cuts.windows(2) {
                counter.count(&content[pair[0]..pair[1]]);
            }
            prop_assert_eq!(counter.fields(), fields(&content));
        }
    }
}
