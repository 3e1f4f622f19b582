//! A place in a line.

/// Reads a line from left to right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    line: &'a str,
    /// In octets. Always between two characters.
    at: usize,
}

/// What is wrong in a line, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    /// The character, from 1.
    pub(super) column: usize,
    pub(super) problem: String,
    pub(super) advice: String,
}

pub(super) type Parsed<T> = Result<T, Flaw>;

/// Digits and nothing else: no sign.
pub(super) fn number(word: &str) -> Option<u64> {
    word.bytes().all(|octet| octet.is_ascii_digit()).then(|| word.parse().ok()).flatten()
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self { line, at: 0 }
    }

    /// What is not read yet.
    pub(super) fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    pub(super) fn is_end(&self) -> bool {
        self.rest().is_empty()
    }

    /// Reads everything that is left.
    pub(super) fn take_rest(&mut self) -> &'a str {
        let rest = self.rest();
        self.at = self.line.len();
        rest
    }

    /// Reads this, if it is what comes next.
    pub(super) fn eat(&mut self, expected: &str) -> bool {
        let is_next = self.rest().starts_with(expected);
        if is_next {
            self.at += expected.len();
        }
        is_next
    }

    /// Reads as long as the characters are such.
    pub(super) fn take_while(&mut self, mut is_such: impl FnMut(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !is_such(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    pub(super) fn skip_spaces(&mut self) {
        self.take_while(|c| c == ' ');
    }

    /// Reads up to the next space.
    pub(super) fn word(&mut self) -> &'a str {
        self.take_while(|c| c != ' ')
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// A flaw at this place.
    pub(super) fn flaw(&self, problem: impl Into<String>, advice: impl Into<String>) -> Flaw {
        let column = self.line[..self.at].chars().count() + 1;
        Flaw { column, problem: problem.into(), advice: advice.into() }
    }

    /// Nothing but spaces may follow.
    pub(super) fn end(mut self, advice: &str) -> Parsed<()> {
        self.skip_spaces();
        if self.is_end() { Ok(()) } else { Err(self.flaw(format!("{:?} is too much here", self.rest()), advice)) }
    }
}
