//! Commands against RFC 5321 §4.1.1 and the documents of the extensions.

use smtp_proto::address::{Charset, ForwardPath, Host, Mailbox, Path, ReversePath};
use smtp_proto::command::{BodyKind, Command, CommandError, ParameterError, ParseOptions, Verb};

fn parse(line: &str) -> Result<Command<'_>, CommandError> {
    Command::parse(line.as_bytes(), &ParseOptions::default())
}

fn command(line: &str) -> Command<'_> {
    parse(line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
}

/// Verb, reply code, enhanced code and reason of a line that nothing can mend.
fn refusal(line: &str) -> (Option<Verb>, u16, (u16, u16), String) {
    let error = parse(line).expect_err(line);
    assert!(!error.is_incomplete(), "{line:?} is not incomplete: {error}");
    (error.verb(), error.code().value(), (error.detail().subject(), error.detail().detail()), error.to_string())
}

fn mail(line: &str) -> (ReversePath<'_>, smtp_proto::command::Parameters<'_>) {
    let Command::Mail { reverse_path, parameters } = command(line) else { panic!("{line:?} is MAIL") };
    (reverse_path, parameters)
}

/// LINE-13, R-2.4-03, R-2.4-04, R-2.4-08, R-4.1.1-02: verbs and words in any case.
#[test]
fn knows_verbs_in_any_case() {
    for &verb in Verb::ALL {
        let name = verb.as_str();
        let mixed: String = name
            .char_indices()
            .map(|(i, letter)| if i % 2 == 0 { letter.to_ascii_lowercase() } else { letter })
            .collect();
        for spelling in [name.to_owned(), name.to_lowercase(), mixed] {
            assert_eq!(Verb::from_bytes(spelling.as_bytes()), Some(verb));
            let found = parse(&spelling).map_or_else(|error| error.verb(), |command| Some(command.verb()));
            assert_eq!(found, Some(verb), "{spelling}");
            let longer = format!("{spelling}X");
            assert_eq!(Verb::from_bytes(longer.as_bytes()), None);
            assert_eq!(parse(&longer).expect_err(&longer).verb(), None);
        }
    }
    assert_eq!(command("mAiL fRoM:<a@b>"), command("MAIL FROM:<a@b>"));
    assert_eq!(command("rcpt to:<a@b>"), command("RCPT TO:<a@b>"));
    assert_eq!(command("bdat 1 last"), Command::Bdat { size: 1, last: true });
    // The octets that become letters when bit 5 is set.
    for line in ["\rELO x", "MAI\u{c} FROM:<>", "QUI\u{14}", "[ELP"] {
        assert_eq!(refusal(line), (None, 500, (5, 2), "the command is not recognized".to_owned()), "{line:?}");
    }
}

/// LINE-13, R-4.1.1-03: white space at the end is tolerated; elsewhere one space stands between parts.
#[test]
fn tolerates_trailing_white_space() {
    for line in
        ["NOOP", "QUIT", "RSET", "DATA", "STARTTLS", "EHLO a", "MAIL FROM:<a@b>", "RCPT TO:<a@b> X=1", "BDAT 1 LAST"]
    {
        for blanks in [" ", "\t", "   ", " \t "] {
            assert_eq!(command(&format!("{line}{blanks}")), command(line));
        }
    }
    for line in [
        " NOOP",
        "EHLO  a",
        "EHLO\ta",
        "MAIL  FROM:<a@b>",
        "MAIL FROM: <a@b>",
        "MAIL FROM :<a@b>",
        "RCPT TO: <a@b>",
        "RCPT TO :<a@b>",
        "MAIL FROM:<a@b>  SIZE=1",
        "MAIL FROM:<a@b>\tSIZE=1",
        "MAIL FROM:<a@b>SIZE=1",
        "BDAT  1",
        "BDAT 1  LAST",
        "AUTH  PLAIN",
    ] {
        refusal(line);
    }
    assert_eq!(refusal("MAIL FROM: <a@b>").3, "one space stands between the parts of a command and none elsewhere");
}

/// LINE-14, R-4.1.1-07, R-4.1.1.4-19, R-4.1.1.5-08, R-4.1.1.10-09, X-3207-4-01: 501 to an argument that has no place.
#[test]
fn refuses_unexpected_arguments() {
    for verb in ["DATA", "RSET", "QUIT", "TURN", "STARTTLS"] {
        for argument in ["x", "  x", "\"\"", "FROM:<a@b>"] {
            let (found, code, enhanced, reason) = refusal(&format!("{verb} {argument}"));
            assert_eq!(found.map(Verb::as_str), Some(verb));
            assert_eq!((code, enhanced, reason.as_str()), (501, (5, 4), "the command takes no argument"));
        }
    }
}

/// LINE-14, R-4.1.1.1-12, R-4.1.1.2-05, R-4.1.1.3-11, R-4.1.1.6-03, R-4.1.1.7-04: what needs an argument has one.
#[test]
fn misses_arguments() {
    for (line, reason) in [
        ("EHLO", "the name of the client is missing"),
        ("HELO", "the name of the client is missing"),
        ("LHLO", "the name of the client is missing"),
        ("MAIL", "FROM: is missing"),
        ("MAIL ", "FROM: is missing"),
        ("MAIL FRO", "FROM: is missing"),
        ("RCPT", "TO: is missing"),
        ("RCPT T", "TO: is missing"),
        ("VRFY", "the user name is missing"),
        ("EXPN", "the name of the list is missing"),
        ("ETRN", "the node is missing"),
        ("BDAT", "the chunk size is missing"),
        ("AUTH", "the mechanism is missing"),
        ("MAIL FROM:", "a path begins with <"),
        ("RCPT TO:", "a path begins with <"),
    ] {
        let error = parse(line).expect_err(line);
        assert_eq!(
            (error.code().value(), error.to_string().as_str(), error.is_incomplete()),
            (501, reason, true),
            "{line}"
        );
    }
    for line in [
        "MAIL TO:<a@b>",
        "RCPT FROM:<a@b>",
        "MAIL <a@b>",
        "RCPT a@b",
        "MAIL FROM<a@b>",
        "MAIL FROM:a@b",
        "SEND TO:<a@b>",
    ] {
        assert_eq!(refusal(line).1, 501);
    }
}

/// LINE-15, R-4.1.2-31, R-4.1.1.8-05, R-4.1.1.9-04: a `String` is an atom or a complete quoted string.
#[test]
fn refuses_malformed_strings() {
    for verb in ["NOOP", "HELP"] {
        for string in ["abc", "a-b_c", "\"\"", "\"a b\"", "\"a\\\"b\"", "\"\\\\\""] {
            let line = format!("{verb} {string}");
            match command(&line) {
                Command::Noop(Some(found)) | Command::Help(Some(found)) => assert_eq!(found, string),
                other => panic!("{line}: {other:?}"),
            }
        }
        for string in ["a b", "a@b", "a.b", "\"a\"b", "a\"b\"", "\"a\tb\"", "(a)", "\"a\" \"b\""] {
            let (_, code, enhanced, reason) = refusal(&format!("{verb} {string}"));
            assert_eq!((code, enhanced), (501, (5, 2)));
            assert_eq!(reason, "the argument is neither a word nor a complete quoted string", "{string}");
        }
        for beginning in ["\"", "\"a", "\"a ", "\"a\\", "\"a\\\""] {
            assert!(parse(&format!("{verb} {beginning}")).expect_err(beginning).is_incomplete());
        }
    }
    assert_eq!((command("NOOP"), command("HELP")), (Command::Noop(None), Command::Help(None)));
}

/// LINE-15, R-3.5.1-14, R-3.5.1-15: VRFY and EXPN take a `String` and what else is a user name.
#[test]
fn takes_user_names() {
    for name in
        ["Crispin", "Sam.Q.Smith", "\"a b\"", "a@example.org", "\"a b\"@[192.0.2.1]", "<a@example.org>", "<@x:a@b>"]
    {
        assert_eq!(command(&format!("VRFY {name}")), Command::Vrfy(name));
        assert_eq!(command(&format!("EXPN {name}")), Command::Expn(name));
    }
    for name in ["a b", "a@b c", "<a@b> c", "<>", "a..b", "@b", "\"a\"b", "a@-b", "(a)"] {
        assert_eq!(refusal(&format!("VRFY {name}")).1, 501);
        assert_eq!(refusal(&format!("EXPN {name}")).0, Some(Verb::Expn));
    }
    assert_eq!(refusal("VRFY a@-b").3, "a label of the domain begins or ends with a hyphen");
}

/// LINE-16, ADDR-14, R-2.4-11, R-2.4-16, R-2.4-17, R-4.1.2-40: octets that are not text.
#[test]
fn refuses_what_is_not_text() {
    let parse = |line: &[u8], charset| {
        Command::parse(line, &ParseOptions { charset, ..ParseOptions::default() })
            .map(drop)
            .map_err(|error| (error.verb(), error.code().value(), error.is_incomplete()))
    };
    for charset in [Charset::Ascii, Charset::Utf8] {
        // Wrong octets, an overlong form, a surrogate, a value above U+10FFFF.
        for octets in [&b"\xff"[..], b"\xc3(", b"\xc0\xbc", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80"] {
            let line = [b"RCPT TO:<a", octets, b"@b>"].concat();
            assert_eq!(parse(&line, charset), Err((Some(Verb::Rcpt), 501, false)));
            let line = [b"NOOP ", octets].concat();
            assert_eq!(parse(&line, charset), Err((Some(Verb::Noop), 501, false)));
            assert_eq!(parse(octets, charset), Err((None, 500, false)));
            assert_eq!(parse(&[b"QUIT", octets].concat(), charset), Err((None, 500, false)));
        }
    }
    let line = "MAIL FROM:<\u{fc}@b> X=\u{fc}".as_bytes();
    assert_eq!(parse(line, Charset::Ascii), Err((Some(Verb::Mail), 501, false)));
    assert_eq!(parse(line, Charset::Utf8), Ok(()));
    // A character cut short is a beginning where the character is permitted.
    let cut = &line[..12];
    assert_eq!(parse(cut, Charset::Ascii), Err((Some(Verb::Mail), 501, false)));
    assert_eq!(parse(cut, Charset::Utf8), Err((Some(Verb::Mail), 501, true)));
    // Domains of hosts and names of mechanisms stay ASCII (X-6531-3.7.1-01).
    for line in ["EHLO \u{fc}", "HELO \u{fc}", "ETRN \u{fc}", "AUTH \u{fc}", "EHLO [192.0.2.1] \u{fc}"] {
        assert!(parse(line.as_bytes(), Charset::Utf8).is_err(), "{line}");
    }
    assert_eq!(parse("VRFY \u{fc}".as_bytes(), Charset::Utf8), Ok(()));
}

/// R-4.2.4-02, LINE-11: an unknown verb is 500, the beginning of a known one is incomplete besides.
#[test]
fn tells_unknown_verbs_from_known_ones() {
    for line in ["XYZZY", "GET / HTTP/1.1", "EHLOX", "MAILFROM:<a@b>", "MAIL:", "QUIT\0", "Subject: x", "STARTTL S"] {
        assert_eq!(refusal(line), (None, 500, (5, 2), "the command is not recognized".to_owned()));
    }
    for line in ["", "M", "mai", "STAR", "starttl", "E"] {
        let error = parse(line).expect_err(line);
        assert_eq!((error.verb(), error.code().value(), error.is_incomplete()), (None, 500, true), "{line}");
    }
}

/// R-4.1.1.1-03, R-4.1.1.1-12, R-4.1.1.1-13, X-2033-4.1-01
#[test]
fn parses_the_names_of_clients() {
    let host = |text| Host::parse(text, Charset::Ascii).expect(text);
    assert_eq!(command("EHLO client.example.org"), Command::Ehlo(host("client.example.org")));
    assert_eq!(command("HELO client"), Command::Helo(host("client")));
    assert_eq!(command("LHLO client"), Command::Lhlo(host("client")));
    assert_eq!(command("EHLO [IPv6:::1]"), Command::Ehlo(host("[IPv6:::1]")));
    assert_eq!(command("HELO [192.0.2.1]"), Command::Helo(host("[192.0.2.1]")));
    assert_eq!(command("EHLO [192.0.2.1] some machine"), Command::Ehlo(host("[192.0.2.1]")));
    for (line, reason) in [
        ("EHLO client machine", "the domain has a character other than letters, digits, hyphens and dots"),
        ("EHLO my_host", "the domain has a character other than letters, digits, hyphens and dots"),
        ("EHLO a..b", "the domain begins or ends with a dot or has two dots in a row"),
        ("EHLO 192.0.2.1]", "the domain has a character other than letters, digits, hyphens and dots"),
        ("EHLO [192.0.2.1]x", "something follows the address literal"),
        ("EHLO [192.0.2.999]", "the IPv4 address is not four numbers from 0 to 255 with dots between them"),
        ("EHLO [::1]", "an IPv6 address literal begins with the tag IPv6:"),
        ("EHLO [192.0.2.1] a\u{7}b", "the command has an octet that is not text in the permitted character set"),
    ] {
        let (_, code, _, found) = refusal(line);
        assert_eq!((code, found.as_str()), (501, reason), "{line}");
    }
}

/// R-4.1.1.2-05, R-4.1.1.3-11: paths, and the enhanced code that says whose address is wrong.
#[test]
fn parses_mail_and_rcpt() {
    assert_eq!(mail("MAIL FROM:<>").0, ReversePath::Null);
    let path = Path::parse("<@r:a@b>", Charset::Ascii).expect("a path");
    assert_eq!(mail("MAIL FROM:<@r:a@b>").0, ReversePath::Path(path));
    let Command::Rcpt { forward_path, parameters } = command("RCPT TO:<postMaster> NOTIFY=NEVER") else {
        panic!("RCPT")
    };
    assert_eq!(forward_path, ForwardPath::Postmaster("postMaster"));
    assert_eq!(parameters.as_str(), "NOTIFY=NEVER");
    for verb in ["MAIL", "SEND", "SOML", "SAML"] {
        assert_eq!(command(&format!("{verb} FROM:<a@b>")).verb().as_str(), verb);
        let (_, code, enhanced, reason) = refusal(&format!("{verb} FROM:<@b>"));
        assert_eq!((code, enhanced), (501, (1, 7)));
        assert!(!reason.is_empty());
    }
    assert_eq!(
        refusal("RCPT TO:<.a@b>"),
        (Some(Verb::Rcpt), 501, (1, 3), "the local part begins or ends with a dot or has two dots in a row".to_owned())
    );
    assert_eq!(refusal("RCPT TO:<>").3, "a forward-path is not empty");
    assert_eq!(refusal("RCPT TO:<a@b>x").3, "something follows the path");
    assert_eq!(refusal("RCPT TO:<a@b> <c@d>").3, "the keyword of a parameter is not letters, digits and hyphens");
}

/// ADDR-16, R-4.1.2-09 to R-4.1.2-13: the grammar of parameters.
#[test]
fn parses_parameters() {
    let (_, parameters) = mail("MAIL FROM:<a@b> SIZE=1 X-y-0 0=!<>~ SMTPUTF8");
    let found: Vec<_> = parameters.iter().map(|parameter| (parameter.keyword, parameter.value)).collect();
    assert_eq!(found, [("SIZE", Some("1")), ("X-y-0", None), ("0", Some("!<>~")), ("SMTPUTF8", None)]);
    assert_eq!(parameters.as_str(), "SIZE=1 X-y-0 0=!<>~ SMTPUTF8");
    assert_eq!(parameters.find("smtputf8").map(|parameter| parameter.keyword), Some("SMTPUTF8"));
    assert!(mail("MAIL FROM:<a@b>").1.is_empty() && mail("MAIL FROM:<a@b>").1.iter().next().is_none());
    let keyword = "the keyword of a parameter is not letters, digits and hyphens";
    let value = "the value of a parameter is empty or has a character that may not stand in it";
    for (parameters, reason) in [
        ("-a", keyword),
        ("=1", keyword),
        ("a_b", keyword),
        ("a:b", keyword),
        ("a=b=c", value),
        ("a== b", value),
        ("a= b=1", value),
        ("a=\u{7f}", value),
        ("a=\u{1}", value),
        ("a=\u{fc}", value),
        ("a  b", "one space stands between the parts of a command and none elsewhere"),
        ("a=1 A=2 b", "a parameter is given twice"),
        ("SIZE=1 BODY=7BIT size=1 x", "a parameter is given twice"),
        ("a A=1", "a parameter is given twice"),
    ] {
        for line in [format!("MAIL FROM:<> {parameters}"), format!("RCPT TO:<a@b> {parameters}")] {
            let found = parse(&line).expect_err(&line);
            assert_eq!((found.code().value(), found.to_string().as_str()), (501, reason), "{line:?}");
        }
    }
    for beginning in ["a=", "a b=", "AB AB", "a=1 b=2 a"] {
        assert!(parse(&format!("MAIL FROM:<> {beginning}")).expect_err(beginning).is_incomplete());
    }
    for wrong in ["AB AB=1", "a=1 b=2 a=3", "a b= "] {
        assert!(!parse(&format!("MAIL FROM:<> {wrong}")).expect_err(wrong).is_incomplete(), "{wrong}");
    }
}

/// ADDR-16: as many parameters as were allowed, not one more.
#[test]
fn counts_parameters() {
    let line = |count| {
        let parameters: String = (0..count).map(|i| format!(" k{i}=v")).collect();
        format!("MAIL FROM:<>{parameters}")
    };
    assert_eq!(mail(&line(16)).1.iter().count(), 16);
    let error = parse(&line(17)).expect_err("one too many");
    assert_eq!(
        (error.code().value(), (error.detail().subject(), error.detail().detail()), error.to_string().as_str()),
        (501, (5, 4), "there are too many parameters")
    );
    let none = ParseOptions { max_parameters: 0, ..ParseOptions::default() };
    assert!(Command::parse(line(0).as_bytes(), &none).is_ok());
    assert!(Command::parse(line(1).as_bytes(), &none).is_err());
}

/// NUM-01, X-1870-3-03, X-1870-6-02: SIZE is 1 to 20 digits and never wraps.
#[test]
fn reads_sizes() {
    let size = |value: &str| mail(&format!("MAIL FROM:<> {value}")).1.size();
    assert_eq!(size("BODY=7BIT"), Ok(None));
    assert_eq!(size("SIZE=0"), Ok(Some(0)));
    assert_eq!(size("size=00000000000000000007"), Ok(Some(7)));
    assert_eq!(size("SIZE=18446744073709551615"), Ok(Some(u64::MAX)));
    for value in ["SIZE=18446744073709551616", "SIZE=99999999999999999999"] {
        assert_eq!(size(value), Err(ParameterError::SizeTooLarge));
    }
    for value in ["SIZE", "SIZE=+1", "SIZE=-1", "SIZE=1x", "SIZE=0x10", "SIZE=000000000000000000007", "SIZE=1.0"] {
        assert_eq!(size(value), Err(ParameterError::Size), "{value}");
    }
}

/// X-6152-2-02, X-3030-3-03
#[test]
fn reads_body_kinds() {
    let body = |value: &str| mail(&format!("MAIL FROM:<> {value}")).1.body();
    assert_eq!(body("SIZE=1"), Ok(None));
    for &kind in BodyKind::ALL {
        assert_eq!(body(&format!("BODY={}", kind.as_str())), Ok(Some(kind)));
        assert_eq!(body(&format!("body={}", kind.as_str().to_lowercase())), Ok(Some(kind)));
    }
    for value in ["BODY", "BODY=8BIT", "BODY=BINARY"] {
        assert_eq!(body(value), Err(ParameterError::Body));
    }
}

/// BDAT-02, BDAT-03, X-3030-2-02, X-3030-2-06: sizes are digits and nothing else, and never wrap.
#[test]
fn parses_bdat() {
    for (line, size, last) in [
        ("BDAT 0", 0, false),
        ("BDAT 0 LAST", 0, true),
        ("bdat 86 Last", 86, true),
        ("BDAT 2147483648", 1 << 31, false),
        ("BDAT 4294967302", (1 << 32) + 6, false),
        ("BDAT 9223372036854775808", 1 << 63, false),
        ("BDAT 18446744073709551615 LAST", u64::MAX, true),
        ("BDAT 000000000000000000000000000001", 1, false),
    ] {
        assert_eq!(command(line), Command::Bdat { size, last });
    }
    let size = "the chunk size is not a decimal number of 64 bits";
    for (argument, reason) in [
        ("18446744073709551616", size),
        ("99999999999999999999999", size),
        ("-1", size),
        ("+1", size),
        ("0x10", size),
        ("1.0", size),
        ("1e3", size),
        ("\u{661}", size),
        ("LAST", size),
        ("1\tLAST", size),
        ("1,LAST", size),
        ("1 LASTLY", "only LAST may follow the chunk size"),
        ("1 FIRST", "only LAST may follow the chunk size"),
        ("1 2", "only LAST may follow the chunk size"),
        ("1 LAST LAST", "only LAST may follow the chunk size"),
    ] {
        let (verb, code, enhanced, found) = refusal(&format!("BDAT {argument}"));
        assert_eq!((verb, code, enhanced, found.as_str()), (Some(Verb::Bdat), 501, (5, 4), reason), "{argument}");
    }
}

/// RFC 1985 §5
#[test]
fn parses_etrn() {
    for node in ["example.org", "@example.org", "#uucp", "#a/b"] {
        assert_eq!(command(&format!("ETRN {node}")), Command::Etrn(node));
    }
    for node in ["-a", "a b", "@@a", "#a b", "a..b", "#a\u{7f}", "[192.0.2.1]"] {
        assert_eq!(refusal(&format!("ETRN {node}")).1, 501, "{node}");
    }
    for beginning in ["@", "#", "a."] {
        assert!(parse(&format!("ETRN {beginning}")).expect_err(beginning).is_incomplete());
    }
}

/// SASL-02, SASL-08, X-4954-4-01, X-4954-4-18, X-4954-4-19, X-4954-8-01, X-4954-8-02, X-4954-8-04
#[test]
fn parses_auth() {
    let parts = |line: &'static str| match command(line) {
        Command::Auth { mechanism, initial_response } => {
            (mechanism, initial_response.map(|response| response.as_str()))
        }
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(parts("AUTH PLAIN"), ("PLAIN", None));
    assert_eq!(parts("auth plain ="), ("plain", Some("=")));
    assert_eq!(parts("AUTH SCRAM-SHA-256 biws"), ("SCRAM-SHA-256", Some("biws")));
    assert_eq!(parts("AUTH X_1 AA=="), ("X_1", Some("AA==")));
    assert_eq!(parts("AUTH X AAA="), ("X", Some("AAA=")));
    assert_eq!(parts("AUTH X AAAA+/=="), ("X", Some("AAAA+/==")));
    for argument in [
        "X =AAA",
        "X AAA=BBB",
        "X ==",
        "X A===",
        "X A=",
        "X AA===",
        "X AAAA=",
        "X AA=A",
        "X AAAA AAAA",
        "X AA\tAA",
        "X A-_A",
        "X *",
        "X \u{fc}",
        "PL.AIN",
        "X=",
        "ABCDEFGHIJKLMNOPQRSTU",
    ] {
        let (verb, code, enhanced, _) = refusal(&format!("AUTH {argument}"));
        // RFC 4954 §4 has 5.5.2 for what is no base64.
        let detail = if matches!(argument, "PL.AIN" | "X=" | "ABCDEFGHIJKLMNOPQRSTU") { 4 } else { 2 };
        assert_eq!((verb, code, enhanced), (Some(Verb::Auth), 501, (5, detail)), "{argument}");
    }
    for beginning in ["X A", "X AA", "X AAA", "X AA=", "X AAAAA", "X AAAAAA="] {
        assert!(parse(&format!("AUTH {beginning}")).expect_err(beginning).is_incomplete());
    }
}

/// SASL-16, rule 43: what a client authenticates with shows in no `Debug` and in no error.
#[test]
fn hides_initial_responses() {
    let shown = format!("{:?}", command("AUTH PLAIN AHVzZXIAcGFzcw=="));
    assert!(shown.contains("PLAIN") && !shown.contains("AHVz"), "{shown}");
    let error = parse("AUTH PLAIN AHVzZXIAcGFzcw=").expect_err("cut short");
    assert!(!format!("{error:?} {error}").contains("AHVz"));
}

/// ADDR-19, ADDR-20, rule 20: no text that a caller puts in a command makes another line of it.
#[test]
fn encodes_nothing_but_one_command() {
    let mailbox = Mailbox::parse("a@b\u{fc}", Charset::Utf8).expect("a mailbox");
    let host = Host::parse(mailbox.domain(), Charset::Utf8).expect("a host");
    for command in [
        Command::Vrfy("a\r\nRSET"),
        Command::Vrfy(""),
        Command::Vrfy("a "),
        Command::Expn("a\nb"),
        Command::Help(Some("a b")),
        Command::Help(Some("")),
        Command::Noop(Some("\0")),
        Command::Noop(Some("a\t")),
        Command::Etrn("x y"),
        Command::Auth { mechanism: "PLAIN AAAA", initial_response: None },
        Command::Auth { mechanism: "", initial_response: None },
        Command::Rcpt { forward_path: ForwardPath::Postmaster("postmaster>\r\nRSET"), parameters: Default::default() },
        Command::Rcpt { forward_path: ForwardPath::Postmaster("a@b"), parameters: Default::default() },
        // The name of a client is ASCII.
        Command::Ehlo(host),
    ] {
        let mut out = b"NOOP\r\n".to_vec();
        let error = command.encode(&mut out).expect_err("not a command");
        assert_eq!(out, b"NOOP\r\n", "{command:?}");
        assert_eq!((error.verb(), error.is_incomplete()), (Some(command.verb()), false));
    }
    let mut out = Vec::new();
    command("rcpt to:<@a:\"b c\"@d> X=1 y").encode(&mut out).expect("a command");
    assert_eq!(out, b"RCPT TO:<@a:\"b c\"@d> X=1 y\r\n");
}

/// Results travel by value through the server: they are to stay a few words.
#[test]
fn stays_small() {
    assert!(size_of::<Result<Command<'_>, CommandError>>() <= 72);
    assert!(size_of::<CommandError>() <= 32);
}
