//! Every short text over a small alphabet, judged by a naive reading of the ABNF.

use std::collections::HashSet;

use smtp_proto::address::{Charset, Mailbox, Path};

/// Where a grammar may end in `text` when it begins at `from`.
type Ends = Vec<usize>;

struct Abnf<'t>(&'t [u8]);

impl Abnf<'_> {
    fn one(&self, from: usize, is: impl Fn(u8) -> bool) -> Ends {
        self.0.get(from).filter(|&&octet| is(octet)).map(|_| from + 1).into_iter().collect()
    }

    /// `*rule`
    fn many(&self, from: usize, rule: impl Fn(usize) -> Ends) -> Ends {
        let mut ends = vec![from];
        let mut next = 0;
        while next < ends.len() {
            for end in rule(ends[next]) {
                if !ends.contains(&end) {
                    ends.push(end);
                }
            }
            next += 1;
        }
        ends
    }

    /// `first second`
    fn then(&self, ends: Ends, rule: impl Fn(usize) -> Ends) -> Ends {
        ends.into_iter().flat_map(rule).collect()
    }

    /// `Atom = 1*atext`
    fn atom(&self, from: usize) -> Ends {
        let atext = |at| self.one(at, |octet| octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet));
        self.then(atext(from), |at| self.many(at, atext))
    }

    /// `Dot-string = Atom *("." Atom)`
    fn dot_string(&self, from: usize) -> Ends {
        let more = |at| self.then(self.one(at, |octet| octet == b'.'), |at| self.atom(at));
        self.then(self.atom(from), |at| self.many(at, more))
    }

    /// `Quoted-string = DQUOTE *QcontentSMTP DQUOTE`
    fn quoted_string(&self, from: usize) -> Ends {
        let quote = |at| self.one(at, |octet| octet == b'"');
        let content = |at| {
            let mut ends = self.one(at, |octet| matches!(octet, 32..=33 | 35..=91 | 93..=126));
            ends.extend(
                self.then(self.one(at, |octet| octet == 92), |at| self.one(at, |octet| matches!(octet, 32..=126))),
            );
            ends
        };
        self.then(self.then(quote(from), |at| self.many(at, content)), quote)
    }

    /// `sub-domain = Let-dig [Ldh-str]`, where `Ldh-str = *( ALPHA / DIGIT / "-" ) Let-dig`
    fn sub_domain(&self, from: usize) -> Ends {
        let let_dig = |at| self.one(at, |octet| octet.is_ascii_alphanumeric());
        let any = |at| self.one(at, |octet| octet.is_ascii_alphanumeric() || octet == b'-');
        let first = let_dig(from);
        let mut ends = first.clone();
        ends.extend(self.then(self.then(first, |at| self.many(at, any)), let_dig));
        ends
    }

    /// `Domain = sub-domain *("." sub-domain)`
    fn domain(&self, from: usize) -> Ends {
        let more = |at| self.then(self.one(at, |octet| octet == b'.'), |at| self.sub_domain(at));
        self.then(self.sub_domain(from), |at| self.many(at, more))
    }

    /// `Mailbox = Local-part "@" Domain`; the alphabets have no literal.
    fn mailbox(&self, from: usize) -> Ends {
        let mut local = self.dot_string(from);
        local.extend(self.quoted_string(from));
        self.then(self.then(local, |at| self.one(at, |octet| octet == b'@')), |at| self.domain(at))
    }

    /// `Path = "<" [ A-d-l ":" ] Mailbox ">"`
    fn path(&self, from: usize) -> Ends {
        let octet = |wanted: u8| move |at| self.one(at, move |octet| octet == wanted);
        let at_domain = |at| self.then(octet(b'@')(at), |at| self.domain(at));
        let open = octet(b'<')(from);
        let mut begun = open.clone();
        let more = |at| self.then(octet(b',')(at), at_domain);
        begun.extend(self.then(self.then(self.then(open, at_domain), |at| self.many(at, more)), octet(b':')));
        self.then(self.then(begun, |at| self.mailbox(at)), octet(b'>'))
    }
}

/// Judges every text of up to `longest` octets. A text is to be accepted as the ABNF accepts it, and one of up to
/// `shorter` octets that is not is to be called incomplete if and only if a text that begins with it is accepted.
fn enumerate(
    alphabet: &[u8],
    (shorter, longest): (usize, usize),
    abnf: impl Fn(&str) -> bool,
    parse: impl Fn(&str) -> Result<(), bool>,
) -> (usize, usize) {
    let mut texts = vec![String::new()];
    let mut begun = HashSet::new();
    let (mut judged, mut valid) = (0, 0);
    let mut verdicts = Vec::new();
    for length in 0..=longest {
        for text in &texts {
            let parsed = parse(text);
            assert_eq!(parsed.is_ok(), abnf(text), "{text:?}");
            judged += 1;
            valid += usize::from(parsed.is_ok());
            match parsed {
                Ok(()) => begun.extend((0..=shorter.min(length)).map(|end| text[..end].to_owned())),
                Err(incomplete) if length <= shorter => verdicts.push((text.clone(), incomplete)),
                Err(_) => {}
            }
        }
        if length < longest {
            let longer = |text: &String| alphabet.iter().map(|&octet| format!("{text}{}", char::from(octet))).collect();
            texts = texts.iter().flat_map::<Vec<_>, _>(longer).collect();
        }
    }
    for (text, incomplete) in verdicts {
        assert_eq!(incomplete, begun.contains(&text), "{text:?}");
    }
    (judged, valid)
}

/// R-4.1.2-17 to R-4.1.2-30
#[test]
fn every_short_mailbox() {
    let abnf = |text: &str| Abnf(text.as_bytes()).mailbox(0).contains(&text.len());
    let parse = |text: &str| Mailbox::parse(text, Charset::Ascii).map(drop).map_err(|error| error.is_incomplete());
    let (judged, valid) = enumerate(b"a.@\"\\-", (3, 7), abnf, parse);
    println!("mailboxes: {judged} texts, {valid} valid");
    assert_eq!(judged, (6_usize.pow(8) - 1) / 5);
}

/// R-4.1.2-03 to R-4.1.2-08
#[test]
fn every_short_path() {
    let abnf = |text: &str| {
        let inner = format!("<{text}");
        Abnf(inner.as_bytes()).path(0).contains(&inner.len())
    };
    let parse =
        |text: &str| Path::parse(&format!("<{text}"), Charset::Ascii).map(drop).map_err(|error| error.is_incomplete());
    let (judged, valid) = enumerate(b"a@,:>.", (2, 7), abnf, parse);
    println!("paths: {judged} texts, {valid} valid");
    assert_eq!(judged, (6_usize.pow(8) - 1) / 5);
}
