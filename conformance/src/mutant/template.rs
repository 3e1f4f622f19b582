//! Texts with places that are filled in when a rule is applied.

use regex::bytes::Captures;

/// A text of a rule: `$1` to `$9` are groups of the trigger, `$line` is the line that has set it off, `$0` the first line
/// of the true reply, `$code` its code and `$text` what stands behind that, `$$` a dollar sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Group(usize),
    Line,
    Reply,
    Code,
    ReplyText,
}

/// What is filled in.
#[derive(Clone, Debug, Default)]
pub(super) struct Filling {
    /// The groups of the trigger: number 0 is all of it.
    pub(super) groups: Vec<Vec<u8>>,
    /// The line that has set it off.
    pub(super) line: Vec<u8>,
    /// The first line of the true reply.
    pub(super) reply: Vec<u8>,
}

impl Filling {
    /// For a line that a trigger has matched.
    pub(super) fn of(line: &[u8], groups: Option<&Captures<'_>>) -> Self {
        let groups = groups.map_or_else(Vec::new, |groups| {
            groups.iter().map(|group| group.map_or_else(Vec::new, |group| group.as_bytes().to_vec())).collect()
        });
        Self { groups, line: line.to_vec(), reply: Vec::new() }
    }
}

impl Template {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// What is no place to fill in.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            pieces.push(Piece::Text(rest[..at].to_owned()));
            rest = &rest[at + 1..];
            let places = [
                ("line", Piece::Line),
                ("code", Piece::Code),
                ("text", Piece::ReplyText),
                ("0", Piece::Reply),
                ("$", Piece::Text("$".to_owned())),
            ];
            let groups = ('1'..='9').zip(1..);
            if let Some((name, piece)) = places.into_iter().find(|(name, _)| rest.starts_with(name)) {
                pieces.push(piece);
                rest = &rest[name.len()..];
            } else if let Some((_, group)) = groups.into_iter().find(|(digit, _)| rest.starts_with(*digit)) {
                pieces.push(Piece::Group(group));
                rest = &rest[1..];
            } else {
                return Err(format!("`${rest}`: not one of $0 to $9, $code, $text, $line, $$"));
            }
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Ok(Self(pieces))
    }

    /// The highest group that it names.
    pub(super) fn groups(&self) -> usize {
        self.0.iter().map(|piece| if let Piece::Group(group) = piece { *group } else { 0 }).max().unwrap_or(0)
    }

    /// The octets, with everything filled in.
    pub(super) fn fill(&self, filling: &Filling) -> Vec<u8> {
        let (code, text) = filling.reply.split_at(filling.reply.len().min(3));
        self.0
            .iter()
            .flat_map(|piece| match piece {
                Piece::Text(text) => text.as_bytes(),
                Piece::Group(group) => filling.groups.get(*group).map_or(&[][..], Vec::as_slice),
                Piece::Line => &filling.line,
                Piece::Reply => &filling.reply,
                Piece::Code => code,
                Piece::ReplyText => text.get(1..).unwrap_or_default(),
            })
            .copied()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Filling, Template};

    fn filled(template: &str) -> String {
        let filling = Filling {
            groups: [&b"MAIL x"[..], b"x"].map(<[u8]>::to_vec).to_vec(),
            line: b"a MAIL x".to_vec(),
            reply: b"250-mx.example hello".to_vec(),
        };
        let template = Template::parse(template).expect("a template");
        String::from_utf8(template.fill(&filling)).expect("UTF-8")
    }

    #[test]
    fn places_are_filled_in() {
        assert_eq!(filled("plain"), "plain");
        assert_eq!(filled("<$1> $2."), "<x> .");
        assert_eq!(filled("$0|$code|$text|$line"), "250-mx.example hello|250|mx.example hello|a MAIL x");
        assert_eq!(filled("$$1"), "$1");
    }

    #[test]
    fn what_is_no_place_is_an_error() {
        assert!(Template::parse("250 $what").is_err());
        assert!(Template::parse("250 $").is_err());
    }
}
