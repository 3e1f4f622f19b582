//! Texts that are valid by construction.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use smtp_proto::address::{Charset, Mailbox, Path};
use smtp_proto::command::Verb;

/// A mailbox that is no longer than one may be.
pub(crate) fn mailbox(charset: Charset) -> BoxedStrategy<String> {
    (local_part(charset), host(charset))
        .prop_map(|(local, host)| format!("{local}@{host}"))
        .prop_filter("too long", |mailbox| mailbox.len() <= Mailbox::MAX)
        .boxed()
}

pub(crate) fn local_part(charset: Charset) -> BoxedStrategy<String> {
    let (dots, quotes) = match charset {
        Charset::Ascii => (
            "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,9}(\\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,9}){0,3}",
            "\"([ !#-\\[\\]-~]|\\\\[ -~]){0,20}\"",
        ),
        Charset::Utf8 => (
            "[a-z\u{80}-\u{10ffff}]{1,5}(\\.[A-Z\u{80}-\u{7ff}]{1,3}){0,2}",
            "\"([ !#-\\[\\]-~\u{80}-\u{10ffff}]|\\\\[ -~]){0,10}\"",
        ),
    };
    prop_oneof![3 => dots, 1 => quotes].prop_filter("too long", |local| local.len() <= Mailbox::MAX_LOCAL_PART).boxed()
}

/// A domain or an address literal.
pub(crate) fn host(charset: Charset) -> BoxedStrategy<String> {
    prop_oneof![4 => domain(charset), 1 => literal()].boxed()
}

pub(crate) fn domain(charset: Charset) -> BoxedStrategy<String> {
    let label = match charset {
        Charset::Ascii => "[a-zA-Z0-9]([a-zA-Z0-9-]{0,10}[a-zA-Z0-9])?",
        Charset::Utf8 => "[a-z0-9\u{e0}-\u{f6}]([a-z0-9\u{4e00}-\u{4fff}]{0,5}[a-z\u{400}-\u{45f}])?",
    };
    vec(label, 1..4).prop_map(|labels| labels.join(".")).boxed()
}

pub(crate) fn literal() -> BoxedStrategy<String> {
    let ipv6 = any::<[u16; 8]>().prop_map(core::net::Ipv6Addr::from);
    let sparse = (any::<u16>(), any::<u32>())
        .prop_map(|(first, last)| core::net::Ipv6Addr::from(u128::from(first) << 112 | u128::from(last)));
    prop_oneof![
        any::<[u8; 4]>().prop_map(|[a, b, c, d]| format!("[{a}.{b}.{c}.{d}]")),
        ipv6.prop_map(|address| format!("[IPv6:{address}]")),
        sparse.prop_map(|address| format!("[ipv6:{address}]")),
        "\\[[a-z][a-z0-9-]{0,5}z:[!-Z^-~]{1,9}\\]".prop_filter("that is another form", |text| !text.contains("::")),
    ]
    .boxed()
}

/// A path that is no longer than one may be, with its brackets.
pub(crate) fn path(charset: Charset) -> BoxedStrategy<String> {
    (vec(domain(charset), 0..3), mailbox(charset))
        .prop_map(|(route, mailbox)| {
            let route = route.iter().map(|domain| format!("@{domain}")).collect::<Vec<_>>().join(",");
            if route.is_empty() { format!("<{mailbox}>") } else { format!("<{route}:{mailbox}>") }
        })
        .prop_filter("too long", |path| path.len() <= Path::MAX)
        .boxed()
}

/// Parameters, each with a space before it.
fn parameters(charset: Charset) -> BoxedStrategy<String> {
    let value = match charset {
        Charset::Ascii => "[!-<>-~]{1,9}",
        Charset::Utf8 => "[!-<>-~\u{80}-\u{10ffff}]{1,5}",
    };
    let keywords = vec!["SIZE", "BODY", "ret", "EnvId", "AUTH", "SMTPUTF8", "X-1", "0", "S", "SIZES"];
    (subsequence(keywords, 0..6).prop_shuffle(), vec(option::of(value), 6))
        .prop_map(|(keywords, values)| {
            let parameter = |(keyword, value): (&&str, &Option<String>)| match value {
                Some(value) => format!(" {keyword}={value}"),
                None => format!(" {keyword}"),
            };
            keywords.iter().zip(&values).map(parameter).collect()
        })
        .boxed()
}

/// A command, its verb and words in any case.
pub(crate) fn command(charset: Charset) -> BoxedStrategy<String> {
    let atom_or_quoted = local_part(charset).prop_map(|local| match local.split_once('.') {
        Some((atom, _)) if !local.starts_with('"') => atom.to_owned(),
        _ => local,
    });
    let string = atom_or_quoted.boxed();
    let base64 = prop_oneof![
        Just("=".to_owned()),
        "([A-Za-z0-9+/]{4}){0,5}([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)",
    ];
    let name = prop_oneof![local_part(charset), mailbox(charset), path(charset)];
    prop_oneof![
        (select(vec!["HELO", "EHLO", "LHLO"]), host(Charset::Ascii)).prop_map(|(verb, host)| format!("{verb} {host}")),
        (select(vec!["MAIL", "SEND", "SOML", "SAML"]), word("FROM:"), path(charset), parameters(charset))
            .prop_map(|(verb, from, path, parameters)| format!("{verb} {from}{path}{parameters}")),
        (word("MAIL FROM:<>"), parameters(charset)).prop_map(|(mail, parameters)| format!("{mail}{parameters}")),
        (word("RCPT TO:"), path(charset), parameters(charset))
            .prop_map(|(rcpt, path, parameters)| format!("{rcpt}{path}{parameters}")),
        (word("RCPT TO:<POSTMASTER>"), parameters(charset))
            .prop_map(|(rcpt, parameters)| format!("{rcpt}{parameters}")),
        select(vec!["DATA", "RSET", "QUIT", "TURN", "STARTTLS", "NOOP", "HELP"]).prop_flat_map(word),
        (any::<u64>(), select(vec!["", " LAST", " last"])).prop_map(|(size, last)| format!("BDAT {size}{last}")),
        (word("VRFY "), name.clone()).prop_map(|(vrfy, name)| format!("{vrfy}{name}")),
        (word("EXPN "), name).prop_map(|(expn, name)| format!("{expn}{name}")),
        (word("NOOP "), string.clone()).prop_map(|(noop, string)| format!("{noop}{string}")),
        (word("HELP "), string).prop_map(|(help, string)| format!("{help}{string}")),
        (word("ETRN "), select(vec!["", "@"]), domain(Charset::Ascii))
            .prop_map(|(etrn, option, domain)| format!("{etrn}{option}{domain}")),
        "ETRN #[!-<>-~]{1,9}",
        (word("AUTH "), "[A-Za-z0-9_-]{1,20}", option::of(base64)).prop_map(
            |(auth, mechanism, response)| match response {
                Some(response) => format!("{auth}{mechanism} {response}"),
                None => format!("{auth}{mechanism}"),
            }
        ),
    ]
    .boxed()
}

/// A line that is often nearly a command: a valid one with some octets changed, or a verb and any octets.
pub(crate) fn nearly_a_command() -> BoxedStrategy<Vec<u8>> {
    let charset = prop_oneof![Just(Charset::Ascii), Just(Charset::Utf8)];
    let damaged = (charset.prop_flat_map(command), vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 0..3));
    let damaged = damaged.prop_map(|(line, damages)| {
        let mut line = line.into_bytes();
        for (index, octet, kind) in damages {
            let at = index.index(line.len().max(1)).min(line.len());
            match kind {
                0 => line.insert(at, octet),
                1 if at < line.len() => line[at] = octet,
                _ => line.truncate(at),
            }
        }
        line
    });
    let verb = select(Verb::ALL.to_vec()).prop_map(Verb::as_str);
    let random = (verb, vec(any::<u8>(), 0..40)).prop_map(|(verb, rest)| [verb.as_bytes(), b" ", &rest].concat());
    prop_oneof![4 => damaged, 1 => random, 1 => vec(any::<u8>(), 0..40)].boxed()
}

/// A word in any mix of cases.
fn word(word: &'static str) -> BoxedStrategy<String> {
    vec(any::<bool>(), word.len())
        .prop_map(move |lower| {
            let letter = |(letter, &lower): (char, &bool)| if lower { letter.to_ascii_lowercase() } else { letter };
            word.chars().zip(&lower).map(letter).collect()
        })
        .boxed()
}
