//! A reply and what a rule makes of it.

use super::octets::{CRLF, line_end, text_of};
use super::rule::{ReplyActions, Rule};
use super::template::{Filling, Template};

/// Takes the first whole reply off the front: all lines up to the one without a hyphen behind the code.
pub(super) fn cut(octets: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut from = 0;
    loop {
        let end = line_end(octets, from)?;
        let line = &octets[from..end];
        let goes_on = line.len() > 3 && line[..3].iter().all(u8::is_ascii_digit) && line[3] == b'-';
        from = end;
        if !goes_on {
            return Some(octets.drain(..end).collect());
        }
    }
}

/// The code of a reply.
pub(super) fn code(reply: &[u8]) -> Option<u16> {
    let digits = reply.get(..3).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    core::str::from_utf8(digits).ok()?.parse().ok()
}

/// A reply as `answered` and `unasked` look at it: its lines joined by LF.
pub(super) fn joined(reply: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = reply.split_inclusive(|&octet| octet == b'\n').map(trimmed).collect();
    lines.join(&b'\n')
}

/// The first line of a reply, without its line end.
pub(super) fn first_line(reply: &[u8]) -> Vec<u8> {
    reply.split_inclusive(|&octet| octet == b'\n').next().map(trimmed).unwrap_or_default().to_vec()
}

/// What the client hears in place of this reply.
pub(super) fn distorted(mut reply: Vec<u8>, rule: &Rule, filling: &Filling) -> Vec<u8> {
    let actions = &rule.reply;
    if let Some(instead) = &actions.instead {
        reply = lines(instead, rule.raw, filling);
    }
    reply = with_keywords(reply, actions);
    reply = replaced(reply, actions, filling);
    if actions.drop {
        reply.clear();
    }
    if actions.twice {
        reply.extend_from_within(..);
    }
    let mut all = lines(&actions.before, rule.raw, filling);
    all.append(&mut reply);
    all.append(&mut lines(&actions.extra, rule.raw, filling));
    if actions.bare_lf { with_bare_lf(&all) } else { all }
}

/// These texts as lines.
pub(super) fn lines(texts: &[Template], raw: bool, filling: &Filling) -> Vec<u8> {
    let ending = if raw { &[][..] } else { CRLF };
    texts.iter().flat_map(|text| [&text.fill(filling)[..], ending].concat()).collect()
}

/// The same lines, each with a bare LF.
pub(super) fn with_bare_lf(lines: &[u8]) -> Vec<u8> {
    lines.split_inclusive(|&octet| octet == b'\n').flat_map(|line| [trimmed(line), b"\n"].concat()).collect()
}

/// A positive reply with other keywords below its first line.
fn with_keywords(reply: Vec<u8>, actions: &ReplyActions) -> Vec<u8> {
    let is_untouched = actions.keywords_add.is_empty() && actions.keywords_remove.is_empty();
    if is_untouched || reply.first() != Some(&b'2') {
        return reply;
    }
    let code = reply[..reply.len().min(3)].to_vec();
    let mut texts: Vec<Vec<u8>> = reply
        .split_inclusive(|&octet| octet == b'\n')
        .map(|line| trimmed(line).get(4..).unwrap_or_default().to_vec())
        .collect();
    let mut is_first = true;
    texts.retain(|text| {
        let keyword = text.split(|&octet| octet == b' ' || octet == b'=').next().unwrap_or_default();
        let is_removed = actions.keywords_remove.iter().any(|removed| keyword.eq_ignore_ascii_case(removed.as_bytes()));
        core::mem::take(&mut is_first) || !is_removed
    });
    texts.extend(actions.keywords_add.iter().map(|keyword| keyword.clone().into_bytes()));
    let last = texts.len() - 1;
    let rows = texts.iter().enumerate();
    rows.flat_map(|(row, text)| [&code[..], if row == last { b" " } else { b"-" }, text, CRLF].concat()).collect()
}

/// A reply with what matches replaced in each of its lines.
fn replaced(reply: Vec<u8>, actions: &ReplyActions, filling: &Filling) -> Vec<u8> {
    actions.replace.iter().fold(reply, |reply, (pattern, by)| {
        let lines = reply.split_inclusive(|&octet| octet == b'\n');
        lines
            .flat_map(|line| {
                let text = text_of(line);
                let text_of_new = replace_all(text, pattern, by, filling);
                [&text_of_new[..], &line[text.len()..]].concat()
            })
            .collect()
    })
}

/// All matches replaced; `$1` and so on are groups of this pattern.
pub(super) fn replace_all(text: &[u8], pattern: &regex::bytes::Regex, by: &Template, filling: &Filling) -> Vec<u8> {
    let by = |groups: &regex::bytes::Captures<'_>| {
        let own = Filling::of(text, Some(groups));
        by.fill(&Filling { groups: own.groups, ..filling.clone() })
    };
    pattern.replace_all(text, by).into_owned()
}

/// A line without its line end, of whatever form.
fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::{code, cut, joined};

    #[test]
    fn a_reply_ends_with_the_line_that_has_no_hyphen() {
        let mut octets = b"250-a\r\n250 b\r\n2".to_vec();
        let reply = cut(&mut octets).expect("whole");
        assert_eq!((&reply[..], &octets[..]), (&b"250-a\r\n250 b\r\n"[..], &b"2"[..]));
        assert_eq!(cut(&mut octets), None);
        assert_eq!((code(&reply), joined(&reply)), (Some(250), b"250-a\n250 b".to_vec()));
    }

    #[test]
    fn what_is_no_reply_is_cut_line_by_line() {
        let mut octets = b"hello\n25\r\n".to_vec();
        assert_eq!([cut(&mut octets), cut(&mut octets)], [Some(b"hello\n".to_vec()), Some(b"25\r\n".to_vec())]);
        assert_eq!((code(b"hello\n"), code(b"25\r\n")), (None, None));
    }
}
