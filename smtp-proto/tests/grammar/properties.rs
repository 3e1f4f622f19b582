//! What holds for every valid text, and for every text at all.

use proptest::prelude::*;
use smtp_proto::address::{AddressError, Charset, ForwardPath, Host, Mailbox, Path, ReversePath};
use smtp_proto::command::{Command, CommandError, ParseOptions, Verb};

use super::texts::{is_slice, texts};
use super::valid;

const CHARSETS: [Charset; 2] = [Charset::Ascii, Charset::Utf8];

fn options(charset: Charset) -> ParseOptions {
    ParseOptions { charset, ..ParseOptions::default() }
}

/// Every strict beginning of a valid text is valid, or is said to be incomplete.
fn beginnings_are_incomplete<'a, T>(text: &'a str, parse: impl Fn(&'a str) -> Result<T, AddressError>) {
    for (end, _) in text.char_indices() {
        if let Err(error) = parse(&text[..end]) {
            assert!(error.is_incomplete(), "{:?} of {text:?}: {error}", &text[..end]);
        }
    }
}

fn check_mailbox(text: &str, charset: Charset) {
    let mailbox = Mailbox::parse(text, charset).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    assert_eq!(mailbox.to_string(), text);
    assert_eq!(format!("{}@{}", mailbox.local_part(), mailbox.domain()), text);
    assert_eq!(mailbox.host().as_str(), mailbox.domain());
    assert!(
        is_slice(text, mailbox.as_str()) && is_slice(text, mailbox.local_part()) && is_slice(text, mailbox.domain())
    );
    let canonical = mailbox.canonical();
    let shortest = Mailbox::parse(&canonical, charset).unwrap_or_else(|error| panic!("{canonical:?}: {error}"));
    assert!(shortest.is_equivalent(&mailbox) && canonical.len() <= text.len());
    assert_eq!(shortest.canonical(), canonical);
    beginnings_are_incomplete(text, |beginning| Mailbox::parse(beginning, charset));
}

fn check_path(text: &str, charset: Charset) {
    let path = Path::parse(text, charset).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    assert_eq!(path.to_string(), text);
    assert!(is_slice(text, path.mailbox().as_str()) && is_slice(text, path.source_route().unwrap_or_default()));
    assert_eq!(ReversePath::parse(text, charset), Ok(ReversePath::Path(path)));
    assert_eq!(ForwardPath::parse(text, charset), Ok(ForwardPath::Path(path)));
    beginnings_are_incomplete(text, |beginning| Path::parse(beginning, charset));
    beginnings_are_incomplete(text, |beginning| ForwardPath::parse(beginning, charset));
    beginnings_are_incomplete(text, |beginning| ReversePath::parse(beginning, charset));
}

fn encoded(command: &Command<'_>) -> Result<Vec<u8>, CommandError> {
    let mut out = b"before".to_vec();
    command.encode(&mut out).map(|()| out.split_off(6))
}

fn check_command(line: &str, charset: Charset) {
    let command =
        Command::parse(line.as_bytes(), &options(charset)).unwrap_or_else(|error| panic!("{line:?}: {error}"));
    for text in texts(&command) {
        assert!(is_slice(line, text), "{text:?} of {line:?}");
    }
    // Encoding changes nothing but the case of verbs and words.
    let wire = encoded(&command).expect("a command that was parsed");
    let wire = core::str::from_utf8(&wire).expect("text");
    assert!(wire.strip_suffix("\r\n").is_some_and(|wire| wire.eq_ignore_ascii_case(line)), "{wire:?} of {line:?}");
    assert_eq!(Command::parse(wire.trim_end_matches("\r\n").as_bytes(), &options(charset)), Ok(command));
    for end in 0..line.len() {
        let beginning = &line.as_bytes()[..end];
        if let Err(error) = Command::parse(beginning, &options(charset)) {
            assert!(error.is_incomplete(), "{:?} of {line:?}: {error}", String::from_utf8_lossy(beginning));
        }
    }
    // White space at the end is tolerated.
    assert_eq!(Command::parse(format!("{line} \t").as_bytes(), &options(charset)), Ok(command));
}

proptest! {
    #[test]
    fn valid_mailboxes((charset, text) in (0..2_usize).prop_flat_map(|i| (Just(CHARSETS[i]), valid::mailbox(CHARSETS[i])))) {
        check_mailbox(&text, charset);
    }

    #[test]
    fn valid_hosts((charset, text) in (0..2_usize).prop_flat_map(|i| (Just(CHARSETS[i]), valid::host(CHARSETS[i])))) {
        let host = Host::parse(&text, charset).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        prop_assert_eq!(host.to_string(), text.as_str());
        prop_assert!(is_slice(&text, host.as_str()));
        beginnings_are_incomplete(&text, |beginning| Host::parse(beginning, charset));
    }

    #[test]
    fn valid_paths((charset, text) in (0..2_usize).prop_flat_map(|i| (Just(CHARSETS[i]), valid::path(CHARSETS[i])))) {
        check_path(&text, charset);
    }

    #[test]
    fn valid_commands((charset, line) in (0..2_usize).prop_flat_map(|i| (Just(CHARSETS[i]), valid::command(CHARSETS[i])))) {
        check_command(&line, charset);
    }

    /// Nothing panics, and what is accepted can be sent: it encodes to one line that says the same.
    #[test]
    fn any_line(line in valid::nearly_a_command()) {
        for charset in CHARSETS {
            match Command::parse(&line, &options(charset)) {
                Ok(command) => {
                    let wire = encoded(&command).expect("a command that was parsed");
                    let (crlf, body) = (&wire[wire.len() - 2..], &wire[..wire.len() - 2]);
                    prop_assert_eq!(crlf, b"\r\n");
                    prop_assert!(!body.iter().any(u8::is_ascii_control));
                    prop_assert!(charset == Charset::Utf8 || body.is_ascii());
                    prop_assert_eq!(Command::parse(body, &options(charset)), Ok(command));
                }
                Err(error) => {
                    prop_assert_eq!(error.code().value(), if error.verb().is_some() { 501 } else { 500 });
                    prop_assert!(!error.to_string().is_empty());
                }
            }
        }
    }

    /// Nothing panics, and what ASCII allows UTF-8 allows too.
    #[test]
    fn any_address(text in "[ -~\u{80}-\u{85}\u{fc}\r\n<>@:.\"\\\\\\[\\]-]{0,12}") {
        let all = |charset| [
            Mailbox::parse(&text, charset).is_ok(),
            Path::parse(&text, charset).is_ok(),
            ForwardPath::parse(&text, charset).is_ok(),
            ReversePath::parse(&text, charset).is_ok(),
            Host::parse(&text, charset).is_ok(),
        ];
        for (ascii, utf8) in all(Charset::Ascii).into_iter().zip(all(Charset::Utf8)) {
            prop_assert!(utf8 || !ascii);
        }
    }

    #[test]
    fn any_verb(word in "[A-Za-z]{0,9}") {
        let known = Verb::ALL.iter().find(|verb| verb.as_str().eq_ignore_ascii_case(&word));
        prop_assert_eq!(Verb::from_bytes(word.as_bytes()), known.copied());
    }
}
