//! The oracles of the fuzz targets, over random input and over the seeds in `fuzz/seeds`.

#[path = "mod.rs"]
mod oracles;

use std::path::Path;

use proptest::prelude::*;

type Oracle = fn(&[u8]);

const ORACLES: [(&str, Oracle); 5] = [
    ("body", oracles::body::run),
    ("client_session", oracles::client_session::run),
    ("command", oracles::command::run),
    ("reply", oracles::reply::run),
    ("server_session", oracles::server_session::run),
];

/// Every seed holds, and so does every beginning of it.
#[test]
fn seeds() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
    for (name, run) in ORACLES {
        let files = std::fs::read_dir(seeds.join(name)).expect("each target has seeds");
        let mut count = 0;
        for file in files {
            let path = file.expect("a readable folder").path();
            let input = std::fs::read(&path).expect("a readable seed");
            println!("{}", path.display());
            run(&input);
            let step = 1 + input.len() / 40;
            (0..input.len()).step_by(step).for_each(|end| run(&input[..end]));
            count += 1;
        }
        assert!(count > 0, "{name} has seeds");
    }
}

/// The entries of the dictionary.
fn words() -> Vec<Vec<u8>> {
    let dictionary = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/smtp.dict");
    let dictionary = std::fs::read_to_string(dictionary).expect("a readable dictionary");
    let entries = dictionary.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    entries.map(word).collect()
}

/// An entry without its escapes.
fn word(entry: &str) -> Vec<u8> {
    let mut word = Vec::new();
    let mut rest = entry.as_bytes();
    loop {
        (word, rest) = match rest {
            [] => return word,
            [b'\\', b'x', high, low, rest @ ..] => {
                let digits = [*high, *low];
                let digits = core::str::from_utf8(&digits).expect("two digits");
                (append(word, u8::from_str_radix(digits, 16).expect("two hexadecimal digits")), rest)
            }
            [b'\\', octet, rest @ ..] | [octet, rest @ ..] => (append(word, *octet), rest),
        };
    }
}

fn append(mut word: Vec<u8>, octet: u8) -> Vec<u8> {
    word.push(octet);
    word
}

/// Words of the dictionary, and what stands between them.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        12 => prop::sample::select(words()),
        3 => Just(b"|".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
        1 => "[ -~]{0,30}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn letters(of: &'static str) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(of.as_bytes()), 0..4)
}

fn cuts() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![4 => b'0'..=b'9', 1 => 11..=255_u8], 0..5)
}

/// A session that goes as it should, with anything else now and then. Each part is a group or a step, `TEXT` in it some
/// text.
fn script(beginning: &'static str, parts: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let part = (prop::sample::select(parts), text()).prop_map(|(part, text)| match part.split_once("TEXT") {
        Some((before, behind)) => [before.as_bytes(), &text, behind.as_bytes()].concat(),
        None => part.as_bytes().to_vec(),
    });
    let parts = prop::collection::vec(part, 0..8).prop_map(|parts| parts.join(&b'|'));
    parts.prop_map(|parts| [beginning.as_bytes(), &parts].concat())
}

const CLIENT: &[&str] = &[
    "MAIL FROM:<a@c.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n",
    "MAIL FROM:<a@c.example>\r\nRCPT TO:<b@mx.example>\r\nRCPT TO:<c@mx.example>\r\nDATA\r\n",
    "TEXT\r\n.\r\n",
    "a\r\n.\r\nTEXT",
    "TEXT",
    "",
    "RSET\r\nMAIL FROM:<a@c.example>\r\n",
    "EHLO c.example\r\n",
    "STARTTLS\r\n",
    "STARTTLS\r\n|EHLO c.example\r\n",
    "STARTTLS\r\nTEXT",
    "MAIL FROM:<a@c.example> AUTH=b@c.example\r\nTEXT",
    "AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n",
    "AUTH LOGIN\r\n|YWxpY2U=\r\n|c2VjcmV0\r\n",
    "AUTH LOGIN\r\n|TEXT\r\n|*\r\n",
    "AUTH X-LOOKUP\r\n|YQ==\r\n|c2VjcmV0\r\n",
    "AUTH X-LOOKUP\r\n|YQ==\r\n|TEXT",
    "AUTH XOAUTH2 dXNlcj1hAWF1dGg9QmVhcmVyIHQBAQ==\r\n|AQ==\r\n",
    "AUTH EXTERNAL =\r\n",
];

const SERVER: &[&str] = &[
    "250 ok\r\n250 ok\r\n354 go\r\n",
    "250 ok\r\n550 no\r\n354 go\r\n",
    "250 ok\r\n250 ok\r\n451 later\r\n",
    "250 ok\r\n",
    "554 no\r\n",
    "TEXT",
    "+1",
    "+s2q",
    "+m",
    ">TEXT",
    ">a\r\n.b~TEXT",
    "<9",
    "-",
    "220 go\r\n",
    "220 go\r\nTEXT",
    "454 later\r\n",
    "250-s\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN XOAUTH2 X-SAY\r\n",
    "250-s\r\n250-PIPELINING\r\n250 AUTH=LOGIN\r\n",
    "334 \r\n",
    "334 VXNlcm5hbWU6\r\n",
    "334 TEXT\r\n",
    "235 ok\r\n",
    "535 no\r\n",
    "504 no\r\n",
];

/// How sessions of clients begin: in clear, behind STARTTLS, with TLS from the first octet.
const CLEAR: &str = "+12|220 s\r\n|250-s\r\n250-PIPELINING\r\n250 SIZE\r\n|";
const STARTTLS: &str = "+12|220 s\r\n|250-s\r\n250-PIPELINING\r\n250-AUTH PLAIN LOGIN X-SAY\r\n250 STARTTLS\r\n|";
const INSIDE: &str = "+12|220 s\r\n|250-s\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN XOAUTH2 X-SAY\r\n|";

proptest! {
    // What was found is kept in `fuzz/seeds`, in a form that can be read.
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn command(line in text()) {
        oracles::command::run(&line);
    }

    #[test]
    fn reply(cuts in cuts(), octets in text()) {
        oracles::reply::run(&[cuts, octets].join(&b'\n'));
    }

    #[test]
    fn body(cuts in cuts(), octets in text()) {
        oracles::body::run(&[cuts, octets].join(&b'\n'));
    }

    #[test]
    fn server_session(
        letters in letters("nvxtsedcDHQW"),
        login in prop_oneof![Just(""), Just("o"), Just("oa"), Just("ra"), Just("ia"), Just("iaq"), Just("oau"), Just("rauqd")],
        shake in prop_oneof![8 => Just(""), 1 => Just("F"), 1 => Just("S"), 1 => Just("kK"), 1 => Just("k")],
        cuts in cuts(),
        decisions in prop::collection::vec(prop::sample::select(&b"aaaaabrlcdw"[..]), 0..10),
        script in script("EHLO c.example\r\n|", CLIENT),
    ) {
        let letters = [&letters, login.as_bytes(), shake.as_bytes()].concat();
        oracles::server_session::run(&[letters, cuts, decisions, script].join(&b'\n'));
    }

    #[test]
    fn client_session(
        letters in letters("pnsDQA"),
        security in prop::sample::select(vec!["", "l", "lu", "bu", "x", "r", "rlV", "rb", "o", "olV", "ox", "i", "ilV", "ixs", "ibu"]),
        shake in prop_oneof![8 => Just(""), 1 => Just("F"), 1 => Just("S")],
        cuts in cuts(),
        script in prop_oneof![script(CLEAR, SERVER), script(STARTTLS, SERVER), script(INSIDE, SERVER), script("+1|", SERVER)],
    ) {
        let letters = [&letters, security.as_bytes(), shake.as_bytes()].concat();
        oracles::client_session::run(&[letters, cuts, script].join(&b'\n'));
    }
}
