//! Command lines: the input is one, without its CRLF.

use smtp_proto::address::{AddressError, Charset, ForwardPath, Host, Mailbox, Path, ReversePath};
use smtp_proto::command::{Command, CommandError, ParseOptions};

use super::texts::{is_slice, texts};

const ASCII: ParseOptions = ParseOptions { charset: Charset::Ascii, max_parameters: 16 };
const UTF8: ParseOptions = ParseOptions { charset: Charset::Utf8, max_parameters: 16 };

/// What is accepted can be sent and says the same again; each of its beginnings is accepted or said to be one.
pub fn run(line: &[u8]) {
    for options in [ASCII, UTF8, ParseOptions { max_parameters: 1, ..ASCII }] {
        match Command::parse(line, &options) {
            Ok(command) => accepted(line, &command, &options),
            Err(error) => refused(line, error),
        }
    }
    if let Ok(command) = Command::parse(line, &ASCII) {
        assert_eq!(Command::parse(line, &UTF8), Ok(command), "what ASCII allows UTF-8 allows");
    }
    if let Ok(text) = core::str::from_utf8(line) {
        for charset in [Charset::Ascii, Charset::Utf8] {
            addresses(text, charset);
        }
    }
}

fn accepted(line: &[u8], command: &Command<'_>, options: &ParseOptions) {
    let text = core::str::from_utf8(line).expect("a command is text");
    assert!(options.charset == Charset::Utf8 || text.is_ascii());
    assert_eq!(text.get(..4).map(str::len), Some(4), "no verb is shorter");
    assert!(text[..command.verb().as_str().len()].eq_ignore_ascii_case(command.verb().as_str()));
    for part in texts(command) {
        assert!(is_slice(text, part), "{part:?} is no part of the line");
    }
    let mut wire = b"before".to_vec();
    command.encode(&mut wire).expect("a command that was parsed");
    let wire = wire.strip_prefix(b"before").expect("encoding appends");
    let body = wire.strip_suffix(b"\r\n").expect("a line ends in CRLF");
    assert!(!body.iter().any(u8::is_ascii_control));
    assert_eq!(Command::parse(body, options), Ok(*command), "the line that was encoded says the same");
    // Text behind an address literal is ignored, and numbers lose their leading zeros.
    if !matches!(command, Command::Bdat { .. } | Command::Ehlo(_) | Command::Helo(_) | Command::Lhlo(_)) {
        assert!(body.eq_ignore_ascii_case(text.trim_end_matches([' ', '\t']).as_bytes()));
    }
    assert_eq!(Command::parse(&[line, b" \t"].concat(), options), Ok(*command), "white space at the end is tolerated");
    for end in 0..line.len() {
        if let Err(error) = Command::parse(&line[..end], options) {
            assert!(error.is_incomplete(), "{:?}: {error}", line[..end].escape_ascii().to_string());
        }
    }
    meaning(command);
}

fn refused(line: &[u8], error: CommandError) {
    assert_eq!(error.code().value(), if error.verb().is_some() { 501 } else { 500 });
    assert!(!error.to_string().is_empty());
    if let Some(verb) = error.verb() {
        assert!(line[..verb.as_str().len()].eq_ignore_ascii_case(verb.as_str().as_bytes()));
    }
}

/// What can be asked of a command can be asked of any.
fn meaning(command: &Command<'_>) {
    let (parameters, mailbox) = match command {
        Command::Mail { reverse_path, parameters } => (parameters, reverse_path.mailbox()),
        Command::Rcpt { forward_path, parameters } => (parameters, forward_path.mailbox()),
        _ => return,
    };
    let mut names: Vec<String> = parameters.iter().map(|parameter| parameter.keyword.to_ascii_lowercase()).collect();
    assert_eq!(names.is_empty(), parameters.is_empty());
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "no parameter occurs twice");
    let given = |name: &str| parameters.find(name).is_some();
    assert!(parameters.size().is_ok_and(|size| size.is_some() == given("size")) || given("size"));
    assert!(parameters.body().is_ok_and(|body| body.is_some() == given("body")) || given("body"));
    if let Some(mailbox) = mailbox {
        mailbox_means(&mailbox);
    }
}

fn mailbox_means(mailbox: &Mailbox<'_>) {
    let canonical = mailbox.canonical();
    let shortest = Mailbox::parse(&canonical, Charset::Utf8).expect("the canonical form is a mailbox");
    assert!(shortest.is_equivalent(mailbox) && canonical.len() <= mailbox.as_str().len());
    assert_eq!(shortest.canonical(), canonical);
    assert_eq!(format!("{}@{}", mailbox.local_part(), mailbox.domain()), mailbox.as_str());
    assert_eq!(mailbox.host().as_str(), mailbox.domain());
}

fn addresses(text: &str, charset: Charset) {
    address(text, |text| Mailbox::parse(text, charset));
    address(text, |text| Path::parse(text, charset));
    address(text, |text| ReversePath::parse(text, charset));
    address(text, |text| ForwardPath::parse(text, charset));
    address(text, |text| Host::parse(text, charset));
    if let Ok(mailbox) = Mailbox::parse(text, charset) {
        mailbox_means(&mailbox);
    }
}

/// An address prints as it came, and each of its beginnings is one or is said to be incomplete.
fn address<'t, T: ToString>(text: &'t str, parse: impl Fn(&'t str) -> Result<T, AddressError>) {
    match parse(text) {
        Ok(address) => {
            assert_eq!(address.to_string(), text);
            for (end, _) in text.char_indices() {
                assert!(parse(&text[..end]).err().is_none_or(|error| error.is_incomplete()), "{:?}", &text[..end]);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
